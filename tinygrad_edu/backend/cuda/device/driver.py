"""The only module that uses PyCUDA: contexts, memory, copies, launches and nvcc.

The device `simulator` uses the same code; there PyCUDA loads the simulated driver instead of the real one.
That is arranged before PyCUDA's first import.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.backend import forks
from tinygrad_edu.backend.cuda.device import contexts, nvcc
from tinygrad_edu.errors import DeviceError, wrong
from tinygrad_edu.phrases import Argument, Phrase

_lock = forks.lock()
_kind: str | None = None  # "cuda" or "simulator" after PyCUDA is imported: a process has one driver
_driver: Any = None
_open: list[Context] = []
_SIMULATOR = Argument("device", "simulator")
_ON_THE_CPU = Phrase(_SIMULATOR, " runs the same kernels on the CPU")
_is_checking: Callable[[], bool] | None = None  # whether the simulator's checker is on

NumpyArray = np.ndarray[Any, Any]


def start(kind: str) -> None:
    """Import PyCUDA with the driver of `kind`. Raises DeviceError, with advice, where that fails."""
    global _kind, _driver, _is_checking
    with _lock:
        if _kind == kind:
            return
        if _kind is not None:
            raise wrong(
                DeviceError,
                None,
                f"this process runs its kernels on the device {_kind!r}",
                f"a process has one CUDA driver, so {kind!r} needs another process",
            )
        if kind == "simulator":
            _install_simulator()
        elif "tinygrad_edu.simulator" in sys.modules and _simulated():
            raise wrong(
                DeviceError,
                None,
                "the simulator is this process's CUDA driver",
                Phrase(
                    "ask for ", _SIMULATOR, ", or start without tinygrad_edu.simulator.install() to use a GPU"
                ),
            )
        _driver = contexts.pycuda = _pycuda("driver", kind)
        try:
            _driver.init()
        except Exception as error:
            raise wrong(
                DeviceError,
                None,
                f"CUDA does not start: {error}",
                Phrase("is there an NVIDIA GPU, and its driver? Without one, ", _ON_THE_CPU),
            ) from error
        if kind == "simulator":
            _is_checking = importlib.import_module("tinygrad_edu.simulator.checking").is_checking
        _kind = kind


def _simulated() -> bool:
    return bool(importlib.import_module("tinygrad_edu.simulator").is_installed())


def _install_simulator() -> None:
    simulator = importlib.import_module("tinygrad_edu.simulator")
    try:
        simulator.install()
    except simulator.SimulatorError as error:
        raise wrong(DeviceError, None, f"the simulator cannot run here: {error}") from error


def _pycuda(part: str, kind: str) -> ModuleType:
    try:
        return importlib.import_module(f"pycuda.{part}")
    except ImportError as error:
        if importlib.util.find_spec("pycuda") is None:
            problem = f"no device {kind!r}: PyCUDA is not installed"
            remedy = Phrase(
                "`pip install pycuda` on a machine with a CUDA toolkit, or `tinygrad-edu simulator setup` "
                "without one"
            )
        else:
            problem = f"no device {kind!r}: PyCUDA cannot be loaded ({error})"
            remedy = Phrase("without an NVIDIA driver there is no 'cuda', but ", _ON_THE_CPU)
        raise wrong(DeviceError, None, problem, remedy) from error


def is_simulator() -> bool:
    """Whether the running driver is the simulated one."""
    return _kind == "simulator"


def kind() -> str | None:
    """The driver of this process: "cuda", "simulator", or None before a device is used."""
    return _kind


def profiled() -> Any:
    """The simulator's profile of what is launched inside: `with profiled() as profile`."""
    return importlib.import_module("tinygrad_edu.simulator").profile()


def available() -> bool:
    """Whether there is a GPU that this process can use. Creates no context."""
    if _kind is None and not ("tinygrad_edu.simulator" in sys.modules and _simulated()):
        with contextlib.suppress(DeviceError):
            start("cuda")
    return _kind == "cuda" and device_count() > 0


def error_type() -> type[Exception]:
    """The class of PyCUDA's exceptions for calls that the driver rejects."""
    error: type[Exception] = _driver.Error
    return error


def device_count() -> int:
    """The number of devices of the driver."""
    return int(_driver.Device.count())


