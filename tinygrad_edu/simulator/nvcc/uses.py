"""Handles the cases in which a program would notice references: captures of lambdas, and decltype.

A `__shared__` variable has static storage in CUDA, so a lambda uses it without a capture; but with a
reference, `[=]` would copy the variable. And decltype of a reference is a reference type.
"""

from __future__ import annotations

from collections.abc import Iterator

from tinygrad_edu.simulator.nvcc.tokens import Token

_BEFORE_A_LAMBDA = ("return", "co_return", "case", "else", "do", "throw")


def captures(
    tokens: list[Token], partner: dict[int, int], body: tuple[int, int], names: set[str]
) -> Iterator[tuple[int, str]]:
    """(position, text to insert) so that each lambda in `body` captures `names` by reference."""
    for opening in range(body[0] + 1, body[1]):
        if tokens[opening].text != "[" or not _begins_lambda(tokens[opening - 1]):
            continue
        closing = partner[opening]
        span = _body_of_lambda(tokens, partner, closing + 1, body[1])
        listed = [token.text for token in tokens[opening + 1 : closing]]
        if span is None or (listed[:1] == ["&"] and listed[1:2] in ([], [","])):
            continue
        used = [
            token.text
            for before, token in zip(tokens[span[0] :], tokens[span[0] + 1 : span[1]], strict=False)
            if token.kind == "name" and token.text in names and before.text not in (".", "->", "::")
        ]
        missing = [name for name in dict.fromkeys(used) if name not in listed]
        if missing:
            yield (
                tokens[closing].start,
                (", " if listed else "") + ", ".join(f"&{name}" for name in missing),
            )


def types(tokens: list[Token], names: set[str]) -> Iterator[tuple[int, int, str]]:
    """(start, end, type of the variable) of each `decltype(name)` in the text."""
    for index, token in enumerate(tokens[:-3]):
        if token.text == "decltype" and tokens[index + 1].text == "(" and tokens[index + 3].text == ")":
            name = tokens[index + 2].text
            if name in names:
                yield token.start, tokens[index + 3].end, f"std::remove_reference_t<decltype({name})>"


def _begins_lambda(before: Token) -> bool:
    """Whether `[` begins a lambda: after a name, number or bracket it is an index, after `[` an attribute."""
    if before.text in _BEFORE_A_LAMBDA:
        return True
    return before.kind not in ("name", "number", "string") and before.text not in (")", "]", "[")


def _body_of_lambda(
    tokens: list[Token], partner: dict[int, int], here: int, end: int
) -> tuple[int, int] | None:
    while here < end and tokens[here].text not in ("{", ";", ",", ")", "]", "}"):
        here = partner[here] + 1 if tokens[here].text == "(" else here + 1
    return (here, partner[here]) if here < end and tokens[here].text == "{" else None
