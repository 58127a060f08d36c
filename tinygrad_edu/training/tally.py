"""Tally: the mean loss and the metrics of the batches so far, of this process or of all ranks."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.metrics import Metric
from tinygrad_edu.training.steps import Result, number_of


@dataclass
class Weighted:
    """A mean of batches, each with its weight; or a sum, which has none."""

    total: float = 0.0
    weight: float = 0.0
    is_sum: bool = False

    def add(self, total: float, weight: float, is_sum: bool) -> None:
        """Count a batch, or batches; what has weight 0 is not looked at: it may be NaN."""
        self.is_sum |= is_sum
        if weight:
            self.total, self.weight = self.total + total, self.weight + weight

    def compute(self) -> float:
        """The number of all batches; NaN if nothing in them counts."""
        return self.total if self.is_sum else self.total / self.weight if self.weight else math.nan


class Tally:
    """Counts results. The mean of a number weights it by the rows of its batch, that of a loss by what its
    mean is divided by."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.metrics = {name: copy.deepcopy(metric) for name, metric in metrics.items()}
        self.has_warned = False
        self.reset()

    def reset(self) -> None:
        """Begin to count again."""
        self.means: dict[str, Weighted] = {}
        for metric in self.metrics.values():
            metric.reset()

    def add(self, result: Result) -> None:
        """Count a batch. Warns once if batches with a loss of unknown weight are joined."""
        if result.doubt and "loss" in self.means and not self.has_warned:
            self.has_warned = True
            warnings.warn(result.doubt, UserWarning, stacklevel=2)
        entries = [(name, value, result.rows, False) for name, value in result.numbers.items()]
        if result.loss is not None:
            entries.insert(0, ("loss", result.loss, number_of(result.weight), result.is_sum))
        for name, value, weight, is_sum in entries:
            self.means.setdefault(name, Weighted()).add(number_of(value) * weight, weight, is_sum)
        for name, metric in self.metrics.items():
            if result.outputs is None or result.targets is None:
                raise wrong(ValueError, "fit", f"the step gives metric {name!r} nothing to judge by",
                            "return {'loss': ..., 'outputs': ..., 'targets': ...}")  # fmt: skip
            metric.update(result.outputs, result.targets)

    def row(self, prefix: str, comm: Any = None) -> dict[str, Any]:
        """The means and metrics as columns; with a comm those of the batches of all ranks."""
        if comm is not None:
            merged = Tally(self.metrics)
            merged.reset()
            for state in comm.all_gather_object(self.state_dict()):
                merged.merge(state)
            return merged.row(prefix)
        found = {f"{prefix}{name}": mean.compute() for name, mean in self.means.items()}
        for name, metric in self.metrics.items():
            value = metric.compute()
            if hasattr(value, "tolist"):
                value = value.tolist()
            found[f"{prefix}{name}"] = value
        return found

    def merge(self, state: Mapping[str, Any]) -> None:
        """Add what another one has counted."""
        for name, counted in state["means"].items():
            self.means.setdefault(name, Weighted()).add(**counted)
        for name, metric in self.metrics.items():
            metric.merge(state["metrics"][name])

    def state_dict(self) -> dict[str, Any]:
        """A copy of all that was counted."""
        return {
            "means": {name: asdict(mean) for name, mean in self.means.items()},
            "metrics": {name: metric.state_dict() for name, metric in self.metrics.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on counting from `state`."""
        self.reset()
        self.merge(state)
