"""grad, vjp, jvp, hvp, jacobian, hessian: against formulas and against one another."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu.errors import NotDifferentiableError, ShapeError

random = np.random.default_rng(3)
A, X, V = random.standard_normal((3, 4)), random.standard_normal(4), random.standard_normal(4)
S = random.standard_normal((4, 4))


def quadratic(x: Any) -> Any:
    """x^T S x: gradient (S + S^T) x, Hessian S + S^T."""
    return te.dot(x, te.tensor(S) @ x)


def field(x: Any) -> Any:
    """tanh(A x): Jacobian diag(1 - tanh^2) A."""
    return te.tanh(te.tensor(A) @ x)


def close(found: Any, expected: Any) -> None:
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-12)


JACOBIAN = (1 - np.tanh(A @ X) ** 2)[:, None] * A


def test_against_formulas() -> None:
    x, v = te.tensor(X), te.tensor(V)
    value, slope = te.value_and_grad(quadratic)(x)
    close(value, X @ S @ X)
    close(slope, (S + S.T) @ X)
    close(te.hvp(quadratic, x, v), (S + S.T) @ V)
    close(te.hessian(quadratic)(x), S + S.T)
    close(te.jacobian(field)(x), JACOBIAN)
    y, along = te.jvp(field, [x], [v])
    close(y, np.tanh(A @ X))
    close(along, JACOBIAN @ V)
    y, pull = te.vjp(field, x)
    close(pull(te.ones(3))[0], JACOBIAN.sum(0))
    close(pull([1.0, 0.0, 0.0])[0], JACOBIAN[0])


def test_against_one_another() -> None:
    def f(x: Any) -> Any:
        return (te.sin(x) * te.exp(x[::-1])).sum() + te.logsumexp(x) ** 2

    x, v = te.tensor(X), te.tensor(V)
    h = te.hessian(f)(x).numpy()
    np.testing.assert_allclose(h, h.T, rtol=1e-12)
    close(te.hvp(f, x, v), h @ V)
    close(te.jvp(te.grad(f), [x], [v])[1], h @ V)
    close(te.jacobian(te.grad(f))(x), h)
    g = te.grad(f)(x)
    close(te.jvp(f, [x], [v])[1], g.numpy() @ V)
    x.requires_grad_()
    f(x).backward()
    close(x.grad, g.numpy())


def test_nesting() -> None:
    f = te.exp
    for order in range(5):
        close(f(te.tensor(0.5, dtype="float64")), np.exp(0.5))
        f = te.grad(f)
        assert order < 5
    third = te.grad(te.grad(te.grad(lambda x: x**4)))
    close(third(te.tensor(2.0, dtype="float64")), 48.0)
    mixed = te.grad(lambda x: x * te.grad(lambda y: x * y * y)(te.tensor(3.0, dtype="float64")))
    close(mixed(te.tensor(5.0, dtype="float64")), 2 * 2 * 3 * 5.0)  # d/dx of x * (2 x * 3)


def test_argnums_and_keywords() -> None:
    def f(x: Any, y: Any, *, power: int = 1) -> Any:
        return (x * y**power).sum()

    x, y = te.tensor([1.0, 2.0]), te.tensor([3.0, 4.0])
    assert te.grad(f)(x, y, power=2).tolist() == [9.0, 16.0]
    assert te.grad(f, 1)(x, y).tolist() == te.grad(f, -1)(x, y).tolist() == [1.0, 2.0]
    slopes = te.grad(f, (0, 1))(x, y)
    assert isinstance(slopes, tuple) and [s.tolist() for s in slopes] == [[3.0, 4.0], [1.0, 2.0]]
    value, pair = te.value_and_grad(f, (1, 0))(x, y)
    assert value.item() == 11.0 and pair[0].tolist() == [1.0, 2.0]
    blocks = te.jacobian(lambda x, y: x * y, (0, 1))(x, y)
    assert [b.tolist() for b in blocks] == [[[3.0, 0.0], [0.0, 4.0]], [[1.0, 0.0], [0.0, 2.0]]]
    assert te.grad(lambda x, flag: x.sum() if flag else x.prod())(x, True).tolist() == [1.0, 1.0]
    with pytest.raises(IndexError, match="argnums names argument 2"):
        te.grad(f, 2)(x, y)


def test_python_numbers_and_arrays_are_points() -> None:
    assert te.grad(lambda x: x * x)(3.0).item() == 6.0
    assert te.grad(lambda x: (x * x).sum())(np.array([1.0, 2.0])).dtype == np.float64
    with pytest.raises(TypeError, match="only floats"):
        te.grad(lambda x: x * 2)(3)


def test_misuse_is_explained() -> None:
    x = te.tensor([1.0, 2.0])
    with pytest.raises(NotDifferentiableError, match=r"returned shape \(2,\).*jacobian"):
        te.grad(lambda x: x * 2.0)(x)
    with pytest.raises(TypeError, match="returned float"):
        te.grad(lambda x: 3.0)(x)
    with pytest.raises(ShapeError, match="incoming gradient"):
        te.vjp(lambda x: x * 2.0, x)[1](te.ones(3))
    with pytest.raises(ShapeError, match="tangents"):
        te.jvp(lambda x: x, [x], [te.ones(3)])
    with pytest.raises(ShapeError, match="direction"):
        te.hvp(lambda x: x.sum(), x, te.ones(3))


def test_nothing_is_left_behind() -> None:
    x, w = te.tensor([1.0, 2.0], requires_grad=True), te.tensor([3.0, 4.0], requires_grad=True)
    for f in (te.grad, te.value_and_grad, te.jacobian, te.hessian):
        f(lambda x: (x * x * w).sum())(x)
    te.hvp(lambda x: (x * x * w).sum(), x, te.ones(2))
    te.jvp(lambda x: x * w, [x], [te.ones(2)])
    te.vjp(lambda x: x * w, x)[1](te.ones(2))
    assert x.grad is None and w.grad is None and x.is_leaf and w.is_leaf


def test_constants_have_gradient_zero() -> None:
    x = te.tensor([1.0, 2.0])
    assert te.grad(lambda x: te.tensor(3.0))(x).tolist() == [0.0, 0.0]
    assert te.hessian(lambda x: x.sum())(x).tolist() == [[0.0, 0.0], [0.0, 0.0]]
    assert te.jvp(lambda x: te.ones(3), [x], [x])[1].tolist() == [0.0, 0.0, 0.0]
    assert te.jacobian(lambda x: x[:0])(x).shape == (0, 2)


def test_a_gradient_penalty_reaches_captured_parameters() -> None:
    w = te.tensor([[0.5, -1.0], [2.0, 0.3]], dtype="float64", requires_grad=True)

    def penalty(w: Any) -> Any:
        x = te.tensor([0.3, -0.7], dtype="float64")
        slope = te.grad(lambda x: te.tanh(w @ x).sum())(x)
        return (te.norm(slope) - 1.0) ** 2

    penalty(w).backward()
    numeric, eps = np.zeros((2, 2)), 1e-6
    for place in np.ndindex(2, 2):
        step = np.zeros((2, 2))
        step[place] = eps
        numeric[place] = (
            penalty(te.tensor(w.numpy() + step)).item() - penalty(te.tensor(w.numpy() - step)).item()
        ) / (2 * eps)
    np.testing.assert_allclose(w.grad.numpy(), numeric, rtol=1e-6, atol=1e-8)


def test_a_point_may_itself_have_a_graph() -> None:
    a = te.tensor(1.5, dtype="float64", requires_grad=True)
    te.grad(lambda x: x**3)(a * 2.0).backward()  # d/da of 3 (2a)^2
    close(a.grad, 24 * 1.5)


def test_under_no_grad_derivatives_are_still_computed() -> None:
    with te.no_grad():
        slope = te.grad(lambda x: (x * x).sum())(te.tensor([1.0, 2.0]))
        assert slope.tolist() == [2.0, 4.0] and not slope.requires_grad
        assert te.hvp(lambda x: (x**3).sum(), te.tensor([1.0, 2.0]), te.ones(2)).tolist() == [6.0, 12.0]


def test_checkpoint_gives_the_same_gradient() -> None:
    x, w = te.tensor(X, requires_grad=True), te.tensor(A, requires_grad=True)
    te.manual_seed(0)
    te.checkpoint(lambda x: te.tanh(w @ x) * te.bernoulli(0.5, (3,), dtype="float64"), x).sum().backward()
    found = x.grad.numpy().copy(), w.grad.numpy().copy()
    x.grad = w.grad = None
    te.manual_seed(0)
    (te.tanh(w @ x) * te.bernoulli(0.5, (3,), dtype="float64")).sum().backward()
    np.testing.assert_array_equal(found[0], x.grad.numpy())
    np.testing.assert_array_equal(found[1], w.grad.numpy())
