"""How series are told apart, what legends say of them, and the line below a picture."""
from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal

from tinygrad_edu.viz.figure import GRID, INK, LINES, MARKERS, PALETTE
from tinygrad_edu.viz.words import wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST, _ROWS = 6, 24                            # series a legend inside the axes has; rows of one beside them
_ROW, _LETTER, _SIGN = 0.19, 0.07, 0.65         # inches in a legend


def look(k: int) -> dict[str, Any]:
    """Colour, line and, from the fifth series on, marker of series k."""
    marked = {"marker": MARKERS[(k // len(LINES) - 1) % len(MARKERS)], "markersize": 5}
    return {"color": PALETTE[k % len(PALETTE)], "linestyle": LINES[k % len(LINES)],
            **(marked if k >= len(LINES) else {})}


def spots(k: int, count: int) -> list[int]:
    """Which of its `count` points series k marks, if it has a marker: about nine, not its neighbours'."""
    gap = max(-(-count // 9), 1)
    return list(range(k % gap, count, gap))


def legend(axes: Axes, lines: Iterable[Any], where: Literal["best", "lower right"] = "best") -> None:
    """What each line is: in the axes, or beside them, in a figure that grows for it, where there are many."""
    handles = [line for line in lines if line.get_label()]
    style: dict[str, Any] = {"loc": where, "framealpha": 0.85}
    if len(handles) > _MOST:
        columns = -(-len(handles) // _ROWS)
        style = {"loc": "upper left", "bbox_to_anchor": (1.01, 1), "borderaxespad": 0.0, "ncols": columns}
        figure = axes.get_figure(root=True)
        assert figure is not None
        figure.set_size_inches(figure.get_figwidth() + _width(handles, columns),
                               max(figure.get_figheight(), _ROW * min(len(handles), _ROWS) + 0.8))
    _worded(axes.legend(handles, "x" * len(handles), fontsize=8.5, edgecolor=GRID, labelcolor=INK, **style),
            handles)


def legend_below(figure: Figure, handles: Sequence[Any], columns: int) -> None:
    """What each line or point is, outside of all axes, where it hides nothing."""
    while columns > 1 and _width(handles, columns) > figure.get_figwidth():
        columns -= 1
    figure.set_figheight(figure.get_figheight() + _ROW * max(0, -(-len(handles) // columns) - 2))
    _worded(figure.legend(handles, "x" * len(handles), loc="outside lower center", ncols=columns,
                          fontsize=8.5, edgecolor=GRID, labelcolor=INK, borderaxespad=0.3), handles)


def _worded(legend: Any, handles: Sequence[Any]) -> None:
    """Write the labels into a legend, those too that begin with "_", which matplotlib would leave out."""
    for text, handle in zip(legend.get_texts(), handles):
        text.set_text(handle.get_label())


def _width(handles: Sequence[Any], columns: int) -> float:
    """Inches that a legend takes, filled column by column."""
    longest = [max(map(len, str(handle.get_label()).split("\n"))) for handle in handles]
    rows = -(-len(handles) // columns)
    return sum(_SIGN + _LETTER * max(longest[i:i + rows]) for i in range(0, len(longest), rows))


def note_below(figure: Figure, *words: str) -> None:
    """What a reader has to know of the picture: a line at the bottom."""
    said = "; ".join(filter(None, words))
    if said:
        figure.supxlabel(wrapped(said, figure.get_figwidth() - 0.4, 9), fontsize=9, color=INK)


def broken(count: int, what: str, how: str = "") -> str:
    """The words for numbers of which `count` are NaN or infinite; "" for none."""
    return f"{count} {what}{'s' * (count != 1)} NaN or infinite: pink{how}" if count else ""
