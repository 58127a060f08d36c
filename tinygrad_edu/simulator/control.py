"""Access to the loaded driver: its settings, its answers, and the user's line for its reports.

Besides CUDA's own functions, Python uses four functions of the library: sim_set and sim_get for settings and
answers, sim_set_where for the user's line, and sim_set_raises for Ctrl-C.
"""

from __future__ import annotations

import atexit
import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import Any

_NO_CONTEXT = (
    3,
    201,
)  # CUDA_ERROR_NOT_INITIALIZED, CUDA_ERROR_INVALID_CONTEXT: so there is no work to wait for
_LIBRARIES = ("pycuda", "pytools", "tinygrad_edu")  # the libraries between the user's line and the driver
_Where = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_Raises = ctypes.CFUNCTYPE(ctypes.c_int)


class SimulatorError(RuntimeError):
    """The simulator cannot do what was requested, or it has found an error that it was told to look for."""


_library: ctypes.CDLL | None = None


def load(path: Path) -> None:
    """Load the driver; PyCUDA, which asks for libcuda.so.1, then gets this library."""
    global _library
    # RTLD_LOCAL, since other libraries must not use its __tsan_* functions. PyCUDA finds it by its name.
    library = ctypes.CDLL(str(path), mode=ctypes.RTLD_LOCAL)
    library.sim_set.argtypes, library.sim_set.restype = (ctypes.c_char_p, ctypes.c_char_p), ctypes.c_int
    library.sim_get.argtypes, library.sim_get.restype = (ctypes.c_char_p,), ctypes.c_char_p
    library.sim_set_where.argtypes, library.sim_set_where.restype = (_Where,), None
    library.sim_set_where(_callback)
    library.sim_set_raises.argtypes, library.sim_set_raises.restype = (_Raises,), None
    library.sim_set_raises(_raises_callback)
    # Memory that is freed while the interpreter ends must not call Python.
    atexit.register(library.sim_set_where, _Where())
    atexit.register(library.sim_set_raises, _Raises())
    _library = library


def is_loaded() -> bool:
    """Whether the driver is loaded in this process."""
    return _library is not None


def library() -> ctypes.CDLL:
    """The loaded driver. Raises SimulatorError if it is not loaded."""
    if _library is None:
        raise SimulatorError(
            "the simulator is not installed in this process; call "
            "tinygrad_edu.simulator.install() before pycuda is imported"
        )
    return _library


def set_value(key: str, value: str) -> None:
    """Set one of the driver's settings. Raises SimulatorError if the driver rejects the value."""
    if library().sim_set(key.encode(), os.fsencode(value)) != 0:
        raise SimulatorError(f"the simulator does not take {value!r} as its {key}")
    if key == "mode":  # tells the compiler which variant will run first
        os.environ["TINYGRAD_EDU_SIMULATOR_MODE"] = value


def get_value(key: str) -> str:
    """One of the driver's answers, as text."""
    return os.fsdecode(library().sim_get(key.encode()))


def get_json(key: str) -> Any:
    """One of the driver's answers that is JSON."""
    return json.loads(get_value(key))


def finish() -> str | None:
    """Run the waiting work of all streams of the current context; returns the report if that failed."""
    status = library().cuCtxSynchronize()
    return None if status == 0 or status in _NO_CONTEXT else get_value("report")


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame outside of PyCUDA and this library: that of the user's line."""
    while frame is not None:
        top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if top not in _LIBRARIES and not frame.f_code.co_filename.startswith("<frozen "):
            return frame
        frame = frame.f_back
    return None


def line_of(frame: FrameType | None) -> str:
    """`train.py:31`, with a path relative to the working folder if it is inside; "" without a frame."""
    if frame is None:
        return ""
    return f"{short_path(frame.f_code.co_filename)}:{frame.f_lineno}"


def short_path(name: str) -> str:
    """A path relative to the working folder if it is inside, else unchanged."""
    path = Path(name)
    if not path.is_absolute():
        return name
    try:
        return str(path.relative_to(Path.cwd()))
    except (OSError, ValueError):  # outside of the working folder, or the working folder was deleted
        return name


def _write_user_line(out: int, size: int) -> int:
    """Write the user's line into the driver's buffer; returns its length, 0 if there is no line."""
    try:
        text = line_of(user_frame(sys._getframe())).encode(errors="replace")[: max(size - 1, 0)]
        if size > 0:
            ctypes.memmove(out, text + b"\0", len(text) + 1)
        return len(text)
    except KeyboardInterrupt:
        return -1  # an exception cannot leave a callback, so the driver repeats the Ctrl-C
    except Exception:  # a report without a line is better than none
        return 0


def _ctrl_c_raises() -> int:
    """1 if Ctrl-C raises KeyboardInterrupt, 0 if the program has its own handler, -1 if it just raised."""
    try:
        return int(signal.getsignal(signal.SIGINT) is signal.default_int_handler)
    except KeyboardInterrupt:
        return -1


_callback = _Where(_write_user_line)  # kept here, since the driver has no reference to them
_raises_callback = _Raises(_ctrl_c_raises)
