"""Losses of classes: cross-entropy, negative log-likelihood, and margins between classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.engine.access import glance
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, as_tensors
from tinygrad_edu.functional.elementwise import equal, not_equal, relu, where
from tinygrad_edu.functional.indexing import one_hot
from tinygrad_edu.functional.loss_parts import as_floats, reduced
from tinygrad_edu.functional.loss_weights import told
from tinygrad_edu.functional.movement import expand_dims, permute_dims, reshape, squeeze
from tinygrad_edu.functional.normalization import log_softmax
from tinygrad_edu.functional.reduction import mean, sum
from tinygrad_edu.ops import fused as _f
from tinygrad_edu.ops import index as _i
from tinygrad_edu.scalars import integer, number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["cross_entropy", "multi_margin", "nll"]


def cross_entropy(
    logits: Tensor,
    target: Tensor,
    *,
    reduction: str = "mean",
    weight: Any = None,
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
) -> Tensor:
    """-ln softmax(logits)[target]: logits (rows, classes), target (rows,) of class numbers. One fused op.

    Logits may be (classes,), or have further axes, (rows, classes, ...) with targets (rows, ...). A target of
    floats in the shape of the logits holds probabilities of classes.

    weight           a factor for each class; the mean is then divided by the sum of the targets' weights
    ignore_index     a target that counts nothing; PyTorch's default is -100, here every target is a class
                     unless this is given
    label_smoothing  the share of each target, in [0, 1), that is spread evenly over all classes (Szegedy et
                     al., "Rethinking the Inception architecture", 2016)

    Raises IndexError for a class that does not exist, and ValueError for a single class with probabilities
    other than 1 (on the cpu). The mean of no rows is NaN.
    """
    _check_reduction(reduction)
    z, target = as_tensors((logits, target))
    smoothing = number(label_smoothing, "cross_entropy: label_smoothing")
    if not 0 <= smoothing < 1:
        raise wrong(ValueError, "cross_entropy", f"label_smoothing must be in [0, 1), not {smoothing}")
    soft = target.shape == z.shape and is_floating(target.dtype) and is_floating(z.dtype) and z.ndim >= 1
    if not soft and z.ndim == 2 and weight is None and ignore_index is None and not smoothing:
        loss = _f.cross_entropy(z, target, reduction=reduction)
        return told(loss, "sum") if reduction == "sum" else loss
    if soft:
        if ignore_index is not None:
            problem = "ignore_index goes with class numbers, and the targets are probabilities"
            raise wrong(ValueError, "cross_entropy", problem, "set these rows to 0", inputs=(z, target))
        return _of_probabilities(z, target, reduction, weight, smoothing)
    rows, classes, back = _in_rows("cross_entropy", z, target)
    counted, places, factor = _factors("cross_entropy", rows, classes, weight, ignore_index)
    if not smoothing:
        losses = _f.cross_entropy(rows, places, reduction="none")
        return _averaged(_kept(counted, losses, factor), factor, reduction, back)
    log_p = log_softmax(rows, 1)
    of_class = -squeeze(_i.gather(log_p, reshape(places, (-1, 1)), axis=1), 1)
    spread = -sum(log_p if weight is None else log_p * _class_weight("cross_entropy", weight, rows), 1)
    spread = spread if counted is None else where(counted, spread, 0.0)
    each = _kept(counted, of_class, factor) * (1.0 - smoothing) + spread * (smoothing / rows.shape[1])
    return _averaged(each, factor, reduction, back)


def nll(
    log_probabilities: Tensor,
    target: Tensor,
    *,
    reduction: str = "mean",
    weight: Any = None,
    ignore_index: int | None = None,
) -> Tensor:
    """-log_probabilities[target], for the output of log_softmax: (rows, classes), (rows,).

    Further axes, `weight` and `ignore_index` are as in `cross_entropy`. Raises IndexError for a class that
    does not exist.
    """
    _check_reduction(reduction)
    x, target = as_tensors((log_probabilities, target))
    rows, classes, back = _in_rows("nll", as_floats(x), target)
    counted, places, factor = _factors("nll", rows, classes, weight, ignore_index)
    losses = -squeeze(_i.gather(rows, reshape(places, (-1, 1)), axis=1), 1)
    return _averaged(_kept(counted, losses, factor), factor, reduction, back)


def multi_margin(
    output: Tensor,
    target: Tensor,
    *,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    reduction: str = "mean",
) -> Tensor:
    """The sum over other classes j of max(0, margin - x[target] + x[j])^p, divided by the count of classes.

    x is (rows, classes), targets are (rows,) class numbers; p is 1 or 2; `weight` has a factor for each
    class, which multiplies the losses of its rows.

    Source: Crammer, Singer, "On the algorithmic implementation of multiclass kernel-based vector machines",
    JMLR 2001.
    """
    _check_reduction(reduction)
    power, least = integer(p, "multi_margin: p"), number(margin, "multi_margin: margin")
    if power not in (1, 2):
        raise wrong(ValueError, "multi_margin", f"p must be 1 or 2, not {p}")
    x, target = as_tensors((output, target))
    rows, classes, back = _in_rows("multi_margin", as_floats(x), target)
    if len(back) > 1:
        raise wrong(
            ShapeError, "multi_margin", f"output {x.shape} must be (rows, classes)", inputs=(x, target)
        )
    of_class = _i.gather(rows, reshape(classes, (-1, 1)), axis=1)
    excess = relu(least - of_class + rows)
    excess = excess if power == 1 else excess * excess
    others = where(one_hot(classes, rows.shape[1], dtype=bool), 0.0, excess)
    losses = mean(others, 1)
    if weight is not None:
        losses = losses * _i.take_rows(_class_weight("multi_margin", weight, rows), classes)
    return reduced(reshape(losses, back), reduction)


def _check_reduction(reduction: str) -> None:
    if reduction not in ("mean", "sum", "none"):
        raise wrong(ValueError, None, f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")


def _classes_last(z: Tensor) -> Tensor:
    """z with its axis of classes, axis 1, at the end."""
    return z if z.ndim < 3 else permute_dims(z, (0, *range(2, z.ndim), 1))


def _in_rows(name: str, z: Tensor, target: Tensor) -> tuple[Tensor, Tensor, tuple[int, ...]]:
    """Rows (n, classes), their targets (n,), and the shape of the losses. ShapeError or TypeError."""
    if z.ndim < 1 or target.shape != (*z.shape[:1], *z.shape[2:])[z.ndim == 1 :]:
        what = "log-probabilities" if name == "nll" else "logits"
        hint = _f.target_shape_remedy(z.shape, target.shape)
        raise wrong(
            ShapeError,
            name,
            f"{what} {z.shape} must be (rows, classes, ...), targets {target.shape} (rows, ...)",
            hint,
            inputs=(z, target),
        )
    if target.dtype.kind not in "iu":
        remedy = "convert them with target.to('int64')"
        if name == "cross_entropy":
            remedy += f"; probabilities of the classes have the logits' shape {z.shape}"
        raise wrong(TypeError, name, f"targets must be class numbers (integers), not {target.dtype}",
                    remedy, inputs=(z, target))  # fmt: skip
    classes = z.shape[0] if z.ndim == 1 else z.shape[1]
    return reshape(_classes_last(z), (target.size, classes)), reshape(target, (-1,)), target.shape


def _check_classes(name: str, rows: Tensor, target: Tensor) -> None:
    """IndexError for a class that does not exist, here only on the cpu; on a device, the op reports it."""
    array = glance(target.storage, name)
    if array is not None:
        _f.check_targets(array, rows.shape[1], name)


def _class_weight(name: str, weight: Any, rows: Tensor) -> Tensor:
    weight = as_tensor(weight, rows)
    if weight.shape != rows.shape[1:]:
        problem = f"weight {weight.shape} must have one number for each of the {rows.shape[1]} classes"
        raise wrong(ShapeError, name, problem, inputs=(rows, weight))
    return weight if weight.dtype == rows.dtype else weight.cast(rows.dtype)


def _factors(
    name: str, rows: Tensor, target: Tensor, weight: Any, ignore_index: int | None
) -> tuple[Tensor | None, Tensor, Tensor | None]:
    """(which rows count, the class of each row, the factor of each row); None where all count, or by 1."""
    counted = None
    if ignore_index is not None:
        counted = not_equal(target, integer(ignore_index, f"{name}: ignore_index"))
        target = where(counted, target, as_tensor(np.zeros((), target.dtype), target))
    _check_classes(name, rows, target)
    if weight is None:
        return counted, target, None if counted is None else counted.cast(rows.dtype)
    factor = _i.take_rows(_class_weight(name, weight, rows), target)
    return counted, target, factor if counted is None else where(counted, factor, 0.0)


def _kept(counted: Tensor | None, losses: Tensor, factor: Tensor | None) -> Tensor:
    """The losses times their factors; exactly 0 where a row does not count, even for a loss of infinity."""
    losses = losses if counted is None else where(counted, losses, 0.0)
    return losses if factor is None else losses * factor


def _averaged(losses: Tensor, factor: Tensor | None, reduction: str, back: tuple[int, ...]) -> Tensor:
    """The losses in their shape, or reduced; a mean is divided by the sum of the factors, and NaN if it is 0:
    as 0 / NaN, for which NumPy has no warning."""
    if reduction == "mean" and factor is not None:
        total = sum(factor)
        return told(sum(losses) / where(equal(total, 0), np.nan, total), "mean", total.detach())
    if reduction == "none":
        losses = reshape(losses, back)
        return losses if factor is None else told(losses, "none")
    return reduced(losses, reduction)


def _of_probabilities(z: Tensor, target: Tensor, reduction: str, weight: Any, smoothing: float) -> Tensor:
    """Cross-entropy with targets that are probabilities; a mean is over rows, whatever the weights are."""
    target = target if target.dtype == z.dtype else target.cast(z.dtype)
    z, target = _classes_last(z), _classes_last(target)
    _refuse_single_column(z, target)
    if smoothing:
        target = target * (1.0 - smoothing) + smoothing / z.shape[-1]
    log_p = log_softmax(z, -1)
    if weight is not None:
        one = expand_dims(z, 0) if z.ndim == 1 else reshape(z, (-1, z.shape[-1]))
        log_p = log_p * _class_weight("cross_entropy", weight, one)
    return reduced(-sum(target * log_p, -1), reduction)


def _refuse_single_column(z: Tensor, target: Tensor) -> None:
    """ValueError for one class whose targets are not all 1, since its loss is 0 for any logits; cpu only."""
    if z.shape[-1] != 1:
        return
    array = glance(target.storage, "cross_entropy")
    if array is not None and array.size and np.abs(array - 1).max() > 8 * np.finfo(array.dtype).eps:
        problem = "there is one class, whose probability is 1, but the targets have other numbers"
        remedy = "labels 0 and 1: te.binary_cross_entropy_with_logits; other numbers: te.mse"
        raise wrong(ValueError, "cross_entropy", problem, remedy, inputs=(z, target))
