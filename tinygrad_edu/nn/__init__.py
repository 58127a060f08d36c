"""Floor 5: models. Modules with PyTorch's names, initial values of parameters, and checkpoints."""

from tinygrad_edu.nn import (
    activations,
    attention,
    containers,
    convolution,
    distances,
    dropout,
    embedding,
    group_norm,
    init,
    layers,
    losses,
    norm,
    pooling,
    recurrent,
    recurrent_cells,
    resizing,
    transformer,
)
from tinygrad_edu.nn.activations import *  # noqa: F403 - each file lists what it declares
from tinygrad_edu.nn.attention import *  # noqa: F403
from tinygrad_edu.nn.checkpoint_file import CheckpointError, read_checkpoint
from tinygrad_edu.nn.containers import *  # noqa: F403
from tinygrad_edu.nn.convolution import *  # noqa: F403
from tinygrad_edu.nn.distances import *  # noqa: F403
from tinygrad_edu.nn.dropout import *  # noqa: F403
from tinygrad_edu.nn.embedding import *  # noqa: F403
from tinygrad_edu.nn.functional_call import functional_call
from tinygrad_edu.nn.group_norm import *  # noqa: F403
from tinygrad_edu.nn.layers import *  # noqa: F403
from tinygrad_edu.nn.losses import *  # noqa: F403
from tinygrad_edu.nn.module import Module, evaluating
from tinygrad_edu.nn.norm import *  # noqa: F403
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.nn.pooling import *  # noqa: F403
from tinygrad_edu.nn.recurrent import *  # noqa: F403
from tinygrad_edu.nn.recurrent_cells import *  # noqa: F403
from tinygrad_edu.nn.resizing import *  # noqa: F403
from tinygrad_edu.nn.serialization import load_checkpoint, save_checkpoint
from tinygrad_edu.nn.transformer import *  # noqa: F403
from tinygrad_edu.words import missing_from

__all__ = [*activations.__all__, *attention.__all__, *containers.__all__, *distances.__all__,
           *dropout.__all__, *embedding.__all__, *recurrent.__all__, *recurrent_cells.__all__,
           *transformer.__all__, *convolution.__all__, *group_norm.__all__, *layers.__all__, *losses.__all__,
           *norm.__all__, *pooling.__all__, *resizing.__all__, "Module", "Parameter", "evaluating",
           "functional_call", "init", "CheckpointError", "load_checkpoint", "read_checkpoint",
           "save_checkpoint"]  # fmt: skip
__getattr__ = missing_from(__name__)
