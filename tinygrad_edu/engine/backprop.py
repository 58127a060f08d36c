"""`backprop`: the only place where a graph is walked. One loop, from the newest node to the oldest.

Nodes are taken from a heap by the order of their creation, which is a topological order, so no node is
handled before every one of its consumers, and a stretch recomputed on the way (`Deferred`) simply joins the
heap. First-order backward runs the rules on bare arrays, where the arrays are NumPy's; only `create_graph`
pays for a graph. A graph may cross devices: whether a gradient is bare is asked of the gradient.
"""
from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from threading import Lock
from time import perf_counter
from typing import Any

import numpy as np

from tinygrad_edu.backend.registry import cpu
from tinygrad_edu.engine.modes import Modes, current, enable_grad
from tinygrad_edu.engine.value import Deferred, Node, Storage, Value
from tinygrad_edu.errors import (
    DeviceError,
    FreedGraphError,
    OpError,
    ShapeError,
    StaleValueError,
    user_line,
)
from tinygrad_edu.shapes import stretched_axes

_accumulating = Lock()


def backprop(root: Value, seed: Value, *, create_graph: bool = False, retain_graph: bool = False,
             wanted: Iterable[Node] | None = None) -> dict[Node, Any]:
    """Gradients of <seed, root> with respect to the leaves `root` depends on.

    Returns {leaf: Value}; with `wanted`, the gradients of just those nodes, and only paths to them are
    walked.
    """
    assert root.node is not None
    before = current.get()
    bare = root.storage.backend.arithmetic and not create_graph
    keep = retain_graph or create_graph
    targets = None if wanted is None else set(wanted)
    useful = None if targets is None else _ancestors_of(root.node, targets)

    def wrap(g: Any) -> Any:
        return g if isinstance(g, Value) else Value.kind(Storage(np.asarray(g), cpu), None)

    def kept(g: Any, node: Node) -> Any:
        if isinstance(g, Value):
            dtype = g.storage.array.dtype
            if dtype.kind == "c":       # of the complex step, in proofs; no tensor can be cast to it
                return g + 0  # type: ignore[operator]
            return g.cast(dtype)  # type: ignore[attr-defined]  # a copy, bit for bit
        return wrap(_own(g, node))

    grads: dict[Node, Any] = {root.node: seed.storage.array if bare else seed}
    heap = [(-root.node.order, root.node)]
    found: dict[Node, Any] = {}
    # Observers see each node pulled, and what users compute in hooks and stretches; what rules call is theirs
    # to see only when it is recorded. So on a device they see what they see on the cpu.
    watched = Modes(create_graph, before.observers)
    walking = watched if create_graph else Modes(False)
    current.set(walking)
    try:
        while heap:
            node = heappop(heap)[1]
            g = grads.pop(node)
            if node.hooks:
                current.set(watched)
                g = _run_hooks(node, g, wrap)
                current.set(walking)
            if targets is not None and node in targets:
                found[node] = kept(g, node)
            if node.op is None:
                if type(node) is Deferred:
                    if node.saved is None:
                        raise _freed("checkpoint")
                    current.set(watched)
                    with enable_grad():
                        again = node.expand()
                    current.set(walking)
                    if not keep:
                        node.saved = None
                    if again.node is not None:
                        if useful is not None and targets is not None:  # what it captured, nobody saw before
                            useful |= _ancestors_of(again.node, targets)
                        _add(grads, heap, again.node, g)
                elif targets is None:
                    found[node] = kept(g, node)
                    del g
                continue
            inputs = pull(node, g, not isinstance(g, Value), before.observers)
            if not keep and node.saved:
                node.saved = None
            del g
            for parent, slope in zip(node.parents, inputs, strict=True):
                if slope is not None and parent is not None and (useful is None or parent in useful):
                    _add(grads, heap, parent, slope)
            del inputs, slope
    finally:
        current.set(before)
    return found


def _add(grads: dict[Node, Any], heap: list[tuple[int, Node]], node: Node, g: Any) -> None:
    if node in grads:
        grads[node] = grads[node] + g
    else:
        grads[node] = g
        heappush(heap, (-node.order, node))


def pull(node: Node, g: Any, raw: bool, observers: tuple[Any, ...] = ()) -> list[Any]:
    """The gradients of a node's inputs (None where none is wanted), given the gradient of its output."""
    op, plan = node.op, node.plan
    assert op is not None and plan is not None
    env = _environment(node, raw)
    env["g"] = g
    start = perf_counter() if observers else 0.0
    parents, metas = node.parents, node.metas
    slopes: list[Any] = [None] * len(parents)
    if op.joint is None:
        for i, rule, names in plan.rules:
            slopes[i] = rule(*[env[n] for n in names])
    else:
        env["wants"] = tuple([p is not None for p in parents])
        slopes = list(op.joint(*[env[n] for n in op.needs[0]]))
        if len(slopes) != len(parents):
            raise OpError(f"{op.name}: its rule returned {len(slopes)} gradients, expected {len(parents)}")
    for i, slope in enumerate(slopes):
        if slope is not None and parents[i] is not None:
            if raw and isinstance(slope, Value) and slope.storage.backend.arithmetic:
                slopes[i] = slope = slope.storage.array     # a rule may use functions of the public face
            shape, dtype = metas[i]
            if getattr(slope, "shape", None) != shape:
                slopes[i] = slope = sum_to(slope, shape, op)
            if slope.dtype != dtype:
                slopes[i] = slope.astype(dtype)
    for observer in observers:
        observer.pulled(node, g, slopes, perf_counter() - start)
    return slopes


