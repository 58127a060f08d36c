"""What is done with a Run before it is written: constants are folded, idioms joined, unused steps dropped."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from tinygrad_edu.interop.onnx.trace import Ref, Run, Step


def prepared(run: Run) -> Run:
    """The same program with fewer steps: what follows is in it only if a result needs it.

    An operand that depends on no input and no weight, and is the same in all runs, is an array.
    """
    known = [i for i, info in enumerate(run.values) if info.numbers is not None]
    numbers = {i: run.values[i].numbers for i in known}

    def folded(x: Any) -> Any:
        return numbers[x.at] if isinstance(x, Ref) and x.at in numbers else x

    steps = [
        replace(s, operands=tuple(map(folded, s.operands))) for s in run.steps if s.result not in numbers
    ]
    outputs = tuple(map(folded, run.outputs))
    return _used(replace(run, steps=_window_sums(run, steps), outputs=outputs))


def _used(run: Run) -> Run:
    needed = {x.at for x in run.outputs if isinstance(x, Ref)}
    kept: list[Step] = []
    for step in reversed(run.steps):
        if step.result in needed:
            needed |= {x.at for x in step.operands if isinstance(x, Ref)}
            kept.append(step)
    return replace(run, steps=kept[::-1])


def _window_sums(run: Run, steps: list[Step]) -> list[Step]:
    """`sum` over the windows of `windows` as one step, `window_sum`, for which ONNX has a word."""
    made = {s.result: s for s in steps}
    uses = Counter(x.at for s in steps for x in s.operands if isinstance(x, Ref))
    out = []
    for step in steps:
        source = (
            made.get(step.operands[0].at) if step.op == "sum" and isinstance(step.operands[0], Ref) else None
        )
        if source is not None and source.op == "windows" and uses[source.result] == 1:
            k, rank = len(source.params["sizes"]), len(run.values[source.result].shape)
            kind = run.values[source.result].dtype.kind
            plain = set(source.params["dilations"]) == {1} and kind == "f" and k <= 3
            if plain and tuple(step.params["axes"]) == tuple(range(rank - k, rank)):
                step = Step("window_sum", source.operands, source.params, step.result, step.where)
        out.append(step)
    return out
