"""Losses from probability distributions: divergences and negative log-likelihoods."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.functional.elementwise import clip, exp, log, square, where
from tinygrad_edu.functional.loss_parts import check_range, matched, reduced
from tinygrad_edu.functional.movement import broadcast_to, expand_dims
from tinygrad_edu.functional.reduction import sum
from tinygrad_edu.scalars import number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["gaussian_nll", "kl_div", "poisson_nll"]


def kl_div(output: Tensor, target: Tensor, *, log_target: bool = False, reduction: str = "mean") -> Tensor:
    """target (ln target - output), elementwise: the divergence of e^output from the probabilities `target`.

    output      logarithms of probabilities, as from log_softmax
    log_target  whether `target` holds logarithms, too
    reduction   "batchmean", the sum divided by the number of rows, is the divergence; "mean" is over elements

    Source: Kullback, Leibler, "On information and sufficiency", 1951. The term of a probability 0 is 0.
    """
    output, target = matched("kl_div", output, target)
    if log_target:
        losses = exp(target) * (target - output)
    else:
        losses = target * (log(where(target > 0, target, 1.0)) - output)
    if reduction == "batchmean":
        return sum(losses) / losses.shape[0] if losses.ndim else losses
    return reduced(losses, reduction)


def poisson_nll(
    output: Tensor,
    target: Tensor,
    *,
    log_input: bool = True,
    full: bool = False,
    eps: float = 1e-8,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood of counts `target` under Poisson distributions: e^x - target x.

    log_input  whether x is the logarithm of the rate; without, it is the rate: x - target ln(x + eps)
    full       add Stirling's approximation of ln target!, for targets above 1; without, it is left out
    """
    x, target = matched("poisson_nll", output, target)
    losses = exp(x) - target * x if log_input else x - target * log(x + number(eps, "poisson_nll: eps"))
    if full:
        t = where(target > 1, target, 1.0)
        stirling = t * log(t) - t + 0.5 * log(2 * math.pi * t)
        losses = losses + where(target > 1, stirling, 0.0)
    return reduced(losses, reduction)


def gaussian_nll(
    output: Tensor,
    target: Tensor,
    var: Any,
    *,
    full: bool = False,
    eps: float = 1e-6,
    reduction: str = "mean",
) -> Tensor:
    """The negative log-likelihood under normal distributions: (ln var + (output - target)^2 / var) / 2.

    var   of output's shape, or one for each row (the last axis missing, or of size 1), or a number; a
          variance below `eps` counts as `eps`, but gets the gradient all the same, as in PyTorch
    full  add ln(2 pi) / 2

    Source: Nix, Weigend, "Estimating the mean and variance of the target probability distribution", 1994.
    Raises ValueError for a negative variance (on the cpu), ShapeError for one that does not fit.
    """
    output, target = matched("gaussian_nll", output, target)
    least = number(eps, "gaussian_nll: eps")
    if not least > 0:
        raise wrong(ValueError, "gaussian_nll", f"eps must be positive, not {least}")
    var = as_tensor(var, output)
    var = var if var.dtype == output.dtype else var.cast(output.dtype)
    if var.shape != output.shape:
        if output.ndim and var.shape == output.shape[:-1]:
            var = expand_dims(var, -1)
        elif var.ndim and var.shape != (*output.shape[:-1], 1):
            problem = (
                f"var {var.shape} must be of shape {output.shape}, {(*output.shape[:-1], 1)} or a number"
            )
            raise wrong(ShapeError, "gaussian_nll", problem, inputs=(output, target, var))
    check_range("gaussian_nll", "variances", var, 0, math.inf, "they are at least 0")
    var = var + (clip(var.detach(), least, None) - var.detach())
    losses = 0.5 * (log(var) + square(output - target) / var)
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced(broadcast_to(losses, output.shape), reduction)
