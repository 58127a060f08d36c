"""Adam and SGD as scikit-learn computes them: the order of its operations, so that the last bits agree.

They differ from `optim.Adam` and `optim.SGD`, which are PyTorch's: here epsilon is added to the square root
of the uncorrected second moment, and a new learning rate scales only what is added to the velocity.
"""
from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Group, Numbers, Optimizer


class Adam(Optimizer):
    """m' = b1 m + (1 - b1) g;  v' = b2 v + (1 - b2) g^2;  p' = p - rate m' / (sqrt(v') + epsilon)

    with rate = lr sqrt(1 - b2^t) / (1 - b1^t) at step t.
    Source: Kingma, Ba, "Adam", arXiv 1412.6980, the form at the end of its section 2.
    """

    def __init__(self, params: Any, lr: float, beta_1: float, beta_2: float, epsilon: float) -> None:
        super().__init__(params, {"lr": float(lr), "beta_1": beta_1, "beta_2": beta_2, "epsilon": epsilon})

    def check(self, group: Group) -> None:
        """The estimator has checked its parameters."""

    def epoch_ended(self, seen: int) -> None:
        """It knows no schedule."""

    def memory(self, group: Group) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def numbers(self, group: Group, step: int) -> Numbers:
        beta_1, beta_2 = group["beta_1"], group["beta_2"]
        rate = group["lr"] * math.sqrt(1 - beta_2**step) / (1 - beta_1**step)
        return beta_1, 1 - beta_1, beta_2, 1 - beta_2, rate, group["epsilon"]

    def formula(self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers,
                group: Group) -> tuple[Any, ...]:
        beta_1, new_1, beta_2, new_2, rate, epsilon = numbers
        m = state[0] * beta_1 + g * new_1
        v = state[1] * beta_2 + g * g * new_2
        return p - m * rate / (v**0.5 + epsilon), m, v

    def update(self, p: Any, g: Any, state: Any, scratch: Any, numbers: Any, group: Group) -> None:
        beta_1, new_1, beta_2, new_2, rate, epsilon = numbers
        (m, v), (s, root) = state, scratch
        np.multiply(m, beta_1, m)
        np.add(m, np.multiply(g, new_1, s), m)
        np.multiply(v, beta_2, v)
        np.multiply(g, g, s)
        np.add(v, np.multiply(s, new_2, s), v)
        np.add(np.sqrt(v, root), epsilon, root)
        np.divide(np.multiply(m, rate, s), root, s)
        np.subtract(p, s, p)


class SGD(Optimizer):
    """v' = mu v - lr g;  p' = p + v', or with Nesterov's look-ahead p' = p + mu v' - lr g.

    `schedule` "invscaling" divides `lr`, after every epoch, by a power of the rows seen; "adaptive" leaves it
    to the fit to lower it.
    """

    def __init__(self, params: Any, lr: float, momentum: float, nesterov: bool, schedule: str = "constant",
                 power: float = 0.5) -> None:
        super().__init__(params, {"lr": float(lr), "momentum": momentum, "nesterov": nesterov,
                                  "schedule": schedule, "power": power, "first": float(lr)})

    def epoch_ended(self, seen: int) -> None:
        """`seen`: how many rows, over all epochs."""
        for group in self.param_groups:
            if group["schedule"] == "invscaling":
                group["lr"] = group["first"] / (seen + 1) ** group["power"]

    def check(self, group: Group) -> None:
        """The estimator has checked its parameters."""

    def memory(self, group: Group) -> tuple[str, ...]:
        return ("velocity",)

    def numbers(self, group: Group, step: int) -> Numbers:
        return group["lr"], group["momentum"]

    def formula(self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers,
                group: Group) -> tuple[Any, ...]:
        lr, momentum = numbers
        v = state[0] * momentum - g * lr
        return p + (v * momentum - g * lr if group["nesterov"] else v), v

    def update(self, p: Any, g: Any, state: Any, scratch: Any, numbers: Any, group: Group) -> None:
        lr, momentum = numbers
        (v,), (slope, ahead) = state, scratch
        np.multiply(g, lr, slope)
        np.subtract(np.multiply(v, momentum, v), slope, v)
        if group["nesterov"]:
            np.subtract(np.multiply(v, momentum, ahead), slope, ahead)
            np.add(p, ahead, p)
        else:
            np.add(p, v, p)
