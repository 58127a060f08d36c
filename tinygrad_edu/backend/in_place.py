"""Compiles a formula of elementwise operators into NumPy calls that write into existing memory.

An optimizer's rule is written once, as mathematics: `p - g * lr`. If NumPy evaluated the formula directly,
each operator would allocate an array, and a large parameter would pass through main memory once for each
operator. Here the formula is called once with symbols, which record each operation. The recorded list becomes
a Python function whose calls have `out=`. That function runs over blocks that are small enough for the
second-level cache. It computes the same operations in the same order as the formula, so its results have the
same bits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from tinygrad_edu.backend.protocol import NumpyArray, ParameterState, Rule
from tinygrad_edu.errors import wrong

BLOCK = 32768  # elements updated at a time: 128 KiB of float32; a second-level cache holds several


class Symbol(NDArrayOperatorsMixin):
    """A placeholder for a number or an array in a formula; it records each ufunc that is applied to it.

    name       the variable in the generated program; for a result, the variable of its memory
    is_number  whether it stands for a single number instead of an array
    """

    def __init__(self, name: str, dtype: np.dtype[Any], steps: list[Step], is_number: bool) -> None:
        self.name, self.dtype, self.steps, self.is_number = name, dtype, steps, is_number

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Symbol:
        if method != "__call__" or options or ufunc.nout != 1:
            raise wrong(
                TypeError,
                f"np.{ufunc.__name__}",
                f"np.{ufunc.__name__}.{method} has no form that writes in place",
                "a formula is made of elementwise operators and functions",
            )
        if not all(isinstance(x, (Symbol, int, float, np.generic, np.ndarray)) for x in inputs):
            return NotImplemented
        is_number = all(x.is_number if isinstance(x, Symbol) else np.ndim(x) == 0 for x in inputs)
        result = Symbol("", self.dtype, self.steps, is_number)
        self.steps.append(Step(ufunc, inputs, result))
        return result

    def __bool__(self) -> bool:
        raise wrong(
            TypeError,
            None,
            "a formula cannot ask for the value of a number or an array, since it is written down once "
            "for all values",
            "ask the settings in `group`",
        )


class Step(NamedTuple):
    """One ufunc of a formula."""

    ufunc: np.ufunc
    inputs: tuple[Any, ...]
    result: Symbol


class Program:
    """A rule's update for one dtype: `run(p, g, state, scratch, cells)` changes p and state.

    source   the text of `run`
    scratch  temporary arrays of BLOCK elements
    cells    0-d arrays with the rule's numbers: NumPy reads them in half the time of a Python float
    """

    def __init__(self, rule: Rule, numbers: int, dtype: np.dtype[Any]) -> None:
        self.source, ufuncs, scratch = program_text(rule.formula, rule.state_count, numbers, dtype)
        names: dict[str, Any] = {**ufuncs, "copyto": np.copyto}
        exec(compile(self.source, f"<{rule.name} in place>", "exec"), names)
        self.run: Callable[..., None] = names["update"]
        self.scratch = tuple(np.empty(BLOCK, dtype) for _ in range(scratch))
        self.cells = tuple(np.zeros((), dtype) for _ in range(numbers))

    def fill(self, numbers: Sequence[float]) -> tuple[NumpyArray, ...]:
        """The cells, holding `numbers`."""
        for cell, number in zip(self.cells, numbers, strict=True):
            cell.fill(number)
        return self.cells

    def blocks(self, p: NumpyArray, state: Sequence[NumpyArray]) -> list[tuple[Any, ...]]:
        """Views of (p, state, scratch), block by block; an array that is not contiguous is one block."""
        if p.size <= BLOCK or not p.flags.c_contiguous:
            fits = p.size <= BLOCK
            scratch = [
                (t if fits else np.empty(p.size, p.dtype))[: p.size].reshape(p.shape) for t in self.scratch
            ]
            return [(p, tuple(state), tuple(scratch))]
        flat, flats = p.reshape(-1), [s.reshape(-1) for s in state]
        cuts = [slice(at, min(at + BLOCK, p.size)) for at in range(0, p.size, BLOCK)]
        return [
            (flat[cut], tuple(s[cut] for s in flats), tuple(t[: cut.stop - cut.start] for t in self.scratch))
            for cut in cuts
        ]


def update(
    rule: Rule, tensors: Sequence[tuple[ParameterState, NumpyArray]], numbers: Sequence[float]
) -> None:
    """Change parameters of one dtype by a rule, in place; their gradients stay as they are."""
    dtype = tensors[0][0].array.dtype
    program = rule.programs.get(dtype)
    if program is None:
        program = rule.programs[dtype] = Program(rule, len(numbers), dtype)
    cells, run = program.fill(numbers), program.run
    for slot, g in tensors:
        prepared = slot.prepared
        if prepared is None or prepared[0] is not program:
            prepared = slot.prepared = program, program.blocks(slot.array, slot.memories[: rule.state_count])
        blocks = prepared[1]
        if len(blocks) == 1:
            p, state, scratch = blocks[0]
            run(p, g, state, scratch, cells)
            continue
        g, start = g.reshape(-1), 0
        for p, state, scratch in blocks:
            stop = start + p.size
            run(p, g[start:stop], state, scratch, cells)
            start = stop


# -- from a formula to a program -----------------------------------------------------------------------------


def program_text(
    formula: Callable[..., tuple[Any, ...]], states: int, numbers: int, dtype: np.dtype[Any]
) -> tuple[str, dict[str, np.ufunc], int]:
    """The text of a function that changes p and its state by `formula(p, g, state, numbers)`.

    Returned with it are {name: ufunc} of the ufuncs that it calls, and the number of scratch arrays that it
    needs.
    """
    steps: list[Step] = []

    def symbols(letter: str, count: int, is_number: bool) -> tuple[Symbol, ...]:
        return tuple(Symbol(f"{letter}{i}", dtype, steps, is_number) for i in range(count))

    p, g = Symbol("p", dtype, steps, False), Symbol("g", dtype, steps, False)
    state, cells = symbols("s", states, False), symbols("c", numbers, True)
    results = formula(p, g, state, cells)
    if len(results) != 1 + states:
        raise wrong(
            TypeError,
            None,
            f"a formula returned {len(results)} results for a parameter and {states} memories",
        )
    for result in results:
        if not isinstance(result, Symbol) or result.is_number:
            raise wrong(
                TypeError,
                None,
                "a formula returned a number where an array of the parameter's shape is needed",
            )
    writer = _Writer(steps, list(zip((p, *state), results, strict=True)), dtype)
    lines = writer.lines()
    head = [
        f"    {', '.join(s.name for s in group)}, = {name}"
        for name, group in (("state", state), ("scratch", writer.scratch), ("cells", cells))
        if group
    ]
    body = "\n".join([*head, *(f"    {line}" for line in lines)]) or "    pass"
    return (
        f"def update(p, g, state, scratch, cells):\n{body}\n",
        {s.ufunc.__name__: s.ufunc for s in steps},
        len(writer.scratch),
    )


class _Writer:
    """Assigns memory to each result of a formula, and generates the calls.

    A result goes directly into its final memory if no later step reads what is stored there. A result that is
    used only for such a result goes into the same memory, under the same condition. All others go into
    scratch memory, first of all into that of an input that no later step reads.
    """

    def __init__(self, steps: list[Step], outputs: list[tuple[Symbol, Symbol]], dtype: np.dtype[Any]) -> None:
        self.steps, self.outputs, self.dtype = steps, outputs, dtype
        self.scratch: list[Symbol] = []
        self.free: list[Symbol] = []
        self.last_use: dict[int, int] = {}  # id of a symbol -> the last step that reads it
        for i, step in enumerate(steps):
            for x in step.inputs:
                self.last_use[id(x)] = i
        for _, result in outputs:
            self.last_use[id(result)] = len(steps)
        self.destinations = self._destinations()

    def _destinations(self) -> dict[int, Symbol]:
        """The memory that each result should go into: {id of the result: symbol of the memory}."""
        uses: dict[int, int] = {}
        for step in self.steps:
            for x in step.inputs:
                uses[id(x)] = uses.get(id(x), 0) + 1
        found = {id(result): memory for memory, result in self.outputs if result is not memory}
        for step in reversed(self.steps):
            memory = found.get(id(step.result))
            for x in step.inputs:
                if memory is not None and isinstance(x, Symbol) and not x.name and uses[id(x)] == 1:
                    found.setdefault(id(x), memory)
                    break
        return found

    def lines(self) -> list[str]:
        """The calls, one per line."""
        out = []
        for i, (ufunc, inputs, result) in enumerate(self.steps):
            if id(result) not in self.last_use:
                continue  # no later step reads it
            given = ", ".join(x.name if isinstance(x, Symbol) else _literal(x) for x in inputs)
            if result.is_number:
                result.name = f"n{i}"
                out.append(f"{result.name} = {ufunc.__name__}({given})")
                continue
            self._assign_memory(i, inputs, result)
            keyword = "out=" if ufunc in (np.maximum, np.minimum) else ""  # NumPy warns without
            out.append(f"{ufunc.__name__}({given}, {keyword}{result.name})")
        return out + self._copies()

    def _copies(self) -> list[str]:
        """The calls that copy results into their final memory. Two memories may have to exchange contents."""
        out = []
        pending = [
            (memory.name, result.name) for memory, result in self.outputs if result.name != memory.name
        ]
        while pending:
            read = {source for _, source in pending}
            target, source = next((pair for pair in pending if pair[0] not in read), pending[0])
            if target in read:  # a cycle of copies: one goes through scratch memory
                aside = self._scratch()
                out.append(f"copyto({aside}, {target})")
                pending = [(t, aside if s == target else s) for t, s in pending]
                continue
            out.append(f"copyto({target}, {source})")
            pending.remove((target, source))
        return out

    def _scratch(self) -> str:
        """The name of a scratch array that is free; a new one if none is."""
        if not self.free:
            self.scratch.append(Symbol(f"t{len(self.scratch)}", self.dtype, self.steps, False))
            self.free.append(self.scratch[-1])
        return self.free.pop().name

    def _assign_memory(self, i: int, inputs: tuple[Any, ...], result: Symbol) -> None:
        """Choose the memory that step i writes to."""
        ended = {x.name for x in inputs if isinstance(x, Symbol) and self.last_use[id(x)] == i}
        freed = [t for t in self.scratch if t.name in ended]
        memory = self.destinations.get(id(result))
        if memory is not None and self.last_use.get(id(memory), -1) <= i:
            result.name = memory.name
        elif freed:
            result.name = freed.pop(0).name
        else:
            result.name = self._scratch()
        self.free += freed


def _literal(number: Any) -> str:
    """The text of a constant of the formula in the generated program."""
    if np.ndim(number):
        raise wrong(
            TypeError,
            None,
            f"a formula has an array of shape {np.shape(number)} of its own",
            "it has numbers only",
        )
    return repr(number.item() if hasattr(number, "item") else number)
