"""A tokenizer for preprocessed C++, and the map from a position to the user's file and line.

Tokens have their position in the text, because the rewriter changes few places and copies all text between
them. Preprocessed text has no comments; lines that begin with `#` are not tokens.
"""

from __future__ import annotations

import bisect
import re
from typing import NamedTuple


class SourceError(Exception):
    """An error in the user's source; the text has file, line and advice."""


class Token(NamedTuple):
    """One token; `kind` is name, number, string, character or punctuation."""

    kind: str
    text: str
    start: int
    end: int


class Place(NamedTuple):
    """A line of a file, from the line markers."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


_MARKER = re.compile(r'^#[ \t]*(?:line[ \t]+)?(\d+)[ \t]+"((?:\\.|[^"\\\n])*)"[^\n]*\n?', re.MULTILINE)

_TOKEN = re.compile(
    r"""
    (?P<space> \s+ | ^[ \t]*\#[^\n]* | //[^\n]* | /\*.*?\*/)
  | (?P<string> (?:u8|[uUL])?R"(?P<fence>[^()\\\s]{0,16})\(.*?\)(?P=fence)"
              | (?:u8|[uUL])?"(?:\\.|[^"\\\n])*")
  | (?P<character> (?:u8|[uUL])?'(?:\\.|[^'\\\n])+')
  | (?P<name> [^\W\d][\w$]* | \$[\w$]*)
  | (?P<number> \.?\d(?:[eEpP][+-]|[\w.]|'(?=\w))*)
  | (?P<punctuation> <<< | \.\.\. | :: | -> | [=!<>+\-*/%&|^]= | && | \|\| | \+\+ | -- | .)
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)

_CLOSING = {")": "(", "]": "[", "}": "{"}


def tokenize(text: str) -> list[Token]:
    """All tokens of preprocessed C++ text."""
    found = []
    for match in _TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "fence":
            kind = "string"
        if kind != "space" and kind is not None:
            found.append(Token(kind, match[0], match.start(), match.end()))
    return found


def match_brackets(tokens: list[Token]) -> dict[int, int] | None:
    """{index of each ( [ { or ) ] }: index of its partner}; None if they do not match."""
    partner: dict[int, int] = {}
    waiting: list[int] = []
    for index, token in enumerate(tokens):
        if token.kind != "punctuation":
            continue
        if token.text in "([{":
            waiting.append(index)
        elif token.text in _CLOSING:
            if not waiting or tokens[waiting[-1]].text != _CLOSING[token.text]:
                return None
            partner[index] = waiting.pop()
            partner[partner[index]] = index
    return None if waiting else partner


class Lines:
    """Maps positions of the preprocessed text to lines of the user's files."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._starts: list[int] = []
        self._places: list[Place] = []
        for match in _MARKER.finditer(text):
            self._starts.append(match.end())
            self._places.append(Place(unquote(match[2]), int(match[1])))

    def place(self, position: int) -> Place:
        """File and line of a position."""
        index = bisect.bisect_right(self._starts, position) - 1
        if index < 0:
            return Place("<source>", 1 + self._text.count("\n", 0, position))
        file, line = self._places[index]
        return Place(file, line + self._text.count("\n", self._starts[index], position))

    def files(self) -> list[str]:
        """The names of all files, each once."""
        return list(dict.fromkeys(place.file for place in self._places))


def quote(text: str) -> str:
    """A C++ string literal."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def unquote(text: str) -> str:
    """The text of a string in a line marker, without escapes."""
    return re.sub(r"\\(.)", lambda found: "\n" if found[1] == "n" else found[1], text)


def marker(place: Place) -> str:
    """A line marker: the next line is this line of this file."""
    return f"# {place.line} {quote(place.file)}\n"
