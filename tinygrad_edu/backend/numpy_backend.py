"""The CPU: NumPy itself. It is the specification; every other backend is compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.backend import in_place
from tinygrad_edu.backend.protocol import NumpyArray, ParameterState, Primitive, Rule
from tinygrad_edu.backend.sums import add_at
from tinygrad_edu.shapes import Shape


class _MemoryView:
    """A view of another array's memory, through NumPy's array interface. It keeps the other array alive."""

    def __init__(self, owner: NumpyArray, interface: dict[str, Any]) -> None:
        self.owner, self.__array_interface__ = owner, interface


class NumpyBackend:
    """Arrays are `numpy.ndarray`; an op runs as its own `numpy` function."""

    name = "cpu"
    array_type = np.ndarray
    arithmetic = True
    closed = False

    def asarray(self, data: NumpyArray, *, copy: bool = True) -> NumpyArray:
        return np.array(data, copy=True) if copy else np.asarray(data)

    def from_dlpack(self, producer: Any) -> NumpyArray:
        return np.from_dlpack(producer)

    def numpy(self, array: NumpyArray) -> NumpyArray:
        view = array.view()
        view.flags.writeable = False  # callers of `numpy` must not change the memory
        return view

    glance = numpy

    def empty(self, shape: Shape, dtype: np.dtype[Any]) -> NumpyArray:
        return np.empty(shape, dtype)

    def view(self, array: NumpyArray, shape: Shape, strides: Shape, offset: int) -> NumpyArray:
        interface = {**array.__array_interface__, "shape": shape, "strides": strides}
        interface["data"] = (array.__array_interface__["data"][0] + offset, not array.flags.writeable)
        return np.asarray(_MemoryView(array, interface))

    def copy(self, array: NumpyArray) -> NumpyArray:
        return np.array(array, order="C", copy=True)

    def map(
        self,
        op: Primitive,
        arrays: tuple[NumpyArray, ...],
        shape: Shape,
        dtype: np.dtype[Any],
        params: dict[str, Any],
    ) -> NumpyArray:
        return np.asarray(op.numpy(*arrays, **params))

    def reduce(
        self, op: Primitive, array: NumpyArray, axes: Shape, dtype: np.dtype[Any], params: dict[str, Any]
    ) -> NumpyArray:
        return np.asarray(op.numpy(array, axes=axes, **params))

    def matmul(self, x: NumpyArray, y: NumpyArray) -> NumpyArray:
        return np.asarray(np.matmul(x, y))

    def gather(self, array: NumpyArray, index: NumpyArray, axis: int) -> NumpyArray:
        return np.take_along_axis(array, index, axis)

    def scatter_add(self, shape: Shape, index: NumpyArray, source: NumpyArray, axis: int) -> NumpyArray:
        places = list(np.ogrid[tuple(slice(n) for n in index.shape)])
        places[axis] = index
        return add_at(shape, tuple(places), source, most=index.shape[axis])

    def fused(self, op: Primitive, arrays: tuple[NumpyArray, ...], params: dict[str, Any]) -> NumpyArray:
        return np.asarray(op.numpy(*arrays, **params))

    def writable(self, array: NumpyArray) -> bool:
        return bool(array.flags.writeable)

    def shares(self, x: NumpyArray, y: NumpyArray) -> bool:
        return np.may_share_memory(x, y)

    def write(self, out: NumpyArray, op: Primitive | None, arrays: tuple[Any, ...]) -> None:
        if op is None:
            np.copyto(out, arrays[0], casting="same_kind")
        elif op.ufunc is not None:
            op.ufunc(*arrays, out=out, casting="same_kind")
        else:
            np.copyto(out, op.numpy(*arrays), casting="same_kind")

    def put(self, out: NumpyArray, key: Any, source: Any) -> None:
        out[key] = source

    def update(
        self, rule: Rule, tensors: Sequence[tuple[ParameterState, NumpyArray]], numbers: Sequence[float]
    ) -> Sequence[tuple[ParameterState, NumpyArray]]:
        in_place.update(rule, tensors, numbers)
        return ()

    def synchronize(self) -> None:
        """NumPy's functions return when their work is done."""
