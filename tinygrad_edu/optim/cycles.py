"""Schedules that rise and fall: warm restarts, cycles between two rates, and one cycle, with the momentum.

    CosineAnnealingWarmRestarts  eta_min + (lr_0 - eta_min) (1 + cos(pi T_cur / T_i)) / 2, where T_cur counts
                                 the steps since the last restart, and T_i, first T_0, grows by T_mult
    CyclicLR                     base_lr + (max_lr - base_lr) h s, where h rises from 0 to 1 in step_size_up
                                 steps, falls in step_size_down, and s makes each cycle lower
    OneCycleLR                   from max_lr / div_factor up to max_lr, down to the first / final_div_factor

Sources: Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv 1608.03983; Smith,
"Cyclical learning rates for training neural networks", arXiv 1506.01186; Smith, Topin, "Super-convergence",
arXiv 1708.07120.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from tinygrad_edu.errors import wrong
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.scheduler import LRScheduler, Rates, count
from tinygrad_edu.scalars import plain

Scale = Callable[[float], float]
ManyRates = float | Sequence[float]  # for all groups, or one for each


class CosineAnnealingWarmRestarts(LRScheduler):
    """Half a cosine wave from the first rates to `eta_min`, again and again.

    T_0 is the number of steps of the first wave; each later one has `T_mult` times as many as the last.
    """

    settings = ("T_0", "T_mult", "eta_min")
    counts = ("T_0",)
    own: ClassVar = {"T_cur": count, "T_i": count}

    def __init__(self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> None:
        self.T_0, self.T_mult = self._count("T_0", T_0), self._count("T_mult", T_mult)
        self.eta_min = self._real("eta_min", eta_min)
        self.T_cur, self.T_i = -1, self.T_0
        super().__init__(optimizer)

    def advance(self) -> None:
        if self.last_epoch < 0:
            self.T_cur, self.T_i = 0, self.T_0
        else:
            self.T_cur += 1
            if self.T_cur >= self.T_i:
                self.T_cur -= self.T_i
                self.T_i *= self.T_mult
        super().advance()

    def get_lr(self) -> Rates:
        wave = 1.0 + math.cos(math.pi * self.T_cur / self.T_i)
        return [self.eta_min + (lr - self.eta_min) * wave / 2.0 for lr in self.base_lrs]


class _WithMomentum(LRScheduler):
    """A schedule that moves the momentum, or Adam's beta1, against the rates."""

    cycle_momentum: bool

    def _check_momentum(self, cycle_momentum: Any, base: ManyRates, most: ManyRates) -> None:
        cycle_momentum = plain(cycle_momentum)
        if not isinstance(cycle_momentum, bool):
            raise wrong(
                ValueError, self.title, f"cycle_momentum={cycle_momentum!r:.60} must be True or False"
            )
        self.cycle_momentum, self.base_momentum, self.max_momentum = cycle_momentum, base, most
        if not cycle_momentum:
            return
        if not {"momentum", "betas"} & set(self.optimizer.defaults):
            raise wrong(
                ValueError,
                self.title,
                f"{type(self.optimizer).__name__} has no momentum and no betas to change",
                "pass cycle_momentum=False",
            )
        self._momenta_of_groups()

    def _momenta_of_groups(self) -> list[tuple[float, float]]:
        """(the smallest, the largest) of each group."""
        base = self._for_groups("base_momentum", self.base_momentum, 0.0, 1.0)
        most = self._for_groups("max_momentum", self.max_momentum, 0.0, 1.0)
        return list(zip(base, most, strict=True))


class CyclicLR(_WithMomentum):
    """Moves the rates up from `base_lr` to `max_lr` and down again, in straight lines.

    Parameters
    ----------
    base_lr, max_lr
        The lowest and the highest rate, for all groups or a list of one per group.
    step_size_up, step_size_down
        The steps of either half of a cycle; without the second, both have as many.
    mode
        "triangular": all cycles are the same; "triangular2": each has half the height of the last;
        "exp_range": the height shrinks by gamma at each step.
    scale_fn, scale_mode
        A function of the cycle's number ("cycle", from 1) or of the step ("iterations") for the height, in
        place of `mode`.
    cycle_momentum, base_momentum, max_momentum
        Whether the momentum, or Adam's beta1, moves from its largest to its smallest value where the rate
        rises.
    """

    settings = (
        "max_lr",
        "step_size_up",
        "step_size_down",
        "mode",
        "gamma",
        "scale_fn",
        "scale_mode",
        "cycle_momentum",
        "base_momentum",
        "max_momentum",
    )
    counts = ("step_size_up", "step_size_down")

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: ManyRates,
        max_lr: ManyRates,
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Scale | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: ManyRates = 0.8,
        max_momentum: ManyRates = 0.9,
    ) -> None:
        self.optimizer = self._checked_optimizer(optimizer)
        first = self._for_groups("base_lr", base_lr)
        self.max_lr = max_lr
        self._for_groups("max_lr", max_lr)
        up = self._count("step_size_up", step_size_up)
        down = up if step_size_down is None else self._count("step_size_down", step_size_down)
        self.step_size_up, self.step_size_down = up, down
        self.total_size, self.step_ratio = up + down, up / (up + down)
        self.mode = self._choice("mode", mode, ("triangular", "triangular2", "exp_range"))
        self.gamma = self._real("gamma", gamma)
        self.scale_mode = self._choice("scale_mode", scale_mode, ("cycle", "iterations"))
        if scale_fn is not None and not callable(scale_fn):
            raise wrong(TypeError, self.title, f"scale_fn={scale_fn!r:.60} is no function")
        self.scale_fn = scale_fn
        self._check_momentum(cycle_momentum, base_momentum, max_momentum)
        for group, lr in zip(self.groups, first, strict=True):
            group.setdefault("initial_lr", lr)
        self.base_lrs = first
        self._begin()

    def _height(self) -> float:
        """The part of the way up, from 0 to 1, times the height of this cycle."""
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        way = x / self.step_ratio if x <= self.step_ratio else (x - 1.0) / (self.step_ratio - 1.0)
        if self.scale_fn is not None:
            return way * float(self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch))
        if self.mode == "triangular2":
            return way / 2.0 ** (cycle - 1)
        return way * self.gamma**self.last_epoch if self.mode == "exp_range" else way

    def get_lr(self) -> Rates:
        height, most = self._height(), self._for_groups("max_lr", self.max_lr)
        return [low + (high - low) * height for low, high in zip(self.base_lrs, most, strict=True)]

    def momenta(self) -> Rates | None:
        if not self.cycle_momentum:
            return None
        height = self._height()
        return [high - (high - low) * height for low, high in self._momenta_of_groups()]


