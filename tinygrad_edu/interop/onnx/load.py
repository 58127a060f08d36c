"""`load`: an ONNX file as a module, whose weights are trained like any other's.

Nothing in a file is executed: a node is the name of an operator, and a table says which functions of the
library compute it. Nothing outside the file is read.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import ShapeError, fault_of, retold, wrong
from tinygrad_edu.interop.onnx import proto
from tinygrad_edu.interop.onnx.given import Given
from tinygrad_edu.interop.onnx.operators import TABLE
from tinygrad_edu.interop.onnx.proto import OnnxError
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.tensor import Tensor

Array = np.ndarray[Any, Any]
_OLDEST = 7
_DOMAINS = ("", "ai.onnx")
Places = dict[str, tuple[int, ...]]
# inputs of operators that are averages, and not trained
_STATISTICS: Places = {"BatchNormalization": (3, 4)}
# inputs that are numbers of the operator, and no weights
_SETTINGS: Places = {"Resize": (1, 2, 3), "Upsample": (1,), "Clip": (1, 2), "Pad": (2,), "Dropout": (1, 2),
                     "OneHot": (2,)}  # fmt: skip


class _Program:
    """The nodes of a file, its inputs and outputs, and its constants."""

    def __init__(self) -> None:
        self.nodes: list[Given] = []
        self.inputs: dict[str, tuple[np.dtype[Any], tuple[int | None, ...] | None]] = {}
        self.outputs: list[str] = []
        self.arrays: dict[str, Array] = {}  # initializers
        self.state: dict[str, tuple[str, ...]] = {}  # initializer -> attributes that lead to its tensor
        self.last: list[tuple[str, ...]] = []  # for each node the values that no later one needs
        self._constants: dict[tuple[str, str], Tensor] = {}

    def constant(self, name: str, device: str) -> Tensor:
        """An initializer that is no weight, on a device."""
        if (name, device) not in self._constants:
            self._constants[name, device] = F.tensor(self.arrays[name], device=device)
        return self._constants[name, device]

    def __deepcopy__(self, memo: Any) -> _Program:
        return self  # it is never changed

    def __reduce__(self) -> Any:
        raise wrong(TypeError, "pickle", "a module of an ONNX file cannot be pickled", "keep the file")


class Part(Module):
    """What the names of weights have before a dot: `layers` and `0` of `layers.0.weight`."""


class OnnxModule(Module):
    """A model that was read from an ONNX file; `load` makes it.

    It is called with the inputs of the file, in their order or by name, and returns the output, or a tuple of
    several. Parameters are initializers of floats, under their names. It computes what the file says, in
    training mode too: dropout is the identity, batch norms use their averages.
    """

    def __init__(self, program: _Program, named: dict[str, tuple[str, bool]]) -> None:
        """named: for each name in `state_dict` the initializer, and whether it is trained."""
        self._program = program
        made: dict[str, Tensor] = {}
        for name, (initializer, trained) in named.items():
            tensor = made.get(initializer)
            if tensor is None:
                tensor = F.tensor(program.arrays[initializer])
                made[initializer] = tensor = Parameter(tensor) if trained else tensor
            path = _place(self, name, tensor)
            program.state.setdefault(initializer, path)
        for initializer in program.state:  # they are kept once
            program.arrays.pop(initializer, None)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs, in order."""
        return list(self._program.inputs)

    @property
    def output_names(self) -> list[str]:
        """The names of the outputs, in order."""
        return list(self._program.outputs)

    def forward(self, *inputs: Any, **named: Any) -> Any:
        program = self._program
        values = self._inputs(inputs, named)
        device = next(
            (t.device for t in (*values.values(), *self.parameters()) if isinstance(t, Tensor)), "cpu"
        )
        for name, path in program.state.items():
            values[name] = reduce(getattr, path, self)
        for name in program.arrays:
            values[name] = program.constant(name, device)
        for node, last in zip(program.nodes, program.last, strict=True):
            found = _compute(node, [values[name] if name else None for name in node.inputs])
            values.update((name, x) for name, x in zip(node.outputs, found, strict=False) if name)
            for name in last:
                values.pop(name, None)
        results = tuple(values[name] for name in program.outputs)
        return results[0] if len(results) == 1 else results

    def _inputs(self, inputs: tuple[Any, ...], named: dict[str, Any]) -> dict[str, Any]:
        known = self._program.inputs
        unknown = named.keys() - known.keys()
        if (
            len(inputs) + len(named) != len(known)
            or unknown
            or named.keys() & set(list(known)[: len(inputs)])
        ):
            problem = f"the file has {len(known)} inputs, {', '.join(known)}"
            raise wrong(TypeError, type(self).__name__, problem, "give each, in this order or by name")
        given = {**dict(zip(known, inputs, strict=False)), **named}
        beside = next(iter(self.parameters()), None)
        return {
            name: _checked(name, F.as_tensor(given[name], beside), *facts) for name, facts in known.items()
        }

    def extra_repr(self) -> str:
        counts = Counter(node.operator for node in self._program.nodes)
        return ", ".join(f"{name}: {count}" for name, count in counts.most_common())


