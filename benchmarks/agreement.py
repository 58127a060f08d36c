"""The same calls of every op on the simulator and on a GPU: the same bits, or how far apart.

`python -m benchmarks.agreement` on a machine with a GPU; `--devices simulator,simulator` tries the command
without one. Each device works in a process of its own, twice, so that runs on one device are compared, too.
Results are compared in units in the last place (ulp): 0 are the same bits.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.report import results_folder, rewrite, table

ROOT = Path(__file__).resolve().parent.parent
CALLS = 6  # of each op and dtype


def outputs(device: str) -> dict[str, Any]:
    """{"op dtype call part": array}: what drawn calls of every op give, their gradients, random numbers."""
    import tinygrad_edu as te
    from tinygrad_edu.backend import registry
    from tinygrad_edu.domain import SeededDraw
    from tinygrad_edu.engine.apply import create
    from tinygrad_edu.engine.op import REGISTRY

    found: dict[str, Any] = {}
    for name, op in sorted(REGISTRY.items()):
        draw = SeededDraw(7)
        for k in range(CALLS):
            call = op.calls(draw)
            for dtype in ("float32", "float64"):
                key = f"{name} {dtype} {k}"
                if not op.inputs:
                    found[key] = create(op, dict(call.params), registry.get(device)).numpy()
                    continue
                arrays = [np.asarray(a) for a in call.arrays]
                xs = [
                    te.tensor(
                        a.astype(dtype) if a.dtype.kind == "f" else a,
                        device=device,
                        requires_grad=a.dtype.kind == "f",
                    )
                    for a in arrays
                ]
                out = op(*xs, **call.params)
                found[key] = out.numpy()
                if out.requires_grad:
                    out.backward(te.ones(*out.shape, dtype=out.dtype, device=device))
                    found |= {
                        f"{key} gradient {i}": x.grad.numpy() for i, x in enumerate(xs) if x.grad is not None
                    }
    return found


def ulps(a: Any, b: Any) -> float:
    """The largest distance of two arrays in units in the last place of the larger number; NaN equals NaN."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return np.inf
    if a.dtype.kind != "f":
        return 0.0 if np.array_equal(a, b) else np.inf
    same = (a == b) | (np.isnan(a) & np.isnan(b))
    with np.errstate(invalid="ignore", over="ignore"):
        apart = np.abs(a.astype(np.float64) - b) / np.spacing(np.maximum(np.abs(a), np.abs(b)))
    apart = np.where(np.isnan(apart), np.inf, apart)
    return float(np.max(np.where(same, 0.0, apart), initial=0.0))


def _in_a_process(device: str, path: Path) -> dict[str, Any]:
    subprocess.run(
        [sys.executable, "-m", "benchmarks.agreement", "--one", device, str(path)], cwd=ROOT, check=True
    )
    with np.load(path) as kept:
        return {name: kept[name] for name in kept.files}


def compared(one: dict[str, Any], other: dict[str, Any]) -> tuple[str, float]:
    """A table, a line for each op that differs, and the share of arrays with the same bits."""
    worst: dict[tuple[str, str], float] = defaultdict(float)
    equal = 0
    for key, a in one.items():
        name, dtype = key.split()[:2]
        apart = ulps(a, other[key])
        equal += apart == 0
        worst[name, dtype] = max(worst[name, dtype], apart)
    names = sorted({name for name, _ in worst})
    rows = [
        [name, *(f"{worst[name, d]:.3g}" for d in ("float32", "float64"))]
        for name in names
        if worst[name, "float32"] or worst[name, "float64"]
    ]
    return table(["op", "float32, ulp", "float64, ulp"], rows), equal / len(one)


def main() -> None:
    """Compare, print, and write the table."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument(
        "--devices",
        default="simulator,cuda",
        metavar="ONE,OTHER",
        help="the two to compare; one twice is compared with itself (default: %(default)s)",
    )
    parser.add_argument("--one", nargs=2, metavar=("DEVICE", "FILE"), help="compute, save, and no more")
    asked = parser.parse_args()
    if asked.one:
        np.savez(asked.one[1], **outputs(asked.one[0]))
        return
    import tinygrad_edu as te

    devices = asked.devices.split(",")
    if len(devices) != 2:
        parser.error(f"--devices takes two, with a comma between them, not {asked.devices!r}")
    first, second = devices
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            who: _in_a_process(device, Path(folder) / f"{who}.npz")
            for who, device in (("first", first), ("second", second), ("again", second))
        }
    text, share = compared(runs["first"], runs["second"])
    _, repeated = compared(runs["second"], runs["again"])
    text = (
        f"{len(runs['first']):,} results and gradients of calls of every op on {first} and {second}: "
        f"{100 * share:.1f} % have the same bits. Twice on {second}: {100 * repeated:.1f} %. "
        f"The others, largest distance in units in the last place:\n\n{text}"
    )
    print(text)
    if second.startswith("cuda"):
        gpu = te.device_info(second).kind
        rewrite(results_folder(gpu) / "agreement.md", "agreement", f"{text}\n\nMeasured on {gpu}.")
    if repeated < 1:
        sys.exit(f"{second} gave other bits the second time")


if __name__ == "__main__":
    main()
