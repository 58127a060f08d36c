"""Storages: the memory that a tensor and its views share, as the list of numbers that x.storage() is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.access import look
from tinygrad_edu.engine.value import Storage
from tinygrad_edu.torch.core import dtypes


class TypedStorage:
    """The numbers of a memory in the order in which they lie there, whatever shape its tensors have.

    Numbers on a device are copied to the host when they are read.
    """

    def __init__(self, memory: Storage) -> None:
        self._memory = memory.writes

    def _numbers(self) -> Any:
        """The numbers, as a vector."""
        return np.asarray(look(self._memory, "x.storage()")).ravel(order="K")

    def __len__(self) -> int:
        return int(self._memory.array.size)

    def __getitem__(self, k: int) -> Any:
        return self._numbers()[k].item()

    def __iter__(self) -> Iterator[Any]:
        return iter(self.tolist())

    def tolist(self) -> list[Any]:
        """The numbers, as Python's."""
        found: list[Any] = self._numbers().tolist()
        return found

    def size(self) -> int:
        """How many numbers it has."""
        return len(self)

    def element_size(self) -> int:
        """The bytes of one number."""
        return int(self._memory.array.dtype.itemsize)

    def nbytes(self) -> int:
        """The bytes of all."""
        return len(self) * self.element_size()

    def data_ptr(self) -> int:
        """Where it begins, as a number: two tensors that share memory have one."""
        array = self._memory.array
        return int(array.ctypes.data if isinstance(array, np.ndarray) else array.pointer)

    @property
    def dtype(self) -> Any:
        """The dtype of its numbers."""
        return dtypes.dtype_of(self._memory.array.dtype)


class Memory(Storage):
    """The engine's storage, that PyTorch's programs can also call: `x.storage` is both here."""

    __slots__ = ()

    def __call__(self) -> TypedStorage:
        return TypedStorage(self)


def callable_storage(memory: Storage) -> Storage:
    """The same object, with the call."""
    if type(memory) is Storage:
        memory.__class__ = Memory
    return memory


def uncounted(x: te.Tensor) -> te.Tensor:
    """The same memory outside the graph, with a count of changes of its own: what PyTorch's `x.data` is.

    A change through it reaches numbers that backward needs, and backward does not know.
    """
    memory = x.storage
    base = None if memory.base is None else Storage(memory.base.array, memory.backend)
    return te.Tensor(Storage(memory.array, memory.backend, base))
