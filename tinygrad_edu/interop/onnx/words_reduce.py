"""ONNX nodes for reductions, scans, products of matrices, softmax, losses and standardisation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.interop.onnx.sizes import combined
from tinygrad_edu.interop.onnx.trace import Step
from tinygrad_edu.interop.onnx.words_movement import expand_to, reshape_to
from tinygrad_edu.interop.onnx.writer import INT64, Writer

Emitter = Callable[[Writer, Step], str]
BOOL, INT32 = np.dtype("bool"), np.dtype("int32")


def reduced(w: Writer, operator: str, x: str, axes: tuple[int, ...]) -> str:
    """A reduction that keeps its axes at size 1; of no axes it is that of each element alone."""
    if not axes:
        x = w.node("Unsqueeze", x, w.constant([-1], INT64))
        return w.node(operator, x, w.constant([-1], INT64), keepdims=0)
    return w.node(operator, x, w.constant([int(a) for a in axes], INT64), keepdims=1)


def _reduction(operator: str) -> Emitter:
    return lambda w, s: reduced(w, operator, w.operands(s)[0], s.params["axes"])


def _mean(w: Writer, s: Step) -> str:
    """The mean, where it replaces `sum` and `div`; its axes are kept, or dropped."""
    axes, keep = s.params["axes"], s.params["keep"]
    x = w.operand(s.operands[0])
    if not axes:
        return w.node("Identity", x)
    return w.node("ReduceMean", x, w.constant([int(a) for a in axes], INT64), keepdims=int(keep))


def _of_bools(operator: str) -> Emitter:
    """A maximum or minimum; that of bools is one of integers."""

    def emit(w: Writer, s: Step) -> str:
        kind = w.dtype(s)
        inner = INT32 if kind == BOOL else kind
        return w.cast(reduced(w, operator, w.operand(s.operands[0], inner), s.params["axes"]), inner, kind)

    return emit


def _any(operator: str) -> Emitter:
    def emit(w: Writer, s: Step) -> str:
        x = w.cast(w.operand(s.operands[0], BOOL), BOOL, INT32)
        return w.cast(reduced(w, operator, x, s.params["axes"]), INT32, BOOL)

    return emit


def _position(operator: str) -> Emitter:
    def emit(w: Writer, s: Step) -> str:
        kind = w.info(s.operands[0]).dtype
        x = w.operand(s.operands[0], INT32 if kind == BOOL else kind)
        return w.node(operator, x, axis=int(s.params["axes"][0]), keepdims=1)

    return emit


def _logsumexp(w: Writer, s: Step) -> str:
    (x,), axes, kind = w.operands(s), s.params["axes"], w.dtype(s)
    top = reduced(w, "ReduceMax", x, axes)
    finite = w.node("Less", w.node("Abs", top), w.constant(np.inf, kind))
    top = w.node("Where", finite, top, w.constant(0, kind))
    total = reduced(w, "ReduceSum", w.node("Exp", w.node("Sub", x, top)), axes)
    return w.node("Add", w.node("Log", total), top)


def _norm_p(w: Writer, s: Step) -> str:
    (x,), kind, order = w.operands(s), w.dtype(s), w.static(s.params["ord"], "the order")
    powers = w.node("Pow", w.node("Abs", x), w.constant(order, kind))
    return w.node("Pow", reduced(w, "ReduceSum", powers, s.params["axes"]), w.constant(1 / order, kind))


def _cumsum(w: Writer, s: Step) -> str:
    return w.node("CumSum", *w.operands(s), w.constant(int(s.params["axis"]), INT64))


def _all_rows(w: Writer, x: str, rank: int, shape: tuple[Any, ...], axis: int) -> str:
    """x with `axis` last, and one more axis before it, along which the line is repeated as often as it is
    long: the rows of square matrices."""
    order = [a for a in range(rank) if a != axis] + [axis]
    line = w.node("Transpose", x, perm=order)
    size = shape[axis]
    return expand_to(
        w, w.node("Unsqueeze", line, w.constant([-2], INT64)), (*(shape[a] for a in order[:-1]), size, size)
    )


def _cumprod(w: Writer, s: Step) -> str:
    """Products along the rows of a matrix whose row i has the factors of the i-th product, then ones."""
    (x,), axis, shape, kind = w.operands(s), int(s.params["axis"]), w.shape(s), w.dtype(s)
    size = w.static(shape[axis], "the size of the axis")
    rows = _all_rows(w, x, len(shape), shape, axis)
    rows = w.node("Where", w.constant(np.tri(size, dtype=bool)), rows, w.constant(1, kind))
    products = w.node("ReduceProd", rows, w.constant([-1], INT64), keepdims=0)
    order = [a for a in range(len(shape)) if a != axis] + [axis]
    return w.node("Transpose", products, perm=[int(a) for a in np.argsort(order)])


def _prod_others(w: Writer, s: Step) -> str:
    """Products along the rows of a matrix whose row i has all factors but the i-th, and there a one."""
    (x,), axes, shape, kind = w.operands(s), s.params["axes"], w.shape(s), w.dtype(s)
    kept = [a for a in range(len(shape)) if a not in axes]
    size = 1
    for a in axes:
        size *= w.static(shape[a], "the size of an axis")
    order = [*kept, *axes]
    line = w.node("Transpose", x, perm=order) if order else x
    lead = tuple(shape[a] for a in kept)
    line = reshape_to(w, line, (*lead, 1, size))
    rows = expand_to(w, line, (*lead, size, size))
    rows = w.node("Where", w.constant(np.eye(size, dtype=bool)), w.constant(1, kind), rows)
    products = w.node("ReduceProd", rows, w.constant([-1], INT64), keepdims=0)
    whole = reshape_to(w, products, tuple(shape[a] for a in order))
    return w.node("Transpose", whole, perm=[int(a) for a in np.argsort(order)]) if order else whole


# -- products ------------------------------------------------------------------------------------------------


def _matmul(w: Writer, s: Step) -> str:
    kind = w.dtype(s)
    inner = INT32 if kind.kind in "bu" else kind
    return w.cast(w.node("MatMul", *w.operands(s, inner)), inner, kind)


def _linear(w: Writer, s: Step) -> str:
    x, weight, bias = w.operands(s)
    shapes = [w.info(given).shape for given in s.operands]
    if len(shapes[0]) == 2 and shapes[2] == shapes[1][:1]:
        return w.node("Gemm", x, weight, bias, transB=1)
    return w.node("Add", w.node("MatMul", x, w.node("Transpose", weight, perm=[1, 0])), bias)


def _einsum(w: Writer, s: Step) -> str:
    return w.node("Einsum", *w.operands(s), equation=s.params["subscripts"].replace(" ", ""))


# -- softmax and losses --------------------------------------------------------------------------------------


def _softmax(operator: str) -> Emitter:
    return lambda w, s: w.node(operator, *w.operands(s), axis=int(s.params["axis"]))


def _weighted(w: Writer, x: str, y: str, axes: tuple[int, ...]) -> str:
    return reduced(w, "ReduceSum", w.node("Mul", x, y), axes)


def _softmax_grad(w: Writer, s: Step) -> str:
    seed, y = w.operands(s)
    return w.node("Mul", y, w.node("Sub", seed, _weighted(w, seed, y, (s.params["axis"],))))


def _log_softmax_grad(w: Writer, s: Step) -> str:
    seed, y = w.operands(s)
    total = reduced(w, "ReduceSum", seed, (s.params["axis"],))
    return w.node("Sub", seed, w.node("Mul", w.node("Exp", y), total))


def _column(w: Writer, target: Any) -> str:
    return w.node("Unsqueeze", w.operand(target, INT64), w.constant([1], INT64))


def _cross_entropy(w: Writer, s: Step) -> str:
    logits, target = s.operands
    chances = w.node("LogSoftmax", w.operand(logits), axis=1)
    losses = w.node("Neg", w.node("GatherElements", chances, _column(w, target), axis=1))
    losses = w.node("Squeeze", losses, w.constant([1], INT64))
    operator = {"mean": "ReduceMean", "sum": "ReduceSum"}.get(s.params["reduction"])
    return losses if operator is None else w.node(operator, losses, w.constant([0], INT64), keepdims=0)


def _cross_entropy_grad(w: Writer, s: Step) -> str:
    seed, logits, target = s.operands
    kind, (rows, classes) = w.dtype(s), w.shape(s)
    values = w.constant([0, 1], kind)
    hot = w.node("OneHot", w.operand(target, INT64), w.vector([classes]), values, axis=1)
    slope = w.node("Sub", w.node("Softmax", w.operand(logits, kind), axis=1), hot)
    scale = w.operand(seed, kind)
    if s.params["reduction"] == "none":
        scale = w.node("Unsqueeze", scale, w.constant([1], INT64))
    if s.params["reduction"] == "mean":
        scale = w.node("Div", scale, w.operand(combined(float, rows), kind))
    return w.node("Mul", slope, scale)


# -- standardisation -----------------------------------------------------------------------------------------


def _centred(w: Writer, s: Step, x: str) -> tuple[str, str]:
    """x minus its mean, and the root of its variance + eps."""
    axes, eps = s.params["axes"], w.constant(w.static(s.params["eps"], "eps"), w.dtype(s))
    centred = w.node("Sub", x, reduced(w, "ReduceMean", x, axes))
    variance = reduced(w, "ReduceMean", w.node("Mul", centred, centred), axes)
    return centred, w.node("Sqrt", w.node("Add", variance, eps))


def _standardize(w: Writer, s: Step) -> str:
    return w.node("Div", *_centred(w, s, *w.operands(s)))


def _standardize_grad(w: Writer, s: Step) -> str:
    seed, x = w.operands(s)
    axes = s.params["axes"]
    centred, deviation = _centred(w, s, x)
    y = w.node("Div", centred, deviation)
    mean = reduced(w, "ReduceMean", seed, axes)
    along = w.node("Mul", y, reduced(w, "ReduceMean", w.node("Mul", seed, y), axes))
    return w.node("Div", w.node("Sub", w.node("Sub", seed, mean), along), deviation)


TABLE: dict[str, Emitter] = {
    "sum": _reduction("ReduceSum"),
    "mean": _mean,
    "prod": _reduction("ReduceProd"),
    "norm2": _reduction("ReduceL2"),
    "max": _of_bools("ReduceMax"),
    "min": _of_bools("ReduceMin"),
    "any": _any("ReduceMax"),
    "all": _any("ReduceMin"),
    "argmax": _position("ArgMax"),
    "argmin": _position("ArgMin"),
    "logsumexp": _logsumexp,
    "norm_p": _norm_p,
    "cumsum": _cumsum,
    "cumprod": _cumprod,
    "prod_others": _prod_others,
    "matmul": _matmul,
    "linear": _linear,
    "einsum": _einsum,
    "softmax": _softmax("Softmax"),
    "log_softmax": _softmax("LogSoftmax"),
    "softmax_grad": _softmax_grad,
    "log_softmax_grad": _log_softmax_grad,
    "cross_entropy": _cross_entropy,
    "cross_entropy_grad": _cross_entropy_grad,
    "standardize": _standardize,
    "standardize_grad": _standardize_grad,
    "det": lambda w, s: w.node("Det", *w.operands(s)),
}
