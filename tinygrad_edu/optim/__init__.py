"""Floor 5: optimizers, with PyTorch's names and its arithmetic."""

from tinygrad_edu.optim import lr_scheduler, swa_utils
from tinygrad_edu.optim.adadelta import Adadelta, Adamax
from tinygrad_edu.optim.adam import Adam, AdamW
from tinygrad_edu.optim.adaptive import Adagrad, RMSprop
from tinygrad_edu.optim.asgd import ASGD
from tinygrad_edu.optim.clip import clip_grad_norm_, clip_grad_value_
from tinygrad_edu.optim.lbfgs import LBFGS
from tinygrad_edu.optim.moments import NAdam, RAdam
from tinygrad_edu.optim.muon import Muon
from tinygrad_edu.optim.optimizer import Optimizer
from tinygrad_edu.optim.schedules import CosineLR, LinearWarmup, Schedule, StepLR
from tinygrad_edu.optim.sgd import SGD
from tinygrad_edu.optim.signs import Lion, Rprop
from tinygrad_edu.words import missing_from

__all__ = ["Optimizer", "SGD", "Adam", "AdamW", "Adagrad", "RMSprop", "Adadelta", "Adamax", "NAdam", "RAdam",
           "Lion", "Rprop", "Muon", "LBFGS", "ASGD", "Schedule", "StepLR", "CosineLR", "LinearWarmup",
           "lr_scheduler", "swa_utils", "clip_grad_norm_", "clip_grad_value_"]  # fmt: skip
__getattr__ = missing_from(__name__)
