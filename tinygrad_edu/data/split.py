"""Splitting: which rows to train on and which to test on.

The lecture's first lesson of machine learning is that the training score proves nothing (train AUC 0.9999,
held out 0.52 on random bits): so it must be easy to make a held-out set, and hard to make a wrong one.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, TypeVar, overload

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.dataset import Array, ArrayDataset, Dataset, Indices, Selects, Subset
from tinygrad_edu.data.seeds import generator
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer, is_one
from tinygrad_edu.words import explaining

SelectsT = TypeVar("SelectsT", bound=Selects)


@overload
def train_test_split(
    data: SelectsT, test_fraction: float = ..., *, seed: int = ..., stratify: npt.ArrayLike | None = ...
) -> tuple[SelectsT, SelectsT]: ...
@overload
def train_test_split(
    data: Array | tuple[Array, ...],
    test_fraction: float = ...,
    *,
    seed: int = ...,
    stratify: npt.ArrayLike | None = ...,
) -> tuple[ArrayDataset, ArrayDataset]: ...
@overload
def train_test_split(
    data: Dataset, test_fraction: float = ..., *, seed: int = ..., stratify: npt.ArrayLike | None = ...
) -> tuple[Any, Any]: ...


@partial(explaining, title="train_test_split")
def train_test_split(
    data: Any, test_fraction: float = 0.25, *, seed: int = 0, stratify: npt.ArrayLike | None = None
) -> tuple[Any, Any]:
    """Two disjoint parts that make up `data`, rows drawn at random from `seed`, each in its old order.

    data           a Table or ArrayDataset (two of the same come back), an array or a tuple of arrays (two
                   ArrayDatasets), or any other Dataset (two Subsets)
    test_fraction  in (0, 1); the second part has round(test_fraction * rows) rows
    stratify       one label a row: every class then keeps its share in both parts, to within one row
    """
    if isinstance(data, np.ndarray):
        data = ArrayDataset(data)
    elif isinstance(data, tuple):
        data = ArrayDataset(*data)
    count = len(data)
    if np.ndim(test_fraction):
        raise wrong(
            TypeError,
            "train_test_split",
            f"test_fraction has shape {np.shape(test_fraction)}, but is one number",
            "put arrays that share their rows into a tuple: train_test_split((x, y))",
        )
    if not 0 < test_fraction < 1:
        raise wrong(
            ValueError,
            "train_test_split",
            f"test_fraction must lie in (0, 1), not {test_fraction}",
            "try 0.25",
        )
    test_count = round(test_fraction * count)
    if not 0 < test_count < count:
        raise wrong(
            ValueError,
            "train_test_split",
            f"test_fraction {test_fraction} of {count} rows leaves {count - test_count} to train on and "
            f"{test_count} to test on",
            "both need at least one",
        )
    groups = (
        np.zeros(count, np.int64) if stratify is None else _class_numbers(stratify, count, "train_test_split")
    )
    sizes = np.bincount(groups)
    # Shares by largest remainder: each class gets the whole part of its quota; the remaining rows go to the
    # classes that lost most by rounding down. So no class is off by a row or more.
    quotas = sizes * (test_count / count)
    shares = np.floor(quotas).astype(np.int64)
    shares[np.argsort(shares - quotas, kind="stable")[: test_count - shares.sum()]] += 1
    order = generator(seed).permutation(count)
    order = order[np.argsort(groups[order], kind="stable")]
    rank = np.arange(count) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # position within its class
    chosen = np.zeros(count, bool)
    chosen[order] = rank < np.repeat(shares, sizes)
    return _select_rows(data, np.flatnonzero(~chosen)), _select_rows(data, np.flatnonzero(chosen))


def kfold(
    rows: int | npt.ArrayLike, folds: int, *, seed: int = 0, stratify: bool = True
) -> Iterator[tuple[Indices, Indices]]:
    """`folds` pairs (train indices, test indices), sorted; the test parts partition the rows.

    rows      their number, or their labels
    stratify  with labels: in any two test parts the counts of each class differ by one at most
    Fold sizes differ by one at most in every case. Arguments are checked at the call, not at the first pair.
    """
    if is_one(rows):
        count = integer(rows)
        groups = np.zeros(count, np.int64)
    else:
        labels = np.asarray(rows)
        count = labels.shape[0] if labels.ndim else 0
        groups = _class_numbers(labels, count, "kfold") if stratify else np.zeros(count, np.int64)
    folds = operator.index(folds)
    if not 2 <= folds <= count:
        raise wrong(
            ValueError, "kfold", f"{folds} folds of {count} rows", "pass between 2 and the number of rows"
        )
    # Number the rows 0, 1, ... modulo `folds`, class after class without a restart: then the folds of each
    # class, and of all rows, differ by one row at most.
    order = generator(seed).permutation(count)
    order = order[np.argsort(groups[order], kind="stable")]
    fold = np.empty(count, np.int64)
    fold[order] = np.arange(count) % folds
    return ((np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(folds))


@partial(explaining, title="random_split")
def random_split(data: Dataset, lengths: Sequence[float], *, seed: int = 0) -> list[Subset]:
    """Disjoint Subsets of `data`, its rows drawn at random from `seed`: `random_split(rows, [0.8, 0.2])`.

    lengths  the numbers of rows, which sum to len(data); or fractions, which sum to 1. A fraction is rounded
             down, and the rows that remain go one each to the first parts, as in PyTorch
    seed     of the draw; `te.manual_seed` changes nothing here
    """
    count, name = len(data), "random_split"
    parts = np.asarray(lengths)
    if parts.ndim != 1 or not len(parts) or parts.dtype.kind not in "fiu":
        raise wrong(
            TypeError, name, f"lengths={lengths!r:.60} must be several numbers", "pass for example [0.8, 0.2]"
        )
    if not (parts >= 0).all():
        raise wrong(ValueError, name, f"lengths={lengths!r:.60} must not be negative")
    if math.isclose(parts.sum(), 1) and (parts <= 1).all() and not (parts.dtype.kind in "iu" and count == 1):
        sizes = np.floor(parts * count + 1e-9).astype(np.int64)  # 0.29 * 100 is 28.999...
        sizes[: count - sizes.sum()] += 1
    else:
        sizes = parts.astype(np.int64)
        if (sizes != parts).any() or sizes.sum() != count:
            raise wrong(
                ValueError,
                name,
                f"lengths={lengths!r:.60} sum to {parts.sum()}; there are {count} rows",
                f"pass integers that sum to {count}, or fractions that sum to 1",
            )
    order, ends = generator(seed).permutation(count), np.cumsum(sizes)
    return [Subset(data, order[end - size : end]) for size, end in zip(sizes, ends, strict=True)]


def _class_numbers(labels: npt.ArrayLike, count: int, caller: str) -> Indices:
    """Labels as 0, 1, ... in sorted order; an error for quantities and for other shapes than (count,)."""
    array = np.asarray(labels)
    if array.shape != (count,):
        raise wrong(
            ValueError, caller, f"{count} rows and labels of shape {array.shape}", "give one label a row"
        )
    if array.dtype.kind == "f" and not np.array_equal(array, np.floor(array)):
        raise wrong(
            ValueError,
            caller,
            "these labels are quantities, not classes, and cannot be stratified",
            "pass stratify=False to kfold, stratify=None to train_test_split",
        )
    return np.unique(array, return_inverse=True)[1].astype(np.int64)


def _select_rows(data: Any, indices: Indices) -> Any:
    return data.rows(indices) if isinstance(data, Selects) else Subset(data, indices)
