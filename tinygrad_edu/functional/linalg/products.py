"""Products and norms of vectors and matrices, and their diagonals."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, operands
from tinygrad_edu.functional.linalg.decompositions import svdvals
from tinygrad_edu.functional.linalg.matrices import floats, matrices
from tinygrad_edu.functional.linear import matmul, outer
from tinygrad_edu.functional.movement import expand_dims, matrix_transpose, permute_dims, reshape, roll
from tinygrad_edu.functional.reduction import max, min, norm, sum
from tinygrad_edu.ops.elementwise import abs, equal, isinf, logical_or, pow, where
from tinygrad_edu.ops.movement import slice_
from tinygrad_edu.scalars import integer, integers, number
from tinygrad_edu.shapes import Axis, normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["cross", "diagonal", "matmul", "matrix_norm", "matrix_transpose", "outer", "tensordot", "trace",
           "vecdot", "vector_norm"]  # fmt: skip


def diagonal(x: Tensor, *, offset: int = 0) -> Tensor:
    """The diagonal of each matrix, (..., d), `offset` columns right of the main one, or left if negative."""
    x, offset = as_tensor(x), integer(offset, "diagonal: offset")
    if x.ndim < 2:
        raise wrong(ShapeError, "diagonal", "it needs matrices, (..., m, n)", inputs=(x,))
    m, n = x.shape[-2:]
    count = _least(m + offset, m, n, n - offset)
    flat = reshape(x, (*x.shape[:-2], m * n))
    if count <= 0:
        found: Tensor = slice_(flat, key=(..., slice(0, 0)))
        return found
    start = offset if offset >= 0 else -offset * n
    found = slice_(flat, key=(..., slice(start, start + (count - 1) * (n + 1) + 1, n + 1)))
    return found


def _least(*sizes: int) -> int:
    return sorted(sizes)[0]


def trace(x: Tensor, *, offset: int = 0) -> Tensor:
    """The sum of the diagonal of each matrix, (...,); see `diagonal`."""
    return sum(diagonal(x, offset=offset), -1)


def vecdot(x: Tensor, y: Tensor, *, axis: int = -1) -> Tensor:
    """Inner products along `axis`; other axes broadcast. Raises ShapeError if the sizes of `axis` differ."""
    x, y = operands((x, y))
    if (
        x.ndim == 0
        or y.ndim == 0
        or x.shape[normalize_axis(axis, x.ndim)] != y.shape[normalize_axis(axis, y.ndim)]
    ):
        raise wrong(ShapeError, "vecdot", f"axis {axis} must have one size", inputs=(x, y))
    return sum(x * y, normalize_axis(axis, x.ndim) - x.ndim)


def cross(x: Tensor, y: Tensor, *, axis: int = -1) -> Tensor:
    """Vector products along `axis`, which has size 3; other axes broadcast."""
    x, y = operands((x, y))
    for v in (x, y):
        if v.ndim == 0 or v.shape[normalize_axis(axis, v.ndim)] != 3:
            raise wrong(ShapeError, "cross", f"axis {axis} must have size 3", inputs=(x, y))
    if x.ndim != y.ndim and normalize_axis(axis, x.ndim) - x.ndim != normalize_axis(axis, y.ndim) - y.ndim:
        raise wrong(ShapeError, "cross", f"axis {axis} is not the same axis of both", "count it from the end",
                    inputs=(x, y))  # fmt: skip
    return roll(x, -1, axis) * roll(y, -2, axis) - roll(x, -2, axis) * roll(y, -1, axis)


def tensordot(x: Tensor, y: Tensor, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """Sums of products over the last `axes` axes of x and the first of y, or over the axes in two lists.

    The result has the other axes of x, then those of y.
    """
    x, y = operands((x, y))
    if isinstance(axes, (tuple, list)):
        if len(axes) != 2:
            raise wrong(ValueError, "tensordot", f"axes={axes} must be a number or two lists", inputs=(x, y))
        over_x = [normalize_axis(a, x.ndim) for a in integers(axes[0], "tensordot: axes")]
        over_y = [normalize_axis(a, y.ndim) for a in integers(axes[1], "tensordot: axes")]
    else:
        k = integer(axes, "tensordot: axes", 0)
        if k > x.ndim or k > y.ndim:
            raise wrong(ShapeError, "tensordot", f"axes={k} is more than there are", inputs=(x, y))
        over_x, over_y = list(range(x.ndim - k, x.ndim)), list(range(k))
    if len(set(over_x)) != len(over_x) or len(set(over_y)) != len(over_y):
        raise wrong(ValueError, "tensordot", f"axes={axes} names one axis twice", inputs=(x, y))
    if [x.shape[a] for a in over_x] != [y.shape[a] for a in over_y]:
        raise wrong(
            ShapeError,
            "tensordot",
            f"sizes {[x.shape[a] for a in over_x]} meet {[y.shape[a] for a in over_y]}",
            "they must be equal",
            inputs=(x, y),
        )
    rest_x = [a for a in range(x.ndim) if a not in over_x]
    rest_y = [a for a in range(y.ndim) if a not in over_y]
    shape_x, shape_y = [x.shape[a] for a in rest_x], [y.shape[a] for a in rest_y]
    inner = math.prod(x.shape[a] for a in over_x)
    left = reshape(permute_dims(x, rest_x + over_x), (math.prod(shape_x), inner))
    right = reshape(permute_dims(y, over_y + rest_y), (inner, math.prod(shape_y)))
    return reshape(matmul(left, right), (*shape_x, *shape_y))


def vector_norm(x: Tensor, ord: float = 2, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    """The norm of order `ord` of the vectors along `axis`, of all elements if None; see `te.norm`.

    `ord` may be any number, inf or -inf. The gradient at a zero vector is 0; for -inf < ord < 0 also that at
    a vector with a 0, whose norm is 0.
    """
    order = number(ord, "vector_norm: ord")
    x = floats(x)
    if not -math.inf < order < 0:
        return norm(x, order, axis, keepdims=keepdims)
    sizes: Tensor = abs(x)
    if not x.size:
        empty: Tensor = pow(sum(sizes, axis, keepdims=keepdims), 1.0 / order)
        return empty
    least = min(sizes.detach(), axis, keepdims=True)  # divided by it, no power overflows or vanishes
    unit = where(logical_or(equal(least, 0.0), isinf(least)), 1.0, least)
    with_zero = equal(least, 0.0)
    total = sum(pow(where(with_zero, 1.0, sizes / unit), order), axis, keepdims=True)
    found: Tensor = where(with_zero, 0.0, unit * pow(total, 1.0 / order))
    return found if keepdims else sum(found, axis)


def matrix_norm(x: Tensor, ord: float | str = "fro", *, keepdims: bool = False) -> Tensor:
    """A norm of each matrix, (...,) or with `keepdims` (..., 1, 1).

    "fro"    the square root of the sum of squares; its gradient at 0 is 0
    "nuc"    the sum of the singular values
    2, -2    the largest and the smallest singular value
    1, -1    the largest and the smallest sum of a column, of absolute values
    inf, -inf  the same of a row

    The norms of a matrix without elements are 0. ShapeError for those of it that are the smallest of none.
    """
    x = matrices("matrix_norm", x)
    known = ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
    if isinstance(ord, str) or ord is None:
        order: float | str = ord
    else:
        order = number(ord, "matrix_norm: ord")
    if order not in known:
        raise wrong(
            ValueError, "matrix_norm", f"ord={ord!r} is none of {', '.join(map(repr, known))}", inputs=(x,)
        )
    m, n = x.shape[-2:]
    if 0 in (m, n):
        if order == -2 or (order == -1 and not n) or (order == -math.inf and not m):
            why = f"ord={order} is the smallest of none: the matrices are {m} x {n}"
            raise wrong(ShapeError, "matrix_norm", why, inputs=(x,))
        return sum(x, (-2, -1), keepdims=keepdims)
    if order == "fro":
        return norm(x, axis=(-2, -1), keepdims=keepdims)
    if order in ("nuc", 2, -2):
        values = svdvals(x)
        found = sum(values, -1) if order == "nuc" else max(values, -1) if order == 2 else min(values, -1)
    else:
        sums = sum(abs(x), -2 if order in (1, -1) else -1)
        found = max(sums, -1) if order in (1, math.inf) else min(sums, -1)
    return expand_dims(expand_dims(found, -1), -1) if keepdims else found
