"""The largest and the smallest: of all elements, along dimensions, of two tensors, so far; and the middle."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch import return_types
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import promoted
from tinygrad_edu.torch.functions.axes import (
    axes_of,
    axis_of,
    beside,
    check_floats,
    check_tensor,
    flat_last,
    is_tensor,
    lined,
    numbers,
    without,
)

__all__ = ["amax", "amin", "aminmax", "argmax", "argmin", "cummax", "cummin", "max", "median", "min",
           "mode", "nanmedian", "nanquantile", "quantile"]  # fmt: skip


def picked(x: te.Tensor, places: te.Tensor, dim: int, keepdim: bool, kind: Any) -> Any:
    """(values, indices) of one element of each line along `dim`, whose place is known, kept as a 1."""
    values = te.gather(x, places, dim)
    if keepdim:
        return kind(values, places)
    return kind(te.squeeze(values, dim), te.squeeze(places, dim))


def one_of_each(
    name: str, x: te.Tensor, dim: Any, keepdim: bool, places: Callable[[te.Tensor, int], te.Tensor]
) -> Any:
    """(values, indices) of one element of each line along `dim`: `places(x, axis)` says which."""
    at = axis_of(x, dim)
    kind = getattr(return_types, name)
    line = lined(x)
    if not line.shape[at]:
        raise wrong(
            IndexError, name, f"{name}(): Expected reduction dim {at} to have non-zero size.", inputs=(x,)
        )
    found = picked(line, places(line, at), at, keepdim and bool(x.ndim), kind)
    return found


def _extreme(name: str, all_of: Any, place_of: Any, of_two: Any, doc: str) -> Any:
    def made(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
        check_tensor(name, input)
        if is_tensor(dim):
            other, dim = dim, None
        if other is not None:
            check_tensor(name, other, "other")
            return of_two(*promoted(input, other))
        if dim is None:
            if not input.size:
                raise wrong(
                    RuntimeError,
                    name,
                    f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                    "reduction dim with the 'dim' argument.",
                    inputs=(input,),
                )
            return all_of(input)
        return one_of_each(name, input, dim, keepdim, lambda x, at: place_of(x, at, keepdims=True))

    made.__name__ = made.__qualname__ = name
    made.__doc__ = doc
    return torch_function(made)


max = _extreme(
    "max",
    te.max,
    te.argmax,
    te.maximum,
    "The largest element; along `dim` (values, indices); of two tensors.",
)
min = _extreme(
    "min",
    te.min,
    te.argmin,
    te.minimum,
    "The smallest element; along `dim` (values, indices); of two tensors.",
)


def _over(name: str, function: Any, x: Any, dim: Any, keepdim: bool) -> te.Tensor:
    """The extreme over several dimensions; a tie shares the gradient."""
    check_tensor(name, x)
    axes = axes_of(x, None if isinstance(dim, (list, tuple)) and not dim else dim)
    if any(not x.shape[a] for a in axes):
        whole = dim is None or dim == () or dim == []
        raise wrong(
            RuntimeError if whole else IndexError,
            name,
            f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction "
            "dim with the 'dim' argument."
            if whole
            else f"{name}(): Expected reduction dim {axes[0]} to have non-zero size.",
            inputs=(x,),
        )
    found: te.Tensor = function(x, axes, keepdims=keepdim)
    return found


@torch_function
def amax(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The largest element along `dim`, one or several; a tie shares the gradient."""
    return _over("amax", te.max, input, dim, keepdim)


@torch_function
def amin(input: Any, dim: Any = (), keepdim: bool = False) -> Any:
    """The smallest element along `dim`, one or several; a tie shares the gradient."""
    return _over("amin", te.min, input, dim, keepdim)


