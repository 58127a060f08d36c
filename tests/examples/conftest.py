"""The lecture's scripts for tests: as modules, and what each printed and drew in a short run."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LECTURE = ROOT / "examples" / "lecture"
BY_CUDA = ("15", "16", "16b", "17")


def script(number):
    """The path of a script, by its number and, where there is one, its letter."""
    (path,) = LECTURE.glob(f"{number:0>2}_*.py")
    return path


@pytest.fixture
def lesson(monkeypatch):
    """A script of the lecture as a module, by its number: 16, or "16b"."""
    monkeypatch.syspath_prepend(str(LECTURE))

    def load(number):
        path = script(number)
        spec = importlib.util.spec_from_file_location(f"lecture_{path.stem}", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def started(path, *options, device="simulator"):
    """A script, run as on the command line; those of CUDA on the simulator, also where there is a GPU."""
    # Small matrices: BLAS's threads would only wait for each other on a busy machine.
    wanted = {"OPENBLAS_NUM_THREADS": "1"}
    if path.name.partition("_")[0] in BY_CUDA:
        if importlib.util.find_spec("pycuda") is None:
            pytest.skip("no PyCUDA here; `tinygrad-edu simulator setup` installs it")
        wanted["TINYGRAD_EDU_DEVICE"] = device
    return subprocess.run(
        [sys.executable, str(path), *options],
        cwd=ROOT,
        env=os.environ | wanted,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def changed(tmp_path):
    """A short run of a copy of a script in which something was replaced by something else, once each."""

    def run(number, changes):
        path = script(number)
        copy, text = tmp_path / path.name, path.read_text()
        for old, new in changes.items():
            assert text.count(old) == 1, f"{path.name} has {text.count(old)} times {old!r}"
            text = text.replace(old, new)
        copy.write_text(text)
        (tmp_path / "common.py").write_text((LECTURE / "common.py").read_text())
        return started(copy, "--smoke", "--out", str(tmp_path / "pictures"))

    return run


@pytest.fixture(scope="session")
def smoke(tmp_path_factory):
    """(what it printed, the folder of its pictures) of a script's short run, by its number; run once."""
    done = {}

    def run(number):
        if number not in done:
            path = script(number)
            folder = tmp_path_factory.mktemp(path.stem)
            ended = started(path, "--smoke", "--out", str(folder))
            assert ended.returncode == 0, ended.stderr
            assert ended.stderr == ""
            done[number] = ended.stdout, folder
        return done[number]

    return run
