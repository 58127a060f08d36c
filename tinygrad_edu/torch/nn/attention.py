"""Attention of several heads as a layer; and torch.nn.attention, which names ways to compute attention."""

from __future__ import annotations

import contextlib
import enum
from collections.abc import Iterator
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.nn import init
from tinygrad_edu.torch.nn.layer import Layer, placed
from tinygrad_edu.torch.nn.linear import NonDynamicallyQuantizableLinear

__all__ = ["MultiheadAttention"]


class SDPBackend(enum.IntEnum):
    """PyTorch's ways to compute attention; here it is computed by its formula, or by a kernel of our own."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextlib.contextmanager
def sdpa_kernel(backends: Any, set_priority: bool = False) -> Iterator[None]:
    """A context with other ways to compute attention, which change nothing."""
    yield


class MultiheadAttention(Layer):
    """softmax(q k^T / sqrt(head size)) v in each head, for linear maps of the inputs; then a linear map."""

    tensors = (
        "q_proj_weight",
        "k_proj_weight",
        "v_proj_weight",
        "in_proj_weight",
        "in_proj_bias",
        "bias_k",
        "bias_v",
    )
    options = ("dropout", "batch_first", "add_zero_attn")
    embed_dim: int
    num_heads: int
    kdim: int
    vdim: int
    dropout: float
    batch_first: bool
    add_zero_attn: bool

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
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if embed_dim <= 0 or num_heads <= 0:
            raise ValueError(f"embed_dim={embed_dim} and num_heads={num_heads} must be greater than 0")
        if embed_dim % num_heads:
            raise AssertionError("embed_dim must be divisible by num_heads")
        inner = te.nn.MultiheadAttention(
            embed_dim, num_heads, dropout, bool(bias), add_bias_kv, add_zero_attn, kdim, vdim, batch_first,
            **placed(device, dtype),
        )  # fmt: skip
        made = vars(inner).pop("out_proj")
        super().__init__(inner)
        vars(inner)["out_proj"] = made
        self._qkv_same_embed_dim = self.kdim == embed_dim and self.vdim == embed_dim
        self.head_dim = embed_dim // num_heads
        out = object.__new__(NonDynamicallyQuantizableLinear)
        Layer.__init__(out, made)
        self.out_proj = out

    @property
    def inner(self) -> Any:
        """The library's layer, with the tensors and the options that this layer has now."""
        inner = super().inner
        last: Any = self.out_proj
        vars(inner.out_proj).update(weight=bare(last.weight), bias=bare(last.bias))
        return inner

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        inner = state["_inner"]
        last = te.nn.Linear(0, 0, False)
        vars(last).update(in_features=self.embed_dim, out_features=self.embed_dim, weight=None, bias=None)
        vars(inner)["out_proj"] = last
        return state

    def _reset_parameters(self) -> None:
        for name in ("q_proj_weight", "k_proj_weight", "v_proj_weight", "in_proj_weight"):
            weight = getattr(self, name)
            if weight is not None:
                init.xavier_uniform_(weight)
        if self.in_proj_bias is not None:
            init.constant_(self.in_proj_bias, 0.0)
            init.constant_(self.out_proj.bias, 0.0)
        for extra in (self.bias_k, self.bias_v):
            if extra is not None:
                init.xavier_normal_(extra)

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
    ) -> Any:
        """(outputs, weights or None): masks are True where a key is left out; floats are added to scores."""
        if is_causal and attn_mask is None:
            raise wrong(
                RuntimeError, "MultiheadAttention", "Need attn_mask if specifying the is_causal hint.",
                "make it by torch.nn.Transformer.generate_square_subsequent_mask(L)",
            )  # fmt: skip
        self._check(query, key, value)
        return self.run(
            query, key, value, key_padding_mask, need_weights, attn_mask, average_attn_weights, False
        )

    def _check(self, query: Any, key: Any, value: Any) -> None:
        if query.shape[-1] != self.embed_dim:
            raise AssertionError(
                f"was expecting embedding dimension of {self.embed_dim}, but got {query.shape[-1]}"
            )
        if query.dim() not in (2, 3) or not query.dim() == key.dim() == value.dim():
            raise AssertionError("query, key and value should be all batched, of 3 axes, or all of 2")
        if key.shape[:-1] != value.shape[:-1]:
            raise AssertionError(f"key shape {key.shape} does not match value shape {value.shape}")

    def merge_masks(self, attn_mask: Any, key_padding_mask: Any, query: Any) -> Any:
        """(both masks as one, or that of keys, or None; 2, 1, 0 or None for which it is)."""
        if key_padding_mask is not None:
            rows, keys = key_padding_mask.shape
            merged = key_padding_mask.view(rows, 1, 1, keys).expand(-1, self.num_heads, -1, -1)
            if attn_mask is None:
                return key_padding_mask, 1
            each = attn_mask if attn_mask.dim() == 2 else attn_mask.view(rows, -1, *attn_mask.shape[-2:])
            return each + merged, 2
        return (attn_mask, 0) if attn_mask is not None else (None, None)


__getattr__ = missing_from("torch.nn.attention")
