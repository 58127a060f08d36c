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


LIMITS: dict[str, tuple[Any, float, float, float, float]] = {  # at -inf: value, slope; at inf: value, slope
    "gelu": (te.gelu, 0.0, 0.0, np.inf, 1.0),
    "gelu, tanh": (lambda x: te.gelu(x, approximate="tanh"), 0.0, 0.0, np.inf, 1.0),
    "silu": (te.silu, 0.0, 0.0, np.inf, 1.0),
    "mish": (te.mish, 0.0, 0.0, np.inf, 1.0),
    "hardswish": (te.hardswish, 0.0, 0.0, np.inf, 1.0),
    "softplus": (te.softplus, 0.0, 0.0, np.inf, 1.0),
    "relu": (te.relu, 0.0, 0.0, np.inf, 1.0),
    "elu": (te.elu, -1.0, 0.0, np.inf, 1.0),
    "celu": (te.celu, -1.0, 0.0, np.inf, 1.0),
    "softsign": (te.softsign, -1.0, 0.0, 1.0, 0.0),
    "hardsigmoid": (te.hardsigmoid, 0.0, 0.0, 1.0, 0.0),
    "hardtanh": (te.hardtanh, -1.0, 0.0, 1.0, 0.0),
    "relu6": (te.relu6, 0.0, 0.0, 6.0, 0.0),
    "tanh": (te.tanh, -1.0, 0.0, 1.0, 0.0),
    "sigmoid": (te.sigmoid, 0.0, 0.0, 1.0, 0.0),
    "log_sigmoid": (te.log_sigmoid, -np.inf, 1.0, 0.0, 0.0),
    "tanhshrink": (te.tanhshrink, -np.inf, 1.0, np.inf, 1.0),
    "softshrink": (te.softshrink, -np.inf, 1.0, np.inf, 1.0),
    "hardshrink": (te.hardshrink, -np.inf, 1.0, np.inf, 1.0),
}  # fmt: skip


