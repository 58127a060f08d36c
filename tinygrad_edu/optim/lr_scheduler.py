"""PyTorch's schedules under its module's name: `optim.lr_scheduler.StepLR(optimizer, step_size=30)`."""

from tinygrad_edu.optim.cycles import CosineAnnealingWarmRestarts, CyclicLR, OneCycleLR
from tinygrad_edu.optim.decays import (
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LambdaLR,
    LinearLR,
    MultiplicativeLR,
    MultiStepLR,
    PolynomialLR,
    StepLR,
)
from tinygrad_edu.optim.scheduler import LRScheduler
from tinygrad_edu.optim.sequences import ChainedScheduler, ReduceLROnPlateau, SequentialLR
from tinygrad_edu.words import missing_from

__all__ = ["LRScheduler", "StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR",
           "CosineAnnealingLR", "CosineAnnealingWarmRestarts", "CyclicLR", "OneCycleLR", "LambdaLR",
           "MultiplicativeLR", "ReduceLROnPlateau", "SequentialLR", "ChainedScheduler"]  # fmt: skip
__getattr__ = missing_from(__name__)
