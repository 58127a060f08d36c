"""Borders around the elements of a tensor: a number, or elements of the tensor itself."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.functional.movement import clone
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.scalars import integers, is_one, number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["pad"]

MODES = ("constant", "reflect", "replicate", "circular")


def pad(
    x: Tensor, widths: Sequence[tuple[int, int]] | int, value: float = 0.0, *, mode: str = "constant"
) -> Tensor:
    """A border around x: (before, after) for each axis, or one number for all sides.

    mode "constant" fills it with `value`; "reflect" with the elements next to the edge, in reversed order and
    without the edge itself; "replicate" with the edge; "circular" with the elements of the opposite end. A
    reflected border must be narrower than the axis, a circular one at most as wide: ShapeError otherwise.
    """
    x = as_tensor(x)
    given: Any = [(widths, widths)] * x.ndim if is_one(widths) else widths
    pairs = tuple(integers(pair, "pad: a pair of widths") for pair in given)
    if len(pairs) != x.ndim or any(len(p) != 2 or min(p) < 0 for p in pairs):
        raise wrong(
            ValueError,
            "pad",
            f"give one (before, after) >= 0 for each of the {x.ndim} axes of {x.shape}, not {widths}",
            _as_pairs(given, x.ndim),
            inputs=(x,),
        )
    if mode not in MODES:
        raise wrong(ValueError, "pad", f"mode={mode!r} must be one of {', '.join(map(repr, MODES))}")
    value = number(value, "pad: value")
    if mode == "constant":
        return _m.pad(x, widths=pairs, value=value)
    if value != 0:
        raise wrong(ValueError, "pad", f"mode={mode!r} takes its border from x", f"drop value={value}")
    if not any(map(any, pairs)):
        return clone(x)
    for axis, (before, after) in enumerate(pairs):
        if before or after:
            x = _with_border(x, axis, before, after, mode)
    return x


def _as_pairs(widths: Any, ndim: int) -> str:
    """What PyTorch's flat widths, those of the last axis first, are here; "" for others."""
    flat = all(map(is_one, widths)) and 0 < len(widths) <= 2 * ndim and not len(widths) % 2
    if not flat:
        return ""
    pairs = [tuple(widths[i : i + 2]) for i in range(0, len(widths), 2)][::-1]
    return f"F.pad's {tuple(widths)} is {[(0, 0)] * (ndim - len(pairs)) + pairs} here"


def _with_border(x: Tensor, axis: int, before: int, after: int, mode: str) -> Tensor:
    """x with a border of its own elements along one axis: views of x, joined."""
    n = x.shape[axis]
    most = {"reflect": n - 1, "circular": n, "replicate": max(before, after) if n else 0}[mode]
    if max(before, after) > most:
        raise wrong(
            ShapeError,
            "pad",
            f"mode={mode!r} has no border of ({before}, {after}) for an axis of {n}: at most {max(most, 0)}",
            inputs=(x,),
        )

    def part(start: int, stop: int) -> Any:
        found = _m.slice_(x, key=(*[slice(None)] * axis, slice(start, stop)))
        return _m.flip(found, axes=(axis,)) if mode == "reflect" else found

    def edge(start: int, count: int) -> Any:
        return _m.expand(part(start, start + 1), shape=(*x.shape[:axis], count, *x.shape[axis + 1 :]))

    if mode == "replicate":
        first, last = edge(0, before), edge(n - 1, after)
    elif mode == "reflect":
        first, last = part(1, before + 1), part(n - 1 - after, n - 1)
    else:
        first, last = part(n - before, n), part(0, after)
    return _m.concat(*(p for p, width in ((first, before), (x, 1), (last, after)) if width), axis=axis)
