"""Losses, which training minimizes. `reduction` is "mean", "sum" or "none"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.engine.access import glance
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.elementwise import abs, clip, log, log1p, maximum, softplus, square, where
from tinygrad_edu.functional.loss_parts import check_range, check_signs, matched, reduced, weighted
from tinygrad_edu.scalars import number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "hinge", "huber", "l1", "logistic",
           "mse", "smooth_l1"]  # fmt: skip

_LEAST_SPREAD = 1e-12  # of p (1 - p) in the gradient of binary_cross_entropy: PyTorch's number


def mse(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared error (output - target)^2."""
    output, target = matched("mse", output, target)
    return reduced(square(output - target), reduction)


def l1(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Absolute error |output - target|; its gradient where they are equal is 0."""
    output, target = matched("l1", output, target)
    return reduced(abs(output - target), reduction)


def huber(output: Tensor, target: Tensor, *, delta: float = 1.0, reduction: str = "mean") -> Tensor:
    """Quadratic within `delta`, linear beyond (Huber 1964): d^2 / 2, or delta (|d| - delta / 2)."""
    output, target = matched("huber", output, target)
    delta = number(delta, "huber: delta")
    if not delta > 0:
        raise wrong(ValueError, "huber", f"delta must be positive, not {delta}")
    distance = output - target
    limited = clip(distance, -delta, delta)
    return reduced(limited * (distance - limited * 0.5), reduction)


def smooth_l1(output: Tensor, target: Tensor, *, beta: float = 1.0, reduction: str = "mean") -> Tensor:
    """Quadratic within `beta`, then linear: d^2 / (2 beta), or |d| - beta / 2; `huber` divided by its delta.

    With beta 0 it is `l1`. Source: Girshick, "Fast R-CNN", ICCV 2015.
    """
    output, target = matched("smooth_l1", output, target)
    beta = number(beta, "smooth_l1: beta")
    if not beta >= 0:
        raise wrong(ValueError, "smooth_l1", f"beta must be at least 0, not {beta}")
    distance = output - target
    if beta == 0:
        return reduced(abs(distance), reduction)
    limited = clip(distance, -beta, beta)
    return reduced(limited * (distance - limited * 0.5) / beta, reduction)


def hinge(output: Tensor, target: Tensor, *, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    """max(0, margin - target * output) for targets -1 and 1."""
    output, target = matched("hinge", output, target)
    check_signs("hinge", target)
    margin = number(margin, "hinge: margin")
    return reduced(maximum(margin - target * output, 0.0), reduction)


def binary_cross_entropy(p: Tensor, target: Tensor, *, weight: Any = None, reduction: str = "mean") -> Tensor:
    """-(t ln p + (1 - t) ln(1 - p)) of probabilities; logarithms are cut off at -100, as PyTorch's are.

    Its gradient is (p - t) / max(p (1 - p), 1e-12), as PyTorch's: finite, and not 0 where p is 0 and t is 1.
    `weight` multiplies the losses; it broadcasts to their shape.
    """
    p, target = matched("binary_cross_entropy", p, target)
    check_range(
        "binary_cross_entropy",
        "probabilities",
        p,
        0,
        1,
        "of the last layer's sums take binary_cross_entropy_with_logits",
    )
    check_range("binary_cross_entropy", "targets", target, 0, 1, "they are probabilities: 0, 1 or between")
    losses = _of_probabilities(p, target)
    if weight is not None:
        losses = losses * weighted("binary_cross_entropy", "weight", weight, p)
    return reduced(losses, reduction)


def _of_probabilities(p: Tensor, target: Tensor) -> Tensor:
    """The losses of `binary_cross_entropy`. Where p (1 - p) < 1e-12 each is a parabola around p.

    There the logarithms would have too large a derivative, or none. The parabola has the value of the loss,
    and the two derivatives that PyTorch gives: (p - t) / e and (p^2 - 2 p t + t) / ((p + e) (1 - p + e))^2,
    where e = 1e-12.
    """
    seen = glance(p.storage, "binary_cross_entropy")
    if seen is not None and not (seen * (1 - seen) < _LEAST_SPREAD).any():
        return -(target * log(p) + (1 - target) * log1p(-p))
    given = p.detach()
    extreme = given * (1 - given) < _LEAST_SPREAD
    distance = p - given  # it is 0
    at = clip(given, 0.0, 1.0)  # rounding may have put it outside
    value = -(target * _cut_log(log, at, at <= 0, 1.0) + (1 - target) * _cut_log(log1p, -at, at >= 1, 0.0))
    spread = (at + _LEAST_SPREAD) * (1 - at + _LEAST_SPREAD)
    bend = (square(at) - 2 * at * target + target) / square(spread)
    near = value + distance * ((at - target) / _LEAST_SPREAD + distance * bend * 0.5)
    inner = where(extreme, 0.5, p)
    return where(extreme, near, -(target * log(inner) + (1 - target) * log1p(-inner)))


def _cut_log(logarithm: Callable[[Tensor], Tensor], x: Tensor, none: Tensor, instead: float) -> Tensor:
    """logarithm(x), at least -100; where `none` is true it is -100, and of `instead` no warning is given."""
    return where(none, -100.0, clip(logarithm(where(none, instead, x)), -100.0, None))


def binary_cross_entropy_with_logits(
    logits: Tensor, target: Tensor, *, weight: Any = None, pos_weight: Any = None, reduction: str = "mean"
) -> Tensor:
    """Binary cross-entropy of logits: softplus(z) - t z, finite for finite z; for infinite z it is the limit.

    weight      multiplies the losses; it broadcasts to their shape
    pos_weight  multiplies the part of the positive class, t; it broadcasts, as one number for each column

    Where z is positive, z and t are replaced by -z and 1 - t. Then both terms are at least 0, and infinity is
    never subtracted from infinity.
    """
    name = "binary_cross_entropy_with_logits"
    logits, target = matched(name, logits, target)
    check_range(name, "targets", target, 0, 1, "they are probabilities: 0, 1 or between")
    seen = glance(logits.storage, name)
    known = seen is not None and not np.isinf(seen).any()
    top = float(np.finfo(logits.dtype).max)
    if pos_weight is None:
        turned = logits > 0
        z, t = where(turned, -logits, logits), where(turned, 1 - target, target)
        limited = z if known else where(t > 0, z, clip(z, -top, None))
        losses = softplus(z) - t * limited  # 0 times infinity is 0
    else:
        t, finite = target, logits if known else clip(logits, -top, top)
        positive = logits if known else where(t > 0, logits, finite)
        negative = logits if known else where(t < 1, logits, finite)
        factor = weighted(name, "pos_weight", pos_weight, logits)
        losses = factor * t * softplus(-positive) + (1 - t) * softplus(negative)
    if weight is not None:
        losses = losses * weighted(name, "weight", weight, logits)
    return reduced(losses, reduction)


def logistic(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """ln(1 + e^(-t x)) for targets -1 and 1: the lecture's logistic loss."""
    output, target = matched("logistic", output, target)
    check_signs("logistic", target)
    return reduced(softplus(-(target * output)), reduction)
