"""Reductions: `axis=None` means all axes; `keepdims` keeps them at size 1."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.backend.sums import overflowed, power_of_two
from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.engine.access import glance
from tinygrad_edu.engine.modes import would_lose
from tinygrad_edu.errors import describe, wrong
from tinygrad_edu.functional.creation import as_tensor, wrap
from tinygrad_edu.functional.movement import flatten
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.ops import reduce as _r
from tinygrad_edu.scalars import number
from tinygrad_edu.shapes import Axis, dropped_shape, normalize_axes, normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["all", "allclose", "any", "argmax", "argmin", "cumprod", "cumsum", "logsumexp", "max", "mean",
           "min", "norm", "prod", "std", "sum", "var"]  # fmt: skip


def _reduce(op: Any, x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    axes = normalize_axes(axis, len(x.shape))
    out = op(x, axes=axes)
    return out if keepdims or not axes else _m.reshape(out, shape=dropped_shape(x.shape, axes))


def _as_floats(x: Tensor) -> Tensor:
    return x if is_floating(x.dtype) else x.cast("float64")


def _count(x: Tensor, axis: Axis) -> int:
    return math.prod(x.shape[a] for a in normalize_axes(axis, len(x.shape)))


def sum(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The sum over `axis`; 0 of nothing."""
    return _reduce(_r.sum, x, axis, keepdims)


