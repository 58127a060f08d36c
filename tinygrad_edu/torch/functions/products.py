"""Products of vectors, matrices and stacks of them, and sums of such products."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import dtype_of, promoted
from tinygrad_edu.torch.core.raising import check_tensor, tensor_function
from tinygrad_edu.torch.core.views import recording
from tinygrad_edu.torch.functions.axes import axis_of

__all__ = ["addbmm", "addmm", "addmv", "addr", "baddbmm", "bmm", "cdist", "chain_matmul", "corrcoef", "cov",
           "cross", "dot", "einsum", "ger", "inner", "kron", "matmul", "matrix_power", "mm", "mv", "outer",
           "tensordot", "trace", "vander", "vdot"]  # fmt: skip

Inner = te.Tensor


def alike(name: str, *xs: Any) -> None:
    """TypeError for what is no tensor, RuntimeError for bools, and for tensors of several dtypes."""
    kind = xs[0].dtype
    for x in xs:
        if not isinstance(x, Inner):
            check_tensor(name, x, "other")
        if x.dtype is not kind and x.dtype != kind:
            raise wrong(RuntimeError, name, f"expected m1 and m2 to have the same dtype, but got: "
                        f"{dtype_of(kind).name} != {dtype_of(x.dtype).name}")  # fmt: skip
    if kind.kind == "b":
        raise wrong(RuntimeError, name, f'"{name}" not implemented for Bool', "convert it with .float()")


def _of_dims(name: str, *pairs: tuple[Inner, int]) -> None:
    for i, (x, ndim) in enumerate(pairs):
        if x.ndim != ndim:
            raise wrong(
                RuntimeError, name, f"{name}: argument {i + 1} must be {ndim}-D, but it is {x.ndim}-D"
            )


@tensor_function
def matmul(input: Any, other: Any) -> Any:
    """The product of vectors, matrices or stacks of matrices, which broadcast."""
    alike("matmul", input, other)
    if not (input.ndim and other.ndim):
        raise wrong(RuntimeError, "matmul", "both arguments to matmul need to be at least 1D, but they are "
                    f"{input.ndim}D and {other.ndim}D")  # fmt: skip
    return te.matmul(input, other)


__matmul__ = matmul


def __rmatmul__(self: Any, other: Any) -> Any:
    return matmul(other, self)


@tensor_function
def mm(input: Any, mat2: Any) -> Any:
    """The product of two matrices."""
    alike("mm", input, mat2)
    _of_dims("mm", (input, 2), (mat2, 2))
    return te.matmul(input, mat2)


@tensor_function
def bmm(input: Any, mat2: Any) -> Any:
    """The products of two stacks of matrices, one by one."""
    alike("bmm", input, mat2)
    return te.bmm(input, mat2)


@tensor_function
def mv(input: Any, vec: Any) -> Any:
    """A matrix times a vector."""
    alike("mv", input, vec)
    _of_dims("mv", (input, 2), (vec, 1))
    return te.matmul(input, vec)


@tensor_function
def dot(input: Any, tensor: Any) -> Any:
    """The inner product of two vectors of one length."""
    alike("dot", input, tensor)
    _of_dims("dot", (input, 1), (tensor, 1))
    return te.dot(input, tensor)


@tensor_function
def vdot(input: Any, other: Any) -> Any:
    """The inner product of two vectors: numbers are real here."""
    return dot.face(input, other)  # type: ignore[attr-defined]


@tensor_function
def outer(input: Any, vec2: Any) -> Any:
    """All products of an element of one vector and one of the other."""
    _of_dims("outer", (input, 1), (vec2, 1))
    x, y = promoted(input, vec2)
    return te.expand_dims(x, 1) * te.expand_dims(y, 0)


ger = outer


@tensor_function
def inner(input: Any, other: Any) -> Any:
    """Sums of products over the last dimensions of both."""
    alike("inner", input, other)
    if not (input.ndim and other.ndim):
        return input * other
    if input.shape[-1] != other.shape[-1]:
        raise wrong(RuntimeError, "inner", "inner() the last dimension must match on both input tensors "
                    "but got shapes "
                    f"{list(input.shape)} and {list(other.shape)}")  # fmt: skip
    return te.linalg.tensordot(input, other, axes=([-1], [-1]))


@torch_function
def einsum(equation: Any, *operands: Any) -> Any:
    """Einstein's summation, "ij,jk->ik": letters name dimensions, those missing at the right are summed."""
    given = list(operands)
    if len(given) == 1 and isinstance(given[0], (list, tuple)) and isinstance(equation, str):
        given = list(given[0])
    tensors = [x for x in (equation, *given) if isinstance(x, Inner)]
    if not tensors:
        raise wrong(RuntimeError, "einsum", "einsum(): must provide at least one operand")
    kind = tensors[0].dtype
    if any(x.dtype != kind for x in tensors):
        alike("einsum", *tensors)
    if isinstance(equation, str) and equation.count("...") == 0 and "." in equation:
        raise wrong(RuntimeError, "einsum", "einsum(): found '.' that is not part of any ellipsis")
    return te.einsum(equation, *given)


