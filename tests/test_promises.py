"""What CONTRIBUTING.md promises: with these lines, and no others, a new thing is there.

The lines are read from the page itself and put into a copy of the library; what they promise is run there, in
a process of its own. And each of them is needed: without it the promise is not kept.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.commands import without_matplotlib
from tinygrad_edu.backend import registry
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.errors import DeviceError

ROOT = Path(__file__).resolve().parents[1]


class Lines(NamedTuple):
    """One step of a promise: lines to put into a file, or a new file."""

    path: str
    text: str


def promised(title: str) -> list[Lines]:
    """The steps of a section of CONTRIBUTING.md: each names a file in `code` and shows the lines after it."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    steps = []
    for step in re.split(r"^\d+\. ", section, flags=re.M)[1:]:
        path = re.search(r"`((?:tinygrad_edu|kernels)/[\w./]+)`", step)
        block = re.search(r"^ +```\w+\n(.*?)^ +```$", step, re.M | re.S)
        shown = block[1] if block else re.findall(r"`([^`]+)`", step.partition("\n\n")[0])[-1]
        steps.append(Lines(path[1], textwrap.dedent(shown).strip("\n") + "\n"))
    return steps


class Copy:
    """The library's files in a folder of their own, to be changed and run there."""

    def __init__(self, folder: Path) -> None:
        self.library, self.place = folder / "library", folder / "place"
        for part in ("tinygrad_edu", "kernels"):
            shutil.copytree(ROOT / part, self.library / part, ignore=shutil.ignore_patterns("__pycache__"))
        self.place.mkdir()
        without_matplotlib(self.place)

    def add(self, lines: Lines, below: str | None = None) -> None:
        """Put lines below the line that reads `below`, as far indented; without one, at the end of the file,
        which is made where there is none."""
        path = self.library / lines.path
        if below is None:
            before = path.read_text().rstrip("\n") + "\n\n\n" if path.exists() else ""
            path.write_text(before + lines.text)
            return
        found = re.findall(rf"^( *){re.escape(below)}\n", path.read_text(), re.M)
        assert len(found) == 1, (
            f"{below!r} is {len(found)} lines of {lines.path}; name another to put it below"
        )
        here = found[0] + below + "\n"
        path.write_text(path.read_text().replace(here, here + textwrap.indent(lines.text, found[0])))

    def keep(self, title: str, below: dict[str, str], *, without: int | None = None) -> None:
        """Add the lines of a section, each below the line named for its file; leave out one step, or none."""
        steps = promised(title)
        assert below.keys() <= {step.path for step in steps}
        for i, step in enumerate(steps):
            if i != without:
                self.add(step, below.get(step.path))

    def bring(self, *parts: str) -> None:
        """More of the repository, as it is."""
        for part in parts:
            if (ROOT / part).is_dir():
                shutil.copytree(
                    ROOT / part, self.library / part, ignore=shutil.ignore_patterns("__pycache__")
                )
            else:
                shutil.copy(ROOT / part, self.library / part)

    def tests(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`pytest WORDS` with the copy's library and tests, and a line for each test."""
        return self.python("-m", "pytest", "-p", "no:cacheprovider", "-v", *words, cwd=self.library)

    def python(self, *words: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        """`python WORDS` with the copy's library."""
        environment = {**os.environ, "PYTHONPATH": str(self.library), "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [sys.executable, *words],
            cwd=cwd or self.place,
            env=environment,
            capture_output=True,
            text=True,
            timeout=600,
        )

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        """`tinygrad-edu WORDS` of the copy."""
        return self.python("-m", "tinygrad_edu", *words)


@pytest.fixture
def copy(tmp_path: Path) -> Copy:
    return Copy(tmp_path)


def needs_simulator() -> None:
    """Skip the test where there is none; the error says what is missing."""
    try:
        registry.get("simulator")
    except DeviceError as error:
        pytest.skip(str(error))


# Where the lines go: below these, their kin. What is not named here goes to the end of its file.
OP = {
    "tinygrad_edu/ops/elementwise.py": r'sin = unary("sin", np.sin, lambda g, x: g * cos(x), math=r"\sin x")',
    "kernels/elementwise/formulas.cuh": "FLOAT1(cosh, cosh(x))",
    "tinygrad_edu/functional/elementwise.py": "cosh = lifted(_e.cosh)",
}
DATA_SET = {
    "tinygrad_edu/data/catalogue.py": '"gaussian": synthetic.gaussian,',
    "tinygrad_edu/catalogue.py": '"gaussian": _PLANE,',
}
COMMAND = {"tinygrad_edu/cli/arguments.py": 'info.set_defaults(run=runner("tools", "info"))'}


def test_the_copy_is_what_runs(copy: Copy) -> None:
    done = copy.python("-c", "import tinygrad_edu, tinygrad_edu.cli.arguments as a; print(a.__file__)")
    assert Path(done.stdout.strip()) == copy.library / "tinygrad_edu/cli/arguments.py", done.stderr


def test_an_elementwise_op_takes_three_steps(copy: Copy) -> None:
    assert [step.path for step in promised("Add an elementwise op")] == [*OP]
    copy.keep("Add an elementwise op", OP)
    there = copy.python("-c", THERE)
    assert there.returncode == 0, there.stderr
    assert there.stdout == "(x: 'Any', /) -> 'Tensor'\n", there.stdout
    proven = copy.command("gradcheck", "tinygrad_edu:sech", "--shape", "3,4")
    assert proven.returncode == 0, proven.stderr
    shown = copy.command("graph", "tinygrad_edu:sech")
    assert "sech" in shown.stdout, shown.stderr


# Its name, its numbers and gradients, its row in a profile, and its section of the reference.
THERE = """
import inspect, math
import tinygrad_edu as te
from tinygrad_edu.reference import describe

x = te.tensor([0.5, -800.0], dtype="float64", requires_grad=True)
with te.profile.profile() as found:
    te.sech(x).sum().backward()
assert found.rows[0].name == "sech", found.rows
assert abs(te.sech(0.5).item() - 1 / math.cosh(0.5)) < 1e-7
assert x.grad.tolist()[1] == 0.0
te.check.opcheck(te.sech.op)
said = describe(te.sech.op)
for part in ("## sech", "curves/sech.svg", "In `te`: `te.sech`", "Proven to order 2", ">>> y = te.sech(x)",
             "Kernel: `FLOAT1(sech,"):
    assert part in said, part
assert "sech" in te.__all__ and "sech" in dir(te)
print(inspect.signature(te.sech))
"""


def test_the_op_that_is_added_is_one_that_the_library_lacks() -> None:
    declared, line, named = (step.text for step in promised("Add an elementwise op"))
    (name,) = re.findall(r'^(\w+) = unary\(\s*"\1"', declared)
    assert name not in REGISTRY and f"({name}," in line and named == f"{name} = lifted(_e.{name})\n"


@pytest.mark.parametrize("step", range(len(promised("Add an elementwise op"))))
def test_each_step_to_an_elementwise_op_is_needed(copy: Copy, step: int) -> None:
    copy.keep("Add an elementwise op", OP, without=step)
    assert copy.python("-c", THERE).returncode != 0


def test_the_tests_of_an_elementwise_op_are_there_with_it(copy: Copy) -> None:
    """All that walk the ops or the functions, and pass; and its digits are measured."""
    copy.keep("Add an elementwise op", OP)
    copy.bring("tests", "benchmarks", "pyproject.toml")
    measured = copy.python("-m", "benchmarks.ulps", "sech")
    assert re.match(r"sech +float32  forward [\d.]+ at .* gradient .* second ", measured.stdout), (
        measured.stderr
    )
    ran = copy.tests("tests/ops", "tests/functional", "tests/doors", "-k", "sech", "-m", "not long")
    assert ran.returncode == 0, ran.stdout
    passed = set(re.findall(r"^(tests/.*)::(\w+)\[.*sech.* PASSED", ran.stdout, re.M))
    assert {
        ("tests/ops/test_every_op.py", "test_forward_is_what_the_oracle_says"),
        ("tests/ops/test_every_op.py", "test_keeps_its_declaration_and_has_right_gradients_twice"),
        ("tests/functional/test_table.py", "test_every_function_agrees_with_numpy"),
        ("tests/functional/test_lists.py", "test_lists_keep_the_graph_of_their_tensors"),
    } <= passed, ran.stdout
    stated = copy.tests("tests/ops/test_tails.py", "-k", "sech or stated_errors")
    assert stated.returncode == 0 and " 3 passed" in stated.stdout, stated.stdout


def test_an_elementwise_op_is_in_the_layout_and_has_types(copy: Copy) -> None:
    copy.keep("Add an elementwise op", OP)
    written = [path for path in OP if path.endswith(".py")]
    given = ["--config", str(ROOT / "pyproject.toml"), *(str(copy.library / path) for path in written)]
    for words in (("ruff", "check"), ("ruff", "format", "--check")):
        done = copy.python("-m", *words, "--no-cache", *given)
        assert done.returncode == 0, done.stdout + done.stderr
    types = copy.python("-m", "mypy", "--config-file", str(ROOT / "pyproject.toml"), *given[2:])
    assert types.returncode == 0, types.stdout + types.stderr


@pytest.mark.long
def test_an_elementwise_op_runs_on_the_simulator(copy: Copy) -> None:
    """Its kernel is compiled, and held against NumPy; its gradients are proven there."""
    needs_simulator()
    copy.keep("Add an elementwise op", OP)
    copy.bring("tests", "pyproject.toml")
    ran = copy.tests("tests/ops/test_device.py", "tests/kernels/test_elementwise.py", "-k", "sech")
    assert ran.returncode == 0 and len(re.findall(r"sech.* PASSED", ran.stdout)) == 4, ran.stdout


@pytest.mark.long
def test_the_reference_of_an_elementwise_op_is_written(copy: Copy) -> None:
    copy.keep("Add an elementwise op", OP)
    written = copy.python("-m", "tinygrad_edu.reference", "--out", "pages")
    assert written.returncode == 0, written.stderr
    assert "\n## sech\n" in (copy.place / "pages/elementwise.md").read_text()
    assert (
        "| [sech](elementwise.md#sech) | $\\operatorname{sech} x$ | yes |"
        in (copy.place / "pages/README.md").read_text()
    )
    assert (copy.place / "pages/curves/sech.svg").exists()


def test_a_data_set_takes_three_steps(copy: Copy) -> None:
    assert [step.path for step in promised("Add a data set")] == ["tinygrad_edu/data/synthetic.py", *DATA_SET]
    copy.keep("Add a data set", DATA_SET)
    trained = copy.command("train", "stripes", "--quiet", "--out", "out")
    assert trained.returncode == 0, trained.stderr
    accuracy = re.search(r"^held out +(\d\.\d+)", trained.stdout, re.M)
    assert accuracy and float(accuracy[1]) > 0.9, trained.stdout
    assert (copy.place / "out/model.safetensors").exists()
    assert "gaussian, stripes;" in " ".join(copy.command("train", "--help").stdout.split())
    assert re.search(r"^  stripes +here$", copy.command("info").stdout, re.M)
    assert "gaussian, stripes" in copy.command("train", "nothing").stderr
    loaded = copy.python(
        "-c", "from tinygrad_edu import data; print(data.load('stripes', n=8).features.shape)"
    )
    assert loaded.stdout == "(8, 2)\n", loaded.stderr


@pytest.mark.parametrize("step", range(len(promised("Add a data set"))))
def test_each_step_to_a_data_set_is_needed(copy: Copy, step: int) -> None:
    copy.keep("Add a data set", DATA_SET, without=step)
    assert copy.command("train", "stripes", "--quiet", "--epochs", "1").returncode != 0


def test_a_command_takes_two_steps(copy: Copy) -> None:
    assert [step.path for step in promised("Add a command")] == [*COMMAND, "tinygrad_edu/cli/count.py"]
    copy.keep("Add a command", COMMAND)
    counted = copy.command("count", "spiral")
    assert (counted.returncode, counted.stdout) == (0, "spiral: 500 rows, 2 columns\n"), counted.stderr
    assert re.search(r"^ +count +say how many rows", copy.command("--help").stdout, re.M)
    wrong = copy.command("count", "nothing")
    assert wrong.returncode == 2 and "choose from" in wrong.stderr


@pytest.mark.parametrize("step", range(len(promised("Add a command"))))
def test_each_step_to_a_command_is_needed(copy: Copy, step: int) -> None:
    copy.keep("Add a command", COMMAND, without=step)
    assert copy.command("count", "spiral").returncode != 0


def test_both_live_side_by_side(copy: Copy) -> None:
    copy.keep("Add a data set", DATA_SET)
    copy.keep("Add a command", COMMAND)
    counted = copy.command("count", "stripes")
    assert counted.stdout == "stripes: 500 rows, 2 columns\n", counted.stderr


OPTIMIZER_HOME = "tinygrad_edu/optim/__init__.py"
TRAIN = """
import numpy as np, tinygrad_edu as te
from tinygrad_edu import optim

def walk(device):
    w = te.tensor(np.arange(-3.0, 4.0), device=device, requires_grad=True)
    optimizer = optim.Signum([w], lr=0.5, weight_decay=0.25)
    for _ in range(3):
        optimizer.zero_grad()
        ((w - 1.0) ** 2).sum().backward()
        optimizer.step()
    return w.numpy()
"""


def add_optimizer(copy: Copy, *, without: int | None = None) -> None:
    below = (None, "};", "STEP(adagrad_step, Adagrad)   \\", "from tinygrad_edu.optim.sgd import SGD")
    for i, (step, line) in enumerate(zip(promised_optimizer(), below, strict=True)):
        if i == without:
            continue
        if line == "};":  # structs end so; it goes before the table
            path, table = copy.library / step.path, "// The table of kernels:"
            assert path.read_text().count(table) == 1, f"{step.path} has no line {table}"
            path.write_text(path.read_text().replace(table, f"{step.text}\n{table}"))
        else:
            copy.add(step, line)


def promised_optimizer() -> list[Lines]:
    """The steps of the section; the kernel's is two, a struct and its row."""
    one, two, three = promised("Add an optimizer")
    page = (ROOT / "CONTRIBUTING.md").read_text()
    row = re.search(r"^ +and its row in the table there: `(.+?)`", page, re.M)
    return [one, two, Lines(two.path, row[1] + "\n"), three]


def test_an_optimizer_takes_its_class_its_kernel_and_its_name(copy: Copy) -> None:
    steps = promised_optimizer()
    kernel = "kernels/optim/rules.cuh"
    assert [step.path for step in steps] == ["tinygrad_edu/optim/signum.py", kernel, kernel, OPTIMIZER_HOME]
    add_optimizer(copy)
    here = copy.python("-c", TRAIN + "print(walk('cpu').tolist())")
    w, m = [-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0], [0.0] * 7
    for _ in range(3):
        m = [0.9 * b + 0.1 * (2 * (a - 1) + 0.25 * a) for a, b in zip(w, m, strict=True)]
        w = [a - 0.5 * ((b > 0) - (b < 0)) for a, b in zip(w, m, strict=True)]
    assert here.stdout.strip() == str(w), here.stderr
    trace = "from tinygrad_edu.backend.cuda.families.optim import STEPS\nprint('signum_step' in STEPS)\n"
    needs_simulator()
    there = copy.python("-c", TRAIN + trace + "print(walk('simulator').tolist())")
    assert there.stdout.split("\n")[:2] == ["True", str(w)], there.stderr


@pytest.mark.parametrize("step", [0, 3])
def test_an_optimizer_needs_its_class_and_its_name(copy: Copy, step: int) -> None:
    add_optimizer(copy, without=step)
    assert copy.python("-c", TRAIN + "walk('cpu')").returncode != 0


def test_an_optimizer_without_a_kernel_applies_its_formula(copy: Copy) -> None:
    for i in (0, 3):
        copy.add(promised_optimizer()[i], (None, None, None, "from tinygrad_edu.optim.sgd import SGD")[i])
    done = copy.python("-c", TRAIN + "print((walk('cpu') == walk('simulator')).all())")
    if "DeviceError" in done.stderr:
        pytest.skip(done.stderr.strip().splitlines()[-1])
    assert done.stdout == "True\n", done.stderr
