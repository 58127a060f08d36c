"""Words to labels: the one rule by which every reader decides between classes and quantities.

All labels whole numbers, few of them different: classes, in numerical order. All numbers, some with a
fraction or too many of them different: a regression (`are_quantities`). Words: classes, in alphabetical
order. Numbers with a fraction among words: neither, so an error, because a single typing mistake would
otherwise turn a regression into a classification with four hundred classes.

A class has the name that the file has: `007` and `7` are two classes, and so are `a` and `a `.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

import numpy as np

from tinygrad_edu.data.dataset import Array
from tinygrad_edu.data.source import bad
from tinygrad_edu.data.spelling import INFINITE, exact, is_missing, number
from tinygrad_edu.errors import wrong
from tinygrad_edu.phrases import Phrase, passing

Task: TypeAlias = Literal["classification", "regression"]
MOST_CLASSES = 20  # more different whole numbers than this are quantities, unless they count from 0 or 1


def read_labels(
    words: Sequence[str], where: Callable[[int], str], task: Task | None = None, *, decimal: str = "."
) -> tuple[Array, tuple[str, ...]]:
    """Labels and class names: (n,) int64 and the names, or (n,) float64 and () for a regression.

    where    the place of label i in its file, for the message
    task     overrides the rule: few different quantities, such as a number of children, need "regression"
    decimal  the decimal sign of quantities
    """
    if task not in (None, "classification", "regression"):
        raise wrong(ValueError, None, f"task must be 'classification', 'regression' or None, not {task!r}")
    kinds = {word: exact(word, decimal) for word in dict.fromkeys(words)}
    for i, word in enumerate(words) if any(value is None for value in kinds.values()) else ():
        if is_missing(word):
            raise bad(where(i), f"the label is missing ({word!r})", "fill it in or delete the line")
        if word.strip().lower().lstrip("+-") in INFINITE:
            raise bad(where(i), f"the label is infinite ({word!r})", "correct it or delete the line")
    known = [value for value in kinds.values() if value is not None]
    whole = all(value == value.to_integral_value() for value in known)
    numeric = len(known) == len(kinds)
    if not numeric and (task == "regression" or (known and not whole and task is None)):
        at = next(i for i, word in enumerate(words) if kinds[word] is None)
        raise bad(
            where(at),
            f"label {words[at]!r} is not a number{', others are' if known else ''}",
            Phrase("correct it, or ", passing("task", "classification"), " if these are names"),
        )
    if task == "regression" or (task is None and numeric and are_quantities(words, decimal)):
        return _quantities(words, where, decimal), ()
    names = tuple(sorted(kinds, key=lambda word: (kinds[word], word) if numeric else word))
    index = {name: i for i, name in enumerate(names)}
    return np.array([index[word] for word in words], np.int64), names


def are_quantities(words: Sequence[str], decimal: str = ".") -> bool:
    """Whether labels, all of them numbers, are quantities and not the numbers of classes.

    They are quantities if one has a fraction; if more than `MOST_CLASSES` are different, unless they count
    from 0 or 1 and each has as many rows as that; and if at least 6 are different and have fewer than two
    rows each. If one is written like `007`, all are numbers of classes.
    """
    values = {exact(word, decimal) for word in words}
    known = sorted(value for value in values if value is not None)
    if any(value != value.to_integral_value() for value in known):
        return True
    if any(word.strip().lstrip("+-").startswith("0") and len(word.strip()) > 1 for word in {*words}):
        return False
    count = len(known)
    if count <= MOST_CLASSES:
        return count >= 6 and len(words) < 2 * count
    numbered = known[0] in (0, 1) and known[-1] - known[0] == count - 1
    return not (numbered and len(words) >= MOST_CLASSES * count)


def _quantities(words: Sequence[str], where: Callable[[int], str], decimal: str) -> Array:
    values = [number(word, decimal) for word in words]
    if None in values:
        at = values.index(None)
        raise bad(where(at), f"label {words[at]!r} is too large for float64", "choose another unit")
    return np.array(values, np.float64)


def twins(names: Sequence[str]) -> tuple[str, str] | None:
    """Two names that a person would consider the same: one number, or one word, written in two ways."""
    seen: dict[object, str] = {}
    for name in names:
        value = exact(name)
        key = " ".join(name.split()) if value is None else value
        if key in seen:
            return seen[key], name
        seen[key] = name
    return None
