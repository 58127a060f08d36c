"""Selects elements by masks and by their values, and counts them.

The shape of some results depends on the numbers: these functions read them, and wait for a device.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.dtypes import float64, int64, is_floating
from tinygrad_edu.engine.access import look
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, as_tensors, wrap
from tinygrad_edu.functional.elementwise import where
from tinygrad_edu.functional.indexing import getitem
from tinygrad_edu.functional.movement import broadcast_to
from tinygrad_edu.ops import index as _i
from tinygrad_edu.scalars import integer, is_one, number
from tinygrad_edu.shapes import broadcast_shapes

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["bincount", "histogram", "masked_fill", "masked_select", "nonzero", "unique_all", "unique_counts",
           "unique_inverse", "unique_values"]  # fmt: skip


def _masked(name: str, x: Any, mask: Any) -> tuple[Tensor, Tensor]:
    """x and a mask as tensors on one device. TypeError for a mask that does not hold bools."""
    x, mask = as_tensors((x, mask))
    if mask.dtype != np.bool_:
        raise wrong(TypeError, name, f"a mask must hold bools, not {mask.dtype}", "compare first: x > 0",
                    inputs=(x, mask))  # fmt: skip
    return x, mask


def masked_fill(x: Tensor, mask: Tensor, value: Any) -> Tensor:
    """x with `value`, a number or a tensor of one, where `mask` is true; shapes broadcast.

    The dtype is x's. Raises TypeError for a mask that is not bool, or a value that the dtype cannot hold.
    """
    x, mask = _masked("masked_fill", x, mask)
    if getattr(value, "ndim", 0) or isinstance(value, (list, tuple)):
        problem = f"value must be one number, not of shape {np.shape(value)}"
        raise wrong(TypeError, "masked_fill", problem, "te.where takes several", inputs=(x, mask))
    if getattr(value, "dtype", None) is not None and value.dtype != x.dtype and is_floating(x.dtype):
        value = as_tensor(value, x).cast(x.dtype)
    if type(value) is int and x.dtype == np.bool_ and value in (0, 1):
        value = bool(value)
    out = where(mask, value, x)
    if out.dtype != x.dtype:
        raise wrong(TypeError, "masked_fill", f"{value!r:.60} does not fit into a {x.dtype} tensor",
                    "cast x first", inputs=(x, mask))  # fmt: skip
    return out


def masked_select(x: Tensor, mask: Tensor) -> Tensor:
    """The elements of x where `mask` is true, in order, as a vector; shapes broadcast. It reads the mask."""
    x, mask = _masked("masked_select", x, mask)
    shape = broadcast_shapes(x.shape, mask.shape)
    return getitem(broadcast_to(x, shape), broadcast_to(mask, shape))


def nonzero(x: Tensor) -> tuple[Tensor, ...]:
    """The indices of the elements that are not 0: one int64 vector for each axis. It reads x.

    `x[te.nonzero(x)]` are these elements. Raises ShapeError for a 0-d tensor.
    """
    x = as_tensor(x)
    if not x.ndim:
        raise wrong(ShapeError, "nonzero", "a 0-d tensor has no axes", "compare it: x != 0", inputs=(x,))
    return tuple(_beside(x, found) for found in np.nonzero(look(x.storage, "nonzero")))


class UniqueAll(NamedTuple):
    """The result of `unique_all`: four tensors."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCounts(NamedTuple):
    """The result of `unique_counts`: two tensors."""

    values: Tensor
    counts: Tensor


