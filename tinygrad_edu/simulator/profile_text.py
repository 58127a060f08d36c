"""A profile as text: a table of the kernels, then the source of each with counts beside its lines."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinygrad_edu.simulator.profile_counts import Counts, Kernel, Line

_GAP = 6  # a listing omits a run of more lines without counts
_SIGNIFICANT = 0.05  # divergence is mentioned for lines with this fraction of the instructions
_WIDTH = 110


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading of two lines, when it is shown, and its text."""

    head: tuple[str, str]
    shown: Callable[[Counts], float]
    text: Callable[[Counts], str]


COLUMNS = (
    Column(("active", "lanes of 32"), lambda c: c.instructions, lambda c: f"{c.active_lanes:.1f}"),
    Column(("global", "requests"), lambda c: c.requests, lambda c: f"{c.requests:,}"),
    Column(("sectors", "a request"), lambda c: c.requests, lambda c: f"{c.sectors_per_request:.1f}"),
    Column(("needed", "%"), lambda c: c.requests, lambda c: f"{100 * c.efficiency:.0f}"),
    Column(("asked", "bytes"), lambda c: c.requests, lambda c: f"{c.bytes_asked:,}"),
    Column(("moved", "bytes"), lambda c: c.requests, lambda c: f"{c.bytes_moved:,}"),
    Column(("shared", "requests"), lambda c: c.shared_requests, lambda c: f"{c.shared_requests:,}"),
    Column(("turns", "a request"), lambda c: c.shared_requests, lambda c: f"{c.wavefronts_per_request:.1f}"),
    Column(("bank", "conflicts"), lambda c: c.shared_requests, lambda c: f"{c.conflicts:,}"),
    Column(("constant", "requests"), lambda c: c.constant_requests, lambda c: f"{c.constant_requests:,}"),
    Column(("atomic", "collisions"), lambda c: c.atomics, lambda c: f"{c.collisions:,}"),
    Column(("local", "bytes"), lambda c: c.local_bytes, lambda c: f"{c.local_bytes:,}"),
    Column(("", "FLOP"), lambda c: c.flops, lambda c: f"{c.flops:,}"),
)
INTENSITY = Column(("FLOP", "a byte"), lambda c: c.flops and c.requests, lambda c: f"{c.intensity:.2f}")


def columns(counts: Sequence[Counts], more: Sequence[Column] = ()) -> list[Column]:
    """The columns that are not empty in all rows."""
    return [column for column in (*COLUMNS, *more) if any(column.shown(c) for c in counts)]


def cell(column: Column, counts: Counts) -> str:
    """The text of a cell; "" if the counts of its kind are 0."""
    return column.text(counts) if column.shown(counts) else ""


def table(kernels: Sequence[Kernel]) -> str:
    """A table with one row for each kernel."""
    shown = columns([k.counts for k in kernels], (INTENSITY,))
    heads = [("", "kernel"), ("", "launches"), ("", "threads"), *(column.head for column in shown)]
    rows = [
        [k.name, f"{k.launches:,}", f"{k.threads:,}", *(cell(c, k.counts) for c in shown)] for k in kernels
    ]
    return "\n".join(row.rstrip() for row in _aligned(heads, rows))


def listing(kernel: Kernel) -> str:
    """The source of a kernel with counts to the left of each line, and advice below it."""
    shown = columns([line.counts for line in kernel.lines])
    heads = [*(column.head for column in shown), ("", "line")]
    rows: list[list[str]] = []
    sources: list[str] = []
    files = list(dict.fromkeys(line.file for line in kernel.lines))
    for file in files:
        if len(files) > 1:
            rows.append([""] * len(heads))
            sources.append(f"// {file}")
        for line in excerpt(kernel, file):
            if line is None:
                rows.append([*("" for _ in shown), "..."])
                sources.append("")
            else:
                rows.append([*(cell(c, line.counts) for c in shown), str(line.number)])
                sources.append(line.text)
    text = _aligned(heads, rows)
    body = [f"{left}  {source}".rstrip() for left, source in zip(text[2:], sources)]
    title = f"{kernel.name} ({kernel.place[0]}:{kernel.place[1]})"
    sentences = [textwrap.fill(sentence, _WIDTH, subsequent_indent="    ") for sentence in advice(kernel)]
    return "\n".join([title, *text[:2], *body, *sentences])


