"""Elementwise ops: one line of mathematics each, with its derivative beside it and the points where it has
none.

A rule's parameter names say what backward saves: `g` the incoming gradient, `out` the result, `x` an input.
"""
from __future__ import annotations

import math as _math
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.domain import POSITIVE, REAL, Call, Edge, Interval, edge
from tinygrad_edu.engine.op import Op
from tinygrad_edu.shapes import broadcast_shapes

Rule = Callable[..., Any]
_LN2, _LN10 = _math.log(2.0), _math.log(10.0)
OPEN_UNIT = Interval(-0.9, 0.9)


class Map(Op):
    """An elementwise op. Off the cpu, shapes are broadcast and the result's dtype is settled here."""
    family = "map"

    def lower(self, backend: Backend) -> Callable[..., Any]:
        known: dict[Any, Any] = {}                      # dtypes of the inputs, params -> dtype of the result

        def run(*arrays: Any, **params: Any) -> Any:
            shapes = [getattr(a, "shape", ()) for a in arrays]
            first = shapes[0]
            shape = first if all(s == first for s in shapes) else broadcast_shapes(*shapes)
            kinds = tuple([getattr(a, "dtype", None) or _kind(a) for a in arrays])
            key = (kinds, tuple([(type(v), v) for v in params.values()])) if params else kinds
            dtype = known.get(key)
            if dtype is None:
                dtype = known[key] = self.result_dtype(kinds, params)
                if len(known) > 256:                    # numbers may never come again
                    known.clear()
            return backend.map(self, arrays, shape, dtype, params)
        return run


def _kind(number: Any) -> Any:
    """What decides how a Python number is taken: its type, or an int itself that some dtype does not hold, so
    that the specification may refuse it."""
    return number if type(number) is int and not 0 <= number < 256 else type(number)


def _wide(x: Any) -> Any:
    """One-byte inputs as float32: NumPy would make float16 of them, or wrap around."""
    return x.astype(np.float32) if getattr(x, "dtype", None) in (np.uint8, np.bool_) else x


def _counted(out: Any) -> Any:
    """Arithmetic of bools is int64, as a sum of them is; NumPy's int8 is no dtype of the library."""
    return out.astype(np.int64) if out.dtype.char == "b" else out


def unary(name: str, numpy: Callable[..., Any], vjp: Rule | None, *, domain: Interval = REAL,
          edges: tuple[Edge, ...] = (), math: str = "", floating: bool = True) -> Map:
    """Declare an elementwise op of one input. `floating`: integers in, floats out."""
    compute = (lambda x: numpy(_wide(x))) if floating else numpy
    return Map(name, compute, (vjp,), domain=domain, edges=edges, math=math)


def binary(name: str, numpy: Callable[..., Any], vjp_x: Rule | None, vjp_y: Rule | None, *,
           domain: Interval | tuple[Interval, Interval] = REAL, edges: tuple[Edge, ...] = (),
           math: str = "") -> Map:
    """Declare an elementwise op of two inputs that broadcast."""
    return Map(name, numpy, (vjp_x, vjp_y), domain=domain, edges=edges, math=math)


# -- without a derivative: piecewise constant ----------------------------------------------------------------

equal = binary("equal", np.equal, None, None, math="x = y")
not_equal = binary("not_equal", np.not_equal, None, None, math=r"x \ne y")
less = binary("less", np.less, None, None, math="x < y")
less_equal = binary("less_equal", np.less_equal, None, None, math=r"x \le y")
greater = binary("greater", np.greater, None, None, math="x > y")
greater_equal = binary("greater_equal", np.greater_equal, None, None, math=r"x \ge y")
logical_and = binary("logical_and", np.logical_and, None, None, math=r"x \wedge y")
logical_or = binary("logical_or", np.logical_or, None, None, math=r"x \vee y")
logical_xor = binary("logical_xor", np.logical_xor, None, None, math=r"x \oplus y")
logical_not = unary("logical_not", np.logical_not, None, math=r"\neg x", floating=False)
isnan = unary("isnan", np.isnan, None, math=r"x \text{ is NaN}", floating=False)
isinf = unary("isinf", np.isinf, None, math=r"|x| = \infty", floating=False)
isfinite = unary("isfinite", np.isfinite, None, math=r"|x| < \infty", floating=False)

_STEPS = Interval(-2.9, 2.9, avoid=(-2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5))
floor = unary("floor", np.floor, lambda g: g * 0.0, domain=_STEPS, math=r"\lfloor x \rfloor", floating=False)
ceil = unary("ceil", np.ceil, lambda g: g * 0.0, domain=_STEPS, math=r"\lceil x \rceil", floating=False)
round = unary("round", lambda x: np.round(x) if x.dtype.kind in "fc" else x.copy(), lambda g: g * 0.0,
              domain=_STEPS, math=r"\text{round half to even}", floating=False)
