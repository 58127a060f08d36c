"""Decompositions, inverses and norms of matrices in the library's words; torch.linalg names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch import return_types
from tinygrad_edu.torch.core.dtypes import dtype_of, numpy_of
from tinygrad_edu.torch.core.raising import tensor_function
from tinygrad_edu.torch.functions.axes import axes_of, axis_of

Inner = te.Tensor


def named(name: str, function: Callable[..., Any]) -> Any:
    """A function of the library's tensors as one of the face, under a name."""

    def called(input: Any, *args: Any, **options: Any) -> Any:
        return function(input, *args, **options)

    called.__name__ = called.__qualname__ = name
    called.__doc__ = function.__doc__ or f"`torch.{name}`."
    return tensor_function(called)


def floats(name: str, x: Inner) -> Inner:
    """x. RuntimeError for integers and bools."""
    if x.dtype.kind != "f":
        raise wrong(RuntimeError, name, f"linalg.{name}: Expected a floating point or complex tensor as "
                    f"input. Got "
                    f"{dtype_of(x.dtype).name}", "convert it with .float()", inputs=(x,))  # fmt: skip
    return x


def stack_of(name: str, x: Inner) -> Inner:
    """x, whose last two dimensions are matrices of floats. RuntimeError for fewer dimensions."""
    if x.ndim < 2:
        raise wrong(
            RuntimeError,
            name,
            f"linalg.{name}: The input tensor A must have at least 2 dimensions.",
            inputs=(x,),
        )
    return floats(name, x)


def square(name: str, x: Inner) -> Inner:
    """x, a stack of square matrices of floats. RuntimeError for others."""
    if x.ndim >= 2 and x.shape[-1] != x.shape[-2]:
        raise wrong(RuntimeError, name, f"linalg.{name}: A must be batches of square matrices, but they are "
                    f"{x.shape[-2]} by {x.shape[-1]} matrices", inputs=(x,))  # fmt: skip
    return stack_of(name, x)


def _symmetric(x: Inner, upper: bool = False) -> Inner:
    """The symmetric matrix of which one triangle of x is read."""
    half = te.triu(x, 1) if upper else te.tril(x, -1)
    middle = te.tril(te.triu(x))
    return half + half.mT + middle


def _reads_upper(name: str, UPLO: str) -> bool:
    if UPLO not in ("L", "U", "l", "u"):
        raise wrong(
            RuntimeError, name, f"linalg.{name}: Expected UPLO argument to be 'L' or 'U', but got {UPLO}"
        )
    return UPLO in "Uu"


def inv(A: Inner) -> Inner:
    """The inverse of square matrices. Raises LinAlgError for a singular one."""
    return te.linalg.inv(square("inv", A))


def inv_ex(A: Inner, *, check_errors: bool = False) -> Any:
    """The inverse, and 0 for each matrix that has one; LinAlgError otherwise."""
    found = inv(A)
    return return_types.linalg_inv_ex(found, _no_error(A))


def _no_error(A: Inner) -> Inner:
    return te.zeros(A.shape[:-2], dtype="int32", device=A.device)


def det(A: Inner) -> Inner:
    """The determinant of square matrices."""
    return te.linalg.det(square("det", A))


def slogdet(A: Inner) -> Any:
    """The sign of the determinant of square matrices, and the logarithm of its size."""
    return return_types.linalg_slogdet(*te.linalg.slogdet(square("slogdet", A)))


def cholesky(A: Inner, *, upper: bool = False) -> Inner:
    """The lower triangle L with A = L L^T, or the upper one; one triangle of A is read."""
    return te.linalg.cholesky(_symmetric(square("cholesky", A), upper), upper=upper)


def cholesky_ex(A: Inner, *, upper: bool = False, check_errors: bool = False) -> Any:
    """The triangle of Cholesky, and 0 for each matrix that has one; LinAlgError otherwise."""
    return return_types.linalg_cholesky_ex(cholesky(A, upper=upper), _no_error(A))


def qr(A: Inner, mode: str = "reduced") -> Any:
    """Q and R with A = Q R; of "r" only R."""
    if mode not in ("reduced", "complete", "r"):
        raise wrong(RuntimeError, "qr", f"qr received unrecognized mode '{mode}' but expected one of "
                    f"'reduced' "
                    "(default), 'r', or 'complete'")  # fmt: skip
    x = stack_of("qr", A)
    if mode == "r":
        with te.no_grad():
            found = te.linalg.qr(x)
        return return_types.linalg_qr(te.zeros((0,), dtype=x.dtype, device=x.device), found[1])
    return return_types.linalg_qr(*te.linalg.qr(x, mode=mode))


