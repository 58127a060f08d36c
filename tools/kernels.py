"""Compiles every rung of every ladder for every architecture, and prints what it needs: `make kernels`.

The compiler is the real nvcc: the one on the PATH, or that of the PyPI packages nvidia-cuda-nvcc,
nvidia-nvvm, nvidia-cuda-crt and nvidia-cuda-runtime. A warning or a spilled register is a failure. Results
are cached by the source text, so a second run takes seconds. `--production` leaves out the rungs that are not
in use; `--write` puts the tables into kernels/README.md.
"""

from __future__ import annotations

import argparse
import hashlib
import math
import os
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from tinygrad_edu import files
from tinygrad_edu.backend.cuda.device import compile as compiler
from tinygrad_edu.backend.cuda.device.kernels import Ladder, Rung
from tinygrad_edu.backend.cuda.device.nvcc import packaged
from tinygrad_edu.backend.cuda.families import LADDERS
from tinygrad_edu.backend.cuda.ladder import README, rewrite

KERNELS = Path(__file__).resolve().parent.parent / "kernels"
ARCHITECTURES = ("75", "80", "86", "89", "90", "100")
FLOATS = ("float32", "float64")
# Families that move bits or define their own types are compiled for these types instead.
DTYPES = {"copy": ("int32", "int64", "uint8"), "gather": ("int32", "int64", "uint8"), "random": ("uint8",)}


@dataclass(frozen=True)
class Limits:
    """The resources of one multiprocessor.
    Source: CUDA C++ Programming Guide, technical specifications by compute capability."""

    threads: int
    blocks: int
    shared: int  # bytes
    reserved: int  # bytes of shared memory that each block costs beside its own
    registers: int = 65536


LIMITS = {
    "75": Limits(1024, 16, 64 << 10, 0),
    "80": Limits(2048, 32, 164 << 10, 1024),
    "86": Limits(1536, 16, 100 << 10, 1024),
    "89": Limits(1536, 24, 100 << 10, 1024),
    "90": Limits(2048, 32, 228 << 10, 1024),
    "100": Limits(2048, 32, 228 << 10, 1024),
}


@dataclass(frozen=True)
class Need:
    """What one kernel needs on one architecture, as ptxas says."""

    symbol: str
    architecture: str
    registers: int
    shared: int
    spilled: int


