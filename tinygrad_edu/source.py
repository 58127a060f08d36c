"""The source text of a gradient rule: of a lambda, only the lambda and not its whole lines.

`inspect.getsource` gives whole lines, and a declaration has several lambdas on one. The syntax tree says
where each begins and ends, and a code object where its instructions come from; the lambda around these is it.
"""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import textwrap
from collections.abc import Callable
from types import CodeType, ModuleType
from typing import Any

_UNKNOWN = "# the source is not available"


def source_of(rule: Callable[..., Any]) -> str:
    """The text of a lambda on one line, or of a function unchanged; a comment if there is no file."""
    code = getattr(rule, "__code__", None)
    if code is None:
        return f"# {getattr(rule, '__qualname__', type(rule).__name__)}, which is not written in Python"
    if code.co_name != "<lambda>":
        try:
            return textwrap.dedent(inspect.getsource(rule)).rstrip()
        except (OSError, TypeError):
            return _UNKNOWN
    text = "".join(linecache.getlines(code.co_filename))
    inside = [node for node in _lambdas(text) if _is_body_of(node, code)]
    if not inside:
        return _UNKNOWN
    innermost = max(inside, key=lambda node: (node.lineno, node.col_offset))
    return " ".join((ast.get_source_segment(text, innermost) or _UNKNOWN).split())


def declares(module: ModuleType, name: str) -> bool:
    """Whether the file of `module` has a call whose first argument is the string `name`: a declaration."""
    return name in _declared(inspect.getsource(module))


@functools.lru_cache(maxsize=64)
def _tree(text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError:
        return ast.Module([], [])


@functools.lru_cache(maxsize=64)
def _lambdas(text: str) -> tuple[ast.Lambda, ...]:
    return tuple(node for node in ast.walk(_tree(text)) if isinstance(node, ast.Lambda))


@functools.lru_cache(maxsize=64)
def _declared(text: str) -> frozenset[str]:
    calls = [
        statement.value
        for statement in _tree(text).body
        if isinstance(statement, (ast.Assign, ast.AnnAssign)) and isinstance(statement.value, ast.Call)
    ]
    first = [call.args[0].value for call in calls if call.args and isinstance(call.args[0], ast.Constant)]
    return frozenset(value for value in first if isinstance(value, str))


def _is_body_of(node: ast.Lambda, code: CodeType) -> bool:
    """Whether the instructions of `code` come from inside the body of `node`, and the parameters agree."""
    arguments = node.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    if names != list(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]):
        return False
    body = node.body
    low, high = (body.lineno, body.col_offset), (body.end_lineno or 0, body.end_col_offset or 0)
    places = [
        ((line, column), (end, last))
        for line, end, column, last in code.co_positions()
        if line is not None
        and end is not None
        and column is not None
        and last is not None
        and (line, column) < (end, last)
    ]  # RESUME has an empty position
    if not places:  # python -X no_debug_ranges
        return node.lineno == code.co_firstlineno
    return low <= min(p[0] for p in places) and max(p[1] for p in places) <= high
