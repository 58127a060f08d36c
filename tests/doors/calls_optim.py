"""The doors of optimizers, schedules and averages of weights, for tests/doors/calls.py."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu import nn, optim
from tinygrad_edu.optim import lr_scheduler as LR


def grid(*shape: int) -> te.Tensor:
    """1, 2, 3... in steps of a quarter."""
    return te.tensor((np.arange(np.prod(shape), dtype=np.float32) / 4 + 1).reshape(shape))


def weights() -> list[te.Tensor]:
    """Two parameters with gradients."""
    found = [grid(2, 3).requires_grad_(), grid(3).requires_grad_()]
    for w in found:
        w.grad = grid(*w.shape) - 1.0
    return found


def stepped(kind: Callable[..., Any]) -> Callable[..., Any]:
    """What two steps of an optimizer make of its parameters, and the settings that it has then."""

    def run(**settings: Any) -> Any:
        found = weights()
        optimizer = kind([{"params": found[:1], **settings}, {"params": found[1:]}], **settings)
        optimizer.step()
        optimizer.step()
        return [w.detach() for w in found], repr(optimizer)

    return run


def minimized(**settings: Any) -> Any:
    """What a step of LBFGS makes of two parameters, and the settings that it has then."""
    found = weights()
    optimizer = optim.LBFGS(found, **settings)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (found[0] ** 2).sum() + ((found[1] - 1.0) ** 4).sum()
        loss.backward()
        return loss

    optimizer.step(closure)
    return [w.detach() for w in found], repr(optimizer)


def orthogonalised(**settings: Any) -> Any:
    """What two steps of Muon make of a matrix, and the settings that it has then."""
    found = weights()[:1]
    optimizer = optim.Muon(found, **settings)
    optimizer.step()
    optimizer.step()
    return found[0].detach(), repr(optimizer)


def followed(kind: Callable[..., Any], *given: Any) -> Callable[..., Any]:
    """The rates and momenta of six steps of a schedule, which gets a score if it takes one."""

    def run(**settings: Any) -> Any:
        optimizer = optim.SGD([{"params": p, "lr": 0.5} for p in weights()], momentum=0.5)
        schedule = kind(optimizer, *given, **settings)
        found = []
        for _ in range(6):
            found.append([(group["lr"], group["momentum"]) for group in optimizer.param_groups])
            schedule.step(*([1.0] if kind is LR.ReduceLROnPlateau else []))
        return found

    return run


def sequence(**settings: Any) -> Any:
    """The rates of two schedules, one after the other."""
    return followed(
        lambda o, **k: LR.SequentialLR(o, [LR.ConstantLR(o, 0.5), LR.ExponentialLR(o, 0.5)], **k)
    )(**settings)


# fmt: off
def rules(Call: Any) -> dict[str, Any]:
    """A call of each optimizer."""
    return {
        "SGD": Call(stepped(optim.SGD), numbers={
            "lr": 0.25, "momentum": 0.5, "dampening": 0, "weight_decay": 0.5, "nesterov": True,
            "maximize": True}),
        **{n: Call(stepped(getattr(optim, n)), numbers={"lr": 0.25, "betas": (0.5, 0.75), "eps": 0.125,
                                                        "weight_decay": 0.5, "amsgrad": True,
                                                        "maximize": True}) for n in ("Adam", "AdamW")},
        "Adagrad": Call(stepped(optim.Adagrad), numbers={
            "lr": 0.25, "lr_decay": 0.5, "weight_decay": 0.5, "initial_accumulator_value": 0.5, "eps": 0.125,
            "maximize": True}),
        "RMSprop": Call(stepped(optim.RMSprop), numbers={
            "lr": 0.25, "alpha": 0.5, "eps": 0.125, "weight_decay": 0.5, "momentum": 0.5, "centered": True,
            "maximize": True}),
        "Adadelta": Call(stepped(optim.Adadelta), numbers={
            "lr": 0.25, "rho": 0.5, "eps": 0.125, "weight_decay": 0.5, "maximize": True}),
        "Adamax": Call(stepped(optim.Adamax), numbers={
            "lr": 0.25, "betas": (0.5, 0.75), "eps": 0.125, "weight_decay": 0.5, "maximize": True}),
        "NAdam": Call(stepped(optim.NAdam), numbers={
            "lr": 0.25, "betas": (0.5, 0.75), "eps": 0.125, "weight_decay": 0.5, "momentum_decay": 0.25,
            "decoupled_weight_decay": True, "maximize": True}),
        "RAdam": Call(stepped(optim.RAdam), numbers={
            "lr": 0.25, "betas": (0.5, 0.75), "eps": 0.125, "weight_decay": 0.5,
            "decoupled_weight_decay": True, "maximize": True}),
        "Lion": Call(stepped(optim.Lion), numbers={
            "lr": 0.25, "betas": (0.5, 0.75), "weight_decay": 0.5, "maximize": True}),
        "Rprop": Call(stepped(optim.Rprop), numbers={
            "lr": 0.25, "etas": (0.5, 1.5), "step_sizes": (0.125, 4.0), "maximize": True}),
        "ASGD": Call(stepped(optim.ASGD), numbers={
            "lr": 0.25, "lambd": 0.5, "alpha": 0.5, "t0": 1, "weight_decay": 0.5, "maximize": True}),
        "Muon": Call(orthogonalised, numbers={
            "lr": 0.25, "weight_decay": 0.5, "momentum": 0.5, "nesterov": False,
            "ns_coefficients": (1.5, -0.5, 0.25),
            "eps": 0.125, "ns_steps": 3, "maximize": True}),
        "LBFGS": Call(minimized, numbers={
            "lr": 0.25, "max_iter": 3, "max_eval": 4, "tolerance_grad": 0.125, "tolerance_change": 0.125,
            "history_size": 2, "maximize": False}),
    }


def schedules(Call: Any) -> dict[str, Any]:
    """A call of each schedule with PyTorch's name."""
    return {
        "StepLR": Call(followed(LR.StepLR), numbers={"step_size": 2, "gamma": 0.5}),
        "MultiStepLR": Call(followed(LR.MultiStepLR), numbers={"milestones": (2, 3), "gamma": 0.5}),
        "ConstantLR": Call(followed(LR.ConstantLR), numbers={"factor": 0.5, "total_iters": 2}),
        "LinearLR": Call(followed(LR.LinearLR), numbers={
            "start_factor": 0.5, "end_factor": 0.25, "total_iters": 2}),
        "ExponentialLR": Call(followed(LR.ExponentialLR), numbers={"gamma": 0.5}),
        "PolynomialLR": Call(followed(LR.PolynomialLR), numbers={"total_iters": 4, "power": 0.5}),
        "CosineAnnealingLR": Call(followed(LR.CosineAnnealingLR), numbers={"T_max": 4, "eta_min": 0.125}),
        "CosineAnnealingWarmRestarts": Call(followed(LR.CosineAnnealingWarmRestarts), numbers={
            "T_0": 2, "T_mult": 2, "eta_min": 0.125}),
        "CyclicLR": Call(followed(LR.CyclicLR), numbers={
            "base_lr": 0.25, "max_lr": 0.5, "step_size_up": 2, "step_size_down": 3, "gamma": 0.5,
            "cycle_momentum": False, "base_momentum": 0.5, "max_momentum": 0.75}),
        "OneCycleLR": Call(followed(LR.OneCycleLR), numbers={
            "max_lr": 0.5, "total_steps": 9, "pct_start": 0.5, "cycle_momentum": False, "base_momentum": 0.5,
            "max_momentum": 0.75, "div_factor": 4.0, "final_div_factor": 8.0, "three_phase": True}),
        "OneCycleLR of epochs": Call(followed(LR.OneCycleLR, 0.5), numbers={
            "epochs": 3, "steps_per_epoch": 4}),
        "ReduceLROnPlateau": Call(followed(LR.ReduceLROnPlateau), numbers={
            "factor": 0.5, "patience": 1, "threshold": 0.25, "cooldown": 1, "min_lr": 0.125, "eps": 0.25}),
        "SequentialLR": Call(sequence, numbers={"milestones": (3,)}),
    }


def written_average(**settings: Any) -> list[te.Tensor]:
    """A list with an average, which was written into it."""
    averaged = [grid(2)]
    optim.swa_utils.get_ema_multi_avg_fn(**settings)(averaged, [te.ones(2)], 3)
    return averaged


def averages(Call: Any) -> dict[str, Any]:
    """A call of each part of `optim.swa_utils`."""
    return {
        "SWALR": Call(followed(optim.swa_utils.SWALR), numbers={"swa_lr": 0.25, "anneal_epochs": 3}),
        "AveragedModel": Call(lambda **k: optim.swa_utils.AveragedModel(nn.BatchNorm1d(2), **k), numbers={
            "use_buffers": True}),
        "get_ema_multi_avg_fn": Call(
            written_average, numbers={"decay": 0.5}),
        "get_ema_avg_fn": Call(
            lambda **k: optim.swa_utils.get_ema_avg_fn(**k)(grid(2), te.ones(2), 3), numbers={"decay": 0.5}),
    }
# fmt: on
