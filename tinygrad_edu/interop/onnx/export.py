"""`export`: a model as an ONNX file, by running it and writing the ops that it applies.

The model runs in evaluation mode, and an observer records the ops (trace.py). If sizes may vary, it runs with
several sizes, and the numbers that follow them become formulas (sizes.py). Each op is written as nodes
(words.py). Then the file is read again, as `load` does, and computes what the model computes, for sizes that
were not among those runs, or there is no file.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import files
from tinygrad_edu._version import __version__
from tinygrad_edu.engine.modes import no_grad, watch
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.interop.onnx import proto
from tinygrad_edu.interop.onnx.load import load
from tinygrad_edu.interop.onnx.passes import prepared
from tinygrad_edu.interop.onnx.proto import OnnxError
from tinygrad_edu.interop.onnx.sizes import Moved, Sizes, merged, points
from tinygrad_edu.interop.onnx.trace import Recorder, Ref, Run
from tinygrad_edu.interop.onnx.words import TABLE, WITHOUT
from tinygrad_edu.interop.onnx.writer import Writer
from tinygrad_edu.nn.module import Module, evaluating
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.tensor import Tensor

Array = np.ndarray[Any, Any]
Axes = Mapping[str, Mapping[int, str]]
_STEPS = (1, 2, 4, 8, 16, 32)  # how much larger a size is made; some models take multiples only
_CLOSE = 1e-3  # of the largest number of a result
_SMALL = 1e-6  # ONNX has no word for the tails of a normal distribution


def export(
    model: Any,
    example_inputs: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    opset: int = proto.DEFAULT,
    input_names: Sequence[str] | None = None,
    output_names: Sequence[str] | None = None,
    dynamic_axes: str | Mapping[str, Any] | None = None,
) -> Any:
    """Write `model`, in evaluation mode, as an ONNX file; returns the `onnx.ModelProto`.

    Parameters
    ----------
    model : nn.Module or callable
        What is called. Of a Module the weights are initializers with their names in `state_dict`; tensors
        that a function uses are constants.
    example_inputs : tensor, array, or tuple or dict of these
        With which it is called: positional arguments, or those of a dict by name. Their dtypes, and the sizes
        of axes that may not vary, are those of the file.
    path : path, optional
        Where the file is written, whole or not at all; without it nothing is written.
    opset : int
        The version of ONNX's operators, 18 to 21.
    input_names, output_names : sequence of str, optional
        By default the names of the model's parameters, and `output`, or `output_0`, `output_1`...
    dynamic_axes : str or mapping, optional
        Which sizes may vary: "batch" says that the first axis of every input may, and calls its size so. Or
        for inputs by name, `{"x": {0: "batch", 1: "length"}}`, or `{"x": [0]}`; axes with the same name have
        the same size. By default none: the file takes the shapes of the examples, and refuses others.

    Raises
    ------
    OnnxError
        If there is no file that computes the same: numbers are read in Python (`item()`, `if`), random
        numbers are drawn, memory is changed in place, an op has no word in ONNX, or the program differs with
        a size that may vary. It names the op and the line.
    """
    if opset not in range(proto.LOWEST, proto.HIGHEST + 1):
        problem = f"opset={opset!r} must be {proto.LOWEST} to {proto.HIGHEST}"
        raise wrong(ValueError, "onnx.export", problem)
    inputs = _named_inputs(model, example_inputs, input_names)
    axes = _axes(inputs, dynamic_axes)
    call = _Call(model, example_inputs, axes)
    runs, sizes, given = call.probe(inputs)
    run = prepared(merged(runs, sizes))
    labels = _output_names(call.outputs, output_names, inputs)
    made = _written(run, sizes, axes, model, labels, opset)
    _compare(made, call, inputs, given)
    proto.check(made)
    if path is not None:
        files.write(path, proto.packed(made))
    return made


# -- inputs and outputs --------------------------------------------------------------------------------------


def _named_inputs(model: Any, given: Any, names: Sequence[str] | None) -> dict[str, Array]:
    """The examples by name, as arrays."""
    mapping = isinstance(given, Mapping)
    items = list(given.values()) if mapping else list(given) if isinstance(given, tuple) else [given]
    if names is None:
        names = [str(name) for name in given] if mapping else _parameters(model, len(items))
    if len(names) != len(items) or len(set(names)) != len(names) or not all(names):
        problem = f"input_names {list(names)} must be {len(items)} different names, one for each input"
        raise wrong(ValueError, "onnx.export", problem)
    made = {}
    for name, item in zip(names, items, strict=True):
        if item is None or (isinstance(item, str | list) and not item):
            raise wrong(TypeError, "onnx.export", f"the input {name!r} is {item!r}, no tensor",
                        "give tensors only: te.interop.onnx.export(lambda x: model(x, None), x)")  # fmt: skip
        x = as_tensor(item)
        made[name] = np.array(x.storage.backend.numpy(x.storage.array))
    return made


def _parameters(model: Any, count: int) -> list[str]:
    """The names of a model's positional parameters, or `input_0`..."""
    numbered = ["input"] if count == 1 else [f"input_{i}" for i in range(count)]
    try:
        found = inspect.signature(model.forward if isinstance(model, Module) else model).parameters.values()
    except (TypeError, ValueError):
        return numbered
    names = [p.name for p in found if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)][:count]
    return names if len(names) == count else numbered


