"""The style of each series, legends, and the note below a picture."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from tinygrad_edu.viz.figure import GRID, INK, LINES, MARKERS, PALETTE
from tinygrad_edu.viz.words import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST, _ROWS = 6, 24  # most series of a legend inside the axes; most rows of a legend beside them
_ROW_HEIGHT, _LETTER_WIDTH, _MARKER_WIDTH = 0.19, 0.07, 0.65  # in inches


def series_style(k: int) -> dict[str, Any]:
    """Colour, line and, from the fifth series on, marker of series k."""
    marked = {"marker": MARKERS[(k // len(LINES) - 1) % len(MARKERS)], "markersize": 5}
    return {
        "color": PALETTE[k % len(PALETTE)],
        "linestyle": LINES[k % len(LINES)],
        **(marked if k >= len(LINES) else {}),
    }


def marked_points(k: int, count: int) -> list[int]:
    """The points of series k with a marker: about nine of `count`, and not the same as in series k + 1."""
    gap = max(-(-count // 9), 1)
    return list(range(k % gap, count, gap))


def legend(axes: Axes, lines: Iterable[Any], where: Literal["best", "lower right"] = "best") -> None:
    """Add a legend of lines: inside the axes, or, if there are many, beside them in a wider figure."""
    handles = [line for line in lines if line.get_label()]
    style: dict[str, Any] = {"loc": where, "framealpha": 0.85}
    if len(handles) > _MOST:
        columns = -(-len(handles) // _ROWS)
        rows = -(-len(handles) // columns)
        style = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "borderaxespad": 0.0, "ncols": columns}
        figure = axes.get_figure(root=True)
        assert figure is not None
        figure.set_size_inches(
            figure.get_figwidth() + _width([handles[i : i + rows] for i in range(0, len(handles), rows)]),
            max(figure.get_figheight(), _ROW_HEIGHT * min(len(handles), _ROWS) + 0.8),
        )
    _set_labels(
        axes.legend(handles, "x" * len(handles), fontsize=8.5, edgecolor=GRID, labelcolor=INK, **style),
        handles,
    )


def legend_below(figure: Figure, handles: Sequence[Any], columns: int, *, by_rows: bool = False) -> None:
    """Add a legend below all axes, where it covers nothing; `by_rows`: it is read row by row."""
    split = _by_rows if by_rows else _by_columns
    columns = max(1, min(columns, len(handles)))
    while columns > 1 and _width(split(handles, columns)) > figure.get_figwidth():
        columns -= 1
    rows = max(1, -(-len(handles) // columns))
    if by_rows:
        columns = max(1, -(-len(handles) // rows))  # rows of about the same length
        handles = [handle for column in _by_rows(handles, columns) for handle in column]
    figure.set_figheight(figure.get_figheight() + _ROW_HEIGHT * max(0, rows - 2))
    _set_labels(
        figure.legend(
            handles,
            "x" * len(handles),
            loc="outside lower center",
            ncols=columns,
            fontsize=8.5,
            edgecolor=GRID,
            labelcolor=INK,
            borderaxespad=0.3,
        ),
        handles,
    )


def _set_labels(legend: Any, handles: Sequence[Any]) -> None:
    """Set the labels of a legend, also those that begin with "_", which matplotlib would omit."""
    for text, handle in zip(legend.get_texts(), handles):
        text.set_text(handle.get_label())


def _by_rows(handles: Sequence[Any], columns: int) -> list[Sequence[Any]]:
    """The columns of a legend that is read row by row; matplotlib fills columns, the first ones higher."""
    return [handles[k::columns] for k in range(columns)]


def _by_columns(handles: Sequence[Any], columns: int) -> list[Sequence[Any]]:
    """The columns of a legend that is read column by column."""
    rows = -(-len(handles) // columns)
    return [handles[i : i + rows] for i in range(0, len(handles), rows)]


def _width(columns: Iterable[Sequence[Any]]) -> float:
    """The width of a legend with these columns, in inches."""
    letters = [max(len(line) for one in column for line in str(one.get_label()).split("\n"))
               for column in columns]  # fmt: skip
    return sum(_MARKER_WIDTH + _LETTER_WIDTH * most for most in letters)


def note_below(figure: Figure, *words: str) -> None:
    """Add a note at the bottom of a picture."""
    note = "; ".join(filter(None, words))
    if note:
        figure.supxlabel(wrapped(note, figure.get_figwidth() - 0.4, 9), fontsize=9, color=INK)


def not_finite_note(count: int, what: str, how: str = "") -> str:
    """A note that `count` numbers are NaN or infinite; "" if there are none."""
    return f"{count} {what}{'s' * (count != 1)} NaN or infinite: pink{how}" if count else ""