def _environment(node: Node, raw: bool) -> dict[str, Any]:
    """Everything a rule may name, but `g`: saved arrays (or Values, when a graph is wanted), shapes,
    parameters."""
    op, plan = node.op, node.plan
    assert op is not None and plan is not None
    if node.saved is None:
        raise _freed(op.name)
    env = dict(node.params)
    for name, i in plan.shapes:
        env[name] = node.metas[i][0] if not op.variadic else tuple(meta[0] for meta in node.metas)
    for name, kept, owner, seen in node.saved:
        if seen < 0:
            env[name] = kept
            continue
        if kept.writes.count != seen:
            raise StaleValueError(
                f"{name!r} of {op.name} {node.metas[0][0]} was changed in place (at {kept.writes.where}) "
                f"after it was saved for backward{', at ' + node.where if node.where else ''}; change a "
                "copy, or call backward() first")
        env[name] = kept.array if raw else Value.kind(kept, node if name == "out" else owner)
    if op.variadic:
        env[op.inputs[0]] = tuple(env.pop(str(i), None) for i in range(len(node.metas)))
    return env


def _freed(name: str) -> FreedGraphError:
    return FreedGraphError(f"{name}: backward() was already called through this graph and what it saved is "
                           "freed; pass retain_graph=True to the first call if you need a second")


def sum_to(g: Any, shape: tuple[int, ...], op: Any = None) -> Any:
    """The adjoint of broadcasting `shape` to the shape of `g`, for a bare array or a Value."""
    if not hasattr(g, "shape"):
        raise OpError(f"{getattr(op, 'name', 'vjp')}: its rule returned {type(g).__name__} {g!r:.40}, "
                      f"expected an array of shape {shape}, or None")
    try:
        axes = stretched_axes(shape, g.shape)
    except ShapeError:
        raise ShapeError(f"{getattr(op, 'name', 'vjp')}: its rule returned a gradient of shape "
                         f"{tuple(g.shape)}, expected a shape that {shape} broadcasts to") from None
    if isinstance(g, Value):
        return g.sum_to(shape)  # type: ignore[attr-defined]
    lead = len(g.shape) - len(shape)
    if len(axes) == lead:
        return np.add.reduce(g, axes)
    return np.add.reduce(g, axes, keepdims=True).reshape(shape)


def _own(g: Any, node: Node) -> Any:
    """`g`, or a copy when anything else could see it change: a leaf's gradient is never shared.

    An array that nobody else refers to is counted four times here: the names of two callers, the parameter
    and getrefcount's own.
    """
    g = np.asarray(g)
    alone = sys.getrefcount(g) <= 4 and g.base is None and g.flags.owndata
    return g if alone else g.copy()


def _run_hooks(node: Node, g: Any, wrap: Callable[[Any], Any]) -> Any:
    for hook in tuple(node.hooks or ()):
        given = wrap(g)
        answer = hook(given)
        if answer is not None:
            if tuple(answer.shape) != tuple(given.shape):
                raise ShapeError(f"a gradient hook on {node.name} returned shape {tuple(answer.shape)} "
                                 f"for a gradient of {tuple(given.shape)}")
            here, there = given.storage.backend, answer.storage.backend
            if there is not here:
                raise DeviceError(f"a gradient hook on {node.name} returned a tensor on {there.name} for a "
                                  f"gradient on {here.name}; return it .to({here.name!r})")
            g = answer if isinstance(g, Value) else answer.storage.array
    return g


def _ancestors_of(root: Node, targets: set[Node]) -> set[Node]:
    """The nodes between `root` and `targets`, both included: those a gradient must pass. Deferred ones always
    count."""
    order, seen, stack = [], {root}, [root]
    while stack:
        node = stack.pop()
        order.append(node)
        for p in node.parents:
            if p is not None and p not in seen:
                seen.add(p)
                stack.append(p)
    useful: set[Node] = set()
    for node in sorted(order, key=lambda n: n.order):
        if node in targets or type(node) is Deferred or any(p in useful for p in node.parents):
            useful.add(node)
    return useful


def accumulate(node: Node, g: Any, create_graph: bool) -> None:
    """Add to a leaf's gradient. Safe from any number of threads."""
    with _accumulating:
        if node.grad is None:
            node.grad = g
        elif create_graph or node.grad.node is not None or not g.storage.backend.arithmetic:
            node.grad = node.grad + g
        else:
            node.grad.storage.array += g.storage.array
            writes = node.grad.storage.writes
            writes.count += 1
            writes.where = user_line() if writes.count < 2 else writes.where
