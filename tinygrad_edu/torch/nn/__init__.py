"""torch.nn: modules, layers, losses."""

from __future__ import annotations

from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.nn import functional, init, parameter
from tinygrad_edu.torch.nn.activations import *  # noqa: F403 - each file lists what it declares
from tinygrad_edu.torch.nn.containers import *  # noqa: F403
from tinygrad_edu.torch.nn.linear import *  # noqa: F403
from tinygrad_edu.torch.nn.losses import *  # noqa: F403
from tinygrad_edu.torch.nn.module import Module
from tinygrad_edu.torch.nn.parameter import Buffer, Parameter, UninitializedBuffer, UninitializedParameter

__all__ = [
    "Buffer",
    "Module",
    "Parameter",
    "UninitializedBuffer",
    "UninitializedParameter",
    "functional",
    "init",
    "parameter",
]
__getattr__ = missing_from("torch.nn")
