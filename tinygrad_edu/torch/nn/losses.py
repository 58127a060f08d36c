"""Losses as layers: weights of classes are buffers."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.torch.nn import functional as F
from tinygrad_edu.torch.nn.declared import declare
from tinygrad_edu.torch.nn.module import Module
from tinygrad_edu.torch.nn.pooling import PairwiseDistance

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
    "HingeEmbeddingLoss",
    "SoftMarginLoss",
    "MultiMarginLoss",
    "MultiLabelMarginLoss",
    "MultiLabelSoftMarginLoss",
    "CosineEmbeddingLoss",
    "MarginRankingLoss",
    "TripletMarginLoss",
    "TripletMarginWithDistanceLoss",
    "CTCLoss",
    "NLLLoss2d",
]

_HERE = __name__
_OLD: dict[str, Any] = {"size_average": None, "reduce": None, "reduction": "mean"}

_Loss = declare(_HERE, "_Loss", F.mse_loss, **_OLD)  # the bases of losses of one's own
_WeightedLoss = declare(_HERE, "_WeightedLoss", F.mse_loss, base=_Loss, buffers="weight", weight=None, **_OLD)
MSELoss = declare(_HERE, "MSELoss", F.mse_loss, base=_Loss, **_OLD)
L1Loss = declare(_HERE, "L1Loss", F.l1_loss, base=_Loss, **_OLD)
HuberLoss = declare(_HERE, "HuberLoss", F.huber_loss, base=_Loss, reduction="mean", delta=1.0)
SmoothL1Loss = declare(_HERE, "SmoothL1Loss", F.smooth_l1_loss, base=_Loss, **_OLD, beta=1.0)
BCELoss = declare(
    _HERE, "BCELoss", F.binary_cross_entropy, base=_WeightedLoss, buffers="weight", weight=None, **_OLD
)
BCEWithLogitsLoss = declare(
    _HERE,
    "BCEWithLogitsLoss",
    F.binary_cross_entropy_with_logits,
    base=_WeightedLoss,
    buffers="weight pos_weight",
    weight=None,
    **_OLD,
    pos_weight=None,
)
CrossEntropyLoss = declare(
    _HERE,
    "CrossEntropyLoss",
    F.cross_entropy,
    base=_WeightedLoss,
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
    base=_WeightedLoss,
    buffers="weight",
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
)
KLDivLoss = declare(_HERE, "KLDivLoss", F.kl_div, base=_Loss, **_OLD, log_target=False)
PoissonNLLLoss = declare(
    _HERE,
    "PoissonNLLLoss",
    F.poisson_nll_loss,
    base=_Loss,
    log_input=True,
    full=False,
    size_average=None,
    eps=1e-8,
    reduce=None,
    reduction="mean",
)
GaussianNLLLoss = declare(
    _HERE, "GaussianNLLLoss", F.gaussian_nll_loss, base=_Loss, full=False, eps=1e-6, reduction="mean"
)
HingeEmbeddingLoss = declare(
    _HERE, "HingeEmbeddingLoss", F.hinge_embedding_loss, base=_Loss, margin=1.0, **_OLD
)
SoftMarginLoss = declare(_HERE, "SoftMarginLoss", F.soft_margin_loss, base=_Loss, **_OLD)
MultiMarginLoss = declare(
    _HERE,
    "MultiMarginLoss",
    F.multi_margin_loss,
    base=_WeightedLoss,
    buffers="weight",
    p=1,
    margin=1.0,
    weight=None,
    **_OLD,
)
MultiLabelMarginLoss = declare(_HERE, "MultiLabelMarginLoss", F.multilabel_margin_loss, base=_Loss, **_OLD)
MultiLabelSoftMarginLoss = declare(
    _HERE,
    "MultiLabelSoftMarginLoss",
    F.multilabel_soft_margin_loss,
    base=_WeightedLoss,
    buffers="weight",
    weight=None,
    **_OLD,
)
CosineEmbeddingLoss = declare(
    _HERE, "CosineEmbeddingLoss", F.cosine_embedding_loss, base=_Loss, margin=0.0, **_OLD
)
MarginRankingLoss = declare(_HERE, "MarginRankingLoss", F.margin_ranking_loss, base=_Loss, margin=0.0, **_OLD)
TripletMarginLoss = declare(
    _HERE,
    "TripletMarginLoss",
    F.triplet_margin_loss,
    base=_Loss,
    margin=1.0,
    p=2.0,
    eps=1e-6,
    swap=False,
    **_OLD,
)


class TripletMarginWithDistanceLoss(_Loss):  # type: ignore[misc,valid-type]
    """`TripletMarginLoss` with a distance of one's own."""

    def __init__(
        self,
        *,
        distance_function: Any = None,
        margin: float = 1.0,
        swap: bool = False,
        reduction: str = "mean",
    ) -> None:
        Module.__init__(self)
        if margin <= 0:
            raise ValueError(f"margin must be greater than 0, got {margin}")
        given = distance_function
        self.distance_function = PairwiseDistance() if given is None else given
        self.margin, self.swap, self.reduction = margin, swap, reduction

    def forward(self, anchor: Any, positive: Any, negative: Any) -> Any:
        return F.triplet_margin_with_distance_loss(
            anchor,
            positive,
            negative,
            distance_function=self.distance_function,
            margin=self.margin,
            swap=self.swap,
            reduction=self.reduction,
        )


CTCLoss = declare(_HERE, "CTCLoss", F.ctc_loss, base=_Loss, blank=0, reduction="mean", zero_infinity=False)
NLLLoss2d = declare(
    _HERE,
    "NLLLoss2d",
    F.nll_loss,
    base=_WeightedLoss,
    buffers="weight",
    weight=None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction="mean",
)
