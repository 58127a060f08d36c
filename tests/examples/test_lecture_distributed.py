"""The lessons on several machines: their code by hand has the library's bits, on every cluster."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest

import tinygrad_edu as te
from tests.examples.conftest import ROOT, script, started
from tests.examples.test_lecture_facts import words_of
from tinygrad_edu import data, distributed
from tinygrad_edu.distributed.simulated import SimulatedCluster


@pytest.fixture
def table():
    """Digits would need scikit-learn; the lessons' networks have 64 inputs and 10 outputs."""
    random = np.random.default_rng(0)
    rows = random.normal(size=(640, 64)).astype(np.float32)
    names = [f"pixel {i}" for i in range(64)]
    return data.Table(rows, random.integers(0, 10, 640), names, class_names=[str(i) for i in range(10)])


@pytest.mark.parametrize("cluster", ["threads", "simulated"])
@pytest.mark.parametrize(("ranks", "n"), [(1, 5), (2, 8), (3, 12), (5, 40), (4, 3)])
def test_20_the_ring_by_hand_has_the_bits_of_the_librarys(lesson, cluster, ranks, n):
    everywhere = distributed.run(lesson(20).sums, n, 1, ranks=ranks, cluster=cluster)
    exact = sum(np.random.default_rng([1, rank]).normal(size=n) for rank in range(ranks))
    for found in everywhere:
        np.testing.assert_allclose(found["ring, by hand"], exact, atol=1e-5)
        if n % ranks == 0:  # else the library cuts other chunks
            np.testing.assert_array_equal(found["ring, by hand"], found["ring"])
        for name, sums in found.items():
            np.testing.assert_array_equal(sums, everywhere[0][name])


@pytest.mark.parametrize("cluster", ["threads", "simulated"])
def test_20_workers_learn_what_one_machine_learns(lesson, cluster, table):
    twenty = lesson(20)
    [(one, _)] = distributed.run(twenty.train, table, 6, 0, 32, ranks=1)
    found = distributed.run(twenty.train, table, 6, 0, 8, ranks=4, cluster=cluster)
    for weights, _ in found:
        np.testing.assert_array_equal(weights, found[0][0])
        np.testing.assert_allclose(weights, one, atol=1e-6)
    [(other, _)] = distributed.run(twenty.train, table, 6, 0, 8, ranks=1)
    assert np.abs(one - other).max() > 1e-3  # a smaller batch is another run


def test_20_which_algorithm_is_fast_depends_on_the_bytes(lesson):
    """As alpha and beta have it: 2 (n - 1) messages of S / n, or log2 n of S, or 2 (n - 1) of S."""
    seconds, alpha, beta, n = lesson(20).seconds, 50e-6, 1 / 1.25e9, 8
    for numbers in (256, 1 << 18):
        bytes_ = 4 * numbers
        assert seconds(n, numbers, "ring") == pytest.approx(
            2 * (n - 1) * (alpha + bytes_ / n * beta), rel=0.02
        )
        assert seconds(n, numbers, "tree") == pytest.approx(3 * (alpha + bytes_ * beta), rel=0.02)
    assert seconds(n, 256, "tree") < seconds(n, 256, "ring")
    assert seconds(n, 1 << 20, "ring") < seconds(n, 1 << 20, "tree") < seconds(n, 1 << 20, "star")


@pytest.mark.parametrize("cluster", ["threads", "simulated"])
@pytest.mark.parametrize("workers", [1, 3])
def test_18_a_server_that_waits_for_all_is_sgd_bit_for_bit(lesson, cluster, workers, table):
    eighteen = lesson(18)
    (report, served, _), *_ = distributed.run(
        eighteen.work, table, 7, 2, staleness=0, ranks=1 + workers, cluster=cluster
    )
    assert report.updates == 7
    np.testing.assert_array_equal(served, eighteen.by_hand(table, 7, 2, workers))


