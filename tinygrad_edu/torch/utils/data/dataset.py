"""torch.utils.data.dataset: rows by their index, streams of items, and datasets made of others."""

from __future__ import annotations

import bisect
import itertools
import math
import warnings
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Generic, TypeVar

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.generators import default_generator
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.functions.draws import randperm

T_co = TypeVar("T_co", covariant=True)


class Dataset(Generic[T_co]):
    """Rows by their index: a subclass defines `__getitem__`, and mostly `__len__`.

    `__getitems__(indices)`, if it has that, returns the rows of a batch at once.
    """

    def __getitem__(self, index: Any) -> T_co:
        raise wrong(RuntimeError, type(self).__name__, "it has no rows", "define __getitem__(self, index)")

    def __add__(self, other: Dataset[T_co]) -> ConcatDataset[T_co]:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co], Iterable[T_co]):
    """A stream of items: a subclass defines `__iter__`.

    With workers, each of them iterates over all of it, unless it asks `get_worker_info()` for its own part.
    """

    def __add__(self, other: Dataset[T_co]) -> ChainDataset:  # type: ignore[override]
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Any, ...]]):
    """Rows of tensors of one length: row i is a tuple of each tensor's row i."""

    tensors: tuple[Any, ...]

    def __init__(self, *tensors: Any) -> None:
        if any(len(tensor) != len(tensors[0]) for tensor in tensors):
            raise wrong(AssertionError, "TensorDataset", "Size mismatch between tensors")
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(tensor[index] for tensor in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class StackDataset(Dataset[Any]):
    """Several datasets of one length side by side: a row is a tuple of theirs, or with names a dict."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if args and kwargs:
            raise wrong(
                ValueError,
                "StackDataset",
                "Supported either ``tuple``- (via ``args``) or ``dict``- (via "
                "``kwargs``) like input/output, but both types are given.",
            )
        if not args and not kwargs:
            raise wrong(ValueError, "StackDataset", "At least one dataset should be passed")
        self.datasets: Any = args or kwargs
        lengths = {len(one) for one in self._members()}
        if len(lengths) > 1:
            raise wrong(ValueError, "StackDataset", "Size mismatch between datasets")
        (self._length,) = lengths

    def _members(self) -> list[Any]:
        return list(self.datasets.values() if isinstance(self.datasets, dict) else self.datasets)

    def _joined(self, parts: Iterable[Any]) -> Any:
        return dict(zip(self.datasets, parts)) if isinstance(self.datasets, dict) else tuple(parts)

    def __getitem__(self, index: Any) -> Any:
        return self._joined(one[index] for one in self._members())

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        columns = [rows_of(one, indices) for one in self._members()]
        if any(len(column) != len(indices) for column in columns):
            raise wrong(ValueError, "StackDataset", "Nested dataset's output size mismatch.")
        return [self._joined(parts) for parts in zip(*columns)]

    def __len__(self) -> int:
        return self._length


class ConcatDataset(Dataset[T_co]):
    """Several datasets one after another."""

    datasets: list[Any]
    cumulative_sizes: list[int]

    @staticmethod
    def cumsum(sequence: Iterable[Any]) -> list[int]:
        """Where each dataset ends."""
        return list(itertools.accumulate(map(len, sequence)))

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise wrong(AssertionError, "ConcatDataset", "datasets should not be an empty iterable")
        if any(isinstance(one, IterableDataset) for one in self.datasets):
            raise wrong(
                AssertionError,
                "ConcatDataset",
                "ConcatDataset does not support IterableDataset",
                "ChainDataset joins streams",
            )
        self.cumulative_sizes = self.cumsum(self.datasets)

    cummulative_sizes = property(lambda self: self.cumulative_sizes)

    def __len__(self) -> int:
        return self.cumulative_sizes[-1]

    def __getitem__(self, index: Any) -> Any:
        if index < 0:
            if -index > len(self):
                raise wrong(
                    ValueError, "ConcatDataset", "absolute value of index should not exceed dataset length"
                )
            index += len(self)
        which = bisect.bisect_right(self.cumulative_sizes, index)
        return self.datasets[which][index - (self.cumulative_sizes[which - 1] if which else 0)]


class ChainDataset(IterableDataset[Any]):
    """Several streams one after another."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        super().__init__()
        self.datasets = datasets

    def _members(self) -> Iterator[Any]:
        for one in self.datasets:
            if not isinstance(one, IterableDataset):
                raise wrong(AssertionError, "ChainDataset", "ChainDataset only supports IterableDataset")
            yield one

    def __iter__(self) -> Iterator[Any]:
        for one in self._members():
            yield from one

    def __len__(self) -> int:
        return sum(map(len, self._members()))


class Subset(Dataset[T_co]):
    """The rows of a dataset with the given indices."""

    dataset: Any
    indices: Sequence[Any]

    def __init__(self, dataset: Any, indices: Sequence[Any]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: list[Any]) -> list[Any]:
        return rows_of(self.dataset, [self.indices[i] for i in indices])

    def __len__(self) -> int:
        return len(self.indices)


def rows_of(dataset: Any, indices: list[Any]) -> Any:
    """The rows of a batch, at once where the dataset can."""
    several = getattr(dataset, "__getitems__", None)
    return [dataset[i] for i in indices] if several is None else several(indices)


def random_split(
    dataset: Any, lengths: Sequence[Any], generator: Any = default_generator
) -> list[Subset[Any]]:
    """Random parts of a dataset, each row in one of them; `lengths` are numbers of rows or fractions."""
    if math.isclose(sum(lengths), 1) and sum(lengths) <= 1:
        counts = []
        for i, fraction in enumerate(lengths):
            if not 0 <= fraction <= 1:
                raise wrong(ValueError, "random_split", f"Fraction at index {i} is not between 0 and 1")
            counts.append(math.floor(len(dataset) * fraction))
        for i in range(len(dataset) - sum(counts)):
            counts[i % len(counts)] += 1
        lengths = counts
        for i, count in enumerate(lengths):
            if count == 0:
                warnings.warn(
                    f"Length of split at index {i} is 0. This might result in an empty dataset.", stacklevel=2
                )
    if sum(lengths) != len(dataset):
        raise wrong(
            ValueError, "random_split", "Sum of input lengths does not equal the length of the input dataset!"
        )
    order = randperm(sum(lengths), generator=generator).tolist()
    ends = itertools.accumulate(lengths)
    return [Subset(dataset, order[end - count : end]) for end, count in zip(ends, lengths)]


__getattr__ = missing_from("torch.utils.data.dataset")
