"""ONNX nodes for elementwise ops and activations."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.interop.onnx.proto import code_of
from tinygrad_edu.interop.onnx.trace import Step
from tinygrad_edu.interop.onnx.writer import Writer

Emitter = Callable[[Writer, Step], str]
BOOL, FLOAT64 = np.dtype("bool"), np.dtype("float64")


def direct(operator: str, **given: Any) -> Emitter:
    """One node, whose inputs have the dtype of the result."""
    return lambda w, s: w.node(operator, *w.operands(s), **given)


def _compared(operator: str, *, inverted: bool = False) -> Emitter:
    """A comparison, in the common dtype of the operands."""

    def emit(w: Writer, s: Step) -> str:
        kinds = [x if type(x) in (int, float, bool) else w.info(x).dtype for x in s.operands]
        kind = np.result_type(*kinds)
        if kind == BOOL and operator != "Equal":
            kind = np.dtype("int32")
        out = w.node(operator, *w.operands(s, kind))
        return w.node("Not", out) if inverted else out

    return emit


def _logical(operator: str) -> Emitter:
    return lambda w, s: w.node(operator, *w.operands(s, BOOL))


def _asked(build: Callable[[Writer, str], str], of_integers: bool) -> Emitter:
    """A question of floats, whose answer for integers is always the same."""

    def emit(w: Writer, s: Step) -> str:
        kind = w.info(s.operands[0]).dtype
        x = w.operand(s.operands[0])
        if kind.kind == "f":
            return build(w, x)
        none = w.node("Equal", x, x)
        return none if of_integers else w.node("Not", none)

    return emit


def _finite(w: Writer, x: str) -> str:
    return w.node("Not", w.node("Or", w.node("IsNaN", x), w.node("IsInf", x)))


def of_floats(build: Callable[..., str]) -> Emitter:
    """Nodes that `build(w, number, *inputs, **params)` adds, on floats; `number` makes constants of their
    dtype."""

    def emit(w: Writer, s: Step) -> str:
        kind = w.dtype(s)
        params = {name: w.static(value, name) for name, value in s.params.items()}
        return build(w, lambda value: w.constant(value, kind), *w.operands(s), **params)

    return emit


def _rounded(build: Callable[[Writer, str], str]) -> Emitter:
    """Of floats what `build` adds; integers are rounded already."""

    def emit(w: Writer, s: Step) -> str:
        (x,) = w.operands(s)
        return build(w, x) if w.dtype(s).kind == "f" else w.node("Identity", x)

    return emit


def _trunc(w: Writer, x: str) -> str:
    zero = w.node("Sub", x, x)  # NaN where x is not finite: then Floor is taken, which is x itself
    return w.node("Where", w.node("Less", x, zero), w.node("Ceil", x), w.node("Floor", x))


def _sign(w: Writer, s: Step) -> str:
    (x,) = w.operands(s)
    if w.dtype(s).kind == "b":
        return w.node("Identity", x)
    if w.dtype(s).kind == "u":
        return w.node("Min", x, w.constant(1, w.dtype(s)))
    if w.dtype(s).kind == "i":
        return w.node("Sign", x)
    return w.node("Where", w.node("IsNaN", x), x, w.node("Sign", x))


def _step(w: Writer, s: Step) -> str:
    kind = w.info(s.operands[0]).dtype
    if kind == BOOL:
        return w.node("Identity", w.operand(s.operands[0]))
    above = w.node("Greater", w.operand(s.operands[0]), w.constant(0, kind))
    return w.cast(above, BOOL, w.dtype(s))


def _abs(w: Writer, s: Step) -> str:
    (x,) = w.operands(s)
    return w.node("Identity" if w.dtype(s) == BOOL else "Abs", x)


def _arithmetic(operator: str, of_bools: str) -> Emitter:
    """Arithmetic; of two bools the result is a bool."""
    return lambda w, s: w.node(of_bools if w.dtype(s) == BOOL else operator, *w.operands(s))


def _remainder(w: Writer, s: Step) -> str:
    x, y = w.operands(s)
    if w.dtype(s).kind in "iu":
        return w.node("Mod", x, y)
    # fmod has the sign of x; a remainder that is not 0 and has another sign than y is corrected by y
    kind = w.dtype(s)
    rest, zero = w.node("Mod", x, y, fmod=1), w.constant(0, kind)
    other = w.node("Less", w.node("Mul", w.node("Sign", rest), w.node("Sign", y)), zero)
    return w.node("Where", other, w.node("Add", rest, y), rest)


def _floor_divide(w: Writer, s: Step) -> str:
    x, y = w.operands(s)
    rest = _remainder(w, s)
    quotient = w.node("Div", w.node("Sub", x, rest), y)
    return w.node("Round", quotient) if w.dtype(s).kind == "f" else quotient


def _extreme(operator: str, of_bools: str) -> Emitter:
    def emit(w: Writer, s: Step) -> str:
        x, y = w.operands(s)
        return w.node(of_bools if w.dtype(s) == BOOL else operator, x, y)

    return emit


def _where(w: Writer, s: Step) -> str:
    """Where; of bools it is written by And and Or, because not every program has Where for them."""
    condition, x, y = w.operand(s.operands[0], BOOL), *(w.operand(x, w.dtype(s)) for x in s.operands[1:])
    if w.dtype(s) == BOOL:
        return w.node("Or", w.node("And", condition, x), w.node("And", w.node("Not", condition), y))
    return w.node("Where", condition, x, y)


def _clip(w: Writer, s: Step) -> str:
    (x,) = w.operands(s)
    kind = w.dtype(s)
    low, high = s.params["low"], s.params["high"]
    out = x if low is None else w.node("Max", x, w.operand(low, kind))
    return out if high is None else w.node("Min", out, w.operand(high, kind))


def _cast(w: Writer, s: Step) -> str:
    return w.node("Cast", w.operand(s.operands[0]), to=code_of(w.dtype(s)))


def _expm1(w: Writer, number: Any, x: str) -> str:
    """tanh(x / 2) (e^x + 1), which keeps the digits of a small x."""
    grown = w.node("Add", w.node("Exp", x), number(1))
    return w.node("Mul", w.node("Tanh", w.node("Mul", x, number(0.5))), grown)


def log1p(w: Writer, number: Any, x: str) -> str:
    """x log(u) / (u - 1) with u = 1 + x, rounded: the error of u cancels. Beyond 1/2 it is log(u).

    Source: Kahan; in Higham, "Accuracy and stability of numerical algorithms", section 1.14.1.
    """
    one = number(1)
    u = w.node("Add", x, one)
    log, off = w.node("Log", u), w.node("Sub", u, one)
    near = w.node("Where", w.node("Equal", u, one), x, w.node("Div", w.node("Mul", x, log), off))
    return w.node("Where", w.node("Less", w.node("Abs", x), number(0.5)), near, log)


def _log_in(base: float) -> Emitter:
    return of_floats(lambda w, number, x: w.node("Mul", w.node("Log", x), number(1 / math.log(base))))


def _cbrt(w: Writer, number: Any, x: str) -> str:
    return w.node("Mul", w.node("Sign", x), w.node("Pow", w.node("Abs", x), number(1 / 3)))


def _atan2(w: Writer, number: Any, y: str, x: str) -> str:
    """The angle of (x, y): 2 atan(y / (r + x)), and for x < 0 2 atan((r - x) / y), with r their length."""
    zero, two = number(0), number(2)
    r = _hypot(w, number, y, x)
    left = w.node("Less", x, zero)
    flat = w.node("Equal", y, zero)
    over = w.node("Where", left, w.node("Sub", r, x), y)
    below = w.node("Where", left, y, w.node("Add", r, x))
    safe = w.node("Where", w.node("Equal", below, zero), number(1), below)
    angle = w.node("Mul", w.node("Atan", w.node("Div", over, safe)), two)
    level = w.node("Where", left, number(math.pi), zero)
    return w.node("Where", flat, level, angle)


def _hypot(w: Writer, number: Any, x: str, y: str) -> str:
    """The larger of both sizes, times the root of 1 + the square of their ratio: no square overflows."""
    x, y = w.node("Abs", x), w.node("Abs", y)
    top, low = w.node("Max", x, y), w.node("Min", x, y)
    ratio = w.node("Div", low, w.node("Where", w.node("Equal", top, number(0)), number(1), top))
    root = w.node("Sqrt", w.node("Add", w.node("Mul", ratio, ratio), number(1)))
    return w.node("Mul", top, root)


def _decay(w: Writer, number: Any, x: str, factor: float = 1.0) -> str:
    """e^-|factor x|."""
    return w.node("Exp", w.node("Mul", w.node("Abs", x), number(-factor)))


def _slope(factor: float, top: float) -> Emitter:
    """top e / (1 + e)^2 with e = e^-|factor x|: the slope of the sigmoid, and of tanh."""

    def build(w: Writer, number: Any, x: str) -> str:
        e = _decay(w, number, x, factor)
        below = w.node("Add", e, number(1))
        return w.node("Div", w.node("Mul", e, number(top)), w.node("Mul", below, below))

    return of_floats(build)


def _elu(w: Writer, number: Any, x: str, *, alpha: float) -> str:
    grown = w.node("Mul", _expm1(w, number, w.node("Min", x, number(0))), number(alpha))
    return w.node("Where", w.node("Greater", x, number(0)), x, grown)


def softplus(w: Writer, number: Any, x: str) -> str:
    """max(x, 0) + log1p(e^-|x|)."""
    return w.node("Add", w.node("Max", x, number(0)), log1p(w, number, _decay(w, number, x)))


def _normal_cdf(w: Writer, number: Any, x: str) -> str:
    half = w.node("Erf", w.node("Mul", x, number(1 / math.sqrt(2))))
    return w.node("Mul", w.node("Add", half, number(1)), number(0.5))


def _leaky(w: Writer, s: Step) -> str:
    return w.node("LeakyRelu", *w.operands(s), alpha=float(w.static(s.params["slope"], "the slope")))


def _gated(gate: Callable[[Writer, Any, str], str]) -> Emitter:
    """x times a gate that is 0 far below 0; the factor x is limited there, so that the limit at -inf is 0."""
    return of_floats(lambda w, number, x: w.node("Mul", w.node("Max", x, number(-1e4)), gate(w, number, x)))


# fmt: off
TABLE: dict[str, Emitter] = {
    "cast": _cast,
    "equal": _compared("Equal"), "not_equal": _compared("Equal", inverted=True),
    "less": _compared("Less"), "less_equal": _compared("LessOrEqual"),
    "greater": _compared("Greater"), "greater_equal": _compared("GreaterOrEqual"),
    "logical_and": _logical("And"), "logical_or": _logical("Or"), "logical_xor": _logical("Xor"),
    "logical_not": _logical("Not"),
    "isnan": _asked(lambda w, x: w.node("IsNaN", x), False),
    "isinf": _asked(lambda w, x: w.node("IsInf", x), False),
    "isfinite": _asked(_finite, True),
    "floor": _rounded(lambda w, x: w.node("Floor", x)), "ceil": _rounded(lambda w, x: w.node("Ceil", x)),
    "round": _rounded(lambda w, x: w.node("Round", x)), "trunc": _rounded(_trunc),
    "sign": _sign, "step": _step, "abs": _abs,
    "add": _arithmetic("Add", "Or"), "sub": direct("Sub"), "mul": _arithmetic("Mul", "And"),
    "div": direct("Div"), "neg": direct("Neg"),
    "remainder": _remainder, "floor_divide": _floor_divide,
    "square": lambda w, s: w.node("Mul", *(w.operands(s) * 2)),
    "reciprocal": direct("Reciprocal"),
    "where": _where, "maximum": _extreme("Max", "Or"), "minimum": _extreme("Min", "And"), "clip": _clip,
    "exp": direct("Exp"), "expm1": of_floats(_expm1),
    "exp2": of_floats(lambda w, number, x: w.node("Pow", number(2), x)),
    "log": direct("Log"), "log1p": of_floats(log1p), "log2": _log_in(2.0), "log10": _log_in(10.0),
    "sqrt": direct("Sqrt"), "rsqrt": of_floats(lambda w, number, x: w.node("Reciprocal", w.node("Sqrt", x))),
    "cbrt": of_floats(_cbrt), "pow": direct("Pow"),
    "sin": direct("Sin"), "cos": direct("Cos"), "tan": direct("Tan"),
    "asin": direct("Asin"), "acos": direct("Acos"), "atan": direct("Atan"), "atan2": of_floats(_atan2),
    "one_minus_square": of_floats(lambda w, number, x: w.node(
        "Mul", w.node("Sub", number(1), x), w.node("Add", number(1), x))),
    "sinh": direct("Sinh"), "cosh": direct("Cosh"), "tanh": direct("Tanh"),
    "asinh": direct("Asinh"), "acosh": direct("Acosh"), "atanh": direct("Atanh"),
    "tanh_slope": _slope(2.0, 4.0), "hypot": of_floats(_hypot),
    "sigmoid": direct("Sigmoid"), "sigmoid_slope": _slope(1.0, 1.0), "softplus": of_floats(softplus),
    "log_sigmoid": of_floats(lambda w, number, x: w.node("Neg", softplus(w, number, w.node("Neg", x)))),
    "relu": direct("Relu"), "leaky_relu": _leaky, "elu": of_floats(_elu),
    "silu": _gated(lambda w, number, x: w.node("Sigmoid", x)), "gelu": _gated(_normal_cdf),
    "bell": of_floats(lambda w, number, x, *, scale: w.node(
        "Exp", w.node("Mul", w.node("Mul", x, x), number(-scale)))),
    "erf": direct("Erf"), "normal_cdf": of_floats(_normal_cdf),
}
# fmt: on
