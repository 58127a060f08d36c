"""Compiles CUDA sources with the stand-in for nvcc and loads them over a driver that only takes notes.

So the compiler is tested alone: what it found in a source is what the module registers when it is loaded.
"""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.nvcc import blob, shim


class _Parameter(ctypes.Structure):
    _fields_ = [
        ("offset", ctypes.c_uint),
        ("bytes", ctypes.c_uint),
        ("alignment", ctypes.c_uint),
        ("is_pointer", ctypes.c_int),
    ]


class _Kernel(ctypes.Structure):
    _fields_ = [
        ("symbol", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("signature", ctypes.c_char_p),
        ("file", ctypes.c_char_p),
        ("line", ctypes.c_int),
        ("function", ctypes.c_void_p),
        ("enter", ctypes.c_void_p),
        ("loop", ctypes.c_void_p),
        ("reach", ctypes.c_void_p),
        ("parameters", ctypes.POINTER(_Parameter)),
        ("parameter_count", ctypes.c_uint),
        ("parameter_bytes", ctypes.c_uint),
        ("max_threads", ctypes.c_uint),
        ("shared_users", ctypes.POINTER(ctypes.c_char_p)),
    ]


@dataclass
class Kernel:
    """A kernel as the module registered it."""

    symbol: str
    name: str
    place: str
    loops: bool
    parameters: list[tuple[int, int, int, int]]
    bytes: int
    max_threads: int
    shared_users: set[str]
    entry: ctypes.c_void_p = field(repr=False)


@dataclass
class Module:
    """A compiled and loaded source."""

    kernels: list[Kernel]
    notes: list[str]  # "shared FUNCTION NAME BYTES ALIGNMENT FILE:LINE", "global KIND NAME ..."
    records: dict[str, bytes]
    warnings: str

    def __getitem__(self, name: str) -> Kernel:
        return next(kernel for kernel in self.kernels if kernel.name == name)

    def run(
        self, name: str, arguments: bytes = b"", threads: int = 1, blocks: int = 1, loop: bool = False
    ) -> None:
        """Run a kernel, one thread after another."""
        driver().run(self[name].entry, arguments, threads, blocks, int(loop))


_numbers = itertools.count()


@functools.cache
def folder() -> Path:
    """A folder for this test run."""
    return Path(tempfile.mkdtemp(prefix="nvcc-test-"))


@functools.cache
def library() -> Path:
    """The driver that takes notes, compiled."""
    path = folder() / "libcuda_notes.so"
    subprocess.run(
        [
            toolchain.compiler(),
            "-O1",
            "-std=c++17",
            "-shared",
            "-fPIC",
            "-fvisibility=hidden",
            "-Wl,-soname,libcuda_notes.so",
            "-o",
            str(path),
            str(Path(__file__).parent / "stand_in.cpp"),
        ],
        check=True,
    )
    return path


@functools.cache
def driver() -> ctypes.CDLL:
    """The same, loaded."""
    loaded = ctypes.CDLL(str(library()))
    loaded.kernel.restype = ctypes.POINTER(_Kernel)
    loaded.taken_down.restype = ctypes.c_char_p
    return loaded


def nvcc(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run the stand-in for nvcc as PyCUDA does."""
    compiler = shim.write_shim(folder() / "bin")
    environment = {**os.environ, "TINYGRAD_EDU_SIMULATOR_LIB": str(library())}
    return subprocess.run(
        [str(compiler), *arguments],
        capture_output=True,
        text=True,
        cwd=cwd or folder(),
        env=environment,
        check=False,
    )


def source_file(source: str) -> Path:
    """`source` as kernel.cu in a folder of its own."""
    own = folder() / str(next(_numbers))
    own.mkdir()
    (own / "kernel.cu").write_text(source)
    return own / "kernel.cu"


def errors(source: str, *options: str) -> str:
    """What is said about a source that does not compile."""
    path = source_file(source)
    done = nvcc("--cubin", *options, path.name, cwd=path.parent)
    assert done.returncode == 1 and not done.stdout, (done.returncode, done.stdout)
    assert not path.with_suffix(".cubin").exists()
    return done.stderr


def load(source: str, *options: str) -> Module:
    """Compile and load `source`."""
    path = source_file(source)
    done = nvcc("--cubin", *options, path.name, cwd=path.parent)
    assert done.returncode == 0, done.stderr
    records = blob.unpack(path.with_suffix(".cubin").read_bytes())
    return load_object(records, done.stderr)


def load_object(records: dict[str, bytes], warnings: str = "") -> Module:
    """Load a compiled module and read what it registers."""
    path = folder() / f"module{next(_numbers)}.so"
    path.write_bytes(records["elf"])
    driver().forget()
    ctypes.CDLL(str(path))
    kernels = []
    for index in range(driver().count()):
        entry = driver().kernel(index)
        raw = entry[0]
        users = itertools.takewhile(bool, (raw.shared_users[i] for i in itertools.count()))
        parameters = [
            (p.offset, p.bytes, p.alignment, p.is_pointer) for p in raw.parameters[: raw.parameter_count]
        ]
        kernels.append(
            Kernel(
                raw.symbol.decode(),
                raw.name.decode(),
                f"{raw.file.decode()}:{raw.line}",
                bool(raw.loop),
                parameters,
                raw.parameter_bytes,
                raw.max_threads,
                {user.decode() for user in users},
                entry,
            )
        )
    return Module(kernels, driver().taken_down().decode().splitlines(), records, warnings)
