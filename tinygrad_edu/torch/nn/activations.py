"""Activations as layers."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as te
from tinygrad_edu.torch.nn import functional as F
from tinygrad_edu.torch.nn import init as initial
from tinygrad_edu.torch.nn.declared import NEEDED, Function, declare
from tinygrad_edu.torch.nn.layer import Layer, placed

__all__ = [
    "ReLU",
    "ReLU6",
    "LeakyReLU",
    "PReLU",
    "RReLU",
    "ELU",
    "CELU",
    "SELU",
    "SiLU",
    "Mish",
    "GELU",
    "GLU",
    "Tanh",
    "Sigmoid",
    "LogSigmoid",
    "Softplus",
    "Hardtanh",
    "Hardsigmoid",
    "Hardswish",
    "Hardshrink",
    "Softshrink",
    "Softsign",
    "Tanhshrink",
    "Threshold",
    "Softmax",
    "Softmax2d",
    "Softmin",
    "LogSoftmax",
]

_HERE = __name__

ReLU = declare(_HERE, "ReLU", F.relu, inplace=False)
Hardtanh = declare(
    _HERE,
    "Hardtanh",
    F.hardtanh,
    "min_val={min_val}, max_val={max_val}",
    min_val=-1.0,
    max_val=1.0,
    inplace=False,
)
ReLU6 = declare(_HERE, "ReLU6", F.relu6, inplace=False)
LeakyReLU = declare(
    _HERE, "LeakyReLU", F.leaky_relu, "negative_slope={negative_slope}", negative_slope=0.01, inplace=False
)
ELU = declare(_HERE, "ELU", F.elu, "alpha={alpha}", alpha=1.0, inplace=False)
CELU = declare(_HERE, "CELU", F.celu, "alpha={alpha}", alpha=1.0, inplace=False)
SELU = declare(_HERE, "SELU", F.selu, inplace=False)
SiLU = declare(_HERE, "SiLU", F.silu, inplace=False)
Mish = declare(_HERE, "Mish", F.mish, inplace=False)
GELU = declare(_HERE, "GELU", F.gelu, "approximate={approximate!r}", approximate="none")
GLU = declare(_HERE, "GLU", F.glu, "dim={dim}", dim=-1)
Tanh = declare(_HERE, "Tanh", F.tanh)
Sigmoid = declare(_HERE, "Sigmoid", F.sigmoid)
LogSigmoid = declare(_HERE, "LogSigmoid", F.logsigmoid)
Softplus = declare(
    _HERE, "Softplus", F.softplus, "beta={beta}, threshold={threshold}", beta=1.0, threshold=20.0
)
Hardsigmoid = declare(_HERE, "Hardsigmoid", F.hardsigmoid, inplace=False)
Hardswish = declare(_HERE, "Hardswish", F.hardswish, inplace=False)
Hardshrink = declare(_HERE, "Hardshrink", F.hardshrink, "{lambd}", lambd=0.5)
Softshrink = declare(_HERE, "Softshrink", F.softshrink, "{lambd}", lambd=0.5)
Softsign = declare(_HERE, "Softsign", F.softsign)
Tanhshrink = declare(_HERE, "Tanhshrink", F.tanhshrink)
Threshold = declare(
    _HERE, "Threshold", F.threshold, "threshold={threshold}, value={value}",
    threshold=NEEDED, value=NEEDED, inplace=False,
)  # fmt: skip
Softmax = declare(_HERE, "Softmax", F.softmax, "dim={dim}", dim=None)
Softmin = declare(_HERE, "Softmin", F.softmin, "dim={dim}", dim=None)
LogSoftmax = declare(_HERE, "LogSoftmax", F.log_softmax, "dim={dim}", dim=None)


def _softmax_of_channels(input: Any) -> Any:
    """Softmax over the channels of (N, C, H, W) or (C, H, W)."""
    if input.dim() not in (3, 4):
        raise ValueError(f"Softmax2d: expected input to be 3D or 4D, got {input.dim()}D instead")
    return F.softmax(input, -3)


Softmax2d = declare(_HERE, "Softmax2d", _softmax_of_channels)


class RReLU(Function):
    """x if x >= 0, else x times a slope, drawn from [lower, upper) in training, their mean otherwise."""

    text = "lower={lower}, upper={upper}"
    given = ("inplace",)

    def __init__(self, lower: float = 1.0 / 8, upper: float = 1.0 / 3, inplace: bool = False) -> None:
        super(Function, self).__init__()
        self.lower, self.upper, self.inplace = lower, upper, inplace

    def forward(self, input: Any) -> Any:
        function = F.rrelu_ if self.inplace else F.rrelu
        return function(input, self.lower, self.upper, self.training)


class PReLU(Layer):
    """x if x > 0, else weight * x, with one trained weight, or one for each channel (axis 1)."""

    tensors = ("weight",)
    num_parameters: int
    init: float

    def __init__(
        self, num_parameters: int = 1, init: float = 0.25, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(te.nn.PReLU(num_parameters, init, **placed(device, dtype)))

    def reset_parameters(self) -> None:
        """Give the weight its first value again."""
        initial.constant_(self.weight, self.init)

    def extra_repr(self) -> str:
        return f"num_parameters={self.num_parameters}"