class Context:
    """The primary context of a device, with its stream and its memory."""

    def __init__(self, index: int) -> None:
        if not 0 <= index < device_count():
            more = "tinygrad_edu.simulator.configure(devices=...) gives it more" if is_simulator() else ""
            raise wrong(DeviceError, None, f"no device with index {index}: there are {device_count()}", more)
        self.index, self.open = index, True
        self.device = _driver.Device(index)
        self.context = self.device.retain_primary_context()
        _open.append(self)
        self.activate()
        self.stream: Any = _driver.Stream(1)  # 1: CU_STREAM_NON_BLOCKING, no order with other streams
        major, minor = self.device.compute_capability()
        self.arch = f"sm_{major}{minor}"
        self.name = str(self.device.name())

    def activate(self) -> None:
        """Make this context the thread's current one if it is not, by this library's own record."""
        if not contexts.current(self):
            if not self.open:
                raise wrong(
                    DeviceError, None, "the device of this tensor was shut down", "new tensors start it again"
                )
            contexts.activate(self)

    def on_top(self) -> bool:
        """Whether it is current by the driver's record; users of PyCUDA may have pushed another context."""
        found = _driver.Context.get_current()
        return found is not None and bool(found.handle == self.context.handle)

    def ensure_current(self) -> None:
        """Make this context the thread's current one, also where another was pushed above it."""
        self.activate()
        if not self.on_top():
            contexts.push_again()

    def retry(self, call: Callable[..., Any], *args: Any) -> None:
        """Repeat a rejected call if another context was current; else raise the error of the first attempt.

        So a call need not ask the driver first which context is current, which would take a good part of its
        time.
        """
        if self.on_top():
            raise
        self.ensure_current()
        call(*args)

    def _call(self, call: Callable[..., Any], *args: Any) -> None:
        try:
            call(*args)
        except _driver.LogicError:
            self.retry(call, *args)

    def close(self) -> None:
        """Release the context, after all of its work is done. This frees everything allocated in it."""
        self.activate()
        self.stream = None  # PyCUDA must free it while the context exists
        contexts.leave()
        self.open = False
        _open.remove(self)
        self.context.detach()

    # -- memory ----------------------------------------------------------------------------------------------

    def is_device_memory(self, pointer: int) -> bool:
        """Whether `pointer` is memory of a device, by the driver's record."""
        self.activate()
        return _pointer_attribute(2, pointer) == 2  # CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_MEMORYTYPE_DEVICE

    def owner(self, pointer: int) -> int | None:
        """The index of the open device that has the memory at `pointer`.

        None if that is not known, as for memory that belongs to no context (cudaMallocAsync).
        """
        self.activate()
        context = _pointer_attribute(1, pointer)  # CU_POINTER_ATTRIBUTE_CONTEXT
        return next((other.index for other in _open if other.context.handle == context), None)

    def allocate(self, size: int) -> Any:
        """Allocate `size` bytes; int(result) is the address. Raises MemoryError if too little is free."""
        self.ensure_current()
        try:
            return _driver.mem_alloc(size)
        except _driver.MemoryError as error:
            raise MemoryError(str(error)) from error

    def is_checking(self) -> bool:
        """Whether the simulator's checker is on."""
        return _is_checking is not None and _is_checking()

    def memory(self) -> tuple[int, int]:
        """(free bytes, total bytes) of the device."""
        self.ensure_current()
        free, total = _driver.mem_get_info()
        return int(free), int(total)

    def pinned(self, size: int) -> NumpyArray:
        """`size` bytes of pinned host memory, which the device reads and writes directly."""
        self.ensure_current()
        return np.asarray(_driver.pagelocked_empty(size, np.uint8))

    def to_device(self, pointer: int, host: NumpyArray) -> None:
        self._call(_driver.memcpy_htod_async, pointer, host, self.stream)

    def to_host(self, host: NumpyArray, pointer: int) -> None:
        self._call(_driver.memcpy_dtoh_async, host, pointer, self.stream)

    def copy_on_device(self, destination: int, source: int, size: int) -> None:
        self._call(_driver.memcpy_dtod_async, destination, source, size, self.stream)

    def clear(self, pointer: int, size: int) -> None:
        """Set `size` bytes to zero."""
        self._call(_driver.memset_d8_async, pointer, 0, size, self.stream)

    def synchronize(self) -> None:
        self.stream.synchronize()

    def wait_for_others(self) -> None:
        """Wait until all streams of the context are done."""
        self.ensure_current()
        _driver.Context.synchronize()

    def event(self) -> Any:
        """A new event, recorded in the stream now."""
        self.ensure_current()
        event = _driver.Event()
        self.record(event)
        return event

    def record(self, event: Any) -> None:
        """Record `event` again, at the present end of the stream."""
        event.record(self.stream)

    def has_passed(self, event: Any) -> bool:
        """Whether the stream has reached an event; never waits."""
        return bool(event.query())

    # -- kernels ---------------------------------------------------------------------------------------------

    def load(self, cubin: bytes) -> Any:
        self.ensure_current()
        return _driver.module_from_buffer(cubin)

    def facts(self) -> dict[str, Any]:
        """The properties of the device, for display."""
        attribute, of = self.device.get_attribute, _driver.device_attribute
        free, total = self.memory()
        return {
            "name": self.name,
            "index": self.index,
            "arch": self.arch,
            "kind": kind(),
            "driver": _driver.get_driver_version(),
            "memory": total,
            "free": free,
            "multiprocessors": attribute(of.MULTIPROCESSOR_COUNT),
            "clock_khz": attribute(of.CLOCK_RATE),
            "shared_per_block": attribute(of.MAX_SHARED_MEMORY_PER_BLOCK),
            "shared_per_multiprocessor": attribute(of.MAX_SHARED_MEMORY_PER_MULTIPROCESSOR),
            "registers_per_multiprocessor": attribute(of.MAX_REGISTERS_PER_MULTIPROCESSOR),
            "warp": attribute(of.WARP_SIZE),
        }


