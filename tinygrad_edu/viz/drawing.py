"""`viz.graph(value)`: what was recorded, as text, DOT or SVG."""
from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tinygrad_edu.engine.value import Value
from tinygrad_edu.viz.dot import dot
from tinygrad_edu.viz.inputs import whole
from tinygrad_edu.viz.label import wanted
from tinygrad_edu.viz.screen import present, temporary
from tinygrad_edu.viz.svg import svg
from tinygrad_edu.viz.text import text
from tinygrad_edu.viz.walk import Graph, walk


class Drawing:
    """A recorded graph, ready to be drawn. `data` is the graph as plain data; a notebook shows the SVG."""

    def __init__(self, data: Graph, written: tuple[str, ...], limit: int) -> None:
        self.data, self.written, self.limit = data, written, limit      # written: what stands in each node

    def text(self) -> str:
        """One line a node."""
        return text(self.data, self.written, self.limit)

    def dot(self) -> str:
        """For Graphviz."""
        return dot(self.data, self.written, self.limit)

    def svg(self) -> str:
        """A self-contained picture."""
        return svg(self.data, self.written, self.limit)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write `g.svg`, `g.dot` or `g.txt`, by the ending, and return the path."""
        target = Path(path)
        writers = {".svg": self.svg, ".dot": self.dot, ".txt": self.text}
        if target.suffix not in writers:
            raise ValueError(f"viz: cannot save {str(path)!r}; end the name in {', '.join(writers)} "
                             "(for PDF or PNG: save .dot and run `dot -Tpdf`)")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(writers[target.suffix](), encoding="utf-8")
        return target

    def show(self) -> None:
        """Open the picture: in the notebook, or as an SVG in a window of this machine's own viewer.

        Where there is no screen it is written to a file, and a warning says where.
        """
        present(self, lambda: temporary(".svg", self.svg().encode()))

    def _repr_svg_(self) -> str:
        return self.svg()

    def __str__(self) -> str:
        return self.text()

    def __repr__(self) -> str:
        return f"<graph of {len(self.data.nodes):,} nodes; print it, .show() it, or .save('g.svg')>"


def graph(value: Value, *, names: Any = None, show: str | Iterable[str] = ("shape",),
          limit: int = 200) -> Drawing:
    """Draw what `value` was computed from.

    Parameters
    ----------
    value : Tensor
        Usually the loss. Before or after backward(): what backward freed is marked so.
    names : dict of str to Tensor, or a module, optional
        What to call leaves and intermediate results.
    show : "shape", "value", "grad", "saved", or a tuple of them
        What to write in each node. "saved" lists every array kept for backward, with its bytes. "value" and
        "grad" (or "values" and "gradients") show what something still holds, all of it or, of more than six
        numbers, how they are spread: to see an intermediate result, name it in `names`; to see its gradient,
        call retain_grad() on it before backward().
    limit : int
        Draw only the newest so many nodes; the drawing says how many it leaves out. `data` always has all.
    """
    return Drawing(walk(value, names), wanted(show), whole("viz.graph", "limit", limit))
