"""Models of computation: drawn from (seed, rank, step) alone; cores and shares of a gradient."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.distributed import (
    Network,
    SimulatedCluster,
    ThreadCluster,
    constant,
    exponential,
    pauses,
    slow_rank,
)

FAST = Network(latency=0.0, bandwidth=np.inf)


def test_each_model_draws_what_it_says():
    draw = 20_000
    seconds = np.array([exponential(2.0).bind(1)(3, step) for step in range(draw)])
    assert seconds.mean() == pytest.approx(2.0, rel=0.03)
    assert np.quantile(seconds, 0.9) == pytest.approx(2.0 * np.log(10), rel=0.05)
    paused = np.array([pauses(0.1, 5.0).bind(1)(3, step) for step in range(draw)])
    assert set(paused.tolist()) == {0.0, 5.0}
    assert paused.mean() == pytest.approx(0.5, rel=0.08)
    slow = slow_rank(2, 0.5).bind(0)
    assert [slow(rank, 7) for rank in range(4)] == [0.0, 0.0, 0.5, 0.0]
    assert constant(0.25).bind(9)(1, 2) == 0.25


@given(st.integers(0, 2**70), st.integers(0, 2000), st.integers(0, 10**6))
def test_a_draw_depends_on_seed_rank_and_step_alone(seed, rank, step):
    model = exponential(1.0)
    first = model.bind(seed)(rank, step)
    other = model.bind(seed)
    other(rank + 1, step)
    assert other(rank, step) == first
    assert first not in (
        other(rank + 1, step), other(rank, step + 1), model.bind(seed + 1)(rank, step))  # fmt: skip


def test_the_parts_of_a_sum_are_independent():
    model = constant(1.0) + exponential(1.0) + exponential(1.0)
    both = np.array([model.bind(0)(0, step) - 1.0 for step in range(5000)])
    assert both.var() == pytest.approx(2.0, rel=0.15)  # it would be 4 if both drew the same
    assert repr(constant(1.0) + pauses(0.1, 2.0)) == "constant(1) + pauses(0.1, 2)"
    with pytest.raises(TypeError):
        constant(1.0) + 3  # type: ignore[operator]


@pytest.mark.parametrize(
    "make",
    [
        lambda: constant(-1.0),
        lambda: exponential(np.inf),
        lambda: slow_rank(-1, 1.0),
        lambda: slow_rank(0, np.nan),
        lambda: pauses(1.5, 1.0),
        lambda: constant(1.0).bind(-1),
    ],
)
def test_models_refuse_what_is_no_time(make):
    with pytest.raises(ValueError):
        make()


def test_a_program_can_sleep_for_the_same_times_on_threads():
    model = (exponential(1e-4) + slow_rank(1, 1e-3)).bind(5)

    def program(comm):
        begin, total = comm.clock(), 0.0
        for step in range(5):
            comm.sleep(model(comm.rank, step))
            total += model(comm.rank, step)
        return comm.clock() - begin, total

    for virtual, expected in SimulatedCluster(2).run(program):
        assert virtual == pytest.approx(expected, rel=1e-9)
    assert all(real >= expected for real, expected in ThreadCluster(2).run(program))


@given(st.lists(st.floats(0.01, 2.5), min_size=1, max_size=12))
def test_shares_of_gradients_add_up(shares):
    """The time after shares that sum up to T is the integral of the draws up to T."""

    def program(comm):
        for share in shares:
            comm.computed(share)
        return comm.clock()

    total = sum(shares)
    draws = exponential(1.0).bind(0)
    expected = sum(draws(0, i) for i in range(int(total))) + (total - int(total)) * draws(0, int(total))
    [clock] = SimulatedCluster(1, compute=exponential(1.0)).run(program)
    assert clock == pytest.approx(expected, rel=1e-6, abs=1e-7)


def test_a_gradient_in_parts_takes_as_long_as_at_once():
    def program(comm, parts):
        for _ in range(10):
            for _ in range(parts):
                comm.computed(1 / parts)
        return comm.clock()

    results = [SimulatedCluster(2, compute=exponential(1.0)).run(program, parts) for parts in (1, 3, 7)]
    assert results[1] == pytest.approx(results[0], rel=1e-9)
    assert results[2] == pytest.approx(results[0], rel=1e-9)


@pytest.mark.parametrize(("cores", "expected"), [(None, 10.0), (4, 10.0), (2, 20.0), (3, 40 / 3), (1, 40.0)])
def test_ranks_of_one_host_share_its_cores(cores, expected):
    def program(comm):
        comm.computed()
        return comm.clock()

    times = SimulatedCluster(4, compute=constant(10.0), cores=cores).run(program)
    assert times == pytest.approx([expected] * 4)


def _shared(begins, works, cores):
    """When each of some jobs ends on cores that all have in equal parts: from one change to the next."""
    left, ends, now = np.array(works), np.full(len(works), np.nan), 0.0
    while np.isnan(ends).any():
        active = np.isnan(ends) & (begins <= now)
        later = begins[begins > now]
        rate = min(1.0, cores / active.sum()) if active.any() else 1.0
        step = min(*(left[active] / rate), *(later - now), np.inf, np.inf)
        left[active] -= step * rate
        now = min(later) if len(later) and step == min(later) - now else now + step
        ends[active & (left <= 1e-9)] = now
    return ends


@given(
    st.lists(st.tuples(st.integers(0, 6), st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=6),
    st.integers(1, 4),
)
def test_cores_are_shared_equally_among_all_that_compute(jobs, cores):
    def program(comm):
        begin, first, second = jobs[comm.rank]
        comm.sleep(float(begin))
        for _ in (first, second):
            comm.computed()
        return comm.clock()

    cluster = SimulatedCluster(len(jobs), compute=lambda rank, step: float(jobs[rank][1 + step]), cores=cores)
    begins, works = (
        np.array(column, float) for column in ([j[0] for j in jobs], [j[1] + j[2] for j in jobs])
    )
    np.testing.assert_allclose(cluster.run(program), _shared(begins, works, cores), rtol=1e-9)


def test_a_rank_that_sleeps_occupies_no_core():
    def program(comm):
        if comm.rank == 0:
            comm.sleep(5.0)
        comm.computed()
        return comm.clock()

    cluster = SimulatedCluster(3, compute=constant(1.0), cores=1, timeline=True)
    assert cluster.run(program) == [6.0, 2.0, 2.0]
    assert [(s.rank, s.begin, s.end) for s in cluster.spans if s.rank] == [(1, 0.0, 2.0), (2, 0.0, 2.0)]


@pytest.mark.parametrize("fails", [False, True])
def test_a_job_that_ends_early_does_not_wait_for_the_cores(fails):
    def program(comm):
        if comm.rank == 0:
            comm.sleep(1.0)
            if fails:
                raise RuntimeError("no more")
            return comm.clock()
        comm.computed()
        return comm.clock()

    cluster = SimulatedCluster(4, compute=constant(10.0), cores=1)
    if fails:
        with pytest.raises(RuntimeError, match="no more"):
            cluster.run(program)
        assert cluster.seconds == 1.0
    else:
        assert cluster.run(program) == [1.0, 30.0, 30.0, 30.0]


def test_an_update_of_a_server_takes_time():
    def program(comm):
        comm.updated()
        return comm.clock()

    assert SimulatedCluster(1, update=0.5).run(program) == [0.5]


def test_a_function_may_be_the_model():
    def program(comm):
        comm.computed()
        comm.computed()
        return comm.clock()

    assert SimulatedCluster(3, compute=lambda rank, step: 10.0 * rank + step).run(program) == [
        1.0,
        21.0,
        41.0,
    ]
