"""Attention layers and transformers: what a position may see, masks, shapes, training, bad arguments."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn, optim


def numbers(x):
    return x.detach().numpy()


@given(
    batch_first=st.booleans(), heads=st.sampled_from((1, 2, 4)), bias=st.booleans(), seed=st.integers(0, 99)
)
def test_heads_are_attentions_side_by_side(batch_first, heads, bias, seed):
    rng = np.random.default_rng(seed)
    layer = nn.MultiheadAttention(4, heads, bias=bias, batch_first=batch_first, dtype="float64")
    q, k = rng.normal(size=(2, 3, 4)), rng.normal(size=(2, 5, 4))
    state = layer.state_dict()
    maps = np.split(state["in_proj_weight"], 3)
    projected = [x @ w.T for x, w in zip((q, k, k), maps, strict=True)]
    size = 4 // heads
    parts, shares = [], []
    for h in range(heads):
        a, b, c = (x[..., h * size : (h + 1) * size] for x in projected)
        scores = a @ b.transpose(0, 2, 1) / np.sqrt(size)
        e = np.exp(scores - scores.max(-1, keepdims=True))
        shares.append(e / e.sum(-1, keepdims=True))
        parts.append(shares[-1] @ c)
    expected = np.concatenate(parts, -1) @ state["out_proj.weight"].T
    q, k = (te.tensor(x if batch_first else x.transpose(1, 0, 2)) for x in (q, k))
    out, weights = layer(q, k, k)
    found = numbers(out) if batch_first else numbers(out).transpose(1, 0, 2)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(numbers(weights), np.mean(shares, 0), rtol=1e-10)
    each = layer(q, k, k, average_attn_weights=False)[1]
    np.testing.assert_allclose(numbers(each), np.stack(shares, 1), rtol=1e-10)
    assert layer(q, k, k, need_weights=False)[1] is None


def test_a_query_without_keys_gets_zeros_and_passes_no_nan():
    layer = nn.MultiheadAttention(4, 2, batch_first=True)
    x = te.tensor(np.random.default_rng(0).normal(size=(2, 3, 4)).astype(np.float32), requires_grad=True)
    padding = te.tensor([[False, False, True], [True, True, True]])
    out, weights = layer(x, x, x, key_padding_mask=padding)
    assert not numbers(weights)[1].any() and not numbers(weights)[0, :, 2].any()
    np.testing.assert_allclose(numbers(weights)[0].sum(-1), 1, rtol=1e-6)
    np.testing.assert_allclose(numbers(out)[1], np.zeros((3, 4)) + numbers(layer.out_proj.bias), atol=1e-7)
    out.sum().backward()
    assert np.isfinite(x.grad.numpy()).all() and not x.grad.numpy()[1].any()


@pytest.mark.parametrize("norm_first", [True, False])
def test_a_causal_stack_sees_nothing_of_the_future(norm_first):
    layer = nn.TransformerEncoderLayer(4, 2, 8, 0.0, batch_first=True, norm_first=norm_first)
    model = nn.TransformerEncoder(layer, 2)
    x = np.random.default_rng(0).normal(size=(1, 5, 4)).astype(np.float32)
    changed = x.copy()
    changed[:, 3:] = changed[:, 3:] ** 2
    for named in (
        {"is_causal": True},
        {"mask": te.causal_mask(5)},
        {"mask": np.triu(np.ones((5, 5), bool), 1)},
    ):
        a, b = (numbers(model(te.tensor(v), **named)) for v in (x, changed))
        np.testing.assert_array_equal(a[:, :3], b[:, :3])
        assert not np.allclose(a[:, 3:], b[:, 3:])
    assert not np.allclose(numbers(model(te.tensor(x)))[:, 0], numbers(model(te.tensor(changed)))[:, 0])


def test_what_is_padding_is_without_effect():
    model = nn.Transformer(4, 2, 1, 1, 8, 0.0, batch_first=True)
    rng = np.random.default_rng(0)
    src, tgt = (rng.normal(size=(1, n, 4)).astype(np.float32) for n in (5, 3))
    changed = src.copy()
    changed[:, 4] = 9.0
    padding = te.tensor([[False] * 4 + [True]])
    named = {"src_key_padding_mask": padding, "memory_key_padding_mask": padding}
    a, b = (numbers(model(te.tensor(v), te.tensor(tgt), **named)) for v in (src, changed))
    np.testing.assert_array_equal(a, b)


def test_layers_of_a_stack_are_copies():
    layer = nn.TransformerEncoderLayer(4, 2, 8)
    model = nn.TransformerEncoder(layer, 2, nn.LayerNorm(4))
    first, second = model.layers
    assert first.linear1.weight is not second.linear1.weight is not layer.linear1.weight
    np.testing.assert_array_equal(first.linear1.weight.numpy(), second.linear1.weight.numpy())
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(twin) == repr(model)


def test_dropout_follows_the_mode():
    model, x = nn.TransformerEncoderLayer(4, 2, 8, 0.5), te.randn(3, 2, 4)
    assert not np.array_equal(numbers(model(x)), numbers(model(x)))
    model.eval()
    np.testing.assert_array_equal(numbers(model(x)), numbers(model(x)))
    attention = nn.MultiheadAttention(4, 2, dropout=0.5)
    weights = numbers(attention(x, x, x)[1])
    assert (weights == 0).any() and (numbers(attention.eval()(x, x, x)[1]) > 0).all()


def test_it_learns_to_copy_the_first_token():
    te.manual_seed(0)
    model = nn.Sequential(nn.Embedding(4, 8), nn.PositionalEncoding(8, 0.0, batch_first=True),
                          nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True),
                          nn.Linear(8, 4))  # fmt: skip
    rule, rng = optim.Adam(model.parameters(), lr=0.02), np.random.default_rng(0)
    for _ in range(200):
        x = rng.integers(0, 4, (32, 5))
        rule.zero_grad()
        loss = te.cross_entropy(model(te.tensor(x))[:, 4], te.tensor(x[:, 0]))
        loss.backward()
        rule.step()
    assert loss.item() < 0.1


def test_positions():
    rows = numbers(nn.PositionalEncoding(5, 0.0, 7, batch_first=True)(te.zeros(1, 7, 5)))[0]
    for position in range(7):
        for i in range(5):
            angle = position / 10000 ** (2 * (i // 2) / 5)
            assert abs(rows[position, i] - (np.cos(angle) if i % 2 else np.sin(angle))) < 1e-6
    plain = nn.PositionalEncoding(4, 0.0)
    assert plain(te.zeros(3, 2, 4)).shape == (3, 2, 4) and not plain.state_dict()
    learned = nn.LearnedPositionalEncoding(4, 0.0, 6)
    out = learned(te.zeros(3, 2, 4))
    np.testing.assert_array_equal(numbers(out)[:, 1], learned.weight.numpy()[:3])
    out.sum().backward()
    assert learned.weight.grad.numpy()[:, 0].tolist() == [2, 2, 2, 0, 0, 0]
    assert abs(nn.LearnedPositionalEncoding(32, 0.0, 100).weight.numpy().std() - 0.02) < 0.002
    assert learned(te.zeros(2, 4)).shape == (2, 4)


def test_embedding_leaves_its_padding_alone():
    table = nn.Embedding(4, 2, -1)
    assert table.padding_idx == 3 and not table.weight.numpy()[3].any()
    table(te.tensor([3, 1, 3])).sum().backward()
    assert table.weight.grad.tolist() == [[0, 0], [1, 1], [0, 0], [0, 0]]
    rows = nn.Embedding.from_pretrained(te.ones(3, 2), freeze=False)
    assert rows.weight.requires_grad and rows.num_embeddings == 3 and repr(rows) == "Embedding(3, 2)"


@pytest.mark.parametrize("kind", [nn.Dropout1d, nn.Dropout2d, nn.Dropout3d])
def test_dropout_of_channels(kind):
    layer = kind(0.3, generator=te.Generator(0))
    shape = (40, 30, *(2,) * layer.axes)
    out = layer(te.ones(shape)).numpy().reshape(40, 30, -1)
    assert (out == out[..., :1]).all() and abs((out[..., 0] == 0).mean() - 0.3) < 0.05
    np.testing.assert_allclose(np.unique(out), [0, 1 / 0.7], rtol=1e-6)
    assert layer(te.ones(shape[1:])).shape == shape[1:]
    x = te.ones(shape)
    assert layer.eval()(x) is x


def test_alpha_dropout_keeps_mean_and_variance():
    layer = nn.AlphaDropout(0.2, generator=te.Generator(0))
    out = layer(te.randn(400, 400, generator=te.Generator(1))).numpy()
    assert abs(out.mean()) < 0.02 and abs(out.var() - 1) < 0.02
    assert nn.AlphaDropout(1.0)(te.ones(3)).tolist() == [0, 0, 0]
    x = te.ones(3)
    assert layer.eval()(x) is x


@pytest.mark.parametrize(("call", "kind", "said"), [
    (lambda: nn.MultiheadAttention(5, 2), ValueError, "embed_dim=5 does not divide by num_heads=2"),
    (lambda: nn.MultiheadAttention(4, 2, 2.0), ValueError, "dropout=2.0 is not a probability"),
    (lambda: nn.MultiheadAttention(4, 2)(*(te.ones(3, 2, 5),) * 3), ValueError, r"they are not \(L, N, 4\)"),
    (lambda: nn.MultiheadAttention(4, 2)(te.ones(3, 2, 4), *(te.ones(3, 1, 4),) * 2), ValueError,
     "they are not"),
    (lambda: nn.MultiheadAttention(4, 2)(*(te.ones(3, 2, 4),) * 3, attn_mask=te.ones(2, 3)), ValueError,
     r"attn_mask must be \(3, 3\) or \(4, 3, 3\), not \(2, 3\)"),
    (lambda: nn.MultiheadAttention(4, 2)(*(te.ones(3, 2, 4),) * 3, te.ones(3, 2)), ValueError,
     r"key_padding_mask must be \(2, 3\), not \(3, 2\)"),
    (lambda: nn.MultiheadAttention(4, 2)(*(te.ones(3, 2, 4),) * 3, te.tensor([[1, 0, 1]] * 2)), TypeError,
     "a mask is bools, or floats"),
    (lambda: nn.TransformerEncoderLayer(4, 2, activation="sin"), ValueError, "'relu', 'gelu' or a function"),
    (lambda: nn.TransformerEncoder(3, 2), TypeError, "the layer is 3, not a Module"),
    (lambda: nn.TransformerEncoder(nn.Identity(), 2, norm=3), TypeError, "norm is 3, not a Module"),
    (lambda: nn.Transformer(4, 2, 1, 1, 4)(te.ones(3, 2, 4), te.ones(3, 1, 4)), ValueError,
     "different batches"),
    (lambda: nn.PositionalEncoding(4, max_len=3)(te.ones(5, 1, 4)), ValueError, "L <= 3"),
    (lambda: nn.Embedding(3, 2, 3), ValueError, "padding_idx=3 is none of the 3 rows"),
    (lambda: nn.Embedding.from_pretrained(te.ones(3)), ValueError, "a table has 2 axes"),
    (lambda: nn.Dropout2d()(te.ones(2, 3)), ValueError, r"x \(2, 3\) must have axes"),
    (lambda: nn.AlphaDropout(-1.0), ValueError, "p=-1.0 is not a probability"),
    (lambda: nn.Bilinear(3, 2, 1)(te.ones(2, 3), te.ones(2, 3)), ValueError, r"must be \(\.\.\., 3\) and"),
    (lambda: nn.PReLU(0), ValueError, "num_parameters=0 must be an integer >= 1"),
    (lambda: nn.GELU("fast"), ValueError, "approximate must be 'none' or 'tanh'"),
    (lambda: nn.Threshold("a", 1), TypeError, "threshold must be a number"),
])  # fmt: skip
def test_bad_arguments(call, kind, said):
    with pytest.raises(kind, match=said) as error:
        call()
    assert "test_attention.py" in str(error.value)
