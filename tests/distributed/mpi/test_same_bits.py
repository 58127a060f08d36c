"""Under real MPI, everything has the same bits as in threads: collectives, and both schemes of training."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tests.distributed.mpi.jobs import launch, needs_mpi, program
from tinygrad_edu import distributed

pytestmark = needs_mpi


@pytest.mark.parametrize("ranks", [3, *(pytest.param(n, marks=pytest.mark.long) for n in (2, 4))])
def test_mpi_and_threads_give_the_same_bits(ranks):
    job = program(ranks, "compared")
    assert job.code == 0, job.out + job.err
    assert job.out.count("ended well") == ranks
    assert not job.left


def test_a_plain_python_is_a_cluster_of_one():
    def alone(comm, *, scale):
        x = np.arange(3.0)
        comm.all_reduce(x)
        comm.barrier()
        return comm.rank, comm.size, (x * scale).tolist()

    assert distributed.run(alone, cluster="mpi", scale=2) == [(0, 1, [0.0, 2.0, 4.0])]


def test_a_slow_rank_is_no_fault():
    job = program(3, "slow", timeout=30)
    assert job.code == 0, job.out + job.err
    assert job.out.count("ended well: [27.0, 27.0, 27.0]") == 3


def test_ranks_that_catch_an_error_go_on_together():
    job = program(2, "caught")
    assert job.code == 0, job.out + job.err
    assert "[0] caught RankFailed\n" in job.out
    assert "[1] caught ValueError\n" in job.out


def test_output_has_its_rank_in_front_and_one_progress_bar():
    job = launch("-n", 2, "--env", "GIVEN=7", "-m", "tests.distributed.mpi.programs", "output",
                 OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")  # fmt: skip
    assert job.code == 0, job.out + job.err
    for rank in (0, 1):
        lines = [line for line in job.out.splitlines() if line.startswith(f"[{rank}] ")]
        assert lines == [f"[{rank}] {text}" for text in
                         ("one", "two", "no end; threads {'1'}, given 7, words ['output']",
                          "ended well: [None, None]")]  # fmt: skip
        assert f"[{rank}] err {rank}\n" in job.err
    assert len(job.out.splitlines()) == 8
    assert job.err.count("3/3") == 1
    assert "\r" not in job.out + job.err


def test_the_library_imports_mpi_only_when_it_is_used():
    import subprocess

    code = "import sys, tinygrad_edu.distributed.mpi; sys.exit('mpi4py' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
