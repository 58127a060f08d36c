"""DLPack, both ways and without a copy: how arrays pass between libraries (dmlc.github.io/dlpack).

Memory of the simulator is memory of this process, so it presents itself as the CPU's, and NumPy can look at
it. Strides of DLPack count elements, ours bytes.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.backend.cuda import driver
from tinygrad_edu.backend.cuda.array import DeviceArray

if TYPE_CHECKING:
    from tinygrad_edu.backend.cuda.backend import Cuda

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

_exported: dict[int, Any] = {}  # address of a DLManagedTensor -> what it needs to live


@_Deleter  # type: ignore[untyped-decorator]
def _delete(address: int) -> None:
    """A consumer is done."""
    _exported.pop(address, None)


@_Destructor  # type: ignore[untyped-decorator]
def _destroy(capsule: int) -> None:
    """A capsule dies; if nobody took what is in it, nobody else will delete it."""
    if _IsValidAt(capsule, _NAME):
        _exported.pop(_PointerAt(capsule, _NAME), None)


def device_of(array: DeviceArray) -> tuple[int, int]:
    """(device type, index)."""
    return (CPU, 0) if driver.is_simulator() else (CUDA, array.device.context.index)


def lent(device: Cuda) -> int:
    """How many arrays of a device consumers hold."""
    return sum(entry[-1].device is device for entry in list(_exported.values()))


def export(array: DeviceArray, stream: Any, dl_device: Any, copy: bool | None) -> Any:
    """A capsule with `array`, which lives as long as the consumer wants it.

    All work on it is waited for, so that the consumer may use any stream. Raises BufferError for another
    device than the array's.
    """
    if dl_device is not None and tuple(dl_device) != device_of(array):
        raise BufferError(
            f"the array is on DLPack device {device_of(array)}, not {tuple(dl_device)}; move it "
            "with tensor.to(device)"
        )
    if copy:
        array = array.device.copy(array)
    if stream != -1:
        array.device.synchronize()
    ndim = array.ndim
    shape = (ctypes.c_int64 * ndim)(*array.shape)
    strides = (ctypes.c_int64 * ndim)(*(s // array.itemsize for s in array.strides))
    kind, index = device_of(array)
    tensor = _Tensor(
        array.pointer, kind, index, ndim, _KINDS[array.dtype.kind], 8 * array.itemsize, 1, shape, strides, 0
    )
    managed = _Managed(tensor, None, _delete)
    address = ctypes.addressof(managed)
    _exported[address] = (managed, shape, strides, array)
    return _api.PyCapsule_New(address, _NAME, _destroy)


class _Taken:
    """What we consume: its producer's deleter runs when nobody uses the memory any more."""

    def __init__(self, managed: Any) -> None:
        self.managed = managed

    def __del__(self) -> None:
        if self.managed.deleter:
            self.managed.deleter(ctypes.addressof(self.managed))


def take(device: Cuda, producer: Any) -> DeviceArray:
    """The array of another library as ours, over the same memory; on the simulator, of memory that is not its
    own but NumPy's, a copy, since its driver lets kernels touch device memory only.

    Raises BufferError when it lies on another device or has a dtype the library lacks.
    """
    where = tuple(int(v) for v in producer.__dlpack_device__())
    ours = (CPU, 0) if driver.is_simulator() else (CUDA, device.context.index)
    if where != ours:
        raise BufferError(f"the array is on DLPack device {where}, {device.name} is {ours}")
    capsule = (
        producer.__dlpack__()
        if where[0] == CPU
        else producer.__dlpack__(stream=device.context.stream.handle or 1)
    )
    if not _api.PyCapsule_IsValid(capsule, _NAME):
        raise BufferError("from_dlpack: not a fresh DLPack capsule of version 0")
    managed = _Managed.from_address(_api.PyCapsule_GetPointer(capsule, _NAME))
    _api.PyCapsule_SetName(capsule, _USED)
    owner, tensor = _Taken(managed), managed.tensor
    kinds = {code: kind for kind, code in _KINDS.items()}
    try:
        kind = kinds[tensor.code]
        dtype = np.dtype("bool" if kind == "b" else f"{kind}{tensor.bits // 8}")
    except (KeyError, TypeError) as error:
        raise BufferError(
            f"from_dlpack: no dtype for type code {tensor.code} of {tensor.bits} bits"
        ) from error
    shape = tuple(tensor.shape[i] for i in range(tensor.ndim))
    strides = (
        tuple(tensor.strides[i] * dtype.itemsize for i in range(tensor.ndim)) if tensor.strides else None
    )
    pointer = (tensor.data or 0) + tensor.byte_offset
    if where[0] == CPU and not device.context.is_device_memory(pointer):
        return device.asarray(_host_view(pointer, shape, strides, dtype))
    device.check_owner(pointer)
    return DeviceArray(device, (owner, producer), pointer, shape, strides, dtype)


def _host_view(pointer: int, shape: Any, strides: Any, dtype: np.dtype[Any]) -> Any:
    """Memory of this process as NumPy sees it."""
    if 0 in shape:
        return np.empty(shape, dtype)

    class Window:
        __array_interface__ = {  # noqa: RUF012 - NumPy reads it as it is
            "data": (pointer, True),
            "shape": shape,
            "strides": strides,
            "typestr": dtype.str,
            "version": 3,
        }

    return np.asarray(Window())
