"""Linear maps, dropout, rows of tables, distances, norms of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.nn.dropout import AlphaDropout
from tinygrad_edu.torch.core import dtypes
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.nn.functional.activations import changing

__all__ = [
    "linear",
    "bilinear",
    "dropout",
    "dropout1d",
    "dropout2d",
    "dropout3d",
    "alpha_dropout",
    "feature_alpha_dropout",
    "embedding",
    "one_hot",
    "normalize",
    "cosine_similarity",
    "pairwise_distance",
    "pdist",
]


@torch_function
def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """y = x W^T + b: (..., in) -> (..., out), with weight (out, in) and bias (out,)."""
    if input.dtype != weight.dtype:
        raise wrong(
            RuntimeError,
            "linear",
            f"mat1 and mat2 must have the same dtype, but got {input.dtype} and {weight.dtype}",
            "convert one with .to(dtype)",
            inputs=(input, weight),
        )
    if weight.ndim == 1:
        out = te.matmul(input, weight)
        return out if bias is None else out + bias
    return te.linear(input, weight, bias)


@torch_function
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """x1^T W x2 + b: (..., in1), (..., in2) -> (..., out), with weight (out, in1, in2)."""
    if weight.ndim != 3:
        raise wrong(
            RuntimeError, "bilinear", f"weight must have 3 axes, not {weight.shape}", inputs=(weight,)
        )
    layer = te.nn.Bilinear(weight.shape[1], weight.shape[2], weight.shape[0], bias is not None)
    layer.__dict__.update(weight=weight, bias=bias)
    return layer(input1, input2)


def _probability(name: str, p: float) -> None:
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"{name}: dropout probability has to be between 0 and 1, but got {p}")


def _dropped(x: Any, p: float, training: bool, shape: Any = None) -> Any:
    _probability("dropout", p)
    return te.dropout(x, p, training, shape=shape)


def dropout(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Elements set to 0 with probability p, the rest divided by 1 - p; x itself if not `training`."""
    return _dropped(input, p, training)


def _channels(x: Any, p: float, training: bool, axes: int, name: str) -> Any:
    if x.ndim not in (axes + 1, axes + 2):
        raise wrong(
            RuntimeError, name, f"{name}: x {x.shape} must have {axes + 1} or {axes + 2} axes", inputs=(x,)
        )
    return _dropped(x, p, training, (*x.shape[:-axes], *(1,) * axes))


