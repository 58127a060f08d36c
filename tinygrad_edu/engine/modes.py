"""The mode of the current task: whether ops are recorded, and which observers are notified.

The state is a `ContextVar`, so each thread and each asyncio task has its own. A new thread starts with
gradients on and no observers.
"""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Any, TypeVar, cast, overload

from tinygrad_edu.engine.observer import Observer
from tinygrad_edu.engine.value import Value, values_in
from tinygrad_edu.errors import wrong

F = TypeVar("F", bound=Callable[..., Any])


class Modes:
    """The mode that is in force; entering another one puts it on top of this.

    grad       whether a graph is recorded
    observers  the observers of every op, every write and every read; `every_op` is set if one of them also
               observes each op of backward and of updates
    deferred  whether a graph will be recorded when the same is computed again, for `te.checkpoint`
    outer      the mode below this one, None if this one was never entered; `change` is the function that made
               this mode from it, None if this mode is no longer in force
    """

    __slots__ = ("change", "every_op", "grad", "observers", "outer", "deferred")

    def __init__(
        self, grad: bool = True, observers: tuple[Observer, ...] = (), deferred: bool = False
    ) -> None:
        self.grad, self.observers, self.deferred = grad, observers, deferred
        self.every_op = bool(observers) and any(observer.every_op for observer in observers)
        self.outer: Modes | None = None
        self.change: Callable[[Modes], Modes] | None = None

    def withdraw(self, top: Modes) -> None:
        """End this mode while others are on top of it, the last of which is `top`; those stay in force."""
        assert self.outer is not None
        self.change = None
        above: list[Modes] = []
        at: Modes | None = top
        while at is not None and at is not self:
            above.append(at)
            at = at.outer
        self._copy_from(self.outer)
        for mode in reversed(above if at is self else []):
            mode.outer = self.outer if mode.outer is self else mode.outer
            if mode.change is not None and mode.outer is not None:
                mode._copy_from(mode.change(mode.outer))

    def _copy_from(self, other: Modes) -> None:
        self.grad, self.observers, self.deferred = other.grad, other.observers, other.deferred
        self.every_op = other.every_op


current: ContextVar[Modes] = ContextVar("tinygrad_edu_modes", default=Modes())  # noqa: B039 - it is never entered


class Switch:
    """A mode as a context manager and as a decorator of functions, generators and coroutines.

    A decorated generator is in the mode only while it runs, never while its caller does. Threads and tasks
    may share a switch, and modes may be left in any order: closing a generator inside another mode does not
    change that mode.
    """

    __slots__ = ("_entered", "change")

    def __init__(self, change: Callable[[Modes], Modes]) -> None:
        self.change = change
        self._entered: list[tuple[Modes, Token[Modes]]] = []

    def __enter__(self) -> None:
        before = current.get()
        while before.change is None and before.outer is not None:  # withdrawn
            before = before.outer
        mode = self.change(before)
        mode.outer, mode.change = before, self.change
        self.__class__ = _Entered
        try:
            self._entered.append((mode, current.set(mode)))
        except BaseException:  # Ctrl-C in between: the block is not entered, so __exit__ would not be called
            current.set(before)
            raise

    def __exit__(self, *error: object) -> None:
        entered = self._entered
        for pair in reversed(tuple(entered)):
            if _leave(*pair):
                break
        else:  # entered in another thread or task, as by a generator that is closed in this one
            pair = entered[-1]
            pair[0].withdraw(pair[0])
        entered.remove(pair)
        if not entered:
            self.__class__ = Switch

    def __call__(self, function: F) -> F:
        change = self.change
        wrapper: Any
        if isinstance(function, (staticmethod, classmethod)):
            return cast(F, type(function)(self(function.__func__)))
        if not callable(function):
            raise wrong(
                TypeError,
                None,
                f"a mode decorates a function, not {type(function).__name__}",
                "as a context it is written `with te.no_grad():`",
            )
        if inspect.isasyncgenfunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with Switch(change):
                    generator = function(*args, **kwargs)
                step, value = generator.asend, None
                try:
                    while True:
                        with Switch(change):
                            out = await step(value)
                        try:
                            step, value = generator.asend, (yield out)
                        except GeneratorExit:
                            with Switch(change):
                                await generator.aclose()
                            raise
                        except BaseException as error:
                            step, value = generator.athrow, error
                except StopAsyncIteration:
                    return
        elif inspect.isgeneratorfunction(function):

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


