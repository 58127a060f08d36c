"""Time one SGD step of four MLPs in three frameworks: `python -m benchmarks.mlp [--device cuda]`.

Every measurement is a process of its own with two threads; the frameworks take turns, several rounds, and the
median of the rounds' medians counts. Memory is the peak resident size of that process above what it had after
its imports (and, beside it, the whole process). On a GPU the peer is PyTorch eager there, and the step ends
with the loss on the host, as on the cpu.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.frameworks import FRAMEWORKS
from benchmarks.report import machine, results_folder, rewrite, table

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


def measure(framework: str, case: str, device: str = "cpu") -> dict[str, Any]:
    """In a process of its own: seconds of the median step, memory in kB, the first losses."""
    sizes, batch = CASES[case]
    if framework == "pytorch":
        import torch

        torch.set_num_threads(THREADS)
    elif framework == "tinygrad_edu":
        import tinygrad_edu.nn
        import tinygrad_edu.optim  # noqa: F401 - imported so that memory is counted after it
    before = _resident("VmRSS")
    step = FRAMEWORKS[framework](sizes, batch, device)
    losses = [step() for _ in range(5)]
    times: list[float] = []
    end = time.perf_counter() + SECONDS
    while time.perf_counter() < end or len(times) < 20:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
    return {
        "seconds": statistics.median(times),
        "above": _resident("VmHWM") - before,
        "whole": _resident("VmHWM"),
        "losses": losses,
    }


def _run(framework: str, case: str, device: str = "cpu") -> dict[str, Any]:
    threads = {name: str(THREADS) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.mlp", "--one", framework, case, "--device", device],
        capture_output=True,
        text=True,
        env={**os.environ, **threads},
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    if done.returncode:
        raise SystemExit(f"{framework} on {case}:\n{done.stderr}")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _agree(case: str, runs: dict[str, list[dict[str, Any]]]) -> None:
    """Ends the program when the frameworks do not compute the same losses."""
    first = [r[0]["losses"] for r in runs.values()]
    for other in first[1:]:
        if any(abs(a - b) > 1e-4 * abs(b) for a, b in zip(other, first[0], strict=True)):
            raise SystemExit(f"{case}: the frameworks do not compute the same losses: {first}")


def _medians(runs: dict[str, list[dict[str, Any]]], field: str, unit: float) -> dict[str, float]:
    return {f: statistics.median(r[field] for r in rs) * unit for f, rs in runs.items()}


def on_cpu() -> None:
    """Run everything and rewrite the tables."""
    rows = []
    for case in CASES:
        runs: dict[str, list[dict[str, Any]]] = {f: [] for f in FRAMEWORKS}
        for _ in range(ROUNDS):
            for framework in FRAMEWORKS:
                runs[framework].append(_run(framework, case))
        _agree(case, runs)
        us, mb, whole = (
            _medians(runs, *of) for of in (("seconds", 1e6), ("above", 1 / 1024), ("whole", 1 / 1024))
        )
        ours = us["tinygrad_edu"]
        rows.append(
            [
                case,
                f"{us['numpy']:.0f}",
                f"{us['pytorch']:.0f}",
                f"{ours:.0f}",
                f"{us['pytorch'] / ours:.2f}",
                f"{ours / us['numpy']:.2f}",
                f"{mb['pytorch']:.0f} / {mb['tinygrad_edu']:.0f}",
                f"{whole['pytorch']:.0f} / {whole['tinygrad_edu']:.0f}",
            ]
        )
        print(*rows[-1], sep="  ", flush=True)
    text = table(
        [
            "MLP",
            "NumPy by hand, us",
            "PyTorch, us",
            "tinygrad_edu, us",
            "faster than PyTorch, x",
            "of NumPy's time, x",
            "peak memory above imports, MB (PyTorch / ours)",
            "peak memory of the process, MB (PyTorch / ours)",
        ],
        rows,
    )
    rewrite(RESULTS, "mlp", f"{text}\n\n{machine('numpy', 'torch')}")
    rewrite(Path(__file__).parent.parent / "README.md", "mlp", f"{text}\n\n{machine('numpy', 'torch')}")


def on_gpu(device: str, rounds: int) -> None:
    """The same steps on a GPU beside PyTorch eager, where it is installed."""
    import tinygrad_edu as te

    frameworks = [f for f in ("pytorch", "tinygrad_edu") if f != "pytorch" or find_spec("torch")]
    rows = []
    for case in CASES:
        runs: dict[str, list[dict[str, Any]]] = {f: [] for f in frameworks}
        for _ in range(rounds):
            for framework in frameworks:
                runs[framework].append(_run(framework, case, device))
        _agree(case, runs)
        us = _medians(runs, "seconds", 1e6)
        theirs, ours = us.get("pytorch"), us["tinygrad_edu"]
        rows.append(
            [
                case,
                f"{theirs:.0f}" if theirs else "not installed",
                f"{ours:.0f}",
                f"{theirs / ours:.2f}" if theirs else "",
            ]
        )
        print(*rows[-1], sep="  ", flush=True)
    text = table(["MLP", "PyTorch eager, us", "tinygrad_edu, us", "faster than PyTorch, x"], rows)
    text += f"\n\n{machine('numpy', 'torch', 'pycuda')}"
    if device.startswith("cuda"):
        name = te.device_info(device).kind
        rewrite(results_folder(name) / "training.md", "training", f"{text} On {name}.")


def main() -> None:
    """Run everything, or the one measurement that a subprocess was started for."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--device", default="cpu", help="cpu, cuda, or simulator (to try the command)")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each framework, on a GPU")
    parser.add_argument("--one", nargs=2, metavar=("FRAMEWORK", "CASE"), help="measure, print JSON, no more")
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(measure(*asked.one, asked.device)))
    elif asked.device == "cpu":
        on_cpu()
    else:
        on_gpu(asked.device, asked.rounds)


if __name__ == "__main__":
    main()
