"""`te.linalg` and PyTorch's: values, gradients and second derivatives, to 1e-10."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te

pytestmark = pytest.mark.oracle

random = np.random.default_rng(11)


def normal(*shape: int) -> Any:
    return random.standard_normal(shape)


S = normal(2, 3, 3) + 3.0 * np.eye(3)
P = S @ S.mT + np.eye(3)
TALL, WIDE, V = normal(2, 4, 3), normal(2, 3, 4), normal(2, 3)


def symmetric(x: Any) -> Any:
    return (x + x.mT) * 0.5


def signless(x: Any) -> Any:
    """The same whatever the sign of a column."""
    return x * x[..., :1, :]


# name: a function of the library's linalg, or of PyTorch's, and of arrays
CASES: dict[str, tuple[Callable[..., Any], list[Any]]] = {
    "solve": (lambda n, x, y: n.solve(x, y), [S, V.T]),
    "inv": (lambda n, x: n.inv(x), [S]),
    "det": (lambda n, x: n.det(x), [S]),
    "slogdet": (lambda n, x: n.slogdet(x)[1], [S]),
    "cholesky": (lambda n, x: n.cholesky(symmetric(x)), [P]),
    "cholesky, upper": (lambda n, x: n.cholesky(symmetric(x), upper=True), [P]),
    "q, tall": (lambda n, x: n.qr(x)[0], [TALL]),
    "r, tall": (lambda n, x: n.qr(x)[1], [TALL]),
    "r, wide": (lambda n, x: n.qr(x)[1], [WIDE]),
    "eigenvalues": (lambda n, x: n.eigh(symmetric(x))[0], [P]),
    "eigenvectors": (lambda n, x: signless(n.eigh(symmetric(x))[1]), [P]),
    "eigvalsh": (lambda n, x: n.eigvalsh(symmetric(x)), [P]),
    "u": (lambda n, x: signless(n.svd(x, full_matrices=False)[0]), [TALL]),
    "v": (lambda n, x: signless(n.svd(x, full_matrices=False)[2].mT), [WIDE]),
    "v of a square": (lambda n, x: signless(n.svd(x)[2].mT), [S]),
    "svdvals": (lambda n, x: n.svdvals(x), [WIDE]),
    "pinv, tall": (lambda n, x: n.pinv(x), [TALL]),
    "pinv, wide": (lambda n, x: n.pinv(x), [WIDE]),
    "lstsq": (lambda n, x, y: n.lstsq(x, y)[0], [TALL, normal(2, 4, 2)]),
    "matrix_power": (lambda n, x: n.matrix_power(x, 4), [S]),
    "matrix_power, negative": (lambda n, x: n.matrix_power(x, -2), [S]),
    "matrix_exp": (lambda n, x: n.matrix_exp(x * 0.5), [S]),
    "solve_triangular": (lambda n, x, y: n.solve_triangular(x, y, upper=False), [S, WIDE]),
    "solve_triangular, right": (lambda n, x, y: n.solve_triangular(x, y, upper=True, left=False), [S, TALL]),
    "vecdot": (lambda n, x, y: n.vecdot(x, y), [V, V[::-1].copy()]),
    "cross": (lambda n, x, y: n.cross(x, y), [V, V[::-1].copy()]),
    "diagonal": (lambda n, x: n.diagonal(x, offset=-1), [TALL]),
    **{
        f"matrix_norm, {order}": (lambda n, x, order=order: n.matrix_norm(x, order), [WIDE])
        for order in ("fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf)
    },
    **{
        f"vector_norm, {order}": (lambda n, x, order=order: n.vector_norm(x, order, dim=-1), [V])
        for order in (1, 2, 3, 0.5, -1, math.inf, -math.inf)
    },
}


@pytest.mark.parametrize("name", CASES)
def test_values_and_both_derivatives_are_pytorchs(name: str) -> None:
    import torch

    function, arrays = CASES[name]
    ours = [te.tensor(a, requires_grad=True) for a in arrays]
    theirs = [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = function(te.linalg, *ours), function(torch.linalg, *theirs)
    close(y.numpy(), z.detach().numpy())
    weights = np.cos(np.arange(float(y.size))).reshape(y.shape)
    (y * weights).sum().backward(create_graph=True)
    slopes = torch.autograd.grad((z * torch.tensor(weights)).sum(), theirs, create_graph=True)
    grads = [x.grad for x in ours]
    for mine, slope in zip(grads, slopes, strict=True):
        close(mine.numpy(), slope.detach().numpy())
    pushed = sum(
        (s * torch.sin(torch.arange(float(s.numel()), dtype=torch.float64)).reshape(s.shape)).sum()
        for s in slopes
    )
    if not pushed.requires_grad:
        return
    second = torch.autograd.grad(pushed, theirs, allow_unused=True)
    for x in ours:
        x.grad = None
    total = sum((g * np.sin(np.arange(float(g.size))).reshape(g.shape)).sum() for g in grads)
    total.backward()
    for x, slope in zip(ours, second, strict=True):
        expected = np.zeros(x.shape) if slope is None else slope.numpy(force=True)
        close(np.zeros(x.shape) if x.grad is None else x.grad.numpy(), expected)


def close(found: Any, expected: Any) -> None:
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-10 * scale)


@pytest.mark.parametrize("order", [-1, -2, -0.5, 0])
@pytest.mark.parametrize("x", [[[0.0, 3.0], [1.0, 2.0]], [[0.0, 0.0], [-1e-3, 2.0]]])
def test_norms_of_small_orders_at_zeros(order: float, x: Any) -> None:
    import torch

    ours, theirs = te.tensor(x, dtype="float64", requires_grad=True), torch.tensor(x, dtype=torch.float64)
    theirs.requires_grad_()
    found, expected = (lib.linalg.vector_norm(v, order, 1) for lib, v in ((te, ours), (torch, theirs)))
    found.sum().backward()
    expected.sum().backward()
    np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=1e-12)
    slope = (
        np.zeros((2, 2)) if theirs.grad is None else theirs.grad.numpy()
    )  # order 0 leaves no gradient there
    np.testing.assert_allclose(ours.grad.numpy(), slope, rtol=1e-12)
