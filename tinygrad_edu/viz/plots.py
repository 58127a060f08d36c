"""Pictures of training: loss curves, decision boundaries, ROC curves, written to a file by matplotlib.

The only file that imports matplotlib, and only when a picture is asked for: training and everything else go
on without it. Figures are made directly, without pyplot, so that no backend is chosen and no style is changed
for the rest of the program. Colours are those of Okabe and Ito ("Color Universal Design", 2008), which
colour-blind readers can tell apart; every series also differs by its line or its marker.
"""
from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tinygrad_edu.errors import ShapeError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Array = np.ndarray[Any, Any]
Target = str | os.PathLike[str]
History = Mapping[str, Sequence[float]] | Sequence[Mapping[str, Any]] | Sequence[float]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00",
           "#56B4E9", "#8C6D31", "#F0E442", "#5E3C99", "#4D4D4D")
_MARKERS = "os^Dv<>pPX"
_LINES = ("-", "--", "-.", ":")
_INK, _GRID, _PAPER = "#333333", "#dddddd", "#ffffff"
_STEPS = ("epoch", "step", "iteration")


def loss_curve(history: History, path: Target, *, title: str = "", loss_label: str = "loss") -> Path:
    """Draw how training went and return the path of the picture.

    history     losses, one a step; or {name: one number an epoch}; or a list of rows {name: number}.
                A column "epoch" or "step" is the horizontal axis. Names with "loss" share a panel, all
                others a second one.
    loss_label  the vertical axis, with its unit: "cross-entropy (nats)"
    """
    columns = _columns(history)
    step = next((name for name in _STEPS if name in columns), None)
    at = columns.pop(step) if step else None
    losses = {name: y for name, y in columns.items() if "loss" in name.lower()}
    others = {name: y for name, y in columns.items() if name not in losses}
    panels = [(loss_label, losses)] * bool(losses) + [(_metric_label(others), others)] * bool(others)
    if not panels:
        raise ValueError("loss_curve: the history has no column of numbers; give {'train loss': [...]}")
    figure = _figure(6.4 if len(panels) == 1 else 10.4, 4.0)
    for i, (label, series) in enumerate(panels):
        axes = _axes(figure, 1, len(panels), i + 1)
        for k, (name, y) in enumerate(series.items()):
            x = np.arange(1, len(y) + 1) if at is None else at
            axes.plot(x, y, _LINES[k % len(_LINES)], color=PALETTE[k % len(PALETTE)], linewidth=1.8,
                      marker="o" if len(y) <= 2 else None, label=name.replace("_", " "))
        axes.set_xlabel(step or "step")
        axes.set_ylabel(label)
        finite = np.concatenate([y[np.isfinite(y)] for y in series.values()])
        if series is losses and finite.size and finite.min() > 0 and finite.max() > 100 * finite.min():
            axes.set_yscale("log")
        if len(series) > 1 or series is others:
            _legend(axes)
    return _save(figure, path, title)