def _place(root: Module, name: str, tensor: Tensor) -> tuple[str, ...]:
    """Assign a tensor to the attribute of that name, in Parts; returns the names on the way.

    A name gets underscores where a Module, or another tensor, has it already.
    """
    *parts, last = name.split(".")
    path: list[str] = []
    at = root
    for part in parts:
        path.append(_free_name(at, part, Part))
        if path[-1] not in vars(at):
            setattr(at, path[-1], Part())
        at = vars(at)[path[-1]]
    path.append(_free_name(at, last))
    if isinstance(tensor, Parameter):
        setattr(at, path[-1], tensor)
    else:
        at.register_buffer(path[-1], tensor)
    return tuple(path)


def _free_name(module: Module, name: str, kind: type | tuple[()] = ()) -> str:
    """`name`, which `module` lacks, or has as an attribute of that kind."""
    name = name or "_"
    known = vars(module)
    while hasattr(Module, name) or (name in known and not isinstance(known[name], kind)):
        name += "_"
    return name


def _checked(name: str, x: Tensor, dtype: np.dtype[Any], shape: tuple[int | None, ...] | None) -> Tensor:
    if x.dtype != dtype and x.dtype.kind != dtype.kind:
        problem = f"the input {name!r} must be {dtype}, not {x.dtype}"
        raise wrong(TypeError, "OnnxModule", problem, f"convert it: x.to('{dtype}')")
    if shape is not None and (
        len(shape) != x.ndim or any(n not in (None, m) for n, m in zip(shape, x.shape, strict=True))
    ):
        sizes = ", ".join("any" if n is None else str(n) for n in shape)
        raise wrong(ShapeError, "OnnxModule", f"the input {name!r} must be ({sizes}), not {x.shape}")
    return x


def _compute(node: Given, inputs: list[Any]) -> tuple[Any, ...]:
    try:
        found = TABLE[node.operator](node, *inputs)
    except Exception as error:
        if isinstance(error, OnnxError):
            raise
        if fault_of(error) is not None:
            raise retold(error, str(node)) from error
        raise node.fault(f"{type(error).__name__}: {error}") from error
    results = found if isinstance(found, tuple) else (found,)
    if sum(map(bool, node.outputs)) > len(results) or not all(isinstance(x, Value) for x in results):
        raise node.fault(f"it has {len(node.outputs)} results, and {len(results)} are computed")
    return results


# -- reading -------------------------------------------------------------------------------------------------


def load(source: Any) -> OnnxModule:
    """An ONNX file, or an `onnx.ModelProto`, as a module with trainable parameters.

    Of a file that `export` wrote, the state_dict is that of the model, without tensors that no result needs.
    Of any other, each array of floats is a parameter, except the averages of batch norms, which are buffers,
    and settings such as the factors of a Resize; these and the rest are constants.

    Raises OnnxError for a file that is damaged, keeps numbers outside, or needs operators that are not known,
    of which it names all. OSError if there is no file.
    """
    if isinstance(source, str | os.PathLike):
        path = os.fspath(source)
        return _module(proto.unpacked(Path(path).read_bytes(), str(path)))
    if isinstance(source, bytes):
        return _module(proto.unpacked(source, "the bytes"))
    if proto.is_model(source):
        return _module(source)
    problem = f"a {type(source).__name__} is no path and no ModelProto"
    raise wrong(TypeError, "onnx.load", problem)


def _module(made: Any) -> OnnxModule:
    graph = made.graph
    opset = _opset(made)
    program = _Program()
    for tensor in graph.initializer:
        if not tensor.name or tensor.name in program.arrays:
            raise _damaged(f"two initializers are named {tensor.name!r}, or one has no name")
        program.arrays[tensor.name] = proto.array_of(tensor, f"initializer {tensor.name!r}")
    if graph.sparse_initializer:
        raise _damaged("sparse initializers are not read")
    for value in graph.input:
        if value.name not in program.arrays:  # in old files each initializer is an input, too
            program.inputs[value.name] = _facts_of(value)
    _check_operators(graph)
    for node in graph.node:
        program.nodes.append(_given(node, opset))
    program.outputs = [value.name for value in graph.output]
    _check_names(program)
    program.last = _last_uses(program)
    return OnnxModule(program, _state(made, program))


