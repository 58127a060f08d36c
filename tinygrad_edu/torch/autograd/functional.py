"""torch.autograd.functional: Jacobians, Hessians and their products with vectors, of functions of tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.modes import enable_grad
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import graph
from tinygrad_edu.torch.core.border import bare, faced
from tinygrad_edu.torch.core.words import missing_from

Inner = te.Tensor


def _tuple(x: Any) -> tuple[tuple[Any, ...], bool]:
    return ((x,), True) if isinstance(x, Value) else (tuple(x), False)


def _varied(inputs: Any, create_graph: bool) -> tuple[list[Any], bool]:
    """The inputs as tensors that require grad, and whether there was one alone."""
    several, alone = _tuple(inputs)
    made = []
    for x in several:
        if create_graph and x.requires_grad:
            made.append(faced(bare(x) + 0))
        else:
            made.append(
                x.detach().requires_grad_()
                if not x.requires_grad
                else faced(bare(x).detach()).requires_grad_()
            )
    return made, alone


def _outputs(func: Callable[..., Any], xs: list[Any]) -> tuple[tuple[Any, ...], bool]:
    with enable_grad():
        return _tuple(func(*xs))


def _pulled(
    outs: Any, xs: Any, seeds: Any, create_graph: bool, strict: bool, *, keep: bool = True
) -> list[Any]:
    roots = [(bare(y), s) for y, s in zip(outs, seeds, strict=True) if bare(y).node is not None]
    if not roots:
        found: list[Any] = [None] * len(xs)
    else:
        found = graph.gradients_of(
            [r for r, _ in roots], [bare(x) for x in xs], [s for _, s in roots],
            retain_graph=keep, create_graph=create_graph, allow_unused=True,
        )  # fmt: skip
    if strict and any(g is None for g in found):
        raise wrong(
            RuntimeError, "autograd.functional", "an input does not influence the outputs, and strict=True"
        )
    return [faced(te.zeros(x.shape, dtype=bare(x).dtype, device=bare(x).device) if g is None else g)
            for g, x in zip(found, xs, strict=True)]  # fmt: skip


def _back(values: list[Any], alone: bool, create_graph: bool) -> Any:
    done = [v if create_graph else v.detach() for v in values]
    return done[0] if alone else tuple(done)


def vjp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> Any:  # fmt: skip
    """(func(inputs), v^T J): the product of a vector and the Jacobian."""
    xs, alone = _varied(inputs, create_graph)
    outs, one = _outputs(func, xs)
    seeds = [None] * len(outs) if v is None else [bare(s) for s in _tuple(v)[0]]
    found = _pulled(outs, xs, seeds, create_graph, strict)
    return _back(list(outs), one, create_graph), _back(found, alone, create_graph)


def jvp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> Any:  # fmt: skip
    """(func(inputs), J v): the product of the Jacobian and a vector, as the gradient of u^T J by u."""
    xs, _ = _varied(inputs, create_graph)
    outs, one = _outputs(func, xs)
    us = [te.zeros(bare(y).shape, dtype=bare(y).dtype, device=bare(y).device).requires_grad_() for y in outs]
    pulled = _pulled(outs, xs, us, True, strict)
    vs = [te.ones(x.shape, dtype=bare(x).dtype) if v is None else bare(w)
          for x, w in zip(xs, (None,) * len(xs) if v is None else _tuple(v)[0], strict=True)]  # fmt: skip
    found = _pulled(pulled, [faced(u) for u in us], vs, create_graph, False)
    return _back(list(outs), one, create_graph), _back(found, one, create_graph)


def jacobian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
             vectorize: bool = False, strategy: str = "reverse-mode") -> Any:  # fmt: skip
    """d(func)/d(inputs): of shape (output..., input...), nested in tuples as outputs and inputs are."""
    xs, alone = _varied(inputs, create_graph)
    outs, one = _outputs(func, xs)
    rows = []
    for y in outs:
        out, size = bare(y), bare(y).size
        columns: list[list[Inner]] = [[] for _ in xs]
        for k in range(size):
            seed = np.zeros(size, out.dtype)
            seed[k] = 1
            given = te.tensor(seed.reshape(out.shape), device=out.device)
            for column, g in zip(columns, _pulled([y], xs, [given], create_graph, strict), strict=True):
                column.append(bare(g))
        blocks = [
            faced(te.reshape(te.stack(c), (*out.shape, *x.shape)) if c else te.zeros((*out.shape, *x.shape)))
            for c, x in zip(columns, xs, strict=True)
        ]
        rows.append(_back(blocks, alone, create_graph))
    return rows[0] if one else tuple(rows)


def _number(func: Callable[..., Any], xs: list[Any]) -> Any:
    outs, _ = _outputs(func, xs)
    if len(outs) != 1 or bare(outs[0]).size != 1:
        raise wrong(
            RuntimeError,
            "hessian",
            "The Tensor returned by the function given to hessian should contain a single element",
        )
    return outs[0]


def hessian(func: Callable[..., Any], inputs: Any, create_graph: bool = False, strict: bool = False,
            vectorize: bool = False, outer_jacobian_strategy: str = "reverse-mode") -> Any:  # fmt: skip
    """The second derivatives of a function that returns one number."""
    _, alone = _tuple(inputs)

    def gradient(*xs: Any) -> Any:
        found = _pulled([_number(func, list(xs))], xs, [None], True, strict)
        return found[0] if alone else tuple(found)

    return jacobian(gradient, inputs, create_graph=create_graph, strict=strict)


def vhp(func: Callable[..., Any], inputs: Any, v: Any = None, create_graph: bool = False,
        strict: bool = False) -> Any:  # fmt: skip
    """(func(inputs), v^T H)."""
    xs, alone = _varied(inputs, create_graph)
    y = _number(func, xs)
    first = _pulled([y], xs, [None], True, strict)
    seeds = [None] * len(xs) if v is None else [bare(w) for w in _tuple(v)[0]]
    found = _pulled(first, xs, seeds, create_graph, strict)
    return (y if create_graph else y.detach()), _back(found, alone, create_graph)


hvp = vhp  # the Hessian is symmetric

__getattr__ = missing_from("torch.autograd.functional")
