"""Everything that only a GPU can show, in one command: `make gpu`, or any Python that has PyCUDA and pytest.

Four parts, each a process with a limit of its own: the tests on the device; the ladders, timed beside a copy
of the device, cuBLAS through PyTorch, and CuPy; training steps beside PyTorch eager; and the results of the
same calls on the simulator and the GPU. Their tables go to benchmarks/results/<gpu>/. The limits add up to
less than nine minutes; a part that exceeds its own is a failure, and the other parts still run.
`--device simulator` tries the command without a GPU: then nothing is written, and only some families climb.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TESTED = ("tests/kernels", "tests/ops", "tests/nn", "tests/optim", "tests/tensor", "tests/functional",
          "tests/calculus/test_calculus.py")  # fmt: skip


def parts(device: str, workers: int) -> dict[str, tuple[int, list[str]]]:
    """{part: (limit in seconds, command)}."""
    python, real = [sys.executable, "-m"], device.startswith("cuda")
    spread = ["-n", str(workers), "--dist", "worksteal"] if importlib.util.find_spec("xdist") else []
    tests = TESTED if real else ("tests/kernels/test_fold.py", "tests/kernels/test_copy.py")
    families = ["all", "--write"] if real else ["copy", "fold"]
    return {
        "tests": (240, [*python, "pytest", "-q", "-p", "no:cacheprovider", *spread, "--device", device, "-m",
                        "not oracle", *tests]),
        "ladders": (180, [*python, "tinygrad_edu.backend.cuda.ladder", *families, "--device", device]),
        "training": (70, [*python, "benchmarks.mlp", "--device", device, "--rounds", "1"]),
        "agreement": (45, [*python, "benchmarks.agreement", "--devices", f"simulator,{device}"]),
    }  # fmt: skip


def run(command: list[str], limit: int) -> str:
    """Run a part; returns "" if it succeeded, else the error."""
    try:
        done = subprocess.run(command, cwd=ROOT, timeout=limit, check=False)
    except subprocess.TimeoutExpired:
        return f"not done after its {limit} s"
    return f"exit code {done.returncode}" if done.returncode else ""


def main() -> int:
    """Run the parts that were asked for; 1 if any failed."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("parts", nargs="*", help="tests, ladders, training, agreement; all by default")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, ... or simulator, to try the command")
    parser.add_argument("--workers", type=int, default=min(8, os.cpu_count() or 1), help="test processes")
    asked = parser.parse_args()
    if asked.device.partition(":")[0] not in ("cuda", "simulator"):
        parser.error(f"no device {asked.device!r}; --device is cuda, cuda:1, ... or simulator")
    known = parts(asked.device, asked.workers)
    if unknown := set(asked.parts) - known.keys():
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    said = {}
    for name in asked.parts or known:
        limit, command = known[name]
        print(f"\n== {name}: at most {limit} s\n   {' '.join(command)}", flush=True)
        start = time.perf_counter()
        wrong = run(command, limit)
        said[name] = f"{'FAILED: ' + wrong if wrong else 'done'}, {time.perf_counter() - start:.0f} s"
    print("\n" + "\n".join(f"{name:<10} {what}" for name, what in said.items()))
    return int(any(what.startswith("FAILED") for what in said.values()))


if __name__ == "__main__":
    sys.exit(main())
