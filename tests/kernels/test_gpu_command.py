"""What runs on a machine with a GPU, run without one: the simulated driver poses as NVIDIA's.

A process that finds it by LD_LIBRARY_PATH, and its compiler on the PATH, takes it for a GPU: the device
`cuda` is there, no simulator is installed and there is no checker. So `make gpu` cannot rot where no GPU is.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_edu.simulator import build
from tinygrad_edu.simulator.nvcc.shim import write_shim

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def run(device, tmp_path):
    """Runs Python with some arguments where there seems to be a GPU; returns what it printed."""
    if device.name != "simulator":
        pytest.skip("there is a GPU: `make gpu` is the test")
    # A copy, because the compiler lies beside a driver that is found so, and nothing else lies in the cache.
    library = Path(shutil.copy2(build.library(), tmp_path))
    compiler = write_shim(tmp_path / "bin")
    posing = {
        "LD_LIBRARY_PATH": str(library.parent),
        "PATH": os.pathsep.join([str(compiler.parent), os.environ["PATH"]]),
        "TINYGRAD_EDU_SIMULATOR_LIB": str(library),
        "TINYGRAD_EDU_DEVICE": "",
        "OMP_NUM_THREADS": "1",
    }
    environment = {k: v for k, v in {**os.environ, **posing}.items() if v}

    def python(*arguments):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=environment,
            text=True,
            check=False,
            capture_output=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return python


def test_the_device_is_cuda(run):
    said = run(
        "-c",
        "import tinygrad_edu as te, tinygrad_edu.simulator as sim\n"
        "print((te.ones(3, device='cuda') * 2).numpy(), sim.is_installed(), te.cuda.is_available())",
    )
    assert said == "[2. 2. 2.] False True\n"


def test_the_tests_of_kernels_run_there_and_planted_bugs_do_not(run):
    said = run(
        "-m",
        "pytest",
        "-q",
        "-p",
        "no:cacheprovider",
        "--device",
        "cuda",
        "-n",
        "0",
        "tests/kernels/test_fold.py",
        "tests/kernels/test_copy.py",
    )
    assert "passed" in said and "failed" not in said
    assert "a planted bug is for the checker to find" in said


def test_a_ladder_is_timed_there(run):
    said = run("-m", "tinygrad_edu.backend.cuda.ladder", "fold", "--device", "cuda")
    assert "Timed for" in said and "copy of the device" in said and "% of a copy" in said


def test_training_steps_and_the_comparison_of_devices_run_there(run):
    case = ("--one", "tinygrad_edu", "2-8-8-2, batch 10", "--device")
    here, there = (json.loads(run("-m", "benchmarks.mlp", *case, where)) for where in ("cpu", "cuda"))
    assert there["losses"] == pytest.approx(here["losses"], rel=1e-5)
    run(
        "-c",
        "from benchmarks import agreement; agreement.CALLS = 1\n"
        "import numpy as np; a = agreement.outputs('cuda')\n"
        "assert len(a) > 200 and agreement.compared(a, a)[1] == 1",
    )


def test_the_lectures_scripts_take_it_for_a_gpu(run, tmp_path):
    said = run("examples/lecture/16_vector_add.py", "--smoke", "--out", str(tmp_path))
    assert said.count("right True") == 2 and "simulated" not in said
    assert said.count("(GPU: ") == 2 and "without the guard:\na GPU may say nothing at all" in said
    assert "a block of 1024 threads: runs" in run(
        "examples/lecture/15_threads.py", "--smoke", "--out", str(tmp_path)
    )
