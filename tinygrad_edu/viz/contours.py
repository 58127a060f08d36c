"""The way of an optimiser downhill, on a map of the function it minimises."""
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

_SIDE, _LEVELS, _TOGETHER = 161, 16, 3          # grid points a side, odd; heights; paths that share one map
_STEPS = "".join(m for m in MARKERS if m not in "s*")          # of a path: its end is ■, the minimum ★
Limits = tuple[float, float]


def optimizer_paths(f: Callable[[Array, Array], Any], paths: Mapping[str, Any], *, xlim: Limits, ylim: Limits,
                    minimum: Any = None, xlabel: str = "x", ylabel: str = "y", title: str = "",
                    path: Target | None = None, columns: int | None = None) -> Picture:
    """Draw where optimisers went on the contours of f, a marker a step, from ○ to ■.

    f           takes two arrays of one shape and returns the heights in that shape
    paths       {name: points (n, 2)}, the start first
    xlim, ylim  what the map shows; the legend says when a path leaves it
    minimum     (2,) where f is least, drawn as a star
    columns     maps beside each other, one a path; None draws up to 3 paths on one map
    """
    name = "optimizer_paths"
    table = {label: numbers(name, f"the path {label!r}", points, ndim=2, shape="(steps, 2)")
             for label, points in named(name, "paths", paths).items()}
    for label, points in table.items():
        if points.shape[1] != 2:
            raise wrong(name, f"the path {label!r} has shape {points.shape}", "give points (steps, 2)")
    if not (xlim[0] < xlim[1] and ylim[0] < ylim[1]):
        raise unknown(name, f"xlim={xlim} and ylim={ylim}", "give (low, high) with low below high")
    star = None if minimum is None else numbers(name, "minimum", minimum, ndim=1, shape="(2,)")
    if star is not None and len(finite(name, "minimum", star, "give (x, y)")) != 2:
        raise wrong(name, f"minimum has shape {star.shape}", "give (x, y)")
    heights = _Heights(f, xlim, ylim, star)
    together = columns is None and len(table) <= _TOGETHER
    rows, wide = (1, 1) if together else fig.arrangement(len(table), columns, 3)
    tall = (ylim[1] - ylim[0]) / (xlim[1] - xlim[0])
    equal = 0.25 <= tall <= 2.5                  # then steps downhill cross contours at right angles
    across = 5.4 if together else 3.0
    high = across * min(tall if equal else 0.8, 1.3)
    below = 0.3 if not together else 0.2 * max(len(table), 2)
    figure = fig.figure((across + 0.45) * wide + 1.2, (high + 0.7) * rows + below + 0.25 * bool(title),
                        square=equal)
    groups = [list(table)] if together else [[label] for label in table]
    order = {label: k for k, label in enumerate(table)}
    maps, lines = [], []
    for i, group in enumerate(groups):
        axes = fig.axes(figure, rows, wide, i + 1, grid=False)
        filled = heights.draw(axes)
        maps.append(axes)
        for label in group:
            lines.append(_path(axes, heights, label, table[label], order[label], alone=not together))
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
    signs = [fig.sign("start", "o", SPINE, hollow=True), fig.sign("end", "s", SPINE)]
    if minimum is not None:
        signs.append(fig.sign("minimum", "*", INK))
    legend_below(figure, [*lines, *signs] if together else signs, 2 if together else 3)
    return fig.finish(figure, title, path)


class _Heights:
    """f on a grid, and the levels to draw it at: dense where it is low, since there optimisers spend time."""

    def __init__(self, f: Callable[[Array, Array], Any], xlim: Limits, ylim: Limits,
                 minimum: Array | None) -> None:
        self.f, self.xlim, self.ylim = f, xlim, ylim
        self.x, self.y = np.linspace(*xlim, _SIDE), np.linspace(*ylim, _SIDE)
        self.z = self.at(*np.meshgrid(self.x, self.y))
        lowest = np.array([]) if minimum is None or not _inside(self, minimum) else self.at(*minimum[:, None])
        known = np.append(self.z, lowest)       # the grid may miss it, and the scale must not
        known = known[np.isfinite(known)]
        if not known.size:
            raise unknown("optimizer_paths", "f is nowhere finite in the map", "choose other xlim and ylim")
        low, high = float(known.min()), float(known.max())
        middle = (float(np.median(known)) - low) / (high - low) if high > low else 0.5
        power = float(np.clip(np.log2(1 / max(middle, 1e-9)), 1, 6))   # half of them in half the area
        self.levels = low + (high - low or 1.0) * np.linspace(0, 1, _LEVELS + 1) ** power

    def at(self, x: Array, y: Array) -> Array:
        """f(x, y), checked."""
        try:
            z = array(self.f(x, y))
        except (TypeError, ValueError) as error:
            raise wrong("optimizer_paths", f"f cannot take two arrays {x.shape} ({error})",
                        "write it with NumPy or te functions: f(x, y)") from error
        if z.shape != x.shape:
            raise wrong("optimizer_paths", f"f returned shape {z.shape} for two arrays {x.shape}",
                        "return the height of each point")
        return z.astype(np.float64)

    def draw(self, axes: Axes) -> Any:
        axes.contour(self.x, self.y, self.z, levels=self.levels, colors="#8FA6B8", linewidths=0.6, zorder=1)
        return axes.contourf(self.x, self.y, self.z, levels=self.levels, cmap=fig.colour_map("height"),
                             norm=fig.steps(self.levels), zorder=0)

    def leaves(self, points: Array) -> int | None:
        """The first step that is outside the map."""
        low, high = np.transpose([self.xlim, self.ylim])
        inside = ((points >= low) & (points <= high)).all(axis=1)
        return None if inside.all() else int(inside.argmin())


def _path(axes: Axes, heights: _Heights, label: str, points: Array, k: int, *, alone: bool) -> Any:
    colour, steps = PALETTE[k % len(PALETTE)], len(points) - 1
    known = points[np.isfinite(points).all(axis=1)]
    gone = heights.leaves(points)
    said = f"{label}: {steps} step{'s' * (steps != 1)}"
    if gone is not None and (len(known) < len(points) or not _inside(heights, points[-1])):
        said += f", leaves at {gone}"
    elif len(known):
        said += f", f = {short(float(heights.at(known[-1:, 0], known[-1:, 1])[0]))}"
    line, = axes.plot(known[:, 0], known[:, 1], "-", color=colour, linewidth=1.5, label=said, zorder=3,
                      marker=_STEPS[k % len(_STEPS)],
                      markersize=5 if steps <= 20 else 3.5 if steps <= 60 else 2.2)
    if len(known):
        axes.plot(*known[0], "o", color=PAPER, markeredgecolor=colour, markeredgewidth=1.8, markersize=9,
                  zorder=4)
        axes.plot(*known[-1], "s", color=colour, markeredgecolor=PAPER, markersize=9, zorder=5)
    if alone:
        axes.set_title(wrapped(said, 3.2, 9.5), fontsize=9.5)
    return line


def _inside(heights: _Heights, point: Array) -> bool:
    return heights.leaves(point[None]) is None
