"""Sorts along an axis: sorted numbers, their indices, and the largest numbers."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.ops import index as _i
from tinygrad_edu.scalars import integer
from tinygrad_edu.shapes import normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["argsort", "sort", "topk"]


def sort(x: Tensor, axis: int = -1, *, descending: bool = False) -> Tensor:
    """The elements in order along `axis`; equal elements keep their order."""
    x = as_tensor(x)
    return _i.gather(x, argsort(x, axis, descending=descending), axis=normalize_axis(axis, x.ndim))


def argsort(x: Tensor, axis: int = -1, *, descending: bool = False) -> Tensor:
    """The indices that sort the elements along `axis`; equal elements keep their order. int64."""
    x = as_tensor(x)
    return _i.argsort(x, axis=normalize_axis(axis, x.ndim), descending=descending)


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
    places = argsort(x, at, descending=True)[(*([slice(None)] * at), slice(0, k))]
    return Ranked(_i.gather(x, places, axis=at), places)
