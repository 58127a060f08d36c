"""Derivatives of functions: `grad(f)` is again a function, which can be differentiated again.

Every f takes tensors and returns one. Its arguments need no `requires_grad`, and no `.grad` is changed.

An argument may be a tree of tensors: dicts, lists, tuples, named tuples and dataclasses, nested (see
`te.tree`). A gradient is then a tree like the argument. A list of numbers is one array, as everywhere in the
library, and a list of tensors is a tree. For `vjp`, `jvp` and `jacobian` f may return a tree, too.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from tinygrad_edu import functional as F
from tinygrad_edu import tree
from tinygrad_edu.calculus.recorded import Function as Function
from tinygrad_edu.calculus.recorded import Recorded, is_array
from tinygrad_edu.calculus.recorded import name_of as name_of
from tinygrad_edu.calculus.recorded import output_of as output_of
from tinygrad_edu.engine.backprop import backprop
from tinygrad_edu.engine.modes import enable_grad
from tinygrad_edu.engine.value import leaf
from tinygrad_edu.errors import NotDifferentiableError, ShapeError, describe, wrong
from tinygrad_edu.scalars import integers, is_one
from tinygrad_edu.tensor import Tensor
from tinygrad_edu.words import explaining, unknown_argument

__all__ = ["grad", "hessian", "hvp", "jacobian", "jvp", "value_and_grad", "vjp"]


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


def _refuse_options(title: str, f: Function, given: dict[str, Any]) -> None:
    """Raise TypeError for PyTorch's options of a derivative, which f would be given."""
    for name in given.keys() & {"create_graph", "retain_graph", "allow_unused", "vectorize", "strict"}:
        try:
            parameters = inspect.signature(f).parameters
        except (TypeError, ValueError):
            continue
        if name not in parameters and not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            raise unknown_argument(f"te.{title}(f)", name, ())


def _without_aux(f: Function, kept: list[Any]) -> Function:
    """f, which returns (number, aux), as a function of the number only; aux is added to `kept`."""

    def number(*xs: Any, **kwargs: Any) -> Any:
        found = f(*xs, **kwargs)
        if not isinstance(found, tuple) or len(found) != 2:
            raise wrong(
                TypeError,
                name_of(f),
                f"with has_aux=True, {name_of(f)} must return (number, aux), not {describe(found)}",
                "leave has_aux out if it returns the number alone",
            )
        kept.append(found[1])
        return found[0]

    number.__name__ = name_of(f)
    return number


@functools.partial(explaining, title="te.value_and_grad")
def value_and_grad(
    f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False
) -> Callable[..., tuple[Any, Any]]:
    """A function of the same arguments that returns (f(x), df/dx). f must return a single number.

    With `has_aux`, f returns (number, aux), and the function ((number, aux), df/dx), as in JAX. aux is
    anything that is not to be differentiated; its tensors have no graph, unless f(x) has one.

    `argnums` has the indices of the arguments to differentiate by; a sequence gives a tuple of gradients. The
    gradient by a tree is a tree like it; its leaves must be floats.
    """
    _check_function("grad", f, argnums)

    def value_and_gradient(*xs: Any, **kwargs: Any) -> tuple[Any, Any]:
        _refuse_options("grad", f, kwargs)
        kept: list[Any] = []
        number = _without_aux(f, kept) if has_aux else f
        run = Recorded(functools.partial(number, **kwargs), xs, _argnum_tuple(argnums))
        if run.y.size != 1:
            raise wrong(
                NotDifferentiableError,
                "grad",
                f"grad needs a function of one number, {name_of(f)} returned shape {run.y.shape}",
                "use jacobian, or vjp with a direction",
            )
        gradients = _as_argnums(argnums, run.nested(run.pull(F.ones_like(run.y))))
        if not has_aux:
            return run.value, gradients
        aux = kept[0] if run.linked else tree.map(_detached, kept[0])
        return (run.value, aux), gradients

    return value_and_gradient


def _detached(x: Any) -> Any:
    return x.detach() if isinstance(x, Tensor) else x


@functools.partial(explaining, title="te.grad")
def grad(f: Function, argnums: int | Sequence[int] = 0, *, has_aux: bool = False) -> Callable[..., Any]:
    """df/dx as a function of the same arguments. f must return a single number. `grad(grad(f))` works.

    With `has_aux`, f returns (number, aux), and the function (df/dx, aux); see `value_and_grad`.
    """
    both = value_and_grad(f, argnums, has_aux=has_aux)

    def gradient(*xs: Any, **kwargs: Any) -> Any:
        value, found = both(*xs, **kwargs)
        return (found, value[1]) if has_aux else found

    return gradient


def _leaves_like(run: Recorded, title: str, g: Any) -> list[Tensor]:
    """The leaves of a tree like the output of f. Raises ValueError for another structure."""
    found = tree.fitted(run.output_structure, g, f"{title}: the incoming gradient")
    return [F.as_tensor(x) for x in found]


