"""Builds libcuda.so.1, the simulator's driver, into the cache: `tinygrad-edu simulator build`.

The build runs at the first use. So the wheel has Python only, and the library fits the compiler of the
machine. The name of an object file depends on the contents of its source and of all headers, so a change of
one source compiles one file. A damaged file is built again.
"""

import fcntl
import os
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from tinygrad_edu import files
from tinygrad_edu.simulator import seal, toolchain
from tinygrad_edu.simulator.toolchain import ToolchainError

# Exported are the driver API and the functions that kernels call, instrumented or not. All other symbols are
# hidden, since other libraries of a process may have the same names.
EXPORTS = "{ global: cu*; sim_*; __tsan_*; __ubsan_*; __sanitizer_cov_trace_pc; local: *; };\n"
AT_A_TIME = 2


def library() -> Path:
    """The path of libcuda.so.1. It is built now if it is not in the cache, or not complete."""
    path = toolchain.library_path()
    if not seal.is_whole(path):
        with _locked(toolchain.cache_folder() / "build.lock"):
            if not seal.is_whole(path):  # another process may have built it while this one waited
                _build(path)
    return path


def warnings() -> str:
    """The compiler's warnings about the current sources of the driver; "" if there are none."""
    logs = (_object(source).with_suffix(".txt") for source in toolchain.driver_sources())
    return "".join(log.read_text() for log in logs if log.exists())


@contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """Hold a lock, so that one process builds at a time; the lock is released when the process ends."""
    seal.folder(lock.parent, toolchain.cache_folder())
    seal.make_way(lock)
    with open(lock, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _object(source: Path) -> Path:
    """The path of the object file of a source."""
    return toolchain.cache_folder() / "objects" / f"{source.stem}-{toolchain.object_key(source)}.o"


def _run(command: list[str], what: str) -> str:
    """Run the compiler and return its messages; on failure raise an error that contains them."""
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    if run.returncode:
        raise ToolchainError(
            f"{what} failed. The command was\n  {' '.join(command)}\nand the compiler said\n{run.stderr}"
        )
    return run.stderr


def _compile(source: Path) -> Path:
    """The object file of one source, compiled now if it does not exist."""
    target = _object(source)
    if seal.is_whole(target):
        return target
    temporary = target.with_suffix(f".{os.getpid()}.o")
    command = [toolchain.compiler(), *toolchain.DRIVER_FLAGS, "-c", str(source), "-o", str(temporary)]
    messages = _run(command, f"Compiling the simulator's driver ({source.name})")
    if messages:
        seal.make_way(target.with_suffix(".txt"))
        files.write(target.with_suffix(".txt"), messages)
    seal.put(temporary, target)
    return target


def _build(path: Path) -> None:
    """Compile the sources that have no object file, and link all object files."""
    for folder in (path.parent, toolchain.cache_folder() / "objects"):
        seal.folder(folder, toolchain.cache_folder())
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        objects = list(pool.map(_compile, toolchain.driver_sources()))
    with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
        script, temporary = Path(scratch) / "exports", Path(scratch) / path.name
        script.write_text(EXPORTS)
        command = [
            toolchain.compiler(),
            "-shared",
            *map(str, objects),
            "-o",
            str(temporary),
            "-pthread",
            "-ldl",
            # -Wl would read a comma in the path as the end of an option.
            f"-Wl,-soname,{path.name}",
            "-Xlinker",
            f"--version-script={script}",
            "-Wl,-z,defs",
        ]
        _run(command, "Linking the simulator's driver")
        alias = path.with_name("libcuda.so")  # the name that the linker needs when PyCUDA itself is built
        seal.make_way(alias)
        alias.unlink(missing_ok=True)
        alias.symlink_to(path.name)
        seal.put(temporary, path)
