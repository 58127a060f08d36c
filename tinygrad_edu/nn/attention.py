"""Attention of several heads.

Source: Vaswani and others, "Attention is all you need", NeurIPS 2017.
"""

from __future__ import annotations

import math
from typing import Any

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.attention import additive, attend
from tinygrad_edu.nn import init
from tinygrad_edu.nn.layers import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer, number
from tinygrad_edu.tensor import Tensor

__all__ = ["MultiheadAttention"]


class MultiheadAttention(Module):
    """softmax(q k^T / sqrt(head size)) v in each head, for linear maps q, k, v of the inputs; then a linear
    map.

    Names, initial values and the layout of masks are PyTorch's. `kdim` and `vdim` are the sizes of key and
    value if they are not `embed_dim`; `dropout` drops weights in training; `add_bias_kv` adds a trained key
    and value to each sequence, `add_zero_attn` a key and value of zeros. Raises ValueError if the heads do
    not divide `embed_dim`.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        title = "MultiheadAttention"
        self.embed_dim = embed = integer(embed_dim, f"{title}: embed_dim", least=1)
        self.num_heads = integer(num_heads, f"{title}: num_heads", least=1)
        self.dropout = float(number(dropout, f"{title}: dropout"))
        if not 0.0 <= self.dropout <= 1.0:
            raise wrong(ValueError, title, f"dropout={dropout} is not a probability", "it must lie in [0, 1]")
        if embed % self.num_heads:
            problem = f"embed_dim={embed} does not divide by num_heads={self.num_heads}"
            raise wrong(ValueError, title, problem)
        self.kdim = embed if kdim is None else integer(kdim, f"{title}: kdim", least=1)
        self.vdim = embed if vdim is None else integer(vdim, f"{title}: vdim", least=1)
        self.batch_first, self.add_zero_attn = bool(batch_first), bool(add_zero_attn)
        self.generator = generator
        kind = dtypes.as_dtype(dtype or float)

        def parameter(*shape: int) -> Parameter:
            return Parameter(F.zeros(shape, dtype=kind), device=device)

        self.in_proj_weight: Parameter | None = None
        if self.kdim == self.vdim == embed:
            self.in_proj_weight = parameter(3 * embed, embed)
            drawn = [self.in_proj_weight]
        else:
            self.q_proj_weight = parameter(embed, embed)
            self.k_proj_weight = parameter(embed, self.kdim)
            self.v_proj_weight = parameter(embed, self.vdim)
            drawn = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        self.in_proj_bias = parameter(3 * embed) if bias else None
        self.bias_k = parameter(1, 1, embed) if add_bias_kv else None
        self.bias_v = parameter(1, 1, embed) if add_bias_kv else None
        self.out_proj = Linear(embed, embed, bias, dtype=kind, device=device, generator=generator)
        if self.out_proj.bias is not None:
            init.constant_(self.out_proj.bias, 0.0)
        for weight in drawn:
            init.xavier_uniform_(weight, generator=generator)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra, generator=generator)

    def forward(
        self,
        query: Any,
        key: Any,
        value: Any,
        key_padding_mask: Any = None,
        need_weights: bool = True,
        attn_mask: Any = None,
        average_attn_weights: bool = True,
        is_causal: bool = False,
    ) -> tuple[Tensor, Tensor | None]:
        """(outputs, weights or None).

        query is (L, N, embed_dim), key and value (S, N, ...); with `batch_first`, N comes first; without a
        batch, there is no N. The outputs have the query's shape; the weights are (N, L, S), the mean of the
        heads, or (N, heads, L, S) without `average_attn_weights`. `key_padding_mask` (N, S) is True where a
        key is left out; `attn_mask` (L, S) or (N * heads, L, S) is True where a query does not attend to a
        key, the opposite of `scaled_dot_product_attention`; floats are added to the scores. With `is_causal`,
        query i attends to the keys 0...i. A query that attends to no key gets a value of zeros, and weights
        of zeros. Raises ShapeError.
        """
        q, k, v = (F.as_tensor(x, self.out_proj.weight) for x in (query, key, value))
        one = q.ndim == 2
        self._check(q, k, v)
        if one:
            q, k, v = (F.expand_dims(x, 0) for x in (q, k, v))
        elif not self.batch_first:
            q, k, v = (F.transpose(x, 0, 1) for x in (q, k, v))
        mask = self._mask(q, k, key_padding_mask, attn_mask, is_causal, one)
        q, k, v = self._projected(q, k, v)
        if self.bias_k is not None and self.bias_v is not None:
            k, v = (F.concat([x, F.expand(b, (x.shape[0], 1, -1))], 1)
                    for x, b in ((k, self.bias_k), (v, self.bias_v)))  # fmt: skip
        if self.add_zero_attn:
            k, v = (F.pad(x, ((0, 0), (0, 1), (0, 0))) for x in (k, v))
        if mask is not None and (
            extra := k.shape[1] - mask.shape[-1]
        ):  # what was added is always attended to
            mask = F.pad(mask, (*((0, 0),) * (mask.ndim - 1), (0, extra)))
        size = self.embed_dim // self.num_heads
        q_heads, k_heads, v_heads = (
            F.permute_dims(F.reshape(x, (*x.shape[:2], self.num_heads, size)), (0, 2, 1, 3))
            for x in (q, k, v)
        )
        rate = self.dropout if self.training else 0.0
        scale = 1.0 / math.sqrt(size)
        out, weights = attend(q_heads, k_heads, v_heads, mask, scale, rate, self.generator)
        out = self.out_proj(F.reshape(F.permute_dims(out, (0, 2, 1, 3)), q.shape))
        out = F.squeeze(out, 0) if one else out if self.batch_first else F.transpose(out, 0, 1)
        if not need_weights:
            return out, None
        if average_attn_weights:
            weights = F.mean(weights, 1)
        return out, F.squeeze(weights, 0) if one else weights

    def _check(self, q: Tensor, k: Tensor, v: Tensor) -> None:
        """Raise ShapeError for inputs that do not fit."""
        batch, time = (0, 1) if self.batch_first else (1, 0)
        sizes = (self.embed_dim, self.kdim, self.vdim)
        fit = q.ndim in (2, 3) and q.ndim == k.ndim == v.ndim
        fit = fit and all(x.shape[-1] == size for x, size in zip((q, k, v), sizes, strict=True))
        if fit and q.ndim == 3:
            fit = q.shape[batch] == k.shape[batch] == v.shape[batch] and k.shape[time] == v.shape[time]
        elif fit:
            fit = k.shape[0] == v.shape[0]
        if not fit:
            order = ("N, L", "N, S") if self.batch_first else ("L, N", "S, N")
            problem = f"they are not ({order[0]}, {sizes[0]}), ({order[1]}, {sizes[1]}), "
            problem += f"({order[1]}, {sizes[2]}), or all without N"
            raise wrong(ShapeError, "MultiheadAttention", problem, inputs=(q, k, v))

    def _mask(
        self, q: Tensor, k: Tensor, padding: Any, given: Any, is_causal: bool, one: bool
    ) -> Tensor | None:
        """What is added to the scores, to broadcast to (N, heads, L, S), or None."""
        rows, queries, keys = q.shape[0], q.shape[1], k.shape[1]
        masks: list[Tensor] = []
        if given is not None:
            mask = additive(given, q, keep=False)
            if mask.shape == (rows * self.num_heads, queries, keys) and mask.ndim == 3:
                mask = F.reshape(mask, (rows, self.num_heads, queries, keys))
            elif mask.shape != (queries, keys):
                problem = f"attn_mask must be {(queries, keys)} or {(rows * self.num_heads, queries, keys)}"
                raise wrong(ShapeError, "MultiheadAttention", f"{problem}, not {mask.shape}")
            masks.append(mask)
        if is_causal and given is None:
            masks.append(F.causal_mask(queries, keys, dtype=q.dtype, device=q.device))
        if padding is not None:
            mask = additive(padding, q, keep=False)
            if mask.shape != ((keys,) if one else (rows, keys)):
                problem = f"key_padding_mask must be {(keys,) if one else (rows, keys)}, not {mask.shape}"
                raise wrong(ShapeError, "MultiheadAttention", problem)
            masks.append(F.reshape(mask, (rows, 1, 1, keys)))
        total = masks[0] if masks else None
        for mask in masks[1:]:
            total = total + mask
        return total

    def _projected(self, q: Tensor, k: Tensor, v: Tensor) -> list[Tensor]:
        """The linear maps of query, key and value."""
        if self.in_proj_weight is not None:
            maps = F.split(self.in_proj_weight, self.embed_dim)
        else:
            maps = [self.q_proj_weight, self.k_proj_weight, self.v_proj_weight]
        biases: list[Any] = [None] * 3
        if self.in_proj_bias is not None:
            biases = F.split(self.in_proj_bias, self.embed_dim)
        return [F.linear(x, w, b) for x, w, b in zip((q, k, v), maps, biases, strict=True)]

    def extra_repr(self) -> str:
        return f"{self.embed_dim}, {self.num_heads}, dropout={self.dropout}, batch_first={self.batch_first}"
