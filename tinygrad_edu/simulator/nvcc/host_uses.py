"""Finds host code that device code uses, in the unoptimised object file of a source.

In the object file all names are resolved, overloads are chosen, templates are instantiated, and implicit
calls of constructors, destructors, conversions and lambdas are visible. A reference from a device function to
a host function or host variable is an error in nvcc. Three kinds of functions are not errors, and their own
references are examined instead: implicit functions (such as a default constructor), which run where they are
called; constexpr functions under --expt-relaxed-constexpr; and host functions that a __host__ __device__
function calls, which nvcc compiles for the device, with a warning.
"""

from __future__ import annotations

import itertools
import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tinygrad_edu.simulator.nvcc import elf, library_text
from tinygrad_edu.simulator.nvcc.host_text import own_names
from tinygrad_edu.simulator.nvcc.host_words import (
    ASKS_FOR_A_TYPE,
    Refusal,
    calls_host,
    does_what_no_device_can,
    uses_variable,
)
from tinygrad_edu.simulator.nvcc.library_names import DEVICE_C, DEVICE_STD, HOST_STD
from tinygrad_edu.simulator.nvcc.spaces import Declared, Spaces
from tinygrad_edu.simulator.nvcc.tokens import Place

# Symbols that the compiler itself refers to, and new and delete.
_ALWAYS = re.compile(
    r"sim_.*|mem(cpy|set)|__tls_get_addr|_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__cxa_pure_virtual|__tsan_.*"
    r"|_Zn[wa]m|_Zd[la]Pvm?"
)
# Symbols that constexpr functions of the library call; they are built into g++ and nvcc.
_CONSTANT = re.compile("strlen|mem(cmp|move|chr)")
_OTHERS = ("sim", "std", "__gnu_cxx")
_FORBIDDEN = {
    "guard variable for": ("sets a static variable when it is first reached", "give it a constant value"),
    "typeinfo for": ASKS_FOR_A_TYPE,
}


# A lambda outside of functions is a host function.
_LAMBDA_OUTSIDE = Declared("the lambda", (), frozenset(), Place("its [...]", 0), Place("", 0), 0)


# A chain of references from a device function to the symbol that is judged: (symbol, reference) pairs.
_Path = tuple[tuple[str, elf.Reference], ...]


@dataclass(frozen=True)
class _Name:
    """A demangled name: its parts between `::`, without arguments."""

    parts: tuple[str, ...]
    inside: str = ""  # the function it is local to

    @property
    def last(self) -> str:
        return self.parts[-1]