@torch_function
def tensordot(a: Any, b: Any, dims: Any = 2) -> Any:
    """Sums of products over the last `dims` dimensions of a and the first of b, or those in two lists."""
    alike("tensordot", a, b)
    over = dims.tolist() if isinstance(dims, Inner) else dims
    if isinstance(over, int) and over < 0:
        raise wrong(RuntimeError, "tensordot", f"tensordot expects dims >= 0, but got dims={over}")
    return te.linalg.tensordot(a, b, axes=over if isinstance(over, int) else (list(over[0]), list(over[1])))


@tensor_function
def kron(input: Any, other: Any) -> Any:
    """Kronecker's product: each element of `input` times all of `other`."""
    return te.kron(*promoted(input, other))


@tensor_function
def cross(input: Any, other: Any, dim: int | None = None) -> Any:
    """Vector products along `dim`, by default the first of length 3."""
    if dim is None:
        dim = next((a for a, n in enumerate(input.shape) if n == 3), None)
        if dim is None:
            raise wrong(RuntimeError, "cross", "no dimension of size 3 in input")
    return cross_along(input, other, dim)


def cross_along(input: Inner, other: Inner, dim: int) -> Inner:
    """Vector products along one dimension; the others broadcast."""
    x, y = promoted(input, other)
    if x.ndim != y.ndim:
        raise wrong(
            RuntimeError,
            "cross",
            f"inputs must have the same number of dimensions, got {x.ndim} and {y.ndim}",
        )
    return te.linalg.cross(x, y, axis=axis_of(x, dim))


# -- a product and a sum -------------------------------------------------------------------------------------


def _plus(name: str, input: Inner, product: Inner, beta: Any, alpha: Any) -> Inner:
    """beta input + alpha product, where input broadcasts; it is left out if beta is 0."""
    alike(name, input, product)
    if alpha != 1:
        product = product * alpha
    shape = product.shape
    lead = len(shape) - input.ndim
    if lead < 0 or any(n not in (1, shape[a + lead]) for a, n in enumerate(input.shape)):
        raise wrong(RuntimeError, name, f"The expanded size of the tensor {list(shape)} must match the "
                    f"existing size "
                    f"{list(input.shape)}")  # fmt: skip
    if beta == 0:
        if not recording(input):
            return product
        return te.where(
            te.zeros(shape, dtype=bool, device=input.device), input, product
        )  # whose gradient is 0
    return (input if beta == 1 else input * beta) + product


