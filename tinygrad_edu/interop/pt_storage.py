"""The memory of tensors in a `.pt` file: which dtypes it has, and a tensor as a view of a storage.

A storage is a row of elements, a tensor an offset, a shape and strides. All of them come from a file that may
be damaged or hostile, so each is compared with the bytes that are there before anything is allocated.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.interop.pt_errors import refuse
from tinygrad_edu.tensor import NumpyArray

_AXES = 64  # as many as a NumPy array can have


class Kind(NamedTuple):
    """The elements of a storage: PyTorch's name of their dtype, how they lie in the file, what they become.

    `read` is None for a dtype that has no counterpart here.
    """

    name: str
    size: int  # bytes of one element
    lies: str = ""
    read: np.dtype[Any] | None = None


# PyTorch's dtypes. Those without a dtype here become the next larger one, which holds all their numbers.
# fmt: off
KINDS = {
    kind.name: kind for kind in (
        Kind("float32", 4, "f4", dtypes.float32), Kind("float64", 8, "f8", dtypes.float64),
        Kind("int64", 8, "i8", dtypes.int64), Kind("int32", 4, "i4", dtypes.int32),
        Kind("uint8", 1, "u1", dtypes.uint8), Kind("bool", 1, "u1", dtypes.bool_),
        Kind("float16", 2, "f2", dtypes.float32), Kind("bfloat16", 2, "u2", dtypes.float32),
        Kind("int16", 2, "i2", dtypes.int32), Kind("int8", 1, "i1", dtypes.int32),
        Kind("uint16", 2, "u2", dtypes.int32), Kind("uint32", 4, "u4", dtypes.int64),
        Kind("uint64", 8), Kind("complex32", 4), Kind("complex64", 8), Kind("complex128", 16),
        Kind("quint8", 1), Kind("qint8", 1), Kind("qint32", 4), Kind("quint4x2", 1), Kind("quint2x4", 1),
        Kind("float8_e5m2", 1), Kind("float8_e4m3fn", 1), Kind("float8_e5m2fnuz", 1),
        Kind("float8_e4m3fnuz", 1), Kind("float8_e8m0fnu", 1), Kind("float4_e2m1fn_x2", 1),
    )
}
STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "LongStorage": "int64",
    "BFloat16Storage": "bfloat16", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128", "QUInt8Storage": "quint8", "QInt8Storage": "qint8",
    "QInt32Storage": "qint32", "QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4",
    "UntypedStorage": "uint8",
}
# fmt: on


class StorageType(NamedTuple):
    """What stands for a storage class of PyTorch, such as `torch.FloatStorage`."""

    kind: Kind
    untyped: bool = False


class Storage:
    """The bytes of one storage of a file, and their elements as arrays, each made once.

    content  None while only the sizes of the storages are collected
    """

    __slots__ = ("arrays", "big", "content", "device", "key", "kind")

    def __init__(self, key: str, kind: Kind, content: bytearray | None, device: str, big: bool) -> None:
        self.key, self.kind, self.content, self.device, self.big = key, kind, content, device, big
        self.arrays: dict[str, NumpyArray] = {}

    def elements(self, kind: Kind) -> NumpyArray:
        """The storage as a vector in a dtype of this library. PTError for elements that have none."""
        if kind.name not in self.arrays:
            self.arrays[kind.name] = self._converted(kind)
        return self.arrays[kind.name]

    def _converted(self, kind: Kind) -> NumpyArray:
        if kind.read is None:
            raise refuse(
                f"it has a tensor of {kind.name}, which this library does not have",
                "convert it in PyTorch, for example x.to(torch.float32), or two tensors x.real and x.imag",
            )
        assert self.content is not None
        lies = np.dtype((">" if self.big else "<") + kind.lies)
        count = len(self.content) // kind.size
        raw = np.frombuffer(self.content, lies, count)
        if kind.name == "bool":
            if count and int(raw.max()) > 1:
                raise refuse(f"the storage {self.key!r} of bools has bytes that are neither 0 nor 1")
            return raw.view(np.bool_)
        if kind.name == "bfloat16":  # the upper half of a float32
            return (raw.astype(np.uint32) << 16).view(np.float32)
        return raw.astype(kind.read, copy=False)


def view(storage: Storage, kind: Kind, offset: Any, size: Any, stride: Any) -> NumpyArray | None:
    """The tensor of this size in a storage, sharing its memory; None if the storage has no content yet.

    Offset and strides count elements. The array is read-only if two of its elements may share memory.
    PTError unless every element lies in the storage.
    """
    what = f"a tensor of size {size!r:.80}, strides {stride!r:.80} and offset {offset!r:.30}"
    numbers = (size, stride) if type(size) is type(stride) is tuple else ()
    given = [n for row in numbers for n in row] + [offset]
    if not numbers or len(size) != len(stride) or any(type(n) is not int or n < 0 for n in given):
        raise refuse(f"{what} is none: it needs as many strides as sizes, and no negative numbers")
    if len(size) > _AXES:
        raise refuse(f"{what} has {len(size)} axes, and an array has up to {_AXES}")
    count = math.prod(n or 1 for n in size)
    if count * 8 >= 2**63 or any(s * kind.size >= 2**63 for s in stride):
        raise refuse(f"{what} has more elements than memory can have")
    if storage.content is None:
        return None
    flat = storage.elements(kind)
    last = offset + sum((n - 1) * s for n, s in zip(size, stride))
    if 0 in size:
        return flat[:0].reshape(size)
    if last >= len(flat):
        raise refuse(f"{what} reaches beyond its storage {storage.key!r}, which has {len(flat)} elements")
    step = flat.itemsize
    array = np.ndarray(size, flat.dtype, flat, offset * step, tuple(s * step for s in stride))
    if not _is_apart(size, stride):
        array.flags.writeable = False
    return array


def _is_apart(size: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    """Whether each stride is longer than all that lies within it, so that no two elements share memory."""
    reach = 0
    for s, n in sorted((s, n) for n, s in zip(size, stride) if n > 1):
        if s <= reach:
            return False
        reach += s * (n - 1)
    return True
