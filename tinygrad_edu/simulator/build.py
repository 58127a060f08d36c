"""Builds libcuda.so.1, the simulator's driver, into the cache: `tinygrad-edu simulator build`.

It happens on first use, so that the wheel stays pure Python and the library fits the machine's compiler.
Objects are kept by the contents of their source and of all headers, so that changing one source compiles one
file.
"""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.toolchain import ToolchainError

# Seen from outside: the driver API and what kernels, instrumented or not, call. The rest is hidden, since a
# process may well hold other libraries with names like ours.
EXPORTS = "{ global: cu*; sim_*; __tsan_*; __ubsan_*; __sanitizer_cov_trace_pc; local: *; };\n"
AT_A_TIME = 2


def library() -> Path:
    """The path of libcuda.so.1, built now when it is not in the cache."""
    path = toolchain.library_path()
    if not path.exists():
        with _only_one(toolchain.cache_folder() / "build.lock"):
            if not path.exists():  # another process may have built it while this one waited
                _build(path)
    return path


def warnings() -> str:
    """What the compiler had to say about the driver as it is; empty when it is well."""
    logs = (_object(source).with_suffix(".txt") for source in toolchain.driver_sources())
    return "".join(log.read_text() for log in logs if log.exists())


@contextmanager
def _only_one(lock: Path) -> Iterator[None]:
    """One process at a time; the lock goes with the process, however it ends."""
    lock.parent.mkdir(parents=True, exist_ok=True)
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _object(source: Path) -> Path:
    """Where the object file of a source is kept."""
    return toolchain.cache_folder() / "objects" / f"{source.stem}-{toolchain.object_key(source)}.o"


def _run(command: list[str], what: str) -> str:
    """Run the compiler; its messages, or an error that holds them."""
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ToolchainError(
            f"{what} failed. The command was\n  {' '.join(command)}\nand the compiler said\n{run.stderr}"
        )
    return run.stderr


def _compile(source: Path) -> Path:
    """The object file of one source, compiled when it is not there."""
    target = _object(source)
    if target.exists():
        return target
    temporary = target.with_suffix(f".{os.getpid()}.o")
    command = [toolchain.compiler(), *toolchain.DRIVER_FLAGS, "-c", str(source), "-o", str(temporary)]
    said = _run(command, f"Compiling the simulator's driver ({source.name})")
    if said:
        toolchain.write_atomically(target.with_suffix(".txt"), said.encode())
    os.replace(temporary, target)
    return target


def _build(path: Path) -> None:
    """Compile what is new, and link all."""
    for folder in (path.parent, toolchain.cache_folder() / "objects"):
        folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        objects = list(pool.map(_compile, toolchain.driver_sources()))
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        script, temporary = Path(scratch) / "exports", Path(scratch) / path.name
        script.write_text(EXPORTS)
        command = [
            toolchain.compiler(), "-shared", *map(str, objects), "-o", str(temporary), "-pthread", "-ldl",
            f"-Wl,-soname,{path.name}", f"-Wl,--version-script={script}", "-Wl,-z,defs",
        ]
        _run(command, "Linking the simulator's driver")
        alias = path.with_name("libcuda.so")  # what a linker looks for when PyCUDA itself is built
        alias.unlink(missing_ok=True)
        alias.symlink_to(path.name)
        os.replace(temporary, path)
