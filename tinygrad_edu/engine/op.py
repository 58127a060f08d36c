"""Op: one declaration per primitive, from which recording, saving, proofs, docs, drawings and kernels follow.
"""
from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.backend.registry import cpu
from tinygrad_edu.domain import Edge, Interval, Recipe, elementwise
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import OpError, shut_down

REGISTRY: dict[str, Op] = {}
Rule = Callable[..., Any]


class Plan(NamedTuple):
    """What to save, which rules to run and which shapes they name, when only some inputs want gradients."""
    saves: tuple[tuple[str, int], ...]
    rules: tuple[tuple[int, Rule, tuple[str, ...]], ...]
    shapes: tuple[tuple[str, int], ...]


class Op:
    """A primitive: how to compute it, how to differentiate it, where it may be tested.

    Parameters
    ----------
    name : str
        The op's name; unique.
    numpy : callable
        Arrays positional, parameters keyword-only, one array out. The specification of every backend's
        kernel.
    vjps : sequence of callables or None
        One per input: the gradient of that input, or None where there is none. **Its parameter names say what
        backward needs and therefore what is saved**: `g` the incoming gradient, `out` the result, an input's
        name its value, `<input>_shape` only its shape, any other a keyword parameter of the call. Rules are
        written with operators and other ops, so the second derivative is a consequence. Broadcasting is
        undone for them.
    joint : callable, optional
        Instead of `vjps`, one rule that returns the gradients of all inputs; `wants` in its signature is a
        tuple of bools, one per input. Needed by ops with any number of inputs (`variadic`).
    domain : Interval or tuple of Interval
        Where each input may lie for the derivatives to exist; for elementwise ops.
    calls : recipe, optional
        How to draw a call whose inputs must fit together; instead of `domain`.
    fits : callable, optional
        Raises for inputs whose shapes or dtypes do not belong together: called as `numpy` is, before any
        backend computes, so that all refuse the same calls. It must not look at the numbers.
    edges : sequence of Edge
        What holds at kinks, ties and singular points; tested exactly.
    math : str
        The formula, in LaTeX.
    view : bool
        The result may share the first input's memory.
    inputs : sequence of str, optional
        The inputs' names, when `numpy` has a signature that cannot be read (a ufunc's are x, y, z).
    doc : str
        What the op does, in words; the formula by default.
    variadic : bool
        Any number of inputs, which the joint rule gets as one tuple.
    register : bool
        Enter the op in REGISTRY, for tests and reference pages.

    Raises
    ------
    OpError
        At declaration: a name taken, a rule asking for an unknown name, a wrong number of rules.
    """
    family = "map"

    def __init__(self, name: str, numpy: Callable[..., Any], vjps: Sequence[Rule | None] | None = None, *,
                 joint: Rule | None = None, inputs: Sequence[str] | None = None,
                 domain: Interval | tuple[Interval, ...] | None = None, calls: Recipe | None = None,
                 fits: Callable[..., None] | None = None, edges: Sequence[Edge] = (), math: str = "",
                 doc: str = "", view: bool = False, variadic: bool = False, register: bool = True) -> None:
        self.name, self.numpy, self.joint, self.fits = name, _after(fits, numpy), joint, fits
        self.bare = numpy       # of inputs that are known to fit
        self.edges, self.math, self.view, self.variadic = tuple(edges), math, view, variadic
        self.inputs, self.params, self.defaults = _signature(name, numpy, inputs)
        self.vjps: tuple[Rule | None, ...] = tuple(vjps or ())
        self.doc = self.__doc__ = doc or math
        self.domain = _domain(domain, len(self.inputs))
        self.calls = calls or elementwise(*self.domain)
        self.differentiable = joint is not None or any(self.vjps)
        if joint is None and self.vjps and len(self.vjps) != len(self.inputs):
            raise OpError(f"op {name!r} has {len(self.inputs)} inputs {self.inputs} but {len(self.vjps)} "
                          "vjps; "
                          "give one per input, None where there is no gradient")
        if joint is not None and self.vjps:
            raise OpError(f"op {name!r}: give `vjps` or `joint`, not both")
        self.needs = tuple(_names(v) for v in ((joint,) if joint else self.vjps))
        known = {"g", "out", *self.inputs, *(f"{i}_shape" for i in self.inputs), *self.params}
        known |= {"wants"} if joint else set()
        for unknown in sorted({n for names in self.needs for n in names} - known):
            raise OpError(f"op {name!r}: a rule asks for {unknown!r}, which is none of {sorted(known)}")
        self.plans: dict[tuple[bool, ...], Plan] = {}
        self.kernels: dict[Backend, Callable[..., Any]] = {cpu: self.numpy}
        if register:
            if name in REGISTRY:
                raise OpError(f"op {name!r} is declared twice; names are unique")
            REGISTRY[name] = self

    def __call__(self, *xs: Any, **params: Any) -> Any:
        """Compute. Called with Values it records; called with bare arrays, inside a vjp, it only computes:
        what fitted on the way up fits on the way down."""
        if self.params and len(params) < len(self.params):
            params = {**self.defaults, **params}
        for x in xs:
            if isinstance(x, Value):
                return apply(self, xs, params)
        return self.bare(*xs, **params)

    def plan(self, mask: tuple[bool, ...]) -> tuple[tuple[str, int], ...]:
        """What to save when only the inputs in `mask` want gradients: (name, input index, or -1 for `out`).
        """
        rules = self.needs if self.joint else [n for n, wanted
                                               in zip(self.needs, mask, strict=True) if wanted]
        wanted = {name for names in rules for name in names}
        saves = [("out", -1)] if "out" in wanted else []
        if self.variadic:
            return (*saves, *((str(i), i) for i in range(len(mask)) if self.inputs[0] in wanted))
        return (*saves, *((name, i) for i, name in enumerate(self.inputs) if name in wanted))

    def planned(self, mask: tuple[bool, ...]) -> Plan:
        """All that recording and pulling need to know when only the inputs in `mask` want gradients."""
        found = self.plans.get(mask)
        if found is None:
            rules = () if self.joint else tuple((i, rule, names) for i, (wanted, rule, names) in enumerate(
                zip(mask, self.vjps, self.needs, strict=True)) if wanted and rule is not None)
            named = {n for _, _, names in rules for n in names} if not self.joint else set(self.needs[0])
            shapes = tuple((f"{name}_shape", i) for i, name in enumerate(self.inputs)
                           if f"{name}_shape" in named)
            found = self.plans[mask] = Plan(self.plan(mask), rules, shapes)
        return found

    def kernel(self, backend: Backend) -> Callable[..., Any]:
        """How this op runs on `backend`: its own NumPy function on the cpu, its family's lowering elsewhere.
        """
        found = self.kernels.get(backend)
        if found is None:
            if getattr(backend, "closed", False):
                raise shut_down(self.name, backend.name)
            found = self.kernels[backend] = _after(self.fits, self.lower(backend))
        return found

    def lower(self, backend: Backend) -> Callable[..., Any]:
        """Resolve what a backend does not know (here nothing) and name the method that computes."""
        return lambda *arrays, **params: backend.fused(self, arrays, params)

    def result_dtype(self, dtypes: tuple[Any, ...], params: dict[str, Any]) -> np.dtype[Any]:
        """The dtype of the result, asked of the specification itself on one-element arrays."""
        ones = [d if isinstance(d, int) else d(1) if isinstance(d, type) else np.ones((1,), d)
                for d in dtypes]
        with np.errstate(all="ignore"):     # nobody asked for the numbers
            return np.asarray(self.numpy(*ones, **params)).dtype

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join([*self.inputs, *(f'{p}=' for p in self.params)])})>"

    def __reduce__(self) -> str:
        return self.name


