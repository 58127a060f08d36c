"""Installs the simulator for PyCUDA: loads its driver, and puts its compiler first on the PATH.

PyCUDA's extension asks the loader for `libcuda.so.1`, and gets the library of that name that is loaded
already. So neither PyCUDA nor the system is changed, and other processes are not affected.
"""

from __future__ import annotations

import atexit
import importlib.util
import os
import re
import shutil
import sys
import tempfile
import warnings
from pathlib import Path

from tinygrad_edu.simulator import build, control, seal, toolchain
from tinygrad_edu.simulator.control import SimulatorError
from tinygrad_edu.simulator.nvcc import blob
from tinygrad_edu.simulator.nvcc.shim import write_shim
from tinygrad_edu.simulator.toolchain import ToolchainError

MODES = ("plain", "check", "profile")
_MAPS = Path("/proc/self/maps")
_GPU = (Path("/proc/driver/nvidia/version"), Path("/dev/nvidia0"))


def install() -> None:
    """Make the next `import pycuda` use the simulator; further calls do nothing.

    The driver is built on first use, which takes g++ and about a minute. The environment variable
    TINYGRAD_EDU_SIMULATOR chooses the mode of kernels: "plain" (the default), "check" or "profile".
    Raises SimulatorError, with advice, if it cannot be installed.
    """
    if control.is_loaded():
        return
    refuse_without_compiler()
    mode = os.environ.get("TINYGRAD_EDU_SIMULATOR", "plain")
    if mode not in MODES:
        raise SimulatorError(f"TINYGRAD_EDU_SIMULATOR={mode} is none of {', '.join(MODES)}")
    refuse_loaded_driver()
    if importlib.util.find_spec("pycuda") is None:
        raise SimulatorError(
            "PyCUDA is not installed in this Python; `tinygrad-edu simulator setup` builds "
            "and installs it, also where no CUDA toolkit is"
        )
    if any(path.exists() for path in _GPU):
        warnings.warn(
            "this machine has an NVIDIA GPU, and kernels will run on the simulator instead; leave "
            "out tinygrad_edu.simulator.install() to use the GPU",
            stacklevel=2,
        )
    _load(mode)


def is_installed() -> bool:
    """Whether the simulator is the CUDA driver of this process."""
    return control.is_loaded()


def _load(mode: str) -> None:
    library = driver()
    folder = toolchain.build_folder()
    compiler = write_shim(_folder_for_path(folder / "bin"))
    os.environ["TINYGRAD_EDU_SIMULATOR_LIB"] = str(library)
    os.environ["PATH"] = os.pathsep.join([str(compiler.parent), os.environ.get("PATH", os.defpath)])
    if "PYCUDA_CACHE_DIR" not in os.environ:
        # Kernels compiled for one build of the simulator cannot be used by another: they are in its folder.
        kernels = seal.folder(folder / "pycuda", toolchain.cache_folder())
        _delete_incomplete(kernels)
        os.environ["PYCUDA_CACHE_DIR"] = str(kernels)
    control.load(library)
    control.set_value("compiler", str(compiler))
    control.set_value("cache", str(folder))
    control.set_value("mode", mode)


def _folder_for_path(folder: Path) -> Path:
    """The folder, or a temporary one if its name cannot be part of a PATH."""
    if os.pathsep not in str(folder):
        return folder
    for place in (tempfile.gettempdir(), "/tmp", "/var/tmp", "/dev/shm"):
        if os.pathsep not in place and os.access(place, os.W_OK):
            made = tempfile.mkdtemp(prefix="tinygrad-edu-", dir=place)
            atexit.register(shutil.rmtree, made, ignore_errors=True)
            return Path(made)
    raise SimulatorError(
        f"the compiler lies in {folder}, and a folder with a colon in its name cannot be on "
        "the PATH. Set TINYGRAD_EDU_CACHE to a folder without one."
    )


def _delete_incomplete(kernels: Path) -> None:
    """Delete incomplete files of PyCUDA's cache, since PyCUDA would load them."""
    for path in kernels.glob("*.*"):
        if not blob.is_complete(path):
            seal.make_way(path)
            path.unlink(missing_ok=True)


def driver() -> Path:
    """The path of the driver, built now if it is not in the cache. Raises SimulatorError if that fails."""
    try:
        return build.library()
    except ToolchainError as error:
        raise SimulatorError(str(error)) from error
    except OSError as error:
        raise SimulatorError(f"the simulator cannot be built: {error}. {toolchain.CACHE_ADVICE}") from error


def refuse_without_compiler() -> None:
    """Raise SimulatorError if nothing can be compiled: on another system, or without g++."""
    try:
        toolchain.compiler()
    except ToolchainError as error:
        raise SimulatorError(str(error)) from error


def refuse_loaded_driver() -> None:
    """Raise SimulatorError if this process has loaded another CUDA driver."""
    loaded = loaded_driver(_MAPS.read_text()) if _MAPS.exists() else None
    if loaded is None and "pycuda._driver" not in sys.modules:
        return
    who = "pycuda was imported" if "pycuda._driver" in sys.modules else "something"
    raise SimulatorError(
        f"this process has a CUDA driver already, {loaded or 'of another name'}: {who} before "
        "tinygrad_edu.simulator.install(). Call install() first, before pycuda, torch or CuPy is imported; "
        "in a notebook, restart the kernel."
    )


def loaded_driver(maps: str) -> str | None:
    """The path of the libcuda.so in a process, from the text of its /proc/<pid>/maps; None without one."""
    found = re.search(r"(/\S.*/libcuda\.so(?:\.[0-9.]+)?)(?: \(deleted\))?$", maps, re.MULTILINE)
    return None if found is None else found[1]
