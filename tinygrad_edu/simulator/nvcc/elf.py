"""Reads object files of the compiler: the functions, and the symbols that each refers to.

The tools of binutils are not used, because the formats of their output differ. It supports only objects for
x86-64, compiled with -ffunction-sections and -fdata-sections: each section has one function or one variable.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

_HEADER = struct.Struct("<16sHHIQQQIHHHHHH")
_SECTION = struct.Struct("<IIQQQQIIQQ")
_SYMBOL = struct.Struct("<IBBHQQ")
_RELOCATION = struct.Struct("<QQq")
_SYMBOLS, _RELOCATIONS, _EXECUTABLE, _MAX_SECTION = 2, 4, 4, 0xFF00
_FUNCTION, _SECTION_SYMBOL, _THREAD_LOCAL = 2, 3, 6
_LEA = 0x8D


@dataclass
class Reference:
    """A reference of a function to a symbol."""

    symbol: str
    offset: int  # offset in the function's section
    takes_address: bool  # `lea`: it uses the address itself, not the memory there


@dataclass
class Code:
    """One function: its section, and its references."""

    section: str
    references: list[Reference] = field(default_factory=list)


@dataclass
class Object:
    """The contents of an object file."""

    functions: dict[str, Code] = field(default_factory=dict)
    variables: set[str] = field(default_factory=set)
    thread_local: set[str] = field(default_factory=set)


def read(content: bytes) -> Object:
    """Read an object file."""
    header = _HEADER.unpack_from(content)
    start, count, names_at = header[6], header[12], header[13]
    sections = [_SECTION.unpack_from(content, start + i * _SECTION.size) for i in range(count)]
    symbols = next((s for s in sections if s[1] == _SYMBOLS), None)
    result = Object()
    if symbols is None:
        return result
    section_names = sections[names_at]
    strings = sections[symbols[6]]
    entries = [_SYMBOL.unpack_from(content, symbols[4] + i * _SYMBOL.size)
               for i in range(symbols[5] // _SYMBOL.size)]  # fmt: skip
    names = [_string(content, strings[4] + entry[0]) for entry in entries]
    owner: dict[int, str] = {}  # section -> symbol of its function or variable
    codes: dict[int, Code] = {}  # section -> its function; a constructor has two names
    for name, (_, info, _, section, _, _) in zip(names, entries, strict=True):
        if not name or not 0 < section < _MAX_SECTION:
            if info & 15 == _THREAD_LOCAL:
                result.thread_local.add(name)
            continue
        kind = info & 15
        if kind == _FUNCTION:
            title = _string(content, section_names[4] + sections[section][0])
            result.functions[name] = codes.setdefault(section, Code(title))
        else:
            result.variables.add(name)
            if kind == _THREAD_LOCAL:
                result.thread_local.add(name)
        owner.setdefault(section, name)
    for section in sections:
        if section[1] != _RELOCATIONS or not sections[section[7]][2] & _EXECUTABLE:
            continue
        user = owner.get(section[7])
        if user not in result.functions:
            continue
        code = sections[section[7]]
        for at in range(section[4], section[4] + section[5], _RELOCATION.size):
            offset, info, _ = _RELOCATION.unpack_from(content, at)
            index = info >> 32
            _, kind, _, where, _, _ = entries[index]
            name = owner.get(where, "") if kind & 15 == _SECTION_SYMBOL else names[index]
            if name:
                takes = offset >= 2 and content[code[4] + offset - 2] == _LEA
                result.functions[user].references.append(Reference(name, offset, takes))
    return result


def _string(content: bytes, start: int) -> str:
    return content[start : content.index(b"\0", start)].decode("utf-8", "replace")
