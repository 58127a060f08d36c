"""Modes and locks where something comes in between: Ctrl-C, generators, threads, tasks, a fork."""

from __future__ import annotations

import asyncio
import contextvars
import dis
import gc
import os
import signal
import sys
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu.backend import philox
from tinygrad_edu.engine import backprop, modes

CHECKED = ("RESUME", "CALL", "JUMP_BACKWARD", "SEND")


def block() -> None:
    with te.no_grad():
        assert not te.is_grad_enabled()


def two_blocks() -> None:
    with te.no_grad(), te.enable_grad():
        assert te.is_grad_enabled()


@te.no_grad
def decorated() -> None:
    assert not te.is_grad_enabled()


def backward() -> None:
    x = te.ones(2, requires_grad=True)
    x.register_hook(lambda g: g * 2.0)
    te.checkpoint(te.square, x).sum().backward()


def stand_in() -> None:
    with philox.replacing_default(te.Generator(3)):
        te.rand(2)


def interrupted_at(count: int, function: Callable[[], Any]) -> bool:
    """Run with a KeyboardInterrupt at the given step of the library's modes and backprop; whether it came.

    Python looks for signals when a function begins, after a call and when a loop goes round, nowhere else.
    """
    left = count
    files = {modes.__file__, backprop.__file__, philox.__file__}
    last: dict[int, str] = {}  # by the id of a frame, since a frame that is held holds its switch

    def trace(frame: Any, event: str, argument: Any) -> Any:
        nonlocal left
        code = frame.f_code
        if code.co_filename not in files or code.co_name == "__del__":
            return None
        frame.f_trace_opcodes = True
        if event == "call" or (event == "opcode" and last[id(frame)].startswith(CHECKED)):
            left -= 1
        if event in ("call", "opcode"):
            last[id(frame)] = dis.opname[code.co_code[frame.f_lasti]]
        if left < 0:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    before = sys.gettrace()
    try:
        sys.settrace(trace)
        function()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


@pytest.mark.filterwarnings("ignore:a mode that was entered")
@pytest.mark.parametrize("function", [block, two_blocks, decorated, backward, stand_in])
def test_an_interrupt_at_any_step_leaves_the_modes_as_they_were(function: Callable[[], Any]) -> None:
    count = 0
    while interrupted_at(count, function):
        assert te.is_grad_enabled(), f"gradients stay off after step {count}"
        assert modes.current.get().observers == () and philox.current() is philox.default
        count += 1
    assert count > 10


@pytest.mark.filterwarnings("ignore:a mode that was entered")
def test_a_flood_of_signals_leaves_gradients_on() -> None:
    caught = 0
    end = time.monotonic() + 1.0
    before = signal.signal(signal.SIGALRM, signal.default_int_handler)
    try:
        while time.monotonic() < end:
            try:
                signal.setitimer(signal.ITIMER_REAL, 1e-5 * (1 + caught % 7))
                for _ in range(300):
                    block()
                signal.setitimer(signal.ITIMER_REAL, 0)
            except KeyboardInterrupt:
                caught += 1
            assert te.is_grad_enabled()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert caught


def test_a_switch_that_is_forgotten_is_left_and_says_so() -> None:
    with pytest.warns(RuntimeWarning, match="keep the switch"):
        te.no_grad().__enter__()
    assert te.is_grad_enabled()
    kept = te.no_grad()
    kept.__enter__()
    assert not te.is_grad_enabled()
    kept.__exit__()
    assert te.is_grad_enabled()


def stream() -> Iterator[bool]:
    with te.no_grad():
        while True:
            yield te.is_grad_enabled()


def test_a_generator_closed_inside_a_mode_takes_nothing_of_it_away() -> None:
    walk = stream()
    next(walk)
    with te.no_grad():
        walk.close()
        assert not te.is_grad_enabled()
    assert te.is_grad_enabled()
    with te.no_grad():
        walk = stream()
        next(walk)
    walk.close()
    assert te.is_grad_enabled()
    walk = stream()
    next(walk)
    with te.enable_grad():
        walk.close()
        assert te.is_grad_enabled()
    assert te.is_grad_enabled()


@pytest.mark.parametrize("elsewhere", ["thread", "context", "collector"])
def test_a_generator_closed_elsewhere_is_left_where_it_was_entered(elsewhere: str) -> None:
    walk = stream()
    next(walk)
    assert not te.is_grad_enabled()
    seen = []

    def close() -> None:
        walk.close()
        seen.append(te.is_grad_enabled())

    if elsewhere == "thread":
        thread = threading.Thread(target=close)
        thread.start()
        thread.join()
        assert seen == [True]
    elif elsewhere == "context":
        contextvars.copy_context().run(close)
    else:
        ring: list[Any] = [walk]
        ring.append(ring)
        del walk, ring
        close = None  # type: ignore[assignment]  # it holds the generator, too
        contextvars.Context().run(gc.collect)
    assert te.is_grad_enabled()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=12))
def test_modes_may_be_left_in_any_order(steps: list[tuple[bool, int]]) -> None:
    """The mode is that of the last entered that has not been left, whatever was left in between."""
    contextvars.Context().run(leave_in_any_order, steps)


