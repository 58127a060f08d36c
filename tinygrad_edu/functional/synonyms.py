"""Lets every function with `axis` or `keepdims` take PyTorch's names for them, `dim` and `keepdim`.

Some do not: PyTorch's `max` with `dim=` returns a pair, the values and their indices. Ours returns the values
alone, and two rows of values would unpack as such a pair.
"""

from __future__ import annotations

import dis
import functools
import inspect
import sys
from collections.abc import Callable, Container
from types import FrameType
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.words import as_pytorch, explaining, raise_as_call, unknown_argument

_SYNONYMS = {"dim": ("axis", "axes"), "dims": ("axis", "axes"), "keepdim": ("keepdims",)}
# A wrapper costs a tenth of a microsecond a call; these functions are called too often for that, or explain
# their arguments themselves, as all of ops do.
_NOT_WRAPPED = ("reshape", "expand", "broadcast_to", "spread", "tensor", "as_tensor", "wrap", "getitem",
                "numpy_key", "seed_for", "clone")  # fmt: skip
_UNPACK_TWO = bytes([dis.opmap["UNPACK_SEQUENCE"], 2])
_VALUES_ALONE = {  # functions whose namesakes in PyTorch return a pair: what to write here
    "max": "te.max(x, axis=1), or x.amax(1); te.argmax(x, axis=1) gives the indices",
    "min": "te.min(x, axis=1), or x.amin(1); te.argmin(x, axis=1) gives the indices",
    "sort": "te.sort(x, axis=1); te.argsort(x, axis=1) gives the indices",
    "median": "te.median(x, axis=1), the mean of the middle two; te.argsort(x, axis=1) gives the indices",
}


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


def _check_values_alone(name: str, given: Container[str]) -> None:
    """TypeError if PyTorch's argument was given to a function that returns a pair there, and no pair here."""
    for key in ("dim", "keepdim"):
        if key in given:
            raise wrong(
                TypeError,
                name,
                f"te.{name} gives the values alone, and {key}= is for a function that gives indices, too",
                f"write {_VALUES_ALONE[name]}",
            )


def _is_unpacked(frame: FrameType) -> bool:
    """Whether the program assigns what it has called to two names, `values, indices = x.max(1)`."""
    code, at = frame.f_code.co_code, frame.f_lasti + 2
    while at < len(code) and code[at] == 0:  # the inline caches of the call
        at += 2
    return code[at : at + 2] == _UNPACK_TWO


def taking_synonyms(function: Callable[..., Any], *, alone: bool = False) -> Callable[..., Any]:
    """`function` that takes `axis` and `keepdims` by PyTorch's names, too; errors explain other names.

    alone  that its name in PyTorch returns values alone, as `amax` does, although the function is `max` here
    """
    known = tuple(inspect.signature(function).parameters)
    if frozenset(known).isdisjoint(ours for several in _SYNONYMS.values() for ours in several):
        is_plain = function.__name__ in _NOT_WRAPPED or hasattr(function, "explains")
        return function if is_plain else explaining(function, function.__name__)
    names = frozenset(known)
    pair = function.__name__ in _VALUES_ALONE and not alone

    @functools.wraps(function)
    def called(*args: Any, **named: Any) -> Any:
        if named and not named.keys() <= names:
            if pair:
                _check_values_alone(function.__name__, named)
            named = renamed(function.__name__, named, names)
            if not named.keys() <= names:
                args, named = as_pytorch(function.__name__, function.__name__, args, named, names)
            for name in named.keys() - names:
                raise unknown_argument(function.__name__, name, known)
        try:
            found = function(*args, **named)
        except TypeError as error:
            raise_as_call(error, function, function.__name__, args, named)
            raise
        if pair and found.ndim and _is_unpacked(sys._getframe(1)):
            name = function.__name__
            raise wrong(TypeError, name, f"te.{name} gives the values alone, and no pair to unpack",
                        f"write {_VALUES_ALONE[name]}; two rows are unpacked by te.unbind")  # fmt: skip
        return found

    return called
