"""Faults of a job under real MPI: it ends by itself, says which rank did what, and leaves no process."""

from __future__ import annotations

import os
import signal
import sys
import time

import numpy as np
import pytest

from tests.distributed.mpi.jobs import ROOT, Started, launch, needs_mpi, program

pytestmark = needs_mpi

TOGETHER = "all ranks must call the same collectives"


def fails(ranks, kind, *words, timeout=60.0):
    """The output of a job with a fault."""
    job = program(ranks, "fault", kind, *words, timeout=timeout)
    assert job.code not in (0, None), job.out + job.err
    assert "ended well" not in job.out
    assert not job.left, job.err
    return job


def test_an_exception_of_one_rank_ends_the_job_with_its_traceback():
    job = fails(2, "raises")
    assert job.code == 1
    assert "[1] ValueError: planted\n[1] (raised on rank 1 of 2)\n" in job.err
    assert 'programs.py", line' in job.err
    assert "RankFailed" not in job.err, "the others' errors would hide the one to read"
    last = job.err.splitlines()[-1]
    assert last.startswith("tinygrad-edu launch: rank 1 (process ") and "raised ValueError" in last


@pytest.mark.parametrize("rank", [0, 1])
def test_a_killed_rank_ends_the_job_and_is_named(rank):
    job = fails(2, "dies", rank)
    assert job.code == 128 + signal.SIGKILL
    (line,) = [line for line in job.err.splitlines() if "launch:" in line]
    assert line.startswith(f"tinygrad-edu launch: rank {rank} (process ")
    assert line.endswith("was killed by signal 9 (SIGKILL); the job has ended")
    assert "BAD TERMINATION" not in job.out + job.err


def test_a_stopped_rank_ends_the_job_at_the_timeout():
    job = fails(2, "stops", timeout=2.0)
    assert "has waited 2 s in all_reduce number 2 of 400 bytes float32" in job.err
    assert "rank 1 computes, or does not answer" in job.err


@pytest.mark.parametrize(
    ("kind", "other"),
    [("broadcasts", "rank 1 waits in broadcast number 2 of 400 bytes float32 (100,) from rank 0"),
     ("shapes", "rank 1 waits in all_reduce number 2 of 404 bytes float32 (101,), sum by tree")],
)  # fmt: skip
def test_ranks_that_call_different_things_are_named_with_what_they_wait_in(kind, other):
    job = fails(2, kind)
    assert "DistributedError: " in job.err
    assert (
        "the ranks wait for each other for ever: rank 0 waits in all_reduce number 2 of 400 bytes" in job.err
    )
    assert other in job.err
    assert TOGETHER in job.err


@pytest.mark.parametrize("kind", ["returns", pytest.param("exits", marks=pytest.mark.long)])
def test_a_rank_that_ends_early_is_named(kind):
    job = fails(2, kind)
    assert "rank 1 ended, and rank 0 waits for it in all_reduce number 2 of 400 bytes float32" in job.err
    assert "shard=(rank, size)" in job.err


def test_an_exit_code_is_that_of_the_job():
    job = fails(2, "exits-7")
    assert job.code == 7
    assert "exited with code 7; the job has ended" in job.err


def test_a_process_that_vanishes_is_no_success():
    fails(2, "vanishes", timeout=5.0)


RAW = ("-m", "tests.distributed.mpi.raw")


def test_a_process_that_leaves_without_a_word_is_named_with_its_code():
    job = launch("-n", 3, *RAW, "leaves")
    assert job.code == 3
    (line,) = job.err.splitlines()
    assert line.startswith("tinygrad-edu launch: rank 1 (process ")
    assert line.endswith(" ended with code 3 before the end of its script; the job has ended")
    assert not job.left


def test_output_that_is_not_pythons_is_shown_and_no_fault():
    job = launch("-n", 2, *RAW, "output")
    assert job.code == 0, job.err
    first = ["", "====", "-" * 70, "\x1e{}", "=   note", "", "bar", "é"]  # Python reads "\r" as "\n"
    assert job.out.split("\n") == [*first, *["line"] * 5000, ""]
    assert job.err.replace("\n", "") == "no end" * 2


def test_no_rank_has_an_input():
    job = launch("-n", 2, *RAW, "reads", limit=20.0)
    assert job.code == 0, job.err
    assert sorted(job.out.splitlines()) == ["[0] no input", "[1] no input"]


def test_what_a_rank_has_started_is_ended_after_it():
    job = launch("-n", 2, *RAW, "leaves_a_child", limit=30.0)
    assert (job.code, job.err) == (0, "")
    assert not job.left


def test_a_reader_that_has_seen_enough_ends_the_job():
    job = Started("-n", 2, *RAW, "talks")
    assert job.process.stdout is not None
    assert job.process.stdout.readline()
    job.process.stdout.close()
    job.process.stdout = None
    ended = job.end()
    assert (ended.code, ended.err) == (141, "")
    assert not ended.left


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_job_leaves_nothing(number, code):
    job = Started("-n", 2, "-m", "tests.distributed.mpi.endless")
    assert job.process.stdout is not None
    assert job.process.stdout.readline().endswith("runs\n")
    os.kill(job.process.pid, number)
    ended = job.end()
    assert ended.code == code, ended.err
    assert not ended.left


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a process when its parent dies")
def test_ranks_end_when_the_launcher_is_killed():
    job = Started("-n", 2, "-m", "tests.distributed.mpi.endless")
    assert job.process.stdout is not None
    assert job.process.stdout.readline().endswith("runs\n")
    job.process.kill()
    end = time.monotonic() + 20
    while job.processes() and time.monotonic() < end:
        time.sleep(0.05)
    assert not job.end().left


def test_a_run_that_was_killed_goes_on_to_the_same_bits(tmp_path):
    whole, cut = tmp_path / "whole", tmp_path / "cut"
    whole.mkdir()
    cut.mkdir()
    assert program(2, "resumed", whole, -1).code == 0
    assert program(2, "resumed", cut, 4).code == 128 + signal.SIGKILL
    job = program(2, "resumed", cut, -1)
    assert job.code == 0, job.err
    assert "[1] resumed at 4\n" in job.out
    for rank in (0, 1):
        with np.load(whole / f"rank{rank}.npz") as one, np.load(cut / f"rank{rank}.npz") as other:
            assert one.files == other.files
            assert all(one[name].tobytes() == other[name].tobytes() for name in one.files)


def test_without_mpi_the_error_says_what_to_install(tmp_path):
    import subprocess

    (tmp_path / "mpi4py.py").write_text("raise ModuleNotFoundError('No module named mpi4py')\n")
    env = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    code = "from tinygrad_edu import distributed; distributed.run(print, cluster='mpi')"
    done = subprocess.run([sys.executable, "-c", code], env=env, text=True, capture_output=True, check=False)
    assert done.returncode == 1
    assert 'pip install "tinygrad_edu[mpi]"' in done.stderr.splitlines()[-1]
    assert "mpi4py is not installed" in done.stderr.splitlines()[-1]
