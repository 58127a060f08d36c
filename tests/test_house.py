"""The house rules that a machine can check: sizes, documentation, and imports that do no work."""

from __future__ import annotations

import ast
import inspect
import io
import re
import subprocess
import sys
import tokenize
import warnings
from pathlib import Path

import pytest

import tinygrad_edu as te

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted(
    p
    for folder in ("tinygrad_edu", "tests", "examples", "benchmarks", "tools")
    for p in (ROOT / folder).rglob("*.py")
    if "__pycache__" not in p.parts
)
LIBRARY = [p for p in SOURCES if p.is_relative_to(ROOT / "tinygrad_edu")]
KERNELS = sorted(
    p
    for folder in ("kernels", "tinygrad_edu/simulator")
    for p in (ROOT / folder).rglob("*")
    if p.suffix in (".cu", ".cuh", ".c", ".cpp", ".h")
)


def _name(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", [*SOURCES, *KERNELS], ids=_name)
def test_a_file_fits_a_sitting(path):
    lines = path.read_text().splitlines()
    assert len(lines) <= 400, f"{len(lines)} lines; past 400 a file is two files"
    long = [i for i, line in enumerate(lines, 1) if len(re.split("  # (noqa|type: )", line)[0]) > 110]
    assert not long, f"lines {long} are longer than 110 columns"


@pytest.mark.parametrize("path", LIBRARY, ids=_name)
def test_every_module_class_and_function_in_the_open_says_what_it_is(path):
    tree = ast.parse(path.read_text())
    silent = [] if ast.get_docstring(tree) else ["the module"]
    for node in tree.body:
        public = (
            isinstance(node, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
            and not node.name.startswith("_")
            and "overload" not in map(ast.unparse, node.decorator_list)
        )
        if public and not ast.get_docstring(node):
            silent.append(node.name)
    assert not silent, f"no docstring: {silent}"


@pytest.mark.parametrize("name", sorted(te.functional.__all__))
def test_every_public_function_is_documented(name):
    function = getattr(te, name)
    assert inspect.getdoc(function), f"te.{name} has no documentation"


@pytest.mark.parametrize("path", [p for p in LIBRARY if p.name != "errors.py"], ids=_name)
def test_the_users_line_is_written_into_a_text_in_one_place(path):
    pasted = [
        n.lineno
        for text in ast.walk(ast.parse(path.read_text()))
        if isinstance(text, ast.JoinedStr)
        for n in ast.walk(text)
        if isinstance(n, ast.Call) and ast.unparse(n.func).rpartition(".")[2] == "user_line"
    ]
    assert not pasted, f"user_line() in the texts at lines {pasted}; errors.wrong finds the line itself"


@pytest.mark.parametrize("path", LIBRARY, ids=_name)
def test_the_library_prints_only_where_that_is_its_purpose(path):
    calls = [
        n.lineno
        for n in ast.walk(ast.parse(path.read_text()))
        if isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "print"
    ]
    talks = path.relative_to(ROOT / "tinygrad_edu").parts[0] in ("cli", "cli.py", "playground")
    assert not calls or talks or '__name__ == "__main__"' in path.read_text(), f"print at lines {calls}"


# Parts of the tree whose words are those of CONTRIBUTING's table, "Words".
PLAIN = ("backend", "graph", "viz", "reference", "simulator")
PLAIN_FILES = [p for p in LIBRARY if p.relative_to(ROOT / "tinygrad_edu").parts[0] in PLAIN]
PLAIN_KERNELS = [p for p in KERNELS if p.is_relative_to(ROOT / "kernels")]


def _table_of_words():
    """(names, phrases) of the last column of the table of words: those in code type, and those in quotes."""
    section = (ROOT / "CONTRIBUTING.md").read_text().partition("\n## Words\n")[2].partition("\n## ")[0]
    rows = [line.split("|") for line in section.splitlines() if line.startswith("| ")]
    last = "\n".join(row[3] for row in rows[1:] if len(row) == 5)
    return set(re.findall("`([^`]+)`", last)), set(re.findall('"([^"]+)"', last))


NOT_NAMES, NOT_PHRASES = _table_of_words()


def _phrases_in(text):
    flat = re.sub(r"\s+", " ", text).lower()
    return {phrase for phrase in NOT_PHRASES if re.search(rf"\b{re.escape(phrase)}", flat)}


def _names_and_prose(text):
    """(all identifiers, all comments and docstrings) of a Python file."""
    tokens = list(tokenize.generate_tokens(io.StringIO(text).readline))
    comments = [t.string for t in tokens if t.type == tokenize.COMMENT]
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docs = [ast.get_docstring(n) or "" for n in ast.walk(ast.parse(text)) if isinstance(n, documented)]
    return {t.string for t in tokens if t.type == tokenize.NAME}, "\n".join([*comments, *docs])


def test_the_table_of_words_is_read():
    assert {"watched", "told"} <= NOT_NAMES
    assert {"whole number", "in force"} <= NOT_PHRASES
    names, prose = _names_and_prose('told = 1  # worked out\ndef f(): "A whole\\nnumber."\n')
    assert "told" in names
    assert _phrases_in(prose) == {"worked out", "whole number"}


@pytest.mark.parametrize("path", PLAIN_FILES, ids=_name)
def test_python_says_things_in_the_words_of_the_table(path):
    names, prose = _names_and_prose(path.read_text())
    # A private name may have a word of the table after its underscore.
    found = {name for name in names if name.strip("_") in NOT_NAMES}
    assert not found, f"{found}: CONTRIBUTING's table of words has plain names"
    assert not _phrases_in(prose), f"{_phrases_in(prose)}: CONTRIBUTING's table of words has plain ones"


@pytest.mark.parametrize("path", PLAIN_KERNELS, ids=_name)
def test_kernels_say_things_in_the_words_of_the_table(path):
    comments = re.findall(r"//(.*)", path.read_text())
    assert not _phrases_in("\n".join(comments)), f"{_phrases_in(' '.join(comments))}: see CONTRIBUTING"


def _modules_after(statement):
    """The top-level modules loaded in a fresh interpreter by `statement`, and everything it printed."""
    code = f"import sys; {statement}; sys.stderr.write(' '.join({{m.split('.')[0] for m in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=ROOT, check=True, text=True, capture_output=True
    )
    assert done.stdout == ""
    return set(done.stderr.split())


def test_import_is_light_and_silent():
    loaded = _modules_after("import tinygrad_edu")
    assert "numpy" in loaded
    assert not loaded & {"tqdm", "safetensors", "matplotlib", "hypothesis", "sklearn", "pycuda", "mpi4py",
                         "torch", "scipy", "pandas", "networkx"}  # fmt: skip


def test_only_testing_imports_hypothesis():
    assert "hypothesis" not in _modules_after("import tinygrad_edu.check")
    assert "hypothesis" in _modules_after("import tinygrad_edu.testing")


def test_every_public_name_exists():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        missing = [name for name in te.__all__ if not hasattr(te, name)]
    assert not missing
    assert len(set(te.__all__)) == len(te.__all__)