def test_18_by_hand_is_the_step_of_all_rows_at_once(lesson, table):
    eighteen = lesson(18)
    model = eighteen.network(4)
    optimizer = te.optim.SGD(model.parameters(), lr=eighteen.ETA)
    loader = data.DataLoader(table, 2 * eighteen.M, shuffle=True, seed=4, drop_last=True)
    for x, y in eighteen.batches(loader, 5):
        optimizer.zero_grad()
        te.cross_entropy(model(x), y).backward()
        optimizer.step()
    np.testing.assert_allclose(eighteen.by_hand(table, 5, 4, 2), eighteen.weights(model), atol=1e-6)


def test_18_gradients_are_stale_and_a_bound_keeps_workers_together(lesson, table):
    eighteen, times = lesson(18), lesson(18).TIMES.bind(0)
    for bound in (None, 1):
        job = SimulatedCluster(5, timeline=True)
        (report, _, _), *_ = job.run(eighteen.work, table, 12, 0, staleness=bound, times=times)
        assert report.updates == 48 == report.staleness.total()
        assert report.gradients == dict.fromkeys(range(4), 12)
        if bound is None:
            free = report
    assert max(report.staleness) < max(free.staleness)  # a worker is at most a step ahead of the slow one


def test_19_a_backup_makes_up_for_the_slow_worker_and_loses_its_rows(lesson, table):
    nineteen = lesson(19)

    def times(rank, step):
        return 0.05 if rank == 2 else 0.004

    rates = []
    for backups in (0, 1):
        job = SimulatedCluster(5, compute=lambda rank, step: 0.001)
        (report, history), *_ = job.run(nineteen.work, table, 20, 0, backups, times)
        rates.append(nineteen.rate(history))
        used = [report.gradients[worker] for worker in range(4)]
        assert used == ([20, 0, 20, 20] if backups else [20] * 4) and report.updates == 20
        assert bool(report.dropped) == bool(backups)
    assert rates[0] == pytest.approx(1 / 0.051, rel=0.02) and rates[1] > 8 * rates[0]


@pytest.mark.parametrize("number", [18, 19, 20])
def test_a_lesson_runs_on_a_simulated_cluster_and_says_the_same_twice(number, tmp_path):
    said = [
        started(script(number), "--smoke", "--cluster", "simulated", "--out", str(tmp_path)) for _ in range(2)
    ]
    assert said[0].returncode == 0, said[0].stderr
    assert said[0].stdout == said[1].stdout and said[0].stderr == ""


def launched(number, ranks, folder):
    """A short run of a lesson under MPI, with so many ranks."""
    if importlib.util.find_spec("mpi4py") is None:
        pytest.skip('no mpi4py here; pip install "tinygrad_edu[mpi]" brings it')
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", "launch", "-n", str(ranks), str(script(number)), "--smoke",
         "--cluster", "mpi", "--out", str(folder)],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.mark.parametrize(("number", "ranks"), [(18, 1), (19, 2), (20, 1)])
def test_a_lesson_with_too_few_ranks_says_how_to_start_more(number, ranks, tmp_path):
    ended = launched(number, ranks, tmp_path)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr and not ended.stdout
    (line,) = [line for line in ended.stderr.splitlines() if "This lesson needs" in line]
    assert (
        f"this job has {ranks}: start it with tinygrad-edu launch -n " in line and script(number).name in line
    )


@pytest.mark.parametrize(("number", "ranks"), [(18, 3), (19, 4), (20, 2)])
def test_a_lesson_runs_under_mpi_and_one_rank_speaks(number, ranks, tmp_path):
    ended = launched(number, ranks, tmp_path)
    assert ended.returncode == 0, ended.stderr
    first = {18: "same bits: True", 19: f"{ranks - 1} workers, 5 steps", 20: "same bits on all workers: True"}
    assert ended.stdout.count(first[number]) == 1
    assert len(list(tmp_path.iterdir())) == ended.stdout.count("picture: ") > 1


def test_the_pages_say_what_is_computed(lesson):
    assert f"{lesson(18).MANY} workers" in words_of("18-many-machines.md")
    assert f"{lesson(19).MANY} workers" in words_of("19-backup-workers.md")
