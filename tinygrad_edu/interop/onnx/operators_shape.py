"""Operators of ONNX that move elements, read at indices, or are about shapes."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.engine.access import glance
from tinygrad_edu.interop.onnx.given import Given, Operator, ints, number
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import index as _i
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.shapes import broadcast_shapes, normalize_axis
from tinygrad_edu.tensor import Tensor

INT64 = np.dtype("int64")
LARGEST = 1 << 28  # elements of a constant: a forged shape must not fill the memory


def _axes(g: Given, given: Tensor | None) -> list[int] | None:
    """Axes as an input, or in older files as an attribute; None if neither says any."""
    found = g.get("axes") if given is None else ints(given)
    return None if found is None else [int(a) for a in found]


def _reshape(g: Given, x: Tensor, shape: Tensor | None = None) -> Any:
    wanted = ints(shape) if shape is not None else list(g.need("shape"))
    if not g.get("allowzero", 0):
        wanted = [x.shape[i] if n == 0 and i < x.ndim else n for i, n in enumerate(wanted)]
    return F.reshape(x, wanted)


def _flatten(g: Given, x: Tensor) -> Any:
    axis = g.get("axis", 1)
    axis += x.ndim if axis < 0 else 0
    return F.reshape(x, (math.prod(x.shape[:axis]), math.prod(x.shape[axis:])))


def _squeeze(g: Given, x: Tensor, axes: Tensor | None = None) -> Any:
    found = _axes(g, axes)
    if found is None:
        found = [a for a, n in enumerate(x.shape) if n == 1]
    return F.squeeze(x, tuple(found)) if found else x


def _unsqueeze(g: Given, x: Tensor, axes: Tensor | None = None) -> Any:
    found = _axes(g, axes) or []
    rank = x.ndim + len(found)
    places = {normalize_axis(a, rank) for a in found}
    sizes = iter(x.shape)
    return F.reshape(x, tuple(1 if a in places else next(sizes) for a in range(rank)))


def _transpose(g: Given, x: Tensor) -> Any:
    return F.permute_dims(x, g.get("perm", list(range(x.ndim))[::-1]))


def _expand(g: Given, x: Tensor, shape: Tensor) -> Any:
    wanted = broadcast_shapes(x.shape, tuple(ints(shape)))
    return _m.expand(x, shape=wanted)


def _slice(g: Given, x: Tensor, *more: Tensor | None) -> Any:
    if more:
        starts, ends, axes, steps = (None if t is None else ints(t) for t in (*more, None, None)[:4])
    else:
        starts, ends, axes, steps = list(g.need("starts")), list(g.need("ends")), g.get("axes"), None
    assert starts is not None and ends is not None
    key = [slice(None)] * x.ndim
    for start, end, axis, step in zip(
        starts, ends, axes or range(len(starts)), steps or [1] * len(starts), strict=True
    ):
        last: int | None = end
        if step < 0 and end < -x.shape[axis]:
            last = None  # before the first element
        key[axis] = slice(start, last, step)
    return _m.slice_(x, key=tuple(key)) if key else x


def _split(g: Given, x: Tensor, sizes: Tensor | None = None) -> Any:
    axis, given = g.get("axis", 0), ints(sizes) or [int(n) for n in g.get("split", [])]
    if given:
        return tuple(F.split(x, tuple(given), axis))
    count = int(g.get("num_outputs", len(g.outputs)))
    size = -(-x.shape[axis] // count)
    edges = [min(i * size, x.shape[axis]) for i in range(count + 1)]
    return tuple(F.split(x, tuple(b - a for a, b in pairwise(edges)), axis))


def _pad(g: Given, x: Tensor, pads: Tensor | None = None, value: Tensor | None = None,
         axes: Tensor | None = None) -> Any:  # fmt: skip
    widths = ints(pads) if pads is not None else list(g.need("pads"))
    where = [normalize_axis(a, x.ndim) for a in ints(axes)] if axes is not None else range(x.ndim)
    mode = g.only("mode", ("constant", "reflect", "edge", "wrap"))
    half = len(widths) // 2
    before, after = dict(zip(where, widths[:half], strict=True)), dict(zip(where, widths[half:], strict=True))
    pairs = [(before.get(a, 0), after.get(a, 0)) for a in range(x.ndim)]
    if any(n < 0 for pair in pairs for n in pair):  # a negative width takes elements away
        key = tuple(slice(max(-b, 0), n - max(-a, 0)) for (b, a), n in zip(pairs, x.shape, strict=True))
        x, pairs = _m.slice_(x, key=key), [(max(b, 0), max(a, 0)) for b, a in pairs]
    if mode != "constant":
        return F.pad(x, pairs, mode={"edge": "replicate", "wrap": "circular"}.get(mode, mode))
    filling = number(value, g.get("value", 0.0))
    if x.dtype.kind != "f":
        return _m.pad(x, widths=tuple(pairs), value=filling)
    return F.pad(x, pairs, float(filling))


def _tile(g: Given, x: Tensor, repeats: Tensor) -> Any:
    return F.tile(x, ints(repeats))


def _gather(g: Given, x: Tensor, index: Tensor) -> Any:
    """Elements along one axis; of the first axis it is the op of an embedding, whose gradient is sparse."""
    axis = normalize_axis(g.get("axis", 0), x.ndim)
    places = _wrapped(index, x.shape[axis])
    if axis == 0:
        return _i.take_rows(x, places)
    front = (axis, *(a for a in range(x.ndim) if a != axis))
    taken = _i.take_rows(_m.permute(x, axes=front), places)
    n = places.ndim
    return _m.permute(taken, axes=(*range(n, n + axis), *range(n), *range(n + axis, taken.ndim)))


def _wrapped(index: Tensor, size: int) -> Tensor:
    """Indices with negative ones counted from the end; a device is not waited for."""
    seen = glance(index.storage, "index")
    if seen is not None and not (seen < 0).any():
        return index
    return F.where(index < 0, index + size, index)


def _gather_elements(g: Given, x: Tensor, index: Tensor) -> Any:
    axis = normalize_axis(g.get("axis", 0), x.ndim)
    part = (*index.shape[:axis], x.shape[axis], *index.shape[axis + 1 :])
    if part != x.shape:
        x = _m.slice_(x, key=tuple(slice(0, n) for n in part))
    return F.take_along_axis(x, index, axis)


def _scatter_elements(g: Given, x: Tensor, index: Tensor, updates: Tensor) -> Any:
    """`add`, or a replacement: the elements at the indices are taken away, then the new ones are added."""
    axis = normalize_axis(g.get("axis", 0), x.ndim)
    places = _wrapped(index, x.shape[axis])
    if g.only("reduction", ("none", "add")) == "none":
        hit = _i.scatter_add(F.ones(places.shape), places, shape=x.shape, axis=axis)
        x = F.where(hit > 0, F.zeros((), dtype=x.dtype, device=x.device), x)
    return x + _i.scatter_add(updates, places, shape=x.shape, axis=axis)


def _rows_of(x: Tensor, index: Tensor, depth: int) -> Tensor:
    """Indices (..., depth) of the first axes of x as indices (...) of these axes joined."""
    flat: Any = F.zeros(index.shape[:-1], dtype=INT64, device=x.device)
    for i in range(depth):
        column = _m.slice_(index, key=(..., i))
        flat = flat * x.shape[i] + _wrapped(column, x.shape[i])
    made: Tensor = flat
    return made


def _gather_nd(g: Given, x: Tensor, index: Tensor) -> Any:
    g.only("batch_dims", (0,))
    depth = index.shape[-1]
    rows = F.reshape(x, (math.prod(x.shape[:depth]), *x.shape[depth:]))
    return _i.take_rows(rows, _rows_of(x, index, depth))


def _scatter_nd(g: Given, x: Tensor, index: Tensor, updates: Tensor) -> Any:
    depth = index.shape[-1]
    count = math.prod(x.shape[:depth])
    at = _rows_of(x, index, depth)
    if g.only("reduction", ("none", "add")) == "none":
        hit = F.reshape(
            _i.add_rows(F.ones(at.shape), at, rows=count), (*x.shape[:depth], *(1,) * (x.ndim - depth))
        )
        x = F.where(hit > 0, F.zeros((), dtype=x.dtype, device=x.device), x)
    return x + F.reshape(_i.add_rows(updates, at, rows=count), x.shape)


def _one_hot(g: Given, index: Tensor, depth: Tensor, values: Tensor) -> Any:
    count = ints(depth)[0]
    axis = g.get("axis", -1)
    axis += index.ndim + 1 if axis < 0 else 0
    places = F.arange(count, device=index.device).reshape(count, *(1,) * (index.ndim - axis))
    wanted = _wrapped(index.cast(INT64), count)
    hot = _e.equal(F.expand_dims(wanted, axis), places)
    return F.where(hot, _m.slice_(values, key=(1,)), _m.slice_(values, key=(0,)))


def _shape(g: Given, x: Tensor) -> Any:
    return F.tensor(np.array(x.shape[g.get("start", 0) : g.get("end")], np.int64), device=x.device)


def _constant(g: Given) -> Any:
    for name, kind in (("value", None), ("value_float", np.float32), ("value_floats", np.float32),
                       ("value_int", np.int64), ("value_ints", np.int64)):  # fmt: skip
        if name in g.attributes:
            return F.tensor(np.array(g.attributes[name], kind))
    raise g.fault("its value is none of numbers")


def _constant_of_shape(g: Given, shape: Tensor) -> Any:
    value = np.asarray(g.get("value", np.zeros(1, np.float32)))
    sizes = ints(shape)
    if value.size != 1 or math.prod(sizes) > LARGEST or min(sizes, default=0) < 0:
        raise g.fault(f"{value.size} numbers for the shape {tuple(sizes)}")
    return F.full(sizes, value.reshape(()), dtype=value.dtype, device=shape.device)


def _range(g: Given, start: Tensor, limit: Tensor, delta: Tensor) -> Any:
    first, last, step = (x.item() for x in (start, limit, delta))
    if step == 0 or abs((last - first) / step) > LARGEST:
        raise g.fault(f"from {first} to {last} in steps of {step}")
    return F.arange(first, last, step, dtype=start.dtype, device=start.device)


def _triangle(g: Given, x: Tensor, k: Tensor | None = None) -> Any:
    return (F.triu if g.get("upper", 1) else F.tril)(x, int(number(k, 0)))


def _top_k(g: Given, x: Tensor, count: Tensor) -> Any:
    axis, k = normalize_axis(g.get("axis", -1), x.ndim), ints(count)[0]
    places = _i.argsort(x, axis=axis, descending=bool(g.get("largest", 1)), first=k)
    return _i.gather(x, places, axis=axis), places


def _depth_to_space(g: Given, x: Tensor) -> Any:
    r, (n, c, h, w) = int(g.need("blocksize")), x.shape
    if g.only("mode", ("DCR", "CRD")) == "DCR":
        parts = F.permute_dims(F.reshape(x, (n, r, r, c // (r * r), h, w)), (0, 3, 4, 1, 5, 2))
    else:
        parts = F.permute_dims(F.reshape(x, (n, c // (r * r), r, r, h, w)), (0, 1, 4, 2, 5, 3))
    return F.reshape(parts, (n, c // (r * r), h * r, w * r))


def _space_to_depth(g: Given, x: Tensor) -> Any:
    r, (n, c, h, w) = int(g.need("blocksize")), x.shape
    order = (0, 3, 5, 1, 2, 4) if g.only("mode", ("DCR", "CRD")) == "DCR" else (0, 1, 3, 5, 2, 4)
    parts = F.permute_dims(F.reshape(x, (n, c, h // r, r, w // r, r)), order)
    return F.reshape(parts, (n, c * r * r, h // r, w // r))


TABLE: dict[str, Operator] = {
    "Reshape": _reshape,
    "Flatten": _flatten,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Transpose": _transpose,
    "Expand": _expand,
    "Slice": _slice,
    "Split": _split,
    "Concat": lambda g, *xs: F.concat(list(xs), g.need("axis")),
    "Pad": _pad,
    "Tile": _tile,
    "Gather": _gather,
    "GatherElements": _gather_elements,
    "GatherND": _gather_nd,
    "ScatterElements": _scatter_elements,
    "ScatterND": _scatter_nd,
    "OneHot": _one_hot,
    "Shape": _shape,
    "Size": lambda g, x: F.tensor(x.size, device=x.device),
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Range": _range,
    "Trilu": _triangle,
    "TopK": _top_k,
    "DepthToSpace": _depth_to_space,
    "SpaceToDepth": _space_to_depth,
}
