"""A module as a function of its parameters: the same numbers, derivatives by all, nothing left behind."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import nn
from tinygrad_edu.errors import ShapeError

RANDOM = np.random.default_rng(0)
X = te.tensor(RANDOM.normal(size=(5, 3)))


def network() -> nn.Sequential:
    te.manual_seed(1)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).to("float64")


def others(model: nn.Module, seed: int = 1) -> dict[str, Any]:
    """Other numbers for each parameter."""
    random = np.random.default_rng(seed)
    return {name: random.normal(size=p.shape) for name, p in model.named_parameters()}


def facts(model: nn.Module) -> list[Any]:
    return [
        (name, id(t), id(t.storage), id(t.node), t.numpy().tobytes()) for name, t in model._named_tensors()
    ]


@pytest.mark.parametrize("as_tensors", [False, True])
def test_the_outputs_are_those_of_a_model_with_these_parameters(as_tensors: bool) -> None:
    model, other = network(), network()
    given = others(model)
    other.load_state_dict(given)
    before = facts(model)
    found = nn.functional_call(model, {n: te.tensor(a) for n, a in given.items()} if as_tensors else given, X)
    np.testing.assert_array_equal(found.numpy(), other(X).numpy())
    assert facts(model) == before
    part = {"2.bias": given["2.bias"]}  # all others are the module's own
    other.load_state_dict({**model.state_dict(), **part})
    np.testing.assert_array_equal(nn.functional_call(model, part, (X,)).numpy(), other(X).numpy())
    assert nn.functional_call(model, model.state_dict(), X).tolist() == model(X).tolist()


def test_gradients_reach_the_given_tensors_alone() -> None:
    model, other = network(), network()
    given = {name: te.tensor(a, requires_grad=True) for name, a in others(model).items()}
    other.load_state_dict(given)
    for call in (lambda: nn.functional_call(model, given, X), lambda: other(X)):
        call().square().sum().backward()
    for name, p in other.named_parameters():
        np.testing.assert_array_equal(given[name].grad.numpy(), p.grad.numpy())
    assert all(p.grad is None for p in model.parameters())


def test_the_hessian_by_all_parameters_together() -> None:
    model = network()
    names, sizes = zip(*((name, p.shape) for name, p in model.named_parameters()), strict=True)
    point = np.concatenate([p.numpy().reshape(-1) for p in model.parameters()])

    def loss(flat: Any) -> Any:
        pieces = te.split(flat, [int(np.prod(s)) for s in sizes])
        given = {n: te.reshape(piece, s) for n, piece, s in zip(names, pieces, sizes, strict=True)}
        return nn.functional_call(model, given, X).square().mean()

    before = facts(model)
    found = te.hessian(loss)(te.tensor(point)).numpy()
    step = 1e-6
    for i in range(0, len(point), 5):
        ends = [
            te.grad(loss)(te.tensor(point + sign * step * np.eye(len(point))[i])).numpy() for sign in (1, -1)
        ]
        np.testing.assert_allclose(found[i], (ends[0] - ends[1]) / (2 * step), atol=1e-7)
    np.testing.assert_allclose(found, found.T, atol=1e-12)
    tree = te.hessian(lambda p: nn.functional_call(model, p, X).square().mean())(
        dict(model.named_parameters())
    )
    np.testing.assert_allclose(tree["0.bias"]["2.bias"].numpy(), found[12:16, -2:], atol=1e-12)
    assert facts(model) == before


class Tied(nn.Module):
    def __init__(self) -> None:
        self.first = nn.Linear(3, 3, bias=False)
        self.rest = [self.first]

    def forward(self, x: Any, *, scale: float = 1.0) -> Any:
        return self.rest[0](self.first(x)) * scale


def test_a_tensor_of_several_names_is_one() -> None:
    model, eye = Tied(), np.eye(3, dtype=np.float32) * 2
    x = te.ones(1, 3)
    for given in ({"first.weight": eye}, {"rest.0.weight": eye}, {"first.weight": eye, "rest.0.weight": eye}):
        found = nn.functional_call(model, given, x, {"scale": 0.5})
        assert found.tolist() == [[2.0, 2.0, 2.0]]
    with pytest.raises(ValueError, match=r"first.weight and rest.0.weight are one tensor"):
        nn.functional_call(model, {"first.weight": eye, "rest.0.weight": eye.copy()}, x)


@dataclass
class Both:
    weight: Any
    doubled: Any


class Returning(nn.Module):
    def __init__(self) -> None:
        self.weight = nn.Parameter([1.0])

    def forward(self, fail: bool = False) -> Any:
        if fail:
            raise ArithmeticError
        return [{"weight": self.weight}, self.weight * 2]


def test_what_is_returned_is_the_given_tensor_and_an_error_leaves_nothing_behind() -> None:
    model, given = Returning(), te.tensor([5.0], requires_grad=True)
    found = nn.functional_call(model, {"weight": given})
    assert found[0]["weight"] is given and found[1].item() == 10
    before = facts(model)
    with pytest.raises(ArithmeticError):
        nn.functional_call(model, {"weight": given}, True)
    assert facts(model) == before and model.weight.item() == 1


def test_buffers_can_be_given_and_are_written() -> None:
    model = nn.BatchNorm1d(3)
    given = {name: te.tensor(array) for name, array in model.state_dict().items()}
    before = copy.deepcopy(model.state_dict())
    nn.functional_call(model, given, te.randn(8, 3))
    assert given["num_batches_tracked"].item() == 1 and model.num_batches_tracked.item() == 0
    assert all((array == before[name]).all() for name, array in model.state_dict().items())


def test_a_frozen_parameter_takes_a_tensor_that_requires_grad() -> None:
    model = network().requires_grad_(False)
    gradient = te.grad(lambda w: nn.functional_call(model, {"0.weight": w}, X).sum())(model[0].weight)
    assert gradient.shape == (4, 3) and gradient.numpy().any()
    assert not any(p.requires_grad for p in model.parameters())


@pytest.mark.parametrize(("call", "kind", "words"), [
    (lambda m: nn.functional_call(m, {"weight": 1}, X), ValueError, "has no 'weight'.*; it has 0.weight"),
    (lambda m: nn.functional_call(m, {"0.bias": [1, 2]}, X), ShapeError, r"0.bias is \(2,\), in .*\(4,\)"),
    (lambda m: nn.functional_call(m, list(m.parameters()), X), TypeError, "parameters is a list"),
    (lambda m: nn.functional_call({}, m, X), TypeError, "module is a dict, not a Module"),
])  # fmt: skip
def test_what_does_not_fit_is_named(call: Any, kind: Any, words: str) -> None:
    with pytest.raises(kind, match=words):
        call(network())


@pytest.mark.oracle
def test_it_is_pytorchs() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is the reference; make oracle installs it")
    model, given = network(), others(network())
    theirs = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.Tanh(), torch.nn.Linear(4, 2)).double()
    tensors = {name: torch.tensor(array) for name, array in given.items()}
    expected = torch.func.functional_call(theirs, tensors, torch.tensor(X.numpy()))
    np.testing.assert_allclose(nn.functional_call(model, given, X).numpy(), expected.numpy(), rtol=1e-12)
