"""The reference pages of the ops, written from their declarations: `python -m tinygrad_edu.reference`.

    python -m tinygrad_edu.reference [--check] [--out DIRECTORY]

Formula, rules, what is saved, where it is differentiable, what holds at special points: all of it is read off
the declaration that also runs, so a page cannot say what the code does not do. `evidence` adds the proof and
the kernel. `--check` writes nothing and exits with 1 when a page is not what would be written. `describe(op)`
is the section of one op, a user's too.
"""
from __future__ import annotations

import argparse
import difflib
import functools
import importlib
import itertools
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tinygrad_edu import evidence, functional, ops
from tinygrad_edu.domain import Call, Edge, SeededDraw
from tinygrad_edu.engine.op import REGISTRY, Op
from tinygrad_edu.source import declares, source_of

_ENCODING = "utf-8"
_SEEDS = 50                                     # tries to draw an example without empty arrays
_DEFAULT = Path(__file__).resolve().parents[1] / "docs" / "reference"


def describe(op: Op) -> str:
    """The section of one op, in Markdown."""
    parts = [f"## {op.name}", *_summary(op), _inputs(op), _rules(op), _saves(op), evidence.proof(op),
             _edges(op), evidence.kernel(op), _example(op)]
    return "\n\n".join(part for part in parts if part) + "\n"


def pages() -> dict[str, str]:
    """{file name: text} of all reference pages, the same at every run."""
    written, listed = {}, []
    for module in _modules():
        mine = [op for op in REGISTRY.values() if _home(op) is module]
        if not mine:
            continue
        file = module.__name__.rsplit(".", 1)[-1] + ".md"
        title = file[:-3].capitalize()
        about = (module.__doc__ or "").strip()
        source = "/".join(module.__name__.split(".")) + ".py"
        head = f"# {title}\n\n{about}\n\nDeclared in [{source}](../../{source}).\n"
        written[file] = "\n".join([head, *map(describe, mine)])
        listed.append((title, file, mine))
    written["README.md"] = _index(listed)
    return written


def write(out: Path) -> list[Path]:
    """Write all pages into `out`, remove pages of ops files that are gone, and return the paths."""
    out.mkdir(parents=True, exist_ok=True)
    made = []
    for name, text in pages().items():
        (out / name).write_text(text, encoding=_ENCODING)
        made.append(out / name)
    for stale in set(out.glob("*.md")) - set(made):
        stale.unlink()
    return made


def differences(out: Path) -> list[str]:
    """What differs between the pages in `out` and those that would be written: diffs, in lines."""
    wanted, found = pages(), {p.name: p.read_text(encoding=_ENCODING) for p in sorted(out.glob("*.md"))}
    lines: list[str] = []
    for name in sorted({*wanted, *found}):
        there, declared = found.get(name, "").splitlines(), wanted.get(name, "").splitlines()
        lines += difflib.unified_diff(there, declared, f"{name} (there)", f"{name} (declared)",
                                      lineterm="", n=1)
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tinygrad_edu.reference",
                                     description="Write the reference of the ops from their declarations.")
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a page is stale")
    parser.add_argument("--out", type=Path, default=_DEFAULT, help="the folder of the pages (docs/reference)")
    given = parser.parse_args(arguments)
    if not given.check:
        made = write(given.out)
        print(f"{len(made)} pages, {len(REGISTRY)} ops, in {given.out}")
        return 0
    lines = differences(given.out)
    if lines:
        print("\n".join(lines[:60]))
        if len(lines) > 60:
            print(f"... and {len(lines) - 60} lines more")
        print("the reference is out of date; run `python -m tinygrad_edu.reference` and commit the pages",
              file=sys.stderr)
    return 1 if lines else 0


# -- the parts of a section ---------------------------------------------------------------------------------

def _summary(op: Op) -> Iterator[str]:
    if op.math:
        yield f"${op.math}$"
    if op.doc and op.doc != op.math:
        yield op.doc
    direct = [f"`te.{name}`" for name in functional.__all__ if getattr(_public(name), "op", None) is op]
    through = [f"`te.{name}`" for name in functional.__all__ if f"`te.{name}`" not in direct
               and op in _ops_behind(_public(name))]
    said = [f"In `te`: {', '.join(direct)}."] if direct else []
    if through:
        rest = f" and {len(through) - 8} more" if len(through) > 8 else ""
        said.append(f"{'Also behind' if direct else 'Behind'} {', '.join(through[:8])}{rest}.")
    if op.view:
        said.append("The result may be a view of the input's memory.")
    if not op.differentiable:
        said.append("No gradient passes.")
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
        default = f"default `{_write(op.defaults[name])}`" if name in op.defaults else "required"
        rows.append((f"`{name}`", "parameter", default))
    return _table(("name", "kind", "facts"), rows)


def _rules(op: Op) -> str:
    if not op.differentiable:
        return ""
    if op.joint is not None:
        return ("The rule of all inputs at once; `g` is the incoming gradient:\n\n"
                f"```python\n{source_of(op.joint)}\n```")
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
    return _table(("when gradients are wanted of", "backward needs saved"), rows)


