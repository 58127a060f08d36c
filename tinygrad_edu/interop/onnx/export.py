"""`export`: a model as an ONNX file, by running it and writing the ops that it applies.

The model runs in evaluation mode, and an observer records the ops (trace.py). If sizes may vary, it runs with
several sizes, and the numbers that follow them become formulas (sizes.py). Each op is written as nodes
(words.py). Then the file is held to the model, with other numbers and sizes (compare.py), or there is none.
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
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import as_tensor
from tinygrad_edu.interop.onnx import proto
from tinygrad_edu.interop.onnx.calls import Array, Axes, Call
from tinygrad_edu.interop.onnx.compare import compare
from tinygrad_edu.interop.onnx.passes import prepared
from tinygrad_edu.interop.onnx.sizes import Moved, Sizes, merged
from tinygrad_edu.interop.onnx.trace import Ref, Run
from tinygrad_edu.interop.onnx.words import TABLE, WITHOUT
from tinygrad_edu.interop.onnx.writer import Writer
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter


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
    call = Call(model, example_inputs, axes)
    runs, sizes, given = call.probe(inputs)
    run = prepared(merged(runs, sizes))
    labels = _output_names(call.outputs, output_names, inputs)
    made = _written(run, sizes, axes, model, labels, opset)
    compare(made, call, inputs, given)
    proto.check(made)
    if path is not None:
        files.write(path, proto.packed(made))
    return made


# -- inputs and outputs --------------------------------------------------------------------------------------


def _named_inputs(model: Any, given: Any, names: Sequence[str] | None) -> dict[str, Array]:
    """The examples by name, as arrays."""
    mapping = isinstance(given, Mapping)
    several = isinstance(given, tuple) or (
        isinstance(given, list) and any(hasattr(x, "shape") for x in given)
    )
    items = list(given.values()) if mapping else list(given) if several else [given]
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
