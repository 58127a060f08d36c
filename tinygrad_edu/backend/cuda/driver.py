"""The only door to PyCUDA: contexts, memory, copies, launches and nvcc, as few words as the backend needs.

The device `simulator` is the same code over the simulated driver, put under PyCUDA before its first import.
"""

from __future__ import annotations

import atexit
import contextlib
import ctypes
import importlib
import importlib.util
import sys
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda import nvcc
from tinygrad_edu.errors import DeviceError

_lock = threading.Lock()
_kind: str | None = None  # "cuda" or "simulator", once PyCUDA is imported: a process has one driver
_driver: Any = None
_local = threading.local()  # .current: the _Current of this thread
_entered: weakref.WeakSet[_Current] = weakref.WeakSet()  # of all threads
_open: list[Context] = []
_watched: Callable[[], bool] | None = None  # of the simulator: whether its checker is on

NumpyArray = np.ndarray[Any, Any]


def start(kind: str) -> None:
    """Import PyCUDA over the driver of `kind`. Raises DeviceError with what to do where that cannot be."""
    global _kind, _driver, _watched
    with _lock:
        if _kind == kind:
            return
        if _kind is not None:
            raise DeviceError(
                f"this process runs its kernels on the device {_kind!r}; a process has one CUDA "
                f"driver, so {kind!r} needs another process"
            )
        if kind == "simulator":
            _install_simulator()
        elif "tinygrad_edu.simulator" in sys.modules and _simulated():
            raise DeviceError(
                "the simulator is this process's CUDA driver; ask for device='simulator', or "
                "start without tinygrad_edu.simulator.install() to use a GPU"
            )
        _driver = _pycuda("driver", kind)
        try:
            _driver.init()
        except Exception as error:
            raise DeviceError(
                f"CUDA does not start: {error}. Is there an NVIDIA GPU, and its driver? Without "
                "one, device='simulator' runs the same kernels on the CPU"
            ) from error
        if kind == "simulator":
            _watched = importlib.import_module("tinygrad_edu.simulator.checking").is_checking
        _kind = kind


def _simulated() -> bool:
    return bool(importlib.import_module("tinygrad_edu.simulator").is_installed())


def _install_simulator() -> None:
    simulator = importlib.import_module("tinygrad_edu.simulator")
    try:
        simulator.install()
    except simulator.SimulatorError as error:
        raise DeviceError(f"the simulator cannot run here: {error}") from error


def _pycuda(part: str, kind: str) -> ModuleType:
    try:
        return importlib.import_module(f"pycuda.{part}")
    except ImportError as error:
        if importlib.util.find_spec("pycuda") is None:
            advice = (
                "PyCUDA is not installed: `pip install pycuda` on a machine with a CUDA toolkit, "
                "or `tinygrad-edu simulator setup` without one"
            )
        else:
            advice = (
                f"PyCUDA cannot be loaded ({error}). Without an NVIDIA driver there is no 'cuda'; "
                "device='simulator' runs the same kernels on the CPU"
            )
        raise DeviceError(f"no device {kind!r}: {advice}") from error


def is_simulator() -> bool:
    """Whether the running driver is the simulated one."""
    return _kind == "simulator"


def kind() -> str | None:
    """The driver of this process: "cuda", "simulator", or None while no device was used."""
    return _kind


def counted() -> Any:
    """The simulator's profile of what is launched inside: `with counted() as profile`."""
    return importlib.import_module("tinygrad_edu.simulator").profile()


def available() -> bool:
    """Whether there is a GPU that this process can use. Makes no context."""
    if _kind is None and not ("tinygrad_edu.simulator" in sys.modules and _simulated()):
        with contextlib.suppress(DeviceError):
            start("cuda")
    return _kind == "cuda" and device_count() > 0


def refused() -> type[Exception]:
    """What PyCUDA raises when the driver refuses a call."""
    error: type[Exception] = _driver.Error
    return error


def device_count() -> int:
    """How many devices the driver has."""
    return int(_driver.Device.count())


