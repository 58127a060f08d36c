"""Triangles, diagonals and blocks of matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.torch.core import dtypes, views
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import result_of
from tinygrad_edu.torch.core.raising import face_function, tensor_function
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions.constants import new
from tinygrad_edu.torch.functions.parts import diagonal

__all__ = ["block_diag", "diag", "diag_embed", "diagflat", "diagonal_scatter", "tril", "tril_indices",
           "triu", "triu_indices"]  # fmt: skip

Inner = te.Tensor


def _triangle(name: str, keep: Callable[..., Inner], what: str) -> Callable[..., Any]:
    def function(input: Any, diagonal: int = 0) -> Any:
        if input.ndim < 2:
            raise wrong(RuntimeError, name, f"{name}: input tensor must have at least 2 dimensions")
        return keep(input, diagonal)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The {what} triangle of matrices, from a diagonal on, and 0 elsewhere."
    return tensor_function(function)


tril, triu = _triangle("tril", te.tril, "lower"), _triangle("triu", te.triu, "upper")


def _indices(name: str, find: Callable[..., Any]) -> Callable[..., Tensor]:
    def function(row: int, col: int, offset: int = 0, *, dtype: Any = None, device: Any = None,
                 layout: Any = None) -> Tensor:  # fmt: skip
        if row < 0 or col < 0:
            raise wrong(RuntimeError, name, f"row and col must be non-negative, got {row} and {col}")
        places = np.stack(find(row, offset, col))
        kind = dtypes.int64 if dtype is None else dtype
        return new(lambda kind, place: wrap(places.astype(kind), device=place), kind, device)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = "The rows and the columns of the elements of a triangle, (2, count)."
    return function


tril_indices, triu_indices = (
    _indices("tril_indices", np.tril_indices),
    _indices("triu_indices", np.triu_indices),
)


@tensor_function
def diag(input: Any, diagonal: int = 0) -> Any:
    """A matrix with a vector on a diagonal; of a matrix, the diagonal."""
    if input.ndim not in (1, 2):
        raise wrong(RuntimeError, "diag", f"diag(): Supports 1D or 2D tensors. Got {input.ndim}D")
    return te.diag(input, diagonal)


@tensor_function
def diagflat(input: Any, offset: int = 0) -> Any:
    """A matrix with all elements on a diagonal."""
    return te.diag(te.reshape(input, (-1,)), offset)


@tensor_function
def diag_embed(input: Any, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """Matrices, in two dimensions of the result, with the last dimension on a diagonal."""
    count = input.ndim + 1
    for d in (dim1, dim2):
        if not -count <= d < count:
            raise wrong(IndexError, "diag_embed", f"Dimension out of range (expected to be in range of "
                        f"[{-count}, "
                        f"{count - 1}], but got {d})")  # fmt: skip
    first, second = dim1 % count, dim2 % count
    if first == second:
        raise wrong(RuntimeError, "diag_embed", f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    n = input.shape[-1] + abs(offset)
    rows = te.arange(n, device=input.device)
    before, after = max(offset, 0), max(-offset, 0)
    gap = [te.zeros((*input.shape[:-1], k), dtype=input.dtype, device=input.device) for k in (before, after)]
    across = te.expand_dims(te.concat([gap[0], input, gap[1]], -1), -2)  # the element of each column
    zero = te.zeros((), dtype=input.dtype, device=input.device)
    made = te.where(te.expand_dims(rows, 1) + offset == rows, across, zero)
    return te.moveaxis(made, (-2, -1), (first, second))


@torch_function
def block_diag(*tensors: Any) -> Any:
    """The matrices along the diagonal of one, and 0 elsewhere; vectors are rows."""
    if any(x.ndim > 2 for x in tensors):
        raise wrong(
            RuntimeError, "block_diag", "torch.block_diag: Input tensors must have 2 or fewer dimensions."
        )
    if not tensors:
        return te.zeros((1, 0))
    kind = result_of(tuple(te.reshape(x, (-1,)) for x in tensors))
    blocks = [te.reshape(x, (1,) * (2 - x.ndim) + x.shape).cast(kind) for x in tensors]
    width, at, rows = sum(b.shape[1] for b in blocks), 0, []
    for block in blocks:
        left, right = at, width - at - block.shape[1]
        gaps = [te.zeros((block.shape[0], k), dtype=kind, device=block.device) for k in (left, right)]
        rows.append(te.concat([gaps[0], block, gaps[1]], 1))
        at += block.shape[1]
    return te.concat(rows, 0)


@face_function
def fill_diagonal_(self: Tensor, fill_value: Any, wrap: bool = False) -> Tensor:
    """One number on the diagonal of the tensor itself; with `wrap` again below a square."""
    shape = self.shape
    if self.ndim < 2 or (self.ndim > 2 and len(set(shape)) > 1):
        raise wrong(RuntimeError, "fill_diagonal_", "all dimensions of input must be of equal length")
    if self.ndim == 2:
        height, width = shape
        step = width + 1
        for start in range(0, height, step) if wrap else (0,):
            diagonal(self[start : start + width]).fill_(fill_value)
        return self
    at = np.arange(shape[0])
    self[(at,) * self.ndim] = fill_value
    return self


@tensor_function
def diagonal_scatter(input: Any, src: Any, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Any:
    """`input` with `src` on its diagonal."""
    places = np.arange(input.size).reshape(input.shape)
    key = np.unravel_index(np.diagonal(places, offset, dim1, dim2), input.shape)
    if src.shape != key[0].shape:
        raise wrong(RuntimeError, "diagonal_scatter", "expected src to have a size equal to the slice of "
                    "self. src size "
                    f"= {list(src.shape)}, slice size = {list(key[0].shape)}")  # fmt: skip
    return views.put_at(input, key, src)
