"""Oracles: the correct results of elementwise ops from an independent source, for tests and measurements.

A declaration gives it as `oracle=`: a formula of numbers as in a textbook, such as
`lambda x: 1 / (1 + exact.exp(-x))`, or the name of a function of another library, such as
`"scipy.special.erf"`. Without it, the oracle is the first function in LIBRARIES with the op's name. A
function that the op itself calls is never used: that would prove nothing.

mpmath computes the formulas with as many digits as needed, so cancellation in them does not matter. It is
imported when an oracle is first called; training a model never imports it.
"""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterator, Sequence
from types import CodeType, ModuleType
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.engine.op import Op
from tinygrad_edu.errors import OpError, wrong

LIBRARIES = ("mpmath", "operator", "builtins", "math", "scipy.special", "numpy")
OF_FLOATS = ("math", "scipy", "numpy")  # these compute in float64 at most
BITS = 200
NOTHING = (ArithmeticError, ValueError)  # raised by a function that has no value at a point


class _Exact:
    """mpmath, imported at the first use of one of its functions."""

    def __getattr__(self, name: str) -> Any:
        try:
            return getattr(importlib.import_module("mpmath"), name)
        except ModuleNotFoundError as error:
            raise ModuleNotFoundError("oracles are computed by mpmath: pip install mpmath") from error


exact: Any = _Exact()


class Oracle(NamedTuple):
    """A function of numbers; with `exact` it takes mpmath's numbers, and computes with their precision."""

    function: Callable[..., Any]
    exact: bool = True


@functools.cache
def oracle_of(op: Op) -> Oracle:
    """The oracle of the elementwise `op`. Raises OpError if there is none."""
    declared, own = getattr(op, "oracle", None), {id(part) for part in _parts(op.numpy)}
    if callable(declared):
        found = [Oracle(declared)]
    elif declared is not None:
        found = list(_named(*declared.rpartition(".")[::2]))
    else:
        found = [oracle for library in LIBRARIES for oracle in _named(library, op.name)]
    for oracle in found:
        if id(oracle.function) not in own:
            return oracle
    what = f"its oracle, {declared}, " if declared else f"a {op.name} of {', '.join(LIBRARIES)} "
    raise wrong(
        OpError,
        f"op {op.name!r}",
        f"op {op.name!r} has nothing to be held against: {what}is not there, or is what computes it",
        "its declaration says what it should return, as a book has it, "
        "oracle=lambda x: 1 / (1 + exact.exp(-x)), or who else computes it, oracle='scipy.special.expit'",
    )


def expected(op: Op, arrays: Sequence[Any], params: dict[str, Any]) -> Any:
    """What the op should return, as a masked array: masked where the result is not a finite number."""
    oracle, grids, params = oracle_of(op), np.broadcast_arrays(*arrays), {**op.defaults, **params}
    kind = bool if isinstance(number(oracle, [0.5] * len(grids), params), bool | np.bool_) else float
    said = [number(oracle, [g[i].item() for g in grids], params) for i in np.ndindex(grids[0].shape)]
    values = np.array([0 if v is None else v for v in said], kind)
    return np.ma.array(values, mask=[v is None for v in said]).reshape(grids[0].shape)


def number(oracle: Oracle, xs: Sequence[Any], params: dict[str, Any], bits: int = BITS) -> Any:
    """The oracle's result for numbers; None if it has no real result."""
    with exact.workprec(bits):
        if oracle.exact:
            xs = [exact.mpf(x) if isinstance(x, float) else x for x in xs]
        try:
            found = oracle.function(*xs, **params)
        except NOTHING:
            return None
        return None if isinstance(found, complex | exact.mpc) else found


def _named(library: str, name: str) -> Iterator[Oracle]:
    """The function `name` of a library, if it has one."""
    try:
        function = getattr(importlib.import_module(library), name, None)
    except ModuleNotFoundError:
        return
    if callable(function):
        yield Oracle(function, library.partition(".")[0] not in OF_FLOATS)


def _parts(function: Any) -> Iterator[Any]:
    """A function and all that it calls by name: wrapped functions, globals, and functions of modules."""
    seen: set[int] = set()
    stack = [function]
    while stack:
        one = stack.pop()
        if id(one) in seen or not callable(one):
            continue
        seen.add(id(one))
        yield one
        stack += [cell.cell_contents for cell in getattr(one, "__closure__", None) or ()]
        code = getattr(one, "__code__", None)
        if code is not None and str(one.__module__).partition(".")[0] not in OF_FLOATS:
            names = set(_names(code))
            values = [one.__globals__[n] for n in names if n in one.__globals__]
            modules = [v for v in values if isinstance(v, ModuleType)]
            stack += [*values, *(getattr(m, n) for m in modules for n in names if hasattr(m, n))]


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _names(inner)
