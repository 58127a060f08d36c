"""Adam and AdamW: steps of about `lr` in every coordinate, whatever the gradient's scale.

    m' = beta1 m + (1 - beta1) g            v' = beta2 v + (1 - beta2) g^2
    w' = w - lr  (m' / (1 - beta1^t)) / (sqrt(v' / (1 - beta2^t)) + eps)

computed as in the paper's section 2, with both corrections moved into one step size and one eps. Weight decay
adds weight_decay * w to g in Adam (an L2 penalty, which the division then distorts);
in AdamW it shrinks w directly. With amsgrad, the largest v' of all steps so far replaces v' in the division.

Sources: Kingma, Ba, "Adam: a method for stochastic optimization", arXiv 1412.6980; Loshchilov, Hutter,
"Decoupled weight decay regularization", arXiv 1711.05101; Reddi, Kale, Kumar, "On the convergence of Adam and
beyond", ICLR 2018, for amsgrad.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from tinygrad_edu.ops.elementwise import maximum, sqrt
from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.rule import Numbers


class Adam(Optimizer):
    """Adaptive moment estimation; see the module for the rule.

    lr > 0 is about how far a coordinate moves in a step. betas, in [0, 1), are the decay rates of the two
    averages. eps keeps the division finite. weight_decay >= 0 is the factor of an L2 penalty.
    amsgrad divides by the largest second moment so far; maximize steps up the gradient.
    """

    sometimes = ("max_exp_avg_sq",)
    decoupled: ClassVar[bool] = False

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
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
                "amsgrad": amsgrad,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "eps")
        self._check_betas(group)
        self._true_or_false(group, "amsgrad")

    def flag(self, group: Group) -> int:
        return int(self.decoupled) + 2 * group["amsgrad"]

    def memory(self, group: Group) -> tuple[str, ...]:
        return ("exp_avg", "exp_avg_sq", *(self.sometimes if group["amsgrad"] else ()))

    def numbers(self, group: Group, step: int) -> Numbers:
        (beta1, beta2), lr, decay = group["betas"], group["lr"], group["weight_decay"]
        second = math.sqrt(1.0 - beta2**step)
        size = lr * second / (1.0 - beta1**step)
        return (
            beta1,
            1.0 - beta1,
            beta2,
            1.0 - beta2,
            size,
            group["eps"] * second,
            1.0 - lr * decay if self.decoupled else decay,
        )

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        beta1, new1, beta2, new2, size, eps, decay = numbers
        if group["weight_decay"]:
            p, g = (p * decay, g) if self.decoupled else (p, g + p * decay)
        m = state[0] * beta1 + g * new1
        v = state[1] * beta2 + g * g * new2
        if not group["amsgrad"]:
            return p - m / (sqrt(v) + eps) * size, m, v
        largest = maximum(state[2], v)
        return p - m / (sqrt(largest) + eps) * size, m, v, largest


class AdamW(Adam):
    """Adam whose weight decay shrinks the weights directly: w is first scaled by 1 - lr * weight_decay."""

    decoupled = True

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)
