"""Matrices in the last two axes: triangles, diagonals, and products of matrices one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import arange, as_tensor, operands, wrap, zeros
from tinygrad_edu.functional.elementwise import greater_equal, less_equal, mul, where
from tinygrad_edu.functional.linear import matmul
from tinygrad_edu.functional.movement import clone, expand_dims, flatten, reshape
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.scalars import integer, number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["baddbmm", "bmm", "diag", "diagonal", "kron", "tril", "tril_indices", "triu",
           "triu_indices"]  # fmt: skip


def _check_matrix(name: str, x: Tensor) -> None:
    if x.ndim < 2:
        raise wrong(ShapeError, name, f"{name} needs at least 2 axes, this tensor has shape {x.shape}",
                    inputs=(x,))  # fmt: skip


def _zero(x: Tensor) -> Tensor:
    """0 in the dtype of x, which no promotion changes."""
    return zeros((), dtype=x.dtype, device=x.device)


def _rows_and_columns(x: Tensor) -> tuple[Tensor, Tensor]:
    """The number of its row and of its column, for each element of a matrix; they broadcast."""
    rows, columns = (arange(n, device=x.device) for n in x.shape[-2:])
    return expand_dims(rows, 1), columns


def tril(x: Tensor, k: int = 0) -> Tensor:
    """The lower triangle of matrices (..., M, N): 0 above diagonal k, and x elsewhere.

    Diagonal 0 is the main one, k > 0 lies above it, k < 0 below. Raises ShapeError for less than 2 axes.
    """
    x, offset = as_tensor(x), integer(k, "tril: k")
    _check_matrix("tril", x)
    rows, columns = _rows_and_columns(x)
    return where(less_equal(columns, rows + offset), x, _zero(x))


def triu(x: Tensor, k: int = 0) -> Tensor:
    """The upper triangle of matrices (..., M, N): 0 below diagonal k, and x elsewhere.

    Diagonal 0 is the main one, k > 0 lies above it, k < 0 below. Raises ShapeError for less than 2 axes.
    """
    x, offset = as_tensor(x), integer(k, "triu: k")
    _check_matrix("triu", x)
    rows, columns = _rows_and_columns(x)
    return where(greater_equal(columns, rows + offset), x, _zero(x))


def tril_indices(rows: int, columns: int | None = None, k: int = 0, *,
                 device: Any = None) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The rows and the columns of the elements in the lower triangle of a matrix, int64, row by row.

    Those of `tril(x, k)` for x of (rows, columns), or (rows, rows): `x[te.tril_indices(3)]` are its elements.
    """
    return _triangle("tril_indices", np.tril_indices, rows, columns, k, device)


def triu_indices(rows: int, columns: int | None = None, k: int = 0, *,
                 device: Any = None) -> tuple[Tensor, Tensor]:  # fmt: skip
    """The rows and the columns of the elements in the upper triangle of a matrix, int64, row by row.

    Those of `triu(x, k)` for x of (rows, columns), or (rows, rows): `x[te.triu_indices(3)]` are its elements.
    """
    return _triangle("triu_indices", np.triu_indices, rows, columns, k, device)


def _triangle(name: str, find: Any, rows: int, columns: int | None, k: int, device: Any) -> Any:
    height = integer(rows, f"{name}: rows", least=0)
    width = height if columns is None else integer(columns, f"{name}: columns", least=0)
    found = find(height, integer(k, f"{name}: k"), width)
    return tuple(wrap(np.asarray(places, np.int64), device=device) for places in found)


def diagonal(x: Tensor, offset: int = 0) -> Tensor:
    """The diagonals of matrices: (..., M, N) -> (..., K), those `offset` above the main one; empty outside.

    A view. The axes are the last two, as in the Array API. Raises ShapeError for less than 2 axes.
    """
    x, offset = as_tensor(x), integer(offset, "diagonal: offset")
    _check_matrix("diagonal", x)
    m, n = x.shape[-2:]
    count = max(0, min(m, n - offset) if offset >= 0 else min(m + offset, n))
    start = offset if offset >= 0 else -offset * n
    cells = slice(start, start + (count - 1) * (n + 1) + 1, n + 1) if count else slice(0, 0)
    return _m.slice_(flatten(x, -2, -1), key=(*([slice(None)] * (x.ndim - 2)), cells))


def diag(x: Tensor, k: int = 0) -> Tensor:
    """A matrix with the vector x on diagonal k and 0 elsewhere; of a matrix, a copy of its diagonal k.

    (N,) -> (N + |k|, N + |k|). Raises ShapeError for other shapes.
    """
    x, offset = as_tensor(x), integer(k, "diag: k")
    if x.ndim == 2:
        return clone(diagonal(x, offset))
    if x.ndim != 1:
        raise wrong(ShapeError, "diag", f"diag needs a vector or a matrix, this tensor has shape {x.shape}",
                    "for stacks of matrices, te.diagonal", inputs=(x,))  # fmt: skip
    size = x.shape[0] + abs(offset)
    at = arange(size, device=x.device)
    across = _m.pad(x, widths=((max(offset, 0), max(-offset, 0)),), value=0)  # the element in each column
    return where(expand_dims(at, 1) + offset == at, across, _zero(x))


def kron(x: Tensor, y: Tensor) -> Tensor:
    """The Kronecker product: x with each element replaced by that element times y.

    Shapes with fewer axes get ones in front; axis i of the result has x's size times y's.
    """
    x, y = operands((x, y))
    ndim = max(x.ndim, y.ndim)
    first, second = ((1,) * (ndim - t.ndim) + t.shape for t in (x, y))
    outer: Any = mul(
        reshape(x, tuple(s for n in first for s in (n, 1))),
        reshape(y, tuple(s for n in second for s in (1, n))),
    )
    return reshape(outer, tuple(n * m for n, m in zip(first, second, strict=True)))


def bmm(x: Tensor, y: Tensor) -> Tensor:
    """The matrix products of two stacks, one by one: (B, M, K), (B, K, N) -> (B, M, N).

    Nothing broadcasts; `matmul` does. Raises ShapeError.
    """
    x, y = operands((x, y))
    if x.ndim != 3 or y.ndim != 3 or x.shape[0] != y.shape[0] or x.shape[2] != y.shape[1]:
        raise wrong(
            ShapeError,
            "bmm",
            f"bmm needs stacks (B, M, K) and (B, K, N), got {x.shape} and {y.shape}",
            "matmul broadcasts",
            inputs=(x, y),
        )
    return matmul(x, y)


def baddbmm(c: Tensor, x: Tensor, y: Tensor, *, beta: float = 1.0, alpha: float = 1.0) -> Tensor:
    """beta c + alpha (x @ y) for stacks of matrices, c broadcast to (B, M, N). With beta 0, c is not used."""
    c, x, y = operands((c, x, y))
    product, kept, factor = bmm(x, y), number(beta, "baddbmm: beta"), number(alpha, "baddbmm: alpha")
    product = product if factor == 1 else product * factor
    return product if kept == 0 else (c if kept == 1 else c * kept) + product
