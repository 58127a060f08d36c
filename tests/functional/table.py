"""The table: every public function, what NumPy says it computes, and how to draw a call of it.

The oracles are NumPy's own functions or a textbook's formula, in float64; none calls the library.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tests.functional import drawing as d
from tests.functional import oracles as o
from tests.functional import placements as p
from tests.functional.drawing import OPEN, POSITIVE, WIDE, Case
from tinygrad_edu.domain import Interval

ELEMENTWISE = {
    "abs": Case(np.abs, d.maps(WIDE)),
    "acos": Case(np.arccos, d.maps(OPEN)),
    "acosh": Case(np.arccosh, d.maps(Interval(1, 4))),
    "add": Case(np.add, d.maps(WIDE, WIDE)),
    "asin": Case(np.arcsin, d.maps(OPEN)),
    "asinh": Case(np.arcsinh, d.maps(WIDE)),
    "atan": Case(np.arctan, d.maps(WIDE)),
    "atan2": Case(np.arctan2, d.maps(WIDE, WIDE)),
    "atanh": Case(np.arctanh, d.maps(OPEN)),
    "cbrt": Case(np.cbrt, d.maps(WIDE)),
    "ceil": Case(np.ceil, d.maps(WIDE)),
    "cos": Case(np.cos, d.maps(WIDE)),
    "cosh": Case(np.cosh, d.maps(WIDE)),
    "clip": Case(
        lambda x, low=None, high=None: np.clip(x, low, high), d.maps(WIDE, low=(-1.0, None), high=(0.5, 1.0))
    ),
    "div": Case(np.divide, d.maps(WIDE, POSITIVE)),
    "elu": Case(lambda x, alpha: np.where(x > 0, x, alpha * (np.exp(x) - 1)), d.maps(WIDE, alpha=(1.0, 0.3))),
    "equal": Case(np.equal, d.maps(WIDE, WIDE)),
    "erf": Case(o.erf, d.maps(Interval(-4, 4))),
    "exp": Case(np.exp, d.maps(WIDE)),
    "exp2": Case(np.exp2, d.maps(WIDE)),
    "expm1": Case(np.expm1, d.maps(WIDE)),
    "floor": Case(np.floor, d.maps(WIDE)),
    "floor_divide": Case(np.floor_divide, d.maps(WIDE, POSITIVE)),
    "gelu": Case(lambda x: x * (1 + o.erf(x / math.sqrt(2))) / 2, d.maps(WIDE)),
    "greater": Case(np.greater, d.maps(WIDE, WIDE)),
    "greater_equal": Case(np.greater_equal, d.maps(WIDE, WIDE)),
    "hypot": Case(np.hypot, d.maps(WIDE, WIDE)),
    "isfinite": Case(np.isfinite, o.special),
    "isinf": Case(np.isinf, o.special),
    "isnan": Case(np.isnan, o.special),
    "leaky_relu": Case(
        lambda x, slope: np.maximum(x, 0) + slope * np.minimum(x, 0), d.maps(WIDE, slope=(0.01, 0.2))
    ),
    "less": Case(np.less, d.maps(WIDE, WIDE)),
    "less_equal": Case(np.less_equal, d.maps(WIDE, WIDE)),
    "log": Case(np.log, d.maps(POSITIVE)),
    "log10": Case(np.log10, d.maps(POSITIVE)),
    "log1p": Case(np.log1p, d.maps(POSITIVE)),
    "log2": Case(np.log2, d.maps(POSITIVE)),
    "log_sigmoid": Case(lambda x: -np.logaddexp(0, -x), d.maps(Interval(-50, 50))),
    "logical_and": Case(np.logical_and, o.truths(2)),
    "logical_not": Case(np.logical_not, o.truths(1)),
    "logical_or": Case(np.logical_or, o.truths(2)),
    "logical_xor": Case(np.logical_xor, o.truths(2)),
    "maximum": Case(np.maximum, d.maps(WIDE, WIDE)),
    "minimum": Case(np.minimum, d.maps(WIDE, WIDE)),
    "mul": Case(np.multiply, d.maps(WIDE, WIDE)),
    "neg": Case(np.negative, d.maps(WIDE)),
    "not_equal": Case(np.not_equal, d.maps(WIDE, WIDE)),
    "pow": Case(np.power, d.maps(POSITIVE, WIDE)),
    "reciprocal": Case(np.reciprocal, d.maps(POSITIVE)),
    "relu": Case(lambda x: x * (x > 0), d.maps(WIDE)),
    "remainder": Case(np.remainder, d.maps(WIDE, POSITIVE)),
    "round": Case(np.round, d.maps(WIDE)),
    "rsqrt": Case(lambda x: x**-0.5, d.maps(POSITIVE)),
    "sigmoid": Case(lambda x: 1 / (1 + np.exp(-x)), d.maps(Interval(-30, 30))),
    "sign": Case(np.sign, d.maps(WIDE)),
    "silu": Case(lambda x: x / (1 + np.exp(-x)), d.maps(WIDE)),
    "sin": Case(np.sin, d.maps(WIDE)),
    "sinh": Case(np.sinh, d.maps(WIDE)),
    "softplus": Case(lambda x: np.logaddexp(0, x), d.maps(Interval(-50, 50))),
    "sqrt": Case(np.sqrt, d.maps(POSITIVE)),
    "square": Case(np.square, d.maps(WIDE)),
    "step": Case(lambda x: np.heaviside(x, 0.0), d.maps(WIDE)),
    "sub": Case(np.subtract, d.maps(WIDE, WIDE)),
    "tan": Case(np.tan, d.maps(OPEN)),
    "tanh": Case(np.tanh, d.maps(WIDE)),
    "trunc": Case(np.trunc, d.maps(WIDE)),
    "where": Case(np.where, o.choices),
}

REDUCTIONS = {
    "sum": Case(np.sum, d.reductions()),
    "mean": Case(np.mean, d.reductions()),
    "prod": Case(np.prod, d.reductions()),
    "max": Case(np.max, d.reductions()),
    "min": Case(np.min, d.reductions()),
    "any": Case(np.any, d.reductions(Interval(0, 1))),
    "all": Case(np.all, d.reductions(Interval(0, 1))),
    "argmax": Case(np.argmax, d.reductions(many=False)),
    "argmin": Case(np.argmin, d.reductions(many=False)),
    "var": Case(
        lambda x, correction, **k: np.var(x, ddof=correction, **k),
        d.reductions(correction=(0, 1), min_side=1),
    ),
    "std": Case(
        lambda x, correction, **k: np.std(x, ddof=correction, **k),
        d.reductions(correction=(0, 1), min_side=1),
    ),
    "logsumexp": Case(o.logsumexp, d.reductions()),
    "norm": Case(o.norm, d.reductions(ord=(0, 0.5, 1, 2, 3, math.inf, -math.inf))),
    "cumsum": Case(np.cumsum, d.along()),
    "cumprod": Case(np.cumprod, d.along()),
    "softmax": Case(o.softmax, d.along()),
    "log_softmax": Case(lambda x, axis: np.log(o.softmax(x, axis)), d.along()),
    "sort": Case(
        lambda x, axis, descending: o.ordered(x, axis, descending)[0],
        d.along(whole=True, descending=(True, False)),
    ),
    "argsort": Case(
        lambda x, axis, descending: o.ordered(x, axis, descending)[1],
        d.along(whole=True, descending=(True, False)),
    ),
    "topk": Case(o.topk, o.topk_calls),
    "layer_norm": Case(o.layer_norm, o.layer_norm_calls),
    "allclose": Case(np.allclose, lambda draw: o.nearly(draw)),
}

MOVEMENT = {
    "broadcast_to": Case(np.broadcast_to, p.broadcast_calls("shape")),
    "expand": Case(p.expand, p.expand_calls),
    "clone": Case(np.copy, d.maps(WIDE)),
    "concat": Case(lambda xs, axis: np.concatenate(xs, axis), p.concat_calls),
    "stack": Case(lambda xs, axis: np.stack(xs, axis), p.stack_calls),
    "expand_dims": Case(np.expand_dims, p.expand_dims_calls),
    "flatten": Case(p.flatten, p.flatten_calls),
    "flip": Case(np.flip, lambda draw: p.with_axes(draw)),
    "roll": Case(np.roll, p.roll_calls),
    "matrix_transpose": Case(lambda x: np.swapaxes(x, -1, -2), lambda draw: p.shaped(draw, min_dims=2)),
    "pad": Case(lambda x, widths, value: np.pad(x, widths, constant_values=value), p.pad_calls),
    "permute_dims": Case(np.transpose, p.permute_calls),
    "transpose": Case(p.transpose, p.transpose_calls),
    "repeat": Case(np.repeat, p.repeat_calls),
    "tile": Case(np.tile, p.tile_calls),
    "reshape": Case(np.reshape, p.reshape_calls),
    "squeeze": Case(np.squeeze, p.squeeze_calls),
    "sliding_windows": Case(p.windows, p.windows_calls),
    "split": Case(p.split, p.split_calls),
}

INDEXING = {
    "getitem": Case(lambda x, key: x[key], p.getitem_calls),
    "embedding": Case(lambda i, w: w[i], p.embedding_calls),
    "one_hot": Case(lambda i, classes: np.eye(classes, dtype=np.float32)[i], p.one_hot_calls),
    "take_along_axis": Case(np.take_along_axis, p.along_calls),
    "gather": Case(np.take_along_axis, p.along_calls),
    "take": Case(np.take, p.take_calls),
    "index_select": Case(np.take, p.take_calls),
    "scatter_add": Case(p.scatter_add, p.scatter_calls),
}

LINEAR = {
    "matmul": Case(np.matmul, p.matmul_calls),
    "dot": Case(np.dot, lambda draw: p.vectors(draw, same=True)),
    "outer": Case(np.outer, lambda draw: p.vectors(draw, same=False)),
    "trace": Case(np.trace, p.square_calls),
    "linear": Case(lambda x, w, b=0.0: x @ w.T + b, p.linear_calls),
    "einsum": Case(np.einsum, p.einsum_calls),
}

LOSSES = {
    "mse": Case(o.reduced(lambda y, t: (y - t) ** 2), o.pairs()),
    "l1": Case(o.reduced(lambda y, t: np.abs(y - t)), o.pairs()),
    "huber": Case(o.reduced(o.huber), o.pairs(delta=(0.5, 1.0))),
    "hinge": Case(
        o.reduced(lambda y, t, margin: np.maximum(0, margin - t * y)), o.pairs(signs=True, margin=(1.0, 0.5))
    ),
    "logistic": Case(o.reduced(lambda y, t: np.log(1 + np.exp(-t * y))), o.pairs(signs=True)),
    "binary_cross_entropy": Case(
        o.reduced(lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p))), o.pairs(Interval(0.01, 0.99))
    ),
    "binary_cross_entropy_with_logits": Case(
        o.reduced(lambda z, t: -t * np.log(1 / (1 + np.exp(-z))) - (1 - t) * np.log(1 / (1 + np.exp(z)))),
        o.pairs(),
    ),
    "cross_entropy": Case(
        o.reduced(lambda z, t: -np.log(o.softmax(z, 1))[np.arange(len(t)), t]), o.class_calls
    ),
    "nll": Case(o.reduced(lambda z, t: -z[np.arange(len(t)), t]), o.class_calls),
}

TABLE: dict[str, Case] = {**ELEMENTWISE, **REDUCTIONS, **MOVEMENT, **INDEXING, **LINEAR, **LOSSES}
NO_ARRAYS = "tests/public/test_creation.py"
RANDOM = "tests/public/test_random.py"
TESTED_ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(("conv1d", "conv2d", "max_pool2d", "avg_pool2d"), "tests/functional/test_convolution.py"),
    **dict.fromkeys(
        (
            "arange",
            "as_tensor",
            "from_dlpack",
            "eye",
            "full",
            "linspace",
            "ones",
            "ones_like",
            "tensor",
            "zeros",
            "zeros_like",
            "wrap",
            "spread",
            "numpy_key",
            "seed_for",
        ),
        NO_ARRAYS,
    ),
    **dict.fromkeys(("rand", "randn", "randint", "bernoulli", "randperm"), RANDOM),
}


def oracle(name: str) -> Any:
    """NumPy's version of a public function."""
    return TABLE[name].oracle
