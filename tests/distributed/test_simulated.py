"""The simulated cluster: virtual time against closed forms, one order of events, errors instead of waits."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.distributed import programs
from tinygrad_edu.distributed import (
    DistributedError,
    Network,
    ParameterServer,
    SimulatedCluster,
    ThreadCluster,
    constant,
    exponential,
)
from tinygrad_edu.optim import SGD

ALPHA, BANDWIDTH = 1e-4, 1e6
NETWORK = Network(latency=ALPHA, bandwidth=BANDWIDTH)
BYTES = 4000
FAST = Network(latency=0.0, bandwidth=np.inf)


def simulated(size, **options):
    return SimulatedCluster(size, **{"network": NETWORK, **options})


def near(seconds):
    return pytest.approx(seconds, rel=1e-9, abs=1e-15)


def test_a_ping_pong_takes_two_messages_a_round():
    def program(comm):
        x = np.zeros(BYTES // 4, np.float32)
        for _ in range(10):
            if comm.rank == 0:
                comm.send(x, 1)
                comm.recv(x, 1)
            else:
                comm.recv(x, 0)
                comm.send(x, 0)
        return comm.clock()

    each = ALPHA + BYTES / BANDWIDTH
    first, second = simulated(2).run(program)
    assert first == near(20 * each)
    assert second == near(20 * each - ALPHA)  # it returns when its port has sent, not when that has arrived
    assert NETWORK.seconds(BYTES) == near(each)


def test_a_port_carries_one_message_at_a_time():
    """n senders share the receiver's port; a sender's messages to n receivers share its own."""

    def gather(comm):
        x = np.zeros(BYTES // 4, np.float32)
        if comm.rank == 0:
            for rank in range(1, comm.size):
                comm.recv(x, rank)
        else:
            comm.send(x, 0)
        return comm.clock()

    def scatter(comm):
        x = np.zeros(BYTES // 4, np.float32)
        if comm.rank == 0:
            for work in [comm.isend(x, rank) for rank in range(1, comm.size)]:
                work.wait()
        else:
            comm.recv(x, 0)
        return comm.clock()

    port = BYTES / BANDWIDTH
    assert simulated(6).run(gather)[0] == near(ALPHA + 5 * port)
    times = simulated(6).run(scatter)
    assert times == [near(5 * port), *(near(ALPHA + i * port) for i in range(1, 6))]


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_a_server_is_as_fast_as_its_port(workers):
    """Asynchronous workers that compute in no time: each byte of each gradient passes the server's ports."""
    count, steps = 10_000, 4

    def program(comm):
        model = te.nn.Sequential(te.nn.Linear(count // 10, 10, bias=False))
        server = ParameterServer(model, SGD(model.parameters(), lr=0.1), comm, staleness=None)
        begin = comm.clock()
        if server.is_server:
            server.serve()
        else:
            for _ in range(steps):
                model[0].weight.grad = te.zeros(model[0].weight.shape)
                server.step()
            server.close()
        return comm.clock() - begin

    network = Network(latency=0.0, bandwidth=BANDWIDTH)
    seconds = max(SimulatedCluster(workers + 1, network=network, compute=constant(0.0)).run(program))
    port = 4 * count / BANDWIDTH
    # A worker alone pushes and then pulls; several overlap, and one direction of the port is always busy.
    least = steps * 2 * port if workers == 1 else steps * workers * port
    assert least <= seconds <= least + (2 * workers + 2) * port


def test_steps_per_second_of_all_reduce_at_constant_computation():
    def program(comm, steps):
        x = np.zeros(BYTES // 4, np.float32)
        for _ in range(steps):
            comm.computed()
            comm.all_reduce(x, algorithm="ring")
        return comm.clock()

    each = 0.02 + 2 * 3 * (ALPHA + BYTES / 4 / BANDWIDTH)
    assert simulated(4, compute=constant(0.02)).run(program, 25) == [near(25 * each)] * 4


def test_the_message_that_arrives_first_is_taken_first():
    def program(comm):
        if comm.rank:
            comm.sleep([0, 0.3, 0.1, 0.2][comm.rank])
            comm.send(np.array([comm.rank]), 0)
            return None
        arrays = [np.zeros(1, int) for _ in range(3)]
        works = [comm.irecv(x, rank) for rank, x in enumerate(arrays, 1)]
        order, clocks = [], []
        for delay in (0.0, 1.0, 0.0):  # the last two arrive while rank 0 does something else
            comm.sleep(delay)
            i = comm.wait_any(works)
            works.pop(i)
            order.append(int(arrays.pop(i)[0]))
            clocks.append(comm.clock())
        return order, clocks

    order, clocks = simulated(4).run(program)[0]
    each = ALPHA + 8 / BANDWIDTH
    assert order == [2, 3, 1]
    assert clocks == [near(0.1 + each), near(1.1 + each), near(1.1 + each)]


def test_a_message_overtakes_one_that_waits_for_its_senders_port():
    """The receiver's port is for the message whose first byte is there, not for the one sent first."""

    def program(comm):
        large, small = np.zeros(1_000_000, np.uint8), np.zeros(1, np.uint8)
        if comm.rank == 1:
            works = [comm.isend(large, 2), comm.isend(small, 0)]
            works[1].wait()
            works[0].wait()
        elif comm.rank == 2:
            comm.recv(large, 1)
        elif comm.rank == 3:
            comm.sleep(0.5)
            comm.send(small, 0)
        else:
            works = [comm.irecv(np.zeros(1, np.uint8), 1), comm.irecv(np.zeros(1, np.uint8), 3)]
            return comm.wait_any(works), comm.clock()
        return None

    which, clock = simulated(4).run(program)[0]
    assert which == 1
    assert clock == near(0.5 + ALPHA + 1 / BANDWIDTH)


@given(st.integers(2, 6), st.integers(0, 1000), st.sampled_from([0, 2, None]))
def test_a_run_is_the_same_whenever_it_is_repeated(size, seed, staleness):
    x, y = programs.rows(size * 8, seed=seed)
    batches = [(x[i::2], y[i::2]) for i in range(2)]

    def program(comm):
        state, report, dropped = programs.served(comm, batches, staleness=staleness)
        return state, report, dropped, comm.clock()

    options = {"compute": exponential(1e-3), "seed": seed, "timeline": True}
    clusters = [simulated(size, **options) for _ in range(2)]
    first, second = (one.run(program) for one in clusters)
    for one, other in zip(first, second):
        assert programs.same_bits(one[0], other[0])
        assert one[1:] == other[1:]
    assert clusters[0].spans == clusters[1].spans
    assert clusters[0].seconds == max(result[3] for result in first)


def test_what_a_rank_does_happens_in_the_order_of_virtual_time():
    events = []

    def program(comm, model):
        for step in range(20):
            comm.sleep(model(comm.rank, step))
            events.append((comm.clock(), comm.rank))

    simulated(5).run(program, exponential(1.0).bind(0))
    assert len(events) == 100
    assert events == sorted(events)


def test_the_time_of_the_processor_costs_nothing():
    def program(comm):
        np.linalg.inv(np.eye(100))
        return comm.clock()

    assert simulated(3).run(program) == [0.0, 0.0, 0.0]


def test_hundreds_of_ranks_train():
    x, y = programs.rows(256 * 2)

    def program(comm):
        states = programs.all_reduced(comm, [(x, y)])
        return states[-1]["0.weight"], comm.clock()

    weights, clocks = zip(*simulated(256).run(program))
    assert len({weight.tobytes() for weight in weights}) == 1
    assert clocks[0] > 1e-3


def test_spans_are_in_virtual_time():
    def program(comm):
        comm.sleep(0.5 if comm.rank else 0.0)
        comm.computed()
        comm.all_reduce(np.zeros(1), algorithm="tree")

    cluster = simulated(2, compute=constant(0.25), network=FAST, timeline=True)
    cluster.run(program)
    assert [(s.rank, s.kind, s.begin, s.end) for s in cluster.spans] == [
        (0, "compute", 0.0, 0.25), (0, "wait", 0.25, 0.75),
        (1, "compute", 0.0, 0.75),  # with the sleep before it, as in threads
    ]  # fmt: skip
    assert cluster.spans[1].details == {"source": 1}
    assert cluster.seconds == 0.75


# -- errors ------------------------------------------------------------------------------------------------


def raised(program, size=3, **options):
    with pytest.raises(DistributedError) as caught:
        simulated(size, **options).run(program)
    return str(caught.value)


@pytest.mark.parametrize("collectives", ["rounds", "messages"])
def test_ranks_that_wait_for_each_other_are_an_error_at_once(collectives):
    begin = time.monotonic()
    text = raised(lambda comm: comm.recv(np.zeros(1), (comm.rank + 1) % 3), collectives=collectives)
    assert "rank 0 waits in recv from rank 1" in text and "rank 2 waits in recv from rank 0" in text
    text = raised(lambda comm: comm.all_reduce(np.zeros(2 + comm.rank % 2)), collectives=collectives)
    assert "rank 1 waits in all_reduce number 1 of 24 bytes" in text
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("collectives", ["rounds", "messages"])
def test_a_rank_that_ended_early_is_an_error(collectives):
    def program(comm):
        comm.all_reduce(np.zeros(4))
        if comm.rank == 2:
            return
        if comm.rank == 1:
            comm.sleep(1e9)
        comm.all_reduce(np.zeros(4), algorithm="star")

    text = raised(program, collectives=collectives)
    named = {"rounds": "rank 0", "messages": "rank 1"}  # one by one, rank 0 waits for rank 1 first
    if collectives == "rounds":
        assert f"rank 2 ended, and {named[collectives]} waits for it in all_reduce number 2" in text
    else:
        assert "rank 2 has ended" in text or "rank 2 ended" in text


def test_a_message_that_was_sent_before_the_end_still_comes():
    def program(comm):
        x = np.full(4, 7.0)
        if comm.rank == 0:
            comm.isend(x, 1)
            return None
        comm.sleep(1.0)
        y = np.zeros(4)
        comm.recv(y, 0)
        return y.tolist()

    assert simulated(2).run(program)[1] == [7.0] * 4


def test_an_error_on_a_rank_ends_the_job_with_its_rank():
    def program(comm):
        if comm.rank == 1:
            comm.sleep(0.5)
            raise KeyError("the bug")
        if comm.rank == 2:
            comm.sleep(1e9)
        comm.barrier()

    with pytest.raises(KeyError, match="the bug") as caught:
        simulated(4).run(program)
    assert caught.value.__notes__ == ["(raised on rank 1 of 4)"]


def test_a_rank_that_only_asks_lets_time_pass():
    def program(comm):
        x = np.zeros(1)
        if comm.rank:
            comm.sleep(2.0)
            comm.send(x, 0)
            return None
        work = comm.irecv(x, 1)
        while not work.is_completed():
            pass
        return comm.clock()

    assert simulated(2).run(program)[0] == near(2.0 + ALPHA + 8 / BANDWIDTH)


def test_ranks_that_only_ask_each_other_are_an_error():
    def program(comm):
        work = comm.irecv(np.zeros(1), 1 - comm.rank)
        while not work.is_completed():
            pass

    text = raised(program, 2)
    assert "rank 0 waits in a loop of is_completed(), rank 1 waits in" in text


@pytest.mark.parametrize(
    ("make", "problem"),
    [
        (lambda: SimulatedCluster(0), "size"),
        (lambda: SimulatedCluster(2, cores=0), "cores"),
        (lambda: SimulatedCluster(2, collectives="fast"), "collectives='fast'"),
        (lambda: Network(latency=-1.0), "latency=-1.0"),
        (lambda: Network(latency=np.nan), "latency=nan"),
        (lambda: Network(overhead=-1.0), "overhead=-1.0"),
        (lambda: Network(bandwidth=0.0), "bandwidth=0.0"),
        (lambda: SimulatedCluster(1).run(lambda comm: comm.sleep(-1.0)), "seconds=-1.0"),
    ],
)
def test_bad_arguments_are_named(make, problem):
    with pytest.raises(ValueError, match=problem):
        make()


def test_threads_and_simulation_learn_the_same():
    x, y = programs.rows(24)

    def program(comm):
        return programs.all_reduced(comm, [(x, y)] * 3)[-1]

    for one, other in zip(simulated(3).run(program), ThreadCluster(3).run(program)):
        assert programs.same_bits(one, other)
