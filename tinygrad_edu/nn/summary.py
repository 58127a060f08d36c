"""A model as a table: layer, output shape, parameters, bytes."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

from tinygrad_edu import functional as F
from tinygrad_edu.engine.modes import no_grad
from tinygrad_edu.nn.module import Module, evaluating
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.printable import printable
from tinygrad_edu.scalars import integers
from tinygrad_edu.tensor import Tensor

_HEAD = ("layer", "kind", "output shape", "parameters", "bytes")


@dataclass(frozen=True)
class Summary:
    """Rows of (layer, kind, output shape, parameters, bytes) and their totals; prints as a table."""

    rows: list[tuple[str, str, str, int, int]]
    parameters: int
    trainable: int
    bytes: int

    def _footer(self) -> str:
        return f"{self.parameters:,} parameters, {self.trainable:,} trainable, {self.bytes:,} bytes"

    def _cells(self) -> list[tuple[str, ...]]:
        return [
            (name, kind, shape, f"{count:,}", f"{size:,}") for name, kind, shape, count, size in self.rows
        ]

    def __str__(self) -> str:
        table = [_HEAD, *self._cells()]
        widths = [max(len(row[i]) for row in table) for i in range(len(_HEAD))]

        def line(row: tuple[str, ...]) -> str:
            cells = [c.ljust(w) for c, w in zip(row[:3], widths[:3], strict=True)]
            return "  ".join(cells + [c.rjust(w) for c, w in zip(row[3:], widths[3:], strict=True)])

        lines = [line(row) for row in table]
        rule = "-" * max(map(len, [*lines, self._footer()]))
        return "\n".join([lines[0], rule, *lines[1:], rule, self._footer()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        def row(cells: tuple[str, ...], tag: str) -> str:
            return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

        body = "".join(row(cells, "td") for cells in self._cells())
        return f"<table>{row(_HEAD, 'th')}{body}</table><small>{self._footer()}</small>"


def summarize(model: Module, input_shape: Any = None) -> Summary:
    """One row per layer that has no layers inside or parameters of its own; a shared parameter counts once.

    `input_shape` (a shape, or an example tensor for models that want integers) runs the model once, in
    evaluation mode and outside the graph, so that the model does not change; without it shapes are "?".
    """
    shapes: dict[int, str] = {}
    if input_shape is not None:
        shapes = _output_shapes(model, input_shape)
    rows, counted = [], set[int]()
    for name, module in model.named_modules():
        own = [v for _, v in module._members() if isinstance(v, Parameter)]
        fresh = [p for p in own if id(p) not in counted]
        counted |= {id(p) for p in fresh}
        if own or not list(module.children()):
            rows.append(
                (
                    printable(name) or "(model)",
                    type(module).__name__,
                    shapes.get(id(module), "?"),
                    sum(p.size for p in fresh),
                    sum(p.nbytes for p in fresh),
                )
            )
    everything = list(model.parameters())
    return Summary(
        rows,
        sum(p.size for p in everything),
        sum(p.size for p in everything if p.requires_grad),
        sum(p.nbytes for p in everything),
    )


def _output_shapes(model: Module, given: Any) -> dict[int, str]:
    first = next(iter(model.parameters()), None)
    if isinstance(given, Tensor):
        example = given
    else:
        size = integers(given, "summary: a shape")
        example = F.zeros(
            size,
            dtype=first.dtype if first is not None else None,
            device=first.device if first is not None else None,
        )
    shapes: dict[int, str] = {}

    def seen(module: Module, inputs: tuple[Any, ...], out: Any) -> None:
        shapes[id(module)] = str(getattr(out, "shape", type(out).__name__))

    hooks = [module.register_forward_hook(seen) for module in model.modules()]
    try:
        with no_grad(), evaluating():
            model(example)
    finally:
        for hook in hooks:
            hook.remove()
    return shapes
