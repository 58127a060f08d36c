"""Functions of all elements, or of those along dimensions: sums, means, norms, running sums."""

from __future__ import annotations

import builtins
import math
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import dtype_of, floating
from tinygrad_edu.torch.functions.axes import (
    INT64,
    along,
    axes_of,
    axis_of,
    check_floats,
    check_tensor,
    in_dtype,
    lined,
)

__all__ = ["all", "any", "count_nonzero", "cumprod", "cumsum", "cumulative_trapezoid", "diff", "dist",
           "frobenius_norm", "logcumsumexp", "logsumexp", "mean", "nanmean", "nansum", "norm",
           "nuclear_norm", "prod", "renorm", "std", "std_mean", "sum", "trapezoid", "trapz", "var",
           "var_mean"]  # fmt: skip


def _summable(x: te.Tensor, dtype: Any) -> te.Tensor:
    """x in the dtype in which it is added up: integers and bools in int64."""
    if dtype is not None:
        return in_dtype(x, dtype)
    return x if x.dtype.kind == "f" or x.dtype == INT64 else x.cast(INT64)


@torch_function
def sum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum of all elements, or of those along `dim`, one or several; of integers and bools int64."""
    check_tensor("sum", input)
    x = _summable(input, dtype)
    if dim is None:
        return te.sum(x, keepdims=keepdim)
    return te.sum(x, axes_of(x, dim), keepdims=keepdim)


@torch_function
def mean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of all elements, or of those along `dim`; of floats only, unless `dtype` says in which."""
    check_tensor("mean", input)
    x = in_dtype(input, dtype)
    if x.dtype.kind != "f":
        raise wrong(
            RuntimeError,
            "mean",
            "mean(): could not infer output dtype. Input dtype must be either a floating point or complex "
            f"dtype. Got: {dtype_of(x.dtype).name}",
            "convert it with x.float()",
            inputs=(x,),
        )
    return te.mean(x, axes_of(x, dim), keepdims=keepdim)


