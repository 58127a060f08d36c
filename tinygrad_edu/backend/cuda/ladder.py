"""Runs a ladder of kernels: `python -m tinygrad_edu.backend.cuda.ladder matmul [--device simulator|cuda]`.

Each rung is first validated against NumPy in float64. On the simulator the tool then counts the memory
requests of its warps, the sectors and the turns of shared memory that the requests take, and the FLOP. On a
GPU it measures the time, and beside it the time of a copy in device memory, and of PyTorch and CuPy where
they are installed. `--write` puts the counts into the README and the family's page, where it also updates the
code shown (see pages.py), and the times into benchmarks/results/<gpu>/.
"""

from __future__ import annotations

import argparse
import importlib
import re
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from tinygrad_edu import files
from tinygrad_edu.backend import precision, registry
from tinygrad_edu.backend.cuda import families, pages, peers
from tinygrad_edu.backend.cuda.device import driver
from tinygrad_edu.backend.cuda.device.compile import kernels_folder
from tinygrad_edu.backend.cuda.device.kernels import Case, Ladder
from tinygrad_edu.backend.cuda.families import using
from tinygrad_edu.errors import DeviceError, without_line

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
    files.write(path, f"{head}{begin}\n{text}\n{end}{rest.partition(end)[2]}")
    return True


def validate(device: Any, case: Case, arrays: tuple[Any, ...], tolerance: float) -> float:
    """The largest error of the active rung, divided by the largest number.

    Raises ArithmeticError if it exceeds `tolerance`.
    """
    found = device.numpy(case.run(device, *(device.asarray(a) for a in arrays)))
    expected = np.asarray(case.expect(*arrays), np.float64)
    error = float(
        np.max(np.abs(found - expected), initial=0.0) / max(np.max(np.abs(expected), initial=0.0), 1e-30)
    )
    if not error <= tolerance:
        raise ArithmeticError(f"{case.title}: error {error:.2g}, {tolerance:.2g} is allowed")
    return error


def count(device: Any, ladder: Ladder, case: Case) -> dict[str, list[str]]:
    """The counts of each rung, as the rows of a table. Needs the simulator."""
    arrays, rows = case.arrays(), {}
    here = tuple(device.asarray(a) for a in arrays)
    for rung in ladder.rungs:
        print(f"  {ladder.family}/{rung.name}", file=sys.stderr, flush=True)
        with using(ladder.family, rung.name):
            error = validate(device, case, arrays, _tolerance(rung.name, case))
            before = _tensor_flops()
            with driver.profiled() as profile:
                case.run(device, *here)
                device.synchronize()
            flops = profile.total.flops - _rounding_flops(profile) + _tensor_flops() - before
        total = profile.total
        rows[rung.name] = [
            f"{total.requests:,}",
            f"{total.sectors_per_request:.1f}",
            f"{total.bytes_moved / case.bytes:.2f}",
            f"{total.shared_requests:,}",
            f"{total.wavefronts_per_request:.2f}" if total.shared_requests else "",
            f"{total.conflicts:,}" if total.shared_requests else "",
            f"{flops / total.bytes_moved:.2f}" if total.bytes_moved else "",
            f"{error:.0e}",
        ]
    return rows


def _tensor_flops() -> int:
    """The FLOP of all products on tensor cores since the process began, from the simulator's counts.

    The profile counts the arithmetic of lanes. A warp's `mma_sync` is a call to the simulator and not counted
    there. So this function finds such calls in the compiled kernels, by their addresses, and uses the number
    of times that the basic block around each call ran.
    """
    state, total = importlib.import_module("tinygrad_edu.simulator.control").get_json("profile"), 0
    for launch in state["launches"]:
        compiled = state["objects"][launch["object"]]
        if not any("mma_sync" in text for text in compiled["sources"].values()):
            continue
        done = _flops_of_blocks(launch["object"])
        for number, profiled in launch["counts"].items():
            address, kind = compiled["sites"][int(number)][:2]
            if kind == "block":
                total += done.get(address, 0) * profiled[0] // 32  # the count is of lanes, 32 in a warp
    return total


