"""Builds PyCUDA without a CUDA toolkit: from its sdist, headers from PyPI, and the simulator's libcuda.

PyPI has only the source of PyCUDA, and that needs two headers from a toolkit of several gigabytes. The result
is an unchanged PyCUDA: its extension asks for `libcuda.so.1`, and uses NVIDIA's driver or the simulator's,
whichever is loaded. The wheel is kept in the cache, so it is built once for each version of Python.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.control import SimulatorError
from tinygrad_edu.simulator.install import driver

REQUIREMENT = "pycuda>=2026.1"
TOOLS = ("setuptools>=77", "wheel")
# cuda.h and cudaProfiler.h, half a megabyte of headers; the rest of the toolkit is not needed.
HEADERS = ("nvidia-cuda-runtime>=13.0,<14", "nvidia-cuda-profiler-api>=13.0,<14")
DRIVER = "libcuda.so.1"
RECIPE = "wheels-2"  # changed when the build changes; wheels of another recipe are not used

# setup.py would compile one file at a time; this compiles one on each core.
_BUILD = """
import os, runpy, sys, setuptools
from distutils import ccompiler
from multiprocessing.pool import ThreadPool
def compile(self, sources, output_dir=None, macros=None, include_dirs=None, debug=0, extra_preargs=None,
            extra_postargs=None, depends=None):
    macros, objects, extra, search, build = self._setup_compile(output_dir, macros, include_dirs, sources,
                                                                depends, extra_postargs)
    shared = self._get_cc_args(search, debug, extra_preargs)
    with ThreadPool(len(os.sched_getaffinity(0))) as pool:
        pool.map(lambda made: made in build and self._compile(made, *build[made], shared, extra, search),
                 objects, chunksize=1)
    return objects
ccompiler.CCompiler.compile = compile
sys.argv = ["setup.py", "-q", "bdist_wheel", "--dist-dir", sys.argv[1]]
sys.path.insert(0, os.getcwd())
runpy.run_path("setup.py", run_name="__main__")
"""
_TRIAL = "import tinygrad_edu.simulator as simulator; simulator.install(); import pycuda.driver"

Say = Callable[[str], None]


def setup(say: Say, wheels: Path | None = None) -> str:
    """Make `import pycuda` work in this Python under the simulator; returns PyCUDA's version.

    `say` is called with a line at each step; `wheels` is the folder for the wheel (default: in the cache).
    Raises SimulatorError, with advice, if a step fails.
    """
    say("Building the simulator's driver, unless it is built already")
    library = driver()
    if _has_toolkit():
        say(
            "Note: this machine has the CUDA toolkit and a driver; `pip install pycuda` builds PyCUDA "
            "for them, and that PyCUDA runs under the simulator too."
        )
    if importlib.util.find_spec("pycuda") is None or not _pycuda_works():
        folder = wheels if wheels is not None else toolchain.cache_folder() / RECIPE
        wheel = kept_wheel(folder)
        if wheel is None:
            folder.mkdir(parents=True, exist_ok=True)
            wheel = build_wheel(folder, library, say)
        say(f"Installing {wheel.name} into {sys.prefix}")
        # --force-reinstall, since a broken PyCUDA may have the same version. It is for PyCUDA alone.
        _pip("install", "-q", "--force-reinstall", "--no-deps", str(wheel))
        _pip("install", "-q", str(wheel))
        _import_pycuda()
    return pycuda_version() or "unknown"


def pycuda_version() -> str | None:
    """The version of PyCUDA in this environment; None if it is not installed."""
    try:
        return version("pycuda")
    except PackageNotFoundError:
        return None


def kept_wheel(folder: Path) -> Path | None:
    """The newest wheel of PyCUDA in `folder` that was built for this Python; None if there is none."""
    python = f"cp{sys.version_info.major}{sys.version_info.minor}"
    platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
    found = folder.glob(f"pycuda-*-{python}-*-{platform}.whl")
    return max(found, key=lambda path: path.stat().st_mtime, default=None)


def build_wheel(folder: Path, library: Path, say: Say) -> Path:
    """Build PyCUDA's wheel into `folder`, linked with `library`; returns its path."""
    with tempfile.TemporaryDirectory(prefix="pycuda-") as temporary:
        place = Path(temporary)
        say("Fetching PyCUDA's source and the headers of CUDA")
        source = sdist(place)
        _pip("install", "-q", "--no-deps", "--target", str(place / "headers"), *HEADERS)
        include = next((place / "headers").rglob("cuda.h")).parent
        curand = _build_curand_substitute(place / "curand")
        say("Compiling PyCUDA; this takes one to four minutes, once")
        environment = _environment_with_tools(place)
        run(
            [
                sys.executable,
                "configure.py",
                f"--cuda-inc-dir={include},{curand}",
                f"--cudadrv-lib-dir={library.parent}",
                f"--curand-lib-dir={curand}",
            ],
            source,
            environment,
        )
        # -O1 suffices for PyCUDA's wrappers, and compiles in a quarter less time than Python's own -O3.
        for name in ("CFLAGS", "CXXFLAGS"):  # older versions of setuptools use the first one for C++ too
            environment[name] = f"{os.environ.get(name, '')} -O1 -g0 -w"
        run([sys.executable, "-c", _BUILD, str(place / "dist")], source, environment)
        (wheel,) = (place / "dist").glob("*.whl")
        refuse_without_driver(wheel, place)
        # The folder may be on another disk. So the copy gets its final name only when it is complete.
        half = folder / f".{wheel.name}.{os.getpid()}"
        shutil.copyfile(wheel, half)
        half.replace(folder / wheel.name)
        return folder / wheel.name


