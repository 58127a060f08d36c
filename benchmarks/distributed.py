"""Time jobs of several ranks: `python -m benchmarks.distributed [PART ...] [--write]`.

    speed       steps of the four MLPs of `benchmarks.mlp` on 2 ranks under MPI, on one, and by PyTorch's DDP
    messages    push and pull between two ranks, and all-reduce
    stragglers  4 workers of which one sleeps 50 ms a step, under MPI and as the simulated cluster predicts
    scaling     1024 simulated workers: the time to a loss under three kinds of stragglers, three algorithms

Every rank is a process with one BLAS thread. What is compared takes turns, and medians count. The simulated
cluster's network is calibrated by ping-pong, its computation by a job without a slow worker.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import ranks, scaling
from benchmarks.mlp import CASES
from benchmarks.report import ROOT, machine, rewrite, table
from tinygrad_edu.distributed import Network, SimulatedCluster, constant

ROUNDS, DELAY, SECONDS = 3, 0.05, 2.5
WORKERS, CORES = 4, os.cpu_count() or 1
SIZES = {"0.4 MB": 400_000, "20 MB": 20_000_000}
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
PAGE = ROOT / "docs" / "measured.md"


def mpi(count: int, program: str, *arguments: Any) -> list[Any]:
    """What a program of `benchmarks.ranks` returns on each of `count` ranks under MPI."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.json"
        words = ["launch", "-n", str(count), "-m", "benchmarks.ranks", str(path), program]
        _run([_python("mpi4py"), "-m", "tinygrad_edu", *words, json.dumps(arguments)])
        return json.loads(path.read_text())  # type: ignore[no-any-return]


def ddp(count: int, case: str) -> float:
    """Seconds of a step by PyTorch: DDP on gloo for several processes."""
    return float(_run([_python("torch"), "-m", "benchmarks.peers", str(count), case]).split()[-1])


def _run(command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **ONE_THREAD}, check=False, cwd=ROOT
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(command)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def _python(package: str) -> str:
    """The Python that has a package: PyTorch and MPI are in different environments of `make`."""
    if find_spec(package):
        return sys.executable
    for name in (".venv", ".venv-oracle"):
        path = ROOT / name / "bin" / "python"
        if path.exists() and list((ROOT / name).glob(f"lib/*/site-packages/{package}")):
            return str(path)
    remedy = {"torch": "make oracle", "mpi4py": 'pip install -e ".[mpi-local]"'}[package]
    raise SystemExit(f"{package} is not installed: {remedy}")


def speed() -> str:
    """Examples per second of data-parallel training."""
    runs: dict[tuple[str, str], list[float]] = {}
    for _, case in tqdm([(i, case) for i in range(ROUNDS) for case in CASES], desc="speed"):
        runs.setdefault((case, "one"), []).append(mpi(1, "speed", case)[0])
        runs.setdefault((case, "two"), []).append(max(mpi(2, "speed", case)))
        runs.setdefault((case, "ddp one"), []).append(ddp(1, case))
        runs.setdefault((case, "ddp two"), []).append(ddp(2, case))
    rows = []
    for case in CASES:
        one, two, ddp_one, ddp_two = (
            1 / statistics.median(runs[case, n]) for n in ("one", "two", "ddp one", "ddp two")
        )
        rows.append([f"{case} a rank", f"{one:.0f}", f"{two:.0f}", f"{2 * two / one:.2f}", f"{ddp_one:.0f}",
                     f"{ddp_two:.0f}", f"{two / ddp_two:.2f}"])  # fmt: skip
    head = ["MLP", "1 rank, steps/s", "2 ranks, steps/s", "examples/s of 1 rank, x",
            "PyTorch, 1 process, steps/s", "PyTorch DDP, 2 processes, steps/s",
            "2 ranks, of DDP's steps/s, x"]  # fmt: skip
    version = _run([_python("torch"), "-c", "import torch; print(torch.__version__)"]).strip()
    return f"{table(head, rows)}\n\n{machine('numpy', 'mpi4py', 'mpich')} PyTorch {version}."


