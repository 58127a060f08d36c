"""Bounding gradients before a step, so that one bad batch cannot throw the parameters away.

Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", arXiv 1211.5063.
"""
from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.errors import user_line
from tinygrad_edu.optim.optimizer import gradients
from tinygrad_edu.tensor import Tensor


def clip_grad_norm_(parameters: Iterable[Tensor] | Tensor, max_norm: float, norm_type: float = 2.0, *,
                    error_if_nonfinite: bool = False) -> Tensor:
    """Scale all gradients by one number, so that their joint norm is at most `max_norm`; returns what it was.

    The norm is summed in float64. With a NaN or infinity among the gradients it is one too, and so they
    become: ask for `error_if_nonfinite=True` to hear of it. Raises ValueError for max_norm < 0 or norm_type
    <= 0.
    """
    if not max_norm >= 0 or not norm_type > 0:
        raise ValueError(f"clip_grad_norm_: max_norm={max_norm} must be >= 0 and norm_type={norm_type} > 0")
    grads = gradients(parameters)
    sizes = [np.abs(g.numpy()).astype(np.float64, copy=False) for g in grads if g.size]
    if not sizes:
        total = 0.0
    elif math.isinf(norm_type):
        total = float(np.max([s.max() for s in sizes]))
    else:
        largest = float(np.max([s.max() for s in sizes]))
        scale = largest if 0.0 < largest < math.inf else 1.0        # so that no power over- or underflows
        total = scale * float(np.sum([np.sum((s / scale) ** norm_type) for s in sizes])) ** (1.0 / norm_type)
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(f"clip_grad_norm_: the gradients' norm is {total} (at {user_line()}); "
                           "find where it comes from with te.detect_anomaly()")
    factor = max_norm / (total + 1e-6)
    if not factor >= 1.0:
        for g in grads:
            g.detach().mul_(factor)
    return F.tensor(total, dtype="float64")


def clip_grad_value_(parameters: Iterable[Tensor] | Tensor, clip_value: float) -> None:
    """Limit every element of every gradient to [-clip_value, clip_value]."""
    if not clip_value >= 0:
        raise ValueError(f"clip_grad_value_: clip_value={clip_value} must be >= 0")
    for g in gradients(parameters):
        g.detach().copy_(np.clip(g.numpy(), -clip_value, clip_value))
