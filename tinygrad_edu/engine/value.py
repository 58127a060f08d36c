"""The classes of the graph: Storage (memory), Value (memory with its node), Node (one application of an op).

No operator is defined here. The engine needs three operations of a Value: `+` to accumulate, `sum_to` to undo
broadcasting, and `cast` to undo promotion. `Tensor`, on a higher floor, provides them.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.shapes import Shape

if TYPE_CHECKING:
    from tinygrad_edu.engine.hooks import Hooks
    from tinygrad_edu.engine.op import Op, Plan

_order = itertools.count().__next__
_INTERNAL: dict[str, Any] = {}


class Storage:
    """Memory on a device. Several Values may share it, and a tape identifies data by it.

    `writes` is the storage that owns the memory (a view's base, else itself); it counts how often the memory
    was changed in place, and stores the line of the user's program that did it last.
    """

    __slots__ = ("__weakref__", "array", "backend", "base", "count", "where")

    def __init__(self, array: Any, backend: Backend, base: Storage | None = None) -> None:
        self.array, self.backend, self.base = array, backend, base
        self.count, self.where = 0, ""

    @property
    def writes(self) -> Storage:
        return self if self.base is None else self.base


class Node:
    """One application of an op, as plain data: its parents, and only the arrays that its rules name.

    `order` increases with each new node, so a parent's is always smaller than its child's: it is a
    topological order. A node without an op is a leaf; its `grad` is the sum of its gradients.
    """

    __slots__ = ("__weakref__", "grad", "hooks", "metas", "op", "order", "params", "parents", "plan",
                 "saved",
                 "where")  # fmt: skip

    def __init__(
        self,
        op: Op | None,
        parents: tuple[Node | None, ...],
        metas: tuple[tuple[Shape, Any], ...],
        params: dict[str, Any],
        saved: tuple[Any, ...] | None,
        plan: Plan | None = None,
    ) -> None:
        self.op, self.parents, self.metas, self.params, self.saved = op, parents, metas, params, saved
        self.plan = plan
        self.order = _order()
        self.grad: Any = None  # of a leaf, or of a node with retain_grad()
        self.hooks: Hooks | None = None
        self.where = ""  # the user's line, recorded under detect_anomaly()

    @property
    def name(self) -> str:
        """What a drawing calls this node."""
        return self.op.name if self.op is not None else "leaf"


class Deferred(Node):
    """A segment of the graph that was not kept: backward calls `expand()` to compute it again.

    `expand` is None during the first run of the segment: a gradient ends here. `inner` is set for nodes that
    the segment made before its result.
    """

    __slots__ = ("expand", "inner")

    def __init__(self, parents: tuple[Node | None, ...], expand: Callable[[], Value] | None = None) -> None:
        super().__init__(None, parents, (), {}, ())
        self.expand = expand
        self.inner = expand is None

    @property
    def name(self) -> str:
        return "checkpoint"


def leaf(shape: Shape, dtype: np.dtype[Any], internal: bool = False) -> Node:
    """A leaf, the node of a value that gets gradients; `internal`: the library made it for its own use."""
    return Node(None, (), ((shape, dtype),), _INTERNAL if internal else {}, ())


def is_internal(node: Node) -> bool:
    """Whether the library made this leaf for its own use, so that no user has its value."""
    return node.params is _INTERNAL


def next_order() -> int:
    """A number above the order of every existing node, and below that of every later one."""
    return _order()


class Value:
    """Memory and its node in the graph.

    `frozen` is set on a leaf when its requires_grad is switched off: its memory and node, for switching it on
    again.
    """

    __slots__ = ("__weakref__", "frozen", "node", "storage")
    frozen: tuple[Storage, Node]
    plus: ClassVar[Any]  # the op of `+`, which adds gradients up
    kind: ClassVar[Callable[[Storage, Node | None], Any]]  # makes the results of ops; set by `Tensor`
    _stack_lists: ClassVar[Callable[[Any], Any]]  # stacks lists of Values; set by `Tensor`

    def __init__(self, storage: Storage, node: Node | None = None) -> None:
        self.storage, self.node = storage, node

    @property
    def inner(self) -> Any:
        """The tensor itself; the one that it stands for, where another library's face is put around it."""
        return self


_PLAIN = frozenset({float, int, bool, str, np.ndarray, np.float32, np.float64, np.int64, np.int32})


def values_in(data: Any) -> list[Value]:
    """The Values in nested lists and tuples, or `data` itself if it is one."""
    if isinstance(data, Value):
        return [data]
    if not isinstance(data, (list, tuple)) or not data:
        return []
    first = type(data[0])
    if first in _PLAIN:  # counting one type takes less than looking up each
        kinds = list(map(type, data))
        if kinds.count(first) == len(kinds) or _PLAIN.issuperset(kinds):
            return []
    return [value for item in data for value in values_in(item)]
