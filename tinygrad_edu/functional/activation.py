"""Activations that are made of other functions. The primitive ones are among the elementwise functions.

Slopes at kinks are PyTorch's, and NaN stays NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, operands
from tinygrad_edu.functional.elementwise import abs as _abs
from tinygrad_edu.functional.elementwise import clip, elu, sigmoid, softplus, tanh, where
from tinygrad_edu.functional.movement import reshape, split
from tinygrad_edu.functional.normalization import softmax
from tinygrad_edu.scalars import number
from tinygrad_edu.shapes import normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["celu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "mish", "prelu", "relu6",
           "selu", "softmin", "softshrink", "softsign", "tanhshrink", "threshold"]  # fmt: skip

# The numbers for which mean 0 and variance 1 are a fixed point: appendix 1 of Klambauer and others.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946
_LARGEST = {4: (-3e38, 3e38), 8: (-1e308, 1e308)}  # by the bytes of a float


def hardtanh(x: Tensor, min_val: float = -1.0, max_val: float = 1.0) -> Tensor:
    """x limited to [min_val, max_val], elementwise. The slope at both ends is 0, where `clip` has 1."""
    low, high = number(min_val, "hardtanh: min_val"), number(max_val, "hardtanh: max_val")
    if not low < high:
        raise wrong(ValueError, "hardtanh", f"min_val={low} must be less than max_val={high}")
    x = as_tensor(x)
    return where(x >= high, high, where(x <= low, low, x))


def relu6(x: Tensor) -> Tensor:
    """min(max(x, 0), 6), elementwise. Source: Krizhevsky, "Convolutional deep belief networks on CIFAR-10",
    2010."""
    return hardtanh(x, 0.0, 6.0)


def hardsigmoid(x: Tensor) -> Tensor:
    """0 below -3, 1 above 3, and (x + 3) / 6 between them, elementwise."""
    x = as_tensor(x)
    return where(x >= 3.0, 1.0, where(x <= -3.0, 0.0, (x + 3.0) / 6.0))


def hardswish(x: Tensor) -> Tensor:
    """x hardsigmoid(x), elementwise. Source: Howard and others, "Searching for MobileNetV3", ICCV 2019."""
    x = as_tensor(x)
    inside = clip(x, -3.0, 3.0)  # the square of a large x, which is not used, is infinite
    return where(x >= 3.0, x, where(x <= -3.0, 0.0, inside * (inside + 3.0) / 6.0))


def hardshrink(x: Tensor, lambd: float = 0.5) -> Tensor:
    """0 in [-lambd, lambd] and x elsewhere, elementwise."""
    x, bound = as_tensor(x), number(lambd, "hardshrink: lambd")
    return where(_abs(x) <= bound, 0.0, x)


def softshrink(x: Tensor, lambd: float = 0.5) -> Tensor:
    """x moved by lambd towards 0, but not past it, elementwise. Raises ValueError for lambd < 0."""
    x, bound = as_tensor(x), number(lambd, "softshrink: lambd")
    if not bound >= 0:
        raise wrong(ValueError, "softshrink", f"lambd={bound} must be at least 0")
    return where(x > bound, x - bound, where(x < -bound, x + bound, clip(x, -bound, bound) * 0.0))


def softsign(x: Tensor) -> Tensor:
    """x / (1 + |x|), elementwise."""
    x = as_tensor(x)
    if is_floating(x.dtype):
        x = clip(x, *_LARGEST[x.dtype.itemsize])  # infinity / infinity is no limit
    return x / (1.0 + _abs(x))


def tanhshrink(x: Tensor) -> Tensor:
    """x - tanh(x), elementwise."""
    x = as_tensor(x)
    return x - tanh(x)


def threshold(x: Tensor, threshold: float, value: float) -> Tensor:
    """x where it is greater than `threshold`, elsewhere `value`, elementwise."""
    x = as_tensor(x)
    return where(x <= number(threshold, "threshold: threshold"), number(value, "threshold: value"), x)


def mish(x: Tensor) -> Tensor:
    """x tanh(ln(1 + e^x)), elementwise. Source: Misra, "Mish", BMVC 2020."""
    x = as_tensor(x)
    inside = clip(x, -1000.0, 20.0)  # below, e^x is 0, and above tanh is 1, in float64, too
    return where(x >= 20.0, x, inside * tanh(softplus(inside)))


def celu(x: Tensor, alpha: float = 1.0) -> Tensor:
    """x if x > 0, else alpha (e^(x / alpha) - 1), elementwise.

    Raises ValueError for alpha = 0. Source: Barron, "Continuously differentiable exponential linear units",
    arXiv 1704.07483.
    """
    x, scale = as_tensor(x), number(alpha, "celu: alpha")
    if scale == 0:
        raise wrong(ValueError, "celu", "alpha must not be 0")
    return where(x > 0.0, x, elu(where(x > 0.0, 0.0, x) / scale) * scale)


def selu(x: Tensor) -> Tensor:
    """The `elu` with the slope and the scale that keep mean 0 and variance 1, elementwise.

    Source: Klambauer, Unterthiner, Mayr, Hochreiter, "Self-normalizing neural networks", NeurIPS 2017.
    """
    return elu(x, alpha=SELU_ALPHA) * SELU_SCALE


def prelu(x: Tensor, weight: Tensor) -> Tensor:
    """x if x > 0, else weight * x, elementwise; a weight of several numbers has one for each channel, axis 1.

    Raises ShapeError when there are not as many channels. Source: He, Zhang, Ren, Sun, "Delving deep into
    rectifiers", ICCV 2015.
    """
    x, weight = operands((x, weight))
    if weight.size != 1:
        if weight.ndim != 1 or x.ndim < 2 or x.shape[1] != weight.size:
            channels = x.shape[1] if x.ndim > 1 else 1
            raise wrong(ShapeError, "prelu", f"there are {channels} channels and {weight.shape} weights",
                        "give one weight, or one for each channel", inputs=(x, weight))  # fmt: skip
        weight = reshape(weight, (-1, *(1,) * (x.ndim - 2)))
    elif weight.ndim:
        weight = reshape(weight, ())
    return where(x > 0.0, x, weight * x)


def glu(x: Tensor, axis: int = -1) -> Tensor:
    """a sigmoid(b), where a and b are the two halves of x along `axis`. Raises ShapeError for an odd size.

    Source: Dauphin, Fan, Auli, Grangier, "Language modeling with gated convolutional networks", ICML 2017.
    """
    x = as_tensor(x)
    size = x.shape[normalize_axis(axis, x.ndim)]
    if size % 2:
        raise wrong(ShapeError, "glu", f"axis {axis} has the odd size {size}, and no halves", inputs=(x,))
    a, b = split(x, (size // 2, size // 2), axis)
    return a * sigmoid(b)


def softmin(x: Tensor, axis: int = -1) -> Tensor:
    """softmax(-x) along `axis`."""
    return softmax(-as_tensor(x), axis)
