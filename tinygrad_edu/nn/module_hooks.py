"""Hooks of modules: functions that are called before and after a forward, and in the backward pass.

All hooks of a module are in one dict, in the order in which they are called; a module without hooks pays for
one comparison. Backward hooks need the gradients of all inputs at once, and of all outputs at once: the
tensors pass through one node at each of these two places, which is a copy of one tensor, or several joined.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from tinygrad_edu import functional as F
from tinygrad_edu.engine.hooks import RemovableHook
from tinygrad_edu.errors import wrong
from tinygrad_edu.tensor import Tensor

PRE, FORWARD, BACKWARD_PRE, BACKWARD = "forward_pre", "forward", "full_backward_pre", "full_backward"
Gradients = tuple[Tensor | None, ...]


class Hook(NamedTuple):
    """A function, when it is called, and what with."""

    kind: str
    function: Any
    with_kwargs: bool = False
    always_call: bool = False


def add(hooks: dict[int, Hook], hook: Hook, prepend: bool) -> RemovableHook:
    """Add a hook, at the end or before all others. Raises TypeError for what cannot be called."""
    if not callable(hook.function):
        problem = f"{hook.function!r:.60} cannot be called"
        raise wrong(TypeError, f"register_{hook.kind}_hook", problem, "pass a function")
    others = dict(hooks) if prepend else {}
    for key in others:
        del hooks[key]
    handle = RemovableHook(hooks, hook)
    hooks.update(others)
    return handle


def call(module: Any, hooks: Mapping[int, Hook], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """`module.forward(*args, **kwargs)` between its hooks."""
    for hook in _of(hooks, PRE):
        answer = hook.function(module, args, kwargs) if hook.with_kwargs else hook.function(module, args)
        if answer is not None and hook.with_kwargs:
            args, kwargs = _pair(answer)
        elif answer is not None:
            args = answer if isinstance(answer, tuple) else (answer,)
    called: set[int] = set()
    try:
        out = _between_gradients(module, hooks, args, kwargs)
        for hook in _of(hooks, FORWARD):
            called.add(id(hook))
            answer = _after(module, hook, args, kwargs, out)
            out = out if answer is None else answer
    except Exception:
        for hook in _of(hooks, FORWARD):
            if hook.always_call and id(hook) not in called:
                _after(module, hook, args, kwargs, None)
        raise
    return out


def _of(hooks: Mapping[int, Hook], kind: str) -> tuple[Hook, ...]:
    return tuple(hook for hook in hooks.values() if hook.kind == kind)


def _after(module: Any, hook: Hook, args: Any, kwargs: Any, out: Any) -> Any:
    return hook.function(module, args, kwargs, out) if hook.with_kwargs else hook.function(module, args, out)


def _pair(answer: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    if not (isinstance(answer, tuple) and len(answer) == 2 and isinstance(answer[1], dict)):
        raise wrong(TypeError, "a forward pre-hook", f"it returned {answer!r:.60}",
                    "with_kwargs=True: return (args, kwargs), or None")  # fmt: skip
    return tuple(answer[0]), answer[1]


def _between_gradients(module: Any, hooks: Mapping[int, Hook], args: Any, kwargs: Any) -> Any:
    """The forward, with the backward hooks called when the gradients of its outputs and inputs are known."""
    before, after = _of(hooks, BACKWARD_PRE), _of(hooks, BACKWARD)
    if not before and not after:
        return module.forward(*args, **kwargs)
    seeds: list[Gradients] = [()]
    kinds = tuple(isinstance(x, Tensor) and x.requires_grad for x in args)

    def at_inputs(gradients: Gradients) -> Gradients | None:
        given = iter(gradients)
        inputs = tuple(next(given) if tracked else None for tracked in kinds)
        for hook in after:
            answer = hook.function(module, inputs, seeds[0])
            inputs = inputs if answer is None else _as_many(answer, inputs, BACKWARD)
        return tuple(g for g, tracked in zip(inputs, kinds, strict=True) if tracked)

    def at_outputs(gradients: Gradients) -> Gradients | None:
        for hook in before:
            answer = hook.function(module, gradients)
            gradients = gradients if answer is None else _as_many(answer, gradients, BACKWARD_PRE)
        seeds[0] = gradients
        if not any(kinds):  # no gradient arrives at the inputs, whose hooks are called now
            at_inputs(())
        return gradients

    entering = iter(_through([x for x, tracked in zip(args, kinds, strict=True) if tracked], at_inputs))
    args = tuple(next(entering) if tracked else x for x, tracked in zip(args, kinds, strict=True))
    out = module.forward(*args, **kwargs)
    leaving = iter(_through([x for x in _tensors(out) if x.requires_grad], at_outputs))
    return _replaced(out, leaving)


def _as_many(answer: Any, gradients: Gradients, kind: str) -> Gradients:
    """What a backward hook returned, as a tuple of as many gradients."""
    found = tuple(answer) if isinstance(answer, tuple | list) else (answer,)
    if len(found) != len(gradients):
        raise wrong(ValueError, f"a {kind} hook", f"it returned {len(found)} gradients for {len(gradients)}",
                    "return one for each, or None to change nothing")  # fmt: skip
    return found


def _through(tensors: list[Tensor], hook: Callable[[Gradients], Gradients | None]) -> list[Tensor]:
    """The tensors, made by one node; `hook` gets the gradients of all of them, and may replace them."""
    if not tensors:
        return []
    if len(tensors) == 1:
        only = F.clone(tensors[0])
        only.register_hook(lambda g: _one(hook((g,)), g))
        return [only]
    shapes = [x.shape for x in tensors]
    joined = F.concat([F.reshape(x, (-1,)) for x in tensors])

    def parts(flat: Tensor) -> list[Tensor]:
        pieces = F.split(flat, [x.size for x in tensors])
        return [F.reshape(piece, shape) for piece, shape in zip(pieces, shapes, strict=True)]

    def at_joined(g: Tensor) -> Tensor:
        pieces = parts(g)
        answer = hook(tuple(pieces)) or ()
        kept = [piece if new is None else new for piece, new in zip(pieces, answer, strict=True)]
        return F.concat([F.reshape(F.as_tensor(piece, g), (-1,)) for piece in kept])

    joined.register_hook(at_joined)
    return [part.cast(x.dtype) for part, x in zip(parts(joined), tensors, strict=True)]


def _one(answer: Gradients | None, g: Tensor) -> Tensor:
    new = answer[0] if answer else None
    return g if new is None else new


def _tensors(out: Any) -> Iterator[Tensor]:
    """The tensors in an output: itself, or those in tuples, lists and dicts."""
    if isinstance(out, Tensor):
        yield out
    elif isinstance(out, tuple | list | dict):
        for item in out.values() if isinstance(out, dict) else out:
            yield from _tensors(item)


def _replaced(out: Any, tensors: Iterator[Tensor]) -> Any:
    """The output with the tensors that require a gradient replaced, in order."""
    if isinstance(out, Tensor):
        return next(tensors) if out.requires_grad else out
    if isinstance(out, dict):
        return {key: _replaced(item, tensors) for key, item in out.items()}
    if isinstance(out, tuple | list):
        items = [_replaced(item, tensors) for item in out]
        return type(out)(*items) if hasattr(out, "_fields") else type(out)(items)
    return out
