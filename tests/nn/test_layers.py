"""Layers against NumPy, their bad arguments, and dropout's statistics."""

from __future__ import annotations

import inspect
import math
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn


@given(st.integers(0, 4), st.integers(0, 4), st.booleans(), st.lists(st.integers(0, 3), max_size=2))
def test_linear_is_an_affine_map(n_in, n_out, bias, rows):
    line = nn.Linear(n_in, n_out, bias, dtype="float64")
    x = np.random.default_rng(0).normal(size=(*rows, n_in))
    expected = x @ line.weight.numpy().T + (line.bias.numpy() if bias else 0.0)
    np.testing.assert_allclose(line(te.tensor(x)).numpy(), expected, rtol=1e-12, atol=1e-12)
    assert line(te.tensor(x)).shape == (*rows, n_out)


def test_linear_begins_uniform_within_one_over_root_n_and_by_its_generator():
    line = nn.Linear(64, 500, generator=te.Generator(5))
    for p in (line.weight, line.bias):
        values = p.numpy()
        assert np.abs(values).max() <= 1 / 8 and abs(values.std() - 1 / 8 / math.sqrt(3)) < 0.005
    again = nn.Linear(64, 500, generator=te.Generator(5))
    assert np.array_equal(line.weight.numpy(), again.weight.numpy())
    te.manual_seed(5)
    assert np.array_equal(line.weight.numpy(), nn.Linear(64, 500).weight.numpy())


@pytest.mark.parametrize(
    ("make", "kind", "said"),
    [
        (lambda: nn.Linear(-1, 2), ValueError, "in_features=-1 must be an integer >= 0"),
        (lambda: nn.Linear(2, 1.5), TypeError, "out_features must be an integer"),
        (lambda: nn.Dropout(1.5), ValueError, r"p=1\.5 is not a probability"),
        (lambda: nn.Dropout(float("nan")), ValueError, "is not a probability"),
        (lambda: nn.Embedding(3, -2), ValueError, "embedding_dim=-2 must be an integer >= 0"),
        (lambda: nn.LayerNorm(()), ValueError, "not empty"),
        (lambda: nn.LayerNorm(2, eps=-1.0), ValueError, "eps must be >= 0"),
        (lambda: nn.Sequential(nn.ReLU), TypeError, r"not a Module .*; call it: ReLU\(\)"),
        (lambda: nn.Sequential(te.leaky_relu), TypeError, r"not a Module .*; the layer is nn.LeakyReLU\(\)"),
        (lambda: nn.Sequential(te.sin), TypeError, "a Module whose forward calls it"),
        (lambda: nn.Sequential([nn.ReLU()]), TypeError, r"one by one: Sequential\(\*layers\)"),
        (lambda: nn.Sequential().append(3), TypeError, "not a Module"),
        (lambda: nn.ELU(-1.0), ValueError, "ELU: alpha must be a positive number"),
        (lambda: nn.Softmax(axis=1.0), ValueError, "axis must be an integer"),
        (lambda: nn.Tanh(3), TypeError, r"Tanh\(\) does not take \[3\]"),
        (lambda: nn.ReLU(3), ValueError, "inplace must be True or False, not 3"),
        (lambda: nn.ELU(1.0, alpha=2.0), TypeError, r"ELU\(alpha=1\.0, inplace=False\) does not take"),
        (lambda: nn.MSELoss("median"), ValueError, "reduction must be 'mean', 'sum' or 'none'"),
        (lambda: nn.HuberLoss(delta=0), ValueError, "delta must be a positive"),
        (lambda: nn.LayerNorm(3)(te.ones(2, 4)), ValueError, r"last axes of \(2, 4\)"),
    ],
)
def test_bad_arguments_are_errors_at_construction(make, kind, said):
    with pytest.raises(kind, match=said):
        make()


def test_sequential_is_a_list_of_layers():
    model = nn.Sequential(nn.Linear(2, 3), nn.ReLU()).append(nn.Identity())
    assert len(model) == 3 and [type(m).__name__ for m in model] == ["Linear", "ReLU", "Identity"]
    assert isinstance(model[-1], nn.Identity) and isinstance(model[:2], nn.Sequential) and len(model[:2]) == 2
    model[1] = nn.Tanh()
    x = te.randn(4, 2)
    np.testing.assert_allclose(model(x).numpy(), np.tanh(model[0](x).numpy()), rtol=1e-6)
    named = nn.Sequential({"first": nn.Linear(2, 2), "second": nn.ReLU()})
    assert list(named.state_dict()) == ["first.weight", "first.bias"]
    with pytest.raises(TypeError, match="not a Module"):
        model[0] = 3


