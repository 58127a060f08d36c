"""Says while the site is built which page is read or executed, n of m: executing all of them takes minutes.

    [ 12 of 96, 41 s] executing lecture/03-networks
    [ 12 of 96, 74 s] lecture/03-networks took 33 s

Lines go where warnings go, so that `-q`, which leaves only those two, is no silence. Pages that are read by
several processes (`-j`) are counted together.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Sequence
from typing import Any

EXECUTED = "---\nfile_format: mystnb\n"  # how a page with cells begins
LONG = 20.0  # seconds after which a page's time is worth a line


class Progress:
    """How many pages there are, how many have begun, and since when."""

    def __init__(self, say: Any = None) -> None:
        self.say = say or (lambda line: print(line, file=sys.stderr, flush=True))
        self.begun = multiprocessing.get_context("fork").Value("i", 0)  # sphinx -j forks, too
        self.start, self.pages, self.page_start = time.monotonic(), 0, 0.0

    def before(self, app: Any, env: Any, docnames: Sequence[str]) -> None:
        """Those that have changed, or all."""
        self.pages = len(docnames)

    def page(self, app: Any, docname: str, source: list[str]) -> None:
        """A page is about to be read, and its cells to be run."""
        with self.begun.get_lock():
            self.begun.value += 1
        self.page_start = time.monotonic()
        self._line(f"{'executing' if source[0].startswith(EXECUTED) else 'reading'} {docname}")

    def read(self, app: Any, doctree: Any) -> None:
        """A page has been read."""
        taken = time.monotonic() - self.page_start
        if taken >= LONG:
            self._line(f"{app.env.docname} took {taken:.0f} s")

    def writing(self, app: Any, builder: Any) -> None:
        """All pages have been read."""
        self._line("resolving links, writing pages")

    def _line(self, what: str) -> None:
        width, seconds = len(str(self.pages)), time.monotonic() - self.start
        self.say(f"[{self.begun.value:{width}} of {self.pages}, {seconds:.0f} s] {what}")


def setup(app: Any) -> dict[str, Any]:
    """Hang it into the build."""
    progress = Progress()
    app.connect("env-before-read-docs", progress.before)
    app.connect("source-read", progress.page, priority=1)
    app.connect("doctree-read", progress.read)
    app.connect("write-started", progress.writing)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
