"""Linear algebra under its older names: torch.inverse, torch.svd, torch.cholesky_solve."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch import return_types
from tinygrad_edu.torch.core.raising import tensor_function
from tinygrad_edu.torch.functions import matrices

__all__ = ["cholesky", "cholesky_inverse", "cholesky_solve", "det", "inverse", "logdet", "matrix_exp",
           "pca_lowrank", "pinverse", "qr", "slogdet", "svd", "svd_lowrank", "triangular_solve"]  # fmt: skip

Inner = te.Tensor
floats = matrices.floats

inverse = matrices.named("inverse", matrices.inv)
det = matrices.named("det", matrices.det)
slogdet = matrices.named("slogdet", matrices.slogdet)
cholesky = matrices.named("cholesky", lambda input, upper=False: matrices.cholesky(input, upper=upper))
matrix_exp = matrices.named("matrix_exp", matrices.matrix_exp)


@tensor_function
def logdet(input: Any) -> Any:
    """The logarithm of the determinant of square matrices; NaN if it is negative."""
    sign, size = te.linalg.slogdet(matrices.square("logdet", input))
    return te.where(sign < 0.0, float("nan"), size)


@tensor_function
def pinverse(input: Any, rcond: float = 1e-15) -> Any:
    """The pseudo-inverse of matrices."""
    return te.linalg.pinv(floats("pinverse", input), rtol=rcond)


@tensor_function
def svd(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """U, S, V of matrices: input = U diag(S) V^T. With `some` only the columns that belong to S."""
    x = floats("svd", input)
    u, s, vh = te.linalg.svd(x, full_matrices=not some)
    if not compute_uv:
        m, n = x.shape[-2:]
        u, vh = (te.zeros((*x.shape[:-2], k, k), dtype=x.dtype, device=x.device) for k in (m, n))
        return return_types.svd(u, te.linalg.svdvals(x), vh)
    return return_types.svd(u, s, vh.mT)


@tensor_function
def qr(input: Any, some: bool = True) -> Any:
    """Q and R of matrices: input = Q R."""
    return return_types.qr(*matrices.qr(input, "reduced" if some else "complete"))


@tensor_function
def cholesky_solve(B: Any, L: Any, upper: bool = False) -> Any:
    """The solution of A x = B, where L is the triangle of Cholesky of A."""
    x, y = floats("cholesky_solve", L), floats("cholesky_solve", B)
    if x.ndim < 2 or y.ndim < 2:
        raise wrong(
            RuntimeError,
            "cholesky_solve",
            f"b should have at least 2 dimensions, but has {y.ndim} dimensions",
        )
    lower = te.triu(x).mT if upper else te.tril(x)
    half = te.linalg.solve_triangular(lower, y, upper=False)
    return te.linalg.solve_triangular(lower.mT, half, upper=True)


@tensor_function
def cholesky_inverse(L: Any, upper: bool = False) -> Any:
    """The inverse of the matrix whose triangle of Cholesky is L."""
    x = matrices.square("cholesky_inverse", L)
    eye = te.eye(x.shape[-1], dtype=x.dtype, device=x.device)
    return cholesky_solve.face(eye, x, upper)  # type: ignore[attr-defined]


@tensor_function
def triangular_solve(
    b: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False
) -> Any:
    """The solution of A x = b for a triangular A, and A."""
    x, upright = (A.mT, not upper) if transpose else (A, upper)
    found = te.linalg.solve_triangular(x, b, upper=upright, unitriangular=unitriangular)
    return return_types.triangular_solve(found, te.functional.clone(A))


@tensor_function
def svd_lowrank(A: Any, q: int | None = 6, niter: int = 2, M: Any = None) -> Any:
    """U, S, V of the best approximation of rank q of A, or of A - M: exact here, whatever `niter` is."""
    x = floats("svd_lowrank", A if M is None else A - M)
    count = min(q or 6, *x.shape[-2:])
    u, s, vh = te.linalg.svd(x, full_matrices=False)
    return u[..., :count], s[..., :count], vh.mT[..., :count]


@tensor_function
def pca_lowrank(A: Any, q: int | None = None, center: bool = True, niter: int = 2) -> Any:
    """The q principal components of rows: U, S, V of the matrix without the means of its columns."""
    x = floats("pca_lowrank", A)
    limit = min(6, *x.shape[-2:]) if q is None else q
    if not 0 <= limit <= min(x.shape[-2:]):
        raise wrong(ValueError, "pca_lowrank", f"q(={limit}) must be non-negative integer and not greater "
                    f"than "
                    f"min(m, n)={min(x.shape[-2:])}")  # fmt: skip
    x = x - te.mean(x, -2, keepdims=True) if center else x
    u, s, vh = te.linalg.svd(x, full_matrices=False)
    return u[..., :limit], s[..., :limit], vh.mT[..., :limit]
