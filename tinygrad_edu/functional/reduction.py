"""Reductions: `axis=None` means all axes; `keepdims` keeps them at size 1."""
from __future__ import annotations

import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.functional.movement import flatten
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import fused as _f
from tinygrad_edu.ops import index as _i
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.ops import reduce as _r
from tinygrad_edu.shapes import Axis, dropped_shape, normalize_axes, normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def _reduce(op: Any, x: Tensor, axis: Axis, keepdims: bool) -> Tensor:
    x = as_tensor(x)
    axes = normalize_axes(axis, len(x.shape))
    out = op(x, axes=axes)
    return out if keepdims or not axes else _m.reshape(out, shape=dropped_shape(x.shape, axes))


def _count(x: Tensor, axis: Axis) -> int:
    return math.prod(x.shape[a] for a in normalize_axes(axis, len(x.shape)))


def sum(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The sum over `axis`; 0 of nothing."""
    return _reduce(_r.sum, x, axis, keepdims)


def mean(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The mean over `axis`; NaN of nothing."""
    x = as_tensor(x)
    n = _count(x, axis)
    total = sum(x, axis, keepdims=keepdims)
    return total / n if n else total * math.nan


def prod(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The product over `axis`; its gradient is right with any number of zeros."""
    return _reduce(_r.prod, x, axis, keepdims)


def max(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The largest element along `axis`; a tie shares the gradient evenly. Raises ValueError of nothing."""
    return _reduce(_r.max, x, axis, keepdims)


def min(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The smallest element along `axis`; a tie shares the gradient evenly. Raises ValueError of nothing."""
    return _reduce(_r.min, x, axis, keepdims)


def any(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """Whether any element along `axis` is not zero."""
    return _reduce(_r.any, x, axis, keepdims)


def all(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """Whether all elements along `axis` are not zero."""
    return _reduce(_r.all, x, axis, keepdims)


def argmax(x: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The place of the largest element along `axis` (of the flattened tensor if None); the first of equals.
    int64."""
    return _place(_r.argmax, as_tensor(x), axis, keepdims)


def argmin(x: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The place of the smallest element along `axis` (of the flattened tensor if None); the first of equals.
    int64."""
    return _place(_r.argmin, as_tensor(x), axis, keepdims)


def _place(op: Any, x: Tensor, axis: int | None, keepdims: bool) -> Tensor:
    if axis is None:
        out = _reduce(op, flatten(x), 0, False)
        return _m.reshape(out, shape=(1,) * x.ndim) if keepdims else out
    return _reduce(op, x, axis, keepdims)


def var(x: Tensor, axis: Axis = None, *, correction: float = 0, keepdims: bool = False) -> Tensor:
    """The variance over `axis`: squared distances from the mean over n - correction (the Array API's default
    is 0).

    With no degree of freedom left it is NaN, with a RuntimeWarning.
    """
    x = as_tensor(x)
    centred = _centred(x, axis)
    return sum(_e.square(centred), axis, keepdims=keepdims) * _over(x, axis, correction)


def std(x: Tensor, axis: Axis = None, *, correction: float = 0, keepdims: bool = False) -> Tensor:
    """The square root of `var`; its gradient where all elements are equal is 0."""
    x = as_tensor(x)
    centred = _centred(x, axis)
    return norm(centred, axis=axis, keepdims=keepdims) * math.sqrt(_over(x, axis, correction))


def _centred(x: Tensor, axis: Axis) -> Tensor:
    """x less its mean, by way of its first element: exactly 0 where all are equal, as a rounded mean is not.
    """
    x = x if is_floating(x.dtype) else x.cast("float64")
    axes = normalize_axes(axis, x.ndim)
    first = _m.slice_(x.detach(), key=tuple(slice(0, 1) if a in axes else slice(None) for a in range(x.ndim)))
    moved = x - first
    return moved - mean(moved, axis, keepdims=True)


def _over(x: Tensor, axis: Axis, correction: float) -> float:
    freedom = _count(x, axis) - correction
    if freedom <= 0:
        warnings.warn(f"var/std of {_count(x, axis)} elements with correction {correction}: no degree of "
                      "freedom is left, the result is NaN", RuntimeWarning, stacklevel=4)
        return math.nan
    return 1.0 / freedom


def logsumexp(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """ln of the sum of e^x over `axis`, without overflow; -inf of nothing, and its gradient there is 0."""
    return _reduce(_r.logsumexp, x, axis, keepdims)


def norm(x: Tensor, ord: float = 2, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The vector norm of order `ord` over `axis`: 2, 1, inf, -inf, 0 (the count of non-zeros) or any p > 0.

    The gradient at 0 is 0.
    """
    x = as_tensor(x)
    if ord == 2:
        return _reduce(_r.norm2, x, axis, keepdims)
    if ord == 1:
        return sum(_e.abs(x), axis, keepdims=keepdims)
    if ord in (math.inf, -math.inf):
        return (max if ord > 0 else min)(_e.abs(x), axis, keepdims=keepdims)
    if ord == 0:
        return sum(_e.not_equal(x, 0).cast(x.dtype), axis, keepdims=keepdims)
    if ord < 0:
        raise ValueError(f"norm: order {ord} is not 0, positive, inf or -inf")
    size = _e.abs(x)
    safe = _e.where(_e.equal(size, 0), 1.0, size)
    powers = _e.where(_e.equal(size, 0), 0.0, _e.pow(safe, float(ord)))
    total = sum(powers, axis, keepdims=keepdims)
    zero = _e.equal(total, 0)
    return _e.where(zero, 0.0, _e.pow(_e.where(zero, 1.0, total), 1.0 / ord))


def cumsum(x: Tensor, axis: int = 0) -> Tensor:
    """Running sums along `axis`."""
    x = as_tensor(x)
    return _r.cumsum(x, axis=normalize_axis(axis, x.ndim))


def cumprod(x: Tensor, axis: int = 0) -> Tensor:
    """Running products along `axis`."""
    x = as_tensor(x)
    return _r.cumprod(x, axis=normalize_axis(axis, x.ndim))


def softmax(x: Tensor, axis: int = -1) -> Tensor:
    """Probabilities proportional to e^x along `axis`; no input overflows it. A row of -inf gives NaN."""
    x = as_tensor(x)
    return _f.softmax(x, axis=normalize_axis(axis, x.ndim))


def log_softmax(x: Tensor, axis: int = -1) -> Tensor:
    """ln softmax(x) along `axis`, exact where the softmax itself would be 0."""
    x = as_tensor(x)
    return _f.log_softmax(x, axis=normalize_axis(axis, x.ndim))


def layer_norm(x: Tensor, axis: Axis = -1, weight: Tensor | None = None, bias: Tensor | None = None,
               eps: float = 1e-5) -> Tensor:
    """x brought to mean 0 and variance 1 over `axis`, then scaled by `weight` and moved by `bias`.

    Source: Ba, Kiros, Hinton, "Layer normalization", arXiv 1607.06450.
    """
    x = as_tensor(x)
    out = _f.standardize(x, axes=normalize_axes(axis, x.ndim), eps=eps)
    out = out if weight is None else out * weight
    return out if bias is None else out + bias


def sort(x: Tensor, axis: int = -1, *, descending: bool = False) -> Tensor:
    """The elements in order along `axis`; equals keep their order."""
    return _i.gather(as_tensor(x), argsort(x, axis, descending=descending), axis=normalize_axis(axis, x.ndim))


def argsort(x: Tensor, axis: int = -1, *, descending: bool = False) -> Tensor:
    """The places of the elements in order along `axis`; equals keep their order. int64."""
    x = as_tensor(x)
    return _i.argsort(x, axis=normalize_axis(axis, x.ndim), descending=descending)


def topk(x: Tensor, k: int, axis: int = -1) -> tuple[Tensor, Tensor]:
    """The k largest elements along `axis`, largest first, and their places."""
    x = as_tensor(x)
    at = normalize_axis(axis, x.ndim)
    if not 0 <= k <= x.shape[at]:
        raise ValueError(f"topk: k must be from 0 to {x.shape[at]}, the size of axis {axis} of {x.shape}; "
                         f"it is {k}")
    places = argsort(x, at, descending=True)[(*([slice(None)] * at), slice(0, k))]
    return _i.gather(x, places, axis=at), places


def allclose(x: Any, y: Any, *, rtol: float = 1e-5, atol: float = 1e-8) -> bool:
    """Whether |x - y| <= atol + rtol |y| everywhere."""
    return bool(np.allclose(as_tensor(x).numpy(), as_tensor(y).numpy(), rtol=rtol, atol=atol))
