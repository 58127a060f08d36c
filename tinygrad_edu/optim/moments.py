"""NAdam and RAdam: Adam with Nesterov's look-ahead, and Adam with small steps while its variance is unknown.

    both      m' = beta1 m + (1 - beta1) g          v' = beta2 v + (1 - beta2) g^2
    NAdam     mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2)          Pi_t = mu_1 ... mu_t
              w' = w - lr (mu_{t+1} m' / (1 - Pi_{t+1}) + (1 - mu_t) g / (1 - Pi_t))
                        / (sqrt(v' / (1 - beta2^t)) + eps)
    RAdam     rho_inf = 2 / (1 - beta2) - 1         rho_t = rho_inf - 2 t beta2^t / (1 - beta2^t)
              w' = w - lr m' / (1 - beta1^t)  r_t sqrt(1 - beta2^t) / (sqrt(v') + eps)      if rho_t > 5
              w' = w - lr m' / (1 - beta1^t)                                                otherwise
              r_t^2 = (rho_t - 4) (rho_t - 2) rho_inf / ((rho_inf - 4) (rho_inf - 2) rho_t)

Weight decay adds weight_decay * w to g; with decoupled_weight_decay it shrinks w directly, as in AdamW.
Sources: Dozat, "Incorporating Nesterov momentum into Adam", ICLR workshop 2016; Liu, Jiang, He, Chen, Liu,
Gao, Han, "On the variance of the adaptive learning rate and beyond", ICLR 2020.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tinygrad_edu.ops.elementwise import sqrt
from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.rule import Numbers


class _Moments(Optimizer):
    """What both have in common: two moments, and a weight decay of either kind."""

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "eps")
        self._check_betas(group)
        self._true_or_false(group, "decoupled_weight_decay")

    def flag(self, group: Group) -> int:
        return int(group["decoupled_weight_decay"])

    def memory(self, group: Group) -> tuple[str, ...]:
        return "exp_avg", "exp_avg_sq"

    def _decay(self, group: Group) -> float:
        decay: float = group["weight_decay"]
        return 1.0 - group["lr"] * decay if group["decoupled_weight_decay"] else decay

    def _decayed(self, p: Any, g: Any, decay: Any, group: Group) -> tuple[Any, Any]:
        """(p, g) with weight decay."""
        if not group["weight_decay"]:
            return p, g
        return (p * decay, g) if group["decoupled_weight_decay"] else (p, g + p * decay)


class NAdam(_Moments):
    """Adam with Nesterov's look-ahead, whose momentum grows to beta1 at the rate `momentum_decay` >= 0."""

    scalars = ("mu_product",)

    def __init__(
        self,
        params: Any,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "momentum_decay": momentum_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "momentum_decay")

    @staticmethod
    def _momentum(group: Group, step: int) -> float:
        mu: float = group["betas"][0] * (1.0 - 0.5 * 0.96 ** (step * group["momentum_decay"]))
        return mu

    def advance(self, group: Group, step: int, scalars: Numbers) -> Numbers:
        return ((scalars[0] if scalars else 1.0) * self._momentum(group, step),)

    def numbers(self, group: Group, step: int, product: float | None = None) -> Numbers:
        """`product` is mu_1 ... mu_t of the settings that each step had; by default of those of now."""
        (beta1, beta2), lr = group["betas"], group["lr"]
        if product is None:
            product = math.prod(self._momentum(group, t) for t in range(1, step + 1))
        now, later = self._momentum(group, step), self._momentum(group, step + 1)
        second = math.sqrt(1.0 - beta2**step)
        return (
            beta1,
            1.0 - beta1,
            beta2,
            1.0 - beta2,
            lr * second * (1.0 - now) / (1.0 - product),
            lr * second * later / (1.0 - product * later),
            group["eps"] * second,
            self._decay(group),
        )

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        beta1, new1, beta2, new2, by_gradient, by_moment, eps, decay = numbers
        p, g = self._decayed(p, g, decay, group)
        m = state[0] * beta1 + g * new1
        v = state[1] * beta2 + g * g * new2
        return p - (m * by_moment + g * by_gradient) / (sqrt(v) + eps), m, v


class RAdam(_Moments):
    """Adam that corrects its step by the variance of the second moment, and does without it at first."""

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "betas": betas,
                "eps": eps,
                "weight_decay": weight_decay,
                "decoupled_weight_decay": decoupled_weight_decay,
                "maximize": maximize,
            },
        )

    def numbers(self, group: Group, step: int) -> Numbers:
        """The division is by sqrt(v') * root + eps, which is 1 as long as the variance is unknown."""
        beta1, beta2 = group["betas"]
        size, remaining = group["lr"] / (1.0 - beta1**step), 1.0 - beta2**step
        longest = 2.0 / (1.0 - beta2) - 1.0
        length = longest - 2.0 * step * beta2**step / remaining
        root, eps = 0.0, 1.0
        if length > 5.0:
            root, eps = 1.0, group["eps"]
            of_step = (length - 4.0) * (length - 2.0) / length
            size *= math.sqrt(remaining * of_step * longest / ((longest - 4.0) * (longest - 2.0)))
        return beta1, 1.0 - beta1, beta2, 1.0 - beta2, size, root, eps, self._decay(group)

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        beta1, new1, beta2, new2, size, root, eps, decay = numbers
        p, g = self._decayed(p, g, decay, group)
        m = state[0] * beta1 + g * new1
        v = state[1] * beta2 + g * g * new2
        return p - m / (sqrt(v) * root + eps) * size, m, v
