"""`tinygrad-edu gradcheck`, `graph` and `info`, on functions written as a user would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.commands import command, environment
from tinygrad_edu.cli import main
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.phrases import Argument, Phrase

SOURCE = """
import tinygrad_edu as te

def loss(x, y):
    return te.mean(te.tanh(x * y))

def wrong(x):
    return te.sum(x * x.detach())

def product(x, y, power=2):
    return te.sum((x @ y) ** power)

def logarithm(x):
    return te.sum(te.log(x))

def number(x):
    return 3.0

first = []

def kinked(x):
    first or first.append(x.numpy().copy())
    return te.sum(te.abs(x - first[0]))

def endless(x):
    return te.sum(te.exp(x * x + 1e4))

model = te.nn.Linear(4, 2).to("float64")

def another(x, calls=[]):
    calls.append(1)
    return te.sum(x * len(calls))

def misspelt(x):
    return x.vieew(3)

def half(n):
    return 1 / n

def divides(x):
    return x * half(0)

def shapes(x):
    return x @ te.ones(7, 7, dtype=x.dtype)

def lookup(table):
    try:
        return table["a"]
    except KeyError:
        return table["b"]

def converts(x):
    return x * lookup({})

def leaves(x):
    raise SystemExit(0)

def small(x):
    return te.sum(x.to("float32"))
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "functions.py"
    path.write_text(SOURCE)
    monkeypatch.chdir(tmp_path)
    return path


