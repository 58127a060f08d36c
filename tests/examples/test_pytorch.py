"""The programs for PyTorch run on the library by `tinygrad-edu torch`, and with PyTorch, and learn."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_edu.torch.running import reading

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "examples" / "pytorch"
# name: (its arguments, what one of its numbers is below at the end)
RUNS = {
    "tiny_gpt": (("--steps", "20"), r"step +19  loss (\S+)", 3.0),
    "sine_lstm": (("--steps", "2"), r"step 1  loss (\S+)", 0.1),
    "policy_gradient": (("--episodes", "50"), r"episode 50  running reward (\S+)", 1.0001),
}
HERE = [sys.executable, "-m", "tinygrad_edu", "torch"]


def run(command: list[str], name: str) -> str:
    """What a program prints, with its small arguments; it says nothing else, and ends well."""
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [*command, str(FOLDER / f"{name}.py"), *RUNS[name][0]],
        cwd=ROOT,
        env=os.environ | one_thread,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return done.stdout


def judge(name: str, text: str) -> None:
    """The number that it ends with is a number, and small enough."""
    _, pattern, limit = RUNS[name]
    value = float(re.search(pattern, text)[1])
    assert 0 < value < limit, text


def test_every_program_is_run() -> None:
    assert {path.stem for path in FOLDER.glob("*.py")} == set(RUNS)


@pytest.mark.parametrize("name", RUNS)
def test_it_runs_on_the_library(name: str) -> None:
    judge(name, run(HERE, name))


@pytest.mark.oracle
@pytest.mark.parametrize("name", RUNS)
def test_it_runs_with_pytorch(name: str) -> None:
    judge(name, run([sys.executable], name))


@pytest.mark.parametrize("name", RUNS)
def test_no_word_of_it_is_missing(name: str) -> None:
    found = reading.read(FOLDER / f"{name}.py")
    assert found.words and not found.missing


def test_they_know_pytorch_alone() -> None:
    for name in RUNS:
        assert reading.FACE.partition(".")[0] not in (FOLDER / f"{name}.py").read_text()
