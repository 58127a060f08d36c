"""The graph in DOT, the language of Graphviz, to use its layouts: `dot -Tpdf g.dot`."""

from __future__ import annotations

from tinygrad_edu.graph import Graph
from tinygrad_edu.viz.label import footer, lines, newest

_STYLES = {
    "op": 'shape=box, style="rounded,filled", fillcolor="#dbeafe", color="#2563eb"',
    "leaf": 'shape=box, style="rounded,filled", fillcolor="#d1fae5", color="#047857"',
    "constant": 'shape=box, style="rounded,filled,dashed", fillcolor="#f3f4f6", color="#6b7280"',
    "checkpoint": 'shape=box, style="rounded,filled,dashed", fillcolor="#ffedd5", color="#c2410c"',
}


def dot(graph: Graph, show: tuple[str, ...], limit: int) -> str:
    """A `digraph`, with inputs at the top and the result at the bottom."""
    items, hidden = newest(graph, limit)
    out = [
        "digraph autograd {",
        '  graph [rankdir=TB, labelloc=b, fontname="monospace", label="'
        + "\\n".join(map(_escaped, footer(graph, hidden, show)))
        + '"];',
        '  node [fontname="monospace", fontsize=11];',
    ]
    for item in items:
        label = "\\n".join(map(_escaped, lines(item, show)))
        out.append(f'  n{item.index} [{_STYLES[item.kind]}, label="{label}"];')
    drawn = {item.index for item in items}
    if any(p not in drawn for item in items for p in item.parents):
        out.append('  older [shape=plaintext, label="…"];')
    for item in items:
        out.extend(f"  {f'n{p}' if p in drawn else 'older'} -> n{item.index};" for p in item.parents)
    return "\n".join([*out, "}", ""])


def _escaped(line: str) -> str:
    return line.replace("\\", "\\\\").replace('"', '\\"')
