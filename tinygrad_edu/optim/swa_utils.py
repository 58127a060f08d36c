"""Averages of weights, under the name of PyTorch's module: `optim.swa_utils.AveragedModel(model)`."""

from tinygrad_edu.optim.averages import (
    SWALR,
    AveragedModel,
    get_ema_avg_fn,
    get_ema_multi_avg_fn,
    get_swa_avg_fn,
    get_swa_multi_avg_fn,
    update_bn,
)
from tinygrad_edu.words import missing_from

__all__ = ["AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn",
           "get_swa_multi_avg_fn", "update_bn"]  # fmt: skip
__getattr__ = missing_from(__name__)
