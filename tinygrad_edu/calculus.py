"""Derivatives of functions: `grad(f)` is a function again, and can be differentiated again.

Every f takes tensors and returns one. Its arguments need no `requires_grad`; nothing is left in anyone's
`.grad`.
"""
from __future__ import annotations

import functools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend import philox
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.engine.backprop import backprop
from tinygrad_edu.engine.modes import current, enable_grad, rehearsing, watch
from tinygrad_edu.engine.value import Deferred, Node, Storage, leaf
from tinygrad_edu.errors import NotDifferentiableError, ShapeError, StaleValueError, user_line
from tinygrad_edu.ops.movement import reshape as _alias
from tinygrad_edu.tensor import Tensor

Function = Callable[..., Any]


def _name(f: Function) -> str:
    return getattr(f, "__name__", repr(f))


class _Argument(Tensor):
    """An argument of f: a leaf, but no weight to be changed in place; `x += 1` makes a new tensor of it."""
    __slots__ = ()
    __iadd__, __isub__, __imul__, __itruediv__ = (Tensor.__add__, Tensor.__sub__, Tensor.__mul__,
                                                  Tensor.__truediv__)


def _inputs(xs: Sequence[Any], argnums: Sequence[int]) -> list[Any]:
    """The arguments; those to differentiate by get places of their own in the graph, joined to the caller's.
    """
    out = list(xs)
    for i in argnums:
        if not -len(xs) <= i < len(xs):
            raise IndexError(f"argnums names argument {i}, {len(xs)} were given (at {user_line()})")
        x = F.as_tensor(xs[i])
        if not dtypes.is_floating(x.dtype):
            raise TypeError(f"argument {i} is {x.dtype} (at {user_line()}); only floats have a gradient")
        out[i] = (_alias(x, shape=x.shape) if x.requires_grad else
                  _Argument(x.storage, leaf(x.shape, x.dtype)))
    return out


def _output(f: Function, xs: Sequence[Any]) -> Tensor:
    y = f(*xs)
    if not isinstance(y, Tensor):
        raise TypeError(f"{_name(f)} returned {type(y).__name__}; a tensor is needed to differentiate it")
    return y


def _reaches_outside(root: Node | None, own: set[Node]) -> bool:
    """Whether the graph of a result depends on anything but our own leaves: then somebody may differentiate
    again."""
    seen, stack = set(own), [root]
    if any(node.op is not None for node in own):
        return True
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        if node.op is None:
            return True
        seen.add(node)
        stack.extend(node.parents)
    return False


class _Recorded:
    """One run of f: its inputs, its output, and gradients on demand."""

    def __init__(self, f: Function, xs: Sequence[Any], argnums: Sequence[int]) -> None:
        self.recording = current.get().grad
        with enable_grad():
            given = _inputs(xs, argnums)
            self.y = _output(f, given)
        self.xs = [given[i] for i in argnums]
        self.nodes = [x.node for x in self.xs]
        self.linked = self.recording and _reaches_outside(self.y.node, set(self.nodes))

    def pull(self, seed: Tensor, create_graph: bool = False) -> list[Tensor]:
        """The gradients of <seed, y>, recorded when anyone could differentiate them again."""
        if self.y.node is None:
            return [F.zeros_like(x) for x in self.xs]
        record = create_graph or self.linked or (self.recording and seed.requires_grad)
        found = backprop(self.y, seed, create_graph=record, retain_graph=True, wanted=self.nodes)
        return [found[n] if n in found else F.zeros_like(x) for n, x in zip(self.nodes, self.xs, strict=True)]

    @property
    def value(self) -> Tensor:
        return self.y if self.linked else self.y.detach()


def _nums(argnums: int | Sequence[int]) -> tuple[int, ...]:
    return (argnums,) if isinstance(argnums, int) else tuple(argnums)


