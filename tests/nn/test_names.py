"""A name means one tensor: nothing that a module holds is lost in a state or a checkpoint without a word."""

from __future__ import annotations

from collections import ChainMap, UserDict, UserList, deque, namedtuple
from dataclasses import dataclass, field
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn, optim


class Holder(nn.Module):
    """A module with whatever attributes are asked for."""

    def __init__(self, **attributes):
        for name, value in attributes.items():
            setattr(self, name, value)


def line():
    return nn.Linear(1, 1)


def dropping(seed):
    return nn.Dropout(0.5, generator=te.Generator(seed))


def with_buffer(name, **attributes):
    holder = Holder(**attributes)
    holder.register_buffer(name, te.zeros(1))
    return holder


@dataclass
class Parts:
    first: Any = None
    rest: list[Any] = field(default_factory=list)


Pair = namedtuple("Pair", "left right")

TWICE = {
    "keys that are the same text": lambda: Holder(d={0: line(), "0": line()}),
    "keys of other types": lambda: Holder(d={None: line(), "None": line()}),
    "dotted keys": lambda: Holder(d={"a.b": line(), "a": {"b": line()}}),
    "a sequential's dots": lambda: nn.Sequential({"a.b": line(), "a": nn.Sequential({"b": line()})}),
    "a list and a dotted attribute": lambda: Holder(x=[nn.Parameter([1.0])], **{"x.0": nn.Parameter([2.0])}),
    "a module and a dotted attribute": lambda: Holder(x=line(), **{"x.bias": nn.Parameter([2.0])}),
    "two buffers": lambda: Holder(a=Holder(b=with_buffer("c")), **{"a.b": with_buffer("c")}),
    "a layer and an attribute": lambda: _subclassed(),
    "a dataclass and a dotted attribute": lambda: Holder(p=Parts(line()), **{"p.first": line()}),
    "streams of random numbers": lambda: Holder(d={0: dropping(1), "0": dropping(2)}),
}


def _subclassed():
    model = nn.Sequential({"extra": line()})
    setattr(model, "extra.weight", nn.Parameter([2.0]))
    return model


@pytest.mark.parametrize("make", TWICE.values(), ids=TWICE)
def test_two_of_one_name_are_refused_at_every_door(make, tmp_path):
    with pytest.raises(ValueError, match=r"are named .*test_names\.py"):
        nn.save_checkpoint(tmp_path / "c", model=make())
    assert not (tmp_path / "c").exists()
    doors = [
        lambda m: m.state_dict(),
        lambda m: m.load_state_dict({}, strict=False),
        lambda m: [*m.named_parameters(), *m.named_buffers()],
    ]
    if make is TWICE["streams of random numbers"]:
        doors = [lambda m: list(m.named_modules()), lambda m: m.train()]
    for door in doors:
        with pytest.raises(ValueError, match="are named"):
            door(make())


def test_one_tensor_of_two_names_and_one_name_said_twice_are_no_fault():
    holder = Holder(w=nn.Parameter([1.0]))
    holder.v = holder.w
    holder.register_buffer("seen", te.zeros(1))
    holder.register_buffer("seen", te.ones(1))
    assert list(holder.state_dict()) == ["w", "v", "seen"]


@pytest.mark.parametrize(("value", "names"), [
    (deque([line(), line()]), ["x.0", "x.1"]), ({"a": line()}.values(), ["x.0"]),
    (ChainMap({"a": line()}), ["x.a"]), (SimpleNamespace(a=line(), b=[line()]), ["x.a", "x.b.0"]),
    (np.array([[line()], [line()]], dtype=object), ["x.0", "x.1"]),
    (UserList([line()]), ["x.0"]), (UserDict(a=line()), ["x.a"]), (MappingProxyType({"a": line()}), ["x.a"]),
    (Pair(line(), [line()]), ["x.0", "x.1.0"]),
    (Parts(line(), [line()]), ["x.first", "x.rest.0"]),
    ({0: line(), 1.5: line(), ("a", 2): line()}, ["x.0", "x.1.5", "x.('a', 2)"]),
    ([{"a": (line(), deque([line()]))}], ["x.0.a.0", "x.0.a.1.0"]),
])  # fmt: skip
def test_what_is_in_a_container_is_found(value, names):
    assert [name for name, _ in Holder(x=value).named_children()] == names
    assert len(list(Holder(x=value).parameters())) == 2 * len(names)


@pytest.mark.parametrize("value", [{line()}, frozenset([line()]), [{"a": {line()}}], {(1, line())}])
def test_a_set_is_refused(value):
    with pytest.raises(TypeError, match="no order, and so no names"):
        list(Holder(x=value).parameters())
    assert list(Holder(x={1, "a", (2, 3)}).parameters()) == []


