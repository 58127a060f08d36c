"""Floor 5: optimizers, with PyTorch's names and its arithmetic."""

from tinygrad_edu.optim.adam import Adam, AdamW
from tinygrad_edu.optim.adaptive import Adagrad, RMSprop
from tinygrad_edu.optim.clip import clip_grad_norm_, clip_grad_value_
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.schedules import CosineLR, LinearWarmup, Schedule, StepLR
from tinygrad_edu.optim.sgd import SGD
from tinygrad_edu.words import missing_from

__all__ = ["Optimizer", "SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "Schedule", "StepLR", "CosineLR",
           "LinearWarmup", "clip_grad_norm_", "clip_grad_value_"]  # fmt: skip
__getattr__ = missing_from(__name__)