def decision_boundary(predict: Callable[[Array], Any], features: Any, labels: Any, path: Target, *,
                      class_names: Sequence[str] | None = None, feature_names: Sequence[str] = ("x₁", "x₂"),
                      title: str = "", resolution: int = 240) -> Path:
    """Draw where a classifier of two features changes its mind, and return the path of the picture.

    predict   takes an array (n, 2) and returns probabilities (n, classes), the probability (n,) of the second
              class, or class numbers (n,). It is called once, on a grid of resolution x resolution points.
    features  (n, 2); labels (n,) class numbers
    """
    points, classes = _array(features), _array(labels).reshape(-1).astype(np.int64)
    if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(classes) or not len(points):
        raise ShapeError(f"decision_boundary: features have shape {points.shape} and labels {classes.shape}; "
                         "give features (n, 2) and labels (n,), with n at least 1")
    low, high = points.min(axis=0), points.max(axis=0)
    margin = np.where(high > low, 0.08 * (high - low), 1.0)
    low, high = low - margin, high + margin
    x, y = (np.linspace(low[i], high[i], resolution) for i in range(2))
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    grid = grid.astype(points.dtype if points.dtype.kind == "f" else np.float64)
    share = _probabilities(_array(predict(grid)), len(grid), int(classes.max()) + 1)
    colours = np.array([_rgb(PALETTE[k % len(PALETTE)]) for k in range(share.shape[1])])
    paint = 1 - 0.45 * (1 - share @ colours)
    figure = _figure(5.6, 5.0)
    axes = _axes(figure, 1, 1, 1, grid=False)
    axes.imshow(np.clip(paint, 0, 1).reshape(resolution, resolution, 3), origin="lower", aspect="auto",
                extent=(low[0], high[0], low[1], high[1]), interpolation="bilinear", zorder=0)
    ranked = share.argmax(axis=1)
    winners = np.unique(ranked)
    for k in winners[1:] if len(winners) < 3 else winners:    # one line between two, not one each
        rest = np.delete(share, k, axis=1).max(axis=1)
        axes.contour(x, y, (share[:, k] - rest).reshape(resolution, resolution), levels=[0.0], colors=_INK,
                     linewidths=1.1, zorder=1)
    for k in np.unique(classes):
        mine = points[classes == k]
        name = class_names[k] if class_names is not None and k < len(class_names) else f"class {k}"
        axes.scatter(mine[:, 0], mine[:, 1], s=22, marker=_MARKERS[k % len(_MARKERS)], label=str(name),
                     color=PALETTE[k % len(PALETTE)], edgecolors=_PAPER, linewidths=0.6, zorder=2)
    axes.set_xlabel(feature_names[0])
    axes.set_ylabel(feature_names[1])
    _legend(axes)
    return _save(figure, path, title)


def roc(labels: Any, scores: Any, path: Target, *, class_names: Sequence[str] | None = None,
        title: str = "") -> Path:
    """Draw the receiver operating characteristic and return the picture's path.

    labels  (n,) class numbers
    scores  (n,) or (n, 2) for two classes, higher for the second; (n, classes) draws each against the rest
    """
    truth, score = _array(labels).reshape(-1), _array(scores).astype(np.float64)
    if score.ndim not in (1, 2) or len(score) != len(truth):
        raise ShapeError(f"roc: scores have shape {score.shape} for {len(truth)} labels; "
                         "give (n,) or (n, classes)")
    binary = score.ndim == 1 or score.shape[1] <= 2
    wanted = [(1, score if score.ndim == 1 else score[:, -1])] if binary else list(enumerate(score.T))
    figure = _figure(5.4, 5.0)
    axes = _axes(figure, 1, 1, 1)
    axes.plot([0, 1], [0, 1], ":", color=_INK, linewidth=1, label="chance (area 0.5)")
    for k, column in wanted:
        positive = truth == k
        if positive.all() or not positive.any():
            continue                            # a class that is everywhere or nowhere has no curve
        false_rate, true_rate = roc_points(positive, column)
        area = float(np.trapezoid(true_rate, false_rate))
        name = class_names[k] if class_names is not None and k < len(class_names) else f"class {k}"
        label = f"area {area:.3f}" if binary and class_names is None else f"{name} (area {area:.3f})"
        axes.plot(false_rate, true_rate, _LINES[k % len(_LINES)] if len(wanted) > 1 else "-", linewidth=1.8,
                  color=PALETTE[k % len(PALETTE)], label=label)
    axes.set_xlabel("false positive rate (fraction of negatives)")
    axes.set_ylabel("true positive rate (fraction of positives)")
    axes.set_xlim(-0.01, 1.01)
    axes.set_ylim(-0.01, 1.01)
    _legend(axes, "lower right")
    return _save(figure, path, title)


