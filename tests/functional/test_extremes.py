"""Values at the ends of what floats hold, and what functions say when they are asked for nonsense."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te

HUGE = np.array([-1e4, -750.0, -100.0, 0.0, 100.0, 750.0, 1e4], np.float32)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sigmoid", [0, 0, 0, 0.5, 1, 1, 1]),
        ("tanh", [-1, -1, -1, 0, 1, 1, 1]),
        ("relu", [0, 0, 0, 0, 100, 750, 1e4]),
        ("softplus", [0, 0, 0, np.log(2), 100, 750, 1e4]),
        ("log_sigmoid", [-1e4, -750, -100, -np.log(2), 0, 0, 0]),
        ("silu", [0, 0, 0, 0, 100, 750, 1e4]),
        ("gelu", [0, 0, 0, 0, 100, 750, 1e4]),
        ("erf", [-1, -1, -1, 0, 1, 1, 1]),
        ("elu", [-1, -1, -1, 0, 100, 750, 1e4]),
    ],
)
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_activations_overflow_nowhere(name: str, expected: list[float]) -> None:
    x = te.tensor(HUGE, requires_grad=True)
    y = getattr(te, name)(x)
    y.sum().backward()
    np.testing.assert_allclose(y.numpy(), np.array(expected), rtol=1e-6, atol=1e-30)
    assert np.isfinite(x.grad.numpy()).all()


@pytest.mark.parametrize(
    "name", ["sigmoid", "softplus", "silu", "gelu", "elu", "erf", "softmax", "log_softmax", "exp"]
)
@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64", "bool"])
def test_whole_numbers_are_computed_as_floats(name: str, dtype: str) -> None:
    x = te.tensor(np.array([0, 1, 1, 0] if dtype == "bool" else [0, 3, 2, 1], dtype))
    f = getattr(te, name)
    found, expected = f(x), f(x.cast("float64"))
    assert found.dtype in (np.float32, np.float64)
    np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-6)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses_of_huge_logits_are_exact(reduction: str) -> None:
    z = te.tensor([[1e4, -1e4], [0.0, 1e4], [-1e4, -1e4]], requires_grad=True)
    losses = np.array([20000.0, 0.0, np.log(2.0)], np.float32)
    loss = te.cross_entropy(z, te.tensor([1, 1, 0]), reduction=reduction)
    expected = {"mean": losses.mean(), "sum": losses.sum(), "none": losses}[reduction]
    np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-6)
    loss.sum().backward()
    rows = 3.0 if reduction == "mean" else 1.0
    np.testing.assert_allclose(z.grad.numpy() * rows, [[1, -1], [0, 0], [-0.5, 0.5]], rtol=1e-6)


def test_hinge_and_logistic_of_the_lecture() -> None:
    x = te.tensor([1e4, -1e4, 0.0], requires_grad=True)
    t = te.tensor([1.0, 1.0, -1.0])
    np.testing.assert_allclose(te.hinge(x, t, reduction="none").numpy(), [0.0, 10001.0, 1.0])
    loss = te.logistic(x, t, reduction="none")
    np.testing.assert_allclose(loss.numpy(), [0.0, 1e4, np.log(2.0)], rtol=1e-6)
    loss.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), [0.0, -1.0, 0.5])


@pytest.mark.parametrize(
    "loss",
    [
        te.mse,
        te.l1,
        te.huber,
        te.hinge,
        te.logistic,
        te.binary_cross_entropy,
        te.binary_cross_entropy_with_logits,
    ],
)
def test_losses_keep_float32_and_refuse_to_broadcast(loss: Any) -> None:
    x = te.full((2, 1), 0.5, requires_grad=True)
    value = loss(x, te.ones(2, 1))
    value.backward()
    assert value.dtype == x.grad.dtype == np.float32
    with pytest.raises(ValueError, match=r"\(2, 1\) and target \(2,\)"):
        loss(x, te.ones(2))
    with pytest.raises(ValueError, match="reduction must be"):
        loss(x, te.ones(2, 1), reduction="avg")


def test_cross_entropy_refuses_what_is_no_class() -> None:
    with pytest.raises(TypeError, match="class numbers"):
        te.cross_entropy(te.zeros(2, 3), te.zeros(2))
    with pytest.raises(ValueError, match="rows"):
        te.cross_entropy(te.zeros(2, 3), te.tensor([0]))


def test_descending_order_of_unsigned_and_extreme_integers() -> None:
    assert te.argsort(te.tensor([0, 1, 2], dtype="uint8"), descending=True).tolist() == [2, 1, 0]
    assert te.sort(te.tensor([-(2**63), 1, 0]), descending=True).tolist() == [1, 0, -(2**63)]
    assert te.argsort(te.tensor([True, False, True]), descending=True).tolist() == [0, 2, 1]


def test_a_clone_is_the_same_bits_elsewhere() -> None:
    x = te.tensor([-0.0, 0.0, np.nan, -np.inf])
    y = te.clone(x)
    assert y.numpy().tobytes() == x.numpy().tobytes()
    y.zero_()
    assert np.isnan(x.numpy()[2])


def test_probabilities_sum_to_one_and_logarithms_agree() -> None:
    x = te.tensor(np.random.default_rng(0).uniform(-800, 800, (50, 9)).astype(np.float32))
    p, log_p = te.softmax(x).numpy(), te.log_softmax(x).numpy()
    np.testing.assert_allclose(p.sum(-1), 1.0, rtol=1e-6)
    np.testing.assert_allclose(np.exp(log_p), p, rtol=1e-4, atol=1e-38)
    assert (p >= 0).all() and np.isfinite(log_p).all()


def test_variance_does_not_cancel() -> None:
    x = np.random.default_rng(0).standard_normal(1000).astype(np.float32) + np.float32(1e4)
    assert te.var(te.tensor(x)).item() == pytest.approx(np.var(x.astype(np.float64)), rel=1e-4)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("norm", 300.0), ("std", 25.0), ("var", 625.0), ("sum", 420.0), ("mean", 210.0), ("logsumexp", 240.0)],
)
def test_bytes_are_summed_up_without_wrapping_around(name: str, expected: float) -> None:
    x = te.tensor(
        {"norm": [180, 240], "std": [200, 250], "var": [200, 250], "logsumexp": [0, 240]}.get(
            name, [200, 220]
        ),
        dtype="uint8",
    )
    assert getattr(te, name)(x).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("size", [1e-200, 1e-30, 1.0, 1e200])
def test_norms_of_tiny_and_huge_numbers(size):
    x = te.tensor([size, size], dtype="float64")
    np.testing.assert_allclose(te.norm(x).item(), size * np.sqrt(2), rtol=1e-14)
    np.testing.assert_allclose(te.grad(te.norm)(x).numpy(), np.sqrt(0.5), rtol=1e-14)
    slopes = te.grad(te.atan2, (0, 1))(te.tensor(size, dtype="float64"), te.tensor(size, dtype="float64"))
    np.testing.assert_allclose([float(s) * size for s in slopes], [0.5, -0.5], rtol=1e-14)


def test_the_norm_at_zero_is_flat():
    assert te.hessian(te.norm)(te.zeros(2, dtype="float64")).tolist() == [[0.0, 0.0], [0.0, 0.0]]


@pytest.mark.cpu
@pytest.mark.parametrize(("loss", "output", "target", "words"), [
    (te.binary_cross_entropy, [0.5, 1.5], [0.0, 1.0], r"probabilities from 0.5 to 1.5 .*with_logits"),
    (te.binary_cross_entropy, [0.5, 0.5], [0.0, 2.0], r"targets from 0 to 2 \(at .*test_extremes"),
    (te.binary_cross_entropy_with_logits, [0.5, 3.0], [-1.0, 1.0], "targets from -1 to 1"),
    (te.hinge, [0.5, 3.0], [0.0, 1.0], r"hinge: a target is 0, .*2 \* target - 1"),
    (te.logistic, [0.5, 3.0], [0.0, 1.0], r"logistic: a target is 0, .*2 \* target - 1"),
])
def test_what_a_loss_cannot_mean_is_refused(loss: Any, output: Any, target: Any, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        loss(te.tensor(output), te.tensor(target))


def test_a_network_that_diverged_has_a_loss_that_is_nan() -> None:
    p = te.tensor([float("nan"), 0.5])
    assert np.isnan(te.binary_cross_entropy(p, te.tensor([0.0, 1.0])).item())
    assert np.isnan(te.hinge(p, te.tensor([1.0, -1.0])).item())
    assert np.isnan(te.logistic(te.tensor([1.0, 1.0]), te.tensor([float("nan"), 1.0])).item())


def test_a_probability_may_be_off_by_rounding() -> None:
    shares = te.softmax(te.tensor(np.random.default_rng(0).normal(size=(1000, 7)), dtype="float32") * 30)
    p = shares.sum(-1)
    assert p.numpy().max() > 1
    assert te.binary_cross_entropy(p, te.ones(1000)).item() < 1e-5
