"""Sums of products."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tinygrad_edu.dtypes import int64, is_floating
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, operands
from tinygrad_edu.functional.movement import expand_dims, squeeze
from tinygrad_edu.ops import contract as _c
from tinygrad_edu.ops.movement import slice_
from tinygrad_edu.shapes import einsum_text

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["dot", "einsum", "linear", "matmul", "outer", "trace"]


def matmul(x: Tensor, y: Tensor) -> Tensor:
    """Matrix product of the last two axes, earlier ones broadcast; a 1-d operand is a row on the left, a
    column on the right.

    (..., M, K) @ (..., K, N) -> (..., M, N). Raises ShapeError when the inner sizes differ or an operand is
    0-d.
    """
    x, y = operands((x, y))
    if x.ndim >= 2 and y.ndim >= 2:
        return _c.matmul(x, y)
    if x.ndim == 0 or y.ndim == 0:
        raise wrong(ShapeError, "matmul", "a number has no rows", "use *", inputs=(x, y))
    row, column = x.ndim == 1, y.ndim == 1
    if x.shape[-1] != y.shape[0 if column else -2]:
        raise wrong(
            ShapeError,
            "matmul",
            f"{x.shape[-1]} columns meet {y.shape[0 if column else -2]} rows",
            "they must be equal",
            inputs=(x, y),
        )
    out = _c.matmul(expand_dims(x, 0) if row else x, expand_dims(y, 1) if column else y)
    return squeeze(squeeze(out, -1) if column else out, (-1 if column else -2) if row else ())


def dot(x: Tensor, y: Tensor) -> Tensor:
    """The inner product of two vectors of one length."""
    x, y = operands((x, y))
    if x.ndim != 1 or x.shape != y.shape:
        raise wrong(
            ShapeError,
            "dot",
            f"dot needs two vectors of one length, got {x.shape} and {y.shape}",
            "for matrices use @",
            inputs=(x, y),
        )
    return matmul(x, y)


def outer(x: Tensor, y: Tensor) -> Tensor:
    """All products of an element of x and one of y, for vectors: (M,), (N,) -> (M, N)."""
    x, y = operands((x, y))
    if x.ndim != 1 or y.ndim != 1:
        raise wrong(
            ShapeError, "outer", f"outer needs two vectors, got {x.shape} and {y.shape}", inputs=(x, y)
        )
    return expand_dims(x, 1) * expand_dims(y, 0)


def einsum(subscripts: Any, *tensors: Any) -> Tensor:
    """Einstein's summation: letters name axes, and those missing after `->` are summed over.

    `...` stands for all other axes. NumPy's other form works, too: `einsum(x, [0, 1], y, [1, 2], [0, 2])`.
    """
    if not isinstance(subscripts, str):
        if any(isinstance(t, str) for t in tensors):
            raise wrong(TypeError, "einsum", "the text comes first", "as in te.einsum('ij,jk->ik', x, y)")
        subscripts, tensors = einsum_text((subscripts, *tensors))
    items = operands(tensors)
    return _c.einsum(*items, subscripts=subscripts.replace(" ", ""))


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """x W^T + b: x (..., in), weight (out, in), bias (out,) -> (..., out). One fused op with a bias."""
    if bias is not None:
        return _c.linear(*operands((x, weight, bias)))
    x, weight = operands((x, weight))
    return matmul(x, weight.mT)


def trace(x: Tensor) -> Tensor:
    """The sum of the diagonal of a matrix, which need not be square. Raises ShapeError for other tensors."""
    x = as_tensor(x)
    if x.ndim != 2:
        raise wrong(
            ShapeError,
            "trace",
            f"it needs a matrix, (m, n), not shape {x.shape}",
            "te.linalg.trace takes stacks of matrices",
            inputs=(x,),
        )
    n = sorted(x.shape)[0]
    x = x if x.shape == (n, n) else slice_(x, key=(slice(0, n), slice(0, n)))
    return einsum("ii->", x if is_floating(x.dtype) else x.cast(int64))  # as `sum` does
