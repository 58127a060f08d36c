"""Doors through which a tensor's numbers could go without its graph: they keep it, or refuse."""

from __future__ import annotations

import array
import collections
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn, optim


def leaf() -> te.Tensor:
    return te.tensor([1.0, 2.0], requires_grad=True)


SPELLINGS: dict[str, Callable[[te.Tensor], Any]] = {
    "leaf": lambda p: p,
    "result": lambda p: p * 2.0,
    "list": lambda p: [p[0], p[1]],
    "tuple": lambda p: (p[0], 3.0),
    "nested": lambda p: [[p[0], p[1]]],
}
IN_PLACE: dict[str, Callable[[te.Tensor, Any], Any]] = {
    "add_": lambda x, y: x.add_(y),
    "add_ alpha=": lambda x, y: x.add_(y, alpha=2.0),
    "mul_": lambda x, y: x.mul_(y),
    "copy_": lambda x, y: x.copy_(y),
    "fill_": lambda x, y: x.fill_(y),
    "x[:] =": lambda x, y: x.__setitem__(slice(None), y),
    "x[[0]] =": lambda x, y: x.__setitem__([0], y),
    "a view": lambda x, y: x[:].copy_(y),
    "constant_": lambda x, y: nn.init.constant_(x, y),
}


@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
@pytest.mark.parametrize("door", sorted(IN_PLACE))
def test_in_place_no_gradient_is_lost(door: str, spelling: str) -> None:
    x, p = te.ones(1, 2), leaf()
    with pytest.raises((RuntimeError, TypeError, ValueError)) as error:
        IN_PLACE[door](x, SPELLINGS[spelling](p))
    assert "grad" in str(error.value) and "detach()" in str(error.value)
    assert x.tolist() == [[1.0, 1.0]]
    y = (x * leaf()).sum()
    y.backward()  # nothing was counted as a write


@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
@pytest.mark.parametrize("door", sorted(set(IN_PLACE) - {"constant_"}))
def test_in_place_without_a_graph_takes_the_numbers(door: str, spelling: str) -> None:
    x, plain = te.ones(1, 2), te.ones(1, 2)
    with te.no_grad():
        IN_PLACE[door](x, SPELLINGS[spelling](leaf()))
    IN_PLACE[door](plain, SPELLINGS[spelling](leaf().detach()))
    assert x.tolist() == plain.tolist() != [[1.0, 1.0]]


def test_a_recorded_alpha_is_refused_even_where_it_is_one() -> None:
    with pytest.raises(RuntimeError, match="lose value's gradient"):
        te.zeros(2).add_(te.ones(2), alpha=leaf()[0])


@pytest.mark.parametrize("spelling", sorted(SPELLINGS))
@pytest.mark.parametrize("make", [te.tensor, lambda x: te.tensor(x, requires_grad=True), nn.Parameter])
def test_a_fresh_leaf_of_recorded_numbers_is_refused(make: Any, spelling: str) -> None:
    given = SPELLINGS[spelling](leaf())
    with pytest.raises((RuntimeError, TypeError), match=r"lose its graph \(at .*test_lost_graphs.*detach"):
        make(given)
    with te.no_grad():
        numbers = make(given).tolist()
    np.testing.assert_array_equal(numbers, te.as_tensor(given).detach().numpy())


@pytest.mark.parametrize(
    "data",
    [
        lambda p: collections.deque([p, p]),
        lambda p: (x for x in [p, p]),
        lambda p: {0: p}.values(),
        lambda p: {p},
        lambda p: np.array([p[0], p[1]], dtype=object),
        lambda p: [np.array([p[0], p[1]], dtype=object)],
    ],
)
@pytest.mark.parametrize("door", [te.tensor, te.as_tensor, te.sum, te.exp, lambda x: te.add(x, 1.0)])
def test_other_containers_are_refused(door: Any, data: Any) -> None:
    p = leaf()
    with te.no_grad():
        given = data(p)
    with pytest.raises((TypeError, ValueError)):
        door(given)