def messages() -> str:
    """Arrays per second between two ranks."""
    rows = []
    for label, nbytes in tqdm(SIZES.items(), desc="messages"):
        row = [label]
        for name, count in (("push_and_pull", 2), ("all_reduce", 2), ("all_reduce", 4)):
            seconds = statistics.median(max(mpi(count, name, nbytes)) for _ in range(ROUNDS))
            row.append(f"{1 / seconds:.0f}")
        rows.append(row)
    head = ["array", "push and pull, per s", "all-reduce, 2 ranks, per s", "all-reduce, 4 ranks, per s"]
    return f"{table(head, rows)}\n\n{machine('numpy', 'mpi4py', 'mpich')}"


CALIBRATION: dict[str, tuple[Any, ...]] = {
    "update": (2, "costs"),
    "balanced": (WORKERS, "straggler", "parameter server, asynchronous", 0.0, SECONDS),
    "small": (2, "push_and_pull", 8),
    "large": (2, "push_and_pull", 400_000),
}


def calibrated(found: dict[str, float]) -> dict[str, Any]:
    """The options of a simulated cluster like this machine, by the medians of the runs of `CALIBRATION`."""
    small, large = found["small"] / 2, found["large"] / 2
    # In the memory of one host, a message takes the time of the processors at its two ends.
    network = Network(latency=0.0, bandwidth=400_000 / (large - small), overhead=small / 2)
    # In a job of a server and the workers that are not slow, the cores are never idle. What updates and
    # messages do not take is the time of gradients, with what it costs that processes share cores.
    gradient = max(CORES / found["balanced"] - found["update"] - 4 * network.overhead, 0.0)
    return {"network": network, "compute": constant(gradient), "update": found["update"], "cores": CORES}


def stragglers() -> str:
    """Updates per second with a slow worker, and their prediction."""
    jobs = {scheme: (WORKERS + bool(settings), "straggler", scheme, DELAY, SECONDS)
            for scheme, settings in ranks.SCHEMES.items()}  # fmt: skip
    runs: dict[str, list[float]] = {}
    for name in tqdm([name for _ in range(ROUNDS) for name in (*CALIBRATION, *jobs)], desc="stragglers"):
        count, program, *arguments = (CALIBRATION | jobs)[name]
        results = mpi(count, program, *arguments)
        runs.setdefault(name, []).append(max(results) if program == "push_and_pull" else results[0])
    found = {name: statistics.median(times) for name, times in runs.items()}
    options = calibrated(found)
    rows = []
    for scheme, (count, _, *arguments) in jobs.items():
        measured = found[scheme]
        predicted = SimulatedCluster(count, **options).run(ranks.straggler, *arguments)[0]
        rows.append(
            [scheme, f"{measured:.1f}", f"{predicted:.1f}", f"{100 * (predicted / measured - 1):+.0f}"]
        )
    head = ["scheme", "MPI, updates/s", "simulated, updates/s", "simulated against MPI, %"]
    network, gradient = options["network"], options["compute"].bind()(0, 0)
    note = (
        f"4 workers, one of which sleeps 50 ms before each gradient; {CORES} cores for all. The simulated "
        f"cluster: {2 * network.overhead * 1e6:.0f} us a message, {network.bandwidth / 1e9:.1f} GB/s, "
        f"{gradient * 1e6:.0f} us a gradient, {options['update'] * 1e6:.0f} us an update."
    )
    return f"{table(head, rows)}\n\n{note} {machine('numpy', 'mpi4py', 'mpich')}"


PARTS = {"speed": speed, "messages": messages, "stragglers": stragglers, "scaling": scaling.report}


def main(words: list[str] | None = None) -> None:
    """Run the parts that are named, or all."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--write", action="store_true", help="rewrite the tables of docs/measured.md")
    asked = parser.parse_args(words)
    if unknown := set(asked.parts) - PARTS.keys():
        parser.error(f"no part {', '.join(sorted(unknown))}: there are {', '.join(PARTS)}")
    for name in asked.parts or PARTS:
        text = PARTS[name]()
        print(f"\n{text}\n", flush=True)
        if asked.write:
            rewrite(PAGE, f"distributed-{name}", text)


if __name__ == "__main__":
    main()
