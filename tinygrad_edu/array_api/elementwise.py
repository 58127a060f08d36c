"""The Array API's elementwise functions. Most are the library's own, with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.engine.modes import would_lose
from tinygrad_edu.errors import NotDifferentiableError, wrong
from tinygrad_edu.functional import (
    abs,
    acos,
    acosh,
    asin,
    asinh,
    atan,
    atan2,
    atanh,
    ceil,
    cos,
    cosh,
    equal,
    exp,
    expm1,
    floor,
    greater,
    greater_equal,
    isfinite,
    isinf,
    isnan,
    less,
    less_equal,
    log,
    log1p,
    log2,
    log10,
    logaddexp,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    maximum,
    minimum,
    not_equal,
    pow,
    reciprocal,
    remainder,
    round,
    sign,
    sin,
    sinh,
    sqrt,
    square,
    tan,
    tanh,
    trunc,
)
from tinygrad_edu.functional import add as add
from tinygrad_edu.tensor import NumpyArray, Tensor

__all__ = ["abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and",
           "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil",
           "clip", "conj", "copysign", "cos", "cosh", "divide", "equal", "exp", "expm1", "floor",
           "floor_divide", "greater", "greater_equal", "hypot", "imag", "isfinite", "isinf", "isnan", "less",
           "less_equal", "log", "log10", "log1p", "log2", "logaddexp", "logical_and", "logical_not",
           "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative", "nextafter",
           "not_equal", "positive", "pow", "real", "reciprocal", "remainder", "round", "sign", "signbit",
           "sin", "sinh", "sqrt", "square", "subtract", "tan", "tanh", "trunc"]  # fmt: skip

multiply, subtract, divide, negative = F.mul, F.sub, F.div, F.neg


def floor_divide(x1: Any, x2: Any, /) -> Tensor:
    """The largest integer not above x1 / x2. Of infinities, it is the standard's: infinity // 2 is infinity.

    The operator `//` of a tensor is Python's and NumPy's, for which infinity // 2 is NaN.
    """
    found = F.floor_divide(x1, x2)
    if found.dtype.kind != "f":
        return found
    x1, x2 = _floats(x1, x2)
    ratio = x1 / x2
    return F.where(F.logical_or(F.isinf(x1), F.isinf(x2)), F.where(F.isinf(x2), ratio, F.floor(ratio)), found)


def host_expm1(x: NumpyArray, /) -> Any:
    """exp(x) - 1 of complex numbers; where the result has no finite parts, as the standard has it."""
    found = np.asarray(np.expm1(x))
    if found.dtype.kind == "c":
        found = np.array(np.where(np.isfinite(x), found, np.exp(x) - 1))
        found.real += 0.0  # of -0 it is 0
    return found


def on_the_host(function: Callable[..., Any], *xs: Any, **options: Any) -> Tensor:
    """A function of NumPy, of tensors and numbers; its result is on the device of the first tensor.

    Such functions have no gradient: NotDifferentiableError if a graph would be lost.
    """
    if any(would_lose(x) for x in xs):
        raise wrong(
            NotDifferentiableError,
            function.__name__,
            "this function of the Array API has no gradient here",
            "say x.detach(), or build it of the functions of te",
            inputs=xs,
        )
    device = next(x.device for x in xs if isinstance(x, Tensor))
    arrays = [x.numpy() if isinstance(x, Tensor) else x for x in xs]
    return F.tensor(function(*arrays, **options), device=device)


def _bits(function: Callable[..., Any], name: str, formula: str) -> Callable[[Any, Any], Tensor]:
    def bitwise(x1: Any, x2: Any, /) -> Tensor:
        return on_the_host(function, x1, x2)

    bitwise.__name__ = bitwise.__qualname__ = name
    bitwise.__doc__ = f"{formula}, bit by bit, of integers or bools; it has no gradient."
    return bitwise


bitwise_and = _bits(np.bitwise_and, "bitwise_and", "x1 and x2")
bitwise_or = _bits(np.bitwise_or, "bitwise_or", "x1 or x2")
bitwise_xor = _bits(np.bitwise_xor, "bitwise_xor", "Either x1 or x2")
bitwise_left_shift = _bits(np.left_shift, "bitwise_left_shift", "x1 moved to the left by x2 bits")
bitwise_right_shift = _bits(np.right_shift, "bitwise_right_shift", "x1 moved to the right by x2 bits")


def bitwise_invert(x: Tensor, /) -> Tensor:
    """Each bit the other one, of integers or bools."""
    return on_the_host(np.invert, x)


def clip(x: Tensor, /, min: Any = None, max: Any = None) -> Tensor:
    """`x` limited to [min, max], in the dtype of x."""
    return F.clip(x, min, max).cast(x.dtype) if min is not None or max is not None else F.clone(x)


def conj(x: Tensor, /) -> Tensor:
    """`x`: all dtypes here are real."""
    return x


def real(x: Tensor, /) -> Tensor:
    """`x`: all dtypes here are real."""
    return x


def imag(x: Tensor, /) -> Tensor:
    """Zeros: all dtypes here are real."""
    return F.zeros(x.shape, dtype=x.dtype, device=x.device)


def positive(x: Tensor, /) -> Tensor:
    """A copy of `x`."""
    return F.clone(x)


def signbit(x: Tensor, /) -> Tensor:
    """Whether the sign of each float is a minus: that of -0.0 is."""
    return on_the_host(np.signbit, x.detach())


def copysign(x1: Any, x2: Any, /) -> Tensor:
    """The size of x1 with the sign of x2."""
    x1, x2 = _floats(x1, x2)
    return F.where(signbit(x2), -F.abs(x1), F.abs(x1))


def hypot(x1: Any, x2: Any, /) -> Tensor:
    """The square root of x1^2 + x2^2, without an overflow on the way."""
    x1, x2 = (F.abs(x) for x in _floats(x1, x2))
    longer, shorter = F.maximum(x1, x2), F.minimum(x1, x2)
    scale = F.where(F.logical_or(F.isinf(longer), F.equal(longer, 0)), F.ones((), dtype=longer.dtype), longer)
    length = longer * F.sqrt(1 + F.square(shorter / scale))
    return F.where(F.logical_or(F.isinf(x1), F.isinf(x2)), F.full((), np.inf, dtype=longer.dtype), length)


def nextafter(x1: Any, x2: Any, /) -> Tensor:
    """The next float after x1 towards x2; it has no gradient."""
    return on_the_host(np.nextafter, *_floats(x1, x2))


def _floats(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Two operands as tensors of their common dtype."""
    first = next(x for x in (x1, x2) if isinstance(x, Tensor))
    a, b = (
        x if isinstance(x, Tensor) else F.tensor(x, dtype=first.dtype, device=first.device) for x in (x1, x2)
    )
    if a.dtype != b.dtype:
        kind = np.result_type(a.dtype, b.dtype)
        a, b = a.cast(kind), b.cast(kind)
    return a, b
