"""ASGD: stochastic gradient descent whose rate falls, with a running mean of the weights beside it.

    g = grad(w) + weight_decay w            w' = (1 - lambd eta_t) w - eta_t g
    a' = a + mu_t (w' - a)                  (a' = w' as long as t <= t0 + 1)
    eta_{t+1} = lr / (1 + lambd lr t)^alpha             mu_{t+1} = 1 / max(1, t - t0)

with eta_1 = lr. The mean a is the state `ax`, which the training does not use: late in a training it is
often a better solution than w. The rate of a step is computed at the step before, as in PyTorch, so a
schedule acts one step later.

Source: Polyak, Juditsky, "Acceleration of stochastic approximation by averaging", SIAM Journal on Control and
Optimization 30 (1992).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.rule import Numbers


class ASGD(Optimizer):
    """Averaged stochastic gradient descent; see the module for the rule.

    lr >= 0 is the first rate, lambd >= 0 the decay of weights and rate, alpha >= 0 the power of the rate's
    fall, and t0 >= 0 the number of steps before the averaging begins.
    """

    scalars = ("eta", "mu")
    ahead = True

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lambd": lambd,
                "alpha": alpha,
                "t0": t0,
                "weight_decay": weight_decay,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "lambd", "alpha")
        group["t0"] = self._number("t0", group["t0"], math.inf, "be a finite number >= 0")

    def memory(self, group: Group) -> tuple[str, ...]:
        return ("ax",)

    def advance(self, group: Group, step: int, scalars: Numbers) -> Numbers:
        lr = group["lr"]
        eta = lr / (1.0 + group["lambd"] * lr * step) ** group["alpha"]
        return eta, 1.0 / max(1.0, step - group["t0"])

    def numbers(self, group: Group, step: int, eta: float | None = None, mu: float = 1.0) -> Numbers:
        """eta and mu are those of the update before; the first has the group's rate, and takes w itself."""
        rate = group["lr"] if eta is None else eta
        return rate, 1.0 - group["lambd"] * rate, mu, 1.0 - mu, group["weight_decay"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        eta, kept, fresh, old, decay = numbers
        if group["weight_decay"]:
            g = g + p * decay
        p = p * kept - g * eta
        return p, state[0] * old + p * fresh
