"""The reference pages of the ops, written from their declarations: `python -m tinygrad_edu.reference`.

    python -m tinygrad_edu.reference [--check] [--out DIRECTORY]

The formula, the gradient rules, the saved arrays, the domain and the special points come from the declaration
that the library executes, so the pages agree with the code. `evidence` adds the proof, the accuracy and the
kernel. `examples` runs a call and shows its numbers. `curves` draws a function and its derivative.
`compositions` describes the functions that are made of several ops. `--check` writes nothing, and exits with
1 if a page or a picture is out of date. `describe(op)` returns the section of one op, also of a user's op.
"""

from __future__ import annotations

import argparse
import difflib
import functools
import importlib
import pkgutil
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from tinygrad_edu import files, ops
from tinygrad_edu.engine.op import REGISTRY, Op
from tinygrad_edu.reference import compositions, curves
from tinygrad_edu.reference.sections import section
from tinygrad_edu.reference.writing import table
from tinygrad_edu.source import declares

__all__ = ["describe", "differences", "main", "pages", "write"]

_ENCODING = "utf-8"
_DEFAULT = Path(__file__).resolve().parents[2] / "docs" / "reference"
_WRITTEN = ("*.md", f"{curves.FOLDER}/*.svg")


def describe(op: Op) -> str:
    """The section of one op as Markdown."""
    return section(op, _module_of(op))


def pages() -> dict[str, str]:
    """{file name: text} of all reference pages and pictures, the same in each run."""
    written: dict[str, str] = {}
    listed: list[tuple[str, str, list[Op]]] = []
    for module in _modules():
        mine = [op for op in REGISTRY.values() if _module_of(op) is module]
        if not mine:
            continue
        file = module.__name__.rsplit(".", 1)[-1] + ".md"
        title = file[:-3].capitalize()
        about = (module.__doc__ or "").strip()
        source = "/".join(module.__name__.split(".")) + ".py"
        head = f"# {title}\n\n{about}\n\nDeclared in [{source}](../../{source}).\n"
        written[file] = "\n".join([head, *map(describe, mine)])
        written.update({curves.path(op): curves.draw(op) for op in mine if curves.can_draw(op)})
        listed.append((title, file, mine))
    homes = {op.name: f"{file}#{op.name}" for _, file, mine in listed for op in mine}
    written[compositions.FILE] = compositions.page(homes)
    written["README.md"] = _index(listed)
    return written


def write(out: Path) -> list[Path]:
    """Write all pages into `out`, delete pages and pictures that are obsolete, and return the paths."""
    made = [files.write(out / name, text) for name, text in pages().items()]
    for stale in set(_existing_files(out).values()) - set(made):
        stale.unlink()
    return made


def differences(out: Path) -> list[str]:
    """The lines of a diff between the files in `out` and those that would be written."""
    expected, found = pages(), {n: p.read_text(encoding=_ENCODING) for n, p in _existing_files(out).items()}
    lines: list[str] = []
    for name in sorted({*expected, *found}):
        lines += difflib.unified_diff(
            found.get(name, "").splitlines(),
            expected.get(name, "").splitlines(),
            f"{name}, as it is",
            f"{name}, as it would be written",
            "",
            "",
            1,
            "",
        )
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tinygrad_edu.reference",
        description="Write the reference of the ops from their declarations.",
    )
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is stale")
    parser.add_argument("--out", type=Path, default=_DEFAULT, help="the folder of the pages (docs/reference)")
    given = parser.parse_args(arguments)
    if not given.check:
        made = write(given.out)
        pictures = sum(path.suffix == ".svg" for path in made)
        sys.stdout.write(
            f"{len(made) - pictures} pages, {pictures} pictures, {len(REGISTRY)} ops, in {given.out}\n"
        )
        return 0
    lines = differences(given.out)
    if lines:
        more = [f"... and {len(lines) - 60} lines more"] if len(lines) > 60 else []
        sys.stdout.write("\n".join([*lines[:60], *more]) + "\n")
        sys.stderr.write(
            "the reference is out of date; run `python -m tinygrad_edu.reference` and commit the pages\n"
        )
    return 1 if lines else 0


# -- files and modules --------------------------------------------------------------------------------------


def _existing_files(out: Path) -> dict[str, Path]:
    return {p.relative_to(out).as_posix(): p for pattern in _WRITTEN for p in sorted(out.glob(pattern))}


@functools.cache
def _modules() -> list[ModuleType]:
    return [
        importlib.import_module(f"{ops.__name__}.{found.name}")
        for found in sorted(pkgutil.iter_modules(ops.__path__), key=lambda m: m.name)
    ]


def _module_of(op: Op) -> ModuleType | None:
    """The module of the library that declares `op`; None for a user's op."""
    holding = [m for m in _modules() if any(value is op for value in vars(m).values())]
    return next((m for m in holding if declares(m, op.name)), holding[0] if holding else None)


def _index(listed: Sequence[tuple[str, str, Sequence[Op]]]) -> str:
    count = sum(len(mine) for _, _, mine in listed)
    out = [
        "# Reference",
        f"The {count} primitives of the library, by the file that declares them, and the "
        f"functions that are [compositions]({compositions.FILE}) of them. These pages are written by "
        "`python -m tinygrad_edu.reference` from the declarations; change those. It runs the examples, "
        "too, after `import numpy as np` and `import tinygrad_edu as te`, and shows four digits.",
    ]
    for title, file, mine in listed:
        rows = [
            (
                f"[{op.name}]({file}#{op.name})",
                f"${op.math}$" if op.math else op.doc,
                "yes" if op.differentiable else "no",
            )
            for op in mine
        ]
        out += [f"## [{title}]({file})", table(("op", "computes", "differentiable"), rows)]
    made = [
        (f"[te.{name}]({compositions.FILE}#{compositions.anchor(name)})", compositions.summary(name))
        for name in compositions.names()
    ]
    out += [f"## [Compositions]({compositions.FILE})", table(("function", "computes"), made)]
    return "\n\n".join(out) + "\n"