class UniqueInverse(NamedTuple):
    """The result of `unique_inverse`: two tensors."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Tensor) -> UniqueAll:
    """The different elements of x, sorted; where each occurs first; where each element of x is in them; and
    how often each occurs. It reads x.

    `values`, `indices` (into the flattened x) and `counts` are vectors; `inverse_indices` has x's shape, and
    `values[inverse_indices]` is x. Every NaN is different from all others, as in the Array API. `values` keep
    the gradient of the elements at `indices`.
    """
    x = as_tensor(x)
    numbers = look(x.storage, "unique").reshape(-1)
    _, first, inverse, counts = np.unique(
        numbers, return_index=True, return_inverse=True, return_counts=True, equal_nan=False
    )
    indices = _beside(x, first)
    values = _i.take_rows(x.reshape(-1), indices)
    return UniqueAll(values, indices, _beside(x, inverse.reshape(x.shape)), _beside(x, counts))


def unique_counts(x: Tensor) -> UniqueCounts:
    """The different elements of x, sorted, and how often each occurs. It reads x; see `unique_all`."""
    found = unique_all(x)
    return UniqueCounts(found.values, found.counts)


def unique_inverse(x: Tensor) -> UniqueInverse:
    """The different elements of x, sorted, and the index among them of each element of x. It reads x."""
    found = unique_all(x)
    return UniqueInverse(found.values, found.inverse_indices)


def unique_values(x: Tensor) -> Tensor:
    """The different elements of x, sorted, as a vector. It reads x; see `unique_all`."""
    return unique_all(x).values


def _beside(x: Tensor, array: Any) -> Tensor:
    """Integers as an int64 tensor on the device of x."""
    return wrap(np.asarray(array, int64, order="C"), device=x.storage.backend)


def bincount(x: Tensor, weights: Tensor | None = None, *, minlength: int = 0) -> Tensor:
    """How often each integer from 0 occurs in the vector x, int64; or the sums of the weights of each.

    The result has max(x) + 1 elements, at least `minlength`; so it reads x. Gradients go to the weights.
    Raises ShapeError for what is no vector, TypeError for floats, ValueError for a negative number.
    """
    least = integer(minlength, "bincount: minlength", least=0)
    given = as_tensors((x,) if weights is None else (x, weights))
    x = given[0]
    if x.ndim != 1 or any(t.shape != x.shape for t in given):
        shapes = " and weights ".join(str(t.shape) for t in given)
        raise wrong(ShapeError, "bincount", f"x {shapes} must be vectors of one length", inputs=given)
    if x.dtype.kind not in "iub":
        raise wrong(TypeError, "bincount", f"bincount counts integers, not {x.dtype}",
                    "of floats, te.histogram", inputs=given)  # fmt: skip
    numbers = look(x.storage, "bincount")
    if numbers.size and numbers.min() < 0:
        raise wrong(ValueError, "bincount", f"{numbers.min()} is negative", "counts begin at 0",
                    inputs=given)  # fmt: skip
    size = max(int(numbers.max()) + 1 if numbers.size else 0, least)
    if weights is None:
        return _beside(x, np.bincount(numbers.astype(int64), minlength=size))
    return _i.scatter_add(given[1], x.cast(int64), shape=(size,), axis=0)


def histogram(
    x: Tensor, bins: int | Sequence[float] = 10, *, low: float | None = None, high: float | None = None
) -> tuple[Tensor, Tensor]:
    """How many elements of x lie in each bin, int64 (B,), and the edges of the bins (B + 1,). It reads x.

    bins       their number, or their edges, increasing
    low, high  the outermost edges, by default the smallest and the largest element; elements outside are not
               counted

    A bin has its lower edge and not its upper one; the last bin has both. Raises ValueError.
    """
    x = as_tensor(x)
    numbers = look(x.storage, "histogram")
    limits: Any = None
    if low is not None or high is not None or is_one(bins):
        ends = [number(v, f"histogram: {n}") if v is not None else None
                for n, v in (("low", low), ("high", high))]  # fmt: skip
        seen = (float(numbers.min()), float(numbers.max())) if numbers.size else (0.0, 1.0)
        limits = tuple(own if end is None else end for end, own in zip(ends, seen, strict=True))
        if not all(np.isfinite(limits)) or limits[0] > limits[1]:
            raise wrong(ValueError, "histogram", f"bins cannot span {limits[0]:g} to {limits[1]:g}",
                        "give low= and high=", inputs=(x,))  # fmt: skip
    edges: Any = integer(bins, "histogram: bins", least=1) if is_one(bins) else np.asarray(bins, float64)
    if not is_one(bins):
        if limits is not None:
            raise wrong(ValueError, "histogram", "edges and low= or high= cannot both be given")
        if edges.ndim != 1 or edges.size < 2 or not (np.diff(edges) > 0).all():
            raise wrong(ValueError, "histogram", f"edges must be at least 2 increasing numbers, not {bins}")
    counts, found = np.histogram(numbers, edges, limits)
    kind = x.dtype if is_floating(x.dtype) else float64
    return _beside(x, counts), wrap(found.astype(kind), device=x.storage.backend)