def _axes(inputs: dict[str, Array], asked: Any) -> dict[str, dict[int, str]]:
    """For each input the axes that may vary, by the names of their sizes."""
    if asked is None:
        return {}
    if isinstance(asked, str):
        asked = {name: {0: asked} for name, x in inputs.items() if x.ndim}
    if not isinstance(asked, Mapping) or not asked.keys() <= inputs.keys():
        problem = f"dynamic_axes={asked!r:.80} must be a name, or have inputs as keys: {', '.join(inputs)}"
        raise wrong(ValueError, "onnx.export", problem)
    found: dict[str, dict[int, str]] = {}
    sizes: dict[str, int] = {}
    for name, axes in asked.items():
        rank = inputs[name].ndim
        pairs = axes.items() if isinstance(axes, Mapping) else ((a, f"{name}_{a}") for a in axes)
        for axis, label in pairs:
            if not isinstance(axis, int) or not -rank <= axis < rank or not str(label):
                problem = f"dynamic_axes: {name!r} {inputs[name].shape} has no axis {axis!r}"
                raise wrong(ValueError, "onnx.export", problem)
            size = inputs[name].shape[axis]
            if not size or sizes.setdefault(str(label), size) != size:
                problem = f"dynamic_axes: the axes {label!r} have the sizes {size} and {sizes[str(label)]}"
                raise wrong(ValueError, "onnx.export", problem, "give examples of one size, not 0")
            found.setdefault(name, {})[axis % rank] = str(label)
    return found


def _output_names(outputs: list[str], names: Sequence[str] | None, inputs: Mapping[str, Any]) -> list[str]:
    if names is None:
        names = [name + "_out" * (name in inputs) for name in outputs]
    if len(names) != len(outputs) or len({*names, *inputs}) != len(names) + len(inputs) or not all(names):
        problem = f"output_names {list(names)} must be {len(outputs)} names, each different and of no input"
        raise wrong(ValueError, "onnx.export", problem)
    return list(names)


def _flat(outputs: Any, name: str = "output") -> list[tuple[str, Any]]:
    """The tensors of a result by name; None is no result."""
    if isinstance(outputs, Value):
        return [(name, outputs)]
    if outputs is None:
        return []
    if isinstance(outputs, Mapping):
        return [pair for key, item in outputs.items() for pair in _flat(item, str(key))]
    if isinstance(outputs, tuple | list):
        return [pair for i, item in enumerate(outputs) for pair in _flat(item, f"{name}_{i}")]
    problem = f"the model returns a {type(outputs).__name__}, {outputs!r:.60}, which is no tensor"
    raise wrong(OnnxError, "onnx.export", problem, "return tensors, in tuples, lists or dicts")


# -- running -------------------------------------------------------------------------------------------------


