"""Execution spaces: which functions of a source run on host and device, and which variables are the host's.

A function is a host function unless one of its declarations has __device__ or __global__. A variable is a
host variable unless its declaration has __device__, __constant__, __managed__ or __shared__. Two modules
search for host code in device code: host_text.py in the text, host_uses.py in the object file.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise

from tinygrad_edu.simulator.nvcc.declarations import read_declaration
from tinygrad_edu.simulator.nvcc.scopes import CLASS_KEYS, Function, Scope, Source, find_callee, walk
from tinygrad_edu.simulator.nvcc.tokens import Lines, Place

_MEMORY = frozenset(("__device__", "__constant__", "__managed__", "__shared__"))
_SPACES = frozenset(("__device__", "__global__", "__host__"))


@dataclass
class Declared:
    """One declaration or definition of a function."""

    name: str
    classes: tuple[str, ...]
    words: frozenset[str]  # words of its head: __device__, static, inline, constexpr, template
    first: Place
    last: Place  # the place at which its body begins
    parameters: int
    function: Function | None = None  # if it has a body

    @property
    def on_device(self) -> bool:
        """Whether device code may call it."""
        return bool(self.words & {"__device__", "__global__"})

    @property
    def is_kernel(self) -> bool:
        """Whether it is a kernel, which can only be launched."""
        return "__global__" in self.words

    @property
    def special(self) -> bool:
        """Whether it is called without its name: an operator, a constructor, a destructor."""
        return self.name.startswith(("operator", "~")) or self.name in self.classes


@dataclass
class Spaces:
    """The declarations of a source, by execution space."""

    source: Source
    lines: Lines
    relaxed: bool = False  # --expt-relaxed-constexpr: device code may call constexpr functions
    functions: dict[str, list[Declared]] = field(default_factory=dict)
    host_variables: dict[str, bool] = field(
        default_factory=dict
    )  # name -> whether it is a constant that is not an array
    host_members: set[str] = field(default_factory=set)  # names of static members of classes
    device_variables: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        pairs = pairwise(self.source.tokens)
        self.classes = {name.text for key, name in pairs if key.text in CLASS_KEYS and name.kind == "name"}
        for function in (*self.source.functions, *_local_functions(self.source)):
            self._add(function.name, function.scope, function.head, function.parameters, function)
        for statement in self.source.statements:
            self._read_statement(statement.start, statement.end, statement.scope)

    def is_host(self, name: str) -> bool:
        """Whether every function of this name is a host function."""
        declared = self.functions.get(name, [])
        return bool(declared) and not any(one.on_device for one in declared)

    def is_host_variable(self, name: str) -> bool:
        """Whether a variable of this name may be a host variable."""
        theirs = name in self.host_variables or name in self.host_members
        return theirs and name not in self.device_variables

    def device_functions(self) -> Iterator[Declared]:
        """The functions with a body that run on the device."""
        for declared in self.functions.values():
            yield from (one for one in declared if one.on_device and one.function is not None)

    def host_bodies(self, words: tuple[str, ...]) -> Iterator[Function]:
        """The host functions whose bodies contain one of these words."""
        for function in self.source.functions:
            inside = self.source.tokens[function.body[0] : function.body[1]]
            here = [one for one in self.functions[function.name] if one.function is function]
            if not here[0].on_device and any(token.text in words for token in inside):
                yield function

    def _add(self, name: str, scope: Scope, head: tuple[int, int], parameters: tuple[int, int],
             function: Function | None) -> None:  # fmt: skip
        tokens = self.source.tokens
        words = {token.text for token in tokens[head[0] : parameters[0]]}
        words |= {token.text for token in tokens[parameters[1] : head[1]] if token.text in _SPACES}
        inside = tokens[parameters[0] + 1 : parameters[1]]
        count = 0 if not inside else 1 + sum(token.text == "," for token in inside)
        place = self.lines.place
        first, last = place(tokens[head[0]].start), place(tokens[min(head[1], len(tokens) - 1)].start)
        one = Declared(name, scope.classes, frozenset(words), first, last, count, function)
        self.functions.setdefault(name, []).append(one)

    def _read_statement(self, start: int, end: int, scope: Scope) -> None:
        tokens = self.source.tokens
        texts = [token.text for token in tokens[start:end]]
        if texts[0] in ("typedef", "using", "namespace", "friend", "static_assert"):
            return
        declaration = read_declaration(self.source, start, end)
        if declaration is None:
            callee = None if "=" in texts else find_callee(self.source, start, end)
            if callee is not None:
                name, _, opening = callee
                self._add(name, scope, (start, end), (opening, self.source.partner[opening]), None)
            return
        texts = [*declaration.words, *(token.text for token in declaration.type)]
        constant = "const" in texts or "constexpr" in texts
        for declarator in declaration.declarators:
            if declaration.words & _MEMORY:
                self.device_variables.add(declarator.name.text)
            elif scope.classes:
                if "static" in declaration.words:
                    self.host_members.add(declarator.name.text)
            else:
                self.host_variables[declarator.name.text] = constant and declarator.plain


def _local_functions(source: Source) -> list[Function]:
    """The member functions of classes that are declared inside functions."""
    tokens, partner = source.tokens, source.partner
    found = Source(tokens, partner)
    for function in source.functions:
        here = function.body[0] + 1
        while here < function.body[1]:
            if tokens[here].text in CLASS_KEYS and tokens[here + 1].kind == "name":
                opening = here + 1
                while tokens[opening].text not in ("{", ";", "(", ")", "=", ","):
                    opening += 1
                if tokens[opening].text == "{":
                    walk(found, opening + 1, partner[opening], Scope(classes=(tokens[here + 1].text,)))
                    here = partner[opening]
            here += 1
    return found.functions