@pytest.mark.parametrize(
    "door",
    [
        lambda p: np.asarray(p),
        lambda p: np.from_dlpack(p),
        lambda p: te.from_dlpack(p),
        lambda p: te.full((2,), p[0]),
        lambda p: te.full((1, 2), [p[0], p[1]]),
        lambda p: te.linspace(0.0, p[0], 3),
        lambda p: te.arange(0, p[1]),
        lambda p: te.norm(te.ones(2), ord=p[0]),
        lambda p: te.pad(te.ones(2), 1, value=p[0]),
        lambda p: te.leaky_relu(te.ones(2), slope=p[0]),
        lambda p: te.elu(te.ones(2), alpha=p[0]),
    ],
)
def test_numbers_of_a_recorded_tensor_are_taken_by_name_only(door: Any) -> None:
    with pytest.raises((TypeError, BufferError), match=r"grad"):
        door(leaf())


@pytest.mark.parametrize(
    "kept", [np.zeros(3), np.zeros(3, int), np.zeros((3, 1), np.float32), array.array("d", [0.0] * 3)]
)
def test_an_array_keeps_no_number_of_a_recorded_tensor(kept: Any) -> None:
    p = leaf()

    def plain() -> None:
        kept[0] = p[0]

    def added() -> None:
        kept[1] += p[1] if isinstance(kept[1], (int, float)) else p[1:]

    def flat() -> None:
        kept.flat[2] = p[0]

    for put in (plain, added, flat):
        if put is not flat or isinstance(kept, np.ndarray):
            with pytest.raises((TypeError, ValueError)) as refused:
                put()
            texts = str(refused.value), str(refused.value.__cause__), str(refused.value.__context__)
            assert put is flat or any("grad" in text for text in texts)  # NumPy has words of its own there
    assert not np.any(np.asarray(kept))
    with te.no_grad():
        plain()
    kept[1:2] = array.array("d", [p[1].item()]) if isinstance(kept, array.array) else p[1].item()
    assert [int(float(p[0])), int(p[1])] == [int(x) for x in np.ravel(kept)[:2]]


@pytest.mark.parametrize("sign", ["+", "-", "*", "/", "@", "**"])
def test_operators_keep_the_graph_of_a_list(sign: str) -> None:
    def both(spelled: Any) -> list[float]:
        p, x = leaf(), te.tensor([2.0, 3.0])
        names = {"x": x, "s": spelled(p)}
        for y in (eval(f"x {sign} s", names), eval(f"s {sign} x", names)):
            y.sum().backward()
        assert p.grad is not None
        return list(p.grad.tolist())

    assert both(lambda p: [p[0], p[1]]) == both(lambda p: p)


def test_a_list_takes_the_dtype_and_device_of_its_tensors() -> None:
    double, single = te.tensor([1.0, 2.0], dtype="float64"), te.tensor([1.0, 2.0])
    assert te.as_tensor([single, [1, 2]]).dtype == te.float32
    assert te.as_tensor([double, [1.5, 2.5]]).dtype == te.float64
    assert te.as_tensor([single, double]).dtype == te.stack([single, double]).dtype == te.float64
    assert te.tensor([double, double]).dtype == te.float64
    assert te.as_tensor([te.tensor(True), True]).dtype == te.bool_
    assert te.as_tensor([te.tensor(1), 2]).dtype == te.int64
    with pytest.raises(ValueError, match="rows of unequal shape"):
        te.as_tensor([single, [1.0]])
    with pytest.raises(TypeError):
        te.as_tensor([single, "ab"])


def test_generators_of_tensors_are_walked_once() -> None:
    x = leaf()
    te.stack(row for row in [x, [3.0, 4.0], x]).sum().backward()
    assert x.grad is not None and x.grad.tolist() == [2.0, 2.0]
    assert te.concat(row for row in [[1.0], x.detach()]).tolist() == [1.0, 1.0, 2.0]


def test_backward_and_derivatives_take_lists_of_tensors() -> None:
    x, w = leaf(), leaf()
    (x * 3.0).backward([w[0], w[1]], create_graph=True)
    assert x.grad is not None
    x.grad.sum().backward()
    assert w.grad is not None and w.grad.tolist() == [3.0, 3.0]
    w.grad = None
    te.stack(te.grad(lambda v: te.square(v).sum())([w[0], w[1]])).sum().backward()  # a tree of two
    assert w.grad.tolist() == [2.0, 2.0]
    w.grad = None
    te.checkpoint(te.square, [w[0], w[1]]).sum().backward()
    assert w.grad.tolist() == [2.0, 4.0]


