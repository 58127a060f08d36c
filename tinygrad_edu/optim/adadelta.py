"""Adadelta and Adamax: two relatives of RMSprop and of Adam that need little tuning of the learning rate.

    Adadelta  s' = rho s + (1 - rho) g^2            d = sqrt((a + eps) / (s' + eps)) g
              a' = rho a + (1 - rho) d^2            w' = w - lr d
    Adamax    m' = beta1 m + (1 - beta1) g          u' = max(beta2 u, |g| + eps)
              w' = w - lr / (1 - beta1^t)  m' / u'

Weight decay adds weight_decay * w to g. Sources: Zeiler, "ADADELTA: an adaptive learning rate method", arXiv
1212.5701; Kingma, Ba, "Adam: a method for stochastic optimization", arXiv 1412.6980, section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tinygrad_edu.ops.elementwise import abs, maximum, sqrt
from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.rule import Numbers


class Adadelta(Optimizer):
    """Steps in the units of the parameter: the root mean square of past steps over that of the gradient.

    rho in [0, 1) is the decay rate of both means of squares. eps >= 0 sets the size of the first steps.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "rho": rho, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings)

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "eps")
        group["rho"] = self._fraction("rho", group["rho"])

    def memory(self, group: Group) -> tuple[str, ...]:
        return "square_avg", "acc_delta"

    def numbers(self, group: Group, step: int) -> Numbers:
        return group["lr"], group["rho"], 1.0 - group["rho"], group["eps"], group["weight_decay"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        lr, rho, fresh, eps, decay = numbers
        if group["weight_decay"]:
            g = g + p * decay
        mean = state[0] * rho + g * g * fresh
        change = g / sqrt(mean + eps) * sqrt(state[1] + eps)
        return p - change * lr, mean, state[1] * rho + change * change * fresh


class Adamax(Optimizer):
    """Adam with the largest gradient so far, slowly forgotten, in place of the root of the second moment.

    betas, in [0, 1), are the decay rates of the mean and of the largest gradient.
    """

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        settings = {"lr": lr, "betas": betas, "eps": eps, "weight_decay": weight_decay, "maximize": maximize}
        super().__init__(params, settings)

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "eps")
        self._check_betas(group)

    def memory(self, group: Group) -> tuple[str, ...]:
        return "exp_avg", "exp_inf"

    def numbers(self, group: Group, step: int) -> Numbers:
        beta1, beta2 = group["betas"]
        size = group["lr"] / (1.0 - beta1**step)
        return beta1, 1.0 - beta1, beta2, size, group["eps"], group["weight_decay"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        beta1, fresh, beta2, size, eps, decay = numbers
        if group["weight_decay"]:
            g = g + p * decay
        m = state[0] * beta1 + g * fresh
        largest = maximum(state[1] * beta2, abs(g) + eps)
        return p - m / largest * size, m, largest
