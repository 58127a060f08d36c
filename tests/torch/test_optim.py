"""torch.optim where PyTorch need not be there: the state of a parameter, warnings, and a whole training."""

from __future__ import annotations

import copy
import pickle
import warnings

import numpy as np
import pytest

import tinygrad_edu.torch as torch
from tinygrad_edu.torch import nn
from tinygrad_edu.torch.utils.data import DataLoader, TensorDataset


def leaf(*numbers: float):
    """A parameter with a gradient of ones."""
    p = torch.tensor(list(numbers), requires_grad=True)
    p.grad = torch.ones(len(numbers))
    return p


def test_the_state_is_the_memory_that_the_rule_changes():
    p = leaf(1.0, 2.0)
    optimizer = torch.optim.Adam([p], lr=0.1)
    optimizer.step()
    mean = optimizer.state[p]["exp_avg"]
    before = mean.clone()
    optimizer.step()
    assert optimizer.state[p]["exp_avg"] is mean
    assert not torch.equal(mean, before)
    assert float(optimizer.state[p]["step"]) == 2.0
    assert optimizer.state_dict()["state"][0]["exp_avg"] is mean


def test_a_parameter_that_moves_to_another_dtype_takes_its_state_along():
    p = leaf(1.0, 2.0)
    optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9)
    optimizer.step()
    p.data = p.data.double()
    p.grad = torch.ones(2, dtype=torch.float64)
    optimizer.step()
    buffer = optimizer.state[p]["momentum_buffer"]
    assert buffer.dtype == torch.float64
    np.testing.assert_allclose(buffer.numpy(), 1.9, rtol=1e-6)


def test_a_state_of_another_shape_is_an_error():
    p = leaf(1.0, 2.0)
    optimizer = torch.optim.Adam([p])
    optimizer.step()
    optimizer.state[p]["exp_avg"] = torch.zeros(3)
    with pytest.raises(RuntimeError, match="shape"):
        optimizer.step()


def test_a_step_that_is_to_be_differentiated_is_an_error():
    optimizer = torch.optim.SGD([leaf(1.0)], differentiable=True)
    with pytest.raises(RuntimeError, match="differentiable"):
        optimizer.step()


def test_copies_of_an_optimizer_go_on_alone():
    p = leaf(1.0, 2.0)
    optimizer = torch.optim.Adam([p], lr=0.1)
    optimizer.step()
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (q,) = other.param_groups[0]["params"]
        assert q is not p
        q.grad = torch.ones(2)
        other.step()
        assert float(other.state[q]["step"]) == 2.0
    assert float(optimizer.state[p]["step"]) == 1.0


def test_a_schedule_before_the_optimizer_warns_once():
    optimizer = torch.optim.SGD([leaf(1.0)], lr=0.1)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    with pytest.warns(UserWarning, match="optimizer.step"):
        scheduler.step()
    optimizer.step()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scheduler.step()


def test_words_that_are_not_here_say_why():
    with pytest.raises(AttributeError, match="sparse"):
        torch.optim.SparseAdam  # noqa: B018


def test_a_network_learns_from_a_loader_with_a_schedule_and_goes_on_from_a_file(tmp_path):
    torch.manual_seed(0)
    x = torch.rand(64, 2)
    y = (x.sum(1, keepdim=True) > 1).float()
    model = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.05)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    loss_of = nn.BCEWithLogitsLoss()
    loader = DataLoader(TensorDataset(x, y), 16, shuffle=True)

    def train(model, optimizer, scheduler, epochs: int) -> float:
        for _ in range(epochs):
            for inputs, targets in loader:
                optimizer.zero_grad()
                loss_of(model(inputs), targets).backward()
                optimizer.step()
            scheduler.step()
        return float(loss_of(model(x), y))

    first = float(loss_of(model(x), y))
    train(model, optimizer, scheduler, 10)
    path = tmp_path / "run.pt"
    states = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "generator": None}
    torch.save({name: part.state_dict() for name, part in states.items() if part is not None}, path)
    seed = torch.get_rng_state()
    last = train(model, optimizer, scheduler, 10)
    assert last < first / 3

    again = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    other = torch.optim.AdamW(again.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(other, T_max=20)
    saved = torch.load(path)
    for name, part in (("model", again), ("optimizer", other), ("scheduler", schedule)):
        part.load_state_dict(saved[name])
    torch.set_rng_state(seed)
    assert train(again, other, schedule, 10) == last