def roc_points(positive: Array, score: Array) -> tuple[Array, Array]:
    """(false, true) positive rates, each (thresholds + 1,), from (0, 0) to (1, 1); a tie is one step."""
    order = np.argsort(-score, kind="stable")
    hit, ranked = positive[order].astype(np.float64), score[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    true, false = np.cumsum(hit)[last], np.cumsum(1 - hit)[last]
    return np.append(0.0, false / false[-1]), np.append(0.0, true / true[-1])




# -- shared ---------------------------------------------------------------------------------------------

def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError('pictures need matplotlib: pip install "tinygrad_edu[viz]"') from error
    return Figure(figsize=(width, height), dpi=120, facecolor=_PAPER, layout="constrained")


def _axes(figure: Figure, rows: int, columns: int, at: int, *, grid: bool = True) -> Axes:
    axes = figure.add_subplot(rows, columns, at)
    axes.set_facecolor(_PAPER)
    axes.tick_params(colors=_INK, labelsize=9)
    axes.xaxis.label.set_color(_INK)
    axes.yaxis.label.set_color(_INK)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color("#888888")
    if grid:
        axes.grid(True, color=_GRID, linewidth=0.7)
        axes.set_axisbelow(True)
    return axes


def _legend(axes: Axes, where: Literal["best", "lower right"] = "best") -> None:
    axes.legend(loc=where, fontsize=8.5, framealpha=0.85, edgecolor=_GRID, labelcolor=_INK)


def _save(figure: Figure, path: Target, title: str) -> Path:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    if title:
        figure.suptitle(title, color=_INK, fontsize=12)
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    FigureCanvasAgg(figure)
    figure.savefig(target)
    return target


def _columns(history: History) -> dict[str, Array]:
    """The history as {name: float64 (n,)}; what is not a number is left out, a missing one is NaN."""
    table: Mapping[str, Iterable[Any]]
    if isinstance(history, Mapping):
        table = history
    elif len(history) and isinstance(history[0], Mapping):
        rows: Sequence[Any] = history
        names = dict.fromkeys(name for row in rows for name in row)
        table = {name: [row.get(name) for row in rows] for name in names}
    else:
        table = {"loss": history}
    columns = {}
    for name, cells in table.items():
        values = list(cells)
        if values and all(c is None or isinstance(c, (int, float, np.number)) for c in values):
            columns[str(name)] = np.array([np.nan if c is None else float(c) for c in values])
    if len({len(c) for c in columns.values()}) > 1:
        raise ShapeError("loss_curve: the columns have different lengths "
                         f"{({n: len(c) for n, c in columns.items()})}; pad with None")
    return columns


def _metric_label(series: Mapping[str, Array]) -> str:
    kinds = {name.lower().replace("_", " ").split()[-1] for name in series}
    kind = kinds.pop() if len(kinds) == 1 else "metric"
    inside = all(np.nanmin(y, initial=0.0) >= 0 and np.nanmax(y, initial=1.0) <= 1 for y in series.values())
    return f"{kind} (fraction)" if inside else kind


def _array(x: Any) -> Array:
    return np.asarray(x.numpy() if hasattr(x, "numpy") else x)


def _probabilities(answer: Array, count: int, classes: int) -> Array:
    """What a classifier answered, as probabilities (count, classes)."""
    if answer.ndim == 2 and answer.shape == (count, 1):
        answer = answer[:, 0]
    if answer.ndim == 2 and len(answer) == count:
        return answer.astype(np.float64)
    if answer.shape != (count,):
        raise ShapeError(f"decision_boundary: predict returned shape {answer.shape} for {count} points; "
                         f"it must return ({count}, classes) or ({count},)")
    if answer.dtype.kind in "iub":
        return np.eye(max(classes, int(answer.max()) + 1))[answer.astype(np.int64)]
    return np.stack([1 - answer, answer], axis=1).astype(np.float64)


def _rgb(colour: str) -> tuple[float, float, float]:
    r, g, b = (int(colour[i:i + 2], 16) / 255 for i in (1, 3, 5))
    return r, g, b
