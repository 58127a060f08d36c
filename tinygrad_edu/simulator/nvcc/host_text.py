"""Finds host code that device code uses, in the text; and decides whether the object must be read.

The text contains calls that g++ removes, such as those after `if (0)`, and that are errors in nvcc. Cases
that the text does not decide are left to host_uses.py.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from itertools import pairwise

from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.nvcc.host_words import (
    ASKS_FOR_A_TYPE,
    Refusal,
    calls_host,
    does_what_no_device_can,
    uses_variable,
)
from tinygrad_edu.simulator.nvcc.library_names import DEVICE_C, HOST_C, words
from tinygrad_edu.simulator.nvcc.scopes import CLASS_KEYS, Source
from tinygrad_edu.simulator.nvcc.spaces import Declared, Spaces

# The operands of these are not evaluated.
_UNEVALUATED = words("sizeof decltype noexcept alignof typeid __typeof__")
_WORDS = words("throw try typeid dynamic_cast thread_local __thread")
_TYPES = words("void bool char short int long float double signed unsigned auto")
_KEYWORDS = _TYPES | words(
    """
    if while for switch return sizeof alignof decltype noexcept static_assert catch else do case operator new
    delete static_cast reinterpret_cast const_cast dynamic_cast and or not goto throw typeid alignas
    __attribute__
    """
)


@functools.cache
def own_names() -> frozenset[str]:
    """All names in the simulator's headers."""
    names: set[str] = set()
    for path in toolchain.DEVICE.rglob("*.h"):
        if path.name != "standard.h":
            names.update(re.findall(r"[A-Za-z_]\w*", path.read_text()))
    return frozenset(names - HOST_C)


def seen_in_text(spaces: Spaces) -> Iterator[Refusal]:
    """Plain calls of host functions; g++ may remove them, for example after `if (0)`."""
    for caller in spaces.device_functions():
        if caller.words & {"static", "inline", "template"} or caller.classes or "__host__" in caller.words:
            continue  # it is compiled only if it is used, and nvcc does not check unused code
        for index in _evaluated(spaces.source, caller):
            name = spaces.source.tokens[index].text
            place = str(spaces.lines.place(spaces.source.tokens[index].start))
            if name == "dynamic_cast":  # g++ removes a cast to a base class
                yield does_what_no_device_can(place, caller, *ASKS_FOR_A_TYPE)
            if name in spaces.host_variables and name not in spaces.device_variables:
                if spaces.source.tokens[index - 1].text == "::":
                    continue
                # Reading a constant is allowed; the object shows other uses of it.
                if not spaces.host_variables[name] and not _declares(spaces.source, caller, name):
                    yield uses_variable(place, caller, name)
                continue
            if not _is_call(spaces.source, index) or not _only_called(spaces.source, caller, name):
                continue
            declared = spaces.functions.get(name, [])
            # strlen("abc") is a constant in nvcc too.
            theirs = spaces.is_host(name) and not any(one.classes for one in declared)
            constant = all("constexpr" in one.words for one in declared)
            library = not declared and name in HOST_C and name != "strlen"
            if library or (theirs and not (constant and spaces.relaxed)):
                yield Refusal(caller.name, calls_host(place, caller, name, declared))


def is_suspect(spaces: Spaces) -> bool:
    """Whether device code may use host code, so that the object must be read. Mostly it is False."""
    tokens = spaces.source.tokens
    texts = [token.text for token in tokens]
    if ("using", "namespace", "std") in zip(texts, texts[1:], texts[2:], strict=False):
        return True
    every = [one for declared in spaces.functions.values() for one in declared]
    if any(one.special and not one.on_device for one in every):
        return True
    for statement in spaces.source.statements:  # `int a = host();` in a class is run by the constructor
        mentioned = set(texts[statement.start : statement.end]) if statement.scope.classes else set()
        if mentioned & HOST_C or any(spaces.is_host(name) for name in mentioned & set(spaces.functions)):
            return True
    known = _names_without_call(spaces.source)
    for caller in spaces.device_functions():
        assert caller.function is not None
        for index in range(caller.function.head[0], caller.function.body[1]):
            text = texts[index]
            if text in _WORDS or (text == "std" and texts[index + 1] == "::"):
                return True
            if tokens[index].kind != "name" or texts[index - 1] in (".", "->"):
                continue
            declared = spaces.functions.get(text, [])
            if any(one is not caller and (one.is_kernel or not one.on_device) for one in declared):
                return True
            if text in HOST_C and not declared:
                return True
            if text in spaces.host_members:
                return True
            if text in spaces.host_variables and (
                not spaces.host_variables[text] or _may_be_reference(texts, index)
            ):
                return True
            unknown = not declared and text not in known and text not in DEVICE_C and text not in own_names()
            if unknown and texts[index + 1] == "(" and text not in _KEYWORDS:
                return True
    return False


def _evaluated(source: Source, caller: Declared) -> Iterator[int]:
    """The tokens of a body, without operands that are not evaluated and branches that are not compiled."""
    assert caller.function is not None
    tokens, partner = source.tokens, source.partner
    here, end = caller.function.body
    while here < end:
        text = tokens[here].text
        if text in _UNEVALUATED and tokens[here + 1].text == "(":
            here = partner[here + 1]
        elif text == "if" and tokens[here + 1].text == "constexpr":
            return  # only g++ knows which branch is removed
        elif text in CLASS_KEYS and tokens[here + 1].kind == "name" and tokens[here + 2].text == "{":
            here = partner[here + 2]
        else:
            yield here
        here += 1


def _is_call(source: Source, index: int) -> bool:
    tokens = source.tokens
    return (
        tokens[index].kind == "name"
        and tokens[index + 1].text == "("
        and tokens[index - 1].text not in (".", "->", "::")
    )


def _only_called(source: Source, caller: Declared, name: str) -> bool:
    """Whether a name has one meaning in a whole function: it is called, and never declared."""
    assert caller.function is not None
    span = range(caller.function.head[0], caller.function.body[1])
    places = [i for i in span if source.tokens[i].text == name]
    before = {source.tokens[i - 1] for i in places}
    declares = any(token.kind == "name" and token.text not in _KEYWORDS - {"auto"} for token in before)
    return all(_is_call(source, i) for i in places) and not declares


def _declares(source: Source, caller: Declared, name: str) -> bool:
    """Whether a function may have a variable, parameter or member of this name; True if unsure."""
    assert caller.function is not None
    tokens = source.tokens
    for i in range(caller.function.head[0], caller.function.body[1]):
        before, after = tokens[i - 1], tokens[i + 1].text
        if tokens[i].text != name:
            continue
        typed = before.kind == "name" and before.text not in _KEYWORDS - _TYPES
        typed = typed or before.text in ("*", "&", ">", ".", "->")
        listed = before.text in (",", "[") and after in (",", ";", "=", "[", "]", "{")
        if typed or listed or (before.text in ("{", ";", "}") and after == ":"):
            return True
    return False


def _names_without_call(source: Source) -> set[str]:
    """Names that occur without a call: types, variables, parameters of templates."""
    tokens = source.tokens
    return {a.text for a, b in pairwise(tokens) if a.kind == "name" and b.text != "("}


def _may_be_reference(texts: list[str], index: int) -> bool:
    """Whether a use may take the address of a constant, or a reference to it; only its value is allowed."""
    return texts[index - 1] in ("&", "(", ",", "=", "return") or texts[index + 1] in (",", ")", ";")
