"""Losses as modules: the functions of `te.functional` with their options fixed, one line each.

Weights of classes are buffers: they move with the module, and are saved.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from tinygrad_edu import functional as F
from tinygrad_edu.nn.activations import POSITIVE, REDUCTION, SWITCH, Check, Function, Option, declare

__all__ = ["MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss", "HingeLoss", "LogisticLoss", "BCELoss",
           "BCEWithLogitsLoss", "CrossEntropyLoss", "NLLLoss", "MultiMarginLoss", "KLDivLoss",
           "PoissonNLLLoss", "GaussianNLLLoss", "CosineEmbeddingLoss", "MarginRankingLoss",
           "TripletMarginLoss", "CTCLoss", "HingeEmbeddingLoss", "MultiLabelSoftMarginLoss",
           "SoftMarginLoss"]  # fmt: skip

_NUMBER: Check = (lambda v: isinstance(v, int | float) and v == v, "a number")
_FROM_ZERO: Check = (lambda v: isinstance(v, int | float) and v >= 0, "a number that is at least 0")
_FRACTION: Check = (lambda v: isinstance(v, int | float) and 0 <= v < 1, "a number in [0, 1)")
_BATCHES: Check = (
    lambda v: v in ("mean", "batchmean", "sum", "none"),
    "'mean', 'batchmean', 'sum' or 'none'",
)
_POWER: Check = (lambda v: v in (1, 2) and not isinstance(v, bool), "1 or 2")
_CLASS: Check = (lambda v: isinstance(v, int) and not isinstance(v, bool) and v >= 0, "a class number")
_IGNORED: Check = (
    lambda v: v is None or (isinstance(v, int) and not isinstance(v, bool)),
    "an integer or None",
)


class WeightedLoss(Function):
    """A loss with weights, which are tensors; the base of what `_weighted` makes."""

    tensors: ClassVar[tuple[str, ...]] = ()

    def __init__(self, *values: Any, **named: Any) -> None:
        weights = {name: named.pop(name, None) for name in self.tensors}
        super().__init__(*values, **named)
        for name, weight in weights.items():
            self.register_buffer(name, None if weight is None else F.tensor(weight))

    def forward(self, *xs: Any) -> Any:
        weights = {name: getattr(self, name) for name in self.tensors}
        return self.function(*xs, **self._arguments, **weights)


def _weighted(title: str, function: Callable[..., Any], *tensors: str, **options: Option) -> type[Function]:
    """A loss of this name with weights: keyword arguments that are tensors, and buffers of the module."""
    made = declare(title, __name__, function, **options)
    names = {"tensors": tensors, "__doc__": made.__doc__, "__module__": __name__, "__qualname__": title}
    return type(title, (WeightedLoss,), {**names, "function": staticmethod(function), "options": options})


_MEAN = ("reduction", "mean", REDUCTION)
_IGNORE = ("ignore_index", None, _IGNORED)


def _margin(default: float) -> Option:
    return "margin", default, _NUMBER


MSELoss = declare("MSELoss", __name__, F.mse, reduction=_MEAN)
L1Loss = declare("L1Loss", __name__, F.l1, reduction=_MEAN)
HuberLoss = declare("HuberLoss", __name__, F.huber, reduction=_MEAN, delta=("delta", 1.0, POSITIVE))
SmoothL1Loss = declare("SmoothL1Loss", __name__, F.smooth_l1, reduction=_MEAN, beta=("beta", 1.0, _FROM_ZERO))
HingeLoss = declare("HingeLoss", __name__, F.hinge, reduction=_MEAN, margin=("margin", 1.0, POSITIVE))
LogisticLoss = declare("LogisticLoss", __name__, F.logistic, reduction=_MEAN)
SoftMarginLoss = declare("SoftMarginLoss", __name__, F.logistic, reduction=_MEAN)  # PyTorch's name of it
HingeEmbeddingLoss = declare(
    "HingeEmbeddingLoss", __name__, F.hinge_embedding, reduction=_MEAN, margin=_margin(1.0)
)
MultiLabelSoftMarginLoss = _weighted(
    "MultiLabelSoftMarginLoss", F.multilabel_soft_margin, "weight", reduction=_MEAN
)
BCELoss = _weighted("BCELoss", F.binary_cross_entropy, "weight", reduction=_MEAN)
BCEWithLogitsLoss = _weighted(
    "BCEWithLogitsLoss", F.binary_cross_entropy_with_logits, "weight", "pos_weight", reduction=_MEAN
)
CrossEntropyLoss = _weighted(
    "CrossEntropyLoss",
    F.cross_entropy,
    "weight",
    reduction=_MEAN,
    ignore_index=_IGNORE,
    label_smoothing=("label_smoothing", 0.0, _FRACTION),
)
NLLLoss = _weighted("NLLLoss", F.nll, "weight", reduction=_MEAN, ignore_index=_IGNORE)
MultiMarginLoss = _weighted(
    "MultiMarginLoss", F.multi_margin, "weight", reduction=_MEAN, p=("p", 1, _POWER), margin=_margin(1.0)
)
KLDivLoss = declare(
    "KLDivLoss",
    __name__,
    F.kl_div,
    reduction=("reduction", "mean", _BATCHES),
    log_target=("log_target", False, SWITCH),
)
PoissonNLLLoss = declare(
    "PoissonNLLLoss",
    __name__,
    F.poisson_nll,
    reduction=_MEAN,
    log_input=("log_input", True, SWITCH),
    full=("full", False, SWITCH),
    eps=("eps", 1e-8, POSITIVE),
)
GaussianNLLLoss = declare(
    "GaussianNLLLoss",
    __name__,
    F.gaussian_nll,
    reduction=_MEAN,
    full=("full", False, SWITCH),
    eps=("eps", 1e-6, POSITIVE),
)
CosineEmbeddingLoss = declare(
    "CosineEmbeddingLoss", __name__, F.cosine_embedding, reduction=_MEAN, margin=_margin(0.0)
)
MarginRankingLoss = declare(
    "MarginRankingLoss", __name__, F.margin_ranking, reduction=_MEAN, margin=_margin(0.0)
)
TripletMarginLoss = declare(
    "TripletMarginLoss",
    __name__,
    F.triplet_margin,
    reduction=_MEAN,
    margin=_margin(1.0),
    p=("p", 2.0, POSITIVE),
    eps=("eps", 1e-6, _FROM_ZERO),
    swap=("swap", False, SWITCH),
)
CTCLoss = declare(
    "CTCLoss",
    __name__,
    F.ctc,
    reduction=_MEAN,
    blank=("blank", 0, _CLASS),
    zero_infinity=("zero_infinity", False, SWITCH),
)
