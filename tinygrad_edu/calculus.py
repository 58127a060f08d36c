"""Derivatives of functions: `grad(f)` is again a function, which can be differentiated again.

Every f takes tensors and returns one. Its arguments need no `requires_grad`, and no `.grad` is changed.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.engine.backprop import backprop
from tinygrad_edu.engine.modes import enable_grad, is_grad_enabled
from tinygrad_edu.engine.value import Deferred, Node, leaf
from tinygrad_edu.errors import NotDifferentiableError, ShapeError, describe, wrong
from tinygrad_edu.ops.movement import reshape as _alias
from tinygrad_edu.scalars import integers, is_one
from tinygrad_edu.tensor import Tensor

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]

Function = Callable[..., Any]


def name_of(f: Function) -> str:
    """The name of f in errors."""
    return getattr(f.func if isinstance(f, functools.partial) else f, "__name__", repr(f))


class _Argument(Tensor):
    """An argument of f: a leaf, but `x += 1` makes a new tensor instead of changing it in place."""

    __slots__ = ()
    __iadd__, __isub__, __imul__, __itruediv__ = (
        Tensor.__add__,
        Tensor.__sub__,
        Tensor.__mul__,
        Tensor.__truediv__,
    )


def _inputs(f: Function, xs: Sequence[Any], argnums: Sequence[int]) -> list[Any]:
    """The arguments; those to differentiate by get new nodes, connected to the caller's graph."""
    out = list(xs)
    for i in argnums:
        if not -len(xs) <= i < len(xs):
            raise wrong(IndexError, name_of(f), f"argnums names argument {i}, {len(xs)} were given")
        x = F.as_tensor(xs[i])
        if not dtypes.is_floating(x.dtype):
            raise wrong(TypeError, name_of(f), f"argument {i} is {x.dtype}", "only floats have a gradient")
        if x.requires_grad:
            x = _alias(x, shape=x.shape)
        out[i] = x if x.requires_grad else _Argument(x.storage, leaf(x.shape, x.dtype, internal=True))
    return out


def output_of(f: Function, xs: Sequence[Any]) -> Tensor:
    """f(*xs). Raises TypeError if the result is not a tensor."""
    y = f(*xs)
    if not isinstance(y, Tensor):
        raise wrong(
            TypeError,
            name_of(f),
            f"{name_of(f)} returned {type(y).__name__}",
            "a tensor is needed to differentiate it",
        )
    return y


def _depends_on_others(root: Node | None, own: set[Node]) -> bool:
    """Whether the graph depends on other leaves than `own`: then it may be differentiated again."""
    seen, stack = set(own), [root]
    if any(node.op is not None for node in own):
        return True
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        if node.op is None and not isinstance(node, Deferred):
            return True
        seen.add(node)
        stack.extend(node.parents)
    return False


class _Recorded:
    """One run of f: its inputs, its output, and gradients on demand."""

    def __init__(self, f: Function, xs: Sequence[Any], argnums: Sequence[int]) -> None:
        self.recording = is_grad_enabled()
        with enable_grad():
            given = _inputs(f, xs, argnums)
            self.y = output_of(f, given)
        self.xs = [given[i] for i in argnums]
        self.nodes = [x.node for x in self.xs]
        self.linked = self.recording and _depends_on_others(self.y.node, set(self.nodes))

    def pull(self, seed: Tensor, create_graph: bool = False) -> list[Tensor]:
        """The gradients of <seed, y>, recorded if they could be differentiated again."""
        if self.y.node is None:
            return [F.zeros_like(x) for x in self.xs]
        record = create_graph or self.linked or (self.recording and seed.requires_grad)
        found = backprop(self.y, seed, create_graph=record, retain_graph=True, wanted=self.nodes)
        return [found[n] if n in found else F.zeros_like(x) for n, x in zip(self.nodes, self.xs, strict=True)]

    @property
    def value(self) -> Tensor:
        return self.y if self.linked else self.y.detach()


def _argnum_tuple(argnums: int | Sequence[int]) -> tuple[int, ...]:
    return integers(argnums, "argnums")


def _as_argnums(argnums: int | Sequence[int], values: list[Any]) -> Any:
    return values[0] if is_one(argnums) else tuple(values)


