"""Rungs, ladders and launches: the file, block and grid of each kernel, and the active rungs.

A family of kernels is a folder `kernels/<family>/` of numbered files, the rungs, from naive to fast. All
rungs export the same symbols with the same parameters. Its table, with one row per rung, is in
`families/<family>.py`, beside the host code that launches the kernels. The table names the production rung,
which the library uses; that code is never copied from the ladder.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.device.driver import Context, Function

Size3 = tuple[int, int, int]
Geometry = Size3 | Callable[..., Size3]


@dataclass(frozen=True)
class Rung:
    """One file of a ladder and how it is launched; callables get the `sizes` of `Kernel.launch`."""

    name: str  # kernels/<family>/<name>.cu, or:
    block: Geometry
    grid: Geometry
    shared: int | Callable[..., int] = 0  # dynamic shared bytes; a callable gets (itemsize, *sizes)
    defines: Mapping[str, int] = field(default_factory=dict)
    file: str = ""  # the file of a rung that is another rung's file with other constants

    @property
    def source(self) -> str:
        """The name of the file, without suffix."""
        return self.file or self.name


@dataclass(frozen=True)
class Ladder:
    """A family: its kernels, their parameters, its rungs, and the production rung."""

    family: str
    symbols: Mapping[str, str]  # exported kernel -> struct format of its parameters
    rungs: tuple[Rung, ...]
    production: str | Callable[..., str]  # a rung's name, or a function of (dtype, *sizes)
    unit: str  # ladders of one unit are compiled in one nvcc run per dtype
    extra: tuple[str, ...] = ()  # files that the rungs include, besides common.cuh
    second: Mapping[str, int] = field(
        default_factory=dict
    )  # symbol of a second kernel after a rung -> its threads in a block

    def rung(self, name: str) -> Rung:
        """The rung of that name. Raises KeyError with the names of all rungs."""
        for rung in self.rungs:
            if rung.name == name:
                return rung
        raise KeyError(
            f"no rung {name!r} in kernels/{self.family}; there are {', '.join(r.name for r in self.rungs)}"
        )

    @property
    def default(self) -> str:
        """The rung in the unit's module: the production rung, or the last if that depends on the sizes."""
        return self.production if isinstance(self.production, str) else self.rungs[-1].name


@dataclass(frozen=True)
class Case:
    """A problem that a ladder is validated, counted and timed on."""

    title: str
    arrays: Callable[[], tuple[np.ndarray[Any, Any], ...]]
    run: Callable[..., Any]  # (device, *DeviceArrays) -> DeviceArray
    expect: Callable[..., np.ndarray[Any, Any]]
    bytes: int  # the least traffic: each input read once, each output written once
    flops: int
    tolerance: float


_NONE: Mapping[str, str] = MappingProxyType({})
# {family: name of the rung that `families.using` selects instead of the production rung}
active_rungs: ContextVar[Mapping[str, str]] = ContextVar("rungs", default=_NONE)


class Kernel:
    """A symbol of a rung for one dtype, with all that is the same in every launch."""

    __slots__ = (
        "_block",
        "_function",
        "_grid",
        "_itemsize",
        "_pack",
        "_shared",
        "_shared_limit",
        "context",
        "resources",
        "rung",
        "symbol",
    )

    def __init__(
        self, context: Context, function: Function, rung: Rung, symbol: str, pack: str, dtype: np.dtype[Any]
    ) -> None:
        self.context, self.rung, self.symbol = context, rung, symbol
        self._function, self._pack, self._itemsize = function.launch, struct.Struct(pack).pack, dtype.itemsize
        self._block, self._grid, self._shared = rung.block, rung.grid, rung.shared
        self._shared_limit = (48 << 10, function.allow_shared)
        self.resources = function.resources

    def launch(self, sizes: tuple[int, ...], *args: Any) -> None:
        """Launch the kernel in the stream. The rung's grid is computed from `sizes`."""
        block, grid, shared = self._block, self._grid, self._shared
        if callable(block):
            block = block(*sizes)
        if callable(grid):
            grid = grid(*sizes)
        if shared:
            if callable(shared):
                shared = shared(self._itemsize, *sizes)
            limit, allow = self._shared_limit
            if shared > limit:
                allow(shared)
                self._shared_limit = (shared, allow)
            self._function(grid, block, self._pack(*args), shared)
        else:
            self._function(grid, block, self._pack(*args), 0)

    def launch_on(self, grid: Size3, block: Size3, *args: Any) -> None:
        """Launch with the caller's grid, for the second kernel of a rung."""
        self._function(grid, block, self._pack(*args), 0)


def blocks(n: int, per_block: int, most: int = 2**31 - 1) -> int:
    """The number of blocks that cover n elements, at most `most` (then each thread of the kernel loops)."""
    return min(-(-n // per_block), most)
