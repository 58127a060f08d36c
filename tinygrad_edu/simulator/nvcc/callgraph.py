"""The functions that a kernel may call, by name: whether it synchronises, and which shared variables it uses.

The result may contain too many functions, but never too few. A function counts as calling every function of
the source whose name it contains, in any scope. Functions that are called without a name (operators,
constructors, destructors) count as called by all. So a kernel that does not synchronise by this result really
does not, and may run as a loop.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from tinygrad_edu.simulator.nvcc.scopes import Function, Source, Statement, find_callee
from tinygrad_edu.simulator.nvcc.tokens import Token

# A function that names one of these may have to wait for another thread of the block.
_SYNCHRONISING = re.compile(
    r"__syncthreads\w*|__barrier_sync\w*|__syncwarp|__shfl\w*|__(any|all|ballot|uni)(_sync)?|__match_\w+"
    r"|__reduce_\w+_sync"
    r"|__activemask|cooperative_groups|cg|this_thread_block|tiled_partition|coalesced_threads|wmma|nvcuda"
    r"|__pipeline_\w+|memcpy_async|__nanosleep|pipeline|barrier|volatile|__threadfence\w*|sim_\w+"
)
_ATOMIC = re.compile(r"atomic[A-Z]\w*|__atomic_\w+|__sync_\w+|atomic|atomic_ref")
_EXCHANGE = re.compile(r"atomic(CAS|Exch)\w*|__atomic_(compare_)?exchange\w*|__sync_\w+|atomic|atomic_ref")
_LOOPS = frozenset(("for", "while", "do", "goto"))


@dataclass
class Reach:
    """The result for one kernel."""

    synchronises: bool = False
    uses_volatile: bool = False
    functions: list[Function] = field(default_factory=list)


class CallGraph:
    """The names in each function, and the functions that each name may refer to."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._uses = [self._names(function) for function in source.functions]
        self._by_name: dict[str, list[int]] = {}
        self._always: list[int] = []
        for index, function in enumerate(source.functions):
            self._by_name.setdefault(function.name, []).append(index)
            named_otherwise = function.name.startswith(("operator", "~"))
            if named_otherwise or function.name in function.scope.classes:
                self._always.append(index)
        self._in_function = self._function_tokens()
        self._aliases = self._read_aliases()
        self._volatile_outside = any(
            token.text == "volatile" for s in source.statements for token in self._outside(s)
        )

    def reach(self, kernel: Function) -> Reach:
        """Follow all names from `kernel`."""
        result = Reach(uses_volatile=self._volatile_outside)
        names: set[str] = set()
        start = next(i for i, function in enumerate(self._source.functions) if function is kernel)
        pending = [*self._always, start]
        seen = set(pending)
        while pending:
            index = pending.pop()
            result.functions.append(self._source.functions[index])
            fresh = list(self._uses[index] - names)
            if index in self._always and index != start:
                # An operator of volatile objects needs such an object, whose name occurs in some function.
                fresh = [name for name in fresh if name != "volatile"]
            while fresh:
                name = fresh.pop()
                if name in names:
                    continue
                names.add(name)
                fresh += self._aliases.get(name, ())
                for other in self._by_name.get(name, ()):
                    if other not in seen and other != index:
                        seen.add(other)
                        pending.append(other)
        result.uses_volatile |= "volatile" in names
        result.synchronises = (
            result.uses_volatile
            or any(_SYNCHRONISING.fullmatch(name) for name in names)
            or self._may_spin(names, result.functions)
        )
        return result

    def _names(self, function: Function) -> set[str]:
        tokens = self._source.tokens[function.head[0] : function.body[1]]
        return {token.text for token in tokens if token.kind == "name"}

    def _function_tokens(self) -> bytearray:
        """1 for each token of a function, with or without a body."""
        mask = bytearray(len(self._source.tokens))
        spans = [(f.head[0], f.body[1] + 1) for f in self._source.functions]
        for statement in self._source.statements:
            texts = {token.text for token in self._source.tokens[statement.start : statement.end]}
            if (
                not texts & {"=", "{", "typedef", "using"}
                and find_callee(self._source, statement.start, statement.end) is not None
            ):
                spans.append((statement.start, statement.end))
        for start, end in spans:
            mask[start:end] = b"\1" * (end - start)
        return mask

    def _outside(self, statement: Statement) -> list[Token]:
        """The tokens of a statement that are not part of a function."""
        span = range(statement.start, statement.end)
        return [self._source.tokens[i] for i in span if not self._in_function[i]]

    def _read_aliases(self) -> dict[str, set[str]]:
        """Names that refer to other names: typedef, using, variables with an initialiser, classes."""
        aliases: dict[str, set[str]] = {}
        for statement in self._source.statements:
            tokens = self._outside(statement)
            texts = [token.text for token in tokens]
            if not texts or ("=" not in texts and texts[0] not in ("typedef", "using")):
                continue
            names = {token.text for token in tokens if token.kind == "name"}
            for name in names:
                aliases.setdefault(name, set()).update(names)
        return aliases

    def _may_spin(self, names: set[str], functions: list[Function]) -> bool:
        """Whether the kernel may have a spin loop: a loop around an atomic operation, as in a lock.

        Such a loop may end only after another thread has continued, so the threads cannot run one after the
        other.
        """
        if not any(_ATOMIC.fullmatch(name) for name in names):
            return False
        if any(_EXCHANGE.fullmatch(name) for name in names) and names & _LOOPS:
            return True
        return any(self._waits(function) for function in functions)

    def _waits(self, function: Function) -> bool:
        """Whether a function has a loop like `while (atomicAdd(p, 0) < n)`, `while (true)` or `for (;;)`."""
        tokens, partner = self._source.tokens, self._source.partner
        for here in range(*function.body):
            if tokens[here].text not in ("while", "for", "goto") or tokens[here].kind != "name":
                continue
            if tokens[here].text == "goto":
                return True
            condition = self._condition(tokens, here + 1, partner)
            if (
                not condition
                or condition[0].text in ("true", "1")
                or any(token.kind == "name" and _ATOMIC.fullmatch(token.text) for token in condition)
            ):
                return True
        return False

    @staticmethod
    def _condition(tokens: list[Token], opening: int, partner: dict[int, int]) -> list[Token]:
        inside = tokens[opening + 1 : partner[opening]]
        if tokens[opening - 1].text == "while":
            return inside
        parts: list[list[Token]] = [[]]
        for token in inside:
            if token.text == ";":
                parts.append([])
            else:
                parts[-1].append(token)
        return parts[1] if len(parts) == 3 else [tokens[opening]]  # a range-for always ends
