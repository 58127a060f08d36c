"""Words to labels: the one rule by which every reader decides between classes and quantities.

All labels whole numbers: classes, in numerical order. All numbers, some with a fraction: a regression.
Words: classes, in alphabetical order. Numbers with a fraction among words: neither, so an error, because a
single typing mistake would otherwise turn a regression into a classification with four hundred classes.
"""
from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np

from tinygrad_edu.data.dataset import Array
from tinygrad_edu.data.source import DataError

Task: TypeAlias = Literal["classification", "regression"]

MISSING = frozenset({"", "na", "n/a", "nan", "null", "?"})  # compared in lower case


def number(word: str) -> float | None:
    """The finite number that `word` spells, or None; Python's `1_000` is not a number in a data file."""
    try:
        value = float(word)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in word else None


def read_labels(
    words: Sequence[str], where: Callable[[int], str], task: Task | None = None
) -> tuple[Array, tuple[str, ...]]:
    """Labels and class names: (n,) int64 and the names, or (n,) float64 and () for a regression.

    where  the place of label i in its file, for the message
    task   overrides the rule: integer quantities such as an age need `task="regression"`
    """
    if task not in (None, "classification", "regression"):
        raise ValueError(f"task must be 'classification', 'regression' or None, not {task!r}")
    numbers = [number(word) for word in words]
    for i, word in enumerate(words):
        if word.lower() in MISSING:
            raise DataError(f"{where(i)}: the label is missing ({word!r}); fill it in or delete the line")
        if numbers[i] is None and word.lower().lstrip("+-") in ("inf", "infinity"):
            raise DataError(f"{where(i)}: the label is infinite ({word!r}); correct it or delete the line")
    known = [value for value in numbers if value is not None]
    whole = all(value.is_integer() for value in known)
    if len(known) < len(words) and (task == "regression" or (known and not whole and task is None)):
        bad = numbers.index(None)
        raise DataError(
            f"{where(bad)}: label {words[bad]!r} is not a number, others are; correct it, or pass "
            "task='classification' if these are names"
        )
    if len(known) == len(words) and (task == "regression" or (task is None and not whole)):
        return np.array(known, np.float64), ()
    if len(known) == len(words) and whole:
        values, indices = np.unique(np.array(known, np.float64), return_inverse=True)
        return indices.astype(np.int64), tuple(str(int(value)) for value in values)
    names, indices = np.unique(np.array(words, dtype=np.str_), return_inverse=True)
    return indices.astype(np.int64), tuple(str(name) for name in names)
