"""The CPU: NumPy itself. It is the specification; every other backend is compared with it."""
from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.backend.protocol import Kernel, NumpyArray
from tinygrad_edu.shapes import Shape


class _Window:
    """Strided memory of another array, kept alive by it: NumPy's own array interface."""

    def __init__(self, owner: NumpyArray, interface: dict[str, Any]) -> None:
        self.owner, self.__array_interface__ = owner, interface


class NumpyBackend:
    """Arrays are `numpy.ndarray`; an op runs as its own `numpy` function."""
    name = "cpu"
    arithmetic = True

    def asarray(self, data: NumpyArray) -> NumpyArray:
        return np.array(data, copy=True)

    def numpy(self, array: NumpyArray) -> NumpyArray:
        view = array.view()
        view.flags.writeable = False            # the only door to the memory is read-only
        return view

    def empty(self, shape: Shape, dtype: np.dtype[Any]) -> NumpyArray:
        return np.empty(shape, dtype)

    def view(self, array: NumpyArray, shape: Shape, strides: Shape, offset: int) -> NumpyArray:
        interface = {**array.__array_interface__, "shape": shape, "strides": strides}
        interface["data"] = (array.__array_interface__["data"][0] + offset, not array.flags.writeable)
        return np.asarray(_Window(array, interface))

    def copy(self, array: NumpyArray, *, dtype: np.dtype[Any] | None = None,
             out: NumpyArray | None = None) -> NumpyArray:
        if out is None:
            return np.array(array, dtype=dtype, order="C", copy=True)
        np.copyto(out, array, casting="same_kind")
        return out

    def map(self, op: Kernel, arrays: tuple[NumpyArray, ...], shape: Shape, dtype: np.dtype[Any],
            params: dict[str, Any]) -> NumpyArray:
        return np.asarray(op.numpy(*arrays, **params))

    def reduce(self, op: Kernel, array: NumpyArray, axes: Shape, dtype: np.dtype[Any],
               params: dict[str, Any]) -> NumpyArray:
        return np.asarray(op.numpy(array, axes=axes, **params))

    def matmul(self, x: NumpyArray, y: NumpyArray) -> NumpyArray:
        return np.asarray(np.matmul(x, y))

    def gather(self, array: NumpyArray, index: NumpyArray, axis: int) -> NumpyArray:
        return np.take_along_axis(array, index, axis)

    def scatter_add(self, shape: Shape, index: NumpyArray, source: NumpyArray, axis: int) -> NumpyArray:
        out = np.zeros(shape, source.dtype)
        places = list(np.ogrid[tuple(slice(n) for n in index.shape)])
        places[axis] = index
        np.add.at(out, tuple(places), source)
        return out

    def fused(self, op: Kernel, arrays: tuple[NumpyArray, ...], params: dict[str, Any]) -> NumpyArray:
        return np.asarray(op.numpy(*arrays, **params))

    def synchronize(self) -> None:
        """NumPy is never late."""
