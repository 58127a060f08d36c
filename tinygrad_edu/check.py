"""Proofs by number: `gradcheck` holds a function's gradients, `opcheck` a whole op, against what they claim.

The analytic derivative along a random direction is compared with two independent numeric ones: central
differences of fourth order (relative accuracy about 1e-9) and, where every op also computes on complex
numbers, the complex step (about 1e-15; Squire and Trapp, "Using complex variables to estimate derivatives of
real functions", SIAM Review 40, 1998). One direction costs the same for a thousand inputs as for one; single
elements are probed only to name the wrong one.
"""
from __future__ import annotations

import inspect
import itertools
import math
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu import functional as F
from tinygrad_edu.backend import philox, registry
from tinygrad_edu.domain import Call, Edge, SeededDraw
from tinygrad_edu.engine.backprop import backprop
from tinygrad_edu.engine.modes import enable_grad
from tinygrad_edu.engine.op import Op
from tinygrad_edu.engine.value import Storage
from tinygrad_edu.errors import user_line
from tinygrad_edu.tensor import Tensor

Array = np.ndarray[Any, Any]
Function = Callable[..., Any]

STEP = 4e-4                 # of the differences, times max(1, |x|); their error is about STEP**4 / 30
DIFFERENCES, COMPLEX = 1e-6, 1e-9   # the relative errors allowed against either method
PROBED = 1024               # at most so many elements are tried one by one to name the worst


class GradientError(AssertionError):
    """A gradient is not the derivative of its function, or an op does not keep what it declares."""


@dataclass(frozen=True)
class Report:
    """What `gradcheck` measured: for each order, the largest relative error, and how it was measured."""
    errors: tuple[float, ...]
    methods: tuple[str, ...]


def gradcheck(f: Function, inputs: Sequence[Any] | Tensor | Array, *, order: int = 2,
              eps: float | None = None, tolerance: float | None = None, seed: int = 0,
              complex_step: bool = True, device: str | None = None) -> Report:
    """Prove that the gradients of `f(*inputs)` are its derivatives; order 2: the gradient's gradients too.

    f             takes float64 tensors, returns one; what it should not be differentiated by, it closes over
    inputs        a tensor or array for each argument of f; of one argument, the tensor itself
    eps           step of the differences; 4e-4 times max(1, |x|) by default
    tolerance     relative error allowed; by default 1e-6 against differences, 1e-9 against the complex step
    seed          of the random directions
    complex_step  also run f on complex numbers, where all of its ops can
    device        where f runs; the default device if not said

    An error is relative to the derivative, or to 1e-4 where the derivative is smaller. Infinite elements of
    the result are left out; NaN is an error. The default random generator is set back before every call, so a
    function with dropout is checked at one mask.
    Raises GradientError, naming the input, the index and both numbers; TypeError for inputs that are not
    float64; ValueError if f returns different numbers for the same inputs.
    """
    if order < 1:
        raise ValueError(f"gradcheck: order must be at least 1, not {order}")
    alone = isinstance(inputs, Tensor | np.ndarray)
    arrays = [_float64(i, x) for i, x in enumerate([inputs] if alone else inputs)]
    random, stream = np.random.default_rng(seed), philox.default.state_dict()
    name, where = getattr(f, "__name__", repr(f)), registry.get(device).name

    def level(*xs: Tensor) -> Tensor:
        philox.default.load_state_dict(stream)
        return _checked(f(*xs), name)

    errors, methods = [], []
    try:
        with enable_grad(), np.errstate(all="ignore"):
            for k in range(1, order + 1):
                proof = _Level(level, arrays, random, eps, tolerance, complex_step, name, k, where)
                error, method = proof.run()
                errors.append(error)
                methods.append(method)
                level, arrays = proof.gradient(random)
    finally:
        philox.default.load_state_dict(stream)
    return Report(tuple(errors), tuple(methods))


def _float64(i: int, x: Any) -> Array:
    array = x.numpy() if isinstance(x, Tensor) else np.asarray(x)
    if array.dtype != np.float64:
        raise TypeError(f"gradcheck: input {i} is {array.dtype} (at {user_line()}); differences need "
                        "float64's digits. Cast to float64: x.to('float64'); close over inputs that are "
                        "integers")
    return array


def _checked(y: Any, name: str) -> Tensor:
    if not isinstance(y, Tensor) or y.dtype not in (np.float64, np.complex128):
        what = y.dtype if isinstance(y, Tensor) else type(y).__name__
        raise TypeError(f"gradcheck: {name} returned {what}, a float64 tensor is needed (at {user_line()}); "
                        "does it cast to float32 inside, or use float32 parameters? Call model.to('float64') "
                        "first")
    return y