def occupancy(need: Need, threads: int) -> float:
    """The part of a multiprocessor's warps that blocks of `threads` can fill."""
    limits, warps = LIMITS[need.architecture], math.ceil(threads / 32)
    by_registers = limits.registers // (warps * math.ceil(need.registers * 32 / 256) * 256)
    by_shared = limits.shared // (need.shared + limits.reserved) if need.shared else limits.blocks
    blocks = min(limits.blocks, by_registers, by_shared, limits.threads // threads)
    return blocks * warps / (limits.threads // 32)


def find_nvcc() -> str:
    """The compiler. If there is none, ends the program with a message that says what to install."""
    for found in (shutil.which("nvcc"), packaged()):
        if found and "simulator" not in found:
            return found
    sys.exit("no nvcc: pip install nvidia-cuda-nvcc nvidia-nvvm nvidia-cuda-crt nvidia-cuda-runtime")


def compiled(nvcc: str, ladder: Ladder, rung: Rung, dtype: str, architectures: tuple[str, ...]) -> str:
    """The output of nvcc for one rung and type; "" for a type that the rung was not written for."""
    text = compiler.source([(ladder, rung)])
    options = [
        "-std=c++17",
        "-O3",
        "-Werror",
        "all-warnings",
        "-Xptxas",
        "-v",
        f"-DSCALAR={dtype}",
        "-I",
        str(KERNELS),
    ]
    for number in architectures:
        options += ["-gencode", f"arch=compute_{number},code=sm_{number}"]
    identity = "\0".join([text, compiler.text_of([(ladder, rung)], KERNELS), *options, nvcc])
    kept = compiler.cache_folder().parent / "nvcc" / hashlib.sha256(identity.encode()).hexdigest()[:32]
    if kept.exists():
        return kept.read_text()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{rung.name}.cu"
        path.write_text(text)
        done = subprocess.run(
            [nvcc, "--fatbin", *options, "-o", os.devnull, str(path)],
            capture_output=True,
            text=True,
            check=False,
        )
    said = done.stdout + done.stderr
    if done.returncode:
        raise RuntimeError(f"kernels/{ladder.family}/{rung.source}.cu does not compile for {dtype}:\n{said}")
    files.write(kept, said)
    return said


def needs(said: str) -> list[Need]:
    """What `-Xptxas -v` printed, kernel by kernel."""
    found = []
    for part in said.split("Compiling entry function ")[1:]:
        head = re.match(r"'(\w+)' for 'sm_(\d+)'", part)
        used = re.search(r"Used (\d+) registers", part)
        assert head and used, part
        shared = re.search(r"(\d+) bytes smem", part)
        spilled = re.search(r"(\d+) bytes spill stores, (\d+) bytes spill loads", part)
        found.append(
            Need(
                head[1],
                head[2],
                int(used[1]),
                int(shared[1]) if shared else 0,
                sum(map(int, spilled.groups())) if spilled else 0,
            )
        )
    return found


def threads_of(ladder: Ladder, rung: Rung, symbol: str = "") -> int:
    """Threads in a block."""
    assert not callable(rung.block)
    return ladder.second.get(symbol) or math.prod(rung.block)


def row(ladder: Ladder, rung: Rung, dtype: str, found: list[Need], architectures: tuple[str, ...]) -> str:
    """A line of a family's table: of a rung's kernels, the one that needs most registers."""
    cells = []
    for number in architectures:
        mine = [n for n in found if n.architecture == number]
        worst = max(mine, key=lambda n: n.registers)
        part = min(occupancy(n, threads_of(ladder, rung, n.symbol)) for n in mine)
        cells.append(f"{worst.registers} · {100 * part:.0f} %")
    shared, spilled = max(n.shared for n in found), sum(n.spilled for n in found)
    first = [rung.name, dtype, str(threads_of(ladder, rung)), f"{shared:,}", str(spilled)]
    return "| " + " | ".join(first + cells) + " |"


def main() -> int:
    """Execute the command; returns 1 if anything spilled or did not compile."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("families", nargs="*", help="all of them by default")
    parser.add_argument("--architectures", default=",".join(ARCHITECTURES), help="75,80,...")
    parser.add_argument("--write", action="store_true", help="put the tables into kernels/README.md")
    parser.add_argument("--production", action="store_true", help="only the rungs in use")
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    asked = parser.parse_args()
    architectures = tuple(asked.architectures.split(","))
    if unknown := sorted({*asked.families} - LADDERS.keys()):
        parser.error(f"no family of kernels {', '.join(unknown)}; there are {', '.join(LADDERS)}")
    if unknown := sorted({*architectures} - LIMITS.keys()):
        parser.error(f"no architecture {', '.join(unknown)}; there are {', '.join(LIMITS)}")
    nvcc, failures = find_nvcc(), []
    work = [
        (ladder, rung, dtype)
        for name, ladder in LADDERS.items()
        if not asked.families or name in asked.families
        for rung in ladder.rungs
        if not asked.production or rung.name == ladder.default
        for dtype in DTYPES.get(name, FLOATS)
    ]
    tables: dict[str, list[str]] = {}
    with ThreadPoolExecutor(asked.workers) as pool:
        said = pool.map(lambda job: compiled(nvcc, *job, architectures), work)
        for (ladder, rung, dtype), text in zip(work, tqdm(said, total=len(work), unit="file"), strict=True):
            found = needs(text)
            tables.setdefault(ladder.family, []).append(row(ladder, rung, dtype, found, architectures))
            failures += [
                f"{ladder.family}/{rung.name} {n.symbol} {dtype} sm_{n.architecture}: "
                f"{n.spilled} bytes spilled"
                for n in found
                if n.spilled
            ]
    head = (
        "| rung | type | threads | shared bytes | spilled | "
        + " | ".join(f"sm_{a}" for a in architectures)
        + " |\n| --- | --- | ---: | ---: | ---: |"
        + " ---: |" * len(architectures)
    )
    for family, rows in tables.items():
        print(
            f"\n{family}: registers a thread · part of a multiprocessor's warps that can run\n{head}\n"
            + "\n".join(rows)
        )
        if asked.write:
            rewrite(README, f"resources:{family}", head + "\n" + "\n".join(rows))
    print(
        "\n".join(failures)
        or f"\n{len(work)} files, {len(architectures)} architectures, no warning, no spill"
    )
    return int(bool(failures))


if __name__ == "__main__":
    sys.exit(main())