class OneCycleLR(_WithMomentum):
    """One cycle for a whole training: the rate rises to `max_lr`, and then falls far below the first one.

    Parameters
    ----------
    max_lr
        The highest rate, for all groups or a list of one per group.
    total_steps, epochs, steps_per_epoch
        The number of steps; or epochs and the steps of each. More are an error.
    pct_start
        The part of the steps in which the rate rises, from 0 to 1.
    anneal_strategy
        "cos" or "linear": the form of the way up and down.
    cycle_momentum, base_momentum, max_momentum
        Whether the momentum, or Adam's beta1, moves from its largest to its smallest value and back.
    div_factor, final_div_factor
        The first rate is max_lr / div_factor, the last one the first / final_div_factor.
    three_phase
        First down to the first rate, as long as up, and then down to the last one.
    """

    settings = (
        "max_lr",
        "total_steps",
        "pct_start",
        "anneal_strategy",
        "div_factor",
        "final_div_factor",
        "three_phase",
        "cycle_momentum",
        "base_momentum",
        "max_momentum",
    )
    counts = ("total_steps",)

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: ManyRates,
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: ManyRates = 0.85,
        max_momentum: ManyRates = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        self.optimizer = self._checked_optimizer(optimizer)
        if total_steps is not None:
            self.total_steps = self._count("total_steps", total_steps)
        elif epochs is not None and steps_per_epoch is not None:
            self.total_steps = self._count("epochs", epochs) * self._count("steps_per_epoch", steps_per_epoch)
        else:
            raise wrong(ValueError, self.title, "give total_steps=, or both epochs= and steps_per_epoch=")
        self.pct_start = self._real("pct_start", pct_start, 0.0, 1.0)
        self.anneal_strategy = self._choice("anneal_strategy", anneal_strategy, ("cos", "linear"))
        self.div_factor = self._real("div_factor", div_factor)
        self.final_div_factor = self._real("final_div_factor", final_div_factor)
        if not self.div_factor or not self.final_div_factor:
            raise wrong(ValueError, self.title, "div_factor and final_div_factor must be above 0")
        self.max_lr, self.three_phase = max_lr, bool(three_phase)
        self._check_momentum(cycle_momentum, base_momentum, max_momentum)
        self.base_lrs = [lr / self.div_factor for lr in self._for_groups("max_lr", max_lr)]
        self._begin()

    def _way(self, points: Sequence[float], most: float = 1.0) -> float:
        """Where the cycle is between points, one for the begin and one for the end of each phase.

        `most` says how far a phase goes: 1 is its last point, and beyond it the curve goes on.
        """
        ends = [self.pct_start * self.total_steps - 1.0]
        if self.three_phase:
            ends.append(2.0 * self.pct_start * self.total_steps - 2.0)
        ends.append(self.total_steps - 1.0)
        begin = 0.0
        for i, end in enumerate(ends):
            if self.last_epoch <= end or i == len(ends) - 1:
                break
            begin = end
        way = min((self.last_epoch - begin) / (end - begin), most) if end > begin else 1.0
        start, stop = points[i], points[i + 1]
        if self.anneal_strategy == "linear":
            return (stop - start) * way + start
        return stop + (start - stop) / 2.0 * (math.cos(math.pi * way) + 1.0)

    def get_lr(self) -> Rates:
        if self.last_epoch > self.total_steps:
            raise wrong(
                ValueError,
                self.title,
                f"step {self.last_epoch} of a cycle of {self.total_steps}",
                "give it the number of all steps: epochs times batches",
            )
        rates = []
        for first, most in zip(self.base_lrs, self._for_groups("max_lr", self.max_lr), strict=True):
            middle = (most, first) if self.three_phase else (most,)
            rates.append(self._way((first, *middle, first / self.final_div_factor)))
        return rates

    def momenta(self) -> Rates | None:
        if not self.cycle_momentum:
            return None
        back = (1, 1) if self.three_phase else (1,)
        return [self._way([pair[k] for k in (1, 0, *back)]) for pair in self._momenta_of_groups()]