def _check_function(title: str, f: Any, argnums: Any) -> None:
    """Raise TypeError if a result was given instead of a function, or an argument instead of its number."""
    if not callable(f):
        raise wrong(
            TypeError,
            f"te.{title}",
            f"te.{title} takes a function, not {describe(f)}",
            f"it returns one: te.{title}(f)(x); of a loss, loss.backward() fills the grad of its tensors",
        )
    if getattr(getattr(argnums, "dtype", None), "kind", "") == "f":
        raise wrong(
            TypeError,
            f"te.{title}",
            f"argnums counts arguments and is not {describe(argnums)}",
            f"the function that it returns takes the arguments: te.{title}(f)(x)",
        )


def value_and_grad(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., tuple[Tensor, Any]]:
    """A function of the same arguments that returns (f(x), df/dx). f must return a single number.

    `argnums` has the indices of the arguments to differentiate by; a sequence gives a tuple of gradients.
    """
    _check_function("grad", f, argnums)

    def value_and_gradient(*xs: Any, **kwargs: Any) -> tuple[Tensor, Any]:
        run = _Recorded(functools.partial(f, **kwargs), xs, _argnum_tuple(argnums))
        if run.y.size != 1:
            raise wrong(
                NotDifferentiableError,
                "grad",
                f"grad needs a function of one number, {name_of(f)} returned shape {run.y.shape}",
                "use jacobian, or vjp with a direction",
            )
        return run.value, _as_argnums(argnums, run.pull(F.ones_like(run.y)))

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
            raise wrong(
                ShapeError,
                "vjp",
                f"the incoming gradient has shape {seed.shape}, {name_of(f)} returned {run.y.shape}",
            )
        return tuple(run.pull(seed.cast(run.y.dtype)))

    return run.value, pull


def jvp(f: Function, xs: Sequence[Any], tangents: Sequence[Any]) -> tuple[Tensor, Tensor]:
    """(f(*xs), J v): the derivative of f along `tangents`, one per argument.

    Forward mode from reverse mode: the vjp is linear in its incoming gradient u, and J v is its own vjp at u.
    """
    xs, tangents = ([one] if isinstance(one, (Tensor, float, int)) else one for one in (xs, tangents))
    xs = [F.as_tensor(x) for x in xs]
    vs = [F.as_tensor(v) for v in tangents]
    if [x.shape for x in xs] != [v.shape for v in vs]:
        raise wrong(
            ShapeError,
            "jvp",
            f"tangents of shapes {[v.shape for v in vs]} for arguments of {[x.shape for x in xs]}",
        )
    run = _Recorded(f, xs, range(len(xs)))
    u = Tensor(
        F.zeros(run.y.shape, dtype=run.y.dtype, device=run.y.device).storage,
        leaf(run.y.shape, run.y.dtype, internal=True),
    )
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
        raise wrong(ShapeError, "hvp", f"the direction has shape {v.shape}, the point {F.as_tensor(x).shape}")

    def slope(z: Tensor) -> Tensor:
        return F.sum(grad(f)(z) * v)

    return grad(slope)(x)


def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """All of dy/dx, of shape y.shape + x.shape: one backward per element of y."""
    _check_function("jacobian", f, argnums)

    def jacobian_of(*xs: Any, **kwargs: Any) -> Any:
        run = _Recorded(functools.partial(f, **kwargs), xs, _argnum_tuple(argnums))
        rows: list[list[Tensor]] = []
        for i in range(run.y.size):
            seed = F.one_hot(F.tensor(i), run.y.size, dtype=run.y.dtype).reshape(run.y.shape)
            rows.append(run.pull(seed))
        out = [
            F.stack([row[k] for row in rows]).reshape(run.y.shape + x.shape)
            if rows
            else F.zeros(run.y.shape + x.shape, dtype=x.dtype)
            for k, x in enumerate(run.xs)
        ]
        return _as_argnums(argnums, out)

    return jacobian_of


def hessian(f: Function) -> Callable[..., Tensor]:
    """All second derivatives of a single-number f by its first argument, of shape x.shape + x.shape."""
    return jacobian(grad(f))
