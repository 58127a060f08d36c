"""After an error, after a job, after a copy: what goes on is right, or says why not."""

from __future__ import annotations

import copy
import gc
import pickle

import numpy as np
import pytest

import tinygrad_edu as te
from tests.distributed.programs import cluster, network, rows, step
from tinygrad_edu import nn, optim
from tinygrad_edu.distributed import (
    DataParallel,
    DistributedError,
    ParameterServer,
    SimulatedCluster,
    ThreadCluster,
    check_in_sync,
    run,
)

BOTH = pytest.mark.parametrize("name", ["threads", "simulated"])


def averaged(comm, model, layers):
    """Whether a backward leaves the mean over the ranks: the gradient of x w by w is x, here the rank."""
    for layer in layers:
        layer.zero_grad()
    out = te.full((1, 2), float(comm.rank))
    for layer in layers:
        out = layer(out) if layer is layers[0] else layer(out * 0 + comm.rank)
    out.sum().backward()
    mean = (comm.size - 1) / 2
    return bool(np.allclose(layers[-1].weight.grad.numpy(), mean)) and model is not None


@BOTH
@pytest.mark.parametrize("where", ["backward", "no_sync", "hook", "dtype"])
def test_an_error_in_backward_does_not_end_the_averaging(name, where):
    def program(comm):
        first, second = nn.Linear(2, 2), nn.Linear(2, 2)
        model = DataParallel(nn.Sequential(first, second), comm, bucket_cap_mb=1e-5)
        assert averaged(comm, model, [first, second])

        def fails(_):
            raise LookupError("in the middle")

        def wrong_backward():
            h = first(te.ones(1, 2))
            handle = None
            if where == "hook":
                handle = first.bias.register_post_accumulate_grad_hook(fails)
            else:
                h.register_hook(fails)
            try:
                second(h).sum().backward()
            finally:
                if handle is not None:
                    handle.remove()

        if where == "dtype":
            model.to("float64")
            model.zero_grad()
            with pytest.raises(RuntimeError, match="another dtype"):
                model(te.ones(1, 2, dtype="float64")).sum().backward()
            model.to("float32")
        elif where == "no_sync":
            with pytest.raises(LookupError), model.no_sync():
                wrong_backward()
        else:
            with pytest.raises(LookupError):
                wrong_backward()
        return [averaged(comm, model, [first, second]) for _ in range(3)]

    assert cluster(name, 3).run(program) == [[True] * 3] * 3


@BOTH
def test_a_copy_averages_its_own_gradients_and_a_pickle_is_refused(name):
    def program(comm):
        model = DataParallel(nn.Linear(2, 2), comm)
        twin = copy.deepcopy(model)
        assert twin.module.weight is not model.module.weight
        right = averaged(comm, twin, [twin.module]), averaged(comm, model, [model.module])
        with pytest.raises(TypeError, match=r"pickle or save the model in it, model\.module"):
            pickle.dumps(model)
        assert pickle.loads(pickle.dumps(model.module)).weight.tolist() == model.module.weight.tolist()
        return right

    assert cluster(name, 3).run(program) == [(True, True)] * 3


@BOTH
def test_a_model_that_outlives_its_job_is_one_of_a_single_process_again(name):
    def program(comm, model=None):
        inner = nn.Linear(2, 2) if model is None else model
        model = DataParallel(inner, comm)
        assert averaged(comm, model, [inner])
        return inner

    models = cluster(name, 2).run(program)
    models[0](te.full((1, 2), 5.0)).sum().backward()
    assert np.allclose(models[0].weight.grad.numpy(), [[5.5, 5.5]] * 2), "0.5 of the job, and 5 of its own"

    def again(comm):
        inner = program(comm, models[comm.rank])
        check_in_sync(inner, comm)
        return True

    assert cluster(name, 2).run(again) == [True, True]


@BOTH
def test_one_model_for_all_ranks_is_refused(name):
    model = network()

    def program(comm):
        DataParallel(model, comm)

    with pytest.raises(DistributedError, match=r"several ranks have one model.*inside of the program"):
        cluster(name, 3).run(program)


def test_parameters_that_came_later_are_found():
    def unfrozen(comm):
        model = DataParallel(nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2).requires_grad_(False)), comm)
        model(te.ones(1, 2)).sum().backward()
        model.module[1].requires_grad_()
        for _ in range(4):
            model(te.ones(1, 2)).sum().backward()

    def replaced(comm):
        model = DataParallel(nn.Sequential(nn.Linear(2, 2)), comm)
        model(te.ones(1, 2)).sum().backward()
        bias = model.module[0].bias
        model.module[0].weight = nn.Parameter(np.ones((2, 2)))
        for _ in range(4):
            (model(te.ones(1, 2)) + bias).sum().backward()

    for program, what in ((unfrozen, r"1\.weight"), (replaced, r"0\.weight")):
        with pytest.raises(RuntimeError, match=what + " was added, replaced or unfrozen"):
            run(program, ranks=2)


