"""The graph as one self-contained SVG: no script, no font file, readable on light and on dark.

Text is monospaced so that boxes can be measured without a font. Colours are attributes, which every viewer
understands; a media query, which browsers understand, repaints them when the reader prefers dark. The drawing
brings its own background, so it stays readable on a page of the other kind.
"""
from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tinygrad_edu.viz.label import footer, lines, newest
from tinygrad_edu.viz.layout import Placed, Point, place
from tinygrad_edu.viz.walk import Graph, Item

_TITLE, _SMALL, _FOOT = 13.0, 11.0, 11.0        # font sizes, pixels
_ADVANCE = 0.615                                # width of a monospaced letter, in font sizes
_LEADING, _PAD_X, _PAD_Y, _MARGIN = 15.0, 11.0, 8.0, 20.0
_FONT = "ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace"

# kind: (fill, border, ink) on light, and on dark
_COLOURS = {"op": (("#e3edfb", "#3b76c4", "#12345b"), ("#1c2f4a", "#6aa5f0", "#dbe9fd")),
            "leaf": (("#dcf3e8", "#1f8a5f", "#0c4630"), ("#173a2d", "#4fc592", "#d5f5e6")),
            "constant": (("#f1f2f4", "#8b929c", "#3d434c"), ("#2a2e35", "#8b929c", "#d6dae0")),
            "checkpoint": (("#fdebd8", "#c9661a", "#5e2c06"), ("#452c14", "#f0a060", "#fde6cf")),
            "page": (("#ffffff", "#d6dae0", "#59616c"), ("#15181d", "#3a4049", "#a8b0bb"))}
_LINE = ("#8b929c", "#7b8490")


def svg(graph: Graph, show: tuple[str, ...], limit: int) -> str:
    """An SVG document, inputs at the top and the result at the bottom."""
    items, hidden = newest(graph, limit)
    said = [lines(item, show) for item in items]
    sizes = [_size(text) for text in said]
    at = {item.index: i for i, item in enumerate(items)}
    edges = [(at[p], at[item.index]) for item in items for p in item.parents if p in at]
    placed = place(sizes, edges)
    notes = _wrapped(footer(graph, hidden), max(placed.size[0], 420.0))
    width = max(placed.size[0], *(len(n) * _FOOT * _ADVANCE for n in notes)) + 2 * _MARGIN
    height = placed.size[1] + 2 * _MARGIN + 14 + len(notes) * _LEADING
    left = (width - placed.size[0]) / 2
    body = [_edge(route) for route in placed.route if route is not None]
    body += _references(items, edges, placed, sizes)
    body += _older(items, at, placed, sizes)
    body += [_box(item, text, size, centre, last=item is items[-1])
             for item, text, size, centre in zip(items, said, sizes, placed.centre)]
    fill, border, ink = _COLOURS["page"][0]
    bottom = height - _MARGIN - (len(notes) - 1) * _LEADING + 4
    foot = [f'<text class="te-page" x="{_MARGIN:g}" y="{bottom + i * _LEADING:.1f}" fill="{ink}" '
            f'font-size="{_FOOT:g}">{escape(note)}</text>' for i, note in enumerate(notes)]
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" class="te-graph" width="{width:.0f}" height="{height:.0f}" '
        f'viewBox="0 0 {width:.1f} {height:.1f}" font-family="{_FONT}" role="img" '
        'aria-label="the recorded graph">',
        _style(),
        f'<rect class="te-page" x="0.5" y="0.5" width="{width - 1:.1f}" height="{height - 1:.1f}" rx="10" '
        f'fill="{fill}" stroke="{border}"/>',
        f'<g transform="translate({left:.1f} {_MARGIN:g})">', *body, "</g>", *foot, "</svg>", ""])


def _style() -> str:
    rules = [f".te-graph rect.te-{kind}{{fill:{fill};stroke:{border}}}.te-graph text.te-{kind}{{fill:{ink}}}"
             for kind, (_, (fill, border, ink)) in _COLOURS.items()]
    rules.append(f".te-graph .te-line{{stroke:{_LINE[1]}}}.te-graph .te-head{{fill:{_LINE[1]};stroke:none}}")
    return "<style>@media (prefers-color-scheme:dark){" + "".join(rules) + "}</style>"


def _size(text: Sequence[str]) -> tuple[float, float]:
    wide = max(len(text[0]) * _TITLE, *(len(line) * _SMALL for line in text[1:]), 0.0) if len(text) > 1 \
        else len(text[0]) * _TITLE
    return max(wide * _ADVANCE + 2 * _PAD_X, 46.0), len(text) * _LEADING + 2 * _PAD_Y


