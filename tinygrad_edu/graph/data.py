"""The parts of a recorded graph: nodes, edges and saved arrays, as plain data that contains no array."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np

from tinygrad_edu.shapes import Shape

Kind: TypeAlias = Literal["op", "leaf", "constant", "checkpoint"]
State: TypeAlias = Literal["kept", "shared", "freed"]
DType: TypeAlias = np.dtype[Any] | None  # None: a Python number, which takes the dtype of the other operand


class Numbers(NamedTuple):
    """A summary of an array: its elements if there are at most 6, else minimum, mean, maximum and norm.

    elements          all elements, row by row, if there are at most 6; else ()
    low, mean, high   if there are more than 6 elements, else None
    norm              likewise: the square root of the sum of squares
    """

    shape: Shape
    dtype: DType
    elements: tuple[Any, ...] = ()
    low: Any = None
    mean: Any = None
    high: Any = None
    norm: Any = None


class Number(NamedTuple):
    """An input that is a single number and not a node: `0.25` in `x * 0.25`.

    value  None if it was not saved
    dtype  None for a Python number
    """

    value: Any
    dtype: DType


class Saved(NamedTuple):
    """One array that a node keeps for backward.

    name    its parameter in the gradient rule: the name of an input, or "out" for the result
    nbytes  its size in bytes; 0 for a number
    state   "kept"; "shared", if an older node already counts the same memory; "freed", after a backward()
    """

    name: str
    shape: Shape | None
    dtype: DType
    nbytes: int
    state: State

    @property
    def held(self) -> int:
        """Bytes that this entry keeps alive; memory of a shared entry is counted elsewhere."""
        return self.nbytes if self.state == "kept" else 0


class Edge(NamedTuple):
    """An edge from an input node to the node computed from it; parent < child always."""

    parent: int
    child: int


@dataclass(frozen=True)
class Node:
    """One node of the graph.

    index     its index in `Graph.nodes`
    kind      "op"; "leaf", which accumulates gradients; "constant", an array without a gradient;
              "checkpoint", a part of the computation of which no intermediate result was saved
    op        the name of the op; "" if it is not an op
    name      the user's name for it, such as "0.weight", the parameter `weight` of the module "0"; else ""
    shape     of its result; None if it was not recorded
    dtype     of its result; None if it was not recorded, and for a Python number
    inputs    in the order of the op: each is the index of a node, or a `Number`
    params    the parameters of the op; an array among them is given as `Numbers`
    saved     the arrays that it keeps for backward
    value     its value, if the caller requested values and the array still exists
    gradient  its gradient, under the same conditions
    where     the user's line, recorded under te.detect_anomaly()
    math      the formula of the op, in LaTeX
    """

    index: int
    kind: Kind
    op: str = ""
    name: str = ""
    shape: Shape | None = None
    dtype: DType = None
    inputs: tuple[int | Number, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict, hash=False)
    saved: tuple[Saved, ...] = ()
    value: Numbers | None = None
    gradient: Numbers | None = None
    where: str = ""
    math: str = ""

    @property
    def is_leaf(self) -> bool:
        """Whether the node accumulates gradients."""
        return self.kind == "leaf"

    @property
    def parents(self) -> tuple[int, ...]:
        """The inputs that are nodes."""
        return tuple(i for i in self.inputs if isinstance(i, int))

    @property
    def held(self) -> int:
        """Bytes that this node alone keeps for backward."""
        return sum(s.held for s in self.saved)


@dataclass(frozen=True)
class Graph:
    """A recorded graph, oldest node first; the last node is the value given to `recorded`."""

    nodes: tuple[Node, ...]

    @property
    def edges(self) -> tuple[Edge, ...]:
        """One edge for each input that is a node."""
        return tuple(Edge(p, n.index) for n in self.nodes for p in n.parents)

    @property
    def result(self) -> Node:
        """The node of the value given to `recorded`."""
        return self.nodes[-1]

    @property
    def held(self) -> int:
        """Bytes kept for backward; memory that several nodes share is counted once."""
        return sum(n.held for n in self.nodes)

    @property
    def freed(self) -> int:
        """Bytes that were kept until a backward() freed them."""
        return sum(s.nbytes for n in self.nodes for s in n.saved if s.state == "freed")
