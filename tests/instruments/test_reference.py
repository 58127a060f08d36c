"""The reference: complete, deterministic, equal to what is committed, and true of a user's own op."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import evidence, reference
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.functional import creation, likes
from tinygrad_edu.reference import compositions, curves, describe, examples, namesakes
from tinygrad_edu.source import source_of

ROOT = Path(__file__).resolve().parents[2]
OURS = [op for op in REGISTRY.values() if reference._module_of(op) is not None]


def meaning(function):
    """What identifies a lambda among its neighbours, whatever the compiler folded: names and constants."""
    code = function.__code__
    return code.co_names, code.co_varnames, [c for c in code.co_consts if isinstance(c, (int, float, str))]


@pytest.fixture(scope="module")
def pages():
    return reference.pages()


def test_the_committed_pages_are_current():
    assert reference.differences(Path(__file__).parents[2] / "docs" / "reference") == []


def test_every_op_has_one_section_and_one_row(pages):
    sections = [
        name
        for page, text in pages.items()
        if page != compositions.FILE
        for name in re.findall(r"^## (\w+)$", text, re.M)
    ]
    assert sorted(sections) == sorted(op.name for op in OURS)
    for op in OURS:
        assert pages["README.md"].count(f"[{op.name}](") == 1


def test_links_lead_to_sections(pages):
    for text in pages.values():
        for page, anchor in re.findall(r"\]\((\w+\.md)#(\w+)\)", text):
            headings = re.findall(r"^###? (.+)$", pages[page], re.M)
            assert anchor in [re.sub(r"[^\w-]", "", h.lower()) for h in headings]


def test_every_composition_has_one_section_and_one_row(pages):
    """Of what `te` computes with: what is no lifted op, bears no op's name, and makes no new tensor."""
    makes = [inspect.unwrap(f) for f in (*vars(creation).values(), *vars(likes).values()) if callable(f)]
    makes.append(te.numpy_key)
    wanted = {
        name
        for name in te.functional.__all__
        if name not in REGISTRY
        and not hasattr(getattr(te, name), "op")
        and inspect.unwrap(getattr(te, name)) not in makes
    }
    assert wanted - set(compositions.names()) == set()
    sections = re.findall(r"^### te\.(\w+)$", pages[compositions.FILE], re.M)
    assert sorted(sections) == sorted(compositions.names())
    for name in compositions.names():
        assert pages["README.md"].count(f"[te.{name}](") == 1


def test_examples_compute(pages):
    """Every op of ours and every composition shows numbers; they are those of this machine, too."""
    for op in OURS:
        assert re.search(r"^```pycon\n(?:>>> .*\n)+(?!>>>).+\n", describe(op), re.M), (
            f"{op.name} has no example; write one in tinygrad_edu/reference/examples.py"
        )
    ran = 0
    for text in pages.values():
        for block in re.findall(r"^```pycon\n(.*?)^```", text, re.M | re.S):
            statements = "\n".join(line[4:] for line in block.splitlines() if line.startswith(">>> "))
            assert examples.session(statements) == block.splitlines()
            ran += 1
    assert ran == len(OURS) + len(compositions.names())


def test_an_example_that_another_machine_may_round_otherwise_is_refused():
    assert examples.session("te.tensor([0.5, 1 / 3, 10.0])")[1] == "tensor([ 0.5   ,  0.3333, 10.    ])"
    for number in ("[0.12345]", "0.12345"):
        with pytest.raises(ValueError, match="either way"):
            examples.session(f"te.tensor({number})")


def test_a_composition_is_made_of_what_runs():
    ops = compositions.made_of("l1", "y = te.exp([1.0])\nte.l1(y, [1.0], reduction='none')")
    assert ops == ["abs", "sub"]


