"""functional_call: a module as a function of its parameters, for derivatives by all of them together.

The module's own tensors stand for the given ones while it runs: their memory and node are exchanged, and
exchanged back, so that it does not matter where in the module a tensor is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tinygrad_edu import functional as F
from tinygrad_edu import tree
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.nn.module import Module
from tinygrad_edu.tensor import Tensor

_TITLE = "functional_call"


def functional_call(
    module: Any, parameters: Any, args: Any = (), kwargs: Mapping[str, Any] | None = None
) -> Any:
    """`module(*args, **kwargs)` with other parameters and buffers, by the names of `named_parameters()`.

    parameters  tensors or arrays of the module's shapes, of any float dtype; what is not named is the
                module's own. A tensor under several names has all of them if one is given
    args        a tuple of arguments, or one that is no tuple

    So the module is a function of its parameters, `te.hessian(lambda p: loss(nn.functional_call(model, p,
    x)))(dict(model.named_parameters()))`. What forward writes in place, such as running statistics, is
    written into the given tensors. The module is as before afterwards; meanwhile no other thread may use it.
    Raises ValueError for an unknown name, ShapeError for another shape.
    """
    if not isinstance(module, Module):
        remedy = "functional_call(module, parameters, args)"
        raise wrong(TypeError, _TITLE, f"module is a {type(module).__name__}, not a Module", remedy)
    if not isinstance(parameters, Mapping):
        remedy = "give {name: tensor}, such as dict(model.named_parameters())"
        raise wrong(TypeError, _TITLE, f"parameters is a {type(parameters).__name__}", remedy)
    given = _pairs(module, parameters)
    with _exchanged(given):
        found = module(*(args if isinstance(args, tuple) else (args,)), **(kwargs or {}))
        own = {id(mine): other for mine, other in given}
        return tree.map(lambda leaf: own.get(id(leaf), leaf), found)


def _pairs(module: Module, parameters: Mapping[str, Any]) -> list[tuple[Tensor, Tensor]]:
    """(the module's tensor, the given one) for each tensor that is named."""
    named = dict(module._named_tensors())
    pairs: dict[int, tuple[Tensor, Tensor]] = {}
    first: dict[int, tuple[str, Any]] = {}
    for name, value in parameters.items():
        if name not in named:
            remedy = f"it has {', '.join(named)}"
            raise wrong(ValueError, _TITLE, f"{type(module).__name__} has no {name!r}", remedy)
        mine, other = named[name], F.as_tensor(value, named[name])
        if other.shape != mine.shape:
            problem = f"{name} is {other.shape}, in the module {mine.shape}"
            raise wrong(ShapeError, _TITLE, problem, inputs=(other,))
        before, tensor = first.setdefault(id(mine), (name, value))
        if tensor is not value:
            problem = f"{before} and {name} are one tensor of the module, and two are given"
            raise wrong(ValueError, _TITLE, problem, "give one of them")
        pairs[id(mine)] = mine, other
    return list(pairs.values())


@contextmanager
def _exchanged(pairs: list[tuple[Tensor, Tensor]]) -> Iterator[None]:
    """Within it each first tensor has the memory and the node of the second."""
    before = [(mine.storage, mine.node) for mine, _ in pairs]
    theirs = [(other.storage, other.node) for _, other in pairs]  # of both, as a tensor may be its own
    try:
        for (mine, _), (storage, node) in zip(pairs, theirs, strict=True):
            mine.storage, mine.node = storage, node
        yield
    finally:
        for (mine, _), (storage, node) in zip(pairs, before, strict=True):
            mine.storage, mine.node = storage, node
