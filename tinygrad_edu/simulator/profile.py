"""Counts the memory traffic of kernels, line by line: `with sim.profile() as p: ...`, then `print(p)`.

Kernels launched inside the block are compiled again with callbacks, and run slowly, so times are not
measured. The counts are exact for the code of g++ at -O1, which accesses memory about as often as the source
does. A compiler for GPUs may keep more values in registers. The FLOPs do not include those inside
mathematical functions of the C library.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tinygrad_edu import files
from tinygrad_edu.simulator import control
from tinygrad_edu.simulator.profile_counts import Counts, Kernel, kernels
from tinygrad_edu.simulator.profile_html import page
from tinygrad_edu.simulator.profile_text import listing, table


@dataclass
class Profile:
    """The counts of `kernels`, sorted by bytes moved. Use print(profile), or profile.html(path)."""

    kernels: list[Kernel] = field(default_factory=list)

    @property
    def total(self) -> Counts:
        """The sum over all kernels."""
        total = Counts()
        for kernel in self.kernels:
            total.add(kernel.counts)
        return total

    def __str__(self) -> str:
        if not self.kernels:
            return "No kernel was launched."
        return "\n\n".join([table(self.kernels), *map(listing, self.kernels)])

    def html(self, path: str | Path) -> Path:
        """Write one self-contained page: a table, then the source of each kernel with its counts."""
        return files.write(path, page(self.kernels))

    def to_dict(self) -> dict[str, Any]:
        """The profile as numbers, strings, lists and dicts, for json.dump."""
        return {"kernels": [{
            "name": k.name, "file": k.place[0], "line": k.place[1],
            "launches": k.launches, "threads": k.threads, "counts": k.counts.to_dict(),
            "launched": [{"grid": list(n.grid), "block": list(n.block), "shared_bytes": n.shared_bytes,
                          "launches": n.launches, "counts": n.counts.to_dict()} for n in k.launched],
            "lines": [{"file": n.file, "line": n.number, "text": n.text, "executions": n.executions,
                       "counts": n.counts.to_dict()} for n in k.lines],
        } for k in self.kernels], "total": self.total.to_dict()}  # fmt: skip


@contextmanager
def profile(*, every: int = 1) -> Iterator[Profile]:
    """Count the work of the kernels launched inside the block; the Profile is complete when the block ends.

    `every`: count in every n-th block only, and estimate the counts of all blocks, for large grids.
    """
    if every < 1:
        raise ValueError(f"every={every}: give 1 for all blocks, n for every n-th")
    mode, before = control.get_value("mode"), control.get_json("profile")
    found = Profile()
    control.set_value("mode", "profile")
    control.set_value("profile_every", str(every))
    try:
        yield found
        if (report := control.finish()) is not None:
            raise control.SimulatorError(report)
    finally:
        control.set_value("mode", mode)
        control.set_value("profile_every", "1")
    found.kernels = kernels(control.get_json("profile"), before)