def seen_in_object(content: bytes, spaces: Spaces, standard: str = "c++17") -> Iterator[Refusal]:
    """Each use of host code by device code in an object file, compiled for a standard of C++."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "object.o")
        path.write_bytes(content)
        yield from _Search(content, path, spaces, standard).run()


class _Search:
    def __init__(self, content: bytes, path: Path, spaces: Spaces, standard: str) -> None:
        self._path, self._spaces, self._standard = path, spaces, standard
        self._object = elf.read(content)
        symbols = {r.symbol for code in self._object.functions.values() for r in code.references}
        symbols |= set(self._object.functions)
        self._plain = _demangled(sorted(symbols))
        self._names = {symbol: read_name(text) for symbol, text in self._plain.items()}
        self._seen: set[tuple[str, bool]] = set()

    def run(self) -> Iterator[Refusal]:
        """Search from every device function."""
        for symbol in self._object.functions:
            ours = symbol in DEVICE_C or self._names[symbol].parts[0] in _OTHERS  # corrected.h has cosh
            declared = None if ours else self._declared(symbol)
            # A static function is in the object also if it is unused, and then nvcc does not compile it.
            unused = declared is not None and "static" in declared.words and not declared.is_kernel
            if declared is not None and declared.on_device and not unused:
                yield from self._judge_references(symbol, declared, "__host__" in declared.words, ())

    def _judge_references(
        self, symbol: str, caller: Declared, lenient: bool, path: _Path
    ) -> Iterator[Refusal]:
        """Judge the references of one function; `lenient` if a __host__ __device__ function calls it.

        `path` is the chain of references from a device function to this one.
        """
        if (symbol, lenient) in self._seen:
            return
        self._seen.add((symbol, lenient))
        for reference in self._object.functions[symbol].references:
            here = (*path, (symbol, reference))
            if reference.symbol in self._object.functions:
                yield from self._judge_function(here, caller, lenient)
            else:
                yield from self._judge_other(here, caller)

    def _judge_function(self, path: _Path, caller: Declared, lenient: bool) -> Iterator[Refusal]:
        symbol, target = path[-1][0], path[-1][1].symbol
        name = self._names[target]
        if name.parts[0] == "sim" or target == symbol or target in DEVICE_C:
            return
        if name.parts[0] in _OTHERS:
            if name.last in DEVICE_STD or name.last in DEVICE_C or "initializer_list" in name.parts:
                return
            if self._spaces.relaxed and self._is_open(symbol, target):
                yield from self._judge_references(target, caller, lenient, path)
            else:
                yield self._refuse(path, caller, _readable(self._plain[target]), [])
            return
        declared = self._declared(target)
        if declared is None:
            # An implicit function of a user's class, or a function of a foreign header.
            theirs = _is_special(name) and name.parts[-2] in self._spaces.classes
            if theirs or name.last not in own_names():
                yield from self._judge_references(target, caller, lenient, path)
        elif declared.is_kernel or not declared.on_device:
            through = lenient or (self._spaces.relaxed and "constexpr" in declared.words)
            if declared.is_kernel or not through:
                yield self._refuse(path, caller, _readable(self._plain[target]), [declared])
            else:
                yield from self._judge_references(target, caller, lenient, path)
        else:
            yield from self._judge_references(target, declared, "__host__" in declared.words, path)

    def _is_open(self, symbol: str, target: str) -> bool:
        """Whether relaxed code may call a function of the library; the calls inside it are not judged."""
        if HOST_STD.intersection(self._names[target].parts):
            return False
        if self._names[symbol].parts[0] in _OTHERS:
            return True
        start = next(self._lines(self._object.functions[target].section, 0), None)
        return library_text.may_be_constexpr(start, self._names[target].last, self._standard)

    def _judge_other(self, path: _Path, caller: Declared) -> Iterator[Refusal]:
        symbol, target = path[-1][0], path[-1][1].symbol
        text, name = self._plain[target], self._names[target]
        if name.last.startswith("sim_") or name.parts[0] == "sim":
            return
        for begins, words in _FORBIDDEN.items():
            if text.startswith(begins):
                yield does_what_no_device_can(self._blamed_line(path), caller, *words)
                return
        if target in self._object.thread_local:
            yield uses_variable(self._blamed_line(path), caller, name.last, "thread_local")
        elif target in self._object.variables:
            if self._spaces.is_host_variable(name.last) and not name.inside and "." not in target:
                yield uses_variable(self._blamed_line(path), caller, name.last)
        elif self._spaces.is_host_variable(name.last):
            yield uses_variable(self._blamed_line(path), caller, name.last)
        elif self._names[symbol].parts[0] in _OTHERS and _CONSTANT.fullmatch(target):
            return
        elif not (_ALWAYS.fullmatch(target) or target in DEVICE_C or name.last in DEVICE_STD):
            declared = self._spaces.functions.get(name.last, [])
            if not any(one.on_device for one in declared):  # the linker reports one that is only declared
                yield self._refuse(path, caller, _readable(text), declared)

    def _declared(self, symbol: str) -> Declared | None:
        """The user's declaration of a function; None for implicit and for foreign functions."""
        name = self._names[symbol]
        if name.last.startswith("{lambda") or (len(name.parts) > 1 and name.parts[-2].startswith("{lambda")):
            return self._enclosing_function(name)
        found = self._spaces.functions.get(name.last, [])
        owner = name.parts[-2] if len(name.parts) > 1 else ""
        inside = [one for one in found
                  if not one.classes or one.classes[-1] == owner or "friend" in one.words]  # fmt: skip
        if not inside:
            return None
        special = _is_special(name)
        if not special and len({one.on_device for one in inside}) == 1:
            return inside[0]
        line = self._line(self._object.functions[symbol].section, 0)
        here = [one for one in inside if line is not None and one.first.line <= line.line <= one.last.line
                and _is_same_file(one.first.file, line.file)]  # fmt: skip
        if not here:
            return None if special else next((one for one in inside if one.on_device), inside[0])
        count = _arguments(self._plain[symbol])
        fits = [one for one in here if one.parameters == count]  # several functions may be on one line
        if special and not fits:
            return None
        here = fits or here
        on_device = next((one for one in here if one.on_device), None)
        return on_device or self._merge_declarations(here[0], inside)

    @staticmethod
    def _merge_declarations(one: Declared, every: list[Declared]) -> Declared:
        """The definition with the words of its declarations; a specialisation has those of its template."""
        for other in every:
            declares = other.function is None or "template" in one.words
            if declares and other.on_device and other.parameters == one.parameters:
                return other
        return one

    def _enclosing_function(self, name: _Name) -> Declared | None:
        """The function around a lambda, which has the same execution space."""
        # The name of an extern "C" function has no arguments, so it looks like a scope.
        scopes = list(itertools.takewhile(lambda part: not part.startswith("{lambda"), name.parts))
        outside = read_name(name.inside) if name.inside else None
        if outside is not None and any(part.startswith("{lambda") for part in outside.parts):
            return self._enclosing_function(outside)
        function = outside.last if outside is not None else "".join(scopes[-1:])
        outer = self._spaces.functions.get(function, [])
        around = next((one for one in outer if one.on_device), outer[0] if outer else None)
        if around is None:
            return _LAMBDA_OUTSIDE
        space = {"__device__"} if around.on_device else set()
        return replace(around, words=around.words - {"__global__"} | space)

    def _refuse(self, path: _Path, caller: Declared, name: str, declared: list[Declared]) -> Refusal:
        return Refusal(caller.name, calls_host(self._blamed_line(path), caller, name, declared))

    def _blamed_line(self, path: _Path) -> str:
        """The user's line of a use; for a use in a header or implicit function, the line that leads to it."""
        for symbol, reference in reversed(path):
            unwritten = self._is_implicit(symbol) and _is_special(self._names[reference.symbol])
            line = None if unwritten else self._line(self._object.functions[symbol].section, reference.offset)
            if line is not None:
                return str(line)
        return f"in {_readable(self._plain[path[-1][0]])}"

    def _is_implicit(self, symbol: str) -> bool:
        """Whether a function is implicit: its line is that of its class."""
        return _is_special(self._names[symbol]) and self._declared(symbol) is None

    def _line(self, section: str, offset: int) -> Place | None:
        for place in self._lines(section, offset):
            for known in self._spaces.lines.files():
                if _is_same_file(known, place.file):
                    return Place(known, place.line)
        return None

    def _lines(self, section: str, offset: int) -> Iterator[Place]:
        output = _tool(["addr2line", "-e", str(self._path), "-j", section, "-i", hex(offset)], "")
        for file, _, number in (line.rpartition(":") for line in output.splitlines()):
            digits = number.partition(" ")[0]
            if digits.isdigit():
                yield Place(file, int(digits))


