"""The role `{src}`, links that hold in the site, and a page `source/<path>` for each file that one leads to.

What leads nowhere is a warning, and `make docs` makes errors of those.
"""

from __future__ import annotations

import html
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import TextLexer, get_lexer_for_filename
from pygments.util import ClassNotFound
from repository import DOCS, INCLUDE, ROOT, expanded, included, place
from sphinx.util import logging
from sphinx.util.docutils import ReferenceRole

log = logging.getLogger(__name__)
SHOWN = included()
# What GitHub shows of these folders; the site has pages of its own for them.
SHOWN[DOCS / "README.md"] = DOCS / "index.md"
SHOWN[ROOT / "examples" / "lecture" / "README.md"] = DOCS / "lecture" / "index.md"


class SourceRole(ReferenceRole):
    """`{src}`: a link to lines of the repository."""

    def run(self) -> Any:
        try:
            uri = place(self.target).uri
        except LookupError as error:
            log.warning("src: %s", error, location=self.get_location())
            uri = ""
        name = self.title if self.has_explicit_title else self.target.split(".")[-1]
        inner = nodes.inline if self.has_explicit_title else nodes.literal
        return [nodes.reference("", "", inner("", name), refuri=uri, internal=True)], []


def read(app: Any, docname: str, source: list[str]) -> None:
    """A document as Sphinx is to read it."""
    document = Path(app.env.doc2path(docname))
    if document.suffix == ".md":
        for name in INCLUDE.findall(source[0]):
            app.env.note_dependency(os.path.relpath((document.parent / name).resolve(), DOCS))
        source[0] = expanded(
            source[0], document, SHOWN, lambda what: log.warning("%s", what, location=docname)
        )


def resolve(app: Any, doctree: Any, docname: str) -> None:
    """Turn `source:` into the way to the page, from where the link stands; the page is then wanted."""
    for node in doctree.findall(nodes.reference):
        if node.get("refuri", "").startswith("source:"):
            path, _, anchor = node["refuri"].removeprefix("source:").partition("#")
            app.wanted_sources.add(path)
            way = path
            if app.builder.format == "html":
                way = app.builder.get_relative_uri(docname, f"source/{path}")
            node["refuri"] = way + (f"#{anchor}" if anchor else "")


def collect(app: Any) -> Iterator[tuple[str, dict[str, Any], str]]:
    """The pages of files; those of folders want their files."""
    done: set[str] = set()
    while todo := sorted(app.wanted_sources - done):
        done |= set(todo)
        for name in todo:
            path = ROOT / name
            body = _folder(path, app.wanted_sources) if path.is_dir() else _file(path)
            head = f"<h1><code>{html.escape(name)}</code></h1>"
            yield f"source/{name}", {"title": name, "body": head + body}, "page.html"


def _folder(path: Path, wanted: set[str]) -> str:
    rows = []
    for inside in sorted(p for p in path.iterdir() if not p.name.startswith((".", "__pycache__"))):
        wanted.add(inside.relative_to(ROOT).as_posix())
        name = html.escape(inside.name)
        rows.append(f'<li><a href="{html.escape(path.name)}/{name}.html"><code>{name}</code></a></li>')
    return f"<ul>{''.join(rows)}</ul>"


def _file(path: Path) -> str:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return "<p>This file is no text.</p>"
    try:
        lexer = get_lexer_for_filename(path.name.replace(".cuh", ".cu"))
    except ClassNotFound:
        lexer = TextLexer()
    return str(
        highlight(text, lexer, HtmlFormatter(linenos="inline", linespans="L", cssclass="highlight source"))
    )


def setup(app: Any) -> dict[str, Any]:
    """Register the role, the links and the pages."""
    app.wanted_sources = set()
    app.add_role("src", SourceRole())
    app.connect("source-read", read)
    app.connect("doctree-resolved", resolve)
    app.connect("html-collect-pages", collect)
    return {"parallel_read_safe": True, "parallel_write_safe": True}  # links resolve in the main process
