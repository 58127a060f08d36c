"""Linear layers, and layers that reshape."""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.nn import init
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer
from tinygrad_edu.tensor import Tensor

__all__ = ["Linear", "Bilinear", "Identity", "Flatten"]


class Linear(Module):
    """y = x W^T + b: x (..., in) -> (..., out), with weight (out, in) and bias (out,).

    Initial values are PyTorch's: weight and bias uniform on +-1 / sqrt(in_features).
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.in_features = integer(in_features, "Linear: in_features", least=0)
        self.out_features = integer(out_features, "Linear: out_features", least=0)
        kind = dtypes.as_dtype(dtype or float)
        self.weight = Parameter(F.zeros(self.out_features, self.in_features, dtype=kind), device=device)
        init.kaiming_uniform_(self.weight, a=math.sqrt(5.0), generator=generator)
        self.bias: Parameter | None = None
        if bias:
            self.bias = Parameter(F.zeros(self.out_features, dtype=kind), device=device)
            bound = 1.0 / math.sqrt(max(1, self.in_features))
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def forward(self, x: Any) -> Tensor:
        return F.linear(x, self.weight, self.bias)

    def extra_repr(self) -> str:
        sizes = f"in_features={self.in_features}, out_features={self.out_features}"
        return f"{sizes}, bias={self.bias is not None}"


class Bilinear(Module):
    """y = x1^T W x2 + b for two inputs: (..., in1) and (..., in2) -> (..., out), with weight (out, in1, in2).

    Initial values are PyTorch's: weight and bias uniform on +-1 / sqrt(in1_features).
    """

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        self.in1_features = integer(in1_features, "Bilinear: in1_features", least=1)
        self.in2_features = integer(in2_features, "Bilinear: in2_features", least=1)
        self.out_features = integer(out_features, "Bilinear: out_features", least=1)
        shape, kind = (
            (self.out_features, self.in1_features, self.in2_features),
            dtypes.as_dtype(dtype or float),
        )
        bound = 1.0 / math.sqrt(self.in1_features)
        self.weight = Parameter(F.zeros(shape, dtype=kind), device=device)
        init.uniform_(self.weight, -bound, bound, generator=generator)
        self.bias: Parameter | None = None
        if bias:
            self.bias = Parameter(F.zeros(self.out_features, dtype=kind), device=device)
            init.uniform_(self.bias, -bound, bound, generator=generator)

    def forward(self, x1: Any, x2: Any) -> Tensor:
        x1, x2 = F.as_tensor(x1), F.as_tensor(x2)
        if x1.shape[:-1] != x2.shape[:-1] or (x1.shape[-1:], x2.shape[-1:]) != (
            (self.in1_features,), (self.in2_features,)
        ):  # fmt: skip
            raise wrong(ShapeError, "Bilinear", f"the inputs must be (..., {self.in1_features}) and "
                        f"(..., {self.in2_features})", inputs=(x1, x2))  # fmt: skip
        rows = F.reshape(x1, (-1, self.in1_features))  # one product with all of W, then one for each row
        flat = F.reshape(F.permute_dims(self.weight, (1, 0, 2)), (self.in1_features, -1))
        products = F.reshape(rows @ flat, (*x1.shape[:-1], self.out_features, self.in2_features))
        out = F.squeeze(products @ F.expand_dims(x2, -1), -1)
        return out if self.bias is None else out + self.bias

    def extra_repr(self) -> str:
        sizes = f"in1_features={self.in1_features}, in2_features={self.in2_features}"
        return f"{sizes}, out_features={self.out_features}, bias={self.bias is not None}"


class Identity(Module):
    """x itself."""

    def forward(self, x: Any) -> Any:
        return x


class Flatten(Module):
    """(rows, ...) -> (rows, features): the axes from `start` to `end` become one."""

    def __init__(self, start: int = 1, end: int = -1) -> None:
        self.start, self.end = start, end

    def forward(self, x: Any) -> Tensor:
        return F.flatten(F.as_tensor(x), self.start, self.end)

    def extra_repr(self) -> str:
        return f"start={self.start}, end={self.end}"
