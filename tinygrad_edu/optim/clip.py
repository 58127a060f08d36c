"""Bounding gradients before a step, so that one bad batch cannot throw the parameters away.

Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", arXiv 1211.5063.
"""
from __future__ import annotations

import math
from collections.abc import Iterable

from tinygrad_edu import functional as F
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import user_line
from tinygrad_edu.optim.optimizer import gradients
from tinygrad_edu.tensor import Tensor


def clip_grad_norm_(parameters: Iterable[Tensor] | Tensor, max_norm: float, norm_type: float = 2.0, *,
                    error_if_nonfinite: bool = False) -> Tensor:
    """Scale all gradients by one number, so that their joint norm is at most `max_norm`; returns what it was.

    The norm is worked out in float64 on the gradients' device, and nothing waits for it. With a NaN or
    infinity among the gradients it is one too, and so they become: ask for `error_if_nonfinite=True`, which
    waits, to hear of it. Raises ValueError for max_norm < 0 or norm_type <= 0.
    """
    if not max_norm >= 0 or not norm_type > 0:
        raise ValueError(f"clip_grad_norm_: max_norm={max_norm} must be >= 0 and norm_type={norm_type} > 0")
    grads = gradients(parameters)
    total = _joint_norm(grads, norm_type)
    if error_if_nonfinite and not math.isfinite(norm := float(total.item())):
        raise RuntimeError(f"clip_grad_norm_: the gradients' norm is {norm} (at {user_line()}); "
                           "find where it comes from with te.detect_anomaly()")
    with no_grad():
        factor = max_norm / (total + 1e-6)
        factor = F.where(factor >= 1.0, 1.0, factor)        # a NaN is not: it goes on into the gradients
        for g in grads:
            g.detach().mul_(factor.to(g.device).cast(g.dtype))
    return total


def _joint_norm(grads: list[Tensor], p: float) -> Tensor:
    """The p-norm of all numbers of all gradients, in float64; where the first gradient lives, without a wait.

    All are divided by the largest first, so that no power over- or underflows.
    """
    with no_grad():
        sizes = [F.abs(g.detach()).cast("float64") for g in grads if g.size]
        if not sizes:
            return F.tensor(0.0, dtype="float64")
        home = sizes[0].device
        largest = F.stack([s.max().to(home) for s in sizes]).max()
        if math.isinf(p):
            return largest
        scale = F.where((largest > 0.0) & (largest < math.inf), largest, 1.0)
        powers = [((s / scale.to(s.device)) ** p).sum().to(home) for s in sizes]
        return scale * F.stack(powers).sum() ** (1.0 / p)


def clip_grad_value_(parameters: Iterable[Tensor] | Tensor, clip_value: float) -> None:
    """Limit every element of every gradient to [-clip_value, clip_value]."""
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value={clip_value} must be >= 0")
    for g in gradients(parameters):
        g.detach().copy_(F.clip(g.detach(), -clip_value, clip_value))
