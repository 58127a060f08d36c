"""Predictions of a model, without side effects on it, as probabilities."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.backend import philox
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.functional import tensor
from tinygrad_edu.nn import Module, evaluating
from tinygrad_edu.viz.inputs import Array, array, unknown, wrong

Predict = Callable[[Array], Any]


@contextmanager
def without_side_effects(model: Module) -> Iterator[None]:
    """Inside the block `model` is in evaluation mode and nothing is recorded; random streams are restored."""
    streams = {
        stream
        for module in model.modules()
        for stream in vars(module).values()
        if isinstance(stream, philox.Generator)
    }
    with (
        no_grad(),
        evaluating(),
        philox.replacing_default(copy.copy(philox.current())),
        philox.restoring({stream: stream.state_dict() for stream in streams}),
    ):
        yield


def predict_at(function: str, predict: Predict, points: Array) -> Array:
    """The predictions for the points. A Module, or a method of one, is called in evaluation mode."""
    if not callable(predict):
        raise errors.wrong(
            TypeError,
            function,
            f"predict is {type(predict).__name__}, which cannot be called",
            "give a model, or a function of points (n, 2)",
        )
    model = predict if isinstance(predict, Module) else getattr(predict, "__self__", None)
    if not isinstance(model, Module):
        return array(predict(points))
    with without_side_effects(model):
        return array(predict(as_model_input(points, model) if predict is model else points))


def as_model_input(inputs: Any, model: Module) -> Any:
    """`inputs` as a tensor of the dtype and device of the model's parameters."""
    if hasattr(inputs, "numpy"):
        return inputs
    first = next(model.parameters(), None)
    return (
        tensor(array(inputs))
        if first is None
        else tensor(array(inputs), dtype=first.dtype, device=first.device)
    )


def probabilities(function: str, name: str, answer: Array, count: int, classes: int = 2) -> Array:
    """The predictions of a classifier for `count` points, as probabilities (count, classes).

    `answer` is probabilities or scores (count, classes), the probability (count,) or (count, 1) of the second
    class, or class numbers. Raises ShapeError and ValueError, with advice, for anything else.
    """
    if answer.ndim == 2 and answer.shape == (count, 1):
        answer = answer[:, 0]
    if answer.dtype.kind not in "biuf":
        raise errors.wrong(
            TypeError,
            function,
            f"{name} {answer.dtype}, which are no numbers",
            f"give probabilities ({count}, classes) or class numbers ({count},)",
        )
    if answer.ndim == 2 and len(answer) == count and answer.size:
        return _as_probabilities(function, name, answer.astype(np.float64))
    if answer.shape != (count,):
        raise wrong(
            function,
            f"{name} shape {answer.shape} for {count} points",
            f"it must return ({count}, classes) or ({count},)",
        )
    if answer.dtype.kind in "iub":
        if answer.min() < 0:
            raise unknown(
                function,
                f"{name} the class number {answer.min()}",
                "number the classes 0, 1, 2, ...: (score > 0).astype(int) instead of np.sign",
            )
        return np.eye(max(classes, int(answer.max()) + 1))[answer.astype(np.int64)]
    if not np.isfinite(answer).all():
        raise _not_finite_error(function, name, answer)
    if not ((answer >= -1e-6) & (answer <= 1 + 1e-6)).all():
        raise unknown(
            function,
            f"{name} ({count},) numbers from {answer.min():.3g} to "
            f"{answer.max():.3g}, which are no probabilities",
            "return te.sigmoid of them, or class numbers: (score > threshold).astype(int)",
        )
    return np.stack([1 - answer, answer], axis=1).astype(np.float64)


def _as_probabilities(function: str, name: str, scores: Array) -> Array:
    """Probabilities unchanged; the softmax of scores."""
    if (scores >= 0).all() and np.allclose(scores.sum(axis=1), 1, atol=1e-3):
        return scores
    with np.errstate(invalid="ignore"):  # infinite scores are an error below
        powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    if not np.isfinite(powers).all():
        raise _not_finite_error(function, name, scores)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def _not_finite_error(function: str, name: str, answer: Array) -> ValueError:
    rows = int((~np.isfinite(answer.reshape(len(answer), -1)).all(axis=1)).sum())
    return unknown(
        function,
        f"{name} NaN or infinity for {rows} of {len(answer)} points",
        "look for what diverged, perhaps the learning rate is too large",
    )
