"""What a checkpoint computes again is what it computed first, or an error."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.backend import philox
from tinygrad_edu.errors import StaleValueError

ROWS = np.linspace(-1.0, 1.0, 24).reshape(8, 3) ** 3


class Averaged(nn.Module):
    """A layer whose buffers decide its result, as a spectral norm's do, and change at every call."""

    def __init__(self) -> None:
        self.register_buffer("seen", te.ones(3, dtype="float64"))
        self.weight = nn.Parameter(te.ones(3, dtype="float64"))

    def forward(self, x: Any) -> Any:
        with te.no_grad():
            self.seen.mul_(0.5)
            self.seen[0] = self.seen[0] + x.detach().mean()
        return te.tanh(x * self.weight * self.seen.clone())


def dropout() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 5, dtype="float64"), nn.Dropout(0.5, generator=te.Generator(5)))


MODELS: dict[str, Callable[[], nn.Module]] = {
    "dropout": dropout,
    "default dropout": lambda: nn.Sequential(nn.Linear(3, 5, dtype="float64"), nn.Dropout(0.5)),
    "two streams": lambda: nn.Sequential(dropout(), nn.Linear(5, 3, dtype="float64"), dropout()),
    "batch norm": lambda: nn.Sequential(nn.Linear(3, 3, dtype="float64"), nn.BatchNorm1d(3, dtype="float64")),
    "without averages": lambda: nn.BatchNorm1d(3, dtype="float64", track_running_stats=False),
    "both": lambda: nn.Sequential(nn.BatchNorm1d(3, dtype="float64"), dropout()),
    "averaged": Averaged,
    "shared": lambda: nn.Sequential(*[nn.BatchNorm1d(3, dtype="float64")] * 2),
}
WAYS: dict[str, Callable[[Any, Any], te.Tensor]] = {
    "plain": lambda model, x: model(x),
    "checkpoint": te.checkpoint,
    "nested": lambda model, x: te.checkpoint(lambda v: te.checkpoint(model, v) * 1.0, x),
    "twice nested": lambda model, x: te.checkpoint(lambda v: te.checkpoint(te.checkpoint, model, v), x),
}


def trained(model: nn.Module, way: Callable[[Any, Any], te.Tensor], calls: int) -> list[Any]:
    """Gradients, buffers and what the streams say next, after some calls and one backward through all."""
    te.manual_seed(1)
    x = te.tensor(ROWS, requires_grad=True)
    loss = sum((te.square(way(model, x * float(i + 1))).sum() for i in range(calls)), te.zeros(()))
    loss.backward()
    grads = [p.grad for p in model.parameters()]
    streams = [
        philox.default,
        *(v for m in model.modules() for v in vars(m).values() if isinstance(v, te.Generator)),
    ]
    return [x.grad, *grads, *model.state_dict().values(), *[te.rand(2, generator=s) for s in streams]]


@pytest.mark.parametrize("way", sorted(set(WAYS) - {"plain"}))
@pytest.mark.parametrize("name", sorted(MODELS))
@pytest.mark.parametrize("calls", [1, 2])
def test_modules_with_streams_and_buffers_train_as_without(name: str, way: str, calls: int) -> None:
    found = []
    for how in ("plain", way):
        te.manual_seed(0)
        found.append(trained(MODELS[name](), WAYS[how], calls))
    for plain, again in zip(*found, strict=True):
        np.testing.assert_array_equal(np.asarray(again), np.asarray(plain))


def test_a_stream_is_named_as_ever() -> None:
    stream = te.Generator(7)
    x = te.ones(4, requires_grad=True)
    y = te.checkpoint(lambda v: v * te.rand(4, generator=stream), x, generators=[stream])
    after = stream.state_dict()
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == y.tolist() and stream.state_dict() == after


def test_a_stand_in_of_the_first_run_stands_in_again() -> None:
    x = te.ones(4, requires_grad=True)
    with philox.replacing_default(te.Generator(9)):
        y = te.checkpoint(lambda v: v * te.rand(4), x)
    te.rand(3)
    y.sum().backward()
    assert x.grad is not None and x.grad.tolist() == y.tolist()