trunc = unary("trunc", np.trunc, lambda g: g * 0.0, domain=_STEPS, math=r"\text{towards 0}", floating=False)
sign = unary("sign", lambda x: np.sign(x) if x.dtype.kind != "b" else x, lambda g: g * 0.0,
             domain=Interval(avoid=(0,)), edges=(edge(x=0.0, out=0.0, slope=0.0),),
             math=r"\operatorname{sign} x", floating=False)
step = unary("step", lambda x: (x > 0).astype(x.dtype), lambda g: g * 0.0, domain=Interval(avoid=(0,)),
             edges=(edge(x=0.0, out=0.0, slope=0.0, why="the lecture's perceptron: 1 only above 0"),),
             math=r"[x > 0]", floating=False)
# -- arithmetic ----------------------------------------------------------------------------------------------

add = binary("add", np.add, lambda g: g, lambda g: g, math="x + y")
sub = binary("sub", np.subtract, lambda g: g, lambda g: -g, math="x - y")
mul = binary("mul", np.multiply, lambda g, y: g * y, lambda g, x: g * x, math="x y")
div = binary("div", np.true_divide, lambda g, y: g / y, lambda g, out, y: -g * out / y,
             domain=(REAL, Interval(avoid=(0,), gap=0.3)), math="x / y")
neg = unary("neg", np.negative, lambda g: -g, math="-x", floating=False)
floor_divide = binary("floor_divide", lambda x, y: _counted(np.floor_divide(x, y)), lambda g: g * 0.0,
                      lambda g: g * 0.0,
                      domain=(Interval(0.3, 0.9), Interval(1, 4)), math=r"\lfloor x / y \rfloor")
remainder = binary("remainder", lambda x, y: _counted(np.remainder(x, y)), lambda g: g,
                   lambda g, x, y: -g * floor_divide(x, y),
                   domain=(Interval(0.3, 0.9), Interval(1, 4)), math=r"x - y \lfloor x / y \rfloor")
square = unary("square", lambda x: _counted(np.square(x)), lambda g, x: g * x * 2.0,
               math="x^2", floating=False)
reciprocal = unary("reciprocal", lambda x: 1.0 / x, lambda g, out: -g * out * out,
                   domain=Interval(avoid=(0,), gap=0.3), math="1 / x")
abs = unary("abs", np.absolute, lambda g, x: g * sign(x), domain=Interval(avoid=(0,)),
            edges=(edge(x=0.0, out=0.0, slope=0.0),), math="|x|", floating=False)

# -- choosing ------------------------------------------------------------------------------------------------

where: Op = Map("where", lambda condition, x, y: np.where(condition, x, y),
            (None, lambda g, condition: where(condition, g, 0.0),
             lambda g, condition: where(condition, 0.0, g)),
            math=r"x \text{ if condition else } y")


def _won(g: Any, mine: Any, other: Any) -> Any:
    """The slope of the larger of two: all of g, half of it in a tie. Compared, because inf - inf is NaN."""
    return g * greater(mine, other) + g * equal(mine, other) * 0.5


maximum = binary("maximum", np.maximum, lambda g, x, y: _won(g, x, y), lambda g, x, y: _won(g, y, x),
                 domain=(Interval(-3, 3), Interval(3.1, 4)),
                 edges=(edge(x=1.0, y=1.0, out=1.0, slope=(0.5, 0.5), why="a tie is shared evenly"),),
                 math=r"\max(x, y)")
minimum = binary("minimum", np.minimum, lambda g, x, y: _won(g, y, x), lambda g, x, y: _won(g, x, y),
                 domain=(Interval(-3, 3), Interval(3.1, 4)),
                 edges=(edge(x=1.0, y=1.0, out=1.0, slope=(0.5, 0.5), why="a tie is shared evenly"),),
                 math=r"\min(x, y)")


def _inside(x: Any, low: float | None, high: float | None) -> Any:
    """1 where low <= x <= high: the slope of clip. The bounds count as inside, as in PyTorch."""
    if low is not None and high is not None:
        return logical_and(greater_equal(x, low), less_equal(x, high))
    return greater_equal(x, low) if low is not None else less_equal(x, high)


def _clip(x: Any, *, low: float | None = None, high: float | None = None) -> Any:
    if low is None and high is None:
        raise ValueError("clip needs low, high or both")
    return np.clip(x, low, high)


clip = Map("clip", _clip, (lambda g, x, low, high: where(_inside(x, low, high), g, 0.0),),
           calls=lambda draw: Call(
               (draw.array(draw.shape(), Interval(-3, 3, avoid=(-1, 1))),),
               draw.choice(({"low": -1.0, "high": 1.0}, {"low": -1.0}, {"high": 1.0}))),
           edges=(edge(x=1.0, out=1.0, slope=1.0, params={"high": 1.0}, why="a bound counts as inside"),),
           math=r"\min(\max(x, \text{low}), \text{high})")

# -- powers, exponentials, logarithms ------------------------------------------------------------------------

