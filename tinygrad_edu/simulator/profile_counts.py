"""The counts of a profile: memory requests and their cost, by kernel, by launch and by source line."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from tinygrad_edu.simulator.profile_lines import Instruction, Place, instructions, places

SECTOR = 32  # bytes
_SPACES = ("global", "shared", "constant", "local")  # in the order of the driver
_DERIVED = ("bytes_asked", "bytes_moved", "sectors_per_request", "efficiency", "conflicts",
            "wavefronts_per_request", "active_lanes", "intensity")  # fmt: skip
Json = dict[str, Any]


@dataclass
class Counts:
    """Counts of the work of warps. A request is one memory instruction of the lanes of a warp together."""

    # fmt: off
    requests: int = 0           # requests of global memory
    sectors: int = 0            # 32-byte sectors that these requests moved
    ideal_sectors: int = 0      # the fewest sectors that could contain the bytes
    bytes_read: int = 0         # bytes that the lanes requested
    # fmt: on
    bytes_written: int = 0
    shared_requests: int = 0
    wavefronts: int = 0  # turns of the banks of shared memory
    ideal_wavefronts: int = 0  # turns without bank conflicts
    constant_requests: int = 0
    # fmt: off
    constant_words: int = 0     # different words, which are served one after another
    atomics: int = 0            # atomic requests of global and shared memory
    collisions: int = 0         # further turns of atomics because lanes have the same address
    local_bytes: int = 0        # traffic of local memory: arrays, and variables whose address is taken
    flops: int = 0              # additions, multiplications, divisions, square roots; a fused one is two
    instructions: int = 0       # instructions of warps, in the code of g++; about as many as on a GPU
    lane_instructions: int = 0  # the same, counted by lanes
    # fmt: on

    def add(self, other: Counts) -> None:
        """Add the counts of `other` to these."""
        for f in fields(self):
            setattr(self, f.name, getattr(self, f.name) + getattr(other, f.name))

    @property
    def bytes_asked(self) -> int:
        """Bytes of global memory that the lanes read and wrote."""
        return self.bytes_read + self.bytes_written

    @property
    def bytes_moved(self) -> int:
        """Bytes of global memory in the sectors that were moved."""
        return SECTOR * self.sectors

    @property
    def sectors_per_request(self) -> float:
        """Sectors per request: 4 if 32 lanes access neighbouring floats; 32 in the worst case."""
        return _ratio_or_zero(self.sectors, self.requests)

    @property
    def efficiency(self) -> float:
        """The fraction of the sectors that was necessary; 1 for coalesced access."""
        return _ratio_or_zero(self.ideal_sectors, self.sectors)

    @property
    def conflicts(self) -> int:
        """Further turns of shared memory because of bank conflicts."""
        return self.wavefronts - self.ideal_wavefronts

    @property
    def wavefronts_per_request(self) -> float:
        """Turns per request of shared memory: 1 without bank conflicts (2 for 8 bytes, 4 for 16 bytes)."""
        return _ratio_or_zero(self.wavefronts, self.shared_requests)

    @property
    def active_lanes(self) -> float:
        """The mean number of the 32 lanes that execute an instruction; it is lower where warps diverge."""
        return _ratio_or_zero(self.lane_instructions, self.instructions)

    @property
    def intensity(self) -> float:
        """FLOP per byte of global memory moved."""
        return _ratio_or_zero(self.flops, self.bytes_moved)

    def to_dict(self) -> dict[str, float]:
        """All counts by name, and the values derived from them."""
        return {name: getattr(self, name) for name in [*(f.name for f in fields(self)), *_DERIVED]}


@dataclass
class Line:
    """One line of the source; `executions` is the number of times that warps ran it."""

    file: str
    number: int
    text: str
    counts: Counts = field(default_factory=Counts)
    executions: int = 0


@dataclass
class Launch:
    """Launches of one kernel with one grid, block and size of shared memory."""

    grid: tuple[int, int, int]
    block: tuple[int, int, int]
    shared_bytes: int
    launches: int
    counts: Counts = field(default_factory=Counts)

    @property
    def threads(self) -> int:
        """The number of threads in all these launches."""
        (a, b, c), (d, e, f) = self.grid, self.block
        return self.launches * a * b * c * d * e * f


@dataclass
class Kernel:
    """One kernel; `place` is the line of its definition, `sources` is {file name: text} of its module."""

    name: str
    place: Place
    sources: dict[str, str]
    launched: list[Launch] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    @property
    def launches(self) -> int:
        """The number of launches."""
        return sum(launch.launches for launch in self.launched)

    @property
    def threads(self) -> int:
        """The number of threads in all launches."""
        return sum(launch.threads for launch in self.launched)


def kernels(after: Json, before: Json) -> list[Kernel]:
    """The kernels that ran between two answers of the driver, sorted by bytes moved."""
    seen = {_launch_key(launch): launch for launch in before["launches"]}
    objects: dict[str, _Object] = {}
    found: dict[tuple[str, str], Kernel] = {}
    for launch in after["launches"]:
        old = seen.get(_launch_key(launch))
        if old is not None and old["launches"] == launch["launches"]:
            continue
        path = launch["object"]
        if path not in objects:
            objects[path] = _Object(path, after["objects"][path])
        key = (path, launch["symbol"])
        if key not in found:
            found[key] = Kernel(
                launch["name"], (objects[path].name(launch["file"]), launch["line"]), objects[path].sources
            )
        objects[path].add_launch(launch, old, found[key])
    for kernel in found.values():
        kernel.lines.sort(key=lambda line: (line.file, line.number))
    return sorted(found.values(), key=lambda k: (-k.counts.bytes_moved, -k.counts.flops, k.name))


class _Object:
    """One profiled object file: its call sites, its sources, and the line of each instruction."""

    def __init__(self, path: str, raw: Json) -> None:
        self.sites, self.sources = raw["sites"], raw["sources"]
        self._by_block: dict[int, list[Instruction]] = {}
        for instruction in instructions(path):
            if instruction.block is not None:
                self._by_block.setdefault(instruction.block, []).append(instruction)
        calls = [
            site[0] - 1 for site in self.sites
        ]  # an address inside the call instruction before the return address
        inside = [i.address for site in self.sites for i in self._by_block.get(site[0], ())]
        self._places = places(path, [*calls, *inside], lambda file: self.name(file) in self.sources)

    def name(self, file: str) -> str:
        """The user's name of a file; debug information has the folder of the compilation before it."""
        if file in self.sources:
            return file
        ends = [known for known in self.sources if file.endswith("/" + known)]
        return max(ends, key=len) if ends else file

    def line(self, kernel: Kernel, place: Place | None) -> Line:
        """The line of a place. Code without a place in `sources` counts for the definition of the kernel."""
        file, number = kernel.place if place is None else (self.name(place[0]), place[1])
        for line in kernel.lines:
            if line.number == number and line.file == file:
                return line
        text = self.sources.get(file, "").splitlines()
        kernel.lines.append(Line(file, number, text[number - 1] if 0 < number <= len(text) else ""))
        return kernel.lines[-1]

    def add_launch(self, launch: Json, old: Json | None, kernel: Kernel) -> None:
        """Add the counts of a launch, minus the older counts, to the kernel and to its lines."""
        blocks, looked_at = _difference(launch, old, "blocks"), _difference(launch, old, "looked_at")
        added = Launch(
            tuple(launch["grid"]),
            tuple(launch["block"]),
            launch["shared_bytes"],
            _difference(launch, old, "launches"),
        )
        for number, now in launch["counts"].items():
            old_counts = [] if old is None else old["counts"].get(number, [])
            site = self.sites[int(number)]
            executions, replayed, warps = _differences(now[:3], old_counts[:3])
            if not executions:
                continue
            of_blocks = _ratio_or_zero(blocks, looked_at)
            scale = _ratio_or_zero(executions, replayed) * of_blocks
            if site[1] == "block":
                lanes = round(executions * of_blocks)
                self._add_block(site[0], lanes, round(warps * scale), kernel, added.counts)
                continue
            counts = _traffic(
                site, [_differences(a, b) for a, b in zip(now[3:], old_counts[3:] or [[]] * 4)], scale
            )
            place = (site[3], site[4]) if site[3] else self._places.get(site[0] - 1)
            self.line(kernel, place).counts.add(counts)
            added.counts.add(counts)
        kernel.launched.append(added)
        kernel.counts.add(added.counts)

    def _add_block(self, address: int, lanes: int, warps: int, kernel: Kernel, total: Counts) -> None:
        """Add the instructions of a basic block, each to its own line."""
        for i in self._by_block.get(address, ()):
            counts = Counts(flops=i.flops * lanes, instructions=warps, lane_instructions=lanes)
            line = self.line(kernel, self._places.get(i.address))
            line.counts.add(counts)
            line.executions = max(line.executions, warps)
            total.add(counts)


