"""find_lr: the losses of a few steps at growing learning rates, and the rate that they suggest.

Source: Smith, "Cyclical learning rates for training neural networks", arXiv 1506.01186, section 3.3.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import nn
from tinygrad_edu.backend import philox
from tinygrad_edu.data import DataLoader
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer, number
from tinygrad_edu.training.arguments import check_optimizer
from tinygrad_edu.training.fit import chosen_step
from tinygrad_edu.training.steps import Step, loader_of, result_of
from tinygrad_edu.training.window import needs_closure
from tinygrad_edu.words import explaining

if TYPE_CHECKING:
    from tinygrad_edu.viz import Picture

DIVERGED = 4.0  # times the lowest smoothed loss: larger rates tell nothing more


@dataclass(frozen=True, eq=False, repr=False)
class LearningRates:
    """The rates that were tried, and the loss before each step.

    rates     (n,) learning rates, growing
    losses    (n,) the loss of each batch
    smoothed  (n,) its running mean
    best      the rate at which the smoothed loss falls fastest, per factor of the rate
    """

    rates: Any
    losses: Any
    smoothed: Any
    best: float

    def __repr__(self) -> str:
        tried = f"{len(self.rates)} rates from {self.rates[0]:.2g} to {self.rates[-1]:.2g}"
        return f"LearningRates(best {self.best:.2g}; {tried}, losses from {self.losses[0]:.4g} to " + (
            f"{self.losses[-1]:.4g}, lowest {self.losses.min():.4g})"
        )

    def picture(self, path: Any = None) -> Picture:
        """The losses against the rates, and the suggested one."""
        from tinygrad_edu import viz

        marked = np.where(self.rates == self.best, self.smoothed, np.nan)
        return viz.curves(
            self.rates,
            {"loss": self.losses, "smoothed": self.smoothed, f"fastest, {self.best:.2g}": marked},
            xlabel="learning rate",
            ylabel="loss",
            title="Which learning rate?",
            logx=True,
            path=path,
        )


@partial(explaining, title="find_lr")
def find_lr(
    model: nn.Module,
    data: Any,
    *,
    optimizer: Any,
    loss: Callable[[Any, Any], Any] | None = None,
    step: Step | None = None,
    lowest: float = 1e-6,
    highest: float = 1.0,
    steps: int = 100,
    smoothing: float = 0.9,
    batch_size: int = 32,
    seed: int = 0,
) -> LearningRates:
    """Train for a few steps with learning rates from `lowest` to `highest`, and see where the loss falls.

    The rates grow by one factor from step to step; the rates of several groups keep their ratios. It ends
    early when the loss has grown to 4 times its lowest, or is not finite. Afterwards model, gradients,
    optimizer, loader and random numbers are as before.

    model, data, optimizer, loss, step, batch_size, seed  as for `fit`
    smoothing  in [0, 1): how much of the running mean of the losses is old

    Raises ValueError if the loss is not finite from the beginning.
    """
    lowest, highest = number(lowest, "find_lr: lowest"), number(highest, "find_lr: highest")
    steps, smoothing = integer(steps, "find_lr: steps", least=3), number(smoothing, "find_lr: smoothing")
    if not 0 < lowest < highest < math.inf or not 0 <= smoothing < 1:
        problem = f"lowest={lowest}, highest={highest}, smoothing={smoothing}"
        raise wrong(ValueError, "find_lr", problem, "it needs 0 < lowest < highest, and smoothing in [0, 1)")
    check_optimizer("find_lr", optimizer, model)
    if needs_closure(optimizer):
        problem = f"{type(optimizer).__name__} computes its loss several times in a step"
        raise wrong(ValueError, "find_lr", problem, "it searches along a line: its rate can be 1")
    chosen = chosen_step("find_lr", loss, step)
    loader = loader_of(data, "data", batch_size, True, seed, None)
    rates = np.geomspace(lowest, highest, steps)
    found: list[float] = []
    with _restored(model, optimizer, loader):
        model.train()
        ratios = [group["lr"] for group in optimizer.param_groups]
        ratios = [lr / ratios[0] if ratios[0] else 1.0 for lr in ratios]
        smooth: list[float] = []
        for rate, batch in zip(rates, _endless(loader), strict=False):
            for group, ratio in zip(optimizer.param_groups, ratios, strict=True):
                group["lr"] = float(rate) * ratio
            optimizer.zero_grad()
            result = result_of(chosen(model, batch), batch, needs_loss=True)
            found.append(float(result.loss.item()))
            if not math.isfinite(found[-1]):
                found.pop()
                break
            smooth = _running_means(found, smoothing)
            if smooth[-1] > DIVERGED * min(smooth) > 0 and len(found) >= 3:
                break
            result.loss.backward()
            optimizer.step()
    if len(found) < 3:
        problem = f"the loss was finite for {len(found)} steps only"
        raise wrong(ValueError, "find_lr", problem, "begin with a smaller lowest=, or look at the data")
    smoothed, tried = np.array(_running_means(found, smoothing)), rates[: len(found)]
    fastest = int(np.argmin(np.gradient(smoothed)[: int(np.argmin(smoothed)) + 1]))
    return LearningRates(tried, np.array(found), smoothed, float(tried[fastest]))


def _running_means(losses: list[float], old: float) -> list[float]:
    """Exponential running means, without the bias to zero at the beginning."""
    mean, found = 0.0, []
    for i, loss in enumerate(losses, 1):
        mean = old * mean + (1 - old) * loss
        found.append(mean / (1 - old**i))
    return found


def _endless(loader: Any) -> Iterator[Any]:
    """Batches, epoch after epoch. Raises ValueError for an epoch without any."""
    while True:
        count = 0
        for count, batch in enumerate(loader, 1):  # noqa: B007 - counted, to see an empty epoch
            yield batch
        if not count:
            raise wrong(ValueError, "find_lr", "the data has not enough batches", "give fewer steps=")


@contextmanager
def _restored(model: nn.Module, optimizer: Any, loader: Any) -> Iterator[None]:
    """After the block everything that training changes is as before."""
    weights, state = model.state_dict(), optimizer.state_dict()
    modes = [(module, module.training) for module in model.modules()]
    gradients = [(p, p.grad) for group in optimizer.param_groups for p in group["params"]]
    is_ours = isinstance(loader, DataLoader)
    place = loader.state_dict() if hasattr(loader, "load_state_dict") and not is_ours else None
    positions: dict[philox.Generator, dict[str, int]] = {}
    try:
        with philox.recording_positions(positions), loader.whole_pass() if is_ours else nullcontext():
            yield
    finally:
        model.load_state_dict(weights)
        optimizer.load_state_dict(state)
        for parameter, gradient in gradients:
            parameter.grad = gradient
        for module, mode in modes:
            module.training = mode
        if place is not None:
            loader.load_state_dict(place)
        for stream, position in positions.items():
            stream.load_state_dict(position)
