"""`te.linalg` against NumPy and SciPy in float64, and its gradients against differences."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu.check import gradcheck

L: Any = te.linalg
N = np.linalg
random = np.random.default_rng(5)


def normal(*shape: int) -> Any:
    return random.standard_normal(shape)


def square_of(*shape: int) -> Any:
    return normal(*shape) + 3.0 * np.eye(shape[-1])


def positive(*shape: int) -> Any:
    x = normal(*shape)
    return x @ np.swapaxes(x, -1, -2) + np.eye(shape[-1])


S, P, TALL, WIDE = square_of(2, 3, 3), positive(2, 3, 3), normal(2, 4, 3), normal(2, 3, 4)
V, W, R = normal(3), normal(2, 3), normal(3, 2)


def scipy_linalg() -> Any:
    return pytest.importorskip("scipy.linalg")


def triangular(x: Any, y: Any, **how: Any) -> Any:
    solved = [scipy_linalg().solve_triangular(a, b, **how) for a, b in zip(x, np.broadcast_to(y, (2, 3, 2)))]
    return np.stack(solved)


def a_part(u: Any, s: Any, vh: Any) -> Any:
    """A function of all three factors that does not depend on signs."""
    return u[..., :2] @ vh[..., :2, :] * s[..., :1, None]


# name: our function, the oracle, the arrays; both return an array or a tuple of them
CASES: dict[str, tuple[Callable[..., Any], Callable[..., Any], list[Any]]] = {
    "solve": (L.solve, N.solve, [S, R]),
    "solve, a vector": (L.solve, N.solve, [S[0], V]),
    "solve, one matrix": (L.solve, N.solve, [S[0], TALL[:, :3]]),
    "inv": (L.inv, N.inv, [S]),
    "det": (L.det, N.det, [S]),
    "slogdet": (lambda x: L.slogdet(x)[1], lambda x: N.slogdet(x)[1], [S]),
    "slogdet, the sign": (lambda x: L.slogdet(-x).sign, lambda x: N.slogdet(-x)[0], [S]),
    "cholesky": (L.cholesky, N.cholesky, [P]),
    "cholesky, upper": (lambda x: L.cholesky(x, upper=True), lambda x: N.cholesky(x).mT, [P]),
    "qr, tall": (L.qr, N.qr, [TALL]),
    "qr, square": (L.qr, N.qr, [S]),
    "qr, wide": (L.qr, N.qr, [WIDE]),
    "qr, wide and complete": (lambda x: L.qr(x, mode="complete"), lambda x: N.qr(x, mode="complete"), [WIDE]),
    "eigenvalues": (lambda x: L.eigh(x)[0], lambda x: N.eigh(x)[0], [P]),
    "projections": (
        lambda x: L.eigh(x)[1][..., 1:] @ L.eigh(x)[1][..., 1:].mT,
        lambda x: N.eigh(x)[1][..., 1:] @ N.eigh(x)[1][..., 1:].mT,
        [P],
    ),
    "eigvalsh": (L.eigvalsh, N.eigvalsh, [P]),
    "svdvals": (L.svdvals, N.svdvals, [TALL]),
    "svd, a part": (
        lambda x: a_part(*L.svd(x, full_matrices=False)),
        lambda x: a_part(*N.svd(x, full_matrices=False)),
        [WIDE],
    ),
    "svd, square": (lambda x: L.svd(x).S, lambda x: N.svd(x)[1], [S]),
    "pinv, tall": (L.pinv, N.pinv, [TALL]),
    "pinv, wide": (L.pinv, N.pinv, [WIDE]),
    "lstsq": (lambda x, y: L.lstsq(x, y)[0], lambda x, y: N.pinv(x) @ y, [TALL, normal(4, 2)]),
    "lstsq, a vector": (
        lambda x, y: L.lstsq(x, y)[:2],
        lambda x, y: (N.lstsq(x, y)[0], N.lstsq(x, y)[1][0]),
        [TALL[0], normal(4)],
    ),
    "matrix_power": (lambda x: L.matrix_power(x, 5), lambda x: N.matrix_power(x, 5), [S]),
    "matrix_power, negative": (lambda x: L.matrix_power(x, -3), lambda x: N.matrix_power(x, -3), [S]),
    "matrix_exp": (L.matrix_exp, lambda x: scipy_linalg().expm(x), [np.stack([0.1 * S[0], 6.0 * S[1]])]),
    "triangular, upper": (
        lambda x, y: L.solve_triangular(x, y, upper=True),
        lambda x, y: triangular(x, y, lower=False),
        [S, R],
    ),
    "triangular, lower": (
        lambda x, y: L.solve_triangular(x, y, upper=False),
        lambda x, y: triangular(x, y, lower=True),
        [S, R],
    ),
    "triangular, of ones": (
        lambda x, y: L.solve_triangular(x, y, upper=False, unitriangular=True),
        lambda x, y: triangular(x, y, lower=True, unit_diagonal=True),
        [S, R],
    ),
    "triangular, from the right": (
        lambda x, y: L.solve_triangular(x, y.mT, upper=True, left=False).mT,
        lambda x, y: triangular(x, y, lower=False, trans="T"),
        [S, R],
    ),
    **{
        f"matrix_norm, {order}": (
            lambda x, order=order: L.matrix_norm(x, order),
            lambda x, order=order: N.norm(x, order, axis=(-2, -1)),
            [WIDE],
        )
        for order in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
    },
    **{
        f"vector_norm, {order}": (
            lambda x, order=order: L.vector_norm(x, order, axis=1),
            lambda x, order=order: N.norm(x, order, axis=1),
            [W],
        )
        for order in (1, 2, 3, 0.5, -1, -2.5, math.inf, -math.inf)
    },
    "matmul": (L.matmul, np.matmul, [TALL, WIDE]),
    "matrix_transpose": (L.matrix_transpose, lambda x: x.mT, [TALL]),
    "outer": (L.outer, np.outer, [V, W[0]]),
    "tensordot": (L.tensordot, np.tensordot, [TALL, normal(4, 3, 2)]),
    "tensordot, 1": (lambda x, y: L.tensordot(x, y, axes=1), lambda x, y: np.tensordot(x, y, 1), [TALL, R]),
    "tensordot, 0": (lambda x, y: L.tensordot(x, y, axes=0), lambda x, y: np.tensordot(x, y, 0), [V, R]),
    "tensordot, lists": (
        lambda x, y: L.tensordot(x, y, axes=([2, 0], [-2, 0])),
        lambda x, y: np.tensordot(x, y, ([2, 0], [-2, 0])),
        [TALL, normal(2, 3, 5)],
    ),
    "vecdot": (L.vecdot, np.vecdot, [W, V]),
    "vecdot, axis": (
        lambda x, y: L.vecdot(x, y, axis=1), lambda x, y: np.vecdot(x, y, axis=1), [TALL, TALL * 2],
    ),
    "cross": (L.cross, N.cross, [W, W[::-1].copy()]),
    "cross, axis": (
        lambda x, y: L.cross(x, y, dim=0), lambda x, y: N.cross(x, y, axis=0), [R, R[:, ::-1].copy()],
    ),
    **{
        f"diagonal, {k}": (
            lambda x, k=k: L.diagonal(x, offset=k), lambda x, k=k: N.diagonal(x, offset=k), [WIDE],
        )
        for k in (0, 1, 3, 4, -1, -2, -3)
    },
    "trace": (L.trace, N.trace, [TALL]),
    "trace, offset": (lambda x: L.trace(x, offset=1), lambda x: N.trace(x, offset=1), [TALL]),
}  # fmt: skip
GRADIENTLESS = ("slogdet, the sign", "diagonal, 4", "diagonal, -3", "matrix_transpose")


def several(found: Any) -> tuple[Any, ...]:
    return found if isinstance(found, tuple) else (found,)


@pytest.mark.parametrize("name", CASES)
def test_values_are_numpys(name: str) -> None:
    ours, oracle, arrays = CASES[name]
    for dtype, tolerance in (("float64", 1e-11), ("float32", 3e-3)):
        found = several(ours(*(te.tensor(a.astype(dtype)) for a in arrays)))
        expected = several(oracle(*arrays))
        assert len(found) == len(expected)
        for f, e in zip(found, expected, strict=True):
            assert f.dtype == dtype
            assert f.shape == np.shape(e)
            np.testing.assert_allclose(
                f.numpy(), e, rtol=tolerance, atol=tolerance * max(1, np.abs(e).max(initial=0))
            )


@pytest.mark.cpu
@pytest.mark.parametrize("name", [n for n in CASES if n not in GRADIENTLESS])
def test_gradients_are_proven_twice(name: str) -> None:
    ours, _, arrays = CASES[name]
    if name.startswith("matrix_exp"):
        arrays = [arrays[0][0] * 5.0]  # the numbers of a large one leave differences no digits

    def function(*xs: Any) -> Any:
        found = several(ours(*xs))
        return found[0] if len(found) == 1 else te.concat([te.flatten(f) for f in found])

    gradcheck(function, arrays, order=2)


def test_the_table_is_complete() -> None:
    tested = {name.partition(",")[0] for name in CASES} | {"solve_triangular", "eigh", "svd", "matrix_rank"}
    assert set(L.__all__) - tested == {"LinAlgError"}
    for name in L.__all__:
        assert len(inspect.getdoc(getattr(L, name)) or "") > 10


@given(
    shape=st.tuples(st.integers(0, 4), st.integers(0, 4)),
    lead=st.sampled_from([(), (0,), (2,), (2, 1)]),
    dtype=st.sampled_from(["float32", "float64"]),
    seed=st.integers(0, 99),
)
@settings(max_examples=60)
def test_factors_multiply_to_the_matrix(shape: Any, lead: Any, dtype: str, seed: int) -> None:
    draw = np.random.default_rng(seed)
    x = draw.standard_normal((*lead, *shape)).astype(dtype)
    (m, n), k, near = shape, min(shape), 1e-5 if dtype == "float32" else 1e-13

    def close(found: Any, expected: Any) -> None:
        assert found.dtype == dtype
        np.testing.assert_allclose(found.numpy(), np.broadcast_to(expected, found.shape), atol=20 * near)

    for mode, columns in (("reduced", k), ("complete", m)):
        q, r = L.qr(x, mode=mode)
        assert (q.shape, r.shape) == ((*lead, m, columns), (*lead, columns, n))
        close(q @ r, x)
        close(q.mT @ q, np.eye(columns))
        close(r, np.triu(r.numpy()))
    for full in (True, False):
        u, s, vh = L.svd(x, full_matrices=full)
        assert (u.shape[-1], s.shape, vh.shape[-2]) == (m if full else k, (*lead, k), n if full else k)
        close(u[..., :k] * s[..., None, :] @ vh[..., :k, :], x)
        close(u.mT @ u, np.eye(u.shape[-1]))
        close(vh @ vh.mT, np.eye(vh.shape[-2]))
    square = x[..., :k, :k] + np.swapaxes(x[..., :k, :k], -1, -2)
    w, v = L.eigh(square)
    close(v * w[..., None, :] @ v.mT, square)
    close(v.mT @ v, np.eye(k))
    close(L.eigvalsh(square), w.numpy())


def test_degenerate_shapes() -> None:
    none, empty = te.zeros(0, 0), te.zeros(0, 3, 3)
    assert L.det(none).item() == 1.0 and L.slogdet(none)[1].item() == 0.0
    assert L.inv(none).shape == L.cholesky(none).shape == L.matrix_exp(none).shape == (0, 0)
    assert L.solve(none, te.zeros(0, 2)).shape == (0, 2)
    assert L.solve(te.eye(3), te.zeros(3, 0)).shape == (3, 0)
    assert L.det(empty).shape == L.slogdet(empty)[0].shape == L.matrix_rank(empty).shape == (0,)
    assert L.inv(empty).shape == L.pinv(empty).shape == L.matrix_exp(empty).shape == (0, 3, 3)
    assert L.pinv(te.zeros(0, 3)).shape == (3, 0) and L.pinv(te.zeros(3, 0)).shape == (0, 3)
    assert L.matrix_rank(te.zeros(0, 3)).item() == 0 and L.svdvals(te.zeros(2, 0)).shape == (2, 0)[1:]
    assert L.trace(none).item() == 0.0 and L.diagonal(te.zeros(2, 0, 3)).shape == (2, 0)
    for f in (L.det, L.inv, L.cholesky, L.pinv, L.svdvals, lambda x: L.eigh(x)[1], lambda x: L.qr(x)[0]):
        for shape in ((0, 0), (0, 3, 3)):
            assert te.grad(lambda x, f=f: f(x).sum())(te.zeros(*shape)).shape == shape


def test_ranks_and_least_squares_of_deficient_matrices() -> None:
    x = te.tensor(np.outer([1.0, 2.0, 3.0, 4.0], [1.0, 0.5]))
    assert L.matrix_rank(x).item() == 1 and L.matrix_rank(x).dtype == np.int64
    assert L.matrix_rank(te.zeros(2, 3)).item() == 0
    assert L.matrix_rank(np.diag([1.0, 1e-3]), rtol=1e-2).item() == 1
    y = np.arange(4.0)
    solution, residuals, rank, values = L.lstsq(x, y)
    np.testing.assert_allclose(solution.numpy(), N.lstsq(x.numpy(), y)[0], rtol=1e-12)
    np.testing.assert_allclose(residuals.item(), ((x.numpy() @ solution.numpy() - y) ** 2).sum(), rtol=1e-12)
    assert rank.item() == 1 and values.shape == (2,)
    np.testing.assert_allclose(L.pinv(np.diag([2.0, 1e-3]), rtol=1e-2).numpy(), np.diag([0.5, 0.0]))
    # along matrices of rank 1 the gradient is right
    u = te.tensor([1.0, -2.0, 0.5], dtype="float64")
    gradcheck(lambda a, b: L.pinv(L.outer(a, b), rtol=1e-8), [u.numpy(), np.array([0.3, 1.2])])


def test_integers_and_lists_are_matrices_too() -> None:
    assert L.inv([[2, 0], [0, 4]]).tolist() == [[0.5, 0.0], [0.0, 0.25]]
    assert L.solve(np.array([[2, 0], [0, 4]]), [2, 4]).dtype == np.float64
    assert L.trace(te.tensor([[1, 2], [3, 4]])).item() == 5
    assert L.matrix_power(te.eye(2) * 2.0, 0).tolist() == [[1.0, 0.0], [0.0, 1.0]]


def test_devices_compute_on_the_host(boxed: Any) -> None:
    for name, (ours, _, arrays) in CASES.items():
        found = [several(ours(*(te.tensor(a, device=d) for a in arrays))) for d in ("cpu", "boxed")]
        for here, there in zip(*found, strict=True):
            assert there.device == "boxed", name
            np.testing.assert_allclose(there.numpy(), here.numpy(), rtol=1e-12, atol=1e-12)
