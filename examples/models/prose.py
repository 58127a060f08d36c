"""The text that `char_gpt.py` learns: what the pages of this library say."""

from __future__ import annotations

import re
from pathlib import Path


def prose():
    """The sentences of pages in docs/, without code, tables and headings, in plain letters."""
    pages = sorted((Path(__file__).parents[2] / "docs").glob("[dhkl]*/*.md"))
    text = re.sub(r"(?s)```.*?```", "", "\n".join(page.read_text("utf-8") for page in pages))
    return "\n".join(re.findall(r"(?m)^[A-Z*].*", text)).encode("ascii", "ignore").decode()
