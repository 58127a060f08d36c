"""Going on without a rank that died: under Open MPI; under any other, an error that says so."""

from __future__ import annotations

import pytest

from tests.distributed.mpi.jobs import is_open_mpi, launch, needs_mpi
from tinygrad_edu import distributed

pytestmark = needs_mpi


@pytest.mark.skipif(not is_open_mpi(), reason="only Open MPI can go on without a rank: make mpi-tests")
def test_the_others_go_on_without_a_rank_that_died():
    job = launch("-n", 4, "--shrink", "--timeout", 30, "-m", "tests.distributed.mpi.programs", "shrinks")
    assert job.code == 0, job.out + job.err
    assert job.out.count("lost: ") == 3
    assert "1 of 4 ranks have died" in job.out
    assert job.out.count("ended well: [(0, 3), (1, 3), (2, 3)]") == 3
    assert not job.left


@pytest.mark.skipif(not is_open_mpi(), reason="only Open MPI can go on without a rank: make mpi-tests")
def test_a_rank_that_dies_after_the_last_message_is_not_waited_for():
    job = launch("-n", 3, "--shrink", "-m", "tests.distributed.mpi.programs", "dies_last")
    assert not job.left
    assert job.out.count("ended well") == 3


@pytest.mark.skipif(not is_open_mpi(), reason="only Open MPI can go on without a rank: make mpi-tests")
def test_a_program_that_does_not_shrink_ends_with_the_reason():
    job = launch(
        "-n", 3, "--shrink", "--timeout", 30, "-m", "tests.distributed.mpi.programs", "fault", "dies"
    )
    assert job.code != 0
    assert "1 of 3 ranks have died" in job.err
    assert "call comm.shrink()" in job.err
    assert not job.left


@pytest.mark.skipif(is_open_mpi(), reason="is about other MPIs than Open MPI")
def test_other_mpis_say_that_they_cannot():
    job = launch("-n", 2, "--shrink", "-m", "tests.distributed.mpi.programs", "shrinks")
    assert job.code == 2
    assert job.err.startswith("tinygrad-edu launch: --shrink needs Open MPI, and ")
    assert len(job.err.splitlines()) == 1


def test_shrink_without_the_option_is_an_error():
    with pytest.raises(RuntimeError, match="start by tinygrad-edu launch --shrink"):
        distributed.run(lambda comm: comm.shrink(), cluster="mpi")