def _is_special(name: _Name) -> bool:
    """Whether it is a constructor, a destructor or an assignment, which may be implicit."""
    return len(name.parts) > 1 and (name.last.startswith("~") or name.last in ("operator=", name.parts[-2]))


def _arguments(text: str) -> int:
    """The number of arguments of the function with a demangled name."""
    closing = text.rfind(")")
    depth, here = 1, closing - 1
    while here > 0 and depth:
        depth += (text[here] in ")>") - (text[here] in "(<")
        here -= 1
    inside = text[here + 2 : closing]
    return 0 if not inside.strip() else 1 + len(re.findall(r",(?![^<(]*[>)])", inside))


def _is_same_file(one: str, other: str) -> bool:
    return Path(one).name == Path(other).name


def _tool(command: list[str], text: str) -> str:
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    return done.stdout


def _demangled(symbols: list[str]) -> dict[str, str]:
    output = _tool(["c++filt"], "\n".join(symbols) + "\n").splitlines()
    return (
        dict(zip(symbols, output, strict=False)) if len(output) == len(symbols) else {s: s for s in symbols}
    )


def _readable(text: str) -> str:
    """A readable name such as `std::vector<int>::push_back`, without default arguments."""
    return "::".join(read_name(text).parts)


_OPERATOR = re.compile(r"operator\s*(\(\)|\[\]|<=>|<<=?|>>=?|->\*?|[-+*/%^&|~!=<>,]+|.*?(?=\())")


def read_name(text: str) -> _Name:
    """Split a demangled name."""
    text = text.replace("(anonymous namespace)", "{anonymous}")
    text = re.sub(r"\[(?:abi|clone)[^\]]*\]|\(\.\w+\)|@\w+$", "", text)
    parts, inside, begin, here = [], "", 0, 0
    while here < len(text):
        if text.startswith("operator", here) and not re.match(r"\w", text[here - 1 : here]):
            found = _OPERATOR.match(text, here)
            if found is not None:
                here = found.end()
                continue
        if text.startswith("::", here):
            part = text[begin:here]
            parts.append(part)
            if "(" in _without_angles(part) and not part.startswith("{"):
                inside = text[:here]
            here = begin = here + 2
        elif text[here] in "(<[{":
            here = _closing(text, here) + 1
        elif text[here] == " " and not text.startswith(" const", here):
            begin = here = here + 1  # the part before was a return type
        else:
            here += 1
    parts.append(text[begin:])
    names = [_plain_name(part) for part in parts if part != "{anonymous}"]
    return _Name(tuple(names) or (text,), inside)


def _plain_name(part: str) -> str:
    if part.startswith("operator"):
        found = re.match(r"operator\s*(\(\)|\[\]|<<|>>|<=|>=|->|<|>|[^(<]*)", part)
        return "operator" + (found[1].replace(" ", "") if found else "")
    if part.startswith("{"):
        return part
    return re.split(r"[(<]", part, maxsplit=1)[0].strip()


def _without_angles(part: str) -> str:
    while (shorter := re.sub(r"<[^<>]*>", "", part)) != part:
        part = shorter
    return part


def _closing(text: str, opening: int) -> int:
    depth = 0
    for here in range(opening, len(text)):
        depth += (text[here] in "(<[{") - (text[here] in ")>]}" and text[here - 1] != "-")
        if depth == 0:
            return here
    return len(text) - 1
