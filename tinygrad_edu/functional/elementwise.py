"""The elementwise functions: each is its primitive, lifted."""
from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.engine.value import Value
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.functional.lift import lifted
from tinygrad_edu.ops import activation as _a
from tinygrad_edu.ops import elementwise as _e

add, sub, mul, div = lifted(_e.add), lifted(_e.sub), lifted(_e.mul), lifted(_e.div)
neg, square, reciprocal, abs = lifted(_e.neg), lifted(_e.square), lifted(_e.reciprocal), lifted(_e.abs)
floor_divide, remainder, hypot = lifted(_e.floor_divide), lifted(_e.remainder), lifted(_e.hypot)
exp, expm1, exp2 = lifted(_e.exp), lifted(_e.expm1), lifted(_e.exp2)
log, log1p, log2, log10 = lifted(_e.log), lifted(_e.log1p), lifted(_e.log2), lifted(_e.log10)
sqrt, rsqrt, cbrt = lifted(_e.sqrt), lifted(_e.rsqrt), lifted(_e.cbrt)
sin, cos, tan = lifted(_e.sin), lifted(_e.cos), lifted(_e.tan)
asin, acos, atan, atan2 = lifted(_e.asin), lifted(_e.acos), lifted(_e.atan), lifted(_e.atan2)
sinh, cosh, tanh = lifted(_e.sinh), lifted(_e.cosh), lifted(_e.tanh)
asinh, acosh, atanh = lifted(_e.asinh), lifted(_e.acosh), lifted(_e.atanh)
floor, ceil, round, trunc = lifted(_e.floor), lifted(_e.ceil), lifted(_e.round), lifted(_e.trunc)
sign, step = lifted(_e.sign), lifted(_e.step)
maximum, minimum, where = lifted(_e.maximum), lifted(_e.minimum), lifted(_e.where)
equal, not_equal = lifted(_e.equal), lifted(_e.not_equal)
less, less_equal = lifted(_e.less), lifted(_e.less_equal)
greater, greater_equal = lifted(_e.greater), lifted(_e.greater_equal)
logical_and, logical_or = lifted(_e.logical_and), lifted(_e.logical_or)
logical_xor, logical_not = lifted(_e.logical_xor), lifted(_e.logical_not)
isnan, isinf, isfinite = lifted(_e.isnan), lifted(_e.isinf), lifted(_e.isfinite)
sigmoid, softplus, log_sigmoid = lifted(_a.sigmoid), lifted(_a.softplus), lifted(_a.log_sigmoid)
relu, leaky_relu, elu, silu, erf = (lifted(_a.relu), lifted(_a.leaky_relu), lifted(_a.elu), lifted(_a.silu),
                                    lifted(_a.erf))


def gelu(x: Any) -> Any:
    """x times the standard normal's distribution function (Hendrycks and Gimpel, arXiv 1606.08415)."""
    x = as_tensor(x)
    return x * (erf(x * 2.0**-0.5) + 1.0) * 0.5


def pow(x: Any, y: Any) -> Any:
    """$x^y$, elementwise. A constant exponent of 2 is `square`; integers keep NumPy's integer power."""
    x = x if isinstance(x, Value) or isinstance(y, Value) else as_tensor(x)
    if type(y) in (int, float) and y == 2 and (type(y) is int or is_floating(x.dtype)):
        return _e.square(x)
    return _e.pow(x, y)


def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    """x limited to [low, high]; the slope at a bound is 1. Bounds are numbers, or tensors that broadcast."""
    if low is None and high is None:
        raise ValueError("clip needs low, high or both")
    if isinstance(low, (Value, np.ndarray)) or isinstance(high, (Value, np.ndarray)):
        out = x if low is None else maximum(x, low)
        return out if high is None else minimum(out, high)
    return _e.clip(as_tensor(x), low=low, high=high)
