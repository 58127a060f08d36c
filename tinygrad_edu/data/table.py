"""Table: the form of every data set of this library, whatever it was read from."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.dataset import Array, Batch, Indices
from tinygrad_edu.errors import wrong


@dataclass(frozen=True, eq=False)
class Table:
    """A rectangle of numbers, a label for each row, and the names of columns, classes and rows.

    features       (rows, columns) float; no NaN, no infinity
    labels         (rows,) int64 indices into `class_names`, or float targets when it is a regression
    feature_names  one word a column
    class_names    one word a class; empty for a regression
    row_names      one word a row (sample barcode, SMILES), or empty
    name, source   what it is called; where it came from and under which licence

    A Table is a Dataset: `table[i]` is `(features[i], labels[i])`, and a DataLoader takes it as it is.
    """

    features: npt.NDArray[np.floating[Any]]
    labels: Array
    feature_names: tuple[str, ...]
    class_names: tuple[str, ...] = ()
    row_names: tuple[str, ...] = ()
    name: str = ""
    source: str = ""

    def __post_init__(self) -> None:
        what = f"Table {self.name!r}" if self.name else "Table"
        if self.features.ndim != 2:
            raise wrong(
                ValueError, what, f"features {self.features.shape} must be (rows, columns)", "reshape them"
            )
        rows, columns = self.features.shape
        if self.labels.shape != (rows,):
            raise wrong(
                ValueError, what, f"{rows} rows and labels {self.labels.shape}", "give one label a row"
            )
        if len(self.feature_names) != columns:
            raise wrong(
                ValueError,
                what,
                f"{columns} columns and {len(self.feature_names)} feature_names",
                "give one a column",
            )
        if self.row_names and len(self.row_names) != rows:
            raise wrong(
                ValueError, what, f"{rows} rows, {len(self.row_names)} row_names", "give one a row, or none"
            )
        if self.class_names and not (
            self.labels.dtype.kind in "iu"
            and (rows == 0 or 0 <= self.labels.min() <= self.labels.max() < len(self.class_names))
        ):
            raise wrong(
                ValueError,
                what,
                f"labels must be integers in [0, {len(self.class_names)}), indices into class_names",
                "pass class_names=() for a regression",
            )

    @property
    def task(self) -> Literal["classification", "regression"]:
        """Whether the labels are classes or a quantity."""
        return "classification" if self.class_names else "regression"

    def __len__(self) -> int:
        return len(self.features)

    def __getitem__(self, index: int, /) -> tuple[Any, Any]:
        return self.features[index], self.labels[index]

    def take(self, indices: Indices, /) -> Batch:
        """`(features, labels)` of those rows, copied: what a DataLoader asks for."""
        return self.features[indices], self.labels[indices]

    def rows(self, indices: Indices, /) -> Table:
        """A Table of those rows, in that order, with the same names."""
        names = tuple(self.row_names[i] for i in indices) if self.row_names else ()
        return replace(self, features=self.features[indices], labels=self.labels[indices], row_names=names)

    def __repr__(self) -> str:
        kind = f"{len(self.class_names)} classes" if self.class_names else "regression"
        return f"Table({self.name!r}, {len(self)} rows x {self.features.shape[1]} features, {kind})"
