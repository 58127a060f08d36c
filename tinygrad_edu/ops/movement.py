"""Movement: ops that move elements without changing them. Most only change strides and copy nothing.

No rule here undoes broadcasting: for every op, the engine sums a gradient to its input's shape.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.backend import registry
from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.domain import Call, Draw
from tinygrad_edu.engine.apply import transfer
from tinygrad_edu.engine.op import Op
from tinygrad_edu.engine.value import Storage, Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.shapes import inverse_permutation, resolve_reshape


class Restride(Op):
    """A view: other shape, strides and offset over the same memory.

    On devices, NumPy computes the view on an empty host array of the same shape and strides, whose numbers
    are never read. If the layout does not allow the view, the array is made contiguous first, as in NumPy.
    """

    family = "restride"

    def lower(self, backend: Backend) -> Callable[..., Any]:
        def run(array: Any, **params: Any) -> Any:
            stand_in, base = _empty_like(array)
            seen = self.numpy(stand_in, **params)
            if seen.size and not np.may_share_memory(seen, base):
                array = backend.copy(array)
                stand_in, base = _empty_like(array)
                seen = self.numpy(stand_in, **params)
            offset = seen.__array_interface__["data"][0] - stand_in.__array_interface__["data"][0]
            return backend.view(array, seen.shape, seen.strides, offset if seen.size else 0)

        return run


def _empty_like(array: Any) -> tuple[Any, Any]:
    """A host array with the shape and strides of `array`, allocated lazily and never accessed."""
    spans = (
        [(n - 1) * s for n, s in zip(array.shape, array.strides, strict=True)] if 0 not in array.shape else []
    )
    low, high = sum(s for s in spans if s < 0), sum(s for s in spans if s > 0)
    memory = np.empty(high - low + array.dtype.itemsize, np.uint8)
    base = np.ndarray(array.shape, array.dtype, memory, -low, array.strides)
    return base, memory


class Transfer(Op):
    """The same array on another device: the one op whose result is not on the device of its input.

    Its adjoint is the transfer back.
    """

    family = "transfer"

    def __call__(self, *xs: Any, device: str, source: str) -> Any:
        """`xs[0]`, which is on `source`, as a Value on `device`."""
        (x,), backend = xs, registry.get(device)
        if isinstance(x, Value):
            return transfer(self, x, {"device": device, "source": source}, backend)
        return Value.kind(Storage(backend.asarray(x), backend), None)


# fmt: off
to_device: Transfer = Transfer("to_device", lambda x, *, device, source: x,
                               [lambda g, device, source: to_device(g, device=source, source=device)],
                               math="x", register=False, doc="x on another device, and its gradient back.")
# fmt: on


def _axes_of(draw: Draw, ndim: int) -> tuple[int, ...]:
    order = list(range(ndim))
    return tuple(order.pop(draw.integer(0, len(order) - 1)) for _ in range(ndim))


def _permute_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape())
    return Call((x,), {"axes": _axes_of(draw, x.ndim)})


def _reshape_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape())
    return Call((x,), {"shape": draw.choice(((x.size,), (1, x.size), x.shape[::-1]))})


def _expand_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape(max_dims=2))
    grown = tuple(draw.integer(0, 3) if n == 1 else n for n in x.shape)
    return Call((x,), {"shape": (*draw.shape(max_dims=1), *grown)})


def _flip_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape())
    return Call((x,), {"axes": tuple(a for a in range(x.ndim) if draw.choice((True, False)))})


def _pad_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape())
    return Call((x,), {"widths": tuple((draw.integer(0, 2), draw.integer(0, 2)) for _ in x.shape)})


def _slice_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape())
    return Call(
        (x,), {"key": tuple(slice(draw.integer(0, n), None, draw.choice((1, 2, -1))) for n in x.shape)}
    )


def _concat_calls(draw: Draw) -> Call:
    shape = draw.shape(min_dims=1)
    axis = draw.integer(0, len(shape) - 1)
    sizes = [draw.integer(0, 3) for _ in range(draw.integer(1, 3))]
    return Call(tuple(draw.array((*shape[:axis], n, *shape[axis + 1 :])) for n in sizes), {"axis": axis})


def _roll_calls(draw: Draw) -> Call:
    x = draw.array(draw.shape(min_dims=1))
    return Call((x,), {"shifts": (draw.integer(-3, 3),), "axes": (draw.integer(0, x.ndim - 1),)})


def _windows_calls(draw: Draw) -> Call:
    size, stride = draw.integer(1, 3), draw.integer(1, 2)
    x = draw.array((draw.integer(1, 2), size + draw.integer(0, 3)))
    return Call((x,), {"sizes": (size,), "strides": (stride,), "dilations": (1,)})


def _reshape(x: Any, *, shape: tuple[int, ...]) -> Any:
    return np.reshape(x, resolve_reshape(x.shape, shape))


def _slice(x: Any, *, key: Any) -> Any:
    """x[key] as a view, even where NumPy would return a number: with an ellipsis it returns a view."""
    parts = key if isinstance(key, tuple) else (key,)
    return x[parts if any(p is Ellipsis for p in parts) else (*parts, ...)]


def _windows(x: Any, *, sizes: tuple[int, ...], strides: tuple[int, ...], dilations: tuple[int, ...]) -> Any:
    """Windows over the last len(sizes) axes: (..., *counts, *sizes), a view."""
    k = len(sizes)
    spans = [d * (n - 1) + 1 for n, d in zip(sizes, dilations, strict=True)]
    if any(span > n for span, n in zip(spans, x.shape[-k:], strict=True)):
        raise wrong(
            ValueError,
            None,
            f"windows of {tuple(spans)} do not fit into the last axes of {x.shape}",
            "pad first",
        )
    lead, step, width = x.shape[:-k], x.strides[:-k], x.strides[-k:]
    counts = tuple((n - span) // s + 1 for n, span, s in zip(x.shape[-k:], spans, strides, strict=True))
    return np.lib.stride_tricks.as_strided(
        x,
        (*lead, *counts, *sizes),
        (
            *step,
            *(w * s for w, s in zip(width, strides, strict=True)),
            *(w * d for w, d in zip(width, dilations, strict=True)),
        ),
        writeable=False,
    )


def _fold(
    x: Any,
    *,
    shape: tuple[int, ...],
    sizes: tuple[int, ...],
    strides: tuple[int, ...],
    dilations: tuple[int, ...],
) -> Any:
    """Add windows back to the elements they came from: one strided addition for each position in a window."""
    k, out = len(sizes), np.zeros(shape, x.dtype)
    counts = x.shape[len(shape) - k : len(shape)]
    for place in np.ndindex(*sizes):
        at: Any = tuple(
            slice(p * d, p * d + c * s, s)
            for p, d, c, s in zip(place, dilations, counts, strides, strict=True)
        )
        target = out[(..., *at)]
        target += x[..., *place]
    return out


def _fold_calls(draw: Draw) -> Call:
    size, stride = draw.integer(1, 3), draw.integer(1, 2)
    count, rows = draw.integer(1, 3), draw.integer(1, 2)
    length = (count - 1) * stride + size
    return Call(
        (draw.array((rows, count, size)),),
        {"shape": (rows, length), "sizes": (size,), "strides": (stride,), "dilations": (1,)},
    )


# fmt: off
reshape: Op = Restride("reshape", _reshape, (lambda g, x_shape: reshape(g, shape=x_shape),), view=True,
                   calls=_reshape_calls, math=r"\text{same numbers, other shape}")
permute: Op = Restride("permute", lambda x, *, axes: np.transpose(x, axes),
                   (lambda g, axes: permute(g, axes=inverse_permutation(axes)),), view=True,
                   calls=_permute_calls, math=r"y_{i_{\pi(1)} \dots} = x_{i_1 \dots}")
expand = Restride("expand", lambda x, *, shape: np.broadcast_to(x, shape), (lambda g: g,), view=True,
                  calls=_expand_calls, math=r"\text{repeat along axes of size 1}")
flip: Op = Restride("flip", lambda x, *, axes: np.flip(x, axes) if x.ndim else x,
                    (lambda g, axes: flip(g, axes=axes),), view=True, calls=_flip_calls,
                    math="y_i = x_{n-1-i}")
slice_ = Restride("slice", _slice,
                  (lambda g, x_shape, key: unslice(g, shape=x_shape, key=key),), view=True,
                  calls=_slice_calls, math=r"y = x[\text{start}:\text{stop}:\text{step}]")
windows = Restride("windows", _windows,
                   (lambda g, x_shape, sizes, strides, dilations:
                    fold(g, shape=x_shape, sizes=sizes, strides=strides, dilations=dilations),), view=True,
                   calls=_windows_calls,
                   math=r"y_{i,k} = x_{i \cdot \text{stride} + k \cdot \text{dilation}}")
# fmt: on


def _unslice(x: Any, *, shape: tuple[int, ...], key: tuple[Any, ...]) -> Any:
    out = np.zeros(shape, x.dtype)
    out[key] = x
    return out


def _unslice_calls(draw: Draw) -> Call:
    n = draw.integer(1, 4)
    key = (slice(draw.integer(0, n - 1), None, draw.choice((1, 2))),)
    return Call((draw.array(np.empty(n)[key].shape),), {"shape": (n,), "key": key})


# fmt: off
unslice: Op = Op("unslice", _unslice, (lambda g, key: slice_(g, key=key),), calls=_unslice_calls,
             math=r"\text{zeros, with } x \text{ at } \text{key}")
fold: Op = Op("fold", _fold, (lambda g, sizes, strides, dilations:
                          windows(g, sizes=sizes, strides=strides, dilations=dilations),), calls=_fold_calls,
          math=r"y_j = \sum_{i \cdot \text{stride} + k \cdot \text{dilation} = j} x_{i,k}")
# fmt: on


def _pad_key(shape: tuple[int, ...], widths: tuple[tuple[int, int], ...]) -> tuple[slice, ...]:
    return tuple(slice(before, before + n) for n, (before, _) in zip(shape, widths, strict=True))


def _pad(x: Any, *, widths: tuple[tuple[int, int], ...], value: float = 0.0) -> Any:
    if not x.ndim:
        return x.copy()  # without axes there is no border; np.pad refuses it
    return np.pad(x, widths, constant_values=np.asarray(value, x.dtype))


# fmt: off
pad = Op("pad", _pad,
         (lambda g, x_shape, widths: slice_(g, key=_pad_key(x_shape, widths)),), calls=_pad_calls,
         math=r"x \text{ with a border}")
roll: Op = Op("roll", lambda x, *, shifts, axes: np.roll(x, shifts, axes),
          (lambda g, shifts, axes: roll(g, shifts=tuple(-s for s in shifts), axes=axes),), calls=_roll_calls,
          math=r"y_{(i + s) \bmod n} = x_i")
# fmt: on


def _pieces(g: Any, xs_shape: tuple[tuple[int, ...], ...], axis: int, wants: tuple[bool, ...]) -> list[Any]:
    out, start = [], 0
    for shape, wanted in zip(xs_shape, wants, strict=True):
        key = (*([slice(None)] * axis), slice(start, start + shape[axis]))
        out.append(slice_(g, key=key) if wanted else None)
        start += shape[axis]
    return out


# fmt: off
concat = Op("concat", lambda *xs, axis: np.concatenate(xs, axis), joint=_pieces, variadic=True,
            inputs=("xs",), calls=_concat_calls, math=r"x_1 \| x_2 \| \dots")
# fmt: on
