"""What the tests of the command line share: files to train on, and a run as the user would start it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).parents[2]


def flowers(path: Path, rows: int = 60, *, seed: int = 0, label: bool = True) -> Path:
    """A CSV of three well separated kinds of flowers, two measured columns of very different size."""
    random = np.random.default_rng(seed)
    kinds = np.arange(rows) % 3
    long, small = 5000 + 1000 * kinds + random.normal(0, 100, rows), random.normal(kinds % 2, 0.1, rows)
    words = ["aster", "borage", "clover"]
    lines = ["length,width,kind" if label else "length,width"]
    lines += [f"{a:.6g},{b:.6g}" + (f",{words[k]}" if label else "") for a, b, k in zip(long, small, kinds)]
    path.write_text("\n".join(lines) + "\n")
    return path


def houses(path: Path, rows: int = 80, *, digits: int = 2) -> Path:
    """A CSV of a regression: price = 1000 area + 20000 rooms, with a little noise, rounded to `digits`."""
    random = np.random.default_rng(1)
    area, rooms = random.uniform(50, 200, rows), random.integers(1, 6, rows)
    price = 1000 * area + 20000 * rooms + random.normal(0, 500, rows)
    lines = [f"{a:.4f},{r},{p:.{digits}f}" for a, r, p in zip(area, rooms, price)]
    path.write_text("area,rooms,price\n" + "\n".join(lines) + "\n")
    return path


def without_matplotlib(folder: Path) -> Path:
    """The folder, in which `import matplotlib` now fails: pictures would only take time."""
    (folder / "matplotlib.py").write_text("raise ImportError('not here')\n")
    return folder


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}


def command(*words: Any, cwd: Path, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
    """`tinygrad-edu WORDS` in a process of its own."""
    line = [sys.executable, "-m", "tinygrad_edu", *map(str, words)]
    return subprocess.run(
        line, cwd=cwd, env=environment(), input=stdin, capture_output=True, text=True, timeout=600
    )
