"""Activations: the elementwise ops that neurons are made of. Each is written so that no input overflows it.
"""
from __future__ import annotations

import math as _math
from typing import Any

import numpy as np

from tinygrad_edu.domain import Call, Interval, edge
from tinygrad_edu.ops.elementwise import Map, exp, unary, where
from tinygrad_edu.ops.elementwise import greater as _greater

KINK = Interval(-3, 3, avoid=(0,))


def _sigmoid(x: Any) -> Any:
    return np.tanh(x * 0.5) * 0.5 + 0.5             # the same function, and nothing in it overflows


def _relu(x: Any) -> Any:
    """Against zeros of its own shape: NumPy compares two arrays four times faster than an array and a number.
    """
    out = np.zeros(x.shape, x.dtype)
    return np.maximum(x, out, out=out)


def _softplus(x: Any) -> Any:
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def _erf_series(x: Any) -> Any:
    """erf by its Maclaurin series, for |x| < 2.5: terms alternate, 60 of them leave nothing."""
    term, total, square = x, x.copy(), x * x
    for n in range(1, 60):
        term = -term * square / n
        total = total + term / (2 * n + 1)
    return total * (2.0 / _math.sqrt(_math.pi))


def _erf_fraction(x: Any) -> Any:
    """erfc by its continued fraction, for x >= 2.5 (Abramowitz and Stegun 7.1.14), 60 levels from the bottom.
    """
    bottom = x
    for n in range(60, 0, -1):
        bottom = x + (n / 2.0) / bottom
    return np.exp(-x * x) / (bottom * _math.sqrt(_math.pi))


def _erf(x: Any) -> Any:
    x = np.asarray(x)
    wide = x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)
    real = wide.real
    small = np.where(np.abs(real) < 2.5, wide, 0.0)
    large = np.where(np.abs(real) >= 2.5, np.where(real < 0, -wide, wide), 2.5)
    out = np.where(np.abs(real) < 2.5, _erf_series(small), np.sign(real) * (1.0 - _erf_fraction(large)))
    out = np.where(np.isnan(real), np.nan, out)
    return out.astype(x.dtype if x.dtype.kind in "fc" else np.float64)


def _leaky(x: Any, *, slope: float = 0.01) -> Any:
    return np.where(x > 0, x, x * slope)


def _elu(x: Any, *, alpha: float = 1.0) -> Any:
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0)))


def _with(name: str, value: float) -> Any:
    return lambda draw: Call((draw.array(draw.shape(), KINK),), {name: draw.choice((value, 2 * value))})


sigmoid = unary("sigmoid", _sigmoid, lambda g, out: g * out * (1.0 - out),
                math=r"\sigma(x) = 1 / (1 + e^{-x})",
                edges=(edge(x=1000.0, out=1.0, slope=0.0), edge(x=-1000.0, out=0.0, slope=0.0)))
softplus = unary("softplus", _softplus, lambda g, x: g * sigmoid(x), domain=KINK, math=r"\ln(1 + e^x)",
                 edges=(edge(x=1000.0, out=1000.0, slope=1.0), edge(x=-1000.0, out=0.0, slope=0.0),
                        edge(x=0.0, out=_math.log(2.0), slope=0.5)))
log_sigmoid = unary("log_sigmoid", lambda x: -_softplus(-x), lambda g, x: g * sigmoid(-x), domain=KINK,
                    math=r"\ln \sigma(x)", edges=(edge(x=-1000.0, out=-1000.0, slope=1.0),))
relu = unary("relu", _relu, lambda g, out: g * _greater(out, 0), domain=KINK,
             edges=(edge(x=0.0, out=0.0, slope=0.0),), math=r"\max(x, 0)", floating=False)
leaky_relu = Map("leaky_relu", _leaky, (lambda g, x, slope: where(_greater(x, 0), g, g * slope),),
                 calls=_with("slope", 0.01), edges=(edge(x=0.0, out=0.0, slope=0.01),),
                 math=r"x \text{ if } x > 0 \text{ else } \text{slope} \cdot x")
elu = Map("elu", _elu, (lambda g, out, alpha: where(_greater(out, 0), g, g * (out + alpha)),),
          calls=_with("alpha", 1.0), edges=(edge(x=0.0, out=0.0, slope=1.0),),
          math=r"x \text{ if } x > 0 \text{ else } \alpha (e^x - 1)")
silu = unary("silu", lambda x: x * _sigmoid(x), lambda g, x: _silu_slope(g, x, sigmoid(x)),
             math=r"x \, \sigma(x)")
erf = unary("erf", _erf, lambda g, x: g * exp(x * x * -1.0) * (2.0 / _math.sqrt(_math.pi)),
            math=r"\operatorname{erf} x",
            domain=Interval(-3, 3, avoid=(-2.5, 2.5)), edges=(edge(x=np.inf, out=1.0),))


def _silu_slope(g: Any, x: Any, s: Any) -> Any:
    return g * s * (x * (1.0 - s) + 1.0)
