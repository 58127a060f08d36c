"""The thread to the loaded driver: its settings, its answers, and the line of Python it asks for.

Everything that Python wants of the driver beyond CUDA's own calls goes through three functions that the
library exports: sim_set, sim_get and sim_set_where.
"""
from __future__ import annotations

import atexit
import ctypes
import json
import os
import sys
from pathlib import Path
from types import FrameType
from typing import Any

_NO_CONTEXT = (3, 201)          # CUDA_ERROR_NOT_INITIALIZED, CUDA_ERROR_INVALID_CONTEXT: nothing to wait for
_BELOW = ("pycuda", "pytools", "tinygrad_edu")      # what lies between the user's line and the driver
_Where = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int)
_NO_CALLBACK = _Where()         # a null pointer


class SimulatorError(RuntimeError):
    """The simulator cannot do what it was asked to, or has found what it was asked to look for."""


_library: ctypes.CDLL | None = None


def load(path: Path) -> None:
    """Load the driver so that PyCUDA, which asks for libcuda.so.1, gets this one."""
    global _library
    # Local: whoever needs it asks for it by name, and its __tsan_* must not reach anybody else.
    library = ctypes.CDLL(str(path), mode=ctypes.RTLD_LOCAL)
    library.sim_set.argtypes, library.sim_set.restype = (ctypes.c_char_p, ctypes.c_char_p), ctypes.c_int
    library.sim_get.argtypes, library.sim_get.restype = (ctypes.c_char_p,), ctypes.c_char_p
    library.sim_set_where.argtypes, library.sim_set_where.restype = (_Where,), None
    library.sim_set_where(_callback)
    # Memory that is freed while the interpreter goes down must not call back into it.
    atexit.register(library.sim_set_where, _NO_CALLBACK)
    _library = library


def is_loaded() -> bool:
    """Whether the driver is in this process."""
    return _library is not None


def library() -> ctypes.CDLL:
    """The loaded driver; raises SimulatorError when there is none."""
    if _library is None:
        raise SimulatorError("the simulator is not installed in this process; call "
                             "tinygrad_edu.simulator.install() before pycuda is imported")
    return _library


def set_value(key: str, value: str) -> None:
    """Set one of the driver's settings; raises SimulatorError when it does not take the value."""
    if library().sim_set(key.encode(), os.fsencode(value)) != 0:
        raise SimulatorError(f"the simulator does not take {value!r} as its {key}")
    if key == "mode":       # for the compiler, which makes first what will run first
        os.environ["TINYGRAD_EDU_SIMULATOR_MODE"] = value


def get_value(key: str) -> str:
    """One of the driver's answers, as text."""
    return os.fsdecode(library().sim_get(key.encode()))


def get_json(key: str) -> Any:
    """One of the driver's answers that is JSON."""
    return json.loads(get_value(key))


def finish() -> str | None:
    """Run what still waits in the streams of the current context; the report, if that failed."""
    status = library().cuCtxSynchronize()
    return None if status == 0 or status in _NO_CONTEXT else get_value("report")


def user_frame(frame: FrameType | None) -> FrameType | None:
    """The innermost frame outside of PyCUDA and of this library: the line of the user that led here."""
    while frame is not None:
        top = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if top not in _BELOW and not frame.f_code.co_filename.startswith("<frozen "):
            return frame
        frame = frame.f_back
    return None


def line_of(frame: FrameType | None) -> str:
    """`train.py:31`, the path as seen from the working folder when it is in there; "" without a frame."""
    if frame is None:
        return ""
    return f"{short_path(frame.f_code.co_filename)}:{frame.f_lineno}"


def short_path(name: str) -> str:
    """A file as seen from the working folder when it is in there, else as it is."""
    path = Path(name)
    if not path.is_absolute():
        return name
    try:
        return str(path.relative_to(Path.cwd()))
    except (OSError, ValueError):       # elsewhere, or the working folder is gone
        return name


def _tell_where(out: int, size: int) -> int:
    """Write the user's line into the driver's buffer; returns the length, 0 when there is no line."""
    try:
        text = line_of(user_frame(sys._getframe())).encode(errors="replace")[:max(size - 1, 0)]
        if size > 0:
            ctypes.memmove(out, text + b"\0", len(text) + 1)
        return len(text)
    except Exception:       # no exception can leave a callback; a report without a line is still a report
        return 0


_callback = _Where(_tell_where)     # the driver holds no reference to it
