"""The programs of docs/howto/to-a-cluster.md run as they stand: in a plain Python, and in a job."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from tests.cli.commands import environment
from tests.distributed.mpi.jobs import ROOT, launch, needs_mpi

PAGE = ROOT / "docs/howto/to-a-cluster.md"


@pytest.fixture
def programs(tmp_path):
    """The files of the page, by name, in a folder."""
    blocks = re.findall(r"^```python\n# (\w+\.py)\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    for name, block in blocks:
        (tmp_path / name).write_text(block)
    return {name: tmp_path / name for name, _ in blocks}


def python(script):
    """What a program says in a plain Python."""
    ended = subprocess.run(
        [sys.executable, script], env=environment(), capture_output=True, text=True, timeout=60, check=True
    )
    return ended.stdout.splitlines()


@needs_mpi
def test_the_program_of_the_page_learns_with_one_rank_and_two(programs):
    alone = python(programs["train.py"])
    job = launch("-n", 2, programs["train.py"])
    assert job.code == 0, job.err
    lines = [*alone, *(line.partition("] ")[2] for line in job.out.splitlines())]
    assert len(lines) == 2  # rank 0 alone speaks
    for line in lines:
        assert line.startswith("held out: ")
        assert float(line.split()[-1]) > 0.9


@needs_mpi
def test_the_server_of_the_page_makes_the_steps_that_were_wanted(programs):
    job = launch("-n", 3, programs["server.py"])
    assert job.code == 0, job.err
    (line,) = job.out.splitlines()
    assert re.fullmatch(r"\[0\] 20[01] steps, \d+ gradients dropped", line)


def test_the_simulated_cluster_of_the_page_is_faster_with_more_ranks(programs):
    lines = [line for line in python(programs["simulate.py"]) if "ranks: " in line]
    few, many = (float(line.split()[-2]) for line in lines)
    assert [line.split()[0] for line in lines] == ["16", "64"] and many < few < 4 * many
    assert few > 5 * 2 * 0.002 * 16  # five epochs, two gradients of 16 rows each