class Setting:
    """What a stretch may capture, and how it may change before backward."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.array = np.array([1.0, 2.0, 3.0])
        self.big = np.arange(6.0)
        self.places = np.array([0, 1])
        self.number = 2.0
        self.flag = True
        self.tensor = te.tensor([1.0, 2.0, 3.0], dtype="float64", device=where)
        self.leaf = te.tensor([1.0, 2.0, 3.0], dtype="float64", device=where, requires_grad=True)
        self.dropout = nn.Dropout(0.5)
        self.random = np.random.default_rng(0)
        self.average: Any = te.ones(3, dtype="float64", device=where)

    def rebound(self, x: te.Tensor) -> te.Tensor:
        with te.no_grad():
            self.average = self.average * 0.5
        return x * self.average

    def change(self, what: str) -> None:
        if what in ("array", "big"):
            getattr(self, what)[:] = 7.0
        elif what == "places":
            self.places[:] = 2
        elif what == "number":
            self.number = 3.0
        elif what == "flag":
            self.flag = False
        elif what == "tensor":
            self.tensor = te.tensor([0.0, 2.0, 3.0], dtype="float64", device=self.where)
        elif what == "leaf":
            self.leaf = te.tensor([0.0, 2.0, 3.0], dtype="float64", device=self.where, requires_grad=True)
        elif what == "eval":
            self.dropout.eval()


STRETCHES: dict[str, tuple[str, Callable[[Setting, te.Tensor], te.Tensor]]] = {
    "an array": ("array", lambda s, x: x * s.array),
    "an array first": ("array", lambda s, x: s.array * x),
    "an array made a tensor": ("array", lambda s, x: x * te.tensor(s.array, device=s.where)),
    "an array computed with": ("array", lambda s, x: x * (te.as_tensor(s.array, x) > 2.0)),
    "a part of an array": ("big", lambda s, x: x * s.big[::2]),
    "an array transposed": ("big", lambda s, x: x * s.big.reshape(3, 2).T[0]),
    "a key": ("places", lambda s, x: x[s.places]),
    "a key of two": ("places", lambda s, x: x.reshape(1, 3)[:, s.places]),
    "places": ("places", lambda s, x: te.take_along_axis(x, s.places)),
    "a list": ("array", lambda s, x: x + s.array.tolist()),
    "a number": ("number", lambda s, x: x * s.number),
    "a parameter": ("number", lambda s, x: te.clip(x * 5.0, -1.0, s.number)),
    "a branch": ("flag", lambda s, x: te.exp(x) if s.flag else te.sin(x)),
    "a step left out": ("flag", lambda s, x: te.exp(x * 2.0 if s.flag else x)),
    "another tensor": ("tensor", lambda s, x: x * s.tensor),
    "another leaf": ("leaf", lambda s, x: x * s.leaf),
    "the training mode": ("eval", lambda s, x: s.dropout(x)),
    "NumPy's random numbers": ("", lambda s, x: x * s.random.random(3)),
    "NumPy's random mask": ("", lambda s, x: te.where(s.random.random(3) > 0.5, x, 0.0)),
    "a buffer bound anew": ("", Setting.rebound),
}


@pytest.mark.parametrize("where", ["cpu", "boxed"])
@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize("name", sorted(STRETCHES))
@pytest.mark.usefixtures("boxed")
def test_what_changes_before_backward_is_an_error(name: str, nested: bool, where: str) -> None:
    what, f = STRETCHES[name]
    for zero in (0.0, 1.0):  # at zeros the results are often alike, and only the gradients differ
        s = Setting(where)
        x = te.tensor(zero * np.array([0.5, 1.0, -1.0]), device=where, requires_grad=True)
        stretch = lambda v, s=s: f(s, v)  # noqa: E731
        outer = (lambda v, g=stretch: te.checkpoint(g, v) + 1.0) if nested else stretch
        y = te.checkpoint(outer, x)
        if what:
            s.change(what)
        with pytest.raises(StaleValueError, match=r"checkpoint\(<lambda>\) took another course"):
            y.sum().backward()
        assert x.grad is None and te.is_grad_enabled()


@given(
    steps=st.lists(st.sampled_from(["mul", "add", "draw", "write", "fresh", "key", "nan"]), max_size=6),
    nested=st.booleans(),
)
def test_what_nobody_changes_is_never_an_error(steps: list[str], nested: bool) -> None:
    array, buffer = np.array([1.0, np.nan, 3.0]), te.ones(3, dtype="float64")

    def stretch(x: te.Tensor) -> te.Tensor:
        for step in steps:
            if step == "mul":
                x = x * array[::-1]
            elif step == "add":
                x = te.exp(x) + 2.0
            elif step == "draw":
                x = x * te.rand(3, dtype="float64")
            elif step == "write":
                buffer.add_(1.0)
                x = x * buffer.clone()
            elif step == "fresh":
                fresh = te.zeros(3, dtype="float64")
                x = x + fresh
                fresh[1] = 4.0
                x = x * fresh.clone()
            elif step == "key":
                x = x[[2, 0, 1]]
            else:
                x = te.where(te.isnan(x), float("nan"), x)
        return te.tanh(x)

    def slope(way: Callable[..., te.Tensor]) -> Any:
        te.manual_seed(0)
        with te.no_grad():
            buffer.fill_(1.0)
        x = te.tensor([0.1, 0.2, -0.3], dtype="float64", requires_grad=True)
        with np.errstate(all="ignore"):
            way(stretch, x).sum().backward()
        assert x.grad is not None
        return x.grad.numpy(), buffer.numpy().copy()

    found = slope(WAYS["nested" if nested else "checkpoint"])
    for plain, again in zip(slope(WAYS["plain"]), found, strict=True):
        np.testing.assert_array_equal(again, plain)


def test_what_is_built_once_on_the_way_is_no_other_course() -> None:
    table: list[te.Tensor] = []

    def stretch(x: te.Tensor) -> te.Tensor:
        if not table:
            table.append(te.exp(te.arange(3, dtype="float64") * 0.1))
        return te.tanh(x * table[0])

    x = te.ones(3, dtype="float64", requires_grad=True)
    te.checkpoint(stretch, x).sum().backward()
    assert x.grad is not None
    np.testing.assert_allclose(x.grad.numpy(), table[0].numpy() * (1 - np.tanh(table[0].numpy()) ** 2))


def test_derivatives_within_a_stretch() -> None:
    def penalty(x: te.Tensor) -> te.Tensor:
        u = x * 2.0  # made inside, so that it has no graph in the first run and one in the second
        slope = te.grad(lambda v: (v * v * v).sum())(u)
        return (slope * slope).sum() + te.hvp(lambda v: te.exp(v).sum(), u, te.ones_like(u)).sum()

    found = []
    for f in (penalty, lambda x: te.checkpoint(penalty, x)):
        x = te.tensor([0.5, -0.25], dtype="float64", requires_grad=True)
        f(x * 1.0).backward()
        assert x.grad is not None
        found.append(x.grad.numpy())
    np.testing.assert_allclose(found[1], found[0], rtol=1e-14)


def test_an_error_on_the_way_leaves_streams_and_buffers_where_they_were() -> None:
    layer, broken = nn.BatchNorm1d(3), []

    def stretch(x: te.Tensor) -> te.Tensor:
        y = layer(x) * te.rand(3)
        if broken:
            raise KeyError("broken")
        return y

    x = te.tensor(ROWS, dtype="float32", requires_grad=True)
    y = te.checkpoint(stretch, x)
    te.rand(5)
    before = [philox.default.state_dict(), layer.state_dict()["running_mean"].tolist()]
    broken.append(True)
    with pytest.raises(KeyError):
        y.sum().backward()
    assert before == [philox.default.state_dict(), layer.state_dict()["running_mean"].tolist()]
    assert layer.num_batches_tracked.item() == 1


def test_a_buffer_that_changed_later_is_read_as_it_was() -> None:
    layer = Averaged()
    x = te.tensor(ROWS, requires_grad=True)
    y = te.checkpoint(layer, x)
    with te.no_grad():
        layer.seen.fill_(9.0)
    y.sum().backward()
    fresh, z = Averaged(), te.tensor(ROWS, requires_grad=True)
    fresh(z).sum().backward()
    assert x.grad is not None and z.grad is not None
    np.testing.assert_array_equal(x.grad.numpy(), z.grad.numpy())
    assert layer.seen.tolist() == [9.0] * 3


def test_backward_does_not_count_as_a_change_of_a_buffer() -> None:
    layer, x = Averaged(), te.tensor(ROWS, requires_grad=True)
    y = te.checkpoint(layer, x)
    z = x * layer.seen  # saves what the first run left
    y.sum().backward()
    z.sum().backward()


def test_grad_mode_looks_the_same_in_both_runs() -> None:
    seen = []

    def stretch(x: te.Tensor) -> te.Tensor:
        with te.no_grad():
            seen.append(te.is_grad_enabled())
        seen.append(te.is_grad_enabled())
        return te.exp(x)

    te.checkpoint(stretch, te.ones(2, requires_grad=True)).sum().backward()
    assert seen == [False, True] * 2
