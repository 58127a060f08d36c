"""Fused ops: several primitives in one kernel, if that is faster or more accurate than a composition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.backend.sums import power_of_two, total
from tinygrad_edu.domain import Call, Draw, Interval, edge
from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.ops.elementwise import (
    abs,
    exp,
    floor,
    greater,
    isfinite,
    log,
    logical_and,
    mul,
    rsqrt,
    square,
    where,
)
from tinygrad_edu.ops.movement import reshape
from tinygrad_edu.ops.reduce import _count, floats, log_sum, max, sum
from tinygrad_edu.shapes import Shape


def _axis_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    return Call((x,), {"axis": draw.integer(0, x.ndim - 1)})


def _row_max(x: Any) -> Any:
    """The largest of each row, (rows, 1). NumPy is five times faster across rows than along short ones."""
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
    out /= total(out, (axis,), keepdims=True)
    return out


def _log_softmax(x: Any, *, axis: int) -> Any:
    x = floats(x)
    if x.shape[axis] == 0:
        return x.copy()
    out = x - x.real.max(axis, keepdims=True)
    out -= log_sum(np.exp(out), (axis,))
    return out


def _softmax_grad(seed: Any, y: Any, *, axis: int) -> Any:
    weighted = seed * y
    return weighted - y * total(weighted, (axis,), keepdims=True)


def _log_softmax_grad(seed: Any, y: Any, *, axis: int) -> Any:
    """Computed as seed (1 - p) - p (sum of the other seeds), so that 1 - p keeps its digits."""
    return seed * -np.expm1(y) - np.exp(y) * (total(seed, (axis,), keepdims=True) - seed)


def _pair_calls(draw: Draw) -> Call:
    call = _axis_calls(draw)
    return Call((draw.array(call.arrays[0].shape), call.arrays[0]), call.params)


def _weighted_total(x: Any, y: Any, axis: int) -> Any:
    return sum(mul(x, y), axes=(axis,))


def _softmax_rule(g: Any, out: Any, axis: int) -> Any:
    """The mean of the seed is subtracted first. That changes only the rounding: at a probability of nearly 1
    the seed would be subtracted from itself, which gives 0."""
    return softmax_grad(g - _weighted_total(g, out, axis), out, axis=axis)


# The gradients are ops too, so that each is one kernel on a device and can be differentiated again.
# fmt: off
softmax_grad: Op = Op("softmax_grad", _softmax_grad,
                      (lambda g, y, axis: softmax_grad(g, y, axis=axis),
                       lambda g, seed, y, axis: g * (seed - _weighted_total(seed, y, axis))
                       - seed * _weighted_total(g, y, axis)),
                      calls=_pair_calls, math=r"y_i \, (\bar g_i - \sum_j \bar g_j y_j)")
log_softmax_grad: Op = Op("log_softmax_grad", _log_softmax_grad,
                          (lambda g, y, axis: g - _weighted_total(g, exp(y), axis),
                           lambda g, seed, y, axis: -g * exp(y) * sum(seed, axes=(axis,))),
                          calls=_pair_calls, math=r"\bar g_i - e^{y_i} \sum_j \bar g_j")
softmax = Op("softmax", _softmax, (lambda g, out, axis: _softmax_rule(g, out, axis),),
             calls=_axis_calls, math=r"e^{x_i} / \sum_j e^{x_j}",
             edges=(edge(x=[10000.0, -10000.0], out=[1.0, 0.0], slope=[0.0, 0.0], params={"axis": 0}),))
log_softmax = Op("log_softmax", _log_softmax,
                 (lambda g, out, axis: log_softmax_grad(g, out, axis=axis),), calls=_axis_calls,
                 math=r"x_i - \ln \sum_j e^{x_j}",
                 edges=(edge(x=[10000.0, -10000.0], out=[0.0, -20000.0],
                             slope=[-1.0, 1.0], params={"axis": 0}),
                        edge(x=[0.0, -40.0], out=[-np.exp(-40.0), -40.0], slope=[-1.0, 1.0],
                             params={"axis": 0}, why="not 0")))
# fmt: on


# -- cross-entropy -------------------------------------------------------------------------------------------


def _fits_cross_entropy(logits: Any, target: Any, *, reduction: str = "mean") -> None:
    shape = logits.shape
    if len(shape) != 2 or target.shape != shape[:1]:
        raise wrong(
            ShapeError,
            None,
            f"logits {shape} must be (rows, classes) and targets {target.shape} (rows,), a class number each",
            target_shape_remedy(shape, target.shape),
        )
    if target.dtype.kind not in "iu":
        raise wrong(
            TypeError,
            None,
            f"targets must be class numbers (integers), not {target.dtype}",
            "convert them with target.to('int64'); probabilities of the classes have the logits' shape "
            f"{shape}",
        )
    if not is_floating(logits.dtype):
        raise wrong(
            TypeError,
            None,
            f"logits must be floats, not {logits.dtype}",
            "convert them with logits.to('float32')",
        )


def target_shape_remedy(shape: tuple[int, ...], target: tuple[int, ...]) -> str:
    """How targets of another shape, or the logits, become (rows, classes, ...) and (rows, ...)."""
    if target == shape:
        return "of one-hot rows, target.argmax(1)"
    if len(shape) > 1 and target == (shape[0], 1, *shape[2:]):
        return "drop the axis of size 1: target[:, 0]"
    if len(shape) == 2 and target == shape[1:]:
        return "classes are on axis 1: logits.T"
    if len(shape) > 2 and target == shape[:-1]:
        order = (0, len(shape) - 1, *range(1, len(shape) - 1))
        moved = "transpose(1, 2)" if len(shape) == 3 else f"permute({order})"
        return f"classes are on axis 1: logits.{moved}"
    return ""


def check_targets(target: Any, classes: int, op: str | None = None) -> None:
    """IndexError for a class number in an array (rows,) that does not exist."""
    unsigned = target.view(f"u{target.itemsize}")  # as unsigned, a negative number is very large
    if target.size and unsigned.max() >= classes:
        bad = target[unsigned.argmax()]
        single = "one column of logits goes with te.binary_cross_entropy_with_logits" if classes == 1 else ""
        raise wrong(
            IndexError,
            op,
            f"target {bad} is out of range for {classes} classes (0 to {classes - 1})",
            f"to leave rows of this target out, write ignore_index={bad}" if bad < 0 else single,
        )


def _places(target: Any, classes: int) -> Any:
    """The index of each row's class in the flattened logits."""
    return np.arange(0, len(target) * classes, classes) + target


