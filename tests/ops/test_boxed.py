"""Every op, forward and backward, on a backend whose arrays can do nothing: none goes past the protocol."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.backend.boxed import BoxedBackend
from tinygrad_edu.backend import registry
from tinygrad_edu.engine.apply import create
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.testing import calls

OPS = sorted(name for name in REGISTRY if REGISTRY[name].inputs)
RANDOM = sorted(name for name in REGISTRY if "generator" in REGISTRY[name].params)


@pytest.fixture(scope="module", autouse=True)
def boxed():
    registry.register("boxed", BoxedBackend)
    return registry.get("boxed")


def run(op, call, device, order):
    """The result and the gradients of its weighted sum, and (order 2) of the sum of the squares of those."""
    xs = [te.tensor(a, device=device) for a in call.arrays]
    leaves = [x.requires_grad_() for x in xs if x.dtype.kind == "f"]
    out = op(*xs, **call.params)
    found = [out]
    if out.requires_grad:
        weights = np.arange(1.0, out.size + 1).reshape(out.shape)
        out.backward(te.tensor(weights, device=device), create_graph=order == 2)
        first = [x.grad for x in leaves if x.grad is not None]
        found += first
        again = [g for g in first if g.requires_grad]
        if order == 2 and again:
            for x in leaves:
                x.grad = None
            sum((g * g).sum() for g in again).backward()
            found += [x.grad for x in leaves if x.grad is not None]
    assert all(f.device == device for f in found)
    return [f.numpy() for f in found]


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("name", OPS)
@given(data=st.data())
@settings(max_examples=8)
def test_every_op_does_on_an_opaque_device_what_it_does_on_the_cpu(name, order, data):
    call = data.draw(calls(REGISTRY[name]))
    with np.errstate(all="ignore"):
        here, there = (run(REGISTRY[name], call, device, order) for device in ("cpu", "boxed"))
    assert len(here) == len(there)
    for a, b in zip(here, there, strict=True):
        assert (a.shape, a.dtype) == (b.shape, b.dtype)
        np.testing.assert_allclose(b, a, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", RANDOM)
@given(data=st.data())
@settings(max_examples=3)
def test_random_numbers_are_the_same_bits(name, data, boxed):
    call = data.draw(calls(REGISTRY[name]))
    generator = call.params["generator"]
    state = generator.state_dict()
    here = create(REGISTRY[name], call.params, registry.cpu).numpy()
    generator.load_state_dict(state)
    there = create(REGISTRY[name], call.params, boxed).numpy()
    np.testing.assert_array_equal(here, there)


def test_a_model_trains_there():
    def losses(device):
        random = np.random.default_rng(0)
        x = te.tensor(random.normal(size=(20, 3)), device=device)
        t = te.tensor(random.integers(0, 2, 20), device=device)
        w = te.tensor(random.normal(size=(2, 3)), device=device, requires_grad=True)
        b = te.tensor(np.zeros(2), device=device, requires_grad=True)
        out = []
        for _ in range(5):
            loss = te.cross_entropy(te.linear(x, w, b), t)
            gw, gb = te.grad(lambda w, b: te.cross_entropy(te.linear(x, w, b), t), (0, 1))(w, b)
            w = (w - 0.5 * gw).detach().requires_grad_()
            b = (b - 0.5 * gb).detach().requires_grad_()
            out.append(loss.item())
        return out

    here, there = losses("cpu"), losses("boxed")
    np.testing.assert_allclose(there, here, rtol=1e-12)
    assert there[-1] < there[0]


@pytest.mark.parametrize("write", [
    lambda x: x.zero_(), lambda x: x.fill_(3.0), lambda x: x.add_(2.0), lambda x: x.mul_(2.0),
    lambda x: x.copy_(te.ones(2, 3)), lambda x: x.__setitem__(0, 5.0), lambda x: x.__setitem__((1, 2), 5),
    lambda x: x.__setitem__(np.array([[True, False, True], [False, True, False]]), 5.0),
    lambda x: x.copy_(x[::-1]), lambda x: x.T[::2].mul_(7.0),
    lambda x: x.add_(te.ones(3, device=x.device), alpha=0.5)])  # fmt: skip
def test_changes_in_place(write):
    numbers = np.arange(6.0).reshape(2, 3)
    here, there = te.tensor(numbers), te.tensor(numbers, device="boxed")
    write(here)
    write(there)
    np.testing.assert_array_equal(there.numpy(), here.numpy())


@pytest.mark.parametrize("look", [
    lambda x: x.T.reshape(-1), lambda x: x[:, ::2].reshape(-1), lambda x: x[::-1].reshape(2, 6),
    lambda x: x.T[1:].reshape(-1), lambda x: x[0], lambda x: x[1, 2],
    lambda x: x.expand(2, 3, 4).reshape(6, 4),
    lambda x: te.sliding_windows(x.T, 2).reshape(-1), lambda x: x[1:, 1:].T @ x[1:, 1:]])  # fmt: skip
def test_views_of_views_and_layouts_that_must_be_copied_first(look):
    numbers = np.arange(12.0).reshape(3, 4)
    here, there = (te.tensor(numbers, device=device, requires_grad=True) for device in ("cpu", "boxed"))
    np.testing.assert_array_equal(look(there).numpy(), look(here).numpy())
    for x in (here, there):
        y = look(x)
        (y * y).sum().backward()
    np.testing.assert_array_equal(there.grad.numpy(), here.grad.numpy())


@pytest.mark.parametrize("device", ["cpu", "boxed"])
def test_changes_in_place_are_counted_and_refused_where_elements_are_shared(device):
    x = te.ones(2, 3, device=device)
    for times, write in enumerate((x.zero_, lambda: x[0].fill_(2.0), lambda: x.__setitem__(1, 3.0)), 1):
        write()
        assert x.storage.writes.count == times
    with pytest.raises(RuntimeError, match="clone"):
        te.ones(1, 3, device=device).expand(2, 3).zero_()
    with pytest.raises(RuntimeError, match="clone"):
        te.sliding_windows(te.ones(5, device=device), 3).zero_()
    with pytest.raises(TypeError):
        te.tensor([1, 2], device=device).add_(0.5)
    with pytest.raises(RuntimeError, match="no_grad"):
        te.ones(2, device=device, requires_grad=True)[0] = 1.0


@pytest.mark.parametrize("times", [1, 2])
def test_gradients_gather_without_sharing_memory(times):
    x = te.ones(3, device="boxed", requires_grad=True)
    y = te.ones(3, device="boxed", requires_grad=True)
    for _ in range(times):
        (x + y).sum().backward()
    assert x.grad.tolist() == y.grad.tolist() == [float(times)] * 3
    assert x.grad.storage.array._memory is not y.grad.storage.array._memory