def excerpt(kernel: Kernel, file: str) -> list[Line | None]:
    """The lines of a file from the first to the last with counts; None stands for omitted lines."""
    counted = {line.number: line for line in kernel.lines if line.file == file}
    if file not in kernel.sources:
        return list(counted.values())
    text = kernel.sources[file].splitlines()
    numbers = set(counted) | ({kernel.place[1]} if kernel.place[0] == file else set())
    last = max(numbers)
    for number in range(last, min(last + 4, len(text) + 1)):  # up to the closing brace of the kernel
        if text[number - 1].startswith("}"):
            numbers.add(number)
            break
    found: list[Line | None] = []
    before = None
    for number in sorted(numbers):
        if before is not None and number - before > _GAP:
            found.append(None)
        elif before is not None:
            found += [Line(file, n, text[n - 1]) for n in range(before + 1, number)]
        found.append(counted.get(number) or Line(file, number, text[number - 1]))
        before = number
    return found


def advice(kernel: Kernel) -> list[str]:
    """A sentence with advice for each line with poor counts."""
    found, divergent = [], []
    for line in kernel.lines:
        c, at = line.counts, f"{line.file}:{line.number}: "
        if c.efficiency <= 0.8 and c.sectors - c.ideal_sectors >= c.requests > 0:
            found.append(
                f"{at}{c.sectors_per_request:.1f} sectors a request where "
                f"{c.ideal_sectors / c.requests:.1f} would do. Let neighbouring threads touch "
                "neighbouring addresses, from a multiple of 32 bytes on."
            )
        if c.shared_requests and c.wavefronts >= 1.5 * c.ideal_wavefronts:
            found.append(
                f"{at}shared memory takes {c.wavefronts_per_request:.1f} turns a request where "
                f"{c.ideal_wavefronts / c.shared_requests:.1f} would do: lanes want different words "
                "of one bank. One element more in each row often moves them apart."
            )
        if c.constant_words > c.constant_requests:
            found.append(
                f"{at}constant memory serves {c.constant_words / c.constant_requests:.1f} different "
                "words a request, one after another. It is made for all lanes reading the same."
            )
        if c.collisions > c.atomics:
            found.append(
                f"{at}an atomic operation waits for {c.collisions / c.atomics:.1f} others at the "
                "same address. Add up within the warp or the block first."
            )
        if (
            c.instructions > _SIGNIFICANT * kernel.counts.instructions
            and c.active_lanes < 0.75 * _most_active_lanes(kernel)
        ):
            divergent.append(line)
    for file in dict.fromkeys(line.file for line in divergent):
        lines = [line for line in divergent if line.file == file]
        fewest = min(line.counts.active_lanes for line in lines)
        numbers = ", ".join(str(line.number) for line in lines)
        found.append(
            f"{file}:{numbers}: as few as {fewest:.1f} of 32 lanes are active, "
            "because threads of one warp go different ways."
        )
    return found


def _most_active_lanes(kernel: Kernel) -> float:
    return max((line.counts.active_lanes for line in kernel.lines), default=32.0)


def _aligned(heads: Sequence[tuple[str, str]], rows: list[list[str]]) -> list[str]:
    """The two lines of headings, and the rows, in aligned columns; text is aligned left."""
    whole = [[head[0] for head in heads], [head[1] for head in heads], *rows]
    widths = [max(map(len, column)) for column in zip(*whole)]
    return [
        "  ".join(
            text.ljust(width) if head[1] == "kernel" else text.rjust(width)
            for text, width, head in zip(row, widths, heads)
        )
        for row in whole
    ]
