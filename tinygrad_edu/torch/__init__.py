"""PyTorch's face of the library: `import tinygrad_edu.torch as torch`."""

from __future__ import annotations

from tinygrad_edu.torch import methods as _methods
from tinygrad_edu.torch.core.border import faced, torch_function
from tinygrad_edu.torch.core.devices import device
from tinygrad_edu.torch.core.dtypes import dtype, float32
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions.pointwise import *
from tinygrad_edu.torch import autograd
from tinygrad_edu.torch.functions.creation import tensor