@tensor_function
def addmm(input: Any, mat1: Any, mat2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta input + alpha mat1 @ mat2."""
    return _plus("addmm", input, mm.face(mat1, mat2), beta, alpha)  # type: ignore[attr-defined]


@tensor_function
def addmv(input: Any, mat: Any, vec: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta input + alpha mat @ vec."""
    return _plus("addmv", input, mv.face(mat, vec), beta, alpha)  # type: ignore[attr-defined]


@tensor_function
def addr(input: Any, vec1: Any, vec2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta input + alpha times the outer product of two vectors."""
    alike("addr", vec1, vec2)
    x, y, z = promoted(input, vec1, vec2)
    return _plus("addr", x, outer.face(y, z), beta, alpha)  # type: ignore[attr-defined]


@tensor_function
def baddbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta input + alpha batch1 @ batch2, for stacks of matrices."""
    return _plus("baddbmm", input, bmm.face(batch1, batch2), beta, alpha)  # type: ignore[attr-defined]


@tensor_function
def addbmm(input: Any, batch1: Any, batch2: Any, *, beta: Any = 1, alpha: Any = 1) -> Any:
    """beta input + alpha times the sum of the products of two stacks of matrices."""
    product = te.sum(bmm.face(batch1, batch2), 0)  # type: ignore[attr-defined]
    return _plus("addbmm", input, product.cast(batch1.dtype), beta, alpha)


# -- several matrices ----------------------------------------------------------------------------------------


def product_of(name: str, matrices: Sequence[Inner]) -> Inner:
    """The product of several matrices, in the order of the fewest multiplications; the ends may be vectors.

    Source: Cormen, Leiserson, Rivest, Stein, "Introduction to Algorithms", section 14.2.
    """
    alike(name, *matrices)
    first, last = matrices[0].ndim == 1, matrices[-1].ndim == 1
    xs = list(matrices)
    if first:
        xs[0] = te.expand_dims(xs[0], 0)
    if last:
        xs[-1] = te.expand_dims(xs[-1], 1)
    _of_dims(name, *((x, 2) for x in xs))
    for x, y in itertools.pairwise(xs):
        if x.shape[1] != y.shape[0]:
            raise wrong(RuntimeError, name, f"{name}(): tensors with shapes {list(x.shape)} and "
                        f"{list(y.shape)} cannot be "
                        "multiplied")  # fmt: skip
    sizes = [xs[0].shape[0], *(x.shape[1] for x in xs)]
    count = len(xs)
    costs: dict[tuple[int, int], tuple[int, int]] = {(i, i): (0, i) for i in range(count)}
    for length in range(1, count):
        for i in range(count - length):
            j = i + length
            costs[i, j] = min(
                (costs[i, k][0] + costs[k + 1, j][0] + sizes[i] * sizes[k + 1] * sizes[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Inner:
        if i == j:
            return xs[i]
        k = costs[i, j][1]
        return te.matmul(product(i, k), product(k + 1, j))

    found = product(0, count - 1)
    shape = found.shape[(1 if first else 0) : (1 if last else 2)]
    return te.reshape(found, shape) if first or last else found


@torch_function
def chain_matmul(*matrices: Any) -> Any:
    """The product of several matrices, in the order of the fewest multiplications."""
    if not matrices:
        raise wrong(RuntimeError, "chain_matmul", "chain_matmul(): Expected one or more matrices")
    _of_dims("chain_matmul", *((x, 2) for x in matrices))
    return product_of("chain_matmul", matrices)


@torch_function
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: Any = None) -> Any:
    """The distances of all rows of x1 from all rows of x2, by the norm of order p."""
    if p < 0:
        raise wrong(RuntimeError, "cdist", "cdist only supports non-negative p values")
    if x1.dtype.kind != "f" or x2.dtype != x1.dtype:
        raise wrong(RuntimeError, "cdist", "cdist only supports floating-point dtypes, X1 got: "
                    f"{dtype_of(x1.dtype).name}, X2 got: {dtype_of(x2.dtype).name}")  # fmt: skip
    return te.cdist(x1, x2, p)


@tensor_function
def trace(input: Any) -> Any:
    """The sum of the diagonal of a matrix."""
    if input.ndim != 2:
        raise wrong(RuntimeError, "trace", "trace: expected a matrix")
    return te.trace(input)


@tensor_function
def matrix_power(input: Any, n: int) -> Any:
    """A square matrix multiplied n times; for n < 0 its inverse."""
    if input.dtype.kind != "f":
        raise wrong(
            RuntimeError, "matrix_power", f'"matrix_power" not implemented for {dtype_of(input.dtype).name}'
        )
    return te.linalg.matrix_power(input, n)


@tensor_function
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """The covariances of the rows, each a variable, whose observations are the columns.

    fweights  how often each observation counts, integers
    aweights  how much each observation counts
    """
    if input.ndim > 2:
        raise wrong(RuntimeError, "cov", "cov(): expected input to have two or fewer dimensions but got an "
                    "input with "
                    f"{input.ndim} dimensions")  # fmt: skip
    if input.dtype.kind == "b":
        raise wrong(RuntimeError, "cov", "cov(): bool dtype is not supported for input")
    if fweights is not None and fweights.dtype.kind != "i":
        raise wrong(RuntimeError, "cov", "cov(): expected fweights to have integral dtype")
    if aweights is not None and aweights.dtype.kind != "f":
        raise wrong(RuntimeError, "cov", "cov(): expected aweights to have floating point dtype")
    x = input if input.dtype.kind == "f" else input.cast("float32")
    x = te.reshape(x, (1, x.size)) if x.ndim < 2 else x
    weights = te.full((x.shape[1],), 1.0, dtype=x.dtype, device=x.device)
    for given in (fweights, aweights):
        weights = weights if given is None else weights * given.cast(x.dtype)
    total = te.sum(weights)
    mean = te.sum(x * weights, -1, keepdims=True) / total
    if aweights is None:
        norm = total - correction
    else:
        again = aweights.cast(x.dtype)
        norm = total - correction * te.sum(weights * again) / total
    centred = x - mean
    found = te.matmul(centred * weights, centred.mT) / te.clip(norm, 0.0, None)
    return te.reshape(found, ()) if input.ndim < 2 else found


@tensor_function
def corrcoef(input: Any) -> Any:
    """The correlations of the rows, each a variable."""
    found = cov.face(input)  # type: ignore[attr-defined]
    if not found.ndim:
        return found / found
    spread = te.sqrt(te.diagonal(found))
    return te.clip(found / te.expand_dims(spread, 1) / spread, -1.0, 1.0)


@torch_function
def vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    """The powers of a vector's elements as rows, from the highest unless `increasing`; N of them."""
    if x.ndim != 1:
        raise wrong(RuntimeError, "vander", "x must be a one-dimensional tensor.")
    count = x.shape[0] if N is None else N
    if count < 0:
        raise wrong(RuntimeError, "vander", "N must be non-negative.")
    return powers(x, count) if increasing else te.flip(powers(x, count), -1)


def powers(x: Inner, count: int) -> Inner:
    """1, x, x * x, ... as a last dimension; of integers, int64."""
    x = x if x.dtype.kind == "f" else x.cast("int64")
    ones = te.ones((*x.shape, 1), dtype=x.dtype, device=x.device)
    if count <= 1:
        return ones[..., :count]
    factors = te.expand(te.expand_dims(x, -1), (*x.shape, count - 1))
    return te.concat([ones, te.cumprod(factors, -1)], -1)
