"""Every error of the library carries what it knows, `error.fault`, and its text is put together from that."""

from __future__ import annotations

import copy
import functools
import linecache
import pickle
import subprocess
import sys
import threading
import traceback
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.doors.calls import TABLES
from tinygrad_edu import data, errors, nn, optim
from tinygrad_edu.cli.arguments import in_options
from tinygrad_edu.domain import SeededDraw
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.errors import DeviceError, Fault, ShapeError, fault_of, retold, without_line, wrong
from tinygrad_edu.phrases import Argument, Phrase, passing

LIBRARY = str(Path(errors.__file__).parent)
CALLS = [(f"{space}.{name}", call) for space, calls in TABLES.items() for name, call in calls.items()
         if call.numbers or call.star]  # fmt: skip
NOT_NUMBERS = ("nonsense", object(), -7, 10**30, 1.5, float("nan"), np.ones((2, 2)), [1, "a"], 99, b"x", {},
               lambda: 1, None)  # fmt: skip


# They ask for truths, which everything has, or hand on what they are given, to NumPy or to a list.
TAKE_ANYTHING = ("te.allclose", "te.tensor", "te.wrap", "Tensor.requires_grad_", "Tensor.backward",
                 "Tensor.getitem", "Tensor.numpy", "Tensor.round", "nn.Parameter", "nn.Sequential[i]",
                 "nn.Module.train", "data.ArrayDataset[i]", "data.Subset[i]", "te.kl_div",
                 "data.DataLoader.order", "data.WordTokenizer", "data.TextLines",
                 "swa_utils.AveragedModel", "linalg.svd", "linalg.cholesky",
                 "linalg.solve_triangular")  # fmt: skip


def raised(call: Any, *given: Any, **named: Any) -> Exception:
    with pytest.raises(Exception) as caught:
        call(*given, **named)
    assert isinstance(caught.value, Exception)
    return caught.value


def known(error: Exception) -> Fault:
    fault = fault_of(error)
    assert fault is not None, f"a bare {type(error).__name__}: {error}"
    return fault


def check(error: Exception) -> Fault:
    """The fields of an error that is whole: its text is theirs, and neither is lost in a copy."""
    fault = known(error)
    assert fault.problem and (fault.op or fault.place) and fault.where
    text = error.args[0] if isinstance(error, KeyError) else str(error)  # Python quotes that of a KeyError
    assert text == str(fault) == fault.text and error.args == (text,)
    assert text.endswith(fault.remedy) and fault.problem in text and (fault.place or fault.where in text)
    for again in (copy.copy, copy.deepcopy, lambda e: pickle.loads(pickle.dumps(e))):
        other = again(error)
        assert type(other) is type(error) and other.args == (text,) and fault_of(other) == fault
    return fault


def said_by_python(error: Exception) -> bool:
    """Whether no `raise` of the library made it: NumPy or Python has something against what it was given."""
    frames = traceback.extract_tb(error.__traceback__)
    last = frames[-1]
    return not last.filename.startswith(LIBRARY) or "raise " not in linecache.getline(
        last.filename, last.lineno or 0
    )


@pytest.mark.parametrize(("name", "call"), CALLS, ids=[name for name, _ in CALLS])
@pytest.mark.filterwarnings("ignore")
def test_what_refuses_an_argument_says_what_it_knows(name: str, call: Any) -> None:
    found = 0
    for argument in [*call.numbers, *(["star"] if call.star else [])]:
        for value in NOT_NUMBERS:
            given = {argument: (value, *call.star[1:]) if argument == "star" else value}
            try:
                call(**given)
            except Exception as error:
                if fault_of(error) is None:
                    assert said_by_python(error), f"{given}: {error!r}"
                    continue
                fault = check(error)
                assert "/tests/doors/" in fault.where, f"{given}: {error}"
                found += 1
    assert found or name in TAKE_ANYTHING


@pytest.mark.parametrize("name", [name for name, op in REGISTRY.items() if op.inputs])
@pytest.mark.filterwarnings("ignore")
def test_what_an_op_refuses_it_says_in_its_own_name(name: str) -> None:
    op = REGISTRY[name]
    drawn = op.calls(SeededDraw(1))
    for i in range(len(drawn.arrays)):
        for other in (te.ones(7, 5, 3, 2), te.ones(0), te.tensor(1.0)):
            inputs = [te.as_tensor(x) if isinstance(x, np.ndarray) else x for x in drawn.arrays]
            inputs[i] = other
            try:
                op(*inputs, **drawn.params)
            except Exception as error:
                fault = check(error)
                assert fault.op == name and fault.inputs.startswith(errors.describe(*inputs)), error
                assert fault.where.startswith(f"{__file__}:")


