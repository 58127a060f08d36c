"""Every rule: against its update written out in NumPy, in place against by formula, blocks against whole."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tests.backend.boxed import BoxedBackend
from tests.optim.textbook import MORE, STEPS
from tinygrad_edu import optim
from tinygrad_edu.backend import in_place, registry


def sgd(w, gradient, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False):
    b = None
    for t in range(STEPS):
        g = gradient(w, t) + weight_decay * w
        if momentum:
            b = g if b is None else momentum * b + (1 - dampening) * g
            g = g + momentum * b if nesterov else b
        w = w - lr * g
    return w


def adam(w, gradient, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.0, decoupled=False):
    m = v = 0.0
    for t in range(1, STEPS + 1):
        g = gradient(w, t - 1)
        if decoupled:
            w = w - lr * weight_decay * w
        else:
            g = g + weight_decay * w
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g**2
        w = w - lr * (m / (1 - betas[0] ** t)) / (np.sqrt(v / (1 - betas[1] ** t)) + eps)
    return w


def adagrad(w, gradient, lr=1e-2, lr_decay=0.0, weight_decay=0.0, initial_accumulator_value=0.0, eps=1e-10):
    s = initial_accumulator_value
    for t in range(STEPS):
        g = gradient(w, t) + weight_decay * w
        s = s + g**2
        w = w - lr / (1 + t * lr_decay) * g / (np.sqrt(s) + eps)
    return w


def rmsprop(w, gradient, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0.0, momentum=0.0):
    s = b = 0.0
    for t in range(STEPS):
        g = gradient(w, t) + weight_decay * w
        s = alpha * s + (1 - alpha) * g**2
        b = momentum * b + g / (np.sqrt(s) + eps)
        w = w - lr * b
    return w


# (rule, its settings, the same rule in NumPy); also what test_torch.py compares with PyTorch
# fmt: off
RULES = [
    (optim.SGD, {"lr": 0.05}, sgd),
    (optim.SGD, {"lr": 0.05, "weight_decay": 0.1}, sgd),
    (optim.SGD, {"lr": 0.05, "momentum": 0.9}, sgd),
    (optim.SGD, {"lr": 0.05, "momentum": 0.9, "dampening": 0.3}, sgd),
    (optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True}, sgd),
    (optim.SGD, {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.2}, sgd),
    (optim.SGD, {"lr": 0.05, "momentum": 0.9, "dampening": 0.5, "weight_decay": 0.2}, sgd),
    (optim.Adam, {"lr": 0.05}, adam),
    (optim.Adam, {"lr": 0.05, "betas": (0.5, 0.7), "eps": 1e-3, "weight_decay": 0.1}, adam),
    (optim.AdamW, {"lr": 0.05}, lambda w, g, **o: adam(w, g, **{"weight_decay": 1e-2, **o}, decoupled=True)),
    (optim.AdamW, {"lr": 0.05, "weight_decay": 0.3}, lambda w, g, **o: adam(w, g, **o, decoupled=True)),
    (optim.Adagrad, {}, adagrad),
    (optim.Adagrad, {"lr": 0.1, "lr_decay": 0.1, "weight_decay": 0.1, "initial_accumulator_value": 0.5,
                     "eps": 0.01}, adagrad),
    (optim.RMSprop, {}, rmsprop),
    (optim.RMSprop, {"alpha": 0.8, "eps": 0.01, "weight_decay": 0.1, "momentum": 0.9}, rmsprop),
    *MORE,
]
# fmt: on
NAMED = pytest.mark.parametrize(
    ("rule", "options", "oracle"),
    RULES,
    ids=[f"{r.__name__}-{'-'.join(o) or 'defaults'}" for r, o, _ in RULES],
)


def gradient(w, t):
    """The slope of a bumpy valley, moved a little at every step."""
    return 0.3 * w + np.sin(3 * w) + 0.1 * np.cos(t + np.arange(w.size).reshape(w.shape))


def walk(rule, options, start, device=None, steps=STEPS):
    w = te.tensor(start, device=device, requires_grad=True)
    optimizer = rule([w], **options)
    for t in range(steps):
        w.grad = te.tensor(gradient(w.numpy(), t).astype(start.dtype), device=device)
        optimizer.step()
    return w.numpy(), optimizer


START = np.random.default_rng(0).normal(size=(3, 5))


@NAMED
def test_twenty_steps_are_the_textbooks(rule, options, oracle):
    expected = oracle(START, gradient, **options)
    np.testing.assert_allclose(walk(rule, options, START)[0], expected, rtol=1e-12, atol=1e-14)


@NAMED
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_formula_on_a_device_is_the_update_in_place(rule, options, oracle, dtype):
    registry.register("boxed", BoxedBackend)
    start = START.astype(dtype)
    there, here = walk(rule, options, start, "boxed")[0], walk(rule, options, start)[0]
    assert there.dtype == dtype
    np.testing.assert_allclose(there, here, rtol=3e-5 if dtype == "float32" else 1e-12, atol=1e-6)


@pytest.mark.cpu
@NAMED
def test_blocks_give_the_bits_of_the_whole(rule, options, oracle, monkeypatch):
    start = np.random.default_rng(1).normal(size=(7, 11)).astype(np.float32)
    whole, _ = walk(rule, options, start)
    monkeypatch.setattr(in_place, "BLOCK", 10)
    cut, optimizer = walk(rule, options, start)
    assert len(optimizer._slots[0][0].prepared[1]) == 8
    assert np.array_equal(cut, whole)


@pytest.mark.parametrize("layout", ["columns first", "every second", "0-d", "empty"])
def test_any_memory_layout(layout, monkeypatch):
    monkeypatch.setattr(in_place, "BLOCK", 4)
    start = {
        "columns first": np.asfortranarray(START),
        "every second": np.repeat(START, 2, 1)[:, ::2],
        "0-d": np.array(0.7),
        "empty": np.zeros((0, 3)),
    }[layout]
    for rule, options, oracle in (RULES[3], RULES[8]):
        memory = np.repeat(START, 2, 1)[:, ::2] if layout == "every second" else start.copy(order="K")
        w = te.functional.wrap(memory, requires_grad=True)
        optimizer = rule([w], **options)
        for t in range(STEPS):
            g = gradient(w.numpy(), t)
            w.grad = te.functional.wrap(np.array(g, order="F"))
            optimizer.step()
        np.testing.assert_allclose(w.numpy(), oracle(start, gradient, **options), rtol=1e-12)


@NAMED
def test_state_round_trip_in_mid_run_gives_the_same_bits(rule, options, oracle):
    start = START.astype(np.float32)
    straight, _ = walk(rule, options, start)
    w = te.tensor(start, requires_grad=True)
    optimizer = rule([w], **options)
    for t in range(STEPS):
        if t == STEPS // 2:
            state = optimizer.state_dict()
            w = te.tensor(w.numpy(), requires_grad=True)
            optimizer = rule([w], lr=123.0)
            optimizer.load_state_dict(state)
            for row in state["state"].values():  # what was loaded is a copy
                for value in row.values():
                    if isinstance(value, np.ndarray):
                        value.fill(99)
        w.grad = te.tensor(gradient(w.numpy(), t).astype(np.float32))
        optimizer.step()
    assert np.array_equal(w.numpy(), straight)


def test_groups_have_their_own_settings_and_learning_rates_may_change():
    a, b = te.tensor([1.0], requires_grad=True), te.tensor([1.0], requires_grad=True)
    optimizer = optim.SGD([{"params": [a]}, {"params": b, "lr": 0.1}], lr=0.5)
    for w in (a, b):
        w.grad = te.ones(1)
    optimizer.step()
    optimizer.param_groups[0]["lr"] = 0.25
    optimizer.step()
    np.testing.assert_allclose([a.item(), b.item()], [0.25, 0.8], rtol=1e-6)


def test_momentum_turned_on_and_off_on_the_way():
    w = te.tensor([1.0], dtype="float64", requires_grad=True)
    optimizer = optim.SGD([w], lr=0.1)
    w.grad = te.tensor([1.0], dtype="float64")
    path = []
    for momentum in (0.0, 0.5, 0.5, 0.0):
        optimizer.param_groups[0]["momentum"] = momentum
        optimizer.step()
        path.append(w.item())
    np.testing.assert_allclose(path, [0.9, 0.8, 0.65, 0.55])