def _edges(op: Op) -> str:
    def row(edge: Edge) -> tuple[str, ...]:
        given = ", ".join(f"`{k}={_write(v)}`" for k, v in {**edge.inputs, **edge.params}.items())
        slopes = ", ".join("unsaid" if s is None else f"`{_write(s)}`" for s in edge.slopes) or "unsaid"
        return given, f"`{_write(edge.out)}`", slopes, edge.why
    if not op.edges:
        return ""
    return "At special points, exactly:\n\n" + _table(("at", "result", "gradient of `sum`", "why"),
                                                      [row(edge) for edge in op.edges])


def _example(op: Op) -> str:
    for seed in range(_SEEDS):
        call = op.calls(SeededDraw(seed))
        shapes = [np.shape(a) for a in call.arrays]
        sides = [n for shape in shapes for n in shape] or list(call.params.get("shape", (1,)))
        if all(sides) and sides:
            break
    names = [f"{op.inputs[0]}{i}" for i in range(len(call.arrays))] if op.variadic else list(op.inputs)
    return "A call:\n\n```python\n" + _written_call(op, call, names) + "\n```"


def _written_call(op: Op, call: Call, names: Sequence[str]) -> str:
    """The call, the shapes that went in, and the shape that came out of running it."""
    out = np.asarray(op.numpy(*call.arrays, **{**op.defaults, **call.params}))
    lines = [f"{name}: {_meta(np.asarray(a))}" for name, a in zip(names, call.arrays)]
    given = ", ".join([*names, *(f"{k}={_write(v)}" for k, v in call.params.items())])
    return "\n".join([*lines, f"{op.name}({given})  # {_meta(out)}"])


# -- where things are ---------------------------------------------------------------------------------------

@functools.cache
def _modules() -> list[ModuleType]:
    return [importlib.import_module(f"{ops.__name__}.{found.name}")
            for found in sorted(pkgutil.iter_modules(ops.__path__), key=lambda m: m.name)]


def _home(op: Op) -> ModuleType | None:
    """The module of the library that declares `op`, or None for a user's."""
    holding = [m for m in _modules() if any(value is op for value in vars(m).values())]
    return next((m for m in holding if declares(m, op.name)), holding[0] if holding else None)


def _public(name: str) -> Any:
    return getattr(functional, name)


@functools.cache
def _ops_behind(function: Callable[..., Any]) -> frozenset[Op]:
    """The ops that a function names, itself or through functions of its floor; not those of operators."""
    found: set[Op] = set()
    seen: set[int] = set()
    stack: list[Any] = [function]
    while stack:
        one = stack.pop()
        used = one.__code__.co_names if hasattr(one, "__code__") else ()
        for name in used:
            value = one.__globals__.get(name)
            inside = isinstance(value, ModuleType)
            for thing in [getattr(value, n, None) for n in used] if inside else [value]:
                home = getattr(thing, "__module__", None) or ""
                if isinstance(thing, Op):
                    found.add(thing)
                elif home.startswith(functional.__name__) and id(thing) not in seen:
                    seen.add(id(thing))
                    stack.append(thing)
    return frozenset(found)


def _by_domain(op: Op) -> bool:
    return getattr(op.calls, "__qualname__", "").startswith("elementwise.")


# -- writing ------------------------------------------------------------------------------------------------

def _index(listed: Sequence[tuple[str, str, Sequence[Op]]]) -> str:
    count = sum(len(mine) for _, _, mine in listed)
    out = ["# Reference", f"The {count} primitives of the library, by the file that declares them. These "
           "pages are written by `python -m tinygrad_edu.reference` from the declarations; change those."]
    for title, file, mine in listed:
        rows = [(f"[{op.name}]({file}#{op.name})", f"${op.math}$" if op.math else op.doc,
                 "yes" if op.differentiable else "no") for op in mine]
        out += [f"## [{title}]({file})", _table(("op", "computes", "differentiable"), rows)]
    return "\n\n".join(out) + "\n"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(c.replace("|", r"\vert ") if c.startswith("$") else c.replace("|", r"\|")
                                 for c in cells) + " |"
    return "\n".join([line(head), "|" + " --- |" * len(head), *map(line, rows)])


def _meta(array: Any) -> str:
    return f"{tuple(array.shape)} {array.dtype}"


def _write(value: Any) -> str:
    """A parameter or a number for a page: the same text in every run and NumPy."""
    if isinstance(value, (list, tuple)):
        inside = ", ".join(map(_write, value))
        return f"[{inside}]" if isinstance(value, list) else f"({inside}{',' * (len(value) == 1)})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k!r}: {_write(v)}" for k, v in value.items()) + "}"
    if isinstance(value, np.ndarray):
        return f"array of {_meta(value)}" if value.size > 8 else _write(value.tolist())
    if isinstance(value, (np.dtype, type)):
        return str(np.dtype(value))
    if isinstance(value, np.generic):
        return _write(value.item())
    if isinstance(value, float):
        return f"{value:g}"
    plain = (int, str, slice, type(None), type(Ellipsis))
    return repr(value) if isinstance(value, plain) else type(value).__name__


if __name__ == "__main__":
    sys.exit(main())
