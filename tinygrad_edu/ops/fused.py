"""Fused ops: several primitives in one kernel, where one pass is faster or more exact than the composition.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.domain import Call, Draw, Interval, edge
from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.elementwise import exp, mul
from tinygrad_edu.ops.reduce import floats, sum
from tinygrad_edu.shapes import Shape


def _axis_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    return Call((x,), {"axis": draw.integer(0, x.ndim - 1)})


def _row_max(x: Any) -> Any:
    """The largest of each row, (rows, 1). NumPy walks short rows one by one; across rows it is five times
    faster."""
    x = x.real
    return np.maximum.reduce(x.T.copy(), 0)[:, None] if x.shape[1] < 64 else x.max(1, keepdims=True)


def _row_sum(x: Any) -> Any:
    """The sum of each row, (rows,), as a product with ones."""
    return x @ np.ones(x.shape[1], x.dtype)


def _softmax(x: Any, *, axis: int) -> Any:
    x = floats(x)
    if x.shape[axis] == 0:
        return x.copy()
    out = x - x.real.max(axis, keepdims=True)
    np.exp(out, out=out)
    out /= out.sum(axis, keepdims=True)
    return out


def _log_softmax(x: Any, *, axis: int) -> Any:
    x = floats(x)
    if x.shape[axis] == 0:
        return x.copy()
    out = x - x.real.max(axis, keepdims=True)
    out -= np.log(np.exp(out).sum(axis, keepdims=True))
    return out


def _softmax_vjp(g: Any, out: Any, axis: int) -> Any:
    weighted = mul(g, out)
    return weighted - out * sum(weighted, axes=(axis,))


softmax = Op("softmax", _softmax, (_softmax_vjp,), calls=_axis_calls, math=r"e^{x_i} / \sum_j e^{x_j}",
             edges=(edge(x=[10000.0, -10000.0], out=[1.0, 0.0], slope=[0.0, 0.0], params={"axis": 0}),))
log_softmax = Op("log_softmax", _log_softmax,
                 (lambda g, out, axis: g - exp(out) * sum(g, axes=(axis,)),), calls=_axis_calls,
                 math=r"x_i - \ln \sum_j e^{x_j}",
                 edges=(edge(x=[10000.0, -10000.0], out=[0.0, -20000.0],
                             slope=[-1.0, 1.0], params={"axis": 0}),))


# -- cross-entropy -------------------------------------------------------------------------------------------


def _check_targets(logits: Any, target: Any) -> None:
    if logits.ndim != 2 or target.shape != logits.shape[:1]:
        raise ShapeError(f"logits {logits.shape} must be (rows, classes) and targets {target.shape} (rows,)")
    if target.dtype.kind not in "iu":
        raise TypeError(f"targets must be class numbers (integers), not {target.dtype}; "
                        "for probabilities use -(p * log_softmax(logits)).sum()")
    unsigned = target.view(f"u{target.itemsize}")       # where a negative number is a huge one
    if target.size and unsigned.max() >= logits.shape[1]:
        bad = target[unsigned.argmax()]
        raise IndexError(f"target {bad} is out of range for {logits.shape[1]} classes "
                         f"(0 to {logits.shape[1] - 1})")


def _cross_entropy(logits: Any, target: Any, *, reduction: str = "mean") -> Any:
    _check_targets(logits, target)
    if not logits.shape[0]:
        rows = logits.real[:, :0].sum(-1)
        empty = np.nan if reduction == "mean" else 0.0
        return rows if reduction == "none" else np.asarray(empty, logits.dtype)
    shifted = logits - _row_max(logits)
    at = shifted[np.arange(len(target)), target]
    losses = np.log(_row_sum(np.exp(shifted, out=shifted)))
    losses -= at
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / len(target)


def _cross_entropy_grad(g: Any, logits: Any, target: Any, *, reduction: str = "mean") -> Any:
    """(softmax - one_hot) scaled by the incoming gradient, and by 1 / rows for a mean; one array is made."""
    if not logits.shape[0]:
        return np.zeros_like(logits)
    scale = g / len(target) if reduction == "mean" else g
    out = logits - _row_max(logits)
    np.exp(out, out=out)
    out *= (scale / _row_sum(out))[:, None]
    out[np.arange(len(target)), target] -= scale
    return out


def _scale(u: Any, logits: Any, g: Any, reduction: str) -> Any:
    from tinygrad_edu.ops.movement import reshape
    weight = reshape(g, shape=(g.shape[0], 1)) if reduction == "none" else g
    return weight / logits.shape[0] if reduction == "mean" else weight


def _grad_logits(g: Any, g_0: Any, logits: Any, reduction: str) -> Any:
    return _softmax_vjp(g, softmax(logits, axis=1), 1) * _scale(g, logits, g_0, reduction)


def _cross_calls(draw: Draw) -> Call:
    rows, classes = draw.integer(1, 4), draw.integer(1, 4)
    return Call((draw.array((rows, classes)), draw.integers((rows,), 0, classes - 1)),
                {"reduction": draw.choice(("mean", "sum", "none"))})


def _cross_grad_calls(draw: Draw) -> Call:
    call = _cross_calls(draw)
    shape = (len(call.arrays[1]),) if call.params["reduction"] == "none" else ()
    return Call((draw.array(shape), *call.arrays), call.params)


def _grad_weight(g: Any, logits: Any, target: Any, reduction: str) -> Any:
    """d/d(incoming) of <g, cross_entropy_grad>: the gradient that one unit of it gives, dotted with `g`."""
    from tinygrad_edu.ops.movement import reshape
    rows = logits.shape[0]
    unit = np.ones(rows if reduction == "none" else (), logits.dtype)
    slopes = sum(g * cross_entropy_grad(unit, logits, target, reduction=reduction),
                 axes=(1,) if reduction == "none" else (0, 1))
    return reshape(slopes, shape=(rows,) if reduction == "none" else ())


cross_entropy = Op("cross_entropy", _cross_entropy,
                   (lambda g, logits, target, reduction:
                    cross_entropy_grad(g, logits, target, reduction=reduction), None),
                   calls=_cross_calls, math=r"-\ln \operatorname{softmax}(z)_t",
                   edges=(edge(logits=[[10000.0, -10000.0]], target=[1], out=20000.0,
                               slope=([[1.0, -1.0]], None), params={"reduction": "mean"}),))
cross_entropy_grad: Op = Op("cross_entropy_grad", _cross_entropy_grad,
                        (lambda g, logits, target, reduction: _grad_weight(g, logits, target, reduction),
                         lambda g, seed, logits, reduction: _grad_logits(g, seed, logits, reduction), None),
                        inputs=("seed", "logits", "target"), calls=_cross_grad_calls,
                        math=r"\bar g \, (\operatorname{softmax}(z) - e_t)")


# -- layer norm ----------------------------------------------------------------------------------------------


def _standardize(x: Any, *, axes: tuple[int, ...], eps: float = 1e-5) -> Any:
    x = floats(x)
    centred = x - x.mean(axes, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + eps)


def _standardize_vjp(g: Any, x: Any, out: Any, x_shape: Shape, axes: tuple[int, ...], eps: float) -> Any:
    from tinygrad_edu.ops.elementwise import rsqrt, square
    n = float(np.prod([x_shape[a] for a in axes]))
    centred = x - sum(x, axes=axes) / n
    scale = rsqrt(sum(square(centred), axes=axes) / n + eps)
    return (g - sum(g, axes=axes) / n - out * (sum(g * out, axes=axes) / n)) * scale


standardize = Op("standardize", _standardize, (_standardize_vjp,),
                 calls=lambda draw: Call((draw.array((draw.integer(1, 3), draw.integer(2, 4)),
                                                     Interval(-2, 2), distinct=True),),
                                         {"axes": (1,), "eps": 0.1}),
                 math=r"(x - \mu) / \sqrt{\sigma^2 + \epsilon}")
