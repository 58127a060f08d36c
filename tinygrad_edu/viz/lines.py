"""Line plots: functions in one pair of axes, small multiples, and curves of losses and metrics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.figure import Picture
from tinygrad_edu.viz.inputs import Array, Target, array, named, numbers, unknown, wrong
from tinygrad_edu.viz.legends import legend, legend_below, marked_points, series_style
from tinygrad_edu.viz.words import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

History = Mapping[str, Sequence[float]] | Iterable[Mapping[str, Any]] | Iterable[float]
Limits = tuple[float, float]
_STEPS = ("epoch", "step", "iteration")
_METRICS = {"roc_auc": "ROC AUC", "r2": "R²"}  # names in columns, and names for readers


def curves(
    x: Any,
    series: Mapping[str, Any],
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    path: Target | None = None,
    logx: bool = False,
    logy: bool = False,
    zero_lines: bool = False,
    colors: Sequence[str] | Mapping[str, str] | None = None,
    xlim: Limits | None = None,
    ylim: Limits | None = None,
) -> Picture:
    """Draw functions of the same x in one pair of axes.

    x           (n,)
    series      {label: y (n,)}; NaN gives a gap
    xlabel      with its unit, "time (s)"; ylabel likewise
    logx, logy  logarithmic axes, for numbers above 0; other numbers give a gap
    zero_lines  draw the axes through the origin
    colors      replace those of the palette: one per series, in order, or some of them by label
    """
    table = _mask_nonpositive(_series("curves", x, series), logx=logx, logy=logy)
    figure = fig.figure(6.4, 4.2)
    axes = fig.axes(figure)
    drawn = _draw(axes, table, _styles("curves", table[1], colors))
    if logx:
        fig.log_scale(axes, "x", table[0])
    elif len(table[0]) <= 20 and (table[0] == np.rint(table[0])).all():
        axes.locator_params(axis="x", integer=True)
    if logy:
        fig.log_scale(axes, "y", np.concatenate(list(table[1].values())))
    if zero_lines:
        _zero_lines(axes)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    if xlim is not None:
        axes.set_xlim(*xlim)
    if ylim is not None:
        axes.set_ylim(*ylim)
    if any(table[1]):
        legend(axes, drawn.values())
    return fig.finish(figure, title, path)


def panels(
    parts: Iterable[tuple[str, Any, Mapping[str, Any]]],
    *,
    xlabel: str,
    ylabel: str,
    title: str = "",
    columns: int | None = None,
    same_scale: bool = False,
    path: Target | None = None,
) -> Picture:
    """Draw small multiples: one small pair of axes for each (title, x (n,), {label: y (n,)}).

    A label has the same colour and line in all of them, and one legend explains them. If no label occurs
    twice, each pair of axes has its own legend. `columns` is the number in a row; None chooses it. With
    `same_scale`, all have the same vertical axis, so that heights can be compared.
    """
    listed = list(parts)
    if not listed or any(not isinstance(part, (tuple, list)) or len(part) != 3 for part in listed):
        raise unknown(
            "panels",
            f"{len(listed)} parts, not all of them three things",
            "give [(title, x, {label: y}), ...]",
        )
    tables = [(str(name), _series(f"panels, {str(name)!r}", x, series)) for name, x, series in listed]
    labels = dict.fromkeys(label for _, (_, series) in tables for label in series)
    shared = len(labels) < sum(len(series) for _, (_, series) in tables)
    styles = _styles("panels", labels, None)
    rows, wide = fig.rows_and_columns(len(tables), columns)
    figure = fig.figure(max(3.0 * wide, 4.2) + 0.4, 2.4 * rows + 0.7)
    drawn: dict[str, Any] = {}
    for i, (name, table) in enumerate(tables):
        axes = fig.axes(figure, rows, wide, i + 1)
        here = _draw(axes, table, styles if shared else _styles("panels", table[1], None))
        drawn |= here
        axes.set_title(wrapped(name, 2.8, 10.5), fontsize=10.5)
        if i + wide >= len(tables):
            axes.set_xlabel(xlabel)
        if i % wide == 0:
            axes.set_ylabel(ylabel)
        if not shared and any(table[1]):
            legend(axes, here.values())
    if same_scale:
        limits = [axes.get_ylim() for axes in figure.axes]
        for axes in figure.axes:
            axes.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))
    if shared and len(labels) > 1:
        legend_below(figure, list(drawn.values()), min(len(labels), 5))
    return fig.finish(figure, title, path)


def loss_curve(
    history: History, path: Target | None = None, *, title: str = "", loss_label: str = "loss"
) -> Picture:
    """Draw the losses and metrics of a training run.

    history     losses, one per step; or {name: one number per epoch}; or a list of rows {name: number}.
                A column "epoch" or "step" is the horizontal axis. Names with "loss" are drawn in one panel,
                all others in a second one.
    loss_label  the label of the vertical axis, with its unit: "cross-entropy (nats)"
    """
    columns = _columns(history)
    step = next((name for name in _STEPS if name in columns), None)
    at = columns.pop(step) if step else np.array([])
    losses = {name: y for name, y in columns.items() if "loss" in name.lower()}
    others = {name: y for name, y in columns.items() if name not in losses}
    parts = [(loss_label, losses)] * bool(losses) + [(_metric_label(others), others)] * bool(others)
    if not parts:
        raise unknown("loss_curve", "the history has no column of numbers", "give {'train loss': [...]}")
    figure = fig.figure(6.4 if len(parts) == 1 else 10.4, 4.0)
    for i, (label, series) in enumerate(parts):
        axes = fig.axes(figure, 1, len(parts), i + 1)
        x = at if np.isfinite(at).any() else np.arange(1, len(next(iter(series.values()))) + 1)
        shown = {_readable_name(name): y for name, y in series.items()}
        drawn = _draw(axes, (x, shown), _styles("loss_curve", shown, None))
        axes.set_xlabel(step or "step")
        axes.set_ylabel(label)
        if step or len(x) <= 20:
            axes.locator_params(axis="x", integer=True)
        finite = np.concatenate([y[np.isfinite(y)] for y in series.values()])
        if series is losses and finite.size and finite.min() > 0 and finite.max() > 100 * finite.min():
            fig.log_scale(axes, "y", finite)
        if len(series) > 1 or len(parts) > 1 or series is others:
            legend(axes, drawn.values())
    return fig.finish(figure, title, path)


def _series(function: str, x: Any, series: Any) -> tuple[Array, dict[str, Array]]:
    at = numbers(function, "x", x, ndim=1, shape="(n,)")
    table = {
        label: numbers(function, f"y of {label!r}", y, ndim=1, shape=f"({len(at)},)")
        for label, y in named(function, "the series", series).items()
    }
    for label, y in table.items():
        if len(y) != len(at):
            raise wrong(
                function, f"x has shape {at.shape} and y of {label!r} {y.shape}", "give one y for each x"
            )
    return at, table


def _mask_nonpositive(
    table: tuple[Array, dict[str, Array]], *, logx: bool, logy: bool
) -> tuple[Array, dict[str, Array]]:
    """The table for logarithmic axes: numbers that are not above 0 become NaN."""
    x, series = table
    for is_log, name, values in ((logx, "x", [x]), (logy, "y", list(series.values()))):
        if is_log and not any((v > 0).any() for v in values):
            raise unknown(
                "curves",
                f"log{name}=True, and no {name} is above 0",
                f"leave log{name} out, or draw the absolute values",
            )
    return (
        np.where(x > 0, x, np.nan) if logx else x,
        {label: np.where(y > 0, y, np.nan) if logy else y for label, y in series.items()},
    )


def _styles(function: str, labels: Iterable[str], colors: Any) -> dict[str, dict[str, Any]]:
    """Colour, line and marker of each label; `colors` replaces colours of the palette."""
    listed = list(labels)
    if colors is None:
        chosen: dict[str, Any] = {}
    elif isinstance(colors, Mapping):
        chosen = named(function, "colors", colors) if colors else {}
        foreign = [label for label in chosen if label not in listed]
        if foreign:
            raise unknown(
                function,
                f"colors has {foreign}, and the series are {listed}",
                "give colors by the labels of series",
            )
    else:
        given = [colors] if isinstance(colors, str) else list(colors)
        if len(given) < len(listed):
            raise wrong(function, f"{len(given)} colors for {len(listed)} series", "give a list, one each")
        chosen = dict(zip(listed, given))
    none = fig.invalid_colours(chosen.values())
    if none:
        raise unknown(function, f"colors: {none[0]!r} is none", "give names like 'tab:blue', or '#0072B2'")
    return {
        label: series_style(k) | ({"color": chosen[label]} if label in chosen else {})
        for k, label in enumerate(listed)
    }


def _draw(
    axes: Axes, table: tuple[Array, dict[str, Array]], styles: dict[str, dict[str, Any]]
) -> dict[str, Any]:
    x, series = table
    drawn = {}
    for k, (label, y) in enumerate(series.items()):
        (line,) = axes.plot(x, y, label=label, linewidth=1.9, **styles[label])
        marked = set(_isolated_points(x, y))
        if marked and "marker" not in styles[label]:
            line.set_marker("o")
        elif "marker" in styles[label]:
            marked.update(marked_points(k, len(y)))
        if marked:
            line.set_markevery(sorted(marked))
        drawn[label] = line
    return drawn


def _isolated_points(x: Array, y: Array) -> list[int]:
    """The points that a line would not show: those between two gaps, or all if there are at most two."""
    known = np.pad(np.isfinite(x) & np.isfinite(y), 1)
    return [int(i) for i in np.flatnonzero(known[1:-1] & (~(known[:-2] | known[2:]) | (len(y) <= 2)))]


def _zero_lines(axes: Axes) -> None:
    for line in (axes.axhline, axes.axvline):
        line(0.0, color=fig.SPINE, linewidth=0.9, zorder=1)


def _columns(history: Any) -> dict[str, Array]:
    """The history as {name: float64 (n,)}, without columns of text; a missing number is NaN."""
    table: Mapping[str, Iterable[Any]]
    if hasattr(history, "items"):
        table = dict(history.items())
    elif isinstance(history, str) or not hasattr(history, "__iter__"):
        raise errors.wrong(
            TypeError,
            "loss_curve",
            f"the history is {type(history).__name__}",
            "give losses, {name: [numbers]}, or rows [{name: number}]",
        )
    else:
        listed: list[Any] = list(history)
        if listed and isinstance(listed[0], Mapping):
            names = dict.fromkeys(name for row in listed for name in row)
            table = {name: [row.get(name) for row in listed] for name in names}
        else:
            table = {"loss": listed}
    columns = {}
    for name, cells in table.items():
        values = [_number(cell) for cell in cells]
        if values and not any(value is None for value in values):
            columns[str(name)] = np.array(values, np.float64)
    if len({len(c) for c in columns.values()}) > 1:
        raise wrong(
            "loss_curve",
            f"the columns have different lengths { ({n: len(c) for n, c in columns.items()}) }",
            "pad with None",
        )
    return columns


def _number(cell: Any) -> float | None:
    """A cell of a history as a number: None if it is not a number, NaN if it is missing."""
    if cell is None:
        return float("nan")
    if isinstance(cell, str):
        return None
    value = array(cell)
    return float(value.reshape(())) if value.size == 1 and value.dtype.kind in "biuf" else None


def _readable_name(name: str) -> str:
    """The name of a column in readable form: `held_out_r2` becomes `held out R²`."""
    for kind, text in _METRICS.items():
        if name.lower().endswith(kind) and name[: -len(kind)][-1:] in ("", "_", " "):
            return (name[: -len(kind)] + text).replace("_", " ")
    return name.replace("_", " ")


def _metric_label(series: Mapping[str, Array]) -> str:
    kinds = {
        next(
            (kind for kind in _METRICS if name.lower().endswith(kind)),
            name.lower().replace("_", " ").split()[-1],
        )
        for name in series
    }
    kind = kinds.pop() if len(kinds) == 1 else "metric"
    if kind in _METRICS:
        return _METRICS[kind]
    inside = all(np.nanmin(y, initial=0.0) >= 0 and np.nanmax(y, initial=1.0) <= 1 for y in series.values())
    return f"{kind} (fraction)" if inside else kind
