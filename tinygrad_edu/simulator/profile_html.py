"""A profile as one self-contained HTML page: a table of the kernels, then each source with its counts.

The bar beside a line compares its memory traffic with that of the line with the most. The colour of the bar
shows the same, from pale to dark in one hue, which all readers can order.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from tinygrad_edu.simulator.profile_counts import Counts, Kernel, Line
from tinygrad_edu.simulator.profile_text import INTENSITY, Column, advice, cell, columns, excerpt

_STYLE = """
:root { color-scheme: light dark; --page: #ffffff; --ink: #1b1f24; --soft: #59636e; --rule: #d1d9e0;
        --heat: 8, 81, 156; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14181d; --ink: #e6e9ec; --soft: #9aa5b1; --rule: #3a424c; --heat: 107, 174, 214; } }
body { background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; margin: 2rem; }
table { border-collapse: collapse; }
th, td { padding: .1rem .6rem; text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; border-bottom: 1px solid var(--rule); }
.name, .code { text-align: left; }
.code, .number { font-family: ui-monospace, monospace; }
.code { white-space: pre; }
.number { color: var(--soft); }
.source td { font-size: 13px; line-height: 1.35; }
.heat { min-width: 5rem; text-align: left; }
.heat span { display: block; height: .8em; }
.scroll { overflow-x: auto; }
"""


def page(kernels: Sequence[Kernel]) -> str:
    """The HTML document."""
    parts = [_table(kernels), *(_kernel(i, k) for i, k in enumerate(kernels))]
    body = "\n".join(parts) if kernels else "<p>No kernel was launched.</p>"
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Profile of CUDA kernels</title>
<meta name="viewport" content="width=device-width">
<style>{_STYLE}</style></head>
<body><h1>Profile</h1>
{body}
</body></html>
"""


def _table(kernels: Sequence[Kernel]) -> str:
    shown = columns([k.counts for k in kernels], (INTENSITY,))
    heads = '<th class="name">kernel</th><th>launches</th><th>threads</th>' + _heads(shown)
    rows = [
        f'<tr><td class="name"><a href="#kernel{i}">{escape(k.name)}</a></td><td>{k.launches:,}</td>'
        f"<td>{k.threads:,}</td>{_cells(shown, k.counts)}</tr>"
        for i, k in enumerate(kernels)
    ]
    return _scrolling_table("", heads, rows)


def _scrolling_table(kind: str, heads: str, rows: Sequence[str]) -> str:
    """A table that scrolls sideways, by itself, on a narrow page."""
    body = "\n".join(rows)
    return (
        f'<div class="scroll"><table class="{kind}"><thead><tr>{heads}</tr></thead>\n'
        f"<tbody>\n{body}\n</tbody></table></div>"
    )


def _kernel(index: int, kernel: Kernel) -> str:
    shown = columns([line.counts for line in kernel.lines])
    most = max((_load(kernel, line) for line in kernel.lines), default=0)
    rows = []
    for file in dict.fromkeys(line.file for line in kernel.lines):
        rows.append(f'<tr><td class="code" colspan="{len(shown) + 3}"><b>{escape(file)}</b></td></tr>')
        for line in excerpt(kernel, file):
            if line is None:
                rows.append(f'<tr>{"<td></td>" * (len(shown) + 1)}<td class="number">...</td><td></td></tr>')
                continue
            rows.append(
                f"<tr>{_bar_cell(_load(kernel, line), most)}{_cells(shown, line.counts)}"
                f'<td class="number">{line.number}</td>'
                f'<td class="code">{escape(line.text)}</td></tr>'
            )
    sentences = "".join(f"<li>{escape(sentence)}</li>" for sentence in advice(kernel))
    head = f'<th class="heat">memory</th>{_heads(shown)}<th>line</th><th class="name">source</th>'
    return (
        f'<h2 id="kernel{index}">{escape(kernel.name)}</h2>\n{_scrolling_table("source", head, rows)}\n'
        f"<ul>{sentences}</ul>"
    )


def _load(kernel: Kernel, line: Line) -> int:
    """Sectors of global memory and turns of shared memory; FLOPs in a kernel that uses neither."""
    if kernel.counts.sectors + kernel.counts.wavefronts == 0:
        return line.counts.flops
    return line.counts.sectors + line.counts.wavefronts


def _bar_cell(load: int, most: int) -> str:
    if not load:
        return '<td class="heat"></td>'
    share = load / most
    return (
        f'<td class="heat"><span style="width: {100 * share:.0f}%; '
        f'background: rgba(var(--heat), {0.25 + 0.75 * share:.2f})"></span></td>'
    )


def _heads(shown: list[Column]) -> str:
    return "".join(f"<th>{escape(column.head[0])}<br>{escape(column.head[1])}</th>" for column in shown)


def _cells(shown: list[Column], counts: Counts) -> str:
    return "".join(f"<td>{cell(column, counts)}</td>" for column in shown)
