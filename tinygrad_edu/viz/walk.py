"""The recorded graph as data: every node once, oldest first, so that edges only go from lower to higher.

A drawing outlives what it draws: nothing here holds an array, so a picture keeps no memory alive. One made
after backward() still shows what had been saved, marked as freed. A node does not store the shape of its own
result; its consumers do, as the shapes of their inputs.
"""
from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.engine.value import Deferred, Node, Storage, Value
from tinygrad_edu.shapes import Shape

Meta = tuple[Shape, Any]
FEW = 6                                         # elements that are written one by one


@dataclass(frozen=True)
class Saved:
    """One array a node keeps for backward. `state`: kept, shared (an older node counts it), or freed."""
    name: str
    meta: Meta | None
    nbytes: int
    state: str

    @property
    def held(self) -> int:
        """Bytes that this entry alone keeps alive."""
        return self.nbytes if self.state == "kept" else 0


@dataclass(frozen=True)
class Item:
    """One node of a drawing. `inputs`: the index of each input, or the text of a number written in place.

    kind: "op"; "leaf", which gathers gradients; "constant", an array that does not; "checkpoint", a stretch
    that was not kept.
    """
    index: int
    kind: str
    op: str
    name: str
    meta: Meta | None
    inputs: tuple[int | str, ...] = ()
    params: str = ""
    saved: tuple[Saved, ...] = ()
    value: str = ""
    gradient: str = ""
    where: str = ""
    math: str = ""

    @property
    def held(self) -> int:
        """Bytes that this node alone keeps for backward."""
        return sum(s.held for s in self.saved)

    @property
    def parents(self) -> tuple[int, ...]:
        return tuple(i for i in self.inputs if isinstance(i, int))

    @property
    def title(self) -> str:
        """What a drawing calls this node: the user's name of a leaf, the op of everything else."""
        return self.op if self.kind in ("op", "checkpoint") else self.name or self.kind

    @property
    def shape(self) -> str:
        """`32×100 float32`, `scalar float32`, or `?` for a shape that nobody recorded."""
        return write_meta(self.meta)


