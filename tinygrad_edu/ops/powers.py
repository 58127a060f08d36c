"""Powers on NumPy arrays, fast where the exponent is one integer.

NumPy computes the power of a negative number 50 times as slowly as that of a positive one. An integer power
has the same size for x and -x, so that the size is computed of |x|, and an odd power takes the sign of x.
Small powers of float32 are products in float64: a square is exact there, and the result is rounded once more.
"""

from __future__ import annotations

from typing import Any

import numpy as np

LARGEST = 1 << 22  # a float32 holds every multiple of 1/2 up to this one, and the next

Array = Any


def power(x: Array, y: Array) -> Array:
    """x^y, by the rules of an exponent that is an array; y may be a Python number."""
    if not (is_half(y) and getattr(x, "dtype", None) in (np.float32, np.float64)):
        return np.power(x, y)
    out = np.empty_like(x)
    if y == 0.5:  # NumPy takes the square root here, which of -infinity and -0.0 is another number
        np.add(np.sqrt(x, out=out), 0.0, out=out)
        np.copyto(out, np.inf, where=x == -np.inf)
        return out
    if y != int(y):
        return np.power(x, y)
    if y == -1:
        return np.divide(1.0, x, out=out)
    if y == 2:
        return np.multiply(x, x, out=out)
    if y in (-2, 3, 4) and x.dtype == np.float32:
        square = np.multiply(x, x, dtype=np.float64)
        ufunc = np.divide if y == -2 else np.multiply
        x, y = {-2: (1.0, square), 3: (square, x), 4: (square, square)}[y]
        return ufunc(x, y, out=out, dtype=np.float64, casting="same_kind")
    np.abs(x, out=out)
    np.power(out, float(y), out=out)
    return np.copysign(out, x, out=out) if y % 2 else out


def is_half(y: Any) -> bool:
    """Whether y is a Python number and a multiple of 1/2, and so small that y - 1 is exact in float32."""
    return type(y) in (int, float) and abs(y) <= LARGEST and 2 * y == int(2 * y)
