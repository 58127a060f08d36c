"""Problems with a known answer: kernels, how to draw a case for them, and what NumPy says.

The kernels are those of textbooks, written for any size and any number of threads. test_differential.py runs
each problem in many schedules, and under the checker, which must find nothing to say.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

Case = dict[str, Any]

SIZES = st.integers(1, 3000)
SEEDS = st.integers(0, 2**32 - 1)
# The edges of warps more often than chance would.
THREADS = st.sampled_from([1, 31, 32, 33, 63, 96, 100, 256, 1023, 1024]) | st.integers(1, 1024)


@dataclass(frozen=True)
class Out:
    """An array that a kernel fills; what it leaves out stays the garbage of fresh device memory."""

    array: np.ndarray


class Device:
    """The kernels of one source, compiled."""

    def __init__(self, pycuda: Any, source: str) -> None:
        self.driver = pycuda.driver
        self.module = pycuda.compiler.SourceModule(source, no_extern_c=True)

    def __call__(
        self,
        kernel: str,
        *arguments: Any,
        block: int | tuple[int, ...],
        grid: int | tuple[int, ...] = 1,
        shared: int = 0,
    ) -> None:
        """Launch with arrays (In if read only, else InOut) and numbers (those of Python: int and float)."""
        block = block if isinstance(block, tuple) else (block,)
        grid = grid if isinstance(grid, tuple) else (grid,)
        self.module.get_function(kernel)(
            *map(self._argument, arguments), block=(*block, 1, 1)[:3], grid=(*grid, 1, 1)[:3], shared=shared
        )

    def _argument(self, argument: Any) -> Any:
        if isinstance(argument, Out):
            return self.driver.Out(argument.array)
        if isinstance(argument, np.ndarray):
            return (self.driver.InOut if argument.flags.writeable else self.driver.In)(argument)
        if isinstance(argument, (int, float)) and not isinstance(argument, np.generic):
            return np.int32(argument) if isinstance(argument, int) else np.float32(argument)
        return argument


@dataclass(frozen=True)
class Problem:
    """`solve(device, **case)` launches and asserts; `cases` draws its arguments, `checked` are some small."""

    name: str
    source: str
    solve: Callable[..., None]
    cases: st.SearchStrategy[Case]
    checked: tuple[Case, ...]


@dataclass(frozen=True)
class Family:
    """The problems that share one source, so that it is compiled once."""

    source: str
    problems: list[Problem] = field(default_factory=list)

    def problem(self, *checked: Case, **cases: st.SearchStrategy[Any]) -> Callable[..., Any]:
        """A decorator: the function below it is a problem."""

        def declare(solve: Callable[..., None]) -> Callable[..., None]:
            self.problems.append(
                Problem(solve.__name__, self.source, solve, st.fixed_dictionaries(cases), checked)
            )
            return solve

        return declare


def small(seed: int, shape: int | tuple[int, ...], dtype: Any, low: int = -8, high: int = 8) -> np.ndarray:
    """Whole numbers, so few bits long that floats add and multiply them exactly in any order."""
    return fixed(np.random.default_rng(seed).integers(low, high, shape, endpoint=True).astype(dtype))


def real(seed: int, shape: int | tuple[int, ...], dtype: Any = np.float32) -> np.ndarray:
    """Normal random numbers."""
    return fixed(np.random.default_rng(seed).standard_normal(shape).astype(dtype))


def fixed(array: np.ndarray) -> np.ndarray:
    """The same array, for reading only."""
    array.flags.writeable = False
    return array


def blocks_for(count: int, threads: int) -> int:
    """How many blocks of `threads` cover `count`."""
    return -(-count // threads)