def _cross_entropy(logits: Any, target: Any, *, reduction: str = "mean") -> Any:
    check_targets(target, logits.shape[1])
    if not logits.shape[0]:
        rows = logits.real[:, :0].sum(-1)
        empty = np.nan if reduction == "mean" else 0.0
        return rows if reduction == "none" else np.asarray(empty, logits.dtype)
    shifted = np.subtract(logits, _row_max(logits), order="C")
    flat, at = shifted.reshape(-1), _places(target, shifted.shape[1])
    losses = -flat[at]
    np.exp(shifted, out=shifted)
    flat[at] -= 1.0  # exactly 0 if the class is the largest: a small loss keeps its digits
    losses += np.log1p(_row_sum(shifted))
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / len(target)


def _cross_entropy_grad(g: Any, logits: Any, target: Any, *, reduction: str = "mean") -> Any:
    """(softmax - one_hot) scaled by the incoming gradient, and by 1 / rows for a mean; allocates one array.

    At the class itself it is minus the sum of all others, because p - 1 would be rounded to 0.
    """
    if not logits.shape[0]:
        return np.zeros_like(logits)
    scale = g / len(target) if reduction == "mean" else g
    out = np.subtract(logits, _row_max(logits), order="C")
    np.exp(out, out=out)
    flat, at = out.reshape(-1), _places(target, out.shape[1])
    mine = flat[at]
    flat[at] = 0.0
    others = _row_sum(out)
    scale = scale / (others + mine)
    out *= scale[:, None]
    flat[at] = -others * scale
    return out


def _scale(logits: Any, g: Any, reduction: str) -> Any:
    weight = reshape(g, shape=(g.shape[0], 1)) if reduction == "none" else g
    return weight / logits.shape[0] if reduction == "mean" else weight


def _grad_logits(g: Any, g_0: Any, logits: Any, reduction: str) -> Any:
    return _softmax_rule(g, softmax(logits, axis=1), 1) * _scale(logits, g_0, reduction)


def _cross_calls(draw: Draw) -> Call:
    rows, classes = draw.integer(1, 4), draw.integer(1, 4)
    return Call(
        (draw.array((rows, classes)), draw.integers((rows,), 0, classes - 1)),
        {"reduction": draw.choice(("mean", "sum", "none"))},
    )


def _cross_grad_calls(draw: Draw) -> Call:
    call = _cross_calls(draw)
    shape = (len(call.arrays[1]),) if call.params["reduction"] == "none" else ()
    return Call((draw.array(shape), *call.arrays), call.params)


def _grad_weight(g: Any, logits: Any, target: Any, reduction: str) -> Any:
    """d/d(incoming) of <g, cross_entropy_grad>: the gradient for an incoming 1, dotted with `g`."""
    rows = logits.shape[0]
    unit = np.ones(rows if reduction == "none" else (), logits.dtype)
    slopes = sum(
        g * cross_entropy_grad(unit, logits, target, reduction=reduction),
        axes=(1,) if reduction == "none" else (0, 1),
    )
    return reshape(slopes, shape=(rows,) if reduction == "none" else ())


# fmt: off
cross_entropy = Op("cross_entropy", _cross_entropy,
                   (lambda g, logits, target, reduction:
                    cross_entropy_grad(g, logits, target, reduction=reduction), None),
                   fits=_fits_cross_entropy, calls=_cross_calls, math=r"-\ln \operatorname{softmax}(z)_t",
                   edges=(edge(logits=[[10000.0, -10000.0]], target=[1], out=20000.0,
                               slope=([[1.0, -1.0]], None), params={"reduction": "mean"}),
                          edge(logits=[[0.0, -40.0]], target=[0], out=np.exp(-40.0),
                               slope=([[-np.exp(-40.0), np.exp(-40.0)]], None),
                               params={"reduction": "mean"}, why="not 0")))
