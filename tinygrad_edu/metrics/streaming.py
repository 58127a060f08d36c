"""Metric: a number of many batches, of which only counts and sums are kept.

So an epoch needs no memory for its predictions, and the ranks of a job can count apart and be merged. The
result does not depend on how the rows were split into batches: counts are exact, sums differ by rounding.
"""

from __future__ import annotations

import functools
import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.errors import ShapeError, without_line, wrong
from tinygrad_edu.metrics.scores import Array, refuse_nan
from tinygrad_edu.words import explaining

_COUNTS = ("right", "rows", "counts")  # the attributes that are integers of at least 0
_OF_THE_RESULT = ("name", "average")  # settings that change nothing of what is counted


class Metric(ABC):
    """A metric that is counted batch by batch.

    >>> metric = Accuracy()
    >>> for x, y in loader:
    ...     metric.update(model(x), y)
    >>> metric.compute()

    name     the column of a history
    counted  the names of the attributes that hold what was counted; they are saved
    mode     "max" if more of it is better, "min" if less is, None if it does not say

    A metric of one's own has `reset`, `update`, `compute` and `merge`, and lists its `counted`. Its `merge`
    gets a state that was checked: of the same class, made with the same numbers and texts.
    """

    name: str = ""
    counted: ClassVar[tuple[str, ...]] = ()
    mode: str | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__init__" in vars(cls) and cls.__module__.startswith(f"{__package__}."):
            cls.__init__ = explaining(cls.__init__)  # type: ignore[method-assign]
        if "merge" in vars(cls):
            cls.merge = _checking(cls.merge)  # type: ignore[method-assign]

    @explaining
    def __init__(self) -> None:
        self.reset()

    @abstractmethod
    def reset(self) -> None:
        """Forget all batches."""

    @abstractmethod
    def update(self, outputs: Any, targets: Any) -> None:
        """Count a batch: what the model returned, and what was expected; tensors or arrays."""

    @abstractmethod
    def compute(self) -> Any:
        """The metric of all batches since `reset`: a number, or an array."""

    @abstractmethod
    def merge(self, state: Mapping[str, Any]) -> None:
        """Add what another metric has counted: the metric itself, or its `state_dict()`.

        Raises ValueError if it is of another class or was made with other settings, TypeError if it is none.
        """

    def state_dict(self) -> dict[str, Any]:
        """A copy of what was counted, and "metric", which says how."""
        counts = {name: np.array(value) if isinstance(value := getattr(self, name), np.ndarray) else value
                  for name in self.counted}  # fmt: skip
        return {"metric": self._kind(), **counts}

    def _kind(self) -> str:
        """What decides what is counted: the class, and the numbers and texts that it was made with."""
        settings = {name: getattr(self, name, None) for name in inspect.signature(type(self)).parameters
                    if name not in _OF_THE_RESULT}  # fmt: skip
        plain = [f"{name}={value:.17g}" if isinstance(value, float) else f"{name}={value!r}"
                 for name, value in settings.items()
                 if isinstance(value, bool | int | float | str | None)]  # fmt: skip
        return f"{type(self).__name__}({', '.join(plain)})"

    def _checked(self, state: Any) -> Mapping[str, Any]:
        """The state of a metric, or of such a state, that may be added to this one."""
        title = type(self).__name__
        if isinstance(state, Metric):
            state = state.state_dict()
        if not isinstance(state, Mapping):
            problem = f"a {type(state).__name__} is neither a metric nor the state of one"
            raise wrong(TypeError, title, problem, "give another metric, or its state_dict()")
        kind = state.get("metric")
        is_other = kind is not None and kind != self._kind()
        if is_other or not set(self.counted) <= set(state):
            problem = f"it counts {', '.join(self.counted)}, and the state is of another metric"
            if is_other:
                problem = f"this is {self._kind()}, and the state is of another metric, {kind}"
            raise wrong(ValueError, title, problem, "give one that was made in the same way")
        return state

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Continue from `state`. Raises ValueError if it is not the state of such a metric."""
        title = type(self).__name__
        if not isinstance(state, Mapping) or set(state) - {"metric"} != set(self.counted):
            problem = f"it counts {', '.join(self.counted)}, and the state is of another metric"
            raise wrong(ValueError, title, problem, "load what its state_dict() returned")
        self._checked(state)
        before = self.state_dict()
        self.reset()
        try:
            self.merge(state)
            counts = [np.asarray(getattr(self, name)) for name in _COUNTS if name in self.counted]
            if any(count.dtype.kind not in "iu" or (count < 0).any() for count in counts):
                raise ValueError("a count is negative, or no integer")
        except (TypeError, ValueError, OverflowError, AttributeError) as error:
            self.reset()
            self.merge(before)
            problem = f"the state is of no such metric: {without_line(error)}"
            raise wrong(ValueError, title, problem, "load what its state_dict() returned") from error

    def _nothing(self) -> Exception:
        """The error of `compute` before any row was counted."""
        return wrong(ValueError, type(self).__name__, "there are no rows to judge by", "call update() first")

    def __call__(self, *args: Any, **options: Any) -> Any:
        """A metric is no function: raises TypeError, which says what to call."""
        remedy = "write metric.update(outputs, targets) for each batch, and then metric.compute()"
        raise wrong(TypeError, type(self).__name__, "a metric is not called", remedy)

    def __repr__(self) -> str:
        given = {name: (getattr(self, name, one.default), one.default)
                 for name, one in inspect.signature(type(self)).parameters.items()}  # fmt: skip
        told = ", ".join(f"{name}={value!r}" for name, (value, usual) in given.items() if value != usual)
        return f"{type(self).__name__}({told})"


def _checking(merge: Callable[..., None]) -> Callable[..., None]:
    """`merge` that gets checked states only."""

    @functools.wraps(merge)
    def merged(self: Metric, state: Any) -> None:
        merge(self, self._checked(state))

    return merged


def array(x: Any) -> Array:
    """A tensor of any device, or what NumPy takes, as an array without a graph."""
    return np.asarray(x.detach().numpy() if hasattr(x, "detach") else x)


def flat_scores(
    title: str, outputs: Any, targets: Any, axis: int, ignore_index: int | None
) -> tuple[Array, Array]:
    """(rows, classes) scores and (rows,) class numbers, without the rows whose target is `ignore_index`.

    outputs  scores with the classes along `axis`; targets have its shape without that axis
    """
    score, truth = array(outputs), array(targets)
    if score.dtype.kind != "f" or score.ndim < 2 or not -score.ndim <= axis < score.ndim:
        remedy = f"give scores of floats (n, classes), with the classes on {axis=}"
        if score.ndim < truth.ndim:
            remedy += "; outputs come first, as in a loss"
        raise _shapes(title, score, truth, remedy)
    score = np.moveaxis(score, axis, -1)
    if score.shape[:-1] != truth.shape:
        raise _shapes(title, array(outputs), truth, "targets have the shape of outputs without the axis of "
                      f"the classes, {axis=}; outputs come first, as in a loss")  # fmt: skip
    score, truth = score.reshape(-1, score.shape[-1]), class_numbers(title, truth.reshape(-1))
    if ignore_index is not None:
        kept = truth != ignore_index
        score, truth = score[kept], truth[kept]
    if not ((truth >= 0) & (truth < score.shape[1])).all():
        raise wrong(ValueError, title, f"targets must be class numbers below {score.shape[1]}, the number of "
                    f"classes in outputs, and there is {_outside(truth, score.shape[1])}",
                    "begin at 0, and leave rows out by ignore_index=")  # fmt: skip
    refuse_nan(title, score)
    return score, truth


def class_numbers(title: str, given: Array) -> Array:
    """Integers of any dtype, bools, or floats that are integers, as int64."""
    numbers = given.astype(np.int64) if given.dtype.kind in "biuf" and np.isfinite(given).all() else None
    if numbers is None or not (numbers == given).all():
        raise wrong(ValueError, title, f"classes of {given.dtype} that are not numbers 0, 1, ...",
                    "give class numbers, (n,)")  # fmt: skip
    return numbers


def same_shape(title: str, outputs: Any, targets: Any) -> tuple[Array, Array]:
    """Both in float64. Raises ShapeError for shapes that would broadcast: a mean over pairs is no error."""
    guess, truth = array(outputs).astype(np.float64), array(targets).astype(np.float64)
    if guess.shape != truth.shape:
        raise _shapes(title, guess, truth, "make both the same shape, as by outputs.squeeze(1)")
    return guess, truth


def _outside(truth: Array, classes: int) -> int:
    return int(truth[(truth < 0) | (truth >= classes)][0])


def _shapes(title: str, outputs: Array, targets: Array, remedy: str) -> Exception:
    problem = f"{outputs.shape} {outputs.dtype} outputs and {targets.shape} targets do not fit together"
    return wrong(ShapeError, title, problem, remedy)
