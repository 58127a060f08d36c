"""Hooks: functions that a user registers on a tensor or a module, and the handles that remove them.

A gradient hook gets a copy, because another node, or the caller, may have the same gradient array. What the
hook returns replaces the gradient, cast to its dtype. If it returns None, its copy replaces the gradient if
the hook changed the copy in place; otherwise the gradient stays as it is.
"""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, ClassVar

import numpy as np

from tinygrad_edu.engine.modes import Modes, current
from tinygrad_edu.engine.value import Deferred, Node, Storage, Value
from tinygrad_edu.errors import DeviceError, NotDifferentiableError, ShapeError, wrong

_number = itertools.count().__next__
since: ContextVar[int] = ContextVar("tinygrad_edu_hooks_since", default=0)  # of a segment computed again


class Hooks(dict[int, Any]):
    """The hooks of a node, in the order of registration.

    `retained` is set if backward must store the gradient after all hooks have run. `accumulated` has the
    hooks of a leaf that backward calls after it has added to the leaf's `grad`; `are_accumulated` says
    whether this process has ever had one, since backward has to count edges for them.
    """

    retained = False
    accumulated: dict[int, Any] | None = None
    are_accumulated: ClassVar[bool] = False


def hooks_of(node: Node | None, asked: str) -> Hooks:
    """The hooks of a tensor's node. `asked` is the method that was called; errors name it."""
    if node is None:
        raise wrong(
            NotDifferentiableError,
            asked,
            f"{asked}() on a tensor that does not require grad",
            "nothing will pass here",
        )
    if isinstance(node, Deferred) and node.inner and node.expand:
        raise wrong(
            RuntimeError,
            asked,
            f"{asked}() on a tensor from the inside of a checkpoint",
            "the gradient that comes from there passes another one, made again for it; return this one "
            "from the function, or call it in there",
        )
    if node.hooks is None:
        node.hooks = Hooks()
    return node.hooks


def add_hook(node: Node | None, hook: Any) -> RemovableHook:
    """Add `hook` to a node. In a segment computed again, older nodes already have their hooks."""
    hooks = hooks_of(node, "register_hook")
    assert node is not None
    return RemovableHook({} if node.order < since.get() else hooks, hook)


def add_accumulated_hook(value: Value, hook: Callable[[Any], None]) -> RemovableHook:
    """Call `hook(value)` when backward has added the last gradient to the `grad` of this leaf."""
    asked = "register_post_accumulate_grad_hook"
    hooks = hooks_of(value.node, asked)
    assert value.node is not None
    if value.node.op is not None:
        raise wrong(
            RuntimeError, asked, f"{asked}() on a tensor that is computed",
            "it is for leaves, which accumulate; of others register_hook() gets the gradient",
        )  # fmt: skip
    if hooks.accumulated is None:
        hooks.accumulated, Hooks.are_accumulated = {}, True
    reference = weakref.ref(value)  # the leaf must not keep itself alive

    def call() -> None:
        if (leaf := reference()) is not None:
            hook(leaf)

    return RemovableHook(hooks.accumulated, call)


def after_backward(callback: Callable[[], None]) -> object:
    """Call `callback()` at the end of the backward() that is running, when every leaf has its gradient.

    For hooks that `register_post_accumulate_grad_hook` registered. If backward ends in an error, it is not
    called. Returns what identifies this backward, as `running_backward()` does.
    """
    callbacks = _at_the_end.get()
    callbacks.append(callback)
    return callbacks


def running_backward() -> object:
    """What identifies the backward() that calls a hook on a complete gradient: another object each time."""
    return _at_the_end.get()


_at_the_end: ContextVar[list[Callable[[], None]]] = ContextVar("tinygrad_edu_after_backward")


@contextmanager
def calling_back() -> Iterator[None]:
    """What callbacks were registered inside the block is called at its end, unless it raised an error."""
    callbacks: list[Callable[[], None]] = []
    before = _at_the_end.set(callbacks)
    try:
        yield
        for callback in callbacks:
            callback()
    finally:
        _at_the_end.reset(before)


class RemovableHook:
    """The handle that `register_hook` returns; `remove()` removes only this hook."""

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self._hooks, self._key = hooks, _number()
        hooks[self._key] = hook

    def remove(self) -> None:
        self._hooks.pop(self._key, None)


def pass_hooks(node: Node, g: Any, copied: Callable[[Any], Value], outside: Modes) -> Any:
    """The gradient `g`, an array or a Value, after the hooks of `node`, which run in the mode `outside`."""
    assert node.hooks is not None
    walking = current.get()
    for hook in tuple(node.hooks.values()):
        given = copied(g)
        before = given.storage.count
        current.set(outside)
        answer = hook(given)
        current.set(walking)
        if answer is not None or given.storage.count != before:
            g = _checked_answer(node, g, copied, given if answer is None else answer)
    return g


def _checked_answer(node: Node, g: Any, copied: Callable[[Any], Value], answer: Any) -> Any:
    """What a hook returned instead of `g`, checked, with the dtype of `g` and memory of its own."""
    array = answer.storage.array if isinstance(answer, Value) else np.asarray(answer)
    here = g.storage if isinstance(g, Value) else None
    shape, dtype = (g.shape, g.dtype) if here is None else (here.array.shape, here.array.dtype)
    hook = f"a gradient hook on {node.name}"
    if array.dtype.kind not in ("fiubc" if dtype.kind == "c" else "fiub"):
        raise wrong(
            TypeError,
            hook,
            f"{hook} returned {type(answer).__name__} {answer!r:.60}",
            "return a tensor, an array, a number, or nothing",
        )
    if tuple(array.shape) != tuple(shape):
        raise wrong(
            ShapeError, hook, f"{hook} returned shape {tuple(array.shape)} for a gradient of {tuple(shape)}"
        )
    if not isinstance(answer, Value):
        array = np.array(array, dtype)
        return array if here is None else Value.kind(Storage(here.backend.asarray(array), here.backend), None)
    there, name = answer.storage.backend, "cpu" if here is None else here.backend.name
    if there.name != name:
        raise wrong(
            DeviceError,
            hook,
            f"{hook} returned a tensor on {there.name} for a gradient on {name}",
            f"return it .to({name!r})",
        )
    if here is None:
        return np.array(array, dtype)
    return copied(answer) if array.dtype == dtype else answer.cast(dtype)  # type: ignore[attr-defined]
