"""A graph may cross devices: `.to(device)` passes gradients, of every order; each stays where it belongs."""

from __future__ import annotations

import copy
import inspect
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.backend.boxed import BoxedBackend
from tinygrad_edu.backend import registry
from tinygrad_edu.errors import AnomalyError, DeviceError


@pytest.fixture(autouse=True, scope="module")
def boxed():
    registry.register("boxed", BoxedBackend)


def walk(x, places):
    """A function of x whose steps run on `places`, one after another."""
    for k, place in enumerate(places):
        x = (x.to(place) * (k + 1.5)).sin() + x.to(place)
    return x.sum()


@given(
    places=st.lists(st.sampled_from(["cpu", "boxed"]), min_size=1, max_size=4),
    start=st.sampled_from(["cpu", "boxed"]),
    create_graph=st.booleans(),
)
def test_gradients_cross_devices_as_if_there_were_one(places, start, create_graph):
    data = np.linspace(-1, 1, 6).reshape(2, 3)
    here = te.tensor(data, requires_grad=True, device="cpu")
    there = te.tensor(data, requires_grad=True, device=start)
    for x, where in ((here, ["cpu"] * len(places)), (there, places)):
        walk(x, where).backward(create_graph=create_graph)
        assert x.grad.device == x.device
        if create_graph:
            first, x.grad = x.grad, None
            (first * first).sum().backward()
            assert x.grad.device == x.device
    np.testing.assert_allclose(there.grad.numpy(), here.grad.numpy(), rtol=1e-13)


def test_both_ways_into_one_leaf_add_up():
    x = te.tensor([1.0, 2.0], requires_grad=True, device="cpu")
    (x * 3.0).sum().backward()
    (x.to("boxed") * 4.0).sum().backward()  # arrives from elsewhere, is added here
    ((x * 2.0).sum() + (x.to("boxed") * 5.0).to("cpu").sum()).backward()
    assert x.grad.numpy().tolist() == [14.0, 14.0]
    x.grad.zero_()  # and is memory of its own, that may be written


def test_a_model_may_lie_on_two_devices():
    def losses(first, second):
        te.manual_seed(0)
        a, b = te.nn.Linear(3, 4).to(first), te.nn.Linear(4, 1).to(second)
        optimizer = te.optim.SGD([*a.parameters(), *b.parameters()], lr=0.1, momentum=0.9)
        x = te.tensor(np.arange(15.0, dtype=np.float32).reshape(5, 3) / 15, device="cpu")
        said = []
        for _ in range(4):
            optimizer.zero_grad()
            loss = (b(a(x.to(first)).tanh().to(second)).to("cpu") - 1.0).square().mean()
            loss.backward()
            optimizer.step()
            said.append(loss.item())
        return said

    whole, split = losses("cpu", "cpu"), losses("cpu", "boxed")
    np.testing.assert_allclose(split, whole, rtol=1e-5)
    assert whole[-1] < whole[0]


def test_without_a_graph_nothing_is_recorded_and_the_same_device_is_the_same_tensor():
    x = te.tensor([1.0], requires_grad=True, device="cpu")
    with te.no_grad():
        assert not x.to("boxed").requires_grad
    assert x.to("cpu") is x
    moved = x.to("boxed")
    assert moved.requires_grad and not moved.is_leaf and moved.device == "boxed"
    assert te.tensor([1], device="cpu").to("boxed").dtype == np.int64


def test_inputs_on_two_devices_are_an_error_that_names_both():
    with pytest.raises(DeviceError, match=r"different devices \(cpu, boxed\)"):
        te.tensor([1.0], device="cpu") + te.tensor([1.0], device="boxed")


@pytest.fixture
def elsewhere():
    """A leaf on the cpu and one elsewhere, alike."""
    return [te.tensor([1.0, 2.0], requires_grad=True, device=where) for where in ("cpu", "boxed")]


def test_a_gradient_of_another_device_is_refused_by_name(elsewhere):
    for x, y in (elsewhere, elsewhere[::-1]):
        with pytest.raises(DeviceError, match=rf"grad lies on {y.device}, this tensor on {x.device}.*\.to\("):
            x.grad = y.detach()
        with pytest.raises(DeviceError, match=f"gradient=. lies on {y.device}, this tensor on {x.device}"):
            (x * 2.0).backward(y.detach())
        for hooked in (x, x * 2.0):
            hook = hooked.register_hook(lambda g, y=y: y.detach())
            with pytest.raises(DeviceError, match=f"tensor on {y.device} for a gradient on {x.device}"):
                (hooked * 1.0).sum().backward()
            hook.remove()
        assert x.grad is None
        x.grad = x.detach()
        assert x.grad.device == x.device
        x.grad = None