def test_identity_and_flatten():
    x = te.randn(2, 3, 4)
    assert nn.Identity()(x) is x
    assert nn.Flatten()(x).shape == (2, 12) and nn.Flatten(0, 1)(x).shape == (6, 4)


@pytest.mark.parametrize("p", [0.0, 0.2, 0.5, 0.9, 1.0])
def test_dropout_drops_a_share_p_and_keeps_the_expectation(p):
    n = 40_000
    x = te.ones(n, requires_grad=True)
    out = nn.Dropout(p, generator=te.Generator(1))(x)
    dropped = np.mean(out.numpy() == 0)
    assert abs(dropped - p) < 5 * math.sqrt(p * (1 - p) / n) + 1e-12
    if p < 1:
        assert set(np.unique(out.numpy())) <= {np.float32(0), np.float32(1) * np.float32(1 / (1 - p))}
        assert abs(out.numpy().mean() - 1) < 5 * math.sqrt(p / (1 - p) / n) + 1e-6
    out.sum().backward()
    assert np.array_equal(x.grad.numpy(), out.numpy())
    layer = nn.Dropout(p).eval()
    assert layer(x) is x


def test_dropout_draws_anew_each_time_and_repeats_with_its_seed():
    layer = nn.Dropout(0.5, generator=te.Generator(4))
    x = te.ones(64)
    first, second = layer(x).numpy(), layer(x).numpy()
    assert not np.array_equal(first, second)
    assert np.array_equal(nn.Dropout(0.5, generator=te.Generator(4))(x).numpy(), first)


def test_layer_norm_standardises_the_last_axes():
    x = np.random.default_rng(1).normal(3, 2, (4, 2, 5))
    for shape, axes in ((5, (-1,)), ((2, 5), (-2, -1))):
        layer = nn.LayerNorm(shape, dtype="float64")
        layer.weight.detach().fill_(2.0)
        layer.bias.detach().fill_(0.5)
        mean, var = x.mean(axes, keepdims=True), x.var(axes, keepdims=True)
        expected = (x - mean) / np.sqrt(var + 1e-5) * 2 + 0.5
        np.testing.assert_allclose(layer(te.tensor(x)).numpy(), expected, rtol=1e-10)
    assert nn.LayerNorm(3, elementwise_affine=False).state_dict() == {}
    assert list(nn.LayerNorm(3, bias=False).state_dict()) == ["weight"]


def test_embedding_reads_rows_and_adds_up_their_gradients():
    table = nn.Embedding(4, 2)
    out = table(te.tensor([[1, 3], [1, 0]]))
    assert np.array_equal(out.numpy(), table.weight.numpy()[[[1, 3], [1, 0]]])
    out.sum().backward()
    assert table.weight.grad.numpy()[:, 0].tolist() == [1, 2, 0, 1]
    with pytest.raises(IndexError):
        table(te.tensor([4])).numpy()  # a device says so when somebody waits


