"""The path of an optimizer, on a contour map of the function that it minimises."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.figure import INK, MARKERS, PALETTE, PAPER, SPINE, Picture
from tinygrad_edu.viz.inputs import Array, Target, array, finite, named, numbers, unknown, wrong
from tinygrad_edu.viz.legends import legend_below
from tinygrad_edu.viz.words import short, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SIDE, _LEVELS, _PATHS_ON_ONE_MAP = (
    161,
    16,
    3,
)  # grid points per side, odd; number of levels; most paths on one map
_STEPS = "".join(m for m in MARKERS if m not in "s*")  # markers of a path; its end is ■, and the minimum ★
Limits = tuple[float, float]


def optimizer_paths(
    f: Callable[[Array, Array], Any],
    paths: Mapping[str, Any],
    *,
    xlim: Limits,
    ylim: Limits,
    minimum: Any = None,
    xlabel: str = "x",
    ylabel: str = "y",
    title: str = "",
    path: Target | None = None,
    columns: int | None = None,
) -> Picture:
    """Draw the paths of optimizers on the contours of f, with one marker per step, from ○ to ■.

    f           takes two arrays of the same shape and returns the heights in that shape
    paths       {name: points (n, 2)}, with the start first
    xlim, ylim  the limits of the map; the legend says at which step a path leaves it
    minimum     (2,) the position of the minimum, drawn as a star
    columns     number of maps in a row, one map for each path; None draws up to 3 paths on one map
    """
    name = "optimizer_paths"
    table = {
        label: numbers(name, f"the path {label!r}", points, ndim=2, shape="(steps, 2)")
        for label, points in named(name, "paths", paths).items()
    }
    for label, points in table.items():
        if points.shape[1] != 2:
            raise wrong(name, f"the path {label!r} has shape {points.shape}", "give points (steps, 2)")
    if not (xlim[0] < xlim[1] and ylim[0] < ylim[1]):
        raise unknown(name, f"xlim={xlim} and ylim={ylim}", "give (low, high) with low below high")
    star = None if minimum is None else numbers(name, "minimum", minimum, ndim=1, shape="(2,)")
    if star is not None and len(finite(name, "minimum", star, "give (x, y)")) != 2:
        raise wrong(name, f"minimum has shape {star.shape}", "give (x, y)")
    heights = _Heights(f, xlim, ylim, star)
    on_one_map = columns is None and len(table) <= _PATHS_ON_ONE_MAP
    rows, wide = (1, 1) if on_one_map else fig.rows_and_columns(len(table), columns, 3)
    tall = (ylim[1] - ylim[0]) / (xlim[1] - xlim[0])
    equal = 0.25 <= tall <= 2.5  # with equal scales a gradient step crosses the contours at right angles
    across = 5.4 if on_one_map else 3.0
    high = across * min(tall if equal else 0.8, 1.3)
    below = 0.3 if not on_one_map else 0.2 * max(len(table), 2)
    figure = fig.figure(
        (across + 0.45) * wide + 1.2, (high + 0.7) * rows + below + 0.25 * bool(title), square=equal
    )
    groups = [list(table)] if on_one_map else [[label] for label in table]
    order = {label: k for k, label in enumerate(table)}
    maps, lines = [], []
    for i, group in enumerate(groups):
        axes = fig.axes(figure, rows, wide, i + 1, grid=False)
        filled = heights.draw(axes)
        maps.append(axes)
        for label in group:
            lines.append(_path(axes, heights, label, table[label], order[label], on_own_map=not on_one_map))
        if star is not None:
            axes.plot(*star, "*", color=INK, markersize=11, markeredgecolor=PAPER, zorder=6)
        axes.set_xlim(*xlim)
        axes.set_ylim(*ylim)
        if i + wide >= len(groups):
            axes.set_xlabel(xlabel)
        if i % wide == 0:
            axes.set_ylabel(ylabel)
        if equal:
            axes.set_aspect("equal")
    bar = fig.colour_bar(figure, filled, maps, f"f({xlabel}, {ylabel})")
    bar.set_ticks(heights.levels[::2], labels=[short(z, 2) for z in heights.levels[::2]])
    bar.minorticks_off()
    signs = [fig.legend_marker("start", "o", SPINE, hollow=True), fig.legend_marker("end", "s", SPINE)]
    if minimum is not None:
        signs.append(fig.legend_marker("minimum", "*", INK))
    legend_below(figure, [*lines, *signs] if on_one_map else signs, 2 if on_one_map else 3)
    return fig.finish(figure, title, path)


class _Heights:
    """f on a grid, and its levels: dense where f is low, since there optimizers make most of their steps."""

    def __init__(
        self, f: Callable[[Array, Array], Any], xlim: Limits, ylim: Limits, minimum: Array | None
    ) -> None:
        self.f, self.xlim, self.ylim = f, xlim, ylim
        self.x, self.y = np.linspace(*xlim, _SIDE), np.linspace(*ylim, _SIDE)
        self.z = self.values_at(*np.meshgrid(self.x, self.y))
        lowest = (
            np.array([])
            if minimum is None or not _inside(self, minimum)
            else self.values_at(*minimum[:, None])
        )
        known = np.append(
            self.z, lowest
        )  # the grid may miss the minimum, but the colour scale must include it
        known = known[np.isfinite(known)]
        if not known.size:
            raise unknown("optimizer_paths", "f is nowhere finite in the map", "choose other xlim and ylim")
        low, high = float(known.min()), float(known.max())
        middle = (float(np.median(known)) - low) / (high - low) if high > low else 0.5
        power = float(
            np.clip(np.log2(1 / max(middle, 1e-9)), 1, 6)
        )  # half of the levels are in half of the area
        self.levels = low + (high - low or 1.0) * np.linspace(0, 1, _LEVELS + 1) ** power

    def values_at(self, x: Array, y: Array) -> Array:
        """f(x, y), with a check of its shape."""
        try:
            z = array(self.f(x, y))
        except (TypeError, ValueError) as error:
            raise wrong(
                "optimizer_paths",
                f"f cannot take two arrays {x.shape} ({error})",
                "write it with NumPy or te functions: f(x, y)",
            ) from error
        if z.shape != x.shape:
            raise wrong(
                "optimizer_paths",
                f"f returned shape {z.shape} for two arrays {x.shape}",
                "return the height of each point",
            )
        return z.astype(np.float64)

    def draw(self, axes: Axes) -> Any:
        axes.contour(self.x, self.y, self.z, levels=self.levels, colors="#8FA6B8", linewidths=0.6, zorder=1)
        return axes.contourf(
            self.x,
            self.y,
            self.z,
            levels=self.levels,
            cmap=fig.colour_map("height"),
            norm=fig.interval_colours(self.levels),
            zorder=0,
        )

    def first_step_outside(self, points: Array) -> int | None:
        """The index of the first step outside the map; None if there is none."""
        low, high = np.transpose([self.xlim, self.ylim])
        inside = ((points >= low) & (points <= high)).all(axis=1)
        return None if inside.all() else int(inside.argmin())


def _path(axes: Axes, heights: _Heights, label: str, points: Array, k: int, *, on_own_map: bool) -> Any:
    colour, steps = PALETTE[k % len(PALETTE)], len(points) - 1
    known = points[np.isfinite(points).all(axis=1)]
    outside_at = heights.first_step_outside(points)
    text = f"{label}: {steps} step{'s' * (steps != 1)}"
    if outside_at is not None and (len(known) < len(points) or not _inside(heights, points[-1])):
        text += f", leaves at {outside_at}"
    elif len(known):
        text += f", f = {short(float(heights.values_at(known[-1:, 0], known[-1:, 1])[0]))}"
    (line,) = axes.plot(
        known[:, 0],
        known[:, 1],
        "-",
        color=colour,
        linewidth=1.5,
        label=text,
        zorder=3,
        marker=_STEPS[k % len(_STEPS)],
        markersize=5 if steps <= 20 else 3.5 if steps <= 60 else 2.2,
    )
    if len(known):
        axes.plot(
            *known[0], "o", color=PAPER, markeredgecolor=colour, markeredgewidth=1.8, markersize=9, zorder=4
        )
        axes.plot(*known[-1], "s", color=colour, markeredgecolor=PAPER, markersize=9, zorder=5)
    if on_own_map:
        axes.set_title(wrapped(text, 3.2, 9.5), fontsize=9.5)
    return line


def _inside(heights: _Heights, point: Array) -> bool:
    return heights.first_step_outside(point[None]) is None
