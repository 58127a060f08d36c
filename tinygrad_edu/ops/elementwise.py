"""Elementwise ops: each is one line of mathematics, with its derivative and the points where it has none.

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
from tinygrad_edu.errors import wrong
from tinygrad_edu.ops.oracle import exact
from tinygrad_edu.ops.powers import is_half, power
from tinygrad_edu.shapes import broadcast_shapes

Rule = Callable[..., Any]
_LN2, _LN10 = _math.log(2.0), _math.log(10.0)
OPEN_UNIT = Interval(-0.9, 0.9)


class Map(Op):
    """An elementwise op. On devices, this class broadcasts shapes and determines the result's dtype.

    oracle  the correct result, for tests and measurements (see `oracle.py`): a formula of numbers, or the
            name of a function of another library; by default a function with the op's name.
    """

    family = "map"

    def __init__(self, *declared: Any, oracle: Callable[..., Any] | str | None = None, **more: Any) -> None:
        super().__init__(*declared, **more)
        self.oracle = oracle

    def lower(self, backend: Backend) -> Callable[..., Any]:
        known: dict[Any, Any] = {}  # dtypes of the inputs, params -> dtype of the result

        def run(*arrays: Any, **params: Any) -> Any:
            shapes = [getattr(a, "shape", ()) for a in arrays]
            first = shapes[0]
            shape = first if all(s == first for s in shapes) else broadcast_shapes(*shapes)
            kinds = tuple([getattr(a, "dtype", None) or _dtype_key(a) for a in arrays])
            key = (kinds, tuple([(type(v), v) for v in params.values()])) if params else kinds
            dtype = known.get(key)
            if dtype is None:
                dtype = known[key] = self.result_dtype(kinds, params)
                if len(known) > 256:  # Python numbers may be different in each call
                    known.clear()
            return backend.map(self, arrays, shape, dtype, params)

        return run


def _dtype_key(number: Any) -> Any:
    """The key of a Python number for the result's dtype: its type, or an int itself if some dtype cannot hold
    it, so that the specification can refuse it."""
    return number if type(number) is int and not 0 <= number < 256 else type(number)


def _widened(x: Any) -> Any:
    """One-byte inputs as float32: NumPy would make float16 of them, or wrap around."""
    return x.astype(np.float32) if getattr(x, "dtype", None) in (np.uint8, np.bool_) else x


def _without_int8(out: Any) -> Any:
    """Arithmetic of bools is int64, as their sum is; NumPy's int8 is not a dtype of the library."""
    return out.astype(np.int64) if out.dtype.char == "b" else out


def unary(
    name: str,
    numpy: Callable[..., Any],
    vjp: Rule | None,
    *,
    domain: Interval = REAL,
    edges: tuple[Edge, ...] = (),
    math: str = "",
    floating: bool = True,
    oracle: Callable[..., Any] | str | None = None,
) -> Map:
    """Declare an elementwise op of one input. `floating`: integers in, floats out."""
    compute = (lambda x: numpy(_widened(x))) if floating else numpy
    ufunc = numpy if isinstance(numpy, np.ufunc) else None
    return Map(name, compute, (vjp,), domain=domain, edges=edges, math=math, ufunc=ufunc, oracle=oracle)


def binary(
    name: str,
    numpy: Callable[..., Any],
    vjp_x: Rule | None,
    vjp_y: Rule | None,
    *,
    domain: Interval | tuple[Interval, Interval] = REAL,
    edges: tuple[Edge, ...] = (),
    math: str = "",
    oracle: Callable[..., Any] | str | None = None,
) -> Map:
    """Declare an elementwise op of two inputs that broadcast."""
    return Map(name, numpy, (vjp_x, vjp_y), domain=domain, edges=edges, math=math, oracle=oracle)


# -- copies and casts ----------------------------------------------------------------------------------------

cast = Map(
    "cast",
    lambda x, *, dtype: x.astype(dtype),
    (lambda g: g,),
    calls=lambda draw: Call((draw.array(draw.shape()),), {"dtype": np.dtype("float64")}),
    math=r"x \text{ in another dtype}",
    oracle=lambda x, dtype: x,
)

# -- without a derivative: piecewise constant ----------------------------------------------------------------

