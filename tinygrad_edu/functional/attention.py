"""Attention: a weighted mean of values, whose weights say how well a query fits the key of each value."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import arange, as_tensor, full, operands, zeros
from tinygrad_edu.functional.elementwise import where
from tinygrad_edu.functional.linear import matmul
from tinygrad_edu.functional.movement import expand_dims, repeat
from tinygrad_edu.functional.noise import dropout
from tinygrad_edu.functional.normalization import softmax
from tinygrad_edu.functional.reduction import max as _max
from tinygrad_edu.scalars import number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["causal_mask", "scaled_dot_product_attention"]


def causal_mask(queries: int, keys: int | None = None, *, dtype: Any = float, device: Any = None) -> Tensor:
    """What to add to scores so that position i attends to positions 0...i only: 0 there, elsewhere -inf.

    (queries, keys); without `keys` it is square.
    """
    after = arange(queries if keys is None else keys, device=device) > expand_dims(
        arange(queries, device=device), 1
    )
    return where(
        after, full((), -math.inf, dtype=dtype, device=device), zeros((), dtype=dtype, device=device)
    )


def additive(mask: Any, beside: Tensor, *, keep: bool) -> Tensor:
    """A mask as numbers to add to scores: 0 where attention is allowed, -inf where it is not.

    keep  what True means in a mask of bools: that the position is kept, or that it is left out.
    Raises TypeError for a mask of integers.
    """
    mask = as_tensor(mask, beside)
    if mask.dtype.kind == "b":
        allowed, refused = (zeros((), dtype=beside.dtype, device=beside.device),
                            full((), -math.inf, dtype=beside.dtype, device=beside.device))  # fmt: skip
        return where(mask, *((allowed, refused) if keep else (refused, allowed)))
    if not is_floating(mask.dtype):
        raise wrong(TypeError, None, f"a mask is bools, or floats that are added, not {mask.dtype}",
                    "say mask == 0 or mask != 0", inputs=(mask,))  # fmt: skip
    return mask if mask.dtype == beside.dtype else mask.cast(beside.dtype)


def attend(query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float, dropout_p: float,
           generator: Generator | None) -> tuple[Tensor, Tensor]:  # fmt: skip
    """(values, weights) of attention, with numbers to add to the scores. Rows without a key are 0 in both."""
    scores = matmul(query * scale, key.mT)
    alive = None
    if mask is not None:
        highest = _max(mask.detach(), -1, keepdims=True) if mask.shape[-1] else None
        if highest is not None:  # a row of -inf has no softmax; it is computed of other scores, and set to 0
            dead = highest == -math.inf
            alive = where(dead, zeros((), dtype=mask.dtype, device=mask.device), 1.0)
            mask = where(dead, zeros((), dtype=mask.dtype, device=mask.device), mask)
        scores = scores + mask
    weights = softmax(scores, -1)
    if dropout_p:
        weights = dropout(weights, dropout_p, generator=generator)
    out = matmul(weights, value)
    return (out, weights) if alive is None else (out * alive, weights * alive)


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
    generator: Generator | None = None,
) -> Tensor:
    """softmax(scale * query key^T + mask) value.

    query (..., L, E), key (..., S, E), value (..., S, V) -> (..., L, V); the axes before broadcast. `scale`
    is 1 / sqrt(E) if it is None. A mask broadcasts to (..., L, S): of bools, it is True where a query attends
    to a key; floats are added to the scores, with their gradient. With `is_causal`, query i attends to the
    keys 0...i. A query that attends to no key gets zeros, and passes no gradient. With `enable_gqa`, each
    head of key and value (axis -3) serves several consecutive heads of query. `dropout_p` is used in every
    call: pass 0 in evaluation. Raises ShapeError.
    Source: Vaswani and others, "Attention is all you need", NeurIPS 2017.
    """
    query, key, value = operands((query, key, value))
    if min(query.ndim, key.ndim, value.ndim) < 2 or query.shape[-1] != key.shape[-1] or (
        key.shape[-2] != value.shape[-2]
    ):  # fmt: skip
        raise wrong(ShapeError, "scaled_dot_product_attention", "the shapes must be (..., L, E), (..., S, E) "
                    "and (..., S, V)", inputs=(query, key, value))  # fmt: skip
    if enable_gqa:
        key, value = _for_heads(query, key), _for_heads(query, value)
    rate = number(dropout_p, "scaled_dot_product_attention: dropout_p")
    mask = None if attn_mask is None else additive(attn_mask, query, keep=True)
    wanted = (query.shape[-2], key.shape[-2])
    if mask is not None and any(
        n not in (1, m) for n, m in zip(mask.shape[-2:][::-1], wanted[::-1], strict=False)
    ):
        problem = f"a mask {mask.shape} does not broadcast to (..., {wanted[0]}, {wanted[1]})"
        raise wrong(ShapeError, "scaled_dot_product_attention", problem, inputs=(query, key, value))
    if is_causal:
        later = causal_mask(query.shape[-2], key.shape[-2], dtype=query.dtype, device=query.device)
        mask = later if mask is None else mask + later
    factor = 1.0 / math.sqrt(max(1, query.shape[-1])) if scale is None else number(scale, "attention: scale")
    return attend(query, key, value, mask, factor, rate, generator)[0]


def _for_heads(query: Tensor, x: Tensor) -> Tensor:
    """x (..., heads, S, E) with its heads repeated so that there are as many as those of `query`."""
    if x.ndim < 3 or query.ndim < 3 or not x.shape[-3] or query.shape[-3] % x.shape[-3]:
        raise wrong(ShapeError, "scaled_dot_product_attention", "the heads of query (axis -3) must be a "
                    "multiple of those of key and value", inputs=(query, x))  # fmt: skip
    return repeat(x, query.shape[-3] // x.shape[-3], axis=x.ndim - 3)
