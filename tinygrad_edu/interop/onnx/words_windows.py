"""ONNX nodes for convolutions, pooling, windows and indices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.interop.onnx.sizes import Moved, combined
from tinygrad_edu.interop.onnx.trace import Step
from tinygrad_edu.interop.onnx.words_movement import expand_to, reshape_to
from tinygrad_edu.interop.onnx.writer import INT64, Writer
from tinygrad_edu.shapes import Shape

Emitter = Callable[[Writer, Step], str]
FLOAT64 = np.dtype("float64")


def _ints(values: Any) -> list[int]:
    return [int(v) for v in values]


def _sizes(w: Writer, operand: Any) -> list[int]:
    """The sizes of the windows that a weight has."""
    return [int(w.static(n, "a size of the weight")) for n in w.info(operand).shape[2:]]


def _convolution(w: Writer, s: Step) -> str:
    p = s.params
    return w.node(
        "Conv",
        *w.operands(s),
        kernel_shape=_sizes(w, s.operands[1]),
        strides=_ints(p["strides"]),
        pads=_ints(p["padding"]) * 2,
        dilations=_ints(p["dilations"]),
        group=int(p["groups"]),
    )


def _convolution_input(w: Writer, s: Step) -> str:
    """The transposed convolution; what its result is longer than it must be is output_padding."""
    p, sizes = s.params, _sizes(w, s.operands[1])
    counts, spatial = w.info(s.operands[0]).shape[2:], p["shape"][2:]
    more = []
    for n, m, size, stride, pad, dilation in zip(
        spatial, counts, sizes, p["strides"], p["padding"], p["dilations"], strict=True
    ):
        least = (stride, dilation * (size - 1) + 1 - 2 * pad)

        def beyond(n: int, m: int, least: tuple[int, int] = least) -> int:
            return n - (m - 1) * least[0] - least[1]

        more.append(int(w.static(combined(beyond, n, m), "output_padding")))
    return w.node(
        "ConvTranspose",
        *w.operands(s),
        kernel_shape=sizes,
        strides=_ints(p["strides"]),
        pads=_ints(p["padding"]) * 2,
        dilations=_ints(p["dilations"]),
        group=int(p["groups"]),
        output_padding=more if any(more) else None,
    )


def _convolution_weight(w: Writer, s: Step) -> str:
    """A convolution of x with the seed, where channels are a batch: strides and dilations change places."""
    p, groups = s.params, int(s.params["groups"])
    seed, x = w.operands(s)
    axes = len(p["strides"])
    order, span = [1, 0, *range(2, 2 + axes)], list(range(2, 2 + axes))
    parts = []
    for i in range(groups):
        mine = [_channels(w, name, n, i, groups) for name, n in ((x, s.operands[1]), (seed, s.operands[0]))]
        out = w.node(
            "Conv",
            *(w.node("Transpose", part, perm=order) for part in mine),
            strides=_ints(p["dilations"]),
            pads=_ints(p["padding"]) * 2,
            dilations=_ints(p["strides"]),
        )
        # rows of x beyond the last window give more places than the weight has
        ends = (w.constant([0] * axes, INT64), w.vector(p["shape"][2:]), w.constant(span, INT64))
        parts.append(w.node("Transpose", w.node("Slice", out, *ends), perm=order))
    return parts[0] if groups == 1 else w.node("Concat", *parts, axis=0)


def _channels(w: Writer, name: str, operand: Any, i: int, groups: int) -> str:
    """The channels of a group, of a value (batch, channels, ...)."""
    count = int(w.static(w.info(operand).shape[1], "the number of channels")) // groups
    ends = (w.constant([n], INT64) for n in (i * count, (i + 1) * count))
    return name if groups == 1 else w.node("Slice", name, *ends, w.constant([1], INT64))


def _pooled(w: Writer, operator: str, x: str, shape: Shape, found: Shape, sizes: Any, strides: Any) -> str:
    """A pooling node over the last axes of x (`shape`); the others are brought to a batch and channels."""
    k, rank = len(sizes), len(shape)
    if rank != k + 2:
        x = reshape_to(w, x, (-1, 1, *shape[rank - k :]))
    out = w.node(operator, x, kernel_shape=_ints(sizes), strides=_ints(strides))
    return out if rank == k + 2 else reshape_to(w, out, found)


def _max_pool(w: Writer, s: Step) -> str:
    kind, shape = w.dtype(s), w.info(s.operands[0]).shape
    inner = kind if kind.kind in "fu" else FLOAT64
    x = w.operand(s.operands[0], inner)
    return w.cast(
        _pooled(w, "MaxPool", x, shape, w.shape(s), s.params["sizes"], s.params["strides"]), inner, kind
    )


def _window_mean(w: Writer, s: Step) -> str:
    """The mean of each window, where it replaces `windows`, `sum` and `div`."""
    shape = w.info(s.operands[0]).shape
    counts = w.shape(s)[: len(shape)]
    x = w.operand(s.operands[0], w.dtype(s))
    return _pooled(w, "AveragePool", x, shape, counts, s.params["sizes"], s.params["strides"])


def _window_sum(w: Writer, s: Step) -> str:
    """The sum of each window, where it replaces `windows` and `sum`: the mean, times the count."""
    sizes, rank = s.params["sizes"], len(w.info(s.operands[0]).shape)
    total = w.node("Mul", _window_mean(w, s), w.constant(math.prod(sizes), w.dtype(s)))
    return w.node("Unsqueeze", total, w.constant(list(range(rank, rank + len(sizes))), INT64))


def _windows(w: Writer, s: Step) -> str:
    """Each axis is replaced by two, the windows and their elements; then the latter are moved to the end."""
    x, p = w.operand(s.operands[0]), s.params
    rank, k = len(w.info(s.operands[0]).shape), len(p["sizes"])
    counts = w.shape(s)[rank - k : rank]
    for i in reversed(range(k)):
        size, stride, dilation = (int(p[name][i]) for name in ("sizes", "strides", "dilations"))
        inside = np.arange(size) * dilation
        count = counts[i]
        if isinstance(count, Moved):
            one = w.constant([0], INT64)
            line = w.node(
                "Range", w.constant(0, INT64), w.node("Squeeze", w.size(count), one), w.constant(1, INT64)
            )
            starts = w.node(
                "Unsqueeze", w.node("Mul", line, w.constant(stride, INT64)), w.constant([1], INT64)
            )
            places = w.node("Add", starts, w.constant(inside, INT64))
        else:
            places = w.constant(np.arange(count)[:, None] * stride + inside, INT64)
        x = w.node("Gather", x, places, axis=rank - k + i)
    lead = rank - k
    order = [*range(lead), *range(lead, lead + 2 * k, 2), *range(lead + 1, lead + 2 * k, 2)]
    return w.node("Transpose", x, perm=order)


def _fold(w: Writer, s: Step) -> str:
    """Elements of windows added where they came from, by their places in the flattened last axes."""
    p, k = s.params, len(s.params["sizes"])
    spatial = tuple(int(w.static(n, "a size")) for n in p["shape"][-k:])
    lead = len(p["shape"]) - k
    counts = [int(w.static(n, "a count")) for n in w.info(s.operands[0]).shape[lead : lead + k]]
    flat = np.arange(math.prod(spatial)).reshape(spatial)
    places = np.empty((*counts, *p["sizes"]), np.int64)
    for at in np.ndindex(*places.shape):
        here = zip(at[:k], at[k:], p["strides"], p["dilations"], strict=True)
        places[at] = flat[tuple(c * stride + e * dilation for c, e, stride, dilation in here)]
    return _added(w, s, places.reshape(-1), math.prod(spatial))


def _added(w: Writer, s: Step, places: Any, size: int) -> str:
    """Elements of the operand's last axes added at `places` of a line of zeros, in the result's shape."""
    kind = w.dtype(s)
    x = reshape_to(w, w.operand(s.operands[0], kind), (-1, len(places)))
    shape = w.node("Shape", x)
    rows = w.node("Slice", shape, w.constant([0], INT64), w.constant([1], INT64))
    zeros = w.node("Expand", w.constant([0], kind), w.node("Concat", rows, w.constant([size], INT64), axis=0))
    index = w.node("Expand", w.constant(places, INT64), shape)
    return reshape_to(w, w.node("ScatterElements", zeros, index, x, axis=1, reduction="add"), w.shape(s))


# -- indices -------------------------------------------------------------------------------------------------


def _index_of(w: Writer, operand: Any) -> str:
    return w.operand(operand, INT64)


def _fitting(w: Writer, name: str, shape: Any, wanted: Any) -> str:
    return name if tuple(shape) == tuple(wanted) else expand_to(w, name, tuple(wanted))


def _gather(w: Writer, s: Step) -> str:
    x, index = s.operands
    axis, shape = int(s.params["axis"]), w.shape(s)
    given = w.info(x).shape
    whole = (*shape[:axis], given[axis], *shape[axis + 1 :])
    places = _fitting(w, _index_of(w, index), w.info(index).shape, shape)
    return w.node("GatherElements", _fitting(w, w.operand(x), given, whole), places, axis=axis)


def _zeros(w: Writer, s: Step) -> str:
    return w.node("ConstantOfShape", w.vector(w.shape(s)), value=np.zeros(1, w.dtype(s)))


def _scatter_add(w: Writer, s: Step) -> str:
    source, index = s.operands
    shape = w.info(index).shape
    more = _fitting(w, w.operand(source, w.dtype(s)), w.info(source).shape, shape)
    axis, places = int(s.params["axis"]), _index_of(w, index)
    return w.node("ScatterElements", _zeros(w, s), places, more, axis=axis, reduction="add")


def _take_rows(w: Writer, s: Step) -> str:
    return w.node("Gather", w.operand(s.operands[0]), _index_of(w, s.operands[1]), axis=0)


def _add_rows(w: Writer, s: Step) -> str:
    source, index = s.operands
    places = w.node("Unsqueeze", _index_of(w, index), w.constant([-1], INT64))
    return w.node("ScatterND", _zeros(w, s), places, w.operand(source, w.dtype(s)), reduction="add")


def _static_shape(w: Writer, shape: Any) -> tuple[int, ...]:
    return tuple(int(w.static(n, "a size")) for n in shape)


def _key(w: Writer, key: Any) -> tuple[Any, ...]:
    parts = key if isinstance(key, tuple) else (key,)
    for part in parts:
        for number in (part.start, part.stop, part.step) if isinstance(part, slice) else (part,):
            w.static(number, "an index")
    return parts


def _index(w: Writer, s: Step) -> str:
    """x[key] of arrays: Gather where one axis is indexed, else by places in the flattened x."""
    key, x = _key(w, s.params["key"]), w.operand(s.operands[0])
    shape = w.info(s.operands[0]).shape
    axis = next((i for i, part in enumerate(key) if not (isinstance(part, slice) and part == slice(None))), 0)
    rest = key[axis + 1 :]
    if key and isinstance(key[axis], np.ndarray) and key[axis].dtype.kind in "iu" and not rest:
        places = key[axis].astype(np.int64)
        return w.node("Gather", x, w.constant(places), axis=axis)
    known = _static_shape(w, shape)
    places = np.asarray(np.arange(math.prod(known)).reshape(known)[key])
    return w.node("Gather", w.node("Reshape", x, w.constant([-1], INT64)), w.constant(places, INT64), axis=0)


def _put(w: Writer, s: Step) -> str:
    """Zeros, with x added at a key."""
    known = _static_shape(w, s.params["shape"])
    size = math.prod(known)
    places = np.asarray(np.arange(size).reshape(known)[_key(w, s.params["key"])])
    x = expand_to(w, w.operand(s.operands[0], w.dtype(s)), places.shape)
    x = w.node("Reshape", x, w.constant([-1], INT64))
    zeros = w.constant(np.zeros(size, w.dtype(s)))
    flat = w.constant(places.reshape(-1), INT64)
    out = w.node("ScatterElements", zeros, flat, x, axis=0, reduction="add")
    return w.node("Reshape", out, w.constant(known, INT64), allowzero=1)


def _argsort(w: Writer, s: Step) -> str:
    axis, first = int(s.params["axis"]), s.params["first"]
    info = w.info(s.operands[0])
    size = info.shape[axis]
    count = size if first is None else combined(min, first, size)
    kind = np.dtype("int32") if info.dtype.kind in "bu" else info.dtype
    x = w.operand(s.operands[0], kind)
    how = {"axis": axis, "largest": int(bool(s.params["descending"])), "sorted": 1}
    found: str = w.node("TopK", x, w.vector([count]), outputs=2, **how)[1]
    return found


def _one_hot(w: Writer, s: Step) -> str:
    """A comparison with all classes: not every program has OneHot for all dtypes."""
    classes = w.constant(np.arange(int(w.static(s.params["classes"], "the number of classes"))), INT64)
    index = w.node("Unsqueeze", _index_of(w, s.operands[0]), w.constant([-1], INT64))
    return w.cast(w.node("Equal", index, classes), np.dtype("bool"), w.dtype(s))


TABLE: dict[str, Emitter] = {
    "convolution": _convolution,
    "convolution_input": _convolution_input,
    "convolution_weight": _convolution_weight,
    "max_pool": _max_pool,
    "window_sum": _window_sum,
    "window_mean": _window_mean,
    "windows": _windows,
    "fold": _fold,
    "gather": _gather,
    "scatter_add": _scatter_add,
    "take_rows": _take_rows,
    "add_rows": _add_rows,
    "index": _index,
    "index_add": _put,
    "unslice": _put,
    "argsort": _argsort,
    "one_hot": _one_hot,
}
