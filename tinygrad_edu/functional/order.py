"""Statistics of order: medians, quantiles, and running extremes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import arange, as_tensor
from tinygrad_edu.functional.elementwise import greater_equal, isnan, less_equal, logical_or, where
from tinygrad_edu.functional.movement import concat, expand, flatten, reshape, squeeze, stack
from tinygrad_edu.functional.sorting import Ranked, sort
from tinygrad_edu.ops import index as _i
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.scalars import number, plain
from tinygrad_edu.shapes import normalize_axis

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["cummax", "cummin", "median", "quantile"]

_ROUNDINGS: dict[str, Callable[[float], float]] = {
    "lower": math.floor, "higher": math.ceil, "nearest": round, "linear": float,
    "midpoint": lambda at: (math.floor(at) + math.ceil(at)) / 2,
}  # fmt: skip


def quantile(
    x: Tensor, q: float | Sequence[float], axis: int | None = None, *, keepdims: bool = False,
    interpolation: str = "linear",
) -> Tensor:  # fmt: skip
    """The number below which a share `q` of the elements along `axis` lies; NaN if there is a NaN.

    q              from 0 (the smallest) to 1 (the largest); several give a first axis of the result
    interpolation  between two neighbours: "linear", "lower", "higher", "nearest" or "midpoint"

    Element k of n sorted ones stands for the share k / (n - 1). Raises ValueError for other q, and
    of nothing.
    """
    x, shares = as_tensor(x), plain(q.tolist() if hasattr(q, "tolist") else q)
    if interpolation not in _ROUNDINGS:
        allowed = ", ".join(map(repr, _ROUNDINGS))
        raise wrong(ValueError, "quantile", f"interpolation must be one of {allowed}, not {interpolation!r}")
    several = isinstance(shares, (list, tuple))
    given = [number(v, "quantile: q") for v in (shares if several else [shares])]
    if any(not 0 <= v <= 1 for v in given):
        raise wrong(ValueError, "quantile", f"q must be from 0 to 1, not {q}", inputs=(x,))
    line = flatten(x) if axis is None else x
    at = 0 if axis is None else normalize_axis(axis, x.ndim)
    if not line.shape[at]:
        raise wrong(ValueError, "quantile", "there is no quantile of no elements", inputs=(x,))
    ordered = sort(line if is_floating(x.dtype) else line.cast("float64"), at)
    found = [_at(ordered, _ROUNDINGS[interpolation](v * (line.shape[at] - 1)), at) for v in given]
    if keepdims:
        found = [reshape(y, (1,) * x.ndim) if axis is None else y for y in found]
    else:
        found = [squeeze(y, at) for y in found]
    return stack(found) if several else found[0]


def _at(ordered: Tensor, place: float, axis: int) -> Tensor:
    """The element at a place of sorted lines, or what lies between two; NaN, which is sorted last, if any."""

    def one(i: int) -> Tensor:
        return _m.slice_(ordered, key=(*([slice(None)] * axis), slice(i, i + 1)))

    low, last = math.floor(place), one(ordered.shape[axis] - 1)
    out = one(low)
    if place > low:
        out = out * (1.0 - (place - low)) + one(low + 1) * (place - low)
    return where(isnan(last), last, out)


def median(x: Tensor, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
    """The middle element along `axis`, or the mean of the middle two; NaN if there is a NaN.

    PyTorch's median takes the lower of two: `quantile(x, 0.5, interpolation="lower")`. Raises ValueError of
    nothing.
    """
    return quantile(x, 0.5, axis, keepdims=keepdims)


def cummax(x: Tensor, axis: int = 0) -> Ranked:
    """The largest element so far along `axis`, and its index, the last of equals; after a NaN, NaN.

    The two are `values` and `indices`.
    """
    return _running(greater_equal, x, axis)


def cummin(x: Tensor, axis: int = 0) -> Ranked:
    """The smallest element so far along `axis`, and its index, the last of equals; after a NaN, NaN.

    The two are `values` and `indices`.
    """
    return _running(less_equal, x, axis)


def _running(wins: Callable[..., Any], x: Tensor, axis: int) -> Ranked:
    """Running extremes, in log2(n) steps, each of which doubles how far back an element has looked.

    Source: Hillis, Steele, "Data parallel algorithms", CACM 29, 1986.
    """
    x = as_tensor(x)
    at = normalize_axis(axis, x.ndim)
    n, before = x.shape[at], [slice(None)] * at
    line = tuple(n if a == at else 1 for a in range(x.ndim))
    best, places = x.detach(), expand(reshape(arange(n, device=x.device), line), x.shape)
    back = 1
    while back < n:
        head, old, new = slice(0, back), slice(0, n - back), slice(back, n)
        earlier, later = (_m.slice_(best, key=(*before, cut)) for cut in (old, new))
        taken = wins(later, earlier)
        if is_floating(x.dtype):
            taken = logical_or(taken, isnan(later))
        best, places = (
            concat([_m.slice_(t, key=(*before, head)),
                    where(taken, *(_m.slice_(t, key=(*before, cut)) for cut in (new, old)))], at)
            for t in (best, places)
        )  # fmt: skip
        back *= 2
    return Ranked(_i.gather(x, places, axis=at), places)