def eigh(A: Inner, UPLO: str = "L") -> Any:
    """The eigenvalues and eigenvectors of symmetric matrices, of which one triangle is read."""
    x = square("eigh", A)
    return return_types.linalg_eigh(*te.linalg.eigh(_symmetric(x, _reads_upper("eigh", UPLO))))


def eigvalsh(A: Inner, UPLO: str = "L") -> Inner:
    """The eigenvalues of symmetric matrices, of which one triangle is read."""
    x = square("eigvalsh", A)
    return te.linalg.eigvalsh(_symmetric(x, _reads_upper("eigvalsh", UPLO)))


def svd(A: Inner, full_matrices: bool = True, *, driver: str | None = None) -> Any:
    """U, S and Vh with A = U diag(S) Vh."""
    return return_types.linalg_svd(*te.linalg.svd(stack_of("svd", A), full_matrices=full_matrices))


def svdvals(A: Inner, *, driver: str | None = None) -> Inner:
    """The singular values, the largest first."""
    return te.linalg.svdvals(stack_of("svdvals", A))


def pinv(
    A: Inner, rcond: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Inner:
    """The pseudo-inverse: singular values up to max(atol, rtol times the largest) count as 0."""
    x = stack_of("pinv", A)
    x = _symmetric(x) if hermitian else x
    relative = rcond if rtol is None else rtol
    relative = relative.item() if isinstance(relative, Inner) else relative
    if atol is None:
        return te.linalg.pinv(x, rtol=relative)
    limit = atol.item() if isinstance(atol, Inner) else atol
    u, s, vh = te.linalg.svd(x, full_matrices=False)
    least = te.maximum(s[..., :1] * (relative or 0.0), limit).detach()
    inverse = te.where(s > least, te.reciprocal(te.where(s > least, s, 1.0)), 0.0)
    return te.matmul(vh.mT * te.expand_dims(inverse, -2), u.mT)


def matrix_rank(
    A: Inner, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None
) -> Inner:
    """How many singular values are above max(atol, rtol times the largest)."""
    x = stack_of("matrix_rank", A)
    x = _symmetric(x) if hermitian else x
    limit = tol if atol is None else atol
    if limit is None:
        return te.linalg.matrix_rank(x, rtol=rtol)
    values = te.linalg.svdvals(x.detach())
    least = values[..., :1] * (rtol or 0.0)
    least = te.maximum(least, te.expand_dims(limit, -1) if isinstance(limit, Inner) else limit)
    return te.sum(values > least, -1)


def solve(A: Inner, B: Inner, *, left: bool = True) -> Inner:
    """The X of A X = B, or of X A = B with left=False. Raises LinAlgError for a singular A."""
    x, y = square("solve", A), floats("solve", B)
    if x.dtype != y.dtype:
        raise wrong(RuntimeError, "solve", "linalg.solve: Expected A and B to have the same dtype, but "
                    "found A of type "
                    f"{dtype_of(x.dtype).name} and B of type {dtype_of(y.dtype).name} instead")  # fmt: skip
    if y.ndim == 1 or (x.ndim - 1 == y.ndim and y.shape == x.shape[:-1]):
        if not left:
            raise wrong(RuntimeError, "solve", "linalg.solve: Vector broadcasting of the left hand side is "
                        "not "
                        "supported for left=False")  # fmt: skip
        return te.squeeze(te.linalg.solve(x, te.expand_dims(y, -1)), -1)
    return te.linalg.solve(x, y) if left else te.linalg.solve(x.mT, y.mT).mT


def solve_ex(A: Inner, B: Inner, *, left: bool = True, check_errors: bool = False) -> Any:
    """The X of A X = B, and 0 for each matrix that is not singular; LinAlgError otherwise."""
    return return_types.linalg_solve_ex(solve(A, B, left=left), _no_error(A))


def solve_triangular(
    A: Inner, B: Inner, *, upper: bool, left: bool = True, unitriangular: bool = False
) -> Inner:
    """The X of A X = B, or of X A = B, for triangular A."""
    x, y = square("solve_triangular", A), stack_of("solve_triangular", B)
    return te.linalg.solve_triangular(x, y, upper=upper, left=left, unitriangular=unitriangular)


def lstsq(A: Inner, B: Inner, rcond: float | None = None, *, driver: str | None = None) -> Any:
    """The X that minimises |A X - B|; residuals, rank and singular values as each driver returns them."""
    x, y = stack_of("lstsq", A), floats("lstsq", B)
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise wrong(RuntimeError, "lstsq", f"torch.linalg.lstsq: parameter `driver` should be one of "
                    f"(gels, gelsy, "
                    f"gelsd, gelss), {driver}")  # fmt: skip
    vector = x.ndim - 1 == y.ndim
    solution, residuals, rank, values = te.linalg.lstsq(
        x, te.expand_dims(y, -1) if vector else y, rcond=rcond
    )
    empty = te.reshape(x, (-1,))[:0]
    m, n = x.shape[-2:]
    full = m > n and bool((rank.numpy() == n).all())
    return return_types.linalg_lstsq(
        te.squeeze(solution, -1) if vector else solution,
        residuals if full and driver != "gelsy" and driver is not None else empty,
        te.zeros((0,), dtype="int64") if driver == "gels" else rank,
        (values if driver in ("gelsd", "gelss") else empty).detach(),
    )


def matrix_exp(A: Inner) -> Inner:
    """The exponential of square matrices."""
    return te.linalg.matrix_exp(square("matrix_exp", A))


# -- norms ---------------------------------------------------------------------------------------------------


def _in(name: str, x: Inner, dtype: Any) -> Inner:
    x = floats(name, x)
    return x if dtype is None else x.cast(numpy_of(dtype))


def vector_norm(
    x: Inner, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None
) -> Inner:
    """The norm of order `ord` of all elements, or along some dimensions."""
    x = _in("vector_norm", x, dtype)
    axes = axes_of(x, dim)
    return te.linalg.vector_norm(x, ord, axes if dim is not None else None, keepdims=keepdim)


def matrix_norm(
    A: Inner, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Inner:
    """A norm of matrices: "fro", "nuc", 1, -1, 2, -2, inf or -inf."""
    x = _in("matrix_norm", A, dtype)
    if x.ndim < 2:
        raise wrong(
            RuntimeError,
            "matrix_norm",
            "linalg.matrix_norm: The input tensor A must have at least 2 dimensions.",
        )
    if len(dim) != 2:
        raise wrong(RuntimeError, "matrix_norm", f"linalg.matrix_norm: dim must be a 2-tuple. Got {dim}")
    first, second = (axis_of(x, d) for d in dim)
    if first == second:
        raise wrong(RuntimeError, "matrix_norm", f"linalg.matrix_norm: dims must be different. Got {dim}")
    found = te.linalg.matrix_norm(te.moveaxis(x, (first, second), (-2, -1)), ord)
    if keepdim:
        found = te.reshape(found, tuple(1 if a in (first, second) else n for a, n in enumerate(x.shape)))
    return found


def norm(A: Inner, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Inner:
    """A norm of vectors or matrices, as `ord` and the number of dimensions say."""
    dims = (dim,) if isinstance(dim, int) else None if dim is None else tuple(dim)
    if ord is None:
        return vector_norm(A, 2, dims, keepdim, dtype=dtype)
    if dims is None and A.ndim not in (1, 2):
        raise wrong(RuntimeError, "norm", f"linalg.norm: If dim is not specified but ord is, the input "
                    f"must be 1D or 2D. "
                    f"Got {A.ndim}D.")  # fmt: skip
    if (dims is None and A.ndim == 2) or (dims is not None and len(dims) == 2):
        return matrix_norm(A, ord, dims or (-2, -1), keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise wrong(
            RuntimeError, "norm", f"linalg.norm: ord={ord} is a norm of matrices, and the input is a vector"
        )
    return vector_norm(A, ord, dims, keepdim, dtype=dtype)


def cond(A: Inner, p: Any = None) -> Inner:
    """The norm of matrices times that of their inverses: how much a system of equations amplifies errors."""
    x = stack_of("cond", A)
    if p in (None, 2, -2):
        values = svdvals(x)
        first, last = values[..., 0], values[..., -1]
        return last / first if p == -2 else first / last
    x = square("cond", x)
    try:
        inverse = te.linalg.inv(x)
    except te.linalg.LinAlgError:
        return te.full(x.shape[:-2], float("inf"), dtype=x.dtype, device=x.device)
    return matrix_norm(x, p) * matrix_norm(inverse, p)
