"""Losses. `reduction` is "mean", "sum" or "none"; PyTorch's old `size_average` and `reduce` are read too."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.shapes import broadcast_shapes
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import promoted

__all__ = [
    "mse_loss",
    "l1_loss",
    "smooth_l1_loss",
    "huber_loss",
    "nll_loss",
    "cross_entropy",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "kl_div",
    "poisson_nll_loss",
    "gaussian_nll_loss",
]


def reduction_of(size_average: Any, reduce: Any, reduction: str) -> str:
    """The reduction that the two old arguments and the new one ask for. Raises ValueError for another."""
    if size_average is not None or reduce is not None:
        average, some = size_average is not False, reduce is not False
        found = "none" if not some else "mean" if average else "sum"
        warnings.warn(
            f"size_average and reduce args will be deprecated, please use reduction='{found}' instead.",
            stacklevel=4,
        )
        return found
    if reduction not in ("mean", "sum", "none", "batchmean"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return reduction


def reduced(losses: Any, reduction: str) -> Any:
    """The losses, their mean or their sum."""
    return losses if reduction == "none" else te.mean(losses) if reduction == "mean" else te.sum(losses)


def pair(name: str, first: Any, second: Any, *, warn: bool = True) -> tuple[Any, Any]:
    """Both in one dtype and one shape; a warning says that they were broadcast."""
    x, y = promoted(first, second)
    if x.shape == y.shape:
        return x, y
    if warn:
        warnings.warn(
            f"Using a target size ({list(y.shape)}) that differs from the input size ({list(x.shape)}): both "
            "are broadcast, which is nearly always a mistake",
            stacklevel=4,
        )
    try:
        shape = broadcast_shapes(x.shape, y.shape)
    except ShapeError:
        raise wrong(
            RuntimeError, name, f"The size of tensor a {x.shape} must match the size of tensor b {y.shape}",
            inputs=(x, y),
        ) from None  # fmt: skip
    return te.expand(x, shape), te.expand(y, shape)


def _weighted(losses: Any, weight: Any, reduction: str) -> Any:
    """Losses times a weight of each element; the mean is divided by the sum of the weights."""
    if weight is None:
        return reduced(losses, reduction)
    if weight.shape != losses.shape:
        raise wrong(ValueError, None, "Inputs and weight must have the same size.", inputs=(losses, weight))
    losses = losses * weight
    return te.sum(losses) / te.sum(weight) if reduction == "mean" else reduced(losses, reduction)


def _of_two(function: Callable[..., Any], name: str) -> Any:
    """A loss of a pair, with the old arguments."""

    def loss(
        input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
        weight: Any = None,
    ) -> Any:  # fmt: skip
        reduction = reduction_of(size_average, reduce, reduction)
        x, y = pair(name, input, target)
        if weight is None:
            return function(x, y, reduction=reduction)
        return _weighted(function(x, y, reduction="none"), weight, reduction)

    loss.__name__ = loss.__qualname__ = name
    loss.__doc__ = function.__doc__
    return torch_function(loss)


mse_loss, l1_loss = _of_two(te.mse, "mse_loss"), _of_two(te.l1, "l1_loss")


@torch_function
def smooth_l1_loss(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    beta: float = 1.0,
) -> Any:  # fmt: skip
    """Quadratic within `beta`, then linear: d^2 / (2 beta), or |d| - beta / 2."""
    if beta < 0:
        raise wrong(
            RuntimeError, "smooth_l1_loss", "smooth_l1_loss does not support negative values for beta."
        )
    x, y = pair("smooth_l1_loss", input, target)
    return te.smooth_l1(x, y, beta=beta, reduction=reduction_of(size_average, reduce, reduction))


@torch_function
def huber_loss(
    input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None
) -> Any:
    """Quadratic within `delta`, linear beyond: d^2 / 2, or delta (|d| - delta / 2)."""
    x, y = pair("huber_loss", input, target)
    reduction = reduction_of(None, None, reduction)
    if weight is None:
        return te.huber(x, y, delta=delta, reduction=reduction).cast(input.dtype)
    if weight.shape != input.shape:
        raise ValueError("Weights and input must have the same size.")
    return reduced(te.huber(x, y, delta=delta, reduction="none") * weight, reduction)


def _ignored(target: Any, ignore_index: int) -> int | None:
    """The index to ignore; None if the targets on the cpu, which can be read at once, do not have it."""
    array = target.storage.array
    if isinstance(array, np.ndarray) and not (array == ignore_index).any():
        return None
    return ignore_index


def _classes(name: str, x: Any, target: Any) -> None:
    """RuntimeError or ValueError for targets that are no classes of the rows of x."""
    if x.ndim > 1 and target.ndim and x.shape[0] != target.shape[0]:
        raise wrong(
            ValueError, name, f"Expected input batch_size ({x.shape[0]}) to match target batch_size "
            f"({target.shape[0]}).", inputs=(x, target),
        )  # fmt: skip
    if target.dtype.kind not in "iu":
        raise wrong(
            RuntimeError, name, f"expected scalar type Long but found {target.dtype}", inputs=(x, target)
        )


@torch_function
def nll_loss(
    input: Any, target: Any, weight: Any = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None, reduction: str = "mean",
) -> Any:  # fmt: skip
    """-input[target], for the output of log_softmax: (rows, classes, ...), (rows, ...) of class numbers."""
    reduction = reduction_of(size_average, reduce, reduction)
    _classes("nll_loss", input, target)
    return te.nll(
        input, target, reduction=reduction, weight=weight, ignore_index=_ignored(target, ignore_index)
    )


@torch_function
def cross_entropy(
    input: Any, target: Any, weight: Any = None, size_average: Any = None, ignore_index: int = -100,
    reduce: Any = None, reduction: str = "mean", label_smoothing: float = 0.0,
) -> Any:  # fmt: skip
    """-ln softmax(input)[target]: logits (rows, classes, ...), and class numbers (rows, ...) or probabilities
    in the shape of the logits. Targets that are `ignore_index` count nothing."""
    if size_average is not None or reduce is not None or reduction not in ("mean", "sum", "none"):
        reduction = reduction_of(size_average, reduce, reduction)
    if target.dtype.kind == "f" and target.shape == input.shape:
        axis = min(1, input.ndim - 1)
        if input.shape[axis] == 1:  # its probability is 1, whatever the logits are
            return reduced(te.sum(-target * te.log_softmax(input, axis), axis), reduction)
        return te.cross_entropy(
            input, target, reduction=reduction, weight=weight, label_smoothing=label_smoothing
        )
    _classes("cross_entropy", input, target)
    return te.cross_entropy(
        input, target, reduction=reduction, weight=weight, ignore_index=_ignored(target, ignore_index),
        label_smoothing=label_smoothing,
    )  # fmt: skip


@torch_function
def binary_cross_entropy(
    input: Any, target: Any, weight: Any = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean",
) -> Any:  # fmt: skip
    """-(t ln p + (1 - t) ln(1 - p)) of probabilities p; logarithms are cut off at -100."""
    reduction = reduction_of(size_average, reduce, reduction)
    _same_size("binary_cross_entropy", input, target)
    if target.dtype != input.dtype:
        raise wrong(
            RuntimeError, "binary_cross_entropy", f"Found dtype {target.dtype} but expected {input.dtype}",
            "convert the target with .float()", inputs=(input, target),
        )  # fmt: skip
    return te.binary_cross_entropy(input, target, weight=weight, reduction=reduction)


def _same_size(name: str, x: Any, target: Any) -> None:
    if x.shape != target.shape:
        raise ValueError(
            f"{name}: Target size (torch.Size({list(target.shape)})) must be the same as input size "
            f"(torch.Size({list(x.shape)}))"
        )


@torch_function
def binary_cross_entropy_with_logits(
    input: Any, target: Any, weight: Any = None, size_average: Any = None, reduce: Any = None,
    reduction: str = "mean", pos_weight: Any = None,
) -> Any:  # fmt: skip
    """Binary cross-entropy of logits: softplus(x) - t x; `pos_weight` multiplies the part of the class 1."""
    reduction = reduction_of(size_average, reduce, reduction)
    _same_size("binary_cross_entropy_with_logits", input, target)
    x, t = promoted(input, target)
    negative = te.softplus(-x)
    losses = (1 - t) * x + (negative if pos_weight is None else ((pos_weight - 1) * t + 1) * negative)
    return reduced(losses if weight is None else losses * weight, reduction)


@torch_function
def kl_div(
    input: Any, target: Any, size_average: Any = None, reduce: Any = None, reduction: str = "mean",
    log_target: bool = False,
) -> Any:  # fmt: skip
    """target (ln target - input), of log-probabilities `input`; "batchmean" divides the sum by the rows."""
    reduction = reduction_of(size_average, reduce, reduction)
    if reduction == "mean":
        warnings.warn(
            "the divergence of a batch is reduction='batchmean'; 'mean' divides it by the classes, too",
            stacklevel=3,
        )
    x, y = pair("kl_div", input, target, warn=False)
    if reduction == "batchmean":
        rows = input.shape[0] if input.ndim else 1
        return te.kl_div(x, y, log_target=log_target, reduction="sum") / rows
    return te.kl_div(x, y, log_target=log_target, reduction=reduction)


@torch_function
def poisson_nll_loss(
    input: Any, target: Any, log_input: bool = True, full: bool = False, size_average: Any = None,
    eps: float = 1e-8, reduce: Any = None, reduction: str = "mean",
) -> Any:  # fmt: skip
    """The negative log-likelihood of counts; with `full` it has ln target!, by Stirling's formula."""
    reduction = reduction_of(size_average, reduce, reduction)
    x, y = pair("poisson_nll_loss", input, target, warn=False)
    return te.poisson_nll(x, y, log_input=log_input, full=full, eps=eps, reduction=reduction)


@torch_function
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """(ln var + (target - input)^2 / var) / 2, with `var` at least eps."""
    if isinstance(var, float):
        if var < 0:
            raise ValueError("var has negative entry/entries")
        var = te.full(input.shape, var, dtype=input.dtype, device=input.device)
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not valid")
    if var.shape == input.shape[:-1]:
        var = te.expand_dims(var, -1)
    elif var.shape != input.shape and not (var.ndim == input.ndim and var.shape[:-1] == input.shape[:-1] and
                                           var.shape[-1] == 1):  # fmt: skip
        raise ValueError("var is of incorrect size")
    if (var < 0).any().item():
        raise ValueError("var has negative entry/entries")
    x, y = pair("gaussian_nll_loss", input, target, warn=False)
    return te.gaussian_nll(x, y, te.expand(var, x.shape), full=full, eps=eps, reduction=reduction)
