"""Builds a `Graph` from the recorded nodes.

A node does not store the shape of its own result; the nodes computed from it do, as the shapes of their
inputs. So the shapes are first collected from all nodes, and only then the nodes of the `Graph` are created.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np

from tinygrad_edu.engine.backprop import backprop
from tinygrad_edu.engine.value import Deferred, Storage, Value
from tinygrad_edu.engine.value import Node as Recorded
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional import seed_for
from tinygrad_edu.graph.data import DType, Graph, Kind, Node, Number, Numbers, Saved, State
from tinygrad_edu.shapes import Shape

_Meta: TypeAlias = tuple[Shape, DType]
FEW = 6  # an array with at most so many elements is listed in full
# Types of parameters that are plain data: none of these can contain an array.
_PLAIN = (bool, int, float, complex, str, bytes, type(None), type(...), slice, np.generic, np.dtype, type)


def recorded(value: Value, names: Any = None, *, values: bool = False, gradients: bool = False) -> Graph:
    """The graph of everything `value` was computed from, as plain data.

    Parameters
    ----------
    value : Tensor
        Usually the loss. Before or after backward().
    names : dict of str to Tensor, or a module, optional
        Names for leaves and intermediate results; a module gives the names of its parameters.
    values : bool
        Include the value of each result whose array still exists.
    gradients : bool
        Include the gradients of leaves. Before backward(), also compute those of all other nodes, unless that
        would call a hook or a checkpoint.

    An array that two nodes keep is counted once:

        >>> import tinygrad_edu as te
        >>> w = te.tensor([1.0, 2.0, 3.0], requires_grad=True)
        >>> graph = te.graph.recorded(te.tanh(w) * w, names={"w": w})
        >>> for node in graph.nodes:
        ...     print(node.index, node.kind, node.op or node.name, node.inputs, node.shape, node.held)
        0 leaf w () (3,) 0
        1 op tanh (0,) (3,) 12
        2 op mul (1, 0) (3,) 12
        >>> graph.edges[0], graph.held
        (Edge(parent=0, child=1), 24)
        >>> [(saved.name, saved.nbytes, saved.state) for saved in graph.result.saved]
        [('x', 12, 'kept'), ('y', 12, 'shared')]
    """
    if not isinstance(value, Value):
        raise wrong(
            TypeError,
            "graph.recorded",
            f"graph.recorded reads what a tensor was computed from, not {type(value).__name__}",
            "give it the loss: te.graph.recorded(loss)",
        )
    return _GraphBuilder(value, _tensors(names), values, gradients).graph()


class _GraphBuilder:
    """Collects the data of each node, from the node itself and from the nodes computed from it."""

    def __init__(self, value: Value, names: Mapping[str, Value], values: bool, gradients: bool) -> None:
        self.root, self.wants_values, self.wants_gradients = value, values, gradients
        self.gradients_by_node: dict[Recorded, Any] = {}
        self.names: dict[int, str] = {}
        self.metas: dict[int, _Meta] = {}
        self.values: dict[int, Storage] = {}
        for name, tensor in names.items():
            self.names[id(tensor.storage)] = name
            if tensor.node is not None:
                self.names[id(tensor.node)] = name
                self._note_storage(tensor.node, tensor.storage)
        self.nodes: list[Node] = []
        self.index: dict[Any, int] = {}
        self.counted: set[Any] = set()

    def graph(self) -> Graph:
        root = self.root
        if root.node is None:
            self._add_constant(root.storage, _shape_and_dtype(root.storage.array))
            return Graph(tuple(self.nodes))
        self._note_storage(root.node, root.storage)
        reached = _reachable(root.node)
        if self.wants_gradients and _can_run_backward(root, reached):
            self.gradients_by_node = backprop(root, seed_for(root), retain_graph=True, wanted=reached)  # type: ignore[arg-type]
        for node in reached:
            self._collect_shapes(node)
        for node in reached:
            self._add_node(node)
        return Graph(tuple(self.nodes))

    def _note_storage(self, node: Recorded, storage: Storage) -> None:
        self.metas[id(node)], self.values[id(node)] = _shape_and_dtype(storage.array), storage

    def _collect_shapes(self, node: Recorded) -> None:
        """Collect the shapes and values of a node and of its parents, as far as the node has them."""
        for parent, meta in zip(node.parents, node.metas, strict=False):
            if parent is not None:
                self.metas.setdefault(id(parent), meta)
        if node.op is None and node.metas:
            self.metas.setdefault(id(node), node.metas[0])
        for name, kept, owner, _ in node.saved or ():
            maker = node if name == "out" else owner
            if isinstance(kept, Storage) and maker is not None:
                self._note_storage(maker, kept)

    def _add_node(self, node: Recorded) -> None:
        kept, kind = self._saved_inputs(node), _kind(node)
        if node.op is None:
            inputs: tuple[int | Number, ...] = tuple(self.index[id(p)] for p in node.parents if p is not None)
        else:
            inputs = tuple(self._input(node, i, kept.get(i)) for i in range(len(node.parents)))
        shape, dtype = self.metas.get(id(node), (None, None))
        self.index[id(node)] = len(self.nodes)
        self.nodes.append(
            Node(
                len(self.nodes),
                kind,
                op="" if node.op is None else node.op.name,
                name=self.names.get(id(node), ""),
                shape=shape,
                dtype=dtype,
                inputs=inputs,
                params={name: _plain_data(parameter) for name, parameter in node.params.items()},
                saved=self._saved(node),
                value=self._value(self.values.get(id(node))),
                gradient=self._gradient(node),
                where=node.where,
                math="" if node.op is None else node.op.math,
            )
        )

    def _add_constant(self, storage: Storage | None, meta: _Meta) -> int:
        """Add a node for an array without a gradient; returns its index."""
        name, (shape, dtype) = self.names.get(id(storage), ""), meta
        index = len(self.nodes)
        value = self._value(storage)
        self.nodes.append(Node(index, "constant", name=name, shape=shape, dtype=dtype, value=value))
        return index

    def _value(self, storage: Storage | None) -> Numbers | None:
        return numbers(storage) if self.wants_values and storage is not None else None

    def _gradient(self, node: Recorded) -> Numbers | None:
        slope = self.gradients_by_node.get(node) if node.grad is None else node.grad
        return numbers(slope.storage) if self.wants_gradients and slope is not None else None

    def _input(self, node: Recorded, i: int, kept: Any) -> int | Number:
        parent = node.parents[i]
        if parent is not None:
            return self.index[id(parent)]
        storage = kept if isinstance(kept, Storage) else None
        if kept is not None and storage is None and not np.shape(kept):
            return Number(np.asarray(kept).item(), getattr(kept, "dtype", None))
        if not node.metas[i][0] and not self.names.get(id(storage)):
            return Number(None if storage is None else numbers(storage).elements[0], node.metas[i][1])
        key = ("constant", node.order, i) if storage is None else ("constant", id(storage))
        if key not in self.index:
            self.index[key] = self._add_constant(storage, node.metas[i])
        return self.index[key]

    def _saved_inputs(self, node: Recorded) -> dict[int, Any]:
        """The saved inputs of a node: {index of the input: Storage, array or number}."""
        return {i: entry[1] for (_, i), entry in zip(_save_plan(node), node.saved or (), strict=False)}

    def _saved(self, node: Recorded) -> tuple[Saved, ...]:
        out = []
        entries = node.saved if node.saved is not None else [None] * len(_save_plan(node))
        for (name, i), entry in zip(_save_plan(node), entries, strict=False):
            meta = self.metas.get(id(node)) if i < 0 else node.metas[i]
            state: State = "kept"
            if entry is None:
                owner = node if i < 0 else node.parents[i]
                key: Any = ("freed", id(owner)) if owner is not None else ("freed", node.order, i)
                nbytes, state = _bytes(meta), "freed"
            else:
                array = entry[1].array if isinstance(entry[1], Storage) else entry[1]
                meta, (key, nbytes) = _shape_and_dtype(array), _memory(array)
            if key in self.counted:
                state, nbytes = "shared", 0 if entry is None else nbytes
            self.counted.add(key)
            shape, dtype = meta or (None, None)
            out.append(Saved(name, shape, dtype, nbytes, state))
        return tuple(out)


def _kind(node: Recorded) -> Kind:
    if node.op is not None:
        return "op"
    return "checkpoint" if isinstance(node, Deferred) else "leaf"


def _save_plan(node: Recorded) -> list[tuple[str, int]]:
    """(name, index of the input, or -1 for the result) of each array that a node saves for backward."""
    if node.op is None:
        return []
    plan = node.op.plan(tuple(p is not None for p in node.parents))
    return [(f"{node.op.inputs[0]}[{i}]" if node.op.variadic and i >= 0 else name, i) for name, i in plan]


def _can_run_backward(root: Value, nodes: Iterable[Recorded]) -> bool:
    """Whether a backward pass from `root` is possible, and calls none of the user's functions."""
    return math.prod(root.storage.array.shape) == 1 and all(
        node.hooks is None and not isinstance(node, Deferred) and (node.op is None or node.saved is not None)
        for node in nodes
    )


