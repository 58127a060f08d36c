"""Linear layers, and layers that reshape."""

from __future__ import annotations

import math
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.torch.nn import init
from tinygrad_edu.torch.nn.functional.convolution import check_dtypes
from tinygrad_edu.torch.nn.layer import Layer, placed
from tinygrad_edu.torch.nn.module import Module

__all__ = ["Linear", "Bilinear", "Identity", "Flatten", "Unflatten"]


class Linear(Layer):
    """y = x W^T + b: (..., in_features) -> (..., out_features)."""

    in_features: int
    out_features: int

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__(te.nn.Linear(in_features, out_features, bool(bias), **placed(device, dtype)))

    def compute(self, inner: Any, x: Any) -> Any:
        if x.dtype != inner.weight.dtype:
            check_dtypes("linear", x, inner.weight)
        return inner.forward(x)

    def reset_parameters(self) -> None:
        """Draw weight and bias again."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class NonDynamicallyQuantizableLinear(Linear):
    """A Linear by the name that attention's last map has in PyTorch's prints."""


class Bilinear(Layer):
    """y = x1^T W x2 + b: (..., in1_features) and (..., in2_features) -> (..., out_features)."""

    in1_features: int
    in2_features: int
    out_features: int

    def __init__(
        self, in1_features: int, in2_features: int, out_features: int, bias: bool = True, device: Any = None,
        dtype: Any = None,
    ) -> None:  # fmt: skip
        super().__init__(
            te.nn.Bilinear(in1_features, in2_features, out_features, bool(bias), **placed(device, dtype))
        )

    def forward(self, input1: Any, input2: Any) -> Any:
        return self.run(input1, input2)

    def reset_parameters(self) -> None:
        """Draw weight and bias again."""
        bound = 1 / math.sqrt(self.weight.size(1))
        for x in (self.weight, self.bias):
            if x is not None:
                init.uniform_(x, -bound, bound)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, "
            f"out_features={self.out_features}, bias={self.bias is not None}"
        )


class Identity(Module):
    """x itself; arguments are taken and ignored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` become one."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One axis split into several of the sizes `unflattened_size`, one of which may be -1."""

    def __init__(self, dim: int, unflattened_size: Any) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input: Any) -> Any:
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
