"""The nouns of the graph: Storage (memory), Value (memory and a place in the graph), Node (one application of
an op).

No operator is defined here. Of a Value the engine asks three things: `+` to accumulate, `sum_to` to undo
broadcasting, and `cast` to undo promotion. `Tensor` provides them, floors above.
"""
from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.shapes import Shape

if TYPE_CHECKING:
    from tinygrad_edu.engine.op import Op, Plan

_order = itertools.count().__next__


class Storage:
    """Memory on a device: the identity of data, which Values may share and a tape keys on.

    `writes` is the storage that owns the memory (a view's base, else itself); it counts how often the memory
    was changed in place and remembers where in the user's program last.
    """
    __slots__ = ("__weakref__", "array", "backend", "base", "count", "where")

    def __init__(self, array: Any, backend: Backend, base: Storage | None = None) -> None:
        self.array, self.backend, self.base = array, backend, base
        self.count, self.where = 0, ""

    @property
    def writes(self) -> Storage:
        return self if self.base is None else self.base


class Node:
    """One application of an op, as plain data: edges to its parents and only the arrays its rules name.

    `order` grows with creation, so a parent's is always smaller than its child's: it is a topological order
    for free. A node without an op is a leaf; its `grad` is where gradients gather.
    """
    __slots__ = ("__weakref__", "grad", "hooks", "metas", "op", "order", "params", "parents", "plan",
                 "saved",
                 "where")

    def __init__(self, op: Op | None, parents: tuple[Node | None, ...], metas: tuple[tuple[Shape, Any], ...],
                 params: dict[str, Any], saved: tuple[Any, ...] | None,
                 plan: Plan | None = None) -> None:
        self.op, self.parents, self.metas, self.params, self.saved = op, parents, metas, params, saved
        self.plan = plan
        self.order = _order()
        self.grad: Any = None                   # of a leaf; of another node, when it was asked to retain it
        self.hooks: list[Callable[[Any], Any]] | None = None
        self.where = ""                         # the user's line, recorded under detect_anomaly()

    @property
    def name(self) -> str:
        """What a drawing calls this node."""
        return self.op.name if self.op is not None else "leaf"


class Deferred(Node):
    """A stretch of graph that was not kept: `expand()` computes it again when backward arrives."""
    __slots__ = ("expand",)

    def __init__(self, parents: tuple[Node | None, ...], expand: Callable[[], Value]) -> None:
        super().__init__(None, parents, (), {}, ())
        self.expand = expand

    @property
    def name(self) -> str:
        return "checkpoint"


def leaf(shape: Shape, dtype: np.dtype[Any]) -> Node:
    """The node of a value that gradients are gathered for."""
    return Node(None, (), ((shape, dtype),), {}, ())


class Value:
    """A place in memory and a place in the graph."""
    __slots__ = ("__weakref__", "node", "storage")
    kind: ClassVar[Callable[[Storage, Node | None], Any]]  # what ops return; the floor with operators sets it

    def __init__(self, storage: Storage, node: Node | None = None) -> None:
        self.storage, self.node = storage, node
