"""Pictures of training by several workers: how it scales, what it reaches, how old the gradients were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.figure import MARKERS, Picture
from tinygrad_edu.viz.inputs import Array, Target, named, numbers, unknown, wrong
from tinygrad_edu.viz.legends import legend, legend_below, series_style
from tinygrad_edu.viz.words import short

_SLIVER = 4  # the largest staleness of a run, in those of another one, with which it shares an axis
_LABELS = {"seconds": "time (s)", "virtual seconds": "simulated time (s)"}


def scaling(
    workers: Any,
    series: Mapping[str, Any],
    *,
    ylabel: str,
    xlabel: str = "workers",
    falling: bool = False,
    ideal: bool = True,
    title: str = "",
    path: Target | None = None,
) -> Picture:
    """Draw a quantity against the number of workers, one line a scheme, on logarithmic axes.

    workers  (n,), each at least 1
    series   {scheme: y (n,)}, numbers above 0; NaN where nothing was measured, or a loss was not reached
    ylabel   with its unit: "steps per second", "time to a loss of 0.1 (s)"
    falling  whether more workers should make y smaller, as a time; else larger, as a rate
    ideal    draw the line that doubles (or halves) with the number of workers, from the best first number on
    """
    at = numbers("scaling", "workers", workers, ndim=1, shape="(n,)")
    if not np.isfinite(at).all() or (at < 1).any() or len(set(at.tolist())) < len(at):
        raise unknown("scaling", f"workers are {at.tolist()!r:.80}", "give different numbers, at least 1")
    order = np.argsort(at)
    table = {}
    for label, y in named("scaling", "series", series).items():
        values = numbers("scaling", f"y of {label!r}", y, ndim=1, shape=f"({len(at)},)")
        if len(values) != len(at):
            raise wrong(
                "scaling",
                f"workers has shape {at.shape} and y of {label!r} {values.shape}",
                "give one y each",
            )
        if (values <= 0).any() or np.isinf(values).any():
            raise unknown(
                "scaling", f"y of {label!r} is {values.tolist()!r:.80}", "give finite numbers above 0, or NaN"
            )
        table[label] = values[order]
    at = at[order]
    known = np.stack(list(table.values()))
    if np.isnan(known).all():
        raise unknown("scaling", "all numbers are NaN", "leave out what was not measured")
    figure = fig.figure(6.4, 4.4)
    axes = fig.axes(figure)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log")
    lines = []
    if ideal:
        lines.append(_ideal(axes, at, known, falling))
    for k, (label, values) in enumerate(table.items()):
        style = series_style(k) | {"marker": MARKERS[k % len(MARKERS)], "markersize": 5.5}
        lines += axes.plot(at, values, label=label, linewidth=1.9, **style)
    axes.set_xticks(_thinned(at), labels=[short(v) for v in _thinned(at)])
    axes.set_xticks([], minor=True)
    _label_y(axes)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    legend(axes, lines)
    return fig.finish(figure, title, path)


def _ideal(axes: Any, at: Array, known: Array, falling: bool) -> Any:
    """The line of ideal scaling, from the first number of workers for which something is known."""
    first = int(np.flatnonzero(np.isfinite(known).any(axis=0))[0])
    best = np.nanmin(known[:, first]) if falling else np.nanmax(known[:, first])
    factor = at[first:] / at[first]
    y = best / factor if falling else best * factor
    (line,) = axes.plot(at[first:], y, color=fig.SPINE, linewidth=1.2, linestyle=(0, (1, 1.5)), label="ideal")
    return line


def _thinned(at: Array) -> Array:
    """At most 11 of the numbers, the last one with them."""
    return at[:: -1 * -(-len(at) // 11)][::-1]


def _label_y(axes: Any) -> None:
    """Write plain numbers on a logarithmic axis; a short one has some between the powers of 10."""
    low, high = axes.get_ylim()
    steps = (1, 1.5, 2, 3, 4, 6, 8) if high < 15 * low else (1, 2, 5) if high < 600 * low else (1,)
    powers = range(int(np.floor(np.log10(low))) - 1, int(np.ceil(np.log10(high))) + 2)
    inside = [tick for power in powers for step in steps if low <= (tick := step * 10.0**power) <= high]
    if len(inside) < 3:  # so short an axis is nearly linear
        least = (high - low) / 6
        power = 10.0 ** np.floor(np.log10(least))
        gap = next(step * power for step in (1, 2, 5, 10) if step * power >= least)
        inside = [k * gap for k in range(int(np.ceil(low / gap)), int(high / gap) + 1)]
    axes.set_yticks(inside, labels=[short(tick) for tick in inside])
    axes.set_yticks([], minor=True)
    axes.set_ylim(low, high)


def progress(
    runs: Mapping[str, Mapping[str, Any]],
    *,
    y: str = "loss",
    x: Sequence[str] = ("seconds", "examples"),
    ylabel: str = "",
    logy: bool = False,
    title: str = "",
    path: Target | None = None,
) -> Picture:
    """Draw the loss of several runs against time, and beside it against the number of examples.

    A run that is the best against examples may be the slowest against time: each of the two pictures alone
    shows half.

    runs    {scheme: {"loss": (n,), "seconds": (n,), "examples": (n,)}}; runs have lengths of their own
    x       the columns that are horizontal axes, one picture each
    y       the column that is drawn; `ylabel` is its name with its unit
    """
    across = [str(name) for name in x]
    if not across:
        raise unknown("progress", "x names no column", "give x=('seconds', 'examples')")
    table = {
        label: _columns(label, run, (y, *across)) for label, run in named("progress", "runs", runs).items()
    }
    if logy and not any((run[y] > 0).any() for run in table.values()):
        raise unknown("progress", f"logy=True, and no {y} is above 0", "leave logy out")
    figure = fig.figure(min(1.6 + 4.0 * len(across), 12.0), 3.9)
    handles: list[Any] = []
    for k, name in enumerate(across):
        axes = fig.axes(figure, 1, len(across), k + 1)
        handles = []
        for i, (label, run) in enumerate(table.items()):
            values = np.where(run[y] > 0, run[y], np.nan) if logy else run[y]
            style = series_style(i) | ({"marker": "o"} if len(values) == 1 else {})
            handles += axes.plot(run[name], values, label=label, linewidth=1.7, **style)
            if "marker" in style:
                handles[-1].set_markevery(max(len(values) // 9, 1))
        if logy:
            axes.set_yscale("log")
        axes.set_xlabel(_LABELS.get(name, name))
        axes.locator_params(axis="x", nbins=5)
        if k == 0:
            axes.set_ylabel(ylabel or y)
        else:
            axes.sharey(figure.axes[0])
            axes.tick_params(labelleft=False)
    if logy:
        _label_y(figure.axes[0])
    legend_below(figure, handles, 4, by_rows=True)
    return fig.finish(figure, title, path)


def _columns(label: str, run: Any, names: Iterable[str]) -> dict[str, Array]:
    columns = named("progress", f"the run {label!r}", run)
    missing = [name for name in names if name not in columns]
    if missing:
        raise unknown(
            "progress",
            f"the run {label!r} has no column {missing[0]!r}, it has {', '.join(columns)}",
            "name columns with x= and y=",
        )
    found = {name: numbers("progress", f"{name!r} of {label!r}", columns[name], ndim=1, shape="(n,)")
             for name in names}  # fmt: skip
    sizes = {name: len(column) for name, column in found.items()}
    if len(set(sizes.values())) > 1:
        raise wrong("progress", f"the columns of {label!r} have {sizes} numbers", "give as many in each")
    return found


def staleness(
    counts: Any,
    *,
    xlabel: str = "staleness: steps of others between reading parameters and adding the gradient",
    title: str = "",
    path: Target | None = None,
) -> Picture:
    """Draw how often a gradient had each staleness, as a histogram; one for each run, one below the other.

    A dashed line is at the mean. The histograms have one axis of staleness, unless one run has several times
    the staleness of another, which would be a sliver on it: then each has its own.

    counts  {staleness: how often}, as a parameter server reports it; or the staleness of each gradient (n,);
            or {run: one of these}
    """
    runs = {"": counts}
    if isinstance(counts, Mapping) and not all(isinstance(key, (int, np.integer)) for key in counts):
        runs = named("staleness", "counts", counts)
    table = {label: _counted(label, one) for label, one in runs.items()}
    largest = [max(one) for one in table.values()]
    shared = max(largest) <= _SLIVER * max(min(largest), 1)
    height = 1.3 + (1.35 if shared else 1.6) * len(table)
    figure = fig.figure(6.4, height if len(table) > 1 else 3.4)
    first = None
    for k, (label, one) in enumerate(table.items()):
        axes = fig.axes(figure, len(table), 1, k + 1)
        ages, often = np.array(sorted(one)), np.array([one[age] for age in sorted(one)], np.float64)
        share, most = often / often.sum(), max(largest) if shared else ages[-1]
        axes.bar(ages, share, width=0.86 if most < 60 else 1.0, color=series_style(k)["color"])
        mean = float(ages @ share)
        axes.axvline(mean, color=fig.INK, linewidth=1.2, linestyle="--")
        axes.annotate(f"mean {short(mean)} (dashed), largest {ages[-1]}", (1.0, 1.0), (-2, -2),
                      xycoords="axes fraction", textcoords="offset points", ha="right", va="top",
                      fontsize=8.5, color=fig.INK)  # fmt: skip
        axes.set_title(label, loc="left", fontsize=10)
        axes.grid(False, axis="x")
        axes.set_ylabel("share")
        axes.set_ylim(0, 1.18 * share.max())
        axes.locator_params(axis="y", nbins=4)
        if first is None or not shared:
            first = axes
            axes.set_xlim(-0.7, most + 0.7)
            axes.locator_params(axis="x", integer=True)
        else:
            axes.sharex(first)
        if k + 1 == len(table):
            axes.set_xlabel(xlabel)
        axes.tick_params(labelbottom=not shared or k + 1 == len(table))
    return fig.finish(figure, title, path)


def _counted(label: str, given: Any) -> dict[int, float]:
    """{staleness: how often} of a mapping or of a list of numbers; only what occurs."""
    where = f"the staleness of {label!r}" if label else "the staleness"
    if isinstance(given, Mapping):
        ages = numbers("staleness", where, list(given.keys()), ndim=1, shape="(n,)")
        often = numbers("staleness", f"{where}, how often", list(given.values()), ndim=1, shape="(n,)")
    else:
        ages = numbers("staleness", where, given, ndim=1, shape="(n,)")
        often = np.ones(len(ages))
    if (ages < 0).any() or not np.isfinite(ages).all() or (ages != np.round(ages)).any():
        raise unknown("staleness", f"{where} is {ages.tolist()!r:.80}", "give integers, 0 or more")
    if (often < 0).any() or not np.isfinite(often).all() or not often.any():
        raise unknown("staleness", f"{where} occurs {often.tolist()!r:.80} times", "give counts, one above 0")
    found: Counter[int] = Counter()
    for age, count in zip(ages.tolist(), often.tolist()):
        found[int(age)] += count
    return {age: count for age, count in found.items() if count}
