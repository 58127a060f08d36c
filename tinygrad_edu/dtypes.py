"""The six dtypes, their promotion, and the numbers that they can hold.

NumPy 2's promotion rules (NEP 50) hold throughout: a Python scalar takes the dtype of the array beside it, an
array never does. The default of a Python float is float32, of a Python int int64, of a bool bool. A number
that a dtype does not hold is an error wherever data is converted; only `x.to(dtype)` of a tensor truncates
it, wraps it around and warns as NumPy's `astype` does.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError, wrong

float32, float64 = np.dtype("float32"), np.dtype("float64")
int64, int32, uint8, bool_ = np.dtype("int64"), np.dtype("int32"), np.dtype("uint8"), np.dtype("bool")

DTYPES: dict[str, np.dtype[Any]] = {
    "float32": float32, "float64": float64, "int64": int64, "int32": int32, "uint8": uint8, "bool": bool_,
}  # fmt: skip
SUPPORTED = frozenset(DTYPES.values())
DEFAULT: dict[str, np.dtype[Any]] = {"f": float32, "i": int64, "b": bool_}
SCALARS = (bool, int, float)
_TOP = float(np.finfo(np.float32).max)
Array = np.ndarray[Any, Any]


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """The NumPy dtype meant by `dtype` (a name, a NumPy dtype or type, `float`, `int`, `bool`).

    Raises TypeError for a dtype that the library does not have. `float` means float32, the default.
    """
    if dtype is float:
        return float32
    try:
        found: np.dtype[Any] | None = None if dtype is None else np.dtype(dtype)
    except (TypeError, ValueError, SyntaxError):
        found = None
    if found is None or found not in SUPPORTED:
        raise _unknown_error(dtype)
    return found


def _unknown_error(dtype: Any) -> TypeError:
    kind = getattr(dtype, "kind", None)
    fitting = "int64" if kind in ("i", "u") else "float32"
    remedy = f"convert the data first, for example with array.astype('{fitting}')"
    if kind in ("O", "U", "S"):
        remedy = "number words first, for example with numpy.unique(words, return_inverse=True)[1]"
    return wrong(TypeError, None, f"dtype {dtype!r} is not one of {', '.join(DTYPES)}", remedy)


def default_for(array: Array) -> np.dtype[Any]:
    """The dtype of data without one: Python floats become float32, ints int64, bools bool."""
    kind = "i" if array.dtype.kind == "u" else array.dtype.kind
    if kind not in DEFAULT:
        raise wrong(
            TypeError,
            None,
            f"cannot make a tensor of {array.dtype} data",
            "give numbers, in rows of equal length",
        )
    return DEFAULT[kind]


def is_floating(dtype: np.dtype[Any]) -> bool:
    """Whether values of `dtype` can carry a gradient."""
    return dtype.kind in "fc"  # complex128 exists only in the complex-step check


def _dtype_of(x: Any) -> np.dtype[Any]:
    return as_dtype(x if isinstance(x, (type, str, np.dtype)) else getattr(x, "dtype", x))


def finfo(dtype: Any) -> Any:
    """The limits of a float dtype, or of that of a tensor: `eps`, `max`, `min`, `smallest_normal`, `bits`.

    TypeError for another dtype.
    """
    found = _dtype_of(dtype)
    if found.kind != "f":
        raise wrong(TypeError, "finfo", f"{found} is no float dtype", "te.iinfo has the limits of integers")
    return np.finfo(found)


def iinfo(dtype: Any) -> Any:
    """The limits of an integer dtype, or of that of a tensor: `max`, `min`, `bits`. TypeError for another."""
    found = _dtype_of(dtype)
    if found.kind not in "iu":
        raise wrong(TypeError, "iinfo", f"{found} is no integer dtype", "te.finfo has the limits of floats")
    return np.iinfo(found)


def fit(array: Array, dtype: np.dtype[Any]) -> Array:
    """The numbers of `array` as `dtype`; fractions are truncated in integer dtypes, as in NumPy.

    Raises OverflowError for a number that `dtype` does not hold, ValueError for a NaN in an integer dtype,
    TypeError if they are not real numbers.
    """
    if array.dtype == dtype:
        return array
    default_for(array)
    if dtype.kind in "iu" and array.size and not np.can_cast(array.dtype, dtype):
        low, high = array.min(), array.max()
        if low != low:
            raise wrong(
                ValueError,
                None,
                f"cannot convert float NaN to integer: a NaN is among the numbers, {dtype} has none",
            )
        limits = np.iinfo(dtype)
        for number in (low, high):
            if np.isinf(number) or not limits.min <= int(number) <= limits.max:
                raise wrong(
                    OverflowError,
                    None,
                    f"{number} is out of bounds for {dtype}, which holds {limits.min} to {limits.max}",
                )
    return array.astype(dtype)


def bare(array: Array) -> Array:
    """An array subclass as a plain array. Raises TypeError for one that masks some of its numbers."""
    if type(array) is np.ndarray:
        return array
    if np.ma.is_masked(array):
        raise wrong(
            TypeError,
            None,
            "this masked array has numbers that are not to be used",
            "fill them in with .filled()",
        )
    return np.asarray(array)


def from_python(data: Any, dtype: np.dtype[Any] | None = None) -> Array:
    """Python's numbers, alone or in nested sequences, as a new array: of `dtype`, or of their default.

    Raises what `fit` does, ShapeError for rows of unequal length.
    """
    if type(data) is float and dtype is None and -_TOP <= data <= _TOP:
        return np.array(data, float32)
    try:
        array = np.array(data)
    except ValueError:
        features = "; pass its features and its labels" if hasattr(data, "features") else ""
        raise wrong(ShapeError, None, f"rows of unequal length{features}") from None
    kind = array.dtype.kind
    if kind == "O" or (kind == "f" and not np.vdot(array, array) < 2.0**106):
        array = _exact_array(data, array, dtype)  # NumPy makes objects or floats of ints too large for int64
    if array.size == 0 and dtype is None:
        return array.astype(float32)
    if array.ndim == 0 and array.dtype.kind not in "fiub":
        raise wrong(
            TypeError, None, f"{type(data).__name__} {data!r:.60} is not a number, an array or a tensor"
        )
    return fit(array, default_for(array) if dtype is None else dtype)


def _exact_array(data: Any, array: Array, dtype: np.dtype[Any] | None) -> Array:
    """`array` made again from large numbers, so that ints among them are not rounded to floats first."""
    numbers = np.array(data, dtype="O")
    whole = not any(isinstance(n, (float, np.floating)) for n in numbers.flat)
    to_ints = whole if dtype is None else dtype.kind in "iu"
    if (array.dtype.kind == "f" and not to_ints) or not all(
        isinstance(n, (*SCALARS, np.number, np.bool_)) for n in numbers.flat
    ):
        return array
    if to_ints:
        wanted = dtype or int64
        limits = np.iinfo(wanted)
        for n in numbers.flat:
            if isinstance(n, (int, np.integer)) and not limits.min <= int(n) <= limits.max:
                raise wrong(
                    OverflowError,
                    None,
                    f"Python integer {n} is out of bounds for {wanted}, which holds {limits.min} to "
                    f"{limits.max}",
                )
        fit(np.array([n for n in numbers.flat if isinstance(n, (float, np.floating))], float64), wanted)
        return np.array(data, dtype=wanted)
    return np.array(data, dtype=float64)


def common(dtypes: Sequence[np.dtype[Any]]) -> np.dtype[Any]:
    """The library's dtype for arrays of these: NumPy's promotion, or the first supported dtype that holds
    all its numbers (uint64 becomes int64, if its numbers fit). Raises TypeError if there is none."""
    for dtype in dtypes:
        if dtype.kind not in "fiub" or dtype.itemsize > 8:
            raise _unknown_error(dtype)
    met = np.result_type(*dtypes)
    if met.kind == "u" and met.itemsize == 8:
        return int64
    return next(d for d in (met, int32, int64, float32, float64) if d in SUPPORTED and np.can_cast(met, d))


def among(data: Any, met: Sequence[np.dtype[Any]]) -> Array:
    """Python's own numbers as an array, for an op with arrays of the dtypes `met`.

    A number is weak: it takes the dtype of the arrays, if its kind allows. Floats in a list are weak too, and
    rounded to float32 only if the result is; ints and bools in a list have their default dtypes.
    """
    if not met:
        return from_python(data)
    if type(data) in SCALARS:
        return from_python(data, common([np.result_type(*met, data)]))
    array = from_python(data)
    wide = array.dtype == float32 and common([np.result_type(*met, 1.0)]) == float64
    return from_python(data, float64) if wide else array
