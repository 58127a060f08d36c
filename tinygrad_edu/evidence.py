"""What stands behind an op besides its declaration: the kernel that runs it, and the proof of its gradients.

Both are sentences in Markdown for the reference pages. A proof is run when it is asked for, on calls drawn
with fixed seeds; it is told by the bound that it passed, since the last digits of an error differ between
machines.
"""
from __future__ import annotations

import functools
import re

from tinygrad_edu import check
from tinygrad_edu.backend.cuda import families
from tinygrad_edu.backend.cuda.compile import kernels_folder
from tinygrad_edu.backend.cuda.ladder import PAGES
from tinygrad_edu.domain import SeededDraw
from tinygrad_edu.engine.op import Op

EXAMPLES = 20               # as many as `opcheck` draws
_LINE = re.compile(r"^\w+\((\w+),.*?\)$(?!\n )", re.MULTILINE | re.DOTALL)
_BOUNDS = {"complex step": f"{check.COMPLEX:g} of the complex step",
           "differences": f"{check.DIFFERENCES:g} of central differences"}
_METHODS = {"matmul": "matmul", "gather": "gather", "scatter_add": "scatter"}    # methods of a backend
_SHOWN_ON = {**PAGES, "einsum": "matmul"}       # pages of docs/kernels that are not called like their family


def kernel(op: Op) -> str:
    """Which kernel computes `op` on a device, with links as a page of docs/reference has them."""
    families.load_all()
    for family in ("elementwise", "reduce"):
        if op.name in (lines := _formulas(family)) and op.family in ("map", "reduce"):
            file = f"[formulas.cuh](../../kernels/{family}/formulas.cuh)"
            return f"Kernel: `{lines[op.name]}` of {file}, run by the {_page(family, 'kernels')}."
    if op.name in families.FUSED:
        return f"Kernel: {_page(families.FUSED[op.name].__module__.rsplit('.', 1)[-1])}."
    if op.family == "restride":
        return f"Kernel: none where a view will do; where memory must be laid out anew, {_page('copy')}."
    if op.name in _METHODS:
        return f"Kernel: {_page(_METHODS[op.name])}."
    return "Kernel: none; it runs on the cpu."


@functools.cache
def proof(op: Op) -> str:
    """What `te.check.opcheck` finds: how many calls, to which order, within which bound of which method."""
    if not op.differentiable:
        return ""
    try:
        reports = [check.callcheck(op, op.calls(SeededDraw(seed))) for seed in range(EXAMPLES)]
        for edge in op.edges:
            check.edgecheck(op, edge)
    except Exception as error:          # of a user's op; the library's own are tested
        return f"**Not proven**: {str(error).splitlines()[0] if str(error) else type(error).__name__}"
    found = [r for r in reports if r is not None]
    if not found:
        return ""
    first, second = (_BOUNDS["differences" if any(r.methods[k] == "differences" for r in found)
                             else "complex step"] for k in (0, 1))
    said = (f"gradients and their gradients are within {first}" if first == second else
            f"gradients are within {first}, their gradients within {second}")
    points = f"; {len(op.edges)} special point{'s' * (len(op.edges) > 1)} exactly" if op.edges else ""
    return f"Proven to order 2: on {len(found)} drawn calls, {said} (relative){points}."


@functools.cache
def _formulas(family: str) -> dict[str, str]:
    """{op: its line} of a family's formulas.cuh."""
    text = (kernels_folder() / family / "formulas.cuh").read_text(encoding="utf-8")
    return {found[1]: " ".join(found[0].split()) for found in _LINE.finditer(text)}


def _page(family: str, what: str = "") -> str:
    return f"[{' '.join(filter(None, (family, what)))}](../kernels/{_SHOWN_ON.get(family, family)}.md)"
