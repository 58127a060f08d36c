"""Puts the simulator under PyCUDA: its driver into this process, its compiler first on the PATH.

PyCUDA's extension asks the loader for `libcuda.so.1`. A library that calls itself so and is loaded already
is what it gets. So nothing of PyCUDA is changed, and nothing of the system: the next process is as before.
"""
from __future__ import annotations

import importlib.util
import os
import re
import sys
import warnings
from pathlib import Path

from tinygrad_edu.simulator import build, control, toolchain
from tinygrad_edu.simulator.control import SimulatorError
from tinygrad_edu.simulator.nvcc.shim import write_shim
from tinygrad_edu.simulator.toolchain import ToolchainError

MODES = ("plain", "check", "profile")
_MAPS = Path("/proc/self/maps")
_GPU = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidia0"))


def install() -> None:
    """Make the next `import pycuda` use the simulator; again, it does nothing.

    The driver is built on first use, which takes g++ and about a minute. The environment variable
    TINYGRAD_EDU_SIMULATOR chooses what kernels run with: "plain" (the default), "check" or "profile".
    Raises SimulatorError, with what to do, where that cannot be.
    """
    if control.is_loaded():
        return
    refuse_without_compiler()
    mode = os.environ.get("TINYGRAD_EDU_SIMULATOR", "plain")
    if mode not in MODES:
        raise SimulatorError(f"TINYGRAD_EDU_SIMULATOR={mode} is none of {', '.join(MODES)}")
    refuse_loaded_driver()
    if importlib.util.find_spec("pycuda") is None:
        raise SimulatorError("PyCUDA is not installed in this Python; `tinygrad-edu simulator setup` builds "
                             "and installs it, also where no CUDA toolkit is")
    if any(path.exists() for path in _GPU):
        warnings.warn("this machine has an NVIDIA GPU, and kernels will run on the simulator instead; leave "
                      "out tinygrad_edu.simulator.install() to use the GPU", stacklevel=2)
    _load(mode)


def is_installed() -> bool:
    """Whether this process has the simulator for its CUDA driver."""
    return control.is_loaded()


def _load(mode: str) -> None:
    library = driver()
    folder = toolchain.build_folder()
    compiler = write_shim(folder / "bin")
    os.environ["TINYGRAD_EDU_SIMULATOR_LIB"] = str(library)
    os.environ["PATH"] = os.pathsep.join([str(compiler.parent), os.environ.get("PATH", os.defpath)])
    if "PYCUDA_CACHE_DIR" not in os.environ:
        # What was compiled for one build of the simulator is of no use to the next: it goes where that goes.
        kernels = folder / "pycuda"
        kernels.mkdir(parents=True, exist_ok=True)
        os.environ["PYCUDA_CACHE_DIR"] = str(kernels)
    control.load(library)
    control.set_value("compiler", str(compiler))
    control.set_value("cache", str(folder))
    control.set_value("mode", mode)


def driver() -> Path:
    """The driver's library, built now when it is not in the cache; SimulatorError where that cannot be."""
    try:
        return build.library()
    except ToolchainError as error:
        raise SimulatorError(str(error)) from error
    except OSError as error:
        raise SimulatorError(f"the simulator cannot be built: {error}. {toolchain.CACHE_ADVICE}") from error


def refuse_without_compiler() -> None:
    """Raise SimulatorError where nothing can be compiled: on another system, or without g++."""
    try:
        toolchain.compiler()
    except ToolchainError as error:
        raise SimulatorError(str(error)) from error


def refuse_loaded_driver() -> None:
    """Raise SimulatorError when this process has another CUDA driver already."""
    loaded = loaded_driver(_MAPS.read_text()) if _MAPS.exists() else None
    if loaded is None and "pycuda._driver" not in sys.modules:
        return
    who = "pycuda was imported" if "pycuda._driver" in sys.modules else "something"
    raise SimulatorError(
        f"this process has a CUDA driver already, {loaded or 'of another name'}: {who} before "
        "tinygrad_edu.simulator.install(). Call install() first, before pycuda, torch or CuPy is imported; "
        "in a notebook, restart the kernel.")


def loaded_driver(maps: str) -> str | None:
    """The path of the libcuda.so in a process, from the text of its /proc/<pid>/maps; None without one."""
    found = re.search(r"(/\S.*/libcuda\.so(?:\.[0-9.]+)?)(?: \(deleted\))?$", maps, re.MULTILINE)
    return None if found is None else found[1]
