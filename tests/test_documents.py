"""What the documents say is run: Python blocks execute, paths exist, numbers were measured."""

from __future__ import annotations

import fnmatch
import importlib.util
import re
import shlex
import shutil
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

import tinygrad_edu as te
from benchmarks import report
from tests.cli.commands import command, flowers
from tinygrad_edu import distributed, sklearn
from tinygrad_edu.engine.op import REGISTRY

ROOT = Path(__file__).parent.parent
# A block that begins with `# name.py` is a script of PyCUDA: tests/simulator/test_readme.py runs those.
BLOCKS = [
    block
    for document in ("README.md", "docs/howto/scikit-learn.md")
    for block in re.findall(
        r"^```python\n(?!# \w+\.py$)(.*?)^```", (ROOT / document).read_text(), re.M | re.S
    )
]
SIMULATOR = "tinygrad_edu/simulator/README.md"
DOCS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "kernels/README.md", "examples/README.md",
             SIMULATOR, *DOCS)  # fmt: skip
# Which test runs the Python blocks of a document. Cells, `{code-cell}`, are run by `make docs`.
RUN_BY = {
    "README.md": "test_readme_blocks_run, tests/simulator/test_readme.py",
    "CONTRIBUTING.md": "tests/test_promises.py",
    "kernels/README.md": "test_the_ways_to_try_a_kernel_run, tests/kernels/test_pages.py",
    "docs/coming-from.md": "tests/words/test_coming_from.py",
    "docs/howto/scikit-learn.md": "test_readme_blocks_run",
    "docs/howto/to-a-cluster.md": "tests/distributed/mpi/test_howto.py",
    "docs/kernels/*.md": "tests/kernels/test_pages.py",
    "docs/quickstart.md": "tests/simulator/test_readme.py",
    "docs/reference/*.md": "tests/instruments/test_reference.py",
    SIMULATOR: "tests/simulator/test_readme.py",
}
DECISIONS = sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "design").glob("*.md"))


@pytest.fixture
def registry():
    """Ops that a block declares are forgotten after it."""
    before = dict(REGISTRY)
    yield
    REGISTRY.clear()
    REGISTRY.update(before)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: b.splitlines()[0])
def test_readme_blocks_run(block, registry, capsys):
    te.manual_seed(0)
    # no name of a file: hypothesis would look for the source of the test at that line of the README
    exec(compile(block, "<README.md>", "exec"), {"__name__": "readme"})
    said = capsys.readouterr().out
    if "held out:" in said:
        assert float(said.split()[-1]) >= 0.95


def test_the_commands_of_the_readme_run(tmp_path):
    """In its order; the files of one's own are written where it says so."""
    section = (ROOT / "README.md").read_text().partition("## Two commands")[2].partition("\n## ")[0]
    quick_start = (ROOT / "docs/quickstart.md").read_text()
    before, _, after = section.partition("with files of your own")
    ran = []
    for part in (before, after):
        for line in re.findall(r"^tinygrad-edu (.*)$", part, re.M):
            done = command(*shlex.split(line, comments=True), cwd=tmp_path)
            assert done.returncode == 0, f"{line}\n{done.stderr}"
            ran.append(line.split()[0])
        flowers(tmp_path / "my.csv")
        program = re.search(r"^```python\n(# mymodule\.py\n.*?)^```", quick_start, re.M | re.S)
        (tmp_path / "mymodule.py").write_text(program[1])
    assert set(ran) == {"train", "predict", "gradcheck", "graph", "info"}
    assert (tmp_path / "graph.svg").exists()


def test_the_ways_to_try_a_kernel_run(tmp_path, monkeypatch):
    shutil.copytree(ROOT / "kernels", tmp_path / "my_kernels")
    monkeypatch.chdir(tmp_path)
    section = (ROOT / "kernels/README.md").read_text().partition("## Trying things")[2].partition("\n## ")[0]
    (block,) = re.findall(r"^```python\n(.*?)^```", section, re.M | re.S)
    exec(compile(block, "kernels/README.md", "exec"), {"__name__": "trying"})


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_python_block_is_run_by_somebody(document):
    """A page has cells that `make docs` executes, or blocks that a test named here runs; both only where the
    blocks are programs for other libraries."""
    text = (ROOT / document).read_text()
    cells = bool(re.search(r"^```\{code-cell\}", text, re.M))
    blocks = bool(re.search(r"^ *```(python|py|pycon)\n", text, re.M))
    assert cells == text.startswith("---\nfile_format: mystnb\n"), "only a page with that head is executed"
    if blocks:
        assert not cells or document == "docs/coming-from.md", "make its blocks cells"
        assert any(fnmatch.fnmatch(document, pattern) for pattern in RUN_BY), "nobody runs its blocks"


@pytest.fixture(scope="module")
def repository():
    """What the site makes of links, without Sphinx."""
    spec = importlib.util.spec_from_file_location("repository", ROOT / "docs/_extensions/repository.py")
    module = sys.modules["repository"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document, repository):
    path, wrong = ROOT / document, []
    text = path.read_text()
    repository.relinked(text, path.parent, path, {}, wrong.append)
    assert not wrong
    for role in repository.ROLE.findall(text):
        explicit = re.search(r"<([^<>].*)>$", role)
        repository.place(explicit[1] if explicit else role)
    for name in repository.INCLUDE.findall(text):
        assert (path.parent / name).exists()


PACKAGES = [te, te.special, te.nn, te.optim, te.data, te.graph, te.viz, te.check, te.testing, te.metrics,
            te.training, te.interop, te.interop.onnx, te.array_api, te.array_api.linalg,
            te.array_api.fft]  # fmt: skip


