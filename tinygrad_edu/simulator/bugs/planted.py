"""A kernel with one bug, and the same kernel repaired: what the checker must find, and must not invent.

A source is written like a patch: lines that begin with `-` are only in the kernel with the bug, lines with
`+` only in the repaired one. `// BUG` marks the line that a report must name, `// OTHER` the line of the
other thread of a race.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

_MARK = re.compile(r"\s*// (?:BUG|OTHER)\s*$", re.M)
_PROGRAM = """\
import numpy as np
import pycuda.autoinit
from pycuda import driver, gpuarray
from pycuda.compiler import SourceModule

k = SourceModule(r'''
{kernel}''', no_extern_c=True).get_function("k")

{arguments}
k({names}, grid=({grid}, 1), block=({block}, 1, 1), shared={shared})
driver.Context.synchronize()
"""


@dataclass(frozen=True)
class Array:
    """An argument in device memory: counting up from 0, all zeros, or empty (uninitialised)."""

    count: int
    content: str = "counting"
    dtype: str = "float32"
    offset: int = 0  # bytes added to the address

    def __str__(self) -> str:
        said = {"counting": "counting up from 0", "zeros": "zeros", "empty": "uninitialised"}[self.content]
        moved = f", its address {self.offset} bytes further" if self.offset else ""
        return f"{self.count} {self.dtype}, {said}{moved}"

    def made(self, name: str) -> str:
        """The statements that make it."""
        make = {
            "counting": f'gpuarray.to_gpu(np.arange({self.count}).astype("{self.dtype}"))',
            "zeros": f'gpuarray.zeros({self.count}, "{self.dtype}")',
            "empty": f'gpuarray.empty({self.count}, "{self.dtype}")',
        }[self.content]
        moved = (
            f"\nmemory, {name} = {name}, np.uintp(int({name}.gpudata) + {self.offset})" if self.offset else ""
        )
        return f"{name} = {make}{moved}"


@dataclass(frozen=True)
class Freed:
    """Device memory that is freed before the launch."""

    count: int

    def __str__(self) -> str:
        return f"{self.count} float32 that were freed"

    def made(self, name: str) -> str:
        """The statements that make it."""
        return f"memory = driver.mem_alloc({4 * self.count})\n{name} = np.uintp(int(memory))\nmemory.free()"


@dataclass(frozen=True)
class Host:
    """The address of a NumPy array."""

    count: int

    def __str__(self) -> str:
        return f"the address of {self.count} float32 of NumPy"

    def made(self, name: str) -> str:
        """The statements that make it."""
        return f'host = np.zeros({self.count}, "float32")\n{name} = np.uintp(host.ctypes.data)'


@dataclass(frozen=True)
class Address:
    """A number passed as a pointer."""

    number: int

    def __str__(self) -> str:
        return f"the address {self.number:#x}"

    def made(self, name: str) -> str:
        """The statements that make it."""
        return f"{name} = np.uintp({self.number:#x})"


@dataclass(frozen=True)
class Raw:
    """A NumPy scalar of a type that may be the wrong one."""

    dtype: str
    value: float

    def __str__(self) -> str:
        return f"np.{self.dtype}({self.value})"

    def made(self, name: str) -> str:
        """The statements that make it."""
        return f"{name} = {self}"


@dataclass(frozen=True)
class Planted:
    """One kernel, named k, with and without its bug."""

    name: str
    about: str  # what the bug is
    title: tuple[str, ...]  # words of the report's title; alternatives are split by |
    source: str
    arguments: tuple[Any, ...] = (Array(64), Array(64, "zeros"))
    repaired_arguments: tuple[Any, ...] | None = None
    grid: int = 1
    block: int = 64
    shared: int = 0
    repaired_shared: int | None = None
    tells: tuple[str, ...] = ()  # more that the report must contain
    locates: bool = True  # the report names a line of the kernel

    def text(self, *, repaired: bool) -> str:
        """The source of one of the two."""
        mine, other = ("+", "-") if repaired else ("-", "+")
        lines = [line for line in self.source.strip("\n").split("\n") if not line.startswith(other)]
        return "\n".join(line[1:] if line.startswith(mine) else line for line in lines) + "\n"

    def kernel(self, *, repaired: bool) -> str:
        """The source as PyCUDA takes it with `no_extern_c=True`: the kernel has the name k."""
        text = self.text(repaired=repaired)
        return (
            text
            if 'extern "C"' in text
            else text.replace("__global__ void k", 'extern "C" __global__ void k')
        )

    def launch(self, *, repaired: bool) -> tuple[tuple[Any, ...], int]:
        """The arguments and the bytes of dynamic shared memory of one of the two."""
        arguments, shared = self.arguments, self.shared
        if repaired and self.repaired_arguments is not None:
            arguments = self.repaired_arguments
        if repaired and self.repaired_shared is not None:
            shared = self.repaired_shared
        return arguments, shared

    def parameters(self) -> list[str]:
        """The names that the kernel gives its arguments."""
        inside = self.source.partition("void k(")[2].partition(")")[0]
        return [re.findall(r"\w+", one)[-1] for one in inside.split(",")]

    def program(self, *, repaired: bool = False) -> str:
        """A whole program that launches it, without marks: an exercise, or its solution."""
        arguments, shared = self.launch(repaired=repaired)
        names = self.parameters()[: len(arguments)]
        made = [
            f"{name} = np.int32({argument})" if isinstance(argument, int) else argument.made(name)
            for name, argument in zip(names, arguments, strict=True)
        ]
        return _PROGRAM.format(
            kernel=_MARK.sub("", self.kernel(repaired=repaired)),
            arguments="\n".join(made),
            names=", ".join(names),
            grid=self.grid,
            block=self.block,
            shared=shared,
        )


X, Y = Array(64), Array(64, "zeros")
RACE_SHARED, RACE_GLOBAL = ("Data race on shared memory",), ("Data race on global memory",)
