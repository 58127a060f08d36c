"""Tables and values as text for a page, the same in each run and with each version of NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; `|` in a cell is escaped."""

    def line(cells: Sequence[str]) -> str:
        return (
            "| "
            + " | ".join(
                c.replace("|", r"\vert ") if c.startswith("$") else c.replace("|", r"\|") for c in cells
            )
            + " |"
        )

    return "\n".join([line(head), "|" + " --- |" * len(head), *map(line, rows)])


def meta(array: Any) -> str:
    """The text of shape and dtype."""
    return f"{tuple(array.shape)} {array.dtype}"


def written(value: Any) -> str:
    """The text of a parameter or a number, the same in each run and with each version of NumPy."""
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(written, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, np.ndarray):
        return f"array of {meta(value)}" if value.size > 8 else written(value.tolist())
    if isinstance(value, (np.dtype, type)):
        return str(np.dtype(value))
    if isinstance(value, np.generic):
        return written(value.item())
    if isinstance(value, float):
        return f"{value:g}"
    plain = (int, str, slice, type(None), type(Ellipsis))
    return repr(value) if isinstance(value, plain) else type(value).__name__
