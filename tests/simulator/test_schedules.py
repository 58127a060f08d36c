"""Schedules as values, as contexts, and as what hypothesis draws: around plain tests and beside @given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import Phase, find, given, settings
from hypothesis import strategies as st

import tinygrad_edu.simulator as sim
from tinygrad_edu.simulator import control

ALL = ("forward", "reverse", "random")
# Each thread writes its own number, so the last one to run is seen.
LAST = """
__global__ void last(int *out) { *out = blockIdx.x * blockDim.x + threadIdx.x; }
__global__ void meeting(int *out) {
    __shared__ int turn;
    if (threadIdx.x == 0) turn = 0;
    __syncthreads();
    out[blockIdx.x * blockDim.x + atomicAdd(&turn, 1)] = threadIdx.x;
}
"""


@pytest.fixture
def orders(monkeypatch):
    """A driver that only remembers its order; the list of all it was told."""
    told, workers = ["forward"], ["0"]
    monkeypatch.setattr(control, "get_value", lambda key: {"order": told, "workers": workers}[key][-1])
    monkeypatch.setattr(
        control, "set_value", lambda key, value: {"order": told, "workers": workers}[key].append(value)
    )
    yield told
    assert workers[-1] == "0"


def test_a_schedule_is_a_value():
    assert sim.schedule("random", seed=3) == sim.Schedule("random", 3) != sim.schedule("random")
    assert len({sim.schedule("reverse"), sim.schedule("reverse"), sim.schedule("forward")}) == 2
    assert [sim.schedule(order).word for order in ALL] == ["forward", "reverse", "random:0"]


@pytest.mark.parametrize("order", ALL)
def test_a_schedule_prints_as_what_makes_it(order):
    drawn = sim.schedule(order, 5 if order == "random" else 0)
    assert eval(repr(drawn), {"schedule": sim.schedule}) == drawn


@pytest.mark.parametrize(
    ("order", "seed", "message"),
    [("backwards", 0, "no order 'backwards'"), ("reverse", 1, "has no seed"), ("random", -1, "at least 0")],
)
def test_a_wrong_schedule_is_refused(order, seed, message):
    with pytest.raises(ValueError, match=message):
        sim.schedule(order, seed)


def test_a_schedule_ends_with_its_block_also_by_an_error_and_nested(orders):
    outer = sim.schedule("reverse")
    with outer, pytest.raises(ZeroDivisionError), sim.schedule("random", seed=2):
        with outer:
            assert orders[-1] == "reverse"
        assert orders[-1] == "random:2"
        raise ZeroDivisionError
    assert orders == ["forward", "reverse", "random:2", "reverse", "random:2", "reverse", "forward"]


def test_a_schedule_decorates(orders):
    @sim.schedule("reverse")
    def inside():
        return orders[-1]

    assert (inside(), orders[-1], inside(), orders[-1]) == ("reverse", "forward", "reverse", "forward")


@pytest.mark.parametrize(
    ("fails", "simplest"),
    [
        (lambda s: True, sim.schedule("forward")),
        (lambda s: s.order != "forward", sim.schedule("reverse")),
        (lambda s: s.order == "random", sim.schedule("random", seed=0)),
        (lambda s: s.seed >= 17, sim.schedule("random", seed=17)),
    ],
)
def test_schedules_shrink_to_the_simplest(fails, simplest):
    assert find(sim.schedules(), fails) == simplest


def test_a_plain_test_runs_under_many_schedules(orders):
    seen = []

    @sim.any_schedule(max_examples=40)
    def test(one, *, two):
        seen.append((one, two, orders[-1].partition(":")[0]))

    test(1, two=2)
    assert {entry[:2] for entry in seen} == {(1, 2)} and len(seen) == 40
    assert {entry[2] for entry in seen} == set(ALL)
    assert orders[-1] == "forward"


def _failure(test, *arguments):
    with pytest.raises(AssertionError) as caught:
        test(*arguments)
    return "\n".join(caught.value.__notes__)


def test_the_failing_schedule_is_shown_and_shrunk(orders):
    @sim.any_schedule()
    def test_of_the_user():
        assert orders[-1] == "forward"

    said = _failure(test_of_the_user)
    assert "test_of_the_user(" in said and "schedule=schedule('reverse')" in said


def test_above_given(orders):
    @sim.any_schedule()
    @settings(database=None, phases=(Phase.generate, Phase.shrink))
    @given(x=st.integers(0, 100))
    def test(x):
        assert x < 5 or not orders[-1].startswith("random")

    said = _failure(test)
    assert "under sim.schedule('random', seed=0)" in said and "x=5" in said


def test_below_given(orders):
    @settings(database=None, phases=(Phase.generate, Phase.shrink))
    @given(x=st.integers(0, 100))
    @sim.any_schedule()
    def test(x):
        assert x < 5 or orders[-1] == "forward"

    said = _failure(test)
    assert "under sim.schedule('reverse')" in said and "x=5" in said


def test_given_says_how_many_examples():
    with pytest.raises(TypeError, match="@settings"):

        @sim.any_schedule(max_examples=3)
        @given(x=st.integers())
        def above(x):
            raise AssertionError

    @given(x=st.integers())
    @sim.any_schedule(max_examples=3)
    def below(x):
        raise AssertionError

    with pytest.raises(TypeError, match="@settings"):
        below()


@pytest.fixture(params=["a", "b"])
def letter(request, tmp_path):
    return request.param


@pytest.mark.parametrize("number", [1, 2])
@sim.any_schedule(max_examples=3)
def test_fixtures_and_parameters_of_pytest_pass_through(number, letter, orders):
    assert number in (1, 2)
    assert letter in "ab"
    assert orders[-1].partition(":")[0] in ALL


# -- the driver keeps to it --------------------------------------------------------------------------


def _run(pycuda, kernel, block, grid):
    out = pycuda.gpuarray.zeros(block * grid, np.int32)
    kernel(out, block=(block, 1, 1), grid=(grid, 1))
    return out.get()


def test_blocks_and_threads_take_turns_in_the_order_asked_for(pycuda, build):
    last, meeting = build(LAST, "last"), build(LAST, "meeting")
    up = np.tile(np.arange(64), 3)
    with sim.schedule("forward"):
        assert _run(pycuda, last, 64, 3)[0] == 191
        assert (_run(pycuda, meeting, 64, 3) == up).all()
    with sim.schedule("reverse"):
        assert _run(pycuda, last, 64, 3)[0] == 0
        assert (_run(pycuda, meeting, 64, 3) == np.tile(up[63::-1], 3)).all()
    drawn = []
    for seed in (1, 1, 2):
        with sim.schedule("random", seed=seed):
            drawn.append([_run(pycuda, meeting, 64, 3).reshape(3, 64) for _ in range(2)])
    assert (drawn[0][0] == drawn[1][0]).all() and (drawn[0][1] == drawn[1][1]).all()
    assert (drawn[0][0] != drawn[2][0]).any() and (drawn[0][0] != drawn[0][1]).any()
    assert (np.sort(drawn[2][0]) == np.arange(64)).all() and (drawn[2][0] != np.arange(64)).any()


def test_a_kernel_that_trusts_the_order_is_found(pycuda, build):
    last = build(LAST, "last")

    @sim.any_schedule()
    def test():
        assert _run(pycuda, last, 32, 2)[0] == 63

    assert "schedule=schedule('reverse')" in _failure(test)
