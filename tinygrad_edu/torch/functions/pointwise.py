"""Functions of one tensor that work element by element: powers, logarithms, angles, signs."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.functional import special
from tinygrad_edu.torch import return_types
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import floating
from tinygrad_edu.torch.functions.axes import along, beside, check_floats, check_tensor, in_dtype, numbers
from tinygrad_edu.torch.functions.makers import check_kind, named, real, same

__all__ = ["abs", "absolute", "acos", "acosh", "angle", "arccos", "arccosh", "arcsin", "arcsinh", "arctan",
           "arctanh", "asin", "asinh", "atan", "atanh", "conj", "conj_physical", "cos", "cosh", "deg2rad",
           "erf", "exp", "exp2", "expm1", "frexp", "log", "log10", "log1p", "log2", "log_softmax", "logit",
           "nan_to_num", "neg", "negative", "positive", "rad2deg", "real", "reciprocal", "relu", "rsqrt",
           "sgn", "sigmoid", "sign", "signbit", "sin", "sinc", "sinh", "softmax", "sqrt", "square", "tan",
           "tanh"]  # fmt: skip

exp, exp2, expm1, log, log2, log10, log1p = map(
    real, (te.exp, te.exp2, te.expm1, te.log, te.log2, te.log10, te.log1p)
)
sqrt, rsqrt, reciprocal = map(real, (te.sqrt, te.rsqrt, te.reciprocal))
sin, cos, tan, asin, acos, atan = map(real, (te.sin, te.cos, te.tan, te.asin, te.acos, te.atan))
sinh, cosh, tanh, asinh, acosh, atanh = map(real, (te.sinh, te.cosh, te.tanh, te.asinh, te.acosh, te.atanh))
arcsin, arccos, arctan, arcsinh, arccosh, arctanh = asin, acos, atan, asinh, acosh, atanh
sigmoid, erf = map(real, (te.sigmoid, te.erf))
absolute = abs = same(te.abs, "abs")
neg = negative = same(te.neg, "neg")


def _sign(x: te.Tensor) -> te.Tensor:
    """As te.sign, and 0 of NaN."""
    return te.where(te.isnan(x), 0.0, te.sign(x)) if x.dtype.kind == "f" else te.sign(x)


sign = same(_sign, "sign", refused="")
sgn = same(_sign, "sgn", refused="")
relu = same(te.relu)
positive = same(te.clone, "positive", "`+input`, the same numbers.")


deg2rad = real(lambda x: x * (math.pi / 180), "deg2rad", "Degrees as radians.")
rad2deg = real(lambda x: x * (180 / math.pi), "rad2deg", "Radians as degrees.")


sinc = real(special.sinc, "sinc", "sin(pi x) / (pi x), 1 at 0.")


@torch_function
def square(input: Any) -> Any:
    """input * input; of bools int64."""
    check_tensor("square", input)
    return te.square(input if input.dtype.kind != "b" else input.cast("int64"))


@torch_function
def signbit(input: Any) -> Any:
    """Whether a number is negative, -0.0 too."""
    check_tensor("signbit", input)
    x = input.detach()
    if x.dtype.kind != "f":
        return te.less(x, 0) if x.dtype.kind == "i" else te.zeros(x.shape, dtype=bool, device=x.device)
    return te.logical_or(te.less(x, 0), te.logical_and(te.equal(x, 0), te.less(te.reciprocal(x), 0)))


@torch_function
def logit(input: Any, eps: float | None = None) -> Any:
    """ln(x / (1 - x)), of input clamped to [eps, 1 - eps] if `eps` is given; NaN outside [0, 1]."""
    check_tensor("logit", input)
    (x,) = floating(input)
    if eps is not None:
        x = te.clip(x, float(eps), 1.0 - float(eps))
    return te.log(x / (1.0 - x))


@torch_function
def nan_to_num(
    input: Any, nan: float | None = None, posinf: float | None = None, neginf: float | None = None
) -> Any:
    """input with numbers instead of NaN and infinities, by default 0 and the largest numbers of its dtype."""
    check_tensor("nan_to_num", input)
    return te.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)


@torch_function
def frexp(input: Any) -> Any:
    """(mantissa, exponent): input = mantissa * 2 ** exponent, the mantissa from 0.5 to 1."""
    check_tensor("frexp", input)
    check_floats("frexp", input)
    exponent = np.frexp(numbers(input, "frexp"))[1].astype(np.int32)
    half = exponent // 2
    first, second = (
        beside(input, np.ldexp(1.0, -part).astype(input.dtype)) for part in (half, exponent - half)
    )
    return return_types.frexp(input * first * second, beside(input, exponent))


@torch_function
def angle(input: Any) -> Any:
    """The angle of a number in the complex plane: 0, pi for a negative one, NaN for NaN."""
    check_tensor("angle", input)
    (x,) = floating(input)
    straight = te.full((), math.pi, dtype=x.dtype, device=x.device)
    return te.where(te.isnan(x), x, te.where(te.less(x, 0), straight, 0.0))


def conj(input: Any) -> Any:
    """input itself: real numbers are their own conjugates."""
    check_tensor("conj", input)
    return input


conj_physical = conj_physical_ = conj


def _softened(function: Any, name: str, doc: str) -> Any:
    def made(input: Any, dim: Any, dtype: Any = None, *, _stacklevel: int = 3) -> Any:
        check_tensor(name, input)
        x = in_dtype(input, dtype)
        check_kind(name, x, "ib")
        return along(function, x, dim)

    return named(made, name, doc)


softmax = _softened(te.softmax, "softmax", "e^x over its sum along `dim`.")
log_softmax = _softened(te.log_softmax, "log_softmax", "ln of `softmax`, without overflow.")
globals()["real"] = conj  # the name of the maker until here
