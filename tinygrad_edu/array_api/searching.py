"""The Array API's functions that search, sort, and treat arrays as sets."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.array_api.elementwise import on_the_host
from tinygrad_edu.functional import argmax, argmin, count_nonzero, nonzero, where
from tinygrad_edu.functional import unique_all as unique_all
from tinygrad_edu.functional import unique_counts as unique_counts
from tinygrad_edu.functional import unique_inverse as unique_inverse
from tinygrad_edu.functional import unique_values as unique_values
from tinygrad_edu.tensor import NumpyArray, Tensor

__all__ = ["argmax", "argmin", "argsort", "count_nonzero", "isin", "nonzero", "searchsorted", "sort",
           "unique_all", "unique_counts", "unique_inverse", "unique_values", "where"]  # fmt: skip


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The indices that sort `x` along an axis; equal elements keep their order."""
    return F.argsort(x, axis, descending=descending)


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """`x` sorted along an axis."""
    return F.sort(x, axis, descending=descending)


def searchsorted(x1: Tensor, x2: Any, /, *, side: str = "left", sorter: Tensor | None = None) -> Tensor:
    """Where each of x2 would stand in x1, which is sorted, or sorted by the indices `sorter`."""
    return F.searchsorted(x1 if sorter is None else F.take(x1, sorter), x2, side=side)


def isin(x1: Any, x2: Any, /, *, invert: bool = False) -> Tensor:
    """Whether each element of x1 is one of x2, or is none of them if `invert`."""
    return on_the_host(
        np.isin, *(x.detach() if isinstance(x, Tensor) else x for x in (x1, x2)), invert=invert
    )


def host_sort(x: NumpyArray, *, axis: int = -1, descending: bool = False, stable: bool = True) -> NumpyArray:
    """`sort` of NumPy, which has no `descending`."""
    found = np.sort(x, axis=axis, stable=stable)
    return np.flip(found, axis) if descending else found


def host_argsort(
    x: NumpyArray, *, axis: int = -1, descending: bool = False, stable: bool = True
) -> NumpyArray:
    """`argsort` of NumPy, which has no `descending`; equal elements keep their order."""
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    return x.shape[axis] - 1 - np.flip(np.argsort(np.flip(x, axis), axis=axis, stable=stable), axis)


def host_count_nonzero(x: NumpyArray, *, axis: Any = None, keepdims: bool = False) -> NumpyArray:
    """`count_nonzero` of NumPy, which returns a Python integer for all axes."""
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims))


def host_unique_values(x: NumpyArray) -> NumpyArray:
    """`unique_values` of NumPy, sorted; each NaN is different from all others."""
    return np.unique(x, equal_nan=False)