class _Call:
    """The model, and how it is called; `outputs` are the names of its results, after a run."""

    def __init__(self, model: Any, given: Any, axes: Axes) -> None:
        self.model, self.axes = model, axes
        self.keys = [str(key) for key in given] if isinstance(given, Mapping) else None
        self.outputs: list[str] = []
        tensors = model._named_tensors() if isinstance(model, Module) else ()
        self.state: list[tuple[str, Tensor]] = list(tensors)
        device = next((t.device for _, t in self.state), "cpu")
        self.device = device

    def tensors(self, inputs: Mapping[str, Array]) -> dict[str, Tensor]:
        return {name: as_tensor(x).to(self.device) for name, x in inputs.items()}

    def __call__(self, tensors: Mapping[str, Tensor]) -> list[tuple[str, Any]]:
        with no_grad(), evaluating():
            if self.keys is None:
                return _flat(self.model(*tensors.values()))
            return _flat(self.model(**dict(zip(self.keys, tensors.values(), strict=True))))

    def record(self, inputs: Mapping[str, Array]) -> Run:
        """The steps of one run."""
        tensors = self.tensors(inputs)
        recorder = Recorder(list(tensors.items()), self.state)
        with watch(recorder):
            found = self(tensors)
        if recorder.fault is not None:
            raise recorder.fault
        if not found:
            raise wrong(OnnxError, "onnx.export", "the model returns no tensor")
        recorder.run.outputs = tuple(recorder.operand(x) for _, x in found)
        names = [name for name, _ in found]
        self.outputs = names if len(set(names)) == len(names) else [f"output_{i}" for i in range(len(names))]
        return recorder.run

    def resized(self, inputs: Mapping[str, Array], sizes: Sizes) -> dict[str, Array]:
        """The examples with axes of other sizes: their elements again from the start."""
        made = dict(inputs)
        for name, axes in self.axes.items():
            for axis, label in axes.items():
                x = made[name]
                made[name] = np.take(x, np.arange(sizes[label]) % x.shape[axis], axis)
        return made

    def probe(self, inputs: Mapping[str, Array]) -> tuple[list[Run], list[Sizes], list[Sizes]]:
        """The runs with all sizes that are needed, these sizes, and others to compare with."""
        base = {
            label: max(2, inputs[name].shape[axis])
            for name, axes in self.axes.items()
            for axis, label in axes.items()
        }
        if not base:
            return [self.record(inputs)], [{}], [{}]
        first = self.record(self.resized(inputs, base))
        steps = {label: self._step(inputs, base, label) for label in base}
        sizes = points(base, steps)
        runs = [first, *(self.record(self.resized(inputs, size)) for size in sizes[1:])]
        others = [{label: n + 4 * steps[label] for label, n in base.items()}, dict.fromkeys(base, 1)]
        examples = {
            label: inputs[name].shape[axis]
            for name, axes in self.axes.items()
            for axis, label in axes.items()
        }
        return runs, sizes, [examples, *others]

    def _step(self, inputs: Mapping[str, Array], base: Sizes, label: str) -> int:
        """By how much that size may grow: 1, if the model takes any size."""
        fault: Exception | None = None
        for step in _STEPS:
            try:
                self(self.tensors(self.resized(inputs, {**base, label: base[label] + step})))
            except (ValueError, TypeError, LookupError, RuntimeError) as error:
                fault = fault or error
            else:
                return step
        problem = f"the model takes no other size of {label!r} than {base[label]}: {fault}"
        raise wrong(OnnxError, "onnx.export", problem, "leave that axis out of dynamic_axes") from fault


# -- writing -------------------------------------------------------------------------------------------------


