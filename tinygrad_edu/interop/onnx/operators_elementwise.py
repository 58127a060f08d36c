"""Elementwise operators of ONNX, in functions of the library."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any

from tinygrad_edu import functional as F
from tinygrad_edu.interop.onnx.given import Given, Operator, number
from tinygrad_edu.interop.onnx.proto import dtype_of
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.tensor import Tensor


def plain(function: Callable[..., Any]) -> Operator:
    """A function of the inputs alone."""
    return lambda g, *xs: function(*xs)


def _many(function: Callable[[Any, Any], Any]) -> Operator:
    """A function of two, of any number of inputs."""
    return lambda g, first, *more: reduce(function, more, first)


def _div(g: Given, x: Tensor, y: Tensor) -> Any:
    """Of integers the quotient is rounded towards 0."""
    if x.dtype.kind == "f":
        return _e.div(x, y)
    quotient = _e.floor_divide(_e.abs(x), _e.abs(y))
    return (quotient * _e.sign(x) * _e.sign(y)).cast(x.dtype)


def _pow(g: Given, x: Tensor, y: Tensor) -> Any:
    return F.pow(x, y if y.ndim or x.dtype.kind != "f" else y.item()).cast(x.dtype)


def _mod(g: Given, x: Tensor, y: Tensor) -> Any:
    if not g.get("fmod", 0):
        return _e.remainder(x, y)
    size = _e.remainder(_e.abs(x), _e.abs(y))
    return F.where(x < 0, -size, size)


def _cast(g: Given, x: Tensor) -> Any:
    return x.cast(dtype_of(int(g.need("to")), f"the dtype of {g}"))


def _clip(g: Given, x: Tensor, low: Tensor | None = None, high: Tensor | None = None) -> Any:
    bottom, top = number(low, g.get("min")), number(high, g.get("max"))
    return x if bottom is None and top is None else F.clip(x, bottom, top).cast(x.dtype)


def _dropout(g: Given, x: Tensor, rate: Tensor | None = None, training: Tensor | None = None) -> Any:
    """The identity, and a mask that keeps all."""
    if number(training, False) and number(rate, 0.5):
        raise g.fault("it is to draw random numbers (training_mode), which is not computed")
    return x, F.ones(x.shape, dtype=bool, device=x.device)


def _isinf(g: Given, x: Tensor) -> Any:
    found = F.isinf(x)
    if not g.get("detect_positive", 1):
        found = F.logical_and(found, x < 0)
    if not g.get("detect_negative", 1):
        found = F.logical_and(found, x > 0)
    return found


def _gelu(g: Given, x: Tensor) -> Any:
    return F.gelu(x, g.only("approximate", ("none", "tanh")))


def _selu(g: Given, x: Tensor) -> Any:
    alpha, gamma = g.get("alpha", 1.6732632), g.get("gamma", 1.0507009)
    return F.where(x > 0, x, F.expm1(_e.minimum(x, 0.0)) * alpha) * gamma


def _hardsigmoid(g: Given, x: Tensor) -> Any:
    return F.clip(x * g.get("alpha", 0.2) + g.get("beta", 0.5), 0.0, 1.0)


def _prelu(g: Given, x: Tensor, slope: Tensor) -> Any:
    return F.where(x < 0, x * slope, x)


def _threshold(g: Given, x: Tensor) -> Any:
    return F.where(x > g.get("alpha", 1.0), x, 0.0)


def _shrink(g: Given, x: Tensor) -> Any:
    bias, bound = g.get("bias", 0.0), g.get("lambd", 0.5)
    return F.where(x < -bound, x + bias, F.where(x > bound, x - bias, 0.0))


def _mean_of(function: Callable[[Any, Any], Any]) -> Operator:
    return lambda g, *xs: reduce(function, xs) / len(xs)


# fmt: off
TABLE: dict[str, Operator] = {
    "Identity": lambda g, x: x, "Dropout": _dropout,
    "Cast": _cast, "CastLike": lambda g, x, y: x.cast(y.dtype),
    "Add": plain(_e.add), "Sub": plain(_e.sub), "Mul": plain(_e.mul), "Div": _div,
    "Pow": _pow, "Mod": _mod, "Neg": plain(_e.neg), "Abs": plain(_e.abs), "Sign": plain(_e.sign),
    "Sum": _many(_e.add), "Mean": _mean_of(_e.add), "Max": _many(_e.maximum), "Min": _many(_e.minimum),
    "Reciprocal": plain(_e.reciprocal), "Sqrt": plain(_e.sqrt), "Exp": plain(_e.exp), "Log": plain(_e.log),
    "Floor": plain(_e.floor), "Ceil": plain(_e.ceil), "Round": plain(_e.round),
    "Sin": plain(_e.sin), "Cos": plain(_e.cos), "Tan": plain(_e.tan), "Asin": plain(_e.asin),
    "Acos": plain(_e.acos), "Atan": plain(_e.atan), "Sinh": plain(_e.sinh), "Cosh": plain(_e.cosh),
    "Tanh": plain(_e.tanh), "Asinh": plain(_e.asinh), "Acosh": plain(_e.acosh), "Atanh": plain(_e.atanh),
    "Erf": plain(F.erf), "Sigmoid": plain(F.sigmoid), "Relu": plain(F.relu),
    "LeakyRelu": lambda g, x: F.leaky_relu(x, slope=g.get("alpha", 0.01)),
    "Elu": lambda g, x: F.elu(x, alpha=g.get("alpha", 1.0)),
    "Celu": lambda g, x: F.celu(x, g.get("alpha", 1.0)), "Selu": _selu,
    "Softplus": plain(F.softplus), "Softsign": plain(F.softsign), "HardSigmoid": _hardsigmoid,
    "HardSwish": plain(F.hardswish), "Mish": plain(F.mish), "Gelu": _gelu, "PRelu": _prelu,
    "ThresholdedRelu": _threshold, "Shrink": _shrink,
    "Swish": lambda g, x: x * F.sigmoid(x * g.get("alpha", 1.0)),
    "Clip": _clip, "Where": plain(_e.where),
    "Equal": plain(_e.equal), "Less": plain(_e.less), "LessOrEqual": plain(_e.less_equal),
    "Greater": plain(_e.greater), "GreaterOrEqual": plain(_e.greater_equal),
    "And": plain(_e.logical_and), "Or": plain(_e.logical_or), "Xor": plain(_e.logical_xor),
    "Not": plain(_e.logical_not), "IsNaN": plain(_e.isnan), "IsInf": _isinf,
}
# fmt: on