def test_pictures_are_those_of_the_pages(pages):
    drawn = {name for name in pages if name.endswith(".svg")}
    shown = set(re.findall(r"!\[[^\]]+\]\((curves/\w+\.svg)\)", "".join(pages.values())))
    assert drawn == shown and len(drawn) > 50
    for name in drawn:
        picture = ElementTree.fromstring(pages[name])
        assert picture.get("role") == "img" and len(picture.get("aria-label").split()) > 8
        lines = [p for p in picture.iter("{http://www.w3.org/2000/svg}path") if p.get("stroke-width")]
        assert {p.get("class") for p in lines} == {"value-line", "slope-line"}
        assert all((p.get("class") == "slope-line") == bool(p.get("stroke-dasharray")) for p in lines)
        assert "prefers-color-scheme:dark" in pages[name] and "nan" not in pages[name]


def test_a_curve_goes_where_the_function_goes():
    x, y, slope = curves.sample(REGISTRY["tanh"])
    np.testing.assert_allclose(y, np.tanh(x))
    np.testing.assert_allclose(slope, 1 - np.tanh(x) ** 2)
    assert (
        curves.alt(REGISTRY["exp"]) == "exp(x) for x from -4 to 4 rises from 0.018 to above 4; "
        "its slope, dashed, rises from 0.018 to above 4"
    )
    assert curves.sample(REGISTRY["log"])[0].min() > 0
    assert "is 0 everywhere" in curves.alt(REGISTRY["floor"])
    assert len(list(curves._segments(*curves.sample(REGISTRY["sign"])[:2], -2, 2))) == 2  # a jump is no line


CALLED = [*(op.name for op in OURS), *compositions.names()]


def test_namesakes_exist_in_numpy():
    there = {name: namesakes.namesakes(name)[0] for name in CALLED}
    assert [name for name, theirs in there.items() if theirs and found(np, theirs) is None] == []
    assert not set(namesakes.NAMESAKES) - set(CALLED) - set(te.functional.__all__)
    assert namesakes.sentence("fmod") == "Elsewhere: `numpy.fmod`, `torch.fmod`."
    assert namesakes.sentence("bell") == ""


def test_the_table_of_namesakes_says_only_what_a_name_does_not():
    assert [name for name, said in namesakes.NAMESAKES.items() if said == namesakes.by_name(name)] == []


