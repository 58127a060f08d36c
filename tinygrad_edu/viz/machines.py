"""Pictures of a job on several machines: what each rank did and when."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.viz import figure as fig
from tinygrad_edu.viz.figure import INK, PALETTE, PAPER, Picture
from tinygrad_edu.viz.inputs import Target, unknown
from tinygrad_edu.viz.legends import legend_below
from tinygrad_edu.viz.words import short

_MOST = 40  # spans of the busiest rank in a picture whose window is not given
_WIDTH, _ROW, _TALLEST = 8.4, 0.36, 9.0  # inches: of the figure, of a row, of the tallest figure
_INSIDE, _NARROW = _WIDTH - 1.0, 0.02  # inches: of the axes, about, and of a bar that is a line
_GAPS = (1, 2, 4, 8, 16, 32, 64, 128)  # rows from one label to the next
_STALE = "compute"  # the kind whose colour is the staleness of its gradient

# Kinds differ in colour, in brightness, and in hatching: (fill, hatch, colour of the hatch and the edge).
_LOOKS = {"compute": (PALETTE[0], "", PAPER), "send": (PALETTE[4], "", PAPER),
          "wait": ("#EEEEEE", "////", "#9A9A9A"), "update": (PALETTE[2], "", PAPER),
          "dropped": (PAPER, "xxxx", PALETTE[1])}  # fmt: skip
_OTHERS = ((PALETTE[3], "....", PAPER), (PALETTE[5], "....", PAPER), (PALETTE[8], "....", PAPER))


# A kind, or "compute" with the least and the largest staleness of its bin: what the legend lists.
_Look = tuple[str, tuple[int, int] | None]


class _Bar(NamedTuple):
    """A span as it is drawn: begin and end in seconds since the first computation of all.

    text  what is written into the bar if it is long enough
    """

    rank: int
    begin: float
    end: float
    look: _Look
    text: str


def timeline(
    spans: Iterable[Sequence[Any]],
    *,
    window: tuple[float, float] | None = None,
    ranks: Iterable[int] | None = None,
    labels: Mapping[int, str] | None = None,
    title: str = "",
    path: Target | None = None,
) -> Picture:
    """Draw what each rank did and when: a row a rank, a bar a span, seconds on the axis.

    spans   (rank, kind, begin, end) or (rank, kind, begin, end, details), in seconds, as a cluster keeps them
            with `timeline=True`. Kinds are "compute", "send", "wait", "update" and "dropped"; others get
            colours of their own. If spans have details["staleness"], the darkness of "compute" shows it;
            details["dropped"] makes a span "dropped"; details["source"] is the rank that a wait is for.
    window  the seconds that are drawn. Time 0 is the beginning of the first computation of all: where a rank
            comes late, the others wait for it long before. None: from 0 on, all, or, if there are many spans,
            as many as can be read. window=(-0.5, 1) shows half a second of what was before, too
    ranks   those that are drawn, in this order; None: all
    labels  {rank: the text before its row}; the others are "rank 3"
    """
    bars = _bars(spans)
    shown = _shown(bars, ranks)
    begin, end = _window(bars, shown, window)
    row = {rank: k for k, rank in enumerate(shown)}
    inside = [bar for bar in bars if bar.rank in row and bar.end > begin and bar.begin < end]
    if not inside:
        there = f"the spans are from {bars[0].begin:g} to {_last(bars):g} s"
        raise unknown("timeline", f"nothing happens from {begin:g} to {end:g} s", there)
    figure = fig.figure(_WIDTH, min(_ROW * len(shown) + 1.35, _TALLEST))
    axes = fig.axes(figure)
    row_inches = min(_ROW, (_TALLEST - 1.35) / len(shown))
    looks = _looks([bar.look for bar in inside], hatched=row_inches > 0.1)
    edged = max(np.bincount([row[bar.rank] for bar in inside])) <= 3 * _MOST and row_inches > 0.1
    narrow = _NARROW / _INSIDE * (end - begin)
    for (rank, look), group in _groups(inside).items():
        fill, hatch, edge = looks[look]
        # The edges of a narrow bar would cover it: they have its colour, and it lies over its neighbours.
        own = [fill if edge == PAPER and bar.end - bar.begin < narrow else edge for bar in group]
        axes.broken_barh(
            [(bar.begin, bar.end - bar.begin) for bar in group],
            (row[rank] - 0.4, 0.8),
            facecolors=fill,
            edgecolors=own if edged else edge,
            hatch=hatch,
            hatch_linewidth=0.6,
            linewidth=[0.9 if one == fill else 0.5 for one in own] if edged else 0.0,
            zorder=1.1 if hatch else 1.2,
        )
    if row_inches > 0.2:
        _write_texts(axes, inside, row, (begin, end))
    names = labels or {}
    gap = next(gap for gap in _GAPS if len(shown) / gap * 0.17 <= _TALLEST - 1.35 or gap == _GAPS[-1])
    axes.set_yticks(range(0, len(shown), gap), [names.get(rank, f"rank {rank}") for rank in shown[::gap]])
    axes.set_ylim(len(shown) - 0.4, -0.6)
    axes.set_xlim(begin, end)
    part = "" if end > 0.999 * _last(bars) else f", {short(begin)} to {short(end)} of {short(_last(bars))}"
    axes.set_xlabel(f"time (s){part}")
    axes.grid(False, axis="y")
    handles = [_patch(axes, style, name) for style, name in zip(looks.values(), _names(looks))]
    legend_below(figure, handles, 7, by_rows=True)
    return fig.finish(figure, title, path)


def _bars(spans: Iterable[Sequence[Any]]) -> list[_Bar]:
    """The spans, checked, in the order of their beginnings; staleness is in bins if there are many values."""
    found = []
    for k, span in enumerate(spans):
        try:
            rank, kind, begin, end, *rest = span
            found.append((int(rank), str(kind), float(begin), float(end), dict(rest[0]) if rest else {}))
        except (TypeError, ValueError, IndexError):
            raise errors.wrong(
                TypeError,
                "timeline",
                f"span {k} is {span!r:.80}",
                "give (rank, kind, begin, end) or (rank, kind, begin, end, details)",
            ) from None
        if not (np.isfinite(found[-1][2]) and found[-1][3] >= found[-1][2] > -np.inf):
            raise unknown(
                "timeline", f"span {k} goes from {begin} to {end} s", "give seconds, the earlier one first"
            )
    if not found:
        raise unknown("timeline", "there are no spans", "run the job on a cluster made with timeline=True")
    work = [begin for _, kind, begin, _, _ in found if kind in (_STALE, "dropped")]
    start = min(work or [begin for _, _, begin, _, _ in found])
    stale = [int(details["staleness"]) for *_, details in found
             if details.get("staleness") is not None and not details.get("dropped")]  # fmt: skip
    bins = _bins(max(stale)) if any(stale) else []
    bars = []
    for rank, kind, begin, end, details in sorted(found, key=lambda span: span[2]):
        kind = "dropped" if details.get("dropped") else kind
        known = bins and kind == _STALE and details.get("staleness") is not None
        level = next(span for span in bins if details["staleness"] <= span[1]) if known else None
        text = f"for {details['source']}" if kind == "wait" and "source" in details else ""
        bars.append(_Bar(rank, begin - start, end - start, (kind, level), text))
    return bars


def _bins(most: int) -> list[tuple[int, int]]:
    """(least, largest) staleness of each bin: one number each up to 4; with more 0, 1, 2 to 3, 4 to 7 ..."""
    if most <= 4:
        return [(k, k) for k in range(most + 1)]
    powers = [1 << k for k in range(most.bit_length())]
    return [(0, 0), *((low, min(2 * low - 1, most)) for low in powers)]


def _shown(bars: Sequence[_Bar], ranks: Iterable[int] | None) -> list[int]:
    there = sorted({bar.rank for bar in bars})
    if ranks is None:
        return there
    chosen = list(dict.fromkeys(ranks))
    foreign = [rank for rank in chosen if rank not in there]
    if foreign or not chosen:
        raise unknown("timeline", f"ranks={chosen}", f"the spans are of ranks {there[0]} to {there[-1]}")
    return chosen


def _window(
    bars: Sequence[_Bar], shown: Sequence[int], window: tuple[float, float] | None
) -> tuple[float, float]:
    if window is not None:
        begin, end = map(float, window)
        if not begin < end:
            raise unknown("timeline", f"window={window!r}", "give (begin, end) in seconds, begin < end")
        return begin, end
    per_rank: dict[int, list[_Bar]] = {rank: [] for rank in shown}
    for bar in bars:
        if bar.rank in per_rank and bar.end > 0:
            per_rank[bar.rank].append(bar)
    long = [rows[_MOST].begin for rows in per_rank.values() if len(rows) > _MOST]
    return 0.0, min(long) if long and min(long) > 0 else _last(bars) or 1.0


def _last(bars: Iterable[_Bar]) -> float:
    return max(bar.end for bar in bars)


def _groups(bars: Iterable[_Bar]) -> dict[tuple[int, _Look], list[_Bar]]:
    found: dict[tuple[int, _Look], list[_Bar]] = {}
    for bar in bars:
        found.setdefault((bar.rank, bar.look), []).append(bar)
    return found


def _looks(present: Iterable[_Look], *, hatched: bool) -> dict[_Look, tuple[str, str, str]]:
    """(fill, hatch, edge) of what is drawn, in the order of the legend. Thin rows have no hatches."""
    there = set(present)
    stale = sorted(level for kind, level in there if kind == _STALE and level is not None)
    looks: dict[_Look, tuple[str, str, str]] = {}
    if (_STALE, None) in there:
        looks[_STALE, None] = (PAPER, "", PALETTE[0]) if stale else _LOOKS[_STALE]
    for k, level in enumerate(stale):
        depth = 0.22 + 0.78 * k / (len(stale) - 1) if len(stale) > 1 else 0.75  # about PALETTE[0]
        looks[_STALE, level] = fig.colour_of("amount", depth), "", PAPER
    looks |= {(kind, None): look for kind, look in _LOOKS.items() if kind != _STALE and (kind, None) in there}
    others = sorted(kind for kind, _ in there if kind not in _LOOKS)
    looks |= {(kind, None): _OTHERS[k % len(_OTHERS)] for k, kind in enumerate(others)}
    if hatched:
        return looks
    return {look: (edge if fill == PAPER else fill, "", PAPER) for look, (fill, _, edge) in looks.items()}


def _names(looks: Iterable[_Look]) -> list[str]:
    """The texts of the legend: "compute, staleness 0", "staleness 1", "staleness 2–3", "wait"."""
    names, first = [], True
    for kind, level in looks:
        if level is None:
            names.append(kind)
        else:
            least, largest = level
            names.append(f"{f'{kind}, ' * first}staleness {least}{f'–{largest}' * (largest > least)}")
            first = False
    return names


def _patch(axes: Any, look: tuple[str, str, str], label: str) -> Any:
    """A box for the legend; it is outside the axes' limits and so is not drawn itself."""
    fill, hatch, edge = look
    edge = "#999999" if edge == PAPER else edge
    return axes.barh(
        [-9],
        [0],
        facecolor=fill,
        edgecolor=edge,
        hatch=hatch,
        linewidth=0.5,
        hatch_linewidth=0.6,
        label=label,
    )


def _write_texts(
    axes: Any, bars: Iterable[_Bar], row: Mapping[int, int], window: tuple[float, float]
) -> None:
    """Write the texts of bars that are long enough for them."""
    begin, end = window
    per_second = _INSIDE / (end - begin)
    for bar in bars:
        left, right = max(bar.begin, begin), min(bar.end, end)
        if bar.text and (right - left) * per_second > 0.075 * len(bar.text) + 0.1:
            axes.text(
                (left + right) / 2,
                row[bar.rank],
                bar.text,
                ha="center",
                va="center",
                fontsize=7.5,
                color=INK,
                bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 0.8, "alpha": 0.9},
            )
