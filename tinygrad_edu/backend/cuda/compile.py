"""From kernel files to loaded modules: few nvcc runs, and none for what was compiled before.

A unit is what one nvcc run compiles for one dtype: the production rungs of several ladders, #included into
one text. It is compiled when one of its kernels is first asked for. A rung that is not production is a module
of its own. Cubins are kept in the cache folder under a hash of all the text that made them, of the options
and of the compiler, so a changed kernel is compiled again and nothing else is.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import importlib.resources
import os
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda import driver, nvcc
from tinygrad_edu.backend.cuda.kernels import Ladder, Rung

OPTIONS = ["-O3", "-std=c++17", "-lineinfo"]
_folder: ContextVar[tuple[Path, str] | None] = ContextVar("kernels", default=None)  # and a hash of its text
runs = 0  # how often nvcc ran in this process


def kernels_folder() -> Path:
    """Where the .cu files are: `kernels/` of the repository or of the wheel, or what `kernels_from` names."""
    found = _folder.get()
    return found[0] if found else _shipped()


@contextlib.contextmanager
def kernels_from(folder: Path | str) -> Iterator[None]:
    """Use the kernels of another folder, laid out like `kernels/`: an experiment, or a copy with a bug.

    The files are used as they are when this begins: what is changed later, the next `with` compiles. Raises
    FileNotFoundError for a folder that holds no kernels.
    """
    where = Path(folder).resolve()  # the compiler works in a folder of its own
    if not (where / "common.cuh").is_file():
        raise FileNotFoundError(f"{where} holds no kernels; name a copy of kernels/, with its common.cuh")
    files = sorted(path for path in where.rglob("*") if path.suffix in (".cu", ".cuh"))
    text = b"\0".join(part for path in files for part in (os.fsencode(path), path.read_bytes()))
    token = _folder.set((where, hashlib.sha256(text).hexdigest()))
    try:
        yield
    finally:
        _folder.reset(token)


def folder_in_force() -> tuple[Path, str] | None:
    """What `kernels_from` named, if it did, and a hash of its text: part of what tells one kernel from the
    next."""
    return _folder.get()


@functools.cache
def _shipped() -> Path:
    beside = Path(__file__).resolve().parents[3] / "kernels"
    if (beside / "common.cuh").exists():
        return beside
    return Path(str(importlib.resources.files("tinygrad_edu.kernels")))


def cache_folder() -> Path:
    """Where cubins are kept: $TINYGRAD_EDU_CACHE, $XDG_CACHE_HOME/tinygrad_edu, or ~/.cache/tinygrad_edu."""
    named = os.environ.get("TINYGRAD_EDU_CACHE")
    if named:
        return Path(named) / "cubin"
    user = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(user) / "tinygrad_edu" / "cubin"


def source(parts: Iterable[tuple[Ladder, Rung]]) -> str:
    """The text of a unit: an #include for each rung, its constants defined around it."""
    lines = ['#include "common.cuh"']
    for ladder, rung in parts:
        lines += [f"#define {name} {value}" for name, value in rung.defines.items()]
        lines.append(f'#include "{ladder.family}/{rung.source}.cu"')
        lines += [f"#undef {name}" for name in rung.defines]
    return "\n".join([*lines, ""])


def text_of(parts: Iterable[tuple[Ladder, Rung]], folder: Path) -> str:
    """All text that a unit is made of: the rungs, every header of their families, and common.cuh."""
    files = {folder / "common.cuh"}
    for ladder, rung in parts:
        files.add(folder / ladder.family / f"{rung.source}.cu")
        files.update((folder / ladder.family).glob("*.cuh"))
        files.update(folder / name for name in ladder.extra)
    return "".join(path.read_text(encoding="utf-8") for path in sorted(files))


def cubin(
    parts: list[tuple[Ladder, Rung]], dtype: np.dtype[Any], arch: str, folder: Path, *, anew: bool = False
) -> bytes:
    """The compiled unit, from the cache or from nvcc; `anew`: from nvcc, though there is one in the cache."""
    global runs
    text, options = source(parts), [*OPTIONS, f"-DSCALAR={dtype.name}"]
    identity = "\0".join(
        [text, text_of(parts, folder), *options, arch, nvcc.identity(), str(folder)]
    )
    path = cache_folder() / f"{hashlib.sha256(identity.encode()).hexdigest()[:32]}.cubin"
    if anew:
        with contextlib.suppress(OSError):
            path.unlink()
    with contextlib.suppress(OSError):
        return path.read_bytes()
    with _alone(path.with_suffix(".lock")):
        with contextlib.suppress(OSError):  # whoever was here before us may have made it
            return path.read_bytes()
        runs += 1
        made = driver.compile_cubin(text, arch, options, folder)
        with contextlib.suppress(OSError):  # no cache, no harm: the next process compiles again
            draft = path.with_suffix(f".{os.getpid()}")
            draft.write_bytes(made)
            draft.replace(path)  # whole or not at all: other processes share the folder
    return made


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Inside, no other process compiles the same unit: test workers and jobs start together, and would all
    run nvcc for what one can make. Where files cannot be locked, they do."""
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
