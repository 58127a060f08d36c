"""Op: one declaration per primitive; recording, saving, proofs, docs, drawings and kernels follow from it."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.backend.registry import cpu
from tinygrad_edu.domain import Edge, Interval, Recipe, elementwise
from tinygrad_edu.engine.apply import apply
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import OpError, shut_down, wrong

REGISTRY: dict[str, Op] = {}
Rule = Callable[..., Any]


class Plan(NamedTuple):
    """What to save, which rules to run and which shapes these name, if only some inputs need gradients."""

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
        Arrays positional, parameters keyword-only, one array out.
        The specification of every backend's kernel.
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
        Raises for inputs whose shapes or dtypes do not fit together. It is called like `numpy`, before any
        backend computes, so that all backends refuse the same calls. It must not read the numbers.
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
    ufunc : numpy.ufunc, optional
        The ufunc that computes the same of floats, which can write into memory that is there; by default
        `numpy`, if that is one.

    Raises
    ------
    OpError
        At declaration: a name that is already used, a rule with an unknown name, a wrong number of rules.
    """

    family = "map"

    def __init__(
        self,
        name: str,
        numpy: Callable[..., Any],
        vjps: Sequence[Rule | None] | None = None,
        *,
        joint: Rule | None = None,
        inputs: Sequence[str] | None = None,
        domain: Interval | tuple[Interval, ...] | None = None,
        calls: Recipe | None = None,
        fits: Callable[..., None] | None = None,
        edges: Sequence[Edge] = (),
        math: str = "",
        doc: str = "",
        view: bool = False,
        variadic: bool = False,
        register: bool = True,
        ufunc: np.ufunc | None = None,
    ) -> None:
        _check_arguments(name, numpy, vjps, joint)
        self.user_function = _is_user_function(numpy)
        computed = _with_read_only_inputs(numpy) if self.user_function and not view else numpy
        self.name, self.numpy, self.joint, self.fits = name, _with_check(fits, computed), joint, fits
        self.compute = computed  # without the check of its inputs
        self.trusted = not any(map(_is_user_function, (rule for rule in (joint, *(vjps or ())) if rule)))
        self.ufunc = numpy if isinstance(numpy, np.ufunc) else ufunc
        self.edges, self.math, self.view, self.variadic = tuple(edges), math, view, variadic
        self.inputs, self.params, self.defaults = _signature(name, numpy, inputs)
        self.max_inputs = sys.maxsize if variadic else len(self.inputs)
        self.vjps: tuple[Rule | None, ...] = tuple(vjps or ())
        self.doc = self.__doc__ = doc or math
        self.domain = _domain(domain, len(self.inputs))
        self.calls = calls or elementwise(*self.domain)
        self.differentiable = joint is not None or any(self.vjps)
        if joint is None and self.vjps and len(self.vjps) != len(self.inputs):
            raise wrong(
                OpError,
                f"op {name!r}",
                f"op {name!r} has {len(self.inputs)} inputs {self.inputs} but {len(self.vjps)} vjps",
                "give one per input, None where there is no gradient",
            )
        if joint is not None and self.vjps:
            raise wrong(OpError, f"op {name!r}", "give `vjps` or `joint`, not both")
        self.needs = tuple(_parameter_names(v) for v in ((joint,) if joint else self.vjps))
        known = {"g", "out", *self.inputs, *(f"{i}_shape" for i in self.inputs), *self.params}
        known |= {"wants"} if joint else set()
        for unknown in sorted({n for names in self.needs for n in names} - known):
            raise wrong(
                OpError, f"op {name!r}", f"a rule asks for {unknown!r}, which is none of {sorted(known)}"
            )
        for edge in self.edges:
            if {*edge.inputs} != {*self.inputs} or {*edge.params} - {*self.params}:
                named = ", ".join(map(repr, [*edge.inputs, *edge.params]))
                raise wrong(
                    OpError,
                    f"op {name!r}",
                    f"an edge names {named}",
                    f"its inputs are {', '.join(self.inputs)}, beside out=, slope=, params= and why=",
                )
        self.plans: dict[tuple[bool, ...], Plan] = {}
        self.kernels: dict[Backend, Callable[..., Any]] = {cpu: self.numpy}
        if register:
            if name in REGISTRY:
                raise wrong(
                    OpError,
                    f"op {name!r}",
                    f"op {name!r} is declared twice",
                    "names are unique: take another, or pass register=False, as in the cell of a "
                    "notebook that is run again",
                )
            REGISTRY[name] = self

    def __call__(self, *xs: Any, **params: Any) -> Any:
        """Compute. With Values it records; with plain arrays, inside a vjp, it only computes.

        Inside a vjp nothing is checked: inputs that fit in forward also fit in backward.
        """
        if self.params and len(params) < len(self.params):
            params = {**self.defaults, **params}
        for x in xs:
            if isinstance(x, Value):
                return apply(self, xs, params)
        return self.compute(*xs, **params)

    def plan(self, mask: tuple[bool, ...]) -> tuple[tuple[str, int], ...]:
        """What to save if only the inputs in `mask` need gradients: (name, input index or -1 for `out`)."""
        rules = (
            self.needs if self.joint else [n for n, wanted in zip(self.needs, mask, strict=True) if wanted]
        )
        wanted = {name for names in rules for name in names}
        saves = [("out", -1)] if "out" in wanted else []
        if self.variadic:
            return (*saves, *((str(i), i) for i in range(len(mask)) if self.inputs[0] in wanted))
        return (*saves, *((name, i) for i, name in enumerate(self.inputs) if name in wanted))

    def planned(self, mask: tuple[bool, ...]) -> Plan:
        """The `Plan` for recording and for backward if only the inputs in `mask` need gradients."""
        found = self.plans.get(mask)
        if found is None:
            rules = (
                ()
                if self.joint
                else tuple(
                    (i, rule, names)
                    for i, (wanted, rule, names) in enumerate(zip(mask, self.vjps, self.needs, strict=True))
                    if wanted and rule is not None
                )
            )
            named = {n for _, _, names in rules for n in names} if not self.joint else set(self.needs[0])
            shapes = tuple(
                (f"{name}_shape", i) for i, name in enumerate(self.inputs) if f"{name}_shape" in named
            )
            found = self.plans[mask] = Plan(self.plan(mask), rules, shapes)
        return found

    def kernel(self, backend: Backend) -> Callable[..., Any]:
        """How this op runs on `backend`: its NumPy function on the cpu, its family's lowering elsewhere."""
        found = self.kernels.get(backend)
        if found is None:
            if backend.closed:
                raise shut_down(self.name, backend.name)
            found = self.kernels[backend] = _with_check(self.fits, self.lower(backend))
        return found

    def lower(self, backend: Backend) -> Callable[..., Any]:
        """Resolve what the backend does not know (here nothing); return a function that calls its method."""
        return lambda *arrays, **params: backend.fused(self, arrays, params)

    def result_dtype(self, dtypes: tuple[Any, ...], params: dict[str, Any]) -> np.dtype[Any]:
        """The dtype of the result: the specification is called with one-element arrays."""
        ones = [
            d if isinstance(d, int) else d(1) if isinstance(d, type) else np.ones((1,), d) for d in dtypes
        ]
        with np.errstate(all="ignore"):  # the numbers are not used
            return np.asarray(self.numpy(*ones, **params)).dtype

    def __repr__(self) -> str:
        return f"<op {self.name}({', '.join([*self.inputs, *(f'{p}=' for p in self.params)])})>"

    def __reduce__(self) -> str:
        return self.name


