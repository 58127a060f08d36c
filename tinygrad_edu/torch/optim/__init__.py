"""torch.optim: PyTorch's optimizers and schedules, over the rules of `tinygrad_edu.optim`."""

from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.optim import lr_scheduler, swa_utils
from tinygrad_edu.torch.optim.adam import Adam, Adamax, AdamW, NAdam, RAdam
from tinygrad_edu.torch.optim.adaptive import Adadelta, Adagrad, RMSprop
from tinygrad_edu.torch.optim.lbfgs import LBFGS
from tinygrad_edu.torch.optim.optimizer import Optimizer
from tinygrad_edu.torch.optim.sgd import ASGD, SGD, Muon, Rprop

__all__ = ["Optimizer", "SGD", "ASGD", "Rprop", "Muon", "Adam", "AdamW", "Adamax", "NAdam", "RAdam",
           "Adagrad", "Adadelta", "RMSprop", "LBFGS", "lr_scheduler", "swa_utils"]  # fmt: skip
__getattr__ = missing_from("torch.optim")