_erf = np.vectorize(math.erf)
ACTIVATIONS = [
    (nn.ReLU(), lambda x: np.maximum(x, 0)),
    (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    (nn.ELU(alpha=1.5), lambda x: np.where(x > 0, x, 1.5 * np.expm1(x))),
    (nn.SiLU(), lambda x: x / (1 + np.exp(-x))),
    (nn.GELU(), lambda x: x * (1 + _erf(x / math.sqrt(2))) / 2),
    (nn.Tanh(), np.tanh),
    (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    (nn.Softplus(), lambda x: np.log1p(np.exp(x))),
    (nn.Softmax(), lambda x: np.exp(x) / np.exp(x).sum(-1, keepdims=True)),
    (nn.Softmax(0), lambda x: np.exp(x) / np.exp(x).sum(0, keepdims=True)),
    (nn.LogSoftmax(axis=-1), lambda x: x - np.log(np.exp(x).sum(-1, keepdims=True))),
]


@pytest.mark.parametrize(
    ("layer", "formula"), ACTIVATIONS, ids=lambda v: repr(v) if isinstance(v, nn.Module) else ""
)
def test_activations_are_their_formulas(layer, formula):
    x = np.linspace(-5, 5, 24).reshape(4, 6)
    np.testing.assert_allclose(layer(te.tensor(x)).numpy(), formula(x), rtol=1e-10, atol=1e-12)
    assert type(layer).__doc__ and list(layer.parameters()) == []
    assert repr(pickle.loads(pickle.dumps(layer))) == repr(layer)


INPLACE = ["ReLU", "ReLU6", "LeakyReLU", "ELU", "CELU", "SELU", "SiLU", "Mish", "Hardtanh", "Hardsigmoid",
           "Hardswish", "Threshold", "Dropout", "Dropout1d", "Dropout2d", "Dropout3d",
           "AlphaDropout"]  # fmt: skip


@pytest.mark.parametrize("name", INPLACE)
def test_inplace_is_taken_and_changes_nothing(name):
    kind, given = getattr(nn, name), (0.1, -2.0) if name == "Threshold" else ()
    layer, plain = kind(*given, inplace=True), kind(*given, inplace=False)
    shape = {"Dropout1d": (4, 3, 4), "Dropout2d": (4, 3, 2, 2)}.get(name, (4, 3, 2, 2, 1))
    x = te.tensor(np.linspace(-4, 4, 48).reshape(shape))
    before = x.numpy().copy()
    te.manual_seed(3)
    found = layer(x)
    te.manual_seed(3)
    np.testing.assert_array_equal(found.numpy(), plain(x).numpy())
    np.testing.assert_array_equal(x.numpy(), before)
    assert (
        "inplace=True" in repr(layer) and "inplace" not in repr(plain) and repr(plain) == repr(kind(*given))
    )
    with pytest.raises(ValueError, match="inplace must be True or False"):
        kind(*given, inplace="yes")


def test_inplace_is_pytorchs_position():
    assert repr(nn.ReLU(True)) == "ReLU(inplace=True)"
    assert repr(nn.LeakyReLU(0.2, True)) == "LeakyReLU(negative_slope=0.2, inplace=True)"
    assert repr(nn.Dropout(0.3, True)) == "Dropout(p=0.3, inplace=True)"


@pytest.mark.oracle
@pytest.mark.parametrize("name", sorted(nn.activations.__all__))
def test_inplace_is_taken_by_the_layers_that_take_it_in_pytorch(name):
    torch = pytest.importorskip("torch")
    theirs = "inplace" in inspect.signature(getattr(torch.nn, name)).parameters
    assert theirs == (name in INPLACE)


T, Y = np.array([0.2, -1.0, 3.0]), np.array([1.0, 0.5, -1.0])
S, B, P = np.array([1.0, -1.0, 1.0]), np.array([1.0, 0.0, 1.0]), np.array([0.9, 0.2, 0.4])
LOSSES = [
    (nn.MSELoss, {}, T, Y, (T - Y)**2),
    (nn.L1Loss, {}, T, Y, np.abs(T - Y)),
    (nn.HuberLoss, {"delta": 0.9}, T, Y,
     np.where(np.abs(T - Y) <= 0.9, (T - Y)**2 / 2, 0.9 * (np.abs(T - Y) - 0.45))),
    (nn.HingeLoss, {}, T, S, np.maximum(0, 1 - T * S)),
    (nn.LogisticLoss, {}, T, S, np.log1p(np.exp(-T * S))),
    (nn.BCELoss, {}, P, B, -(B * np.log(P) + (1 - B) * np.log(1 - P))),
    (nn.BCEWithLogitsLoss, {}, T, B, np.log1p(np.exp(T)) - T * B),
]  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "options", "output", "target", "each"), LOSSES, ids=lambda v: getattr(v, "__name__", "")
)
def test_losses_are_their_formulas(kind, options, output, target, each):
    for reduction, expected in (("none", each), ("sum", each.sum()), ("mean", each.mean())):
        loss = kind(reduction=reduction, **options)(te.tensor(output), te.tensor(target))
        np.testing.assert_allclose(loss.numpy(), expected, rtol=1e-12)


def test_cross_entropy_is_log_softmax_and_nll():
    z, classes = np.random.default_rng(2).normal(size=(5, 3)), np.array([0, 2, 1, 1, 0])
    picked = (z - np.log(np.exp(z).sum(1, keepdims=True)))[np.arange(5), classes]
    logits, target = te.tensor(z), te.tensor(classes)
    np.testing.assert_allclose(nn.CrossEntropyLoss()(logits, target).item(), -picked.mean(), rtol=1e-12)
    loss = nn.NLLLoss("sum")(nn.LogSoftmax()(logits), target)
    np.testing.assert_allclose(loss.item(), -picked.sum(), rtol=1e-12)
