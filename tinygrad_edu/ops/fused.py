"""Fused ops: several primitives in one kernel, where one pass is faster or more exact than the composition.
"""
from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.domain import Call, Draw, Interval, edge
from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import ShapeError
from tinygrad_edu.ops.elementwise import exp, mul, rsqrt, square
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


def _softmax_grad(seed: Any, y: Any, *, axis: int) -> Any:
    weighted = seed * y
    return weighted - y * weighted.sum(axis, keepdims=True)


def _log_softmax_grad(seed: Any, y: Any, *, axis: int) -> Any:
    return seed - np.exp(y) * seed.sum(axis, keepdims=True)


def _pair_calls(draw: Draw) -> Call:
    call = _axis_calls(draw)
    return Call((draw.array(call.arrays[0].shape), call.arrays[0]), call.params)


def _weighted_total(x: Any, y: Any, axis: int) -> Any:
    return sum(mul(x, y), axes=(axis,))


# The gradients are ops of their own: one kernel on a device, and differentiable in their turn.
softmax_grad: Op = Op("softmax_grad", _softmax_grad,
                      (lambda g, y, axis: softmax_grad(g, y, axis=axis),
                       lambda g, seed, y, axis: g * (seed - _weighted_total(seed, y, axis))
                       - seed * _weighted_total(g, y, axis)),
                      calls=_pair_calls, math=r"y_i \, (\bar g_i - \sum_j \bar g_j y_j)")
log_softmax_grad: Op = Op("log_softmax_grad", _log_softmax_grad,
                          (lambda g, y, axis: g - _weighted_total(g, exp(y), axis),
                           lambda g, seed, y, axis: -g * exp(y) * sum(seed, axes=(axis,))),
                          calls=_pair_calls, math=r"\bar g_i - e^{y_i} \sum_j \bar g_j")
softmax = Op("softmax", _softmax, (lambda g, out, axis: softmax_grad(g, out, axis=axis),),
             calls=_axis_calls, math=r"e^{x_i} / \sum_j e^{x_j}",
             edges=(edge(x=[10000.0, -10000.0], out=[1.0, 0.0], slope=[0.0, 0.0], params={"axis": 0}),))
log_softmax = Op("log_softmax", _log_softmax,
                 (lambda g, out, axis: log_softmax_grad(g, out, axis=axis),), calls=_axis_calls,
                 math=r"x_i - \ln \sum_j e^{x_j}",
                 edges=(edge(x=[10000.0, -10000.0], out=[0.0, -20000.0],
                             slope=[-1.0, 1.0], params={"axis": 0}),))


# -- cross-entropy -------------------------------------------------------------------------------------------


def _fits_cross_entropy(logits: Any, target: Any, *, reduction: str = "mean") -> None:
    shape = logits.shape
    if len(shape) != 2 or target.shape != shape[:1]:
        raise ShapeError(f"logits {shape} must be (rows, classes) and targets {target.shape} (rows,)")
    if target.dtype.kind not in "iu":
        raise TypeError(f"targets must be class numbers (integers), not {target.dtype}; "
                        "for probabilities use -(p * log_softmax(logits)).sum()")
    if not is_floating(logits.dtype):
        raise TypeError(f"logits must be floats, not {logits.dtype}; convert them with logits.to('float32')")


def _check_targets(logits: Any, target: Any) -> None:
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
    return softmax_grad(g, softmax(logits, axis=1), axis=1) * _scale(g, logits, g_0, reduction)


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
                   fits=_fits_cross_entropy, calls=_cross_calls, math=r"-\ln \operatorname{softmax}(z)_t",
                   edges=(edge(logits=[[10000.0, -10000.0]], target=[1], out=20000.0,
                               slope=([[1.0, -1.0]], None), params={"reduction": "mean"}),))
cross_entropy_grad: Op = Op("cross_entropy_grad", _cross_entropy_grad,
                        (lambda g, logits, target, reduction: _grad_weight(g, logits, target, reduction),
                         lambda g, seed, logits, reduction: _grad_logits(g, seed, logits, reduction), None),
                        inputs=("seed", "logits", "target"), calls=_cross_grad_calls,
                        fits=lambda seed, *xs, **how: _fits_cross_entropy(*xs, **how),
                        math=r"\bar g \, (\operatorname{softmax}(z) - e_t)")


# -- layer norm ----------------------------------------------------------------------------------------------


def _standardize(x: Any, *, axes: tuple[int, ...], eps: float = 1e-5) -> Any:
    x = floats(x)
    centred = x - x.mean(axes, keepdims=True)
    return centred / np.sqrt((centred * centred).mean(axes, keepdims=True) + eps)


def _standardize_grad(seed: Any, x: Any, *, axes: tuple[int, ...], eps: float = 1e-5) -> Any:
    x = floats(x)
    centred = x - x.mean(axes, keepdims=True)
    scale = 1.0 / np.sqrt((centred * centred).mean(axes, keepdims=True) + eps)
    centred *= scale
    tilt = (seed * centred).mean(axes, keepdims=True)
    return (seed - seed.mean(axes, keepdims=True) - centred * tilt) * scale


def _standardize_grad_vjp(g: Any, seed: Any, x: Any, x_shape: Shape, axes: tuple[int, ...],
                          eps: float) -> Any:
    """By the product rule over its three factors: the deviations, their means, and the scale."""
    n = float(np.prod([x_shape[a] for a in axes]))

    def mean(v: Any) -> Any:
        return sum(v, axes=axes) / n
    y = standardize(x, axes=axes, eps=eps)
    scale = rsqrt(mean(square(x - mean(x))) + eps)
    of_y = (g * mean(seed * y) + seed * mean(g * y)) * scale * -1.0
    of_scale = sum(g * (seed - mean(seed) - y * mean(seed * y)), axes=axes)
    return standardize_grad(of_y, x, axes=axes, eps=eps) - square(scale) * y * of_scale / n


def _standardize_calls(draw: Draw) -> Call:
    shape = (draw.integer(1, 3), draw.integer(2, 4))
    return Call((draw.array(shape, Interval(-2, 2), distinct=True),), {"axes": (1,), "eps": 0.1})


def _standardize_grad_calls(draw: Draw) -> Call:
    call = _standardize_calls(draw)
    return Call((draw.array(call.arrays[0].shape), call.arrays[0]), call.params)


standardize_grad: Op = Op("standardize_grad", _standardize_grad,
                          (lambda g, x, axes, eps: standardize_grad(g, x, axes=axes, eps=eps),
                           _standardize_grad_vjp), calls=_standardize_grad_calls,
                          math=r"(\bar g - \overline{\bar g} - y \, \overline{\bar g y}) / "
                               r"\sqrt{\sigma^2 + \epsilon}")
standardize: Op = Op("standardize", _standardize,
                     (lambda g, x, axes, eps: standardize_grad(g, x, axes=axes, eps=eps),),
                     calls=_standardize_calls,
                     math=r"(x - \mu) / \sqrt{\sigma^2 + \epsilon}")
