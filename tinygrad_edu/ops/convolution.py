"""Convolution: three ops that are each other's derivatives, and so differentiable to any order.

With x (N, C, spatial...) and weight (O, C / groups, sizes...) the result is (N, O, counts...),

    y[n, o, p] = sum over c, k of weight[o, c, k] x[n, c, p stride + k dilation - padding],

a correlation, which all libraries call convolution. It is linear in x and in weight: the gradient with
respect to one is a product of the other with the incoming gradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tinygrad_edu.backend.sums import total
from tinygrad_edu.domain import Call, Draw
from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.ops.movement import _fold, _windows
from tinygrad_edu.shapes import Shape

How = dict[str, Any]  # strides, padding, dilations, groups
BLOCK = 1 << 24  # bytes of the windows that are stored at once


def counts_of(spatial: Shape, sizes: Shape, strides: Shape, padding: Shape, dilations: Shape) -> Shape:
    """How many windows of `sizes` there are along each axis. Raises ShapeError if none fits."""
    spans = tuple(d * (n - 1) + 1 for n, d in zip(sizes, dilations, strict=True))
    padded = tuple(n + 2 * p for n, p in zip(spatial, padding, strict=True))
    if any(span > n for span, n in zip(spans, padded, strict=True)):
        raise wrong(
            ShapeError,
            None,
            f"windows of {spans} do not fit into {padded} (axes {spatial}, padding {padding})",
            "use smaller ones or more padding",
        )
    return tuple((n - span) // s + 1 for n, span, s in zip(padded, spans, strides, strict=True))


def check(x: Shape, weight: Shape, groups: int) -> None:
    """Raise ShapeError for shapes that do not fit together."""
    if len(x) != len(weight) or len(x) < 3:
        raise wrong(
            ShapeError,
            None,
            f"x {x} must be (batch, channels, spatial...) and weight {weight} (out, channels / groups, "
            "sizes...), with as many spatial axes, one at least",
        )
    if x[1] != weight[1] * groups or weight[0] % groups:
        raise wrong(
            ShapeError,
            None,
            f"x {x} has {x[1]} channels; weight {weight} with groups={groups} is for {weight[1] * groups}, "
            f"and its {weight[0]} outputs must divide by groups",
        )


def _padded(x: Any, padding: Shape) -> Any:
    return np.pad(x, ((0, 0), (0, 0), *((p, p) for p in padding))) if any(padding) else x


def _columns(x: Any, sizes: Shape, strides: Shape, padding: Shape, dilations: Shape, groups: int) -> Any:
    """(N, groups, C / groups * window, places): each window of x as a column."""
    k = len(sizes)
    seen = _windows(_padded(x, padding), sizes=sizes, strides=strides, dilations=dilations)
    n, c = seen.shape[:2]
    order = (0, 1, *range(2 + k, 2 + 2 * k), *range(2, 2 + k))
    return seen.transpose(order).reshape(
        n, groups, c // groups * math.prod(sizes), math.prod(seen.shape[2 : 2 + k])
    )


def _blocks(n: int, elements: int, itemsize: int) -> Iterator[slice]:
    """Slices of the n images of a batch, so that the columns of one slice fit into BLOCK bytes.

    The memory of the columns is then reused from slice to slice. `elements` is the number for one image.
    """
    step = max(1, BLOCK // max(1, elements * itemsize))
    return (slice(start, start + step) for start in range(0, n, step))


def _convolution(
    x: Any, weight: Any, *, strides: Shape, padding: Shape, dilations: Shape, groups: int
) -> Any:
    check(x.shape, weight.shape, groups)
    sizes = weight.shape[2:]
    counts = counts_of(x.shape[2:], sizes, strides, padding, dilations)
    area, places = math.prod(sizes), math.prod(counts)
    rows = weight.reshape(groups, weight.shape[0] // groups, weight.shape[1] * area)
    out = np.empty((x.shape[0], groups, rows.shape[1], places), np.result_type(x, weight))
    for some in _blocks(x.shape[0], x.shape[1] * area * places, x.itemsize):
        np.matmul(rows, _columns(x[some], sizes, strides, padding, dilations, groups), out=out[some])
    return out.reshape(x.shape[0], weight.shape[0], *counts)


def _reversed(weight: Any, groups: int) -> Any:
    """(C, O / groups, sizes...): the weights of the convolution that is the adjoint where strides are 1."""
    each = weight.shape[0] // groups
    parts = weight.reshape(groups, each, *weight.shape[1:]).swapaxes(1, 2)
    whole = parts.reshape(weight.shape[1] * groups, each, *weight.shape[2:])
    return np.ascontiguousarray(np.flip(whole, tuple(range(2, weight.ndim))))


def _convolution_input(
    seed: Any, weight: Any, *, shape: Shape, strides: Shape, padding: Shape, dilations: Shape, groups: int
) -> Any:
    """The adjoint in x: each element of x, of `shape`, gets the sum over all windows that contain it.

    With strides of 1 it is a convolution of the seed. This reads windows instead of adding to them, which is
    faster unless there are many more channels to read than to write.
    """
    n, c, *spatial = shape
    sizes, counts, each = weight.shape[2:], seed.shape[2:], weight.shape[0] // groups
    borders = tuple(d * (k - 1) - p for k, d, p in zip(sizes, dilations, padding, strict=True))
    if max(strides) == 1 and min(borders) >= 0 and weight.shape[0] <= 4 * c:
        back = _reversed(weight, groups)
        return _convolution(seed, back, strides=strides, padding=borders, dilations=dilations, groups=groups)
    rows = weight.reshape(groups, each, -1).transpose(0, 2, 1)
    full = (n, c, *(size + 2 * p for size, p in zip(spatial, padding, strict=True)))
    inside = tuple(slice(p, p + size) for p, size in zip(padding, spatial, strict=True))
    out = np.empty(shape, np.result_type(seed, weight))
    k = len(sizes)
    order = (0, 1, *range(2 + k, 2 + 2 * k), *range(2, 2 + k))
    for some in _blocks(n, c * math.prod(sizes) * math.prod(counts), seed.itemsize):
        given = seed[some].reshape(len(seed[some]), groups, each, math.prod(counts))
        columns = rows * given if each == 1 else rows @ given  # of one term a product is faster than a sum
        windows = columns.reshape(len(given), c, *sizes, *counts).transpose(order)
        whole = (len(windows), *full[1:])
        folded = _fold(windows, shape=whole, sizes=sizes, strides=strides, dilations=dilations)
        out[some] = folded[(slice(None), slice(None), *inside)]
    return out


def _convolution_weight(
    seed: Any, x: Any, *, shape: Shape, strides: Shape, padding: Shape, dilations: Shape, groups: int
) -> Any:
    """The adjoint in weight: products of the incoming gradient with windows of x, summed over positions."""
    places = math.prod(seed.shape[2:])
    rows = seed.reshape(seed.shape[0], groups, shape[0] // groups, places)
    sums = []
    for some in _blocks(x.shape[0], x.shape[1] * math.prod(shape[2:]) * places, x.itemsize):
        columns = _columns(x[some], shape[2:], strides, padding, dilations, groups)
        sums.append(total(rows[some] @ columns.transpose(0, 1, 3, 2), (0,)))
    if len(sums) == 1:
        return sums[0].reshape(shape)
    parts = np.stack(sums) if sums else np.zeros((0, *shape), np.result_type(seed, x))
    return total(parts, (0,)).reshape(shape)


def _draw_convolution(draw: Draw) -> tuple[Shape, Shape, Shape, How]:
    """Shapes of x, weight and the result, and the parameters; one or two spatial axes."""
    axes, groups = draw.integer(1, 2), draw.integer(1, 2)
    n, c, o = draw.integer(1, 2), groups * draw.integer(1, 2), groups * draw.integer(1, 2)
    sizes, strides, dilations, padding = (
        tuple(draw.integer(low, high) for _ in range(axes)) for low, high in ((1, 2), (1, 2), (1, 2), (0, 1))
    )
    spatial = tuple(d * (s - 1) + 1 + draw.integer(0, 2) for s, d in zip(sizes, dilations, strict=True))
    how = {"strides": strides, "padding": padding, "dilations": dilations, "groups": groups}
    counts = counts_of(spatial, sizes, strides, padding, dilations)
    return (n, c, *spatial), (o, c // groups, *sizes), (n, o, *counts), how


def _calls(draw: Draw) -> Call:
    x, weight, _, how = _draw_convolution(draw)
    return Call((draw.array(x), draw.array(weight)), how)


def _input_calls(draw: Draw) -> Call:
    x, weight, out, how = _draw_convolution(draw)
    return Call((draw.array(out), draw.array(weight)), {"shape": x, **how})


def _weight_calls(draw: Draw) -> Call:
    x, weight, out, how = _draw_convolution(draw)
    return Call((draw.array(out), draw.array(x)), {"shape": weight, **how})


def _params(strides: Shape, padding: Shape, dilations: Shape, groups: int) -> How:
    return {"strides": strides, "padding": padding, "dilations": dilations, "groups": groups}


convolution: Op = Op(
    "convolution",
    _convolution,
    (
        lambda g, weight, x_shape, strides, padding, dilations, groups: convolution_input(
            g, weight, shape=x_shape, **_params(strides, padding, dilations, groups)
        ),
        lambda g, x, weight_shape, strides, padding, dilations, groups: convolution_weight(
            g, x, shape=weight_shape, **_params(strides, padding, dilations, groups)
        ),
    ),
    calls=_calls,
    math=r"y_{n o p} = \sum_{c k} w_{o c k} \, x_{n c, p s + k d - a}",
)
convolution_input: Op = Op(
    "convolution_input",
    _convolution_input,
    (
        lambda g, weight, strides, padding, dilations, groups: convolution(
            g, weight, **_params(strides, padding, dilations, groups)
        ),
        lambda g, seed, weight_shape, strides, padding, dilations, groups: convolution_weight(
            seed, g, shape=weight_shape, **_params(strides, padding, dilations, groups)
        ),
    ),
    inputs=("seed", "weight"),
    calls=_input_calls,
    math=r"\bar x_{n c j} = \sum_{o, p s + k d - a = j} w_{o c k} \, \bar y_{n o p}",
)
convolution_weight: Op = Op(
    "convolution_weight",
    _convolution_weight,
    (
        lambda g, x, strides, padding, dilations, groups: convolution(
            x, g, **_params(strides, padding, dilations, groups)
        ),
        lambda g, seed, x_shape, strides, padding, dilations, groups: convolution_input(
            seed, g, shape=x_shape, **_params(strides, padding, dilations, groups)
        ),
    ),
    inputs=("seed", "x"),
    calls=_weight_calls,
    math=r"\bar w_{o c k} = \sum_{n p} \bar y_{n o p} \, x_{n c, p s + k d - a}",
)
