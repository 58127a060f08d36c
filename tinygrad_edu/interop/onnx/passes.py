"""What is done with a Run before it is written: constants are folded, idioms joined, unused steps dropped."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from tinygrad_edu.interop.onnx.sizes import combined
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
    run = _used(replace(run, steps=steps, outputs=outputs))
    return _used(replace(run, steps=_joined(run, run.steps)))


def _used(run: Run) -> Run:
    needed = {x.at for x in run.outputs if isinstance(x, Ref)}
    kept: list[Step] = []
    for step in reversed(run.steps):
        if step.result in needed:
            needed |= {x.at for x in step.operands if isinstance(x, Ref)}
            kept.append(step)
    return replace(run, steps=kept[::-1])


class _Uses:
    """Which step makes a value, and how many steps use it."""

    def __init__(self, run: Run, steps: list[Step]) -> None:
        self.run, self.made = run, {s.result: s for s in steps}
        self.counts = Counter(x.at for s in steps for x in s.operands if isinstance(x, Ref))
        self.counts.update(x.at for x in run.outputs if isinstance(x, Ref))

    def only(self, operand: Any, *ops: str) -> Step | None:
        """The step that makes an operand, if it is one of these ops and nothing else uses its result."""
        step = self.made.get(operand.at) if isinstance(operand, Ref) else None
        return step if step is not None and step.op in ops and self.counts[step.result] == 1 else None

    def shape(self, operand: Ref) -> tuple[Any, ...]:
        return self.run.values[operand.at].shape


def _joined(run: Run, steps: list[Step]) -> list[Step]:
    """The steps, with one for each idiom that has a word of its own in ONNX."""
    for join in (_window_sum, _mean, _biased):
        uses = _Uses(run, steps)
        steps = [join(uses, step) or step for step in steps]
    return steps


def _window_sum(uses: _Uses, step: Step) -> Step | None:
    """`sum` over the windows of `windows`."""
    source = uses.only(step.operands[0], "windows") if step.op == "sum" else None
    if source is None:
        return None
    k, info = len(source.params["sizes"]), uses.run.values[source.result]
    rank = len(info.shape)
    plain = set(source.params["dilations"]) == {1} and info.dtype.kind == "f" and k <= 3
    if not plain or tuple(step.params["axes"]) != tuple(range(rank - k, rank)):
        return None
    return Step("window_sum", source.operands, source.params, step.result, step.where)


def _mean(uses: _Uses, step: Step) -> Step | None:
    """A sum of floats over the number of what was added; the axes may be dropped in between."""
    if step.op != "div" or uses.run.values[step.result].dtype.kind != "f":
        return None
    shaped = uses.only(step.operands[0], "reshape")
    total = uses.only(shaped.operands[0] if shaped else step.operands[0], "sum", "window_sum")
    if total is None or not isinstance(total.operands[0], Ref):
        return None
    source, result = uses.run.values[total.operands[0].at], uses.run.values[total.result]
    if source.dtype != uses.run.values[step.result].dtype:
        return None
    if total.op == "window_sum":
        count, rank = math.prod(total.params["sizes"]), len(source.shape)
        kept, op, params = result.shape[:rank], "window_mean", total.params
    else:
        axes = total.params["axes"]
        count = combined(lambda *sizes: math.prod(sizes), 1, *(source.shape[a] for a in axes))
        dropped = tuple(n for a, n in enumerate(result.shape) if a not in axes)
        kept, op, params = (
            (dropped if shaped else result.shape),
            "mean",
            {**total.params, "keep": shaped is None},
        )
    given = step.operands[1]
    if isinstance(given, Ref | np.ndarray) or combined(lambda n, m: n == m, given, count) is not True:
        return None
    if uses.run.values[step.result].shape != kept:
        return None
    return Step(op, total.operands, params, step.result, step.where)


def _biased(uses: _Uses, step: Step) -> Step | None:
    """A convolution, plus a vector that has the shape (channels, 1, ...)."""
    if step.op != "add":
        return None
    source = uses.only(step.operands[0], "convolution", "convolution_input")
    shaped = uses.made.get(step.operands[1].at) if isinstance(step.operands[1], Ref) else None
    if source is None or shaped is None or shaped.op != "reshape" or len(source.operands) != 2:
        return None
    bias, found = shaped.operands[0], uses.shape(Ref(source.result))
    if not isinstance(bias, Ref) or uses.shape(bias) != found[1:2]:
        return None
    if uses.shape(step.operands[1]) != (found[1], *(1,) * (len(found) - 2)):
        return None
    kinds = {uses.run.values[at].dtype for at in (bias.at, source.result, step.result)}
    return replace(source, operands=(*source.operands, bias), result=step.result) if len(kinds) == 1 else None
