"""History: what a run has measured, a row an epoch; and Monitor, which says what of it is better."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from tinygrad_edu import metrics
from tinygrad_edu.errors import wrong
from tinygrad_edu.metrics import Metric
from tinygrad_edu.scalars import number

if TYPE_CHECKING:
    from tinygrad_edu.viz import Picture

Row = dict[str, Any]
MODES = ("min", "max")


@dataclass(frozen=True)
class Monitor:
    """A column of the history, and whether less or more of it is better.

    name       the column
    mode       "min" or "max"; None is "min" for a name that ends in "loss", and for a metric what it says
    min_delta  by how much at least a value must be better to count as such
    owner      what errors name
    """

    name: str
    mode: str | None = None
    min_delta: float = 0.0
    owner: str = "Monitor"

    def __post_init__(self) -> None:
        mode, delta = self.mode, number(self.min_delta, f"{self.owner}: min_delta")
        if not isinstance(self.name, str):
            raise wrong(TypeError, self.owner, f"monitor={self.name!r:.60}",
                        'give the name of a column: "validation_loss"')  # fmt: skip
        if mode is None and self.name.endswith("loss"):
            mode = "min"
        if mode not in (*MODES, None):
            raise self._no_mode()
        if not 0.0 <= delta < math.inf:
            raise wrong(ValueError, self.owner, f"min_delta={delta} must be a finite number >= 0")
        object.__setattr__(self, "mode", mode)
        object.__setattr__(self, "min_delta", delta)

    def resolved(self, measured: Mapping[str, Metric]) -> Monitor:
        """The same with a mode: that of the metric of this name, of `measured` or of `te.metrics`.

        Raises ValueError if neither says which is better.
        """
        if self.mode is not None:
            return self
        name = self.name.removeprefix("train_").removeprefix("validation_")
        mode = getattr(measured.get(name), "mode", None)
        if mode is None and name not in measured:
            kinds: list[Any] = [getattr(metrics, kind) for kind in metrics.__all__]
            modes: dict[str, Any] = {kind.name: kind.mode for kind in kinds if hasattr(kind, "mode")}
            mode = modes.get("accuracy" if name.endswith("accuracy") else name)
        if mode is None:
            raise self._no_mode()
        return replace(self, mode=mode)

    def _no_mode(self) -> Exception:
        return wrong(ValueError, self.owner, f"mode={self.mode!r} for {self.name!r}",
                     'say mode="max" if more of it is better, and mode="min" if less is')  # fmt: skip

    def value(self, row: Mapping[str, Any]) -> float:
        """The number in a row. Raises ValueError if there is none."""
        found = row.get(self.name)
        if isinstance(found, bool) or not isinstance(found, int | float):
            known = [name for name, cell in row.items() if isinstance(cell, int | float)]
            raise wrong(ValueError, self.owner, f"monitor={self.name!r} is no number of the history",
                        f"it has {', '.join(known)}")  # fmt: skip
        return float(found)

    def is_better(self, value: float, best: float | None) -> bool:
        """Whether `value` is better than `best` by more than `min_delta`. NaN is better than nothing only."""
        if self.mode is None:
            return self.resolved({}).is_better(value, best)
        if math.isnan(value):
            return False
        if best is None or math.isnan(best):
            return True
        return value < best - self.min_delta if self.mode == "min" else value > best + self.min_delta


class History(Sequence[Row]):
    """The rows of a run: `history[-1]` is the last epoch's, `history["train_loss"]` a column.

    A row has `epoch`, from 1, `lr`, the learning rate of its last step, `train_loss`, the mean over the
    epoch's rows as they were met, with validation data `validation_loss`, and a column for each metric,
    `train_accuracy` and `validation_accuracy`.

    ended   why the run ended: "epochs", "stopped" by a callback, or "interrupted" by Ctrl-C; "" if it runs
    reason  what the callback said
    """

    def __init__(self, rows: Sequence[Row] = ()) -> None:
        self.rows: list[Row] = list(rows)
        self.ended = self.reason = ""

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __getitem__(self, index: Any) -> Any:
        if not isinstance(index, str):
            return self.rows[index]
        if not any(index in row for row in self.rows):
            raise wrong(KeyError, "History", f"no column {index!r}", f"it has {', '.join(self.columns)}")
        return [row.get(index) for row in self.rows]

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of all columns, in their order."""
        return tuple(dict.fromkeys(name for row in self.rows for name in row))

    def best(self, monitor: str, mode: str | None = None) -> Row:
        """The row with the best number in a column; of equal ones the first. ValueError if there is none."""
        judge, best = Monitor(monitor, mode, owner="History.best").resolved({}), None
        for row in self.rows:
            if judge.is_better(judge.value(row), None if best is None else judge.value(best)):
                best = row
        if best is None:
            raise wrong(ValueError, "History.best", f"no epoch has a number {monitor!r}")
        return best

    def picture(self, path: Any = None, *, title: str = "") -> Picture:
        """The curves of losses and metrics, by `viz.loss_curve`; without an epoch a sentence that says so."""
        from tinygrad_edu import viz

        if not self.rows:
            return viz.figure.note("no epoch was finished", title, path)
        shown = [{name: cell for name, cell in row.items() if not is_rate(name)} for row in self.rows]
        return viz.loss_curve(shown, path, title=title)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, History) and repr(self.rows) == repr(other.rows)  # NaN equals NaN

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        count = f"{len(self)} epoch{'s' * (len(self) != 1)}"
        ended = {"stopped": ", stopped", "interrupted": ", interrupted"}.get(self.ended, "")
        newest = self.rows[-1] if self.rows else {}
        last = ", ".join(f"{name} {cell:.4g}" if isinstance(cell, float) else f"{name} {cell!r:.40}"
                         for name, cell in newest.items() if name != "epoch")  # fmt: skip
        return f"History({count}{ended}{f'; the last: {last}' if last else ''})"


def is_rate(name: str) -> bool:
    """Whether a column holds learning rates."""
    return name == "lr" or name.startswith("lr_")
