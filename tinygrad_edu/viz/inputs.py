"""What a picture is given, as NumPy arrays: tensors of any device, lists of them, arrays, plain numbers."""
from __future__ import annotations

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
    return {str(label): thing for label, thing in table.items()}


def titled(function: str, titles: Sequence[Any] | None, count: int) -> list[str]:
    """One title for each of `count` pictures; empty ones when none are given."""
    if titles is None:
        return [""] * count
    if len(titles) < count:
        raise wrong(function, f"{len(titles)} titles for {count} pictures", "give one title each")
    return [str(title) for title in titles[:count]]


def short(value: float, digits: int = 3) -> str:
    """A number for a person: three digits, a true minus, and no zeros that say nothing: `0.25`, `−1.5e6`."""
    whole = 10**digits <= abs(value) < 1e6      # 2,345, and not 2.3e3
    text = (f"{value:,.0f}" if whole else f"{value:.{digits}g}").replace("-", "−").replace("e+", "e")
    head, _, power = text.partition("e")
    sign, power = power[:power.startswith("−")], power.lstrip("−0")
    return ("0" if head == "−0" else head) + (f"e{sign}{power}" if power else "")
