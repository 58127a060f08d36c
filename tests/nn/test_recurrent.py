"""Recurrent layers: loops in NumPy, lengths by mask, shapes, bad arguments, on any device."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.nn.recurrent import _steps


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(kind, w, x, h, c):
    """One time step of a textbook: the next h and c."""
    a, b = w["weight_ih"] @ x + w["bias_ih"], w["weight_hh"] @ h + w["bias_hh"]
    n = len(h)
    if kind == "RNN":
        return np.tanh(a + b), c
    if kind == "GRU":
        r, z = sigmoid(a[:n] + b[:n]), sigmoid(a[n : 2 * n] + b[n : 2 * n])
        return (1 - z) * np.tanh(a[2 * n :] + r * b[2 * n :]) + z * h, c
    i, f, g, o = np.split(a + b, 4)
    c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(c), c


def walk(kind, layer, x, layers, directions):
    """The outputs and last states of one sequence, in NumPy."""
    state, ends = {k: v.astype(float) for k, v in layer.state_dict().items()}, []
    for i in range(layers):
        sides = []
        for end in directions:
            w = {k.removesuffix(f"_l{i}{end}"): v for k, v in state.items() if k.endswith(f"_l{i}{end}")}
            h = c = np.zeros(layer.hidden_size)
            outs = []
            for row in x[::-1] if end else x:
                h, c = step(kind, w, row, h, c)
                outs.append(h)
            sides.append(np.array(outs[::-1] if end else outs))
            ends.append((h, c))
        x = np.concatenate(sides, 1)
    return x, [np.array(part) for part in zip(*ends, strict=True)]


@given(kind=st.sampled_from(("RNN", "LSTM", "GRU")), layers=st.integers(1, 2), two=st.booleans(),
       first=st.booleans(), lengths=st.lists(st.integers(1, 6), min_size=1, max_size=3),
       seed=st.integers(0, 99))  # fmt: skip
def test_sequences_of_several_lengths_are_walked_alone(kind, layers, two, first, lengths, seed):
    rng, steps = np.random.default_rng(seed), 6
    layer = getattr(nn, kind)(3, 2, layers, batch_first=first, bidirectional=two)
    x = rng.normal(size=(len(lengths), steps, 3)).astype(np.float32)
    for row, n in zip(x, lengths, strict=True):
        row[n:] = np.nan  # what is beyond the end is without effect
    given_ = te.tensor(x if first else x.transpose(1, 0, 2), requires_grad=True)
    out, last = layer(given_, lengths=te.tensor(lengths))
    parts = last if kind == "LSTM" else (last,)
    found = out.detach().numpy() if first else out.detach().numpy().transpose(1, 0, 2)
    for i, n in enumerate(lengths):
        directions = ("", "_reverse") if two else ("",)
        expected, ends = walk(kind, layer, x[i, :n].astype(float), layers, directions)
        np.testing.assert_allclose(found[i, :n], expected, rtol=2e-4, atol=2e-5)
        assert not found[i, n:].any()
        for part, end in zip(parts, ends, strict=False):
            np.testing.assert_allclose(part.detach().numpy()[:, i], end, rtol=2e-4, atol=2e-5)
    (out.square().sum() + sum(p.square().sum() for p in parts)).backward()
    assert all(np.isfinite(p.grad.numpy()).all() for p in layer.parameters())
    grad = given_.grad.numpy() if first else given_.grad.numpy().transpose(1, 0, 2)
    assert all(not row[n:].any() and row[:n].any() for row, n in zip(grad, lengths, strict=True))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_a_cell_does_one_step_of_a_layer(kind):
    layer, cell = getattr(nn, kind)(3, 2), getattr(nn, f"{kind}Cell")(3, 2)
    cell.load_state_dict({k.removesuffix("_l0"): v for k, v in layer.state_dict().items()})
    x = te.randn(4, 5, 3)
    out, _ = layer(x)
    state = None
    for t in range(4):
        state = cell(x[t], state)
        h = state[0] if kind == "LSTM" else state
        np.testing.assert_allclose(h.detach().numpy(), out.detach().numpy()[t], rtol=1e-4, atol=1e-5)


def test_a_state_carries_on():
    layer, x = nn.LSTM(3, 4, 2), te.randn(6, 2, 3)
    whole, end = layer(x)
    first, state = layer(x[:4])
    second, last = layer(x[4:], state)
    found = np.concatenate([first.detach().numpy(), second.detach().numpy()])
    np.testing.assert_allclose(found, whole.detach().numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(last[1].detach().numpy(), end[1].detach().numpy(), rtol=1e-4, atol=1e-5)


@given(st.integers(0, 70))
def test_steps_come_in_order(count):
    x = te.tensor(np.arange(count * 2.0).reshape(count, 2), requires_grad=True)
    parts = list(_steps(x))
    assert [p.tolist() for p in parts] == x.tolist()
    if count:
        te.stack([p * float(i) for i, p in enumerate(parts)]).sum().backward()
        assert x.grad.tolist() == [[float(i)] * 2 for i in range(count)]


def test_taking_steps_apart_does_not_cost_their_square():
    x = te.ones(256, 1, requires_grad=True)
    loss = te.stack(list(_steps(x))).sum()
    written, seen, todo = [], set(), [loss.node]
    while todo:
        node = todo.pop()
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        if node.op is not None and node.op.name == "slice":
            ((shape, _),) = node.metas  # of what the slice is taken from: its gradient is as large
            written.append(shape[0])
        todo += node.parents
    assert 256 * 4 <= sum(written) <= 256 * 4 * 4  # 4 times on each of 4 levels; one by one it is 256 * 256


def test_dropout_is_between_layers_and_in_training_only():
    layer = nn.GRU(3, 4, 2, dropout=0.5, generator=te.Generator(0))
    x = te.randn(5, 2, 3)
    a, b = layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy()
    assert not np.array_equal(a, b)
    layer.eval()
    np.testing.assert_array_equal(layer(x)[0].detach().numpy(), layer(x)[0].detach().numpy())
    none = nn.GRU(3, 4, 2, dropout=1.0)
    shut = none(x)[0].detach().numpy()
    none.load_state_dict(
        {k: v * 0 if k.startswith("weight_ih_l1") else v for k, v in none.state_dict().items()}
    )
    np.testing.assert_allclose(shut, none(x)[0].detach().numpy(), rtol=1e-5)


@pytest.mark.parametrize("make", [lambda: nn.LSTM(2, 3, 2, bidirectional=True), lambda: nn.GRUCell(2, 3),
                                  lambda: nn.RNN(2, 3, nonlinearity="relu", bias=False)])  # fmt: skip
def test_copies_and_pickles(make):
    layer, x = make(), te.randn(4, 2)
    for twin in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert repr(twin) == repr(layer)
        a, b = layer(x), twin(x)
        a, b = (a[0], b[0]) if isinstance(a, tuple) else (a, b)
        np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())


@pytest.mark.parametrize(("call", "kind", "said"), [
    (lambda: nn.LSTM(0, 3), ValueError, "input_size=0 must be an integer >= 1"),
    (lambda: nn.LSTM(3, 3, dropout=1.5), ValueError, "dropout=1.5 is not a probability"),
    (lambda: nn.RNN(3, 3, nonlinearity="sin"), ValueError, "'tanh' or 'relu', not 'sin'"),
    (lambda: nn.RNNCell(3, 3, nonlinearity="sin"), ValueError, "'tanh' or 'relu', not 'sin'"),
    (lambda: nn.GRU(3, 2)(te.ones(4, 2, 5)), ValueError, r"x \(4, 2, 5\) must be \(L, N, 3\) or \(L, 3\)"),
    (lambda: nn.GRU(3, 2, batch_first=True)(te.ones(4)), ValueError, r"must be \(N, L, 3\)"),
    (lambda: nn.GRU(3, 2)(te.ones(0, 2, 3)), ValueError, "with a step"),
    (lambda: nn.GRU(3, 2)(te.ones(4, 2, 3), te.ones(2, 2)), ValueError,
     r"the state must be \(1, 2, 2\), not"),
    (lambda: nn.LSTM(3, 2)(te.ones(4, 2, 3), te.ones(1, 2, 2)), TypeError,
     r"a pair of tensors.*pass \(h, c\)"),
    (lambda: nn.GRU(3, 2)(te.ones(4, 2, 3), lengths=[1, 5]), ValueError,
     r"the lengths \[1, 5\] must lie in 1\.\.\.4"),
    (lambda: nn.GRU(3, 2)(te.ones(4, 2, 3), lengths=[0, 4]), ValueError, r"lengths \[0, 4\]"),
    (lambda: nn.GRU(3, 2)(te.ones(4, 2, 3), lengths=[4]), ValueError, "lengths must be 2 integers"),
    (lambda: nn.GRU(3, 2)(te.ones(4, 2, 3), lengths=[1.0, 2.0]), ValueError, "lengths must be 2 integers"),
    (lambda: nn.LSTMCell(3, 2)(te.ones(4, 3), te.ones(4, 2)), TypeError, "a pair of tensors"),
    (lambda: nn.GRUCell(3, 2)(te.ones(4, 3), te.ones(3, 2)), ValueError, r"the state must be \(4, 2\)"),
    (lambda: nn.GRUCell(3, 2)(te.ones(4, 2)), ValueError, r"x \(4, 2\) must be \(N, 3\) or \(3,\)"),
])  # fmt: skip
def test_bad_arguments(call, kind, said):
    with pytest.raises(kind, match=said) as error:
        call()
    assert "test_recurrent.py" in str(error.value)