exp = unary("exp", np.exp, lambda g, out: g * out, math="e^x")
expm1 = unary("expm1", np.expm1, lambda g, out: g * (out + 1.0), math="e^x - 1")
exp2 = unary("exp2", np.exp2, lambda g, out: g * out * _LN2, math="2^x")
log = unary("log", np.log, lambda g, x: g / x, domain=POSITIVE, math=r"\ln x",
            edges=(edge(x=0.0, out=-np.inf, slope=np.inf),))
log1p = unary("log1p", np.log1p, lambda g, x: g / (x + 1.0), domain=Interval(-0.7, 3), math=r"\ln(1 + x)")
log2 = unary("log2", np.log2, lambda g, x: g / (x * _LN2), domain=POSITIVE, math=r"\log_2 x")
log10 = unary("log10", np.log10, lambda g, x: g / (x * _LN10), domain=POSITIVE, math=r"\log_{10} x")
sqrt = unary("sqrt", np.sqrt, lambda g, out: g / (out * 2.0), domain=POSITIVE, math=r"\sqrt x",
             edges=(edge(x=0.0, out=0.0, slope=np.inf, why="the one-sided limit"),))
rsqrt = unary("rsqrt", lambda x: 1.0 / np.sqrt(x), lambda g, out: g * out * out * out * -0.5, domain=POSITIVE,
              math=r"1 / \sqrt x")
cbrt = unary("cbrt", np.cbrt, lambda g, out: g / (out * out * 3.0), domain=Interval(avoid=(0,), gap=0.3),
             math=r"\sqrt[3] x")


def _guarded(base: Any) -> Any:
    """`base`, or 1 where it is 0: what a logarithm may be taken of where it will be multiplied by 0."""
    return where(equal(base, 0), 1.0, base)


pow: Op = binary("pow", lambda x, y: _counted(np.power(x, y)),
             lambda g, x, y: where(equal(y, 0), 0.0, g * y * pow(x, where(equal(y, 0), 1.0, y - 1.0))),
             lambda g, x, y, out: where(logical_and(equal(x, 0), greater_equal(y, 0)), 0.0,
                                        g * out * log(_guarded(x))),
             domain=(POSITIVE, Interval(-2, 3)),
             edges=(edge(x=0.0, y=0.0, out=1.0, slope=(0.0, 0.0)),
                    edge(x=0.0, y=2.0, out=0.0, slope=(0.0, 0.0)),
                    edge(x=0.0, y=1.0, out=0.0, slope=(1.0, 0.0)),
                    edge(x=-2.0, y=2.0, out=4.0, slope=(-4.0, np.nan))),
             math="x^y")

# -- trigonometric, inverse, hyperbolic ----------------------------------------------------------------------

sin = unary("sin", np.sin, lambda g, x: g * cos(x), math=r"\sin x")
cos: Op = unary("cos", np.cos, lambda g, x: -g * sin(x), math=r"\cos x")
tan = unary("tan", np.tan, lambda g, out: g * (out * out + 1.0), domain=Interval(-1.2, 1.2), math=r"\tan x")
asin = unary("asin", np.arcsin, lambda g, x: g * rsqrt(1.0 - x * x), domain=OPEN_UNIT, math=r"\arcsin x")
acos = unary("acos", np.arccos, lambda g, x: -g * rsqrt(1.0 - x * x), domain=OPEN_UNIT, math=r"\arccos x")
atan = unary("atan", np.arctan, lambda g, x: g / (x * x + 1.0), math=r"\arctan x")
atan2 = binary("atan2", lambda x, y: np.arctan2(_wide(x), _wide(y)),
               lambda g, x, y: g * (y / hypot(x, y)) / hypot(x, y),
               lambda g, x, y: -g * (x / hypot(x, y)) / hypot(x, y),
               domain=(POSITIVE, POSITIVE), math=r"\operatorname{atan2}(x, y)")
sinh = unary("sinh", np.sinh, lambda g, x: g * cosh(x), math=r"\sinh x")
cosh: Op = unary("cosh", np.cosh, lambda g, x: g * sinh(x), math=r"\cosh x")
tanh = unary("tanh", np.tanh, lambda g, out: g * (1.0 - out * out), math=r"\tanh x")
asinh = unary("asinh", np.arcsinh, lambda g, x: g * rsqrt(x * x + 1.0), math=r"\operatorname{arsinh} x")
acosh = unary("acosh", np.arccosh, lambda g, x: g * rsqrt(x * x - 1.0), domain=Interval(1.3, 4),
              math=r"\operatorname{arcosh} x")
atanh = unary("atanh", np.arctanh, lambda g, x: g / (1.0 - x * x), domain=OPEN_UNIT,
              math=r"\operatorname{artanh} x")
hypot: Op = binary("hypot", lambda x, y: np.hypot(_wide(x), _wide(y)),
               lambda g, x, out: g * where(equal(out, 0), 0.0, x / _guarded(out)),
               lambda g, y, out: g * where(equal(out, 0), 0.0, y / _guarded(out)),
               domain=(POSITIVE, POSITIVE), edges=(edge(x=0.0, y=0.0, out=0.0, slope=(0.0, 0.0)),),
               math=r"\sqrt{x^2 + y^2}")