class _Current:
    """A context that is current in the thread that holds this.

    PyCUDA aborts the process when a thread ends with one, so it is left when the thread's locals go. Those of
    a thread that is still running when the interpreter ends go in the main thread, where nothing can be left.
    """

    __slots__ = ("__weakref__", "context", "thread")

    def __init__(self, context: Context) -> None:
        self.context: Context | None = context
        self.thread = threading.get_ident()
        _entered.add(self)

    def leave(self) -> None:
        context, self.context = self.context, None
        if context is not None and self.thread == threading.get_ident():
            try:
                _driver.Context.pop()
            except _driver.Error:
                if context.open:  # else another thread has shut it down, and PyCUDA forgot it by itself
                    raise

    def __del__(self) -> None:
        self.leave()


def current(context: Context) -> bool:
    """Whether the thread's current context is this one, as far as this module knows."""
    mine = getattr(_local, "current", None)
    return mine is not None and mine.context is context and context.open


def leave() -> None:
    """Leave the thread's current context, if it has one."""
    mine = getattr(_local, "current", None)
    if mine is not None:
        mine.leave()


at_end: list[Callable[[], None]] = []  # what frees the open devices, while Python still runs


@atexit.register
def _end() -> None:
    """Before the interpreter goes: no thread keeps a context, and what PyCUDA made is freed in its own."""
    _stop_daemons()
    for close in list(at_end):
        try:
            close()
        except (DeviceError, _driver.Error):
            pass  # memory is lent, or a kernel crashed: the driver frees it with the process
        except Exception as error:  # what nobody waited for, such as a bad index
            sys.stderr.write(f"{type(error).__name__}: {error}\n")
    leave()


def _stop_daemons(patience: float = 2.0) -> None:
    """End the daemon threads that have a context, for at most so many seconds.

    Python is about to stop them where they are, and PyCUDA would abort the process: a thread can only leave
    its context by itself. One that sleeps in a call of C is not reached; it does not run any more either.
    """
    raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
    until = time.monotonic() + patience
    while time.monotonic() < until:
        running = {t.ident for t in threading.enumerate() if t.daemon} - {threading.get_ident()}
        held = {c.thread for c in list(_entered) if c.context is not None} & running
        if not held:
            return
        for thread in held:
            raise_in(ctypes.c_ulong(thread), ctypes.py_object(SystemExit))
        time.sleep(0.01)


