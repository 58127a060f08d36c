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


NEEDS_PYCUDA = pytest.mark.skipif(
    importlib.util.find_spec("pycuda") is None,
    reason="no PyCUDA here; `tinygrad-edu simulator setup` installs it",
)


@NEEDS_PYCUDA
def test_the_first_kernel_adds_a_million_numbers_in_3907_blocks():
    said = run("examples/kernels/vector_add.py", "--simulate")
    assert (
        said
        == "1000000 additions by 3907 blocks of 256 threads on tinygrad_edu simulator (CPU): all as NumPy's\n"
    )


def simulate(path):
    command = [sys.executable, "-m", "tinygrad_edu", "simulate", "--check", str(path)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


@NEEDS_PYCUDA
def test_the_bare_product_is_numpys_and_the_checker_is_silent():
    done = simulate("examples/kernels/bare_matmul.py")
    assert done.stdout == (
        "(100 x 50) times (50 x 70) by 7 x 5 blocks of 16 x 16 threads on tinygrad_edu simulator (CPU): "
        "as NumPy's, but for rounding\n"
    )
    assert done.returncode == 0
    assert done.stderr == "tinygrad-edu simulate --check: no errors found in 1 launch\n"


@NEEDS_PYCUDA
@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [("if (row >= m || column >= n) return;", "", "Out-of-bounds"), ("i < k", "i + 1 < k", "AssertionError")],
)
def test_a_mistake_in_the_bare_product_is_seen(tmp_path, right, wrong, said):
    for name in ("bare_matmul.py", "bare_matmul.cu"):
        text = (ROOT / "examples" / "kernels" / name).read_text()
        (tmp_path / name).write_text(text.replace(right, wrong))
    done = simulate(tmp_path / "bare_matmul.py")
    assert done.returncode != 0 and said in done.stderr