MODULES: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "Linear": (lambda: nn.Linear(3, 2), (4, 3)),
    "BatchNorm1d": (lambda: nn.BatchNorm1d(3), (4, 3)),
    "LayerNorm": (lambda: nn.LayerNorm(3), (4, 3)),
    "Conv2d": (lambda: nn.Conv2d(1, 1, 2), (1, 1, 3, 3)),
    "Dropout": (lambda: nn.Dropout(0.5), (4, 3)),
    "Flatten": (lambda: nn.Flatten(), (4, 3)),
    "Sequential": (lambda: nn.Sequential(nn.Linear(3, 2), nn.SiLU()), (4, 3)),
    "MaxPool2d": (lambda: nn.MaxPool2d(2), (1, 1, 4, 4)),
    "Softmax": (lambda: nn.Softmax(), (4, 3)),
}


@pytest.mark.parametrize("name", sorted(MODULES))
def test_modules_keep_the_graph_of_a_list(name: str) -> None:
    make, shape = MODULES[name]
    slopes = []
    for spelled in (lambda x: x, lambda x: [x[i] for i in range(len(x))]):
        te.manual_seed(0)
        x = te.linspace(-1, 1, int(np.prod(shape))).reshape(shape).requires_grad_()
        te.square(make()(spelled(x))).sum().backward()
        assert x.grad is not None
        slopes.append(x.grad.numpy())
    np.testing.assert_allclose(slopes[1], slopes[0], rtol=1e-6)


def test_a_checkpoints_first_run_refuses_what_its_second_would() -> None:
    p, x = leaf(), te.ones(2)
    for f in (lambda v: v * te.tensor(p), lambda v: v * x.copy_(p), lambda v: v * te.from_dlpack(p)):
        with pytest.raises((RuntimeError, BufferError)):
            te.checkpoint(f, leaf())

    def quiet(v: te.Tensor) -> te.Tensor:
        with te.no_grad():
            p.mul_(2.0)  # allowed, as outside of a checkpoint
        return v * 1.0

    assert te.checkpoint(quiet, leaf()).tolist() == [1.0, 2.0]
    assert p.tolist() == [2.0, 4.0]


def test_what_training_does_still_works() -> None:
    w = nn.Parameter([1.0, 2.0])
    optimizer = optim.SGD([w], lr=0.5)
    te.square(w).sum().backward()
    optimizer.step()
    assert w.tolist() == [0.0, 0.0]
    with te.no_grad():
        w += te.tensor([1.0, 1.0], requires_grad=True)
    assert w.tolist() == [1.0, 1.0] and w.is_leaf


def test_a_leaf_that_freezes_and_thaws_is_the_same_leaf() -> None:
    w, heard = leaf(), []
    w.register_hook(lambda g: heard.append(g.tolist()))
    loss = (w * 3.0).sum()
    (w * 1.0).sum().backward()
    w.requires_grad_(False)
    assert w.grad is None and not (w * 2.0).requires_grad
    loss.backward()  # recorded before
    w.requires_grad_()
    assert w.grad is not None and w.grad.tolist() == [4.0, 4.0] and len(heard) == 2
    w.requires_grad_(False)
    w.grad = None
    assert w.requires_grad_().grad is None
    model = nn.Linear(2, 1).requires_grad_(False)
    model.to("float64")
    model.requires_grad_()
    model(te.ones(1, 2, dtype="float64")).sum().backward()
    assert model.weight.grad is not None and model.weight.grad.dtype == te.float64


@pytest.mark.cpu
def test_what_dlpack_hands_on_is_read_only_as_what_numpy_does() -> None:
    w = leaf()
    y = te.exp(w)
    lent = np.from_dlpack(y.detach())
    with pytest.raises(ValueError, match="read-only"):
        lent *= 0
    assert lent.tolist() == y.tolist() and np.shares_memory(lent, y.numpy())
