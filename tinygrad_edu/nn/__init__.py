"""Floor 5: models. Modules with PyTorch's names, initial values of parameters, and checkpoints."""

from tinygrad_edu.nn import activations, convolution, init, layers, losses, norm
from tinygrad_edu.nn.activations import *  # noqa: F403 - each file lists what it declares
from tinygrad_edu.nn.checkpoint_file import CheckpointError, read_checkpoint
from tinygrad_edu.nn.convolution import *  # noqa: F403
from tinygrad_edu.nn.layers import *  # noqa: F403
from tinygrad_edu.nn.losses import *  # noqa: F403
from tinygrad_edu.nn.module import Module, evaluating
from tinygrad_edu.nn.norm import *  # noqa: F403
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.nn.serialization import load_checkpoint, save_checkpoint
from tinygrad_edu.words import missing_from

__all__ = [*activations.__all__, *convolution.__all__, *layers.__all__, *losses.__all__,
           *norm.__all__, "Module", "Parameter", "evaluating", "init", "CheckpointError", "load_checkpoint",
           "read_checkpoint", "save_checkpoint"]  # fmt: skip
__getattr__ = missing_from(__name__)
