"""PyTorch as the oracle: values, gradients and the conventions at kinks and ties, function by function."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te

pytestmark = pytest.mark.oracle
random = np.random.default_rng(11)
X, Y = random.standard_normal((3, 4)), random.standard_normal((3, 4))
POSITIVE, UNIT = np.abs(X) + 0.1, 1 / (1 + np.exp(-X))
KINKS = np.array([[-1.0, -0.0, 0.0, 1.0], [-1.0, 1.0, 1.0, 2.0], [0.5, 0.5, 0.5, 0.5]])
LABELS = np.array([0, 3, 1])


@pytest.fixture(scope="module")
def torch() -> Any:
    import torch

    return torch


def same_name(name: str, *arrays: Any) -> tuple[Any, Any, list[Any]]:
    def ours(*xs: Any) -> Any:
        return getattr(te, name)(*xs)

    def theirs(torch: Any, *xs: Any) -> Any:
        return getattr(torch, name)(*xs)

    return ours, theirs, list(arrays)


def cases() -> dict[str, tuple[Any, Any, list[Any]]]:
    """Name: ours, theirs (given torch first), inputs."""
    table: dict[str, tuple[Any, Any, list[Any]]] = {}
    for name in (
        "exp",
        "sin",
        "cos",
        "tanh",
        "sigmoid",
        "square",
        "expm1",
        "exp2",
        "sinh",
        "cosh",
        "asinh",
        "erf",
        "atan",
        "floor",
        "ceil",
        "round",
        "trunc",
        "sign",
        "abs",
        "relu",
        "neg",
        "prod",
        "sum",
        "mean",
    ):
        table[name] = same_name(name, X)
    for name in ("log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal"):
        table[name] = same_name(name, POSITIVE)
    for name in ("asin", "acos", "atanh"):
        table[name] = same_name(name, UNIT)
    for name in ("maximum", "minimum", "atan2", "hypot", "add", "sub", "mul", "div", "remainder"):
        table[name] = same_name(name, X, Y)
    for name in ("relu", "abs", "sign", "prod", "round"):
        table[f"{name} at kinks"] = same_name(name, KINKS)
    for name in ("maximum", "minimum"):
        table[f"{name} in a tie"] = same_name(name, KINKS, KINKS[::-1].copy())
    table |= {
        "pow": (lambda x, y: x**y, lambda t, x, y: x**y, [POSITIVE, Y]),
        "pow at 0": (
            lambda x, y: x**y,
            lambda t, x, y: x**y,
            [np.array([0.0, 0.0, 0.0]), np.array([0.0, 1.0, 2.0])],
        ),
        "amax": (lambda x: te.max(x, 1), lambda t, x: t.amax(x, 1), [KINKS]),
        "amin": (lambda x: te.min(x, (0, 1)), lambda t, x: t.amin(x, (0, 1)), [KINKS]),
        "clip": (lambda x: te.clip(x, -1.0, 1.0), lambda t, x: t.clamp(x, -1.0, 1.0), [KINKS]),
        "std": (lambda x: te.std(x, 1, correction=1), lambda t, x: t.std(x, 1), [X]),
        "std of equals": (lambda x: te.std(x, 1, correction=1)[2], lambda t, x: t.std(x, 1)[2], [KINKS]),
        "var": (lambda x: te.var(x, 0), lambda t, x: t.var(x, 0, correction=0), [X]),
        "norm": (lambda x: te.norm(x, 2, 1), lambda t, x: t.linalg.vector_norm(x, 2, 1), [X]),
        "norm at 0": (lambda x: te.norm(x * 0.0), lambda t, x: t.linalg.vector_norm(x * 0.0), [X]),
        "norm inf": (
            lambda x: te.norm(x, np.inf, 1),
            lambda t, x: t.linalg.vector_norm(x, np.inf, 1),
            [KINKS],
        ),
        "norm 3": (lambda x: te.norm(x, 3), lambda t, x: t.linalg.vector_norm(x, 3), [X]),
        "logsumexp": (lambda x: te.logsumexp(x, 1), lambda t, x: t.logsumexp(x, 1), [X]),
        "softmax": (lambda x: te.softmax(x, 0), lambda t, x: t.softmax(x, 0), [X * 50]),
        "log_softmax": (lambda x: te.log_softmax(x, 1), lambda t, x: t.log_softmax(x, 1), [X * 50]),
        "cumsum": (lambda x: te.cumsum(x, 1), lambda t, x: t.cumsum(x, 1), [X]),
        "cumprod": (lambda x: te.cumprod(x, 1), lambda t, x: t.cumprod(x, 1), [KINKS]),
        "sort": (lambda x: te.sort(x, 1), lambda t, x: t.sort(x, dim=1, stable=True).values, [KINKS]),
        "sort down": (
            lambda x: te.sort(x, 0, descending=True),
            lambda t, x: t.sort(x, dim=0, descending=True, stable=True).values,
            [KINKS],
        ),
        "topk": (lambda x: te.topk(x, 2)[0], lambda t, x: t.topk(x, 2).values, [X]),
        "layer_norm": (
            lambda x, w, b: te.layer_norm(x, -1, w, b),
            lambda t, x, w, b: t.layer_norm(x, (4,), w, b),
            [X, X[0], Y[0]],
        ),
        "linear": (te.linear, lambda t, x, w, b: t.nn.functional.linear(x, w, b), [X, Y, Y[:, 0]]),
        "matmul": (lambda x, y: x @ y.T, lambda t, x, y: x @ y.T, [X, Y]),
        "matmul batch": (
            te.matmul,
            lambda t, x, y: t.matmul(x, y),
            [random.standard_normal((2, 1, 2, 3)), random.standard_normal((4, 3, 2))],
        ),
        "einsum": (
            lambda x, y: te.einsum("ij,kj->ik", x, y),
            lambda t, x, y: t.einsum("ij,kj->ik", x, y),
            [X, Y],
        ),
        "einsum diagonal": (
            lambda x: te.einsum("iij->ij", x),
            lambda t, x: t.einsum("iij->ij", x),
            [random.standard_normal((2, 2, 3))],
        ),
        "silu": (te.silu, lambda t, x: t.nn.functional.silu(x), [X]),
        "gelu": (te.gelu, lambda t, x: t.nn.functional.gelu(x), [X]),
        "softplus": (te.softplus, lambda t, x: t.nn.functional.softplus(x), [X]),
        "log_sigmoid": (te.log_sigmoid, lambda t, x: t.nn.functional.logsigmoid(x), [X * 40]),
        "elu": (te.elu, lambda t, x: t.nn.functional.elu(x), [KINKS]),
        "leaky_relu": (te.leaky_relu, lambda t, x: t.nn.functional.leaky_relu(x), [KINKS]),
        "where": (lambda x, y: te.where(x > y, x, y), lambda t, x, y: t.where(x > y, x, y), [X, Y]),
        "roll": (lambda x: te.roll(x, 1, 1), lambda t, x: t.roll(x, 1, 1), [X]),
        "windows": (lambda x: te.sliding_windows(x, 2, stride=2), lambda t, x: x.unfold(1, 2, 2), [X]),
        "index": (lambda x: x[[0, 0, 2], 1:], lambda t, x: x[[0, 0, 2], 1:], [X]),
        "embedding": (
            lambda w: te.embedding(te.tensor([0, 2, 2]), w),
            lambda t, w: t.nn.functional.embedding(t.tensor([0, 2, 2]), w),
            [X],
        ),
        "gather": (
            lambda x: te.gather(x, te.tensor([[0, 0], [1, 2], [3, 3]]), 1),
            lambda t, x: t.gather(x, 1, t.tensor([[0, 0], [1, 2], [3, 3]])),
            [X],
        ),
        "scatter_add": (
            lambda x, s: te.scatter_add(x, te.tensor([[0, 0], [1, 2], [3, 3]]), s, 1),
            lambda t, x, s: t.scatter_add(x, 1, t.tensor([[0, 0], [1, 2], [3, 3]]), s),
            [X, Y[:, :2]],
        ),
        "mse": (te.mse, lambda t, x, y: t.nn.functional.mse_loss(x, y), [X, Y]),
        "l1": (te.l1, lambda t, x, y: t.nn.functional.l1_loss(x, y), [X, KINKS]),
        "huber": (te.huber, lambda t, x, y: t.nn.functional.huber_loss(x, y), [X, Y]),
        "nll": (
            lambda z: te.nll(te.log_softmax(z), te.tensor(LABELS)),
            lambda t, z: t.nn.functional.nll_loss(t.log_softmax(z, 1), t.tensor(LABELS)),
            [X],
        ),
    }
    for reduction in ("mean", "sum", "none"):
        table[f"cross_entropy {reduction}"] = (
            lambda z, r=reduction: te.cross_entropy(z, te.tensor(LABELS), reduction=r),
            lambda t, z, r=reduction: t.nn.functional.cross_entropy(z, t.tensor(LABELS), reduction=r),
            [X * 100],
        )
        table[f"binary_cross_entropy {reduction}"] = (
            lambda p, r=reduction: te.binary_cross_entropy(p, te.tensor(UNIT), reduction=r),
            lambda t, p, r=reduction: t.nn.functional.binary_cross_entropy(p, t.tensor(UNIT), reduction=r),
            [UNIT[::-1].copy()],
        )
        table[f"binary_cross_entropy_with_logits {reduction}"] = (
            lambda z, r=reduction: te.binary_cross_entropy_with_logits(z, te.tensor(UNIT), reduction=r),
            lambda t, z, r=reduction: t.nn.functional.binary_cross_entropy_with_logits(
                z, t.tensor(UNIT), reduction=r
            ),
            [X * 100],
        )
    return table


CASES = cases()


@pytest.mark.parametrize("name", sorted(CASES))
def test_values_and_gradients(name: str, torch: Any) -> None:
    ours, theirs, arrays = CASES[name]
    xs = [te.tensor(a, requires_grad=True) for a in arrays]
    ts = [torch.tensor(a, requires_grad=True) for a in arrays]
    with np.errstate(all="ignore"):
        found, expected = ours(*xs), theirs(torch, *ts)
        np.testing.assert_allclose(found.numpy(), expected.detach().numpy(), rtol=1e-10, atol=1e-12)
        if not expected.requires_grad:
            return
        weights = np.cos(np.arange(found.size)).reshape(found.shape)
        found.backward(weights)
        expected.backward(torch.tensor(weights))
    for x, t in zip(xs, ts, strict=True):
        expected_slope = np.zeros(x.shape) if t.grad is None else t.grad.numpy()
        found_slope = np.zeros(x.shape) if x.grad is None else x.grad.numpy()
        np.testing.assert_allclose(found_slope, expected_slope, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(
    "name",
    [
        "tanh",
        "gelu",
        "softmax",
        "logsumexp",
        "prod",
        "norm",
        "layer_norm",
        "matmul",
        "var",
        "cross_entropy mean",
        "binary_cross_entropy_with_logits sum",
        "cumprod",
    ],
)
def test_second_order(name: str, torch: Any) -> None:
    ours, theirs, arrays = CASES[name]
    arrays = [a / (100 if "cross_entropy" in name else 1) for a in arrays]
    xs, ts = (
        [te.tensor(a, requires_grad=True) for a in arrays],
        [torch.tensor(a, requires_grad=True) for a in arrays],
    )
    (ours(*xs) ** 2).sum().backward(create_graph=True)
    slopes = [x.grad for x in xs]
    for x in xs:
        x.grad = None
    sum((s**2).sum() for s in slopes).backward()
    first = torch.autograd.grad((theirs(torch, *ts) ** 2).sum(), ts, create_graph=True)
    second = torch.autograd.grad(sum((s**2).sum() for s in first), ts)
    for x, expected in zip(xs, second, strict=True):
        np.testing.assert_allclose(x.grad.numpy(), expected.numpy(), rtol=1e-8, atol=1e-10)


def test_a_network_trains_along_the_same_path(torch: Any) -> None:
    w1, w2 = random.standard_normal((4, 5)), random.standard_normal((5, 3))

    def losses(lib: Any, relu: Any, entropy: Any, x: Any, label: Any) -> list[float]:
        params = [lib.tensor(w, requires_grad=True) for w in (w1, w2)]
        out = []
        for _ in range(20):
            loss = entropy(relu(x @ params[0]) @ params[1], label)
            for p in params:
                p.grad = None
            loss.backward()
            with lib.no_grad():
                for p in params:
                    p.add_(p.grad, alpha=-0.1)
            out.append(loss.item())
        return out

    theirs = losses(
        torch, torch.relu, torch.nn.functional.cross_entropy, torch.tensor(X), torch.tensor(LABELS % 3)
    )
    ours = losses(te, te.relu, te.cross_entropy, te.tensor(X), te.tensor(LABELS % 3))
    np.testing.assert_allclose(ours, theirs, rtol=1e-12)