def _build_curand_substitute(folder: Path) -> Path:
    """Compile the substitute for cuRAND, a static library, beside its header; returns their folder."""
    shutil.copytree(toolchain.SIMULATOR / "curand", folder)
    options = ["-x", "c", "-O1", "-fPIC", "-fvisibility=hidden"]
    run([toolchain.compiler(), *options, "-c", "curand.c", "-o", "curand.o"], folder)
    run(["ar", "rcs", "libcurand.a", "curand.o"], folder)
    return folder


def sdist(place: Path, requirement: str = REQUIREMENT) -> Path:
    """Fetch PyCUDA's sdist into `place` and unpack it; returns the folder of its source."""
    _pip("install", "-q", "--target", str(place / "tools"), *TOOLS)
    _pip(
        "download",
        "-q",
        "--no-deps",
        "--no-build-isolation",
        "--no-binary",
        "pycuda",
        "-d",
        str(place),
        requirement,
        environment=_environment_with_tools(place),
    )
    (archive,) = place.glob("pycuda-*.tar.gz")
    with tarfile.open(archive) as packed:
        packed.extractall(place, filter="data")
    return place / archive.name.removesuffix(".tar.gz")


def needed(extension: Path) -> list[str]:
    """The shared libraries that a compiled extension needs."""
    said = run(["readelf", "-d", str(extension)], extension.parent, {"LC_ALL": "C"})
    return [line.split("[")[1].rstrip("]") for line in said.splitlines() if "(NEEDED)" in line]


def refuse_without_driver(wheel: Path, place: Path) -> None:
    """Raise SimulatorError if the extension in a wheel does not need libcuda; it is unpacked into `place`."""
    with zipfile.ZipFile(wheel) as packed:
        (name,) = [n for n in packed.namelist() if n.startswith("pycuda/_driver") and n.endswith(".so")]
        extension = Path(packed.extract(name, place / "unpacked"))
    needs = needed(extension)
    if DRIVER not in needs:
        raise SimulatorError(
            f"the PyCUDA built here does not ask for {DRIVER}, only for {', '.join(needs) or 'nothing'}: no "
            "driver could be put under it. The linker was told to leave it out; look for options in LDFLAGS."
        )


def _environment_with_tools(place: Path) -> dict[str, str]:
    """The environment variables with which the build tools of `place` are used first."""
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(place / "tools"), os.environ.get("PYTHONPATH")]))}


def _has_toolkit() -> bool:
    return Path("/proc/driver/nvidia/version").exists() and any(
        Path(folder, "cuda.h").exists() for folder in ("/usr/local/cuda/include", "/usr/include")
    )


def _pycuda_works() -> bool:
    try:
        _import_pycuda()
    except SimulatorError:
        return False
    return True


def _import_pycuda() -> None:
    """Import PyCUDA under the simulator in a process of its own."""
    root = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    run([sys.executable, "-c", _TRIAL], Path(root), {"PYTHONPATH": path})


def _pip(*words: str, environment: dict[str, str] | None = None) -> None:
    if importlib.util.find_spec("pip") is None:
        raise SimulatorError(
            f"{sys.executable} has no pip, which fetches and installs PyCUDA; "
            f"add it with: {sys.executable} -m ensurepip"
        )
    command = [sys.executable, "-m", "pip", words[0], "--disable-pip-version-check", "--no-input", *words[1:]]
    run(command, Path.cwd(), environment)


def run(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> str:
    """Run a command and return its output. Raises SimulatorError, with the end of the output, if it fails."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except FileNotFoundError:
        raise SimulatorError(
            f"no {command[0]} on the PATH; it comes with the compiler: on Debian and Ubuntu "
            "`apt install g++`, on Fedora `dnf install gcc-c++`"
        ) from None
    if done.returncode:
        shown = " ".join(word if len(word) < 100 else "..." for word in command)
        last = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-30:])
        raise SimulatorError(f"this failed with exit code {done.returncode}: {shown}\n{last}")
    return done.stdout