def _reachable(root: Recorded) -> list[Recorded]:
    seen, stack = {id(root): root}, [root]
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and id(parent) not in seen:
                seen[id(parent)] = parent
                stack.append(parent)
    return sorted(seen.values(), key=lambda node: node.order)


def _tensors(names: Any) -> dict[str, Value]:
    """{name: tensor}, from a dict or from a module's parameters."""
    pairs: Iterable[tuple[str, Any]]
    if names is None:
        return {}
    if not hasattr(names, "named_parameters") and not hasattr(names, "items"):
        raise wrong(
            TypeError,
            "graph.recorded",
            f"names is {type(names).__name__}, neither a dict nor a module",
            "names={'W': weights} says what to call the tensor weights",
        )
    pairs = names.named_parameters() if hasattr(names, "named_parameters") else names.items()
    tensors = {str(name): tensor for name, tensor in pairs}
    for name, tensor in tensors.items():
        if not isinstance(tensor, Value):
            raise wrong(
                TypeError,
                "graph.recorded",
                f"names[{name!r}] is {type(tensor).__name__}, not a tensor",
                "names={'W': weights} says what to call the tensor weights",
            )
    return tensors


def _memory(array: Any) -> tuple[Any, int]:
    """(key of the memory, its bytes); views of the same elements have the same key."""
    if isinstance(array, np.ndarray):
        low, high = np.lib.array_utils.byte_bounds(array)
        return (low, high), min(int(array.nbytes), high - low)
    if not hasattr(array, "shape"):
        return ("number", id(array)), 0
    return id(array), _bytes(_shape_and_dtype(array))


