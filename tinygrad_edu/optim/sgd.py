"""SGD: steps down the gradient; momentum and Nesterov's look-ahead are optional.

The lecture's form, with learning rate eta and momentum mu:

    v' = mu v - eta grad(w)                 w' = w + v'         (momentum; mu = 0 is plain SGD)
    v' = mu v - eta grad(w + mu v)          w' = w + v'         (Nesterov)

PyTorch's form, which is used here, so that its results are the same:

    b' = mu b + (1 - dampening) g           w' = w - eta b'     (b' = g at the first step)
    b' = mu b + g                           w' = w - eta (g + mu b')        (Nesterov)

For a constant eta both forms take the same steps: v = -eta b. With Nesterov the parameter here is the
lecture's look-ahead point, theta = w + mu v, because the gradient is computed there; the lecture's w is
theta + eta mu b. If eta changes during training, PyTorch's form rescales the whole velocity at once, and the
lecture's form only what is added to it.

Sources: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Nesterov, "A method
for solving the convex programming problem with convergence rate O(1/k^2)", 1983; Sutskever, Martens, Dahl,
Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.optim.optimizer import Group, Optimizer
from tinygrad_edu.optim.rule import Numbers


class SGD(Optimizer):
    """w' = w - lr g, optionally with momentum and Nesterov's look-ahead; see the module for the formulas.

    lr, momentum, dampening, weight_decay  numbers >= 0; weight decay adds weight_decay * w to the gradient,
                                           the gradient of an L2 penalty weight_decay / 2 |w|^2
    nesterov                               step from the look-ahead point; needs momentum, no dampening
    maximize                               step up the gradient
    """

    sometimes = ("momentum_buffer",)

    def __init__(
        self,
        params: Any,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params,
            {
                "lr": lr,
                "momentum": momentum,
                "dampening": dampening,
                "weight_decay": weight_decay,
                "nesterov": nesterov,
                "maximize": maximize,
            },
        )

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "momentum")
        dampening = group["dampening"]
        if not isinstance(dampening, int | float | np.floating) or not math.isfinite(dampening):
            raise wrong(ValueError, "SGD", f"dampening={dampening!r} must be a number")
        group["dampening"] = float(dampening)
        self._true_or_false(group, "nesterov")

    def check_together(self, group: Group) -> None:
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise wrong(
                ValueError,
                "SGD",
                f"nesterov needs momentum > 0 and dampening = 0, not momentum={group['momentum']}, "
                f"dampening={group['dampening']}",
            )

    def flag(self, group: Group) -> int:
        return int(group["nesterov"])

    def memory(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def numbers(self, group: Group, step: int) -> Numbers:
        fresh = 1.0 if step == 1 else 1.0 - group["dampening"]
        return group["lr"], group["momentum"], fresh, group["weight_decay"]

    def formula(
        self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers, group: Group
    ) -> tuple[Any, ...]:
        lr, momentum, fresh, decay = numbers
        if group["weight_decay"]:
            g = g + p * decay
        if not group["momentum"]:
            return p - g * lr, *state
        v = state[0] * momentum + (g * fresh if group["dampening"] else g)
        return p - (g + v * momentum if group["nesterov"] else v) * lr, v
