"""Rewrites preprocessed CUDA to C++ for g++: the changed text of the user, and a table of kernels.

Line markers are kept, and no change moves later text to another line. So errors, reports and debug
information have the user's files and lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from tinygrad_edu.simulator.nvcc import host_text, host_words, spaces, uses
from tinygrad_edu.simulator.nvcc.callgraph import CallGraph
from tinygrad_edu.simulator.nvcc.memory import Variables
from tinygrad_edu.simulator.nvcc.scopes import Function, Instantiation, Source, read
from tinygrad_edu.simulator.nvcc.tokens import (
    Lines,
    SourceError,
    Token,
    marker,
    match_brackets,
    quote,
    tokenize,
)


@dataclass
class Unit:
    """A rewritten source."""

    text: str
    uses_volatile: bool
    files: list[str]  # the user's files in its text
    kernels: list[str]
    suspect: spaces.Spaces | None = None  # set if device code may use host code; see host_uses.py
    refusals: list[host_words.Refusal] = field(
        default_factory=list
    )  # the uses of host code that the text shows


class _Edits:
    """Replacements in a text; none of them is inside another."""

    def __init__(self, text: str, lines: Lines) -> None:
        self._text = text
        self._lines = lines
        self._edits: list[tuple[int, int, str]] = []

    def replace(self, start: int, end: int, new: str) -> None:
        self._edits.append((start, end, new))

    def replace_unless_replaced(self, start: int, end: int, new: str) -> None:
        """Replace, unless it is inside a declaration that is replaced as a whole."""
        if not any(first < end and start < last for first, last, _ in self._edits):
            self.replace(start, end, new)

    def apply(self) -> str:
        parts, here = [], 0
        for start, end, new in sorted(self._edits, key=lambda edit: edit[:2]):
            parts += [self._text[here:start], new]
            if "\n" in self._text[start:end]:
                parts.append("\n" + marker(self._lines.place(end)))
            here = end
        return "".join([*parts, self._text[here:]])


def rewrite(text: str, relaxed: bool = False, lambdas: bool = False) -> Unit:
    """Rewrite one preprocessed source. `relaxed`: --expt-relaxed-constexpr, `lambdas`: --extended-lambda."""
    lines = Lines(text)
    tokens = tokenize(text)
    _refuse(tokens, lines)
    if not lambdas:
        _refuse_lambdas(tokens, lines)
    partner = match_brackets(tokens)
    if partner is None:  # g++ has a better message for this
        return Unit(f'#include "unit.h"\n{text}', False, lines.files(), [])
    _refuse_headers(text, tokens, partner, lines)
    source = read(tokens, partner)
    known = spaces.Spaces(source, lines, relaxed)
    graph = CallGraph(source)
    variables = Variables(source, lines)
    edits = _Edits(text, lines)
    previous = ""
    for token in tokens:
        if token.text == "__global__":
            edits.replace(token.start, token.end, "")
        elif (
            token.text == "__noinline__" and previous != "("
        ):  # __attribute__((__noinline__)) is an attribute of g++
            edits.replace_unless_replaced(token.start, token.end, "__attribute__((noinline))")
        previous = token.text
    for statement in source.statements:
        new = variables.outside(statement)
        if new is not None:
            edits.replace(tokens[statement.start].start, tokens[statement.end - 1].end, new)
    for function in source.functions:
        for start, end, new in (*variables.shared_in(function), *variables.statics_in(function)):
            edits.replace(tokens[start].start, tokens[end - 1].end, new)
        references = variables.references_for(function)
        if references:
            edits.replace(tokens[function.body[0]].end, tokens[function.body[0]].end, f" {references}{{")
            edits.replace(tokens[function.body[1]].start, tokens[function.body[1]].start, "}")
    for function in known.host_bodies(("throw", "try", "catch")):
        # Kernels are compiled without exceptions, and host functions are never run.
        edits.replace(tokens[function.body[0]].end, tokens[function.body[1]].start, " __builtin_trap(); ")
    for function in source.functions:
        for where, new in uses.captures(tokens, partner, function.body, variables.shared_of(function)):
            edits.replace_unless_replaced(where, where, new)
    for start, end, new in uses.types(tokens, variables.names):
        edits.replace_unless_replaced(start, end, new)
    table = _Table(source, graph, variables, lines)
    ending = "" if text.endswith("\n") else "\n"
    body = edits.apply() + ending
    return Unit(
        f'#include "unit.h"\n{body}# 1 "<kernels>"\n{table.text()}',
        table.uses_volatile,
        lines.files(),
        table.names,
        known if host_text.is_suspect(known) else None,
        list(host_text.seen_in_text(known)),
    )


def _refuse(tokens: list[Token], lines: Lines) -> None:
    """Raise errors for code that the simulator does not support, if the message of g++ would be unclear."""
    for index, token in enumerate(tokens):
        if token.text == "<<<":
            raise SourceError(
                f"{lines.place(token.start)}: error: `<<<...>>>` starts a kernel. With PyCUDA that is done "
                "from Python, so a host program's main() does not belong into the module; and kernels that "
                "start kernels (dynamic parallelism) the simulator cannot run."
            )
        if token.text in ("asm", "__asm__", "__asm"):
            strings = [t for t in tokens[index : index + 4] if t.kind == "string"]
            if strings and strings[0].text != '""':
                raise SourceError(
                    f"{lines.place(token.start)}: error: inline PTX (`asm`) is the machine language of GPUs; "
                    "the simulator compiles for the CPU. Use the CUDA function for it (__popc, __shfl_sync, "
                    "__pipeline_memcpy_async, nvcuda::wmma ...), or leave it out with "
                    "#ifndef __TINYGRAD_EDU_SIMULATOR__."
                )
        if (
            token.text in ("texture", "surface")
            and token.kind == "name"
            and index + 1 < len(tokens)
            and tokens[index + 1].text == "<"
        ):
            raise SourceError(
                f"{lines.place(token.start)}: error: texture and surface references were removed from CUDA "
                "in version 12, and the simulator has none either. "
                "Read global memory instead: __ldg(&x[i])."
            )


def _refuse_lambdas(tokens: list[Token], lines: Lines) -> None:
    for before, token in pairwise(tokens):
        if before.text == "]" and token.text in ("__device__", "__host__"):
            raise SourceError(
                f"{lines.place(token.start)}: error: a lambda with {token.text} is an extension\n"
                "What to do: compile with --extended-lambda; or leave the word out, since a lambda in a "
                "device function runs on the device."
            )


_TEMPLATE_HEADER = re.compile(
    r'^#include[ \t]*[<"](cuda_fp16|cuda_bf16|mma|cooperative_groups(/\w+)?)\.h[>"]', re.MULTILINE
)


def _refuse_headers(text: str, tokens: list[Token], partner: dict[int, int], lines: Lines) -> None:
    """Raise an error for CUDA's C++ headers inside extern "C" { }: nvcc does not compile them there."""
    for match in _TEMPLATE_HEADER.finditer(text):
        linkage = ""
        for index, token in enumerate(tokens):
            if token.start > match.start():
                break
            opens = token.text == "extern" and [t.text for t in tokens[index + 2 : index + 3]] == ["{"]
            if opens and tokens[partner[index + 2]].start > match.start():
                linkage = tokens[index + 1].text
        if linkage == '"C"':
            raise SourceError(
                f"{lines.place(match.start())}: error: {match[1]}.h is C++ and cannot be included inside "
                'extern "C" { }, which PyCUDA puts around the source. Use SourceModule(source, '
                'no_extern_c=True) and write extern "C" before each __global__ kernel.'
            )


