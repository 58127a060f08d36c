"""ScikitAdam and ScikitSGD: as scikit-learn computes them, in its order, so that the last bits agree.

They differ from `optim.Adam` and `optim.SGD`, which are PyTorch's: here epsilon is added to the square root
of the uncorrected second moment, and a new learning rate scales only what is added to the velocity.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.ops.elementwise import sqrt
from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.rule import Numbers


class ScikitAdam(Optimizer):
    """m' = b1 m + (1 - b1) g;  v' = b2 v + (1 - b2) g^2;  p' = p - rate m' / (sqrt(v') + epsilon)

    with rate = lr sqrt(1 - b2^t) / (1 - b1^t) at step t.
    Source: Kingma, Ba, "Adam", arXiv 1412.6980, the form at the end of its section 2.
    """

    def __init__(self, params: Any, lr: float, beta_1: float, beta_2: float, epsilon: float) -> None:
        super().__init__(params, {"lr": float(lr), "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon})

    def check(self, group: Group) -> None:
        """The estimator has checked its parameters."""

    def epoch_ended(self, seen: int) -> None:
        """Adam has no schedule."""

    def memory(self, group: Group) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def numbers(self, group: Group, step: int) -> Numbers:
        beta_1, beta_2 = group["beta_1"], group["beta_2"]
        rate = group["lr"] * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        return beta_1, 1 - beta_1, beta_2, 1 - beta_2, rate, group["epsilon"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        beta_1, new_1, beta_2, new_2, rate, epsilon = numbers
        m = state[0] * beta_1 + g * new_1
        v = state[1] * beta_2 + g * g * new_2
        return p - m * rate / (sqrt(v) + epsilon), m, v


class ScikitSGD(Optimizer):
    """v' = mu v - lr g;  p' = p + v', or with Nesterov's look-ahead p' = p + mu v' - lr g.

    `schedule` "invscaling" divides `lr`, after every epoch, by a power of the rows seen; with "adaptive",
    the fit lowers it.
    """

    def __init__(
        self,
        params: Any,
        lr: float,
        momentum: float,
        nesterov: bool,
        schedule: str = "constant",
        power: float = 0.5,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": float(lr),
                "momentum": momentum,
                "nesterov": nesterov,
                "schedule": schedule,
                "power": power,
                "first": float(lr),
            },
        )

    def epoch_ended(self, seen: int) -> None:
        """Adjust `lr`; `seen` is the number of rows over all epochs."""
        for group in self.param_groups:
            if group["schedule"] == "invscaling":
                group["lr"] = group["first"] / (seen + 1) ** group["power"]

    def check(self, group: Group) -> None:
        """The estimator has checked its parameters."""

    def memory(self, group: Group) -> tuple[str, ...]:
        return ("velocity",)

    def numbers(self, group: Group, step: int) -> Numbers:
        return group["lr"], group["momentum"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        lr, momentum = numbers
        v = state[0] * momentum - g * lr
        return p + (v * momentum - g * lr if group["nesterov"] else v), v
