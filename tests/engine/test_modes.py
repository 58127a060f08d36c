"""no_grad and its kin belong to the task that entered them: thread, coroutine, generator, and no other."""

from __future__ import annotations

import asyncio
import sys
import threading

import numpy as np
import pytest

import tinygrad_edu as te


def test_switches_nest_and_are_left_by_exceptions():
    assert te.is_grad_enabled()
    with te.no_grad():
        assert not te.is_grad_enabled()
        with te.enable_grad():
            assert te.is_grad_enabled()
        assert not te.is_grad_enabled()
        with pytest.raises(KeyError), te.enable_grad():
            raise KeyError
        assert not te.is_grad_enabled()
    assert te.is_grad_enabled()


def test_one_switch_may_be_entered_twice():
    switch = te.no_grad()
    with switch:
        with switch:
            assert not te.is_grad_enabled()
        assert not te.is_grad_enabled()
    assert te.is_grad_enabled()


def test_a_decorated_function_computes_without_a_graph_and_keeps_its_name():
    @te.no_grad()
    def double(x):
        """Twice."""
        return x * 2.0

    assert double(te.ones(2, requires_grad=True)).requires_grad is False
    assert (double.__name__, double.__doc__) == ("double", "Twice.")
    assert te.is_grad_enabled()


def test_a_decorated_generator_is_in_the_mode_only_while_it_runs():
    seen = []

    @te.no_grad()
    def steps():
        try:
            got = yield te.is_grad_enabled()
            seen.append(got)
            yield te.is_grad_enabled()
        finally:
            seen.append(te.is_grad_enabled())

    walk = steps()
    assert next(walk) is False
    assert te.is_grad_enabled()
    assert walk.send("hello") is False
    assert te.is_grad_enabled()
    walk.close()
    assert seen == ["hello", False]
    assert te.is_grad_enabled()


def test_a_decorated_generator_gets_exceptions_and_returns_its_value():
    @te.no_grad()
    def steps():
        try:
            yield 1
        except ValueError:
            yield te.is_grad_enabled()
        return "done"

    walk = steps()
    next(walk)
    assert walk.throw(ValueError()) is False
    with pytest.raises(StopIteration) as stop:
        next(walk)
    assert stop.value.value == "done"
    assert te.is_grad_enabled()


def test_asyncio_tasks_do_not_disturb_each_other():
    async def watch(enter, seen):
        if enter:
            with te.no_grad():
                for _ in range(5):
                    await asyncio.sleep(0)
                    seen.append(te.is_grad_enabled())
        else:
            for _ in range(5):
                await asyncio.sleep(0)
                seen.append(te.is_grad_enabled())

    async def main():
        inside, outside = [], []
        await asyncio.gather(watch(True, inside), watch(False, outside))
        return inside, outside

    inside, outside = asyncio.run(main())
    assert inside == [False] * 5
    assert outside == [True] * 5


def test_a_decorated_coroutine_stays_in_its_mode_across_awaits():
    @te.no_grad()
    async def predict(x):
        await asyncio.sleep(0)
        return (x * 2.0).requires_grad

    async def main():
        x = te.ones(1, requires_grad=True)
        return await asyncio.gather(predict(x), asyncio.sleep(0, te.is_grad_enabled()))

    assert asyncio.run(main()) == [False, True]


def test_a_thread_starts_with_gradients_on_and_keeps_its_own_mode():
    seen, inside = {}, threading.Barrier(2)

    def quiet():
        with te.no_grad():
            inside.wait()
            seen["quiet"] = te.is_grad_enabled()
            inside.wait()

    def loud():
        inside.wait()
        seen["loud"] = te.is_grad_enabled()
        inside.wait()

    with te.no_grad():
        threads = [threading.Thread(target=t) for t in (quiet, loud)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    assert seen == {"quiet": False, "loud": True}


@pytest.mark.parametrize("create_graph", [False, True])
def test_gradients_of_eight_threads_into_one_leaf_are_all_counted(create_graph):
    weight = te.tensor(np.zeros(100), requires_grad=True)
    start = threading.Barrier(8)

    def work():
        start.wait()
        for _ in range(50):
            (weight * 1.0).sum().backward(create_graph=create_graph)

    threads = [threading.Thread(target=work) for _ in range(8)]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)  # threads change places as often as Python lets them
    try:
        for t in threads:
            t.start()
        for t in threads:
            t.join()
    finally:
        sys.setswitchinterval(interval)
    np.testing.assert_array_equal(weight.grad.numpy(), np.full(100, 400.0))


def test_threads_share_one_input_and_build_graphs_of_their_own():
    x = te.tensor(np.linspace(0.1, 1.0, 50), requires_grad=True)
    out = [None] * 4

    def work(i):
        out[i] = te.grad(lambda v: (te.sin(v) * float(i)).sum())(x).numpy()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for i, g in enumerate(out):
        np.testing.assert_allclose(g, i * np.cos(x.detach().numpy()), rtol=1e-14)
    assert x.grad is None


def test_grad_inside_no_grad_still_differentiates():
    with te.no_grad():
        g = te.grad(lambda x: (x * x).sum())(te.tensor([3.0]))
    assert g.tolist() == [6.0]
    assert not g.requires_grad
