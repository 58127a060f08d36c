"""Evidence for an op besides its declaration: its kernel, the proof of its gradients, and its accuracy.

All are sentences in Markdown for the reference pages. A proof runs on request, on calls drawn
with fixed seeds; its sentence has the bound that it passed, since the last digits of an error differ between
machines. Accuracy is what `python -m benchmarks.ulps` measured and wrote into ulps.json.
"""

from __future__ import annotations

import functools
import itertools
import json
import re
from pathlib import Path
from typing import Any

from tinygrad_edu import check
from tinygrad_edu.backend.cuda import families
from tinygrad_edu.backend.cuda.device.compile import kernels_folder
from tinygrad_edu.backend.cuda.ladder import PAGES
from tinygrad_edu.domain import SeededDraw
from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import without_line

EXAMPLES = 20  # `opcheck` draws as many; calls without elements are not counted
_LINE = re.compile(r"^\w+\((\w+),.*?\)$(?!\n )", re.MULTILINE | re.DOTALL)
_BOUNDS = {
    "complex step": f"{check.COMPLEX:g} of the complex step",
    "differences": f"{check.DIFFERENCES:g} of central differences",
}
_ORDERS = (("forward", "result"), ("gradient", "gradient"), ("second", "its gradient"))
_METHODS = {"matmul": "matmul", "gather": "gather", "scatter_add": "scatter"}  # methods of a backend
_PAGE_NAMES = {**PAGES, "einsum": "matmul"}  # pages of docs/kernels whose name is not that of their family


def kernel(op: Op) -> str:
    """Which kernel computes `op` on a device, with links as a page of docs/reference has them."""
    for family in ("elementwise", "reduce"):
        if op.name in (lines := _formulas(family)) and op.family in ("map", "reduce"):
            file = f"[formulas.cuh](../../kernels/{family}/formulas.cuh)"
            return f"Kernel: `{lines[op.name]}` of {file}, run by the {_page(family, 'kernels')}."
    if op.name in families.FUSED:
        return f"Kernel: {_page(families.FUSED[op.name].__module__.rsplit('.', 1)[-1])}."
    if op.family == "restride":
        return f"Kernel: none where a view will do; where memory must be laid out anew, {_page('copy')}."
    if op.family == "host":
        return "Kernel: none; LAPACK computes it on the host, for every device."
    if op.name in _METHODS:
        return f"Kernel: {_page(_METHODS[op.name])}."
    return "Kernel: none; it runs on the cpu."


@functools.cache
def proof(op: Op) -> str:
    """The result of `te.check.opcheck`: the number of calls, the order, the bound and the method."""
    if not op.differentiable:
        return ""
    try:
        drawn = (check.callcheck(op, op.calls(SeededDraw(seed))) for seed in range(3 * EXAMPLES))
        found = list(itertools.islice((r for r in drawn if r is not None), EXAMPLES))
        for edge in op.edges:
            check.edgecheck(op, edge)
    except Exception as error:  # only for a user's op: tests check the library's own
        return (
            f"**Not proven**: {without_line(error).splitlines()[0] if str(error) else type(error).__name__}"
        )
    if not found:
        return ""
    first, second = (
        _BOUNDS["differences" if any(r.methods[k] == "differences" for r in found) else "complex step"]
        for k in (0, 1)
    )
    said = (
        f"gradients and their gradients are within {first}"
        if first == second
        else f"gradients are within {first}, their gradients within {second}"
    )
    points = f"; {len(op.edges)} special point{'s' * (len(op.edges) > 1)} exactly" if op.edges else ""
    return f"Proven to order 2: on {len(found)} drawn calls, {said} (relative){points}."


def accuracy(op: Op) -> str:
    """The worst errors of an elementwise op over the range of each dtype; nothing if none were measured."""
    measured = _measured().get(op.name)
    if measured is None or op.family != "map":
        return ""
    rows = [
        f"| {what} | {' | '.join(f'{measured[d][order]:.4g}' for d in measured)} |"
        for order, what in _ORDERS
        if all(order in measured[d] for d in measured)
    ]
    return (
        "At most so far from the exact numbers on the cpu, in units of the last place, over the whole "
        "range ([how this is measured](../design/0005-digits-in-the-tails.md)):\n\n"
        f"| | {' | '.join(measured)} |\n| --- |{' ---: |' * len(measured)}\n" + "\n".join(rows)
    )


@functools.cache
def _measured() -> dict[str, Any]:
    """{op: {dtype: {order: units in the last place}}}"""
    found: dict[str, Any] = json.loads((Path(__file__).parent / "ulps.json").read_text(encoding="utf-8"))
    return found


@functools.cache
def _formulas(family: str) -> dict[str, str]:
    """{op: its line} of a family's formulas.cuh."""
    text = (kernels_folder() / family / "formulas.cuh").read_text(encoding="utf-8")
    return {found[1]: " ".join(found[0].split()) for found in _LINE.finditer(text)}


def _page(family: str, what: str = "") -> str:
    return f"[{' '.join(filter(None, (family, what)))}](../kernels/{_PAGE_NAMES.get(family, family)}.md)"
