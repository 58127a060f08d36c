"""DLPack, for export and import: libraries share arrays without a copy (dmlc.github.io/dlpack).

The simulator's memory is memory of this process. So it is exported as memory of the CPU, and NumPy can read
it. Strides are in elements in DLPack, and in bytes in this library.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device import driver
from tinygrad_edu.backend.cuda.device.array import ArrayDevice, DeviceArray
from tinygrad_edu.errors import wrong
from tinygrad_edu.shapes import Shape

CPU, CUDA = 1, 2  # DLDeviceType
_KINDS = {"i": 0, "u": 1, "f": 2, "b": 6}  # DLDataTypeCode
_NAME, _USED = b"dltensor", b"used_dltensor"


class _Tensor(ctypes.Structure):  # DLTensor
    _fields_ = [
        ("data", ctypes.c_void_p),
        ("device_type", ctypes.c_int32),
        ("device_id", ctypes.c_int32),
        ("ndim", ctypes.c_int32),
        ("code", ctypes.c_uint8),
        ("bits", ctypes.c_uint8),
        ("lanes", ctypes.c_uint16),
        ("shape", ctypes.POINTER(ctypes.c_int64)),
        ("strides", ctypes.POINTER(ctypes.c_int64)),
        ("byte_offset", ctypes.c_uint64),
    ]


_Deleter = ctypes.CFUNCTYPE(None, ctypes.c_void_p)
_Destructor = ctypes.CFUNCTYPE(None, ctypes.c_void_p)


class _Managed(ctypes.Structure):  # DLManagedTensor
    _fields_ = [("tensor", _Tensor), ("context", ctypes.c_void_p), ("deleter", _Deleter)]


_api = ctypes.pythonapi
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_New.argtypes = [ctypes.c_void_p, ctypes.c_char_p, _Destructor]
_api.PyCapsule_IsValid.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_GetPointer.restype = ctypes.c_void_p
_api.PyCapsule_GetPointer.argtypes = [ctypes.py_object, ctypes.c_char_p]
_api.PyCapsule_SetName.argtypes = [ctypes.py_object, ctypes.c_char_p]
_IsValidAt = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_char_p)(("PyCapsule_IsValid", _api))
_PointerAt = ctypes.PYFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p)(
    ("PyCapsule_GetPointer", _api)
)

_exports: dict[int, Any] = {}  # address of a DLManagedTensor -> the objects that it needs


@_Deleter  # type: ignore[untyped-decorator]
def _delete(address: int) -> None:
    """The deleter: the consumer does not need the memory any more."""
    _exports.pop(address, None)


@_Destructor  # type: ignore[untyped-decorator]
def _destroy(capsule: int) -> None:
    """Free the capsule's content if no consumer has taken it; otherwise its consumer calls the deleter."""
    if _IsValidAt(capsule, _NAME):
        _exports.pop(_PointerAt(capsule, _NAME), None)


def device_of(index: int) -> tuple[int, int]:
    """(device type, index) in DLPack of the device with `index`."""
    return (CPU, 0) if driver.is_simulator() else (CUDA, index)


def exported_count(device: ArrayDevice) -> int:
    """The number of a device's arrays that consumers use."""
    return sum(entry[-1].device is device for entry in list(_exports.values()))


def capsule(array: DeviceArray) -> Any:
    """A capsule with `array`, whose memory stays allocated until the consumer calls the deleter."""
    ndim = array.ndim
    shape, strides = (ctypes.c_int64 * ndim)(*array.shape), (ctypes.c_int64 * ndim)(*array.steps)
    kind, index = array.device.dlpack_device()
    tensor = _Tensor(
        array.pointer, kind, index, ndim, _KINDS[array.dtype.kind], 8 * array.itemsize, 1, shape, strides, 0
    )
    managed = _Managed(tensor, None, _delete)
    address = ctypes.addressof(managed)
    _exports[address] = (managed, shape, strides, array)
    return _api.PyCapsule_New(address, _NAME, _destroy)


class _Owner:
    """Owns a consumed tensor: calls the producer's deleter when no array uses the memory any more."""

    def __init__(self, managed: Any) -> None:
        self.managed = managed

    def __del__(self) -> None:
        if self.managed.deleter:
            self.managed.deleter(ctypes.addressof(self.managed))


@dataclass(frozen=True)
class ImportedArray:
    """An array of another library; `owner` keeps its memory alive."""

    owner: Any
    pointer: int
    shape: Shape
    strides: Shape | None
    dtype: np.dtype[Any]

    def on_host(self) -> np.ndarray[Any, Any]:
        """A NumPy array of the same memory, which is memory of this process."""
        if 0 in self.shape:
            return np.empty(self.shape, self.dtype)
        imported = self

        class Window:
            __array_interface__ = {  # noqa: RUF012 - NumPy reads it as it is
                "data": (imported.pointer, True),
                "shape": imported.shape,
                "strides": imported.strides,
                "typestr": imported.dtype.str,
                "version": 3,
            }

        return np.asarray(Window())


def consume(producer: Any, **stream: int) -> ImportedArray:
    """The array in the producer's capsule. `stream=` is passed on if the producer's device has streams.

    Raises BufferError for a dtype the library lacks.
    """
    capsule = producer.__dlpack__(**stream)
    if not _api.PyCapsule_IsValid(capsule, _NAME):
        raise wrong(BufferError, "from_dlpack", "not a fresh DLPack capsule of version 0")
    managed = _Managed.from_address(_api.PyCapsule_GetPointer(capsule, _NAME))
    _api.PyCapsule_SetName(capsule, _USED)
    owner, tensor = _Owner(managed), managed.tensor
    kinds = {code: kind for kind, code in _KINDS.items()}
    try:
        kind = kinds[tensor.code]
        dtype = np.dtype("bool" if kind == "b" else f"{kind}{tensor.bits // 8}")
    except (KeyError, TypeError) as error:
        raise wrong(
            BufferError, "from_dlpack", f"no dtype for type code {tensor.code} of {tensor.bits} bits"
        ) from error
    shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
    strides = (
        tuple(tensor.strides[i] * dtype.itemsize for i in range(tensor.ndim)) if tensor.strides else None
    )
    return ImportedArray((owner, producer), (tensor.data or 0) + tensor.byte_offset, shape, strides, dtype)