def mean(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The mean over `axis`; NaN of nothing."""
    x = _as_floats(as_tensor(x))  # as NumPy's mean does: a sum of integers could wrap around
    n = _count(x, axis)
    total = sum(x, axis, keepdims=keepdims)
    return total / n if n else total * math.nan


def prod(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The product over `axis`; its gradient is right with any number of zeros."""
    return _reduce(_r.prod, x, axis, keepdims)


def _check_no_operand(name: str, ours: str, axis: Any) -> None:
    """TypeError if a second tensor was given, where PyTorch's function of this name compares two."""
    if getattr(axis, "ndim", 0):
        problem = f"the second argument is an axis, not {describe(axis)}"
        raise wrong(TypeError, name, problem, f"te.{ours}(x, y) compares two tensors element by element")


def max(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The largest element along `axis`; a tie shares the gradient evenly. Raises ValueError of nothing."""
    _check_no_operand("max", "maximum", axis)
    return _reduce(_r.max, x, axis, keepdims)


def min(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The smallest element along `axis`; a tie shares the gradient evenly. Raises ValueError of nothing."""
    _check_no_operand("min", "minimum", axis)
    return _reduce(_r.min, x, axis, keepdims)


def any(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """Whether any element along `axis` is not zero."""
    return _reduce(_r.any, x, axis, keepdims)


def all(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """Whether all elements along `axis` are not zero."""
    return _reduce(_r.all, x, axis, keepdims)


def argmax(x: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The index of the largest element along `axis` (of the flattened tensor if None); the first of equals.
    int64."""
    return _arg_reduce(_r.argmax, as_tensor(x), axis, keepdims)


def argmin(x: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The index of the smallest element along `axis` (of the flattened tensor if None); the first of equals.
    int64."""
    return _arg_reduce(_r.argmin, as_tensor(x), axis, keepdims)


def _arg_reduce(op: Any, x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    if axis is None:
        out = _reduce(op, flatten(x), 0, False)
        return _m.reshape(out, shape=(1,) * x.ndim) if keepdims else out
    return _reduce(op, x, axis, keepdims)


def var(x: Tensor, axis: Axis = None, *, correction: float = 0, keepdims: bool = False) -> Tensor:
    """The variance over `axis`: squared distances from the mean over n - correction (the Array API's default
    is 0).

    If n - correction is not positive, it is NaN, with a RuntimeWarning.
    """
    x = as_tensor(x)
    over = _inverse_freedom(x, axis, correction)
    centred = _centred(x, axis)
    return _rescaled_if_overflowed(
        x,
        axis,
        keepdims,
        over,
        sum(_e.square(centred), axis, keepdims=keepdims) * over,
        lambda x, size: var(x, axis, correction=correction, keepdims=keepdims) * size * size,
    )


def std(x: Tensor, axis: Axis = None, *, correction: float = 0, keepdims: bool = False) -> Tensor:
    """The square root of `var`; its gradient where all elements are equal is 0."""
    x = as_tensor(x)
    over = math.sqrt(_inverse_freedom(x, axis, correction))
    centred = _centred(x, axis)
    return _rescaled_if_overflowed(
        x,
        axis,
        keepdims,
        over,
        norm(centred, axis=axis, keepdims=keepdims) * over,
        lambda x, size: std(x, axis, correction=correction, keepdims=keepdims) * size,
    )


def _rescaled_if_overflowed(
    x: Tensor,
    axis: Axis,
    keepdims: bool,
    over: float,
    found: Tensor,
    again: Callable[[Tensor, Tensor], Tensor],
) -> Tensor:
    """`found`, or if it overflowed, `again` of x divided by a power of two near its largest number.

    It overflowed if it is NaN although all numbers of x are finite.
    """
    if math.isnan(over):
        return found
    array, result = glance(x.storage, "var"), glance(found.storage, "var")
    if array is None or result is None or not overflowed(array, result):
        return found
    axes = normalize_axes(axis, x.ndim)
    size = power_of_two(array, axes)
    return again(x / wrap(size), wrap(size if keepdims else size.squeeze(axes)))


def _centred(x: Tensor, axis: Axis) -> Tensor:
    """x minus its mean. The first element is subtracted first, so that equal elements give exactly 0."""
    x = _as_floats(x)
    axes = normalize_axes(axis, x.ndim)
    first = _m.slice_(x.detach(), key=tuple(slice(0, 1) if a in axes else slice(None) for a in range(x.ndim)))
    moved = x - first
    return moved - mean(moved, axis, keepdims=True)


def _inverse_freedom(x: Tensor, axis: Axis, correction: float) -> float:
    freedom = _count(x, axis) - number(correction, "correction")
    if freedom <= 0:
        warnings.warn(
            f"var/std of {_count(x, axis)} elements with correction {correction}: no degree of "
            "freedom is left, the result is NaN",
            RuntimeWarning,
            stacklevel=4,
        )
        return math.nan
    return 1.0 / freedom


def logsumexp(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """ln of the sum of e^x over `axis`, without overflow; -inf of nothing, and its gradient there is 0."""
    return _reduce(_r.logsumexp, x, axis, keepdims)


def norm(x: Tensor, ord: float = 2, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The vector norm of order `ord` over `axis`: 2, 1, inf, -inf, 0 (the count of non-zeros) or any p > 0.

    The gradient at 0 is 0.
    """
    if would_lose(ord):
        raise wrong(
            TypeError, "norm", "there is no gradient by the order", "give a number, such as float(ord)"
        )
    x, ord = _as_floats(as_tensor(x)), number(ord, "norm: ord")
    if ord == 2:
        return _reduce(_r.norm2, x, axis, keepdims)
    if ord == 1:
        return sum(_e.abs(x), axis, keepdims=keepdims)
    if ord in (math.inf, -math.inf):
        return (max if ord > 0 else min)(_e.abs(x), axis, keepdims=keepdims)
    if ord == 0:
        counted = _e.where(np.True_, _e.not_equal(x, 0).cast(x.dtype), x)  # so that there is a gradient, 0
        return sum(counted, axis, keepdims=keepdims)
    if ord < 0:
        raise wrong(ValueError, "norm", f"order {ord} is not 0, positive, inf or -inf")
    axes = normalize_axes(axis, x.ndim)
    out = _r.norm_p(x, axes=axes, ord=float(ord))
    return out if keepdims or not axes else _m.reshape(out, shape=dropped_shape(x.shape, axes))


def cumsum(x: Tensor, axis: int = 0) -> Tensor:
    """Running sums along `axis`."""
    x = as_tensor(x)
    return _r.cumsum(x, axis=normalize_axis(axis, x.ndim))


def cumprod(x: Tensor, axis: int = 0) -> Tensor:
    """Running products along `axis`."""
    x = as_tensor(x)
    return _r.cumprod(x, axis=normalize_axis(axis, x.ndim))


def allclose(
    x: Any, y: Any, *, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False
) -> bool:  # fmt: skip
    """Whether |x - y| <= atol + rtol |y| everywhere; a NaN is close to a NaN with `equal_nan` alone."""
    one, other = as_tensor(x).numpy(), as_tensor(y).numpy()
    return bool(np.allclose(one, other, rtol=rtol, atol=atol, equal_nan=equal_nan))
