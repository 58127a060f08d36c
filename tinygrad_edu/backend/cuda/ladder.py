"""Walks a ladder of kernels: `python -m tinygrad_edu.backend.cuda.ladder matmul [--device simulator|cuda]`.

Every rung is first validated against NumPy in float64. On the simulator it is then counted: what its warps
ask of memory, how many sectors and turns of shared memory that takes, and how many FLOP it does for them. On
a GPU it is timed, beside a copy of the device in the same run and, where PyTorch and CuPy are installed,
beside them. `--write` puts the counts into the README and the family's page, where it also renews the code
shown (see pages.py), and the times into benchmarks/results/<gpu>/.
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu.backend import precision, registry
from tinygrad_edu.backend.cuda import driver, families, pages, peers
from tinygrad_edu.backend.cuda.compile import kernels_folder
from tinygrad_edu.backend.cuda.kernels import Case, Ladder, using
from tinygrad_edu.errors import DeviceError

ROOT = kernels_folder().parent
README = kernels_folder() / "README.md"
PAGES = {"gather": "index", "scatter": "index"}  # pages of docs/kernels that hold several families
REPEATS = 20


def rewrite(path: Path, name: str, text: str) -> bool:
    """Put `text` between `<!-- name -->` and `<!-- /name -->`; False when the file has no such place."""
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    if not path.exists() or begin not in (old := path.read_text(encoding="utf-8")):
        return False
    head, _, rest = old.partition(begin)
    path.write_text(f"{head}{begin}\n{text}\n{end}{rest.partition(end)[2]}", encoding="utf-8")
    return True


def validate(device: Any, case: Case, arrays: tuple[Any, ...], tolerance: float) -> float:
    """The largest error of the rung in force, relative to the largest number.

    Raises ArithmeticError past `tolerance`.
    """
    found = device.numpy(case.run(device, *(device.asarray(a) for a in arrays)))
    wanted = np.asarray(case.expect(*arrays), np.float64)
    error = float(
        np.max(np.abs(found - wanted), initial=0.0) / max(np.max(np.abs(wanted), initial=0.0), 1e-30)
    )
    if not error <= tolerance:
        raise ArithmeticError(f"{case.title}: error {error:.2g}, {tolerance:.2g} is allowed")
    return error


def count(device: Any, ladder: Ladder, case: Case) -> dict[str, list[str]]:
    """The counts of each rung, ready for a table. Needs the simulator."""
    arrays, rows = case.arrays(), {}
    here = tuple(device.asarray(a) for a in arrays)
    for rung in ladder.rungs:
        print(f"  {ladder.family}/{rung.name}", file=sys.stderr, flush=True)
        with using(ladder.family, rung.name):
            error = validate(device, case, arrays, _tolerance(rung.name, case))
            with driver.counted() as profile:
                case.run(device, *here)
                device.synchronize()
        total = profile.total
        rows[rung.name] = [
            f"{total.requests:,}",
            f"{total.sectors_per_request:.1f}",
            f"{total.bytes_moved / case.bytes:.2f}",
            f"{total.shared_requests:,}",
            f"{total.wavefronts_per_request:.2f}" if total.shared_requests else "",
            f"{total.conflicts:,}" if total.shared_requests else "",
            f"{total.flops / total.bytes_moved:.2f}" if total.bytes_moved else "",
            f"{error:.0e}",
        ]
    return rows


COUNTED = (
    "global requests",
    "sectors a request",
    "bytes moved / least",
    "shared requests",
    "turns a request",
    "bank conflicts",
    "FLOP a byte",
    "error",
)


def _tolerance(rung: str, case: Case) -> float:
    return max(case.tolerance, 3e-3) if "tensor" in rung else case.tolerance


def milliseconds(device: Any, work: Callable[[], Any]) -> float:
    """The median time of `work` on the device, by its events."""
    for _ in range(3):
        work()
    device.synchronize()
    times = []
    for _ in range(REPEATS):
        start = device.context.event()
        work()
        stop = device.context.event()
        stop.synchronize()
        times.append(float(stop.time_since(start)))
    return statistics.median(times)


def time(device: Any, ladder: Ladder, case: Case) -> dict[str, list[str]]:
    """The times of each rung beside a copy of the device, and beside the peers that know the problem."""
    arrays, rows = case.arrays(), {}
    here = tuple(device.asarray(a) for a in arrays)
    copy = _copied(device)
    theirs = peers.times(ladder.family, arrays)

    def row(spent: float, peer: float | None = None, error: str = "") -> list[str]:
        speed = case.bytes / spent / 1e6
        beside = f"{100 * peer / spent:.0f}" if peer else ""
        flops = f"{case.flops / spent / 1e9:.2f}"
        return [f"{spent:.3f}", f"{speed:,.0f}", f"{100 * speed / copy:.0f}", flops, beside, error]

    for rung in ladder.rungs:
        print(f"  {ladder.family}/{rung.name}", file=sys.stderr, flush=True)
        with using(ladder.family, rung.name):
            error = validate(device, case, arrays, _tolerance(rung.name, case))
            spent = milliseconds(device, lambda: case.run(device, *here))
        peer = theirs.get("PyTorch TF32" if "tensor" in rung.name else "PyTorch")
        rows[rung.name] = row(spent, peer, f"{error:.0e}")
    rows |= {name: row(spent) for name, spent in theirs.items()}
    rows["copy of the device"] = ["", f"{copy:,.0f}", "100", "", "", ""]
    return rows


TIMED = ("ms", "GB/s", "% of a copy", "TFLOP/s", "% of PyTorch", "error")


def _copied(device: Any) -> float:
    """GB/s of a copy from device memory to device memory, read and written bytes together."""
    source = device.empty((1 << 26,), np.dtype(np.float32))
    target = device.empty((1 << 26,), np.dtype(np.float32))
    spent = milliseconds(
        device, lambda: device.context.between(target.pointer, source.pointer, source.nbytes)
    )
    return 2 * source.nbytes / spent / 1e6


def table(head: tuple[str, ...], rows: dict[str, list[str]]) -> str:
    """Markdown; columns that say nothing are left out."""
    kept = [i for i in range(len(head)) if any(row[i] not in ("", "0", "0.00") for row in rows.values())]
    lines = ["| rung | " + " | ".join(head[i] for i in kept) + " |", "| --- |" + " ---: |" * len(kept)]
    return "\n".join(
        lines + [f"| {name} | " + " | ".join(row[i] for i in kept) + " |" for name, row in rows.items()]
    )


def climb(device: Any, family: str, write: bool) -> None:
    """One family: validate, count or time, print, and write if asked."""
    ladder, cases = families.ladder(family), families.cases(family)
    if driver.is_simulator():
        case = cases["count"]
        text = f"Counted for {case.title}.\n\n{table(COUNTED, count(device, ladder, case))}"
    else:
        case = cases["time"]
        text = (
            f"Timed for {case.title}, on {device.context.name}.\n\n{table(TIMED, time(device, ladder, case))}"
        )
    print(f"\n{family}. {text}")
    if not write:
        return
    if driver.is_simulator():
        page = ROOT / "docs" / "kernels" / f"{PAGES.get(family, family)}.md"
        for path in (README, page):
            if not rewrite(path, f"counts:{family}", text):
                print(f"{path} has no place <!-- counts:{family} --> for this", file=sys.stderr)
        if page.exists():
            pages.renew(page)
    else:
        folder = ROOT / "benchmarks" / "results" / re.sub(r"[^a-z0-9]+", "-", device.context.name.lower())
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{family}.md").write_text(f"# {family}\n\n{text}\n", encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    """Carry the command out."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_edu.backend.cuda.ladder", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("families", nargs="+", help="folders of kernels/, or all")
    parser.add_argument("--device", default="simulator", help="simulator (counts) or cuda (times)")
    parser.add_argument("--write", action="store_true", help="put the tables where they belong")
    asked = parser.parse_args(arguments)
    names = list(families.ladders()) if asked.families == ["all"] else asked.families
    if unknown := [name for name in names if name not in families.ladders()]:
        parser.error(f"no family of kernels {', '.join(unknown)}; there are {', '.join(families.ladders())}")
    if registry.canonical(asked.device).partition(":")[0] not in ("cuda", "simulator"):
        parser.error(f"no kernels run on {asked.device!r}; --device is simulator, cuda, cuda:1, ...")
    try:
        device: Any = registry.get(asked.device)
    except DeviceError as error:
        parser.error(str(error))
    for name in names:
        with precision.set_matmul_precision("highest"):
            climb(device, name, asked.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
