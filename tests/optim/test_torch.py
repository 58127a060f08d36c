"""Twenty steps of every rule and setting, to 1e-12 of PyTorch's in float64; its state_dict loads too."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tests.optim.test_rules import RULES, START, STEPS, gradient
from tinygrad_edu import optim

pytestmark = pytest.mark.oracle
THEIRS = [(rule, options) for rule, options, _ in RULES if rule is not optim.Lion]  # PyTorch has no Lion
NAMED = pytest.mark.parametrize(
    ("rule", "options"), THEIRS, ids=[f"{r.__name__}-{'-'.join(o) or 'defaults'}" for r, o in THEIRS]
)


@pytest.fixture(scope="module")
def torch():
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # otherwise NAdam has a product of momenta in float32
    yield torch
    torch.set_default_dtype(before)


@NAMED
def test_twenty_steps_with_a_changing_learning_rate(torch, rule, options):
    ours, theirs = te.tensor(START, requires_grad=True), torch.tensor(START, requires_grad=True)
    optimizer, reference = rule([ours], **options), getattr(torch.optim, rule.__name__)([theirs], **options)
    for t in range(STEPS):
        if t == 12:
            for group in (*optimizer.param_groups, *reference.param_groups):
                group["lr"] *= 0.3
        ours.grad = te.tensor(gradient(ours.numpy(), t))
        theirs.grad = torch.tensor(gradient(theirs.detach().numpy(), t))
        optimizer.step()
        reference.step()
        np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-12, atol=1e-14)


@NAMED
def test_a_pytorch_state_is_gone_on_from(torch, rule, options):
    theirs = torch.tensor(START, requires_grad=True)
    reference = getattr(torch.optim, rule.__name__)([theirs], **options)
    for t in range(5):
        theirs.grad = torch.tensor(gradient(theirs.detach().numpy(), t))
        reference.step()
    ours = te.tensor(theirs.detach().numpy(), requires_grad=True)
    optimizer = rule([ours], lr=9.0)
    optimizer.load_state_dict(reference.state_dict())
    for t in range(5, 10):
        ours.grad = te.tensor(gradient(ours.numpy(), t))
        theirs.grad = torch.tensor(gradient(theirs.detach().numpy(), t))
        optimizer.step()
        reference.step()
    np.testing.assert_allclose(ours.numpy(), theirs.detach().numpy(), rtol=1e-12)


def test_clipping_and_schedules(torch):
    ours, theirs = te.tensor(START, requires_grad=True), torch.tensor(START, requires_grad=True)
    ours.grad, theirs.grad = te.tensor(START * 9), torch.tensor(START * 9)
    norm = optim.clip_grad_norm_([ours], 2.0)
    np.testing.assert_allclose(norm.item(), torch.nn.utils.clip_grad_norm_([theirs], 2.0).item(), rtol=1e-12)
    np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-12)
    pairs = [
        (optim.StepLR(4, 0.3), lambda o: torch.optim.lr_scheduler.StepLR(o, 4, 0.3)),
        (optim.CosineLR(15), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 15)),
    ]
    for factor, make in pairs:
        optimizer, reference = optim.SGD([ours], lr=0.5), torch.optim.SGD([theirs], lr=0.5)
        schedule, other = optim.Schedule(optimizer, factor), make(reference)
        for _ in range(15):
            rate, expected = optimizer.param_groups[0]["lr"], reference.param_groups[0]["lr"]
            np.testing.assert_allclose(rate, expected, rtol=1e-9)
            optimizer.step()
            schedule.step()
            reference.step()
            other.step()
