"""Callbacks: what is called between the steps of a run, and EarlyStopping.

Any object will do that has some of the methods of `Callback`. If it has `state_dict` and `load_state_dict`,
its state is in the checkpoints. An error in one is raised as it is, with its own traceback, and ends the run.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer
from tinygrad_edu.training.history import Monitor
from tinygrad_edu.words import explaining

if TYPE_CHECKING:
    from tinygrad_edu.training.run import Run

EVENTS = ("on_fit_begin", "on_epoch_begin", "on_step", "on_epoch_end", "on_save", "on_fit_end")


class Callback:
    """Does nothing at any event; override what is needed. `run` has the model, the history, the counts.

    >>> class Shout(Callback):
    ...     def on_epoch_end(self, run):
    ...         if run.row["validation_loss"] < 0.1:
    ...             run.stop("good enough")
    """

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls) and cls.__module__.startswith(f"{__package__}."):
            cls.__init__ = explaining(cls.__init__)  # type: ignore[method-assign]

    def on_fit_begin(self, run: Run) -> None:
        """Before the first step; a resumed run has its history, counts and weights."""

    def on_epoch_begin(self, run: Run) -> None:
        """Before the first step of an epoch, and before the first one after a resume within it."""

    def on_step(self, run: Run) -> None:
        """After each update of the parameters; `run.loss` is the loss of its batch."""

    def on_epoch_end(self, run: Run) -> None:
        """After the epoch was measured; `run.row` is its row, the last of `run.history`."""

    def on_save(self, run: Run) -> None:
        """Before the last checkpoint is written."""

    def on_fit_end(self, run: Run) -> None:
        """After the last epoch, a stop or an interrupt, `run.history.ended`; not after an error."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def checked(callbacks: Any) -> tuple[Any, ...]:
    """The callbacks as a tuple. Raises TypeError for one without any of the methods."""
    given = tuple(callbacks) if isinstance(callbacks, Iterable) else (callbacks,)
    for callback in given:
        if isinstance(callback, type) or not any(callable(getattr(callback, e, None)) for e in EVENTS):
            remedy = "call it: a class is no callback" if isinstance(callback, type) else ""
            raise wrong(TypeError, "fit", f"the callback {callback!r:.60} has no method of a callback",
                        remedy or f"give it some of {', '.join(EVENTS)}")  # fmt: skip
    return given


class EarlyStopping(Callback):
    """Ends a run when a number of the history has not become better for `patience` epochs in a row.

    monitor       a column of the history
    patience      how many epochs without a better one end the run, at least 1
    min_delta     by how much a number must be better to count
    mode          "min" or "max", which is better; None is "min" for a name that ends in "loss", and for a
                  metric, as "validation_accuracy", what it says
    restore_best  at the end of the run, also of one that was not stopped, the model, and the average `ema` if
                  there is one, get the weights of the best epoch; after Ctrl-C they keep the last ones
    best, best_epoch  the best number so far, and its epoch, from 1; None before the first

    An epoch whose number is NaN is not better than any.
    """

    def __init__(
        self,
        monitor: str = "validation_loss",
        patience: int = 10,
        *,
        min_delta: float = 0.0,
        mode: str | None = None,
        restore_best: bool = True,
    ) -> None:
        self.monitor = Monitor(monitor, mode, min_delta, "EarlyStopping")
        self.patience = integer(patience, "EarlyStopping: patience", least=1)
        self.restore_best = restore_best
        self.best: float | None = None
        self.best_epoch: int | None = None
        self.waited = 0
        self.weights: dict[str, Any] | None = None
        self.averaged: Any = None  # the state of the average, which is measured in place of the model

    def on_fit_begin(self, run: Run) -> None:
        """Begin to count again, unless the run goes on."""
        if not run.resumed:
            self.best = self.best_epoch = self.weights = self.averaged = None
            self.waited = 0
        if not hasattr(run.ema, "load_state_dict"):
            self.averaged = None  # the run goes on without the average that it was saved with

    def on_epoch_end(self, run: Run) -> None:
        """Compare the epoch with the best one."""
        value = self.monitor.value(run.row)
        if self.monitor.is_better(value, self.best):
            self.best, self.best_epoch, self.waited = value, run.row["epoch"], 0
            if self.restore_best:
                self.weights = run.model.state_dict()
                if hasattr(run.ema, "load_state_dict"):
                    # A copy, since an average of one's own may give its arrays.
                    self.averaged = copy.deepcopy(run.ema.state_dict())
            return
        self.waited += 1
        if self.waited >= self.patience:
            run.stop(f"{self.monitor.name} was best in epoch {self.best_epoch}, {self.best}")

    def on_fit_end(self, run: Run) -> None:
        """Give the model its best weights."""
        if self.weights is not None and run.history.ended != "interrupted":
            run.model.load_state_dict(self.weights)
            if self.averaged is not None:
                run.ema.load_state_dict(self.averaged)

    def __repr__(self) -> str:
        best = "" if self.best is None else f"; best {self.best:.4g} in epoch {self.best_epoch}"
        return f"EarlyStopping({self.monitor.name!r}, patience={self.patience}{best})"

    def state_dict(self) -> dict[str, Any]:
        """The best epoch with its weights, and how many have passed since."""
        return {"best": self.best, "best_epoch": self.best_epoch, "waited": self.waited,
                "weights": self.weights, "averaged": self.averaged}  # fmt: skip

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`."""
        self.best, self.best_epoch = state["best"], state["best_epoch"]
        self.waited, self.weights = state["waited"], state["weights"]
        self.averaged = state["averaged"]
