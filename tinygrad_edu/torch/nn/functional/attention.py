"""Attention: a weighted mean of values, and several heads of it with their linear maps."""

from __future__ import annotations

from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare, torch_error, torch_function, wrapped
from tinygrad_edu.torch.core.quiet import quietly

__all__ = ["scaled_dot_product_attention", "multi_head_attention_forward"]


@torch_function
def scaled_dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    attn_mask: Any = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Any:
    """softmax(scale query key^T + mask) value: (..., L, E), (..., S, E), (..., S, V) -> (..., L, V).

    A mask of bools is True where a query attends to a key; floats are added to the scores.
    """
    if is_causal and attn_mask is not None:
        raise wrong(
            RuntimeError,
            "scaled_dot_product_attention",
            "Explicit attn_mask should not be set when is_causal=True",
        )
    return te.scaled_dot_product_attention(
        query, key, value, attn_mask, dropout_p, is_causal, scale=scale, enable_gqa=enable_gqa
    )


@quietly
def multi_head_attention_forward(
    query: Any,
    key: Any,
    value: Any,
    embed_dim_to_check: int,
    num_heads: int,
    in_proj_weight: Any,
    in_proj_bias: Any,
    bias_k: Any,
    bias_v: Any,
    add_zero_attn: bool,
    dropout_p: float,
    out_proj_weight: Any,
    out_proj_bias: Any,
    training: bool = True,
    key_padding_mask: Any = None,
    need_weights: bool = True,
    attn_mask: Any = None,
    use_separate_proj_weight: bool = False,
    q_proj_weight: Any = None,
    k_proj_weight: Any = None,
    v_proj_weight: Any = None,
    static_k: Any = None,
    static_v: Any = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> tuple[Any, Any]:
    """(outputs, weights or None) of attention of several heads, with all its weights as arguments.

    query is (L, N, E), key and value are (S, N, E), or all without N.
    """
    if static_k is not None or static_v is not None:
        raise wrong(
            RuntimeError, "multi_head_attention_forward", "static_k and static_v are not here",
            "compute the heads with scaled_dot_product_attention",
        )  # fmt: skip
    if query.shape[-1] != embed_dim_to_check:
        raise AssertionError(
            f"was expecting embedding dimension of {embed_dim_to_check}, but got {query.shape[-1]}"
        )
    layer = te.nn.MultiheadAttention(
        embed_dim_to_check,
        num_heads,
        dropout_p,
        add_zero_attn=add_zero_attn,
        kdim=key.shape[-1] if use_separate_proj_weight else None,
        vdim=value.shape[-1] if use_separate_proj_weight else None,
    )
    given = {
        "in_proj_weight": None if use_separate_proj_weight else in_proj_weight,
        "q_proj_weight": q_proj_weight,
        "k_proj_weight": k_proj_weight,
        "v_proj_weight": v_proj_weight,
        "in_proj_bias": in_proj_bias,
        "bias_k": bias_k,
        "bias_v": bias_v,
    }
    vars(layer).update({name: bare(x) for name, x in given.items()}, training=training)
    vars(layer.out_proj).update(weight=bare(out_proj_weight), bias=bare(out_proj_bias))
    try:
        found = layer(
            *map(bare, (query, key, value, key_padding_mask)),
            need_weights,
            bare(attn_mask),
            average_attn_weights,
        )
    except Exception as error:
        changed = torch_error(error)
        if changed is error:
            raise
        raise changed from None
    out, weights = wrapped(found)
    return out, weights
