"""torch.nn.functional: the functions that layers are made of, in the library's words; one file a family."""

from __future__ import annotations

from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.nn.functional.activations import *  # noqa: F403 - each file lists what it declares
from tinygrad_edu.torch.nn.functional.attention import *  # noqa: F403
from tinygrad_edu.torch.nn.functional.bags import *  # noqa: F403
from tinygrad_edu.torch.nn.functional.convolution import *  # noqa: F403
from tinygrad_edu.torch.nn.functional.linear import *  # noqa: F403
from tinygrad_edu.torch.nn.functional.losses import *  # noqa: F403
from tinygrad_edu.torch.nn.functional.margins import *  # noqa: F403
from tinygrad_edu.torch.nn.functional.normalization import *  # noqa: F403
from tinygrad_edu.torch.nn.functional.pooling import *  # noqa: F403
from tinygrad_edu.torch.nn.functional.resizing import *  # noqa: F403
from tinygrad_edu.torch.nn.functional.sampling import *  # noqa: F403

__getattr__ = missing_from("torch.nn.functional")
