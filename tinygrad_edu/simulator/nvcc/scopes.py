"""Finds the structure of a source: functions with bodies, kernels, and the statements between them.

It is not a full C++ parser. It matches brackets, namespaces and classes, and distinguishes the head of a
function from other heads. Code that it does not understand is not changed, and g++ reports its errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tinygrad_edu.simulator.nvcc.tokens import Token

QUALIFIERS = frozenset(("__global__", "__device__", "__host__", "__shared__", "__constant__", "__managed__"))

# Names before a parenthesis that are not functions: attributes and operators.
ATTRIBUTES = frozenset(
    (
        "__launch_bounds__",
        "__attribute__",
        "__align__",
        "__builtin_align__",
        "alignas",
        "decltype",
        "noexcept",
        "__declspec",
        "__maxnreg__",
        "__cluster_dims__",
        "explicit",
        "requires",
        "__block_size__",
    )
)
BUILT_IN_TYPES = frozenset(
    (
        "void",
        "bool",
        "char",
        "short",
        "int",
        "long",
        "float",
        "double",
        "signed",
        "unsigned",
        "auto",
        "wchar_t",
        "char8_t",
        "char16_t",
        "char32_t",
        "__int128",
        "_Float16",
    )
)
_KEYWORDS = BUILT_IN_TYPES | {
    "const",
    "volatile",
    "return",
    "sizeof",
    "alignof",
    "static_assert",
    "if",
    "while",
    "for",
    "switch",
    "constexpr",
    "typename",
    "operator",
}
CLASS_KEYS = frozenset(("class", "struct", "union"))


@dataclass(frozen=True)
class Scope:
    """The scope of a declaration."""

    names: tuple[str, ...] = ()  # the enclosing named namespaces
    c_linkage: bool = False
    classes: tuple[str, ...] = ()
    is_template: bool = False  # inside a class template


@dataclass
class Function:
    """A function with a body. Numbers are token indices; `body` and `parameters` are of the brackets."""

    name: str
    scope: Scope
    head: tuple[int, int]  # [first, body)
    parameters: tuple[int, int]  # of ( and )
    body: tuple[int, int]  # of { and }
    is_kernel: bool
    template: tuple[int, int] | None = None  # of the last template < ... >
    arguments: str = ""  # of an explicit specialization: "<float>"

    @property
    def qualified(self) -> str:
        """The name with its namespaces and classes."""
        return "::".join((*self.scope.names, *self.scope.classes, self.name))


@dataclass
class Instantiation:
    """`template __global__ void k<float>(float*);`"""

    name: str
    arguments: str
    scope: Scope
    parameters: tuple[int, int]
    start: int


@dataclass
class Statement:
    """A statement outside of functions: tokens [start, end), without its semicolon."""

    start: int
    end: int
    scope: Scope


@dataclass
class Source:
    """The structure of one source."""

    tokens: list[Token]
    partner: dict[int, int]
    functions: list[Function] = field(default_factory=list)
    instantiations: list[Instantiation] = field(default_factory=list)
    statements: list[Statement] = field(default_factory=list)

    def text(self, start: int, end: int) -> str:
        """The text of tokens [start, end) on one line."""
        return " ".join(token.text for token in self.tokens[start:end])


def read(tokens: list[Token], partner: dict[int, int]) -> Source:
    """Find the functions and statements of a source."""
    source = Source(tokens, partner)
    walk(source, 0, len(tokens), Scope())
    return source


def walk(source: Source, start: int, end: int, scope: Scope) -> None:
    """Read the declarations in tokens [start, end) into `source`."""
    tokens, partner = source.tokens, source.partner
    first = here = start
    while here < end:
        text = tokens[here].text
        if text == ";":
            _statement(source, first, here, scope)
            first = here = here + 1
        elif text in ("(", "["):
            here = partner[here] + 1
        elif text == "{":
            finished = _braces(source, first, here, scope)
            here = partner[here] + 1
            if finished:
                first = here
        elif text == ":" and here == first + 1 and tokens[first].text in ("public", "private", "protected"):
            first = here = here + 1
        else:
            here += 1


def _statement(source: Source, first: int, end: int, scope: Scope) -> None:
    tokens = source.tokens
    if first == end:
        return
    words = [token.text for token in tokens[first:end]]
    if words[0] == "template" and len(words) > 1 and words[1] != "<" and "__global__" in words:
        callee = find_callee(source, first, end)
        if callee is not None:
            name, arguments, opening = callee
            source.instantiations.append(
                Instantiation(name, arguments, scope, (opening, source.partner[opening]), first)
            )
            return
    source.statements.append(Statement(first, end, scope))


def _braces(source: Source, first: int, opening: int, scope: Scope) -> bool:
    """Process `head { ... }`. False if the statement continues after the closing brace."""
    tokens, partner = source.tokens, source.partner
    closing = partner[opening]
    words = [token.text for token in tokens[first:opening]]
    if words[:1] == ["extern"] and len(words) == 2 and words[1].startswith('"'):
        inner = Scope(scope.names, words[1] == '"C"', scope.classes, scope.is_template)
        walk(source, opening + 1, closing, inner)
        return True
    if "namespace" in words[:2]:
        at = words.index("namespace")
        names = tuple(word for word in words[at + 1 :] if word not in ("::", "inline"))
        walk(
            source,
            opening + 1,
            closing,
            Scope(scope.names + names, scope.c_linkage, scope.classes, scope.is_template),
        )
        return True
    callee = None if _has_initialiser(source, first, opening) else find_callee(source, first, opening)
    if callee is not None:
        # the braces of `: member{1}` are not the body of a constructor
        if (
            tokens[opening - 1].kind == "name"
            and ":" in _texts_outside_brackets(source, callee[2], opening)
            and tokens[opening - 1].text not in ("const", "noexcept", "override", "final", "try")
        ):
            return False
        _function(source, first, opening, scope, callee)
        return True
    key = next((i for i in _after_template(source, first, opening) if tokens[i].text in CLASS_KEYS), None)
    if key is not None and "=" not in words and "enum" not in words:
        name = _class_name(source, key, opening)
        walk(
            source,
            opening + 1,
            closing,
            Scope(scope.names, False, (*scope.classes, name), scope.is_template or "template" in words),
        )
    return not words


def _texts_outside_brackets(source: Source, start: int, end: int) -> list[str]:
    """The texts of tokens [start, end), without those inside brackets."""
    found, here = [], start
    while here < end:
        text = source.tokens[here].text
        found.append(text)
        here = source.partner[here] + 1 if text in ("(", "[", "{") else here + 1
    return found


def _has_initialiser(source: Source, first: int, end: int) -> bool:
    here = next(iter(_after_template(source, first, end)), end)
    flat = _texts_outside_brackets(source, here, end)
    return "=" in flat and "operator" not in flat


def skip_angles(tokens: list[Token], opening: int, end: int, partner: dict[int, int]) -> int:
    """The index after the `>` that closes the `<` at `opening`."""
    depth, here = 0, opening
    while here < end:
        text = tokens[here].text
        if text in ("(", "[", "{"):
            here = partner[here]
        elif text == "<":
            depth += 1
        elif text == ">":
            depth -= 1
            if depth == 0:
                return here + 1
        here += 1
    return end


def _after_template(source: Source, first: int, end: int) -> range:
    """The tokens of a head after its template < ... > parts."""
    here = first
    while here + 1 < end and source.tokens[here].text == "template" and source.tokens[here + 1].text == "<":
        here = skip_angles(source.tokens, here + 1, end, source.partner)
    return range(here, end)


def find_callee(source: Source, first: int, end: int) -> tuple[str, str, int] | None:
    """(name, template arguments, index of the `(`) of the function that a head declares."""
    tokens = source.tokens
    here = next(iter(_after_template(source, first, end)), end)
    start = here
    while here < end:
        token = tokens[here]
        if token.text == "operator":
            opening = here + 1
            if tokens[opening].text == "(" and opening + 2 < end and tokens[opening + 1].text == ")":
                opening += 2
            while opening < end and tokens[opening].text != "(":
                opening += 1
            return (
                None
                if opening == end
                else ("operator" + source.text(here + 1, opening).replace(" ", ""), "", opening)
            )
        if token.text in ("[", "{"):
            here = source.partner[here] + 1
            continue
        if token.text == "(":
            before = tokens[here - 1] if here > start else None
            if before is not None and before.text == ">":
                angle = _back_over_angles(tokens, here - 1, start)
                if angle > start and tokens[angle - 1].kind == "name":
                    return tokens[angle - 1].text, _remove_spaces(source.text(angle, here)), here
            elif (
                before is not None
                and before.kind == "name"
                and before.text not in _KEYWORDS
                and before.text not in ATTRIBUTES
            ):
                name = before.text
                if here - 2 >= start and tokens[here - 2].text == "~":
                    name = "~" + name
                return name, "", here
            here = source.partner[here] + 1
            continue
        here += 1
    return None


def _remove_spaces(text: str) -> str:
    """The text without spaces, except those between words: `<unsigned char,3>`."""
    return re.sub(r"(?<!\w) | (?!\w)", "", text)


def _back_over_angles(tokens: list[Token], closing: int, start: int) -> int:
    depth = 0
    for here in range(closing, start - 1, -1):
        depth += (tokens[here].text == ">") - (tokens[here].text == "<")
        if depth == 0:
            return here
    return start


def _function(source: Source, first: int, opening: int, scope: Scope, callee: tuple[str, str, int]) -> None:
    tokens = source.tokens
    name, arguments, parenthesis = callee
    body_start = next(iter(_after_template(source, first, opening)), opening)
    words = {token.text for token in tokens[first:parenthesis]}
    template = None
    if body_start > first and tokens[first + 2].text != ">":
        template = (first + 1, body_start - 1)
    head = [token.text for token in tokens[first : first + 2]]
    if head[0] == "extern" and head[1].startswith('"'):
        scope = Scope(scope.names, head[1] == '"C"', scope.classes, scope.is_template)
    source.functions.append(
        Function(
            name,
            scope,
            (first, opening),
            (parenthesis, source.partner[parenthesis]),
            (opening, source.partner[opening]),
            "__global__" in words,
            template,
            arguments,
        )
    )


def _class_name(source: Source, key: int, opening: int) -> str:
    here = key + 1
    while here < opening:
        text = source.tokens[here].text
        if text in ATTRIBUTES and source.tokens[here + 1].text == "(":
            here = source.partner[here + 1] + 1
        elif text == "[":
            here = source.partner[here] + 1
        elif source.tokens[here].kind == "name":
            return text
        else:
            return ""
    return ""
