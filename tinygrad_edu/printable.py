"""Names that others chose, made fit for a page: what is no sign, such as a bell, is written out."""

from __future__ import annotations

import unicodedata

_NO_SIGNS = ("Cc", "Cs", "Zl", "Zp")  # control, surrogate, separators of lines and paragraphs


def printable(text: str) -> str:
    r"""`text` in one line that XML, a terminal and a font can take: a newline is written `\n`, NUL `\x00`."""
    if text.isprintable():
        return text
    return "".join(_escaped(sign) if _is_no_sign(sign) else sign for sign in text)


def _is_no_sign(sign: str) -> bool:
    return unicodedata.category(sign) in _NO_SIGNS or ord(sign) & 0xFFFE == 0xFFFE  # not in XML either


def _escaped(sign: str) -> str:
    return sign.encode("unicode_escape").decode()
