"""Time one SGD step of four MLPs in three frameworks. `python -m benchmarks.mlp`

Every measurement is a process of its own with two threads; the frameworks take turns, several rounds, and the
median of the rounds' medians counts. Memory is the peak resident size of that process above what it had after
its imports (and, beside it, the whole process).
"""
from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.frameworks import FRAMEWORKS
from benchmarks.report import machine, rewrite, table

CASES = {
    "2-8-8-2, batch 10": ((2, 8, 8, 2), 10),
    "64-100-10, batch 200": ((64, 100, 10), 200),
    "784-256-10, batch 128": ((784, 256, 10), 128),
    "784-1024-1024-10, batch 256": ((784, 1024, 1024, 10), 256),
}
THREADS, ROUNDS, SECONDS = 2, 7, 1.0
RESULTS = Path(__file__).parent / "results" / "mlp.md"


def _resident(field: str) -> int:
    """Kilobytes from the kernel: VmRSS now, VmHWM at its highest."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0


def measure(framework: str, case: str) -> dict[str, Any]:
    """In a process of its own: seconds of the median step, memory in kB, the first losses."""
    sizes, batch = CASES[case]
    if framework == "pytorch":
        import torch
        torch.set_num_threads(THREADS)
    elif framework == "tinygrad_edu":
        import tinygrad_edu.nn
        import tinygrad_edu.optim  # noqa: F401 - imported so that memory is counted after it
    before = _resident("VmRSS")
    step = FRAMEWORKS[framework](sizes, batch)
    losses = [step() for _ in range(5)]
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times) < 20:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times), "above": _resident("VmHWM") - before,
            "whole": _resident("VmHWM"), "losses": losses}


def _run(framework: str, case: str) -> dict[str, Any]:
    threads = {name: str(THREADS) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run([sys.executable, "-m", "benchmarks.mlp", framework, case],
                          capture_output=True, text=True,
                          env={**os.environ, **threads}, check=False, cwd=Path(__file__).parent.parent)
    if done.returncode:
        raise SystemExit(f"{framework} on {case}:\n{done.stderr}")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def main() -> None:
    """Run everything and rewrite the tables."""
    rows = []
    for case in CASES:
        runs: dict[str, list[dict[str, Any]]] = {f: [] for f in FRAMEWORKS}
        for _ in range(ROUNDS):
            for framework in FRAMEWORKS:
                runs[framework].append(_run(framework, case))
        first = [r[0]["losses"] for r in runs.values()]
        for other in first[1:]:
            if any(abs(a - b) > 1e-4 * abs(b) for a, b in zip(other, first[0], strict=True)):
                raise SystemExit(f"{case}: the frameworks do not compute the same losses: {first}")
        us = {f: statistics.median(r["seconds"] for r in rs) * 1e6 for f, rs in runs.items()}
        mb = {f: statistics.median(r["above"] for r in rs) / 1024 for f, rs in runs.items()}
        whole = {f: statistics.median(r["whole"] for r in rs) / 1024 for f, rs in runs.items()}
        ours = us["tinygrad_edu"]
        rows.append([case, f"{us['numpy']:.0f}", f"{us['pytorch']:.0f}", f"{ours:.0f}",
                     f"{us['pytorch'] / ours:.2f}",
                     f"{ours / us['numpy']:.2f}", f"{mb['pytorch']:.0f} / {mb['tinygrad_edu']:.0f}",
                     f"{whole['pytorch']:.0f} / {whole['tinygrad_edu']:.0f}"])
        print(*rows[-1], sep="  ", flush=True)
    text = table(["MLP", "NumPy by hand, us", "PyTorch, us", "tinygrad_edu, us", "faster than PyTorch, x",
                  "of NumPy's time, x", "peak memory above imports, MB (PyTorch / ours)",
                  "peak memory of the process, MB (PyTorch / ours)"], rows)
    rewrite(RESULTS, "mlp", f"{text}\n\n{machine('numpy', 'torch')}")
    rewrite(Path(__file__).parent.parent / "README.md", "mlp", f"{text}\n\n{machine('numpy', 'torch')}")


if __name__ == "__main__":
    if len(sys.argv) == 3:
        print(json.dumps(measure(sys.argv[1], sys.argv[2])))
    else:
        main()