@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("where", ["cpu", "boxed"])
def test_a_gradient_keeps_the_sign_of_zero(where, create_graph):
    x = te.tensor([1.0, 2.0], requires_grad=True, device=where)
    (x * te.tensor([-0.0, 0.0], device=where)).sum().backward(create_graph=create_graph)
    assert np.signbit(x.grad.detach().numpy()).tolist() == [True, False]


def test_a_kept_gradient_is_memory_of_its_own_elsewhere_too(elsewhere):
    x, seed = elsewhere[1], te.tensor([3.0, 4.0], device="boxed")
    x.backward(seed)
    x.grad.zero_()
    assert seed.tolist() == [3.0, 4.0]


def test_names_that_mean_one_device_open_one(monkeypatch):
    here = registry.get("boxed")
    assert registry.get("boxed:0") is registry.get("boxed:00") is here
    x = te.tensor([1.0], device="cpu:0")
    assert x.device == "cpu" and x.to("cpu:0") is x and x.to("cpu:00") is x
    with pytest.raises(DeviceError, match=r"device=0 is no name of a device .*; say one of"):
        te.ones(2, device=0)
    with pytest.raises(DeviceError, match="no device 'cpu:1'"):
        registry.get("cpu:1")
    monkeypatch.setattr(registry, "_default", "")
    monkeypatch.setenv("TINYGRAD_EDU_DEVICE", "")  # empty is unset
    assert registry.get().name == "cpu"
    assert registry.set_default("cpu:0") == "cpu"


@pytest.mark.parametrize(
    "again", [copy.deepcopy, lambda p: pickle.loads(pickle.dumps(p))], ids=["deepcopy", "pickle"]
)
def test_copies_of_parameters_stay_on_their_device(again):
    for grad in (True, False):
        p = te.nn.Parameter([1.0, 2.0], grad, device="boxed")
        q = again(p)
        assert type(q) is te.nn.Parameter
        assert (q.device, q.requires_grad, q.tolist()) == ("boxed", grad, [1.0, 2.0])
        q.detach().add_(1.0)
        assert p.tolist() == [1.0, 2.0]


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("where", ["cpu", "boxed"])
def test_anomalies_of_backward_name_the_op_and_its_line_wherever_it_ran(where):
    x = te.tensor([0.0, 2.0], requires_grad=True, device=where)
    with te.detect_anomaly():
        line, y = inspect.currentframe().f_lineno, te.sqrt(x)
        with pytest.raises(AnomalyError, match=rf"gradient of sqrt for its input 0 .*{__file__}:{line}"):
            y.sum().backward()


def test_a_profile_sees_the_same_calls_on_every_device():
    def calls(where):
        x = te.tensor(np.arange(6.0).reshape(2, 3) + 1, requires_grad=True, device=where)
        with te.profile.profile() as p:
            (x.softmax(1).log() * x).sum().backward()
        return {row.name: row.calls for row in p.rows}

    assert calls("boxed") == calls("cpu")


def test_a_profile_counts_what_the_device_takes(monkeypatch):
    clock = itertools.count()
    monkeypatch.setattr(te.profile, "perf_counter", lambda: now[0])
    now = [0.0]

    def synchronize():
        now[0] += 1.0 if next(clock) else 100.0  # the first waits for what came before the profile

    monkeypatch.setattr(registry.get("boxed"), "synchronize", synchronize, raising=False)
    x = te.tensor([1.0, 2.0], requires_grad=True, device="boxed")
    with te.profile.profile() as p:
        x.exp().sum().backward()
    rows = {row.name: row for row in p.rows}
    assert 1.0 <= rows["exp"].forward < 2.0 and 1.0 <= rows["exp"].backward < 2.0
    assert p.total.seconds < 100.0


@pytest.mark.parametrize("here, there", [("cpu", "boxed"), ("boxed", "cpu")])
def test_nothing_is_taken_in_from_another_device_in_place(here, there):
    x = te.ones(2, device=here)
    with pytest.raises(DeviceError, match=rf"add_: the tensor lives on {here}, .* on {there} .*test_devices"):
        x.add_(te.ones(2, device=there))
    assert x.add_(te.ones(2, device=there).to(here)).tolist() == [2.0, 2.0]