cross_entropy_grad: Op = Op("cross_entropy_grad", _cross_entropy_grad,
                        (lambda g, logits, target, reduction: _grad_weight(g, logits, target, reduction),
                         lambda g, seed, logits, reduction: _grad_logits(g, seed, logits, reduction), None),
                        inputs=("seed", "logits", "target"), calls=_cross_grad_calls,
                        fits=lambda seed, *xs, **how: _fits_cross_entropy(*xs, **how),
                        math=r"\bar g \, (\operatorname{softmax}(z) - e_t)")
# fmt: on


# -- layer norm ----------------------------------------------------------------------------------------------


_SMALL = 1e-31  # the squares of smaller float32 numbers are subnormal, or 0


def _mean(x: Any, axes: tuple[int, ...]) -> Any:
    return total(x, axes, keepdims=True) / _count(x.shape, axes)


def _centred(x: Any, axes: tuple[int, ...], eps: float) -> tuple[Any, Any, Any]:
    """x minus its mean, and the square root of its variance + eps, both divided by the third result.

    The third is a unit for each group; it is not 1 where squares would overflow or vanish.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        centred = x - _mean(x, axes)
        variance = _mean(centred * centred, axes) + eps
        within = np.isfinite(variance)
        if eps < _SMALL:
            within &= variance.real >= _SMALL
        if within.all():
            return centred, np.sqrt(variance), None
    one = power_of_two(x, axes, _root(eps))
    scaled = x / one
    centred = scaled - _mean(scaled, axes)
    return centred, np.sqrt(_mean(centred * centred, axes) + eps / one / one), one


def _root(eps: float) -> float:
    return math.sqrt(eps) if eps > 0 else 0.0


def _standardize(x: Any, *, axes: tuple[int, ...], eps: float = 1e-5) -> Any:
    centred, deviation, _ = _centred(floats(x), axes, eps)
    return centred / deviation


def _standardize_grad(seed: Any, x: Any, *, axes: tuple[int, ...], eps: float = 1e-5) -> Any:
    centred, deviation, one = _centred(floats(x), axes, eps)
    scale = 1.0 / deviation
    centred *= scale
    slope = (seed - _mean(seed, axes) - centred * _mean(seed * centred, axes)) * scale
    return slope if one is None else slope / one


def _standardize_grad_vjp(
    g: Any, seed: Any, x: Any, x_shape: Shape, axes: tuple[int, ...], eps: float
) -> Any:
    """The product rule over the three factors: the deviations, their means, and the scale."""
    n = float(_count(x_shape, axes))

    def mean(v: Any) -> Any:
        return sum(v, axes=axes) / n

    y = standardize(x, axes=axes, eps=eps)
    # The unit prevents that squares overflow or vanish. It is a constant, because the slope of `floor` is 0.
    centred = x - sum(x / n, axes=axes)
    top = max(abs(centred), axes=axes) if n else mean(centred)
    known = logical_and(isfinite(top), greater(top, _root(eps)))
    one = where(known, exp(floor(log(where(known, top, 1.0)))), _root(eps) or 1.0)
    scale = rsqrt(mean(square(centred / one)) + eps / one / one) / one
    of_y = (g * mean(seed * y) + seed * mean(g * y)) * scale * -1.0
    of_scale = sum(g * (seed - mean(seed) - y * mean(seed * y)), axes=axes)
    return standardize_grad(of_y, x, axes=axes, eps=eps) - scale * y * (scale * of_scale / n)


def _standardize_calls(draw: Draw) -> Call:
    shape = (draw.integer(1, 3), draw.integer(2, 4))
    return Call((draw.array(shape, Interval(-2, 2), distinct=True),), {"axes": (1,), "eps": 0.1})


def _standardize_grad_calls(draw: Draw) -> Call:
    call = _standardize_calls(draw)
    # With seeds that are nearly equal, the slope would be a difference of rounding errors.
    seed = draw.array(call.arrays[0].shape, distinct=True)
    return Call((seed, call.arrays[0]), call.params)


# fmt: off
standardize_grad: Op = Op("standardize_grad", _standardize_grad,
                          (lambda g, x, axes, eps: standardize_grad(g, x, axes=axes, eps=eps),
                           _standardize_grad_vjp), calls=_standardize_grad_calls,
                          math=r"(\bar g - \overline{\bar g} - y \, \overline{\bar g y}) / "
                               r"\sqrt{\sigma^2 + \epsilon}")
standardize: Op = Op("standardize", _standardize,
                     (lambda g, x, axes, eps: standardize_grad(g, x, axes=axes, eps=eps),),
                     calls=_standardize_calls,
                     math=r"(x - \mu) / \sqrt{\sigma^2 + \epsilon}")
# fmt: on
