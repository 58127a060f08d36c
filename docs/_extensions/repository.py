"""Links into the repository: what a document outside Sphinx means by them, and what the site makes of them.

Three things that a link on GitHub does and Sphinx does not:

- a link to a file outside docs/ leads to a page of this site with its text and line numbers; to a Markdown
  file that the site shows elsewhere, it leads there; to a folder, to its README or the list of its files;
- an `{include}` of such a Markdown file takes its links along, as they are meant from where the file stands;
- `` {src}`the rule <tinygrad_edu.optim.sgd.SGD.formula>` `` leads to the lines of that class, function or
  constant, `` {src}`its line <kernels/elementwise/formulas.cuh @ ANY1(relu>` `` to the line with that text.

Nothing here needs Sphinx, so tests/test_documents.py asks it too; `source_pages` is what hangs it in.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
FENCE = re.compile(r"^ {0,3}(```+|~~~+).*?^ {0,3}\1`*\s*?$", re.M | re.S)
LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\]\()([^)\s]+)(\))")
INCLUDE = re.compile(r"^```\{include\} (\S+)\n```$", re.M)
ROLE = re.compile(r"\{src\}`([^`]+)`")


@dataclass(frozen=True)
class Place:
    """Lines first to last (from 1; 0 for a whole file) of a file of the repository, named by its path."""

    path: str
    first: int = 0
    last: int = 0

    @property
    def uri(self) -> str:
        """How a document refers to it before it is known where the page stands."""
        return f"source:{self.path}" + (f"#L-{self.first}" if self.first else "")


def place(target: str) -> Place:
    """Where `target` stands: a path, `path @ text` or a dotted name. Raises LookupError: what is missing."""
    if " @ " in target:
        path, text = target.split(" @ ", 1)
        lines = _text(path).splitlines()
        found = [i for i, line in enumerate(lines, 1) if text in line]
        if len(found) != 1:
            raise LookupError(f"{len(found)} lines of {path} hold {text!r}; one must")
        return Place(path, found[0], found[0])
    if "/" in target or (ROOT / target).exists():
        _text(target)
        return Place(target)
    return _symbol(target)


def _text(path: str) -> str:
    if not (ROOT / path).exists():
        raise LookupError(f"{path} is not in the repository")
    return "" if (ROOT / path).is_dir() else (ROOT / path).read_text(encoding="utf-8")


def _symbol(name: str) -> Place:
    """The lines of a module's class, function, method or assignment, read off the syntax tree."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        stem = "/".join(parts[:end])
        for path in (f"{stem}.py", f"{stem}/__init__.py"):
            if not (ROOT / path).is_file():
                continue
            node: ast.AST = ast.parse((ROOT / path).read_text(encoding="utf-8"))
            for part in parts[end:]:
                inside = [n for n in _statements(node) if part in _named(n)]
                if not inside:
                    raise LookupError(f"{path} defines no {'.'.join(parts[end:])}")
                node = inside[-1]  # after the overloads comes the function
            if end == len(parts):
                return Place(path)
            first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
            return Place(path, first, node.end_lineno or first)
    raise LookupError(f"no module of the repository is called {name}")


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """The statements of a body, those under an `if` or a `try` too."""
    for child in ast.iter_child_nodes(node):
        yield child
        if isinstance(child, ast.If | ast.Try | ast.With):
            yield from _statements(child)


def _named(node: ast.AST) -> list[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [n.id for t in targets if t is not None for n in ast.walk(t) if isinstance(n, ast.Name)]


# -- Markdown ------------------------------------------------------------------------------------------------


def outside_code(text: str, change: Callable[[str], str]) -> str:
    """`text` with `change` done to all of it but its fenced blocks."""
    out, at = [], 0
    for fence in FENCE.finditer(text):
        out += [change(text[at : fence.start()]), fence[0]]
        at = fence.end()
    return "".join([*out, change(text[at:])])


def included(docs: Path = DOCS) -> dict[Path, Path]:
    """{file outside docs/: the document that shows it}, from the `{include}` directives."""
    found = {}
    for document in sorted(docs.rglob("*.md")):
        for name in INCLUDE.findall(document.read_text(encoding="utf-8")):
            found[(document.parent / name).resolve()] = document
    return found


def relinked(
    text: str, base: Path, document: Path, pages: dict[Path, Path], wrong: Callable[[str], None]
) -> str:
    """`text` of a file in `base`, shown by `document`, with links that hold in the site."""

    def change(link: re.Match[str]) -> str:
        target, _, anchor = link[2].partition("#")
        if not target or re.match(r"\w+:", target):
            return link[0]
        path = (base / target).resolve()
        if not path.exists():
            wrong(f"a link leads to {link[2]}, which does not exist")
            return link[0]
        return f"{link[1]}{_in_site(path, document, pages)}{'#' * bool(anchor)}{anchor}{link[3]}"

    return outside_code(text, lambda prose: LINK.sub(change, prose))


def _in_site(path: Path, document: Path, pages: dict[Path, Path]) -> str:
    """What a link of `document` to `path` must say."""
    if path.is_dir() and (path / "README.md") in pages:
        path = path / "README.md"
    path = pages.get(path, path)
    if path.is_relative_to(DOCS) and path.is_file():
        return os.path.relpath(path, document.parent)
    return Place(path.relative_to(ROOT).as_posix()).uri


def expanded(text: str, document: Path, pages: dict[Path, Path], wrong: Callable[[str], None]) -> str:
    """A document's text as Sphinx is to read it: files included, links turned."""

    def whole(found: re.Match[str]) -> str:
        file = (document.parent / found[1]).resolve()
        return relinked(file.read_text(encoding="utf-8"), file.parent, document, pages, wrong)

    parts = INCLUDE.split(text)  # text, name, text, name, ...
    own = [relinked(part, document.parent, document, pages, wrong) for part in parts[::2]]
    names = [whole(found) for found in INCLUDE.finditer(text)]
    return "".join(piece for pair in zip(own, [*names, ""]) for piece in pair)
