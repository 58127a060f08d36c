"""Activations, softmax, and the noise of dropout's kin."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import dtypes
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.functions import pointwise
from tinygrad_edu.torch.functions.changes import in_place

__all__ = [
    "relu",
    "relu_",
    "relu6",
    "leaky_relu",
    "leaky_relu_",
    "elu",
    "elu_",
    "celu",
    "celu_",
    "selu",
    "selu_",
    "silu",
    "mish",
    "gelu",
    "glu",
    "tanh",
    "sigmoid",
    "logsigmoid",
    "softplus",
    "hardtanh",
    "hardtanh_",
    "hardsigmoid",
    "hardswish",
    "hardshrink",
    "softshrink",
    "softsign",
    "tanhshrink",
    "threshold",
    "threshold_",
    "prelu",
    "rrelu",
    "rrelu_",
    "softmax",
    "softmin",
    "log_softmax",
    "gumbel_softmax",
]


def floats_only(name: str, x: Any) -> Any:
    """x, if it has floats. Raises RuntimeError for integers, as PyTorch's kernels do."""
    if x.dtype.kind != "f":
        kind = str(dtypes.dtype_of(x.dtype)).removeprefix("torch.")
        raise wrong(RuntimeError, name, f'"{name}" not implemented for {kind}', "convert with .float()")
    return x


def changing(function: Callable[..., Any]) -> tuple[Any, Any]:
    """A function of the library's tensors as one of the face's with a last argument `inplace`, and its form
    with an underscore."""
    name, count = function.__name__, len(inspect.signature(function).parameters)
    apart = torch_function(function)
    inside = in_place(f"{name}_", apart)

    def called(input: Any, *args: Any, inplace: bool = False, **named: Any) -> Any:
        if len(args) == count:
            *args, inplace = args  # type: ignore[assignment]
        return inside(input, *args, **named) if inplace else apart(input, *args, **named)

    called.__name__ = called.__qualname__ = name
    called.__doc__ = function.__doc__
    return called, inside


def _relu(input: Any) -> Any:
    return te.relu(input).cast(input.dtype)


def leaky_relu(input: Any, negative_slope: float = 0.01) -> Any:
    """x if x > 0, else negative_slope * x."""
    return te.leaky_relu(floats_only("leaky_relu_cpu", input), slope=negative_slope)


def elu(input: Any, alpha: float = 1.0) -> Any:
    """x if x > 0, else alpha (e^x - 1)."""
    return te.elu(floats_only("elu_cpu", input), alpha=alpha)


def celu(input: Any, alpha: float = 1.0) -> Any:
    """x if x > 0, else alpha (e^(x / alpha) - 1)."""
    return te.celu(floats_only("elu_cpu", input), alpha)


def selu(input: Any) -> Any:
    """The `elu` with the slope and the scale that keep mean 0 and variance 1."""
    return te.selu(floats_only("elu_cpu", input))


def silu(input: Any) -> Any:
    """x sigmoid(x)."""
    return te.silu(floats_only("silu_cpu", input))


def mish(input: Any) -> Any:
    """x tanh(ln(1 + e^x))."""
    return te.mish(floats_only("mish_cpu", input))


