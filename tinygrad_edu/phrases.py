"""Texts that name arguments, `pass header=False`; the command line replaces these with its options."""

from __future__ import annotations

from typing import Any, NamedTuple, Self


class Argument(NamedTuple):
    """An argument that a text names. `str()` of it is how Python writes it.

    value  None for the name alone, `header`; ... for any value, `header=`
    to     the function that takes it, if that is not the one that was called
    asked  whether the text asks the user to pass it: `pass header=False`
    """

    name: str
    value: Any = None
    to: str = ""
    asked: bool = False

    def __str__(self) -> str:
        value = "" if self.value is None else "=" if self.value is ... else f"={self.value!r}"
        return f"{'pass ' * self.asked}{self.name}{value}{f' to {self.to}' if self.to else ''}"


class Phrase(str):
    """A str with arguments as Python writes them; from `parts`, a command line can write them otherwise."""

    parts: tuple[str | Argument, ...]

    def __new__(cls, *parts: str | Argument) -> Self:
        """The text of all `parts`, joined; a Phrase among them contributes its own parts."""
        made = super().__new__(cls, "".join(map(str, parts)))
        made.parts = tuple(p for part in parts for p in (part.parts if isinstance(part, Phrase) else (part,)))
        return made

    def __getnewargs__(self) -> tuple[str | Argument, ...]:  # type: ignore[override]
        return self.parts


def passing(name: str, value: Any = ..., *, to: str = "") -> Argument:
    """`pass name=value`, or `pass name=` for any value."""
    return Argument(name, value, to, asked=True)
