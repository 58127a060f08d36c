"""What each drawing says, decided once: the lines of a node, the line at the bottom, and which nodes fit."""
from __future__ import annotations

from collections.abc import Iterable

from tinygrad_edu.viz.walk import Graph, Item, write_bytes, write_meta

SHOWABLE = ("shape", "values", "gradients", "saved")
_ALSO = {"value": "values", "grad": "gradients"}


def wanted(show: str | Iterable[str]) -> tuple[str, ...]:
    """`show` as a tuple of known words."""
    words = tuple(_ALSO.get(word, word) for word in ((show,) if isinstance(show, str) else show))
    for word in words:
        if word not in SHOWABLE:
            raise ValueError(f"viz.graph: show={word!r} is not one of {', '.join(SHOWABLE)}; "
                             "give one of them, or a tuple of several")
    return words


def lines(item: Item, show: tuple[str, ...]) -> list[str]:
    """The lines of a node: its title, the user's name of an intermediate result, then what was asked for."""
    out = [item.title]
    if item.kind in ("op", "checkpoint") and item.name:
        out.append(item.name)
    literal = [str(x) for x in item.inputs if isinstance(x, str)]
    if literal:
        out.append("with " + ", ".join(literal))
    if item.params:
        out.append(item.params if len(item.params) <= 30 else item.params[:29] + "…")
    if "shape" in show:
        out.append(item.shape)
    if "values" in show and item.value:
        out.append("value " + item.value)
    if "gradients" in show and (item.gradient or item.kind == "leaf"):
        out.append("grad " + (item.gradient or "none yet"))
    if "saved" in show:
        out.extend(saved_lines(item))
    elif item.held:
        out.append("saves " + write_bytes(item.held))
    return out


def saved_lines(item: Item) -> list[str]:
    """One line for each array a node keeps for backward."""
    marks = {"kept": "", "shared": " (shared)", "freed": " (freed)"}
    return [f"saves {s.name} {write_meta(s.meta)}, {write_bytes(s.nbytes)}{marks[s.state]}"
            for s in item.saved]


def footer(graph: Graph, hidden: int) -> list[str]:
    """The lines at the bottom: how much there is, what backward keeps, what does not fit."""
    kinds = {"op": "op", "leaf": "leaf", "constant": "constant", "checkpoint": "checkpoint"}
    parts = []
    for kind, word in kinds.items():
        count = sum(n.kind == kind for n in graph.nodes)
        if count:
            plural = "leaves" if word == "leaf" else word + "s"
            parts.append(f"{count:,} {word if count == 1 else plural}")
    out = [f"{', '.join(parts)}. Kept for backward: {write_bytes(graph.held)}."]
    if graph.freed:
        out[0] += f" Freed by a backward: {write_bytes(graph.freed)}."
    if len(graph.nodes) == 1 and graph.nodes[0].kind == "constant":
        out.append("Nothing was recorded: this value depends on no tensor with requires_grad=True.")
    if hidden:
        out.append(f"The {hidden:,} oldest of {len(graph.nodes):,} nodes are not drawn; limit= draws more.")
    return out


def newest(graph: Graph, limit: int) -> tuple[tuple[Item, ...], int]:
    """The nodes to draw and how many are hidden: the newest `limit`, and so the ones nearest the result."""
    hidden = max(0, len(graph.nodes) - limit)
    return graph.nodes[hidden:], hidden
