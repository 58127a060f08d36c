"""The graph as one self-contained SVG, without script and font file, for light and dark pages.

Text is monospaced, so that the size of a box can be computed without a font. Colours are attributes, which
all viewers support. A media query, which browsers support, replaces them if the reader prefers dark. The
drawing has its own background, so it is readable on any page.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tinygrad_edu.graph import Graph, Node
from tinygrad_edu.printable import printable
from tinygrad_edu.viz.label import footer, lines, newest, title, write_params
from tinygrad_edu.viz.layout import Placed, Point, place

_TITLE, _SMALL, _FOOT = 13.0, 11.0, 11.0  # font sizes, pixels
_ADVANCE = 0.615  # width of a monospaced letter, divided by the font size
_LEADING, _PAD_X, _PAD_Y, _MARGIN = 15.0, 11.0, 8.0, 20.0
_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"

# kind: (fill, border, ink) on light, and on dark
_COLOURS = {
    "op": (("#e3edfb", "#3b76c4", "#12345b"), ("#1c2f4a", "#6aa5f0", "#dbe9fd")),
    "leaf": (("#dcf3e8", "#1f8a5f", "#0c4630"), ("#173a2d", "#4fc592", "#d5f5e6")),
    "constant": (("#f1f2f4", "#8b929c", "#3d434c"), ("#2a2e35", "#8b929c", "#d6dae0")),
    "checkpoint": (("#fdebd8", "#c9661a", "#5e2c06"), ("#452c14", "#f0a060", "#fde6cf")),
    "page": (("#ffffff", "#d6dae0", "#59616c"), ("#15181d", "#3a4049", "#a8b0bb")),
}
_LINE = ("#8b929c", "#7b8490")


def svg(graph: Graph, show: tuple[str, ...], limit: int) -> str:
    """The SVG document, with inputs at the top and the result at the bottom."""
    items, hidden = newest(graph, limit)
    texts = [lines(item, show) for item in items]
    sizes = [_size(text) for text in texts]
    at = {item.index: i for i, item in enumerate(items)}
    edges = [(at[p], at[item.index]) for item in items for p in item.parents if p in at]
    placed = place(sizes, edges)
    notes = _wrapped(footer(graph, hidden, show), max(placed.size[0], 420.0))
    width = max(placed.size[0], *(len(n) * _FOOT * _ADVANCE for n in notes)) + 2 * _MARGIN
    height = placed.size[1] + 2 * _MARGIN + 14 + len(notes) * _LEADING
    left = (width - placed.size[0]) / 2
    body = [_edge(route) for route in placed.route if route is not None]
    body += _references(items, edges, placed, sizes)
    body += _arrows_from_hidden(items, at, placed, sizes)
    body += [
        _box(item, text, size, centre, last=item is items[-1])
        for item, text, size, centre in zip(items, texts, sizes, placed.centre)
    ]
    fill, border, ink = _COLOURS["page"][0]
    bottom = height - _MARGIN - (len(notes) - 1) * _LEADING + 4
    foot = [
        f'<text class="te-page" x="{_MARGIN:g}" y="{bottom + i * _LEADING:.1f}" fill="{ink}" '
        f'font-size="{_FOOT:g}">{escape(note)}</text>'
        for i, note in enumerate(notes)
    ]
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="te-graph" width="{width:.0f}" '
            f'height="{height:.0f}" viewBox="0 0 {width:.1f} {height:.1f}" font-family="{_FONT}" role="img" '
            'aria-label="the recorded graph">',
            _style(),
            f'<rect class="te-page" x="0.5" y="0.5" width="{width - 1:.1f}" height="{height - 1:.1f}" '
            f'rx="10" fill="{fill}" stroke="{border}"/>',
            f'<g transform="translate({left:.1f} {_MARGIN:g})">',
            *body,
            "</g>",
            *foot,
            "</svg>",
            "",
        ]
    )


def _style() -> str:
    rules = [
        f".te-graph rect.te-{kind}{{fill:{fill};stroke:{border}}}.te-graph text.te-{kind}{{fill:{ink}}}"
        for kind, (_, (fill, border, ink)) in _COLOURS.items()
    ]
    rules.append(f".te-graph .te-line{{stroke:{_LINE[1]}}}.te-graph .te-head{{fill:{_LINE[1]};stroke:none}}")
    return "<style>@media (prefers-color-scheme:dark){" + "".join(rules) + "}</style>"


def _size(text: Sequence[str]) -> tuple[float, float]:
    wide = (
        max(len(text[0]) * _TITLE, *(len(line) * _SMALL for line in text[1:]), 0.0)
        if len(text) > 1
        else len(text[0]) * _TITLE
    )
    return max(wide * _ADVANCE + 2 * _PAD_X, 46.0), len(text) * _LEADING + 2 * _PAD_Y


def _box(item: Node, text: Sequence[str], size: tuple[float, float], centre: Point, *, last: bool) -> str:
    (width, height), (x, y) = size, centre
    left, top = x - width / 2, y - height / 2
    (fill, border, ink), _ = _COLOURS[item.kind]
    round_by = min(height / 2, 16.0) if item.kind in ("leaf", "constant") else 6.0
    dashes = ' stroke-dasharray="4 3"' if item.kind in ("constant", "checkpoint") else ""
    out = [
        f'<g data-node="{item.index}">{_tooltip(item)}',
        f'<rect class="te-{item.kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
        f'height="{height:.1f}" rx="{round_by:g}" fill="{fill}" stroke="{border}" '
        f'stroke-width="{2.4 if last else 1.2}"{dashes}/>',
    ]
    for i, line in enumerate(text):
        look = f'font-size="{_SMALL:g}" opacity="0.85"' if i else f'font-size="{_TITLE:g}" font-weight="600"'
        baseline = top + _PAD_Y + i * _LEADING + 11.5
        out.append(
            f'<text class="te-{item.kind}" x="{x:.1f}" y="{baseline:.1f}" '
            f'text-anchor="middle" fill="{ink}" {look}>{escape(line)}</text>'
        )
    return "".join([*out, "</g>"])


def _tooltip(item: Node) -> str:
    parts = (f"%{item.index} {item.op or item.kind}", item.math, write_params(item), item.where)
    return f"<title>{escape(chr(10).join(printable(fact) for fact in parts if fact))}</title>"


def _edge(route: Sequence[Point]) -> str:
    """A smooth curve through `route`, vertical at each point, with an arrow head at its end."""
    (x, y), path = route[0], [f"M{route[0][0]:.1f} {route[0][1]:.1f}"]
    for i, (u, v) in enumerate(route[1:], 1):
        stop = v - 5 if i == len(route) - 1 else v
        half = (stop - y) / 2
        path.append(
            f"L{u:.1f} {stop:.1f}"
            if abs(u - x) < 0.05
            else f"C{x:.1f} {y + half:.1f} {u:.1f} {stop - half:.1f} {u:.1f} {stop:.1f}"
        )
        x, y = u, v
    return _line_element("".join(path)) + _arrow_head(x, y)


def _line_element(path: str, extra: str = "") -> str:
    return f'<path class="te-line" d="{path}" fill="none" stroke="{_LINE[0]}" stroke-width="1.3"{extra}/>'


def _arrow_head(x: float, y: float) -> str:
    path = f"M{x - 3.6:.1f} {y - 7:.1f}L{x + 3.6:.1f} {y - 7:.1f}L{x:.1f} {y:.1f}z"
    return f'<path class="te-head" d="{path}" fill="{_LINE[0]}"/>'


def _short_arrow(x: float, y: float, text: str) -> str:
    """A short arrow into the top of a box, with the name of its source instead of a line to it."""
    ink = _COLOURS["page"][0][2]
    return (
        _line_element(f"M{x:.1f} {y - 18:.1f}L{x:.1f} {y - 5:.1f}", ' stroke-dasharray="3 2"')
        + _arrow_head(x, y)
        + f'<text class="te-page" x="{x:.1f}" y="{y - 21:.1f}" text-anchor="middle" fill="{ink}" '
        f'font-size="10">{escape(text)}</text>'
    )


def _references(
    items: Sequence[Node],
    edges: Sequence[tuple[int, int]],
    placed: Placed,
    sizes: Sequence[tuple[float, float]],
) -> list[str]:
    """Edges over many layers, each as a short arrow with the name of its source."""
    names: dict[int, list[str]] = {}
    for (a, b), route in zip(edges, placed.route):
        if route is None:
            names.setdefault(b, []).append(printable(items[a].name) or f"{title(items[a])} %{items[a].index}")
    return [
        _short_arrow(
            placed.centre[b][0] + sizes[b][0] / 2 - 8, placed.centre[b][1] - sizes[b][1] / 2, ", ".join(text)
        )
        for b, text in names.items()
    ]


def _arrows_from_hidden(
    items: Sequence[Node], at: dict[int, int], placed: Placed, sizes: Sequence[tuple[float, float]]
) -> list[str]:
    """Edges from nodes that are not drawn, as short arrows."""
    return [
        _short_arrow(placed.centre[i][0] - sizes[i][0] / 2 + 8, placed.centre[i][1] - sizes[i][1] / 2, "…")
        for i, item in enumerate(items)
        if any(p not in at for p in item.parents)
    ]


def _wrapped(notes: Sequence[str], width: float) -> list[str]:
    """Notes, wrapped at spaces to `width` pixels."""
    room, out = int(width / (_FOOT * _ADVANCE)), []
    for note in notes:
        line = ""
        for word in note.split():
            if line and len(line) + 1 + len(word) > room:
                out.append(line)
                line = word
            else:
                line = f"{line} {word}".strip()
        out.append(line)
    return out