class Context:
    """One device's primary context, its stream, and what can be asked of it."""

    def __init__(self, index: int) -> None:
        if not 0 <= index < device_count():
            more = "; tinygrad_edu.simulator.configure(devices=...) gives it more" if is_simulator() else ""
            raise DeviceError(f"no device with index {index}: there are {device_count()}{more}")
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
        """Make this context the thread's current one, if it is not."""
        if not current(self):
            if not self.open:
                raise DeviceError("the device of this tensor was shut down; new tensors start it again")
            leave()
            self.context.push()
            _local.current = _Current(self)

    def close(self) -> None:
        """Give the context back, which has nothing left to do. What was allocated in it is gone."""
        self.activate()
        self.stream = None  # PyCUDA frees it in its context, and so now
        leave()
        self.open = False
        _open.remove(self)
        self.context.detach()

    # -- memory ----------------------------------------------------------------------------------------------

    def is_device_memory(self, pointer: int) -> bool:
        """Whether the driver knows `pointer` for a device's memory; it does not know ordinary host memory."""
        self.activate()
        return _pointer_attribute(2, pointer) == 2  # CU_POINTER_ATTRIBUTE_MEMORY_TYPE, CU_MEMORYTYPE_DEVICE

    def owner(self, pointer: int) -> int | None:
        """The index of the open device that holds the memory at `pointer`; None where that is not known, as
        of memory that belongs to no context (cudaMallocAsync)."""
        self.activate()
        context = _pointer_attribute(1, pointer)  # CU_POINTER_ATTRIBUTE_CONTEXT
        return next((other.index for other in _open if other.context.handle == context), None)

    def allocate(self, size: int) -> Any:
        """`size` bytes; its int() is the address. Raises MemoryError when the device has no more."""
        try:
            return _driver.mem_alloc(size)
        except _driver.MemoryError as error:
            raise MemoryError(str(error)) from error

    def watched(self) -> bool:
        """Whether the simulator's checker watches what happens now."""
        return _watched is not None and _watched()

    def memory(self) -> tuple[int, int]:
        """(free, all) bytes of the device."""
        self.activate()
        free, total = _driver.mem_get_info()
        return int(free), int(total)

    def pinned(self, size: int) -> NumpyArray:
        """`size` bytes of host memory that the device copies to and from by itself."""
        return np.asarray(_driver.pagelocked_empty(size, np.uint8))

    def to_device(self, pointer: int, host: NumpyArray) -> None:
        _driver.memcpy_htod_async(pointer, host, self.stream)

    def to_host(self, host: NumpyArray, pointer: int) -> None:
        _driver.memcpy_dtoh_async(host, pointer, self.stream)

    def between(self, destination: int, source: int, size: int) -> None:
        _driver.memcpy_dtod_async(destination, source, size, self.stream)

    def clear(self, pointer: int, size: int) -> None:
        """Zero `size` bytes."""
        _driver.memset_d8_async(pointer, 0, size, self.stream)

    def synchronize(self) -> None:
        self.stream.synchronize()

    def wait_for_others(self) -> None:
        """Return when the other streams of the context are done too."""
        self.activate()
        _driver.Context.synchronize()

    def event(self) -> Any:
        """A moment of the stream, recorded now."""
        event = _driver.Event()
        self.record(event)
        return event

    def record(self, event: Any) -> None:
        """Let `event` be the moment that the stream is at now."""
        event.record(self.stream)

    def passed(self, event: Any) -> bool:
        """Whether the stream is past an event; never waits."""
        return bool(event.query())

    # -- kernels ---------------------------------------------------------------------------------------------

    def load(self, cubin: bytes) -> Any:
        return _driver.module_from_buffer(cubin)

    def facts(self) -> dict[str, Any]:
        """What the device says of itself, for people."""
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
    """What the driver says of a pointer, which PyCUDA has no word for; None where it says nothing."""
    try:
        library = ctypes.CDLL("libcuda.so.1")  # the one that PyCUDA has loaded
    except OSError:
        return None
    answer = ctypes.c_uint64(0)
    failed = library.cuPointerGetAttribute(ctypes.byref(answer), which, ctypes.c_uint64(pointer))
    return None if failed else int(answer.value)


class Function:
    """A kernel of a loaded module, ready to be launched with packed bytes: the thin way, about 1 us."""

    __slots__ = ("_launch", "_stream", "function", "name")

    def __init__(self, context: Context, module: Any, name: str) -> None:
        self.name, self.function = name, module.get_function(name)
        self._launch, self._stream = self.function._launch_kernel, context.stream

    def allow_shared(self, size: int) -> None:
        """Ask for more dynamic shared memory than the 48 KiB that every launch may have."""
        self.function.set_attribute(_driver.function_attribute.MAX_DYNAMIC_SHARED_SIZE_BYTES, size)

    def launch(
        self, grid: tuple[int, int, int], block: tuple[int, int, int], packed: bytes, shared: int
    ) -> None:
        self._launch(grid, block, packed, shared, self._stream)

    def resources(self) -> dict[str, int]:
        """Registers, static shared and local bytes, as the driver reports them."""
        f = self.function
        return {"registers": f.num_regs, "shared": f.shared_size_bytes, "local": f.local_size_bytes}


def compile_cubin(source: str, arch: str, options: list[str], include: Path) -> bytes:
    """One nvcc run. Raises DeviceError with the compiler's words when it fails."""
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
        raise DeviceError(f"nvcc refused the kernels:\n{error.stderr or error.stdout or error}") from error


def gpuarray(array: Any) -> Any:
    """A GPUArray over the memory of a DeviceArray."""
    made = _pycuda("gpuarray", _kind or "cuda").GPUArray(
        array.shape, array.dtype, gpudata=array.pointer, strides=array.strides
    )
    made.owner = array  # its memory lives as long as the GPUArray
    return made
