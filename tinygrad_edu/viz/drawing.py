"""`viz.graph(value)`: the recorded graph as text, DOT or SVG."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tinygrad_edu import errors, files
from tinygrad_edu.engine.value import Value
from tinygrad_edu.graph import Graph, recorded
from tinygrad_edu.viz.dot import dot
from tinygrad_edu.viz.inputs import whole
from tinygrad_edu.viz.label import known_words
from tinygrad_edu.viz.screen import present, temporary
from tinygrad_edu.viz.svg import svg
from tinygrad_edu.viz.text import text


class Drawing:
    """A recorded graph, ready to be drawn. `data` is the graph as plain data; a notebook shows the SVG."""

    def __init__(self, data: Graph, fields: tuple[str, ...], limit: int) -> None:
        self.data, self.fields, self.limit = data, fields, limit  # fields: the lines in each node

    def text(self) -> str:
        """The drawing as text, one line per node."""
        return text(self.data, self.fields, self.limit)

    def dot(self) -> str:
        """The drawing in DOT, for Graphviz."""
        return dot(self.data, self.fields, self.limit)

    def svg(self) -> str:
        """The drawing as a self-contained SVG."""
        return svg(self.data, self.fields, self.limit)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write `g.svg`, `g.dot` or `g.txt`, by the suffix of the name, and return the path."""
        target = Path(path)
        writers = {".svg": self.svg, ".dot": self.dot, ".txt": self.text}
        if target.suffix not in writers:
            raise errors.wrong(
                ValueError,
                "viz",
                f"cannot save {str(path)!r}",
                f"end the name in {', '.join(writers)}; for PNG, save g.dot and run "
                "`dot -Tpng g.dot -o g.png`, of Graphviz (-Tpdf for PDF); a browser shows the .svg",
            )
        return files.write(path, writers[target.suffix]())

    def show(self) -> None:
        """Show the drawing: in the notebook, or as an SVG in the default viewer.

        Without a screen it is written to a file, and a warning says where.
        """
        present(self, lambda: temporary(".svg", self.svg().encode()))

    def _repr_svg_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<graph of {len(self.data.nodes):,} nodes; print it, .show() it, or .save('g.svg')>"


def graph(
    value: Value | Graph, *, names: Any = None, show: str | Iterable[str] = ("shape",), limit: int = 200
) -> Drawing:
    """Draw how `value` was computed.

    Parameters
    ----------
    value : Tensor, or a graph
        Usually the loss, before or after backward(). Arrays that backward has freed are marked. A graph from
        te.graph.recorded(loss) has its names and numbers already.
    names : dict of str to Tensor, or a module, optional
        Names for leaves and intermediate results.
    show : "shape", "value", "grad", "saved", or a tuple of them
        The lines in each node. "saved" lists each array kept for backward, with its bytes. "value" and "grad"
        (or "values" and "gradients") show arrays that still exist: all elements, or, if there are more than
        six, their range and mean. To see the value of an intermediate result, name it in `names`. To see the
        gradients of all nodes, draw before backward(), or call backward(retain_graph=True).
    limit : int
        The most nodes to draw, the newest ones; the drawing says how many it omits. `data` always has all.
    """
    fields = known_words(show)
    if isinstance(value, Graph):
        if names is not None:
            raise errors.wrong(
                TypeError,
                "viz.graph",
                "names= belongs to te.graph.recorded(loss, names), which made this graph",
            )
        data = value
    elif isinstance(value, Value):
        data = recorded(value, names, values="values" in fields, gradients="gradients" in fields)
    else:
        raise errors.wrong(
            TypeError,
            "viz.graph",
            f"viz.graph draws a tensor, not {type(value).__name__}",
            "give it the loss: viz.graph(loss)",
        )
    return Drawing(data, fields, whole("viz.graph", "limit", limit))
