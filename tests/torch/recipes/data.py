"""torch.utils.data: datasets, samplers, batches and their types, and what is an error."""

from __future__ import annotations

import collections
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Point = collections.namedtuple("Point", ["x", "y"])
DATA = "torch.utils.data."


def rows(t: Any, d: Any, count: int = 7) -> Any:
    """A dataset of two tensors."""
    return t.utils.data.TensorDataset(d.floats(count, 3, dtype="float32", grad=False), t.arange(count))


def squares(t: Any) -> type:
    """A program's own dataset, of Python's numbers."""

    class Squares(t.utils.data.Dataset):  # type: ignore[misc,name-defined]
        def __init__(self, count: int) -> None:
            self.count = count

        def __len__(self) -> int:
            return self.count

        def __getitem__(self, index: int) -> Any:
            if not 0 <= index < self.count:
                raise IndexError(index)
            return index, index**2 / 2, f"row {index}", {"odd": index % 2 == 1}

    return Squares


def stream(t: Any) -> type:
    """A program's own stream; in a worker it reads every n-th number."""

    class Stream(t.utils.data.IterableDataset):  # type: ignore[misc,name-defined]
        def __init__(self, count: int, shared: bool = True) -> None:
            self.count, self.shared = count, shared

        def __iter__(self) -> Iterator[Any]:
            info = t.utils.data.get_worker_info()
            step, first = (1, 0) if info is None or not self.shared else (info.num_workers, info.id)
            yield from (t.tensor([i, i * 10]) for i in range(first, self.count, step))

    return Stream


def loaded(
    make: Callable[[Any, Any], Any], *given: Any, passes: int = 1, **settings: Any
) -> Callable[..., Any]:
    """A recipe: the batches of a loader, its length and its attributes."""

    def recipe(t: Any, d: Any) -> Any:
        loader = t.utils.data.DataLoader(make(t, d), *given, **settings)
        found = [list(loader) for _ in range(passes)]
        known = (
            loader.batch_size,
            loader.drop_last,
            loader.num_workers,
            loader.prefetch_factor,
            loader.timeout,
            loader.pin_memory,
            loader.persistent_workers,
        )
        kinds = (
            type(loader.sampler).__name__.replace("_InfiniteConstant", "Infinite"),
            type(loader.batch_sampler).__name__,
        )
        try:
            length: Any = len(loader)
        except TypeError:
            length = "none"
        return found, known, kinds, length

    return recipe


def shuffled(**settings: Any) -> Callable[..., Any]:
    """A recipe: a random order has each row once; each pass has another, each seed the same."""

    def recipe(t: Any, d: Any) -> Any:
        def orders() -> list[list[int]]:
            generator = t.Generator()
            generator.manual_seed(3)
            loader = t.utils.data.DataLoader(rows(t, d, 40), 8, shuffle=True, generator=generator, **settings)
            return [[int(i) for _, y in loader for i in y] for _ in range(2)]

        first, again = orders(), orders()
        return (
            first == again,
            first[0] == first[1],
            [sorted(order) for order in first],
            first[0] == sorted(first[0]),
        )

    return recipe


def drawn(name: str, *given: Any, **settings: Any) -> Callable[..., Any]:
    """A recipe: what a random sampler yields, up to its order, and that a seed gives the same again."""

    def recipe(t: Any, d: Any) -> Any:
        def order() -> list[int]:
            t.manual_seed(5)
            return list(getattr(t.utils.data, name)(*given, **settings))

        first = order()
        kinds = sorted({type(i).__name__ for i in first})
        sampler = getattr(t.utils.data, name)(*given, **settings)
        replaced = settings.get("replacement", len(given) > 1 and name.startswith("Weighted"))
        return kinds, len(first), len(sampler), first == order(), None if replaced else sorted(first)

    return recipe


def collated(make: Callable[[Any, Any], list[Any]], name: str = "default_collate") -> Callable[..., Any]:
    """A recipe: a batch, with the types of its containers."""

    def recipe(t: Any, d: Any) -> Any:
        found = getattr(t.utils.data, name)(make(t, d))
        return found, shape_of(t, found)

    return recipe


def shape_of(t: Any, x: Any) -> Any:
    """The types of nested containers, as text."""
    if isinstance(x, dict):
        return type(x).__name__, {key: shape_of(t, y) for key, y in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x).__name__, [shape_of(t, y) for y in x]
    return type(x).__name__