def test_containers_and_dataclasses_inside_themselves_are_entered_once():
    inner: list[Any] = [line()]
    inner.append(inner)
    parts = Parts(line())
    parts.rest.append(parts)
    assert [n for n, _ in Holder(x=inner, y=parts).named_children()] == ["x.0", "y.first"]


def test_a_module_may_be_a_dataclass():
    @dataclass(eq=False)
    class Net(nn.Module):
        first: nn.Module
        activation: nn.Module = nn.ReLU()  # noqa: RUF009

    assert [n for n, _ in Net(line()).named_modules()] == ["", "first", "activation"]
    assert list(Holder(net=Net(line())).state_dict()) == ["net.first.weight", "net.first.bias"]


def test_what_belongs_to_a_class_is_refused():
    class Shared(nn.Module):
        weight = nn.Parameter([1.0])

    class Child(Shared):
        layers = (line(),)

    for kind in (Shared, Child):
        with pytest.raises(TypeError, match="belongs to the class"):
            list(kind().parameters())
    own = Child()
    own.weight, own.layers = nn.Parameter([2.0]), ()
    assert list(own.state_dict()) == ["weight"]
    with pytest.raises(TypeError, match="drop __slots__"):
        type("Slotted", (nn.Module,), {"__slots__": ("weight",)})


def test_a_sequential_has_text_for_names_and_appends_under_a_free_one():
    model = nn.Sequential({0: line(), 2: line()})
    assert list(model.state_dict()) == ["0.weight", "0.bias", "2.weight", "2.bias"]
    model.append(nn.ReLU()).append(line())
    assert [name for name, _ in model.named_children()] == ["0", "2", "3", "4"] and len(model) == 4
    with pytest.raises(ValueError, match="same text"):
        nn.Sequential({0: line(), "0": line()})


KEYS = st.one_of(
    st.integers(-2, 2), st.text(".01ab", max_size=3), st.none(), st.booleans(), st.floats(-1, 1, width=16)
)


@given(
    st.recursive(
        st.just("layer"),
        lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
        max_leaves=6,
    )
)
def test_all_is_saved_or_refused(shape):
    made = []

    def build(shape):
        if shape == "layer":
            made.append(line())
            return made[-1]
        if isinstance(shape, list):
            return [build(inner) for inner in shape]
        return {key: build(inner) for key, inner in shape.items()}

    model = Holder(x=build(shape), y=line())
    made.append(model.y)
    try:
        state = model.state_dict()
    except ValueError as error:
        assert "are named" in str(error)
    else:
        assert sorted(a.item() for a in state.values()) == sorted(
            p.item() for layer in made for p in (layer.weight, layer.bias)
        )


@pytest.mark.parametrize("value", [300.0, -1, 2.5, float("nan"), 2**70])
def test_numbers_that_a_buffer_does_not_have_are_refused(value):
    holder = Holder(scale=nn.Parameter([1.0]))
    holder.register_buffer("count", te.tensor([7], dtype="uint8"))
    with pytest.raises(ValueError, match="count"):
        holder.load_state_dict({"scale": np.array([2.0]), "count": np.array([value])})
    assert holder.count.item() == 7 and holder.scale.item() == 1.0


def test_a_weight_that_would_become_infinite_is_refused():
    holder = Holder(scale=nn.Parameter([1.0]))
    with pytest.raises(ValueError, match="scale has numbers in the state that float32 does not have"):
        holder.load_state_dict({"scale": np.array([1e300])})
    holder.load_state_dict({"scale": np.array([np.inf])})
    assert np.isinf(holder.scale.item())


@pytest.mark.parametrize(
    "extra", [{1: "a", "1": "b"}, {"deep": [{"er": {None: 1}}]}, {True: 1}, {(1, 2): 3}, {1.5: 2}]
)
def test_keys_that_json_would_make_text_of_are_refused(extra, tmp_path):
    with pytest.raises(TypeError, match="key"):
        nn.save_checkpoint(tmp_path / "c", extra=extra)
    assert not (tmp_path / "c").exists()


def test_streams_of_random_numbers_are_named_by_text(tmp_path):
    with pytest.raises(TypeError, match="generators"):
        nn.save_checkpoint(tmp_path / "c", generators={1: te.Generator(1)})
    model = nn.Sequential(line())
    optimizer = optim.SGD(model.parameters(), lr=np.float32(0.5))
    nn.save_checkpoint(tmp_path / "c", model=model, optimizer=optimizer, extra={"a": [np.int64(1), None]})
    assert nn.load_checkpoint(tmp_path / "c", model=model) == {"a": [1, None]}
