"""Systems of equations, inverses, determinants, and functions of matrices."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tinygrad_edu.functional.creation import as_tensor, eye, operands
from tinygrad_edu.functional.linalg.decompositions import svdvals
from tinygrad_edu.functional.linalg.matrices import floats, matrices, pair, relative_tolerance, square
from tinygrad_edu.functional.movement import apart, expand_dims, flip, squeeze
from tinygrad_edu.functional.reduction import max, sum
from tinygrad_edu.ops import linalg as _l
from tinygrad_edu.ops.elementwise import where
from tinygrad_edu.ops.movement import slice_
from tinygrad_edu.scalars import integer

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["cholesky", "det", "inv", "lstsq", "matrix_exp", "matrix_power", "pinv", "slogdet", "solve",
           "solve_triangular"]  # fmt: skip


class SlogdetResult(NamedTuple):
    """The sign of a determinant (1, -1, or 0 if it is 0), and ln of its absolute value; both (...,)."""

    sign: Tensor
    logabsdet: Tensor


class LstsqResult(NamedTuple):
    """solution (..., n, k), residuals (..., k), rank (...,) and singular_values (..., min(m, n))."""

    solution: Tensor
    residuals: Tensor
    rank: Tensor
    singular_values: Tensor


def solve(x: Tensor, y: Tensor) -> Tensor:
    """The solution z of x z = y: x (..., n, n), y (..., n, k), or one vector (n,); stacks broadcast.

    Raises LinAlgError for a singular matrix, and names it.
    """
    x, y = (floats(v) for v in operands((x, y)))
    if y.ndim == 1:
        return squeeze(_l.solve(x, expand_dims(y, 1)), -1)
    found: Tensor = _l.solve(x, y)
    return found


def solve_triangular(
    x: Tensor, y: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Tensor:
    """The solution z of x z = y, or of z x = y with left=False, for triangular x.

    The other triangle is not read. With `unitriangular` the diagonal counts as ones, and is not read either.
    Raises LinAlgError if the diagonal has a 0.
    """
    x, y = pair("solve_triangular", x, y)
    x = square("solve_triangular", x)
    if not left:
        return solve_triangular(x.mT, y.mT, upper=not upper, unitriangular=unitriangular).mT
    x = _l.triangle(x.mT).mT if upper else _l.triangle(x)
    if unitriangular:
        x = where(np.eye(x.shape[-1], dtype=bool), 1.0, x)
    if upper:  # elimination leaves an upper triangle as it is, so this is substitution
        return solve(x, y)
    return flip(solve(flip(x, (-2, -1)), flip(y, -2)), -2)


def inv(x: Tensor) -> Tensor:
    """The inverse of square matrices. Raises LinAlgError for a singular matrix; `solve` needs no inverse."""
    x = square("inv", x)
    found: Tensor = _l.solve(x, _identity(x))
    return found


def _identity(x: Tensor) -> Tensor:
    return eye(x.shape[-1], dtype=x.dtype, device=x.device)


def det(x: Tensor) -> Tensor:
    """The determinant of square matrices, (...,).

    The gradient is the matrix of cofactors, also at singular matrices; the second derivative there is an
    error. A large determinant overflows: see `slogdet`.
    """
    found: Tensor = _l.det(square("det", x))
    return found


def slogdet(x: Tensor) -> SlogdetResult:
    """The sign of the determinant, and ln |det x|, which does not overflow.

    At a singular matrix: sign 0, -inf, and a gradient is a LinAlgError. The gradient of the sign is 0. With a
    NaN in the matrix both are NaN.
    """
    x = square("slogdet", x)
    both, lead = _l.slogdet(x), x.shape[:-2]
    sign, size = (slice_(both, key=(..., slice(k, k + 1))).reshape(lead) for k in (0, 1))
    return SlogdetResult(sign, size)


def cholesky(x: Tensor, *, upper: bool = False) -> Tensor:
    """The lower triangular L with x = L L^T, or its transpose with `upper`; x is positive definite.

    Both triangles are read, as (x + x^T) / 2, so the gradient is symmetric. Raises LinAlgError for a matrix
    that is not positive definite, or not finite, and names it.
    """
    found: Tensor = _l.cholesky(square("cholesky", x))
    return found.mT if upper else found


def pinv(x: Tensor, *, rtol: float | None = None) -> Tensor:
    """The pseudo-inverse (..., n, m): singular values up to rtol times the largest count as 0.

    `rtol` is by default max(m, n) times the epsilon of the dtype. The gradient is that among matrices of
    the same rank; where a rank changes there is none.
    """
    x = matrices("pinv", x)
    tolerance = relative_tolerance("pinv: rtol", x, rtol)
    if 0 in x.shape:
        return x.mT * 1.0
    found: Tensor = _l.pinv(x, rtol=tolerance)
    return found


def lstsq(x: Tensor, y: Tensor, *, rcond: float | None = None) -> LstsqResult:
    """The z of least norm among those that minimise |x z - y|: x (..., m, n), y (..., m, k) or a vector (m,).

    `residuals` are the squares of these distances, of any rank; singular values up to rcond times the largest
    count as 0 (see `pinv`, also for the gradient).
    """
    x, y = (floats(v) for v in operands((x, y)))
    x, vector = matrices("lstsq", x), y.ndim == 1
    y = expand_dims(y, 1) if vector else y
    tolerance = relative_tolerance("lstsq: rcond", x, rcond)
    solution = pinv(x, rtol=tolerance) @ y
    residuals, values = sum((x @ solution - y) ** 2, -2), svdvals(x)
    constant = values.detach()
    rank = sum(constant > constant[..., :1] * tolerance, -1)
    if vector:
        solution, residuals = squeeze(solution, -1), squeeze(residuals, -1)
    return LstsqResult(solution, residuals, rank, values)


def matrix_power(x: Tensor, n: int) -> Tensor:
    """x @ x @ ... of n factors, by repeated squares; the identity if n is 0; for n < 0 of the inverse."""
    x, n = square("matrix_power", x), integer(n, "matrix_power: n")
    if n == 0:
        return where(np.False_, x, _identity(x))  # so that there is a gradient, 0
    if n < 0:
        return matrix_power(inv(x), -n)
    found: Tensor | None = None
    given = x
    while True:
        if n % 2:
            found = x if found is None else found @ x
        n //= 2
        if not n:
            assert found is not None
            return apart(found, given)
        x = x @ x


# The coefficients of the Pade approximant of degree 13, and the 1-norm up to which its error is roundoff.
# fmt: off
_PADE = (64764752532480000.0, 32382376266240000.0, 7771770303897600.0, 1187353796428800.0, 129060195264000.0,
         10559470521600.0, 670442572800.0, 33522128640.0, 1323241920.0, 40840800.0, 960960.0, 16380.0, 182.0,
         1.0)
# fmt: on
_REACH = 5.371920351148152


def matrix_exp(x: Tensor) -> Tensor:
    """The exponential of square matrices, I + x + x x / 2 + ..., by scaling and squaring.

    On a device it waits for the norms. Source: Higham, "The scaling and squaring method for the matrix
    exponential revisited", 2005.
    """
    x = square("matrix_exp", x)
    if not x.size:
        return x * 1.0
    sizes = max(sum(abs(x.detach()), -2), -1).numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        halvings = np.ceil(np.log2(np.where(np.isfinite(sizes), sizes, 1.0) / _REACH))
    times = np.maximum(halvings, 0.0)[..., None, None]
    scaled = x * as_tensor((0.5**times).astype(x.dtype)).to(x.device)
    found = _pade(scaled)
    for k in range(int(times.max())):
        again = as_tensor(times > k).to(x.device)
        found = where(again, found @ found, found)
    return found


def _pade(x: Tensor) -> Tensor:
    b, one = _PADE, _identity(x)
    x2 = x @ x
    x4 = x2 @ x2
    x6 = x4 @ x2
    odd = x6 @ (x6 * b[13] + x4 * b[11] + x2 * b[9]) + x6 * b[7] + x4 * b[5] + x2 * b[3] + one * b[1]
    even = x6 @ (x6 * b[12] + x4 * b[10] + x2 * b[8]) + x6 * b[6] + x4 * b[4] + x2 * b[2] + one * b[0]
    odd = x @ odd
    return solve(even - odd, even + odd)
