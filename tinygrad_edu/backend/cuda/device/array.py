"""DeviceArray: a strided array in the memory of a device.

Other libraries can use it without a copy, through `__cuda_array_interface__` (version 3) and DLPack.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.shapes import Shape

CODES = {
    np.dtype(name): code
    for code, name in enumerate(("float32", "float64", "int64", "int32", "uint8", "bool", "uint64"))
}  # `Dtype` of kernels/common.cuh


class ArrayDevice(Protocol):
    """The part of a device that an array uses."""

    name: str

    @property
    def stream(self) -> int:
        """The handle of the stream of all its work, as other libraries write it."""

    def to_dlpack(self, array: DeviceArray, stream: Any, dl_device: Any, copy: bool | None) -> Any:
        """A DLPack capsule that holds `array`."""

    def dlpack_device(self) -> tuple[int, int]:
        """(device type, index), as DLPack numbers devices."""


class DeviceArray:
    """An array of `shape`, `strides` (in bytes) and `dtype` in device memory.

    pointer  the address of its first element
    memory   the object that owns the memory; the array keeps it alive
    """

    __slots__ = ("contiguous", "device", "dtype", "memory", "pointer", "shape", "size", "strides")
    __array_ufunc__ = None  # NumPy must not compute with it

    def __init__(
        self,
        device: ArrayDevice,
        memory: Any,
        pointer: int,
        shape: Shape,
        strides: Shape | None,
        dtype: np.dtype[Any],
        size: int | None = None,
    ) -> None:
        self.device, self.memory, self.pointer = device, memory, pointer
        self.shape, self.dtype = shape, dtype
        if size is None:
            size = 1
            for n in shape:
                size *= n
        self.size = size
        if strides is None:
            self.strides, self.contiguous = dense_strides(shape, dtype.itemsize), True
        else:
            self.strides, self.contiguous = strides, is_dense(shape, strides, dtype.itemsize)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def itemsize(self) -> int:
        return int(self.dtype.itemsize)

    @property
    def nbytes(self) -> int:
        return self.size * self.itemsize

    @property
    def steps(self) -> Shape:
        """The strides in elements, as kernels use them."""
        size = self.dtype.itemsize
        return tuple(s // size for s in self.strides)

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise wrong(TypeError, None, "memory of a device is read with tensor.numpy(), which waits for it")

    def __repr__(self) -> str:
        return f"<{self.dtype} array of shape {self.shape} on {self.device.name}>"

    # -- other libraries -------------------------------------------------------------------------------------

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return {
            "shape": self.shape,
            "typestr": self.dtype.str,
            "data": (self.pointer, False),
            "strides": None if self.contiguous else self.strides,
            "version": 3,
            "stream": self.device.stream,
        }

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
    ) -> Any:
        return self.device.to_dlpack(self, stream, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.device.dlpack_device()


def dense_strides(shape: Shape, itemsize: int) -> Shape:
    """The strides of C order, in bytes."""
    strides, step = [0] * len(shape), itemsize
    for axis in range(len(shape) - 1, -1, -1):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return tuple(strides)


def is_dense(shape: Shape, strides: Shape, itemsize: int) -> bool:
    """Whether the elements are in C order without gaps; strides of axes of size 1 do not matter."""
    step = itemsize
    for axis in range(len(shape) - 1, -1, -1):
        n = shape[axis]
        if n == 0:
            return True
        if n != 1:
            if strides[axis] != step:
                return False
            step *= n
    return True


def merged(shape: Shape, *strides: Shape) -> tuple[list[int], list[list[int]]]:
    """The same elements in the same order with as few axes as possible: (shape, strides of each operand).

    Axes of size 1 are removed. An axis is merged with the next one if, in every operand, its stride is the
    size times the stride of the next one.
    """
    sizes: list[int] = []
    steps: list[list[int]] = [[] for _ in strides]
    for axis in range(len(shape) - 1, -1, -1):
        n = shape[axis]
        if n == 1:
            continue
        if sizes and all(s[axis] == kept[-1] * sizes[-1] for s, kept in zip(strides, steps, strict=True)):
            sizes[-1] *= n
            continue
        sizes.append(n)
        for s, kept in zip(strides, steps, strict=True):
            kept.append(s[axis])
    return sizes[::-1], [kept[::-1] for kept in steps]
