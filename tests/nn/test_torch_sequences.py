"""Recurrence, embeddings, activations, containers and hooks are PyTorch's: names, values, gradients."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.nn.torch_twins import CLOSE, agree, both, twins
from tinygrad_edu import nn, optim

pytestmark = pytest.mark.oracle


@pytest.fixture(autouse=True)
def by_the_formula():
    """PyTorch computes attention by its formula: its fused kernels have no second derivative."""
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        yield


RECURRENT = st.sampled_from(("RNN", "LSTM", "GRU"))


@given(kind=RECURRENT, layers=st.integers(1, 2), two=st.booleans(), first=st.booleans(), bias=st.booleans(),
       relu=st.booleans(), state=st.booleans(), batch=st.sampled_from((None, 1, 3)), steps=st.integers(1, 7),
       packed=st.booleans(), training=st.booleans(), seed=st.integers(0, 99))  # fmt: skip
@settings(max_examples=30)
def test_recurrent_layers(kind, layers, two, first, bias, relu, state, batch, steps, packed, training, seed):
    rng = np.random.default_rng(seed)
    options = {"num_layers": layers, "bidirectional": two, "batch_first": first, "bias": bias}
    if kind == "RNN" and relu:
        options["nonlinearity"] = "relu"
    ours, theirs = twins(kind, 3, 4, **options)
    ours.train(training), theirs.train(training)
    shape = (steps, 3) if batch is None else (batch, steps, 3) if first else (steps, batch, 3)
    rows = (layers * (2 if two else 1), *(() if batch is None else (batch,)), 4)
    parts = 2 if kind == "LSTM" else 1
    arrays = [rng.normal(size=shape), *(rng.normal(size=rows) for _ in range(parts if state else 0))]
    (x, *h), (v, *k) = both(*arrays)
    hx, their_hx = (tuple(h), tuple(k)) if parts == 2 else ((h or [None])[0], (k or [None])[0])
    hx, their_hx = hx if state else None, their_hx if state else None
    if not packed or batch is None:
        agree(ours, theirs, ours(x, hx), theirs(v, their_hx), [x, *h], [v, *k])
        return
    lengths = rng.integers(1, steps + 1, batch)
    pack = torch.nn.utils.rnn.pack_padded_sequence(v, torch.tensor(lengths), first, enforce_sorted=False)
    out, last = theirs(pack, their_hx)
    out, _ = torch.nn.utils.rnn.pad_packed_sequence(out, first, total_length=steps)
    agree(ours, theirs, ours(x, hx, lengths=lengths), (out, last), [x, *h], [v, *k])


@pytest.mark.parametrize("kind", ["RNNCell", "LSTMCell", "GRUCell"])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("batch", [(), (5,)])
@pytest.mark.parametrize("state", [True, False])
def test_cells(kind, bias, batch, state):
    rng = np.random.default_rng(1)
    ours, theirs = twins(kind, 3, 4, bias)
    parts = (2 if kind == "LSTMCell" else 1) if state else 0
    (x, *h), (v, *k) = both(
        rng.normal(size=(*batch, 3)), *(rng.normal(size=(*batch, 4)) for _ in range(parts))
    )
    given_, their = (tuple(h), tuple(k)) if parts == 2 else ((h or [None])[0], (k or [None])[0])
    agree(
        ours,
        theirs,
        ours(x, given_ if state else None),
        theirs(v, their if state else None),
        [x, *h],
        [v, *k],
    )


@pytest.mark.parametrize("padding", [None, 0, -1])
def test_embedding(padding):
    ours, theirs = twins("Embedding", 5, 3, padding)
    places = np.array([[0, 4, 1], [4, 4, 0]])
    assert ours.padding_idx == theirs.padding_idx
    agree(ours, theirs, ours(te.tensor(places)), theirs(torch.tensor(places)), [], [])
    rows = nn.Embedding(5, 3, padding).weight.numpy()
    assert padding is None or not rows[padding].any()
    table = np.random.default_rng(0).normal(size=(4, 2))
    known = nn.Embedding.from_pretrained(te.tensor(table), padding_idx=padding)
    their = torch.nn.Embedding.from_pretrained(torch.tensor(table), padding_idx=padding)
    assert known.padding_idx == their.padding_idx and not known.weight.requires_grad
    assert repr(known) == repr(their)


@pytest.mark.parametrize(("name", "options"), [
    ("CosineSimilarity", {}), ("CosineSimilarity", {"dim": -1, "eps": 1e-3}), ("PairwiseDistance", {}),
    ("PairwiseDistance", {"p": 3.0, "eps": 0.1, "keepdim": True})])  # fmt: skip
def test_similarities(name, options):
    rng = np.random.default_rng(0)
    x, v = both(rng.normal(size=(3, 4)), rng.normal(size=(3, 4)))
    ours, theirs = getattr(nn, name)(**options), getattr(torch.nn, name)(**options)
    agree(ours, theirs, ours(*x), theirs(*v), x, v)


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear(bias):
    ours, theirs = twins("Bilinear", 3, 2, 4, bias)
    rng = np.random.default_rng(0)
    x, v = both(rng.normal(size=(2, 5, 3)), rng.normal(size=(2, 5, 2)))
    agree(ours, theirs, ours(*x), theirs(*v), x, v)


EDGES = [-3.0, 3.0, -0.5, 0.5, -1.0, 1.0, 0.0, 6.0]
ACTIVATIONS = [
    ("ReLU6", {}), ("CELU", {"alpha": 1.5}), ("SELU", {}), ("Mish", {}), ("GELU", {"approximate": "tanh"}),
    ("GLU", {"dim": 1}), ("GLU", {"dim": 0}), ("LogSigmoid", {}),
    ("Hardtanh", {"min_val": -0.5, "max_val": 3}),
    ("Hardtanh", {}), ("Hardsigmoid", {}), ("Hardswish", {}), ("Hardshrink", {"lambd": 1.0}),
    ("Softshrink", {"lambd": 1.0}), ("Softsign", {}), ("Tanhshrink", {}),
    ("Threshold", {"threshold": 0.5, "value": 20.0}), ("Softmin", {"dim": 0}), ("Softmax", {"dim": 0}),
    ("LogSoftmax", {"dim": 0}), ("PReLU", {}), ("PReLU", {"num_parameters": 8, "init": 0.1})]  # fmt: skip
# PyTorch keeps 1 / 6 and 1 / alpha as float32 in these gradients
COARSE = {"CELU", "Hardsigmoid"}


@pytest.mark.parametrize(("name", "options"), ACTIVATIONS)
def test_activations(name, options):
    ours, theirs = getattr(nn, name)(**options).double(), getattr(torch.nn, name)(**options).double()
    assert {k: v.shape for k, v in ours.state_dict().items()} == {
        k: tuple(v.shape) for k, v in theirs.state_dict().items()
    }
    x = np.vstack([np.random.default_rng(1).normal(size=(3, 8)) * 3, EDGES])
    (w,), (v,) = both(x)
    if name not in COARSE:
        agree(ours, theirs, ours(w), theirs(v), [w], [v])
        return
    out, expected = ours(w), theirs(v)
    np.testing.assert_allclose(out.detach().numpy(), expected.detach().numpy(), **CLOSE)
    (out * out).sum().backward()
    (expected * expected).sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), v.grad.numpy(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU", "MultiheadAttention", "TransformerEncoderLayer"])
def test_ten_steps_of_training(kind):
    rng = np.random.default_rng(3)
    x, y = rng.normal(size=(6, 5, 4)), rng.normal(size=(6, 5, 4))
    args = (4, 2) if kind == "MultiheadAttention" else (4, 2, 8, 0.0) if "Transformer" in kind else (4, 4, 2)
    ours, theirs = twins(kind, *args)
    call = (lambda m, v: m(v, v, v)[0]) if kind == "MultiheadAttention" else (
        (lambda m, v: m(v)) if "Transformer" in kind else (lambda m, v: m(v)[0])
    )  # fmt: skip
    step, their_step = optim.Adam(ours.parameters(), lr=0.01), torch.optim.Adam(theirs.parameters(), lr=0.01)
    for _ in range(10):
        step.zero_grad(), their_step.zero_grad()
        te.mse(call(ours, te.tensor(x)), te.tensor(y)).backward()
        torch.nn.functional.mse_loss(call(theirs, torch.tensor(x)), torch.tensor(y)).backward()
        step.step(), their_step.step()
    for p, q in zip(ours.parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.numpy(), q.detach().numpy(), rtol=1e-6, atol=1e-7)


FIRST = [("RNN", (9, 400)), ("LSTM", (9, 200)), ("GRUCell", (9, 200)), ("MultiheadAttention", (64, 2)),
         ("TransformerEncoderLayer", (32, 2, 64)), ("Embedding", (100, 40)),
         ("Bilinear", (20, 9, 50))]  # fmt: skip


@pytest.mark.parametrize(("name", "args"), FIRST)
def test_first_values_are_drawn_as_pytorchs(name, args):
    ours, theirs = getattr(nn, name)(*args).state_dict(), getattr(torch.nn, name)(*args).state_dict()
    for key, expected in theirs.items():
        values, wanted = ours[key], expected.numpy()
        assert (values.std() == 0) == (wanted.std() == 0) and values.shape == wanted.shape
        if wanted.std() == 0:
            np.testing.assert_array_equal(values, wanted)
        elif values.size > 500:
            assert abs(values.std() / wanted.std() - 1) < 0.15, key
            if name != "Embedding":  # all others are uniform, and have an end
                assert abs(np.abs(values).max() / np.abs(wanted).max() - 1) < 0.05, key


def test_hooks_are_called_as_pytorchs():
    def run(n, to_tensor, change):
        said = []
        model = n.Sequential(n.Linear(2, 3), n.Tanh(), n.Linear(3, 1)).double()
        rng = np.random.default_rng(0)
        state = {k: rng.normal(size=v.shape) for k, v in model.state_dict().items()}
        model.load_state_dict({k: change(v) for k, v in state.items()})

        def plain(ts):
            return [None if t is None else t.detach().numpy().round(12).tolist() for t in ts]

        model[0].register_forward_pre_hook(lambda m, a: said.append(("pre", plain(a))) or (a[0] * 2,))
        model[1].register_forward_hook(lambda m, a, out: said.append(("out", plain([out]))) or out * 3)
        model[1].register_forward_hook(lambda m, a, out: said.append(("first", plain(a))), prepend=True)
        model[2].register_forward_pre_hook(
            lambda m, a, k: said.append(("kwargs", sorted(k))), with_kwargs=True
        )
        model[0].register_full_backward_hook(lambda m, i, o: said.append(("zero", plain(i), plain(o))))
        model[2].register_full_backward_hook(
            lambda m, i, o: said.append(("two", plain(i), plain(o))) or (i[0] * 0.5,)
        )
        model[2].register_full_backward_pre_hook(lambda m, o: said.append(("seed", plain(o))) or (o[0] * 4,))
        x = to_tensor(np.arange(6.0).reshape(3, 2) / 3)
        (model(x) ** 2).sum().backward()
        return said, [p.grad.numpy() for p in model.parameters()]

    found, ours = run(nn, te.tensor, np.asarray)
    expected, theirs = run(torch.nn, torch.tensor, torch.tensor)
    assert [s[0] for s in found] == [s[0] for s in expected]
    for f, e in zip(found, expected, strict=True):
        for a, b in zip(f[1:], e[1:], strict=True):
            assert len(a) == len(b)
            for i, j in zip(a, b, strict=True):
                assert i == j if j is None or isinstance(j, str) else np.allclose(i, j, rtol=1e-10)
    for p, q in zip(ours, theirs, strict=True):
        np.testing.assert_allclose(p, q, **CLOSE)


def test_containers_have_pytorchs_names_and_slices():
    def build(n):
        layers = n.ModuleList([n.Linear(2, 2), n.Linear(2, 2)])
        layers.append(n.Linear(2, 1))
        layers.extend([n.ReLU(), n.Linear(1, 1)])
        layers.insert(1, n.Linear(2, 2))
        named = n.ModuleDict({"a": n.Linear(1, 2), "b": layers})
        parameters = n.ParameterList([n.Linear(1, 1).weight, n.Linear(2, 1).weight])
        table = n.ParameterDict({"w": n.Linear(1, 1).weight})
        return n.ModuleDict({"named": named, "list": parameters, "table": table,
                             "seq": n.Sequential(n.Linear(1, 1), n.ReLU(), n.Linear(1, 2))[1:]})  # fmt: skip

    ours, theirs = build(nn), build(torch.nn)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    twin = copy.deepcopy(ours)
    assert list(twin.state_dict()) == list(ours.state_dict())