def _pointer_attribute(which: int, pointer: int) -> int | None:
    """An attribute of a pointer, by a driver function that PyCUDA lacks; None where the driver has none."""
    try:
        library = ctypes.CDLL("libcuda.so.1")  # the one that PyCUDA has loaded
    except OSError:
        return None
    answer = ctypes.c_uint64(0)
    failed = library.cuPointerGetAttribute(ctypes.byref(answer), which, ctypes.c_uint64(pointer))
    return None if failed else int(answer.value)


class Function:
    """A kernel of a loaded module, launched with packed parameters: the fast way, about 1 us a launch."""

    __slots__ = ("_context", "_launch", "_stream", "function", "name")

    def __init__(self, context: Context, module: Any, name: str) -> None:
        self.name, self.function = name, module.get_function(name)
        self._context = context
        self._launch, self._stream = self.function._launch_kernel, context.stream

    def allow_shared(self, size: int) -> None:
        """Allow launches with `size` bytes of dynamic shared memory; without this the limit is 48 KiB."""
        self.function.set_attribute(_driver.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, size)

    def launch(
        self, grid: tuple[int, int, int], block: tuple[int, int, int], packed: bytes, shared: int
    ) -> None:
        try:
            self._launch(grid, block, packed, shared, self._stream)
        except _driver.LogicError:
            self._context.retry(self._launch, grid, block, packed, shared, self._stream)

    def resources(self) -> dict[str, int]:
        """Registers, bytes of static shared memory and bytes of local memory, by the driver."""
        f = self.function
        return {"registers": f.num_regs, "shared": f.shared_size_bytes, "local": f.local_size_bytes}


def compile_cubin(source: str, arch: str, options: list[str], include: Path) -> bytes:
    """Run nvcc once. Raises DeviceError with the compiler's message if it fails."""
    compiler = _pycuda("compiler", _kind or "cuda")
    try:
        return bytes(
            compiler.compile(
                source,
                nvcc=nvcc.find(),
                options=list(options),
                no_extern_c=True,
                arch=arch,
                cache_dir=False,
                include_dirs=[str(include)],
            )
        )
    except _driver.CompileError as error:
        raise wrong(
            DeviceError, None, f"nvcc refused the kernels:\n{error.stderr or error.stdout or error}"
        ) from error


def gpuarray(array: Any) -> Any:
    """A PyCUDA GPUArray in the memory of a DeviceArray."""
    made = _pycuda("gpuarray", _kind or "cuda").GPUArray(
        array.shape, array.dtype, gpudata=array.pointer, strides=array.strides
    )
    made.owner = array  # keeps the memory alive as long as the GPUArray
    return made