def split(*lengths: Any) -> Callable[..., Any]:
    """A recipe: parts of a dataset, their lengths, and that they are all of it."""

    def recipe(t: Any, d: Any) -> Any:
        with warnings.catch_warnings(record=True) as met:
            warnings.simplefilter("always")
            parts = t.utils.data.random_split(list(range(10)), list(lengths), t.Generator().manual_seed(1))
            again = t.utils.data.random_split(list(range(10)), list(lengths), t.Generator().manual_seed(1))
        same = [list(part.indices) for part in parts] == [list(part.indices) for part in again]
        return [len(part) for part in parts], sorted(i for part in parts for i in part), same, len(met)

    return recipe


def seen_in_workers(t: Any, d: Any) -> Any:
    """What workers know, and that their random numbers leave those outside alone."""
    met: list[Any] = []

    class Info(t.utils.data.Dataset):  # type: ignore[misc,name-defined]
        def __len__(self) -> int:
            return 6

        def __getitem__(self, index: int) -> Any:
            info = t.utils.data.get_worker_info()
            return (index, -1, -1) if info is None else (index, info.id, info.num_workers)

    outside = t.utils.data.get_worker_info() is None
    loader = t.utils.data.DataLoader(Info(), 2, num_workers=2, multiprocessing_context="fork")
    return outside, list(loader), t.utils.data.get_worker_info() is None, met


def fixed(t: Any, d: Any) -> Any:
    t.utils.data.DataLoader(rows(t, d)).batch_size = 3


def single(t: Any, d: Any) -> Any:
    """One batch by next(iter(loader)), a second pass, and the loader in a comprehension."""
    loader = t.utils.data.DataLoader(rows(t, d), batch_size=4)
    first = next(iter(loader))
    return first, [len(y) for _, y in loader], len(loader.dataset), sum(1 for _ in loader)


def numbers(t: Any, d: Any) -> Any:
    return list(range(7))


LOADED = [
    loaded(rows),
    loaded(rows, 3, passes=2),
    loaded(rows, 3, drop_last=True),
    loaded(rows, 7),
    loaded(rows, 9),
    loaded(rows, 9, drop_last=True),
    loaded(rows, None),
    loaded(rows, 2, sampler=[5, 1, 1]),
    loaded(rows, batch_sampler=[[0, 3], [2], [6, 6, 1]]),
    loaded(rows, 3, pin_memory=True, timeout=0),
    loaded(lambda t, d: squares(t)(5), 2),
    loaded(lambda t, d: squares(t)(5), None),
    loaded(lambda t, d: squares(t)(5), 2, collate_fn=lambda several: [row[2] for row in several]),
    loaded(numbers, 3),
    loaded(lambda t, d: [{"a": i, "b": [i, 1.5]} for i in range(4)], 2),
    loaded(lambda t, d: t.utils.data.Subset(rows(t, d), [4, 2, 2, 0]), 3),
    loaded(lambda t, d: t.utils.data.Subset(t.utils.data.Subset(rows(t, d), [4, 2, 0]), [2, 0]), 2),
    loaded(lambda t, d: t.utils.data.ConcatDataset([rows(t, d, 3), rows(t, d, 2)]), 2),
    loaded(lambda t, d: stream(t)(7), 3),
    loaded(lambda t, d: stream(t)(7), 3, drop_last=True),
    loaded(lambda t, d: stream(t)(4), None),
    loaded(lambda t, d: t.utils.data.ChainDataset([stream(t)(3), stream(t)(2)]), 2),
    loaded(rows, 3, sampler=[1], shuffle=True),
    loaded(rows, 3, batch_sampler=[[0]]),
    loaded(rows, None, drop_last=True),
    loaded(rows, 0),
    loaded(rows, -2),
    loaded(rows, 2.5),
    loaded(rows, num_workers=-1),
    loaded(rows, timeout=-1),
    loaded(rows, prefetch_factor=2),
    loaded(rows, persistent_workers=True),
    loaded(lambda t, d: [], 2, shuffle=True),
    loaded(lambda t, d: stream(t)(4), 2, shuffle=True),
    loaded(lambda t, d: stream(t)(4), sampler=[1]),
    loaded(lambda t, d: stream(t)(4), batch_sampler=[[1]]),
    loaded(rows, 2, sampler=[9]),
    loaded(lambda t, d: [d.floats(2, grad=False), d.floats(3, grad=False)], 2),
    loaded(lambda t, d: [object()], 1),
    shuffled(),
    fixed,
    single,
    lambda t, d: t.utils.data.DataLoader[int] is not None,
]
WORKERS = [
    loaded(rows, 2, num_workers=2, multiprocessing_context="fork", passes=2),
    loaded(rows, 3, num_workers=3, multiprocessing_context="fork", persistent_workers=True, passes=2),
    loaded(lambda t, d: stream(t)(9), 2, num_workers=2, multiprocessing_context="fork"),
    loaded(lambda t, d: stream(t)(3, False), 2, num_workers=2, multiprocessing_context="fork"),
    seen_in_workers,
]

