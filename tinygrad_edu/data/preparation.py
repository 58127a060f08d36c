"""Preparation: how the columns of a file become numbers, learned from training rows, kept with the model.

A number does not change. A date becomes the days since 1970-01-01 (see `dates.py`), no and yes are 0 and 1. A
column of words becomes a column of 0 and 1 for each word that the training rows have, `city=Bonn`; a word
that they do not have is 0 in all of them. An empty cell becomes the column's median or mean in the training
rows, or a constant; among words it is 0 in all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from tinygrad_edu import memory
from tinygrad_edu.backend.sums import power_of_two
from tinygrad_edu.data.dataset import Array
from tinygrad_edu.data.features import KINDS, NUMBER, WORDS, Features, read_features
from tinygrad_edu.data.sheet import Sheet
from tinygrad_edu.data.source import DataError, bad, place
from tinygrad_edu.errors import wrong
from tinygrad_edu.phrases import Argument, Phrase, passing

Impute = str | float
Place = tuple[str, int]  # a column's name and position in the file
Names = int | str | Sequence[int | str] | None  # the columns that name the rows


def listed(names: Names) -> list[int | str]:
    """The columns that name the rows, as a list."""
    if names is None:
        return []
    return list(names) if isinstance(names, (list, tuple)) else [names]  # type: ignore[list-item]


@dataclass(frozen=True)
class Layout:
    """The positions of a file's columns, with the names if it has a header: features, label, row names."""

    names: tuple[str, ...]
    header: bool
    label: Place | None = None
    row_names: tuple[Place, ...] = ()

    def find(
        self, sheet: Sheet, label: int | str | None = None, names: Names = None
    ) -> tuple[list[int], int | None, list[int]]:
        """Positions in another file: of the features in this order, of label and row names if it has them.

        Found by name if this file had a header, whatever the names look like; by position if neither has one.
        Raises DataError if the two files do not fit.
        """
        file, count = place(sheet.path), len(self.names)
        if self.header and not sheet.header:
            raise bad(
                file,
                f"{file} has no header, and the model finds its columns by name ({_join(self.names)})",
                Phrase("write the names into line 1; if they are there ", passing("header", True)),
            )
        if sheet.header and not self.header:
            raise bad(
                file,
                f"{file} has a header ({_join(sheet.names)}), and the file that the model was trained on had "
                "none",
                Phrase("delete the line; if it is a row ", passing("header", False)),
            )
        label_at = self._position_in(sheet, label, self.label, "label")
        if names is None:
            found = [self._position_in(sheet, None, known, "names") for known in self.row_names]
            names_at = [at for at in found if at is not None]
        else:  # in addition to the columns known to name rows
            found = [
                self._position_in(sheet, None, known, "names") for known in self.row_names if self.header
            ]
            given = [sheet.position(name, "names") for name in listed(names)]
            names_at = list(dict.fromkeys([*(at for at in found if at is not None), *given]))
        if not self.header:
            label_at, names_at = self._positions_by_count(len(sheet.names), label_at, names_at, label is None)
        rest = [j for j in range(len(sheet.names)) if j not in (label_at, *names_at)]
        if self.header:
            self._check_names(file, [sheet.names[j] for j in rest])
        if len(rest) != count:
            names_of_rest = _join([sheet.names[j] for j in rest])
            raise bad(
                file,
                f"{file} has {len(rest)} feature columns, the model was trained on {count} "
                f"({_join(self.names)}, not {names_of_rest})",
                "give it the same columns, beside a label or without one",
            )
        if not self.header or tuple(sheet.names[j] for j in rest) == self.names:
            return rest, label_at, names_at
        positions = {sheet.names[j]: j for j in rest}
        if len(positions) < len(rest) or len(set(self.names)) < count:
            raise bad(
                file,
                "two columns have the same name, and are not in the order of the file that the model was "
                "trained on",
                "give every column a name of its own",
            )
        return [positions[name] for name in self.names], label_at, names_at

    def _check_names(self, file: str, found: Sequence[str]) -> None:
        """Raise DataError that names the features a file lacks, and its columns that are not features."""
        missing = [name for name in self.names if name not in found]
        more = [name for name in found if name not in self.names]
        if missing:
            instead = f" (it has {_quoted(more)} instead)" if more else ""
            raise bad(
                file,
                f"{file} has no column {_quoted(missing)}, which the model was trained on{instead}",
                "rename it" if more else "give it the same columns",
            )
        if more:
            raise bad(
                file,
                f"{file} has a column {_quoted(more)}, which the model was not trained on",
                Phrase("leave it out, or ", passing("names"), ", and it is copied to the predictions"),
            )

    def _position_in(
        self, sheet: Sheet, asked: int | str | None, known: Place | None, what: str
    ) -> int | None:
        """The position of a label or a row name: as asked for, or found as `find` says."""
        if asked is not None:
            return sheet.position(asked, what)
        if known is None:
            return None
        if not self.header:
            return known[1]
        return sheet.names.index(known[0]) if known[0] in sheet.names else None

    def _positions_by_count(
        self, width: int, label_at: int | None, names_at: list[int], may_lack: bool
    ) -> tuple[int | None, list[int]]:
        """Without a header: whether the file has as many columns as before, or one less, the label."""
        count = len(self.names)
        if width == count:
            return None, []
        if may_lack and label_at is not None and names_at and width == count + len(names_at):
            return None, [at - (at > label_at) for at in names_at]
        return label_at, names_at


