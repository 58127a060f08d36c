"""Kernels with bugs: an exercise book, and what the checker is held to.

`BUGS` are small kernels with one bug each and their repaired twins, `RUNGS` bugs to plant in a copy of the
library's own kernels. Each says in a line what it is, and which words the checker's report must have; the
tests find every one of them, at its line, in every schedule. `docs/planted-bugs.md` lists them all.

    python -m tinygrad_edu.simulator.bugs                           their names
    python -m tinygrad_edu.simulator.bugs "tree reduction"          a program with that bug, to be found
    python -m tinygrad_edu.simulator.bugs "tree reduction" --repaired
"""

from __future__ import annotations

from tinygrad_edu.simulator.bugs.accesses import ALIGNMENT, BOUNDS, FOREIGN, UNWRITTEN
from tinygrad_edu.simulator.bugs.planted import Address, Array, Freed, Host, Planted, Raw
from tinygrad_edu.simulator.bugs.races_compare import COMPARE
from tinygrad_edu.simulator.bugs.races_global import GLOBAL
from tinygrad_edu.simulator.bugs.races_shared import COPIES, SHARED
from tinygrad_edu.simulator.bugs.races_values import VALUES
from tinygrad_edu.simulator.bugs.rungs import RUNGS, RungBug
from tinygrad_edu.simulator.bugs.waiting import LAUNCHES, MEETINGS

__all__ = [
    "BUGS",
    "GROUPS",
    "RUNGS",
    "Address",
    "Array",
    "RungBug",
    "Freed",
    "Host",
    "Planted",
    "Raw",
    "named",
]

GROUPS = {
    "Races on shared memory": SHARED,
    "Races on global memory": GLOBAL,
    "Asynchronous copies": COPIES,
    "Races of whole values": VALUES,
    "Races around atomicCAS": COMPARE,
    "Out of bounds": BOUNDS,
    "Alignment": ALIGNMENT,
    "Foreign memory": FOREIGN,
    "Uninitialised memory": UNWRITTEN,
    "Barriers and masks": MEETINGS,
    "Launches": LAUNCHES,
}
BUGS = [planted for group in GROUPS.values() for planted in group]


def named(name: str) -> Planted:
    """The bug of that name. Raises KeyError with those that there are."""
    for planted in BUGS:
        if planted.name == name:
            return planted
    raise KeyError(f"no bug {name!r}; there are: {', '.join(planted.name for planted in BUGS)}")
