"""ParameterServer: synchronous is SGD, backups drop exactly what is late, staleness keeps its bound."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.distributed.programs import (
    OPTIMIZERS,
    all_reduced,
    alone,
    cluster,
    network,
    part,
    rows,
    same_bits,
    served,
    step,
)
from tinygrad_edu import nn, optim
from tinygrad_edu.distributed import ParameterServer, run


def batches(count, size, seed=0):
    return [rows(size, seed=seed + i) for i in range(count)]


@pytest.mark.parametrize("name", ["threads", "simulated"])
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("staleness", [0, 3, None])
def test_one_worker_is_sgd_bit_for_bit(name, optimizer, staleness):
    given = batches(6, 8)
    expected = alone(given, optimizer, batch_norm=True)
    for state, _, _ in cluster(name, 2).run(served, given, optimizer, staleness, batch_norm=True):
        assert same_bits(state, expected)


@settings(max_examples=12)
@given(st.integers(1, 4), st.integers(1, 4), st.sampled_from(sorted(OPTIMIZERS)), st.integers(0, 99))
def test_synchronous_is_all_reduce_bit_for_bit(workers, each, optimizer, seed):
    """The server adds in the order of ranks, as the star does."""
    given = batches(4, workers * each, seed)
    expected = run(all_reduced, given, optimizer, algorithm="star", ranks=workers)[0][-1]
    for name in ("threads", "simulated"):
        for state, report, dropped in cluster(name, workers + 1).run(served, given, optimizer):
            assert same_bits(state, expected)
            assert dropped == 0
            if report is not None:
                assert (report.updates, report.dropped) == (4, 0)
                assert report.staleness == {0: 4 * workers}


@settings(max_examples=15)
@given(st.data(), st.integers(2, 6), st.integers(1, 6))
def test_backups_count_the_first_and_drop_the_late(data, workers, steps):
    """On the simulated cluster, whose delays are exact, against a replay of the arrivals by hand."""
    backups = data.draw(st.integers(0, workers - 1))
    delays = [[data.draw(st.integers(1, 1000)) / 64 + w / 4096 for _ in range(steps)] for w in range(workers)]
    given = batches(steps, workers * 2)
    every = cluster("simulated", workers + 1).run(served, given, "sgd", 0, backups, delays)
    report = every[0][1]
    # Each pushes `steps` gradients; each is used or dropped.
    assert report.dropped == sum(dropped for _, _, dropped in every)
    assert sum(report.gradients.values()) + report.dropped == workers * steps
    for worker in range(workers):
        assert report.gradients[worker] + every[worker + 1][2] == steps
    assert report.staleness == {0: workers * steps - report.dropped}
    if backups == 0:
        assert report.dropped == 0 and report.updates == steps
    assert all(same_bits(state, every[0][0]) for state, _, _ in every)


def test_exactly_the_first_gradients_of_a_version_count():
    """Worker 2 is late: of three gradients the first two make the step, and its own is dropped."""
    given = batches(2, 9)
    delays = [[0.001, 0.001], [0.002, 0.002], [1.0, 0.001]]
    every = cluster("simulated", 4).run(served, given, "sgd", 0, 1, delays)
    report = every[0][1]
    # 0 and 1 make two steps of two gradients and close; then 2 is told that its first was late, and is alone.
    assert [dropped for _, _, dropped in every] == [0, 0, 0, 1]
    assert (report.updates, report.dropped) == (3, 1)
    assert report.gradients == {0: 2, 1: 2, 2: 1}
    model = network()
    rule = OPTIMIZERS["sgd"](model.parameters())

    def mean_step(parts):
        grads = []
        for x, y in parts:
            step(model, rule, x, y)
            grads.append([p.grad.numpy().copy() for p in model.parameters()])
        for p, *found in zip(model.parameters(), *grads, strict=True):
            p.grad = te.tensor(sum(found[1:], found[0]) / len(found))
        rule.step()

    mean_step([part(given[0], 0, 3), part(given[0], 1, 3)])
    mean_step([part(given[1], 0, 3), part(given[1], 1, 3)])
    mean_step([part(given[1], 2, 3)])
    assert same_bits(every[0][0], model.state_dict())


@settings(max_examples=15)
@given(st.data(), st.integers(1, 5), st.integers(1, 6), st.sampled_from([1, 2, 4, None]))
def test_nobody_is_further_ahead_than_the_bound(data, workers, steps, staleness):
    delays = [[data.draw(st.integers(1, 1000)) / 64 for _ in range(steps)] for _ in range(workers)]
    given = batches(steps, workers * 2)
    done = Counter()

    def program(comm):
        model = network()
        rule = OPTIMIZERS["sgd"](model.parameters())
        server = ParameterServer(model, rule, comm, staleness=staleness)
        if server.is_server:
            report = server.serve()
            return report, report
        ahead = []
        for i, batch in enumerate(given):
            running = [done[w] for w in range(workers) if done[w] < steps]
            ahead.append(done[server.worker] - min(running))
            step(model, rule, *part(batch, server.worker, workers))
            comm.sleep(delays[server.worker][i])
            done[server.worker] = i + 1
            server.step()
        server.close()
        return ahead, model.state_dict()

    (report, _), *others = cluster("simulated", workers + 1).run(program)
    assert report.updates == workers * steps
    assert report.gradients == dict.fromkeys(range(workers), steps)
    assert sum(report.staleness.values()) == workers * steps
    assert report.dropped == 0
    if staleness is not None:
        assert max(max(ahead) for ahead, _ in others) <= staleness
        # Of the others each may have made that many steps more than this one, before and after its own.
        assert max(report.staleness) <= (workers - 1) * (2 * staleness + 1)


def test_without_a_bound_a_fast_worker_does_not_wait():
    given = batches(20, 4)
    delays = [[0.001] * 20, [1.0] * 20]

    def time_of(staleness):
        chosen = cluster("simulated", 3, timeline=True)
        chosen.run(served, given, "sgd", staleness, 0, delays)
        return [max(s.end for s in chosen.spans if s.rank == 1 and s.kind == "compute")]

    (free,), (bound,) = time_of(None), time_of(2)
    assert free < 1.0 and bound > 15.0


def test_statistics_of_batch_norm_move_by_the_mean_change():
    given = rows(12)

    def program(comm):
        model = network(batch_norm=True)
        rule = OPTIMIZERS["sgd"](model.parameters())
        server = ParameterServer(model, rule, comm)
        if server.is_server:
            server.serve()
        else:
            step(model, rule, *part(given, server.worker, server.workers))
            mine = model[1].running_mean.numpy().copy()
            server.step()
            server.close()
            return mine, model[1].running_mean.numpy()
        return None, model[1].running_mean.numpy()

    every = run(program, ranks=4)
    expected = np.mean([mine for mine, _ in every[1:]], axis=0)
    for _, found in every:
        np.testing.assert_allclose(found, expected, rtol=1e-10)


def test_tensors_of_a_device(boxed):
    given = batches(3, 6)
    on_boxed = run(served, given, device="boxed", ranks=3)
    on_cpu = run(served, given, ranks=3)
    for name, array in on_cpu[0][0].items():
        np.testing.assert_allclose(on_boxed[0][0][name], array, rtol=1e-12)


def test_dropout_differs_between_workers():
    def program(comm):
        model = nn.Sequential(nn.Linear(2, 2), nn.Dropout(0.5))
        server = ParameterServer(model, optim.SGD(model.parameters(), lr=0.1), comm)
        mask = model[1](te.ones(1, 64)).numpy().tobytes()
        if server.is_server:
            server.serve()
        else:
            server.close()
        return mask

    assert len(set(run(program, ranks=4))) == 4


def test_workers_may_have_different_numbers_of_steps():
    def program(comm, staleness):
        model = network()
        rule = OPTIMIZERS["sgd"](model.parameters())
        server = ParameterServer(model, rule, comm, staleness=staleness)
        if server.is_server:
            return server.serve()
        for i in range(server.worker + 1):
            step(model, rule, *rows(4, seed=i))
            server.step()
        server.close()
        return None

    for name in ("threads", "simulated"):
        for staleness in (0, 1, None):
            report = cluster(name, 4).run(program, staleness)[0]
            assert report.gradients == {0: 1, 1: 2, 2: 3}
            assert report.updates == (3 if staleness == 0 else 6)


def test_the_server_is_told_of_each_update_and_a_schedule_can_follow():
    def program(comm):
        model = nn.Linear(1, 1, dtype="float64")
        rule = optim.SGD(model.parameters(), lr=1.0)
        rates = []
        server = ParameterServer(model, rule, comm)

        def halve(report):
            rates.append((report.updates, rule.param_groups[0]["lr"]))
            rule.param_groups[0]["lr"] /= 2

        if server.is_server:
            server.serve(halve)
            return rates
        for _ in range(3):
            model.zero_grad()
            model(te.ones(1, 1, dtype="float64")).sum().backward()
            server.step()
        server.close()
        return None

    assert run(program, ranks=2)[0] == [(1, 1.0), (2, 0.5), (3, 0.25)]


def test_a_gradient_that_no_worker_has_stays_none():
    def program(comm):
        used, unused = nn.Linear(1, 1), nn.Linear(1, 1)
        model = nn.Sequential(used, unused)
        before = unused.weight.numpy().copy()
        server = ParameterServer(model, optim.SGD(model.parameters(), lr=1.0, weight_decay=1.0), comm)
        if server.is_server:
            server.serve()
            return unused.weight.grad, before.tobytes() == unused.weight.numpy().tobytes()
        used(te.ones(1, 1)).sum().backward()
        server.step()
        server.close()
        return None

    assert run(program, ranks=3)[0] == (None, True)


def test_what_does_not_go_together_is_refused():
    def make(comm, **options):
        model = network()
        return ParameterServer(model, optim.SGD(model.parameters(), lr=0.1), comm, **options)

    def refused(kind, text, call, ranks=2):
        with pytest.raises(kind, match=text):
            run(call, ranks=ranks)

    refused(ValueError, "one rank is not enough", make, ranks=1)
    refused(ValueError, "staleness=-1 must be", lambda comm: make(comm, staleness=-1))
    refused(ValueError, "staleness=1.5 must be .* None", lambda comm: make(comm, staleness=1.5))
    refused(ValueError, "backups=True must be", lambda comm: make(comm, backups=True))
    refused(ValueError, "backups=1 with staleness=2", lambda comm: make(comm, staleness=2, backups=1), 4)
    refused(
        ValueError, "backups=1 with staleness=None", lambda comm: make(comm, staleness=None, backups=1), 4
    )
    refused(ValueError, "backups=1 of 1 workers", lambda comm: make(comm, backups=1))
    refused(TypeError, "optimizer is a NoneType", lambda comm: ParameterServer(network(), None, comm))

    def wrong_role(comm):
        server = make(comm)
        server.step() if server.is_server else server.serve()

    def no_backward(comm):
        server = make(comm)
        server.serve() if server.is_server else server.step()

    def after_the_end(comm):
        server = make(comm)
        if server.is_server:
            server.serve()
        else:
            server.close()
            server.close()

    refused(RuntimeError, "called what is for", wrong_role)
    refused(RuntimeError, "no parameter has a gradient", no_backward)
    refused(RuntimeError, "the server is closed", after_the_end)
