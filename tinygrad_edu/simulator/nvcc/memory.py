"""Rewrites declarations of variables in device memory: shared, global, constant and static.

A variable becomes a reference to memory of the driver. `__shared__ float a[4];` in a function becomes:

    struct sim_tag_0 { ... name and place ... }; typedef float sim_type_0[4];
    sim_type_0& a = *sim::shared<sim_tag_0, sim_type_0>();

So `a` keeps its type and size; its address is looked up when the function runs. uses.py handles the cases in
which a program could notice the reference.
"""

from __future__ import annotations

from dataclasses import dataclass

from tinygrad_edu.simulator.nvcc.declarations import Declaration, Declarator, read_declaration, split_commas
from tinygrad_edu.simulator.nvcc.scopes import CLASS_KEYS, QUALIFIERS, Function, Scope, Source, Statement
from tinygrad_edu.simulator.nvcc.tokens import Lines, Place, SourceError, quote

_MEMORY = frozenset(("__device__", "__constant__", "__managed__"))


@dataclass
class GlobalSharedVariable:
    """A shared variable declared outside of functions; each function that names it gets a reference."""

    name: str
    reference: str  # the declaration of the reference, for these functions
    end: int  # index of the token after it; earlier functions cannot use it
    dynamic: bool


class Variables:
    """Rewrites declarations; a counter makes each generated name unique."""

    def __init__(self, source: Source, lines: Lines) -> None:
        self._source = source
        self._lines = lines
        self._count = 0
        self._defined: set[tuple[tuple[str, ...], str]] = set()
        self._forward_declared: set[tuple[tuple[str, ...], str]] = set()  # extern __constant__ float c[4];
        self._collect_names()
        self.global_shared: list[GlobalSharedVariable] = []
        self.shared_names: dict[int, set[str]] = {}  # id of a function -> names
        self.names: set[str] = set()  # names of all variables that became references

    # --- in functions ---

    def shared_in(self, function: Function) -> list[tuple[int, int, str]]:
        """(start, end, new text) of each shared declaration in a body; [start, end) has the semicolon."""
        tokens, partner = self._source.tokens, self._source.partner
        found, here = [], function.body[0] + 1
        while here < function.body[1]:
            if tokens[here].text != "__shared__":
                here += 1
                continue
            start = here
            while start > function.body[0] and tokens[start - 1].text not in (";", "{", "}", ":", "("):
                start = partner[start - 1] if tokens[start - 1].text in (")", "]") else start - 1
            end = here
            while tokens[end].text != ";":
                end = partner[end] + 1 if tokens[end].text in ("(", "[", "{") else end + 1
                if end >= function.body[1]:
                    raise SourceError(
                        f"{self._place(here)}: error: no semicolon ends this __shared__ declaration"
                    )
            declaration = self._read(start, end)
            found.append((start, end + 1, self._shared(declaration, function)))
            here = end + 1
        return found

    def statics_in(self, function: Function) -> list[tuple[int, int, str]]:
        """(start, end, new text) of each `static int n;` in the body of a device function.

        As in CUDA, it is one variable in device memory. Constants are not changed.
        """
        tokens, partner = self._source.tokens, self._source.partner
        if not {"__device__", "__global__"} & {token.text for token in tokens[slice(*function.head)]}:
            return []
        found, here = [], function.body[0] + 1
        while here < function.body[1]:
            text = tokens[here].text
            if text in CLASS_KEYS:  # a static member of a local class is a function
                while tokens[here].text not in ("{", ";", "(", ")", ",", ">", "=", "*"):
                    here += 1
                here = partner[here] if tokens[here].text == "{" else here
            elif text == "static" and tokens[here - 1].text in (";", "{", "}", ":", ")", "else"):
                end = here
                while tokens[end].text != ";":
                    end = partner[end] + 1 if tokens[end].text in ("(", "[", "{") else end + 1
                declaration = read_declaration(self._source, here, end)
                if declaration is not None and not self._is_unchanged(declaration):
                    found.append((here, end + 1, self._static(declaration, function)))
                here = end
            here += 1
        return found

    def _is_unchanged(self, declaration: Declaration) -> bool:
        constant = "const" in declaration.words and not any(d.is_pointer for d in declaration.declarators)
        # thread_local is an error in host_uses.py.
        return constant or bool(declaration.words & {"__shared__", "constexpr", "thread_local", "__thread"})

    def _static(self, declaration: Declaration, function: Function) -> str:
        number, text = self._base(declaration)
        for declarator in declaration.declarators:
            name, typename = declarator.name.text, self._next("type")
            self.shared_names.setdefault(id(function), set()).add(name)  # so that a lambda does not copy it
            self.names.add(name)
            value = "{}"
            if declarator.initialiser is not None:
                value = " = " + self._source.text(*declarator.initialiser)
            initial = f"static sim_base_{number} {self._shape(declarator, 'sim_initial')}{value}; "
            tag, definition = self._tag(
                declarator, '""', f"static auto& initial() {{ {initial}return sim_initial; }} "
            )
            text += (
                f" {definition} typedef std::remove_reference_t<decltype({tag}::initial())> {typename};"
                f" {typename}& {name} = *sim::static_variable<{tag}, {typename}, "
                f"{self._alignment(declaration)}>();"
            )
        return text

    def shared_of(self, function: Function) -> set[str]:
        """The names of the shared and static variables that a function may use."""
        return self.shared_names.get(id(function), set()) | {shared.name for shared in self.global_shared}

    def references_for(self, function: Function) -> str:
        """Declarations of references to the global shared variables that `function` names."""
        if not self.global_shared:
            return ""
        tokens = self._source.tokens
        named = {token.text for token in tokens[function.body[0] : function.body[1]] if token.kind == "name"}
        hidden = {token.text for token in tokens[function.parameters[0] : function.parameters[1]]}
        return "".join(
            shared.reference
            for shared in self.global_shared
            if shared.end <= function.head[0] and shared.name in named and shared.name not in hidden
        )

    def label(
        self, function: Function, arguments: str = "", parameters: tuple[int, int] | None = None
    ) -> str:
        """C++ for the name under which shared variables of `function` are registered.

        Each instance of a kernel template has its own name. `arguments` and `parameters` are those of an
        instance; inside the template, the names of its template parameters are used instead.
        """
        if not function.is_kernel or function.template is None or function.scope.classes:
            return quote(function.qualified)
        arguments = arguments or f"<{', '.join(self._template_names(function.template))}>"
        types = self.without_defaults(parameters or function.parameters)
        return f"sim::instance_name<static_cast<void (*)({types})>(&::{function.qualified}{arguments})>()"

    def _template_names(self, template: tuple[int, int]) -> list[str]:
        """The names in `<typename T, int N = 4, class... Rest>`: T, N, Rest..."""
        tokens, names = self._source.tokens, []
        for first, last in split_commas(self._source, template[0] + 1, template[1], angles=True):
            end = next((i for i in range(first, last) if tokens[i].text == "="), last)
            is_pack = any(tokens[i].text == "..." for i in range(first, end))
            names.append(tokens[end - 1].text + ("..." if is_pack else ""))
        return names

    def without_defaults(self, parameters: tuple[int, int]) -> str:
        """The parameters of a function without default values, as in its type."""
        tokens, parts = self._source.tokens, []
        for first, last in split_commas(self._source, parameters[0] + 1, parameters[1], angles=True):
            end = next((i for i in range(first, last) if tokens[i].text == "="), last)
            parts.append(self._source.text(first, end))
        return ", ".join(parts)

    def users(self, function: Function, label: str = "") -> list[str]:
        """C++ for the names under which all variables of `function` are registered."""
        tokens = self._source.tokens
        body = tokens[function.body[0] : function.body[1]]
        named = {token.text for token in body if token.kind == "name"}
        result = [label or self.label(function)] if "__shared__" in named else []
        return result + [
            quote(f"({s.name})") for s in self.global_shared if s.name in named and not s.dynamic
        ]

    # --- outside of functions ---

    def outside(self, statement: Statement) -> str | None:
        """The new text of a declaration of device memory, without semicolon; None if it is not one."""
        words = {t.text for t in self._source.tokens[statement.start : statement.end] if t.text in QUALIFIERS}
        if statement.scope.classes or not words & (_MEMORY | {"__shared__"}):
            return None
        declaration = read_declaration(self._source, statement.start, statement.end)
        if declaration is None or not declaration.words & (_MEMORY | {"__shared__"}):
            return None
        if "constexpr" in declaration.words:
            return None
        if "__shared__" in declaration.words:
            return self._global_shared(declaration, statement)
        if self._is_compile_time_constant(declaration):
            return None
        return self._globals(declaration, statement.scope)

    def _is_compile_time_constant(self, declaration: Declaration) -> bool:
        # `__device__ const int N = 16;` may be the size of an array, which a reference cannot be
        return "const" in declaration.words and all(
            d.plain and d.initialiser is not None for d in declaration.declarators
        )

    def _globals(self, declaration: Declaration, scope: Scope) -> str:
        kind = next(
            word for word in ("__constant__", "__managed__", "__device__") if word in declaration.words
        )
        number, text = self._base(declaration)
        for declarator in declaration.declarators:
            name = declarator.name.text
            self.names.add(name)
            place = self._lines.place(declarator.name.start)
            if "extern" in declaration.words and declarator.initialiser is None:
                if (scope.names, name) not in self._defined:
                    raise SourceError(
                        f"{place}: error: '{name}' is declared extern here and defined nowhere. "
                        "The simulator loads one source at a time, "
                        "so a variable of another one cannot be reached."
                    )
                typename = self._next("type")
                text += f" {self._typedef(number, declarator, typename)} extern {typename}& {name};"
                continue
            label = self._symbol(name, scope)
            alignment = self._alignment(declaration)
            arguments = f"{quote(kind)}, {quote(label)}"
            typename = self._next("type")
            if declarator.initialiser is None:
                text += f" {self._typedef(number, declarator, typename)}"
            else:
                initial = typename.replace("type", "initial")
                value = self._source.text(*declarator.initialiser)
                shape = self._shape(declarator, initial)
                text += (
                    f" static sim_base_{number} {shape} = {value}; typedef decltype({initial}) {typename};"
                )
                arguments += f", &{initial}"
            # static, if it has no other declaration, so that g++ knows that no store changes the reference
            storage = "" if (scope.names, name) in self._forward_declared else "static "
            text += (
                f" {storage}{typename}& {name} = sim::global<{typename}, {alignment}>({arguments}, "
                f"sim_place{self._literal(place)});"
            )
        return text.rstrip(";")

    def _global_shared(self, declaration: Declaration, statement: Statement) -> str:
        dynamic = "extern" in declaration.words
        self._refuse_initialisers(declaration)
        number, text = self._base(declaration)
        path = "::".join(("", *statement.scope.names)) + "::"
        for declarator in declaration.declarators:
            name, typename = declarator.name.text, self._next("type")
            self.names.add(name)
            text += " " + self._typedef(number, declarator, typename)
            if dynamic:
                reference = f"{path}{typename}& {name} = *sim::dynamic_shared<{path}{typename}>(); "
            else:
                tag, definition = self._tag(declarator, quote(f"({name})"))
                text += " " + definition
                reference = (
                    f"{path}{typename}& {name} = *sim::shared<{path}{tag}, {path}{typename}, "
                    f"{self._alignment(declaration)}>(); "
                )
            self.global_shared.append(GlobalSharedVariable(name, reference, statement.end, dynamic))
        return text.rstrip(";")

    # --- both ---

    def _shared(self, declaration: Declaration, function: Function) -> str:
        self._refuse_initialisers(declaration)
        dynamic = "extern" in declaration.words
        number, text = self._base(declaration)
        for declarator in declaration.declarators:
            name, typename = declarator.name.text, self._next("type")
            self.shared_names.setdefault(id(function), set()).add(name)
            self.names.add(name)
            text += " " + self._typedef(number, declarator, typename)
            if dynamic:
                text += f" {typename}& {name} = *sim::dynamic_shared<{typename}>();"
            else:
                tag, definition = self._tag(declarator, self.label(function))
                text += (
                    f" {definition} {typename}& {name} = *sim::shared<{tag}, {typename}, "
                    f"{self._alignment(declaration)}>();"
                )
        return text

    def _tag(self, declarator: Declarator, function: str, more: str = "") -> tuple[str, str]:
        tag = self._next("tag")
        place = self._literal(self._lines.place(declarator.name.start))
        return tag, (
            f"struct {tag} {{ static const char* function() {{ return {function}; }} "
            f"static const char* name() {{ return {quote(declarator.name.text)}; }} "
            f"static sim_place place() {{ return {place}; }} {more}}};"
        )

    def _refuse_initialisers(self, declaration: Declaration) -> None:
        for declarator in declaration.declarators:
            if declarator.initialiser is not None:
                raise SourceError(
                    f"{self._lines.place(declarator.name.start)}: error: the __shared__ variable "
                    f"'{declarator.name.text}' cannot have an initialiser: every block has its own, "
                    "and no thread would know whether to write it. "
                    "Let one thread assign it, then call __syncthreads()."
                )

    def _base(self, declaration: Declaration) -> tuple[int, str]:
        self._count += 1
        number = self._count
        return number, f"typedef {declaration.type_text} sim_base_{number};"

    def _typedef(self, base: int, declarator: Declarator, name: str) -> str:
        return f"typedef sim_base_{base} {self._shape(declarator, name)};"

    def _shape(self, declarator: Declarator, name: str) -> str:
        first, last = declarator.shape
        parts = [
            name if i == declarator.name_index else self._source.tokens[i].text for i in range(first, last)
        ]
        return " ".join(parts)

    @staticmethod
    def _symbol(name: str, scope: Scope) -> str:
        """The name for cuModuleGetGlobal: plain in the global namespace, mangled in another."""
        if scope.c_linkage or not scope.names:
            return name
        return "_ZN" + "".join(f"{len(part)}{part}" for part in (*scope.names, name)) + "E"

    def _next(self, word: str) -> str:
        self._count += 1
        return f"sim_{word}_{self._count}"

    def _read(self, start: int, end: int) -> Declaration:
        declaration = read_declaration(self._source, start, end)
        if declaration is None:
            raise SourceError(
                f"{self._place(start)}: error: this __shared__ declaration is not understood: "
                f"{self._source.text(start, end)}"
            )
        return declaration

    def _alignment(self, declaration: Declaration) -> str:
        result = "1"
        for expression in declaration.alignment:
            is_type = all(part.isidentifier() for part in expression.split()) and not expression.isdigit()
            value = f"alignof({expression})" if is_type else f"unsigned({expression})"
            result = f"sim::larger({result}, {value})" if result != "1" else value
        return result

    def _place(self, index: int) -> Place:
        return self._lines.place(self._source.tokens[index].start)

    @staticmethod
    def _literal(place: Place) -> str:
        return f"{{{quote(place.file)}, {place.line}}}"

    def _collect_names(self) -> None:
        for statement in self._source.statements:
            if statement.scope.classes:
                continue
            declaration = read_declaration(self._source, statement.start, statement.end)
            if declaration is None or not declaration.words & _MEMORY:
                continue
            for declarator in declaration.declarators:
                only_announced = "extern" in declaration.words and declarator.initialiser is None
                names = self._forward_declared if only_announced else self._defined
                names.add((statement.scope.names, declarator.name.text))
