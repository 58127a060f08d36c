"""Recurrent layers and cells, packed sequences, attention and transformers of torch.nn."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.torch.recipes.nn_layers import attributes, filled, refused

Recipe = Callable[[Any, Any], Any]


def _state(d: Any, title: str, *shape: int) -> Any:
    return (d.floats(*shape), d.floats(*shape)) if title.startswith("LSTM") else d.floats(*shape)


def _described(module: Any) -> list[Any]:
    return [repr(module), {key: x.shape for key, x in module.state_dict().items()}]


def _layer(title: str, **options: Any) -> Recipe:
    """A recurrent layer of drawn weights, with and without a first state."""

    def recipe(t: Any, d: Any) -> Any:
        module = filled(t, d, getattr(t.nn, title)(3, 4, **options))
        first, rows = options.get("batch_first", False), 2
        shape = (rows, 5, 3) if first else (5, rows, 3)
        count = options.get("num_layers", 1) * (2 if options.get("bidirectional") else 1)
        x = d.floats(*shape)
        return [module(x), module(x, _state(d, title, count, rows, 4)), _described(module)]

    return recipe


def _single(title: str) -> Recipe:
    def recipe(t: Any, d: Any) -> Any:
        module = filled(t, d, getattr(t.nn, title)(3, 4, 2, batch_first=True))
        return [module(d.floats(5, 3)), module(d.floats(5, 3), _state(d, title, 2, 4))]

    return recipe


def _packed(title: str, **options: Any) -> Recipe:
    """A packed batch of drawn lengths, in any order."""

    def recipe(t: Any, d: Any) -> Any:
        module = filled(t, d, getattr(t.nn, title)(3, 4, 2, **options))
        rnn = t.nn.utils.rnn
        first = options.get("batch_first", False)
        x = d.floats(*((3, 5, 3) if first else (5, 3, 3)))
        lengths = t.tensor([d.whole(1, 6), 5, d.whole(1, 6)])
        packed = rnn.pack_padded_sequence(x, lengths, batch_first=first, enforce_sorted=False)
        count = 4 if options.get("bidirectional") else 2
        out, state = module(packed, d.choose([None, _state(d, title, count, 3, 4)]))
        padded, sizes = rnn.pad_packed_sequence(out, batch_first=first)
        return [padded, sizes, state, out.batch_sizes, out.sorted_indices, out.data]

    return recipe


def _unfit(title: str) -> list[Recipe]:
    return [
        lambda t, d: getattr(t.nn, title)(3, 4).double()(d.floats(5, 2, 2)),
        lambda t, d: getattr(t.nn, title)(3, 4).double()(d.floats(3)),
        lambda t, d: getattr(t.nn, title)(3, 4).double()(d.floats(5, 2, 3), _state(d, title, 1, 3, 4)),
        lambda t, d: getattr(t.nn, title)(3, 4)(d.floats(5, 2, 3)),
        refused(title, 0, 4),
        refused(title, 3, 4, 0),
        refused(title, 3, 4, dropout=1.5),
        refused(title, 3.5, 4),
    ]


def _dropped(title: str) -> Recipe:
    """Dropout between layers: in training another result, in evaluation none."""

    def recipe(t: Any, d: Any) -> Any:
        module = filled(t, d, getattr(t.nn, title)(3, 40, 2, dropout=0.5))
        x = d.floats(5, 2, 3)
        differs = bool((module(x)[0] != module(x)[0]).any())
        module.eval()
        return [differs, module(x)[0]]

    return recipe


def _cell(title: str, **options: Any) -> list[Recipe]:
    def batch(t: Any, d: Any) -> Any:
        module = filled(t, d, getattr(t.nn, title)(3, 4, **options))
        return [module(d.floats(2, 3)), module(d.floats(2, 3), _state(d, title, 2, 4)), _described(module)]

    def single(t: Any, d: Any) -> Any:
        module = filled(t, d, getattr(t.nn, title)(3, 4, bias=False))
        return [module(d.floats(3)), module(d.floats(3), _state(d, title, 4)), _described(module)]

    return [
        batch, single,
        attributes(title, "input_size hidden_size bias", 3, 4),
        lambda t, d: getattr(t.nn, title)(3, 4).double()(d.floats(2, 2)),
        lambda t, d: getattr(t.nn, title)(3, 4).double()(d.floats(2, 2, 3)),
        lambda t, d: getattr(t.nn, title)(3, 4).double()(d.floats(2, 3), _state(d, title, 3, 4)),
    ]  # fmt: skip


def _recurrent(title: str, *more: dict[str, Any]) -> list[Recipe]:
    options: list[dict[str, Any]] = [
        {}, {"num_layers": 2, "bidirectional": True}, {"batch_first": True, "bias": False}, *more,
    ]  # fmt: skip
    return [
        *[_layer(title, **given) for given in options],
        _single(title),
        _packed(title),
        _packed(title, batch_first=True, bidirectional=True),
        _dropped(title),
        attributes(
            title,
            "mode input_size hidden_size num_layers bias batch_first dropout bidirectional proj_size",
            3,
            4,
            2,
        ),
        lambda t, d: [[len(w) for w in getattr(t.nn, title)(3, 4, 2, bidirectional=True).all_weights]],
        *_unfit(title),
    ]


# -- attention ---------------------------------------------------------------


def _attention(**options: Any) -> Recipe:
    def recipe(t: Any, d: Any) -> Any:
        module = filled(t, d, t.nn.MultiheadAttention(4, 2, **options))
        first = options.get("batch_first", False)

        def drawn(length: int, size: int) -> Any:
            return d.floats(*((2, length, size) if first else (length, 2, size)))

        q, k, v = drawn(3, 4), drawn(5, options.get("kdim", 4)), drawn(5, options.get("vdim", 4))
        padding = t.tensor([[False, False, True, False, True], [False, False, False, False, False]])
        mask = t.tensor([[False, True, False, False, False]] * 3)
        return [
            module(q, k, v), module(q, k, v, need_weights=False), module(q, k, v, average_attn_weights=False),
            module(q, k, v, key_padding_mask=padding), module(q, k, v, attn_mask=mask),
            module(q, k, v, attn_mask=d.floats(3, 5, grad=False), key_padding_mask=padding.double() * -2),
            module(q, k, v, attn_mask=d.floats(4, 3, 5, grad=False)), _described(module),
        ]  # fmt: skip

    return recipe


def _attention_single(t: Any, d: Any) -> Any:
    module = filled(t, d, t.nn.MultiheadAttention(4, 2))
    x = d.floats(3, 4)
    causal = t.nn.Transformer.generate_square_subsequent_mask(3, dtype=t.float64)
    return [module(x, x, x), module(x, x, x, attn_mask=causal, is_causal=True)]


def _transformer(title: str, **options: Any) -> Recipe:
    def recipe(t: Any, d: Any) -> Any:
        module = filled(t, d, getattr(t.nn, title)(4, 2, dim_feedforward=6, **options))
        first = options.get("batch_first", False)
        x = d.floats(*((2, 3, 4) if first else (3, 2, 4)))
        more = [d.floats(*((2, 5, 4) if first else (5, 2, 4)))] if "Decoder" in title else []
        module.eval()
        mask = t.nn.Transformer.generate_square_subsequent_mask(3, dtype=t.float64)
        padding = t.tensor([[False, False, True], [False, False, False]])
        name = "tgt" if more else "src"
        return [
            module(x, *more),
            module(x, *more, mask),
            module(x, *more, **{f"{name}_key_padding_mask": padding}),
            _described(module),
        ]

    return recipe


def _encoder(t: Any, d: Any) -> Any:
    one = t.nn.TransformerEncoderLayer(4, 2, 6, dropout=0.0)
    module = filled(t, d, t.nn.TransformerEncoder(one, 2, t.nn.LayerNorm(4), enable_nested_tensor=False))
    x = d.floats(3, 2, 4)
    mask = t.nn.Transformer.generate_square_subsequent_mask(3, dtype=t.float64)
    return [module(x), module(x, mask), module(x, mask, is_causal=True), _described(module)]


def _decoder(t: Any, d: Any) -> Any:
    one = t.nn.TransformerDecoderLayer(4, 2, 6, dropout=0.0)
    module = filled(t, d, t.nn.TransformerDecoder(one, 2))
    x, memory = d.floats(3, 2, 4), d.floats(5, 2, 4)
    mask = t.nn.Transformer.generate_square_subsequent_mask(3, dtype=t.float64)
    return [module(x, memory), module(x, memory, mask), _described(module)]


def _both(**options: Any) -> Recipe:
    def recipe(t: Any, d: Any) -> Any:
        module = filled(t, d, t.nn.Transformer(4, 2, 1, 2, 6, dropout=0.0, **options))
        first = options.get("batch_first", False)
        src, tgt = (
            d.floats(*((2, 5, 4) if first else (5, 2, 4))),
            d.floats(*((2, 3, 4) if first else (3, 2, 4))),
        )
        mask = module.generate_square_subsequent_mask(3, dtype=t.float64)
        return [module(src, tgt), module(src, tgt, tgt_mask=mask), _described(module), mask]

    return recipe


RECIPES: dict[str, list[Any]] = {
    "torch.nn.RNN": [*_recurrent("RNN", {"nonlinearity": "relu"}), refused("RNN", 3, 4, nonlinearity="sin")],
    "torch.nn.LSTM": _recurrent("LSTM"),
    "torch.nn.GRU": _recurrent("GRU"),
    "torch.nn.RNNBase": [
        lambda t, d: sorted(t.nn.RNNBase("GRU", 3, 4).state_dict()), refused("RNNBase", "XYZ", 3, 4),
    ],
    "torch.nn.RNNCell": [*_cell("RNNCell"), *_cell("RNNCell", nonlinearity="relu")],
    "torch.nn.LSTMCell": _cell("LSTMCell"),
    "torch.nn.GRUCell": _cell("GRUCell"),
    "torch.nn.MultiheadAttention": [
        _attention(), _attention(batch_first=True, bias=False), _attention(kdim=3, vdim=6),
        _attention(add_bias_kv=True, add_zero_attn=True), _attention_single,
        attributes("MultiheadAttention", "embed_dim num_heads head_dim kdim vdim dropout batch_first", 4, 2),
        refused("MultiheadAttention", 5, 2), refused("MultiheadAttention", 0, 2),
        lambda t, d: t.nn.MultiheadAttention(4, 2).double()(
            d.floats(3, 1, 4), d.floats(3, 1, 4), d.floats(2, 1, 4)),
        lambda t, d: t.nn.MultiheadAttention(4, 2).double()(*[d.floats(3, 1, 4)] * 3, is_causal=True),
        lambda t, d: t.nn.MultiheadAttention(4, 2).double()(*[d.floats(3, 1, 5)] * 3),
    ],
    "torch.nn.TransformerEncoderLayer": [
        _transformer("TransformerEncoderLayer"),
        _transformer("TransformerEncoderLayer", batch_first=True, norm_first=True, activation="gelu",
                     bias=False),
        refused("TransformerEncoderLayer", 4, 2, activation="sin"),
    ],
    "torch.nn.TransformerDecoderLayer": [
        _transformer("TransformerDecoderLayer"),
        _transformer("TransformerDecoderLayer", batch_first=True, norm_first=True, activation="gelu"),
    ],
    "torch.nn.TransformerEncoder": [_encoder],
    "torch.nn.TransformerDecoder": [_decoder],
    "torch.nn.Transformer": [
        _both(), _both(batch_first=True, norm_first=True),
        lambda t, d: t.nn.Transformer(4, 2, 1, 1, 6).double()(d.floats(3, 2, 4), d.floats(3, 1, 4)),
        lambda t, d: t.nn.Transformer(4, 2, 1, 1, 6).double()(d.floats(3, 2, 5), d.floats(3, 2, 5)),
    ],
}  # fmt: skip
