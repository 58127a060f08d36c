"""The six dtypes, and what happens when they meet.

NumPy 2's promotion rules (NEP 50) hold throughout: a Python scalar takes the dtype of the array it meets, an
array never does. The default of a Python float is float32, of a Python int int64, of a bool bool.
"""
from __future__ import annotations

from typing import Any

import numpy as np

float32, float64 = np.dtype("float32"), np.dtype("float64")
int64, int32, uint8, bool_ = np.dtype("int64"), np.dtype("int32"), np.dtype("uint8"), np.dtype("bool")

DTYPES: dict[str, np.dtype[Any]] = {
    "float32": float32, "float64": float64, "int64": int64, "int32": int32, "uint8": uint8, "bool": bool_,
}
SUPPORTED = frozenset(DTYPES.values())
DEFAULT: dict[str, np.dtype[Any]] = {"f": float32, "i": int64, "b": bool_}
SCALARS = (bool, int, float)


def as_dtype(dtype: Any) -> np.dtype[Any]:
    """The NumPy dtype meant by `dtype` (a name, a NumPy dtype or type, `float`, `int`, `bool`).

    Raises TypeError for a dtype that the library does not have. `float` means float32, the default.
    """
    if dtype is float:
        return float32
    try:
        found: np.dtype[Any] | None = np.dtype(dtype)
    except TypeError:
        found = None
    if found is None or found not in SUPPORTED:
        raise TypeError(f"dtype {dtype!r} is not one of {', '.join(DTYPES)}; convert the data first, "
                        "for example with array.astype('float32')")
    return found


def default_for(array: np.ndarray[Any, Any]) -> np.dtype[Any]:
    """The dtype of data that came without one: Python floats become float32, ints int64, bools bool."""
    kind = "i" if array.dtype.kind == "u" else array.dtype.kind
    if kind not in DEFAULT:
        raise TypeError(f"cannot make a tensor of {array.dtype} data; give numbers, in rows of equal length")
    return DEFAULT[kind]


def is_floating(dtype: np.dtype[Any]) -> bool:
    """Whether values of `dtype` can carry a gradient."""
    return dtype.kind in "fc"           # complex128 only inside the complex-step check; never made by a user
