"""The graph as text: one line a node, oldest first, each naming the lines it was computed from."""
from __future__ import annotations

from tinygrad_edu.viz.label import footer, newest, saved_lines
from tinygrad_edu.viz.walk import Graph, Item, write_bytes


def text(graph: Graph, show: tuple[str, ...], limit: int) -> str:
    """A listing: `%4 = matmul(X, W)   32×10 float32   saves 1.3 kB`, and the totals below."""
    items, hidden = newest(graph, limit)
    called = {n.index: n.name or f"%{n.index}" for n in graph.nodes}
    first = [_first(n, called) for n in items]
    shapes = [n.shape if "shape" in show else "" for n in items]
    wide = min(max(map(len, first)), 60), max(map(len, shapes))
    out = ["…"] if hidden else []
    for item, left, shape in zip(items, first, shapes):
        out.append("   ".join((f"{left:<{wide[0]}}", f"{shape:<{wide[1]}}", *_rest(item, show))).rstrip())
        if "saved" in show:
            out.extend("      " + line for line in saved_lines(item))
    return "\n".join([*out, *footer(graph, hidden)])


def _first(item: Item, called: dict[int, str]) -> str:
    if item.kind in ("leaf", "constant"):
        return f"{called[item.index]} = {item.kind}"
    inputs = ", ".join(called[x] if isinstance(x, int) else x for x in item.inputs)
    return f"{called[item.index]} = {item.op}({inputs}{'; ' * bool(item.params)}{item.params})"


def _rest(item: Item, show: tuple[str, ...]) -> list[str]:
    out = []
    if "values" in show and item.value:
        out.append("value " + item.value)
    if "gradients" in show and (item.gradient or item.kind == "leaf"):
        out.append("grad " + (item.gradient or "none yet"))
    if "saved" not in show and item.held:
        out.append("saves " + write_bytes(item.held))
    return out
