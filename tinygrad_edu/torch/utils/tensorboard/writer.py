"""torch.utils.tensorboard.writer: SummaryWriter, under the name of PyTorch's module."""

from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.utils.tensorboard import SummaryWriter

__all__ = ["SummaryWriter"]
__getattr__ = missing_from("torch.utils.tensorboard.writer")