def _after(fits: Callable[..., None] | None, compute: Callable[..., Any]) -> Callable[..., Any]:
    """`compute`, of inputs that `fits` has let through."""
    if fits is None:
        return compute

    def checked(*arrays: Any, **params: Any) -> Any:
        fits(*arrays, **params)
        return compute(*arrays, **params)
    return checked


def _signature(name: str, numpy: Callable[..., Any],
               inputs: Sequence[str] | None) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """Input names, parameter names and parameter defaults, read off the specification."""
    if isinstance(numpy, np.ufunc):
        return tuple(inputs or ("x", "y", "z")[:numpy.nin]), (), {}
    try:
        parameters = inspect.signature(numpy).parameters.values()
    except (TypeError, ValueError):
        if inputs is None:
            raise OpError(f"op {name!r}: the signature of {numpy!r} cannot be read; "
                          "name its `inputs`") from None
        return tuple(inputs), (), {}
    positional = tuple(p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD,
                                                                p.VAR_POSITIONAL) and p.default is p.empty)
    keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    return (tuple(inputs) if inputs is not None else positional, tuple(p.name for p in keyword),
            {p.name: p.default for p in keyword if p.default is not p.empty})


def _names(rule: Rule | None) -> tuple[str, ...]:
    if rule is None:
        return ()
    code = getattr(rule, "__code__", None)    # ten times faster than inspect, and there are hundreds of rules
    if code is not None and not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return tuple(code.co_varnames[:code.co_argcount + code.co_kwonlyargcount])
    return tuple(inspect.signature(rule).parameters)


def _domain(domain: Interval | tuple[Interval, ...] | None, count: int) -> tuple[Interval, ...]:
    if isinstance(domain, tuple):
        return domain
    return (domain or Interval(),) * count


from tinygrad_edu.engine.apply import apply  # noqa: E402 - the call and the declaration are two halves of one thing
