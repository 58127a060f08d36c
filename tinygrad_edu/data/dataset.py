"""Datasets: objects with a length and rows, held in arrays where possible.

A `Dataset` is a length and `dataset[i]`, as in PyTorch: any object can be one. A second, optional method
makes batches fast: `take(indices)`, one fancy index per array for a whole batch instead of a Python loop over
its rows. `ArrayDataset`, `Table` and `Subset` have it; for the others, `collate` joins the rows of such a
loop.
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, Protocol, Self, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.collating import collate
from tinygrad_edu.errors import wrong

Array: TypeAlias = npt.NDArray[Any]
Indices: TypeAlias = npt.NDArray[np.int64]
Batch: TypeAlias = tuple[Any, ...]  # arrays, as a rule; see `collate` for dicts and text


class Joined:
    """Datasets whose sum is a ConcatDataset, as PyTorch has it: `first + second`."""

    def __add__(self, other: Any) -> Any:
        if isinstance(other, list | tuple | np.ndarray):  # an array would begin to add rows
            kind = type(other).__name__
            raise wrong(TypeError, "Dataset", f"a {kind} is no dataset", "wrap arrays in ArrayDataset(x, y)")
        if not isinstance(other, Dataset) or isinstance(other, str):
            return NotImplemented
        from tinygrad_edu.data.combining import ConcatDataset

        return ConcatDataset([self, other])  # type: ignore[list-item]


@runtime_checkable
class Dataset(Protocol):
    """Anything with a length and an item for each index in [0, len): usually a tuple such as (x, y).

    A class may derive from it, as one does in PyTorch: the sum of two such datasets is a ConcatDataset.
    """

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if not hasattr(cls, "__add__"):
            setattr(cls, "__add__", Joined.__add__)  # noqa: B010 - not a method of the protocol

    def __len__(self) -> int: ...

    def __getitem__(self, index: int, /) -> Any: ...


@runtime_checkable
class Gathers(Protocol):
    """A dataset that hands out a whole batch at once: arrays of shape (len(indices), ...), freshly copied."""

    def take(self, indices: Indices, /) -> Batch: ...


@runtime_checkable
class Selects(Protocol):
    """A dataset that can make a smaller one of its own kind, rows in the order asked for."""

    def rows(self, indices: Indices, /) -> Self: ...


class ArrayDataset(Joined):
    """Arrays that share their first dimension: row i is `(arrays[0][i], arrays[1][i], ...)`.

    `names` are for people (messages, `repr`), one an array; default `array0`, `array1`, ...
    Nothing is copied: writing to a given array writes to the dataset.
    """

    def __init__(self, *arrays: npt.ArrayLike, names: Sequence[str] | None = None) -> None:
        if not arrays:
            raise wrong(
                ValueError,
                "ArrayDataset",
                "ArrayDataset needs at least one array",
                "pass for example ArrayDataset(x, y)",
            )
        self.names = tuple(names) if names is not None else tuple(f"array{i}" for i in range(len(arrays)))
        self.arrays: Batch = tuple(map(_regular, arrays, [*self.names, *[""] * len(arrays)]))
        if len(self.names) != len(self.arrays):
            raise wrong(
                ValueError,
                "ArrayDataset",
                f"ArrayDataset has {len(self.arrays)} arrays and {len(self.names)} names {self.names}",
                "give one name an array",
            )
        shapes = ", ".join(f"{n} {a.shape}" for n, a in zip(self.names, self.arrays, strict=True))
        if any(array.ndim == 0 for array in self.arrays):
            raise wrong(
                ValueError, "ArrayDataset", f"every array needs a first dimension, the rows, not {shapes}"
            )
        if len({len(array) for array in self.arrays}) > 1:
            raise wrong(
                ValueError,
                "ArrayDataset",
                f"first dimensions differ: {shapes}",
                "row i must be one example in every array",
            )

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, index: int, /) -> tuple[Any, ...]:
        return tuple(array[index] for array in self.arrays)

    def take(self, indices: Indices, /) -> Batch:
        """The rows `indices` of every array, each (len(indices), ...): a copy, safe to change."""
        return tuple(array[indices] for array in self.arrays)

    def rows(self, indices: Indices, /) -> ArrayDataset:
        """An ArrayDataset of those rows, copied."""
        return ArrayDataset(*self.take(indices), names=self.names)

    def __repr__(self) -> str:
        arrays = ", ".join(f"{n} {a.dtype}{a.shape}" for n, a in zip(self.names, self.arrays, strict=True))
        return f"ArrayDataset({arrays})"


def _regular(values: npt.ArrayLike, name: str) -> Array:
    """Values as an array. ValueError for lists of different lengths, which make none."""
    try:
        return np.asarray(values)
    except ValueError as error:
        if "inhomogeneous" not in str(error):
            raise
        raise wrong(ValueError, "ArrayDataset", f"{name} is a list of rows of different lengths",
                    "pass a DataLoader the list of rows [(x, y), ...], and PadCollate() as its collate_fn=, "
                    "which makes them equally long") from None  # fmt: skip


class Subset(Joined):
    """Some rows of another dataset, in a chosen order, without copying them: row i is `base[indices[i]]`."""

    def __init__(self, base: Dataset, indices: npt.ArrayLike) -> None:
        chosen = np.asarray(indices)
        if chosen.size == 0:
            chosen = chosen.astype(np.int64)
        if chosen.ndim != 1 or chosen.dtype.kind not in "iu":
            raise wrong(
                ValueError,
                "Subset",
                f"indices must be one row of integers, not {chosen.dtype}{chosen.shape}",
                "turn a mask into indices with numpy.flatnonzero(mask)",
            )
        if chosen.size and (chosen.min() < 0 or chosen.max() >= len(base)):
            raise wrong(
                IndexError,
                "Subset",
                f"indices run from {chosen.min()} to {chosen.max()}, the dataset has rows 0 to "
                f"{len(base) - 1}",
                "use the dataset the indices were made for",
            )
        self.base = base
        self.indices: Indices = chosen.astype(np.int64)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int, /) -> Any:
        return self.base[int(self.indices[operator.index(index)])]

    def take(self, indices: Indices, /) -> Batch:
        """The rows `indices` of the subset as arrays, by the base's own `take` where it has one."""
        return take(self.base, self.indices[indices])

    def __repr__(self) -> str:
        return f"Subset({len(self)} of {len(self.base)} rows of {self.base!r})"


def take(dataset: Dataset, indices: Indices) -> Batch:
    """The rows `indices` of any dataset as arrays: in one step if it `Gathers`, else row by row."""
    if isinstance(dataset, Gathers):
        return dataset.take(indices)
    return collate([dataset[i] for i in indices.tolist()])