RECIPES: dict[str, list[Any]] = {
    f"{DATA}DataLoader": LOADED,
    f"{DATA}get_worker_info": WORKERS,
    f"{DATA}TensorDataset": [
        lambda t, d: (rows(t, d)[2], rows(t, d)[-1], rows(t, d)[1:3], len(rows(t, d))),
        lambda t, d: t.utils.data.TensorDataset(t.ones(2), t.ones(3)),
        lambda t, d: rows(t, d)[9],
    ],
    f"{DATA}StackDataset": [
        lambda t, d: (
            t.utils.data.StackDataset([1, 2], "ab")[1],
            len(t.utils.data.StackDataset([1, 2], "ab")),
        ),
        lambda t, d: t.utils.data.StackDataset(a=[1, 2], b=rows(t, d, 2)).__getitems__([1, 0]),
        lambda t, d: t.utils.data.StackDataset(),
        lambda t, d: t.utils.data.StackDataset([1], [1, 2]),
        lambda t, d: t.utils.data.StackDataset([1], a=[1]),
    ],
    f"{DATA}ConcatDataset": [
        lambda t, d: (lambda c: ([c[i] for i in (0, 2, 3, -1, -5)], len(c), c.cumulative_sizes))(
            t.utils.data.ConcatDataset([[1, 2, 3], [4, 5]])
        ),
        lambda t, d: (rows(t, d, 2) + rows(t, d, 3))[3],
        lambda t, d: t.utils.data.ConcatDataset([]),
        lambda t, d: t.utils.data.ConcatDataset([[1]])[-2],
        lambda t, d: t.utils.data.ConcatDataset([[1]])[1],
        lambda t, d: t.utils.data.ConcatDataset([stream(t)(2)]),
    ],
    f"{DATA}ChainDataset": [
        lambda t, d: list(stream(t)(2) + stream(t)(1)),
        lambda t, d: list(t.utils.data.ChainDataset([[1]])),
    ],
    f"{DATA}Subset": [
        lambda t, d: (t.utils.data.Subset([5, 6, 7], [2, 0])[0], len(t.utils.data.Subset([5, 6], [1]))),
        lambda t, d: t.utils.data.Subset(rows(t, d), [2, 0]).__getitems__([1, 0]),
        lambda t, d: t.utils.data.Subset([5, 6, 7], [2, 0])[3],
    ],
    f"{DATA}Dataset": [
        lambda t, d: [row for row, _ in zip(squares(t)(3), range(3))],
        lambda t, d: t.utils.data.Dataset()[0],
        lambda t, d: issubclass(t.utils.data.IterableDataset, t.utils.data.Dataset),
    ],
    f"{DATA}random_split": [
        split(7, 3),
        split(0.5, 0.3, 0.2),
        split(0.33, 0.33, 0.34),
        split(0.05, 0.95),
        split(3, 3),
        split(1.5, -0.5),
    ],
    f"{DATA}SequentialSampler": [
        lambda t, d: (list(t.utils.data.SequentialSampler("abc")), len(t.utils.data.SequentialSampler("abc")))
    ],
    f"{DATA}RandomSampler": [
        drawn("RandomSampler", range(9)),
        drawn("RandomSampler", range(9), num_samples=4, replacement=True),
        drawn("RandomSampler", range(3), replacement=True, num_samples=70),
        drawn("RandomSampler", []),
        drawn("RandomSampler", range(3), num_samples=0),
        drawn("RandomSampler", range(3), replacement="yes"),
        lambda t, d: [
            sorted(part)
            for part in np.split(np.array(list(t.utils.data.RandomSampler(range(4), num_samples=10))), [4, 8])
        ][:2],
        lambda t, d: len(list(t.utils.data.RandomSampler(range(4), num_samples=10))),
    ],
    f"{DATA}SubsetRandomSampler": [drawn("SubsetRandomSampler", [4, 8, 15, 16])],
    f"{DATA}WeightedRandomSampler": [
        drawn("WeightedRandomSampler", [1.0, 0.0, 3.0], 20),
        drawn("WeightedRandomSampler", [1, 2, 3], 3, replacement=False),
        drawn("WeightedRandomSampler", [1.0], 0),
        drawn("WeightedRandomSampler", [1.0], 1, replacement=2),
        drawn("WeightedRandomSampler", [[1.0]], 1),
        lambda t, d: 1 in list(t.utils.data.WeightedRandomSampler([1.0, 0.0, 3.0], 50)),
    ],
    f"{DATA}BatchSampler": [
        lambda t, d: (lambda b: (list(b), len(b)))(
            t.utils.data.BatchSampler(t.utils.data.SequentialSampler(range(7)), 3, d.choose([True, False]))
        ),
        lambda t, d: t.utils.data.BatchSampler(range(3), 0, False),
        lambda t, d: t.utils.data.BatchSampler(range(3), True, False),
        lambda t, d: t.utils.data.BatchSampler(range(3), 2, "no"),
    ],
    f"{DATA}Sampler": [lambda t, d: issubclass(t.utils.data.RandomSampler, t.utils.data.Sampler)],
    f"{DATA}DistributedSampler": [
        lambda t, d: [
            list(
                t.utils.data.DistributedSampler(range(10), 4, rank, False, drop_last=d.choose([True, False]))
            )
            for rank in range(4)
        ],
        lambda t, d: (lambda s: (len(s), [s.set_epoch(3), sorted(set(s) | set(s))]))(
            t.utils.data.DistributedSampler(range(3), 1, 0, seed=2)
        ),
        lambda t, d: list(t.utils.data.DistributedSampler(range(2), 5, 4, False)),
        lambda t, d: t.utils.data.DistributedSampler(range(10), 4, 4),
    ],
    f"{DATA}default_collate": [
        collated(lambda t, d: [d.floats(2, 3, grad=False), d.floats(2, 3, grad=False)]),
        collated(lambda t, d: [d.floats(3), d.floats(3)]),
        collated(lambda t, d: [(1, 2.5, "a", True), (3, 4.5, "b", False)]),
        collated(lambda t, d: [[1, [2, 3]], [4, [5, 6]]]),
        collated(lambda t, d: [Point(1, t.ones(2)), Point(2, t.zeros(2))]),
        collated(lambda t, d: [{"x": 1, "y": (2.0, b"c")}, {"x": 3, "y": (4.0, b"d")}]),
        collated(lambda t, d: [collections.OrderedDict(b=1, a=2), collections.OrderedDict(b=3, a=4)]),
        collated(lambda t, d: [np.arange(3), np.arange(3)]),
        collated(lambda t, d: [np.float32(1.5), np.float32(2)]),
        collated(lambda t, d: [np.float64(1.5), np.int64(2)]),
        collated(lambda t, d: [np.ones((2, 2), np.float32), np.ones((2, 2), np.float32)]),
        collated(lambda t, d: [[1, 2], [3]]),
        collated(lambda t, d: [t.ones(2), t.ones(3)]),
        collated(lambda t, d: [None, None]),
        collated(lambda t, d: [{1}, {2}]),
        collated(lambda t, d: [np.array(["a"]), np.array(["b"])]),
        collated(lambda t, d: []),
        collated(lambda t, d: ["a", "b"]),
        collated(lambda t, d: [1, 2.5]),
        collated(lambda t, d: [range(2), range(2)]),
    ],
    f"{DATA}default_convert": [
        collated(lambda t, d: [np.ones(2), 3, "a", (1, np.zeros(1)), {"k": np.arange(2)}], "default_convert"),
        collated(lambda t, d: Point(np.ones(2), "b"), "default_convert"),
        collated(lambda t, d: np.array(["a"]).tolist(), "default_convert"),
    ],
}
