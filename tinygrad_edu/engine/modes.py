"""What the current task is doing besides computing: recording gradients, and who is watching.

The state is a `ContextVar`, so each thread and each asyncio task has its own. A new thread starts afresh,
with gradients on.
"""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


class Observer(Protocol):
    """Somebody who watches `apply` and `backprop`: a profiler, a tape, a hunter of NaNs."""

    def applied(self, op: Any, inputs: tuple[Any, ...], params: dict[str, Any], result: Any, node: Any,
                seconds: float) -> None:
        """An op ran: `inputs` as given, `result` the Storage it made, `node` what was recorded, or None."""
    def pulled(self, node: Any, g: Any, grads: list[Any], seconds: float) -> None:
        """A node was walked back over: `g` came in, `grads` (arrays or None, one per parent) went out."""


class Modes:
    """An immutable snapshot; entering a mode makes another.

    grad       whether a graph is recorded
    observers  who is told of every op
    rehearsal  whether a graph will be recorded when the same is computed again, for `te.checkpoint`
    """
    __slots__ = ("grad", "observers", "rehearsal")

    def __init__(self, grad: bool = True, observers: tuple[Observer, ...] = (),
                 rehearsal: bool = False) -> None:
        self.grad, self.observers, self.rehearsal = grad, observers, rehearsal


current: ContextVar[Modes] = ContextVar("tinygrad_edu_modes", default=Modes())  # noqa: B039 - Modes never changes


class Switch:
    """A mode as a context manager and as a decorator of functions, generators and coroutines.

    A decorated generator is in the mode only while it runs, never while its caller does.
    """
    __slots__ = ("_before", "change")

    def __init__(self, change: Callable[[Modes], Modes]) -> None:
        self.change = change
        self._before: list[Modes] = []

    def __enter__(self) -> None:
        before = current.get()
        self._before.append(before)
        current.set(self.change(before))

    def __exit__(self, *error: object) -> None:
        current.set(self._before.pop())

    def __call__(self, function: F) -> F:
        change = self.change
        wrapper: Any
        if inspect.isgeneratorfunction(function):
            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with Switch(change):
                    generator = function(*args, **kwargs)
                step, value = generator.send, None
                try:
                    while True:
                        with Switch(change):
                            out = step(value)
                        try:
                            step, value = generator.send, (yield out)
                        except GeneratorExit:
                            with Switch(change):
                                generator.close()
                            raise
                        except BaseException as error:
                            step, value = generator.throw, error
                except StopIteration as stop:
                    return stop.value
        elif inspect.iscoroutinefunction(function):
            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with Switch(change):
                    return await function(*args, **kwargs)
        else:
            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with Switch(change):
                    return function(*args, **kwargs)
        return wrapper


def no_grad() -> Switch:
    """Record nothing: what is computed inside has no gradient. `with te.no_grad():` or `@te.no_grad()`."""
    return Switch(lambda before: Modes(False, before.observers, before.rehearsal))


def enable_grad() -> Switch:
    """Record again, inside a `no_grad`."""
    return Switch(lambda before: Modes(True, before.observers, before.rehearsal))


def watch(observer: Observer) -> Switch:
    """Let `observer` see every op applied and every node walked back over."""
    return Switch(lambda before: Modes(before.grad, (*before.observers, observer), before.rehearsal))


def rehearsing() -> Switch:
    """Record nothing yet; if a graph is recorded here, it will be when this is computed again."""
    return Switch(lambda before: Modes(False, before.observers, before.rehearsal or before.grad))


def is_grad_enabled() -> bool:
    """Whether ops record, here and now."""
    return current.get().grad