_MMA = re.compile(r"^\s*([0-9a-f]+):\s+call\s.*mma_syncILi(\d+)ELi(\d+)ELi(\d+)E", re.MULTILINE)


def _flops_of_blocks(path: str) -> dict[int, int]:
    """Of a compiled kernel: {address of a basic block: FLOP of one warp's tensor-core products in it}."""
    lines = importlib.import_module("tinygrad_edu.simulator.profile_lines")
    block_of = {instruction.address: instruction.block for instruction in lines.instructions(path)}
    command = ["objdump", "-d", "-w", "--no-show-raw-insn", "-j", ".text", path]
    listing = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    found: dict[int, int] = {}
    for address, m, n, k in _MMA.findall(listing):
        block = block_of[int(address, 16)]
        found[block] = found.get(block, 0) + 2 * int(m) * int(n) * int(k)
    return found


def _rounding_flops(profile: Any) -> int:
    """FLOP of the lines that round to TF32. On a GPU that is one conversion instruction, not arithmetic."""
    lines = (line for kernel in profile.kernels for line in kernel.lines)
    return sum(line.counts.flops for line in lines if "__float_to_tf32(" in line.text)


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
    """The median time of `work` on the device, measured with events."""
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
    """The times of each rung, of a copy in device memory, and of the peers that have this function."""
    arrays, rows = case.arrays(), {}
    here = tuple(device.asarray(a) for a in arrays)
    copy = _copy_speed(device)
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


def _copy_speed(device: Any) -> float:
    """GB/s of a copy in device memory; the bytes read and the bytes written both count."""
    source = device.empty((1 << 26,), np.dtype(np.float32))
    target = device.empty((1 << 26,), np.dtype(np.float32))
    spent = milliseconds(
        device, lambda: device.context.copy_on_device(target.pointer, source.pointer, source.nbytes)
    )
    return 2 * source.nbytes / spent / 1e6


def table(head: tuple[str, ...], rows: dict[str, list[str]]) -> str:
    """A Markdown table, without the columns that are empty or zero in every row."""
    kept = [i for i in range(len(head)) if any(row[i] not in ("", "0", "0.00") for row in rows.values())]
    lines = ["| rung | " + " | ".join(head[i] for i in kept) + " |", "| --- |" + " ---: |" * len(kept)]
    return "\n".join(
        lines + [f"| {name} | " + " | ".join(row[i] for i in kept) + " |" for name, row in rows.items()]
    )


def measure(device: Any, family: str, write: bool) -> None:
    """Validate a family, count or time it, print the table, and write it to files if `write`."""
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
            pages.update_page(page)
    else:
        folder = ROOT / "benchmarks" / "results" / re.sub(r"[^a-z0-9]+", "-", device.context.name.lower())
        files.write(folder / f"{family}.md", f"# {family}\n\n{text}\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_edu.backend.cuda.ladder", description=str(__doc__).splitlines()[0]
    )
    parser.add_argument("families", nargs="+", help="folders of kernels/, or all")
    parser.add_argument("--device", default="simulator", help="simulator (counts) or cuda (times)")
    parser.add_argument("--write", action="store_true", help="put the tables where they belong")
    options = parser.parse_args(arguments)
    names = list(families.LADDERS) if options.families == ["all"] else options.families
    if unknown := [name for name in names if name not in families.LADDERS]:
        parser.error(f"no family of kernels {', '.join(unknown)}; there are {', '.join(families.LADDERS)}")
    if registry.canonical(options.device).partition(":")[0] not in ("cuda", "simulator"):
        parser.error(f"no kernels run on {options.device!r}; --device is simulator, cuda, cuda:1, ...")
    try:
        device: Any = registry.get(options.device)
    except DeviceError as error:
        parser.error(without_line(error))
    for name in names:
        with precision.set_matmul_precision("highest"):
            measure(device, name, options.write)
    return 0


if __name__ == "__main__":
    sys.exit(main())
