"""Numbers to compare, as bars."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.figure import INK, PALETTE, Picture
from tinygrad_edu.viz.inputs import Target, named, numbers, unknown, wrong
from tinygrad_edu.viz.words import matplotlib_text, same_format


def bars(
    values: Mapping[str, float],
    *,
    ylabel: str,
    errors: Mapping[str, float] | Sequence[float] | None = None,
    title: str = "",
    path: Target | None = None,
) -> Picture:
    """Draw numbers as bars from 0, each with its value; horizontal bars if there are many or long names.

    values  {label: number}
    ylabel  the name of the quantity, with its unit
    errors  the uncertainty of each number, one per bar, in order or by label
    """
    table = {
        label: float(numbers("bars", f"the value of {label!r}", value, ndim=0, shape="as one number"))
        for label, value in named("bars", "values", values).items()
    }
    error_bars = _errors(list(table), errors)
    known = [size if np.isfinite(size) else 0.0 for size in table.values()]
    if error_bars is not None:  # a number that is not finite has no error bar
        error_bars = [
            error if np.isfinite(size) else np.nan for error, size in zip(error_bars, table.values())
        ]
    horizontal = len(table) > 8 or max(map(len, table)) > 60 / len(table)
    count, names = len(table), [matplotlib_text(label) for label in table]
    size = (6.4, max(0.38 * count + 1.2, 2.0)) if horizontal else (max(0.95 * count + 1.6, 4.0), 3.8)
    figure = fig.figure(*size)
    axes = fig.axes(figure)
    whiskers: dict[str, Any] = {"ecolor": INK, "capsize": 3, "error_kw": {"linewidth": 1.2}}
    if horizontal:
        drawn = axes.barh(names, known, xerr=error_bars, color=PALETTE[0], height=0.65, **whiskers)
        axes.invert_yaxis()
        axes.set_xlabel(ylabel)
        axes.grid(False, axis="y")
        axes.margins(x=0.14)
    else:
        drawn = axes.bar(names, known, yerr=error_bars, color=PALETTE[0], width=0.62, **whiskers)
        axes.set_ylabel(ylabel)
        axes.grid(False, axis="x")
        axes.margins(y=0.12)
        axes.set_xlim(-0.75, count - 0.25)
    texts = same_format(list(table.values()))
    if error_bars is not None:
        texts = [
            f"{value} ± {error}" if np.isfinite(size) else value
            for value, error, size in zip(texts, same_format(error_bars), table.values())
        ]
    axes.bar_label(drawn, texts, padding=3, fontsize=8.5, color=INK)
    (axes.axvline if horizontal else axes.axhline)(0.0, color=fig.SPINE, linewidth=0.9)
    return fig.finish(figure, title, path)


def _errors(labels: list[str], errors: Any) -> list[float] | None:
    if errors is None:
        return None
    if hasattr(errors, "items"):
        table = named("bars", "errors", errors)
        missing = [label for label in labels if label not in table]
        if missing:
            raise unknown("bars", f"errors has none for {', '.join(missing)}", "give one a bar")
        errors = [table[label] for label in labels]
    listed = numbers("bars", "errors", errors, ndim=1, shape=f"({len(labels)},)")
    if len(listed) != len(labels):
        raise wrong("bars", f"{len(listed)} errors for {len(labels)} bars", "give one a bar")
    if (listed < 0).any() or np.isinf(listed).any():
        raise unknown(
            "bars",
            f"errors are {listed.min():g} to {listed.max():g}",
            "give how far each may be off: 0 or more, NaN where that is unknown",
        )
    return [float(error) for error in listed]