class _Table:
    """The table of kernels as C++ code, which registers them when the module is loaded."""

    def __init__(self, source: Source, graph: CallGraph, variables: Variables, lines: Lines) -> None:
        self._source, self._graph, self._variables, self._lines = source, graph, variables, lines
        self.uses_volatile = False
        self.names: list[str] = []
        self._kernels = [f for f in source.functions if f.is_kernel]
        self._parts: list[str] = []
        for kernel in self._kernels:
            if kernel.template is None and not kernel.scope.is_template:
                same = [
                    k for k in self._kernels if (k.name, k.scope.names) == (kernel.name, kernel.scope.names)
                ]
                self._add(kernel, kernel.arguments, kernel.parameters if len(same) > 1 else None)
        for instantiation in source.instantiations:
            definition = self._definition(instantiation)
            if definition is not None:
                self._add(definition, instantiation.arguments, instantiation.parameters)

    def text(self) -> str:
        """The C++ text."""
        return "".join(self._parts)

    def _definition(self, instantiation: Instantiation) -> Function | None:
        name = instantiation.name
        return next((k for k in self._kernels if k.name == name and k.template is not None), None)

    def _add(self, kernel: Function, arguments: str, parameters: tuple[int, int] | None) -> None:
        number = len(self.names)
        reach = self._graph.reach(kernel)
        self.uses_volatile |= reach.uses_volatile
        own = self._variables.label(kernel, arguments, parameters)
        users = list(
            dict.fromkeys(
                user for f in reach.functions for user in self._variables.users(f, own if f is kernel else "")
            )
        )
        name = kernel.qualified + arguments
        self.names.append(name)
        function = "&::" + name
        if parameters is not None:
            types = self._variables.without_defaults(parameters)
            function = f"static_cast<void (*)({types})>({function})"
        place = self._lines.place(self._source.tokens[self._name_index(kernel)].start)
        where = f"{{{quote(place.file)}, {place.line}}}"
        parameters_text = " ".join(self._variables.without_defaults(kernel.parameters).split())
        signature = quote("(" + re.sub(r" (?=[,)\]\[])|(?<=[(\[*&]) ", "", parameters_text) + ")")
        # The assembler would confuse the name with a function of the C library, such as conj.
        symbol = quote(kernel.name) if self._has_c_linkage(kernel) else f"sim_thunks_{number}::symbol()"
        listed = "".join(f"{user}, " for user in users)
        thunks = f"sim_thunks_{number}"
        self._parts.append(
            f"# {place.line} {quote(place.file)}\n"
            f"typedef sim::thunks<decltype({function}), {function}> {thunks}; "
            f"static const char* const sim_users_{number}[] = {{{listed}nullptr}}; "
            f"static sim_kernel sim_kernel_{number} = sim::describe<{thunks}, "
            f"{self._bool(reach.synchronises)}>("
            f"(const void*)({function}), {quote(name)}, {signature}, sim_place{where}, "
            f"{self._max_threads(kernel)}, sim_users_{number}); "
            f"static sim::kernel_registration sim_registration_{number}({symbol}, sim_kernel_{number});\n"
        )

    def _has_c_linkage(self, kernel: Function) -> bool:
        texts = [self._source.tokens[i].text for i in range(kernel.head[0], kernel.parameters[0])]
        alone = any(pair == ("extern", '"C"') for pair in pairwise(texts))
        return alone or kernel.scope.c_linkage

    def _name_index(self, kernel: Function) -> int:
        index = kernel.parameters[0]
        while self._source.tokens[index].text != kernel.name:
            index -= 1
        return index

    @staticmethod
    def _bool(value: bool) -> str:
        return "true" if value else "false"

    def _max_threads(self, kernel: Function) -> str:
        """The first argument of __launch_bounds__; 0 without it, or if it depends on template parameters."""
        tokens, partner = self._source.tokens, self._source.partner
        for here in range(kernel.head[0], kernel.parameters[0]):
            if tokens[here].text == "__launch_bounds__":
                end = here + 2
                while tokens[end].text not in (",", ")"):
                    end = partner[end] + 1 if tokens[end].text in ("(", "[", "{") else end + 1
                names = set()
                if kernel.template is not None:
                    names = {token.text for token in tokens[slice(*kernel.template)] if token.kind == "name"}
                if not any(token.text in names for token in tokens[here + 2 : end]):
                    return f"unsigned({self._source.text(here + 2, end)})"
        return "0"
