"""Runs kernels of one block: on a stand-in for the driver (lanes.cpp), or by PyCUDA over the real one.

The stand-in shows whether the device headers alone are right; with the driver, whether the two agree.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

HERE = Path(__file__).resolve().parent
DEVICE = HERE.parents[1] / "tinygrad_edu" / "simulator" / "device"
# fmt: off
FLAGS = ["-O1", "-march=native", "-std=c++17", "-shared", "-fPIC", "-pthread", "-ffp-contract=fast",
         "-fno-math-errno", "-fno-trapping-math", "-Wall", "-Wextra", "-Werror", "-Wno-unused-parameter"]
# fmt: on


def build(source: str, *flags: str) -> ctypes.CDLL:
    """The library made of `source`; with "lanes.h" in it, the stand-in for the driver goes in too."""
    if shutil.which("g++") is None:
        pytest.skip("no g++ here; install it to run the tests of warps and groups")
    name = hashlib.sha256(source.encode()).hexdigest()[:12]
    folder = Path(tempfile.mkdtemp(prefix="lanes-"))
    try:
        (folder / "source.cpp").write_text(source)
        library = folder / f"{name}.so"
        command = [
            "g++",
            *FLAGS,
            *flags,
            f"-I{HERE}",
            f"-I{DEVICE}",
            f"-I{DEVICE / 'include'}",
            str(folder / "source.cpp"),
            "-o",
            str(library),
        ]
        if '"lanes.h"' in source:
            # Its own stand-in, also where the real driver is in the process already.
            command += [str(HERE / "lanes.cpp"), "-Wl,-Bsymbolic"]
        result = subprocess.run(command, capture_output=True, text=True)
        assert result.returncode == 0, result.stderr[:4000]
        return ctypes.CDLL(str(library))
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def pointer(array: np.ndarray) -> ctypes.c_void_p:
    """The address of an array's memory."""
    assert array.flags.c_contiguous
    return ctypes.c_void_p(array.ctypes.data)


Run = Callable[[str, int, np.ndarray, np.ndarray], str]


def aligned(array: np.ndarray) -> np.ndarray:
    """A copy of the array's bytes at a multiple of 256, as device memory is."""
    room = np.zeros(array.nbytes + 256, np.uint8)
    start = -room.ctypes.data % 256
    room[start : start + array.nbytes] = np.frombuffer(array.tobytes(), np.uint8)
    return room[start : start + array.nbytes]


def on_threads(source: str, *flags: str) -> Run:
    """Every CUDA thread an OS thread of its own."""
    library = build('#include "lanes.h"\n' + source, *flags)
    library.run_block.restype = ctypes.c_char_p

    def run(kernel: str, threads: int, given: np.ndarray, out: np.ndarray) -> str:
        before, after = aligned(given), aligned(out)
        text = library.run_block(getattr(library, kernel), threads, pointer(before), pointer(after)).decode()
        out.view(np.uint8).reshape(-1)[:] = after
        return text

    return run


def on_driver(pycuda, source: str) -> Run:
    """By PyCUDA."""
    module = pycuda.compiler.SourceModule(source, no_extern_c=True)
    driver = pycuda.driver

    def run(kernel: str, threads: int, given: np.ndarray, out: np.ndarray) -> str:
        try:
            module.get_function(kernel)(driver.In(given), driver.InOut(out), block=(threads, 1, 1))
        except driver.Error as error:
            return str(error)
        return ""

    return run


def either(request: pytest.FixtureRequest, source: str) -> Run:
    """For a fixture with the parameters "threads" and "driver"."""
    if request.param == "threads":
        return on_threads(source)
    return on_driver(request.getfixturevalue("pycuda"), source)