def leave_in_any_order(steps: list[tuple[bool, int]]) -> None:
    entered: list[tuple[bool, Any]] = []
    for grad, leave in steps:
        if entered and leave < len(entered):
            entered.pop(leave)[1].__exit__(None, None, None)
        else:
            switch = te.enable_grad() if grad else te.no_grad()
            switch.__enter__()
            entered.append((grad, switch))
        assert te.is_grad_enabled() == (entered[-1][0] if entered else True)
    while entered:
        entered.pop(0)[1].__exit__(None, None, None)
        assert te.is_grad_enabled() == (entered[-1][0] if entered else True)
    assert modes.current.get().outer is None


def test_what_is_left_elsewhere_does_not_pile_up() -> None:
    for _ in range(5):
        walk = stream()
        next(walk)
        contextvars.copy_context().run(walk.close)
    with te.no_grad():
        pass
    depth, mode = 0, modes.current.get()
    while mode.outer is not None:
        depth, mode = depth + 1, mode.outer
    assert depth <= 1


def test_one_switch_is_shared_by_threads() -> None:
    shared, wrong = te.no_grad(), []
    barrier = threading.Barrier(2)

    def first() -> None:
        with shared:
            barrier.wait()  # both are inside
            barrier.wait()  # the other one has left
            if te.is_grad_enabled():
                wrong.append("gradients came on inside")
        if not te.is_grad_enabled():
            wrong.append("gradients stay off")

    def second() -> None:
        with te.enable_grad(), shared:
            barrier.wait()
        if not te.is_grad_enabled():
            wrong.append("gradients stay off in the second")
        barrier.wait()

    for _ in range(20):
        threads = [threading.Thread(target=f) for f in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_one_switch_is_shared_by_tasks() -> None:
    shared = te.no_grad()

    async def work(naps: int) -> list[bool]:
        seen = [te.is_grad_enabled()]
        with shared:
            for _ in range(naps):
                await asyncio.sleep(0)
                seen.append(te.is_grad_enabled())
        return [*seen, te.is_grad_enabled()]

    async def main() -> list[list[bool]]:
        return list(await asyncio.gather(*(work(n) for n in (5, 1, 3))))

    assert asyncio.run(main()) == [[True, *[False] * n, True] for n in (5, 1, 3)]


@te.no_grad()
async def numbers() -> AsyncIterator[Any]:
    try:
        got = yield te.is_grad_enabled()
        await asyncio.sleep(0)
        yield got
        yield te.is_grad_enabled()
    except ValueError:
        yield ("caught", te.is_grad_enabled())
    finally:
        await asyncio.sleep(0)
        LOG.append(te.is_grad_enabled())


LOG: list[bool] = []


def test_a_decorated_async_generator_is_in_the_mode_only_while_it_runs() -> None:
    async def main() -> None:
        walk: Any = numbers()
        assert await anext(walk) is False
        assert te.is_grad_enabled()
        assert await walk.asend("hello") == "hello"
        assert te.is_grad_enabled()
        assert await walk.athrow(ValueError()) == ("caught", False)
        with pytest.raises(StopAsyncIteration):
            await anext(walk)
        walk = numbers()
        await anext(walk)
        await walk.aclose()
        assert te.is_grad_enabled()
        assert [x async for x in numbers()] == [False, None, False]

    asyncio.run(main())
    assert LOG == [False, False, False]
    assert numbers.__name__ == "numbers"


def test_switches_decorate_without_parentheses() -> None:
    @te.no_grad
    def off() -> bool:
        """Off."""
        return te.is_grad_enabled()

    @te.no_grad
    def walk() -> Iterator[bool]:
        yield te.is_grad_enabled()

    @te.detect_anomaly
    def hunted() -> int:
        return len(modes.current.get().observers)

    class Model:
        @te.no_grad
        @staticmethod
        def plain() -> bool:
            return te.is_grad_enabled()

        @te.no_grad()
        @classmethod
        def named(cls) -> tuple[str, bool]:
            return cls.__name__, te.is_grad_enabled()

    with te.no_grad():
        assert te.enable_grad(te.is_grad_enabled)() is True
    assert (off(), list(walk()), hunted(), off.__doc__) == (False, [False], 1, "Off.")
    assert Model().plain() is False and Model.plain() is False and Model.named() == ("Model", False)
    with pytest.raises(TypeError, match="decorates a function, not int"):
        te.no_grad(3)  # type: ignore[type-var]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")
def test_a_fork_while_another_thread_is_in_backward() -> None:
    x, stop = te.zeros(50_000, requires_grad=True), threading.Event()

    def work() -> None:
        while not stop.is_set():
            (x * 1.0).sum().backward()
            te.rand(2)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        for _ in range(40):
            child = os.fork()
            if child == 0:
                signal.alarm(20)  # ends it if it hangs
                try:
                    y = te.ones(2, requires_grad=True)
                    (y * te.rand(2)).sum().backward()
                    (x * 1.0).sum().backward()
                    assert x.grad is not None
                    whole = len(set(x.grad.tolist())) == 1  # no addition was caught half way
                    os._exit(0 if whole and y.grad is not None else 3)
                except BaseException:
                    os._exit(4)
            assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    finally:
        stop.set()
        thread.join()
