"""Numbers as arguments: Python's numbers, NumPy's scalars and 0-d arrays are equivalent.

Errors name the argument, after the op if the caller knows it: `topk: k`.
"""

from __future__ import annotations

import math
import numbers
import operator
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

from tinygrad_edu.errors import wrong

_INT = {int}


class Count(int):
    """A number of elements. If it is called, as `size` in PyTorch is, the error says what to write."""

    __slots__ = ()

    def __call__(self, *axis: Any, dim: Any = None) -> NoReturn:
        axis = axis if dim is None else (*axis, dim)
        given, ours = ", ".join(map(repr, axis)), f"x.shape{list(axis) if axis else ''}"
        raise wrong(
            TypeError,
            "size",
            f"x.size is a number here, {int(self)}, and not a method",
            f"PyTorch's x.size({given}) is {ours}",
        )


def integer(value: Any, name: str = "a size", least: int | None = None, *, most: int | None = None) -> int:
    """`value` as an int. Raises TypeError if it is none, ValueError if it is below `least` or above `most`.

    A float is an error, even 3.0: it may come from a wrong computation, which truncation would hide.
    """
    try:
        found = operator.index(value)
    except TypeError:
        raise _type_error(name, f"must be an integer, not {value!r:.60}") from None
    if least is not None and found < least:
        op, argument = _split_name(name)
        raise wrong(ValueError, op, f"{argument}={found} must be an integer >= {least}")
    if most is not None and found > most:
        op, argument = _split_name(name)
        raise wrong(ValueError, op, f"{argument}={found:.6g} must be an integer <= {most}")
    return found


def integers(value: Any, name: str = "sizes") -> tuple[int, ...]:
    """One integer or several, as a tuple of ints. Raises TypeError for other values."""
    if type(value) is int:
        return (value,)
    if type(value) is tuple and set(map(type, value)) <= _INT:
        return value
    if is_one(value):
        return (integer(value, name),)
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise _type_error(name, f"must be an integer or several, not {value!r:.60}")
    return tuple(integer(v, name) for v in value)


def is_one(value: Any) -> bool:
    """Whether `value` is a single integer: an int, NumPy's, or a tensor or array without axes."""
    if getattr(value, "ndim", 0):
        return False
    try:
        operator.index(value)
    except TypeError:
        return False
    return True


def plain(value: Any) -> Any:
    """NumPy scalars and 0-d arrays as Python numbers, alone or in a tuple or list; others as they are."""
    if type(value) in (tuple, list):
        return type(value)(plain(v) for v in value)
    if hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
        value = np.asarray(value).item()  # a tensor raises an error here if its gradient would be lost
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return value
    return int(value) if isinstance(value, numbers.Integral) else float(value)


def whole(value: Any, name: str) -> Any:
    """`value`, which is to be rounded. ValueError for NaN and OverflowError for infinity, as in Python."""
    if isinstance(value, float) and not math.isfinite(value):
        kind = OverflowError if math.isinf(value) else ValueError
        raise wrong(kind, name, f"{name}() of a tensor that is {value}", "te.isfinite(x) tells, before")
    return value


def number(value: Any, name: str = "the value") -> float:
    """`value` as Python's number. Raises TypeError for a string, an array with axes, None and so on."""
    found = plain(value)
    if not isinstance(found, int | float):
        raise _type_error(name, f"must be a number, not {value!r:.60}")
    return found


def _type_error(name: str, problem: str) -> TypeError:
    op, argument = _split_name(name)
    return wrong(TypeError, op, f"{argument} {problem}")


def _split_name(name: str) -> tuple[str | None, str]:
    """The op and the argument of a name such as `topk: k`; for `k` alone the op is None."""
    op, colon, argument = name.rpartition(": ")
    return (op if colon else None), argument