@torch_function
def aminmax(input: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
    """(min, max): `amin` and `amax` along one dimension, or of all elements."""
    check_tensor("aminmax", input)
    at = () if dim is None else axis_of(input, dim)
    return return_types.aminmax(
        _over("aminmax", te.min, input, at, keepdim), _over("aminmax", te.max, input, at, keepdim)
    )


def _place(name: str, function: Any, doc: str) -> Any:
    def made(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        check_tensor(name, input)
        if input.dtype.kind == "b":
            raise wrong(
                RuntimeError, name, f"\"{name}_cpu\" not implemented for 'Bool'", "convert it with x.int()"
            )
        if dim is None:
            if not input.size:
                raise wrong(
                    IndexError,
                    name,
                    f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the "
                    "reduction dim with the 'dim' argument.",
                )
            return function(input, None, keepdims=keepdim)
        at = axis_of(input, dim)
        if not lined(input).shape[at]:
            raise wrong(IndexError, name, f"{name}(): Expected reduction dim {at} to have non-zero size.")
        if not input.ndim:
            return te.zeros((), dtype="int64", device=input.device)
        return function(input, at, keepdims=keepdim)

    made.__name__ = made.__qualname__ = name
    made.__doc__ = doc
    return torch_function(made)


argmax = _place(
    "argmax", te.argmax, "The place of the largest element, of all or along `dim`; the first of equals."
)
argmin = _place(
    "argmin", te.argmin, "The place of the smallest element, of all or along `dim`; the first of equals."
)


def _running(name: str, function: Any, doc: str) -> Any:
    def made(input: Any, dim: int) -> Any:
        check_tensor(name, input)
        at, kind = axis_of(input, dim), getattr(return_types, name)
        values, indices = function(lined(input), at)
        if not input.ndim:
            return kind(te.reshape(values, ()), te.reshape(indices, ()))
        return kind(values, indices)

    made.__name__ = made.__qualname__ = name
    made.__doc__ = doc
    return torch_function(made)


cummax = _running("cummax", te.cummax, "(values, indices): the largest element so far along `dim`.")
cummin = _running("cummin", te.cummin, "(values, indices): the smallest element so far along `dim`.")


# -- the middle --------------------------------------------------------------------------------------------


def shared_gradient(x: te.Tensor, value: te.Tensor) -> te.Tensor:
    """`value`, an element of x, as a function of x: all elements that equal it share its gradient."""
    v = value.detach()
    same = te.equal(x, v) if not bool(te.isnan(v)) else te.isnan(x)
    rest = te.where(same, x - v, 0.0) if not bool(te.isnan(v)) else te.where(same, x, 0.0)
    return v + te.sum(rest) / float(np.count_nonzero(numbers(same, "median")))


def _middle(x: te.Tensor, at: int, skip_nan: bool) -> te.Tensor:
    """The places of the lower middle elements along an axis; of NaN if there is one and it is not skipped."""
    order = te.argsort(x, at)
    n = x.shape[at]
    before = [slice(None)] * at
    if x.dtype.kind != "f":
        return order[(*before, slice((n - 1) // 2, (n - 1) // 2 + 1))]
    missing = te.isnan(x)
    if skip_nan:
        there = te.sum(te.logical_not(missing), at, keepdims=True)
        return te.gather(order, te.floor_divide(te.maximum(there - 1, 0), 2), at)
    middle = order[(*before, slice((n - 1) // 2, (n - 1) // 2 + 1))]
    first = te.argmax(missing, at, keepdims=True)
    return te.where(te.any(missing, at, keepdims=True), first, middle)


def _median(name: str, skip_nan: bool, doc: str) -> Any:
    def made(input: Any, dim: Any = None, keepdim: bool = False) -> Any:
        check_tensor(name, input)
        if input.dtype.kind == "b":
            raise wrong(
                RuntimeError, name, "\"median_out\" not implemented for 'Bool'", "convert it with x.int()"
            )
        if dim is not None:
            return one_of_each(name, input, dim, keepdim, lambda x, at: _middle(x, at, skip_nan))
        line = te.reshape(input, (-1,))
        if not line.shape[0]:
            if input.dtype.kind == "f":
                return te.full((), math.nan, dtype=input.dtype, device=input.device) + te.sum(input)
            return te.full((), np.iinfo(input.dtype).min, dtype=input.dtype, device=input.device)
        found = te.reshape(te.gather(line, _middle(line, 0, skip_nan), 0), ())
        return shared_gradient(input, found) if found.node is not None else found

    made.__name__ = made.__qualname__ = name
    made.__doc__ = doc
    return torch_function(made)


median = _median("median", False, "The lower middle element, of all or (values, indices) along `dim`.")
nanmedian = _median("nanmedian", True, "As `median`, of what is not NaN.")


@torch_function
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices): the most frequent element along `dim`, the smallest of several, and its place."""
    check_tensor("mode", input)
    return one_of_each("mode", input, dim, keepdim, _modes)


def _modes(x: te.Tensor, at: int) -> te.Tensor:
    lines = np.moveaxis(numbers(x, "mode"), at, -1)
    flat = lines.reshape(-1, lines.shape[-1])
    places = np.empty((len(flat), 1), np.int64)
    for row, line in enumerate(flat):
        kinds, counts = np.unique(line, return_counts=True)
        places[row] = np.flatnonzero(line == kinds[counts.argmax()])[-1:] if len(kinds) else 0
    return beside(x, np.moveaxis(places.reshape(*lines.shape[:-1], 1), -1, at))


# -- quantiles ---------------------------------------------------------------------------------------------

_INTERPOLATIONS = ("linear", "lower", "higher", "nearest", "midpoint")


def _quantile(name: str, skip_nan: bool, doc: str) -> Any:
    def made(
        input: Any, q: Any, dim: Any = None, keepdim: bool = False, *, interpolation: str = "linear"
    ) -> Any:
        check_tensor(name, input)
        check_floats(name, input)
        if not input.size:
            raise wrong(RuntimeError, name, f"{name}() input tensor must be non-empty")
        if interpolation not in _INTERPOLATIONS:
            raise wrong(
                RuntimeError,
                name,
                f"{name}() interpolation must be one of {', '.join(_INTERPOLATIONS)}, not {interpolation}",
            )
        shares = numbers(q, name) if is_tensor(q) else np.asarray(q, np.float64)
        if shares.ndim > 1 or (is_tensor(q) and q.dtype != input.dtype):
            raise wrong(
                RuntimeError, name, f"{name}() q must be a scalar or 1D tensor of the dtype of the input"
            )
        if ((shares < 0) | (shares > 1)).any():
            raise wrong(RuntimeError, name, f"{name}() q values must be in the range [0, 1]")
        axes = tuple(range(input.ndim)) if dim is None else axes_of(input, axis_of(input, dim))
        line = flat_last(input, axes)
        found = [
            _share(te.sort(line, -1), float(share), interpolation, skip_nan) for share in shares.reshape(-1)
        ]
        shaped = [te.reshape(y, without(input.shape, axes, keepdim)) for y in found]
        return te.stack(shaped) if shares.ndim else shaped[0]

    made.__name__ = made.__qualname__ = name
    made.__doc__ = doc
    return torch_function(made)


def _share(ordered: te.Tensor, share: float, interpolation: str, skip_nan: bool) -> te.Tensor:
    """The element of sorted lines at a share of their lengths, NaN left out or taken over; kept as a 1."""
    missing = te.isnan(ordered)
    there = te.sum(te.logical_not(missing), -1, keepdims=True)
    if skip_nan:
        last = te.maximum(there - 1, 0)
    else:
        last = te.full(there.shape, ordered.shape[-1] - 1, dtype="int64", device=ordered.device)
    place = last.cast(ordered.dtype) * share
    if interpolation in ("lower", "higher", "nearest"):
        rounded = {"lower": te.floor, "higher": te.ceil, "nearest": te.round}[interpolation](place)
        found = te.gather(ordered, rounded.cast("int64"), -1)
    else:
        low = te.floor(place)
        weight = place - low if interpolation == "linear" else 0.5
        first = te.gather(ordered, low.cast("int64"), -1)
        second = te.gather(ordered, te.ceil(place).cast("int64"), -1)
        found = first + (second - first) * weight
    if skip_nan:
        return found
    return te.where(te.less(there, ordered.shape[-1]), math.nan, found)


quantile = _quantile(
    "quantile",
    False,
    "The element below which a share `q` of all, or of those along `dim`, lies; NaN if there is one.",
)
nanquantile = _quantile("nanquantile", True, "As `quantile`, of what is not NaN.")
