"""The state and the hooks of torch.nn.Module of the face, without PyTorch."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_edu.torch as torch
from tests.torch.nets import Net, numbers, same
from tinygrad_edu.torch import nn


def test_a_state_shares_memory_and_goes_back():
    net, other = Net(), Net()
    state = net.state_dict()
    assert isinstance(state, OrderedDict) and not state["first.weight"].requires_grad
    assert str(other.load_state_dict(state)) == "<All keys matched successfully>"
    assert all(same(state[k], other.state_dict()[k]) for k in state)
    with torch.no_grad():
        net.first.weight.zero_()
    assert same(state["first.weight"], torch.zeros(4, 3))
    assert net.state_dict(keep_vars=True)["scale"] is net.scale
    assert all(k.startswith("p.") for k in net.state_dict(prefix="p."))


def test_a_state_that_does_not_fit_says_all_that_is_wrong():
    net = Net()
    state = dict(net.state_dict())
    del state["scale"]
    state["more"] = torch.ones(1)
    state["first.weight"] = torch.ones(2, 2)
    before = numbers(net.first.bias)
    with pytest.raises(RuntimeError) as caught:
        net.load_state_dict(state)
    text = str(caught.value)
    assert "Error(s) in loading state_dict for Net" in text
    assert 'Missing key(s) in state_dict: "scale"' in text
    assert 'Unexpected key(s) in state_dict: "more"' in text
    assert "size mismatch for first.weight" in text
    assert np.array_equal(before, numbers(net.first.bias))
    del state["first.weight"]
    keys = net.load_state_dict(state, strict=False)
    assert keys.missing_keys == ["scale", "first.weight"] and keys.unexpected_keys == ["more"]
    with pytest.raises(TypeError, match="dict-like"):
        net.load_state_dict([1])


def test_a_state_may_take_the_place_of_parameters():
    layer = nn.Linear(2, 2)
    weight = torch.ones(2, 2, dtype=torch.float64)
    layer.load_state_dict({"weight": weight, "bias": torch.zeros(2, dtype=torch.float64)}, assign=True)
    assert layer.weight.dtype == torch.float64 and isinstance(layer.weight, nn.Parameter)
    weight.add_(1)
    assert same(layer.weight, weight)
    assert same(layer(torch.ones(1, 2, dtype=torch.float64)), torch.full((1, 2), 4.0))


def test_extra_state_and_hooks_of_the_state():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.count = 0
            self.layer = nn.Linear(1, 1)

        def get_extra_state(self):
            return self.count

        def set_extra_state(self, state):
            self.count = state

    first, second = Counting(), Counting()
    first.count = 7
    calls = []
    first.register_state_dict_pre_hook(lambda *args: calls.append("before"))
    first.register_state_dict_post_hook(lambda module, state, prefix, metadata: calls.append(len(state)))
    second.register_load_state_dict_pre_hook(lambda module, state, *more: calls.append(module is second))
    second.register_load_state_dict_post_hook(lambda module, keys: calls.append(keys.missing_keys))
    second.load_state_dict(first.state_dict())
    assert second.count == 7
    assert calls == ["before", 3, True, []]


def test_hooks_are_called_in_order_and_removed():
    layer, calls = nn.Linear(2, 2), []
    handle = layer.register_forward_pre_hook(lambda m, args: calls.append("pre"))
    layer.register_forward_pre_hook(lambda m, args: (args[0] * 2,))
    layer.register_forward_pre_hook(lambda m, args: calls.append("first"), prepend=True)
    layer.register_forward_hook(lambda m, args, out: out + 1)
    layer.register_forward_hook(lambda m, args, kwargs, out: calls.append(kwargs), with_kwargs=True)
    x = torch.ones(1, 2)
    expected = numbers(layer.forward(x * 2) + 1)
    assert np.allclose(numbers(layer(x)), expected)
    assert calls == ["first", "pre", {}]
    handle.remove()
    layer(x)
    assert calls == ["first", "pre", {}, "first", {}]


def test_a_hook_is_called_also_after_an_error_if_it_asks_for_it():
    calls = []

    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    module = Broken()
    module.register_forward_hook(lambda m, args, out: calls.append(out), always_call=True)
    with pytest.raises(ValueError, match="no"):
        module(1)
    assert calls == [None]


def test_backward_hooks_get_gradients_and_replace_them():
    layer, seen = nn.Linear(2, 3), []
    layer.register_full_backward_hook(lambda m, into, out: seen.append((into[0].shape, out[0].shape)))
    layer.register_full_backward_hook(lambda m, into, out: (into[0] * 0 + 5,))
    layer.register_full_backward_pre_hook(lambda m, out: (out[0] * 2,))
    x = torch.ones(4, 2, requires_grad=True)
    layer(x).sum().backward()
    assert seen == [((4, 2), (4, 3))]
    assert same(x.grad, torch.full((4, 2), 5.0))
    assert np.allclose(numbers(layer.bias.grad), 8.0)


def test_hooks_of_all_modules():
    calls = []
    handle = nn.modules.module.register_module_forward_hook(
        lambda m, args, out: calls.append(type(m).__name__)
    )
    with handle:
        nn.Sequential(nn.ReLU(), nn.Tanh())(torch.ones(1))
    nn.ReLU()(torch.ones(1))
    assert calls == ["ReLU", "Tanh", "Sequential"]