@pytest.mark.parametrize(("call", "op", "inputs", "remedy"), [
    (lambda: te.ones(2, 3) @ te.ones(2, 3), "matmul", "(2, 3) float32, (2, 3) float32",
     "for x @ y.T use y.mT"),
    (lambda: te.ones(2) + te.ones(3), "add", "(2,) float32, (3,) float32", ""),
    (lambda: te.ones(2, 3).sum(2), "sum", "", ""),
    (lambda: te.dot(te.ones(2), te.ones(2, 2)), "dot", "(2,) float32, (2, 2) float32", "for matrices use @"),
    (lambda: te.ones(2, requires_grad=True).backward(), "backward", "(2,) float32",
     "reduce it, as in x.sum().backward(), or pass gradient="),
    (lambda: te.zeros(2, requires_grad=True).zero_(), "zero_", "(2,) float32",
     "do it inside `with te.no_grad():`, or compute a new tensor, for example with te.where"),
    (lambda: nn.Linear(3, "a"), "Linear", "", ""),
    (lambda: nn.BatchNorm1d(3)(te.ones(1, 3)), "BatchNorm1d", "(1, 3) float32",
     "train with larger batches, or call eval()"),
    (lambda: optim.SGD(te.ones(2)), "SGD", "", "pass a list, [tensor], or model.parameters()"),
    (lambda: optim.StepLR(0), "StepLR", "", ""),
    (lambda: te.zeros(2, device="nowhere"), "zeros", "", lambda: f"there are: {', '.join(te.devices())}"),
    (lambda: te.sum(te.ones(2), axes=0), "sum", "", "did you mean axis=?; it takes x, axis, keepdims"),
    (lambda: np.sin(te.ones(2, requires_grad=True), out=np.ones(2)), "np.sin", "",
     "make a new tensor, array = array + x, or write x.numpy()"),
    (lambda: data.load("iris"), "data.load", "", f"there are {', '.join(data.NAMES)}"),
])  # fmt: skip
def test_the_fields_of_some(call: Any, op: str, inputs: str, remedy: Any) -> None:
    fault = check(raised(call))
    remedy = remedy() if callable(remedy) else remedy  # other tests may have registered devices
    assert (fault.op, fault.inputs, fault.remedy) == (op, inputs, remedy)
    assert fault.where.startswith(f"{__file__}:")


def test_an_error_is_of_the_kind_that_it_always_was() -> None:
    assert type(raised(te.bernoulli, 1.5)) is ValueError
    assert type(raised(te.ones(2).sum, 3)) is IndexError
    assert type(raised(lambda: te.dot(te.ones(2), te.ones(3)))) is ShapeError
    assert type(raised(te.ones, 2, device="nowhere")) is DeviceError
    assert type(raised(lambda: te.nothing)) is AttributeError


# -- the text ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("fault", "text"), [
    (Fault("dot", "no"), "dot: no"),
    (Fault("dot", "no", "yes", "(2,) float32", "a.py:3"), "dot((2,) float32): no (at a.py:3); yes"),
    (Fault("dot", "dot needs two", "", "(2,) float32", "a.py:3"), "dot needs two (at a.py:3)"),
    (Fault("pad", "padding is none", "", "", "a.py:3"), "pad: padding is none (at a.py:3)"),
    (Fault("", "no", "yes"), "no; yes"),
    (Fault("read_csv", "empty", "fill it", "", "a.py:3", "t.csv:1"), "t.csv:1: empty; fill it"),
    (Fault("", "t.csv has no header", "", "", "a.py:3", "t.csv"), "t.csv has no header"),
])  # fmt: skip
def test_how_a_text_is_put_together(fault: Fault, text: str) -> None:
    assert str(fault) == text


def test_an_error_is_told_again_with_its_remedy() -> None:
    inner = wrong(IndexError, "take", "no row 9", "count from 0")
    outer = known(retold(inner, "Table", ValueError, before="nothing was read: "))
    assert (outer.op, outer.problem, outer.remedy) == ("Table", "nothing was read: no row 9", "count from 0")
    assert (
        known(retold(KeyError("x"), "op")).problem == "'x'"
        and type(retold(KeyError("x"), "op")) is RuntimeError
    )
    inner = raised(lambda: te.ones(2) + te.ones(3))
    assert "add((2,) float32, (3,) float32): " in known(retold(inner, "mine")).problem


