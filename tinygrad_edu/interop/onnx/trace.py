"""One run of a model as a list of steps: which op was applied to what, with which parameters.

An operand is a Ref (the number of a value: an input, a weight or the result of an earlier step), an array, or
a Python number. A result that depends on no input and no weight has its numbers, too, because it may be
written as a constant.

A number that the program reads in Python, as `item()` or `if` do, is not in the list: if it depends on an
input, the run is an OnnxError that names the line.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.engine.observer import Observer
from tinygrad_edu.engine.value import Storage, Value
from tinygrad_edu.errors import user_line, wrong
from tinygrad_edu.interop.onnx.proto import OnnxError

Array = np.ndarray[Any, Any]
_HARMLESS = ("print",)  # reads whose numbers the program does not get


class Ref(NamedTuple):
    """The number of a value."""

    at: int


@dataclass
class Info:
    """A value: where it comes from, its shape and dtype.

    kind     "input", "state" (a weight or buffer) or "step"
    name     of an input or of a weight; the op of a step
    depends  on an input, if True; "state" if on weights only; False if on neither
    numbers  if it depends on neither
    """

    kind: str
    name: str
    shape: tuple[Any, ...]
    dtype: np.dtype[Any]
    depends: bool | str = True
    numbers: Array | None = None


@dataclass
class Step:
    """An op that was applied; `result` is the number of the value that came out, `where` the user's line."""

    op: str
    operands: tuple[Any, ...]
    params: dict[str, Any]
    result: int
    where: str


@dataclass
class Run:
    """All values and steps of one run, and the numbers of its results."""

    values: list[Info] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    outputs: tuple[Any, ...] = ()


class Recorder(Observer):
    """The observer that makes a Run of the events of a forward pass."""

    every_op = True  # so that no check reads numbers, and no update hides an op

    def __init__(self, inputs: Sequence[tuple[str, Value]], state: Sequence[tuple[str, Value]]) -> None:
        self.run = Run()
        self.fault: OnnxError | None = None
        self._known: dict[int, int] = {}  # id of a Storage -> number of its value
        self._arrays: dict[int, int] = {}  # id of its array, for memory that two Storages share
        self._alive: list[Storage] = []  # an id stands for an object only as long as it exists
        for kind, named in (("input", inputs), ("state", state)):
            for name, value in named:
                if id(value.storage) not in self._known:
                    self._add(kind, name, value.storage, True if kind == "input" else "state")

    def _add(self, kind: str, name: str, storage: Storage, depends: bool | str) -> int:
        array, number = storage.array, len(self.run.values)
        numbers = None if depends else np.array(storage.backend.numpy(array))
        self.run.values.append(Info(kind, name, tuple(array.shape), array.dtype, depends, numbers))
        self._known[id(storage)] = self._arrays[id(array)] = number
        self._alive.append(storage)
        return number

    def ref(self, storage: Storage) -> Ref | None:
        """The value that a Storage has; None if it did not come from inputs, weights or ops."""
        at = self._known.get(id(storage))
        at = self._arrays.get(id(storage.array)) if at is None else at
        return None if at is None else Ref(at)

    def operand(self, x: Any) -> Any:
        """An operand, or a result, as steps name it: a Ref, a copy of an array, or a Python number."""
        if isinstance(x, Value):
            found = self.ref(x.storage)
            return np.array(x.storage.backend.numpy(x.storage.array)) if found is None else found
        if type(x) in dtypes.SCALARS:
            return x
        array = np.array(x)
        return array if array.dtype in dtypes.SUPPORTED else dtypes.fit(array, dtypes.default_for(array))

    def applied(
        self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], result: Any, node: Any, seconds: float
    ) -> None:
        if "generator" in params:
            problem = f"{op.name} draws other numbers in every run"
            raise self._failed(op.name, problem, "draw them outside, and make them an input of the model")
        operands = tuple(self.operand(x) for x in inputs)
        met = [self.run.values[x.at].depends for x in operands if isinstance(x, Ref)]
        depends: bool | str = True if True in met else "state" if "state" in met else False
        at = self._add("step", op.name, result, depends)
        self.run.steps.append(Step(op.name, operands, {**op.defaults, **params}, at, user_line()))

    def read(self, storage: Any, name: str) -> None:
        found = self.ref(storage)
        if found is not None and self.run.values[found.at].depends is True and name not in _HARMLESS:
            problem = (
                "numbers that depend on the inputs are read in Python, and no file can have what follows"
            )
            raise self._failed(
                name, problem, "say it in ops, as te.where does, or export the parts before it"
            )

    def wrote(self, target: Any, source: Any, name: str, seconds: float) -> None:
        given = None if source is None else self.ref(source)
        # numbers that are put at places of an array come without their source
        depends = source is None or (given is not None and self.run.values[given.at].depends)
        for storage in self._alive:
            if storage.writes is target.writes and (at := self._known.pop(id(storage), None)) is not None:
                self._arrays.pop(id(storage.array), None)
                depends = depends or self.run.values[at].depends
        if depends:
            problem = "memory that depends on inputs or weights, or is to, is changed in place"
            raise self._failed(name, problem, "compute a new tensor, as y = x + 1 or te.where do")

    def _failed(self, name: str, problem: str, remedy: str) -> OnnxError:
        """The error to raise; it is kept, in case that the program catches it."""
        self.fault = wrong(OnnxError, name, problem, remedy)
        return self.fault
