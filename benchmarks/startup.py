"""Time `import` of the library and of its peers, each in fresh processes. `python -m benchmarks.startup`"""

from __future__ import annotations

import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.report import machine, rewrite, table

PACKAGES, ROUNDS = ("numpy", "tinygrad_edu", "torch"), 9
CODE = "import time; start = time.perf_counter(); import {}; print(time.perf_counter() - start)"
ROOT = Path(__file__).parent.parent


def main() -> None:
    """Run everything and rewrite the tables."""
    seconds: dict[str, list[float]] = {package: [] for package in PACKAGES}
    for _ in range(ROUNDS):
        for package, times in seconds.items():
            command = [sys.executable, "-c", CODE.format(package)]
            done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
            times.append(float(done.stdout))
    rows = [[f"`import {p}`", f"{statistics.median(times) * 1000:.0f}"] for p, times in seconds.items()]
    text = f"{table(['start', 'ms'], rows)}\n\n{machine('numpy', 'torch')}"
    print(text)
    for path in (ROOT / "benchmarks" / "results" / "startup.md", ROOT / "README.md"):
        rewrite(path, "startup", text)


if __name__ == "__main__":
    main()
