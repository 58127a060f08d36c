"""What a profile counts: requests and what they cost, by kernel, by launch and by line of the source."""
from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from tinygrad_edu.simulator.profile_lines import Instruction, Place, instructions, places

SECTOR = 32     # bytes
_SPACES = ("global", "shared", "constant", "local")     # in the driver's order
_DERIVED = ("bytes_asked", "bytes_moved", "sectors_per_request", "efficiency", "conflicts",
            "wavefronts_per_request", "active_lanes", "intensity")
Json = dict[str, Any]


@dataclass
class Counts:
    """Sums of what warps did. A request is one instruction executed by the lanes of a warp together."""
    requests: int = 0           # of global memory
    sectors: int = 0            # 32-byte pieces that they moved
    ideal_sectors: int = 0      # as few as would have held the bytes
    bytes_read: int = 0         # as the lanes asked
    bytes_written: int = 0
    shared_requests: int = 0
    wavefronts: int = 0         # turns that the banks of shared memory took
    ideal_wavefronts: int = 0   # without conflicts
    constant_requests: int = 0
    constant_words: int = 0     # different ones, which are served one after another
    atomics: int = 0            # requests that are atomic operations, global and shared
    collisions: int = 0         # turns that they took because lanes had the same address
    local_bytes: int = 0        # of the threads' own memory: arrays, variables whose address is taken
    flops: int = 0              # additions, multiplications, divisions, square roots; a fused one is two
    instructions: int = 0       # executed by warps: g++'s, whose number is near a GPU's but not the same
    lane_instructions: int = 0  # the same by single lanes

    def add(self, other: Counts) -> None:
        """Add another's numbers to these."""
        for f in fields(self):
            setattr(self, f.name, getattr(self, f.name) + getattr(other, f.name))

    @property
    def bytes_asked(self) -> int:
        """Bytes of global memory that the lanes read and wrote."""
        return self.bytes_read + self.bytes_written

    @property
    def bytes_moved(self) -> int:
        """Bytes of global memory that had to move for that: whole sectors."""
        return SECTOR * self.sectors

    @property
    def sectors_per_request(self) -> float:
        """4 is what 32 lanes with neighbouring floats need; 32 is the worst."""
        return _ratio(self.sectors, self.requests)

    @property
    def efficiency(self) -> float:
        """The part of the sectors that was needed, 1 for coalesced access."""
        return _ratio(self.ideal_sectors, self.sectors)

    @property
    def conflicts(self) -> int:
        """Turns of shared memory that bank conflicts cost."""
        return self.wavefronts - self.ideal_wavefronts

    @property
    def wavefronts_per_request(self) -> float:
        """1 without bank conflicts (2 for 8-byte, 4 for 16-byte accesses)."""
        return _ratio(self.wavefronts, self.shared_requests)

    @property
    def active_lanes(self) -> float:
        """Lanes of the 32 that took part in an instruction of a warp; fewer where the warp diverges."""
        return _ratio(self.lane_instructions, self.instructions)

    @property
    def intensity(self) -> float:
        """FLOPs for each byte of global memory moved."""
        return _ratio(self.flops, self.bytes_moved)

    def to_dict(self) -> dict[str, float]:
        """All numbers by name, the derived ones included."""
        return {name: getattr(self, name) for name in [*(f.name for f in fields(self)), *_DERIVED]}


@dataclass
class Line:
    """One line of the source. `executions`: how often warps ran it."""
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
        """Of all these launches together."""
        (a, b, c), (d, e, f) = self.grid, self.block
        return self.launches * a * b * c * d * e * f


@dataclass
class Kernel:
    """One kernel. `place` is its definition; `sources` are the files it was compiled from, by name."""
    name: str
    place: Place
    sources: dict[str, str]
    launched: list[Launch] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    counts: Counts = field(default_factory=Counts)

    @property
    def launches(self) -> int:
        """How often it was launched."""
        return sum(launch.launches for launch in self.launched)

    @property
    def threads(self) -> int:
        """Of all launches together."""
        return sum(launch.threads for launch in self.launched)


