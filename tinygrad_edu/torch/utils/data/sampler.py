"""torch.utils.data.sampler: the order in which rows are read."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence, Sized
from typing import Any, Generic, TypeVar

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.dtypes import float64
from tinygrad_edu.torch.core.generators import Generator
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.functions.creation import as_tensor
from tinygrad_edu.torch.functions.draws import multinomial, randint, randperm

T_co = TypeVar("T_co", covariant=True)
_BLOCK = 32  # draws with replacement that are made at a time


class Sampler(Generic[T_co]):
    """An order of rows: a subclass defines `__iter__`, which yields indices, and mostly `__len__`."""

    def __init__(self, data_source: Any = None) -> None:
        """A base of samplers; it keeps nothing."""

    def __iter__(self) -> Iterator[Any]:
        raise wrong(RuntimeError, type(self).__name__, "it yields no indices", "define __iter__(self)")


class SequentialSampler(Sampler[int]):
    """The rows in their own order."""

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """The rows in random order, each once, or drawn with replacement.

    num_samples  how many, by default all; more than there are without replacement: one order follows another
    generator    draws them; without, one with a seed of torch's own generator, a new one for each pass
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Any = None,
    ) -> None:
        self.data_source, self.replacement, self._num_samples = data_source, replacement, num_samples
        self.generator = generator
        if not isinstance(replacement, bool):
            raise wrong(
                TypeError,
                "RandomSampler",
                f"replacement should be a boolean value, but got replacement={replacement}",
            )
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise wrong(
                ValueError,
                "RandomSampler",
                f"num_samples should be a positive integer value, but got num_samples={self.num_samples}",
            )

    @property
    def num_samples(self) -> int:
        """The number of rows of a pass; a dataset may have grown since."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        rows, count = len(self.data_source), self.num_samples
        generator = self.generator
        if generator is None:
            generator = Generator().manual_seed(int(randint(2**53, ())))
        if self.replacement:
            for start in range(0, count, _BLOCK):
                yield from randint(rows, (min(_BLOCK, count - start),), generator=generator).tolist()
            return
        while count > 0:
            yield from randperm(rows, generator=generator).tolist()[:count]
            count -= rows

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """The given rows, each once, in random order."""

    def __init__(self, indices: Sequence[int], generator: Any = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        for i in randperm(len(self.indices), generator=self.generator).tolist():
            yield self.indices[i]

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """`num_samples` rows, row i with a probability proportional to weights[i]."""

    def __init__(
        self, weights: Sequence[float], num_samples: int, replacement: bool = True, generator: Any = None
    ) -> None:
        title = "WeightedRandomSampler"
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise wrong(
                ValueError,
                title,
                f"num_samples should be a positive integer value, but got num_samples={num_samples}",
            )
        if not isinstance(replacement, bool):
            raise wrong(
                ValueError, title, f"replacement should be a boolean value, but got replacement={replacement}"
            )
        self.weights = as_tensor(weights, dtype=float64)
        if self.weights.ndim != 1:
            raise wrong(
                ValueError,
                title,
                f"weights should be a 1d sequence but given weights have shape {tuple(self.weights.shape)}",
            )
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        drawn = multinomial(self.weights, self.num_samples, self.replacement, generator=self.generator)
        return iter(drawn.tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The indices of another sampler in lists of `batch_size`; `drop_last` leaves out a smaller last one."""

    def __init__(self, sampler: Any, batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise wrong(
                ValueError,
                "BatchSampler",
                f"batch_size should be a positive integer value, but got batch_size={batch_size}",
            )
        if not isinstance(drop_last, bool):
            raise wrong(
                ValueError,
                "BatchSampler",
                f"drop_last should be a boolean value, but got drop_last={drop_last}",
            )
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        indices = iter(self.sampler)
        while batch := list(itertools.islice(indices, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        whole, rest = divmod(len(self.sampler), self.batch_size)
        return whole if self.drop_last or not rest else whole + 1


class InfiniteSampler(Sampler[None]):
    """What stands for the indices of a stream, which has none."""

    def __iter__(self) -> Iterator[None]:
        return itertools.repeat(None)


__getattr__ = missing_from("torch.utils.data.sampler")
