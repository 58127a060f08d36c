"""Finds out from the headers which inline functions of the C++ library are constexpr.

Object files do not have this information. It is needed for --expt-relaxed-constexpr, which allows constexpr
host functions in device code.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

from tinygrad_edu.simulator.nvcc.tokens import Place

# libstdc++ has macros for functions that are constexpr in later standards: _GLIBCXX20_CONSTEXPR.
_CONSTEXPR = re.compile(r"\bconstexpr\b|\b_GLIBCXX(\d\d)?_CONSTEXPR\b")


def may_be_constexpr(place: Place | None, name: str, standard: str) -> bool:
    """Whether the function at a line of a header is constexpr; True if unsure.

    It is unsure for implicit functions, whose line is that of a class or has `= default`.
    """
    text = _text(place.file) if place is not None else ""
    lines = text.splitlines(keepends=True)
    if place is None or not 0 < place.line <= len(lines):
        return True
    spelled = r"operator\s*" + re.escape(name[8:]) if name.startswith("operator") else re.escape(name)
    head = re.search(rf"(?<![\w~]){spelled}\s*(<[^;{{}}]*>)?\s*\(", lines[place.line - 1])
    if head is None:
        return True
    at = sum(map(len, lines[: place.line - 1])) + head.start()
    before = text[max(text.rfind(end, 0, at) for end in ";{}") + 1 : at]
    after = text[at : min(end for end in (text.find(";", at), text.find("{", at), len(text)) if end >= 0)]
    since = [found[1] or "11" for found in _CONSTEXPR.finditer(before)]
    return "default" in after or any(year <= standard[-2:] for year in since)


@functools.lru_cache(maxsize=64)
def _text(file: str) -> str:
    """The text of a header without comments; line numbers do not change."""
    try:
        text = Path(file).read_text("utf-8", "replace")
    except OSError:
        return ""
    return re.sub(r"//[^\n]*|/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), text, flags=re.DOTALL)
