"""torch.utils.data.dataloader: DataLoader, which reads a dataset in batches."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare, faced
from tinygrad_edu.torch.core.generators import default_generator as default_generator
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.functions.draws import randint
from tinygrad_edu.torch.utils.data._utils.collate import default_collate, default_convert
from tinygrad_edu.torch.utils.data._utils.worker import Turns
from tinygrad_edu.torch.utils.data._utils.worker import get_worker_info as get_worker_info
from tinygrad_edu.torch.utils.data.dataset import Dataset as Dataset
from tinygrad_edu.torch.utils.data.dataset import IterableDataset, Subset, T_co, TensorDataset, rows_of
from tinygrad_edu.torch.utils.data.dataset import random_split as random_split
from tinygrad_edu.torch.utils.data.sampler import (
    BatchSampler,
    InfiniteSampler,
    RandomSampler,
    SequentialSampler,
)
from tinygrad_edu.torch.utils.data.sampler import Sampler as Sampler

_FIXED = ("batch_size", "batch_sampler", "sampler", "drop_last", "dataset", "persistent_workers")


class DataLoader(Generic[T_co]):
    """Reads a dataset in batches: `for x, y in DataLoader(dataset, 32, shuffle=True): ...`

    dataset         rows by their index, or an IterableDataset
    batch_size      rows in a batch; None: what the dataset yields is a batch already
    shuffle         in random order, a new one for each pass
    sampler         the indices, in their order; batch_sampler: lists of them, one for each batch
    num_workers     the workers that compute batches in turn; here they take turns in this process
    collate_fn      makes a batch of a list of rows, `default_collate` unless given
    drop_last       leave out a smaller last batch
    worker_init_fn  called with its number when a worker begins
    generator       of the random order, and of the workers' seeds

    persistent_workers  whether the workers of a pass are those of the next

    Memory is not pinned, no batch is computed before it is needed, and none is late: `pin_memory`, `timeout`,
    `prefetch_factor`, `multiprocessing_context` and `in_order` change nothing.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: int | None = 1,
        shuffle: bool | None = None,
        sampler: Any = None,
        batch_sampler: Any = None,
        num_workers: int = 0,
        collate_fn: Callable[..., Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: float = 0,
        worker_init_fn: Callable[..., Any] | None = None,
        multiprocessing_context: Any = None,
        generator: Any = None,
        *,
        prefetch_factor: int | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        _check_workers(num_workers, timeout, prefetch_factor, persistent_workers)
        self.dataset, self.num_workers, self.pin_memory = dataset, num_workers, pin_memory
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.pin_memory_device, self.timeout, self.worker_init_fn = pin_memory_device, timeout, worker_init_fn
        self.in_order, self.persistent_workers = in_order, persistent_workers
        self.multiprocessing_context, self.generator = multiprocessing_context, generator
        self._is_stream = isinstance(dataset, IterableDataset)
        if self._is_stream:
            _check_stream(shuffle, sampler, batch_sampler)
        if sampler is not None and shuffle:
            raise wrong(ValueError, "DataLoader", "sampler option is mutually exclusive with shuffle")
        if batch_sampler is not None:
            if batch_size != 1 or shuffle or sampler is not None or drop_last:
                raise wrong(
                    ValueError,
                    "DataLoader",
                    "batch_sampler option is mutually exclusive with batch_size, "
                    "shuffle, sampler, and drop_last",
                )
            batch_size, drop_last = None, False
        elif batch_size is None and drop_last:
            raise wrong(
                ValueError,
                "DataLoader",
                "batch_size=None option disables auto-batching and is mutually exclusive with drop_last",
            )
        if sampler is None:
            if self._is_stream:
                sampler = InfiniteSampler()
            else:
                sampler = (
                    RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
                )
        if batch_size is not None and batch_sampler is None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_size, self.drop_last = batch_size, drop_last
        self.sampler, self.batch_sampler = sampler, batch_sampler
        if collate_fn is None:
            collate_fn = default_collate if self._auto_collation else default_convert
        self.collate_fn: Callable[..., Any] = collate_fn
        self._kept: list[Turns] = []
        self._promised: int | None = None
        self._fixed = True

    def __setattr__(self, name: str, value: Any) -> None:
        if name in _FIXED and self.__dict__.get("_fixed"):
            raise wrong(
                ValueError,
                "DataLoader",
                f"{name} attribute should not be set after {type(self).__name__} is initialized",
                "make a new loader",
            )
        super().__setattr__(name, value)

    @property
    def _auto_collation(self) -> bool:
        return self.batch_sampler is not None

    @property
    def _index_sampler(self) -> Any:
        return self.batch_sampler if self._auto_collation else self.sampler

    def __len__(self) -> int:
        """The number of batches of a pass. TypeError for a stream without a length."""
        if not self._is_stream:
            return len(self._index_sampler)
        length = self._promised = len(self.dataset)
        if self.batch_size is None:
            return length
        whole, rest = divmod(length, self.batch_size)
        return whole if self.drop_last or not rest else whole + 1

    def __iter__(self) -> _Pass:
        return _Pass(self)

    def check_worker_number_rationality(self) -> None:
        """Any number of workers is as good as another here."""


class _Pass:
    """One pass through a loader."""

    def __init__(self, loader: DataLoader[Any]) -> None:
        self.loader = loader
        self.taken = 0  # items of a stream
        seed = int(randint(2**53, (), generator=loader.generator))
        sampler = iter(loader._index_sampler)
        if not loader.num_workers:
            stream = loader._is_stream
            self._batches = self._of_stream(loader.dataset) if stream else self._of_rows(sampler)
            return
        several = loader._kept or [self._begun(i, seed) for i in range(loader.num_workers)]
        if loader.persistent_workers:
            loader._kept = several
        self._batches = (self._streams_in_turns if loader._is_stream else self._rows_in_turns)(
            several, sampler
        )

    def __iter__(self) -> _Pass:
        return self

    def __next__(self) -> Any:
        return next(self._batches)

    def __len__(self) -> int:
        return len(self.loader._index_sampler)

    def _fetch(self, dataset: Any, index: Any) -> Any:
        loader = self.loader
        if not loader._auto_collation:
            return loader.collate_fn(dataset[index])
        if loader.collate_fn is default_collate:
            found = _gathered(dataset, index)
            if found is not None:
                return found
        return loader.collate_fn(rows_of(dataset, index))

    def _of_rows(self, sampler: Iterator[Any]) -> Iterator[Any]:
        for index in sampler:
            yield self._fetch(self.loader.dataset, index)

    def _of_stream(self, dataset: Iterable[Any]) -> Iterator[Any]:
        loader, items = self.loader, iter(dataset)
        if not loader._auto_collation:
            for item in items:
                self._count(1)
                yield loader.collate_fn(item)
            return
        for batch in BatchSampler(items, loader.batch_size or 1, loader.drop_last):
            self._count(len(batch))
            yield loader.collate_fn(batch)

    def _count(self, items: int) -> None:
        self.taken += items
        promised = self.loader._promised
        if promised is not None and self.taken > promised:
            warnings.warn(
                f"Length of IterableDataset {self.loader.dataset!r} was reported to be {promised} (when "
                f"accessing len(dataloader)), but {self.taken} samples have been fetched.",
                stacklevel=3,
            )

    # -- workers ---------------------------------------------------------------------------------------------

    def _begun(self, number: int, seed: int) -> Turns:
        loader = self.loader
        worker = Turns(number, loader.num_workers, seed, copy.copy(loader.dataset))
        if loader.worker_init_fn is not None:
            with worker.taken():
                loader.worker_init_fn(number)
        return worker

    def _rows_in_turns(self, several: list[Turns], sampler: Iterator[Any]) -> Iterator[Any]:
        for i, index in enumerate(sampler):
            worker = several[i % len(several)]
            with worker.taken():
                batch = self._fetch(worker.info.dataset, index)
            yield batch

    def _streams_in_turns(self, several: list[Turns], sampler: Iterator[Any]) -> Iterator[Any]:
        streams = [(worker, self._of_stream(worker.info.dataset)) for worker in several]
        while streams:
            for one in list(streams):
                worker, stream = one
                with worker.taken():
                    batch = next(stream, _END)
                if batch is _END:
                    streams.remove(one)
                else:
                    yield batch


_END = object()


def _gathered(dataset: Any, indices: Any) -> list[Any] | None:
    """A batch of a TensorDataset, or of a part of one, by one index a tensor; None for other datasets."""
    while type(dataset) is Subset:
        indices, dataset = [dataset.indices[i] for i in indices], dataset.dataset
    if type(dataset) is not TensorDataset or not all(type(i) is int for i in indices):
        return None
    places = np.array(indices, np.int64)
    return [faced(bare(tensor)[places]) for tensor in dataset.tensors]


def _check_workers(count: Any, timeout: float, ahead: int | None, stay: bool) -> None:
    title = "DataLoader"
    if count < 0:
        raise wrong(
            ValueError,
            title,
            "num_workers option should be non-negative; use num_workers=0 to disable multiprocessing.",
        )
    if timeout < 0:
        raise wrong(ValueError, title, "timeout option should be non-negative")
    if count == 0 and ahead is not None:
        raise wrong(
            ValueError,
            title,
            "prefetch_factor option could only be specified in multiprocessing. let "
            "num_workers > 0 to enable multiprocessing, otherwise set prefetch_factor to None.",
        )
    if ahead is not None and ahead < 0:
        raise wrong(ValueError, title, "prefetch_factor option should be non-negative")
    if stay and count == 0:
        raise wrong(ValueError, title, "persistent_workers option needs num_workers > 0")


def _check_stream(shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    start = "DataLoader with IterableDataset: expected unspecified"
    if shuffle not in (False, None):
        raise wrong(
            ValueError,
            "DataLoader",
            f"{start} shuffle option, but got shuffle={shuffle}",
            "let the stream yield its items in random order",
        )
    for name, given in (("sampler", sampler), ("batch_sampler", batch_sampler)):
        if given is not None:
            raise wrong(ValueError, "DataLoader", f"{start} {name} option, but got {name}={given!r:.60}")


__getattr__ = missing_from("torch.utils.data.dataloader")
