"""The C++ compiler and the cache, for the build of the driver and for the simulator's nvcc.

This module uses the standard library only and is quick to import, because the simulator's nvcc starts a new
Python process for each kernel.

Two hashes identify versions. `library_id` is a hash of the driver's sources and the compiler; when it
changes, libcuda.so.1 is built again. `build_id` is a hash of all sources that affect compiled kernels. `nvcc
--version` prints it, so PyCUDA's own cache never returns a kernel of another version.
"""

import functools
import hashlib
import os
import platform
import shutil
import subprocess
from pathlib import Path

SIMULATOR = Path(__file__).resolve().parent
DRIVER = SIMULATOR / "driver"
DEVICE = SIMULATOR / "device"
COMPILER = SIMULATOR / "nvcc"

DRIVER_FLAGS = (
    "-std=c++17", "-O2", "-g1", "-fPIC", "-fvisibility=hidden", "-pthread", "-Wall", "-Wextra",
    "-DSIM_DRIVER",
)  # fmt: skip
LIBRARY = "libcuda.so.1"


class ToolchainError(RuntimeError):
    """A tool for compiling is missing, or the compilation failed."""


CACHE_ADVICE = "If that is in the cache: set TINYGRAD_EDU_CACHE to a folder that can be written."


def cache_folder() -> Path:
    """The folder of all files that the simulator keeps between runs."""
    own = os.environ.get("TINYGRAD_EDU_CACHE")
    if own:
        return Path(own).absolute() / "simulator"
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user) / "tinygrad_edu" / "simulator"


@functools.cache
def compiler() -> str:
    """The path of g++."""
    if platform.system() != "Linux" or platform.machine() not in ("x86_64", "AMD64"):
        raise ToolchainError(
            "The CUDA simulator runs on Linux on x86-64 only: it switches between threads in assembly. "
            f"This is {platform.system()} on {platform.machine()}. Use WSL on Windows, a container elsewhere."
        )
    path = shutil.which("g++") or shutil.which("x86_64-conda-linux-gnu-g++")
    if path is None:
        raise ToolchainError(
            "The CUDA simulator compiles with g++, and there is no g++ on the PATH. Install it:\n"
            "  Debian, Ubuntu, Colab:  sudo apt-get install g++\n"
            "  Fedora, Red Hat:        sudo dnf install gcc-c++\n"
            "  conda, without root:    conda install -c conda-forge gxx, then activate the environment again"
        )
    return path


@functools.cache
def compiler_version() -> str:
    """The first line of `g++ --version`."""
    run = subprocess.run([compiler(), "--version"], capture_output=True, text=True, check=False)
    if run.returncode:
        raise ToolchainError(f"{compiler()} --version failed:\n{run.stderr}")
    return run.stdout.partition("\n")[0]


@functools.cache
def processor() -> str:
    """A description of the processor, for -march=native: different machines can share a home folder."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    fields = ("model name", "flags")
    return "\n".join(next((line for line in lines if line.startswith(name)), "") for name in fields)


def _digest(files: list[Path]) -> str:
    """A short hash of the contents of these files, the compiler and the processor."""
    whole = hashlib.sha256(f"{compiler()}\0{compiler_version()}\0{processor()}\0{DRIVER_FLAGS}".encode())
    for path in sorted(files):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(SIMULATOR)}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:16]


def driver_sources() -> list[Path]:
    """The files that libcuda.so.1 is compiled from."""
    return sorted(DRIVER.glob("*.cpp"))


def driver_headers() -> list[Path]:
    """The headers that the driver's sources include."""
    return [*sorted(DRIVER.glob("*.h")), DEVICE / "runtime.h"]


@functools.cache
def library_id() -> str:
    """A hash that changes with libcuda.so.1."""
    return _digest(driver_sources() + driver_headers())


@functools.cache
def build_id() -> str:
    """A hash that changes with all that affects compiled kernels."""
    device = [path for path in DEVICE.rglob("*") if path.is_file()]
    return _digest(driver_sources() + driver_headers() + device + list(COMPILER.glob("*.py")))


def library_path() -> Path:
    """The path of libcuda.so.1 of these sources (tinygrad_edu.simulator.build builds it)."""
    return cache_folder() / library_id() / LIBRARY


def build_folder() -> Path:
    """The cache folder of compiled kernels: precompiled headers and variants of modules."""
    return cache_folder() / build_id()


def object_key(source: Path) -> str:
    """A hash that names the object file of one source of the driver."""
    return _digest([source, *driver_headers()])