@dataclass(frozen=True)
class Graph:
    """A recorded graph, oldest node first; the last is the value that was asked for."""
    nodes: tuple[Item, ...]

    @property
    def edges(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) for every input that is a node; parent < child always."""
        return tuple((p, n.index) for n in self.nodes for p in n.parents)

    @property
    def held(self) -> int:
        """Bytes kept for backward, memory that several nodes share counted once."""
        return sum(n.held for n in self.nodes)

    @property
    def freed(self) -> int:
        """Bytes that had been kept, and that a backward() has freed."""
        return sum(s.nbytes for n in self.nodes for s in n.saved if s.state == "freed")


def walk(value: Value, names: Any = None) -> Graph:
    """Everything `value` was computed from. `names`: {name: tensor}, or a module with named_parameters()."""
    if not isinstance(value, Value):
        raise TypeError(f"viz.graph draws a tensor, not {type(value).__name__}; "
                        "give it the loss: viz.graph(loss)")
    return _Walk(value, _tensors(names)).graph()


class _Walk:
    """One walk: what is known of each node, gathered from itself and from its consumers."""

    def __init__(self, value: Value, names: Mapping[str, Value]) -> None:
        self.root = value
        self.names: dict[int, str] = {}
        self.metas: dict[int, Meta] = {}
        self.values: dict[int, Storage] = {}
        for name, tensor in names.items():
            self.names[id(tensor.storage)] = name
            if tensor.node is not None:
                self.names[id(tensor.node)] = name
                self._seen(tensor.node, tensor.storage)
        self.items: list[Item] = []
        self.index: dict[Any, int] = {}
        self.counted: set[Any] = set()

    def graph(self) -> Graph:
        root = self.root
        if root.node is None:
            kept = root.storage
            name = self.names.get(id(kept), "")
            return Graph((Item(0, "constant", "", name, _meta(kept.array), value=summary(kept)),))
        self._seen(root.node, root.storage)
        nodes = _reachable(root.node)
        for node in nodes:
            self._learn(node)
        for node in nodes:
            self._add(node)
        return Graph(tuple(self.items))

    def _seen(self, node: Node, storage: Storage) -> None:
        self.metas[id(node)], self.values[id(node)] = _meta(storage.array), storage

    def _learn(self, node: Node) -> None:
        """Shapes and values of this node and of its parents, as far as it knows them."""
        for parent, meta in zip(node.parents, node.metas, strict=False):
            if parent is not None:
                self.metas.setdefault(id(parent), meta)
        if node.op is None and node.metas:
            self.metas.setdefault(id(node), node.metas[0])
        for name, kept, owner, _ in node.saved or ():
            maker = node if name == "out" else owner
            if isinstance(kept, Storage) and maker is not None:
                self._seen(maker, kept)

    def _add(self, node: Node) -> None:
        kept = self._kept(node)
        if node.op is None:
            kind = "checkpoint" if isinstance(node, Deferred) else "leaf"
            inputs: tuple[int | str, ...] = tuple(self.index[id(p)] for p in node.parents if p is not None)
        else:
            kind, inputs = "op", tuple(self._input(node, i, kept.get(i)) for i in range(len(node.parents)))
        storage = self.values.get(id(node))
        self.index[id(node)] = len(self.items)
        self.items.append(Item(
            len(self.items), kind, node.name, self.names.get(id(node), ""), self.metas.get(id(node)), inputs,
            ", ".join(f"{k}={_short(v)}" for k, v in node.params.items()), self._saved(node),
            summary(storage) if storage is not None else "",
            summary(node.grad.storage, gradient=True) if node.grad is not None else "", node.where,
            node.op.math if node.op is not None else ""))

    def _input(self, node: Node, i: int, kept: Any) -> int | str:
        parent = node.parents[i]
        if parent is not None:
            return self.index[id(parent)]
        meta = node.metas[i]
        name = self.names.get(id(kept), "")
        if kept is not None and not isinstance(kept, Storage) and not np.shape(kept):
            return f"{np.asarray(kept).item():g}"
        if not name and not meta[0]:
            return summary(kept) if isinstance(kept, Storage) else "a number"
        key = ("constant", id(kept)) if isinstance(kept, Storage) else ("constant", node.order, i)
        if key not in self.index:
            self.index[key] = len(self.items)
            shown = summary(kept) if isinstance(kept, Storage) else ""
            self.items.append(Item(len(self.items), "constant", "", name, meta, value=shown))
        return self.index[key]

    def _kept(self, node: Node) -> dict[int, Any]:
        """What the node saved of each input: {input index: Storage, array or number}."""
        return {i: entry[1] for (_, i), entry in zip(_plan(node), node.saved or (), strict=False)}

    def _saved(self, node: Node) -> tuple[Saved, ...]:
        out = []
        entries = node.saved if node.saved is not None else [None] * len(_plan(node))
        for (name, i), entry in zip(_plan(node), entries, strict=False):
            meta = self.metas.get(id(node)) if i < 0 else node.metas[i]
            if entry is None:
                owner = node if i < 0 else node.parents[i]
                key: Any = ("freed", id(owner)) if owner is not None else ("freed", node.order, i)
                nbytes, state = _bytes(meta), "freed"
            else:
                array = entry[1].array if isinstance(entry[1], Storage) else entry[1]
                meta, (key, nbytes), state = _meta(array), _memory(array), "kept"
            if key in self.counted:
                state, nbytes = "shared", 0 if entry is None else nbytes
            self.counted.add(key)
            out.append(Saved(name, meta, nbytes, state))
        return tuple(out)


def _plan(node: Node) -> list[tuple[str, int]]:
    """(name, input index or -1) of everything this node saves for backward."""
    if node.op is None:
        return []
    plan = node.op.plan(tuple(p is not None for p in node.parents))
    return [(f"{node.op.inputs[0]}[{i}]" if node.op.variadic and i >= 0 else name, i) for name, i in plan]


def _reachable(root: Node) -> list[Node]:
    seen, stack = {id(root): root}, [root]
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and id(parent) not in seen:
                seen[id(parent)] = parent
                stack.append(parent)
    return sorted(seen.values(), key=lambda node: node.order)


def _tensors(names: Any) -> dict[str, Value]:
    """The names, as {name: tensor}, whatever they came in."""
    pairs: Iterable[tuple[str, Any]]
    if names is None:
        return {}
    if not hasattr(names, "named_parameters") and not hasattr(names, "items"):
        raise TypeError(f"viz.graph: names is {type(names).__name__}, neither a dict nor a module; "
                        "names={'W': weights} says what to call the tensor weights")
    pairs = names.named_parameters() if hasattr(names, "named_parameters") else names.items()
    found = {str(name): tensor for name, tensor in pairs}
    for name, tensor in found.items():
        if not isinstance(tensor, Value):
            raise TypeError(f"viz.graph: names[{name!r}] is {type(tensor).__name__}, not a tensor; "
                            "names={'W': weights} says what to call the tensor weights")
    return found


def _memory(array: Any) -> tuple[Any, int]:
    """(identity of the memory, its bytes): views of the same elements are the same memory."""
    if isinstance(array, np.ndarray):
        low, high = np.lib.array_utils.byte_bounds(array)
        return (low, high), min(int(array.nbytes), high - low)
    if not hasattr(array, "shape"):
        return ("number", id(array)), 0
    return id(array), _bytes(_meta(array))


def _bytes(meta: Meta | None) -> int:
    return 0 if meta is None or meta[1] is None else math.prod(meta[0]) * np.dtype(meta[1]).itemsize


def _meta(array: Any) -> Meta:
    return tuple(getattr(array, "shape", ())), getattr(array, "dtype", None)


def _short(value: Any) -> str:
    text = str(np.dtype(value)) if isinstance(value, (np.dtype, type)) else repr(value)
    return text if len(text) <= 24 else text[:23] + "…"


def write_meta(meta: Meta | None) -> str:
    """A shape and a dtype for people: `32×100 float32`."""
    if meta is None:
        return "?"
    return f"{'×'.join(map(str, meta[0])) or 'scalar'} {'' if meta[1] is None else meta[1]}".strip()


def write_bytes(count: int) -> str:
    """A number of bytes for people, in powers of 1000: `12.3 kB`."""
    size, units = float(count), ["B", "kB", "MB", "GB", "TB"]
    while size >= 999.5 and len(units) > 1:
        size, units = size / 1000, units[1:]
    return f"{count} B" if units[0] == "B" else f"{size:.3g} {units[0]}"


def summary(storage: Storage, *, gradient: bool = False) -> str:
    """A few elements as they are, rows parted by `;`; of more, how they spread; of a gradient, the norm."""
    array = np.asarray(storage.backend.numpy(storage.array))
    if array.size <= FEW:
        rows = array.reshape(1 if array.ndim < 2 else -1, array.shape[-1] if array.ndim else 1)
        return "; ".join(" ".join(f"{x:.4g}" for x in row) for row in rows) or "empty"
    with np.errstate(invalid="ignore"):         # infinities of both signs have no mean
        low, mean, high = array.min(), array.mean(dtype=np.float64), array.max()
    spread = f"min {low:.3g}, mean {mean:.3g}, max {high:.3g}"
    if not gradient:
        return spread
    return f"norm {float(np.linalg.norm(array.reshape(-1).astype(np.float64))):.3g}, {low:.3g} to {high:.3g}"
