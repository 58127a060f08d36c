"""Tables, the machine they were made on, and the blocks of documents they are written into."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tinygrad_edu import files

ROOT = Path(__file__).resolve().parent.parent


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A markdown table."""
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def machine(*packages: str) -> str:
    """One line: processor, cores, Python and the peers' versions."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"model name\s*: (.*)", info.read_text())
        cpu = found.group(1).strip() if found else cpu
    versions = []
    for package in packages:
        try:
            versions.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            versions.append(f"{package} not installed")
    return (
        f"Measured on {cpu}, {os.cpu_count()} cores, Python {platform.python_version()}, "
        f"{', '.join(versions)}."
    )


def results_folder(device: str) -> Path:
    """Where the tables of a GPU go: benchmarks/results/nvidia-h100-80gb-hbm3, say."""
    return Path(__file__).parent / "results" / re.sub(r"[^a-z0-9]+", "-", device.lower()).strip("-")


def documents() -> list[Path]:
    """The README and the pages of docs/: where a table may stand."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


def rewrite(path: Path, name: str, text: str) -> None:
    """Put `text` between the markers `<!-- bench:name -->` and `<!-- /bench:name -->`; a new file gets them.

    Where a document does not hold the block and another does, it is written there: a table can be moved from
    the README to a page without a change of its benchmark.
    """
    begin, end = f"<!-- bench:{name} -->", f"<!-- /bench:{name} -->"
    block = f"{begin}\n{text}\n{end}"
    old = path.read_text() if path.exists() else ""
    if begin not in old and path in documents():
        for other in documents():
            if begin in (found := other.read_text()):
                path, old = other, found
    if begin in old:
        head, _, rest = old.partition(begin)
        new = head + block + rest.partition(end)[2]
    else:
        new = (old.rstrip() + "\n\n" if old else "") + block + "\n"
    files.write(path, new)
