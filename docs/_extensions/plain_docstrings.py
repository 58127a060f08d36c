"""Docstrings of this library for autodoc: plain text, in which prose is prose and columns are columns.

The house writes `name   what it is` in two columns, formulas in indented lines, and the rest as prose with
`code` in it, for `help()` to show as it stands. Here two columns become a list of names, what is indented a
literal block. The few docstrings in NumPy's style get lists, too.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any

COLUMNS = re.compile(r"\S {2,}\S")
CODE = re.compile(r"`([^`]+)`")
SPECIAL = re.compile(r"([\\*|_])")
BOLD = re.compile(r"(?<!\S)\\\*\\\*(\w[^*\\]*?\w)\\\*\\\*")  # after SPECIAL has done its work


def restructured(lines: list[str]) -> list[str]:
    """The lines of a docstring, as reStructuredText."""
    out: list[str] = []
    for paragraph in re.split(r"\n\s*\n", "\n".join(lines).strip()):
        rows = paragraph.split("\n")
        if len(rows) > 2 and set(rows[1].strip()) == {"-"}:  # NumPy's style: a heading, names, texts
            out += [f"**{rows[0]}**", "", *_named(rows[2:]), ""]
            continue
        shaped = (i for i, row in enumerate(rows) if COLUMNS.search(row) or row.startswith("  "))
        first = next(shaped, len(rows))
        out += [*(_prose(row.strip()) for row in rows[:first]), ""]
        if first < len(rows):
            out += _columns(rows[first:]) or _literal(rows[first:])
    return BOLD.sub(r"**\1**", "\n".join(out)).split("\n")


def _named(rows: list[str]) -> list[str]:
    """`name : type` lines with indented texts below, which is a definition list but for the quotes."""
    return [f"    {_prose(row.strip())}" if row.startswith("  ") else f"``{row}``" for row in rows]


def _literal(rows: list[str]) -> list[str]:
    return ["::", "", *textwrap.indent(textwrap.dedent("\n".join(rows)), "    ").split("\n"), ""]


def _columns(rows: list[str]) -> list[str] | None:
    """Names and what they are, as a definition list; None where the lines are no two columns."""
    start = COLUMNS.search(rows[0])
    if start is None or rows[0].startswith(" "):
        return None
    column, out = start.end() - 1, []
    for i, row in enumerate(rows):
        name, text = row[:column].strip(), row[column:]
        if not row[:column].endswith("  ") or COLUMNS.search(text.strip()) or text.startswith(" "):
            if i and not row.startswith(" ") and not COLUMNS.search(row):  # prose below the columns
                return [*out, "", *(_prose(r.strip()) for r in rows[i:]), ""]
            return None
        if name:
            out += ["", f"``{name}``"]
        out.append(f"    {_prose(text)}")
    return [*out, ""]


def _prose(row: str) -> str:
    pieces = CODE.split(row)
    return "".join(f"``{piece}``" if i % 2 else SPECIAL.sub(r"\\\1", piece) for i, piece in enumerate(pieces))


def setup(app: Any) -> dict[str, Any]:
    """Rewrite docstrings as autodoc reads them."""

    def process(app: Any, what: str, name: str, found: Any, options: Any, lines: list[str]) -> None:
        lines[:] = restructured(lines)

    app.connect("autodoc-process-docstring", process)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
