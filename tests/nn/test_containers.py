"""Containers have one place for their items: by number, by name, as attributes, in forward, in names."""

from __future__ import annotations

import copy
import pickle
from collections import OrderedDict

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn

X = te.tensor(np.arange(6.0, dtype="float32").reshape(2, 3))


def line(n: int = 3) -> nn.Linear:
    return nn.Linear(n, n, bias=False)


def agrees(net: nn.Sequential, names: list[str]) -> None:
    """Children, parameters, length, attributes and the forward tell of the same layers."""
    assert [name for name, _ in net.named_children()] == names and len(net) == len(names)
    assert [name for name, _ in net.named_parameters()] == [f"{name}.weight" for name in names]
    y = X
    for name, layer in zip(names, net, strict=True):
        assert getattr(net, name) is layer is net[name] and (name in dir(net)) != name.isdecimal()
        y = y @ layer.weight.T
    np.testing.assert_allclose(net(X).numpy(), y.numpy(), rtol=1e-5)


def _assigned(net: nn.Module) -> None:
    net.head = line()


@pytest.mark.parametrize(
    "add",
    [lambda net: net.add_module("head", line()), lambda net: net.register_module("head", line()), _assigned],
    ids=["add_module", "register_module", "assigned"],
)
def test_a_module_that_is_added_is_an_item(add):
    for net, before in ((nn.Sequential(), []), (nn.Sequential(line(), line()), ["0", "1"])):
        add(net)
        agrees(net, [*before, "head"])
        net.append(line())
        agrees(net, [*before, "head", str(len(before) + 1)])
    for modules in (nn.ModuleList([line()]), nn.ModuleDict({"0": line()})):
        add(modules)
        assert len(modules) == 2 and [n for n, _ in modules.named_children()] == ["0", "head"]


def test_a_child_is_replaced_in_its_place():
    net = nn.Sequential(OrderedDict(a=line(), fc=line(), b=line()))
    fresh = line()
    net.fc = fresh
    assert net[1] is net.fc is net["fc"] is fresh
    agrees(net, ["a", "fc", "b"])
    net["a"] = line()
    del net.fc
    agrees(net, ["a", "b"])
    for found in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        agrees(found, ["a", "b"])
    named = nn.ModuleDict({"a": line()})
    named.a = fresh
    assert named.a is named["a"] is fresh and len(named) == 1


def test_a_class_of_ones_own_may_assign_before_and_after():
    class Net(nn.Sequential):
        def __init__(self):
            self.first = line()
            super().__init__(line())
            self.last = line()
            self.note = "text"

    net = Net()
    agrees(net, ["first", "0", "last"])
    assert net.note == "text" and "note" not in dict(net.named_children())
    net.note = line()  # no longer a text
    agrees(net, ["first", "0", "last", "note"])


def test_names_stay_where_layers_come_and_go():
    net = nn.Sequential(OrderedDict(a=line(), b=line()))
    net.insert(1, line())
    agrees(net, ["a", "2", "b"])
    net.pop("a")
    agrees(net, ["2", "b"])
    plain = nn.Sequential(line(), line())
    plain.insert(0, line())
    plain.pop()
    agrees(plain, ["0", "1"])


def test_parameters_are_attributes_of_their_containers():
    weights = nn.ParameterDict({"w": te.ones(2)})
    weights.v = nn.Parameter([1.0])
    assert list(weights) == ["w", "v"] and weights.w is weights["w"]
    net = nn.Sequential(line())
    net.scale = nn.Parameter([1.0])  # no layer
    assert len(net) == 1 and [n for n, _ in net.named_parameters()] == ["scale", "0.weight"]


@pytest.mark.parametrize(
    ("change", "kind", "said"),
    [
        (lambda net: setattr(net, "a", 3), TypeError, "layer a is 3, not a Module"),
        (lambda net: setattr(net, "a", None), TypeError, "layer a is None, not a Module"),
        (lambda net: setattr(net, "pop", line()), AttributeError, "Sequential.pop belongs to the class"),
        (lambda net: net.add_module("a", line()), KeyError, r"already has 'a'.*container.a = "),
        (lambda net: net.register_buffer("a", te.ones(1)), KeyError, "already has 'a'"),
        (lambda net: net.append(net), ValueError, "layer 2 is the container itself, or holds it"),
        (lambda net: net.insert(0, net), ValueError, "layer 0 is the container itself"),
        (lambda net: net.extend([line(), net]), ValueError, "layer 3 is the container itself"),
        (lambda net: setattr(net, "c", net), ValueError, "layer c is the container itself"),
        (lambda net: net.append(nn.Sequential(line(), nn.ModuleList([net]))), ValueError, "or holds it"),
        (lambda net: net.__setitem__(0, net), ValueError, "layer 0 is the container itself"),
        (lambda net: net["c"], KeyError, "there is no item 'c'.*it has a, b"),
        (lambda net: net[2], IndexError, "there is no item 2 of 2"),
        (lambda net: net.bb, AttributeError, "no attribute 'bb'"),
        (lambda net: delattr(net, "c"), AttributeError, "c"),
    ],
)
def test_what_cannot_be_an_item(change, kind, said):
    net = nn.Sequential(OrderedDict(a=line(), b=line()))
    with pytest.raises(kind, match=said):
        change(net)
    agrees(net, ["a", "b"])


@pytest.mark.oracle
def test_the_same_children_as_in_pytorch():
    torch = pytest.importorskip("torch")
    states = []
    for library in (nn, torch.nn):
        net = library.Sequential(OrderedDict(a=library.Linear(3, 3), fc=library.Linear(3, 2)))
        net.fc = library.Linear(3, 5)
        net.add_module("c", library.Linear(5, 4))
        net.d = library.Linear(4, 1)
        net.append(library.ReLU())
        del net.c
        net.c = library.Linear(5, 4)
        states.append(([n for n, _ in net.named_children()], [tuple(p.shape) for p in net.parameters()]))
    assert states[0] == states[1]
