"""Arithmetic of two tensors, or of a tensor and a number, with PyTorch's promotion: int64 with float32 is
float32."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional import special
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import dtype_of, floating, promoted
from tinygrad_edu.torch.functions.axes import beside, check_floats, check_tensor, is_tensor, numbers
from tinygrad_edu.torch.functions.makers import check_kind, kind_of, of_integers, of_two, pair, tensor_of
from tinygrad_edu.torch.functions.rounding import quotient

__all__ = ["add", "addcdiv", "addcmul", "arctan2", "atan2", "clamp", "clamp_max", "clamp_min", "clip",
           "copysign", "div", "divide", "float_power", "fmax", "fmin", "gcd", "heaviside", "hypot", "lcm",
           "ldexp", "lerp", "logaddexp", "logaddexp2", "maximum", "minimum", "mul", "multiply",
           "nextafter", "pow", "rsub", "sub", "subtract", "true_divide", "xlogy"]  # fmt: skip


def _scaled(name: str, kind: np.dtype[Any], y: Any, alpha: Any) -> Any:
    """alpha * y, in the dtype of the result."""
    if is_tensor(alpha):
        alpha = alpha.item()
    if kind.kind != "f" and isinstance(alpha, float):
        raise wrong(
            RuntimeError,
            name,
            "For integral input tensors, argument alpha must not be a floating point number.",
        )
    if kind.kind == "b":
        return y if alpha else te.logical_and(y, False)
    if isinstance(alpha, bool):
        raise wrong(RuntimeError, name, "Boolean alpha only supported for Boolean results.")
    return y * alpha


@torch_function
def add(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """input + alpha * other; of bools whether any is true."""
    x, y = pair("add", promoted, input, other)
    kind = kind_of(x, y)
    if alpha != 1 or alpha is True:
        y = _scaled("add", kind, y, alpha)
    return te.logical_or(x, y) if kind.kind == "b" else te.add(x, y)


def _check_no_bools(x: Any, y: Any) -> None:
    found = [v.dtype.kind == "b" if is_tensor(v) else isinstance(v, (bool, np.bool_)) for v in (x, y)]
    if any(found):
        which = "two bool tensors" if all(found) else "a bool tensor"
        raise wrong(
            RuntimeError,
            "sub",
            f"Subtraction, the `-` operator, with {which} is not supported.",
            "use the `^` operator, or the `~` operator to invert a mask",
        )


@torch_function
def sub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """input - alpha * other; not of bools."""
    _check_no_bools(input, other)
    x, y = pair("sub", promoted, input, other)
    return te.sub(x, _scaled("sub", kind_of(x, y), y, alpha) if alpha != 1 or alpha is True else y)


@torch_function
def rsub(input: Any, other: Any, *, alpha: Any = 1) -> Any:
    """other - alpha * input; not of bools."""
    _check_no_bools(input, other)
    x, y = pair("rsub", promoted, input, other)
    return te.sub(y, _scaled("rsub", kind_of(x, y), x, alpha) if alpha != 1 or alpha is True else x)


def _mul(x: Any, y: Any) -> te.Tensor:
    return te.logical_and(x, y) if kind_of(x, y).kind == "b" else te.mul(x, y)


mul = of_two(_mul, "mul", doc="input * other; of bools whether both are true.")


@torch_function
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """input / other; with `rounding_mode` "floor" or "trunc" rounded so, and then integers stay integers."""
    if rounding_mode is None:
        x, y = pair("div", floating, input, other)
        return te.div(x, y)
    if rounding_mode not in ("floor", "trunc"):
        raise wrong(
            RuntimeError,
            "div",
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'",
        )
    x, y = pair("div", promoted, input, other)
    return quotient(x, y, rounding_mode)


divide = true_divide = div
subtract, multiply = sub, mul


def _power(x: Any, y: Any) -> te.Tensor:
    kind = kind_of(x, y)
    if kind.kind == "f":
        return te.pow(x, y)
    if kind.kind == "b":
        if is_tensor(y):
            check_kind("pow", y, "b")
        return x if y else te.ones_like(x)
    if not is_tensor(y):
        if y < 0:
            raise wrong(RuntimeError, "pow", "Integers to negative integer powers are not allowed.")
        return te.pow(x, y)
    base = tensor_of(x, y)
    found = te.pow(base, te.maximum(y, 0))
    odd = te.where(te.equal(te.remainder(y, 2), 0), 1, base)
    below = te.where(
        te.logical_or(te.equal(base, 1), te.equal(base, -1)), odd, 0
    )  # 1 / x is whole there only
    return te.where(te.less(y, 0), below, found).cast(kind)


pow = of_two(_power, "pow", doc="input to the power of other; whole numbers have no negative exponents.")


@torch_function
def float_power(input: Any, exponent: Any) -> Any:
    """input to the power of exponent, in float64."""
    pair("float_power", promoted, input, exponent)
    x, y = (v.cast("float64") if is_tensor(v) else float(v) for v in (input, exponent))
    return te.pow(x, y)


# -- limits ------------------------------------------------------------------------------------------------


def _clamped(name: str, x: Any, low: Any, high: Any) -> te.Tensor:
    check_tensor(name, x)
    if low is None and high is None:
        raise wrong(RuntimeError, name, f"torch.{name}: At least one of 'min' or 'max' must not be None")
    found, *limits = promoted(x, *(limit for limit in (low, high) if limit is not None))
    if found.dtype.kind == "b":
        check_kind(name, found, "b")
    if any(type(limit) is float and math.isnan(limit) for limit in limits):
        return te.full(found.shape, math.nan, dtype=found.dtype, device=found.device) + found * 0
    return te.clip(found, limits[0] if low is not None else None, limits[-1] if high is not None else None)


@torch_function
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """input limited to [min, max]: numbers, or tensors that broadcast; NaN stays."""
    return _clamped("clamp", input, min, max)


clip = clamp


@torch_function
def clamp_min(input: Any, min: Any) -> Any:
    """The larger of input and `min`."""
    return _clamped("clamp_min", input, min, None)


@torch_function
def clamp_max(input: Any, max: Any) -> Any:
    """The smaller of input and `max`."""
    return _clamped("clamp_max", input, None, max)


maximum = of_two(te.maximum, "maximum", tensors=True, doc="The larger of two; NaN if one is.")
minimum = of_two(te.minimum, "minimum", tensors=True, doc="The smaller of two; NaN if one is.")
fmax = of_two(
    lambda x, y: te.where(te.logical_or(te.greater_equal(x, y), te.isnan(y)), x, y),
    "fmax", tensors=True, doc="The larger of two; the other one if one is NaN.",
)  # fmt: skip
fmin = of_two(
    lambda x, y: te.where(te.logical_or(te.less_equal(x, y), te.isnan(y)), x, y),
    "fmin", tensors=True, doc="The smaller of two; the other one if one is NaN.",
)  # fmt: skip


# -- sums of products --------------------------------------------------------------------------------------


def _weight(value: Any, kind: np.dtype[Any]) -> Any:
    value = value.item() if is_tensor(value) else value
    return value if kind.kind == "f" else int(value)


@torch_function
def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """input + value * tensor1 * tensor2."""
    for x in (input, tensor1, tensor2):
        check_tensor("addcmul", x)
    x, first, second = promoted(input, tensor1, tensor2)
    check_kind("addcmul", x, "b")
    factor = _weight(value, x.dtype)
    return x + first * second if factor == 1 else x + first * second * factor


@torch_function
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> Any:
    """input + value * tensor1 / tensor2."""
    for x in (input, tensor1, tensor2):
        check_tensor("addcdiv", x)
    if tensor1.dtype.kind != "f" and tensor2.dtype.kind != "f":
        raise wrong(RuntimeError, "addcdiv", "Integer division with addcdiv is no longer supported",
                    "convert one of the tensors to floats")  # fmt: skip
    x, first, second = promoted(input, tensor1, tensor2)
    factor = _weight(value, x.dtype)
    return x + first / second if factor == 1 else x + first / second * factor


@torch_function
def lerp(input: Any, end: Any, weight: Any) -> Any:
    """input + weight * (end - input); all in one dtype."""
    check_tensor("lerp", input)
    check_tensor("lerp", end, "end")
    check_kind("lerp", input, "bi")
    for name, x in (("end", end), ("weight", weight)):
        if is_tensor(x) and x.dtype != input.dtype:
            raise wrong(
                RuntimeError,
                "lerp",
                f"expected dtype {dtype_of(input.dtype).name} for `{name}` but got dtype "
                f"{dtype_of(x.dtype).name}",
            )
    return te.lerp(input, end, weight)


# -- other functions of two --------------------------------------------------------------------------------

atan2 = arctan2 = of_two(
    te.atan2, "atan2", floating, tensors=True, doc="The angle of the point (other, input)."
)
hypot = of_two(te.hypot, "hypot", tensors=True, refused="bi", doc="The length of (input, other).")
logaddexp = of_two(te.logaddexp, "logaddexp", tensors=True, refused="bi", doc="ln(e^input + e^other).")
_LN2 = math.log(2.0)
logaddexp2 = of_two(
    lambda x, y: te.logaddexp(x * _LN2, y * _LN2) / _LN2,
    "logaddexp2", tensors=True, refused="bi", doc="log2(2^input + 2^other).",
)  # fmt: skip


def _is_negative(y: te.Tensor) -> te.Tensor:
    return te.logical_or(te.less(y, 0), te.logical_and(te.equal(y, 0), te.less(te.reciprocal(y), 0)))


def _copysign(x: Any, y: Any) -> te.Tensor:
    """|x| with the sign of y; the gradient at 0 is 0."""
    x, y = tensor_of(x, y), tensor_of(y, x)
    ones = te.ones_like(y)
    return te.where(True, te.abs(x) * te.where(_is_negative(y), te.neg(ones), ones), y)


copysign = of_two(_copysign, "copysign", floating, doc="The size of input with the sign of other.")


def _heaviside(x: te.Tensor, values: te.Tensor) -> te.Tensor:
    return te.where(te.equal(x, 0), values, te.greater(x, 0).cast(values.dtype))


@torch_function
def heaviside(input: Any, values: Any) -> Any:
    """0 below 0, 1 above, and `values` at 0."""
    check_tensor("heaviside", input)
    check_tensor("heaviside", values, "values")
    if input.dtype != values.dtype:
        raise wrong(
            RuntimeError, "heaviside", "heaviside is not yet implemented for tensors with different dtypes."
        )
    return _heaviside(input, values)


xlogy = of_two(special.xlogy, "xlogy", floating, doc="input * ln(other), 0 where input is 0.")


@torch_function
def ldexp(input: Any, other: Any) -> Any:
    """input * 2 ** other, in floats."""
    check_tensor("ldexp", input)
    check_tensor("ldexp", other, "other")
    x, y = promoted(input, te.exp2(floating(other)[0]))
    return x * y


gcd = of_integers(np.gcd, "gcd", "The greatest common divisor.", bools=False, tensors=True)
lcm = of_integers(np.lcm, "lcm", "The least common multiple.", bools=False, tensors=True)


@torch_function
def nextafter(input: Any, other: Any) -> Any:
    """The next number of the dtype after input, in the direction of other."""
    check_tensor("nextafter", input)
    check_tensor("nextafter", other, "other")
    x, y = promoted(input, other)
    check_floats("nextafter", x)
    return beside(x, np.nextafter(numbers(x, "nextafter"), numbers(y, "nextafter")))
