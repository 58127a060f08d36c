"""Pictures of predicted quantities: against the true ones, and the errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu import metrics
from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.figure import INK, PALETTE, Picture
from tinygrad_edu.viz.inputs import Array, Target, array, named, numbers, unknown, wrong
from tinygrad_edu.viz.legends import legend

_MARGIN = 0.04  # space around the points, as a fraction of their range


def predictions(
    targets: Any, predicted: Any, path: Target | None = None, *, unit: str = "", title: str = ""
) -> Picture:
    """Draw predicted quantities against the true ones: the nearer to the diagonal, the better.

    targets    (n,) true quantities
    predicted  (n,), or {name: (n,)}, "train" and "held out"; each is named with its R²
    unit       the unit of the quantity, for both axes
    """
    parts = _pairs("predictions", targets, predicted)
    every = np.concatenate([np.concatenate(part) for part in parts.values()])
    low, high = _limits(every)
    figure = fig.figure(5.2, 5.2, square=True)
    axes = fig.axes(figure)
    lines = axes.plot([low, high], [low, high], "-", color=INK, linewidth=1, label="predicted = true")
    for k, (name, (true, guess)) in enumerate(parts.items()):
        label = f"{name}, R² {metrics.r2(true, guess):.3f}" if name else f"R² {metrics.r2(true, guess):.3f}"
        lines += axes.plot(true, guess, label=label, **_point_style(k, len(true)))
    axes.set_xlim(low, high)
    axes.set_ylim(low, high)
    axes.set_aspect("equal")
    _few_ticks(axes)
    axes.set_xlabel("true" + _unit_text(unit))
    axes.set_ylabel("predicted" + _unit_text(unit))
    legend(axes, lines)
    return fig.finish(figure, title, path)


def residuals(
    targets: Any, predicted: Any, path: Target | None = None, *, unit: str = "", title: str = ""
) -> Picture:
    """Draw the errors, true minus predicted, against the predicted quantity, and their distribution.

    A slope, a bend or a funnel is structure that the model has not learned; an even cloud around 0 is noise.
    The parameters are those of `predictions`.
    """
    parts = _pairs("residuals", targets, predicted)
    figure = fig.figure(7.2, 4.0)
    grid = figure.add_gridspec(1, 2, width_ratios=(4, 1))
    axes = fig.axes_at(figure, grid[0, 0])
    beside = fig.axes_at(figure, grid[0, 1])
    errors = {name: true - guess for name, (true, guess) in parts.items()}
    low, high = _limits(np.concatenate([*errors.values(), [0.0]]))
    lines = []
    for k, (name, (_, guess)) in enumerate(parts.items()):
        lines += axes.plot(guess, errors[name], label=name, **_point_style(k, len(guess)))
        edges = np.linspace(low, high, 31)
        share = np.histogram(errors[name], edges)[0] / len(guess)
        beside.stairs(share, edges, orientation="horizontal", color=PALETTE[k % len(PALETTE)], linewidth=1.6)
    for one in (axes, beside):
        one.axhline(0.0, color=INK, linewidth=1)
        one.set_ylim(low, high)
    _few_ticks(axes)
    axes.set_xlabel("predicted" + _unit_text(unit))
    axes.set_ylabel("true − predicted" + _unit_text(unit))
    beside.set_xlabel("share of rows")
    beside.tick_params(labelleft=False)
    if len(parts) > 1:
        legend(axes, lines)
    return fig.finish(figure, title, path)


def _pairs(function: str, targets: Any, predicted: Any) -> dict[str, tuple[Array, Array]]:
    """{name: (true, predicted)}, each of shape (n,) and finite."""
    guesses = named(function, "predicted", predicted) if isinstance(predicted, Mapping) else {"": predicted}
    truths = (
        named(function, "targets", targets)
        if isinstance(targets, Mapping)
        else dict.fromkeys(guesses, targets)
    )
    if set(truths) != set(guesses):
        raise wrong(
            function,
            f"targets for {sorted(truths)} and predictions for {sorted(guesses)}",
            "give both for the same names",
        )
    out = {}
    for name, guess in guesses.items():
        true, found = (
            numbers(function, what, array(given).reshape(-1), ndim=1, shape="(n,)")
            for what, given in (("targets", truths[name]), ("predicted", guess))
        )
        if len(true) != len(found) or not len(true):
            raise wrong(function, f"{len(found)} predictions for {len(true)} targets", "give one a row")
        if not (np.isfinite(true).all() and np.isfinite(found).all()):
            raise unknown(function, "there are NaN or infinite numbers", "look for what diverged")
        out[name] = (true, found)
    return out


def _limits(values: Array) -> tuple[float, float]:
    """(low, high) around all values, with some space."""
    low, high = float(values.min()), float(values.max())
    room = _MARGIN * (high - low) or 0.05 * abs(high) or 1.0
    return low - room, high + room


def _point_style(k: int, count: int) -> dict[str, Any]:
    """The style of `count` points of series k."""
    size = 5.5 if count < 200 else 4.0 if count < 2000 else 2.5
    # fmt: off
    return {"linestyle": "", "marker": fig.MARKERS[k % len(fig.MARKERS)], "markersize": size,
            "color": PALETTE[k % len(PALETTE)],
            "alpha": 0.75 if count < 500 else 0.35, "markeredgewidth": 0, "rasterized": count > 5000}
    # fmt: on


def _few_ticks(axes: Any) -> None:
    """Few and short tick labels, so that long ones, such as house prices, do not overlap."""
    axes.locator_params(nbins=5)
    axes.ticklabel_format(style="sci", scilimits=(-3, 5), useMathText=True)


def _unit_text(unit: str) -> str:
    return f" ({unit})" if unit else ""