@torch_function
def prod(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The product of all elements, or of those along `dim`; of integers and bools int64."""
    check_tensor("prod", input)
    x = _summable(input, dtype)
    return te.prod(x, None if dim is None else axes_of(x, axis_of(x, dim)), keepdims=keepdim)


def _truth(function: Callable[..., te.Tensor], name: str, doc: str) -> Any:
    def made(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        check_tensor(name, input)
        axes = () if isinstance(dim, (list, tuple)) and not dim else axes_of(input, dim)
        found = function(te.not_equal(input, 0) if input.dtype.kind != "b" else input, axes, keepdims=keepdim)
        return found.cast("uint8") if input.dtype == np.uint8 else found

    made.__name__ = made.__qualname__ = name
    made.__doc__ = doc
    return torch_function(made)


any = _truth(te.any, "any", "Whether any element is not zero, of all or of those along `dim`.")
all = _truth(te.all, "all", "Whether all elements are not zero, of all or of those along `dim`.")


@torch_function
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """As `sum`, of what is not NaN."""
    check_tensor("nansum", input)
    x = _summable(te.where(te.isnan(input), 0.0, input) if input.dtype.kind == "f" else input, dtype)
    return te.sum(x, axes_of(x, dim), keepdims=keepdim)


@torch_function
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """As `mean`, of what is not NaN."""
    check_tensor("nanmean", input)
    check_floats("nanmean", input)
    x = in_dtype(input, dtype)
    axes = axes_of(x, dim)
    there = te.logical_not(te.isnan(x))
    total = te.sum(te.where(there, x, 0.0), axes, keepdims=keepdim)
    return total / te.sum(there, axes, keepdims=keepdim).cast(x.dtype)


# -- spread ------------------------------------------------------------------------------------------------


def _spread(
    name: str, x: Any, dim: Any, unbiased: Any, correction: Any, keepdim: bool
) -> tuple[te.Tensor, te.Tensor]:
    """(variance, mean) over `dim`, which may be left out in front of `unbiased`."""
    check_tensor(name, x)
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if x.dtype.kind != "f":
        raise wrong(
            RuntimeError, name, f"{name}: only support floating point and complex dtypes", inputs=(x,)
        )
    if unbiased is not None:
        correction = 1 if unbiased else 0
    axes = axes_of(x, dim)
    n = math.prod(x.shape[a] for a in axes)
    left = n - (1 if correction is None else correction)
    mean = te.mean(x, axes, keepdims=keepdim)
    if left <= 0:
        warnings.warn(f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the "
                      "reduction factor (input numel divided by output numel).", stacklevel=4)  # fmt: skip
    if not n:
        return te.sum(x, axes, keepdims=keepdim) * math.nan, mean
    scale = n / left if left > 0 else math.inf
    return te.var(x, axes, correction=0, keepdims=keepdim) * scale, mean


def _root(x: te.Tensor) -> te.Tensor:
    """The square root, whose gradient at 0 is 0."""
    zero = te.equal(x, 0)
    return te.where(zero, 0.0, te.sqrt(te.where(zero, 1.0, x)))


@torch_function
def var(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """The variance: squared distances from the mean, over their count less `correction`, which is 1."""
    return _spread("var", input, dim, unbiased, correction, keepdim)[0]


@torch_function
def std(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """The standard deviation, the square root of `var`."""
    return _root(_spread("std", input, dim, unbiased, correction, keepdim)[0])


@torch_function
def var_mean(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """The variance and the mean."""
    return _spread("var_mean", input, dim, unbiased, correction, keepdim)


@torch_function
def std_mean(
    input: Any, dim: Any = None, unbiased: Any = None, keepdim: bool = False, *, correction: Any = None
) -> Any:
    """The standard deviation and the mean."""
    found, mean = _spread("std_mean", input, dim, unbiased, correction, keepdim)
    return _root(found), mean


# -- norms -------------------------------------------------------------------------------------------------


def vector_norm(x: te.Tensor, p: float, axes: tuple[int, ...], keepdim: bool) -> te.Tensor:
    """The norm of order p of what lies along `axes`."""
    if p >= 0 or math.isinf(p):
        if math.isinf(p) and builtins.any(not x.shape[a] for a in axes):
            if p > 0 and not axes:
                return te.abs(x)
            raise wrong(RuntimeError, "norm", f"an empty tensor has no norm of order {p}", inputs=(x,))
        if not axes:
            return te.norm(te.reshape(x, (*x.shape, 1)), p, -1)
        return te.norm(x, p, axes, keepdims=keepdim)
    return te.pow(te.sum(te.pow(te.abs(x), p), axes, keepdims=keepdim), 1.0 / p)


@torch_function
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The norm of order `p` of all elements, or of those along `dim`: a number, "fro" (2), or "nuc"."""
    check_tensor("norm", input)
    x = in_dtype(input, dtype)
    if x.dtype.kind != "f":
        raise wrong(
            RuntimeError,
            "norm",
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got "
            f"{dtype_of(x.dtype).name}",
            "convert it with x.float()",
            inputs=(x,),
        )
    if p == "nuc":
        at = (-2, -1) if dim is None else tuple(dim)
        first, second = (axis_of(x, d) for d in at)
        kept = tuple(1 if a in (first, second) else n for a, n in enumerate(x.shape))
        found = te.sum(te.linalg.svdvals(te.moveaxis(x, (first, second), (-2, -1))), -1)
        return te.reshape(found, kept) if keepdim else found
    if isinstance(p, str) and p != "fro":
        raise wrong(RuntimeError, "norm", f"norm(): p={p!r} is not known", "use a number, 'fro' or 'nuc'")
    order = 2.0 if p in ("fro", None) else float(p.item() if hasattr(p, "item") else p)
    return vector_norm(x, order, axes_of(x, dim), keepdim)


def frobenius_norm(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """The root of the sum of squares along `dim`."""
    return norm(input, "fro", dim, keepdim)


def nuclear_norm(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The sum of the singular values of matrices."""
    return norm(input, "nuc", dim, keepdim)


@torch_function
def sum_to_size(input: Any, *size: Any) -> Any:
    """input summed to a shape that broadcasts to its own."""
    check_tensor("sum_to_size", input)
    shape = tuple(size[0]) if len(size) == 1 and isinstance(size[0], (list, tuple)) else tuple(size)
    ahead = input.ndim - len(shape)
    pairs = zip(input.shape[builtins.max(ahead, 0) :], shape, strict=False)
    if ahead < 0 or builtins.any(n not in (1, m) for m, n in pairs):
        raise wrong(
            RuntimeError,
            "sum_to_size",
            f"size {list(shape)} is not expandable to size {list(input.shape)}.",
            inputs=(input,),
        )
    axes = (*range(ahead), *(ahead + i for i, n in enumerate(shape) if n == 1))
    return te.reshape(te.sum(input, axes), shape)


@torch_function
def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The norm of order p of input - other."""
    check_tensor("dist", input)
    check_tensor("dist", other, "other")
    x, y = floating(input, other)
    return vector_norm(x - y, float(p), tuple(range(builtins.max(x.ndim, y.ndim))), False)


@torch_function
def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    """input with every slice along `dim` whose norm of order p is larger than `maxnorm` shrunk to it."""
    check_tensor("renorm", input)
    check_floats("renorm", input)
    if p <= 0:
        raise wrong(RuntimeError, "renorm", "renorm: non-positive-norm not supported")
    if maxnorm < 0:
        raise wrong(RuntimeError, "renorm", f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    if input.ndim < 2:
        raise wrong(RuntimeError, "renorm", f"renorm: input needs at least 2 dimensions, got {input.ndim}")
    at = axis_of(input, dim)
    size = vector_norm(input, float(p), tuple(a for a in range(input.ndim) if a != at), True)
    return input * te.where(te.greater(size, maxnorm), maxnorm / (size + 1e-7), 1.0).cast(input.dtype)


@torch_function
def logsumexp(input: Any, dim: Any, keepdim: bool = False) -> Any:
    """ln of the sum of e^x along `dim`, without overflow."""
    check_tensor("logsumexp", input)
    (x,) = floating(input)
    return te.logsumexp(x, axes_of(x, dim), keepdims=keepdim)


@torch_function
def count_nonzero(input: Any, dim: Any = None) -> Any:
    """How many elements are not zero, of all or of those along `dim`."""
    check_tensor("count_nonzero", input)
    return te.count_nonzero(input, axes_of(input, dim))


# -- running sums ------------------------------------------------------------------------------------------


@torch_function
def cumsum(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Running sums along `dim`; of integers and bools int64."""
    check_tensor("cumsum", input)
    return along(te.cumsum, _summable(input, dtype), dim)


@torch_function
def cumprod(input: Any, dim: int, *, dtype: Any = None) -> Any:
    """Running products along `dim`; of integers and bools int64."""
    check_tensor("cumprod", input)
    return along(te.cumprod, _summable(input, dtype), dim)


@torch_function
def logcumsumexp(input: Any, dim: int) -> Any:
    """ln of running sums of e^x along `dim`, without overflow."""
    check_tensor("logcumsumexp", input)
    check_floats("logcumsumexp", input)
    return along(_logcumsumexp, input, dim)


def _logcumsumexp(x: te.Tensor, at: int) -> te.Tensor:
    """In log2(n) steps, each of which doubles how far back an element has looked.

    Source: Hillis, Steele, "Data parallel algorithms", CACM 29, 1986.
    """
    n, before, back = x.shape[at], [slice(None)] * at, 1
    while back < n:
        later, earlier = x[(*before, slice(back, n))], x[(*before, slice(0, n - back))]
        x = te.concat([x[(*before, slice(0, back))], te.logaddexp(later, earlier)], at)
        back *= 2
    return x


# -- neighbours --------------------------------------------------------------------------------------------


@torch_function
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """The differences of neighbours along `dim`, `n` times; of bools whether they differ."""
    check_tensor("diff", input)
    if not input.ndim:
        raise wrong(
            RuntimeError, "diff", "diff expects input to be at least one-dimensional", inputs=(input,)
        )
    at = axis_of(input, dim)
    if n < 0:
        raise wrong(RuntimeError, "diff", f"order must be non-negative but got {n}")
    parts = [x for x in (prepend, input, append) if x is not None]
    x = te.concat(parts, at) if len(parts) > 1 else input
    for _ in range(builtins.min(n, x.shape[at])):
        before = [slice(None)] * at
        later, earlier = x[(*before, slice(1, None))], x[(*before, slice(0, -1))]
        x = te.logical_xor(later, earlier) if x.dtype.kind == "b" else later - earlier
    return te.clone(x) if x is input else x


def _strips(name: str, y: Any, x: Any, dx: Any, dim: int) -> tuple[te.Tensor, int]:
    """(the areas between neighbours, the axis)."""
    check_tensor(name, y, "y")
    if x is not None and dx is not None:
        raise wrong(TypeError, name, f"{name}() takes either x or dx, not both")
    at = axis_of(y, dim)
    before = [slice(None)] * at
    (heights,) = floating(y)
    heights = lined(heights)
    middle = heights[(*before, slice(1, None))] + heights[(*before, slice(0, -1))]
    if x is None:
        return middle * ((1.0 if dx is None else dx) / 2), at
    (places,) = floating(x)
    if places.ndim == 1:
        if places.shape[0] != heights.shape[at]:
            raise wrong(
                RuntimeError,
                name,
                "trapezoid: There must be one `x` value for each sample point",
                inputs=(heights, places),
            )
        steps = te.reshape(places[1:] - places[:-1], (-1, *([1] * (heights.ndim - at - 1))))
    else:
        ahead = [slice(None)] * (places.ndim - heights.ndim + at)
        steps = places[(*ahead, slice(1, None))] - places[(*ahead, slice(0, -1))]
    return middle * steps * 0.5, at - heights.ndim


@torch_function
def trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The area below the points (x, y) along `dim`; `dx` is the distance of neighbours if there is no x."""
    areas, at = _strips("trapezoid", y, x, dx, dim)
    return te.sum(areas, at)


trapz = trapezoid


@torch_function
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The running area below the points (x, y) along `dim`."""
    areas, at = _strips("cumulative_trapezoid", y, x, dx, dim)
    return te.cumsum(areas, at)
