"""Rungs, ladders and launches: which file, which block and grid, and which rung is in use.

A family of kernels is a folder `kernels/<family>/` of numbered rungs, naive to fast, that export the same
symbols with the same parameters. Its table, one row a rung, stands in `families/<family>.py` beside the host
code that calls it; production is the row it names, so nothing is ever copied from the ladder.
"""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda.driver import Context, Function

Size3 = tuple[int, int, int]
Geometry = Size3 | Callable[..., Size3]


@dataclass(frozen=True)
class Rung:
    """One file of a ladder and how it is launched; callables get the sizes that the host code names."""

    name: str  # kernels/<family>/<name>.cu, or:
    block: Geometry
    grid: Geometry
    shared: int | Callable[..., int] = 0  # dynamic shared bytes; a callable gets (itemsize, *sizes)
    defines: Mapping[str, int] = field(default_factory=dict)
    file: str = ""  # of a rung that is another's file with other constants

    @property
    def source(self) -> str:
        """The file's name, without its ending."""
        return self.file or self.name


@dataclass(frozen=True)
class Ladder:
    """A family: its kernels, their parameters, its rungs, and which of them is production."""

    family: str
    symbols: Mapping[str, str]  # exported kernel -> struct format of its parameters
    rungs: tuple[Rung, ...]
    production: str | Callable[..., str]  # a rung's name, or a function of (dtype, *sizes)
    unit: str  # ladders of one unit are compiled in one nvcc run per dtype
    extra: tuple[str, ...] = ()  # files that the rungs include, besides common.cuh
    second: Mapping[str, int] = field(default_factory=dict)  # symbol -> threads, of second steps

    def rung(self, name: str) -> Rung:
        """The rung of that name. Raises KeyError naming those there are."""
        for rung in self.rungs:
            if rung.name == name:
                return rung
        raise KeyError(
            f"no rung {name!r} in kernels/{self.family}; there are {', '.join(r.name for r in self.rungs)}"
        )

    @property
    def default(self) -> str:
        """The rung that is compiled into the unit's module: production, or the last where it depends."""
        return self.production if isinstance(self.production, str) else self.rungs[-1].name


@dataclass(frozen=True)
class Case:
    """A problem that a ladder is validated, counted and timed on."""

    title: str
    arrays: Callable[[], tuple[np.ndarray[Any, Any], ...]]
    run: Callable[..., Any]  # (device, *DeviceArrays) -> DeviceArray
    expect: Callable[..., np.ndarray[Any, Any]]
    bytes: int  # least traffic: inputs read once, outputs written once
    flops: int
    tolerance: float


_NONE: Mapping[str, str] = MappingProxyType({})
_chosen: ContextVar[Mapping[str, str]] = ContextVar("rungs", default=_NONE)


@contextlib.contextmanager
def using(family: str, rung: str) -> Iterator[None]:
    """Run `family` by this rung instead of the production one."""
    from tinygrad_edu.backend.cuda.families import ladder

    ladder(family).rung(rung)
    token = _chosen.set({**_chosen.get(), family: rung})
    try:
        yield
    finally:
        _chosen.reset(token)


def chosen() -> Mapping[str, str]:
    """The rungs that `using` put in force, by family."""
    return _chosen.get()


class Kernel:
    """A symbol of a rung for one dtype, with everything a launch needs worked out once."""

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
        """Put the kernel into the stream. `sizes` are what the rung's grid is worked out from."""
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
        """The same with a grid of the caller's own, for symbols that are a rung's second step."""
        self._function(grid, block, self._pack(*args), 0)


def blocks(n: int, per_block: int, most: int = 2**31 - 1) -> int:
    """How many blocks cover n things, at most `most` (the kernel then loops)."""
    return min(-(-n // per_block), most)
