"""Transformers: attention and a network for each position, with residual connections and layer norms.

Sources: Vaswani and others, "Attention is all you need", NeurIPS 2017; for `norm_first`, Xiong and others,
"On layer normalization in the transformer architecture", ICML 2020.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, ClassVar

from tinygrad_edu import functional as F
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.nn import init
from tinygrad_edu.nn.attention import MultiheadAttention
from tinygrad_edu.nn.containers import ModuleList
from tinygrad_edu.nn.dropout import Dropout
from tinygrad_edu.nn.layers import Linear
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.norm import LayerNorm
from tinygrad_edu.nn.recurrent import MOST_LAYERS
from tinygrad_edu.scalars import integer
from tinygrad_edu.tensor import Tensor

__all__ = ["TransformerEncoderLayer", "TransformerDecoderLayer", "TransformerEncoder", "TransformerDecoder",
           "Transformer"]  # fmt: skip

Activation = str | Callable[..., Any]
_ACTIVATIONS: dict[str, Callable[..., Any]] = {"relu": F.relu, "gelu": F.gelu}


class _Layer(Module):
    """The common part of encoder and decoder layers: self-attention, the network, and the order of norms."""

    attentions: ClassVar[tuple[str, ...]] = ("self_attn",)

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        title = type(self).__name__
        if not callable(activation) and activation not in _ACTIVATIONS:
            problem = f"activation must be 'relu', 'gelu' or a function, not {activation!r:.60}"
            raise wrong(ValueError, title, problem)
        wide = integer(dim_feedforward, f"{title}: dim_feedforward", least=1)
        made: dict[str, Any] = {"dtype": dtype, "device": device}
        drawn = {**made, "generator": generator}
        for name in self.attentions:
            attention = MultiheadAttention(d_model, nhead, dropout, bias, batch_first=batch_first, **drawn)
            setattr(self, name, attention)
        self.linear1 = Linear(d_model, wide, bias, **drawn)
        self.dropout = Dropout(dropout, generator=generator)
        self.linear2 = Linear(wide, d_model, bias, **drawn)
        self.norm_first = bool(norm_first)
        count = len(self.attentions) + 1
        for i in range(1, count + 1):
            setattr(self, f"norm{i}", LayerNorm(d_model, layer_norm_eps, bias=bias, **made))
        for i in range(1, count + 1):
            setattr(self, f"dropout{i}", Dropout(dropout, generator=generator))
        self.activation = activation

    def _residual(self, i: int, x: Any, part: Callable[[Any], Any]) -> Any:
        """x plus the i-th part of the layer, with the norm before the part or after the sum."""
        norm, dropout = getattr(self, f"norm{i}"), getattr(self, f"dropout{i}")
        return x + dropout(part(norm(x))) if self.norm_first else norm(x + dropout(part(x)))

    def _network(self, x: Any) -> Any:
        given = self.activation
        function = _ACTIVATIONS[given] if isinstance(given, str) else given
        return self.linear2(self.dropout(function(self.linear1(x))))


class TransformerEncoderLayer(_Layer):
    """Self-attention, then two linear maps with an activation between them; (L, N, d_model) keeps its shape.

    With `batch_first` it is (N, L, d_model). `norm_first` puts layer norms before attention and network, and
    not after the sums. `activation` is "relu", "gelu" or a function. Names and initial values are PyTorch's.
    """

    self_attn: MultiheadAttention

    def forward(
        self, src: Any, src_mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Any:
        """The masks are those of `MultiheadAttention`: True is left out."""

        def attend(x: Any) -> Any:
            return self.self_attn(x, x, x, src_key_padding_mask, False, src_mask, is_causal=is_causal)[0]

        return self._residual(2, self._residual(1, F.as_tensor(src), attend), self._network)


class TransformerDecoderLayer(_Layer):
    """Self-attention of the target, attention to an encoder's output, then two linear maps with an activation
    between them; (T, N, d_model) keeps its shape.

    With `batch_first` it is (N, T, d_model). `norm_first` puts layer norms before attention and network, and
    not after the sums. `activation` is "relu", "gelu" or a function. Names and initial values are PyTorch's.
    """

    attentions = ("self_attn", "multihead_attn")
    self_attn: MultiheadAttention
    multihead_attn: MultiheadAttention

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """The masks are those of `MultiheadAttention`: True is left out."""

        def itself(x: Any) -> Any:
            return self.self_attn(x, x, x, tgt_key_padding_mask, False, tgt_mask, is_causal=tgt_is_causal)[0]

        def other(x: Any) -> Any:
            return self.multihead_attn(
                x, memory, memory, memory_key_padding_mask, False, memory_mask, is_causal=memory_is_causal
            )[0]

        x = self._residual(1, F.as_tensor(tgt), itself)
        return self._residual(3, self._residual(2, x, other), self._network)


class _Stack(Module):
    """Copies of a layer, one after the other, and a norm at the end. All begin with the same weights."""

    def __init__(self, layer: Module, num_layers: int, norm: Module | None = None) -> None:
        title = type(self).__name__
        for name, given in (("the layer", layer), ("norm", norm)):
            if not isinstance(given, Module) and not (given is None and name == "norm"):
                raise wrong(TypeError, title, f"{name} is {given!r:.60}, not a Module")
        self.num_layers = integer(num_layers, f"{title}: num_layers", least=0, most=MOST_LAYERS)
        self.layers = ModuleList(copy.deepcopy(layer) for _ in range(self.num_layers))
        self.norm = norm


class TransformerEncoder(_Stack):
    """`num_layers` copies of an encoder layer, one after the other, and `norm` at the end, if it is given.

    The copies begin with the same weights, as in PyTorch.
    """

    def __init__(self, encoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(encoder_layer, num_layers, norm)

    def forward(
        self, src: Any, mask: Any = None, src_key_padding_mask: Any = None, is_causal: bool = False
    ) -> Any:
        """Each layer gets the same masks: those of `MultiheadAttention`, True is left out."""
        for layer in self.layers:
            src = layer(src, mask, src_key_padding_mask, is_causal)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(_Stack):
    """`num_layers` copies of a decoder layer, one after the other, and `norm` at the end, if it is given.

    The copies begin with the same weights, as in PyTorch.
    """

    def __init__(self, decoder_layer: Module, num_layers: int, norm: Module | None = None) -> None:
        super().__init__(decoder_layer, num_layers, norm)

    def forward(
        self,
        tgt: Any,
        memory: Any,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """Each layer gets the same memory and masks: those of `MultiheadAttention`, True is left out."""
        for layer in self.layers:
            tgt = layer(
                tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
                tgt_is_causal, memory_is_causal,
            )  # fmt: skip
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(Module):
    """An encoder and a decoder: (S, N, d_model), (T, N, d_model) -> (T, N, d_model).

    Initial values are PyTorch's: all matrices are drawn by `xavier_uniform_`.
    """

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: Activation = "relu",
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        *,
        dtype: Any = None,
        device: Any = None,
        generator: Generator | None = None,
    ) -> None:
        made: dict[str, Any] = {"dtype": dtype, "device": device}
        settings: Any = (d_model, nhead, dim_feedforward, dropout, activation, layer_norm_eps, batch_first,
                         norm_first, bias)  # fmt: skip
        encoder = TransformerEncoderLayer(*settings, **made, generator=generator)
        decoder = TransformerDecoderLayer(*settings, **made, generator=generator)
        norms = [LayerNorm(d_model, layer_norm_eps, bias=bias, **made) for _ in range(2)]
        self.encoder = TransformerEncoder(encoder, num_encoder_layers, norms[0])
        self.decoder = TransformerDecoder(decoder, num_decoder_layers, norms[1])
        self.d_model, self.nhead, self.batch_first = encoder.linear1.in_features, nhead, bool(batch_first)
        for parameter in self.parameters():
            if parameter.ndim > 1:
                init.xavier_uniform_(parameter, generator=generator)

    def forward(
        self,
        src: Any,
        tgt: Any,
        src_mask: Any = None,
        tgt_mask: Any = None,
        memory_mask: Any = None,
        src_key_padding_mask: Any = None,
        tgt_key_padding_mask: Any = None,
        memory_key_padding_mask: Any = None,
        src_is_causal: bool = False,
        tgt_is_causal: bool = False,
        memory_is_causal: bool = False,
    ) -> Any:
        """The masks are those of `MultiheadAttention`: True is left out."""
        src, tgt = F.as_tensor(src), F.as_tensor(tgt)
        batch = 0 if self.batch_first else 1
        if src.ndim != tgt.ndim or (src.ndim == 3 and src.shape[batch] != tgt.shape[batch]):
            raise wrong(ShapeError, "Transformer", "src and tgt have different batches", inputs=(src, tgt))
        memory = self.encoder(src, src_mask, src_key_padding_mask, src_is_causal)
        return self.decoder(
            tgt, memory, tgt_mask, memory_mask, tgt_key_padding_mask, memory_key_padding_mask,
            tgt_is_causal, memory_is_causal,
        )  # fmt: skip

    @staticmethod
    def generate_square_subsequent_mask(size: int, *, dtype: Any = float, device: Any = None) -> Tensor:
        """`te.causal_mask(size)`: 0 where position i attends to positions 0...i, elsewhere -inf."""
        return F.causal_mask(size, dtype=dtype, device=device)
