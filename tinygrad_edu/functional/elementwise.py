"""The elementwise functions, made from their primitives by `lifted`. Every name of this file is public."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.dtypes import SCALARS, SUPPORTED, is_floating
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import as_tensor, is_typed, operands, with_a_tensor
from tinygrad_edu.functional.lift import lifted
from tinygrad_edu.ops import activation as _a
from tinygrad_edu.ops import elementwise as _e

# arithmetic
add = lifted(_e.add)
sub = lifted(_e.sub)
mul = lifted(_e.mul)
div = lifted(_e.div)
neg = lifted(_e.neg)
square = lifted(_e.square)
reciprocal = lifted(_e.reciprocal)
abs = lifted(_e.abs)
floor_divide = lifted(_e.floor_divide)
remainder = lifted(_e.remainder)
# comparisons, and what is true
equal = lifted(_e.equal)
not_equal = lifted(_e.not_equal)
less = lifted(_e.less)
less_equal = lifted(_e.less_equal)
greater = lifted(_e.greater)
greater_equal = lifted(_e.greater_equal)
logical_and = lifted(_e.logical_and)
logical_or = lifted(_e.logical_or)
logical_xor = lifted(_e.logical_xor)
logical_not = lifted(_e.logical_not)
isnan = lifted(_e.isnan)
isinf = lifted(_e.isinf)
isfinite = lifted(_e.isfinite)
# steps, and choices
floor = lifted(_e.floor)
ceil = lifted(_e.ceil)
round = lifted(_e.round)
trunc = lifted(_e.trunc)
sign = lifted(_e.sign)
step = lifted(_e.step)
maximum = lifted(_e.maximum)
minimum = lifted(_e.minimum)
# powers, exponentials, logarithms
exp = lifted(_e.exp)
expm1 = lifted(_e.expm1)
exp2 = lifted(_e.exp2)
log = lifted(_e.log)
log1p = lifted(_e.log1p)
log2 = lifted(_e.log2)
log10 = lifted(_e.log10)
sqrt = lifted(_e.sqrt)
rsqrt = lifted(_e.rsqrt)
cbrt = lifted(_e.cbrt)
# trigonometric, inverse, hyperbolic
sin = lifted(_e.sin)
cos = lifted(_e.cos)
tan = lifted(_e.tan)
asin = lifted(_e.asin)
acos = lifted(_e.acos)
atan = lifted(_e.atan)
atan2 = lifted(_e.atan2)
sinh = lifted(_e.sinh)
cosh = lifted(_e.cosh)
tanh = lifted(_e.tanh)
asinh = lifted(_e.asinh)
acosh = lifted(_e.acosh)
atanh = lifted(_e.atanh)
hypot = lifted(_e.hypot)
# activations
sigmoid = lifted(_a.sigmoid)
softplus = lifted(_a.softplus)
log_sigmoid = lifted(_a.log_sigmoid)
relu = lifted(_a.relu)
leaky_relu = lifted(_a.leaky_relu)
elu = lifted(_a.elu)
silu = lifted(_a.silu)
erf = lifted(_a.erf)
_gelu = lifted(_a.gelu)

_where = lifted(_e.where)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """x where the condition holds, elsewhere y, elementwise; all three broadcast. Raises TypeError without x
    or y."""
    if x is None or y is None:
        missing = " and ".join(name for name, given in (("x", x), ("y", y)) if given is None)
        raise wrong(TypeError, "where", f"where needs {missing}: te.where(condition, x, y)",
                    "the indices of what is true are te.nonzero(condition)")  # fmt: skip
    if not is_typed(x) and not is_typed(y):  # the condition does not decide their dtype
        x, y = operands((x, y))
    return _where(condition, x, y)


where.op = _e.where  # type: ignore[attr-defined]


def pow(x: Any, y: Any) -> Any:
    """$x^y$, elementwise. A constant exponent of 2 is `square`; integers keep NumPy's integer power."""
    if not isinstance(x, Value) and not isinstance(y, Value):
        x, y = with_a_tensor((x, y))
    if type(y) in (int, float) and y == 2 and (type(y) is int or is_floating(x.dtype)):
        return _e.square(x)
    return _e.pow(x, y)


def clip(x: Any, low: Any = None, high: Any = None) -> Any:
    """x limited to [low, high]; the slope at a bound is 1. Bounds are numbers, or tensors that broadcast."""
    if low is None and high is None:
        raise wrong(ValueError, "clip", "clip needs low, high or both")
    if _is_number(low) and _is_number(high):
        return _e.clip(as_tensor(x), low=low, high=high)
    out = x if low is None else maximum(x, low)
    return out if high is None else minimum(out, high)


def gelu(x: Any, approximate: str = "none") -> Any:
    r"""$x \, \Phi(x)$, elementwise; with `approximate="tanh"`, $\Phi$ is a formula with tanh, wrong by up to
    0.0005. Source: Hendrycks, Gimpel, "Gaussian error linear units", arXiv 1606.08415."""
    if approximate == "none":
        return _gelu(x)
    if approximate != "tanh":
        raise wrong(ValueError, "gelu", f"approximate must be 'none' or 'tanh', not {approximate!r}")
    x = as_tensor(x)
    inside = clip(x, -10.0, 10.0)  # beyond, tanh is -1 or 1, and x^3 too large for a float
    inner = (inside + inside * inside * inside * 0.044715) * math.sqrt(2.0 / math.pi)
    return where(x >= 10.0, x, inside * (tanh(inner) + 1.0) * 0.5)


gelu.op = _a.gelu  # type: ignore[attr-defined]


def _is_number(bound: Any) -> bool:
    return (
        bound is None
        or type(bound) in SCALARS
        or (isinstance(bound, np.generic) and bound.dtype in SUPPORTED)
    )


if not TYPE_CHECKING:  # a computed list would hide the names from a type checker
    __all__ = [
        name
        for name, made in globals().items()
        if not name.startswith("_") and getattr(made, "__module__", "") == __name__
    ]
