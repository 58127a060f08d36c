"""torch.linalg: norms, decompositions, inverses and systems of equations."""

from __future__ import annotations

import math
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import FaceLinAlgError as LinAlgError
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.raising import several, tensor_function
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.functions import matrices, parts, products

__all__ = ["LinAlgError"]

cholesky, cholesky_ex, cond, det, eigh, eigvalsh, inv, inv_ex, lstsq, matrix_exp, matrix_norm, matrix_rank = (
    matrices.named(name, getattr(matrices, name))
    for name in ("cholesky", "cholesky_ex", "cond", "det", "eigh", "eigvalsh", "inv", "inv_ex", "lstsq",
                 "matrix_exp", "matrix_norm", "matrix_rank")
)  # fmt: skip
norm, pinv, qr, slogdet, solve, solve_triangular, svd, svdvals, vector_norm = (
    matrices.named(name, getattr(matrices, name))
    for name in ("norm", "pinv", "qr", "slogdet", "solve", "solve_triangular", "svd", "svdvals",
                 "vector_norm")
)  # fmt: skip
solve_ex = matrices.named("solve_ex", matrices.solve_ex)
matmul, matrix_power = products.matmul, products.matrix_power


def diagonal(A: Tensor, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Tensor:
    """The diagonals of matrices, as a view."""
    return parts.diagonal(A, offset, dim1, dim2)


@tensor_function
def cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """Vector products along `dim`, which has length 3."""
    return products.cross_along(input, other, dim)


@tensor_function
def vecdot(x: Any, y: Any, *, dim: int = -1) -> Any:
    """Inner products along `dim`; the other dimensions broadcast."""
    return te.linalg.vecdot(x, y, axis=dim)


@torch_function
def multi_dot(tensors: Any) -> Any:
    """The product of matrices, in the order of the fewest multiplications; the ends may be vectors."""
    if len(tensors) < 2:
        raise wrong(
            RuntimeError, "multi_dot", f"multi_dot(): expected at least 2 tensors but got {len(tensors)}"
        )
    return products.product_of("multi_dot", tensors)


@tensor_function
def vander(x: Any, *, N: int | None = None) -> Any:
    """The powers of numbers, from 0 on, as a last dimension."""
    if not x.ndim:
        raise wrong(RuntimeError, "vander", "x must be at least one-dimensional")
    count = x.shape[-1] if N is None else N
    if count <= 1:
        raise wrong(RuntimeError, "vander", f"N must be greater than 1, got {count}")
    return products.powers(x, count)


@tensor_function
def tensorinv(A: Any, ind: int = 2) -> Any:
    """The inverse of a tensor as a map from its last dimensions to its first `ind`."""
    if ind <= 0:
        raise wrong(RuntimeError, "tensorinv", "Expected a strictly positive integer for 'ind'")
    first, last = A.shape[:ind], A.shape[ind:]
    if math.prod(first) != math.prod(last):
        raise wrong(RuntimeError, "tensorinv", f"Expected self to satisfy the requirement "
                    f"prod(self.shape[ind:]) == "
                    f"prod(self.shape[:ind]), but got {math.prod(last)} != {math.prod(first)}")  # fmt: skip
    return te.reshape(matrices.inv(te.reshape(A, (math.prod(first), -1))), (*last, *first))


@tensor_function
def tensorsolve(A: Any, B: Any, dims: Any = None) -> Any:
    """The X of tensordot(A, X, X.ndim) = B; the dimensions `dims` of A are moved to its end first."""
    if dims is not None:
        moved = several("tensorsolve", (dims,))
        A = te.moveaxis(A, moved, tuple(range(A.ndim - len(moved), A.ndim)))
    rest = A.shape[B.ndim :]
    if math.prod(rest) != B.size:
        raise wrong(RuntimeError, "tensorsolve", "Expected self to satisfy the requirement "
                    "prod(self.shape[other.ndim:]) "
                    "== prod(self.shape[:other.ndim])")  # fmt: skip
    found = matrices.solve(te.reshape(A, (B.size, math.prod(rest))), te.reshape(B, (-1,)))
    return te.reshape(found, rest)


__getattr__ = missing_from("torch.linalg")
