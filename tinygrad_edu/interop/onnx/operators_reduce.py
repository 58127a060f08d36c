"""Operators of ONNX that reduce, multiply matrices or normalise."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from tinygrad_edu import functional as F
from tinygrad_edu.interop.onnx.given import Given, Operator, ints
from tinygrad_edu.ops import linalg as _l
from tinygrad_edu.ops import reduce as _r
from tinygrad_edu.shapes import normalize_axis
from tinygrad_edu.tensor import Tensor


def _reduction(function: Callable[..., Any]) -> Operator:
    """A reduction over axes that are an input, or in older files an attribute; without any over all."""

    def compute(g: Given, x: Tensor, axes: Tensor | None = None) -> Any:
        found = g.get("axes") if axes is None else ints(axes)
        keep = bool(g.get("keepdims", 1))
        if not found:
            if g.get("noop_with_empty_axes", 0):
                return x
            found = list(range(x.ndim))
        out = function(x, tuple(found), keepdims=keep) if x.ndim else function(x, None, keepdims=False)
        return out if out.dtype == x.dtype else out.cast(x.dtype)  # a sum of int32 is int64 here

    return compute


def _norm2(x: Tensor, axes: Any, *, keepdims: bool) -> Any:
    where = tuple(sorted(normalize_axis(a, x.ndim) for a in axes or ()))
    out = _r.norm2(x, axes=where)
    return out if keepdims else F.squeeze(out, where)


def _position(function: Callable[..., Any]) -> Operator:
    def compute(g: Given, x: Tensor) -> Any:
        axis, keep = g.get("axis", 0), bool(g.get("keepdims", 1))
        if not g.get("select_last_index", 0):
            return function(x, axis, keepdims=keep)
        return x.shape[axis] - 1 - function(F.flip(x, axis), axis, keepdims=keep)

    return compute


def _cumsum(g: Given, x: Tensor, axis: Tensor) -> Any:
    at = ints(axis)[0]
    reverse = bool(g.get("reverse", 0))
    line = F.flip(x, at) if reverse else x
    out = F.cumsum(line, at)
    out = (out - line if g.get("exclusive", 0) else out).cast(x.dtype)
    return F.flip(out, at) if reverse else out


def _softmax(function: Callable[..., Any]) -> Operator:
    """Before version 13 the axes from `axis` on are one."""

    def compute(g: Given, x: Tensor) -> Any:
        if g.opset >= 13:
            return function(x, g.get("axis", -1))
        axis = normalize_axis(g.get("axis", 1), x.ndim)
        rows = F.reshape(x, (*x.shape[:axis], math.prod(x.shape[axis:])))
        return F.reshape(function(rows, -1), x.shape)

    return compute


def _gemm(g: Given, x: Tensor, y: Tensor, more: Tensor | None = None) -> Any:
    alpha, beta = g.get("alpha", 1.0), g.get("beta", 1.0)
    if (
        g.get("transB", 0)
        and not g.get("transA", 0)
        and alpha == beta == 1
        and more is not None
        and more.ndim == 1
    ):
        return F.linear(x, y, more)
    out = F.matmul(x.mT if g.get("transA", 0) else x, y.mT if g.get("transB", 0) else y)
    out = out if alpha == 1 else out * alpha
    return out if more is None else out + (more if beta == 1 else more * beta)


# -- normalisation -------------------------------------------------------------------------------------------


def _per_channel(x: Tensor, numbers: Tensor) -> Tensor:
    return F.reshape(numbers, (-1, *(1,) * (x.ndim - 2)))


def _batch_norm(g: Given, x: Tensor, scale: Tensor, bias: Tensor, mean: Tensor, var: Tensor) -> Any:
    g.only("training_mode", (0,))
    factor = scale / F.sqrt(var + g.get("epsilon", 1e-5))
    return (x - _per_channel(x, mean)) * _per_channel(x, factor) + _per_channel(x, bias)


def _instance_norm(g: Given, x: Tensor, scale: Tensor, bias: Tensor) -> Any:
    return F.instance_norm(x, scale, bias, g.get("epsilon", 1e-5))


def _layer_norm(g: Given, x: Tensor, scale: Tensor, bias: Tensor | None = None) -> Any:
    axes = tuple(range(normalize_axis(g.get("axis", -1), x.ndim), x.ndim))
    out = F.layer_norm(x, axes, scale, bias, g.get("epsilon", 1e-5))
    if not any(g.outputs[1:]):
        return out
    variance = F.var(x, axes, keepdims=True)
    return out, F.mean(x, axes, keepdims=True), F.rsqrt(variance + g.get("epsilon", 1e-5))


def _rms_norm(g: Given, x: Tensor, scale: Tensor) -> Any:
    axes = tuple(range(normalize_axis(g.get("axis", -1), x.ndim), x.ndim))
    return F.rms_norm(x, axes, scale, g.get("epsilon", 1e-5))


def _group_norm(g: Given, x: Tensor, scale: Tensor, bias: Tensor) -> Any:
    """Before version 21 scale and bias have a number for each group, then for each channel."""
    groups = int(g.need("num_groups"))
    if g.opset < 21:
        scale, bias = (F.repeat(t, x.shape[1] // groups, 0) for t in (scale, bias))
    return F.group_norm(x, groups, scale, bias, g.get("epsilon", 1e-5))


def _lp_norm(g: Given, x: Tensor) -> Any:
    axis = g.get("axis", -1)
    one = g.only("p", (2, 1)) == 1
    size = F.sum(F.abs(x), axis, keepdims=True) if one else _norm2(x, (axis,), keepdims=True)
    return x / F.where(size == 0, 1.0, size)


def _lrn(g: Given, x: Tensor) -> Any:
    """x over a power of the sum of squares of neighbouring channels.

    Source: Krizhevsky, Sutskever, Hinton, "ImageNet classification with deep convolutional neural networks",
    2012.
    """
    size = int(g.need("size"))
    before = (size - 1) // 2
    squares = F.pad(F.moveaxis(x * x, 1, -1), [(0, 0)] * (x.ndim - 1) + [(before, size - 1 - before)])
    total = F.moveaxis(F.sum(F.sliding_windows(squares, size), -1), -1, 1)
    return x / (total * (g.get("alpha", 1e-4) / size) + g.get("bias", 1.0)) ** g.get("beta", 0.75)


def _mean_variance(g: Given, x: Tensor) -> Any:
    return F.layer_norm(x, tuple(g.get("axes", (0, 2, 3))), eps=1e-9)


def _negative_log_likelihood(g: Given, x: Tensor, target: Tensor, weight: Tensor | None = None) -> Any:
    """The loss; of logits, with their logarithms of probabilities as a second result."""
    chances = F.log_softmax(x, 1) if g.operator == "SoftmaxCrossEntropyLoss" else x
    how = {"reduction": g.only("reduction", ("mean", "sum", "none"))}
    ignored = g.get("ignore_index")
    loss = F.nll(
        chances, target, weight=weight, **how, **({} if ignored is None else {"ignore_index": ignored})
    )
    return loss, chances


TABLE: dict[str, Operator] = {
    "ReduceSum": _reduction(F.sum),
    "ReduceMean": _reduction(F.mean),
    "ReduceMax": _reduction(F.max),
    "ReduceMin": _reduction(F.min),
    "ReduceProd": _reduction(F.prod),
    "ReduceL1": _reduction(lambda x, axes, *, keepdims: F.sum(F.abs(x), axes, keepdims=keepdims)),
    "ReduceL2": _reduction(_norm2),
    "ReduceSumSquare": _reduction(lambda x, axes, *, keepdims: F.sum(x * x, axes, keepdims=keepdims)),
    "ReduceLogSum": _reduction(lambda x, axes, *, keepdims: F.log(F.sum(x, axes, keepdims=keepdims))),
    "ReduceLogSumExp": _reduction(F.logsumexp),
    "ArgMax": _position(F.argmax),
    "ArgMin": _position(F.argmin),
    "CumSum": _cumsum,
    "Softmax": _softmax(F.softmax),
    "LogSoftmax": _softmax(F.log_softmax),
    "MatMul": lambda g, x, y: F.matmul(x, y),
    "Gemm": _gemm,
    "Einsum": lambda g, *xs: F.einsum(g.need("equation"), *xs),
    "Det": lambda g, x: _l.det(x),
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "LayerNormalization": _layer_norm,
    "RMSNormalization": _rms_norm,
    "GroupNormalization": _group_norm,
    "LpNormalization": _lp_norm,
    "LRN": _lrn,
    "MeanVarianceNormalization": _mean_variance,
    "NegativeLogLikelihoodLoss": _negative_log_likelihood,
    "SoftmaxCrossEntropyLoss": _negative_log_likelihood,
}