def _leave(mode: Modes, token: Token[Modes]) -> bool:
    """Leave a mode, at any depth of this thread or task; returns False if it belongs to another one."""
    top = current.get()
    try:
        current.reset(token)
    except ValueError:
        return False
    except RuntimeError:  # the token was used before: the mode was left, and then Ctrl-C came
        return True
    if top is not mode:
        mode.withdraw(top)
        current.set(top)
    elif token.old_value is not mode.outer:  # the mode below was left first
        assert mode.outer is not None
        current.set(mode.outer)
    return True


class _Entered(Switch):
    """A switch that has been entered. If it is deleted in this state, its `__del__` leaves the mode.

    That happens if Ctrl-C comes at the call of __exit__, or if `te.no_grad().__enter__()` keeps no reference.
    It is a class of its own because Python drops a Ctrl-C that comes in a `__del__`, and most switches need
    none.
    """

    __slots__ = ()

    def __del__(self) -> None:
        while self._entered:
            self.__exit__()
        warnings.warn(
            "a mode that was entered is forgotten, and therefore left; write `with te.no_grad():`, "
            "or keep the switch for as long as it should hold",
            RuntimeWarning,
            stacklevel=2,
        )


@overload
def no_grad() -> Switch: ...
@overload
def no_grad(function: F) -> F: ...
def no_grad(function: Any = None) -> Any:
    """Record nothing: what is computed inside has no gradient. `with te.no_grad():` or `@te.no_grad`."""
    return switch(lambda before: Modes(False, before.observers), function)


@overload
def enable_grad() -> Switch: ...
@overload
def enable_grad(function: F) -> F: ...
def enable_grad(function: Any = None) -> Any:
    """Record again, inside a `no_grad`. `with te.enable_grad():` or `@te.enable_grad`."""
    return switch(lambda before: Modes(True, before.observers, before.deferred), function)


def switch(change: Callable[[Modes], Modes], function: Any = None) -> Any:
    """A switch, or the decorated function if the decorator is written without parentheses."""
    made = Switch(change)
    return made if function is None else made(function)


def watch(observer: Observer, function: Any = None) -> Any:
    """Notify `observer` of every op applied, every node of backward, every write and every read."""
    if not isinstance(observer, Observer):
        raise wrong(
            TypeError,
            "watch",
            f"a {type(observer).__name__} is no Observer",
            "derive its class from Observer",
        )
    return switch(lambda before: Modes(before.grad, (*before.observers, observer), before.deferred), function)


def defer_recording() -> Switch:
    """Record nothing now; if recording is on here, the graph is recorded when the same is computed again."""
    return Switch(lambda before: Modes(False, before.observers, before.deferred or before.grad))


def is_grad_enabled() -> bool:
    """Whether ops are recorded now, or will be when a checkpoint computes this again."""
    mode = current.get()
    return mode.grad or mode.deferred


def would_lose(data: Any) -> bool:
    """Whether a graph would be lost if the numbers of `data`, a Value or lists of them, were taken out.

    This is so if a graph is recorded now, or will be when a checkpoint computes this again.
    """
    mode = current.get()
    if not (mode.grad or mode.deferred):
        return False
    if isinstance(data, Value):
        return data.node is not None
    return isinstance(data, (list, tuple)) and any(value.node is not None for value in values_in(data))
