"""torch.nn.utils: gradients clipped, parameters as one vector, weights computed of others."""

from __future__ import annotations

from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.nn.utils import parametrizations, parametrize, rnn
from tinygrad_edu.torch.nn.utils.clip_grad import *  # noqa: F403 - each file lists what it declares
from tinygrad_edu.torch.nn.utils.convert_parameters import *  # noqa: F403
from tinygrad_edu.torch.nn.utils.weights import *  # noqa: F403

__all__ = ["parametrizations", "parametrize", "rnn"]
__getattr__ = missing_from("torch.nn.utils")
