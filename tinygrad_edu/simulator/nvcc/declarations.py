"""Parses one declaration of variables: `static __shared__ __align__(16) float a[4], *b;`.

The rewriter needs the type that all declarators share, and for each declarator the shape around its name.
Then `typedef <type> <shape with another name>` is the full type of the variable.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from tinygrad_edu.simulator.nvcc.scopes import (
    ATTRIBUTES,
    BUILT_IN_TYPES,
    CLASS_KEYS,
    QUALIFIERS,
    Source,
    skip_angles,
)
from tinygrad_edu.simulator.nvcc.tokens import Token

_STORAGE = frozenset(("static", "extern", "inline", "thread_local", "__thread", "register"))
_TYPE_QUALIFIERS = frozenset(("const", "volatile", "constexpr", "__restrict__", "__restrict", "typename"))
_ALIGNMENTS = frozenset(("__align__", "__builtin_align__", "alignas"))


@dataclass
class Declarator:
    """One of the variables of a declaration. Ranges are [start, end) of token indices."""

    name: Token
    shape: tuple[int, int]  # `(*name)[4]`, without the initialiser
    initialiser: tuple[int, int] | None = None  # the tokens after `=`, or { ... }
    plain: bool = True  # the name alone: neither array nor pointer
    is_pointer: bool = False
    name_index: int = 0


@dataclass
class Declaration:
    """The qualifiers, the shared type and the declarators."""

    words: frozenset[str]  # __shared__, static, extern, const ...
    type: list[Token] = field(default_factory=list)
    alignment: list[str] = field(default_factory=list)  # expressions of __align__, alignas
    declarators: list[Declarator] = field(default_factory=list)

    @property
    def type_text(self) -> str:
        """The shared type as C++."""
        return " ".join(token.text for token in self.type)


def read_declaration(source: Source, start: int, end: int) -> Declaration | None:
    """The declaration in tokens [start, end); None if it is not a declaration of variables."""
    words: set[str] = set()
    result = Declaration(frozenset())
    here = _specifiers(source, start, end, words, result)
    if here is None or here >= end:
        return None
    for first, last in split_commas(source, here, end):
        declarator = _declarator(source, first, last)
        if declarator is None:
            return None
        result.declarators.append(declarator)
    result.words = frozenset(words)
    return result


def _specifiers(source: Source, start: int, end: int, words: set[str], result: Declaration) -> int | None:
    """Parse qualifiers and type; returns the index of the first declarator."""
    tokens, partner = source.tokens, source.partner
    has_type, here = False, start
    while here < end:
        token = tokens[here]
        text = token.text
        if text in ("using", "typedef", "template", "friend", "return", "goto", "namespace", "static_assert"):
            return None
        if text in QUALIFIERS or text in _STORAGE:
            words.add(text)
        elif text in _TYPE_QUALIFIERS:
            words.add(text)
            if text != "constexpr":
                result.type.append(token)
        elif text in ATTRIBUTES and text != "decltype" and here + 1 < end and tokens[here + 1].text == "(":
            closing = partner[here + 1]
            if text in _ALIGNMENTS:
                result.alignment.append(source.text(here + 2, closing))
            elif "aligned" in source.text(here + 2, closing):
                inner = next(i for i in range(here + 2, closing) if "aligned" in tokens[i].text)
                if tokens[inner + 1].text == "(":
                    result.alignment.append(source.text(inner + 2, partner[inner + 1]))
            else:
                result.type += tokens[here : closing + 1]
            here = closing
        elif text == "[" and here + 1 < end and tokens[here + 1].text == "[":
            here = partner[here]
        elif token.kind == "string":
            words.add(text)  # extern "C" int x;
        elif text in CLASS_KEYS or text == "enum":
            has_type = True
            here = _elaborated(source, here, end, result) - 1
        elif text in BUILT_IN_TYPES:
            has_type = True
            result.type.append(token)
        elif text == "decltype":
            has_type = True
            result.type += tokens[here : partner[here + 1] + 1]
            here = partner[here + 1]
        elif (token.kind == "name" or text == "::") and not has_type:
            has_type = True
            last = _qualified(source, here, end)
            result.type += tokens[here:last]
            here = last - 1
        else:
            return here if has_type else None
        here += 1
    return None


def _qualified(source: Source, here: int, end: int) -> int:
    """The index after a name such as `::a::b<int>::c`."""
    tokens = source.tokens
    while here < end:
        if tokens[here].text == "::":
            here += 1
        if here < end and tokens[here].text == "template":
            here += 1
        here += 1
        if here < end and tokens[here].text == "<":
            here = skip_angles(tokens, here, end, source.partner)
        if here >= end or tokens[here].text != "::":
            break
    return here


def _elaborated(source: Source, here: int, end: int, result: Declaration) -> int:
    """Parse `struct __align__(8) name : base { ... }`; returns the index after it."""
    tokens, partner = source.tokens, source.partner
    first = here
    here += 1
    if here < end and tokens[here].text in CLASS_KEYS:  # enum class
        here += 1
    while here < end and tokens[here].text in ATTRIBUTES:
        here = partner[here + 1] + 1
    if here < end and tokens[here].kind == "name":
        here = _qualified(source, here, end)
    brace = here
    if brace < end and tokens[brace].text == ":":
        while brace < end and tokens[brace].text != "{":
            brace += 1
    if brace < end and tokens[brace].text == "{":
        here = partner[brace] + 1
    result.type += tokens[first:here]
    return here


def split_commas(source: Source, start: int, end: int, angles: bool = False) -> list[tuple[int, int]]:
    """The parts of tokens [start, end) between commas outside brackets; with `angles`, < > are brackets."""
    parts, first, here = [], start, start
    while here < end:
        text = source.tokens[here].text
        if text in ("(", "[", "{"):
            here = source.partner[here]
        elif text == "<" and angles:
            here = skip_angles(source.tokens, here, end, source.partner) - 1
        elif text == ",":
            parts.append((first, here))
            first = here + 1
        here += 1
    return [*parts, (first, end)] if start < end else []


def _declarator(source: Source, first: int, end: int) -> Declarator | None:
    tokens, partner = source.tokens, source.partner
    here, is_pointer, stop = first, False, end
    name: int | None = None
    name_depth = 0
    initialiser: tuple[int, int] | None = None
    while here < end:
        token = tokens[here]
        if token.text == "=":
            stop, initialiser = here, (here + 1, end)
            break
        if token.text == "{":
            stop, initialiser = here, (here, end)
            break
        if token.text in ("*", "&"):
            is_pointer = True
        elif token.text == "(":
            if name is not None:
                # parameters of a function, unless the name is in parentheses, as in (*name)(int)
                if name_depth == 0:
                    return None
                here = partner[here]
            else:
                inner = next(
                    (
                        i
                        for i in range(here + 1, partner[here])
                        if tokens[i].kind == "name" and tokens[i].text not in _TYPE_QUALIFIERS
                    ),
                    None,
                )
                if inner is None:
                    return None
                is_pointer, name, name_depth = True, inner, 1
                here = partner[here]
        elif token.text == "[":
            here = partner[here]
        elif token.kind == "name" and token.text not in _TYPE_QUALIFIERS:
            if token.text in ATTRIBUTES and here + 1 < end and tokens[here + 1].text == "(":
                stop = min(stop, here)
                here = partner[here + 1] + 1
                continue
            if name is not None:
                return None
            name, name_depth = here, 0
        here += 1
    if name is None:
        return None
    return Declarator(tokens[name], (first, stop), initialiser, stop - first == 1, is_pointer, name)
