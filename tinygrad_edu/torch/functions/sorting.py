"""Orders: sorted elements and their places, the largest few, unique elements, searches in sorted ones."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch import return_types
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import dtype_of, promoted
from tinygrad_edu.torch.functions.axes import axis_of, beside, check_tensor, is_tensor, lined, numbers
from tinygrad_edu.torch.functions.extremes import one_of_each

__all__ = ["argsort", "argwhere", "bucketize", "isin", "kthvalue", "msort", "nonzero", "nonzero_static",
           "searchsorted", "sort", "topk", "unique", "unique_consecutive", "unravel_index"]  # fmt: skip


def _placed(x: te.Tensor, places: te.Tensor, at: int, kind: Any) -> Any:
    """(values, indices) of the elements of x at places along an axis; without axes for an x without."""
    values = te.gather(lined(x), places, at)
    return kind(values, places) if x.ndim else kind(te.reshape(values, ()), te.reshape(places, ()))


def _order(x: te.Tensor, at: int, descending: bool) -> te.Tensor:
    """The places that sort x along an axis; NaN counts as the largest number, as in PyTorch."""
    line = lined(x)
    if not descending or x.dtype.kind != "f":
        return te.argsort(line, at, descending=descending)
    missing = te.isnan(line)
    order = te.argsort(te.where(missing, 0.0, te.neg(line.detach())), at)
    if not bool(te.any(missing)):
        return order
    first = te.argsort(te.gather(te.logical_not(missing), order, at), at)  # NaN ahead, in its order
    return te.gather(order, first, at)


@torch_function
def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """(values, indices) in order along `dim`; equal elements keep their order, NaN is the largest number."""
    check_tensor("sort", input)
    at = axis_of(input, dim)
    return _placed(input, _order(input, at, bool(descending)), at, return_types.sort)


@torch_function
def argsort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Any:
    """The places that sort the elements along `dim`."""
    check_tensor("argsort", input)
    at = axis_of(input, dim)
    order = _order(input, at, bool(descending))
    return order if input.ndim else te.reshape(order, ())


@torch_function
def msort(input: Any) -> Any:
    """The elements in order along the first dimension."""
    check_tensor("msort", input)
    return _placed(input, _order(input, 0, False), 0, return_types.msort).values


@torch_function
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """(values, indices) of the k largest elements along `dim`, the largest first, or of the smallest."""
    check_tensor("topk", input)
    at = axis_of(input, dim)
    count = int(k.item()) if is_tensor(k) else k
    if not 0 <= count <= lined(input).shape[at]:
        raise wrong(RuntimeError, "topk", "selected index k out of range", inputs=(input,))
    if largest and input.dtype.kind != "f":
        places = te.topk(lined(input), count, at).indices
    else:
        places = _order(input, at, bool(largest))[(*([slice(None)] * at), slice(0, count))]
    return _placed(input, places, at, return_types.topk)


@torch_function
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Any:
    """(values, indices) of the k-th smallest element along `dim`; k counts from 1."""
    check_tensor("kthvalue", input)
    at = axis_of(input, dim)
    if not 1 <= k <= lined(input).shape[at]:
        raise wrong(
            RuntimeError, "kthvalue", f"kthvalue(): selected number k out of range for dimension {at}",
            inputs=(input,),
        )  # fmt: skip
    cut = (*([slice(None)] * at), slice(k - 1, k))
    return one_of_each("kthvalue", input, dim, keepdim, lambda x, axis: _order(x, axis, False)[cut])


# -- equal elements ----------------------------------------------------------------------------------------


def _several(x: te.Tensor, found: tuple[Any, ...], inverse: bool, counts: bool) -> Any:
    """The unique elements, with the places and the counts that were asked for."""
    wanted = [beside(x, found[0])]
    if inverse:
        wanted.append(beside(x, np.asarray(found[1], np.int64)))
    if counts:
        wanted.append(beside(x, np.asarray(found[2], np.int64)))
    return tuple(wanted) if len(wanted) > 1 else wanted[0]


@torch_function
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False,
    dim: int | None = None,
) -> Any:  # fmt: skip
    """The unique elements in order, or slices along `dim`; also the place of each among them, and counts."""
    check_tensor("unique", input)
    array = numbers(input, "unique")
    if dim is None:
        values, inverse, counts = np.unique(
            array.reshape(-1), return_inverse=True, return_counts=True, equal_nan=False
        )
        return _several(input, (values, inverse.reshape(array.shape), counts), return_inverse, return_counts)
    at = axis_of(input, dim)
    values, inverse, counts = np.unique(
        array.reshape(array.shape or (1,)), return_inverse=True, return_counts=True, axis=at, equal_nan=False
    )
    return _several(input, (values, inverse.reshape(-1), counts), return_inverse, return_counts)


@torch_function
def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements, or slices along `dim`, each of which differs from the one before it."""
    check_tensor("unique_consecutive", input)
    array = numbers(input, "unique_consecutive")
    at = 0 if dim is None else axis_of(input, dim)
    lines = array.reshape(-1, 1) if dim is None else np.moveaxis(array, at, 0).reshape(array.shape[at], -1)
    starts = np.ones(len(lines), bool)
    starts[1:] = (lines[1:] != lines[:-1]).any(1)
    places = np.cumsum(starts) - 1
    counts = np.diff(np.append(np.flatnonzero(starts), len(lines)))
    values = array.reshape(-1)[starts] if dim is None else np.compress(starts, array, at)
    inverse = places.reshape(array.shape) if dim is None else places
    return _several(input, (values, inverse, counts), return_inverse, return_counts)