equal = binary("equal", np.equal, None, None, math="x = y", oracle="operator.eq")
not_equal = binary("not_equal", np.not_equal, None, None, math=r"x \ne y", oracle="operator.ne")
less = binary("less", np.less, None, None, math="x < y", oracle="operator.lt")
less_equal = binary("less_equal", np.less_equal, None, None, math=r"x \le y", oracle="operator.le")
greater = binary("greater", np.greater, None, None, math="x > y", oracle="operator.gt")
greater_equal = binary("greater_equal", np.greater_equal, None, None, math=r"x \ge y", oracle="operator.ge")
logical_and = binary(
    "logical_and", np.logical_and, None, None, math=r"x \wedge y", oracle=lambda x, y: bool(x and y)
)
logical_or = binary(
    "logical_or", np.logical_or, None, None, math=r"x \vee y", oracle=lambda x, y: bool(x or y)
)
logical_xor = binary(
    "logical_xor", np.logical_xor, None, None, math=r"x \oplus y", oracle=lambda x, y: bool(x) != bool(y)
)
logical_not = unary(
    "logical_not", np.logical_not, None, math=r"\neg x", floating=False, oracle="operator.not_"
)
isnan = unary("isnan", np.isnan, None, math=r"x \text{ is NaN}", floating=False)
isinf = unary("isinf", np.isinf, None, math=r"|x| = \infty", floating=False)
isfinite = unary("isfinite", np.isfinite, None, math=r"|x| < \infty", floating=False)

_STEPS = Interval(-2.9, 2.9, avoid=(-2.5, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 2.5))
floor = unary("floor", np.floor, lambda g: g * 0.0, domain=_STEPS, math=r"\lfloor x \rfloor", floating=False)
ceil = unary("ceil", np.ceil, lambda g: g * 0.0, domain=_STEPS, math=r"\lceil x \rceil", floating=False)
# fmt: off
round = unary("round", lambda x: np.round(x) if x.dtype.kind in "fc" else x.copy(), lambda g: g * 0.0,
              domain=_STEPS, math=r"\text{round half to even}", floating=False, oracle="mpmath.nint")
trunc = unary("trunc", np.trunc, lambda g: g * 0.0, domain=_STEPS, math=r"\text{towards 0}", floating=False,
              oracle=int)
sign = unary("sign", lambda x: np.sign(x) if x.dtype.kind != "b" else x, lambda g: g * 0.0,
             domain=Interval(avoid=(0,)), edges=(edge(x=0.0, out=0.0, slope=0.0),),
             math=r"\operatorname{sign} x", floating=False)
step = unary("step", lambda x: (x > 0).astype(x.dtype), lambda g: g * 0.0, domain=Interval(avoid=(0,)),
             edges=(edge(x=0.0, out=0.0, slope=0.0, why="the lecture's perceptron: 1 only above 0"),),
             math=r"[x > 0]", floating=False, oracle=lambda x: int(x > 0))
# -- arithmetic ----------------------------------------------------------------------------------------------

add = binary("add", np.add, lambda g: g, lambda g: g, math="x + y")
sub = binary("sub", np.subtract, lambda g: g, lambda g: -g, math="x - y")
mul = binary("mul", np.multiply, lambda g, y: g * y, lambda g, x: g * x, math="x y")
div = binary("div", np.true_divide, lambda g, y: g / y, lambda g, out, y: -g * out / y,
             domain=(REAL, Interval(avoid=(0,), gap=0.3)), math="x / y", oracle="operator.truediv")
neg = unary("neg", np.negative, lambda g: -g, math="-x", floating=False)
floor_divide = binary("floor_divide", lambda x, y: _without_int8(np.floor_divide(x, y)), lambda g: g * 0.0,
                      lambda g: g * 0.0,
                      domain=(Interval(0.3, 0.9), Interval(1, 4)), math=r"\lfloor x / y \rfloor",
                      oracle=lambda x, y: exact.floor(x / y))
remainder = binary("remainder", lambda x, y: _without_int8(np.remainder(x, y)), lambda g: g,
                   lambda g, x, y: -g * floor_divide(x, y),
                   domain=(Interval(0.3, 0.9), Interval(1, 4)), math=r"x - y \lfloor x / y \rfloor",
                   oracle=lambda x, y: x - y * exact.floor(x / y))
