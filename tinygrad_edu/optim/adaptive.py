"""Adagrad and RMSprop: each coordinate has its own learning rate, from the squares of its gradients.

    Adagrad   s' = s + g^2                          w' = w - lr / (1 + (t - 1) lr_decay)  g / (sqrt(s') + eps)
    RMSprop   s' = alpha s + (1 - alpha) g^2        b' = momentum b + g / (sqrt(s') + eps)      w' = w - lr b'
              centered: a' = alpha a + (1 - alpha) g, and s' - a'^2, the variance, in place of s' in the root

Weight decay adds weight_decay * w to g. Sources: Duchi, Hazan, Singer, "Adaptive subgradient methods for
online learning and stochastic optimization", JMLR 12 (2011); Hinton, "Neural networks for machine learning",
lecture 6e, 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.ops.elementwise import sqrt
from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.rule import Numbers


class Adagrad(Optimizer):
    """Steps that shrink as the sum of squared gradients grows; it starts at `initial_accumulator_value`."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "lr_decay": lr_decay,
                "weight_decay": weight_decay,
                "initial_accumulator_value": initial_accumulator_value,
                "eps": eps,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "lr_decay", "initial_accumulator_value", "eps")

    def memory(self, group: Group) -> tuple[str, ...]:
        return ("sum",)

    def start(self, group: Group) -> Numbers:
        return (group["initial_accumulator_value"],)

    def numbers(self, group: Group, step: int) -> Numbers:
        return group["lr"] / (1.0 + (step - 1) * group["lr_decay"]), group["eps"], group["weight_decay"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        lr, eps, decay = numbers
        if group["weight_decay"]:
            g = g + p * decay
        total = state[0] + g * g
        return p - g / (sqrt(total) + eps) * lr, total


class RMSprop(Optimizer):
    """Steps divided by a running root mean square of the gradient; momentum is optional.

    centered  divide by the standard deviation of the gradient instead: its running mean is subtracted
    """

    sometimes = ("momentum_buffer", "grad_avg")

    def __init__(
        self,
        params: Any,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "alpha": alpha,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum": momentum,
                "centered": centered,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "eps", "momentum")
        group["alpha"] = self._fraction("alpha", group["alpha"])
        self._true_or_false(group, "centered")

    def flag(self, group: Group) -> int:
        return 2 * group["centered"]

    def memory(self, group: Group) -> tuple[str, ...]:
        if group["centered"]:
            return "square_avg", "momentum_buffer", "grad_avg"
        return ("square_avg", "momentum_buffer") if group["momentum"] else ("square_avg",)

    def numbers(self, group: Group, step: int) -> Numbers:
        alpha = group["alpha"]
        return group["lr"], alpha, 1.0 - alpha, group["eps"], group["weight_decay"], group["momentum"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        lr, alpha, fresh, eps, decay, momentum = numbers
        if group["weight_decay"]:
            g = g + p * decay
        mean = state[0] * alpha + g * g * fresh
        if group["centered"]:
            average = state[2] * alpha + g * fresh
            step = g / (sqrt(mean - average * average) + eps)
            b = state[1] * momentum + step if group["momentum"] else state[1]
            return p - (b if group["momentum"] else step) * lr, mean, b, average
        step = g / (sqrt(mean) + eps)
        if not group["momentum"]:
            return p - step * lr, mean
        b = state[1] * momentum + step
        return p - b * lr, mean, b