@pytest.mark.parametrize("package", [*PACKAGES, sklearn, distributed])
def test_every_public_name_has_its_place_in_the_reference(package):
    """By the modules that the pages of docs/api name; ops have a reference of their own."""
    named = set(re.findall(r"auto\w+:: (\S+)", "".join((ROOT / d).read_text() for d in DOCS if "/api/" in d)))
    missing = []
    for name in getattr(package, "__all__", ()):
        value = getattr(package, name)
        home = getattr(value, "__module__", None)
        if callable(value) and getattr(value, "op", None) is None and not isinstance(value, np.dtype | te.Op):
            there = {package.__name__, home, f"{home}.{getattr(value, '__name__', '')}"}
            missing += [name] if there.isdisjoint(named) else []
    assert missing == []


def test_every_decision_is_listed():
    listed = (ROOT / "docs" / "README.md").read_text()
    assert [d for d in DECISIONS if f"]({d.removeprefix('docs/')})" not in listed] == []


def test_every_page_of_the_lecture_is_listed_and_links_its_script():
    listed = (ROOT / "docs" / "lecture" / "index.md").read_text()
    for page in (ROOT / "docs" / "lecture").glob("[0-9]*.md"):
        assert f"]({page.name})" in listed
        text = page.read_text()
        scripts = set(re.findall(r'(?:run|load)\("(\w+)"\)', text))
        assert all(f"](../../examples/lecture/{script}.py)" in text for script in scripts)


def test_the_simulators_map_names_what_is_there():
    house = (ROOT / SIMULATOR).read_text().split("## Where to find what")[1].split("\n## ")[0]
    for path in re.findall(r"`([a-z_/]+(?:/|\.py))`", house):
        assert (ROOT / SIMULATOR).parent.joinpath(path).exists() or (ROOT / path).exists(), path
    for name in re.findall(r"`([a-z_]+\.h)`", house):
        assert any((ROOT / SIMULATOR).parent.rglob(name)), name


def test_the_map_names_what_is_there():
    house = (ROOT / "docs/howto/find-your-way.md").read_text()
    for path in re.findall(r"`([a-z_]+(?:/|\.py))`", house):
        assert (ROOT / "tinygrad_edu" / path).exists() or (ROOT / path).exists(), path


def test_numbers_were_measured():
    block = re.compile(r"<!-- bench:(\w+) -->(.*?)<!-- /bench:\1 -->", re.S)
    measured = [found for document in DOCUMENTS for found in block.findall((ROOT / document).read_text())]
    for name, block in measured:
        assert "| --- |" in block and "Measured on" in block, f"run the benchmark that writes {name}"
    names = [name for name, _ in measured]
    assert {"mlp", "startup", "accuracy", "estimators", "newcomer", "simulator", "proofs"} <= set(names)
    assert len(names) == len(set(names)), "a table stands in two documents; its benchmark rewrites one"


def test_a_table_is_rewritten_where_it_stands(tmp_path, monkeypatch):
    """A benchmark may name the README for a table that has moved to a page of docs/."""
    monkeypatch.setattr(report, "ROOT", tmp_path)
    (tmp_path / "docs").mkdir()
    readme, page, results = tmp_path / "README.md", tmp_path / "docs" / "measured.md", tmp_path / "new.md"
    readme.write_text("# Title\n")
    page.write_text("before\n<!-- bench:mlp -->\nold\n<!-- /bench:mlp -->\nafter\n")
    for path in (readme, results):
        report.rewrite(path, "mlp", "new")
    assert readme.read_text() == "# Title\n"
    assert page.read_text() == "before\n<!-- bench:mlp -->\nnew\n<!-- /bench:mlp -->\nafter\n"
    assert results.read_text() == "<!-- bench:mlp -->\nnew\n<!-- /bench:mlp -->\n"


def test_the_readme_fits_a_sitting():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 150


def test_readme_and_front_page_have_the_same_six_doors(repository):
    """The same words, leading to the same pages, whichever file a reader begins with."""
    front, found = ROOT / "docs" / "index.md", []
    for path in (ROOT / "README.md", front):
        text = repository.relinked(path.read_text(), path.parent, front, repository.included(), pytest.fail)
        found.append(re.findall(r"^- \*\*\[(.+?)\]\((.+?)\)\*\*", text, re.M))
    assert len(found[0]) == 6 and found[0] == found[1]


def test_the_picture_of_the_race_says_what_the_readme_says():
    picture = ElementTree.parse(ROOT / "docs" / "images" / "race.svg")
    drawn = [element.text for element in picture.iter("{http://www.w3.org/2000/svg}text")]
    shown = re.search(r"^```text\n(reverse\.py.*?)^```", (ROOT / "README.md").read_text(), re.M | re.S)
    assert drawn == ["$ tinygrad-edu simulate --check reverse.py", *shown[1].splitlines()]


@pytest.mark.parametrize("document", ["README.md", *(d for d in DOCS if "/lecture/" not in d)])
def test_pictures_are_told_in_words(document):
    """To those who do not see them: what is seen, not what the file is called."""
    for words in re.findall(r"!\[((?:[^\[\]]|\[[^\]]*\])*)\]\(", (ROOT / document).read_text()):
        assert len(words.split()) >= 5, f"an alt text of {document} says only {words!r}"


@pytest.mark.parametrize("document", [d for d in DOCS if "/lecture/" not in d])
def test_pictures_that_cells_draw_are_told_in_words(document):
    for cell in re.findall(r"^```\{code-cell\}\n(.*?)^```", (ROOT / document).read_text(), re.M | re.S):
        if cell.splitlines()[-1].startswith("te.viz."):
            alt = re.search(r"^    alt: (.+)$", cell, re.M)
            assert alt and len(alt[1].split()) >= 5, f"say what is seen: {cell.splitlines()[-1]}"