@BOTH
def test_requests_get_messages_in_the_order_in_which_they_were_made(name):
    def program(comm):
        if comm.rank == 0:
            comm.sleep(0.01)
            comm.send(np.array([1.0]), 1)
            comm.send(np.array([2.0]), 1)
            return None
        a, b = np.zeros(1), np.zeros(1)
        first, second = comm.irecv(a, 0), comm.irecv(b, 0)
        second.wait()
        first.wait()
        return a[0], b[0]

    assert cluster(name, 2).run(program)[1] == (1.0, 2.0)


@BOTH
@pytest.mark.parametrize("how", ["raises", "returns"])
def test_a_loop_that_asks_whether_work_is_done_ends_when_it_never_will_be(name, how):
    def program(comm):
        if comm.rank == 1:
            if how == "raises":
                raise LookupError("gone")
            return
        work = comm.all_reduce(np.ones(2), async_op=True)
        while not work.is_completed():
            pass

    with pytest.raises(LookupError if how == "raises" else DistributedError):
        cluster(name, 2).run(program)


@pytest.mark.parametrize("options", [{}, {"collectives": "messages"}])
def test_messages_leave_nothing_behind(options):
    sizes = []

    def program(comm):
        for i in range(200):
            comm.all_reduce(np.zeros(1))
            comm.broadcast(np.zeros(1), src=i % comm.size)
        comm.barrier()
        sizes.append(len(comm._exchange.boxes))

    ThreadCluster(3).run(program)
    SimulatedCluster(3, **options).run(program)
    assert max(sizes) <= 12, "a few messages of the last collectives may be on their way"
    gc.collect()


def test_sys_exit_of_a_rank_is_an_error_of_the_job():
    def program(comm):
        if comm.rank == 1:
            raise SystemExit(0)
        comm.barrier()

    for name in ("threads", "simulated"):
        with pytest.raises(DistributedError, match=r"rank 1 of 2 called sys\.exit\(0\)"):
            cluster(name, 2).run(program)


def test_times_that_are_none_are_refused():
    def program(comm):
        comm.computed()

    for compute in (lambda r, s: float("nan"), lambda r, s: -1.0, lambda r, s: float("inf")):
        with pytest.raises(ValueError, match=r"compute says .* seconds for gradient 0 of rank"):
            SimulatedCluster(2, compute=compute).run(program)
    with pytest.raises(ValueError, match="share=inf"):
        SimulatedCluster(1).run(lambda comm: comm.computed(float("inf")))
    with pytest.raises(ValueError, match="update=nan"):
        SimulatedCluster(1, update=float("nan"))
    with pytest.raises(TypeError, match=r"compute=0\.01 is no model"):
        SimulatedCluster(1, compute=0.01)
    with pytest.raises(TypeError, match="network=3 is no Network"):
        SimulatedCluster(1, network=3)
    with pytest.raises(ValueError, match="timeout=nan must be above 0"):
        ThreadCluster(1, timeout=float("nan"))
    with pytest.raises(ValueError, match=r"size=0 must be an integer >= 1"):
        run(program, ranks=0)
    assert ThreadCluster(2, timeout=float("inf")).run(lambda comm: comm.barrier()) == [None, None]


def test_arguments_are_judged_where_they_are_given():
    def refused(kind, text, call):
        with pytest.raises(kind, match=text):
            run(call, ranks=2)

    def other_optimizer(comm):
        ParameterServer(network(), optim.SGD(network().parameters(), lr=0.1), comm)

    def swapped(comm):
        model = network()
        ParameterServer(model, comm, optim.SGD(model.parameters(), lr=0.1))

    refused(ValueError, "algorithm='foo'", lambda comm: DataParallel(network(), comm, algorithm="foo"))
    refused(ValueError, "parameters that are not the model's", other_optimizer)
    refused(TypeError, r"comm is a SGD.*ParameterServer\(model, optimizer, comm\)", swapped)
    refused(ValueError, "nothing to wait for", lambda comm: comm.wait_any([]))
    refused(TypeError, "dst must be an integer", lambda comm: comm.send(np.ones(1), 1.0))


def test_a_model_without_numbers_and_a_cap_without_end():
    def program(comm):
        model = DataParallel(nn.Linear(0, 0), comm, bucket_cap_mb=float("inf"))
        for _ in range(3):
            model(te.ones(1, 0)).sum().backward()
        big = DataParallel(network(), comm, bucket_cap_mb=float("inf"))
        step(big, optim.SGD(big.parameters(), lr=0.1), *rows(4))
        return model.module.weight.grad.shape

    assert run(program, ranks=2) == [(0, 0)] * 2


def test_a_worker_that_does_not_close_is_told_to():
    def program(comm):
        model = network()
        server = ParameterServer(model, optim.SGD(model.parameters(), lr=0.1), comm)
        if server.is_server:
            server.serve()

    with pytest.raises(DistributedError, match=r"close\(\)"):
        run(program, ranks=3)


def test_a_launched_process_that_runs_all_ranks_itself_is_warned(monkeypatch):
    monkeypatch.setenv("TINYGRAD_EDU_JOB", "x")
    with pytest.warns(UserWarning, match="with cluster='mpi' it is one"):
        assert run(lambda comm: comm.rank, ranks=2) == [0, 1]
