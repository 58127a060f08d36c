"""Losses as modules: the functions of `te.functional.loss` with their options fixed, one line each."""

from __future__ import annotations

from tinygrad_edu import functional as F
from tinygrad_edu.nn.activations import POSITIVE, REDUCTION, declare

__all__ = ["MSELoss", "L1Loss", "HuberLoss", "HingeLoss", "LogisticLoss", "BCELoss", "BCEWithLogitsLoss",
           "CrossEntropyLoss", "NLLLoss"]  # fmt: skip

_MEAN = ("reduction", "mean", REDUCTION)

MSELoss = declare("MSELoss", __name__, F.mse, reduction=_MEAN)
L1Loss = declare("L1Loss", __name__, F.l1, reduction=_MEAN)
HuberLoss = declare("HuberLoss", __name__, F.huber, reduction=_MEAN, delta=("delta", 1.0, POSITIVE))
HingeLoss = declare("HingeLoss", __name__, F.hinge, reduction=_MEAN, margin=("margin", 1.0, POSITIVE))
LogisticLoss = declare("LogisticLoss", __name__, F.logistic, reduction=_MEAN)
BCELoss = declare("BCELoss", __name__, F.binary_cross_entropy, reduction=_MEAN)
BCEWithLogitsLoss = declare(
    "BCEWithLogitsLoss", __name__, F.binary_cross_entropy_with_logits, reduction=_MEAN
)
CrossEntropyLoss = declare("CrossEntropyLoss", __name__, F.cross_entropy, reduction=_MEAN)
NLLLoss = declare("NLLLoss", __name__, F.nll, reduction=_MEAN)
