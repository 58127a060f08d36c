"""Further objects in a checkpoint: any state comes back as it was, and an error changes nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn, optim

KEYS = st.one_of(st.text(max_size=6), st.integers(), st.tuples(st.integers(), st.booleans()),
                 st.sampled_from(["$array", "$scalar", "$tuple"]))  # fmt: skip
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False), st.text(max_size=6),
                   st.sampled_from([np.zeros((2, 0)), np.arange(3), np.array(2.0)]),
                   st.just(np.float32(0.1)))  # fmt: skip
STATES = st.recursive(LEAVES, lambda inside: st.one_of(
    st.lists(inside, max_size=3), st.lists(inside, max_size=3).map(tuple),
    st.dictionaries(KEYS, inside, max_size=3)), max_leaves=12)  # fmt: skip


class Part:
    """An object with a state; it refuses `refused`."""

    def __init__(self, state: Any = None, refused: bool = False) -> None:
        self.state, self.refused = state, refused

    def state_dict(self) -> Any:
        return self.state

    def load_state_dict(self, state: Any) -> None:
        if self.refused:
            raise ValueError("not this one")
        self.state = state


def same(found: Any, expected: Any) -> bool:
    """Equal, with the same types, and arrays with the same bits."""
    if type(found) is not type(expected):
        return False
    if isinstance(found, np.ndarray):
        return found.dtype == expected.dtype and found.shape == expected.shape and (found == expected).all()
    if isinstance(found, dict):
        pairs = zip(found.items(), expected.items(), strict=True)
        return len(found) == len(expected) and all(same(k, q) and same(v, w) for (k, v), (q, w) in pairs)
    if isinstance(found, list | tuple):
        return len(found) == len(expected) and all(map(same, found, expected))
    return bool(found == expected)


@given(state=STATES, other=STATES)
def test_any_state_comes_back(tmp_path_factory: Any, state: Any, other: Any) -> None:
    path = tmp_path_factory.mktemp("parts") / "a.safetensors"
    nn.save_checkpoint(path, parts={"one": Part(state), "one.0": Part(other)})
    one, two = Part(), Part()
    nn.load_checkpoint(path, parts={"one": one, "one.0": two})
    assert same(one.state, state) and same(two.state, other)


def test_several_optimizers_and_an_average_are_parts(tmp_path: Any) -> None:
    def made() -> tuple[nn.Linear, nn.Linear, dict[str, Any]]:
        te.manual_seed(1)
        model, average = nn.Linear(2, 3), nn.Linear(2, 3)
        first, second = optim.Adam([model.weight]), optim.SGD([model.bias], momentum=0.5)
        return model, average, {"first": first, "second": second, "average": average}

    def step(model: nn.Linear, parts: dict[str, Any]) -> None:
        model.zero_grad()
        (model(te.ones(4, 2)) ** 2).mean().backward()
        parts["first"].step()
        parts["second"].step()

    model, average, parts = made()
    step(model, parts)
    average.load_state_dict(model.state_dict())
    nn.save_checkpoint(tmp_path / "a.safetensors", model=model, parts=parts)
    step(model, parts)
    again, copied, loaded = made()
    nn.load_checkpoint(tmp_path / "a.safetensors", model=again, parts=loaded)
    assert not np.array_equal(copied.weight.numpy(), model.weight.numpy())
    np.testing.assert_array_equal(copied.weight.numpy(), again.weight.numpy())
    step(again, loaded)
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(again.state_dict()[name], array)


def test_what_does_not_fit_changes_nothing(tmp_path: Any) -> None:
    path, model = tmp_path / "a.safetensors", nn.Linear(2, 3)
    nn.save_checkpoint(path, model=model, parts={"one": Part(1), "two": Part(2)})
    one, two, weight = Part(7), Part(8, refused=True), model.weight.numpy().copy()
    with te.no_grad():
        model.weight.zero_()
    with pytest.raises(nn.CheckpointError, match="not this one"):
        nn.load_checkpoint(path, model=model, parts={"one": one, "two": two})
    assert (one.state, two.state) == (7, 8) and not model.weight.numpy().any()
    with pytest.raises(nn.CheckpointError, match="without a part 'three'"):
        nn.load_checkpoint(path, model=model, parts={"one": one, "three": Part()})
    assert one.state == 7 and weight.any()
    with pytest.raises(TypeError, match="'bad' has a object"):
        nn.save_checkpoint(path, parts={"bad": Part(object())})
    assert nn.load_checkpoint(path) is None
