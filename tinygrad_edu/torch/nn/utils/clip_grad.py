"""Gradients brought to a size: by their norm, or number by number."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare, faced
from tinygrad_edu.torch.core.tensor import Tensor

__all__ = ["clip_grad_norm_", "clip_grad_norm", "clip_grad_value_", "clip_grads_with_norm_", "get_total_norm"]


def _several(parameters: Any) -> list[Any]:
    return [parameters] if isinstance(parameters, Tensor) else list(parameters)


def _gradients(parameters: Any) -> list[te.Tensor]:
    found = (bare(p).grad for p in _several(parameters))
    return [g for g in found if g is not None]


def get_total_norm(
    tensors: Any, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Any:
    """The norm of the norms of tensors: of all their numbers as one vector."""
    return faced(_total([bare(x) for x in _several(tensors)], float(norm_type), error_if_nonfinite))


def _total(tensors: list[te.Tensor], norm_type: float, strict: bool) -> te.Tensor:
    if not tensors:
        return te.tensor(0.0)
    with te.no_grad():
        each = [te.norm(te.reshape(x.detach(), (-1,)), norm_type) for x in tensors]
        device = each[0].device
        total = te.norm(te.stack([x if x.device == device else x.to(device) for x in each]), norm_type)
    if strict and not math.isfinite(total.item()):
        raise wrong(
            RuntimeError,
            "clip_grad_norm_",
            f"The total norm of order {norm_type} for gradients from `parameters` is "
            "non-finite, so it cannot be clipped.",
            "pass error_if_nonfinite=False",
        )
    return total


def clip_grads_with_norm_(
    parameters: Any, max_norm: float, total_norm: Any, foreach: bool | None = None
) -> None:
    """Scale the gradients of parameters so that their norm, which is `total_norm`, is at most `max_norm`."""
    _scale(_gradients(parameters), float(max_norm), bare(total_norm))


def _scale(gradients: list[te.Tensor], max_norm: float, total: te.Tensor) -> None:
    with te.no_grad():
        factor = te.clip(max_norm / (total + 1e-6), None, 1.0)
        for g in gradients:
            seen, by = g.detach(), factor.cast(g.dtype)
            seen.mul_(by if by.device == g.device else by.to(g.device))


def clip_grad_norm_(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:
    """Scale the gradients of parameters, all by one factor, so that their norm is at most `max_norm`.

    Returns the norm that they had.
    """
    gradients = _gradients(parameters)
    total = _total(gradients, float(norm_type), error_if_nonfinite)
    if gradients:
        _scale(gradients, float(max_norm), total)
    return faced(total)


def clip_grad_norm(
    parameters: Any,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Any:
    """`clip_grad_norm_`, by its old name."""
    warnings.warn("nn.utils.clip_grad_norm is the old name of nn.utils.clip_grad_norm_", FutureWarning,
                  stacklevel=2)  # fmt: skip
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)


def clip_grad_value_(parameters: Iterable[Any], clip_value: float, foreach: bool | None = None) -> None:
    """Limit every number of the gradients of parameters to [-clip_value, clip_value]."""
    limit = float(clip_value)
    with te.no_grad():
        for g in _gradients(parameters):
            g.detach().copy_(te.clip(g.detach(), -limit, limit))