def _traffic(site: list[Any], spaces: list[list[int]], scale: float) -> Counts:
    _, kind, size, *_ = site
    counts = Counts()
    for space, (requests, lanes, units, ideal, collisions) in zip(_SPACES, spaces):
        requests, lanes, units, ideal = (round(scale * n) for n in (requests, lanes, units, ideal))
        if space == "global":
            counts.requests, counts.sectors, counts.ideal_sectors = requests, units, ideal
            counts.bytes_read = size * lanes if kind == "read" else 0
            counts.bytes_written = size * lanes if kind != "read" else 0
        elif space == "shared":
            counts.shared_requests, counts.wavefronts, counts.ideal_wavefronts = requests, units, ideal
        elif space == "constant":
            counts.constant_requests, counts.constant_words = requests, units
        else:
            counts.local_bytes = size * lanes
        if kind == "atomic" and space in ("global", "shared"):
            counts.atomics += requests
            counts.collisions += round(scale * collisions)
    return counts


def _launch_key(launch: Json) -> tuple[Any, ...]:
    return tuple(str(launch[key]) for key in ("object", "symbol", "grid", "block", "shared_bytes"))


def _difference(now: Json, old: Json | None, key: str) -> int:
    return now[key] - (0 if old is None else old[key])


def _differences(now: list[int], old_counts: list[int]) -> list[int]:
    return [a - b for a, b in zip(now, old_counts)] if old_counts else now


def _ratio_or_zero(a: float, b: float) -> float:
    return a / b if b else 0.0
