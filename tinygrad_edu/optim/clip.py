"""Limits gradients before a step, so that one bad batch cannot move the parameters far.

Source: Pascanu, Mikolov, Bengio, "On the difficulty of training recurrent neural networks", arXiv 1211.5063.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from tinygrad_edu import functional as F
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import number
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.words import explaining


@partial(explaining, title="clip_grad_norm_")
def clip_grad_norm_(
    parameters: Any, max_norm: float, norm_type: float = 2.0, *, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients by one factor so that their joint norm is at most `max_norm`; returns the old norm

    parameters  tensors, one tensor, or a model
    norm_type   the p of the norm; math.inf for the largest number

    The norm is computed in float64 on the gradients' device, without waiting for it. If a gradient has a NaN
    or infinity, the norm is not finite either, and all gradients get bad values. `error_if_nonfinite=True`
    waits for the norm and raises RuntimeError in this case. Raises ValueError for max_norm < 0 or norm_type
    <= 0.
    """
    max_norm = number(max_norm, "clip_grad_norm_: max_norm")
    norm_type = number(norm_type, "clip_grad_norm_: norm_type")
    if not max_norm >= 0 or not norm_type > 0:
        raise wrong(
            ValueError, "clip_grad_norm_", f"max_norm={max_norm} must be >= 0 and norm_type={norm_type} > 0"
        )
    grads = gradients("clip_grad_norm_", parameters)
    total = _joint_norm(grads, norm_type)
    if error_if_nonfinite and not math.isfinite(norm := float(total.item())):
        raise wrong(
            RuntimeError,
            "clip_grad_norm_",
            f"the gradients' norm is {norm}",
            "find where it comes from with te.detect_anomaly()",
        )
    with no_grad():
        factor = max_norm / (total + 1e-6)
        factor = F.where(factor >= 1.0, 1.0, factor)  # a NaN factor is kept, and scales the gradients
        for g in grads:
            g.detach().mul_(factor.to(g.device).cast(g.dtype))
    return total


def _joint_norm(grads: list[Tensor], p: float) -> Tensor:
    """The p-norm of all numbers of all gradients, in float64, on the device of the first.

    All numbers are first divided by the largest, so that no power overflows or underflows.
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


@partial(explaining, title="clip_grad_value_")
def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Limit every element of every gradient of tensors, a tensor or a model to [-clip_value, clip_value]."""
    clip_value = number(clip_value, "clip_grad_value_: clip_value")
    if not clip_value >= 0:
        raise wrong(ValueError, "clip_grad_value_", f"clip_value={clip_value} must be >= 0")
    for g in gradients("clip_grad_value_", parameters):
        g.detach().copy_(F.clip(g.detach(), -clip_value, clip_value))


def gradients(title: str, parameters: Any) -> list[Tensor]:
    """The existing gradients of one tensor, of several tensors, or of all parameters of a module.

    Raises TypeError for anything else, and ValueError for a generator that has already been read to its end.
    """
    if hasattr(parameters, "parameters"):
        parameters = parameters.parameters()
    several = [parameters] if isinstance(parameters, Tensor) else parameters
    if not isinstance(several, Iterable) or isinstance(several, str | Mapping):
        called = f"; call it: {parameters.__name__}()" if hasattr(parameters, "__name__") else ""
        raise wrong(
            TypeError,
            title,
            f"parameters is a {type(parameters).__name__}",
            f"pass a model, model.parameters() or a list of tensors{called}",
        )
    found = list(several)
    if not found and iter(several) is several:
        raise wrong(
            ValueError,
            title,
            "no parameters",
            "a generator such as model.parameters() can be read only once: call it again, or keep a list",
        )
    for i, p in enumerate(found):
        if not isinstance(p, Tensor):
            raise wrong(TypeError, title, f"parameter {i} is a {type(p).__name__}, no tensor")
    once = {id(p): p for p in found}.values()  # a parameter that is given twice is scaled only once
    return [p.grad for p in once if p.grad is not None]
