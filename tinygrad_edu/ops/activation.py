"""Activations: the elementwise ops neurons are made of. Each is written so that no input overflows it."""

from __future__ import annotations

import math as _math
from typing import Any

import numpy as np

from tinygrad_edu.domain import Call, Interval, edge
from tinygrad_edu.ops import error_function
from tinygrad_edu.ops.elementwise import Map, clip, decay, exp, tanh, unary, where
from tinygrad_edu.ops.elementwise import greater as _greater
from tinygrad_edu.ops.oracle import exact

KINK = Interval(-3, 3, avoid=(0,))
_SUBNORMAL = {"f": -87.0, "d": -708.0}  # below it e^x is subnormal
LIMIT = 1e4  # e^-LIMIT is 0; a factor limited to it gives 0 times e^-x its limit 0, not NaN


def _any_subnormal(x: Any) -> bool:
    """Whether e^x may be subnormal, or x is not real."""
    return not (x.dtype.kind == "f" and x.size and np.minimum.reduce(x, None) >= _SUBNORMAL[x.dtype.char])


def _sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x) for x >= 0, else e^x / (1 + e^x): neither overflows, and both are accurate down to the
    smallest numbers. The first alone is as accurate if no e^x is subnormal."""
    if not _any_subnormal(x):
        e = np.negative(x, out=np.empty(x.shape, x.dtype))
        np.exp(e, out=e)
        e += 1.0
        return np.divide(1.0, e, out=e)
    e = decay(x)
    above = np.where(x.real < 0, e, 1.0)
    e += 1.0
    return np.divide(above, e, out=above)


def _sigmoid_slope(x: Any) -> Any:
    e = decay(x)
    below = e + 1.0
    below *= below
    return np.divide(e, below, out=e)


def _relu(x: Any) -> Any:
    """The maximum with an array of zeros: NumPy compares two arrays four times faster than one with 0."""
    out = np.zeros(x.shape, x.dtype)
    return np.maximum(x, out, out=out)


def _softplus(x: Any) -> Any:
    e = decay(x)
    out = np.log1p(e, out=e)
    out += np.maximum(x, 0)
    return out


def _silu(x: Any) -> Any:
    if not _any_subnormal(x):
        return x * _sigmoid(x)
    out = np.maximum(x, -LIMIT) * _sigmoid(x)
    if x.dtype.kind == "f" and (low := x < _SUBNORMAL[x.dtype.char]).any():
        low_x = np.where(low, np.maximum(x, -LIMIT), 0.0)
        half = np.exp(low_x * 0.5)  # e^x has few digits there, e^(x/2) has all
        out = np.where(low, low_x * half * half, out)
    return out


def _limited(x: Any) -> Any:
    return clip(x, low=-LIMIT, high=LIMIT)


def _leaky(x: Any, *, slope: float = 0.01) -> Any:
    return np.where(x > 0, x, x * slope)


def _elu(x: Any, *, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def _not_positive(x: Any) -> Any:
    return where(_greater(x, 0), 0.0, x)


def _calls_with(name: str, value: float) -> Any:
    return lambda draw: Call((draw.array(draw.shape(), KINK),), {name: draw.choice((value, 2 * value))})


# fmt: off
sigmoid_slope = unary("sigmoid_slope", _sigmoid_slope, lambda g, x, out: -g * out * tanh(x * 0.5),
                      math=r"\sigma(x) \, \sigma(-x)", edges=(edge(x=np.inf, out=0.0, slope=0.0),),
                      oracle=lambda x: exact.sech(x / 2) ** 2 / 4)
sigmoid = unary("sigmoid", _sigmoid, lambda g, x: g * sigmoid_slope(x), math=r"\sigma(x) = 1 / (1 + e^{-x})",
                edges=(edge(x=1000.0, out=1.0, slope=0.0), edge(x=-1000.0, out=0.0, slope=0.0),
                       edge(x=-40.0, out=_math.exp(-40.0), slope=_math.exp(-40.0), why="not 0"),
                       edge(x=40.0, out=1.0, slope=_math.exp(-40.0), why="not 0")),
                oracle=lambda x: 1 / (1 + exact.exp(-x)))
softplus = unary("softplus", _softplus, lambda g, x: g * sigmoid(x), domain=KINK, math=r"\ln(1 + e^x)",
                 edges=(edge(x=1000.0, out=1000.0, slope=1.0), edge(x=-1000.0, out=0.0, slope=0.0),
                        edge(x=0.0, out=_math.log(2.0), slope=0.5)),
                 oracle=lambda x: exact.log1p(exact.exp(x)))
log_sigmoid = unary("log_sigmoid", lambda x: -_softplus(-x), lambda g, x: g * sigmoid(-x), domain=KINK,
                    math=r"\ln \sigma(x)",
                    edges=(edge(x=-1000.0, out=-1000.0, slope=1.0),
                           edge(x=40.0, out=-_math.exp(-40.0), slope=_math.exp(-40.0), why="not 0")),
                    oracle=lambda x: -exact.log1p(exact.exp(-x)))
relu = unary("relu", _relu, lambda g, out: g * _greater(out, 0), domain=KINK,
             edges=(edge(x=0.0, out=0.0, slope=0.0),), math=r"\max(x, 0)", floating=False,
             oracle=lambda x: max(x, 0))
leaky_relu = Map("leaky_relu", _leaky, (lambda g, x, slope: where(_greater(x, 0), g, g * slope),),
                 calls=_calls_with("slope", 0.01), edges=(edge(x=0.0, out=0.0, slope=0.01),),
                 math=r"x \text{ if } x > 0 \text{ else } \text{slope} \cdot x",
                 oracle=lambda x, slope: x if x > 0 else slope * x)
elu = Map("elu", _elu,
          (lambda g, x, alpha: where(_greater(x, 0), g, g * exp(_not_positive(x)) * alpha),),
          calls=_calls_with("alpha", 1.0),
          edges=(edge(x=0.0, out=0.0, slope=1.0), edge(x=-np.inf, out=-1.0, slope=0.0),
                 edge(x=-40.0, out=-1.0, slope=_math.exp(-40.0), why="not 0")),
          math=r"x \text{ if } x > 0 \text{ else } \alpha (e^x - 1)",
          oracle=lambda x, alpha: x if x > 0 else alpha * exact.expm1(x))
silu = unary("silu", _silu, lambda g, x: g * (sigmoid(x) + _limited(x) * sigmoid_slope(x)),
             edges=(edge(x=np.inf, out=np.inf, slope=1.0),
                    edge(x=-np.inf, out=0.0, slope=0.0, why="the limits")), math=r"x \, \sigma(x)",
             oracle=lambda x: x / (1 + exact.exp(-x)))
bell = Map("bell", error_function.bell, (lambda g, x, out, scale: g * out * _limited(x) * (-2.0 * scale),),
           calls=_calls_with("scale", 0.5), edges=(edge(x=np.inf, out=0.0, slope=0.0),), math=r"e^{-s x^2}",
           oracle=lambda x, scale: exact.exp(-scale * x * x))
erf = unary("erf", error_function.erf, lambda g, x: g * bell(x) * (2.0 / _math.sqrt(_math.pi)),
            math=r"\operatorname{erf} x",
            edges=(edge(x=np.inf, out=1.0, slope=0.0), edge(x=-np.inf, out=-1.0, slope=0.0)))
normal_cdf = unary("normal_cdf", error_function.normal_cdf, lambda g, x: g * _density(x),
                   math=r"\Phi(x) = \tfrac12 \operatorname{erfc}(-x / \sqrt 2)",
                   edges=(edge(x=np.inf, out=1.0, slope=0.0), edge(x=-np.inf, out=0.0, slope=0.0)),
                   oracle="mpmath.ncdf")
# Hendrycks and Gimpel, "Gaussian error linear units", arXiv 1606.08415.
gelu = unary("gelu", error_function.gelu, lambda g, x: g * (normal_cdf(x) + _limited(x) * _density(x)),
             edges=(edge(x=np.inf, out=np.inf, slope=1.0),
                    edge(x=-np.inf, out=0.0, slope=0.0, why="the limits"),
                    edge(x=-10.0, out=-7.619853024160526e-23, slope=-7.618400096464814e-22, why="not 0")),
             math=r"x \, \Phi(x)", oracle=lambda x: x * exact.ncdf(x))
# fmt: on


def _density(x: Any) -> Any:
    """The density of the standard normal distribution."""
    return bell(x, scale=0.5) * (1.0 / _math.sqrt(2.0 * _math.pi))