@pytest.mark.oracle
def test_namesakes_exist_in_pytorch():
    import torch
    import torch.nn.grad

    there = {name: namesakes.namesakes(name)[1] for name in CALLED}
    assert [name for name, theirs in there.items() if theirs and found(torch, theirs) is None] == []
    done = subprocess.run([sys.executable, "tools/pytorch_names.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "the names of PyTorch have changed: python tools/pytorch_names.py"


def found(package, name):
    """The attribute of a dotted name, None if there is none."""
    for part in name.split("."):
        package = getattr(package, part, None)
    return package


def test_pages_are_deterministic_and_hold_no_addresses(pages):
    assert reference.pages() == pages
    assert not any(re.search(r"0x[0-9a-f]{6,}| object at |not available", text) for text in pages.values())


def test_tables_are_rectangular(pages):
    for text in pages.values():
        for table in re.findall(r"(?:^\|.*\|\n)+", text, re.M):
            assert len({len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()}) == 1, table


@pytest.mark.parametrize("op", [op for op in OURS if op.differentiable], ids=lambda op: op.name)
def test_the_rules_shown_are_the_rules(op):
    for rule in filter(None, (*op.vjps, op.joint)):
        text = source_of(rule)
        namespace = dict(rule.__globals__)
        shown = eval(text, namespace) if text.startswith("lambda") else None
        if shown is not None:
            assert meaning(shown) == meaning(rule)
        else:
            assert text.startswith(f"def {rule.__name__}(")


def test_check_passes_on_what_was_written_and_fails_on_a_change(tmp_path, capsys):
    assert reference.main(["--out", str(tmp_path)]) == 0
    assert reference.main(["--check", "--out", str(tmp_path)]) == 0
    page = tmp_path / "elementwise.md"
    page.write_text(page.read_text(encoding="utf-8").replace("## exp\n", "## expo\n"), encoding="utf-8")
    capsys.readouterr()
    assert reference.main(["--check", "--out", str(tmp_path)]) == 1
    said = capsys.readouterr()
    assert "-## expo" in said.out and "+## exp" in said.out and "python -m tinygrad_edu.reference" in said.err


def test_check_sees_missing_and_stale_pages_and_writing_removes_them(tmp_path):
    reference.write(tmp_path)
    (tmp_path / "reduce.md").unlink()
    (tmp_path / "gone.md").write_text("# an ops file that is gone\n", encoding="utf-8")
    lines = reference.differences(tmp_path)
    assert any("reduce.md" in line for line in lines) and any("gone.md" in line for line in lines)
    reference.write(tmp_path)
    assert reference.differences(tmp_path) == [] and not (tmp_path / "gone.md").exists()


def test_an_op_of_the_user_is_documented():
    cube = te.Op(
        "cube_for_reference",
        lambda x, *, scale=2.0: scale * x**3,
        (lambda g, x, scale: g * x * x * (3.0 * scale),),
        domain=te.Interval(-1, 1, avoid=(0.5,)),
        math="s x^3",
        doc="A cube.",
        edges=(te.edge(x=0.0, out=0.0, slope=0.0, why="flat"),),
        register=False,
    )
    text = reference.describe(cube)
    for said in (
        "## cube_for_reference",
        "$s x^3$",
        "A cube.",
        r"[-1, 1] \ {0.5}",
        "default `2`",
        "| flat |",
        "lambda g, x, scale: g * x * x * (3.0 * scale)",
        "Saves for backward: `x`.",
    ):
        assert said in text
    assert "curves/" not in text, "the picture of a user's op is nowhere"


def test_an_op_without_source_is_documented_too():
    rules = eval("(lambda g, y: g * y, lambda g, x: g * x)")
    text = reference.describe(te.Op("product_for_reference", np.multiply, rules, register=False))
    assert "the source is not available" in text
    assert "| `x` | `y` |" in text and "| `x`, `y` | `x`, `y` |" in text


def test_two_lambdas_on_a_line_are_told_apart():
    first, second = lambda g, x: g * x, lambda g, x: (g + x)  # fmt: skip
    assert source_of(first) == "lambda g, x: g * x" and source_of(second).startswith("lambda g, x: (g + x")


@pytest.mark.parametrize("op", OURS, ids=lambda op: op.name)
def test_every_op_says_what_stands_behind_it(op):
    said = reference.describe(op)
    assert said.count("\nKernel: ") == 1 and "runs on the cpu" not in said
    assert said.count("\nProven to order 2: on 20 drawn calls, ") == op.differentiable
    assert "Not proven" not in said
    for family in re.findall(r"\.\./kernels/(\w+)\.md", evidence.kernel(op)):
        assert (Path(__file__).parents[2] / "docs" / "kernels" / f"{family}.md").exists()


def test_a_wrong_rule_is_not_called_proven():
    wrong = te.Op("wrong_for_reference", np.square, (lambda g, x: 3.0 * g * x,), math="x^2", register=False)
    second = te.Op(
        "constant_for_reference",
        np.square,
        (lambda g, x: g * te.tensor(2.0 * np.asarray(x)),),
        register=False,
    )
    for op in (wrong, second):
        assert "**Not proven**: " in reference.describe(op) and "Proven" not in reference.describe(op)
    assert "none; it runs on the cpu" in evidence.kernel(wrong)


def test_the_weaker_method_is_named():
    tilted = te.Op("tilted_for_reference", lambda x: np.real(x) * 2.0, (lambda g: g * 2.0,), register=False)
    assert "1e-06 of central differences" in evidence.proof(tilted)
    both = "gradients and their gradients are within 1e-10 of the complex step"
    assert both in evidence.proof(REGISTRY["exp"])