def kernels(after: Json, before: Json) -> list[Kernel]:
    """The kernels that ran between two answers of the driver, the one that moved most first."""
    seen = {_identity(launch): launch for launch in before["launches"]}
    objects: dict[str, _Object] = {}
    found: dict[tuple[str, str], Kernel] = {}
    for launch in after["launches"]:
        old = seen.get(_identity(launch))
        if old is not None and old["launches"] == launch["launches"]:
            continue
        path = launch["object"]
        if path not in objects:
            objects[path] = _Object(path, after["objects"][path])
        key = (path, launch["symbol"])
        if key not in found:
            found[key] = Kernel(launch["name"], (objects[path].name(launch["file"]), launch["line"]),
                                objects[path].sources)
        objects[path].book(launch, old, found[key])
    for kernel in found.values():
        kernel.lines.sort(key=lambda line: (line.file, line.number))
    return sorted(found.values(), key=lambda k: (-k.counts.bytes_moved, -k.counts.flops, k.name))


class _Object:
    """One profiled object: its sites, its source and the lines of its instructions."""

    def __init__(self, path: str, raw: Json) -> None:
        self.sites, self.sources = raw["sites"], raw["sources"]
        self._by_block: dict[int, list[Instruction]] = {}
        for instruction in instructions(path):
            if instruction.block is not None:
                self._by_block.setdefault(instruction.block, []).append(instruction)
        calls = [site[0] - 1 for site in self.sites]        # inside the call that the address returns from
        inside = [i.address for site in self.sites for i in self._by_block.get(site[0], ())]
        self._places = places(path, [*calls, *inside], lambda file: self.name(file) in self.sources)

    def name(self, file: str) -> str:
        """A file as the user knows it: the debug information puts the folder of the compilation before it."""
        if file in self.sources:
            return file
        ends = [known for known in self.sources if file.endswith("/" + known)]
        return max(ends, key=len) if ends else file

    def line(self, kernel: Kernel, place: Place | None) -> Line:
        """The kernel's line for a place; what has none, such as our headers, is put on its definition."""
        file, number = kernel.place if place is None else (self.name(place[0]), place[1])
        for line in kernel.lines:
            if line.number == number and line.file == file:
                return line
        text = self.sources.get(file, "").splitlines()
        kernel.lines.append(Line(file, number, text[number - 1] if 0 < number <= len(text) else ""))
        return kernel.lines[-1]

    def book(self, launch: Json, old: Json | None, kernel: Kernel) -> None:
        """Add the counts of one kind of launch, less what was there before, to the kernel and its lines."""
        blocks, looked_at = _less(launch, old, "blocks"), _less(launch, old, "looked_at")
        booked = Launch(tuple(launch["grid"]), tuple(launch["block"]), launch["shared_bytes"],
                        _less(launch, old, "launches"))
        for number, now in launch["counts"].items():
            was = [] if old is None else old["counts"].get(number, [])
            site = self.sites[int(number)]
            executions, replayed, warps = _differ(now[:3], was[:3])
            if not executions:
                continue
            of_blocks = _ratio(blocks, looked_at)
            scale = _ratio(executions, replayed) * of_blocks
            if site[1] == "block":
                lanes = round(executions * of_blocks)
                self._book_block(site[0], lanes, round(warps * scale), kernel, booked.counts)
                continue
            counts = _traffic(site, [_differ(a, b) for a, b in zip(now[3:], was[3:] or [[]] * 4)], scale)
            place = (site[3], site[4]) if site[3] else self._places.get(site[0] - 1)
            self.line(kernel, place).counts.add(counts)
            booked.counts.add(counts)
        kernel.launched.append(booked)
        kernel.counts.add(booked.counts)

    def _book_block(self, address: int, lanes: int, warps: int, kernel: Kernel, total: Counts) -> None:
        """The instructions of a basic block, each on its own line."""
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


def _identity(launch: Json) -> tuple[Any, ...]:
    return tuple(str(launch[key]) for key in ("object", "symbol", "grid", "block", "shared_bytes"))


def _less(now: Json, old: Json | None, key: str) -> int:
    return now[key] - (0 if old is None else old[key])


def _differ(now: list[int], was: list[int]) -> list[int]:
    return [a - b for a, b in zip(now, was)] if was else now


def _ratio(a: float, b: float) -> float:
    return a / b if b else 0.0
