"""`opcheck`: an op, a user's or the library's, held against its own declaration."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.backend import registry
from tinygrad_edu.check.gradients import Report, gradcheck
from tinygrad_edu.check.level import CannotJudge, GradientError
from tinygrad_edu.domain import Call, Edge, Interval, SeededDraw
from tinygrad_edu.engine.op import Op
from tinygrad_edu.engine.value import Storage
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.tensor import Tensor

Array = np.ndarray[Any, Any]


def opcheck(op: Op, *, examples: int = 20, order: int = 2, seed: int = 0) -> None:
    """Prove an op, yours or ours, from its own declaration: `te.check.opcheck(my_op)`.

    For `examples` calls drawn from its `domain` or `calls`: the result's dtype, inputs untouched, saved
    exactly what its rules name, memory shared only if `view`, gradients up to `order`; and all of its
    `edges`, exactly. Raises GradientError.
    """
    if not isinstance(op, Op):
        raise TypeError(
            f"opcheck proves a te.Op, not {type(op).__name__}; of a function of tensors, "
            "gradcheck(f, inputs) proves the gradient"
        )
    rules = (op.joint,) if op.joint else op.vjps
    if any(rule is not None and "g" not in names for rule, names in zip(rules, op.needs, strict=True)):
        raise GradientError(
            f"{op.name}: a rule does not take g, the gradient that comes in and that it has "
            "to pass on: lambda g, x: g * ..."
        )
    for k in range(examples):
        try:
            callcheck(op, op.calls(SeededDraw(seed + k)), order=order)
        except (GradientError, CannotJudge, ShapeError, ValueError, TypeError, IndexError) as error:
            if remedy := _undeclared(op, error):
                raise type(error)(f"{error}; {remedy}") from error
            raise
    for e in op.edges:
        edgecheck(op, e)


def _undeclared(op: Op, error: Exception) -> str:
    """What the declaration may lack where calls were drawn as those of any elementwise op."""
    if "read-only" in str(error):
        return "it writes into what it was given; compute on a copy"
    if not getattr(op.calls, "__qualname__", "").startswith("elementwise."):
        return ""
    if "NaN" in str(error) and all(interval == Interval() for interval in op.domain):
        return (
            "if it has values on an interval only, declare that: "
            "domain=te.Interval(0.1, 2.0), one for each input"
        )
    if isinstance(error, ShapeError | ValueError | IndexError) and not isinstance(error, CannotJudge):
        return (
            "arrays of any shapes that broadcast were drawn, as for an op that works element by element; "
            "for another say how its inputs fit together, as in calls=lambda draw: "
            "te.Call((draw.array((3, 4), te.Interval()),))"
        )
    return ""


def callcheck(op: Op, call: Call, *, order: int = 2, device: str | None = None) -> Report | None:
    """What `opcheck` does, for one call; the gradients are those on `device`.

    Returns what `gradcheck` measured, or None where nothing can be differentiated.
    """
    arrays = [np.asarray(a) for a in call.arrays]
    floats = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]
    before = [a.copy() for a in arrays]
    guarded = [_read_only(a) for a in arrays]
    out = _apply(op, guarded, call.params)
    if any(not np.array_equal(a, b) for a, b in zip(arrays, before, strict=True)):
        raise GradientError(f"{op.name} changes its inputs; compute on a copy")
    _check_memory(op, guarded, out)
    _check_dtypes(op, arrays, call.params, out)
    if not op.differentiable:
        return None
    for mask in itertools.product((False, True), repeat=len(floats)):
        _check_saved(op, arrays, call.params, tuple(itertools.compress(floats, mask)))

    def run(*xs: Tensor) -> Any:
        given: list[Any] = list(arrays)
        for i, x in zip(floats, xs, strict=True):
            given[i] = x
        return op(*given, **call.params)

    run.__name__ = op.name
    if out.dtype.kind != "f" or not out.size or not any(arrays[i].size for i in floats):
        return None
    return gradcheck(run, [arrays[i] for i in floats], order=order, device=device)


def edgecheck(op: Op, at: Edge, *, device: str | None = None) -> None:
    """The value and the slopes that `at` declares, to the last digits; NaN is equal to NaN."""
    arrays = [np.array(at.inputs[n]) for n in op.inputs]
    where = registry.get(device).name
    xs = [F.wrap(a, requires_grad=a.dtype.kind == "f", device=where) for a in arrays]
    with np.errstate(all="ignore"):
        out = op(*xs, **at.params)
        _equal(f"{op.name} at {at.inputs}", out.numpy(), at.out)
        if not at.slopes:
            return
        out.backward(F.wrap(np.ones(out.shape), device=where))
    for name, x, slope in zip(op.inputs, xs, at.slopes, strict=True):
        if slope is not None:
            got = None if x.grad is None else x.grad.numpy()
            _equal(f"the slope of {op.name} by {name} at {at.inputs}", got, slope)


def _equal(what: str, got: Any, declared: Any) -> None:
    if (
        got is None
        or np.shape(got) != np.shape(declared)
        or not np.allclose(got, declared, 1e-12, 0.0, equal_nan=True)
    ):
        raise GradientError(f"{what} is {got}, declared is {declared}")


def _read_only(a: Array) -> Array:
    view = a.view()
    view.flags.writeable = False
    return view


def _apply(op: Op, arrays: Sequence[Any], params: dict[str, Any]) -> Any:
    """The op's own NumPy function, as the engine would run it."""
    with np.errstate(all="ignore"):
        out = np.asarray(op.numpy(*arrays, **{**op.defaults, **params}))
    if out.dtype == np.object_:
        raise GradientError(
            f"{op.name}: its function returned {out!r:.60}, and no array of numbers; does it lack a return?"
        )
    return out


