"""Draw the simulator's pictures again: `make pictures`. Needs nothing but Python.

The picture is of one block of four threads, thread 2 of which returns before the barrier. Each bar has a
text, not only a colour; colour-blind readers can distinguish the colours, which change with a dark page.
"""

from __future__ import annotations

from html import escape
from itertools import pairwise
from pathlib import Path

from tinygrad_edu import files

IMAGES = Path(__file__).parent.parent / "docs" / "images"
WIDTH, HEIGHT = 860, 474
LEFT, UNIT = 118, 86  # where time begins, and a step of it
TOP, ROW, BAR = 196, 58, 34  # the first fiber's bar, from row to row, its height

CODE = (
    "int t = threadIdx.x;        // a block of 4 threads",
    "if (x[t] == 0) return;      // as thread 2 does",
    "tile[t] = x[t];             // before",
    "__syncthreads();",
    "y[t] = tile[0] * x[t];      // after",
)
# Which thread runs on which fiber, from when to when, and what it does.
RUNS = ((0, 0, 0.0, 1.0, "before"), (1, 1, 1.0, 2.0, "before"), (2, 2, 2.0, 2.9, "return"),
        (2, 3, 2.9, 3.9, "before"), (0, 0, 4.3, 5.3, "after"), (1, 1, 5.3, 6.3, "after"),
        (2, 3, 6.3, 7.3, "after"))  # fmt: skip
WAITS = ((0, 1.0, 4.3), (1, 2.0, 5.3), (2, 3.9, 6.3))
RELEASE = 4.1
COUNTS = ((1.0, "1 of 4"), (2.0, "2 of 4"), (2.9, "2 of 3"), (3.9, "3 of 3"))

LIGHT = {"page": "#ffffff", "edge": "#d6dae0", "text": "#20242a", "soft": "#5d6671", "before": "#0072b2",
         "after": "#e69f00", "return": "#999999", "wait": "#eef1f4", "line": "#8b929c", "barrier": "#b8430a",
         "on-before": "#ffffff", "on-after": "#1c1c1c", "on-return": "#111111"}  # fmt: skip
DARK = {"page": "#15181d", "edge": "#3a4049", "text": "#e4e8ed", "soft": "#a8b0bb", "before": "#56b4e9",
        "after": "#e69f00", "return": "#8d949e", "wait": "#262b32", "line": "#7b8490", "barrier": "#ff8a50",
        "on-before": "#0b1a26", "on-after": "#1c1c1c", "on-return": "#111111"}  # fmt: skip


def style() -> str:
    """A class for each colour; a dark page swaps them all."""

    def rules(colours: dict[str, str]) -> str:
        return "".join(
            f".{name}{{fill:{colour}}}.{name}-stroke{{stroke:{colour}}}" for name, colour in colours.items()
        )

    return f"<style>{rules(LIGHT)}@media (prefers-color-scheme:dark){{{rules(DARK)}}}</style>"


def text(x: float, y: float, words: str, colour: str = "text", size: int = 13, anchor: str = "start") -> str:
    """One line of text, its baseline at y."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" class="{colour}" font-size="{size}" text-anchor="{anchor}"'
        f' xml:space="preserve">{escape(words)}</text>'
    )


def box(x: float, y: float, width: float, height: float, fill: str, more: str = "") -> str:
    """A rounded rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="4" '
        f'class="{fill}"{more}/>'
    )


def line(x1: float, y1: float, x2: float, y2: float, colour: str, more: str = "") -> str:
    """A straight line."""
    return f'<path d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}" class="{colour}-stroke" fill="none"{more}/>'


def at(time: float) -> float:
    """The x of a time."""
    return LEFT + UNIT * time


def row(fiber: int) -> float:
    """The y at which a fiber's bar begins."""
    return TOP + ROW * fiber


def barrier() -> str:
    """One block's fibers at a barrier."""
    parts = [box(0.5, 0.5, WIDTH - 1, HEIGHT - 1, "page edge-stroke", ' stroke-width="1"')]
    for i, words in enumerate(CODE):
        colour = "barrier" if "__syncthreads" in words else "text"
        parts.append(text(24, 34 + 20 * i, words, colour))
    parts.append(line(24, 132, WIDTH - 24, 132, "edge"))
    parts.append(text(24, 158, "one OS thread: one bar at a time, from left to right", "soft"))
    for fiber in range(3):
        parts.append(text(24, row(fiber) + BAR / 2 + 5, f"fiber {fiber}"))
    for fiber, begin, end in WAITS:
        parts.append(
            box(
                at(begin),
                row(fiber) + 9,
                at(end) - at(begin),
                BAR - 18,
                "wait line-stroke",
                ' stroke-dasharray="3 3"',
            )
        )
        label = begin if end - begin > 3 else RELEASE  # not under the dashed line
        parts.append(text(at(label) + 10, row(fiber) + BAR / 2 + 4, "waits", "soft", 11))
    for (fiber, _, _, end, _), (other, _, begin, _, _) in pairwise(RUNS):
        if fiber != other:
            down = row(other) if other > fiber else row(other) + BAR
            up = row(fiber) + BAR if other > fiber else row(fiber)
            parts.append(
                line(at(end), up, at(begin), down, "line", ' stroke-width="1.6" marker-end="url(#head)"')
            )
    for fiber, thread, begin, end, kind in RUNS:
        parts.append(box(at(begin) + 1, row(fiber), at(end) - at(begin) - 2, BAR, kind))
        middle, does = at((begin + end) / 2), "returns" if kind == "return" else kind
        parts.append(text(middle, row(fiber) + 15, f"thread {thread}", f"on-{kind}", 12, "middle"))
        parts.append(text(middle, row(fiber) + 28, does, f"on-{kind}", 10, "middle"))
    bottom = row(3) - 4
    parts.append(
        line(
            at(RELEASE),
            144,
            at(RELEASE),
            bottom + 58,
            "barrier",
            ' stroke-width="2.2" stroke-dasharray="7 4"',
        )
    )
    parts.append(text(at(RELEASE) + 8, 158, "all that still run have arrived: released", "barrier"))
    parts.append(text(24, bottom + 22, "at the"))
    parts.append(text(24, bottom + 38, "barrier"))
    for time, words in COUNTS:
        parts.append(text(at(time), bottom + 30, words, "text", 13, "end"))
    parts.append(text(at(RELEASE) + 8, bottom + 22, "ready: thread 0, 1, 3"))
    parts.append(text(at(RELEASE) + 8, bottom + 38, "in the order of the schedule", "soft", 12))
    notes = (
        "A switch saves where one thread stands (stack, code, frame) and loads where the next stood.",
        "Thread 2 has returned: its fiber, still warm, serves thread 3, and the barrier waits for 3.",
    )
    for i, words in enumerate(notes):
        parts.append(text(24, bottom + 78 + 19 * i, words, "soft", 12))
    head = (
        '<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="6" markerHeight="6" '
        'orient="auto"><path d="M0 0L8 4L0 8z" class="line"/></marker></defs>'
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{HEIGHT}" '
        f'viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="One OS thread runs the fibers of a block '
        'in turn; each waits at the barrier until the last arrives" '
        "font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\">\n"
        f"{style()}\n{head}\n" + "\n".join(parts) + "\n</svg>\n"
    )


if __name__ == "__main__":
    files.write(IMAGES / "simulator-barrier.svg", barrier())