@torch_function
def isin(elements: Any, test_elements: Any, *, assume_unique: bool = False, invert: bool = False) -> Any:
    """Whether each element is one of `test_elements`; a number may stand for one of the two tensors."""
    if not is_tensor(elements) and not is_tensor(test_elements):
        check_tensor("isin", elements, "elements")
    x, tested = promoted(elements, test_elements)
    near = x if is_tensor(x) else tested
    here, there = (numbers(v, "isin") if is_tensor(v) else np.asarray(v) for v in (x, tested))
    found = np.isin(here, there, invert=invert)
    return beside(near, found)


# -- searches ----------------------------------------------------------------------------------------------


def _searched(name: str, line: Any, values: Any, out_int32: bool, right: bool, sorter: Any = None) -> Any:
    """Where to insert values into sorted lines, each row into its own."""
    rows = numbers(line, name)
    wanted = numbers(values, name) if is_tensor(values) else np.asarray(values)
    if sorter is not None:
        rows = np.take_along_axis(rows, numbers(sorter, name), -1)
    side: Any = "right" if right else "left"
    if rows.ndim == 1:
        found = np.searchsorted(rows, wanted, side)
    else:
        if wanted.ndim != rows.ndim or wanted.shape[:-1] != rows.shape[:-1]:
            raise wrong(
                RuntimeError,
                name,
                f"{name}(): boundaries tensor should be 1 dimension or the first N-1 dimensions of "
                f"boundaries tensor and input value tensor must match, but got {rows.shape} "
                f"and {wanted.shape}",
            )
        flat, given = rows.reshape(-1, rows.shape[-1]), wanted.reshape(-1, wanted.shape[-1])
        pairs = [np.searchsorted(a, v, side) for a, v in zip(flat, given, strict=True)]
        found = np.asarray(pairs).reshape(wanted.shape)
    return beside(line, np.asarray(found, np.int32 if out_int32 else np.int64))


@torch_function
def searchsorted(
    sorted_sequence: Any, input: Any, *, out_int32: bool = False, right: bool = False,
    side: str | None = None, sorter: Any = None,
) -> Any:  # fmt: skip
    """Where to insert each element into the sorted rows; ahead of equal ones, or with `right` behind."""
    check_tensor("searchsorted", sorted_sequence, "sorted_sequence")
    if side is not None:
        if side not in ("left", "right") or (right and side == "left"):
            said = f"torch.searchsorted(): side {side!r} and right={right} do not fit"
            raise wrong(RuntimeError, "searchsorted", said)
        right = side == "right"
    if not sorted_sequence.ndim:
        raise wrong(RuntimeError, "searchsorted", "torch.searchsorted(): sorted_sequence needs a dimension")
    return _searched("searchsorted", sorted_sequence, input, out_int32, right, sorter)


@torch_function
def bucketize(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
    """The number of the interval between sorted `boundaries` that each element lies in."""
    check_tensor("bucketize", boundaries, "boundaries")
    if boundaries.ndim != 1:
        raise wrong(
            RuntimeError, "bucketize", f"boundaries tensor must be 1 dimension, but got {boundaries.ndim}"
        )
    return _searched("bucketize", boundaries, input, out_int32, right)


@torch_function
def nonzero(input: Any, *, as_tuple: bool = False) -> Any:
    """The places of what is not 0: a row for each, or with `as_tuple` a tensor for each dimension."""
    check_tensor("nonzero", input)
    if as_tuple:
        return tuple(beside(input, at) for at in np.nonzero(numbers(lined(input), "nonzero")))
    return beside(input, np.argwhere(numbers(input, "nonzero")))


@torch_function
def nonzero_static(input: Any, *, size: int, fill_value: int = -1) -> Any:
    """`nonzero` with `size` rows: more are left out, and missing ones are full of `fill_value`."""
    check_tensor("nonzero_static", input)
    found = np.argwhere(numbers(input, "nonzero_static"))[:size]
    filled = np.full((size, found.shape[1]), fill_value, np.int64)
    filled[: len(found)] = found
    return beside(input, filled)


@torch_function
def unravel_index(indices: Any, shape: Any) -> Any:
    """The places in a tensor of `shape` of the elements with these numbers, a tensor for each dimension."""
    check_tensor("unravel_index", indices, "indices")
    if indices.dtype.kind not in "iu":
        raise wrong(
            TypeError,
            "unravel_index",
            f"expected 'indices' to be integer dtype, but got {dtype_of(indices.dtype)}",
            inputs=(indices,),
        )
    sizes = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
    left, places = numbers(indices, "unravel_index").astype(np.int64), []
    for size in sizes[::-1]:
        places.append(beside(indices, left % size))
        left = left // size
    return tuple(places[::-1])


@torch_function
def argwhere(input: Any) -> Any:
    """The places of what is not 0, a row for each."""
    check_tensor("argwhere", input)
    return beside(input, np.argwhere(numbers(input, "argwhere")))