@pytest.mark.parametrize("name", LIMITS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.filterwarnings("error:invalid:RuntimeWarning", "ignore:overflow:RuntimeWarning")
def test_activations_have_their_limits_and_slopes_at_the_largest_numbers(name: str, dtype: str) -> None:
    """Infinity, and the largest number of the dtype, whose square and cube it does not hold."""
    function, low, low_slope, high, high_slope = LIMITS[name]
    largest = float(np.finfo(dtype).max) * 0.99
    x = te.tensor([-np.inf, -largest, largest, np.inf], dtype=dtype, requires_grad=True)
    y = function(x)
    y.backward(te.ones_like(y))
    ends = [-largest if low == -np.inf else low, largest if high == np.inf else high]
    np.testing.assert_allclose(y.numpy(), [low, *ends, high], rtol=1e-6)
    np.testing.assert_allclose(
        x.grad.numpy(), [low_slope, low_slope, high_slope, high_slope], rtol=1e-6, atol=1e-30
    )
    assert np.isnan(function(te.tensor([np.nan], dtype=dtype)).numpy()).all()


@pytest.mark.parametrize(("x", "y", "slopes"), [
    (np.inf, 0.0, (1.0, 0.0)), (0.0, np.inf, (0.0, 1.0)), (-np.inf, np.inf, (0.0, 1.0)),
    (-np.inf, 0.0, (0.0, 1.0)), (np.inf, np.inf, (0.5, 0.5)), (3e38, 3e38, (0.5, 0.5)),
])  # fmt: skip
@pytest.mark.filterwarnings("error::RuntimeWarning")
def test_logaddexp_has_slopes_at_infinity(x: float, y: float, slopes: tuple[float, float]) -> None:
    one, other = (te.tensor(v, dtype="float32", requires_grad=True) for v in (x, y))
    found = te.logaddexp(one, other)
    found.backward()
    assert found.item() == np.float32(max(x, y))
    assert (one.grad.item(), other.grad.item()) == slopes
    gradient = te.grad(lambda v: te.logsumexp(v))(te.tensor([x, y, x], dtype="float32")).numpy()
    np.testing.assert_allclose(gradient.sum(), 1.0, rtol=1e-6)


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
@pytest.mark.parametrize(
    ("loss", "output", "target", "words"),
    [
        (te.binary_cross_entropy, [0.5, 1.5], [0.0, 1.0], r"probabilities from 0.5 to 1.5 .*with_logits"),
        (te.binary_cross_entropy, [0.5, 0.5], [0.0, 2.0], r"targets from 0 to 2 \(at .*test_extremes"),
        (te.binary_cross_entropy_with_logits, [0.5, 3.0], [-1.0, 1.0], "targets from -1 to 1"),
        (te.hinge, [0.5, 3.0], [0.0, 1.0], r"hinge: a target is 0, .*2 \* target - 1"),
        (te.logistic, [0.5, 3.0], [0.0, 1.0], r"logistic: a target is 0, .*2 \* target - 1"),
    ],
)
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


@pytest.mark.parametrize("z", [-20.0, -80.0, -89.0, -95.0, -103.0, -104.0, -1000.0])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_gradient_of_a_loss_of_the_least_probabilities_is_finite(z, dtype):
    x = te.tensor([z, -1.0], dtype=dtype, requires_grad=True)
    te.binary_cross_entropy(te.sigmoid(x), te.tensor([1.0, 1.0], dtype=dtype), reduction="sum").backward()
    slope = x.grad.numpy()
    assert np.isfinite(slope).all() and -1.0001 <= slope[0] <= 0.0
    p = np.exp(z) / (1 + np.exp(z))  # PyTorch's bound on the derivative of the logarithm: 1e-12
    np.testing.assert_allclose(slope[0], (p - 1) * p * (1 - p) / max(p * (1 - p), 1e-12), 1e-5, 1e-30)


@pytest.mark.parametrize("sign", ["&", "|", "^"])
def test_logic_is_for_truths(sign):
    x, b = te.tensor([2, 3, 4]), te.tensor([True, False, True])
    for left, right in ((x, 1), (x, b), (b, 1), (b, x), (np.array([1, 2, 3]), x), (x * 1.0, b)):
        with pytest.raises(TypeError, match="is for bool tensors"):
            eval(f"left {sign} right", {"left": left, "right": right})
    with pytest.raises(TypeError, match="is for bool tensors"):
        te.sum(~x)
    truth = np.array([True, True, False])
    found = eval(f"b {sign} truth", {"b": b, "truth": truth})
    np.testing.assert_array_equal(found.numpy(), eval(f"b {sign} truth", {"b": b.numpy(), "truth": truth}))


@pytest.mark.parametrize(("dtype", "size"), [("float32", 1e20), ("float32", 1e38), ("float32", 1e-25),
                                             ("float64", 1e160), ("float64", 1e307), ("float64", 1e-200)]
)  # fmt: skip
@pytest.mark.parametrize("axis", [0, 1, (0, 1)])
def test_layer_norm_of_tiny_and_huge_numbers(dtype, size, axis):
    """As of numbers near 1: the scale of the input cancels, but for eps."""
    values = np.random.default_rng(0).uniform(-1, 1, (5, 6)).astype(dtype)
    seed = np.random.default_rng(1).normal(size=(5, 6)).astype(dtype)
    found = []
    for scale in (1.0, size):
        x = te.tensor(values * np.dtype(dtype).type(scale), dtype=dtype, requires_grad=True)
        y = te.layer_norm(x, axis, eps=0.0)
        y.backward(seed)
        found.append((y.numpy(), x.grad.numpy().astype(np.longdouble) * scale))
    for near, far in zip(*found, strict=True):
        np.testing.assert_allclose(far.astype(float), near.astype(float), rtol=1e-4, atol=1e-4)


def test_layer_norm_with_eps_is_differentiated_twice_at_huge_numbers():
    values = np.array([[1.0, 2.0, 4.0]]) * 1e100

    def cubes(x, eps=1e-5):
        return (te.layer_norm(x, eps=eps) ** 3).sum()

    far = te.hessian(cubes)(te.tensor(values))
    near = te.hessian(cubes)(te.tensor(values / 1e100), eps=0.0)
    np.testing.assert_allclose(far.numpy() * 1e200, near.numpy(), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("size", [0.0, 1e-9])
def test_the_third_derivative_of_layer_norm_of_equal_numbers(size):
    """There it is w c / sqrt(eps) (1 - |c|^2 / 2 n eps) for the distances c to the mean."""
    w, d, eps = np.array([1.0, -2.0, 3.0]), np.array([0.5, 2.0, -1.0]), 0.5
    x = te.tensor(1.0 + size * d)
    second = te.hessian(lambda x: (te.layer_norm(x, eps=eps) * te.tensor(w)).sum())
    third = te.jacobian(second)(x).numpy()
    c = d - d.mean()
    exact = -3 * (w @ c) * (c @ c) / (3 * eps**1.5)
    np.testing.assert_allclose(np.einsum("ijk,i,j,k", third, d, d, d), exact, rtol=1e-6)


@pytest.mark.parametrize("p", [0.5, 1.5, 3, 10])
@pytest.mark.parametrize("size", [1e-30, 1e-15, 1.0, 1e15, 1e36])
def test_a_norm_of_any_order_has_its_slopes_at_every_size(p, size):
    values = np.array([1.0, -1e-3, 1e-6, 0.0]).astype(np.float32) * np.float32(size)
    x = te.tensor(values, requires_grad=True)
    y = te.norm(x, p)
    y.backward()
    wide = values.astype(np.longdouble)
    norm = np.sum(np.abs(wide) ** p) ** (1 / np.longdouble(p))
    share = np.where(wide == 0, 1, np.abs(wide) / norm)
    np.testing.assert_allclose(y.item(), float(norm), rtol=1e-5)
    slopes = np.where(wide == 0, 0, np.sign(wide) * share ** (p - 1))
    np.testing.assert_allclose(x.grad.numpy(), slopes.astype(float), rtol=1e-4, atol=1e-37)


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("logit", "target", "loss", "slope"), [
    (np.inf, 0.0, np.inf, 1.0), (-np.inf, 1.0, np.inf, -1.0), (np.inf, 1.0, 0.0, 0.0),
    (-np.inf, 0.0, 0.0, 0.0), (np.inf, 0.25, np.inf, 0.75), (-np.inf, 0.25, np.inf, -0.25),
    (1e30, 0.0, 1e30, 1.0), (1e30, 1.0, 0.0, 0.0),
])  # fmt: skip
def test_binary_cross_entropy_of_infinite_logits_is_the_limit(logit, target, loss, slope):
    z, t = te.tensor([logit], requires_grad=True), te.tensor([target])
    found = te.binary_cross_entropy_with_logits(z, t)
    found.backward()
    np.testing.assert_allclose([found.item(), z.grad.item()], [loss, slope], rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("logits", [[40.0, 0.0, -3.0, 1.0], [20.0, 19.0, 1.0, -8.0], [3.0, 2.0, 1.0, 0.0]])
@pytest.mark.parametrize("target", [0, 2])
def test_the_hessian_of_cross_entropy_keeps_its_digits(dtype, logits, target):
    """diag(p) - p p^T, where p - p^2 is p times the sum of all others."""
    p = np.exp(np.array(logits, np.longdouble) - max(logits))
    p /= p.sum()
    exact = -np.outer(p, p)
    exact[np.diag_indices(4)] = [p[i] * np.delete(p, i).sum() for i in range(4)]
    loss = lambda z: te.cross_entropy(z, te.tensor([target]))  # noqa: E731
    found = te.hessian(loss)(te.tensor([logits], dtype=dtype)).numpy().reshape(4, 4)
    np.testing.assert_allclose(found, exact.astype(float), rtol=1e-5 if dtype == "float32" else 1e-13)


@pytest.mark.cpu
@pytest.mark.parametrize(("dtype", "top"), [("float32", 3e38), ("float64", 1e308)])
@pytest.mark.filterwarnings("ignore:.*overflow:RuntimeWarning", "ignore:.*invalid:RuntimeWarning")
def test_the_spread_of_the_largest_numbers_is_no_nan(dtype, top):
    values = np.array([[top, -top], [top, top], [1.0, 3.0]], dtype)
    x = te.tensor(values, requires_grad=True)
    y = te.std(x, 1)
    y.backward(np.ones(3, dtype))
    np.testing.assert_allclose(y.numpy(), np.array([top, 0, 1]), rtol=1e-6)
    np.testing.assert_allclose(x.grad.numpy(), [[0.5, -0.5], [0, 0], [-0.5, 0.5]], rtol=1e-6)
    assert te.var(x.detach(), 1, keepdims=True).tolist() == [[np.inf], [0], [1]]
