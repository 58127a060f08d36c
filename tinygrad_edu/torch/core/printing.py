"""Tensors as text, in PyTorch's form: four digits, columns of one width, the middle of long ones left out."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.engine.access import look
from tinygrad_edu.torch.core import dtypes

__all__ = ["get_printoptions", "printoptions", "set_printoptions"]

Array = np.ndarray[Any, Any]
PROFILES: dict[str, dict[str, Any]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
_options: dict[str, Any] = {**PROFILES["default"], "sci_mode": None}


def set_printoptions(
    precision: int | None = None,
    threshold: float | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """How tensors are printed from now on.

    precision   digits after the point
    threshold   tensors of more elements are printed without their middle
    edgeitems   how many elements at each end of a dimension are printed then
    linewidth   the longest line, in characters
    profile     "default", "short" or "full", which set all of these; another name sets none
    sci_mode    whether floats have exponents; None is to decide by the numbers
    """
    if profile is not None:
        _options.update(PROFILES.get(profile, {}))
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    _options.update({name: value for name, value in given.items() if value is not None})
    _options["sci_mode"] = sci_mode


def get_printoptions() -> dict[str, Any]:
    """How tensors are printed, a dict of `set_printoptions`'s arguments."""
    return dict(_options)


@contextmanager
def printoptions(**options: Any) -> Iterator[None]:
    """`set_printoptions` within this context only."""
    before = dict(_options)
    set_printoptions(**options)
    try:
        yield
    finally:
        _options.update(before)


class _Column:
    """How one number of a tensor is written: with a point or an exponent, and how wide."""

    def __init__(self, shown: Array) -> None:
        self.floats, self.whole, self.exponent, self.width = shown.dtype.kind == "f", True, False, 1
        digits, numbers = _options["precision"], shown.reshape(-1)
        if not self.floats:
            self.width = max([1, *(len(str(n)) for n in numbers.tolist())])
            return
        counted = numbers[np.isfinite(numbers) & (numbers != 0)].astype(np.float64)
        if not counted.size:
            return
        sizes = np.abs(counted)
        high, low = float(sizes.max()), float(sizes.min())
        self.whole = bool((counted == np.ceil(counted)).all())
        self.exponent = high / low > 1000.0 or high > 1.0e8 or (not self.whole and low < 1.0e-4)
        if _options["sci_mode"] is not None:
            self.exponent = _options["sci_mode"]
        if self.exponent:
            texts = [f"{n:.{digits}e}" for n in counted]
        else:
            texts = [f"{n:.0f}." if self.whole else f"{n:.{digits}f}" for n in counted]
        self.width = max(map(len, texts))

    def text(self, number: Any) -> str:
        """A number, with spaces before it up to the width of the column."""
        digits = _options["precision"]
        if not self.floats:
            text = str(number)
        elif self.exponent:
            text = f"{number:{self.width}.{digits}e}"
        elif self.whole:
            text = f"{number:.0f}" + ("." if math.isfinite(number) else "")
        else:
            text = f"{number:.{digits}f}"
        return " " * (self.width - len(text)) + text


def _edges(array: Array) -> Array:
    """The elements of a long tensor that are printed."""
    edge = _options["edgeitems"]
    for axis, n in enumerate(array.shape):
        if n > 2 * edge:
            array = np.take(array, [*range(edge), *range(n - edge, n)], axis)
    return array


def _row(row: Array, indent: int, short: bool, column: _Column) -> str:
    edge = _options["edgeitems"]
    if short and len(row) > 2 * edge:
        first, last = row[:edge].tolist(), row[len(row) - edge :].tolist()
        texts = [*map(column.text, first), " ...", *map(column.text, last)] if edge else ["..."]
    else:
        texts = [column.text(n) for n in row.tolist()]
    count = max(1, (_options["linewidth"] - indent) // (column.width + 2))
    lines = [", ".join(texts[i : i + count]) for i in range(0, len(texts), count)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _block(array: Array, indent: int, short: bool, column: _Column) -> str:
    if array.ndim == 0:
        return column.text(array.item())
    if array.ndim == 1:
        return _row(array, indent, short, column)
    edge, n = _options["edgeitems"], len(array)
    left_out = short and n > 2 * edge
    shown = [*range(edge), *range(n - edge, n)] if left_out else range(n)
    slices = [_block(array[i], indent + 1, short, column) for i in shown]
    if left_out:
        slices.insert(edge, "...")
    return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(slices) + "]"


def numbers_of(array: Array, indent: int) -> str:
    """The numbers of an array, in brackets; lines after the first begin with `indent` spaces."""
    short = array.size > _options["threshold"]
    return _block(array, indent, short, _Column(_edges(array) if short else array))


def _facts(x: Any) -> list[str]:
    """What is said after the numbers: device, shape if there are none, dtype, and the graph."""
    facts, kind = [], x.dtype
    if x.device.type != "cpu":
        facts.append(f"device='{x.device}'")
    if not x.numel():
        if x.ndim != 1:
            facts.append(f"size={tuple(x.shape)}")
        if kind is not dtypes.get_default_dtype():
            facts.append(f"dtype={kind}")
    elif kind not in (dtypes.get_default_dtype(), dtypes.int64, dtypes.bool_):
        facts.append(f"dtype={kind}")
    function = x.grad_fn
    if function is not None:
        facts.append(f"grad_fn=<{function.name()}>")
    elif x.requires_grad:
        facts.append("requires_grad=True")
    return facts


def text_of(x: Any, contents: str | None = None) -> str:
    """The text of a tensor; `contents` replaces its numbers."""
    start = "tensor("
    if contents is None:
        contents = numbers_of(look(x.inner.storage, "print"), len(start)) if x.numel() else "[]"
    text = start + contents
    length = len(text) - text.rfind("\n") + 1
    for fact in _facts(x):
        if length + len(fact) + 2 > _options["linewidth"]:
            text += ",\n" + " " * len(start) + fact
            length = len(start) + len(fact)
        else:
            text += ", " + fact
            length += len(fact) + 2
    return text + ")"