def relu6(input: Any) -> Any:
    """min(max(x, 0), 6)."""
    return te.relu6(input).cast(input.dtype)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0) -> Any:
    """x limited to [min_val, max_val]; the slope at both ends is 0."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return te.hardtanh(input, min_val, max_val).cast(input.dtype)


def hardsigmoid(input: Any) -> Any:
    """0 below -3, 1 above 3, and (x + 3) / 6 between them."""
    return te.hardsigmoid(floats_only("hardsigmoid_cpu", input))


def hardswish(input: Any) -> Any:
    """x hardsigmoid(x)."""
    return te.hardswish(floats_only("hardswish_cpu", input))


def threshold(input: Any, threshold: float, value: float) -> Any:
    """x where it is greater than `threshold`, elsewhere `value`."""
    return te.threshold(input, threshold, value).cast(input.dtype)


def rrelu(input: Any, lower: float = 1.0 / 8, upper: float = 1.0 / 3, training: bool = False) -> Any:
    """x if x >= 0, else x times a slope, drawn from [lower, upper) in training, their mean otherwise."""
    x = floats_only("rrelu_cpu", input)
    if not training:
        return te.leaky_relu(x, slope=(lower + upper) / 2)
    slope = te.rand(x.shape, dtype=x.dtype, device=x.device) * (upper - lower) + lower
    return te.where(x >= 0.0, x, x * slope)


_relu.__name__ = "relu"
_, relu_ = changing(_relu)
leaky_relu, leaky_relu_ = changing(leaky_relu)
elu, elu_ = changing(elu)
celu, celu_ = changing(celu)
selu, selu_ = changing(selu)
rrelu, rrelu_ = changing(rrelu)
hardtanh, hardtanh_ = changing(hardtanh)
threshold, threshold_ = changing(threshold)
silu, mish, relu6, hardsigmoid, hardswish = (
    changing(f)[0] for f in (silu, mish, relu6, hardsigmoid, hardswish)
)


def relu(input: Any, inplace: bool = False) -> Any:
    """max(x, 0)."""
    return relu_(input) if inplace else pointwise.relu(input)


tanh, sigmoid = pointwise.tanh, pointwise.sigmoid


@torch_function
def gelu(input: Any, approximate: str = "none") -> Any:
    """x Phi(x), where Phi is the normal distribution; with "tanh" an approximation of it."""
    if approximate not in ("none", "tanh"):
        raise wrong(RuntimeError, "gelu", "approximate argument must be either none or tanh.")
    return te.gelu(floats_only("GeluKernelImpl", input), approximate)


@torch_function
def glu(input: Any, dim: int = -1) -> Any:
    """a sigmoid(b), where a and b are the two halves of x along `dim`."""
    if not input.ndim:
        raise wrong(RuntimeError, "glu", "glu does not support 0-dimensional tensors")
    return te.glu(floats_only("glu_cpu", input), dim)


@torch_function
def logsigmoid(input: Any) -> Any:
    """ln sigmoid(x)."""
    return te.log_sigmoid(floats_only("log_sigmoid_cpu", input))


@torch_function
def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """ln(1 + e^(beta x)) / beta; x itself where beta x is greater than `threshold`."""
    x = floats_only("softplus_cpu", input)
    scaled = x if beta == 1 else x * beta
    low = te.softplus(scaled)
    return te.where(scaled > threshold, x, low if beta == 1 else low / beta)


@torch_function
def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """0 in [-lambd, lambd] and x elsewhere."""
    return te.hardshrink(floats_only("hardshrink_cpu", input), lambd)


@torch_function
def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """x moved by lambd towards 0, but not past it."""
    return te.softshrink(floats_only("softshrink_cpu", input), lambd)


@torch_function
def softsign(input: Any) -> Any:
    """x / (1 + |x|)."""
    (x,) = dtypes.floating(input)
    return te.softsign(x)


@torch_function
def tanhshrink(input: Any) -> Any:
    """x - tanh(x)."""
    (x,) = dtypes.floating(input)
    return te.tanhshrink(x)


@torch_function
def prelu(input: Any, weight: Any) -> Any:
    """x if x > 0, else weight * x, with one weight, or one for each channel (axis 1)."""
    if input.dtype != weight.dtype:
        raise wrong(RuntimeError, "prelu", "prelu: Type promoting not supported.", inputs=(input, weight))
    return te.prelu(input, weight)


def _axis(name: str, dim: Any, ndim: int) -> int:
    """The axis; without one, PyTorch's old choice, with a warning."""
    if dim is None:
        warnings.warn(f"{name} without dim= takes an axis by an old rule: say which one", stacklevel=4)
        return 0 if ndim in (0, 1, 3) else 1
    return int(dim)


def _along(name: str, function: Callable[..., Any], x: Any, dim: Any, dtype: Any) -> Any:
    dim = _axis(name, dim, x.ndim)
    if dtype is not None:
        x = x.cast(dtypes.numpy_of(dtype))
    if not x.ndim and dim in (0, -1):
        return te.reshape(function(te.reshape(floats_only(name, x), (1,)), 0), ())
    if not -x.ndim <= dim < x.ndim:
        raise wrong(
            IndexError, name, f"Dimension out of range (expected to be in range of [{-max(1, x.ndim)}, "
            f"{max(1, x.ndim) - 1}], but got {dim})",
        )  # fmt: skip
    return function(floats_only(name, x), dim)


@torch_function
def softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """Probabilities proportional to e^x along `dim`."""
    return _along("softmax", te.softmax, input, dim, dtype)


@torch_function
def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """softmax(-x) along `dim`."""
    return _along("softmin", te.softmin, input, dim, dtype)


@torch_function
def log_softmax(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """ln softmax(x) along `dim`."""
    return _along("log_softmax", te.log_softmax, input, dim, dtype)


@torch_function
def gumbel_softmax(logits: Any, tau: float = 1, hard: bool = False, eps: float = 1e-10, dim: int = -1) -> Any:
    """softmax((logits + Gumbel noise) / tau); with `hard`, one-hot forwards and soft backwards."""
    x = floats_only("gumbel_softmax", logits)
    drawn = te.clip(te.rand(x.shape, dtype=x.dtype, device=x.device), float(np.finfo(x.dtype).tiny), None)
    soft = te.softmax((x - te.log(-te.log(drawn))) / tau, dim)
    if not hard:
        return soft
    chosen = te.one_hot(te.argmax(soft.detach(), dim), x.shape[dim], dtype=x.dtype)
    return te.moveaxis(chosen, -1, dim) - soft.detach() + soft
