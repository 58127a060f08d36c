"""SGD: down the gradient, with momentum and Nesterov's look-ahead if wanted.

The lecture's form, with learning rate eta and momentum mu:

    v' = mu v - eta grad(w)                 w' = w + v'         (momentum; mu = 0 is plain SGD)
    v' = mu v - eta grad(w + mu v)          w' = w + v'         (Nesterov)

PyTorch's, which this is, so that its results carry over:

    b' = mu b + (1 - dampening) g           w' = w - eta b'     (b' = g at the first step)
    b' = mu b + g                           w' = w - eta (g + mu b')        (Nesterov)

For a constant eta they are the same walk: v = -eta b. With Nesterov the variable kept here is the lecture's
look-ahead point, theta = w + mu v, because that is where the gradient is taken; w = theta + eta mu b brings
the lecture's back. When eta changes on the way, PyTorch's form rescales the whole velocity at once, the
lecture's only what is added to it.

Sources: Polyak, "Some methods of speeding up the convergence of iteration methods", 1964; Nesterov, "A method
for solving the convex programming problem with convergence rate O(1/k^2)", 1983; Sutskever, Martens, Dahl,
Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013.
"""
from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.optim.optimizer import Group, Numbers, Optimizer


class SGD(Optimizer):
    """w' = w - lr g, with momentum and Nesterov's look-ahead if wanted; this file says how.

    lr, momentum, dampening, weight_decay  numbers >= 0; weight decay adds weight_decay * w to the gradient,
                                           which is the slope of an L2 penalty weight_decay / 2 |w|^2
    nesterov                               step from the look-ahead point; needs momentum, no dampening
    """
    kernel = "sgd_step"

    def __init__(self, params: Any, lr: float = 1e-3, momentum: float = 0.0, dampening: float = 0.0,
                 weight_decay: float = 0.0, nesterov: bool = False) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "dampening": dampening,
                                  "weight_decay": weight_decay, "nesterov": nesterov})

    def check(self, group: Group) -> None:
        super().check(group)
        self._at_least_zero(group, "momentum")
        if not isinstance(group["dampening"], int | float):
            raise ValueError(f"SGD: dampening={group['dampening']!r} must be a number")
        if group["nesterov"] and (group["momentum"] <= 0 or group["dampening"] != 0):
            raise ValueError("SGD: nesterov needs momentum > 0 and dampening = 0, not "
                             f"momentum={group['momentum']}, dampening={group['dampening']}")

    def flag(self, group: Group) -> bool:
        return bool(group["nesterov"])

    def memory(self, group: Group) -> tuple[str, ...]:
        return ("momentum_buffer",) if group["momentum"] else ()

    def numbers(self, group: Group, step: int) -> Numbers:
        fresh = 1.0 if step == 1 else 1.0 - group["dampening"]
        return group["lr"], group["momentum"], fresh, group["weight_decay"]

    def formula(self, p: Any, g: Any, state: Sequence[Any], numbers: Numbers,
                group: Group) -> tuple[Any, ...]:
        lr, momentum, fresh, decay = numbers
        g = g + p * decay
        if not momentum:
            return p - g * lr, *state
        v = state[0] * momentum + g * fresh
        return p - (g + v * momentum if group["nesterov"] else v) * lr, v

    def update(self, p: Any, g: Any, state: Any, scratch: Any, numbers: Any, group: Group) -> None:
        lr, momentum, fresh, decay = numbers
        s, regularized = scratch
        if group["weight_decay"]:
            np.multiply(p, decay, regularized)
            g = np.add(regularized, g, regularized)
        if group["momentum"]:
            v = state[0]
            np.multiply(v, momentum, v)
            np.add(v, np.multiply(g, fresh, s) if group["dampening"] else g, v)
            if group["nesterov"]:
                np.multiply(v, momentum, s)
                g = np.add(s, g, s)
            else:
                g = v
        np.subtract(p, np.multiply(g, lr, s), p)
