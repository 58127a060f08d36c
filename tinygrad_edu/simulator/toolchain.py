"""The C++ compiler and the cache: what the driver's build and the stand-in for nvcc have in common.

Standard library only and quick to import, because the stand-in starts a new Python for every kernel.

Two names tell versions apart. The library's is made of the driver's sources and the compiler: with a new one,
libcuda.so.1 has to be built again. The build id is made of all sources that decide what a kernel becomes:
`nvcc --version` prints it, so that PyCUDA's own cache never hands out a kernel of another version.
"""

import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

SIMULATOR = Path(__file__).resolve().parent
DRIVER = SIMULATOR / "driver"
DEVICE = SIMULATOR / "device"
COMPILER = SIMULATOR / "nvcc"

DRIVER_FLAGS = (
    "-std=c++17", "-O2", "-g1", "-fPIC", "-fvisibility=hidden", "-pthread", "-Wall", "-Wextra",
    "-DSIM_DRIVER",
)
LIBRARY = "libcuda.so.1"


class ToolchainError(RuntimeError):
    """What is needed to compile is not there, or the compiler refused."""


CACHE_ADVICE = "If that is in the cache: set TINYGRAD_EDU_CACHE to a folder that can be written."


def cache_folder() -> Path:
    """The folder for everything the simulator keeps between runs."""
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
    """What -march=native depends on: a home folder can be shared by unlike machines."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    wanted = ("model name", "flags")
    return "\n".join(next((line for line in lines if line.startswith(name)), "") for name in wanted)


def _digest(files: list[Path]) -> str:
    """A short name for the contents of these files, the compiler and the processor."""
    whole = hashlib.sha256(f"{compiler()}\0{compiler_version()}\0{processor()}\0{DRIVER_FLAGS}".encode())
    for path in sorted(files):
        content = path.read_bytes()
        whole.update(f"{path.relative_to(SIMULATOR)}\0{len(content)}\0".encode() + content)
    return whole.hexdigest()[:16]


def driver_sources() -> list[Path]:
    """The files that libcuda.so.1 is compiled from."""
    return sorted(DRIVER.glob("*.cpp"))


def driver_headers() -> list[Path]:
    """The files that they include."""
    return [*sorted(DRIVER.glob("*.h")), DEVICE / "runtime.h"]


@functools.cache
def library_id() -> str:
    """Changes when libcuda.so.1 would."""
    return _digest(driver_sources() + driver_headers())


@functools.cache
def build_id() -> str:
    """Changes when what a kernel is compiled to might."""
    device = [path for path in DEVICE.rglob("*") if path.is_file()]
    return _digest(driver_sources() + driver_headers() + device + list(COMPILER.glob("*.py")))


def library_path() -> Path:
    """Where libcuda.so.1 of these sources lies once it is built (tinygrad_edu.simulator.build builds it)."""
    return cache_folder() / library_id() / LIBRARY


def build_folder() -> Path:
    """The cache of what is compiled for kernels: precompiled headers, variants of modules."""
    return cache_folder() / build_id()


def object_key(source: Path) -> str:
    """Names the object file of one source of the driver."""
    return _digest([source, *driver_headers()])


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file of the cache so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.name + ".")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