@dataclass(frozen=True)
class Preparation:
    """What was learned about the columns of a file.

    kinds  one of `features.KINDS` a column
    words  the known words of each column of words, by its position
    fills  what an empty cell becomes, one a column; None: it is an error
    """

    layout: Layout
    kinds: tuple[str, ...]
    words: Mapping[int, tuple[str, ...]]
    fills: tuple[float, ...] | None = None
    decimal: str = "."

    @classmethod
    def of_names(cls, names: Sequence[str], *, header: bool = True) -> Self:
        """The preparation of columns that are already numbers."""
        return cls(Layout(tuple(names), header), (NUMBER,) * len(names), {})

    @classmethod
    def learn(cls, features: Features, layout: Layout, impute: Impute | None = None) -> Self:
        """From training rows. impute: "median", "mean", a number, or None where no cell may be empty."""
        words = {j: tuple(sorted({*cells} - {""})) for j, cells in features.words.items()}
        fills = None if impute is None else _gap_values(features, impute)
        return cls(layout, features.kinds, words, fills, features.decimal)

    @property
    def feature_names(self) -> tuple[str, ...]:
        """The names of the resulting columns."""
        made: list[str] = []
        for j, name in enumerate(self.layout.names):
            made += [f"{name}={word}" for word in self.words[j]] if j in self.words else [name]
        return tuple(made)

    def read(self, sheet: Sheet, at: Sequence[int], *, decimal: str | None = None) -> Features:
        """The columns `at` of another file, each of the same kind as before."""
        return read_features(
            sheet, at, kinds=self.kinds, gaps=self.fills is not None, decimal=decimal, usual=self.decimal
        )

    def __call__(self, features: Features) -> npt.NDArray[np.float64]:
        """Numbers (rows, len(feature_names)), float64, none of them NaN."""
        values = features.values
        if self.fills is not None:
            values = np.where(np.isnan(values), self.fills, values)
        if not self.words:
            return values
        width = len(self.kinds) + sum(len(known) - 1 for known in self.words.values())
        memory.require(
            len(values) * width * values.itemsize,
            f"{len(values)} rows of {width} columns, one for each word,",
            Phrase("name columns of many words by ", Argument("names", ...), ", or leave them out"),
        )
        made = np.zeros((len(values), width))
        start = 0
        for j in range(len(self.kinds)):
            if j not in self.words:
                made[:, start] = values[:, j]
                start += 1
                continue
            index = {word: start + i for i, word in enumerate(self.words[j])}
            found = np.array([index.get(word, -1) for word in features.words[j]])
            rows = np.flatnonzero(found >= 0)
            made[rows, found[rows]] = 1.0
            start += len(index)
        return made

    def unknown(self, features: Features) -> list[str]:
        """A sentence for each column of words with words that the training rows did not have."""
        said = []
        for j, words in self.words.items():
            known = {"", *words}
            new = [word for word in dict.fromkeys(features.words[j]) if word not in known]
            if new:
                said.append(
                    f"column {self.layout.names[j]!r} holds words that were not met in training "
                    f"({_join([repr(word) for word in new])}); they count as no word"
                )
        return said

    def to_json(self) -> dict[str, Any]:
        """Everything, as JSON has it."""
        special = {str(j): kind for j, kind in enumerate(self.kinds) if kind != NUMBER}
        return {"names": list(self.layout.names), "header": self.layout.header, "label": self.layout.label,
                "row_names": list(self.layout.row_names), "kinds": special, "decimal": self.decimal,
                "words": {str(j): list(words) for j, words in self.words.items()},
                "fills": None if self.fills is None else list(self.fills)}  # fmt: skip

    @classmethod
    def from_json(cls, card: Mapping[str, Any]) -> Self:
        """What `to_json` gave. Raises ValueError for anything else."""
        try:
            names = tuple(map(str, card["names"]))
            kinds = [NUMBER] * len(names)
            for j, kind in card["kinds"].items():
                kinds[int(j)] = kind
            words = {int(j): tuple(map(str, known)) for j, known in card["words"].items()}
            fills = None if card["fills"] is None else tuple(map(float, card["fills"]))
            label = None if card["label"] is None else (str(card["label"][0]), int(card["label"][1]))
            apart = card["row_names"] or ()
            if apart and isinstance(apart[0], str):  # an earlier version saved one name at most
                apart = (apart,)
            row_names = tuple((str(name), int(at)) for name, at in apart)
            made = cls(
                Layout(names, bool(card["header"]), label, row_names),
                tuple(kinds),
                words,
                fills,
                card["decimal"],
            )
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError) as error:
            raise ValueError(f"this describes no columns of a file: {error!r}") from error
        if (
            not set(kinds) <= set(KINDS)
            or made.decimal not in (".", ",")
            or set(words) != {j for j, kind in enumerate(kinds) if kind == WORDS}
            or (fills is not None and len(fills) != len(names))
        ):
            raise ValueError("this describes no columns of a file: its parts do not fit together")
        return made


def _gap_values(features: Features, impute: Impute) -> tuple[float, ...]:
    """The value for the gaps of each column."""
    values = features.values
    if not isinstance(impute, str):
        if not np.isfinite(impute):
            raise wrong(ValueError, None, f"impute must be 'median', 'mean' or a finite number, not {impute}")
        return (float(impute),) * values.shape[1]
    if impute not in ("median", "mean"):
        raise wrong(ValueError, None, f"impute must be 'median', 'mean' or a number, not {impute!r}")
    empty = np.isnan(values).all(axis=0)
    if empty.any():
        name = features.names[int(np.argmax(empty))]
        raise wrong(
            DataError,
            None,
            f"column {name!r} has no value in the training rows, so no {impute}",
            Phrase("leave it out, or ", passing("impute", 0)),
        )
    one = power_of_two(values, (0,))  # sums of the largest numbers would overflow
    middle = np.nanmedian if impute == "median" else np.nanmean
    filled: Array = middle(values / one, axis=0) * one[0]
    return tuple(filled.tolist())


def _quoted(names: Sequence[str]) -> str:
    return _join([repr(name) for name in names])


def _join(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
