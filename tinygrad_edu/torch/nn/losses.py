"""Losses as layers: weights of classes are buffers."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.torch.nn import functional as F
from tinygrad_edu.torch.nn.declared import declare

__all__ = [
    "MSELoss",
    "L1Loss",
    "HuberLoss",
    "SmoothL1Loss",
    "BCELoss",
    "BCEWithLogitsLoss",
    "CrossEntropyLoss",
    "NLLLoss",
    "KLDivLoss",
    "PoissonNLLLoss",
    "GaussianNLLLoss",
]

_HERE = __name__
_OLD: dict[str, Any] = {"size_average": None, "reduce": None, "reduction": "mean"}

MSELoss = declare(_HERE, "MSELoss", F.mse_loss, **_OLD)
L1Loss = declare(_HERE, "L1Loss", F.l1_loss, **_OLD)
HuberLoss = declare(_HERE, "HuberLoss", F.huber_loss, reduction="mean", delta=1.0)
SmoothL1Loss = declare(_HERE, "SmoothL1Loss", F.smooth_l1_loss, **_OLD, beta=1.0)
BCELoss = declare(_HERE, "BCELoss", F.binary_cross_entropy, buffers="weight", weight=None, **_OLD)
BCEWithLogitsLoss = declare(
    _HERE,
    "BCEWithLogitsLoss",
    F.binary_cross_entropy_with_logits,
    buffers="weight pos_weight",
    weight=None,
    **_OLD,
    pos_weight=None,
)
CrossEntropyLoss = declare(
    _HERE,
    "CrossEntropyLoss",
    F.cross_entropy,
    buffers="weight",
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
    label_smoothing=0.0,
)
NLLLoss = declare(
    _HERE,
    "NLLLoss",
    F.nll_loss,
    buffers="weight",
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
)
KLDivLoss = declare(_HERE, "KLDivLoss", F.kl_div, **_OLD, log_target=False)
PoissonNLLLoss = declare(
    _HERE,
    "PoissonNLLLoss",
    F.poisson_nll_loss,
    log_input=True,
    full=False,
    size_average=None,
    eps=1e-8,
    reduce=None,
    reduction="mean",
)
GaussianNLLLoss = declare(
    _HERE, "GaussianNLLLoss", F.gaussian_nll_loss, full=False, eps=1e-6, reduction="mean"
)
