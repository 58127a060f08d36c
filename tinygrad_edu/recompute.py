"""`checkpoint`: a segment whose arrays are not kept; it is computed again when backward needs them.

The second run must have the same inputs. Random streams that the segment draws from, and memory that it
changes in place (a batch norm's averages), are restored for the second run and set forward again after it.
Memory that it only reads must not have been changed. Both runs record the inputs of each op, so that any
other change (an array, a number, the training mode, NumPy's random numbers) is an error and never a wrong
gradient.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import weakref
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import philox
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.backend.registry import cpu
from tinygrad_edu.calculus import Function, name_of, output_of
from tinygrad_edu.engine.hooks import since
from tinygrad_edu.engine.modes import Modes, current, defer_recording, watch
from tinygrad_edu.engine.observer import Observer
from tinygrad_edu.engine.undo import State, restore, state_of
from tinygrad_edu.engine.value import Deferred, Node, Storage, next_order
from tinygrad_edu.errors import StaleValueError, wrong
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.words import explaining

_NUMBERS = (bool, int, float, str, type(None), np.generic, np.dtype, slice)


class _Step(NamedTuple):
    """An op in a segment: its inputs from outside, and whether a gradient may pass it."""

    op: str
    given: tuple[Any, ...]
    live: bool


class _Run(Observer):
    """An observer of one run of a segment; `wanted`: the index of the step whose result is needed."""

    def __init__(self, xs: Sequence[Any], wanted: int | None = None) -> None:
        self.wanted, self.found = wanted, Tensor(Storage(np.zeros(()), cpu))
        self.deferred_nodes: weakref.WeakKeyDictionary[Deferred, int] = (
            weakref.WeakKeyDictionary()
        )  # index of the step
        self.made: weakref.WeakSet[Storage] = weakref.WeakSet()  # made by ops of this run
        self.live: weakref.WeakSet[Storage] = (
            weakref.WeakSet()
        )  # the part of `made` that a gradient may reach
        self.write_counts: dict[Storage, int] = {}  # memory from outside: its count of writes
        self.before: dict[Storage, State] = {}  # memory that the run changed: its state before
        self.steps: list[_Step] = []
        self.outer_nodes: dict[Node, None] = {}  # nodes outside the run that its gradients go to
        self.start, self.reached = next_order(), 0  # reached: the count of steps that a gradient may pass
        self.level = _outermost(current.get())
        for x in xs:
            self._note(x)

    def applied(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], result: Any, node: Any, seconds: float
    ) -> None:
        live = True in [self._note(x) for x in inputs]
        self.made.add(result)
        if live:
            self.live.add(result)
        if _outermost(current.get()) is self.level:  # and not inside a backward that the segment itself runs
            given = tuple([self._comparison_key(x) for x in (*inputs, *params.values())])
            self.steps.append(_Step(op.name, given, live))
            if live:
                if type(node) is Deferred:
                    self.deferred_nodes[node] = self.reached
                if self.reached == self.wanted:
                    self.found = Tensor(result, node)
                self.reached += 1

    def writing(self, memory: Storage) -> None:
        if memory not in self.made and memory not in self.before:
            self.before[memory] = state_of(memory)

    def read(self, storage: Storage, name: str) -> None:
        if storage not in self.made:
            self.write_counts.setdefault(storage.writes, storage.writes.count)

    def _note(self, x: Any) -> bool:
        """Whether a gradient may reach x, which was read."""
        if not isinstance(x, Tensor):
            return False
        if x.storage in self.made:
            return x.requires_grad or x.storage in self.live
        self.write_counts.setdefault(x.storage.writes, x.storage.writes.count)
        if x.node is not None and x.node.order < self.start:
            self.outer_nodes[x.node] = None
        return x.requires_grad

    def _comparison_key(self, x: Any) -> Any:
        """A key to compare operands and parameters by: memory for itself, None for memory made in the run."""
        if isinstance(x, Tensor):
            return None if x.storage in self.made else x.storage
        if isinstance(x, np.ndarray):
            return (x.shape, x.dtype, hashlib.blake2b(np.ascontiguousarray(x).data, digest_size=16).digest())
        if isinstance(x, (tuple, list)):
            return tuple([self._comparison_key(item) for item in x])
        return repr(x) if isinstance(x, _NUMBERS) else type(x)

    def check_read(self, name: str) -> None:
        """StaleValueError if memory that the run only read has been changed since."""
        for memory, count in self.write_counts.items():
            if memory.count != count and memory not in self.before:
                raise wrong(
                    StaleValueError,
                    f"checkpoint({name})",
                    f"an input was changed in place (at {memory.where}) before backward could use it",
                    "change a copy",
                )

    @contextlib.contextmanager
    def restoring(self) -> Iterator[None]:
        """Inside the block, the memory that the run changed has its state from before the run."""
        now = {memory: state_of(memory) for memory in self.before}
        try:
            restore(self.before)
            yield
        finally:
            restore(now)

    def check_same(self, other: _Run, name: str) -> None:
        """StaleValueError if the other run has other steps, or steps with other inputs.

        Steps that no gradient passes may differ, such as those that build a table in the first run only.
        """
        if [step.op for step in self.steps] == [step.op for step in other.steps]:
            pairs = zip(self.steps, other.steps, strict=True)
            differing = next((b for a, b in pairs if not _keys_equal(a.given, b.given)), None)
        else:
            differing = _first_missing(self.steps, other.steps) or _first_missing(other.steps, self.steps)
        if differing is not None:
            raise wrong(
                StaleValueError,
                f"checkpoint({name})",
                f"checkpoint({name}) took another course when backward computed it again: {differing.op} "
                "differs, or what it was given",
                "what it reads may not change in between: arrays, numbers, the training mode. Streams of "
                "te.Generator and tensors that it changes in place are set back, NumPy's random numbers "
                "are not",
            )


def _outermost(mode: Modes) -> Modes:
    """The lowest mode below this one: the program has one, and each backward has another."""
    while mode.outer is not None:
        mode = mode.outer
    return mode


def _first_missing(these: Iterable[_Step], those: Iterable[_Step]) -> _Step | None:
    """The first step of `these` that a gradient passes and that is not among `those`, in order."""
    rest = iter(those)
    for step in these:
        if step.live and not any(
            step.op == other.op and _keys_equal(step.given, other.given) for other in rest
        ):
            return step
    return None


def _keys_equal(a: Any, b: Any) -> bool:
    """Whether two keys stand for the same numbers. If both made their own memory, compare numbers."""
    if isinstance(a, tuple) and isinstance(b, tuple):
        return len(a) == len(b) and all(_keys_equal(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, Storage) and isinstance(b, Storage):
        if a is b:
            return True
        x, y = (memory.backend.numpy(memory.array) for memory in (a, b))
        return x.dtype == y.dtype and np.array_equal(x, y, equal_nan=x.dtype.kind == "f")
    if {type(a), type(b)} == {Storage, type(None)}:
        return True  # made by ops in one run, and by rules on plain arrays in the other
    return bool(a == b)


@functools.partial(explaining, title="checkpoint")
def checkpoint(f: Function, *xs: Any, generators: Sequence[Generator] = ()) -> Tensor:
    """f(*xs), without keeping the arrays inside: backward computes f again when it needs them.

    It saves memory and costs time. Random numbers are the same in the second run, for all generators, and
    memory that f changes in place, such as a batch norm's averages, changes only once. A tensor that f stores
    in a list or an attribute, instead of returning it, gets its gradient too. `generators` names more streams
    to restore, and is not needed. Raises StaleValueError in backward if f does not compute the same any more.
    Source: Chen, Xu, Zhang, Guestrin, "Training deep nets with
    sublinear memory cost", arXiv 1604.06174.
    """
    stream = philox.current()
    places = {generator: generator.state_dict() for generator in (stream, *generators)}
    with defer_recording(), philox.recording_positions(places):
        first = _Run(xs)
        with watch(first):
            y = output_of(f, xs)
    if not current.get().grad:
        return y

    def again(wanted: int | None = None) -> Tensor:
        first.check_read(name_of(f))
        second = _Run(xs, wanted)
        before = since.set(next_order())
        try:
            with philox.replacing_default(stream), philox.restoring(places), first.restoring(), watch(second):
                result = output_of(f, xs)
        finally:
            since.reset(before)
        first.check_same(second, name_of(f))
        return result if wanted is None else second.found

    parents = tuple(first.outer_nodes)
    result = y.node
    for node, place in first.deferred_nodes.items():  # nodes that other tensors or nodes still refer to
        node.parents, node.expand, node.inner = parents, functools.partial(again, place), node is not result
        node.hooks = None  # the second run adds its hooks again, to the new nodes
    if result is None or not dtypes.is_floating(y.dtype) or result in first.deferred_nodes:
        return y
    return Tensor(y.storage, Deferred(parents, again))
