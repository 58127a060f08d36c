"""Attention and transformers are PyTorch's: names, values, gradients."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.nn.torch_twins import F64, T64, agree, both, twins
from tinygrad_edu import nn

pytestmark = pytest.mark.oracle


@pytest.fixture(autouse=True)
def by_the_formula():
    """PyTorch computes attention by its formula: its fused kernels have no second derivative."""
    with torch.nn.attention.sdpa_kernel(torch.nn.attention.SDPBackend.MATH):
        yield


@given(lead=st.sampled_from(((), (2,), (2, 3))), queries=st.integers(1, 4), keys=st.integers(1, 5),
       mask=st.sampled_from((None, "bool", "float")), causal=st.booleans(),
       scale=st.sampled_from((None, 0.3)), seed=st.integers(0, 99))  # fmt: skip
@settings(max_examples=30)
def test_scaled_dot_product_attention(lead, queries, keys, mask, causal, scale, seed):
    rng = np.random.default_rng(seed)
    shapes = ((*lead, queries, 4), (*lead, keys, 4), (*lead, keys, 3))
    inputs, their = both(*(rng.normal(size=s) for s in shapes))
    given_ = their_mask = None
    if mask == "bool":
        table = rng.random((queries, keys)) < 0.6
        given_, their_mask = te.tensor(table), torch.tensor(table)
    elif mask == "float":
        (given_,), (their_mask,) = both(rng.normal(size=(queries, keys)))
        inputs, their = [*inputs, given_], [*their, their_mask]
    causal = causal and mask is None  # PyTorch refuses both
    out = te.scaled_dot_product_attention(*inputs[:3], given_, is_causal=causal, scale=scale)
    attention = torch.nn.functional.scaled_dot_product_attention
    expected = attention(*their[:3], their_mask, is_causal=causal, scale=scale)
    agree(nn.Identity(), torch.nn.Identity(), out, expected, inputs, their)


def test_grouped_heads():
    rng = np.random.default_rng(0)
    inputs, their = both(*(rng.normal(size=s) for s in ((2, 6, 3, 4), (2, 2, 5, 4), (2, 2, 5, 4))))
    out = te.scaled_dot_product_attention(*inputs, enable_gqa=True)
    expected = torch.nn.functional.scaled_dot_product_attention(*their, enable_gqa=True)
    agree(nn.Identity(), torch.nn.Identity(), out, expected, inputs, their)


@given(heads=st.sampled_from((1, 2)), bias=st.booleans(), bias_kv=st.booleans(), zero=st.booleans(),
       sizes=st.sampled_from((None, (3, 5), (4, 3))), first=st.booleans(),
       batch=st.sampled_from((None, 1, 3)), padding=st.sampled_from((None, "bool", "float")),
       mask=st.sampled_from((None, "bool", "float", "each")), average=st.booleans(), need=st.booleans(),
       training=st.booleans(), seed=st.integers(0, 99))  # fmt: skip
@settings(max_examples=40)
def test_multihead_attention(heads, bias, bias_kv, zero, sizes, first, batch, padding, mask, average, need,
                             training, seed):  # fmt: skip
    rng = np.random.default_rng(seed)
    options = {"bias": bias, "add_bias_kv": bias_kv, "add_zero_attn": zero, "batch_first": first}
    if sizes:
        options |= {"kdim": sizes[0], "vdim": sizes[1]}
    ours, theirs = twins("MultiheadAttention", 4, heads, **options)
    ours.train(training), theirs.train(training)
    queries, keys = int(rng.integers(1, 5)), int(rng.integers(2, 6))

    def shape(length, size):
        if batch is None:
            return length, size
        return (batch, length, size) if first else (length, batch, size)

    widths = sizes or (4, 4)
    q, v = both(rng.normal(size=shape(queries, 4)), rng.normal(size=shape(keys, widths[0])),
                rng.normal(size=shape(keys, widths[1])))  # fmt: skip
    named, their = {}, {}

    def add(name, table):
        named[name], their[name] = te.tensor(table), torch.tensor(table)

    if padding:
        rows = (keys,) if batch is None else (batch, keys)
        table = rng.random(rows) < 0.4
        table[..., 0] = False  # a row without keys is NaN in PyTorch
        add("key_padding_mask", table if padding == "bool" else rng.normal(size=rows))
    if mask:
        rows = (queries, keys) if mask != "each" else ((batch or 1) * heads, queries, keys)
        table = rng.random(rows) < 0.4
        table[..., 0] = False
        if padding == "float":  # PyTorch wants both of one kind
            table = np.where(table, -np.inf, 0.0)
        add("attn_mask", table if mask != "float" or padding == "bool" else rng.normal(size=rows))
    named |= {"need_weights": need, "average_attn_weights": average}
    their |= {"need_weights": need, "average_attn_weights": average}
    agree(ours, theirs, ours(*q, **named), theirs(*v, **their), q, v)


SETTINGS = st.fixed_dictionaries({
    "activation": st.sampled_from(("relu", "gelu")), "batch_first": st.booleans(),
    "norm_first": st.booleans(),
    "bias": st.booleans(), "layer_norm_eps": st.sampled_from((1e-5, 0.1))})  # fmt: skip


@given(options=SETTINGS, masked=st.booleans(), training=st.booleans(), seed=st.integers(0, 99))
@settings(max_examples=12)
def test_transformer_layers_and_stacks(options, masked, training, seed):
    rng = np.random.default_rng(seed)
    layer, their_layer = twins("TransformerEncoderLayer", 4, 2, 6, 0.0, **options)
    below, their_below = twins("TransformerDecoderLayer", 4, 2, 6, 0.0, **options)
    encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(4, **F64))
    theirs = torch.nn.TransformerEncoder(
        their_layer, 2, torch.nn.LayerNorm(4, **T64), enable_nested_tensor=False
    )
    assert list(encoder.state_dict()) == list(theirs.state_dict())
    encoder.train(training), theirs.train(training)
    order = (lambda n: (3, n, 4)) if options["batch_first"] else (lambda n: (n, 3, 4))
    (x, y), (v, w) = both(rng.normal(size=order(5)), rng.normal(size=order(4)))
    named, their = {}, {}
    if masked:
        padding = rng.random((3, 5)) < 0.4
        padding[:, 0] = False
        square = np.triu(np.ones((5, 5), bool), 1)
        named = {"mask": square, "src_key_padding_mask": te.tensor(padding)}
        their = {"mask": torch.tensor(square), "src_key_padding_mask": torch.tensor(padding)}
    agree(encoder, theirs, encoder(x, **named), theirs(v, **their), [x], [v], second=False)
    decoder = nn.TransformerDecoder(below, 2)
    their_decoder = torch.nn.TransformerDecoder(their_below, 2)
    decoder.train(training), their_decoder.train(training)
    named, their = {}, {}
    if masked:
        square = np.triu(np.ones((4, 4), bool), 1)
        named = {"tgt_mask": te.tensor(square), "memory_key_padding_mask": te.tensor(padding)}
        their = {"tgt_mask": torch.tensor(square), "memory_key_padding_mask": torch.tensor(padding)}
    out, expected = decoder(y, x, **named), their_decoder(w, v, **their)
    for p in (*encoder.parameters(), x):
        p.grad = None
    agree(decoder, their_decoder, out, expected, [y, x], [w, v])


def test_a_transformer():
    theirs = torch.nn.Transformer(4, 2, 1, 2, 6, 0.0, batch_first=True, **T64)
    ours = nn.Transformer(4, 2, 1, 2, 6, 0.0, batch_first=True, **F64)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    rng = np.random.default_rng(0)
    (x, y), (v, w) = both(rng.normal(size=(3, 5, 4)), rng.normal(size=(3, 2, 4)))
    mask, their = ours.generate_square_subsequent_mask(2), theirs.generate_square_subsequent_mask(2)
    np.testing.assert_array_equal(mask.numpy(), their.numpy())
    agree(ours, theirs, ours(x, y, tgt_mask=mask), theirs(v, w, tgt_mask=their.double()), [x, y], [v, w])
