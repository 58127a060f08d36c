"""`te.linalg` where matrices are singular, values repeat, ranks change, or shapes do not fit."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu.errors import NotDifferentiableError, ShapeError

L: Any = te.linalg
N = np.linalg
random = np.random.default_rng(7)
TALL = random.standard_normal((2, 4, 3))


def test_an_error_names_the_matrix() -> None:
    x = np.stack([np.eye(2), np.ones((2, 2)), np.eye(2)])
    for f in (L.inv, lambda x: L.solve(x, te.ones(2, dtype="float64")), lambda x: L.matrix_power(x, -1)):
        with pytest.raises(L.LinAlgError, match=r"matrix 1 of the stack is singular.*lstsq"):
            f(x)
        with pytest.raises(np.linalg.LinAlgError, match=r"matrix \(1, 0\) of the stack"):
            f(x[:, None])
        with pytest.raises(ValueError, match="the matrix is singular"):
            f(x[1])
    with pytest.raises(L.LinAlgError, match=r"matrix 2 of the stack is not.*smallest eigenvalue is -1"):
        L.cholesky(np.stack([np.eye(2), np.eye(2), np.diag([1.0, -1.0])]))
    with pytest.raises(L.LinAlgError, match="the matrix is singular"):
        L.solve_triangular(np.diag([1.0, 0.0]), np.ones((2, 1)), upper=False)
    broken = np.stack([np.eye(2), np.full((2, 2), np.nan)])
    with pytest.raises(L.LinAlgError, match=r"matrix 1 of the stack.*not finite"):
        L.svdvals(broken)


def test_the_determinant_of_a_singular_matrix() -> None:
    x = te.tensor([[1.0, 2.0], [2.0, 4.0]], dtype="float64", requires_grad=True)
    slope = te.grad(L.det)(x)
    np.testing.assert_allclose(slope.numpy(), [[4.0, -2.0], [-2.0, 1.0]], atol=1e-14)
    np.testing.assert_allclose(te.grad(L.det)(te.zeros(3, 3)).numpy(), 0.0)
    np.testing.assert_allclose(te.grad(L.det)(te.zeros(1, 1)).numpy(), 1.0)
    with pytest.raises(L.LinAlgError, match="singular"):
        te.hessian(L.det)(x)
    sign, size = L.slogdet(x)
    assert sign.item() == 0.0 and size.item() == -math.inf
    with pytest.raises(L.LinAlgError, match="singular"):
        size.backward()


def test_repeated_values_have_the_stated_gradients() -> None:
    twice = te.tensor(2.0 * np.eye(2))
    for f in (L.eigvalsh, L.svdvals, lambda x: L.eigh(x)[0], lambda x: L.svd(x)[1]):
        np.testing.assert_allclose(te.grad(lambda x, f=f: f(x).sum())(twice).numpy(), np.eye(2))
    for f in (lambda x: L.eigh(x)[1], lambda x: L.svd(x)[0], lambda x: L.svd(x)[2]):
        with np.errstate(all="ignore"):
            slope = te.grad(lambda x, f=f: (f(x) * np.array([[1.0, 2.0], [5.0, 7.0]])).sum())(twice).numpy()
        assert not np.isfinite(slope).any()
    with np.errstate(all="ignore"):  # a second derivative is never a wrong number
        second = te.hessian(lambda x: (L.eigvalsh(x) ** 2).sum())(twice).numpy()
    assert np.isnan(second).any()
    # no other matrix of the stack is touched
    stack = te.tensor(np.stack([2.0 * np.eye(2), np.diag([1.0, 3.0])]))
    with np.errstate(all="ignore"):
        slope = te.grad(lambda x: (L.eigh(x)[1] * np.arange(4.0).reshape(2, 2)).sum())(stack).numpy()
    assert np.isnan(slope[0]).any() and np.isfinite(slope[1]).all()


def test_what_has_no_derivative_is_refused() -> None:
    x = te.tensor(TALL, requires_grad=True)
    with pytest.raises(NotDifferentiableError, match="full_matrices=False"):
        L.svd(x)
    with pytest.raises(NotDifferentiableError, match="reduced"):
        L.qr(x, mode="complete")
    with te.no_grad():
        assert L.svd(x).U.shape == (2, 4, 4) and L.qr(x, mode="complete").Q.shape == (2, 4, 4)
    assert L.svd(x.detach()).U.shape == (2, 4, 4)
    with pytest.raises(L.LinAlgError, match="singular"):
        te.grad(lambda x: L.qr(x)[0].sum())(te.zeros(3, 2))


def test_both_triangles_of_symmetric_matrices_are_read() -> None:
    x = np.array([[2.0, 0.5], [-0.1, 1.0]])
    middle = (x + x.T) / 2
    np.testing.assert_array_equal(L.cholesky(x).numpy(), N.cholesky(middle))
    np.testing.assert_allclose(L.eigvalsh(x).numpy(), N.eigvalsh(middle))
    for f in (L.cholesky, L.eigvalsh, lambda x: L.eigh(x)[1]):
        slope = te.grad(lambda x, f=f: (f(x) ** 2 * 0.5 + f(x)).sum())(x).numpy()
        np.testing.assert_allclose(slope, slope.T, atol=1e-14)


def test_vectors_have_a_sign() -> None:
    x = random.standard_normal((50, 3, 3))
    for vectors in (L.eigh(x)[1].numpy(), L.svd(x)[0].numpy()):
        sizes = np.abs(vectors)
        first = (sizes >= 0.9 * sizes.max(-2, keepdims=True)).argmax(-2)[:, None]
        assert (np.take_along_axis(vectors, first, -2) > 0).all()


def test_misuse_is_explained() -> None:
    for f in (
        L.inv,
        L.det,
        L.slogdet,
        L.cholesky,
        L.eigh,
        L.eigvalsh,
        L.matrix_exp,
        lambda x: L.matrix_power(x, 2),
    ):
        with pytest.raises(ShapeError, match="square"):
            f(te.ones(2, 3))
        with pytest.raises(ShapeError, match="matrices"):
            f(te.ones(3))
    for f in (L.qr, L.svd, L.svdvals, L.pinv, L.matrix_rank, L.matrix_norm, L.diagonal, L.trace):
        with pytest.raises(ShapeError, match="matrices"):
            f(te.ones(3))
    with pytest.raises(ShapeError, match=r"2 equations meet right sides of 3 rows"):
        L.solve(te.eye(2), te.ones(3, 2))
    with pytest.raises(ShapeError, match="broadcast"):
        L.solve(te.ones(2, 2, 2), te.ones(3, 2, 2))
    with pytest.raises(ValueError, match="'reduced' or 'complete'"):
        L.qr(te.ones(2, 2), mode="full")
    with pytest.raises(ValueError, match="'fro', 'nuc'"):
        L.matrix_norm(te.ones(2, 2), 3)
    with pytest.raises(TypeError, match="n"):
        L.matrix_power(te.eye(2), 0.5)
    with pytest.raises(ValueError, match="rtol"):
        L.pinv(te.eye(2), rtol=-1.0)
    with pytest.raises(ShapeError, match="size 3"):
        L.cross(te.ones(2), te.ones(2))
    with pytest.raises(ShapeError, match="one size"):
        L.vecdot(te.ones(2), te.ones(3))
    with pytest.raises(ShapeError, match="must be equal"):
        L.tensordot(te.ones(2, 3), te.ones(2, 3), axes=1)
    with pytest.raises(ShapeError, match="more than there are"):
        L.tensordot(te.ones(2, 3), te.ones(2, 3), axes=3)


def test_a_name_that_is_not_here_is_explained() -> None:
    for name, answer in (
        ("norm", r"write te\.norm"),
        ("inverse", r"torch\.inverse is te\.linalg\.inv"),
        ("sovle", "did you mean solve"),
        ("softmax", r"write te\.softmax"),
    ):
        with pytest.raises(AttributeError, match=answer):
            getattr(L, name)
    with pytest.raises(AttributeError, match=r"write te\.linalg\.lstsq|te\.linalg\.lstsq\(x, y\) here"):
        te.lstsq  # noqa: B018


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("at", [(0, 0), (1, 1), (0, 1), (1, 0)])
def test_no_factor_of_a_matrix_that_is_not_finite(bad: float, at: Any) -> None:
    x = np.stack([np.eye(2), np.eye(2)])
    x[1][at] = bad
    with pytest.raises(L.LinAlgError, match="matrix 1 of the stack is not finite"):
        L.cholesky(x)
    leaf = te.tensor(x, requires_grad=True)
    with np.errstate(invalid="ignore"):
        out = L.det(leaf).sum()
    with pytest.raises(L.LinAlgError, match=r"matrix 1 of the stack is not finite.*detect_anomaly"):
        out.backward()


def test_the_sign_of_an_unknown_determinant_is_unknown() -> None:
    with np.errstate(invalid="ignore"):
        found = L.slogdet(np.array([[[math.nan, 1.0], [1.0, 2.0]], [[1.0, 2.0], [3.0, 4.0]]]))
    np.testing.assert_allclose(found.sign.numpy(), [math.nan, -1.0])
    np.testing.assert_allclose(found.logabsdet.numpy(), [math.nan, math.log(2)])


def test_what_does_not_depend_on_x_has_the_gradient_zero() -> None:
    y = np.array([[1.0, 2.0, 0.0]])
    for function in (
        lambda x: L.matrix_power(x, 0).sum(),
        lambda x: L.vector_norm(x, 0),
        lambda x: te.norm(x, 0, 1).sum(),
        lambda x: te.cdist(x, y, 0).sum(),
        lambda x: te.triplet_margin(x, x.detach() + 1, x.detach() * 2, p=0, reduction="sum"),
    ):
        x = te.tensor([[0.0, 1.0, math.inf], [2.0, -1.0, 3.0], [1.0, 2.0, 0.0]], requires_grad=True)
        with np.errstate(invalid="ignore"):
            function(x).backward()
        assert x.grad.numpy().tolist() == np.zeros((3, 3)).tolist()
    powers = L.matrix_power(np.full((2, 3, 3), math.nan), 0).numpy()
    assert powers.tolist() == np.broadcast_to(np.eye(3), (2, 3, 3)).tolist()


@pytest.mark.parametrize("scale", [1e-250, 1.0, 1e250])
def test_negative_orders_neither_overflow_nor_vanish(scale: float) -> None:
    x = te.tensor([3 * scale, -4 * scale, math.inf], dtype="float64", requires_grad=True)
    L.vector_norm(x, -2).backward()
    n = (3.0**-2 + 4.0**-2) ** -0.5
    np.testing.assert_allclose(L.vector_norm(x, -2).item() / scale, n, rtol=1e-14)
    np.testing.assert_allclose(x.grad.numpy(), [(n / 3) ** 3, -((n / 4) ** 3), 0.0], rtol=1e-13)
    assert L.vector_norm(x.reshape(1, 3), -2, 0).shape == (3,)
    assert L.vector_norm(x.reshape(1, 3), -2, keepdims=True).shape == (1, 1)


def test_traces_of_rectangular_matrices() -> None:
    for shape in ((2, 3), (3, 2), (0, 2), (3, 3)):
        x = te.tensor(np.arange(1.0, 1.0 + shape[0] * shape[1]).reshape(shape), requires_grad=True)
        assert te.trace(x).item() == np.trace(x.numpy())
        te.trace(x).backward()
        assert x.grad.numpy().tolist() == np.eye(*shape).tolist()
    with pytest.raises(ShapeError, match=r"trace.*needs a matrix.*te.linalg.trace"):
        te.trace(te.ones(2, 3, 3))


def test_norms_of_matrices_without_elements() -> None:
    for shape in ((0, 0), (0, 3), (3, 0), (2, 0, 3)):
        for order in ("fro", "nuc", 1, 2, math.inf):
            assert L.matrix_norm(np.zeros(shape), order).numpy().tolist() == np.zeros(shape[:-2]).tolist()
    assert L.matrix_norm(np.zeros((0, 3)), -1, keepdims=True).shape == (1, 1)
    for shape, order in (((0, 0), -1), ((3, 0), -1), ((0, 3), -math.inf), ((0, 3), -2), ((3, 0), -2)):
        with pytest.raises(ShapeError, match=rf"matrix_norm.*ord={order}.* is the smallest of none"):
            L.matrix_norm(np.zeros(shape), order)
