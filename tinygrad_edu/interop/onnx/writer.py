"""Writer: the nodes, constants and sizes of a graph that is being written.

An emitter (see words.py) gets a Writer and a Step, adds nodes, and returns the name of the result.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.errors import wrong
from tinygrad_edu.interop.onnx import proto
from tinygrad_edu.interop.onnx.proto import OnnxError
from tinygrad_edu.interop.onnx.sizes import Moved, Polynomial, Sizes, combined, polynomial
from tinygrad_edu.interop.onnx.trace import Info, Ref, Run, Step

INT64 = np.dtype("int64")
LARGEST = np.iinfo(np.int64).max
Array = np.ndarray[Any, Any]
# What is tried if a number that moved is no polynomial of sizes: a function with which it may be one, and the
# nodes that undo the function.
_UNDONE: tuple[tuple[Callable[[float], float], tuple[str, ...]], ...] = (
    (lambda v: v, ()),
    (lambda v: 1.0 / v, ("Reciprocal",)),
    (lambda v: v * v, ("Sqrt",)),
    (lambda v: 1.0 / (v * v), ("Sqrt", "Reciprocal")),
)


class Writer:
    """A graph that is being written: `run` is the program, `sizes` are those of its runs.

    axes  for the name of each size that varies, an input and its axis that have it
    """

    def __init__(self, run: Run, sizes: Sequence[Sizes], axes: dict[str, tuple[str, int]]) -> None:
        self.run, self.sizes, self.axes = run, sizes, axes
        self.nodes: list[Any] = []
        self.initializers: dict[str, Array] = {}
        self.names: dict[int, str] = {}  # number of a value -> its name in the graph
        self.step: Step | None = None
        self._taken: set[str] = set()
        self._labels: set[str] = set()  # outputs that a node was renamed for
        self._counts: dict[str, int] = {}
        self._constants: dict[Any, str] = {}
        self._made: dict[Any, Any] = {}  # nodes and sizes, by what they are

    # -- names and nodes -------------------------------------------------------------------------------------

    def reserve(self, name: str) -> str:
        """`name`, taken from now on."""
        self._taken.add(name)
        return name

    def new_name(self, stem: str) -> str:
        """A name that nothing has."""
        while True:
            count = self._counts[stem] = self._counts.get(stem, -1) + 1
            name = f"{stem}_{count}"
            if name not in self._taken:
                return self.reserve(name)

    def node(self, operator: str, *inputs: str, outputs: int = 1, **given: Any) -> Any:
        """The name of the result of a node, or a list of several; attributes of None are left out.

        No node has an effect, so one that is there already is not added again.
        """
        key = (
            operator,
            inputs,
            outputs,
            tuple((k, _comparable(v)) for k, v in given.items() if v is not None),
        )
        if key not in self._made:
            name = self.new_name(operator)
            results = [name, *(self.new_name(operator) for _ in range(outputs - 1))]
            self.nodes.append(proto.node(operator, inputs, results, name, given))
            self._made[key] = name if outputs == 1 else results
        return self._made[key]

    def constant(self, array: Any, dtype: Any = None) -> str:
        """The name of an initializer with these numbers; equal ones are one."""
        made = np.asarray(array, dtype)
        key = (made.dtype, made.shape, made.tobytes())
        if key not in self._constants:
            self._constants[key] = name = self.new_name("constant")
            self.initializers[name] = made
        return self._constants[key]

    def name_output(self, name: str, label: str) -> None:
        """Call a value `label`. The node that makes it gets the name, unless it is an output already."""
        maker = next((node for node in self.nodes if name in node.output), None)
        if maker is None or name in self._labels:
            self.nodes.append(proto.node("Identity", [name], [label], f"{label}_node", {}))
            return
        self._labels.add(label)
        self._made.clear()  # they have the old name
        for node in self.nodes:
            for names in (node.input, node.output):
                for i, given in enumerate(names):
                    if given == name:
                        names[i] = label
        self.names = {at: label if given == name else given for at, given in self.names.items()}

    # -- operands --------------------------------------------------------------------------------------------

    def info(self, operand: Any) -> Info:
        """Shape and dtype of an operand; of a Python number, those it has alone."""
        if isinstance(operand, Ref):
            return self.run.values[operand.at]
        if isinstance(operand, Moved):
            shapes = zip(*(np.shape(v) for v in operand.values), strict=True)
            shape = tuple(combined(lambda *n: n[0], n[0]) if len(set(n)) == 1 else Moved(n) for n in shapes)
            return Info("moved", "", shape, np.asarray(operand.values[0]).dtype)
        made = dtypes.from_python(operand) if type(operand) in dtypes.SCALARS else operand
        return Info("constant", "", made.shape, made.dtype)

    def dtype(self, step: Step) -> np.dtype[Any]:
        """The dtype of the result of a step."""
        return self.run.values[step.result].dtype

    def shape(self, step: Step) -> tuple[Any, ...]:
        """The shape of the result of a step; its sizes may be Moved."""
        return self.run.values[step.result].shape

    def operand(self, operand: Any, dtype: Any = None) -> str:
        """The name of an operand, in its dtype or in `dtype`."""
        kind = self.info(operand).dtype if dtype is None else np.dtype(dtype)
        if isinstance(operand, Ref):
            return self.cast(self.names[operand.at], self.run.values[operand.at].dtype, kind)
        if isinstance(operand, Moved):
            return self.moved(operand, kind)
        return self.constant(np.asarray(operand).astype(kind))

    def operands(self, step: Step, dtype: Any = None) -> list[str]:
        """The names of all operands of a step, in the result's dtype or in `dtype`."""
        kind = self.dtype(step) if dtype is None else dtype
        return [self.operand(x, kind) for x in step.operands]

    def cast(self, name: str, source: Any, target: Any) -> str:
        """The value `name` in the dtype `target`; itself if that is `source`."""
        return name if source == target else str(self.node("Cast", name, to=proto.code_of(target)))

    # -- numbers that moved ----------------------------------------------------------------------------------

    def static(self, number: Any, what: str) -> Any:
        """A number that the file can have only as a number. OnnxError if it moved."""
        if isinstance(number, Moved):
            problem = f"{what} is {number} for other sizes, and a file can have one number only"
            raise self.fault(problem, "leave that axis out of dynamic_axes")
        return number

    def fault(self, problem: str, remedy: str = "") -> OnnxError:
        """The error about the step that is being written."""
        step = self.step
        return wrong(
            OnnxError, step.op if step else "onnx.export", problem, remedy, where=step.where if step else None
        )

    def vector(self, numbers: Sequence[Any]) -> str:
        """Whole numbers as a vector of int64."""
        if not any(isinstance(n, Moved) for n in numbers):
            return self.constant([int(n) for n in numbers], INT64)
        parts = [self.size(n) if isinstance(n, Moved) else self.constant([int(n)], INT64) for n in numbers]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def size(self, number: Moved) -> str:
        """A whole number that moved, as a vector of one int64: of sizes of inputs, or of another value."""
        if number not in self._made:
            found = polynomial(number.values, self.sizes)
            made = self._beside(number) if found is None else self._of_inputs(found)
            if found is not None and found.divisor > 1:
                made = self.node("Div", made, self.constant([found.divisor], INT64))
            self._made[number] = made
        return self._made[number]

    def _of_inputs(self, found: Polynomial) -> str:
        """A polynomial of the sizes that vary, before the division."""
        out = ""
        for term, factor in found.terms.items():
            part = ""
            for name in term:
                part = self.node("Mul", part, self._input_size(name)) if part else self._input_size(name)
            if not part:
                part = self.constant([factor], INT64)
            elif factor != 1:
                part = self.node("Mul", part, self.constant([factor], INT64))
            out = self.node("Add", out, part) if out else part
        return out

    def _input_size(self, name: str) -> str:
        key = ("input", name)
        if key not in self._made:
            given, axis = self.axes[name]
            self._made[key] = self.node("Shape", given, start=axis, end=axis + 1)
        return self._made[key]

    def _beside(self, number: Moved) -> str:
        """A size of a value that is there already, plus or times a number."""
        for at in sorted(self.names, reverse=True):
            for axis, size in enumerate(self.run.values[at].shape):
                if not isinstance(size, Moved):
                    continue
                more = combined(lambda n, m: n - m, number, size)
                times = combined(lambda n, m: n / m if m else 0, number, size)
                if isinstance(more, Moved) and (isinstance(times, Moved) or times % 1):
                    continue
                known = self.node("Shape", self.names[at], start=axis, end=axis + 1)
                if not isinstance(more, Moved):
                    return self.node("Add", known, self.constant([more], INT64)) if more else known
                return self.node("Mul", known, self.constant([int(times)], INT64))
        ends = (f"{number.values[i]} with {_said(self.sizes[i])}" for i in (0, -1))
        problem = f"a number is {' and '.join(ends)}, and no formula is known"
        raise self.fault(problem, "leave that axis out of dynamic_axes, or write -1 where a size follows")

    def follows(self, number: Any) -> bool:
        """Whether a number is the same in all runs, or a polynomial of the sizes that vary."""
        return not isinstance(number, Moved) or polynomial(number.values, self.sizes) is not None

    def moved(self, number: Moved, dtype: Any) -> str:
        """A number or an array that moved, as a value of `dtype`."""
        arrays = [np.asarray(v) for v in number.values]
        shape = self.info(number).shape
        if not shape:
            return self._moved_number(number, dtype)
        first = arrays[0]
        if all(a.size and (a == first.flat[0]).all() for a in arrays):  # one number, of a shape that moved
            return self.node("Expand", self.constant(first.flat[0], dtype), self.vector(shape))
        if len(shape) == 1 and first.dtype.kind == "i" and not isinstance(shape[0], Moved):
            parts = [_joined(values) for values in zip(*(a.tolist() for a in arrays), strict=True)]
            return self.cast(self.vector(parts), INT64, dtype)
        moved = [n for n in shape if isinstance(n, Moved)]
        if len(moved) == 1 and set(shape) <= {1, *moved} and first.dtype.kind == "i" and first.size > 1:
            lines = [a.reshape(-1) for a in arrays]
            if all((np.diff(line, 2) == 0).all() for line in lines):
                line = self._moved_range(lines, moved[0], dtype)
                ends = [-1 if isinstance(n, Moved) else 1 for n in shape]
                return line if len(shape) == 1 else self.node("Reshape", line, self.vector(ends))
        if len(shape) == 2 and (found := _triangle(arrays)) is not None:
            return self._moved_triangle(shape, *found, dtype)
        problem = f"an array of numbers is another one for other sizes ({number})"
        raise self.fault(problem, "make it of ops, as te.zeros and te.arange are, or give it as an input")

    def _moved_number(self, number: Moved, dtype: Any) -> str:
        for function, undo in _UNDONE:
            values = [float(function(float(v))) for v in number.values]
            near = [float(round(v)) if abs(v - round(v)) <= 1e-6 * max(1.0, abs(v)) else v for v in values]
            found = polynomial(near, self.sizes)
            if found is None:
                continue
            kind = np.dtype("float64") if undo or found.divisor > 1 else np.dtype(dtype)
            out = self.node("Squeeze", self._of_inputs(found), self.constant([0], INT64))
            out = self.cast(out, INT64, kind)
            if found.divisor > 1:
                out = self.node("Div", out, self.constant(found.divisor, kind))
            for operator in undo:
                out = self.node(operator, out)
            return self.cast(out, kind, np.dtype(dtype))
        return self.cast(
            self.node("Squeeze", self._beside(number), self.constant([0], INT64)), INT64, np.dtype(dtype)
        )

    def _moved_triangle(self, shape: Sequence[Any], k: int, above: Any, below: Any, dtype: Any) -> str:
        """A matrix with one number on and above the k-th diagonal, and another one below."""
        zero, one = self.constant(0, INT64), self.constant(1, INT64)
        stops = [self.node("Squeeze", self.vector([n]), self.constant([0], INT64)) for n in shape]
        rows, columns = (self.node("Range", zero, stop, one) for stop in stops)
        rows = self.node(
            "Add", self.node("Unsqueeze", rows, self.constant([1], INT64)), self.constant(k, INT64)
        )
        upper = self.node("GreaterOrEqual", columns, rows)
        if np.dtype(dtype).kind == "b":
            return str(upper if above else self.node("Not", upper))
        return str(self.node("Where", upper, self.constant(above, dtype), self.constant(below, dtype)))

    def _moved_range(self, arrays: list[Array], count: Any, dtype: Any) -> str:
        """A range of whole numbers whose count moved."""
        firsts, steps = {int(a[0]) for a in arrays}, {int(a[1] - a[0]) for a in arrays if a.size > 1}
        if len(firsts) > 1 or len(steps) > 1:
            raise self.fault("a range of numbers begins or steps otherwise for other sizes")
        start, step = firsts.pop(), steps.pop()
        length = self.node("Squeeze", self.size(count), self.constant([0], INT64))
        stop = self.node(
            "Add", self.node("Mul", length, self.constant(step, INT64)), self.constant(start, INT64)
        )
        made = self.node("Range", self.constant(start, INT64), stop, self.constant(step, INT64))
        return self.cast(made, INT64, np.dtype(dtype))


def _comparable(value: Any) -> Any:
    """An attribute as part of a key."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    return tuple(value) if isinstance(value, list) else (type(value), value)


def _triangle(arrays: Sequence[Array]) -> tuple[int, Any, Any] | None:
    """(k, a, b) if each matrix is a on and above its k-th diagonal, and b below it; else None."""
    first = arrays[0]
    if first.size < 2:
        return None
    above, below = first[0, -1], first[-1, 0]
    k = int(np.argmax(first[0] == above)) or 1 - int((first[:, 0] == above).sum())
    for a in arrays:
        lower = np.tri(len(a), a.shape[1], k - 1, bool)
        if not np.array_equal(np.where(lower, below, above), a):
            return None
    return k, above, below


def _said(sizes: Sizes) -> str:
    return ", ".join(f"{label}={size}" for label, size in sizes.items())


def _joined(values: Sequence[int]) -> Any:
    return values[0] if len(set(values)) == 1 else Moved(values)
