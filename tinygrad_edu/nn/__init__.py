"""Floor 5: models. Modules with PyTorch's names, their first values, and checkpoints."""
from tinygrad_edu.nn import activations, convolution, init, layers, losses, norm
from tinygrad_edu.nn.activations import *  # noqa: F403 - each file lists what it declares
from tinygrad_edu.nn.convolution import *  # noqa: F403
from tinygrad_edu.nn.layers import *  # noqa: F403
from tinygrad_edu.nn.losses import *  # noqa: F403
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.norm import *  # noqa: F403
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.nn.serialization import CheckpointError, load_checkpoint, read_checkpoint, save_checkpoint

__all__ = [*activations.__all__, *convolution.__all__, *layers.__all__, *losses.__all__,
           *norm.__all__, "Module", "Parameter", "init", "CheckpointError", "load_checkpoint",
           "read_checkpoint", "save_checkpoint"]
