"""A backend that is as unlike NumPy as the protocol allows:
its arrays have a shape, strides, a dtype, and no more.

Any code above the backends that indexes, iterates, compares or adds one of them fails at once, here, and not
on the first machine with a GPU. Its methods are written for this purpose alone, slowly and from the
protocol's text.
"""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from tinygrad_edu.shapes import writable


class Box:
    """Opaque memory: bytes, an offset, and how to step through them."""

    __slots__ = ("_memory", "_offset", "dtype", "shape", "strides")
    __array_ufunc__ = None

    def __init__(self, memory: Any, shape: Any, strides: Any, dtype: Any, offset: int = 0) -> None:
        self._memory, self._offset = memory, offset
        self.shape, self.strides, self.dtype = tuple(shape), tuple(strides), np.dtype(dtype)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a boxed array was read without backend.numpy(): this code would fail on a device")


def packed(array: Any) -> Box:
    """A box with a copy of `array`."""
    array = np.ascontiguousarray(array).reshape(np.shape(array))
    return Box(bytearray(array.tobytes()) or bytearray(1), array.shape, array.strides, array.dtype)


def opened(box: Any) -> Any:
    """The memory of a box as an array, for the methods below only; numbers pass."""
    if not isinstance(box, Box):
        assert isinstance(box, (int, float, bool)), f"{type(box).__name__} reached the backend"
        return box
    memory = box._memory if 0 not in box.shape else bytearray(box.dtype.itemsize)
    offset = box._offset if 0 not in box.shape else 0
    return np.ndarray(box.shape, box.dtype, memory, offset, box.strides if 0 not in box.shape else None)


class BoxedBackend:
    """The protocol's methods over boxes."""

    name = "boxed"
    array_type = Box
    arithmetic = False
    closed = False

    def asarray(self, data: Any, *, copy: bool = True) -> Box:
        assert isinstance(data, np.ndarray)
        return packed(data)

    def from_dlpack(self, producer: Any) -> Box:
        raise BufferError("nobody else has boxes")

    def glance(self, array: Box) -> None:
        """A box is not looked into without asking for its numbers."""

    def numpy(self, array: Box) -> Any:
        out = opened(array).copy()
        out.flags.writeable = False
        return out

    def empty(self, shape: Any, dtype: Any) -> Box:
        return packed(np.full(shape, 77, dtype))

    def view(self, array: Box, shape: Any, strides: Any, offset: int) -> Box:
        if 0 not in shape:
            ends = [
                array._offset + offset + sum(n * s for n, s in zip(corner, strides, strict=True))
                for corner in itertools.product(*((0, n - 1) for n in shape))
            ]
            last = max(ends) + array.dtype.itemsize
            assert min(ends) >= 0 and last <= len(array._memory), "outside its memory"
        return Box(array._memory, shape, strides, array.dtype, array._offset + offset)

    def copy(self, array: Box) -> Box:
        return packed(opened(array))

    def writable(self, array: Box) -> bool:
        return writable(array.shape, array.strides, array.dtype.itemsize)

    def shares(self, x: Box, y: Box) -> bool:
        return x._memory is y._memory

    def write(self, out: Box, op: Any, arrays: Any) -> None:
        given = [opened(a).copy() if isinstance(a, Box) else a for a in arrays]
        if op is not None:
            given = [op.numpy(*given)]
            assert given[0].dtype == out.dtype, (op.name, given[0].dtype, out.dtype)
        opened(out)[...] = np.broadcast_to(given[0], out.shape)

    def put(self, out: Box, key: Any, source: Any) -> None:
        opened(out)[key] = opened(source)

    def update(self, rule: Any, tensors: Any, numbers: Any) -> Any:
        return tensors  # no kernel: the formula

    def map(self, op: Any, arrays: Any, shape: Any, dtype: Any, params: Any) -> Box:
        grids = np.broadcast_arrays(*(opened(a) for a in arrays if isinstance(a, Box)), np.empty(shape))[:-1]
        grid = iter(grids)
        result = op.numpy(*(next(grid) if isinstance(a, Box) else opened(a) for a in arrays), **params)
        assert result.shape == tuple(shape), (op.name, result.shape, shape)
        assert result.dtype == dtype, (op.name, result.dtype, dtype)
        return packed(result)

    def reduce(self, op: Any, array: Box, axes: Any, dtype: Any, params: Any) -> Box:
        result = op.numpy(opened(array), axes=axes, **params)
        assert result.shape == tuple(1 if a in axes else n for a, n in enumerate(array.shape))
        assert result.dtype == dtype, (op.name, result.dtype, dtype)
        return packed(result)

    def matmul(self, x: Box, y: Box) -> Box:
        return packed(np.einsum("...ij,...jk->...ik", opened(x), opened(y)))

    def gather(self, array: Box, index: Box, axis: int) -> Box:
        source, places = opened(array), opened(index)
        out = np.empty(places.shape, source.dtype)
        for i in np.ndindex(places.shape):
            if not 0 <= places[i] < source.shape[axis]:
                raise IndexError(
                    f"index {places[i]} is out of range for an axis of size {source.shape[axis]}"
                )
            out[i] = source[(*i[:axis], places[i], *i[axis + 1 :])]
        return packed(out)

    def scatter_add(self, shape: Any, index: Box, source: Box, axis: int) -> Box:
        values, places, out = opened(source), opened(index), np.zeros(shape, source.dtype)
        for i in np.ndindex(places.shape):
            if not 0 <= places[i] < shape[axis]:
                raise IndexError(f"index {places[i]} is out of range for an axis of size {shape[axis]}")
            out[(*i[:axis], places[i], *i[axis + 1 :])] += values[i]
        return packed(out)

    def fused(self, op: Any, arrays: Any, params: Any) -> Box:
        return packed(np.asarray(op.numpy(*(opened(a) for a in arrays), **params)))

    def synchronize(self) -> None:
        """Nothing is ever late here."""
