"""Reads a PyTorch program without running it, and lists the words in it that the face does not have.

A word is a chain of names that begins at an import, `torch.nn.functional.relu` in whatever way the program
spells it, or an attribute of anything (`x.bernoulli_`) that only PyTorch's tensors have, by the names in
pytorch_names.json. What a program computes its words from (`getattr(torch, name)`) cannot be read.
"""

from __future__ import annotations

import ast
import functools
import importlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tinygrad_edu.torch.core.absent import reason_of
from tinygrad_edu.torch.running.answering import FACE

NAMES = Path(__file__).resolve().parents[1] / "pytorch_names.json"


class Missing(NamedTuple):
    """A word that a program uses and the face does not have."""

    file: str
    line: int
    word: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.word}: {self.reason}"


class Reading(NamedTuple):
    """What a program, and the files beside it that it imports, says of PyTorch."""

    words: list[str]  # all words of PyTorch in it, each once
    missing: list[Missing]
    files: list[str]


@functools.cache
def pytorch_names() -> dict[str, frozenset[str]]:
    """The public names of PyTorch's modules, of its Tensor and its Module."""
    found = json.loads(NAMES.read_text(encoding="utf-8"))["names"]
    return {module: frozenset(names) for module, names in found.items()}


def read(path: Path) -> Reading:
    """The words of a program. SyntaxError if it is not Python."""
    todo, seen = [path.resolve()], set[Path]()
    words: dict[str, None] = {}
    missing: list[Missing] = []
    while todo:
        file = todo.pop(0)
        if file in seen:
            continue
        seen.add(file)
        tree = ast.parse(file.read_bytes(), str(file))
        shown = str(path if file == path.resolve() else file)
        for line, word in _words(tree):
            words[word] = None
            reason = why_missing(word)
            if reason:
                missing.append(Missing(shown, line, word, reason))
        todo.extend(_beside(tree, file.parent))
    missing.sort(key=lambda m: (m.file, m.line, m.word))
    return Reading(list(words), list(dict.fromkeys(missing)), [str(f) for f in sorted(seen)])


def _beside(tree: ast.AST, folder: Path) -> Iterator[Path]:
    """The files in the program's folder that it imports."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            names = [base, *(f"{base}.{alias.name}".strip(".") for alias in node.names)]
        for name in names:
            for place in (
                folder / f"{name.replace('.', '/')}.py",
                folder / name.replace(".", "/") / "__init__.py",
            ):
                if name and place.is_file():
                    yield place.resolve()


def _is_torch(module: str) -> bool:
    return module.partition(".")[0] == "torch"


def _imports(tree: ast.AST) -> dict[str, str]:
    """The names that a program gives to modules and words of PyTorch: {"F": "torch.nn.functional"}."""
    found: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                if _is_torch(alias.name):
                    found[alias.asname or "torch"] = alias.name if alias.asname else "torch"
        elif isinstance(node, ast.ImportFrom) and not node.level and _is_torch(node.module or ""):
            for alias in node.names:
                found[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    return found


def _words(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, word) for each word of PyTorch in a file."""
    imports = _imports(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, a.name) for a in node.names if a.name.partition(".")[0] == "torch")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "torch":
            yield from ((node.lineno, f"{node.module}.{a.name}") for a in node.names if a.name != "*")
    inner: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or id(node) in inner:
            continue
        chain, top = _chain(node)
        part: Any = node
        while isinstance(part, ast.Attribute):
            inner.add(id(part))
            part = part.value
        if top in imports:
            yield node.lineno, ".".join([imports[top], *chain])
        elif chain:
            for name in chain if top is not None or len(chain) == 1 else chain[-1:]:
                if _is_only_pytorchs(name):
                    yield node.lineno, f"Tensor.{name}"


def _chain(node: ast.AST) -> tuple[list[str], str | None]:
    """The names of `a.b.c`: (["b", "c"], "a"); None in front if it begins with something else."""
    names: list[str] = []
    while isinstance(node, ast.Attribute):
        names.append(node.attr)
        node = node.value
    return names[::-1], node.id if isinstance(node, ast.Name) else None


@functools.cache
def _is_only_pytorchs(name: str) -> bool:
    """Whether an attribute can only be PyTorch's: NumPy and Python have none of the name."""
    import numpy as np

    known = pytorch_names()
    if name not in known["torch.Tensor"] or hasattr(np.ndarray, name) or hasattr(np, name):
        return False
    return not any(hasattr(kind, name) for kind in (str, list, dict, set, Path, bytes, int, float))


@functools.cache
def why_missing(word: str) -> str:
    """Why the face has not a word, or ""; it may go on after what it names: `torch.float32.itemsize`."""
    face = importlib.import_module(FACE)
    if word.startswith("Tensor."):
        name = word.removeprefix("Tensor.")
        there = hasattr(face.Tensor, name) or hasattr(face.nn.Module, name)
        return "" if there else reason_of(word)
    names = word.split(".")[1:]
    here: Any = face
    for i, name in enumerate(names):
        try:
            here = getattr(here, name)
        except AttributeError:
            try:
                here = importlib.import_module(".".join([FACE, *names[: i + 1]]))
            except ImportError:
                return reason_of(".".join(["torch", *names[: i + 1]]))
        if not isinstance(here, type(face)):
            return ""  # what is read from a function or a class is its own affair
    return ""
