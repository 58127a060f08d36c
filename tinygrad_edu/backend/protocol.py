"""What a backend is: memory, views of it, and seven ways to compute. Twelve methods, and no gradient among
them.

A backend knows no Tensor, no promotion and no broadcasting rule: shapes and dtypes arrive resolved. What it
returns is opaque to everyone above it, but for `shape`, `dtype` and `strides` (in bytes, as NumPy counts
them).
"""
from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.shapes import Shape

DeviceArray = Any
NumpyArray = np.ndarray[Any, Any]


class Kernel(Protocol):
    """What a backend needs to know of a primitive: its name, and its specification in NumPy."""
    name: str
    numpy: Callable[..., Any]


class Backend(Protocol):
    """A device that arrays live on. `arithmetic` says that its arrays have operators, as NumPy's have;
    then first-order backward runs on bare arrays, with no graph bookkeeping at all."""
    name: str
    arithmetic: bool

    def asarray(self, data: NumpyArray) -> DeviceArray:
        """A copy of host memory on the device."""
    def numpy(self, array: DeviceArray) -> NumpyArray:
        """The array on the host; read-only when it shares the device's memory."""
    def empty(self, shape: Shape, dtype: np.dtype[Any]) -> DeviceArray:
        """Uninitialised memory."""
    def view(self, array: DeviceArray, shape: Shape, strides: Shape, offset: int) -> DeviceArray:
        """The same memory seen through other strides; `strides` and `offset` in bytes, offset from the first
        element."""
    def copy(self, array: DeviceArray, *, dtype: np.dtype[Any] | None = None,
             out: DeviceArray | None = None) -> DeviceArray:
        """A contiguous copy, in `dtype`, or into `out` of the same shape."""
    def map(self, op: Kernel, arrays: tuple[DeviceArray, ...], shape: Shape, dtype: np.dtype[Any],
            params: dict[str, Any]) -> DeviceArray:
        """An elementwise op; inputs broadcast to `shape` by zero strides."""
    def reduce(self, op: Kernel, array: DeviceArray, axes: Shape, dtype: np.dtype[Any],
               params: dict[str, Any]) -> DeviceArray:
        """A reduction over `axes`, which stay at size 1. Same bits on every run."""
    def matmul(self, x: DeviceArray, y: DeviceArray) -> DeviceArray:
        """(..., M, K) @ (..., K, N); operands may be strided views, batch axes broadcast."""
    def gather(self, array: DeviceArray, index: DeviceArray, axis: int) -> DeviceArray:
        """`take_along_axis`; an index out of range is an IndexError, never an illegal access."""
    def scatter_add(self, shape: Shape, index: DeviceArray, source: DeviceArray, axis: int) -> DeviceArray:
        """Zeros of `shape` with `source` added where `gather` would have read; duplicates add up, in order.
        """
    def fused(self, op: Kernel, arrays: tuple[DeviceArray, ...], params: dict[str, Any]) -> DeviceArray:
        """Any other primitive, by its own kernel."""
    def synchronize(self) -> None:
        """Return when all work asked for so far is done."""
