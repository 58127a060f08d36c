"""Lets every function with `axis` or `keepdims` take PyTorch's names for them, `dim` and `keepdim`."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Container
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.words import explaining, unknown_argument

_SYNONYMS = {"dim": ("axis", "axes"), "dims": ("axis", "axes"), "keepdim": ("keepdims",)}
# Arguments that have other names in other libraries. A function with one of them is wrapped, which costs a
# tenth of a microsecond a call; the functions in _NOT_WRAPPED are called too often for that.
_RENAMED_ELSEWHERE = {"shape", "low", "high", "classes", "num", "k", "count", "interpolation", "start",
                      "size", "sizes", "reduction"}  # fmt: skip
_NOT_WRAPPED = ("reshape", "expand", "broadcast_to", "spread")


def renamed(name: str, given: dict[str, Any], known: Container[str]) -> dict[str, Any]:
    """The keyword arguments `given` to the function `name`, by the names in `known`.

    Raises TypeError where an argument is given under both of its names.
    """
    out = {}
    for key, value in given.items():
        ours = key if key in known else next((k for k in _SYNONYMS.get(key, ()) if k in known), key)
        if ours in out or (ours != key and ours in given):
            raise wrong(TypeError, name, f"{key}= and {ours}= mean the same", "give one of them")
        out[ours] = value
    return out


def taking_synonyms(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` that takes `axis` and `keepdims` by PyTorch's names, too; errors explain other names."""
    known = tuple(inspect.signature(function).parameters)
    if frozenset(known).isdisjoint(ours for several in _SYNONYMS.values() for ours in several):
        hinted = not _RENAMED_ELSEWHERE.isdisjoint(known) and function.__name__ not in _NOT_WRAPPED
        return explaining(function, function.__name__) if hinted else function
    names = frozenset(known)

    @functools.wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        if named and not named.keys() <= names:
            named = renamed(function.__name__, named, names)
            for name in named.keys() - names:
                raise unknown_argument(function.__name__, name, known)
        return function(*args, **named)

    return called
