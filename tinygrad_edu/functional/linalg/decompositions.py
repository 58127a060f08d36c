"""Decompositions of matrices: orthogonal factors, eigenvalues of symmetric matrices, singular values.

Derivatives: of a factorisation A = QR they exist where A has full rank in its first min(m, n) columns. Of
eigenvalues and singular values they exist where these are not repeated (and singular values are not 0).
Where they are repeated, the gradient of a function of values alone is V diag(g) V^T for the vectors at hand,
which is right for symmetric functions, such as a sum. Of vectors there is none at repeated values: such a
gradient, and the second derivative of values there, is NaN or infinite, and never a wrong number.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.linalg.matrices import matrices, refuse_gradient, relative_tolerance, square
from tinygrad_edu.functional.movement import concat
from tinygrad_edu.functional.reduction import sum
from tinygrad_edu.ops import decompositions as _d
from tinygrad_edu.ops.linalg import triangle
from tinygrad_edu.ops.movement import slice_

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["eigh", "eigvalsh", "matrix_rank", "qr", "svd", "svdvals"]


class EighResult(NamedTuple):
    """eigenvalues (..., n), the smallest first, and eigenvectors (..., n, n), a column each."""

    eigenvalues: Tensor
    eigenvectors: Tensor


class QRResult(NamedTuple):
    """Q has orthonormal columns, R is upper triangular."""

    Q: Tensor
    R: Tensor


class SVDResult(NamedTuple):
    """U (..., m, k) or (..., m, m), S (..., k), the largest first, and Vh (..., k, n) or (..., n, n)."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def _row(packed: Tensor, at: int) -> Tensor:
    """Row `at` of each matrix, as vectors."""
    rows: Tensor = _d.rows(packed, at, at + 1)
    return rows.reshape((*packed.shape[:-2], packed.shape[-1]))


def eigh(x: Tensor) -> EighResult:
    """Eigenvalues and orthonormal eigenvectors of symmetric matrices: x = V diag(w) V^T.

    Both triangles are read, as (x + x^T) / 2, so the gradient is symmetric. The first component of a vector
    that is at least 0.9 times as large as its largest is positive.
    """
    x = square("eigh", x)
    n, packed = x.shape[-1], _d.eigh(x)
    return EighResult(_row(packed, n), _d.rows(packed, 0, n))


def eigvalsh(x: Tensor) -> Tensor:
    """Eigenvalues of symmetric matrices, the smallest first; faster than `eigh`."""
    found: Tensor = _d.eigvalsh(square("eigvalsh", x))
    return found


def qr(x: Tensor, *, mode: str = "reduced") -> QRResult:
    """x = QR, with k = min(m, n). "reduced": (..., m, k), (..., k, n); "complete": (..., m, m), (..., m, n).

    The columns of Q beyond k are any orthonormal basis, so "complete" has no gradient if m > n. There is
    none where the first k columns depend on one another: an error, or numbers that roundoff makes huge.
    """
    x = matrices("qr", x)
    if mode not in ("reduced", "complete"):
        raise wrong(ValueError, "qr", f"mode={mode!r} must be 'reduced' or 'complete'", inputs=(x,))
    m, n = x.shape[-2:]
    if mode == "complete" and m > n:
        refuse_gradient(
            "qr",
            x,
            "the columns of a complete Q beyond n have no derivative",
            "use mode='reduced', or x.detach()",
        )
        q = _d.qr_full(x)
        return QRResult(q, triangle((q.mT @ x).mT).mT)
    if m >= n:
        packed = _d.qr(x)
        return QRResult(_d.rows(packed, 0, m), _d.rows(packed, m, m + n).mT)
    packed = _d.qr(_columns(x, 0, m))
    q = _d.rows(packed, 0, m)
    return QRResult(q, concat([_d.rows(packed, m, m + m).mT, q.mT @ _columns(x, m, n)], -1))


def _columns(x: Tensor, start: int, stop: int) -> Tensor:
    found: Tensor = slice_(x, key=(..., slice(start, stop)))
    return found


def svd(x: Tensor, *, full_matrices: bool = True) -> SVDResult:
    """x = U diag(S) Vh. With full_matrices=False U is (..., m, k) and Vh (..., k, n), with k = min(m, n).

    The first component of a column of U that is at least 0.9 times as large as its largest is positive. With
    `full_matrices`, U and Vh are square; the vectors beyond k are any orthonormal basis, so there is no
    gradient unless m = n.
    """
    x = matrices("svd", x)
    m, n = x.shape[-2:]
    if full_matrices and m != n:
        refuse_gradient(
            "svd", x, "the vectors of full matrices beyond k have no derivative", "pass full_matrices=False"
        )
        both = _d.svd_full(x)
        return SVDResult(
            _columns(_d.rows(both, 0, m), 0, m), svdvals(x), _columns(_d.rows(both, m, m + n), 0, n).mT
        )
    packed = _d.svd(x)
    return SVDResult(_d.rows(packed, 0, m), _row(packed, m), _d.rows(packed, m + 1, m + 1 + n).mT)


def svdvals(x: Tensor) -> Tensor:
    """Singular values, the largest first; faster than `svd`. At a value 0, the gradient is a subgradient."""
    found: Tensor = _d.svdvals(matrices("svdvals", x))
    return found


def matrix_rank(x: Tensor, *, rtol: float | None = None) -> Tensor:
    """How many singular values are above rtol times the largest; int64, without a gradient.

    `rtol` is by default max(m, n) times the epsilon of the dtype.
    """
    x = matrices("matrix_rank", x)
    if 0 in x.shape[-2:]:
        return sum(x.detach() != x.detach(), (-2, -1))
    values = svdvals(x.detach())
    return sum(values > values[..., :1] * relative_tolerance("matrix_rank: rtol", x, rtol), -1)
