"""What is said of a tensor: its shape, dtype and device, and how its elements lie in memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import devices, dtypes, graph
from tinygrad_edu.torch.core.size import Size


class Described(Value):
    """Facts about the library's tensor `inner`, in PyTorch's words."""

    _view: Any

    @property
    def shape(self) -> Size:
        return Size(self.inner.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.dtype_of(self.inner.dtype)

    @property
    def device(self) -> devices.device:
        return devices.there(self.inner.device)

    @property
    def ndim(self) -> int:
        return self.inner.ndim

    def dim(self) -> int:
        return self.inner.ndim

    def size(self, dim: int | None = None) -> Any:
        """The shape, or the length of one axis."""
        shape = self.inner.shape
        if dim is None:
            return Size(shape)
        if not -len(shape) <= dim < len(shape):
            raise wrong(IndexError, "size", f"Dimension out of range (expected to be in range of "
                        f"[{-max(1, len(shape))}, {max(1, len(shape)) - 1}], but got {dim})")  # fmt: skip
        return shape[dim]

    def numel(self) -> int:
        return math.prod(self.inner.shape)

    nelement = numel

    @property
    def is_leaf(self) -> bool:
        return self.inner.is_leaf

    @property
    def is_cuda(self) -> bool:
        return self.device.type == "cuda"

    is_cpu = property(lambda self: self.inner.device == "cpu")
    is_sparse = is_quantized = is_mps = is_meta = is_mkldnn = is_nested = property(lambda self: False)
    layout = property(lambda self: graph.strided)
    itemsize = property(lambda self: self.inner.dtype.itemsize)
    nbytes = property(lambda self: self.inner.nbytes)

    def element_size(self) -> int:
        return int(self.inner.dtype.itemsize)

    def get_device(self) -> int:
        """The index of its GPU; -1 on the cpu."""
        return self.device.index if self.device.index is not None else -1

    def is_floating_point(self) -> bool:
        return bool(self.inner.dtype.kind == "f")

    def is_complex(self) -> bool:
        return False

    def is_signed(self) -> bool:
        return self.dtype.is_signed

    def is_contiguous(self, memory_format: Any = None) -> bool:
        array = self.inner.storage.array
        return bool(array.flags.c_contiguous if isinstance(array, np.ndarray) else array.contiguous)

    def stride(self, dim: int | None = None) -> Any:
        """How many elements lie between neighbours along each axis."""
        array = self.inner.storage.array
        steps = tuple(int(n) // array.dtype.itemsize for n in array.strides)
        return steps if dim is None else steps[dim]

    def storage_offset(self) -> int:
        """How many elements lie before its first, in the memory of what it is a view of."""
        seen = self._view
        if seen is None or seen.loose:
            return 0
        return int((self.data_ptr() - seen.root.data_ptr()) // self.inner.dtype.itemsize)

    def data_ptr(self) -> int:
        """Where its memory begins, as a number."""
        array = self.inner.storage.array
        return int(array.ctypes.data if isinstance(array, np.ndarray) else array.pointer)