def _bytes(meta: _Meta | None) -> int:
    return 0 if meta is None or meta[1] is None else math.prod(meta[0]) * np.dtype(meta[1]).itemsize


def _shape_and_dtype(array: Any) -> _Meta:
    return tuple(getattr(array, "shape", ())), getattr(array, "dtype", None)


def _plain_data(value: Any) -> Any:
    """A parameter as plain data, which cannot contain an array."""
    if isinstance(value, _PLAIN):
        return value
    if isinstance(value, (tuple, list)):
        return tuple(map(_plain_data, value))
    if isinstance(value, np.ndarray):
        return _numbers_of_array(value)
    if isinstance(value, (Value, Storage)):
        return numbers(value.storage if isinstance(value, Value) else value)
    return Numbers(*_shape_and_dtype(value)) if hasattr(value, "shape") else repr(value)


def numbers(storage: Storage) -> Numbers:
    """The summary of an array on any device."""
    return _numbers_of_array(np.asarray(storage.backend.numpy(storage.array)))


def _numbers_of_array(array: np.ndarray[Any, Any]) -> Numbers:
    if array.size <= FEW:
        return Numbers(array.shape, array.dtype, tuple(array.reshape(-1).tolist()))
    with np.errstate(
        invalid="ignore", over="ignore"
    ):  # a mean of both infinities is NaN, and needs no warning
        low, mean, high = array.min().item(), array.mean(dtype=np.float64).item(), array.max().item()
        norm = float(np.linalg.norm(array.reshape(-1).astype(np.float64)))
    return Numbers(array.shape, array.dtype, (), low, mean, high, norm)
