"""Tally: the mean loss and the metrics of the batches so far, of this process or of all ranks."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.metrics import Mean, Metric
from tinygrad_edu.training.steps import Result, number_of


class Tally:
    """Counts results. The mean of a number weights it by the rows of its batch."""

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        self.metrics = {name: copy.deepcopy(metric) for name, metric in metrics.items()}
        self.reset()

    def reset(self) -> None:
        """Begin to count again."""
        self.means: dict[str, Mean] = {}
        for metric in self.metrics.values():
            metric.reset()

    def add(self, result: Result) -> None:
        """Count a batch."""
        numbers = {} if result.loss is None else {"loss": result.loss}
        for name, value in (numbers | result.numbers).items():
            mean = self.means.setdefault(name, Mean(name=name))
            mean.merge({"total": number_of(value) * result.rows, "rows": result.rows})
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
            self.means.setdefault(name, Mean(name=name)).merge(counted)
        for name, metric in self.metrics.items():
            metric.merge(state["metrics"][name])

    def state_dict(self) -> dict[str, Any]:
        """A copy of all that was counted."""
        return {
            "means": {name: mean.state_dict() for name, mean in self.means.items()},
            "metrics": {name: metric.state_dict() for name, metric in self.metrics.items()},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on counting from `state`."""
        self.reset()
        self.merge(state)