@functools.partial(explaining, title="te.vjp")
def vjp(f: Function, *xs: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """(y, pull) with y = f(*xs); pull(g) gives the gradients of <g, y> with respect to every argument.

    Where f returns a tree, g is one like it.
    """
    run = Recorded(f, xs, range(len(xs)), several=True)

    def pull(g: Any) -> tuple[Any, ...]:
        seeds = _leaves_like(run, "vjp", g)
        for seed, y in zip(seeds, run.outputs, strict=True):
            if seed.shape != y.shape:
                raise wrong(
                    ShapeError,
                    "vjp",
                    f"the incoming gradient has shape {seed.shape}, {name_of(f)} returned {y.shape}",
                )
        seed = seeds[0] if run.output_structure.kind is None else F.concat([F.flatten(s) for s in seeds])
        return tuple(run.nested(run.pull(seed.cast(run.y.dtype))))

    return run.value, pull


def _is_sequence(xs: Any) -> bool:
    return type(xs) in (list, tuple)


@functools.partial(explaining, title="te.jvp")
def jvp(f: Function, xs: Sequence[Any], tangents: Sequence[Any]) -> tuple[Any, Any]:
    """(f(*xs), J v): the derivative of f along `tangents`, one per argument, of its structure.

    Forward mode from reverse mode: the vjp is linear in its incoming gradient u, and J v is its own vjp at u.
    """
    xs, tangents = (list(one) if _is_sequence(one) else [one] for one in (xs, tangents))
    if len(xs) != len(tangents):
        raise wrong(ShapeError, "jvp", f"tangents of {len(tangents)} arguments for {len(xs)} of {name_of(f)}")
    run = Recorded(f, xs, range(len(xs)), several=True)
    vs = [
        F.as_tensor(v)
        for i, (structure, tangent) in enumerate(zip(run.structures, tangents, strict=True))
        for v in tree.fitted(structure, tangent, f"jvp: tangent {i}")
    ]
    if [x.shape for x in run.xs] != [v.shape for v in vs]:
        raise wrong(
            ShapeError,
            "jvp",
            f"tangents of shapes {[v.shape for v in vs]} for arguments of {[x.shape for x in run.xs]}",
        )
    u = Tensor(
        F.zeros(run.y.shape, dtype=run.y.dtype, device=run.y.device).storage,
        leaf(run.y.shape, run.y.dtype, internal=True),
    )
    with enable_grad():
        pulled = run.pull(u, create_graph=True)
        along = sum(
            (F.sum(g * v) for g, v in zip(pulled, vs, strict=True)),
            F.zeros((), dtype=run.y.dtype, device=run.y.device),
        )
    found = F.zeros_like(run.y)
    if along.node is not None:
        outside = run.recording and (run.linked or any(v.requires_grad for v in vs))
        assert u.node is not None
        found = backprop(along, F.ones_like(along), create_graph=outside, wanted=[u.node]).get(u.node, found)
    if run.output_structure.kind is None:
        return run.value, found
    parts = [part.cast(y.dtype) for part, y in zip(run.split(found), run.outputs, strict=True)]
    return run.value, run.outputs_as(parts)


@functools.partial(explaining, title="te.hvp")
def hvp(f: Function, x: Any, v: Any) -> Any:
    """H v for the Hessian H of a single-number f at x, at the cost of two gradients; H is never formed.

    x and v may be trees of one structure.
    """
    xs, structure = tree.flatten(x, is_leaf=is_array)
    vs = [F.as_tensor(part) for part in tree.fitted(structure, v, "hvp: the direction")]
    for part, point, path in zip(vs, xs, structure.paths, strict=True):
        if part.shape != F.as_tensor(point).shape:
            where = f"the direction{path} has shape {part.shape}, the point {F.as_tensor(point).shape}"
            raise wrong(ShapeError, "hvp", where)

    def slope(z: Any) -> Tensor:
        terms = [F.sum(g * part) for g, part in zip(tree.leaves(grad(f)(z)), vs, strict=True)]
        return sum(terms[1:], terms[0]) if terms else F.zeros(())

    return grad(slope)(x)


@functools.partial(explaining, title="te.jacobian")
def jacobian(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """All of dy/dx, of shape y.shape + x.shape: one backward per element of y.

    Where f returns a tree, a tree like it; where x is a tree, there is a tree like x in its place.
    """
    _check_function("jacobian", f, argnums)

    def jacobian_of(*xs: Any, **kwargs: Any) -> Any:
        _refuse_options("jacobian", f, kwargs)
        run = Recorded(functools.partial(f, **kwargs), xs, _argnum_tuple(argnums), several=True)
        rows: list[list[Tensor]] = []
        for i in range(run.y.size):
            seed = F.one_hot(F.tensor(i, device=run.y.device), run.y.size, dtype=run.y.dtype).reshape(
                run.y.shape
            )
            rows.append(run.pull(seed))
        whole = [
            F.stack([row[k] for row in rows])
            if rows
            else F.zeros((0, *x.shape), dtype=x.dtype, device=x.device)
            for k, x in enumerate(run.xs)
        ]
        blocks = zip(*(run.split(rows_of_x) for rows_of_x in whole), strict=True)
        return run.outputs_as([_as_argnums(argnums, run.nested(block)) for block in blocks])

    return jacobian_of


@functools.partial(explaining, title="te.hessian")
def hessian(f: Function, argnums: int | Sequence[int] = 0) -> Callable[..., Any]:
    """All second derivatives of a single-number f by its first argument, of shape x.shape + x.shape.

    `argnums` names others. For several, and for trees, a block stands at two places, one in the other: that
    of the gradient, then that of the argument.
    """
    _check_function("hessian", f, argnums)
    return jacobian(grad(f, argnums), argnums)
