"""torch.func: derivatives of functions, as functions; `vmap` computes one example at a time."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.autograd import functional
from tinygrad_edu.torch.core import graph
from tinygrad_edu.torch.core.border import bare, faced
from tinygrad_edu.torch.core.words import missing_from


def _mapped(function: Callable[[Any], Any], x: Any) -> Any:
    """`function` of every tensor in nested dicts, lists and tuples."""
    if isinstance(x, Value):
        return function(x)
    if isinstance(x, Mapping):
        return type(x)((k, _mapped(function, y)) for k, y in x.items())  # type: ignore[call-arg]
    if isinstance(x, (list, tuple)):
        return type(x)(_mapped(function, y) for y in x)
    return x


def _leaves(x: Any) -> list[Any]:
    found: list[Any] = []
    _mapped(found.append, x)
    return found


def _loose(x: Any, own: list[Any]) -> Any:
    """x, outside the graph unless something else than `own` leads to it."""
    return x if bare(x).node is None or graph.depends_on_others(bare(x), own) else faced(bare(x).detach())


def grad_and_value(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns (gradient, value), of a function that returns one number."""

    @functools.wraps(func)
    def derived(*args: Any, **named: Any) -> Any:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        # a leaf of its own would cut the graph of an outer derivative: add 0 to what is recorded
        own = list(args)
        for n in numbers:
            own[n] = _mapped(
                lambda x: faced(bare(x) + 0) if x.requires_grad else faced(bare(x).detach()).requires_grad_(),
                args[n],
            )
        with te.enable_grad():
            found = func(*own, **named)
        value, aux = found if has_aux else (found, None)
        if not isinstance(value, Value) or bare(value).size != 1:
            raise wrong(RuntimeError, "grad", "Expected f(*args) to return a scalar tensor")
        xs = [x for n in numbers for x in _leaves(own[n])]
        slopes = iter(
            graph.gradients_of(
                [bare(value)],
                [bare(x) for x in xs],
                [None],
                retain_graph=True,
                create_graph=True,
                allow_unused=True,
            )
        )

        def slope(x: Any) -> Any:
            g = next(slopes)
            kept = te.zeros(x.shape, dtype=bare(x).dtype) if g is None else g
            return faced(kept)

        inner = [bare(x) for x in xs]
        grads = [_mapped(lambda g: _loose(g, inner), _mapped(slope, own[n])) for n in numbers]
        value = _loose(value, inner)
        result = grads[0] if isinstance(argnums, int) else tuple(grads)
        return (result, (value, aux)) if has_aux else (result, value)

    return derived


def grad(func: Callable[..., Any], argnums: Any = 0, has_aux: bool = False) -> Callable[..., Any]:
    """The function that returns the gradient of `func` by its arguments `argnums`."""
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def derived(*args: Any, **named: Any) -> Any:
        slope, rest = both(*args, **named)
        return (slope, rest[1]) if has_aux else slope

    return derived


def vjp(func: Callable[..., Any], *primals: Any, has_aux: bool = False) -> Any:
    """(func(*primals), function): the function pulls a gradient of the output back to the primals."""
    xs = [
        faced(bare(x) + 0) if x.requires_grad else faced(bare(x).detach()).requires_grad_() for x in primals
    ]
    with te.enable_grad():
        found = func(*xs)
    value, aux = found if has_aux else (found, None)
    outs = _leaves(value)

    def pull(*cotangents: Any, retain_graph: bool = True, create_graph: bool | None = None) -> Any:
        seeds = [bare(c) for c in _leaves(cotangents[0] if len(cotangents) == 1 else cotangents)]
        return tuple(_loose(g, inner) for g in functional._pulled(outs, xs, seeds, True, False))

    inner = [bare(x) for x in xs]
    shown = _mapped(lambda y: _loose(y, inner), value)
    return (shown, pull, aux) if has_aux else (shown, pull)


def jvp(
    func: Callable[..., Any],
    primals: tuple[Any, ...],
    tangents: tuple[Any, ...],
    *,
    strict: bool = False,
    has_aux: bool = False,
) -> Any:
    """(func(*primals), J tangents)."""
    return functional.jvp(func, tuple(primals), tuple(tangents), strict=strict)


