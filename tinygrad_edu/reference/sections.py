"""The section of one op, from its declaration, as Markdown."""

from __future__ import annotations

import functools
import inspect
import itertools
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from tinygrad_edu import evidence, functional
from tinygrad_edu.domain import Edge
from tinygrad_edu.engine.op import Op
from tinygrad_edu.reference import curves, examples, namesakes
from tinygrad_edu.reference.writing import table, written
from tinygrad_edu.source import source_of


def section(op: Op, home: ModuleType | None) -> str:
    """The section of an op. `home` is the module that declares it, None for a user's op."""
    parts = [f"## {op.name}", *_summary(op), curves.shown(op) if home else "", examples.of_op(op, home),
             _inputs(op), _rules(op), _saves(op), evidence.proof(op), evidence.accuracy(op), _edges(op),
             evidence.kernel(op)]  # fmt: skip
    return "\n\n".join(part for part in parts if part) + "\n"


def _summary(op: Op) -> Iterator[str]:
    if op.math:
        yield f"${op.math}$"
    if op.doc and op.doc != op.math:
        yield op.doc
    direct = [f"`te.{name}`" for name in functional.PUBLIC if getattr(_public(name), "op", None) is op]
    through = [
        f"`te.{name}`"
        for name in functional.PUBLIC
        if f"`te.{name}`" not in direct and op in _ops_behind(_public(name))
    ]
    said = [f"In `te`: {', '.join(direct)}."] if direct else []
    if through:
        rest = f" and {len(through) - 8} more" if len(through) > 8 else ""
        said.append(f"{'Also behind' if direct else 'Behind'} {', '.join(through[:8])}{rest}.")
    if op.view:
        said.append("The result may be a view of the input's memory.")
    if not op.differentiable:
        said.append("No gradient passes.")
    if elsewhere := namesakes.sentence(op.name):
        said.append(elsewhere)
    if said:
        yield " ".join(said)


def _inputs(op: Op) -> str:
    if not op.inputs and not op.params:
        return ""
    where = op.domain if _by_domain(op) else ("",) * len(op.inputs)
    rows = []
    for i, name in enumerate(op.inputs):
        rule = op.joint or (op.vjps[i] if op.vjps else None)
        on = f", and tested, on {where[i]}" if where[i] else ""
        text = "no gradient" if rule is None else "differentiable" + on
        rows.append((f"`{'*' if op.variadic else ''}{name}`", "input", text))
    for name in op.params:
        default = f"default `{written(op.defaults[name])}`" if name in op.defaults else "required"
        rows.append((f"`{name}`", "parameter", default))
    return table(("name", "kind", "facts"), rows)


def _rules(op: Op) -> str:
    if not op.differentiable:
        return ""
    if op.joint is not None:
        return (
            "The rule of all inputs at once; `g` is the incoming gradient:\n\n"
            f"```python\n{source_of(op.joint)}\n```"
        )
    texts: dict[str, list[str]] = {}
    for name, rule in zip(op.inputs, op.vjps, strict=True):
        if rule is not None:
            texts.setdefault(source_of(rule), []).append(name)
    code = "\n\n".join(f"# gradient of {', '.join(names)}\n{text}" for text, names in texts.items())
    return f"Gradient rules; `g` is the incoming gradient:\n\n```python\n{code}\n```"


def _saves(op: Op) -> str:
    if not op.differentiable:
        return ""
    inputs = ("first", "second") if op.variadic else op.inputs
    able = [i for i in range(len(inputs)) if op.joint is not None or op.vjps[i] is not None]
    rows = []
    for size in range(1, len(able) + 1):
        for chosen in itertools.combinations(able, size):
            plan = op.plan(tuple(i in chosen for i in range(len(inputs))))
            kept = [f"`{inputs[i] if op.variadic and i >= 0 else name}`" for name, i in plan]
            rows.append((", ".join(f"`{inputs[i]}`" for i in chosen), ", ".join(kept) or "nothing"))
    if len({kept for _, kept in rows}) == 1:
        return f"Saves for backward: {rows[0][1]}."
    return table(("when gradients are wanted of", "backward needs saved"), rows)


def _edges(op: Op) -> str:
    def row(edge: Edge) -> tuple[str, ...]:
        given = ", ".join(f"`{k}={written(v)}`" for k, v in {**edge.inputs, **edge.params}.items())
        slopes = ", ".join("unsaid" if s is None else f"`{written(s)}`" for s in edge.slopes) or "unsaid"
        return given, f"`{written(edge.out)}`", slopes, edge.why

    if not op.edges:
        return ""
    return "At special points, exactly:\n\n" + table(
        ("at", "result", "gradient of `sum`", "why"), [row(edge) for edge in op.edges]
    )


def _public(name: str) -> Any:
    return inspect.unwrap(getattr(functional, name))


@functools.cache
def _ops_behind(function: Callable[..., Any]) -> frozenset[Op]:
    """The ops that a function names, directly or through functions of its floor; not those of operators."""
    found: set[Op] = set()
    seen: set[int] = set()
    stack: list[Any] = [function]
    while stack:
        one = stack.pop()
        used = one.__code__.co_names if hasattr(one, "__code__") else ()
        for name in used:
            value = one.__globals__.get(name)
            inside = isinstance(value, ModuleType)
            for thing in [vars(value).get(n) for n in used] if inside else [value]:
                home = getattr(thing, "__module__", None) or ""
                if isinstance(thing, Op):
                    found.add(thing)
                elif home.startswith(functional.__name__) and id(thing) not in seen:
                    seen.add(id(thing))
                    stack.append(thing)
    return frozenset(found)


def _by_domain(op: Op) -> bool:
    return getattr(op.calls, "__qualname__", "").startswith("elementwise.")
