"""The page that lists all planted bugs, docs/planted-bugs.md, written from them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from tinygrad_edu.simulator.bugs import BUGS, GROUPS, RUNGS, Planted, RungBug

_HEAD = """# Planted bugs

Here are {count} small kernels, each with one bug, and {rungs} bugs to plant in the library's own kernels.
They are exercises with solutions, and they test the checker of
[the simulator](../tinygrad_edu/simulator/README.md): it must find each of them, at its line, in every order
of the threads, and must find nothing in the repaired kernels.

- A line that begins with `-` is only in the kernel with the bug, a line with `+` only in the repaired one.
- `// BUG` marks the line that the report names, `// OTHER` the line of the other thread of a race.

An exercise is a whole program, without these marks and without the explanation:

```sh
python -m tinygrad_edu.simulator.bugs "tree reduction" > exercise.py
tinygrad-edu simulate --check exercise.py  # the report
python -m tinygrad_edu.simulator.bugs "tree reduction" --repaired  # the solution
```

`python -m tinygrad_edu.simulator.bugs --write` generates this page from the bugs in
[tinygrad_edu/simulator/bugs](../tinygrad_edu/simulator/bugs/__init__.py): change those.
"""
_RUNGS = """## In the library's kernels

Copy the folder [kernels](../kernels/README.md), replace the first text of a bug by the second, and run a
program with the copy, as [planting a bug](../kernels/README.md#planting-a-bug) shows.
"""


def page() -> str:
    """The text of the page."""
    parts = [_HEAD.format(count=len(BUGS), rungs=len(RUNGS)), *_contents()]
    for title, group in GROUPS.items():
        parts.append(f"## {title}\n")
        parts += [_section(planted) for planted in group]
    parts.append(_RUNGS)
    for family in dict.fromkeys(bug.family for bug in RUNGS):
        parts.append(f"### {family}\n\n" + "\n".join(_rung(b) for b in RUNGS if b.family == family) + "\n")
    return "\n".join(parts)


def _contents() -> Iterator[str]:
    for title, group in GROUPS.items():
        rows = [f"| [{_prose(p.name)}](#{_anchor(p.name)}) | {_prose(p.about)} |" for p in group]
        yield "\n".join([f"| {title.lower()} | what is wrong |", "| --- | --- |", *rows]) + "\n"


def _section(planted: Planted) -> str:
    words = [
        " or ".join(f"`{part}`" for part in word.split("|")) for word in (*planted.title, *planted.tells)
    ]
    return (
        f"### {_prose(planted.name)}\n\n{_prose(planted.about)} "
        f"The report has the words {', '.join(words)}.\n\n"
        f"```diff\n{planted.source.strip()}\n```\n\n{_launched(planted)}\n"
    )


def _launched(planted: Planted) -> str:
    blocks = f"{planted.grid} blocks" if planted.grid > 1 else "One block"

    def given(repaired: bool) -> str:
        arguments, shared = planted.launch(repaired=repaired)
        said = [f"`{n}`: {a}" for n, a in zip(planted.parameters(), arguments)]
        return "; ".join([*said, *([f"{shared} bytes of shared memory"] if shared else [])])

    wrong, right = given(repaired=False), given(repaired=True)
    repair = f" Repaired: {right}." if right != wrong else ""
    return f"{blocks} of {planted.block} threads. {wrong}.{repair}"


def _rung(bug: RungBug) -> str:
    old, new = (" ".join(text.split()) for text in (bug.old, bug.new))
    put = f"becomes `{new}`" if new else "is removed"
    return f"- {bug.rung}: `{old}` {put}. {_prose(bug.about)} The report has the words `{bug.says}`."


def _anchor(title: str) -> str:
    """The part of an address that leads to a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def _prose(text: str) -> str:
    """Text in which the words of CUDA are code."""
    return re.sub(r"__\w+(?:\(\))?|\w+_\w+", r"`\g<0>`", text)