def _direction(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Signs times lengths of [0.5, 1): no element is left out, and none moves far."""
    return np.asarray(random.choice((-1.0, 1.0), shape) * random.uniform(0.5, 1.0, shape))


def _pull(f: Function, xs: Sequence[Any], u: Any, create_graph: bool) -> list[Tensor | None]:
    """The gradients of <u, f(*xs)> by each x; None where the graph has no path."""
    y = f(*xs)
    if y.node is None:
        return [None] * len(xs)
    nodes = [x.node for x in xs]
    found = backprop(y, u, create_graph=create_graph, retain_graph=True, wanted=nodes)
    return [found.get(n) for n in nodes]


class _Level:
    """One order: h(x) = <u, f(x)> for a random u, its analytic gradients, and its numeric derivatives."""

    def __init__(self, f: Function, arrays: list[Array], random: np.random.Generator, eps: float | None,
                 tolerance: float | None, complex_step: bool, name: str, order: int, device: str) -> None:
        self.f, self.arrays, self.random, self.eps, self.tolerance = f, arrays, random, eps, tolerance
        self.complex_step, self.name, self.order, self.device = complex_step, name, order, device
        first = self.f(*self.leaves(arrays)).numpy()
        if not np.array_equal(first, self.f(*self.leaves(arrays)).numpy(), equal_nan=True):
            raise ValueError(f"gradcheck: {name} returned different numbers for the same inputs; make it a "
                             "function, for example with its own te.Generator, created inside it")
        if np.isnan(first).any():
            raise GradientError(f"{name}: {'the result' if order == 1 else 'its gradient'} is NaN at these "
                                "inputs; give inputs where it has a value, or run it under "
                                "te.detect_anomaly() to find the op")
        self.finite = np.isfinite(first)
        first = np.where(self.finite, first, 0.0)
        self.u = np.where(self.finite, _direction(random, first.shape), 0.0)
        self.weight = float(np.abs(first * self.u).sum())
        pulled = _pull(f, self.leaves(arrays), F.wrap(self.u, device=device), False)
        self.grads = [np.zeros_like(a) if g is None else g.numpy()
                      for a, g in zip(arrays, pulled, strict=True)]

    def leaves(self, arrays: Sequence[Array]) -> list[Tensor]:
        return [F.wrap(a, requires_grad=True, device=self.device) for a in arrays]

    def value(self, arrays: Sequence[Array]) -> Any:
        return (np.where(self.finite, self.f(*self.leaves(arrays)).numpy(), 0.0) * self.u).sum()

    def differences(self, i: int, v: Array) -> float:
        """Central differences with the h**2 term removed (Richardson)."""
        a = self.arrays[i]
        h = self.eps or STEP

        def at(t: float) -> float:
            return float(self.value([*self.arrays[:i], a + t * v, *self.arrays[i + 1:]]))
        return (8.0 * (at(h) - at(-h)) - (at(2 * h) - at(-2 * h))) / (12.0 * h)

    def imaginary(self, i: int, v: Array) -> float | None:
        """The complex step; None when an op refuses complex numbers or returns real ones."""
        moved = [a.astype(np.complex128) for a in self.arrays]
        moved[i] = moved[i] + 1e-20j * v
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", np.exceptions.ComplexWarning)
                out = self.value(moved)
        except Exception:       # whatever an op says to complex numbers, which are not its business
            return None
        return float(out.imag) / 1e-20 if np.iscomplexobj(out) else None

    def along(self, i: int, v: Array) -> tuple[float, float, str]:
        """Analytic and numeric derivative along v, and how; differences decide if f is holomorphic."""
        analytic, numeric = float((self.grads[i] * v).sum()), self.differences(i, v)
        step = self.imaginary(i, v) if self.complex_step else None
        if step is not None and abs(step - numeric) <= DIFFERENCES * self.scale(i, step, numeric):
            return analytic, step, "complex step"
        return analytic, numeric, "differences"

    def scale(self, i: int, *values: float) -> float:
        """What an error is relative to: the derivative, or a share of the terms that cancelled in it."""
        moved = self.grads[i] * np.maximum(1.0, np.abs(self.arrays[i]))
        sizes = (*map(abs, values), 1e-3 * float(np.abs(moved).sum()), 1e-6 * self.weight)
        return max(1e-4, *(x for x in sizes if math.isfinite(x)))

    def error(self, i: int, analytic: float, numeric: float) -> float:
        error = 0.0 if analytic == numeric else abs(analytic - numeric) / self.scale(i, analytic, numeric)
        return error if error == error else math.inf

    def allowed(self, method: str) -> float:
        return self.tolerance or (COMPLEX if method == "complex step" else DIFFERENCES)

    def run(self) -> tuple[float, str]:
        """The largest error and the weaker method. Raises GradientError."""
        worst, methods = 0.0, set()
        for i, a in enumerate(self.arrays):
            direction = _direction(self.random, a.shape) * np.maximum(1.0, np.abs(a))
            analytic, numeric, method = self.along(i, direction)
            error = self.error(i, analytic, numeric)
            if error > self.allowed(method):
                raise GradientError(self.explain(i, analytic, numeric, error, method))
            worst = max(worst, error)
            methods.add(method)
        return worst, "complex step" if methods == {"complex step"} else "differences"

    def explain(self, i: int, analytic: float, numeric: float, error: float, method: str) -> str:
        """Which element, both numbers, and where to look."""
        a, where, worst = self.arrays[i], "along a random direction", error
        for flat in range(min(a.size, PROBED)):
            index = tuple(int(k) for k in np.unravel_index(flat, a.shape))
            unit = np.zeros_like(a)
            unit[index] = 1.0
            one, other, how = self.along(i, unit)
            if (here := self.error(i, one, other)) > self.allowed(how) and (where[0] == "a" or here > worst):
                where, analytic, numeric, worst, method = f"at index {index}", one, other, here, how
        which = f"input {i}" if i < len(self.arrays) - self.order + 1 else "the incoming gradient"
        if not self.grads[i].any():
            advice = ("the graph has no path from it to the result, though the result depends on it: a "
                      "detach(), a .numpy(), a value computed under no_grad, or an op whose rule for it is "
                      "None?")
        elif self.order > 1:
            advice = ("the lower orders are right, so a rule computes something the graph does not see: a "
                      "NumPy call or a constant in a vjp that depends on an input, or a wrong rule of an op "
                      "that vjps use")
        else:
            advice = ("look at the vjp of the op you added last: a factor, a sign, an axis; or does the "
                      "input lie on a kink, where no derivative exists, or so near a singular point that f "
                      "bends within one step (then pass a smaller eps=)?")
        return (f"{self.name}: the gradient of order {self.order} with respect to {which}, of shape "
                f"{a.shape}, is wrong {where}: analytic {analytic:.10g}, numeric {numeric:.10g} by {method}, "
                f"relative error {worst:.2g} where {self.allowed(method):.0e} is allowed; {advice}")

    def gradient(self, random: np.random.Generator) -> tuple[Function, list[Array]]:
        """The next order's function: <w, gradients of <u, f>>, of the inputs and of u."""
        weights = [_direction(random, a.shape) for a in self.arrays]

        def slope(*args: Tensor) -> Tensor:
            *xs, u = args
            grads = _pull(self.f, xs, u, True)
            total = F.sum(u * 0.0)
            for g, w in zip(grads, weights, strict=True):
                total = total if g is None else total + F.sum(g * w)
            return total
        return slope, [*self.arrays, self.u]


# -- one op against its declaration ---------------------------------------------------------


def opcheck(op: Op, *, examples: int = 20, order: int = 2, seed: int = 0) -> None:
    """Prove an op, yours or ours, from its own declaration: `te.check.opcheck(my_op)`.

    For `examples` calls drawn from its `domain` or `calls`: the result's dtype, inputs untouched, saved
    exactly what its rules name, memory shared only if `view`, gradients up to `order`; and all of its
    `edges`, exactly. Raises GradientError.
    """
    for k in range(examples):
        callcheck(op, op.calls(SeededDraw(seed + k)), order=order)
    for e in op.edges:
        edgecheck(op, e)


def callcheck(op: Op, call: Call, *, order: int = 2, device: str | None = None) -> Report | None:
    """What `opcheck` does, for one call; the gradients are those on `device`.

    Returns what `gradcheck` measured, or None where nothing can be differentiated.
    """
    arrays = [np.asarray(a) for a in call.arrays]
    floats = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]
    before = [a.copy() for a in arrays]
    guarded = [_read_only(a) for a in arrays]
    out = _apply(op, guarded, call.params)
    if any(not np.array_equal(a, b) for a, b in zip(arrays, before, strict=True)):
        raise GradientError(f"{op.name} changes its inputs; compute on a copy")
    _check_memory(op, guarded, out)
    _check_dtypes(op, arrays, call.params, out)
    if not op.differentiable:
        return None
    for mask in itertools.product((False, True), repeat=len(floats)):
        _check_saved(op, arrays, call.params, tuple(itertools.compress(floats, mask)))

    def run(*xs: Tensor) -> Any:
        given: list[Any] = list(arrays)
        for i, x in zip(floats, xs, strict=True):
            given[i] = x
        return op(*given, **call.params)
    run.__name__ = op.name
    if not floats or out.dtype.kind != "f":
        return None
    return gradcheck(run, [arrays[i] for i in floats], order=order, device=device)