def _written(run: Run, sizes: list[Sizes], axes: Axes, model: Any, labels: list[str], opset: int) -> Any:
    """The model in memory."""
    where = {label: (name, axis) for name, given in axes.items() for axis, label in given.items()}
    w = Writer(run, sizes, where)
    inputs, state = [], {}
    used = {x.at for s in run.steps for x in s.operands if isinstance(x, Ref)} | {
        x.at for x in run.outputs if isinstance(x, Ref)
    }
    taken = {*labels, *(info.name for info in run.values if info.kind == "input")}
    for label in labels:
        w.reserve(label)
    for at, info in enumerate(run.values):
        if info.kind == "input":
            shape = [axes.get(info.name, {}).get(a, n) for a, n in enumerate(info.shape)]
            inputs.append(proto.value(w.reserve(info.name), info.dtype, shape))
            w.names[at] = info.name
        elif info.kind == "state" and at in used:
            w.names[at] = state[info.name] = w.reserve(_free(info.name, taken))
    for step in run.steps:
        w.step = step
        emit = TABLE.get(step.op)
        if emit is None:
            problem = f"{step.op} has no word in ONNX: {WITHOUT.get(step.op, 'it is an op of your own')}"
            raise w.fault(
                problem, "compose it of functions of te that have one, or export the parts before it"
            )
        w.names[step.result] = emit(w, step)
    w.step = None
    outputs = []
    for label, x in zip(labels, run.outputs, strict=True):
        info = w.info(x)
        w.name_output(w.operand(x), label)
        outputs.append(proto.value(label, info.dtype, [_size(n, sizes) for n in info.shape]))
    arrays = _arrays(model, state)
    initializers = [proto.tensor(name, x) for name, x in {**arrays, **w.initializers}.items()]
    facts = {"tinygrad_edu": json.dumps(_facts(model, state))}
    return proto.model(w.nodes, inputs, outputs, initializers, opset, facts, __version__)


def _free(name: str, taken: set[str]) -> str:
    """The name of a weight; with underscores if an input or output has it."""
    while name in taken:
        name += "_"
    return name


def _size(number: Any, sizes: list[Sizes]) -> int | str | None:
    """A size of an output: the name of one that varies, if it is that of an input."""
    if not isinstance(number, Moved):
        return int(number)
    return next((label for label in sizes[0] if number.values == tuple(s[label] for s in sizes)), None)


def _arrays(model: Any, state: Mapping[str, str]) -> dict[str, Array]:
    tensors = dict(model._named_tensors()) if isinstance(model, Module) else {}
    return {
        written: np.array(tensors[name].storage.backend.numpy(tensors[name].storage.array))
        for name, written in state.items()
    }


def _facts(model: Any, state: Mapping[str, str]) -> dict[str, Any]:
    """What `load` needs besides the graph: which names belong to the state, and which of these are trained.

    A weight that is shared has several names for one initializer.
    """
    tensors = list(model._named_tensors()) if isinstance(model, Module) else []
    written = {id(dict(tensors)[name]): initializer for name, initializer in state.items()}
    found = {name: (written[id(t)], isinstance(t, Parameter)) for name, t in tensors if id(t) in written}
    return {
        "parameters": {name: initializer for name, (initializer, trained) in found.items() if trained},
        "buffers": {name: initializer for name, (initializer, trained) in found.items() if not trained},
    }


# -- comparing -----------------------------------------------------------------------------------------------


def _compare(made: Any, call: _Call, inputs: Mapping[str, Array], sizes: list[Sizes]) -> None:
    """Hold the file to the model, for several sizes. OnnxError if it computes something else."""
    read = load(made)
    for size in sizes:
        given = call.resized(inputs, size)
        try:
            wanted = [x for _, x in call(call.tensors(given))]
        except (ValueError, TypeError, LookupError, RuntimeError):
            continue  # a size that the model does not take
        with no_grad(), evaluating():
            found = read(*(as_tensor(x) for x in given.values()))
        results = found if isinstance(found, tuple) else (found,)
        for mine, other in zip(wanted, results, strict=True):
            _check_close(np.asarray(mine.storage.backend.numpy(mine.storage.array)), other.numpy(), size)


def _check_close(wanted: Array, found: Array, size: Sizes) -> None:
    if wanted.shape == found.shape and wanted.dtype == found.dtype:
        whole = np.isfinite(wanted)
        scale = float(np.abs(wanted[whole].astype(np.float64)).max()) if whole.any() else 0.0
        if np.allclose(wanted, found, rtol=_CLOSE, atol=_CLOSE * scale + _SMALL, equal_nan=True):
            return
    where = f" with {', '.join(f'{k}={n}' for k, n in size.items())}" if size else ""
    raise wrong(
        OnnxError,
        "onnx.export",
        f"the file would compute something else than the model{where}: {found.shape} {found.dtype}, and the "
        f"model {wanted.shape} {wanted.dtype}",
        "does the model decide by a size, or keep numbers from call to call?",
    )
