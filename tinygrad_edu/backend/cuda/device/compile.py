"""Compiles kernel files with few runs of nvcc, and with none for files that were compiled before.

A unit is the text that one run of nvcc compiles for one dtype: it #includes the production rungs of several
ladders. It is compiled at the first use of one of its kernels. A rung that is not production is compiled
alone. The name of a cubin in the cache folder is a hash of all its source text, the options and the compiler.
So a changed kernel is compiled again, and only that one.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.resources
import os
import sys
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import files
from tinygrad_edu.backend.cuda.device import driver, nvcc
from tinygrad_edu.backend.cuda.device.kernels import Ladder, Rung

OPTIONS = ["-O3", "-std=c++17", "-lineinfo"]
# (folder of `kernels_from`, hash of its text)
_folder: ContextVar[tuple[Path, str] | None] = ContextVar("kernels", default=None)
runs = 0  # how often nvcc ran in this process


def kernels_folder() -> Path:
    """The folder of the .cu files: that of `kernels_from`, else `kernels/` of the repository or the wheel."""
    found = _folder.get()
    return found[0] if found else _installed_folder()


@contextlib.contextmanager
def kernels_from(folder: Path | str) -> Iterator[None]:
    """Use the kernels of another folder, which has the same files as `kernels/`.

    The files are read when the block begins; later changes need another `with`. Raises FileNotFoundError for
    a folder without kernels.
    """
    where = Path(folder).resolve()  # nvcc runs in another working directory
    if not (where / "common.cuh").is_file():
        raise FileNotFoundError(f"{where} holds no kernels; name a copy of kernels/, with its common.cuh")
    sources = sorted(path for path in where.rglob("*") if path.suffix in (".cu", ".cuh"))
    text = b"\0".join(part for path in sources for part in (os.fsencode(path), path.read_bytes()))
    token = _folder.set((where, hashlib.sha256(text).hexdigest()))
    try:
        yield
    finally:
        _folder.reset(token)


def active_folder() -> tuple[Path, str] | None:
    """(folder, hash of its text) inside a `kernels_from` block, else None; a part of the key of a kernel."""
    return _folder.get()


@functools.cache
def _installed_folder() -> Path:
    beside = Path(__file__).resolve().parents[4] / "kernels"
    if (beside / "common.cuh").exists():
        return beside
    return Path(str(importlib.resources.files("tinygrad_edu.kernels")))


def cache_folder() -> Path:
    """The cubins' folder: $TINYGRAD_EDU_CACHE, $XDG_CACHE_HOME/tinygrad_edu, or ~/.cache/tinygrad_edu."""
    named = os.environ.get("TINYGRAD_EDU_CACHE")
    if named:
        return Path(named) / "cubin"
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user) / "tinygrad_edu" / "cubin"


def source(parts: Iterable[tuple[Ladder, Rung]]) -> str:
    """The text of a unit: for each rung an #include, and #defines of its constants around it."""
    lines = ['#include "common.cuh"']
    for ladder, rung in parts:
        lines += [f"#define {name} {value}" for name, value in rung.defines.items()]
        lines.append(f'#include "{ladder.family}/{rung.source}.cu"')
        lines += [f"#undef {name}" for name in rung.defines]
    return "\n".join([*lines, ""])


def text_of(parts: Iterable[tuple[Ladder, Rung]], folder: Path) -> str:
    """All source text of a unit: the rungs, the headers of their families, and common.cuh."""
    files = {folder / "common.cuh"}
    for ladder, rung in parts:
        files.add(folder / ladder.family / f"{rung.source}.cu")
        files.update((folder / ladder.family).glob("*.cuh"))
        files.update(folder / name for name in ladder.extra)
    return "".join(path.read_text(encoding="utf-8") for path in sorted(files))


def cubin(
    parts: list[tuple[Ladder, Rung]],
    dtype: np.dtype[Any],
    arch: str,
    folder: Path,
    *,
    recompile: bool = False,
) -> bytes:
    """The compiled unit, from the cache or from nvcc. With `recompile`, the cache is not used."""
    global runs
    text, options = source(parts), [*OPTIONS, f"-DSCALAR={dtype.name}"]
    identity = "\0".join([text, text_of(parts, folder), *options, arch, nvcc.identity(), str(folder)])
    path = cache_folder() / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.cubin"
    if recompile:
        with contextlib.suppress(OSError):
            path.unlink()
    with contextlib.suppress(OSError):
        return path.read_bytes()
    with _locked(path.with_suffix(".lock")):
        with contextlib.suppress(OSError):  # the process that had the lock before may have compiled it
            return path.read_bytes()
        runs += 1
        if runs == 1 and _is_interactive():
            sys.stderr.write(
                "tinygrad_edu: compiling CUDA kernels; the first time takes up to two minutes, "
                "and they are kept\n"
            )
        made = driver.compile_cubin(text, arch, options, folder)
        with contextlib.suppress(OSError):  # without a cache the next process compiles again
            files.write(path, made)
    return made


def _is_interactive() -> bool:
    """Whether a person reads standard error: in a terminal, or below the cell of a notebook."""
    return "ipykernel" in sys.modules or bool(sys.stderr and sys.stderr.isatty())


@contextlib.contextmanager
def _locked(lock: Path) -> Iterator[None]:
    """Hold the lock of a unit, so that no other process compiles it at the same time.

    Test workers and jobs start together, and without the lock each would run nvcc for the same unit. They do
    so where files cannot be locked.
    """
    try:
        import fcntl

        lock.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(lock, os.O_CREAT | os.O_WRONLY)
    except (ImportError, OSError):
        yield
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
    finally:
        lock.unlink(missing_ok=True)
        os.close(file)