@pytest.mark.parametrize(
    "words",
    [
        ["functions.py:loss"],
        ["functions.py:product", "--shape", "3,4", "--shape", "4,2"],
        ["functions.py:product", "--shape", "4", "--shape", "4", "--order", "1", "--seed", "3"],
        ["functions.py:logarithm", "--range", "0.5", "2"],
        ["functions.py:logarithm", "--shape", "scalar", "--range", "1", "2"],
    ],
)
def test_right_gradients(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradcheck", *words]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-1].startswith("right: the gradients of functions.py:")
    assert said[0].startswith("order 1: relative error ")
    assert len(said) == (2 if "--order" in words else 3)


def test_wrong_gradients(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradcheck", "functions.py:wrong"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("wrong: ") and "input 0, of shape (3, 4)" in said and "analytic" in said


@pytest.mark.parametrize(
    ("words", "remedy"),
    [
        (["functions.py:logarithm"], "--range 0.1 2"),
        (["tinygrad_edu:log", "--shape", "3"], "gives NaN for inputs from -2 to 2"),
        (["functions.py:small"], "returned float32 .*; call .to('float64') on its model"),
        (["functions.py:number"], "returned float; it must return a tensor"),
    ],
)
def test_what_cannot_be_judged_is_not_called_wrong(
    words: list[str], remedy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gradcheck", *words]) == 2
    said = capsys.readouterr()
    assert re.search(remedy.replace("(", r"\(").replace(")", r"\)"), said.err) and said.out == ""
    assert len(said.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "because"),
    [
        (["functions.py:kinked"], "a kink there, with slope -1 on one side and 1 on the other"),
        (["functions.py:endless"], "the result is infinite in every element"),
        (["functions.py:logarithm", "--shape", "0,3"], "the inputs are of shape (0, 3), empty"),
    ],
)
def test_it_says_why_it_cannot_judge(
    words: list[str], because: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["gradcheck", *words]) == 2
    said = capsys.readouterr().out
    assert said.startswith("cannot be judged here: ") and because in said and "right" not in said


def test_numbers_that_change_from_call_to_call_cannot_be_judged(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradcheck", "functions.py:another"]) == 2
    assert "returned different numbers for the same inputs" in capsys.readouterr().out


def test_a_module_is_a_function_of_what_its_forward_takes(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradcheck", "functions.py:model", "--range", "-1e-1", "1e+0"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith("right: ")


@pytest.mark.parametrize("command_", ["gradcheck", "graph"])
def test_code_that_ends_the_process_is_no_verdict(
    command_: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command_, "functions.py:leaves"]) == 2
    assert "functions.py:leaves called sys.exit(0)" in capsys.readouterr().err
    (tmp_path / "script.py").write_text("import sys\ndef f(x): return x\nsys.exit()\n")
    assert main([command_, "script.py:f"]) == 2
    said = capsys.readouterr().err
    assert "importing script.py called sys.exit()" in said and "__main__" in said


@pytest.mark.parametrize("command_", ["gradcheck", "graph"])
@pytest.mark.parametrize(
    ("name", "places", "last"),
    [
        ("misspelt", 1, "'Tensor' object has no attribute 'vieew'"),
        ("divides", 2, "ZeroDivisionError: division by zero"),
        ("shapes", 1, "ShapeError: "),
        ("converts", 3, "KeyError: 'b'"),
    ],
)
def test_an_error_in_the_users_function_comes_first_and_alone(
    command_: str, name: str, places: int, last: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command_, f"functions.py:{name}"]) == 2
    out, said = capsys.readouterr()
    head, *shown, note = said.splitlines()
    assert note == (
        f"tinygrad-edu {command_}: its inputs, 1 in number, were of shape (3, 4); --shape, once "
        "for each, says otherwise"
    )
    assert out == "" and head == "Traceback (most recent call last):" and last in shown[-1]
    frames = [line for line in shown if line.startswith("  File ")]
    assert all('functions.py", line' in frame for frame in frames) and len(frames) == places, said


def test_an_error_in_the_users_module_is_its_own(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "broken.py").write_text("import numpy\n\nx = numpy.zeros(3)[5]\n")
    (tmp_path / "unread.py").write_text("def f(x)\n    return x\n")
    (tmp_path / "wants.py").write_text("import nothing_of_this_name\n")
    for name, line, last in (
        ("broken", 3, "IndexError: "),
        ("unread", 1, "SyntaxError: "),
        ("wants", 1, "ModuleNotFoundError: "),
    ):
        assert main(["graph", f"{name}.py:f"]) == 2
        said = capsys.readouterr().err.splitlines()
        assert f'{name}.py", line {line}' in said[1] if name != "unread" else said[0], said
        assert last in said[-1] and not any("tinygrad_edu" in text or "importlib" in text for text in said)


def test_the_help_says_that_the_module_runs(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradcheck", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "MODULE is imported, so what it does outside of functions runs" in said


def test_an_op_is_checked_by_its_declaration(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradcheck", "tinygrad_edu:log"]) == 0
    assert capsys.readouterr().out.startswith("right: tinygrad_edu:log, an op")


def test_a_number_of_shapes_that_does_not_fit(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["gradcheck", "functions.py:loss", "--shape", "3"]) == 2
    assert "give --shape once for each tensor" in capsys.readouterr().err
    assert main(["gradcheck", "functions.py:loss", "--range", "2", "1"]) == 2
    assert "the first must be below the second" in capsys.readouterr().err


def test_a_module_on_the_path_and_in_the_working_folder(tmp_path: Path) -> None:
    done = command("gradcheck", "functions:loss", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_graph_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "functions.py:loss"]) == 0
    said = capsys.readouterr().out
    assert all(word in said for word in ("x = leaf", "y = leaf", "mul(x, y)", "tanh(", "3×4"))


def test_graph_as_files(tmp_path: Path) -> None:
    line = ["graph", "functions.py:product", "--shape", "2,3", "--shape", "3,2"]
    for suffix in ("svg", "dot", "txt"):
        assert main([*line, "-o", f"g.{suffix}"]) == 0
    assert ElementTree.parse(tmp_path / "g.svg").getroot().tag.endswith("svg")
    assert (tmp_path / "g.dot").read_text().startswith("digraph")
    assert "matmul" in (tmp_path / "g.txt").read_text()


def test_graph_of_what_is_no_tensor(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["graph", "functions.py:number"]) == 2
    assert "returned float" in capsys.readouterr().err
    assert main(["graph", "functions.py:loss", "-o", "g.png"]) == 2
    assert ".svg, .dot or .txt" in capsys.readouterr().err


def test_info(tmp_path: Path) -> None:
    done = command("info", cwd=tmp_path)  # a process of its own, for it may start the GPU's driver
    assert done.returncode == 0, done.stderr
    lines = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line.strip())
    assert int(lines["ops"]) <= len(REGISTRY) and lines["cpu"] == "here"
    assert lines["spiral"] == "here" == lines["tcga"]
    assert lines["viz"].startswith("matplotlib ") and lines["sklearn"].startswith("scikit-learn ")
    assert {"mnist", "mpi", "cuda"} <= set(lines)


def test_cuda_is_available_or_says_why_not(tmp_path: Path) -> None:
    code = "import tinygrad_edu as te; print(te.cuda.is_available() is (te.cuda.why_unavailable() == ''))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment(), capture_output=True, text=True
    )
    assert done.stdout == "True\n", done.stderr


@pytest.mark.parametrize(
    "reason",
    ["", Phrase("there is none. Without one, ", Argument("device", "simulator"), " runs on the CPU")],
)
def test_info_says_which_devices_can_be_used(
    reason: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tinygrad_edu.cuda.why_unavailable", lambda: reason)
    monkeypatch.setattr("tinygrad_edu.simulator.toolchain.compiler", lambda: "g++")
    monkeypatch.setattr("tinygrad_edu.simulator.setup_pycuda.pycuda_version", lambda: None)
    assert main(["info"]) == 0
    said = [line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    told = "not usable here: there is none. Without one, --device simulator runs on the CPU"
    assert ["cuda", told if reason else "here"] in said
    assert ["simulator", "not usable here: PyCUDA is missing: tinygrad-edu simulator setup"] in said


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "tinygrad_edu", "info"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert "Traceback" not in process.stderr.read()
    assert process.wait() == 141


def test_a_drawing_names_the_parameters_of_the_model_that_a_function_uses(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine.py").write_text(
        "import tinygrad_edu as te\nmodel = te.nn.Linear(4, 2)\ndef loss(x):\n    return model(x).sum()\n"
    )
    for word in ("mine.py:loss", "mine.py:model"):
        assert main(["graph", word]) == 0
        said = capsys.readouterr().out
        assert "weight = leaf" in said and "bias = leaf" in said
