"""Every example runs, as its own first lines say, and ends well."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted(p.relative_to(ROOT).as_posix() for p in (ROOT / "examples").rglob("*.py"))


def run(path, *options):
    done = subprocess.run(
        [sys.executable, path, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("path", EXAMPLES)
def test_the_readme_names_it(path):
    assert path.removeprefix("examples/") in (ROOT / "examples" / "README.md").read_text()


@pytest.mark.skipif(
    importlib.util.find_spec("pycuda") is None,
    reason="no PyCUDA here; `tinygrad-edu simulator setup` installs it",
)
def test_the_first_kernel_adds_a_million_numbers_in_3907_blocks():
    said = run("examples/kernels/vector_add.py", "--simulate")
    assert (
        said
        == "1000000 additions by 3907 blocks of 256 threads on tinygrad_edu simulator (CPU): all as NumPy's\n"
    )
