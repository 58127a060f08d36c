"""The graph as text: one line per node, oldest first; each line names its inputs."""

from __future__ import annotations

from tinygrad_edu.graph import Graph, Node, Number
from tinygrad_edu.printable import printable
from tinygrad_edu.viz.label import (
    footer,
    newest,
    numbers_of,
    saved_lines,
    write_bytes,
    write_number,
    write_params,
    write_shape,
)


def text(graph: Graph, show: tuple[str, ...], limit: int) -> str:
    """A listing: `%4 = matmul(X, W)   32×10 float32   saves 1.3 kB`, and the totals below."""
    items, hidden = newest(graph, limit)
    names = {n.index: printable(n.name) or f"%{n.index}" for n in graph.nodes}
    first = [_assignment(n, names) for n in items]
    shapes = [write_shape(n.shape, n.dtype) if "shape" in show else "" for n in items]
    wide = min(max(map(len, first)), 60), max(map(len, shapes))
    out = ["…"] if hidden else []
    for item, left, shape in zip(items, first, shapes):
        out.append("   ".join((f"{left:<{wide[0]}}", f"{shape:<{wide[1]}}", *_details(item, show))).rstrip())
        if "saved" in show:
            out.extend("      " + line for line in saved_lines(item))
    return "\n".join([*out, *footer(graph, hidden, show)])


def _assignment(node: Node, names: dict[int, str]) -> str:
    if node.kind in ("leaf", "constant"):
        return f"{names[node.index]} = {node.kind}"
    inputs = ", ".join(write_number(x) if isinstance(x, Number) else names[x] for x in node.inputs)
    parameters = write_params(node)
    op = printable(node.op) or node.kind
    return f"{names[node.index]} = {op}({inputs}{'; ' * bool(parameters)}{parameters})"


def _details(node: Node, show: tuple[str, ...]) -> list[str]:
    out = numbers_of(node, show)
    if "saved" not in show and node.held:
        out.append("saves " + write_bytes(node.held))
    return out