def _like(argnums: int | Sequence[int], values: list[Any]) -> Any:
    return values[0] if isinstance(argnums, int) else tuple(values)


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Tensor, Any]]:
    """A function of the same arguments that returns (f(x), df/dx). f must return a single number.

    `argnums` names the arguments to differentiate by; a sequence gives a tuple of gradients.
    """
    def value_and_gradient(*xs: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        run = _Recorded(functools.partial(f, **kwargs), xs, _nums(argnums))
        if run.y.size != 1:
            raise NotDifferentiableError(f"grad needs a function of one number, {_name(f)} returned shape "
                                         f"{run.y.shape} (at {user_line()}); use jacobian, or vjp with "
                                         "a direction")
        return run.value, _like(argnums, run.pull(F.ones_like(run.y)))
    return value_and_gradient


def grad(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """df/dx as a function of the same arguments. f must return a single number. `grad(grad(f))` works."""
    both = value_and_grad(f, argnums)

    def gradient(*xs: Any, **kwargs: Any) -> Any:
        return both(*xs, **kwargs)[1]
    return gradient


def vjp(f: Function, *xs: Any) -> tuple[Tensor, Callable[[Any], tuple[Tensor, ...]]]:
    """(y, pull) with y = f(*xs); pull(g) gives the gradients of <g, y> with respect to every argument."""
    run = _Recorded(f, xs, range(len(xs)))

    def pull(g: Any) -> tuple[Tensor, ...]:
        seed = F.as_tensor(g)
        if seed.shape != run.y.shape:
            raise ShapeError(f"vjp: the incoming gradient has shape {seed.shape}, "
                             f"{_name(f)} returned {run.y.shape}")
        return tuple(run.pull(seed.cast(run.y.dtype)))
    return run.value, pull


def jvp(f: Function, xs: Sequence[Any], tangents: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """(f(*xs), J v): how y changes when the arguments move along `tangents`.

    Forward mode from reverse mode: the vjp is linear in its incoming gradient u, and J v is its own vjp at u.
    """
    xs = [F.as_tensor(x) for x in xs]
    vs = [F.as_tensor(v) for v in tangents]
    if [x.shape for x in xs] != [v.shape for v in vs]:
        raise ShapeError(f"jvp: tangents of shapes {[v.shape for v in vs]} "
                         f"for arguments of {[x.shape for x in xs]}")
    run = _Recorded(f, xs, range(len(xs)))
    u = F.zeros(run.y.shape, dtype=run.y.dtype, requires_grad=True)
    with enable_grad():
        pulled = run.pull(u, create_graph=True)
        along = sum((F.sum(g * v) for g, v in zip(pulled, vs, strict=True)), F.zeros((), dtype=run.y.dtype))
    if along.node is None:
        return run.value, F.zeros_like(run.y)
    outside = run.recording and (run.linked or any(v.requires_grad for v in vs))
    assert u.node is not None
    found = backprop(along, F.ones_like(along), create_graph=outside, wanted=[u.node])
    return run.value, found.get(u.node, F.zeros_like(run.y))


def hvp(f: Function, x: Any, v: Any) -> Tensor:
    """H v for the Hessian H of a single-number f at x, at the cost of two gradients; H is never formed."""
    v = F.as_tensor(v)
    if v.shape != F.as_tensor(x).shape:
        raise ShapeError(f"hvp: the direction has shape {v.shape}, the point {F.as_tensor(x).shape}")

    def slope(z: Tensor) -> Tensor:
        return F.sum(grad(f)(z) * v)
    return grad(slope)(x)


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """All of dy/dx, of shape y.shape + x.shape: one backward per element of y."""
    def jacobian_of(*xs: Any, **kwargs: Any) -> Any:
        run = _Recorded(functools.partial(f, **kwargs), xs, _nums(argnums))
        rows: list[list[Tensor]] = []
        for i in range(run.y.size):
            seed = F.one_hot(F.tensor(i), run.y.size, dtype=run.y.dtype).reshape(run.y.shape)
            rows.append(run.pull(seed))
        out = [F.stack([row[k] for row in rows]).reshape(run.y.shape + x.shape) if rows
               else F.zeros(run.y.shape + x.shape, dtype=x.dtype) for k, x in enumerate(run.xs)]
        return _like(argnums, out)
    return jacobian_of


def hessian(f: Function) -> Callable[..., Tensor]:
    """All second derivatives of a single-number f by its first argument, of shape x.shape + x.shape."""
    return jacobian(grad(f))


class _Reads:
    """Watches a stretch: what it read that it did not make, how often that had been written, and whether any
    of it wants a gradient."""

    def __init__(self, xs: Sequence[Any]) -> None:
        self.made: weakref.WeakSet[Storage] = weakref.WeakSet()
        self.found: list[tuple[Storage, int]] = []
        self.linked = False
        self.note(xs)

    def note(self, values: Sequence[Any]) -> None:
        for x in values:
            if isinstance(x, Tensor) and x.storage not in self.made:
                self.found.append((x.storage, x.storage.writes.count))
                self.linked = self.linked or x.requires_grad

    def applied(self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], result: Any, node: Any,
                seconds: float) -> None:
        self.note(inputs)
        self.made.add(result)

    def pulled(self, node: Any, g: Any, grads: list[Any], seconds: float) -> None:
        """A stretch that walks a graph of its own reads nothing new by it."""


def checkpoint(f: Function, *xs: Any, generators: Sequence[Generator] = ()) -> Tensor:
    """f(*xs), keeping nothing of what happens inside: backward computes it again when it gets there.

    Trades time for memory. Random numbers come out the same the second time: the default generator, and those
    in `generators`, are set back for the recomputation and put forward again after it. Source: Chen, Xu,
    Zhang, Guestrin, "Training deep nets with sublinear memory cost", arXiv 1604.06174.
    """
    streams = (philox.current(), *generators)
    before = [g.state_dict() for g in streams]
    reads = _Reads(xs)
    with rehearsing(), watch(reads):
        y = _output(f, xs)
    if not (current.get().grad and reads.linked and dtypes.is_floating(y.dtype)):
        return y

    def again() -> Tensor:
        for storage, seen in reads.found:
            if storage.writes.count != seen:
                raise StaleValueError(f"an input of checkpoint({_name(f)}) was changed in place "
                                      f"(at {storage.writes.where}) before backward could use it; "
                                      "change a copy")
        now = [g.state_dict() for g in streams]
        for stream, state in zip(streams, before, strict=True):
            stream.load_state_dict(state)
        try:
            return _output(f, xs)
        finally:
            for stream, state in zip(streams, now, strict=True):
                stream.load_state_dict(state)
    return Tensor(y.storage, Deferred(tuple(x.node if isinstance(x, Tensor) else None for x in xs), again))
