"""Sorts along an axis: sorted numbers, their indices, and the largest numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tinygrad_edu.dtypes import int64
from tinygrad_edu.engine.access import look
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, as_tensors, wrap
from tinygrad_edu.ops import index as _i
from tinygrad_edu.scalars import integer
from tinygrad_edu.shapes import normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["argsort", "searchsorted", "sort", "topk"]


def sort(x: Tensor, axis: int = -1, *, descending: bool = False) -> Tensor:
    """The elements in order along `axis`; equal elements keep their order."""
    x = as_tensor(x)
    return _i.gather(x, argsort(x, axis, descending=descending), axis=normalize_axis(axis, x.ndim))


def argsort(x: Tensor, axis: int = -1, *, descending: bool = False) -> Tensor:
    """The indices that sort the elements along `axis`; equal elements keep their order. int64."""
    x = as_tensor(x)
    return _i.argsort(x, axis=normalize_axis(axis, x.ndim), descending=descending)


def searchsorted(x: Tensor, values: Any, *, side: str = "left") -> Tensor:
    """Where to insert each of the values in the sorted vector x so that it stays sorted, int64.

    It reads both.

    side  "left": in front of equal elements, "right": behind them. Raises ShapeError for what is no vector.
    """
    if side not in ("left", "right"):
        raise wrong(ValueError, "searchsorted", f"side must be 'left' or 'right', not {side!r}")
    x, values = as_tensors((x, values))
    if x.ndim != 1:
        raise wrong(ShapeError, "searchsorted", f"x must be a sorted vector, not {x.shape}", inputs=(x,))
    line, wanted = (look(t.storage, "searchsorted") for t in (x, values))
    found: Any = np.searchsorted(line, wanted, side)  # type: ignore[call-overload]
    return wrap(np.asarray(found, int64), device=x.storage.backend)


class Ranked(NamedTuple):
    """Elements of a tensor along an axis, and their indices there, int64."""

    values: Tensor
    indices: Tensor


def topk(x: Tensor, k: int, axis: int = -1) -> Ranked:
    """The k largest elements along `axis`, largest first, and their indices: `values` and `indices`."""
    x = as_tensor(x)
    at, k = normalize_axis(axis, x.ndim), integer(k, "topk: k")
    if not 0 <= k <= x.shape[at]:
        raise wrong(
            ValueError,
            "topk",
            f"k must be from 0 to {x.shape[at]}, the size of axis {axis}, not {k}",
            inputs=(x,),
        )
    places = _i.argsort(x, axis=at, descending=True, first=k)
    return Ranked(_i.gather(x, places, axis=at), places)
