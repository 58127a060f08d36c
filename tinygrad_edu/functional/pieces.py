"""Cuts tensors into pieces, and spans grids."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, as_tensors
from tinygrad_edu.functional.movement import broadcast_to, reshape, split, squeeze
from tinygrad_edu.scalars import integer
from tinygrad_edu.shapes import normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["chunk", "meshgrid", "unbind"]


def chunk(x: Tensor, chunks: int, axis: int = 0) -> list[Tensor]:
    """x cut along `axis` into `chunks` pieces of one size; the last is smaller, or there are fewer pieces.

    The size of a piece is that of the axis divided by `chunks`, rounded up, as in PyTorch.
    """
    x, count = as_tensor(x), integer(chunks, "chunk: chunks", least=1)
    at = normalize_axis(axis, x.ndim)
    n = x.shape[at]
    return split(x, -(-n // count), at) if n else split(x, (0,) * count, at)


def unbind(x: Tensor, axis: int = 0) -> list[Tensor]:
    """The slices of x along `axis`, each without that axis."""
    x = as_tensor(x)
    at = normalize_axis(axis, x.ndim)
    return [squeeze(piece, at) for piece in split(x, (1,) * x.shape[at], at)]


def meshgrid(*vectors: Any, indexing: str = "xy") -> list[Tensor]:
    """The coordinates of all points of a grid: one tensor for each vector, all of one shape.

    indexing  "ij": axis i belongs to vector i; "xy", the Array API's default: the first two are swapped, so
              that rows go down and columns across. PyTorch's default is "ij".

    Raises ShapeError for what is no vector or number.
    """
    if indexing not in ("xy", "ij"):
        raise wrong(ValueError, "meshgrid", f"indexing must be 'xy' or 'ij', not {indexing!r}")
    only = vectors[0] if len(vectors) == 1 else None
    if isinstance(only, (list, tuple)) and any(isinstance(v, (list, tuple)) or np.ndim(v) for v in only):
        vectors = tuple(only)  # PyTorch's way to call it
    xs = as_tensors(vectors)
    if any(x.ndim > 1 for x in xs):
        shapes = ", ".join(str(x.shape) for x in xs)
        raise wrong(ShapeError, "meshgrid", f"meshgrid needs vectors, got {shapes}", inputs=xs)
    order = list(range(len(xs)))
    if indexing == "xy" and len(xs) > 1:
        order[:2] = [1, 0]
    sizes = [x.size for x in xs]
    shape = tuple(sizes[order.index(a)] for a in range(len(xs)))
    return [
        broadcast_to(reshape(x, tuple(n if a == at else 1 for a in range(len(xs)))), shape)
        for x, at, n in zip(xs, order, sizes, strict=True)
    ]
