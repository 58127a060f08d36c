"""Sums of products."""
from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.errors import ShapeError, user_line
from tinygrad_edu.functional.creation import as_tensor, as_tensors
from tinygrad_edu.functional.movement import expand_dims, squeeze
from tinygrad_edu.ops import contract as _c

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def matmul(x: Tensor, y: Tensor) -> Tensor:
    """Matrix product of the last two axes, earlier ones broadcast; a 1-d operand is a row on the left, a
    column right.

    (..., M, K) @ (..., K, N) -> (..., M, N). Raises ShapeError when the inner sizes differ or an operand is
    0-d.
    """
    x, y = as_tensors((x, y))
    if x.ndim >= 2 and y.ndim >= 2:
        return _c.matmul(x, y)
    if x.ndim == 0 or y.ndim == 0:
        raise ShapeError(f"matmul({x.shape}, {y.shape}): a number has no rows; use *")
    row, column = x.ndim == 1, y.ndim == 1
    if x.shape[-1] != y.shape[0 if column else -2]:
        raise ShapeError(f"matmul({x.shape}, {y.shape}) at {user_line()}: {x.shape[-1]} columns meet "
                         f"{y.shape[0 if column else -2]} rows; they must be equal")
    out = _c.matmul(expand_dims(x, 0) if row else x, expand_dims(y, 1) if column else y)
    return squeeze(squeeze(out, -1) if column else out, (-1 if column else -2) if row else ())


def dot(x: Tensor, y: Tensor) -> Tensor:
    """The inner product of two vectors of one length."""
    x, y = as_tensors((x, y))
    if x.ndim != 1 or x.shape != y.shape:
        raise ShapeError(f"dot needs two vectors of one length, got {x.shape} and {y.shape}; "
                         "for matrices use @")
    return matmul(x, y)


def outer(x: Tensor, y: Tensor) -> Tensor:
    """All products of an element of x and one of y, for vectors: (M,), (N,) -> (M, N)."""
    x, y = as_tensors((x, y))
    if x.ndim != 1 or y.ndim != 1:
        raise ShapeError(f"outer needs two vectors, got {x.shape} and {y.shape}")
    return expand_dims(x, 1) * expand_dims(y, 0)


def einsum(subscripts: str, *tensors: Tensor) -> Tensor:
    """Einstein's summation: letters name axes, those missing after `->` are summed over; `...` stands for
    more."""
    items = as_tensors(tensors)
    return _c.einsum(*items, subscripts=subscripts.replace(" ", ""))


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b: x (..., in), weight (out, in), bias (out,) -> (..., out). One fused op when there is a bias.
    """
    if bias is not None:
        return _c.linear(*as_tensors((x, weight, bias)))
    return matmul(x, as_tensor(weight, x).mT)


def trace(x: Tensor) -> Tensor:
    """The sum of the diagonal of a square matrix."""
    return einsum("ii->", x)
