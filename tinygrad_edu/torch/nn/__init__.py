"""torch.nn: modules, layers, losses."""

from __future__ import annotations

from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.nn import functional, init, modules, parallel, parameter, utils
from tinygrad_edu.torch.nn.activations import *  # noqa: F403 - each file lists what it declares
from tinygrad_edu.torch.nn.adaptive import *  # noqa: F403
from tinygrad_edu.torch.nn.attention import *  # noqa: F403
from tinygrad_edu.torch.nn.containers import *  # noqa: F403
from tinygrad_edu.torch.nn.convolution import *  # noqa: F403
from tinygrad_edu.torch.nn.dropout import *  # noqa: F403
from tinygrad_edu.torch.nn.embedding import *  # noqa: F403
from tinygrad_edu.torch.nn.lazy import *  # noqa: F403
from tinygrad_edu.torch.nn.linear import *  # noqa: F403
from tinygrad_edu.torch.nn.losses import *  # noqa: F403
from tinygrad_edu.torch.nn.module import Module
from tinygrad_edu.torch.nn.normalization import *  # noqa: F403
from tinygrad_edu.torch.nn.parallel import DataParallel
from tinygrad_edu.torch.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter
from tinygrad_edu.torch.nn.parameter_containers import *  # noqa: F403
from tinygrad_edu.torch.nn.pooling import *  # noqa: F403
from tinygrad_edu.torch.nn.recurrent import *  # noqa: F403
from tinygrad_edu.torch.nn.transformer import *  # noqa: F403

__all__ = ["Buffer", "DataParallel", "Module", "Parameter", "UninitializedBuffer", "UninitializedParameter",
           "functional", "init", "modules", "parallel", "parameter", "utils"]  # fmt: skip
__getattr__ = missing_from("torch.nn")
