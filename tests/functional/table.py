"""The table: every public function, what it should return, and how to draw a call of it.

Elementwise functions are all there are, each held against what its op's declaration says; the others against
NumPy's own functions or a textbook's formula, in float64. None calls the library.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from tests import oracles as o
from tests.functional import drawing as d
from tests.functional import placements as p
from tests.functional.drawing import WIDE, Case
from tests.functional.table_functions import FUNCTIONS
from tests.functional.table_losses import LOSSES as MORE_LOSSES
from tinygrad_edu import functional
from tinygrad_edu.domain import Interval
from tinygrad_edu.engine.op import REGISTRY


def elementwise(name: str, *arrays: Any, **params: Any) -> Any:
    return o.of_op(REGISTRY[name], arrays, params)


ELEMENTWISE = {
    name: Case(partial(elementwise, name), d.anywhere(REGISTRY[name]))
    for name in functional.elementwise.__all__
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
    "topk": Case(o.topk, d.topk_calls),
    "layer_norm": Case(o.layer_norm, d.layer_norm_calls),
    "allclose": Case(np.allclose, lambda draw: d.nearly(draw)),
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
    "mse": Case(o.reduced(lambda y, t: (y - t) ** 2), d.pairs()),
    "l1": Case(o.reduced(lambda y, t: np.abs(y - t)), d.pairs()),
    "huber": Case(o.reduced(o.huber), d.pairs(delta=(0.5, 1.0))),
    "hinge": Case(
        o.reduced(lambda y, t, margin: np.maximum(0, margin - t * y)), d.pairs(signs=True, margin=(1.0, 0.5))
    ),
    "logistic": Case(o.reduced(lambda y, t: np.log(1 + np.exp(-t * y))), d.pairs(signs=True)),
    "binary_cross_entropy": Case(
        o.reduced(lambda p, t: -(t * np.log(p) + (1 - t) * np.log(1 - p))), d.pairs(Interval(0.01, 0.99))
    ),
    "binary_cross_entropy_with_logits": Case(
        o.reduced(lambda z, t: -t * np.log(1 / (1 + np.exp(-z))) - (1 - t) * np.log(1 / (1 + np.exp(z)))),
        d.pairs(),
    ),
}

TABLE: dict[str, Case] = {
    **ELEMENTWISE,
    **REDUCTIONS,
    **MOVEMENT,
    **INDEXING,
    **LINEAR,
    **LOSSES,
    **MORE_LOSSES,
    **FUNCTIONS,
}
NO_ARRAYS = "tests/functional/test_creation.py"
RANDOM = "tests/functional/test_random.py"
# fmt: off
TESTED_ELSEWHERE: dict[str, str] = {
    **dict.fromkeys(
        ("celu", "glu", "hardshrink", "hardsigmoid", "hardswish", "hardtanh", "mish", "prelu", "relu6",
         "selu", "softmin", "softshrink", "softsign", "tanhshrink", "threshold"),
        "tests/functional/test_activation.py",
    ),
    **dict.fromkeys(
        ("causal_mask", "dropout", "scaled_dot_product_attention"), "tests/functional/test_attention.py"
    ),
    **dict.fromkeys(
        ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d"),
        "tests/functional/test_convolution.py",
    ),
    **dict.fromkeys(
        tuple(f"{a}{b}_pool{k}d" for a in ("", "adaptive_") for b in ("avg", "max") for k in (1, 2, 3)),
        "tests/functional/test_pooling.py",
    ),
    **dict.fromkeys(
        ("fold", "unfold", "interpolate", "pixel_shuffle", "pixel_unshuffle", "unflatten", "group_norm",
         "instance_norm", "rms_norm"),
        "tests/functional/test_resize.py",
    ),
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
    **dict.fromkeys(
        ("empty", "empty_like", "full_like", "rand_like", "randn_like", "randint_like", "multinomial"),
        "tests/functional/test_likes.py",
    ),
    **dict.fromkeys(("tril_indices", "triu_indices"), "tests/functional/test_numerics.py"),
    **dict.fromkeys(("rand", "randn", "randint", "bernoulli", "randperm"), RANDOM),
}
# fmt: on


def oracle(name: str) -> Any:
    """NumPy's version of a public function."""
    return TABLE[name].oracle
