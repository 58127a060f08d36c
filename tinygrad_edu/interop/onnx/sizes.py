"""Numbers that follow the sizes of inputs: several runs are compared, and what moved is explained.

A model is run with several sizes of each axis that may vary. A number in which the runs differ (a size of a
reshape, the divisor of a mean) is a Moved. It is a polynomial of the sizes, N, 3 N + 1, N T / 2, if one with
fractions as coefficients agrees with all runs; no power of one size is in it.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.interop.onnx.proto import OnnxError
from tinygrad_edu.interop.onnx.trace import Info, Ref, Run, Step

Sizes = dict[str, int]
_DIVISORS = range(1, 65)  # a model that takes multiples of a number divides by it


class Polynomial(NamedTuple):
    """A sum of products of sizes: `terms` has a coefficient for the names in each; all over `divisor`."""

    terms: dict[tuple[str, ...], int]
    divisor: int


class Moved:
    """A number, or an array, that is not the same in all runs: `values` has that of each."""

    def __init__(self, values: Sequence[Any]) -> None:
        self.values = tuple(values)

    def __repr__(self) -> str:
        return "/".join(str(v) if np.ndim(v) == 0 else f"array{np.shape(v)}" for v in self.values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Moved) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)

    @property
    def key(self) -> tuple[Any, ...]:
        """What two have in common that are the same."""
        return tuple((np.shape(v), np.asarray(v).tobytes()) for v in self.values)


def combined(function: Callable[..., Any], *numbers: Any) -> Any:
    """`function` of numbers, in each run: a number, or a Moved."""
    count = max((len(n.values) for n in numbers if isinstance(n, Moved)), default=0)
    if not count:
        return function(*numbers)
    rows = [n.values if isinstance(n, Moved) else (n,) * count for n in numbers]
    return _joined([function(*row) for row in zip(*rows, strict=True)])


def _joined(values: Sequence[Any]) -> Any:
    first = values[0]
    return first if all(v == first for v in values) else Moved(values)


def points(base: Sizes, steps: Mapping[str, int]) -> list[Sizes]:
    """The sizes to run a model with: enough for all coefficients, and for a contradiction."""
    made = [base]
    for name, step in steps.items():
        made += [{**base, name: base[name] + step}, {**base, name: base[name] + 2 * step}]
    for pair in itertools.combinations(steps, 2):
        made.append({**base, **{name: base[name] + steps[name] for name in pair}})
    if steps:
        made.append({name: size + 3 * steps.get(name, 0) for name, size in base.items()})
    return made


def polynomial(values: Sequence[Any], sizes: Sequence[Sizes]) -> Polynomial | None:
    """The polynomial that has these values at these sizes; None if there is none."""
    names = list(sizes[0])
    terms: list[tuple[str, ...]] = [(), *((n,) for n in names), *itertools.combinations(names, 2)]
    table = [[math.prod(s[n] for n in term) for term in terms] for s in sizes]
    wanted = np.array([float(v) for v in values])
    if not np.isfinite(wanted).all() or np.linalg.matrix_rank(np.array(table, np.float64)) < len(terms):
        return None
    found = np.linalg.lstsq(np.array(table, np.float64), wanted, rcond=None)[0].tolist()
    for divisor in _DIVISORS:
        whole = [round(c * divisor) for c in found]
        computed = [sum(c * t for c, t in zip(whole, row, strict=True)) for row in table]
        if all(c == v * divisor for c, v in zip(computed, values, strict=True)):
            return Polynomial({term: c for term, c in zip(terms, whole, strict=True) if c}, divisor)
    return None


# -- one program of several runs -----------------------------------------------------------------------------


def merged(runs: Sequence[Run], sizes: Sequence[Sizes]) -> Run:
    """One Run in whose steps and shapes every number that moved is a Moved.

    Raises OnnxError if the runs do not have the same steps.
    """
    first = runs[0]
    if len(runs) == 1:
        return first
    for run, size in zip(runs[1:], sizes[1:], strict=True):
        for mine, other in itertools.zip_longest(first.steps, run.steps):
            if mine is None or other is None or not _alike(mine, other):
                raise _differ(mine, other, sizes[0], size)
        if [type(o) for o in first.outputs] != [type(o) for o in run.outputs]:
            raise _differ(None, None, sizes[0], size)
    values = [_merged_info(infos) for infos in zip(*(run.values for run in runs), strict=True)]
    steps = [_merged_step(steps) for steps in zip(*(run.steps for run in runs), strict=True)]
    outputs = tuple(_merge(list(outs)) for outs in zip(*(run.outputs for run in runs), strict=True))
    return Run(values, steps, outputs)


def _alike(mine: Step, other: Step) -> bool:
    return mine.op == other.op and [_kind(x) for x in mine.operands] == [_kind(x) for x in other.operands]


def _kind(operand: Any) -> Any:
    return operand if isinstance(operand, Ref) else type(operand)


def _differ(mine: Step | None, other: Step | None, size: Sizes, larger: Sizes) -> OnnxError:
    step = mine or other
    said = [f"{one.op} with {sizes}" if one else f"nothing with {sizes}" for one, sizes in
            ((mine, size), (other, larger))]  # fmt: skip
    return wrong(
        OnnxError,
        step.op if step else "onnx.export",
        f"the program is another one for other sizes: where it does {said[0]}, it does {said[1]}",
        "a loop over an axis, or an `if` of its size, needs a fixed size: leave it out of dynamic_axes",
        where=step.where if step else None,
    )


def _merged_info(infos: Sequence[Info]) -> Info:
    first = infos[0]
    shape = tuple(_merge(list(sizes)) for sizes in zip(*(i.shape for i in infos), strict=True))
    numbers = first.numbers
    if numbers is not None and not all(_same(numbers, i.numbers) for i in infos):
        numbers = None
    return Info(first.kind, first.name, shape, first.dtype, first.depends, numbers)


def _merged_step(steps: Sequence[Step]) -> Step:
    first = steps[0]
    try:
        operands = tuple(_merge(list(xs)) for xs in zip(*(s.operands for s in steps), strict=True))
        params = {key: _merge([s.params[key] for s in steps]) for key in first.params}
    except _MixedError as error:
        problem = f"a parameter is {error} for other sizes"
        raise wrong(OnnxError, first.op, problem, "fix that axis", where=first.where) from None
    return Step(first.op, operands, params, first.result, first.where)


class _MixedError(Exception):
    """Parameters of other kinds in other runs."""


def _same(mine: Any, other: Any) -> bool:
    return mine.dtype == other.dtype and mine.shape == other.shape and mine.tobytes() == other.tobytes()


def _merge(values: list[Any]) -> Any:
    """The runs' versions of one thing as one, with a Moved for each number or array that differs."""
    first = values[0]
    if any(type(v) is not type(first) for v in values):
        if all(isinstance(v, int | float | np.integer | np.floating) for v in values):
            return Moved(values)
        raise _MixedError(" or ".join(repr(v)[:60] for v in values))
    if isinstance(first, Ref):
        return first
    if isinstance(first, np.ndarray):
        return first if all(_same(first, v) for v in values) else Moved(values)
    if isinstance(first, tuple | list):
        if any(len(v) != len(first) for v in values):
            raise _MixedError(" or ".join(repr(v)[:60] for v in values))
        return type(first)(_merge(list(parts)) for parts in zip(*values, strict=True))
    if isinstance(first, slice):
        return slice(*(_merge([getattr(v, end) for v in values]) for end in ("start", "stop", "step")))
    if isinstance(first, int | float | np.integer | np.floating):
        return first if all(v == first or (v != v and first != first) for v in values) else Moved(values)
    if any(v != first for v in values):
        raise _MixedError(" or ".join(repr(v)[:60] for v in values))
    return first
