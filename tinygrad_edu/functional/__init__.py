"""Floor 4: functions of tensors. Primitives are lifted as they are; the rest are compositions of them."""
from tinygrad_edu.functional.creation import (  # noqa: I001 - ruff would give each name a line
    arange, as_tensor, bernoulli, eye, from_dlpack, full, linspace, ones, ones_like, rand, randint,
    randn, randperm, seed_for, spread, tensor, wrap, zeros, zeros_like,
)
from tinygrad_edu.functional.elementwise import (
    abs, acos, acosh, add, asin, asinh, atan, atan2, atanh, cbrt, ceil, clip, cos, cosh, div, elu, equal,
    erf, exp, exp2, expm1, floor, floor_divide, gelu, greater, greater_equal, hypot, isfinite, isinf, isnan,
    leaky_relu, less, less_equal, log, log1p, log2, log10, log_sigmoid, logical_and, logical_not,
    logical_or, logical_xor, maximum, minimum, mul, neg, not_equal, pow, reciprocal, relu, remainder, round,
    rsqrt, sigmoid, sign, silu, sin, sinh, softplus, sqrt, square, step, sub, tan, tanh, trunc, where,
)
from tinygrad_edu.functional.indexing import (
    embedding, gather, getitem, index_select, numpy_key, one_hot, scatter_add, take, take_along_axis,
)
from tinygrad_edu.functional.linear import dot, einsum, linear, matmul, outer, trace
from tinygrad_edu.functional.loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, cross_entropy, hinge, huber, l1, logistic, mse,
    nll,
)
from tinygrad_edu.functional.movement import (
    broadcast_to, clone, concat, expand, expand_dims, flatten, flip, matrix_transpose, pad, permute_dims,
    repeat, reshape, roll, sliding_windows, split, squeeze, stack, tile, transpose,
)
from tinygrad_edu.functional.reduction import (
    all, allclose, any, argmax, argmin, argsort, cumprod, cumsum, layer_norm, log_softmax, logsumexp, max,
    mean, min, norm, prod, softmax, sort, std, sum, topk, var,
)

__all__ = [
    "abs", "acos", "acosh", "add", "all", "allclose", "any", "arange", "argmax", "argmin",
    "argsort", "as_tensor", "asin", "asinh", "atan", "atan2", "atanh", "bernoulli",
    "binary_cross_entropy", "binary_cross_entropy_with_logits", "broadcast_to", "cbrt", "ceil",
    "clip", "clone", "concat", "cos", "cosh", "cross_entropy", "cumprod", "cumsum", "div", "dot",
    "einsum", "elu", "embedding", "equal", "erf", "exp", "exp2", "expand", "expand_dims", "expm1",
    "eye", "flatten", "flip", "floor", "floor_divide", "from_dlpack", "full", "gather", "gelu", "getitem",
    "greater", "greater_equal", "hinge", "huber", "hypot", "index_select", "isfinite", "isinf",
    "isnan", "l1", "layer_norm", "leaky_relu", "less", "less_equal", "linear", "linspace", "log",
    "log10", "log1p", "log2", "log_sigmoid", "log_softmax", "logical_and", "logical_not",
    "logical_or", "logical_xor", "logistic", "logsumexp", "matmul", "matrix_transpose", "max",
    "maximum", "mean", "min", "minimum", "mse", "mul", "neg", "nll", "norm", "not_equal",
    "numpy_key", "one_hot", "ones", "ones_like", "outer", "pad", "permute_dims", "pow", "prod",
    "rand", "randint", "randn", "randperm", "reciprocal", "relu", "remainder", "repeat", "reshape",
    "roll", "round", "rsqrt", "scatter_add", "seed_for", "sigmoid", "sign", "silu", "sin", "sinh",
    "sliding_windows", "softmax", "softplus", "sort", "split", "spread", "sqrt", "square",
    "squeeze", "stack", "std", "step", "sub", "sum", "take", "take_along_axis", "tan", "tanh",
    "tensor", "tile", "topk", "trace", "transpose", "trunc", "var", "where", "wrap", "zeros",
    "zeros_like",
]
