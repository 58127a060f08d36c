"""Converts inputs of pictures to NumPy arrays: tensors on any device, lists of them, arrays, numbers."""

from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.errors import ShapeError

Array = np.ndarray[Any, Any]
Target = str | os.PathLike[str]


def array(x: Any) -> Array:
    """`x` as a NumPy array, without its graph."""
    if isinstance(x, (list, tuple)) and any(hasattr(part, "numpy") for part in x):
        x = [array(part) for part in x]
    return np.asarray(x.numpy() if hasattr(x, "numpy") else x)


def numbers(
    function: str, name: str, x: Any, *, ndim: int | tuple[int, ...] | None = None, shape: str = ""
) -> Array:
    """`x` as a float64 array; its number of axes must be in `ndim`. `shape` is the expected shape as text.

    Raises TypeError if it is not numeric, and ShapeError for another number of axes or for no elements.
    """
    try:
        out = array(x)
        if out.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError):
        raise errors.wrong(
            TypeError,
            function,
            f"{name} is not numbers but {x!r:.60}",
            f"give a tensor or an array{' ' * bool(shape)}{shape}",
        ) from None
    if ndim is not None and out.ndim not in (ndim if isinstance(ndim, tuple) else (ndim,)):
        raise wrong(function, f"{name} has shape {out.shape}", f"give {name} {shape}")
    if not out.size:
        raise wrong(function, f"{name} is empty: shape {out.shape}", f"give {name} {shape}".rstrip())
    return out.astype(np.float64)


def finite(function: str, name: str, x: Array, remedy: str = "leave those rows out") -> Array:
    """`x`, if all its numbers are finite. Raises ValueError with the count of those that are not."""
    bad = int(np.size(x) - np.isfinite(x).sum())
    if bad:
        raise unknown(function, f"{name}: {bad} of {np.size(x)} numbers are NaN or infinite", remedy)
    return x


def largest(*arrays: Array | None) -> float:
    """The largest absolute value of a finite number in the arrays; 0 if there is none."""
    sizes = [np.abs(x[np.isfinite(x)]).max(initial=0.0) for x in arrays if x is not None]
    return float(max(sizes, default=0.0))


def whole(function: str, name: str, value: Any, least: int = 1) -> int:
    """`value` as an int of at least `least`. Raises ValueError for anything else."""
    try:
        number = operator.index(value)
    except TypeError:
        number = least - 1
    if number < least:
        raise unknown(function, f"{name}={value!r}", f"give a whole number, at least {least}")
    return number


def wrong(function: str, problem: str, remedy: str) -> ShapeError:
    """The error for a wrong shape, with the advice `remedy`."""
    return errors.wrong(ShapeError, function, problem, remedy)


def unknown(function: str, problem: str, remedy: str) -> ValueError:
    """The error for a wrong value, with the advice `remedy`."""
    return errors.wrong(ValueError, function, problem, remedy)


def named(function: str, what: str, table: Any) -> dict[str, Any]:
    """The table as a dict whose labels are text; it must have at least one entry."""
    if not hasattr(table, "items"):
        raise errors.wrong(
            TypeError,
            function,
            f"{what} must be a dict from labels to what is drawn, not {type(table).__name__}",
            "give {'label': ...}",
        )
    if not len(table):
        raise unknown(function, f"{what} is empty", "give {'label': ...} with at least one entry")
    texts = {str(label): thing for label, thing in table.items()}
    if len(texts) < len(table):
        raise unknown(function, f"two labels of {what} read the same", "give each its own")
    return texts


def titled(function: str, titles: Sequence[Any] | None, count: int) -> list[str]:
    """One title for each of `count` pictures; empty ones if `titles` is None."""
    if titles is None:
        return [""] * count
    if len(titles) < count:
        raise wrong(function, f"{len(titles)} titles for {count} pictures", "give one title each")
    return [str(title) for title in titles[:count]]