def _check_memory(op: Op, arrays: Sequence[Array], out: Array) -> None:
    shared = [i for i, a in enumerate(arrays) if np.shares_memory(out, a)]
    if shared and (not op.view or shared != [0]):
        raise GradientError(
            f"{op.name}: its result shares memory with input {shared[0]}, but `view` says "
            "otherwise; a later in-place change would go unnoticed. "
            "Return a copy, or declare view=True"
        )


def _check_dtypes(op: Op, arrays: Sequence[Array], params: dict[str, Any], out: Array) -> None:
    """float64 stays float64 and float32 float32, unless the call names a dtype."""
    if out.dtype.kind != "f" or "dtype" in op.params or not any(a.dtype.kind == "f" for a in arrays):
        return
    small = _apply(op, [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arrays], params)
    for got, dtype in ((out, np.float64), (small, np.float32)):
        if got.dtype != dtype:
            raise GradientError(
                f"{op.name}: {np.dtype(dtype)} inputs gave a {got.dtype} result; a NumPy "
                "array or scalar of another dtype inside the op promotes it, "
                "Python numbers do not"
            )
    finite = np.isfinite(out) & np.isfinite(small)
    far = np.abs(small[finite] - out[finite])
    if far.size and (middle := float(np.median(far))) > 1e-2 * (1.0 + float(np.abs(out).min())):
        raise GradientError(
            f"{op.name}: float32 inputs give other numbers than float64 ones, in the middle "
            f"by {middle:.3g}; does it branch on the dtype?"
        )


def _check_saved(op: Op, arrays: Sequence[Array], params: dict[str, Any], wanted: tuple[int, ...]) -> None:
    """What the node keeps is what the rules of the wanted inputs name, no more, no less."""
    xs = [Tensor(Storage(a, registry.cpu)) for a in arrays]
    for i in wanted:
        xs[i].requires_grad = True
    with np.errstate(all="ignore"):
        node = op(*xs, **params).node
    rules = [op.joint] * bool(wanted) if op.joint else [op.vjps[i] for i in wanted if op.vjps[i]]
    if bool(rules) != (node is not None):
        raise GradientError(
            f"{op.name}: inputs {wanted} require grad and {len(rules)} of them have a rule, "
            f"but the call was {'not ' if node is None else ''}recorded"
        )
    if node is None:
        return
    named = {n for rule in rules if rule for n in inspect.signature(rule).parameters}
    inputs = [n for n in op.inputs if n in named]
    if op.variadic and inputs:
        inputs = [str(i) for i in range(len(xs))]
    expected = sorted([*({"out"} & named), *inputs])
    saved = sorted(kept[0] for kept in node.saved or ())
    if saved != expected:
        raise GradientError(f"{op.name}: saved {saved} for the inputs {wanted}; their rules name {expected}")
