"""The arguments of a DataLoader, checked: each error names the argument and says what to pass."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.data.combining import IterableDataset
from tinygrad_edu.data.dataset import Dataset
from tinygrad_edu.data.sampling import check_sampler
from tinygrad_edu.errors import wrong

BATCH_SIZE = 32  # unless another one is given


def check_batch_size(batch_size: Any) -> int:
    """The rows in a batch: an integer, at least 1."""
    if batch_size is None:
        raise wrong(
            TypeError,
            "DataLoader",
            "batch_size=None, and a loader makes batches",
            "pass batch_size=1 "
            "for batches of one row; `for x in dataset` goes through rows, or batches that it makes",
        )
    try:
        number = operator.index(batch_size)
    except TypeError:
        raise wrong(TypeError, "DataLoader", f"batch_size must be an integer, not {batch_size!r}") from None
    if number < 1:
        raise wrong(
            ValueError, "DataLoader", f"batch_size must be at least 1, not {batch_size}", "32 is usual"
        )
    return number


def check_dataset(dataset: Any) -> Any:
    """A dataset that has rows, or a stream."""
    if isinstance(dataset, IterableDataset):
        return dataset
    if not isinstance(dataset, Dataset):
        raise wrong(
            TypeError,
            "DataLoader",
            f"{type(dataset).__name__} has no __len__ or no __getitem__",
            "wrap arrays in ArrayDataset(x, y)",
        )
    if isinstance(dataset, Mapping) and len(dataset) and 0 not in dataset:
        remedy = "give ArrayDataset(x, y), or StackDataset(x=first, y=second) for rows that are dicts"
        raise wrong(
            TypeError, "DataLoader", f"a {type(dataset).__name__} has keys, not rows 0, 1, ...", remedy
        )
    arrays = isinstance(dataset, tuple | list) and any(map(_is_array, dataset))
    if arrays or isinstance(dataset, np.ndarray):
        what = f"a {type(dataset).__name__}{' of arrays' if arrays else ''}"
        remedy = "wrap it: DataLoader(ArrayDataset(x, y), ...)"
        if arrays:
            remedy += " if they share their rows; if each is a row, make it a tuple: [(row,), ...]"
        raise wrong(TypeError, "DataLoader", f"{what} is not a dataset", remedy)
    if type(dataset).__len__ is Dataset.__len__ or type(dataset).__getitem__ is Dataset.__getitem__:
        problem = f"{type(dataset).__name__} does not define __len__ and __getitem__"
        raise wrong(TypeError, "DataLoader", problem, "define both; a stream derives from IterableDataset")
    if len(dataset) == 0:
        raise wrong(ValueError, "DataLoader", "the dataset has no rows", "look at how it was read or split")
    return dataset


def _is_array(x: Any) -> bool:
    """Whether it is an array or a tensor that has rows."""
    return hasattr(x, "shape") and hasattr(x, "dtype") and bool(getattr(x, "ndim", 0))


def check_shard(shard: Any) -> tuple[int, int]:
    """The rank and the number of ranks in `shard`, or an error."""
    try:
        rank, size = (operator.index(number) for number in shard)
    except (TypeError, ValueError):
        raise wrong(
            TypeError,
            "DataLoader",
            f"shard must be two integers, not {shard!r:.60}",
            "pass shard=(comm.rank, comm.size)",
        ) from None
    if not 0 <= rank < size:
        raise wrong(
            ValueError,
            "DataLoader",
            f"shard={(rank, size)} is no rank of a job of {size}",
            "ranks go from 0 to size - 1: pass shard=(comm.rank, comm.size)",
        )
    return rank, size


def check_rows(rows: int, batch_size: int, size: int, drop_last: bool) -> None:
    """ValueError if some rank of `size` gets no batch of these rows."""
    if drop_last and rows < batch_size * size:
        batch = f"{batch_size}{f' on each of {size} ranks' if size > 1 else ''}"
        raise wrong(
            ValueError,
            "DataLoader",
            f"{rows} rows make no batch of {batch} with drop_last=True",
            "lower batch_size or keep the last batch",
        )
    if rows < size:
        raise wrong(
            ValueError,
            "DataLoader",
            f"{rows} rows cannot be shared by {size} ranks",
            "start at most as many ranks as there are rows",
        )


def check_samplers(
    dataset: Any, sampler: Any, batch_sampler: Any, others: dict[str, bool], size: int
) -> None:
    """Refuse arguments that contradict each other; `others` says which of these were given."""

    def refuse(problem: str, remedy: str) -> None:
        raise wrong(ValueError, "DataLoader", problem, remedy)

    if isinstance(dataset, IterableDataset):
        samplers = {"sampler": sampler, "batch_sampler": batch_sampler}
        given = [name for name, value in samplers.items() if value is not None]
        if others["shuffle"]:
            refuse(
                "a stream cannot be shuffled as a whole",
                "wrap it: DataLoader(ShuffleBuffer(stream, 1000), ...)",
            )
        if given or size > 1:
            refuse(
                f"{given[0] if given else 'shard'} needs a dataset with rows, and this is a stream",
                "read another part of the data on each rank, or choose rows in its __iter__",
            )
        return
    if sampler is not None:
        check_sampler("DataLoader", "sampler", sampler)
        if others["shuffle"]:
            refuse("sampler says the order, and shuffle=True another one", "leave out one of them")
        if len(sampler) == 0:
            refuse("the sampler has no rows", "look at how it was made")
    if batch_sampler is not None:
        check_sampler("DataLoader", "batch_sampler", batch_sampler)
        both = [
            *(name for name, is_given in others.items() if is_given),
            *(["sampler"] if sampler is not None else []),
        ]
        if both or size > 1:
            refuse(
                f"batch_sampler says the batches, and {(both or ['shard'])[0]} others",
                "leave out one of them",
            )
        if len(batch_sampler) == 0:
            refuse("the batch_sampler has no batches", "look at how it was made")


def check_number(name: str, value: Any, least: int) -> int:
    """An integer argument, at least `least`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise wrong(TypeError, "DataLoader", f"{name} must be an integer, not {value!r:.60}") from None
    if number < least:
        raise wrong(ValueError, "DataLoader", f"{name} must be at least {least}, not {number}")
    return number


def check_timeout(value: Any) -> float:
    """Seconds, 0 for any number of them."""
    if isinstance(value, str | bytes) or np.ndim(value) or np.asarray(value).dtype.kind not in "fiub":
        raise wrong(TypeError, "DataLoader", f"timeout must be a number of seconds, not {value!r:.60}")
    if not 0 <= float(value) < math.inf:
        raise wrong(
            ValueError,
            "DataLoader",
            f"timeout must be at least 0, not {value}",
            "0 waits as long as it takes",
        )
    return float(value)


def check_functions(**functions: Any) -> None:
    """TypeError for what is given and cannot be called."""
    for name, function in functions.items():
        if function is not None and not callable(function):
            raise wrong(
                TypeError, "DataLoader", f"{name} must be a function, not a {type(function).__name__}"
            )
