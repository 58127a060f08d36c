"""NumPy's scalars and 0-d arrays mean the same as Python's numbers, at every door that takes one.

The doors are read off the signatures: a function that takes a number
and has no call in the table is a failure.
"""

from __future__ import annotations

import inspect
import re
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.doors.calls import SPACES, TABLES, Call
from tinygrad_edu import nn

NUMERIC = re.compile(r"\b(int|float|bool|Sizes|Axis|Shape)\b")
# No numbers, or nobody's door: what an Op is declared with, what the engine calls.
EXEMPT = {
    "te.Op", "te.Interval", "te.Edge", "te.Call", "te.spread", "te.seed_for", "te.numpy_key",
    "data.compounds",       # its threshold needs RDKit
    "data.Preparation",     # made by a reader
    "data.WorkerInfo",      # made by a DataLoader
    "data.Table", "data.Dataset", "data.Gathers", "data.Selects", "optim.Optimizer", "optim.Schedule",
    "nn.Module", "nn.load_checkpoint", "nn.save_checkpoint", "init.Generator",
    "Tensor.sum_to",
}  # fmt: skip
# fmt: off
SAME = ("Tensor.sum", "Tensor.mean", "Tensor.prod", "Tensor.max", "Tensor.min", "Tensor.any", "Tensor.all",
        "Tensor.var", "Tensor.std", "Tensor.argmax", "Tensor.argmin", "Tensor.squeeze", "Tensor.softmax",
        "Tensor.log_softmax", "Tensor.flatten")      # the function itself, or a line that calls it
# fmt: on


def dressed(value: Any) -> list[Any]:
    """A number, or several, as NumPy says it."""
    if isinstance(value, bool):
        return [np.bool_(value)]
    if isinstance(value, int):
        kinds = [np.int64, np.int32, np.int8, *([np.uint8] if value >= 0 else [])]
        return [*(kind(value) for kind in kinds), np.array(value)]
    if isinstance(value, float):
        return [np.float32(value), np.float64(value), np.float16(value), np.array(value)]
    if isinstance(value, tuple) and value and all(isinstance(v, int) for v in value):
        return [tuple(np.int64(v) for v in value), [np.int32(v) for v in value], np.array(value)]
    if isinstance(value, tuple):
        return [tuple(dressed(v)[0] for v in value)]
    raise AssertionError(f"no number: {value!r}")


def facts(x: Any) -> Any:
    """What two results must have in common."""
    if isinstance(x, te.Tensor):
        return "tensor", str(x.dtype), x.shape, x.requires_grad, x.detach().numpy().tolist()
    if isinstance(x, (np.ndarray, np.generic)):
        return "array", str(x.dtype), x.shape, x.tolist()
    if isinstance(x, nn.Module):
        return repr(x), {k: facts(v) for k, v in x.state_dict().items()}, x.training
    if isinstance(x, te.data.Table):
        return x.feature_names, x.row_names, x.class_names, facts(x.features), facts(x.labels)
    if isinstance(x, te.data.ArrayDataset):
        return facts(x.arrays)
    if isinstance(x, (list, tuple)):
        return [facts(v) for v in x]
    return x if isinstance(x, (bool, str)) or x is None else repr(x)


CASES = [
    pytest.param(call, name, id=f"{space}.{title}({name})")
    for space, table in TABLES.items()
    for title, call in table.items()
    for name in (*call.numbers, *(("star",) if call.star else ()))
]


@pytest.mark.cpu
@pytest.mark.parametrize(("call", "name"), CASES)
def test_a_number_in_numpys_dress_is_the_number(call: Call, name: str) -> None:
    expected = facts(call())
    for value in dressed(call.star if name == "star" else call.numbers[name]):
        if name == "star":
            value = value if isinstance(value, tuple) else tuple(value)
        assert facts(call(**{name: value})) == expected, f"{name}={value!r} ({type(value).__name__})"


@pytest.mark.cpu
@pytest.mark.parametrize("space", list(TABLES))
def test_the_table_has_every_number_of_every_signature(space: str) -> None:
    where = SPACES[space]
    names = getattr(where, "__all__", None) or [n for n in vars(where) if not n.startswith("_")]
    missing = []
    for name in names:
        if f"{space}.{name}" in (*EXEMPT, *SAME):
            continue
        function = getattr(where, name)
        home = getattr(function, "__module__", "") or ""
        if not callable(function) or not home.startswith("tinygrad_edu"):
            continue
        calls = [c for title, c in TABLES[space].items() if title == name or title.startswith(f"{name} ")]
        taken = {n for c in calls for n in c.numbers} | ({"*"} if any(c.star for c in calls) else set())
        missing += [f"{space}.{name}({p})" for p in numbers_of(function) if p not in taken]
    assert not missing, f"no call says that these take NumPy's numbers: {missing}"


def numbers_of(function: Any) -> list[str]:
    """The parameters of a signature that take numbers; `*` for several that are not named."""
    if hasattr(function, "options") and inspect.isclass(function):  # a table's layer
        return [n for n, (_, default, _) in function.options.items() if not isinstance(default, str)]
    try:
        parameters = inspect.signature(function).parameters.values()
    except ValueError:
        return []
    found = [
        p.name for p in parameters if p.kind is not p.VAR_POSITIONAL and NUMERIC.search(str(p.annotation))
    ]
    found += ["*" for p in parameters if p.name in ("shape", "axes") and p.kind is p.VAR_POSITIONAL]
    return found + list(getattr(getattr(function, "op", None), "params", ()))


@pytest.mark.parametrize("wrong", [2.5, 2.0, "2", np.float64(2.0), None, [2], 1j], ids=repr)
@pytest.mark.parametrize("door", [
    lambda n: te.zeros(n), lambda n: te.zeros(1, n), lambda n: te.ones(2, 3).reshape(3, n),
    lambda n: te.sum(te.ones(2, 3, 4), n), lambda n: te.stack([te.ones(2, 3)], n),
    lambda n: te.topk(te.ones(4), n), lambda n: te.repeat(te.ones(2), n), lambda n: te.eye(n),
    lambda n: te.randperm(n), lambda n: te.one_hot(te.tensor([0]), n), lambda n: nn.Linear(n, 2),
    lambda n: nn.Conv2d(n, 2, 1), lambda n: nn.BatchNorm1d(n), lambda n: te.Generator(n),
    lambda n: te.linspace(0, 1, n), lambda n: te.split(te.ones(4, 2), 2, axis=n)])  # fmt: skip
def test_what_is_no_whole_number_is_refused(door: Any, wrong: Any) -> None:
    if wrong in ([2], None):  # several sizes, all axes
        try:
            door(wrong)
        except (TypeError, te.errors.ShapeError) as error:
            assert str(error)
        return
    with pytest.raises(TypeError, match="integer"):
        door(wrong)
