"""`backprop`: the only function that runs backward through a graph, in one loop from the newest node to the
oldest.

Nodes are taken from a heap by the order of their creation, which is a topological order. So every node is
handled after all nodes computed from it, and the nodes of a segment that is computed again (`Deferred`) are
pushed onto the same heap. First-order backward runs the rules on plain arrays, if the arrays are NumPy's;
only `create_graph` records a graph. A graph may cross devices, so each gradient is checked for being a plain
array.
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from time import perf_counter
from typing import Any

import numpy as np

from tinygrad_edu.backend import forks
from tinygrad_edu.backend.registry import cpu
from tinygrad_edu.backend.sums import SMALL, total
from tinygrad_edu.engine import access
from tinygrad_edu.engine.hooks import Hooks, calling_back, pass_hooks
from tinygrad_edu.engine.modes import Modes, current, enable_grad
from tinygrad_edu.engine.op import only_read
from tinygrad_edu.engine.value import Deferred, Node, Storage, Value, is_internal, next_order
from tinygrad_edu.errors import FreedGraphError, OpError, ShapeError, StaleValueError, wrong
from tinygrad_edu.shapes import stretched_axes

_accumulating = forks.lock()


def backprop(
    root: Value,
    seed: Value,
    *,
    create_graph: bool = False,
    retain_graph: bool = False,
    wanted: Iterable[Node] | None = None,
    early: dict[Node, int] | None = None,
) -> dict[Node, Any]:
    """Gradients of <seed, root> with respect to the leaves `root` depends on.

    Returns {leaf: Value}; with `wanted`, the gradients of these nodes only,
    and only the paths to them are followed.
    early  leaves, each with the number of edges to it. Each is not returned: as soon as its gradient is
           complete, it is accumulated and the leaf's hooks are called
    """
    assert root.node is not None
    before = current.get()
    plain = not create_graph and not before.every_op  # the ops that rules apply are not observed
    keep = retain_graph or create_graph
    targets = None if wanted is None else set(wanted)
    useful = None if targets is None else _ancestors_of(root.node, targets)

    def wrap(g: Any) -> Any:
        return g if isinstance(g, Value) else Value.kind(Storage(np.asarray(g), cpu), None)

    def copied(g: Any) -> Any:
        if not isinstance(g, Value):
            return wrap(np.array(g))
        dtype = g.storage.array.dtype
        if dtype.kind == "c":  # from the complex step in proofs; no tensor can be cast to complex
            return g + 0  # type: ignore[operator]
        return g.cast(dtype)  # type: ignore[attr-defined]  # a copy, bit for bit

    def kept(g: Any, node: Node) -> Any:
        return wrap(g) if node in owners and not isinstance(g, Value) else copied(g)

    def deliver(node: Node, g: Any) -> None:
        assert node.hooks is not None and node.hooks.accumulated is not None
        if len(node.hooks):
            g = pass_hooks(node, g, copied, watched)
        accumulate(node, kept(g, node), create_graph)
        current.set(watched)
        for hook in tuple(node.hooks.accumulated.values()):
            hook()
        current.set(walking)

    grads: dict[Node, Any] = {root.node: _plain_array(seed) if plain else seed}
    owners: set[Node] = set()  # leaves whose array in `grads` nothing else refers to
    heap = [(-root.node.order, root.node)]
    found: dict[Node, Any] = {}
    recomputed: list[range] = []  # the orders of nodes in segments that were computed again
    # Observers are notified of each node, and of the ops that users compute in hooks and checkpoints. They
    # are notified of ops inside rules only if these are recorded, or if an observer asks for every op. So
    # they see the same on a device as on the cpu.
    watched = Modes(create_graph, before.observers)
    walking = watched if create_graph or before.every_op else Modes(False)
    try:
        current.set(walking)
        while heap:
            node = heappop(heap)[1]
            g = grads.pop(node, None)
            if g is None:  # a leaf that was delivered before its turn
                continue
            if early and node in early:
                deliver(node, g)
                continue
            if node.hooks is not None:
                g = pass_hooks(node, g, copied, watched)
                if node.hooks.retained:
                    accumulate(node, copied(g), create_graph)
            if targets is not None and node in targets:
                found[node] = kept(g, node)
            if node.op is None:
                if type(node) is Deferred:
                    if node.saved is None:
                        raise _freed_error("checkpoint")
                    if node.expand is None:
                        if targets is None:
                            raise wrong(
                                RuntimeError,
                                "backward",
                                "backward() inside a function given to te.checkpoint",
                                "it would happen when that is computed again, and not now; take "
                                "gradients there by te.grad, or call backward() outside",
                            )
                        continue
                    begin = next_order()
                    current.set(watched)
                    with enable_grad():
                        again = node.expand()
                    current.set(walking)
                    if not keep:
                        node.saved = None
                    recomputed.append(range(begin, next_order()))
                    if again.node is not None:
                        if (
                            useful is not None and targets is not None
                        ):  # tensors that its function captured are new
                            useful |= _ancestors_of(again.node, targets)
                        if again.node in grads:
                            grads[again.node] = grads[again.node] + g
                        else:
                            grads[again.node] = g
                            heappush(heap, (-again.node.order, again.node))
                elif targets is None:
                    if recomputed and not is_internal(node) and any(node.order in r for r in recomputed):
                        raise wrong(
                            RuntimeError,
                            "backward",
                            f"a leaf of shape {node.metas[0][0]} was made inside a function given to "
                            "te.checkpoint, and made again for this backward(): nobody would see its "
                            "gradient",
                            "make it outside, or take its gradient inside by te.grad",
                        )
                    found[node] = kept(g, node)
                    del g
                continue
            inputs = pull(node, g, plain, before.observers, owners)
            if not keep and node.saved:
                node.saved = None
            del g
            for parent, slope in zip(node.parents, inputs, strict=True):
                if slope is None or parent is None or (useful is not None and parent not in useful):
                    continue
                if parent in grads:
                    grads[parent] = grads[parent] + slope
                    if parent.op is None:
                        owners.add(parent)
                else:
                    grads[parent] = slope
                    heappush(heap, (-parent.order, parent))
            del inputs, slope
            if early:
                for parent in node.parents:
                    if parent in early:
                        early[parent] -= 1
                        if not early[parent] and (complete := grads.pop(parent, None)) is not None:
                            deliver(parent, complete)
                            del complete
    finally:
        current.set(before)
    return found


def backward(root: Value, seed: Value, create_graph: bool, retain_graph: bool) -> None:
    """Add the gradients of <seed, root> to the `grad` of the leaves, and call the hooks on that."""
    assert root.node is not None
    early = _leaves_with_hooks(root.node) if Hooks.are_accumulated else None
    if not early:
        for node, g in backprop(root, seed, create_graph=create_graph, retain_graph=retain_graph).items():
            accumulate(node, g, create_graph)
        return
    with calling_back():
        found = backprop(root, seed, create_graph=create_graph, retain_graph=retain_graph, early=early)
        for node, g in found.items():
            accumulate(node, g, create_graph)


def _leaves_with_hooks(root: Node) -> dict[Node, int]:
    """The leaves whose hooks are called when their `grad` is complete, with the number of edges to each.

    A segment that is computed again adds edges; the numbers are then 0, which no countdown reaches.
    """
    counts: dict[Node, int] = {}
    seen, stack, certain = {root}, [root], True
    while stack:
        node = stack.pop()
        certain = certain and type(node) is not Deferred
        if node.op is None and node.hooks is not None and node.hooks.accumulated:
            counts.setdefault(node, 0)
        for parent in node.parents:
            if parent is None:
                continue
            if parent.op is None and parent.hooks is not None and parent.hooks.accumulated:
                counts[parent] = counts.get(parent, 0) + 1
            if parent not in seen:
                seen.add(parent)
                stack.append(parent)
    return counts if certain else dict.fromkeys(counts, 0)


def _plain_array(g: Any) -> Any:
    """The array of a Value, if arrays of its backend have operators, so that rules need no Values."""
    return g.storage.array if isinstance(g, Value) and g.storage.backend.arithmetic else g


def pull(node: Node, g: Any, plain: bool, observers: tuple[Any, ...], owners: set[Node]) -> list[Any]:
    """The gradients of a node's inputs (None where none is wanted), given the gradient of its output.

    plain   whether they may be plain arrays, because the ops of the rule are not observed
    owners  the leaves among the inputs are added to it if nothing else refers to their gradient
    """
    op, plan, raw = node.op, node.plan, not isinstance(g, Value)
    assert op is not None and plan is not None
    env = _environment(node, raw)
    env["g"] = g
    if raw and op.user_function:
        env = {name: only_read(x) for name, x in env.items()}  # another node may have the same gradient array
    start = perf_counter() if observers else 0.0
    parents, metas = node.parents, node.metas
    slopes: list[Any] = [None] * len(parents)
    try:
        if op.joint is None:
            for i, rule, names in plan.rules:
                slopes[i] = rule(*[env[n] for n in names])
        else:
            env["wants"] = tuple([p is not None for p in parents])
            slopes = list(op.joint(*[env[n] for n in op.needs[0]]))
    except AttributeError as error:
        if not op.user_function or not isinstance(error.obj, np.ndarray):
            raise
        raise wrong(
            AttributeError,
            op.name,
            f"its rule asks an array for .{error.name}",
            "a rule gets NumPy arrays, or tensors when it is differentiated in its turn, so write it "
            "with operators and functions of te, which take both: te.exp(x), not x.exp()",
        ) from error
    if op.joint is not None and len(slopes) != len(parents):
        raise wrong(OpError, op.name, f"its rule returned {len(slopes)} gradients, expected {len(parents)}")
    for i, slope in enumerate(slopes):
        parent = parents[i]
        if slope is not None and parent is not None:
            if plain and isinstance(slope, Value):  # a rule may use public functions of tensors
                slopes[i] = slope = _plain_array(slope)
            shape, dtype = metas[i]
            if getattr(slope, "shape", None) != shape:
                slopes[i] = slope = sum_to(slope, shape, op)
            if slope.dtype != dtype:
                slopes[i] = slope = slope.astype(dtype)
            # Rules of the library never return a saved array, or one array for two inputs; a test checks
            # that.
            if parent.op is None and op.trusted and slope is not g and getattr(slope, "base", g) is None:
                owners.add(parent)
    for observer in observers:
        observer.pulled(node, g, slopes, perf_counter() - start)
    return slopes


def _environment(node: Node, raw: bool) -> dict[str, Any]:
    """All that a rule may name, except `g`: saved arrays, shapes and parameters.

    If a graph is recorded, the saved arrays are Values.
    """
    op, plan = node.op, node.plan
    assert op is not None and plan is not None
    if node.saved is None:
        raise _freed_error(op.name)
    env = dict(node.params)
    for name, i in plan.shapes:
        env[name] = node.metas[i][0] if not op.variadic else tuple(meta[0] for meta in node.metas)
    for name, kept, owner, seen in node.saved:
        if seen < 0:
            env[name] = kept
            continue
        if kept.writes.count != seen:
            raise wrong(
                StaleValueError,
                "backward",
                f"{name!r} of {op.name} {node.metas[0][0]} was changed in place (at {kept.writes.where}) "
                f"after it was saved for backward{', at ' + node.where if node.where else ''}",
                "change a copy, or call backward() first",
            )
        env[name] = kept.array if raw else Value.kind(kept, node if name == "out" else owner)
    if op.variadic:
        env[op.inputs[0]] = tuple(env.pop(str(i), None) for i in range(len(node.metas)))
    return env


def _freed_error(name: str) -> FreedGraphError:
    return wrong(
        FreedGraphError,
        name,
        "backward() was already called through this graph and what it saved is freed",
        "pass retain_graph=True to the first call if you need a second",
    )


def sum_to(g: Any, shape: tuple[int, ...], op: Any = None) -> Any:
    """The adjoint of broadcasting `shape` to the shape of `g`, for a bare array or a Value."""
    if not hasattr(g, "shape"):
        raise wrong(
            OpError,
            getattr(op, "name", "vjp"),
            f"its rule returned {type(g).__name__} {g!r:.40}, expected an array of shape {shape}, or None",
        )
    try:
        axes = stretched_axes(shape, g.shape)
    except ShapeError:
        raise wrong(
            ShapeError,
            getattr(op, "name", "vjp"),
            f"its rule returned a gradient of shape {tuple(g.shape)}, expected a shape that {shape} "
            "broadcasts to",
        ) from None
    if isinstance(g, Value):
        return g.sum_to(shape)  # type: ignore[attr-defined]
    lead = len(g.shape) - len(shape)
    if len(axes) == lead:
        return np.add.reduce(g, axes) if g.size <= SMALL else total(g, axes)
    return total(g, axes, keepdims=True).reshape(shape)


def _ancestors_of(root: Node, targets: set[Node]) -> set[Node]:
    """The nodes on the paths from `root` to `targets`, both included. Deferred nodes are always included."""
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
    """Add to the gradient stored at a node, usually a leaf. Safe from any number of threads."""
    with _accumulating:
        if node.grad is None:
            node.grad = g
        elif create_graph or node.grad.node is not None:
            node.grad = node.grad + g
        else:
            memory = node.grad.storage
            access.update(memory, Value.plus, g, "backward", memory.writes.where)
