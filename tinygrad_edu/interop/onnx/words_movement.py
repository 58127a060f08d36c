"""ONNX nodes for ops that move elements, and for constants."""

from __future__ import annotations

from collections.abc import Callable
from types import EllipsisType
from typing import Any

import numpy as np

from tinygrad_edu.interop.onnx.sizes import Moved, combined
from tinygrad_edu.interop.onnx.trace import Step
from tinygrad_edu.interop.onnx.writer import INT64, LARGEST, Writer

Emitter = Callable[[Writer, Step], str]
SMALLEST = -LARGEST


def reshape_to(w: Writer, x: str, shape: tuple[Any, ...]) -> str:
    """x with another shape. A single size that moved, or that no formula gives, is -1: what is left."""
    moved = [axis for axis, size in enumerate(shape) if isinstance(size, Moved)]
    free = moved if len(moved) == 1 else [axis for axis in moved if not w.follows(shape[axis])]
    if len(free) == 1 and 0 not in shape and -1 not in shape:
        return w.node("Reshape", x, w.vector(tuple(-1 if a in free else n for a, n in enumerate(shape))))
    return w.node("Reshape", x, w.vector(shape), allowzero=None if -1 in shape else 1)


def _reshape(w: Writer, s: Step) -> str:
    given, found = s.params["shape"], w.shape(s)
    if -1 in given and 0 not in found:  # the user's own -1 says it for all sizes
        return w.node("Reshape", w.operand(s.operands[0]), w.vector(given))
    return reshape_to(w, w.operand(s.operands[0]), found)


def _permute(w: Writer, s: Step) -> str:
    axes = [int(a) for a in s.params["axes"]]
    return w.node("Transpose", w.operand(s.operands[0]), perm=axes if axes else None)


def expand_to(w: Writer, x: str, shape: tuple[Any, ...]) -> str:
    """x broadcast to a shape."""
    return w.node("Expand", x, w.vector(shape))


def _flip(w: Writer, s: Step) -> str:
    axes = [int(a) for a in s.params["axes"]]
    x = w.operand(s.operands[0])
    if not axes:
        return w.node("Identity", x)
    each = [w.constant([n] * len(axes), INT64) for n in (-1, SMALLEST)]
    return w.node("Slice", x, *each, w.constant(axes, INT64), w.constant([-1] * len(axes), INT64))


def _slice(w: Writer, s: Step) -> str:
    """Slices by Slice; axes of integers are then dropped, and those of None are put in."""
    rank = len(w.info(s.operands[0]).shape)
    key = s.params["key"]
    parts = list(key if isinstance(key, tuple) else (key,))
    free = rank - sum(p is not None and not isinstance(p, EllipsisType) for p in parts)
    where = next((i for i, p in enumerate(parts) if isinstance(p, EllipsisType)), len(parts))
    parts[where : where + 1] = [slice(None)] * free
    rows: list[tuple[Any, ...]] = []
    dropped: list[int] = []
    put: list[int] = []
    axis = at = 0  # of x, of the result
    for part in parts:
        if part is None:
            put.append(at)
            at += 1
            continue
        if isinstance(part, slice):
            if part != slice(None):
                rows.append((*_ends(w, part), axis))
            at += 1
        else:
            stop = combined(lambda n: int(n) + 1 if n != -1 else LARGEST, part)
            rows.append((part, stop, 1, axis))
            dropped.append(axis)
        axis += 1
    x = w.operand(s.operands[0])
    if rows:
        starts, stops, steps, axes = (w.vector(column) for column in zip(*rows, strict=True))
        x = w.node("Slice", x, starts, stops, axes, steps)
    if dropped:
        x = w.node("Squeeze", x, w.constant(dropped, INT64))
    if put:
        x = w.node("Unsqueeze", x, w.constant(put, INT64))
    return x if rows or dropped or put else w.node("Identity", x)


def _ends(w: Writer, part: slice) -> tuple[Any, Any, int]:
    step = int(w.static(1 if part.step is None else part.step, "the step of a slice"))
    first, last = (0, LARGEST) if step > 0 else (LARGEST, SMALLEST)
    return first if part.start is None else part.start, last if part.stop is None else part.stop, step


def _pad(w: Writer, s: Step) -> str:
    x, widths = w.operand(s.operands[0]), s.params["widths"]
    if not widths:
        return w.node("Identity", x)
    kind = w.dtype(s)
    if kind.kind == "b":
        x = w.cast(x, kind, np.dtype("int32"))
    value = w.constant(
        w.static(s.params["value"], "the value"), np.dtype("int32") if kind.kind == "b" else kind
    )
    out = w.node("Pad", x, w.vector([pair[end] for end in (0, 1) for pair in widths]), value)
    return w.cast(out, np.dtype("int32"), kind) if kind.kind == "b" else out


def _roll(w: Writer, s: Step) -> str:
    x, shape = w.operand(s.operands[0]), w.shape(s)
    for shift, axis in zip(s.params["shifts"], s.params["axes"], strict=True):
        size = shape[axis]
        if not isinstance(size, Moved) and not isinstance(shift, Moved):
            places = w.constant((np.arange(size) - shift) % max(size, 1), INT64)
        else:
            zero = w.constant(0, INT64)
            count = w.node("Squeeze", w.vector([size]), w.constant([0], INT64))
            line = w.node("Range", zero, count, w.constant(1, INT64))
            places = w.node("Mod", w.node("Sub", line, w.vector([shift])), count)
        x = w.node("Gather", x, places, axis=int(axis))
    return x if s.params["axes"] else w.node("Identity", x)


def _concat(w: Writer, s: Step) -> str:
    return w.node("Concat", *w.operands(s), axis=int(s.params["axis"]))


def _full(w: Writer, s: Step) -> str:
    number = w.static(s.params["number"], "the number")
    return w.node("ConstantOfShape", w.vector(s.params["shape"]), value=np.array([number], w.dtype(s)))


def _identity(w: Writer, s: Step) -> str:
    return w.node("Identity", w.operand(s.operands[0]))


TABLE: dict[str, Emitter] = {
    "reshape": _reshape,
    "permute": _permute,
    "expand": lambda w, s: expand_to(w, w.operand(s.operands[0]), w.shape(s)),
    "flip": _flip,
    "slice": _slice,
    "pad": _pad,
    "roll": _roll,
    "concat": _concat,
    "full": _full,
    "to_device": _identity,
}
