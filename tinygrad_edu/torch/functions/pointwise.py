"""Functions that work element by element, with PyTorch's promotion: int64 with float32 is float32."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import floating, promoted


def _real(function: Callable[..., Any], name: str = "") -> Any:
    """A function of real numbers: integers and bools become the default float."""

    def made(input: Any) -> Any:  # noqa: A002 - PyTorch's name
        (x,) = floating(input)
        return function(x)

    return _named(made, name or function.__name__)


def _named(function: Callable[..., Any], name: str) -> Any:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`torch.{name}`, element by element."
    return torch_function(function)


def _same(function: Callable[..., Any], name: str = "") -> Any:
    """A function whose result has the dtype of its input."""

    def made(input: Any) -> Any:  # noqa: A002
        return function(input).cast(input.dtype)

    return _named(made, name or function.__name__)


def _of_two(function: Callable[..., Any], name: str, operands: Callable[..., Any] = promoted) -> Any:
    """A function of two tensors, or of a tensor and a number."""

    def made(input: Any, other: Any) -> Any:  # noqa: A002
        return function(*operands(input, other))

    return _named(made, name)


exp, exp2, expm1, log, log2, log10, log1p = map(
    _real, (te.exp, te.exp2, te.expm1, te.log, te.log2, te.log10, te.log1p)
)
sqrt, rsqrt, reciprocal = map(_real, (te.sqrt, te.rsqrt, te.reciprocal))
sin, cos, tan, asin, acos, atan = map(_real, (te.sin, te.cos, te.tan, te.asin, te.acos, te.atan))
sinh, cosh, tanh, asinh, acosh, atanh = map(
    _real, (te.sinh, te.cosh, te.tanh, te.asinh, te.acosh, te.atanh)
)
sigmoid, erf = map(_real, (te.sigmoid, te.erf))
absolute = abs = _same(te.abs, "abs")
neg = negative = _same(te.neg, "neg")
square = _same(te.square)
floor, ceil, trunc, sign = map(_same, (te.floor, te.ceil, te.trunc, te.sign))
fix = trunc
relu = _same(te.relu)
isnan, isinf, isfinite = (_of_one for _of_one in (
    _named(lambda input: te.isnan(input), "isnan"),
    _named(lambda input: te.isinf(input), "isinf"),
    _named(lambda input: te.isfinite(input), "isfinite"),
))  # fmt: skip

eq, ne = _of_two(te.equal, "eq"), _of_two(te.not_equal, "ne")
lt, le, gt, ge = (
    _of_two(te.less, "lt"),
    _of_two(te.less_equal, "le"),
    _of_two(te.greater, "gt"),
    _of_two(te.greater_equal, "ge"),
)
not_equal, less, less_equal, greater, greater_equal = ne, lt, le, gt, ge
maximum, minimum = _of_two(te.maximum, "maximum"), _of_two(te.minimum, "minimum")
atan2 = arctan2 = _of_two(te.atan2, "atan2", floating)


@torch_function
def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:  # noqa: A002
    """input + alpha * other."""
    x, y = promoted(input, other)
    if x is not input and x.dtype == np.bool_:
        return te.logical_or(x, y)
    return x + y if alpha == 1 else x + y * alpha


@torch_function
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:  # noqa: A002
    """input - alpha * other."""
    x, y = promoted(input, other)
    if getattr(x, "dtype", getattr(y, "dtype", None)) == np.bool_:
        raise wrong(
            RuntimeError, "sub", "Subtraction, the `-` operator, with two bool tensors is not supported.",
            "Use the `^` or `logical_xor()` operator instead.",
        )  # fmt: skip
    return x - y if alpha == 1 else x - y * alpha


@torch_function
def mul(input: Any, other: Any) -> Any:  # noqa: A002
    """input * other."""
    x, y = promoted(input, other)
    return x * y


@torch_function
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:  # noqa: A002
    """input / other; with `rounding_mode` "floor" or "trunc" rounded so, and then integers stay integers."""
    if rounding_mode is None:
        x, y = floating(input, other)
        return x / y
    if rounding_mode not in ("floor", "trunc"):
        raise wrong(
            RuntimeError, "div", "div expected rounding_mode to be one of None, 'trunc', or 'floor' but found "
            f"'{rounding_mode}'",
        )  # fmt: skip
    x, y = promoted(input, other)
    if rounding_mode == "floor":
        return te.floor_divide(x, y)
    kind = x.dtype if hasattr(x, "dtype") else y.dtype
    if kind.kind == "f":
        return te.trunc(x / y)
    quotient = te.floor_divide(x, y)
    return quotient + te.where(te.logical_and(quotient < 0, te.not_equal(quotient * y, x)), 1, 0).cast(kind)


divide = true_divide = div
subtract, multiply = sub, mul


@torch_function
def pow(input: Any, exponent: Any) -> Any:  # noqa: A001, A002
    """input to the power of exponent; integers stay integers, and have no negative exponents."""
    x, y = promoted(input, exponent)
    return te.pow(x, y)


@torch_function
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:  # noqa: A002
    """input limited to [min, max]."""
    if min is None and max is None:
        raise wrong(RuntimeError, "clamp", "torch.clamp: At least one of 'min' or 'max' must not be None")
    given = [limit for limit in (min, max) if limit is not None]
    x, *limits = promoted(input, *given)
    low = limits[0] if min is not None else None
    high = limits[-1] if max is not None else None
    if any(type(limit) is float and math.isnan(limit) for limit in limits):
        return te.full(x.shape, math.nan, dtype=x.dtype)
    return te.clip(x, low, high)


clip = clamp