square = unary("square", lambda x: _without_int8(np.square(x)), lambda g, x: g * x * 2.0,
               math="x^2", floating=False, oracle=lambda x: x * x)
reciprocal = unary("reciprocal", lambda x: 1.0 / x, lambda g, out: -g * out * out,
                   domain=Interval(avoid=(0,), gap=0.3), math="1 / x", oracle=lambda x: 1 / x)
abs = unary("abs", np.absolute, lambda g, x: g * sign(x), domain=Interval(avoid=(0,)),
            edges=(edge(x=0.0, out=0.0, slope=0.0),), math="|x|", floating=False)
# fmt: on

# -- choosing ------------------------------------------------------------------------------------------------


def _cast_int(number: Any, other: Any) -> Any:
    """A Python int in the dtype of the other operand; OverflowError where np.where would wrap it around."""
    return np.asarray(number, np.result_type(other, number)) if type(number) is int else number


# fmt: off
where: Op = Map("where", lambda condition, x, y: np.where(condition, _cast_int(x, y), _cast_int(y, x)),
            (None, lambda g, condition: where(condition, g, 0.0),
             lambda g, condition: where(condition, 0.0, g)),
            math=r"x \text{ if condition else } y", oracle=lambda condition, x, y: x if condition else y)
# fmt: on


def _larger_slope(g: Any, mine: Any, other: Any) -> Any:
    """The gradient of a maximum: g for the larger input, g / 2 in a tie. No difference: inf - inf is NaN."""
    return g * greater(mine, other) + g * equal(mine, other) * 0.5


# fmt: off
maximum = binary("maximum", np.maximum, lambda g, x, y: _larger_slope(g, x, y), lambda g, x, y:
_larger_slope(g, y, x),
                 domain=(Interval(-3, 3), Interval(3.1, 4)),
                 edges=(edge(x=1.0, y=1.0, out=1.0, slope=(0.5, 0.5), why="a tie is shared evenly"),),
                 math=r"\max(x, y)", oracle=max)
minimum = binary("minimum", np.minimum, lambda g, x, y: _larger_slope(g, y, x), lambda g, x, y:
_larger_slope(g, x, y),
                 domain=(Interval(-3, 3), Interval(3.1, 4)),
                 edges=(edge(x=1.0, y=1.0, out=1.0, slope=(0.5, 0.5), why="a tie is shared evenly"),),
                 math=r"\min(x, y)", oracle=min)
# fmt: on


def _inside(x: Any, low: float | None, high: float | None) -> Any:
    """1 where low <= x <= high: the slope of clip. The bounds are included, as in PyTorch."""
    if low is not None and high is not None:
        return logical_and(greater_equal(x, low), less_equal(x, high))
    return greater_equal(x, low) if low is not None else less_equal(x, high)


def _clip(x: Any, *, low: float | None = None, high: float | None = None) -> Any:
    if low is None and high is None:
        raise wrong(ValueError, "clip", "clip needs low, high or both")
    return np.clip(x, low, high)


# fmt: off
clip = Map("clip", _clip, (lambda g, x, low, high: where(_inside(x, low, high), g, 0.0),),
           calls=lambda draw: Call(
               (draw.array(draw.shape(), Interval(-3, 3, avoid=(-1, 1))),),
               draw.choice(({"low": -1.0, "high": 1.0}, {"low": -1.0}, {"high": 1.0}))),
           edges=(edge(x=1.0, out=1.0, slope=1.0, params={"high": 1.0}, why="a bound counts as inside"),),
           math=r"\min(\max(x, \text{low}), \text{high})",
           oracle=lambda x, low, high: min(max(x, -_math.inf if low is None else low),
                                           _math.inf if high is None else high))

# -- powers, exponentials, logarithms ------------------------------------------------------------------------

exp = unary("exp", np.exp, lambda g, out: g * out, math="e^x")
expm1 = unary("expm1", np.expm1, lambda g, x: g * exp(x), math="e^x - 1",
              edges=(edge(x=-40.0, out=-1.0, slope=_math.exp(-40.0), why="not 0"),))