def jacrev(func: Callable[..., Any], argnums: Any = 0, *, has_aux: bool = False, chunk_size: Any = None,
           _preallocate_and_copy: bool = False) -> Callable[..., Any]:  # fmt: skip
    """The function that returns the Jacobian of `func` by its arguments `argnums`."""

    @functools.wraps(func)
    def derived(*args: Any, **named: Any) -> Any:
        numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)

        def of(*xs: Any) -> Any:
            own = list(args)
            for n, x in zip(numbers, xs, strict=True):
                own[n] = x
            return func(*own, **named)

        given = tuple(args[n] for n in numbers)
        keep = any(x.requires_grad for x in given)
        found = functional.jacobian(of, given[0] if isinstance(argnums, int) else given, create_graph=True)
        return found if keep else _mapped(lambda j: j.detach(), found)

    return derived


jacfwd = jacrev  # the same numbers; there is no forward mode here


def hessian(func: Callable[..., Any], argnums: Any = 0) -> Callable[..., Any]:
    """The function that returns the second derivatives of `func`."""
    return jacrev(jacrev(func, argnums), argnums)


def vmap(func: Callable[..., Any], in_dims: Any = 0, out_dims: Any = 0, randomness: str = "error", *,
         chunk_size: Any = None) -> Callable[..., Any]:  # fmt: skip
    """The function that maps `func` over an axis of its arguments; it computes one after the other."""

    @functools.wraps(func)
    def mapped(*args: Any, **named: Any) -> Any:
        dims = in_dims if isinstance(in_dims, (tuple, list)) else (in_dims,) * len(args)
        sizes = {
            bare(x).shape[d]
            for arg, d in zip(args, dims, strict=True)
            if isinstance(d, int)
            for x in _leaves(arg)
        }
        if len(sizes) != 1:
            raise wrong(ValueError, "vmap", f"vmap: Expected all tensors to have the same size in the mapped "
                        f"dimension, got sizes {sorted(sizes)} for the mapped dimension")  # fmt: skip

        def part(arg: Any, d: Any, i: int) -> Any:
            if d is None:
                return arg
            if isinstance(d, (tuple, list)):
                return type(arg)(part(a, e, i) for a, e in zip(arg, d, strict=True))
            return _mapped(lambda x: x.select(d, i), arg)

        results = [
            func(*(part(a, d, i) for a, d in zip(args, dims, strict=True)), **named)
            for i in range(next(iter(sizes)))
        ]
        first = results[0]
        if isinstance(first, (tuple, list)):
            outs = out_dims if isinstance(out_dims, (tuple, list)) else (out_dims,) * len(first)
            return tuple(_stacked([r[k] for r in results], outs[k]) for k in range(len(first)))
        return _stacked(results, out_dims)

    return mapped


def _stacked(several: list[Any], axis: Any) -> Any:
    if isinstance(several[0], Mapping):
        return {k: _stacked([s[k] for s in several], axis) for k in several[0]}
    return faced(te.stack([bare(x) for x in several], axis=axis))


def functional_call(
    module: Any,
    parameters: Any,
    args: Any = None,
    kwargs: Any = None,
    *,
    tie_weights: bool = True,
    strict: bool = False,
) -> Any:
    """The module's output with other tensors in place of its parameters and buffers, by name."""
    given: dict[str, Any] = {}
    for d in parameters if isinstance(parameters, (tuple, list)) else (parameters,):
        given.update(d)
    before: list[tuple[Any, str, Any]] = []
    try:
        for name, value in given.items():
            path, _, last = name.rpartition(".")
            owner = module.get_submodule(path)
            for registry in (owner._parameters, owner._buffers):
                if last in registry:
                    before.append((registry, last, registry[last]))
                    registry[last] = value
                    break
            else:
                if strict:
                    raise wrong(RuntimeError, "functional_call", f"the module has no parameter {name!r}")
        args = () if args is None else args if isinstance(args, tuple) else (args,)
        return module(*args, **(kwargs or {}))
    finally:
        for registry, last, value in reversed(before):
            registry[last] = value


def stack_module_state(models: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """The parameters, and the buffers, of models of one kind, stacked by name."""

    def stacked(kind: str) -> dict[str, Any]:
        dicts = [dict(getattr(m, kind)()) for m in models]
        made = {k: faced(te.stack([bare(d[k]).detach() for d in dicts])) for k in dicts[0]}
        return {k: v.requires_grad_() if kind == "named_parameters" else v for k, v in made.items()}

    return stacked("named_parameters"), stacked("named_buffers")


__getattr__ = missing_from("torch.func")