def _check_arguments(name: Any, numpy: Any, vjps: Any, joint: Any) -> None:
    """Raise OpError for a wrong name, a wrong function, or a wrong list of rules."""
    if not isinstance(name, str):
        raise wrong(
            OpError,
            "Op",
            f"the name comes first, not {name!r:.60}",
            "as in te.Op('twice', lambda x: 2 * x, [lambda g: 2 * g])",
        )
    if not callable(numpy):
        raise wrong(
            OpError,
            f"op {name!r}",
            f"{numpy!r:.60} is not the function that computes it",
            "it comes after the name",
        )
    if callable(vjps):
        raise wrong(
            OpError,
            f"op {name!r}",
            "vjps is one function",
            "give a list with a rule for each input, as in [lambda g, x: ...], or one rule for all "
            "inputs as joint=",
        )
    if joint is not None and not callable(joint):
        raise wrong(
            OpError, f"op {name!r}", f"joint={joint!r:.60} is not a function", "a list of rules is vjps"
        )
    other = next((rule for rule in vjps or () if rule is not None and not callable(rule)), None)
    if other is not None:
        raise wrong(OpError, f"op {name!r}", f"the rule {other!r:.60} is not a function of g")


def _is_user_function(function: Callable[..., Any]) -> bool:
    """Whether a user wrote the function: it may write into its arguments, or keep them."""
    module = getattr(function, "__globals__", {}).get("__name__", __name__)
    return module.partition(".")[0] != __name__.partition(".")[0]


