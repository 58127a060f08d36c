"""The driver API through ctypes, as a C program sees it: no PyCUDA between the test and the call."""

from __future__ import annotations

import ctypes
from ctypes import byref, c_char_p, c_float, c_int, c_size_t, c_ulonglong, c_void_p

from hypothesis import HealthCheck, settings

from tinygrad_edu.simulator import build

INVALID_VALUE, OUT_OF_MEMORY, NOT_INITIALIZED = 1, 2, 3
INVALID_DEVICE, INVALID_CONTEXT, INVALID_HANDLE, NOT_FOUND = 101, 201, 400, 500
NOT_READY, NOT_SUPPORTED = 600, 801
HOST, DEVICE, ARRAY, UNIFIED = 1, 2, 3, 4

# Examples may share a context: each gives back what it took.
examples = settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=50
)


class DriverError(Exception):
    """A call failed: `code` and the driver's text."""

    def __init__(self, code, text):
        super().__init__(f"{code}: {text}")
        self.code, self.text = code, text


def _side(prefix, slices):
    sizes = [(f"{prefix}XInBytes", c_size_t), (f"{prefix}Y", c_size_t)]
    if slices:
        sizes += [(f"{prefix}Z", c_size_t), (f"{prefix}LOD", c_size_t)]
    sizes += [
        (f"{prefix}MemoryType", c_int),
        (f"{prefix}Host", c_void_p),
        (f"{prefix}Device", c_ulonglong),
        (f"{prefix}Array", c_void_p),
    ]
    if slices:
        sizes.append((f"{prefix}Context", c_void_p))
    sizes.append((f"{prefix}Pitch", c_size_t))
    if slices:
        sizes.append((f"{prefix}Height", c_size_t))
    return sizes


class Memcpy2D(ctypes.Structure):
    """CUDA_MEMCPY2D."""

    _fields_ = [*_side("src", False), *_side("dst", False), ("WidthInBytes", c_size_t), ("Height", c_size_t)]


class Memcpy3D(ctypes.Structure):
    """CUDA_MEMCPY3D and, with contexts, CUDA_MEMCPY3D_PEER."""

    _fields_ = [
        *_side("src", True),
        *_side("dst", True),
        ("WidthInBytes", c_size_t),
        ("Height", c_size_t),
        ("Depth", c_size_t),
    ]


def _arguments(values):
    """Integers are passed as 64 bits: a C function reads as many of them as it wants."""
    return [c_void_p(v) if isinstance(v, int) else v for v in values]


class Driver:
    """libcuda.so.1: driver.cuMemAlloc(...) raises DriverError unless the answer is CUDA_SUCCESS."""

    def __init__(self):
        self.library = ctypes.CDLL(str(build.library()))

    def code(self, name, *values):
        """The result code of a call."""
        return getattr(self.library, name)(*_arguments(values))

    def text(self, code):
        """What cuGetErrorString says."""
        answer = c_char_p()
        self.library.cuGetErrorString(code, byref(answer))
        return answer.value.decode()

    def refused(self, code, name, *values):
        """The text with which a call fails, and it must fail with this code."""
        assert self.code(name, *values) == code, self.text(code)
        return self.text(code)

    def __getattr__(self, name):
        def call(*values):
            code = self.code(name, *values)
            if code:
                raise DriverError(code, self.text(code))

        return call

    def get(self, kind, name, *values):
        """The answer that a call writes through its first argument."""
        answer = kind()
        getattr(self, name)(byref(answer), *values)
        return answer.value

    def alloc(self, size):
        return self.get(c_ulonglong, "cuMemAlloc_v2", size)

    def pinned(self, size, flags=0):
        """An address, and the bytes there as a ctypes array."""
        address = self.get(c_void_p, "cuMemHostAlloc", size, flags)
        return address, (ctypes.c_ubyte * size).from_address(address)

    def upload(self, data):
        """Fresh device memory with these bytes in it."""
        address = self.alloc(len(data))
        self.cuMemcpyHtoD_v2(address, bytes(data), len(data))
        return address

    def download(self, address, size):
        out = ctypes.create_string_buffer(size)
        self.cuMemcpyDtoH_v2(out, address, size)
        return out.raw

    def stream(self, flags=0):
        return self.get(c_void_p, "cuStreamCreate", flags)

    def event(self, flags=0):
        return self.get(c_void_p, "cuEventCreate", flags)

    def elapsed(self, start, end):
        return self.get(c_float, "cuEventElapsedTime_v2", start, end)

    def attribute(self, number):
        return self.get(c_int, "cuDeviceGetAttribute", number, 0)

    def set(self, key, value):
        assert self.library.sim_set(key.encode(), value.encode()) == 0