exp2 = unary("exp2", np.exp2, lambda g, out: g * out * _LN2, math="2^x", oracle=lambda x: exact.power(2, x))
log = unary("log", np.log, lambda g, x: g / x, domain=POSITIVE, math=r"\ln x",
            edges=(edge(x=0.0, out=-np.inf, slope=np.inf),))
log1p = unary("log1p", np.log1p, lambda g, x: g / (x + 1.0), domain=Interval(-0.7, 3), math=r"\ln(1 + x)")
log2 = unary("log2", np.log2, lambda g, x: g * (1.0 / _LN2) / x, domain=POSITIVE, math=r"\log_2 x",
             oracle=lambda x: exact.log(x, 2))
log10 = unary("log10", np.log10, lambda g, x: g * (1.0 / _LN10) / x, domain=POSITIVE, math=r"\log_{10} x")
sqrt = unary("sqrt", np.sqrt, lambda g, out: g / (out * 2.0), domain=POSITIVE, math=r"\sqrt x",
             edges=(edge(x=0.0, out=0.0, slope=np.inf, why="the one-sided limit"),))
rsqrt = unary("rsqrt", lambda x: 1.0 / np.sqrt(x), lambda g, out: g * -0.5 * out * out * out, domain=POSITIVE,
              math=r"1 / \sqrt x", oracle=lambda x: 1 / exact.sqrt(x))
cbrt = unary("cbrt", np.cbrt, lambda g, out: g / (out * out * 3.0), domain=Interval(avoid=(0,), gap=0.3),
             math=r"\sqrt[3] x", oracle=lambda x: exact.sign(x) * exact.cbrt(exact.fabs(x)))
# fmt: on


def _nonzero(base: Any) -> Any:
    """`base`, or 1 where it is 0: for a logarithm that is multiplied by 0 there."""
    return where(equal(base, 0), 1.0, base)


def _power_slope(g: Any, x: Any, y: Any) -> Any:
    """y x^(y-1). For y < 1 it is y x^y / x, because y - 1 would be rounded, except at x = 0 or infinity.

    If y is one Python number and y - 1 is not rounded, no case has to be told from another.
    """
    if is_half(y) and y != 0:
        return g if y == 1 else g * y * (x if y == 2 else pow(x, y - 1.0))
    exact = logical_or(greater_equal(y, 1), logical_or(equal(x, 0), isinf(x)))
    slope = g * y * pow(x, where(logical_and(exact, not_equal(y, 0)), y - 1.0, y))
    return where(equal(y, 0), 0.0, where(exact, slope, slope / where(exact, 1.0, x)))


# fmt: off
pow: Op = binary("pow", lambda x, y: _without_int8(power(x, y)), lambda g, x, y: _power_slope(g, x, y),
             lambda g, x, out: where(equal(out, 0), 0.0, g * out * log(_nonzero(x))),
             domain=(POSITIVE, Interval(-2, 3)),
             edges=(edge(x=0.0, y=0.0, out=1.0, slope=(0.0, 0.0)),
                    edge(x=0.0, y=2.0, out=0.0, slope=(0.0, 0.0)),
                    edge(x=0.0, y=1.0, out=0.0, slope=(1.0, 0.0)),
                    edge(x=np.inf, y=-1.0, out=0.0, slope=(0.0, 0.0)),
                    edge(x=-2.0, y=2.0, out=4.0, slope=(-4.0, np.nan))),
             math="x^y")
# fmt: on

# -- trigonometric, inverse, hyperbolic ----------------------------------------------------------------------


def decay(x: Any) -> Any:
    """e^-|x| in a new array; for a complex step, e^x or e^-x by the sign of the real part."""
    if x.dtype.kind == "c":
        return np.asarray(np.exp(np.where(x.real < 0, x, -x)))
    size = np.asarray(np.abs(x if x.dtype.kind == "f" else x.astype(np.float64)))
    return np.exp(np.negative(size, out=size), out=size)


def _tanh_slope(x: Any) -> Any:
    e = decay(x * 2.0)
    below = e + 1.0
    below *= below
    e *= 4.0
    return np.divide(e, below, out=e)


def _hypot(x: Any, y: Any) -> Any:
    x, y = _widened(x), _widened(y)
    if np.iscomplexobj(x) or np.iscomplexobj(y):
        return np.sqrt(x * x + y * y)
    return np.hypot(x, y)