def _box(item: Item, text: Sequence[str], size: tuple[float, float], centre: Point, *, last: bool) -> str:
    (width, height), (x, y) = size, centre
    left, top = x - width / 2, y - height / 2
    (fill, border, ink), _ = _COLOURS[item.kind]
    round_by = min(height / 2, 16.0) if item.kind in ("leaf", "constant") else 6.0
    dashes = ' stroke-dasharray="4 3"' if item.kind in ("constant", "checkpoint") else ""
    out = [f'<g data-node="{item.index}">{_tooltip(item)}',
           f'<rect class="te-{item.kind}" x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" '
           f'height="{height:.1f}" rx="{round_by:g}" fill="{fill}" stroke="{border}" '
           f'stroke-width="{2.4 if last else 1.2}"{dashes}/>']
    for i, line in enumerate(text):
        look = f'font-size="{_SMALL:g}" opacity="0.85"' if i else f'font-size="{_TITLE:g}" font-weight="600"'
        baseline = top + _PAD_Y + i * _LEADING + 11.5
        out.append(f'<text class="te-{item.kind}" x="{x:.1f}" y="{baseline:.1f}" '
                   f'text-anchor="middle" fill="{ink}" {look}>{escape(line)}</text>')
    return "".join([*out, "</g>"])


def _tooltip(item: Item) -> str:
    facts = [f"%{item.index} {item.op or item.kind}", item.math, item.params, item.where]
    return f"<title>{escape(chr(10).join(f for f in facts if f))}</title>"


def _edge(route: Sequence[Point]) -> str:
    """A smooth curve through `route`, vertical at every point, with a head at its end."""
    (x, y), path = route[0], [f"M{route[0][0]:.1f} {route[0][1]:.1f}"]
    for i, (u, v) in enumerate(route[1:], 1):
        stop = v - 5 if i == len(route) - 1 else v
        half = (stop - y) / 2
        path.append(f"L{u:.1f} {stop:.1f}" if abs(u - x) < 0.05 else
                    f"C{x:.1f} {y + half:.1f} {u:.1f} {stop - half:.1f} {u:.1f} {stop:.1f}")
        x, y = u, v
    return _drawn("".join(path)) + _head(x, y)


def _drawn(path: str, extra: str = "") -> str:
    return f'<path class="te-line" d="{path}" fill="none" stroke="{_LINE[0]}" stroke-width="1.3"{extra}/>'


def _head(x: float, y: float) -> str:
    path = f"M{x - 3.6:.1f} {y - 7:.1f}L{x + 3.6:.1f} {y - 7:.1f}L{x:.1f} {y:.1f}z"
    return f'<path class="te-head" d="{path}" fill="{_LINE[0]}"/>'


def _stub(x: float, y: float, text: str) -> str:
    """A short arrow into the top of a box, from something that is named instead of joined."""
    ink = _COLOURS["page"][0][2]
    return (_drawn(f"M{x:.1f} {y - 18:.1f}L{x:.1f} {y - 5:.1f}", ' stroke-dasharray="3 2"') + _head(x, y)
            + f'<text class="te-page" x="{x:.1f}" y="{y - 21:.1f}" text-anchor="middle" fill="{ink}" '
            f'font-size="10">{escape(text)}</text>')


def _references(items: Sequence[Item], edges: Sequence[tuple[int, int]], placed: Placed,
                sizes: Sequence[tuple[float, float]]) -> list[str]:
    """Edges over many layers, as a short arrow that says where it comes from."""
    names: dict[int, list[str]] = {}
    for (a, b), route in zip(edges, placed.route):
        if route is None:
            names.setdefault(b, []).append(items[a].name or f"{items[a].title} %{items[a].index}")
    return [_stub(placed.centre[b][0] + sizes[b][0] / 2 - 8, placed.centre[b][1] - sizes[b][1] / 2,
                  ", ".join(text)) for b, text in names.items()]


def _older(items: Sequence[Item], at: dict[int, int], placed: Placed,
           sizes: Sequence[tuple[float, float]]) -> list[str]:
    """Edges from nodes that are not drawn."""
    return [_stub(placed.centre[i][0] - sizes[i][0] / 2 + 8, placed.centre[i][1] - sizes[i][1] / 2, "…")
            for i, item in enumerate(items) if any(p not in at for p in item.parents)]


def _wrapped(notes: Sequence[str], width: float) -> list[str]:
    """Notes broken at spaces to fit `width` pixels."""
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
