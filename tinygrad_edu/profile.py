"""Measures time and memory op by op: `with te.profile.profile() as p: ...`, then `print(p)`.

Seconds are wall-clock and inclusive: under create_graph, a gradient rule that calls other ops is counted in
its own row and in theirs. Bytes made are the sizes of the results; a view has none. Bytes saved are the
arrays that recorded nodes keep for backward; memory that several nodes share is counted once for each.

A change in place has a row under its own name, `SGD` or `copy_`; its time is counted as forward.

A device works asynchronously, so a profile waits for each op. Its seconds are those until its result is
ready, and a program that never waits takes longer under a profile.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np

from tinygrad_edu.backend import registry
from tinygrad_edu.engine.modes import Switch, watch
from tinygrad_edu.engine.observer import Observer
from tinygrad_edu.engine.value import Storage, Value
from tinygrad_edu.errors import user_line, wrong

_HEADINGS = ("calls", "forward s", "backward s", "made bytes", "saved bytes")


@dataclass
class Row:
    """The cost of one op, or of one line of the user's program, in seconds and bytes."""

    name: str
    calls: int = 0
    forward: float = 0.0
    backward: float = 0.0
    made: int = 0
    saved: int = 0

    @property
    def seconds(self) -> float:
        return self.forward + self.backward

    def add(self, other: Row) -> None:
        self.calls += other.calls
        self.forward += other.forward
        self.backward += other.backward
        self.made += other.made
        self.saved += other.saved


@dataclass
class Profile(Observer):
    """An observer of `apply` and `backprop` that adds up. `rows` are sorted by time, `total` is their sum."""

    by: str = "op"
    _found: dict[str, Row] = field(default_factory=dict)
    _lines: dict[int, str] = field(default_factory=dict)
    _switch: Switch | None = None

    def __enter__(self) -> Profile:
        if self._switch is not None:
            raise wrong(
                RuntimeError,
                None,
                "this profile is already running",
                "make another with te.profile.profile()",
            )
        for name in registry.opened():
            registry.get(name).synchronize()  # earlier work is not counted
        self._switch = watch(self)
        self._switch.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        assert self._switch is not None
        self._switch.__exit__(*error)
        self._switch = None

    def applied(
        self,
        op: Any,
        inputs: tuple[Any, ...],
        params: dict[str, Any],
        result: Storage,
        node: Any,
        seconds: float,
    ) -> None:
        seconds += _waited(result)
        line = user_line() if self.by == "line" else ""
        saved = 0 if node is None else sum(_bytes(entry[1]) for entry in node.saved or ())
        if node is not None and line:
            self._lines[node.order] = line
        self._row(line or op.name).add(Row("", 1, seconds, 0.0, 0 if op.view else _bytes(result), saved))

    def pulled(self, node: Any, g: Any, grads: list[Any], seconds: float) -> None:
        seconds += sum(_waited(slope.storage) for slope in grads if isinstance(slope, Value))
        line = self._lines.get(node.order) or "(recorded before the profile)"
        self._row(node.op.name if self.by == "op" else line).backward += seconds

    def wrote(self, target: Storage, source: Any, name: str, seconds: float) -> None:
        line = user_line() if self.by == "line" else ""
        self._row(line or name).add(Row("", 1, seconds + _waited(target)))

    def _row(self, name: str) -> Row:
        return self._found.setdefault(name, Row(name))

    @property
    def rows(self) -> list[Row]:
        """One row per op (or line), the slowest first."""
        return sorted(self._found.values(), key=lambda row: (-row.seconds, row.name))

    @property
    def total(self) -> Row:
        """The sum of all rows."""
        out = Row("total")
        for row in self._found.values():
            out.add(row)
        return out

    def _text_cells(self) -> list[tuple[str, ...]]:
        return [
            (r.name, f"{r.calls:,}", f"{r.forward:.6f}", f"{r.backward:.6f}", f"{r.made:,}", f"{r.saved:,}")
            for r in (*self.rows, self.total)
        ]

    def __str__(self) -> str:
        cells = [(self.by, *_HEADINGS), *self._text_cells()]
        widths = [max(len(line[i]) for line in cells) for i in range(len(cells[0]))]
        lines = [
            "  ".join(c.ljust(w) if i == 0 else c.rjust(w) for i, (c, w) in enumerate(zip(line, widths)))
            for line in cells
        ]
        rule = "-" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])

    def __repr__(self) -> str:
        total = self.total
        return f"<profile of {total.calls:,} calls, {total.seconds:.6f} s; print it>"

    def _repr_html_(self) -> str:
        def line(cells: tuple[str, ...], tag: str) -> str:
            align = ["left"] + ["right"] * (len(cells) - 1)
            return (
                "<tr>"
                + "".join(
                    f'<{tag} style="text-align:{a}">{html.escape(c)}</{tag}>' for a, c in zip(align, cells)
                )
                + "</tr>"
            )

        head = line((self.by, *_HEADINGS), "th")
        return f"<table>{head}{''.join(line(c, 'td') for c in self._text_cells())}</table>"


def profile(*, by: str = "op") -> Profile:
    """Watch everything computed inside `with profile() as p:`, forward and backward.

    by  "op": one row per op; "line": one row per line of your program, with the backward of its ops
    """
    if by not in ("op", "line"):
        raise wrong(ValueError, "profile", f"by={by!r} is not 'op' or 'line'")
    return Profile(by)


def _waited(result: Storage) -> float:
    """Wait until `result` is ready; returns the seconds that it took."""
    start = perf_counter()
    result.backend.synchronize()
    return perf_counter() - start


def _bytes(kept: Any) -> int:
    array = kept.array if isinstance(kept, Storage) else kept
    if not hasattr(array, "shape"):
        return 0
    return int(np.prod(array.shape, dtype=np.int64)) * np.dtype(array.dtype).itemsize