def only_read(x: Any) -> Any:
    """A read-only view of an array; anything else as it is."""
    if type(x) is not np.ndarray or not x.flags.writeable:
        return x
    x = x.view()
    x.flags.writeable = False
    return x


def _with_read_only_inputs(numpy: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, called with read-only views, so that it cannot change the memory of a tensor."""

    @functools.wraps(numpy)
    def read(*xs: Any, **params: Any) -> Any:
        found = numpy(*map(only_read, xs), **params)
        return found.copy() if type(found) is np.ndarray and not found.flags.writeable else found

    return read


def _with_check(fits: Callable[..., None] | None, compute: Callable[..., Any]) -> Callable[..., Any]:
    """`compute`, called only with inputs that `fits` accepts."""
    if fits is None:
        return compute

    def checked(*arrays: Any, **params: Any) -> Any:
        fits(*arrays, **params)
        return compute(*arrays, **params)

    return checked


def _signature(
    name: str, numpy: Callable[..., Any], inputs: Sequence[str] | None
) -> tuple[tuple[str, ...], tuple[str, ...], dict[str, Any]]:
    """Input names, parameter names and parameter defaults, from the signature of the specification."""
    if isinstance(numpy, np.ufunc):
        return tuple(inputs or ("x", "y", "z")[: numpy.nin]), (), {}
    try:
        parameters = inspect.signature(numpy).parameters.values()
    except (TypeError, ValueError):
        if inputs is None:
            raise wrong(
                OpError, f"op {name!r}", f"the signature of {numpy!r} cannot be read", "name its `inputs`"
            ) from None
        return tuple(inputs), (), {}
    positional = tuple(
        p.name
        for p in parameters
        if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.VAR_POSITIONAL) and p.default is p.empty
    )
    keyword = [p for p in parameters if p.kind is p.KEYWORD_ONLY]
    neither = [p for p in parameters if p.default is not p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]
    if neither and inputs is None:
        raise wrong(
            OpError,
            f"op {name!r}",
            f"{neither[0].name!r} has a default and so is no input",
            f"parameters come after a star: def {name}({', '.join(positional)}, *, {neither[0]})",
        )
    return (
        tuple(inputs) if inputs is not None else positional,
        tuple(p.name for p in keyword),
        {p.name: p.default for p in keyword if p.default is not p.empty},
    )


def _parameter_names(rule: Rule | None) -> tuple[str, ...]:
    if rule is None:
        return ()
    code = getattr(rule, "__code__", None)  # ten times faster than inspect, and there are hundreds of rules
    if code is not None and not code.co_flags & (inspect.CO_VARARGS | inspect.CO_VARKEYWORDS):
        return tuple(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    return tuple(inspect.signature(rule).parameters)


def _domain(domain: Interval | tuple[Interval, ...] | None, count: int) -> tuple[Interval, ...]:
    if isinstance(domain, tuple):
        return domain
    return (domain or Interval(),) * count
