"""The text of a drawing: the lines of each node, the lines at the bottom, and the nodes that are drawn.

Text, DOT and SVG drawings all use it. Names are made printable; shapes, bytes and numbers are formatted.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from tinygrad_edu import errors
from tinygrad_edu.graph import Graph, Node, Number, Numbers
from tinygrad_edu.graph.data import DType
from tinygrad_edu.printable import printable
from tinygrad_edu.shapes import Shape

SHOWABLE = ("shape", "values", "gradients", "saved")
_SYNONYMS = {"value": "values", "grad": "gradients"}


def known_words(show: str | Iterable[str]) -> tuple[str, ...]:
    """`show` as a tuple of known words."""
    words = tuple(_SYNONYMS.get(word, word) for word in ((show,) if isinstance(show, str) else show))
    for word in words:
        if word not in SHOWABLE:
            raise errors.wrong(
                ValueError,
                "viz.graph",
                f"show={word!r} is not one of {', '.join(SHOWABLE)}",
                "give one of them, or a tuple of several",
            )
    return words


def lines(node: Node, show: tuple[str, ...]) -> list[str]:
    """The lines of a node: its title, the user's name of an intermediate result, then those of `show`."""
    out = [title(node)]
    if node.kind in ("op", "checkpoint") and node.name:
        out.append(printable(node.name))
    escape_dollars = [write_number(x) for x in node.inputs if isinstance(x, Number)]
    if escape_dollars:
        out.append("with " + ", ".join(escape_dollars))
    if node.params:
        parameters = write_params(node)
        out.append(parameters if len(parameters) <= 30 else parameters[:29] + "…")
    if "shape" in show:
        out.append(write_shape(node.shape, node.dtype))
    out.extend(numbers_of(node, show))
    if "saved" in show:
        out.extend(saved_lines(node))
    elif node.held:
        out.append("saves " + write_bytes(node.held))
    return out


def numbers_of(node: Node, show: tuple[str, ...]) -> list[str]:
    """The lines with the value and the gradient of a node, if `show` has them and they are known."""
    out = []
    if "values" in show and node.value is not None:
        out.append("value " + write_value(node.value))
    if "gradients" in show and (node.gradient is not None or node.is_leaf):
        out.append("grad " + ("none yet" if node.gradient is None else write_gradient(node.gradient)))
    return out


def saved_lines(node: Node) -> list[str]:
    """One line for each array a node keeps for backward."""
    marks = {"kept": "", "shared": " (shared)", "freed": " (freed)"}
    return [
        f"saves {s.name} {write_shape(s.shape, s.dtype)}, {write_bytes(s.nbytes)}{marks[s.state]}"
        for s in node.saved
    ]


def title(node: Node) -> str:
    """The title of a node: the user's name of a leaf, else the name of the op."""
    return printable(node.op or (node.name if node.kind != "checkpoint" else "") or node.kind)


def write_shape(shape: Shape | None, dtype: DType) -> str:
    """`32×100 float32`, `scalar float32`, or `?` for a shape that was not recorded."""
    if shape is None:
        return "?"
    return f"{'×'.join(map(str, shape)) or 'scalar'} {'' if dtype is None else dtype}".strip()


def write_bytes(count: int) -> str:
    """A number of bytes with a unit, in powers of 1000: `12.3 kB`."""
    size, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{count} B" if units[0] == "B" else f"{size:.3g} {units[0]}"


def write_number(number: Number) -> str:
    """The text of an input that is a single number."""
    return "a number" if number.value is None else f"{number.value:g}"


def write_params(node: Node) -> str:
    """The parameters of an op, each with at most 24 letters: `axis=1, keepdims=True`."""
    return printable(", ".join(f"{name}={_short(value)}" for name, value in node.params.items()))


def _short(value: Any) -> str:
    text = str(np.dtype(value)) if isinstance(value, (np.dtype, type)) else repr(_parameter_value(value))
    return text if len(text) <= 24 else text[:23] + "…"


class _Unquoted(str):
    """A text whose repr has no quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def _parameter_value(value: Any) -> Any:
    """A parameter whose repr is its text; an array becomes its elements, or its shape if it has many."""
    if not isinstance(value, Numbers):
        return tuple(map(_parameter_value, value)) if isinstance(value, tuple) else value
    if value.elements or 0 in value.shape:
        return np.array(value.elements, value.dtype).reshape(value.shape)
    return _Unquoted(write_shape(value.shape, value.dtype))


def write_value(numbers: Numbers) -> str:
    """All elements if they are few, with `;` between rows; else minimum, mean and maximum."""
    if not numbers.elements:
        return (
            "empty"
            if 0 in numbers.shape
            else f"min {numbers.low:.3g}, mean {numbers.mean:.3g}, max {numbers.high:.3g}"
        )
    width = numbers.shape[-1] if len(numbers.shape) > 1 else len(numbers.elements)
    rows = (numbers.elements[i : i + width] for i in range(0, len(numbers.elements), width))
    return "; ".join(" ".join(f"{x:.4g}" for x in row) for row in rows)


def write_gradient(numbers: Numbers) -> str:
    """All elements if they are few; else norm, minimum and maximum."""
    if numbers.elements or 0 in numbers.shape:
        return write_value(numbers)
    return f"norm {numbers.norm:.3g}, {numbers.low:.3g} to {numbers.high:.3g}"


def footer(graph: Graph, hidden: int, show: tuple[str, ...] = ()) -> list[str]:
    """The lines at the bottom: number of nodes, bytes kept or freed, and number of nodes not drawn."""
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
    if (
        "gradients" in show
        and graph.freed
        and any(n.kind == "op" and n.gradient is None for n in graph.nodes)
    ):
        out.append(
            "A backward has freed the gradients inside: draw before it, or say backward(retain_graph=True)."
        )
    if hidden:
        out.append(f"The {hidden:,} oldest of {len(graph.nodes):,} nodes are not drawn; limit= draws more.")
    return out


def newest(graph: Graph, limit: int) -> tuple[tuple[Node, ...], int]:
    """(the newest `limit` nodes, which are nearest to the result; the number of nodes not drawn)."""
    hidden = max(0, len(graph.nodes) - limit)
    return graph.nodes[hidden:], hidden