def edgecheck(op: Op, at: Edge, *, device: str | None = None) -> None:
    """The value and the slopes that `at` declares, to the last digits; NaN is equal to NaN."""
    arrays = [np.array(at.inputs[n]) for n in op.inputs]
    where = registry.get(device).name
    xs = [F.wrap(a, requires_grad=a.dtype.kind == "f", device=where) for a in arrays]
    with np.errstate(all="ignore"):
        out = op(*xs, **at.params)
        _equal(f"{op.name} at {at.inputs}", out.numpy(), at.out)
        if not at.slopes:
            return
        out.backward(F.wrap(np.ones(out.shape), device=where))
    for name, x, slope in zip(op.inputs, xs, at.slopes, strict=True):
        if slope is not None:
            got = None if x.grad is None else x.grad.numpy()
            _equal(f"the slope of {op.name} by {name} at {at.inputs}", got, slope)


def _equal(what: str, got: Any, declared: Any) -> None:
    if (got is None or np.shape(got) != np.shape(declared)
            or not np.allclose(got, declared, 1e-12, 0.0, equal_nan=True)):
        raise GradientError(f"{what} is {got}, declared is {declared}")


def _read_only(a: Array) -> Array:
    view = a.view()
    view.flags.writeable = False
    return view


def _apply(op: Op, arrays: Sequence[Any], params: dict[str, Any]) -> Any:
    """The op's own NumPy function, as the engine would run it."""
    with np.errstate(all="ignore"):
        return np.asarray(op.numpy(*arrays, **{**op.defaults, **params}))


