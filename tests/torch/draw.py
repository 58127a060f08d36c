"""What recipes draw: the same numbers for PyTorch and for the face, from one seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

T = TypeVar("T")


class Draw:
    """Tensors of `torch`, which is PyTorch or the face, from a seed.

    Floats are leaves that require grad, unless told otherwise; the harness compares their gradients.
    """

    def __init__(self, torch: Any, seed: int) -> None:
        self.torch, self.seed = torch, seed
        self.random = np.random.default_rng(seed)
        self.leaves: list[Any] = []

    def floats(
        self, *shape: int, low: float = -2.0, high: float = 2.0, dtype: str = "float64", grad: bool = True
    ) -> Any:
        """Floats of a shape, spread over [low, high)."""
        made = self.torch.tensor(self.random.uniform(low, high, shape).astype(dtype), requires_grad=grad)
        if grad:
            self.leaves.append(made)
        return made

    def distinct(self, *shape: int, dtype: str = "float64", grad: bool = True) -> Any:
        """Floats no two of which are near each other, in random order."""
        count = int(np.prod(shape))
        numbers = (self.random.permutation(count) - count / 2 + 0.25).reshape(shape) / max(1, count) * 4
        made = self.torch.tensor(numbers.astype(dtype), requires_grad=grad)
        if grad:
            self.leaves.append(made)
        return made

    def ints(self, *shape: int, low: int = -4, high: int = 5, dtype: str = "int64") -> Any:
        """Integers of a shape, from [low, high)."""
        return self.torch.tensor(self.random.integers(low, high, shape).astype(dtype))

    def bools(self, *shape: int) -> Any:
        """Bools of a shape."""
        return self.torch.tensor(self.random.integers(0, 2, shape).astype(bool))

    def any(self, *shape: int) -> Any:
        """Numbers of one of the dtypes, drawn too."""
        kind = self.choose(["float64", "float32", "int64", "int32", "bool"])
        if kind == "bool":
            return self.bools(*shape)
        if kind.startswith("int"):
            return self.ints(*shape, dtype=kind)
        return self.floats(*shape, dtype=kind)

    def choose(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[int(self.random.integers(len(options)))]

    def whole(self, low: int, high: int) -> int:
        """A number from [low, high)."""
        return int(self.random.integers(low, high))

    def number(self, low: float = -2.0, high: float = 2.0) -> float:
        """A Python float from [low, high)."""
        return float(self.random.uniform(low, high))

    def shape(self, axes: int | None = None, *, least: int = 0, most: int = 4) -> tuple[int, ...]:
        """A shape, of up to three axes unless told how many."""
        count = self.whole(0, 4) if axes is None else axes
        return tuple(int(n) for n in self.random.integers(least, most + 1, count))
