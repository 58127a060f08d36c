"""Kernels with one bug each, and the same kernels repaired: what the checker must find, and must not invent.

A source is written like a patch: lines that begin with `-` are only in the broken kernel, lines with `+` only
in the repaired one. `// BUG` marks the line a report must name, `// OTHER` the other party's line of a race.
"""
from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Array:
    """An argument in device memory: counting up from 0, all zeros, or empty (nobody wrote it)."""

    count: int
    content: str = "counting"
    dtype: str = "float32"
    offset: int = 0         # bytes added to the address


@dataclass(frozen=True)
class Freed:
    """Device memory that is freed before the launch."""

    count: int


@dataclass(frozen=True)
class Host:
    """The address of a NumPy array."""

    count: int


@dataclass(frozen=True)
class Address:
    """A number passed as a pointer."""

    number: int


@dataclass(frozen=True)
class Raw:
    """A NumPy scalar of a type that may be the wrong one."""

    dtype: str
    value: float


@dataclass(frozen=True)
class Planted:
    """One kernel, named k, with and without its bug."""

    name: str
    title: tuple[str, ...]              # words of the report's title; alternatives are split by |
    source: str
    arguments: tuple[Any, ...] = (Array(64), Array(64, "zeros"))
    repaired_arguments: tuple[Any, ...] | None = None
    grid: int = 1
    block: int = 64
    shared: int = 0
    repaired_shared: int | None = None
    tells: tuple[str, ...] = ()         # more that the report must contain
    locates: bool = True                # the report names a line of the kernel

    def text(self, *, repaired: bool) -> str:
        """The source of one of the two."""
        mine, other = ("+", "-") if repaired else ("-", "+")
        lines = [line for line in self.source.strip("\n").split("\n") if not line.startswith(other)]
        return "\n".join(line[1:] if line.startswith(mine) else line for line in lines) + "\n"


X, Y = Array(64), Array(64, "zeros")
RACE_SHARED, RACE_GLOBAL = ("Data race on shared memory",), ("Data race on global memory",)
