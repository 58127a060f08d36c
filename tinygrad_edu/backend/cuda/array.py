"""DeviceArray: strided memory of a device, as opaque to the library as the protocol allows.

It speaks two languages of others: `__cuda_array_interface__` (version 3) and DLPack, both without a copy.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.shapes import Shape

if TYPE_CHECKING:
    from tinygrad_edu.backend.cuda.backend import Cuda

CODES = {
    np.dtype(name): code
    for code, name in enumerate(("float32", "float64", "int64", "int32", "uint8", "bool", "uint64"))
}  # `Dtype` of kernels/common.cuh


class DeviceArray:
    """`shape`, `strides` (bytes) and `dtype` over device memory; `pointer` is the address of its first
    element, `memory` whoever must live for it to stay valid."""

    __slots__ = ("contiguous", "device", "dtype", "memory", "pointer", "shape", "size", "strides")
    __array_ufunc__ = None  # NumPy must not try

    def __init__(
        self,
        device: Cuda,
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
    def code(self) -> int:
        """The dtype as kernels know it."""
        return CODES[self.dtype]

    def __array__(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("memory of a device is read with tensor.numpy(), which waits for it")

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
            "stream": self.device.context.stream.handle or 1,
        }

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: bool | None = None
    ) -> Any:
        from tinygrad_edu.backend.cuda.dlpack import export

        return export(self, stream, dl_device, copy)

    def __dlpack_device__(self) -> tuple[int, int]:
        from tinygrad_edu.backend.cuda.dlpack import device_of

        return device_of(self)


def dense_strides(shape: Shape, itemsize: int) -> Shape:
    """C order, in bytes."""
    strides, step = [0] * len(shape), itemsize
    for axis in range(len(shape) - 1, -1, -1):
        strides[axis] = step
        step *= max(shape[axis], 1)
    return tuple(strides)


def is_dense(shape: Shape, strides: Shape, itemsize: int) -> bool:
    """Whether elements lie in C order without gaps; strides of axes of size 1 do not matter."""
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
    """The same elements in the same order with as few axes as will do: (shape, strides of each operand).

    Axes of size 1 go; an axis joins the one after it when all operands step through both as through one.
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
