"""Losses: what training makes small. `reduction` is "mean", "sum" or "none"."""
from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.errors import ShapeError, user_line
from tinygrad_edu.functional.creation import as_tensors
from tinygrad_edu.functional.elementwise import abs, clip, log, maximum, softplus, square, where
from tinygrad_edu.functional.movement import squeeze
from tinygrad_edu.functional.reduction import mean, sum
from tinygrad_edu.ops import fused as _f
from tinygrad_edu.ops import index as _i

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    return losses if reduction == "none" else mean(losses) if reduction == "mean" else sum(losses)


def _same(name: str, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    output, target = as_tensors((output, target))
    if output.shape != target.shape:
        raise ShapeError(f"{name}: output {output.shape} and target {target.shape} must have one shape "
                         "(broadcasting here is nearly always a mistake; reshape one)")
    return output, target


def _inside(name: str, what: str, x: Tensor, low: float, high: float, remedy: str) -> None:
    """ValueError for numbers outside [low, high]; NaN passes. On the cpu only, where a look does not wait."""
    if not x.storage.backend.arithmetic or not x.size:
        return
    array = x.storage.array
    smallest, largest = array.min(), array.max()
    rounding = 8 * np.finfo(array.dtype).eps if array.dtype.kind == "f" else 0
    if smallest < low - rounding or largest > high + rounding:
        raise ValueError(f"{name}: {what} from {smallest:.8g} to {largest:.8g} (at {user_line()}); {remedy}")


def _signs(name: str, target: Tensor) -> None:
    """ValueError for targets that are not -1 and 1, again on the cpu only."""
    if target.storage.backend.arithmetic and target.size:
        array = target.storage.array
        wrong = array[(np.abs(array) != 1) & (array == array)]
        if wrong.size:
            raise ValueError(f"{name}: a target is {wrong.reshape(-1)[0]:g}, and they are -1 and 1 (at "
                             f"{user_line()}); of 0 and 1 make 2 * target - 1")


def mse(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared error (output - target)^2."""
    output, target = _same("mse", output, target)
    return _reduced(square(output - target), reduction)


def l1(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Absolute error |output - target|; its slope where they agree is 0."""
    output, target = _same("l1", output, target)
    return _reduced(abs(output - target), reduction)


def huber(output: Tensor, target: Tensor, *, delta: float = 1.0, reduction: str = "mean") -> Tensor:
    """Quadratic within `delta`, linear beyond (Huber 1964): d^2 / 2, or delta (|d| - delta / 2)."""
    output, target = _same("huber", output, target)
    if delta <= 0:
        raise ValueError(f"huber: delta must be positive, not {delta}")
    size = abs(output - target)
    return _reduced(where(size <= delta, square(size) * 0.5, (size - 0.5 * delta) * delta), reduction)


def hinge(output: Tensor, target: Tensor, *, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    """max(0, margin - target * output) for targets -1 and 1."""
    output, target = _same("hinge", output, target)
    _signs("hinge", target)
    return _reduced(maximum(margin - target * output, 0.0), reduction)


def binary_cross_entropy(p: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """-(t ln p + (1 - t) ln(1 - p)) of probabilities; logarithms are cut off at -100, as PyTorch's are."""
    p, target = _same("binary_cross_entropy", p, target)
    _inside("binary_cross_entropy", "probabilities", p, 0, 1,
            "of the last layer's sums take binary_cross_entropy_with_logits")
    _inside("binary_cross_entropy", "targets", target, 0, 1, "they are probabilities: 0, 1 or between")
    return _reduced(-(target * _log(p) + (1 - target) * _log(1 - p)), reduction)


def _log(p: Tensor) -> Tensor:
    """ln p, at least -100, with a finite slope at 0; NaN stays NaN."""
    none = p <= 0
    return where(none, -100.0, clip(log(where(none, 1.0, p)), -100.0, None))


def binary_cross_entropy_with_logits(logits: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """The same of logits, finite for every one: softplus(z) - t z."""
    logits, target = _same("binary_cross_entropy_with_logits", logits, target)
    _inside("binary_cross_entropy_with_logits", "targets", target, 0, 1,
            "they are probabilities: 0, 1 or between")
    return _reduced(softplus(logits) - target * logits, reduction)


def logistic(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """ln(1 + e^(-t x)) for targets -1 and 1: the lecture's logistic loss."""
    output, target = _same("logistic", output, target)
    _signs("logistic", target)
    return _reduced(softplus(-(target * output)), reduction)


def cross_entropy(logits: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """-ln softmax(logits)[target]: logits (rows, classes), target (rows,) of class numbers. One fused op.

    Raises IndexError for a class that is not there; the mean of no rows is NaN.
    """
    if reduction not in ("mean", "sum", "none"):
        raise ValueError(f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    return _f.cross_entropy(*as_tensors((logits, target)), reduction=reduction)


def nll(log_probabilities: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """-log_probabilities[target], for the output of log_softmax: (rows, classes), (rows,)."""
    x, target = as_tensors((log_probabilities, target))
    if x.ndim != 2 or target.shape != x.shape[:1]:
        raise ShapeError(f"nll: log-probabilities {x.shape} must be (rows, classes), "
                         f"targets {target.shape} (rows,)")
    return _reduced(-squeeze(_i.gather(x, target.reshape(-1, 1), axis=1), 1), reduction)
