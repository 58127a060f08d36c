"""The Array API's extension for linear algebra, and those of its functions that the main namespace has."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.array_api.host import numpy_of, of_numpy
from tinygrad_edu.array_api.reductions import sum as _sum
from tinygrad_edu.functional.linalg import (
    cholesky,
    cross,
    det,
    diagonal,
    eigh,
    eigvalsh,
    inv,
    matmul,
    matrix_power,
    matrix_transpose,
    outer,
    qr,
    slogdet,
    solve,
    svd,
    svdvals,
    tensordot,
)
from tinygrad_edu.functional.linalg import matrix_norm as matrix_norm
from tinygrad_edu.functional.linalg import vector_norm as vector_norm
from tinygrad_edu.tensor import Tensor

__all__ = ["cholesky", "cross", "det", "diagonal", "eig", "eigh", "eigvals", "eigvalsh", "inv", "matmul",
           "matrix_norm", "matrix_power", "matrix_rank", "matrix_transpose", "outer", "pinv", "qr",
           "slogdet", "solve", "svd", "svdvals", "tensordot", "trace", "vecdot", "vector_norm"]  # fmt: skip


def vecdot(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """The sums of products along an axis, in the common dtype of both."""
    return F.linalg.vecdot(x1, x2, axis=axis).cast(np.result_type(x1.dtype, x2.dtype))


class EigResult(NamedTuple):
    """The result of `eig`: complex eigenvalues, and a matrix with an eigenvector in each column."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def eig(x: Tensor, /) -> EigResult:
    """The eigenvalues and eigenvectors of square matrices, complex ones, by NumPy; it has no gradient."""
    values, vectors = np.linalg.eig(numpy_of(x))
    kind = np.result_type(values.dtype, np.complex64)
    return EigResult(of_numpy(values.astype(kind)), of_numpy(vectors.astype(kind)))


def eigvals(x: Tensor, /) -> Tensor:
    """The eigenvalues of square matrices, complex ones, by NumPy; it has no gradient."""
    values = np.linalg.eigvals(numpy_of(x))
    return of_numpy(values.astype(np.result_type(values.dtype, np.complex64)))


def _singular(x: Tensor, rtol: Tensor) -> tuple[Any, Tensor]:
    """(the singular value decomposition, which singular values count by a tolerance for each matrix)."""
    found = F.linalg.svd(x, full_matrices=False)
    largest = F.max(found.S, axis=-1, keepdims=True)
    return found, F.expand_dims(rtol.cast(x.dtype), -1) * largest < found.S


def matrix_rank(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    """How many singular values are above rtol times the largest, a number or one for each matrix."""
    if not isinstance(rtol, Tensor) or not min(x.shape[-2:]):
        return F.linalg.matrix_rank(x, rtol=None if isinstance(rtol, Tensor) else rtol)
    return F.sum(_singular(x, rtol)[1], axis=-1)


def pinv(x: Tensor, /, *, rtol: Any = None) -> Tensor:
    """The pseudo-inverse; singular values up to rtol times the largest, one number or many, count as 0."""
    if not isinstance(rtol, Tensor) or not min(x.shape[-2:]):
        return F.linalg.pinv(x, rtol=None if isinstance(rtol, Tensor) else rtol)
    (u, s, vh), counts = _singular(x, rtol)
    inverse = F.where(counts, 1 / F.where(counts, s, F.ones((), dtype=s.dtype)), F.zeros((), dtype=s.dtype))
    return (vh.mT * F.expand_dims(inverse, -2)) @ u.mT


def trace(x: Tensor, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    """The sum of a diagonal of each matrix; integers are added up in int64."""
    return _sum(F.linalg.diagonal(x, offset=offset), axis=-1, dtype=dtype)