def _damaged(problem: str, remedy: str = "") -> OnnxError:
    return wrong(OnnxError, "onnx.load", problem, remedy)


def _opset(made: Any) -> int:
    versions = [int(o.version) for o in made.opset_import if o.domain in _DOMAINS]
    if (not made.graph.node and not made.graph.output) or not versions:
        raise _damaged("it is no ONNX model: it has no graph, or names no version of operators")
    if len(versions) > 1 or not _OLDEST <= versions[0] <= proto.NEWEST:
        problem = f"it is of version {', '.join(map(str, versions))}; {_OLDEST} to {proto.NEWEST} are read"
        raise _damaged(problem, "onnx.version_converter of the package onnx converts files")
    return versions[0]


def _facts_of(value: Any) -> tuple[np.dtype[Any], tuple[int | None, ...] | None]:
    """The dtype and the sizes of an input; None is any size."""
    what = f"input {value.name!r}"
    if not value.type.HasField("tensor_type"):
        raise _damaged(f"{what} is no tensor")
    kind = value.type.tensor_type
    dtype = proto.dtype_of(kind.elem_type, what)
    if not kind.HasField("shape"):
        return dtype, None
    return dtype, tuple(int(d.dim_value) if d.HasField("dim_value") else None for d in kind.shape.dim)


def _check_operators(graph: Any) -> None:
    names = {
        node.op_type if node.domain in _DOMAINS else f"{node.domain}.{node.op_type}"
        for node in graph.node
        if node.domain not in _DOMAINS or node.op_type not in TABLE
    }
    if names:
        problem = f"operators are not known: {', '.join(sorted(names))[:500]}"
        raise _damaged(problem, "onnxsim, or another export, may write it without them")


def _given(node: Any, opset: int) -> Given:
    where = f"node {node.name!r} ({node.op_type})"
    attributes = {a.name: proto.attribute(a, f"attribute {a.name!r} of {where}") for a in node.attribute}
    return Given(node.op_type, node.name, tuple(node.input), tuple(node.output), attributes, opset)


def _check_names(program: _Program) -> None:
    """Each value has one source, before its uses."""
    known = {*program.inputs, *program.arrays}
    for node in program.nodes:
        missing = [name for name in node.inputs if name and name not in known]
        if missing:
            raise _damaged(f"{node} uses {missing[0]!r}, which no input and no node before it gives")
        for name in filter(None, node.outputs):
            if name in known:
                raise _damaged(f"{node} gives {name!r} once more")
            known.add(name)
    missing = [name for name in program.outputs if name not in known]
    if missing or not program.outputs:
        raise _damaged(f"no node gives the output {missing[0]!r}" if missing else "it has no output")


def _last_uses(program: _Program) -> list[tuple[str, ...]]:
    kept, found = {*program.outputs, *program.arrays}, []
    for node in reversed(program.nodes):
        names = {n for n in (*node.inputs, *node.outputs) if n and n not in kept}
        found.append(tuple(sorted(names)))
        kept |= names
    return found[::-1]


def _state(made: Any, program: _Program) -> dict[str, tuple[str, bool]]:
    """The names of the state_dict, each with its initializer, and whether it is trained."""
    known = _own_state(made, program)
    if known is not None:
        return known
    averages, settings = (_names_at(program, places) for places in (_STATISTICS, _SETTINGS))
    floats = (name for name, x in program.arrays.items() if x.dtype.kind == "f" and x.ndim)
    return {name: (name, name not in averages) for name in floats if name not in settings}


def _names_at(program: _Program, places: Places) -> set[str]:
    """The values that operators have at these places among their inputs."""
    return {
        name
        for node in program.nodes
        for at in places.get(node.operator, ())
        for name in node.inputs[at : at + 1]
    }


def _own_state(made: Any, program: _Program) -> dict[str, tuple[str, bool]] | None:
    """That of a file that `export` wrote, from what it says there; None of any other."""
    text = next((p.value for p in made.metadata_props if p.key == "tinygrad_edu"), None)
    if text is None:
        return None
    try:
        facts = json.loads(text)
        pairs = [(str(n), str(i), kind == "parameters") for kind in ("parameters", "buffers")
                 for n, i in facts[kind].items()]  # fmt: skip
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
        raise _damaged("its list of parameters is damaged") from error
    for name, initializer, trained in pairs:
        array = program.arrays.get(initializer)
        if array is None or not name or (trained and array.dtype.kind != "f"):
            raise _damaged(f"its list of parameters is damaged: {name!r} is {initializer!r}")
    return {name: (initializer, trained) for name, initializer, trained in pairs}
