"""Collectives: what NumPy computes, with the same bits on every rank and every run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.distributed.programs import cluster
from tinygrad_edu.distributed import DistributedError, ThreadCluster, run
from tinygrad_edu.distributed.schedules import ALL_REDUCE, NOTHING, WHOLE, all_reduce, bounds

SIZES = st.integers(1, 9)
NUMPY = {"sum": np.sum, "mean": np.mean, "max": np.max, "min": np.min, "product": np.prod}


def data(rank, length, dtype, seed):
    random = np.random.default_rng([seed, rank])
    if np.dtype(dtype).kind == "f":
        return (random.normal(size=length) * 10.0 ** random.integers(-3, 3, length)).astype(dtype)
    return random.integers(0, 5, length).astype(dtype)


def reduced(comm, length, dtype, seed, op, algorithm):
    x = data(comm.rank, length, dtype, seed)
    comm.all_reduce(x, op, algorithm=algorithm)
    return x


@pytest.mark.parametrize("name", ["threads", "simulated"])
@given(SIZES, st.integers(0, 40), st.sampled_from(["float32", "float64", "int64", "uint8"]),
       st.sampled_from(sorted(NUMPY)), st.sampled_from([*ALL_REDUCE, None]), st.integers(0, 99))  # fmt: skip
def test_all_reduce_is_the_reduction_over_ranks(name, size, length, dtype, op, algorithm, seed):
    if op == "mean" and np.dtype(dtype).kind != "f":
        op = "sum"
    found = cluster(name, size).run(reduced, length, dtype, seed, op, algorithm)
    every = np.stack([data(rank, length, dtype, seed) for rank in range(size)])
    expected = NUMPY[op](every.astype(np.float64 if np.dtype(dtype).kind == "f" else dtype), axis=0)
    if np.dtype(dtype).kind == "f":
        error = 4 * size * np.finfo(dtype).eps * NUMPY["sum"](np.abs(every), axis=0)
        error = error if op != "product" else 4 * size * np.finfo(dtype).eps * np.abs(expected)
        assert (np.abs(found[0] - expected) <= error).all()
    else:
        assert np.array_equal(found[0], expected.astype(dtype))
    assert {each.tobytes() for each in found} == {found[0].tobytes()}
    again = cluster("threads", size).run(reduced, length, dtype, seed, op, algorithm)
    assert again[0].tobytes() == found[0].tobytes()


@pytest.mark.parametrize("algorithm", ALL_REDUCE)
@pytest.mark.parametrize("size", range(1, 18))
def test_each_schedule_adds_each_rank_once_and_ends_everywhere(algorithm, size):
    """Played with sets of ranks in place of numbers: a union that meets itself would add a rank twice."""
    _, schedule = all_reduce(algorithm, size, 1)
    held = [[{rank} for _ in range(schedule.chunks)] for rank in range(size)]
    everyone = set(range(size))
    for i, (source, target, chunk, combine) in enumerate(schedule.rounds):
        if i == schedule.complete:
            for rank, owned in enumerate(schedule.owned):
                mine = range(schedule.chunks) if owned == WHOLE else [] if owned == NOTHING else [owned]
                assert all(held[rank][c] == everyone for c in mine)
        sent = [(t, c, set(held[s][c])) for s, t, c in zip(source, target, chunk, strict=True)]
        assert len({(t, c) for t, c, _ in sent}) == len(sent), "a target gets one message for a chunk"
        for t, c, what in sent:
            assert not combine or not held[t][c] & what
            held[t][c] = held[t][c] | what if combine else what
    assert all(chunk == everyone for rank in held for chunk in rank)


@given(st.integers(0, 100), st.integers(1, 12))
def test_chunks_cover_an_array_and_differ_by_one_at_most(length, chunks):
    places = bounds(length, chunks)
    assert [i for place in places for i in range(length)[place]] == list(range(length))
    lengths = [place.stop - place.start for place in places]
    assert max(lengths) - min(lengths) <= 1


@pytest.mark.parametrize("name", ["threads", "simulated"])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
def test_other_collectives(name, size):
    def program(comm):
        root = comm.size - 1
        x = np.arange(6.0).reshape(2, 3) * (comm.rank + 1)
        gathered = comm.all_gather(x)
        comm.broadcast(x, src=root)
        comm.barrier()
        return (x, gathered, comm.broadcast_object({"rank": comm.rank}, src=root),
                comm.all_gather_object("x" * comm.rank),
                comm.gather_object([comm.rank], dst=root))  # fmt: skip

    for rank, (x, gathered, thing, texts, lists) in enumerate(cluster(name, size).run(program)):
        assert np.array_equal(x, np.arange(6.0).reshape(2, 3) * size)
        assert np.array_equal(
            gathered, np.stack([np.arange(6.0).reshape(2, 3) * (r + 1) for r in range(size)])
        )
        assert thing == {"rank": size - 1}
        assert texts == ["x" * r for r in range(size)]
        assert lists == ([[r] for r in range(size)] if rank == size - 1 else None)


def test_messages_keep_their_order_and_their_tags():
    def program(comm):
        if comm.rank == 0:
            for i in range(3):
                comm.send(np.array([i]), 1)
                comm.send(np.array([-i]), 1, tag=7)
            return None
        got = np.zeros(1, int)
        found = []
        for tag in (7, 7, 7, 0, 0, 0):
            comm.recv(got, 0, tag)
            found.append(int(got[0]))
        return found

    assert run(program, ranks=2)[1] == [0, -1, -2, 0, 1, 2]


def test_a_sent_array_may_be_changed_at_once():
    def program(comm):
        x = np.full(3, float(comm.rank))
        if comm.rank == 0:
            comm.send(x, 1)
            x[:] = 99
            comm.barrier()
        else:
            comm.barrier()
            comm.recv(x, 0)
        return x.tolist()

    assert run(program, ranks=2)[1] == [0, 0, 0]


def test_work_goes_on_while_a_rank_computes():
    def program(comm):
        xs = [np.full(1000, comm.rank + i, float) for i in range(4)]
        works = [comm.all_reduce(x, async_op=True) for x in xs]
        while not all(work.is_completed() for work in works):
            comm.progress()
        return [x[0] for x in xs]

    assert run(program, ranks=3) == [[3.0, 6.0, 9.0, 12.0]] * 3


@pytest.mark.parametrize("make", [lambda x: x, lambda x: x[::2], lambda x: x.T, lambda x: x[:, 1]])
def test_arrays_and_tensors_of_any_layout(make):
    def program(comm):
        array = make(np.arange(12.0).reshape(4, 3) + comm.rank)
        comm.all_reduce(array)
        x = te.tensor(np.arange(12.0).reshape(4, 3) + comm.rank)
        tensor = make(x)
        before = tensor.storage.writes.count
        comm.all_reduce(tensor)
        assert tensor.storage.writes.count == before + 1, "a change in place is counted"
        return array, tensor.numpy(), x.numpy()

    whole = np.arange(12.0).reshape(4, 3)
    for rank, (array, tensor, x) in enumerate(run(program, ranks=2)):
        assert np.array_equal(array, 2 * make(whole) + 1)
        assert np.array_equal(tensor, 2 * make(whole) + 1)
        rest = whole + rank  # what the view does not show stays as it was
        make(rest)[...] = array
        assert np.array_equal(x, rest)


def test_a_tensor_of_a_device_comes_back_to_it(boxed):
    def program(comm):
        x = te.tensor(np.arange(4.0) * (comm.rank + 1), device="boxed")
        comm.all_reduce(x, "mean")
        return x.device, x.numpy().tolist()

    assert run(program, ranks=3) == [("boxed", [0.0, 2.0, 4.0, 6.0])] * 3


def test_what_cannot_be_sent_is_refused():
    def refused(kind, text, call):
        with pytest.raises(kind, match=text):
            run(call, ranks=1)

    read_only = np.arange(3.0)
    read_only.flags.writeable = False
    computed = te.ones(3, requires_grad=True) * 2
    refused(TypeError, r"list \[1, 2\] cannot be sent", lambda comm: comm.all_reduce([1, 2]))
    refused(TypeError, "objects there are", lambda comm: comm.all_reduce(np.array(["a"])))
    refused(ValueError, "read-only", lambda comm: comm.all_reduce(read_only))
    refused(RuntimeError, "computed", lambda comm: comm.all_reduce(computed))
    refused(ValueError, "op='mode'.*there are", lambda comm: comm.all_reduce(np.ones(2), "mode"))
    refused(ValueError, "algorithm='mesh'", lambda comm: comm.all_reduce(np.ones(2), algorithm="mesh"))
    refused(TypeError, "mean of int64", lambda comm: comm.all_reduce(np.ones(2, int), "mean"))
    refused(ValueError, "src=1.*from 0 to 0", lambda comm: comm.broadcast(np.ones(2), src=1))
    refused(ValueError, "dst=5", lambda comm: comm.send(np.ones(2), 5))
    with pytest.raises(ValueError, match=r"cluster='cloud'.*threads"):
        run(lambda comm: None, cluster="cloud")


@pytest.mark.parametrize("name", ["threads", "simulated"])
def test_ranks_that_do_not_go_together_are_named(name):
    def other_collective(comm):
        comm.barrier() if comm.rank == 1 else comm.all_reduce(np.ones(3))

    def other_shape(comm):
        comm.all_reduce(np.ones(3 + comm.rank))

    def other_shape_of_as_many(comm):
        comm.all_reduce(np.ones((2, 2) if comm.rank else 4))

    def other_dtype(comm):
        comm.all_reduce(np.ones(4, "float32" if comm.rank else "float64"))

    def ends_early(comm):
        if comm.rank != 1:
            comm.barrier()

    def nobody_sends(comm):
        comm.recv(np.ones(1), 1 - comm.rank)

    def check(program, *words):
        with pytest.raises(DistributedError) as raised:
            cluster(name, 2).run(program)
        for word in words:
            assert word in str(raised.value), raised.value

    check(
        other_collective, "rank 0 waits in all_reduce number 1 of 24 bytes float64", "rank 1 waits in barrier"
    )
    check(
        other_shape,
        "rank 0 waits in all_reduce number 1 of 24 bytes",
        "rank 1 waits in all_reduce number 1 of 32",
    )
    check(other_shape_of_as_many, "float64 (4,)", "float64 (2, 2)")
    check(other_dtype, "32 bytes float64", "16 bytes float32")
    check(ends_early, "rank 1", "ended", "barrier")
    check(nobody_sends, "rank 0 waits in recv from rank 1", "rank 1 waits in recv from rank 0")


@pytest.mark.parametrize("name", ["threads", "simulated"])
def test_an_error_on_one_rank_ends_the_job_and_is_raised(name):
    def program(comm):
        if comm.rank == 2:
            raise LookupError("this one")
        comm.barrier()

    with pytest.raises(LookupError, match="this one") as raised:
        cluster(name, 4).run(program)
    assert raised.value.__notes__ == ["(raised on rank 2 of 4)"]


def test_a_wait_that_takes_too_long_is_an_error():
    def program(comm):
        if comm.rank == 1:
            while comm.wait_until.wait(5):  # until the other rank has given up
                return
        comm.barrier()

    import threading

    gave_up = threading.Event()

    def patient(comm):
        comm.wait_until = gave_up
        try:
            program(comm)
        finally:
            gave_up.set()

    with pytest.raises(DistributedError, match=r"rank 0 has waited 0.1 s in barrier.*rank 1 computes"):
        ThreadCluster(2, timeout=0.1).run(patient)