def dropout1d(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Channels of (N, C, L) or (C, L) set to 0 with probability p, the rest divided by 1 - p."""
    return _channels(input, p, training, 1, "dropout1d")


def dropout2d(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Channels of (N, C, ...) set to 0 with probability p, the rest divided by 1 - p."""
    return _features(input, p, training)


def dropout3d(input: Any, p: float = 0.5, training: bool = True) -> Any:
    """Channels of (N, C, ...) set to 0 with probability p, the rest divided by 1 - p."""
    return _features(input, p, training)


def _features(x: Any, p: float, training: bool) -> Any:
    if x.ndim < 2:
        raise wrong(RuntimeError, "dropout", "Feature dropout requires at least 2 dimensions in the input")
    return _dropped(x, p, training, (*x.shape[:2], *(1,) * (x.ndim - 2)))


def alpha_dropout(input: Any, p: float = 0.5, training: bool = False) -> Any:
    """Dropout after SELU: dropped elements become SELU's limit, and mean 0 and variance 1 are kept."""
    _probability("alpha_dropout", p)
    return AlphaDropout(p)(input) if training else input


def feature_alpha_dropout(input: Any, p: float = 0.5, training: bool = False) -> Any:
    """`alpha_dropout` of channels of (N, C, ...)."""
    _probability("feature_alpha_dropout", p)
    if not training or not p:
        return input
    rows = te.ones(*input.shape[:2], *(1,) * (input.ndim - 2), dtype=input.dtype, device=input.device)
    layer = AlphaDropout(p)
    shift = layer(te.zeros_like(rows)) if p == 1 else None
    if shift is not None:
        return input * 0.0
    generator = te.Generator(int(te.randint(0, 2**31 - 1).item()))
    state = generator.state_dict()
    layer.generator = generator
    shift = layer(te.zeros_like(rows))
    generator.load_state_dict(state)
    return input * (layer(rows) - shift) + shift


dropout, _ = changing(dropout)
dropout1d, dropout2d, dropout3d = (changing(f)[0] for f in (dropout1d, dropout2d, dropout3d))
alpha_dropout, feature_alpha_dropout = (changing(f)[0] for f in (alpha_dropout, feature_alpha_dropout))


def embedding(
    input: Any, weight: Any, padding_idx: int | None = None, max_norm: float | None = None,
    norm_type: float = 2.0, scale_grad_by_freq: bool = False, sparse: bool = False,
) -> Any:  # fmt: skip
    """Rows of a table: indices (...) -> (..., embedding_dim). The row `padding_idx` gets no gradient.

    With `max_norm`, rows that are used and longer are scaled to it, in place. `sparse` changes nothing.
    """
    if max_norm is not None:
        renormalize(weight, input, max_norm, norm_type)
    return _embedding(input, weight, padding_idx, scale_grad_by_freq)


def renormalize(weight: Any, indices: Any, max_norm: float, norm_type: float) -> None:
    """Scale the rows of a table that are used, and longer than max_norm, to that length, in place."""
    table = weight.inner.detach()
    with te.no_grad():
        used = np.unique(indices.inner.numpy())
        rows = table[used]
        lengths = te.norm(rows, norm_type, -1, keepdims=True)
        table[used] = te.where(lengths > max_norm, rows * (max_norm / (lengths + 1e-7)), rows)


@torch_function
def _embedding(indices: Any, weight: Any, padding_idx: int | None, by_frequency: bool) -> Any:
    if indices.dtype.kind not in "iu":
        raise wrong(
            RuntimeError,
            "embedding",
            "Expected tensor for argument #1 'indices' to have one of the following "
            f"scalar types: Long, Int; but got {dtypes.dtype_of(indices.dtype)} instead",
            "convert with .long()",
        )
    if padding_idx is not None:
        if not -weight.shape[0] <= padding_idx < weight.shape[0]:
            raise AssertionError("Padding_idx must be within num_embeddings")
        padding_idx %= weight.shape[0]
    out = te.embedding(indices, weight, padding_idx=padding_idx)
    if by_frequency and out.node is not None:
        counts = np.bincount(indices.numpy().reshape(-1), minlength=weight.shape[0])
        share = te.tensor((1.0 / np.maximum(counts, 1)).astype(weight.dtype), device=weight.device)[indices]
        scaled = out * te.expand_dims(share, -1)
        out = scaled + (out - scaled).detach()
    return out


@torch_function
def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """1 at the index of each element, 0 elsewhere: (...) -> (..., num_classes), int64; -1 takes as many as
    there are."""
    if tensor.dtype != np.int64:
        raise wrong(
            RuntimeError, "one_hot", "one_hot is only applicable to index tensor of type LongTensor.",
            inputs=(tensor,),
        )  # fmt: skip
    if not tensor.size and num_classes <= 0:
        raise wrong(RuntimeError, "one_hot", "Can not infer total number of classes from empty tensor.")
    if tensor.size and te.min(tensor).item() < 0:
        raise wrong(RuntimeError, "one_hot", "Class values must be non-negative.")
    largest = te.max(tensor).item() if tensor.size else -1
    if num_classes == -1:
        num_classes = largest + 1
    elif num_classes < 1:
        raise wrong(RuntimeError, "one_hot", "num_classes should be positive")
    elif largest >= num_classes:
        raise wrong(RuntimeError, "one_hot", "Class values must be smaller than num_classes.")
    return te.one_hot(tensor, num_classes, dtype="int64")


@torch_function
def normalize(input: Any, p: float = 2.0, dim: Any = 1, eps: float = 1e-12) -> Any:
    """x divided by its p-norm along `dim`, which is at least eps."""
    length = te.norm(input, p, dim, keepdims=True)
    return input / te.expand(te.clip(length, eps, None), input.shape)


@torch_function
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """x1 . x2 / (|x1| |x2|) along `dim`; each length is at least eps."""
    x, y = dtypes.promoted(x1, x2)
    if x.dtype.kind != "f":
        raise wrong(
            RuntimeError,
            "cosine_similarity",
            f"expected common dtype to be floating point, yet common dtype is {x.dtype}",
            inputs=(x1, x2),
        )
    return te.cosine_similarity(x, y, dim, eps=eps)


@torch_function
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """|x1 - x2 + eps|_p along the last axis."""
    x, y = dtypes.promoted(x1, x2)
    return te.norm(x - y + eps, p, -1, keepdims=keepdim)


@torch_function
def pdist(input: Any, p: float = 2.0) -> Any:
    """The p-norms of the differences of all pairs of rows: (n, m) -> (n (n - 1) / 2,)."""
    if input.ndim != 2:
        raise wrong(RuntimeError, "pdist", f"pdist only supports 2D tensors, got: {input.ndim}D")
    first, second = te.triu_indices(input.shape[0], input.shape[0], 1)
    return te.norm(input[first] - input[second], p, -1)