def _over_squares(mine: Any, other: Any) -> Any:
    """mine / (mine^2 + other^2); 0 at the origin and where one is infinite. The distance may
    overflow, so half of it is computed."""
    half = hypot(mine * 0.5, other * 0.5)
    nowhere = logical_or(logical_and(equal(mine, 0), equal(half, 0)), isinf(half))
    half = where(nowhere, 1.0, half)
    return where(nowhere, 0.0, mine / half * 0.25 / half)


sin = unary("sin", np.sin, lambda g, x: g * cos(x), math=r"\sin x")
cos: Op = unary("cos", np.cos, lambda g, x: -g * sin(x), math=r"\cos x")
tan = unary("tan", np.tan, lambda g, out: g * (out * out + 1.0), domain=Interval(-1.2, 1.2), math=r"\tan x")
# fmt: off
one_minus_square = unary("one_minus_square", lambda x: (1.0 - x) * (1.0 + x), lambda g, x: g * x * -2.0,
                         math="(1 - x)(1 + x)", oracle=lambda x: 1 - x * x)
asin = unary("asin", np.arcsin, lambda g, x: g * rsqrt(one_minus_square(x)),
             domain=OPEN_UNIT, math=r"\arcsin x")
acos = unary("acos", np.arccos, lambda g, x: -g * rsqrt(one_minus_square(x)),
             domain=OPEN_UNIT, math=r"\arccos x")
atan = unary("atan", np.arctan, lambda g, x: g / hypot(x, 1.0) / hypot(x, 1.0), math=r"\arctan x")
atan2 = binary("atan2", lambda x, y: np.arctan2(_widened(x), _widened(y)),
               lambda g, x, y: g * _over_squares(y, x), lambda g, x, y: -g * _over_squares(x, y),
               domain=(POSITIVE, POSITIVE),
               edges=(edge(x=0.0, y=0.0, out=0.0, slope=(0.0, 0.0), why="as hypot and norm"),
                      edge(x=np.inf, y=1.0, out=_math.pi / 2, slope=(0.0, 0.0)),
                      edge(x=np.inf, y=np.inf, out=_math.pi / 4, slope=(0.0, 0.0)),
                      edge(x=1e300, y=1e300, out=_math.pi / 4, slope=(5e-301, -5e-301))),
               math=r"\operatorname{atan2}(x, y)")
sinh = unary("sinh", np.sinh, lambda g, x: g * cosh(x), math=r"\sinh x")
cosh: Op = unary("cosh", np.cosh, lambda g, x: g * sinh(x), math=r"\cosh x")
tanh_slope = unary("tanh_slope", _tanh_slope, lambda g, x, out: g * out * tanh(x) * -2.0,
                   math=r"1 / \cosh^2 x", edges=(edge(x=np.inf, out=0.0, slope=0.0),),
                   oracle=lambda x: exact.sech(x) ** 2)
tanh: Op = unary("tanh", np.tanh, lambda g, x: g * tanh_slope(x), math=r"\tanh x",
             edges=(edge(x=20.0, out=1.0, slope=4.0 * _math.exp(-40.0), why="not 0"),
                    edge(x=-np.inf, out=-1.0, slope=0.0)))
asinh = unary("asinh", np.arcsinh, lambda g, x: g / hypot(x, 1.0), math=r"\operatorname{arsinh} x")
acosh = unary("acosh", np.arccosh, lambda g, x: g * rsqrt(x - 1.0) * rsqrt(x + 1.0), domain=Interval(1.3, 4),
              math=r"\operatorname{arcosh} x")
atanh = unary("atanh", np.arctanh, lambda g, x: g / one_minus_square(x), domain=OPEN_UNIT,
              math=r"\operatorname{artanh} x")
hypot: Op = binary("hypot", _hypot,
               lambda g, x, out: g * where(equal(out, 0), 0.0, x / _nonzero(out)),
               lambda g, y, out: g * where(equal(out, 0), 0.0, y / _nonzero(out)),
               domain=(POSITIVE, POSITIVE), edges=(edge(x=0.0, y=0.0, out=0.0, slope=(0.0, 0.0)),),
               math=r"\sqrt{x^2 + y^2}")
# fmt: on