def test_without_a_program_there_is_no_line() -> None:
    assert without_line(wrong(ValueError, "f", "no", "yes")) == "no; yes"
    assert without_line(wrong(ValueError, "f", "no", inputs=(te.ones(2),))) == "f((2,) float32): no"
    assert without_line(ValueError("no (at noon)")) == "no (at noon)"


def test_a_phrase_is_a_text_whose_arguments_can_be_said_otherwise() -> None:
    phrase = Phrase(
        "a ", Phrase("b ", passing("header", False)), " or ", Argument("names", ...), ", ", Argument("lr")
    )
    assert phrase == "a b pass header=False or names=, lr"
    assert in_options(phrase) == "a b say --no-header or --names, --lr"
    assert in_options(Phrase(passing("impute", "median", to="read_examples"))) == "say --impute median"
    assert str(passing("encode", True, to="read_examples")) == "pass encode=True to read_examples"
    assert in_options(Phrase(Argument("batch_size", 8), Argument("header", True))) == "--batch-size 8--header"
    assert in_options("plain") == "plain"
    for other in (copy.deepcopy(phrase), pickle.loads(pickle.dumps(phrase))):
        assert other == phrase and other.parts == phrase.parts


def test_a_readers_error_names_the_spot_and_speaks_of_arguments(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("a,b,y\n1,2,u\n3,,v\n")
    fault = check(raised(data.read_csv, path))
    assert fault.place == "t.csv:3, column 2 ('b')" and fault.where.startswith(f"{__file__}:")
    assert fault.remedy == "fill it in, delete the line, or pass impute='median' to read_examples"
    assert in_options(fault.remedy) == "fill it in, delete the line, or say --impute median"


# -- the user's line -----------------------------------------------------------------------------------------


def line(error: Exception) -> int:
    file, _, number = known(error).where.rpartition(":")
    assert file == __file__
    return int(number)


def here() -> int:
    return sys._getframe(1).f_lineno


def bad() -> te.Tensor:
    return te.ones(2).sum(5)


LINE_OF_BAD = bad.__code__.co_firstlineno + 1


class Bad:
    @property
    def value(self) -> te.Tensor:
        return bad()

    def method(self) -> te.Tensor:
        return te.dot(te.ones(2), te.ones(3))


class Net(nn.Module):
    def forward(self, x: te.Tensor) -> te.Tensor:
        return x.reshape(7)


def test_the_line_is_that_of_the_innermost_code_of_the_user() -> None:
    assert line(raised(bad)) == line(raised(lambda: [bad() for _ in range(2)])) == LINE_OF_BAD
    assert line(raised(lambda: Bad().value)) == LINE_OF_BAD
    assert line(raised(Bad().method)) == Bad.method.__code__.co_firstlineno + 1
    assert line(raised(lambda: te.ones(2).sum(5))) == here()
    assert line(raised(Net(), te.ones(2))) == Net.forward.__code__.co_firstlineno + 1
    assert line(raised(te.grad(lambda x: bad() * x), te.tensor(1.0))) == LINE_OF_BAD
    assert line(raised(functools.partial(optim.StepLR, every=0))) == raised.__code__.co_firstlineno + 2
    assert line(raised(lambda: optim.StepLR(0))) == here()  # `dataclasses` wrote what calls the check
    assert line(raised(lambda: map(te.ones, [object()]).__next__())) == here()


def test_the_line_is_right_in_a_thread_and_survives_its_way_out() -> None:
    caught: list[Exception] = []

    def work() -> None:
        caught.append(raised(bad))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert line(pickle.loads(pickle.dumps(caught[0]))) == LINE_OF_BAD


def test_the_line_of_a_module_that_is_run(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/__init__.py").write_text("")
    (tmp_path / "mine/script.py").write_text("import tinygrad_edu as te\n\nte.ones(2).sum(5)\n")
    path = [str(Path(LIBRARY).parent), str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "mine.script"], cwd=tmp_path, text=True, capture_output=True,
                          env={"PYTHONPATH": ":".join(path)})  # fmt: skip
    assert f"(at {tmp_path}/mine/script.py:3)" in done.stderr, done.stderr
