"""Simulated collectives: the bits of threads, and times that closed forms and messages give."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.distributed import Network, SimulatedCluster, ThreadCluster, constant, rounds
from tinygrad_edu.distributed.schedules import ALL_REDUCE

ALPHA, BANDWIDTH = 1e-4, 1e6
NETWORK = Network(latency=ALPHA, bandwidth=BANDWIDTH)
DTYPES = ["float64", "float32", "float16", "int32", "uint8", "bool"]
OPERATIONS = ["sum", "mean", "max", "min", "product"]


def simulated(size, **options):
    return SimulatedCluster(size, **{"network": NETWORK, "collectives": "rounds", **options})


def numbers(rank, length, dtype):
    """Numbers whose sums depend on the order of additions; none is a zero, which may have either sign."""
    random = np.random.default_rng([rank, length])
    x = random.normal(size=length) * 10.0 ** random.integers(-3, 4, length)
    return (x if dtype.startswith("float") else 1 + random.integers(0, 3, length)).astype(dtype)


def reduced(comm, length, dtype, op, algorithm, start=(0.0,) * 99):
    comm.sleep(start[comm.rank])
    x = numbers(comm.rank, length, dtype)
    with np.errstate(over="ignore", under="ignore"):
        comm.all_reduce(x, op, algorithm=algorithm)
    return x, comm.clock()


@given(
    st.integers(1, 9), st.integers(0, 40), st.sampled_from(DTYPES), st.sampled_from(OPERATIONS),
    st.sampled_from([*ALL_REDUCE, None]), st.booleans(),
)  # fmt: skip
def test_all_reduce_has_the_bits_of_threads(size, length, dtype, op, algorithm, together):
    if op == "mean" and not dtype.startswith("float"):
        op = "sum"
    before = rounds.MESSAGES
    rounds.MESSAGES = 0 if together else before
    try:
        ours = simulated(size).run(reduced, length, dtype, op, algorithm)
    finally:
        rounds.MESSAGES = before
    sent = SimulatedCluster(size, collectives="messages").run(reduced, length, dtype, op, algorithm)
    threads = ThreadCluster(size, timeout=30).run(reduced, length, dtype, op, algorithm)
    bits = {x.tobytes() for results in (ours, sent, threads) for x, _ in results}
    assert len(bits) == 1


@given(
    st.integers(1, 9), st.integers(1, 40), st.sampled_from([*ALL_REDUCE]),
    st.lists(st.sampled_from([0.0, 0.25, 3.0]), min_size=9, max_size=9), st.booleans(),
)  # fmt: skip
def test_rounds_and_messages_take_the_same_time(size, length, algorithm, start, equal):
    """Unless messages of two rounds meet at a port: in a tree, if ranks begin at different times."""
    start = [0.0] * 9 if equal or algorithm == "tree" else start
    size = 1 << size // 3 if algorithm == "tree" else size
    times = [
        [clock for _, clock in simulated(size, collectives=how).run(
            reduced, length, "float32", "sum", algorithm, start)]
        for how in ("rounds", "messages")
    ]  # fmt: skip
    assert times[0] == pytest.approx(times[1], rel=1e-12)


@given(st.integers(2, 9), st.sampled_from([*ALL_REDUCE]))
def test_the_overhead_of_messages_counts_in_rounds_and_messages(size, algorithm):
    size = 2 << size // 4 if algorithm == "tree" else size
    network = Network(latency=ALPHA, bandwidth=BANDWIDTH, overhead=1e-3)
    times = [
        max(clock for _, clock in simulated(size, network=network, collectives=how).run(
            reduced, 8 * size, "float32", "sum", algorithm))
        for how in ("rounds", "messages")
    ]  # fmt: skip
    least = {"ring": 2 * (size - 1) * 2e-3, "tree": int(math.log2(size)) * 2e-3, "star": 2e-3}[algorithm]
    assert times[0] == pytest.approx(times[1], rel=1e-9)
    assert times[0] > least


def clocks(size, length, algorithm):
    return [clock for _, clock in simulated(size).run(reduced, length, "float32", "sum", algorithm)]


@pytest.mark.parametrize("size", [2, 3, 4, 8, 9])
def test_times_of_the_ring_and_of_the_star(size):
    """2 (n - 1) (alpha + S beta / n); and 2 (alpha + (n - 1) S beta), as of a parameter server."""
    length = 100 * size
    seconds = 4 * length / BANDWIDTH
    ring = 2 * (size - 1) * (ALPHA + seconds / size)
    assert clocks(size, length, "ring") == pytest.approx([ring] * size, rel=1e-9)
    star = 2 * (ALPHA + (size - 1) * seconds)
    assert max(clocks(size, length, "star")) == pytest.approx(star, rel=1e-9)


@pytest.mark.parametrize("size", [2, 4, 8, 64, 6, 13])
def test_times_of_the_tree(size):
    """log2 n (alpha + S beta); up to 2 rounds more if n is not a power of two."""
    more = 0 if math.log2(size).is_integer() else 2
    each = ALPHA + 400 / BANDWIDTH
    expected = (int(math.log2(size)) + more) * each
    found = max(clocks(size, 100, "tree"))
    assert found == pytest.approx(expected, rel=1e-9) if not more else expected - each < found <= expected


@pytest.mark.parametrize("algorithm", [*ALL_REDUCE])
def test_a_slow_rank_delays_all_ranks_by_its_delay_alone(algorithm):
    """What the others sent has passed the ports long before; a star waits for one more message only."""
    late = [0.0] * 8
    late[3] = 100.0
    seconds = 4 * 800 / BANDWIDTH
    found = [clock for _, clock in simulated(8).run(reduced, 800, "float32", "sum", algorithm, late)]
    after = {
        "ring": 2 * 7 * (ALPHA + seconds / 8),
        "tree": 3 * (ALPHA + seconds),
        "star": 2 * ALPHA + 8 * seconds,
    }
    assert max(found) == pytest.approx(100.0 + after[algorithm], rel=1e-9)


@given(st.integers(1, 9), st.integers(0, 8), st.integers(0, 12), st.sampled_from(["rounds", "messages"]))
def test_the_other_collectives_agree_with_threads(size, root, length, collectives):
    def program(comm):
        x = numbers(comm.rank, length, "float64")
        every = comm.all_gather(x)
        comm.broadcast(x, src=root % size)
        comm.barrier()
        things = comm.all_gather_object({"rank": comm.rank})
        return every.tobytes(), x.tobytes(), things, comm.gather_object(comm.rank, dst=root % size)

    assert simulated(size, collectives=collectives).run(program) == ThreadCluster(size).run(program)


def test_the_root_of_a_broadcast_does_not_wait_for_the_others():
    def program(comm):
        comm.sleep(comm.rank)
        comm.broadcast(np.zeros(1), src=0)
        return comm.clock()

    found = simulated(3).run(program)
    assert found[0] == pytest.approx(2 * 8 / BANDWIDTH)
    assert found[1:] == [1.0, 2.0]


def test_an_asynchronous_collective_goes_on_while_the_rank_computes():
    def program(comm, compute):
        x = np.zeros(1000, np.float32)
        work = comm.all_reduce(x, algorithm="tree", async_op=True)
        comm.sleep(compute)
        early = work.is_completed()
        work.wait()
        return early, comm.clock()

    each = ALPHA + 4000 / BANDWIDTH
    assert simulated(2).run(program, 1.0) == [(True, 1.0)] * 2
    assert simulated(2).run(program, each / 2) == [(False, pytest.approx(each, rel=1e-9))] * 2


def test_asynchronous_collectives_of_a_rank_are_served_one_after_the_other():
    def program(comm):
        arrays = [np.full(1000, i, np.float32) for i in range(3)]
        works = [comm.all_reduce(x, algorithm="tree", async_op=True) for x in arrays]
        works[2].wait()
        return comm.clock(), [work.is_completed() for work in works], [float(x[0]) for x in arrays]

    each = ALPHA + 4000 / BANDWIDTH
    expected = (pytest.approx(3 * each, rel=1e-9), [True] * 3, [0.0, 2.0, 4.0])
    assert simulated(2).run(program) == [expected] * 2


def test_overlap_hides_what_fits_into_the_computation():
    """Each bucket is reduced while the next one is computed; only for the last one there is a wait."""

    def program(comm):
        works = []
        for _ in range(4):
            comm.computed(0.25)
            works.append(comm.all_reduce(np.zeros(250, np.float32), algorithm="tree", async_op=True))
        for work in works:
            work.wait()
        return comm.clock()

    assert simulated(2, compute=constant(1.0)).run(program) == pytest.approx(
        [1.0 + ALPHA + 1000 / BANDWIDTH] * 2, rel=1e-9
    )


@pytest.mark.parametrize("algorithm", [*ALL_REDUCE])
def test_a_thousand_ranks_reduce(algorithm):
    def program(comm):
        x = np.arange(1000, dtype=np.float64) * comm.rank
        comm.all_reduce(x, algorithm=algorithm)
        return x

    expected = np.arange(1000, dtype=np.float64) * (1023 * 1024 // 2)  # integers: exact in any order
    assert all((x == expected).all() for x in simulated(1024).run(program))