def _check_memory(op: Op, arrays: Sequence[Array], out: Array) -> None:
    shared = [i for i, a in enumerate(arrays) if np.shares_memory(out, a)]
    if shared and (not op.view or shared != [0]):
        raise GradientError(f"{op.name}: its result shares memory with input {shared[0]}, but `view` says "
                            "otherwise; a later in-place change would go unnoticed. Return a copy, or "
                            "declare view=True")


def _check_dtypes(op: Op, arrays: Sequence[Array], params: dict[str, Any], out: Array) -> None:
    """float64 stays float64 and float32 float32, unless the call names a dtype."""
    if out.dtype.kind != "f" or "dtype" in op.params or not any(a.dtype.kind == "f" for a in arrays):
        return
    small = _apply(op, [a.astype(np.float32) if a.dtype.kind == "f" else a for a in arrays], params)
    for got, dtype in ((out, np.float64), (small, np.float32)):
        if got.dtype != dtype:
            raise GradientError(f"{op.name}: {np.dtype(dtype)} inputs gave a {got.dtype} result; a NumPy "
                                "array or scalar of another dtype inside the op promotes it, Python numbers "
                                "do not")


def _check_saved(op: Op, arrays: Sequence[Array], params: dict[str, Any], wanted: tuple[int, ...]) -> None:
    """What the node keeps is what the rules of the wanted inputs name, no more, no less."""
    xs = [Tensor(Storage(a, registry.cpu)) for a in arrays]
    for i in wanted:
        xs[i].requires_grad = True
    with np.errstate(all="ignore"):
        node = op(*xs, **params).node
    rules = [op.joint] * bool(wanted) if op.joint else [op.vjps[i] for i in wanted if op.vjps[i]]
    if bool(rules) != (node is not None):
        raise GradientError(f"{op.name}: inputs {wanted} require grad and {len(rules)} of them have a rule, "
                            f"but the call was {'not ' if node is None else ''}recorded")
    if node is None:
        return
    named = {n for rule in rules if rule for n in inspect.signature(rule).parameters}
    inputs = [n for n in op.inputs if n in named]
    if op.variadic and inputs:
        inputs = [str(i) for i in range(len(xs))]
    expected = sorted([*({"out"} & named), *inputs])
    saved = sorted(kept[0] for kept in node.saved or ())
    if saved != expected:
        raise GradientError(f"{op.name}: saved {saved} for the inputs {wanted}; their rules name {expected}")
