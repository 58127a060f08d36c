"""What a picture is given, as NumPy arrays: tensors of any device, lists of them, arrays, plain numbers."""
from __future__ import annotations

import operator
import os
from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.errors import ShapeError, user_line

Array = np.ndarray[Any, Any]
Target = str | os.PathLike[str]


def array(x: Any) -> Array:
    """`x` as an array, wherever it lives; its graph, if it has one, is left behind."""
    if isinstance(x, (list, tuple)) and any(hasattr(part, "numpy") for part in x):
        x = [array(part) for part in x]
    return np.asarray(x.numpy() if hasattr(x, "numpy") else x)


def numbers(function: str, name: str, x: Any, *, ndim: int | tuple[int, ...] | None = None,
            shape: str = "") -> Array:
    """`x` as float64 of one of the numbers of axes in `ndim`; `shape` says in words what it should have been.

    Raises TypeError for what is not numbers and ShapeError for another number of axes or for no elements.
    """
    try:
        out = array(x)
        if out.dtype.kind not in "biuf":
            raise TypeError
    except (TypeError, ValueError):
        raise TypeError(f"{function}: {name} is not numbers but {x!r:.60} (at {user_line()}); "
                        f"give a tensor or an array{' ' * bool(shape)}{shape}") from None
    if ndim is not None and out.ndim not in (ndim if isinstance(ndim, tuple) else (ndim,)):
        raise wrong(function, f"{name} has shape {out.shape}", f"give {name} {shape}")
    if not out.size:
        raise wrong(function, f"{name} is empty: shape {out.shape}", f"give {name} {shape}".rstrip())
    return out.astype(np.float64)


def finite(function: str, name: str, x: Array, remedy: str = "leave those rows out") -> Array:
    """`x`, whose numbers must all be finite. Raises ValueError that counts those that are not."""
    bad = int(np.size(x) - np.isfinite(x).sum())
    if bad:
        raise unknown(function, f"{name}: {bad} of {np.size(x)} numbers are NaN or infinite", remedy)
    return x


def largest(*arrays: Array | None) -> float:
    """The largest size of a finite number in them; 0 where there is none."""
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
    """The error for shapes that do not fit: what is wrong, at which line of the user's, and what to do."""
    return ShapeError(f"{function}: {problem} (at {user_line()}); {remedy}")


def unknown(function: str, problem: str, remedy: str) -> ValueError:
    """The same for values."""
    return ValueError(f"{function}: {problem} (at {user_line()}); {remedy}")


def named(function: str, what: str, table: Any) -> dict[str, Any]:
    """A {label: thing} that has at least one entry; labels as text."""
    if not hasattr(table, "items"):
        raise TypeError(f"{function}: {what} must be a dict from labels to what is drawn, not "
                        f"{type(table).__name__} (at {user_line()}); give {{'label': ...}}")
    if not len(table):
        raise unknown(function, f"{what} is empty", "give {'label': ...} with at least one entry")
    texts = {str(label): thing for label, thing in table.items()}
    if len(texts) < len(table):
        raise unknown(function, f"two labels of {what} read the same", "give each its own")
    return texts


def titled(function: str, titles: Sequence[Any] | None, count: int) -> list[str]:
    """One title for each of `count` pictures; empty ones when none are given."""
    if titles is None:
        return [""] * count
    if len(titles) < count:
        raise wrong(function, f"{len(titles)} titles for {count} pictures", "give one title each")
    return [str(title) for title in titles[:count]]
