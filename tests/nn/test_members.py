"""What belongs to a module is found by a name, or it is an error: nothing is silently left out."""

from __future__ import annotations

import collections
import copy
import functools
import gc
import types
import weakref
from dataclasses import dataclass, field

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn


def line():
    return nn.Linear(1, 1, bias=False)


@dataclass
class Parts:
    first: nn.Module = field(default_factory=line)
    rest: list = field(default_factory=lambda: [line()])


class Plain:
    def __init__(self):
        self.layers = [line()]


class Slots:
    __slots__ = ("layer",)

    def __init__(self):
        self.layer = line()


Pair = collections.namedtuple("Pair", "a b")
FOUND = {
    "deque": (lambda: collections.deque([line()]), ["0"]), "list": (lambda: [line(), [line()]], ["0", "1.0"]),
    "tuple": (lambda: (line(),), ["0"]), "dict": (lambda: {"a": line()}, ["a"]),
    "defaultdict": (lambda: collections.defaultdict(list, {"a": [line()]}), ["a.0"]),
    "UserDict": (lambda: collections.UserDict(a=line()), ["a"]), "Pair": (lambda: Pair(line(), 1), ["0"]),
    "dataclass": (Parts, ["first", "rest.0"]), "namespace": (lambda: types.SimpleNamespace(a=line()), ["a"]),
    "proxy": (lambda: types.MappingProxyType({"a": line()}), ["a"]),
    "array": (lambda: np.array([line(), None], object), ["0"]),
    "ModuleList": (lambda: nn.ModuleList([line()]), ["0"]),
    "values": (lambda: {"a": line()}.values(), ["0"]),
}  # fmt: skip
REFUSED = {
    "set": lambda: {line()}, "frozenset": lambda: frozenset([line()]), "keys": lambda: {line(): 1}.keys(),
    "items": lambda: {"a": line()}.items(), "dict by module": lambda: {line(): "a"},
    "set of parameters": lambda: {nn.Parameter([1.0])}, "partial": lambda: functools.partial(line(), 1),
    "method": lambda: line().forward, "closure": lambda: (lambda layer: lambda x: layer(x))(line()),
    "object": Plain, "slots": Slots, "list of objects": lambda: [Plain()],
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_containers_are_found(name):
    make, names = FOUND[name]
    model = nn.Module()
    model.x = make()
    assert [n for n, _ in model.named_parameters()] == [f"x.{n}.weight" for n in names]


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_name_is_refused(name):
    model = nn.Module()
    model.x = REFUSED[name]()
    with pytest.raises(TypeError, match=r"x(\.0)? is a .*test_members\.py"):
        list(model.parameters())


def test_references_to_what_has_a_name_are_allowed():
    model = nn.Module()
    model.inner = nn.Module()
    model.inner.layer = line()
    model.call = model.inner.layer.forward
    model.later = functools.partial(model.inner.layer, 1)
    model.inner.owner = Plain()
    model.inner.owner.layers = [model]  # it leads to a module around this one
    model.inner.loop = lambda x: model(x)
    assert [n for n, _ in model.named_parameters()] == ["inner.layer.weight"]
    assert [n for n, _ in model.inner.named_parameters()] == ["layer.weight"]
    teacher = line()
    model.teacher = weakref.ref(teacher)
    assert len(list(model.parameters())) == 1


def test_names_and_selections():
    model = nn.Module()
    model.w = nn.Parameter([1.0])
    model.register_parameter("none", None)
    model.register_parameter("v", nn.Parameter([2.0]))
    model.add_module("line", line())
    model.register_buffer("mean", te.zeros(1))
    assert [n for n, _ in model.named_parameters()] == ["w", "v", "line.weight"]
    assert [n for n, _ in model.named_parameters(recurse=False, prefix="m")] == ["m.w", "m.v"]
    assert [n for n, _ in model.named_modules(prefix="m")] == ["m", "m.line"]
    assert len(list(model.parameters(recurse=False))) == 2 and len(list(model.line.buffers())) == 0
    assert [n for n, _ in model.named_buffers(prefix="m")] == ["m.mean"]
    assert model.get_submodule("line") is model.line and model.get_submodule("") is model
    assert model.get_parameter("line.weight") is model.line.weight and model.get_buffer("mean") is model.mean
    for call, said in ((lambda: model.get_submodule("lime"), "has no 'lime'.*did you mean line"),
                       (lambda: model.get_parameter("mean"), "has no 'mean'"),
                       (lambda: model.get_buffer("w"), "has no 'w'.*it has mean")):  # fmt: skip
        with pytest.raises(AttributeError, match=said):
            call()


@pytest.mark.parametrize(("call", "kind", "said"), [
    (lambda m: m.register_parameter("a", te.ones(1)), TypeError, "Tensor is no Parameter"),
    (lambda m: m.register_parameter("a.b", nn.Parameter([1.0])), KeyError, "names are texts without dots"),
    (lambda m: m.register_parameter("w", nn.Parameter([1.0])), KeyError, "already has 'w'"),
    (lambda m: m.add_module("train", line()), KeyError, "already has 'train'"),
    (lambda m: m.add_module("a", 3), TypeError, "a int is no Module"),
    (lambda m: m.to(), TypeError, "nothing says where to"),
    (lambda m: m.to("int64"), TypeError, "must stay floats"),
])  # fmt: skip
def test_bad_arguments(call, kind, said):
    model = nn.Module()
    model.w = nn.Parameter([1.0])
    with pytest.raises(kind, match=said):
        call(model)


def test_to_takes_both_and_tensors():
    model = line()
    assert model.double().weight.dtype == te.float64 and model.float().weight.dtype == te.float32
    assert model.to("cpu", "float64").weight.dtype == te.float64
    assert model.to(te.ones(1)).weight.dtype == te.float32
    assert model.to(dtype="float64", device="cpu").cpu().weight.device == "cpu"


def test_lists_and_dicts_of_modules():
    layers = nn.ModuleList([line(), nn.ReLU()])
    layers += [line()]
    layers.insert(0, nn.Tanh())
    assert [type(m).__name__ for m in layers] == ["Tanh", "Linear", "ReLU", "Linear"]
    assert (
        isinstance(layers[1:3], nn.ModuleList) and layers[-1] is layers[3] and layers.pop(0) is not layers[0]
    )
    del layers[1]
    assert (
        list(layers.state_dict()) == ["0.weight", "1.weight"] and len(layers + nn.ModuleList([line()])) == 3
    )
    table = nn.ModuleDict({"a": line()})
    table["b"] = nn.ReLU()
    table.update([("c", line())])
    assert list(table) == list(table.keys()) == ["a", "b", "c"] and "b" in table and len(table) == 3
    assert table.pop("a") is not table["c"] and [n for n, _ in table.items()] == ["b", "c"]
    del table["b"]
    assert [n for n, _ in table.named_parameters()] == ["c.weight"] and len(list(table.values())) == 1
    table.clear()
    assert not len(table)
    shared = copy.deepcopy(layers)
    assert shared[0].weight is not layers[0].weight


def test_lists_and_dicts_of_parameters():
    rows = nn.ParameterList([te.ones(2), nn.Parameter([1.0])])
    assert all(isinstance(p, nn.Parameter) and p.requires_grad for p in rows)
    table = nn.ParameterDict({"w": te.ones(1, 2)})
    assert "(w): Parameter of shape (1, 2)" in repr(table) and repr(nn.ParameterList()) == "ParameterList()"
    model = nn.Sequential(nn.Identity())
    model.rows, model.table = rows, table
    assert [n for n, _ in model.named_parameters()] == ["rows.0", "rows.1", "table.w"]


@pytest.mark.parametrize(("call", "kind", "said"), [
    (lambda: nn.ModuleList([line()])(1), NotImplementedError, "in which order its layers are used"),
    (lambda: nn.ModuleList([nn.ReLU]), TypeError, r"layer 0 is .* not a Module.*call it: ReLU\(\)"),
    (lambda: nn.ModuleList(nn.ReLU()), TypeError, "ReLU is no sequence of items"),
    (lambda: nn.ModuleList([line()])[1], IndexError, "no item 1 of 1"),
    (lambda: nn.ModuleDict({"a.b": line()}), TypeError, "names are texts without dots"),
    (lambda: nn.ModuleDict({"a": line()})["b"], KeyError, "there is no 'b'.*it has a"),
    (lambda: nn.ParameterList([line()]), TypeError, "item 0 is .* not a Parameter"),
    (lambda: nn.ParameterDict({"a": 1.0}), TypeError, "item a is 1.0, not a Parameter"),
    (lambda: nn.Sequential().extend([nn.ReLU(), 3]), TypeError, "layer 1 is 3, not a Module"),
])  # fmt: skip
def test_bad_items(call, kind, said):
    with pytest.raises(kind, match=said) as error:
        call()
    assert "test_members.py" in str(error.value)


def test_a_list_that_refuses_an_item_is_as_it_was():
    layers, chain = nn.ModuleList([line()]), nn.Sequential(line())
    for held in (layers, chain):
        with pytest.raises(TypeError):
            held.extend([nn.ReLU(), 3])
        assert len(held) == 1


def test_sequential_changes_as_a_list_does():
    model = nn.Sequential({"a": line(), "b": nn.ReLU()})
    assert list(model[:1].state_dict()) == ["a.weight"]
    del model["b" in model._items and 1]
    assert list(model._items) == ["a"]
    chain = nn.Sequential(nn.ReLU(), line()).extend([nn.Tanh()]).insert(1, nn.ELU())
    assert chain.pop(0).__class__ is nn.ReLU and list(chain.state_dict()) == ["1.weight"]
    assert [type(m).__name__ for m in chain + nn.Sequential(nn.Tanh())] == ["ELU", "Linear", "Tanh", "Tanh"]
    del chain[1:]
    assert len(chain) == 1
    gc.collect()
