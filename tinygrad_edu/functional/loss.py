"""Losses, which training minimizes. `reduction` is "mean", "sum" or "none"."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from tinygrad_edu.dtypes import float64, is_floating
from tinygrad_edu.engine.access import glance
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensors, operands
from tinygrad_edu.functional.elementwise import abs, clip, log, log1p, maximum, softplus, square, where
from tinygrad_edu.functional.movement import squeeze
from tinygrad_edu.functional.reduction import mean, sum
from tinygrad_edu.ops import fused as _f
from tinygrad_edu.ops import index as _i
from tinygrad_edu.scalars import number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["binary_cross_entropy", "binary_cross_entropy_with_logits", "cross_entropy", "hinge", "huber",
           "l1", "logistic", "mse", "nll"]  # fmt: skip


def _reduced(losses: Tensor, reduction: str) -> Tensor:
    if reduction not in ("mean", "sum", "none"):
        raise wrong(ValueError, None, f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    return losses if reduction == "none" else mean(losses) if reduction == "mean" else sum(losses)


def _matched(name: str, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    output, target = operands((output, target))
    one, other = output.storage.array.dtype, target.storage.array.dtype
    if one is not other or not is_floating(one):  # differences of uint8 wrap around
        kind = np.result_type(one, other)
        kind = kind if is_floating(kind) else float64
        output, target = (x if x.dtype == kind else x.cast(kind) for x in (output, target))
    if output.shape != target.shape:
        raise wrong(
            ShapeError,
            name,
            f"output {output.shape} and target {target.shape} must have one shape",
            "reshape one (broadcasting here is nearly always a mistake)",
            inputs=(output, target),
        )
    return output, target


def _check_range(name: str, what: str, x: Tensor, low: float, high: float, remedy: str) -> None:
    """ValueError for numbers outside [low, high], except NaN. On the cpu only, where reading never waits."""
    array = glance(x.storage, name)
    if array is None or not x.size:
        return
    smallest, largest = array.min(), array.max()
    rounding = 8 * np.finfo(array.dtype).eps if array.dtype.kind == "f" else 0
    if smallest < low - rounding or largest > high + rounding:
        raise wrong(ValueError, name, f"{what} from {smallest:.8g} to {largest:.8g}", remedy)


def _check_signs(name: str, target: Tensor) -> None:
    """ValueError for targets other than -1 and 1, only on the cpu."""
    array = glance(target.storage, name)
    if array is not None and target.size:
        others = array[(np.abs(array) != 1) & (array == array)]
        if others.size:
            raise wrong(
                ValueError,
                name,
                f"a target is {others.reshape(-1)[0]:g}, and they are -1 and 1",
                "of 0 and 1 make 2 * target - 1",
            )


def mse(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Squared error (output - target)^2."""
    output, target = _matched("mse", output, target)
    return _reduced(square(output - target), reduction)


def l1(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Absolute error |output - target|; its gradient where they are equal is 0."""
    output, target = _matched("l1", output, target)
    return _reduced(abs(output - target), reduction)


def huber(output: Tensor, target: Tensor, *, delta: float = 1.0, reduction: str = "mean") -> Tensor:
    """Quadratic within `delta`, linear beyond (Huber 1964): d^2 / 2, or delta (|d| - delta / 2)."""
    output, target = _matched("huber", output, target)
    delta = number(delta, "huber: delta")
    if not delta > 0:
        raise wrong(ValueError, "huber", f"delta must be positive, not {delta}")
    distance = output - target
    limited = clip(distance, -delta, delta)
    return _reduced(limited * (distance - limited * 0.5), reduction)


def hinge(output: Tensor, target: Tensor, *, margin: float = 1.0, reduction: str = "mean") -> Tensor:
    """max(0, margin - target * output) for targets -1 and 1."""
    output, target = _matched("hinge", output, target)
    _check_signs("hinge", target)
    margin = number(margin, "hinge: margin")
    return _reduced(maximum(margin - target * output, 0.0), reduction)


def binary_cross_entropy(p: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """-(t ln p + (1 - t) ln(1 - p)) of probabilities; logarithms are cut off at -100, as PyTorch's are."""
    p, target = _matched("binary_cross_entropy", p, target)
    _check_range(
        "binary_cross_entropy",
        "probabilities",
        p,
        0,
        1,
        "of the last layer's sums take binary_cross_entropy_with_logits",
    )
    _check_range("binary_cross_entropy", "targets", target, 0, 1, "they are probabilities: 0, 1 or between")
    return _reduced(
        -(target * _clipped_log(_log, p, p <= 0, 1.0) + (1 - target) * _clipped_log(log1p, -p, p >= 1, 0.0)),
        reduction,
    )


def _log(p: Tensor) -> Tensor:
    """log(p). At subnormal p, where 1 / p overflows, the slope is that at the smallest normal number."""
    least = float(np.finfo(p.dtype).tiny)
    at = p.detach()
    return where(at < least, log(at) + (p - at) * (1.0 / least), log(p))


def _clipped_log(logarithm: Callable[[Tensor], Tensor], x: Tensor, none: Tensor, instead: float) -> Tensor:
    """logarithm(x), at least -100; NaN stays NaN.

    Where `none` is true the logarithm has no finite slope, and x is replaced by `instead`.
    """
    return where(none, -100.0, clip(logarithm(where(none, instead, x)), -100.0, None))


def binary_cross_entropy_with_logits(logits: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """Binary cross-entropy of logits: softplus(z) - t z, finite for finite z; for infinite z it is the limit.

    Where z is positive, z and t are replaced by -z and 1 - t. Then both terms are at least 0, and infinity is
    never subtracted from infinity.
    """
    logits, target = _matched("binary_cross_entropy_with_logits", logits, target)
    _check_range(
        "binary_cross_entropy_with_logits", "targets", target, 0, 1, "they are probabilities: 0, 1 or between"
    )
    turned = logits > 0
    z, t = where(turned, -logits, logits), where(turned, 1 - target, target)
    seen = glance(z.storage, "binary_cross_entropy_with_logits")
    known = seen is not None and not np.isinf(seen).any()
    limited = z if known else where(t > 0, z, clip(z, -float(np.finfo(z.dtype).max), None))
    return _reduced(softplus(z) - t * limited, reduction)  # 0 times infinity is 0


def logistic(output: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """ln(1 + e^(-t x)) for targets -1 and 1: the lecture's logistic loss."""
    output, target = _matched("logistic", output, target)
    _check_signs("logistic", target)
    return _reduced(softplus(-(target * output)), reduction)


def cross_entropy(logits: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """-ln softmax(logits)[target]: logits (rows, classes), target (rows,) of class numbers. One fused op.

    Raises IndexError for a class that does not exist; the mean of no rows is NaN.
    """
    if reduction not in ("mean", "sum", "none"):
        raise wrong(ValueError, None, f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    return _f.cross_entropy(*as_tensors((logits, target)), reduction=reduction)


def nll(log_probabilities: Tensor, target: Tensor, *, reduction: str = "mean") -> Tensor:
    """-log_probabilities[target], for the output of log_softmax: (rows, classes), (rows,)."""
    x, target = as_tensors((log_probabilities, target))
    x = x if is_floating(x.dtype) else x.cast(float64)
    if x.ndim != 2 or target.shape != x.shape[:1]:
        raise wrong(
            ShapeError,
            "nll",
            f"log-probabilities {x.shape} must be (rows, classes), targets {target.shape} (rows,)",
            inputs=(x, target),
        )
    return _reduced(-squeeze(_i.gather(x, target.reshape(-1, 1), axis=1), 1), reduction)
