"""Attention against a loop in NumPy; masks; rows without keys; dropout's statistics."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te


def one_row(q, keys, values, scale, added):
    """The attention of one query, as a textbook computes it; zeros if no key is left."""
    scores = np.array([scale * q @ k for k in keys]) + added
    if not np.isfinite(scores).any():
        return np.zeros(values.shape[-1])
    e = np.exp(scores - scores[np.isfinite(scores)].max())
    return (e / e.sum()) @ values


@given(rows=st.integers(1, 3), queries=st.integers(1, 4), keys=st.integers(1, 4),
       heads=st.integers(1, 2),
       kind=st.sampled_from(("none", "bool", "float", "causal", "both")),
       seed=st.integers(0, 999))  # fmt: skip
def test_it_is_the_textbooks(rows, queries, keys, heads, kind, seed):
    rng = np.random.default_rng(seed)
    q, k, v = (rng.normal(size=(rows, heads, n, d)) for n, d in ((queries, 3), (keys, 3), (keys, 2)))
    allowed = rng.random((queries, keys)) < 0.5  # some rows have no key
    added = np.zeros((queries, keys))
    named = {}
    if kind in ("bool", "both"):
        named["attn_mask"] = te.tensor(allowed)
        added = np.where(allowed, 0.0, -np.inf)
    if kind == "float":
        added = rng.normal(size=(queries, keys))
        named["attn_mask"] = te.tensor(added)
    if kind in ("causal", "both"):
        named["is_causal"] = True
        added = np.where(np.arange(keys) > np.arange(queries)[:, None], -np.inf, added)
    leaves = [te.tensor(a, requires_grad=True) for a in (q, k, v)]
    out = te.scaled_dot_product_attention(*leaves, **named)
    expected = np.array([[[one_row(q[n, h, i], k[n, h], v[n, h], 1 / math.sqrt(3), added[i])
                           for i in range(queries)] for h in range(heads)] for n in range(rows)])  # fmt: skip
    np.testing.assert_allclose(out.detach().numpy(), expected, rtol=1e-11, atol=1e-13)
    (out * out).sum().backward()
    assert all(np.isfinite(x.grad.numpy()).all() for x in leaves)
    dead = ~np.isfinite(added).any(-1)
    assert not leaves[0].grad.numpy()[:, :, dead].any()


def test_a_mask_that_is_learned_gets_its_gradient():
    q, k, v = (te.randn(2, 3, 4, dtype="float64") for _ in range(3))
    bias = te.zeros(3, 3, dtype="float64", requires_grad=True)
    te.scaled_dot_product_attention(q, k, v, bias).square().sum().backward()
    h, up = 1e-6, np.zeros((3, 3))
    up[1, 2] = h

    def loss(b):
        return te.scaled_dot_product_attention(q, k, v, te.tensor(b)).square().sum().item()

    assert abs(bias.grad.numpy()[1, 2] - (loss(up) - loss(-up)) / (2 * h)) < 1e-7


def test_grouped_heads_share_keys_and_values():
    q, k, v = te.randn(1, 4, 3, 5), te.randn(1, 2, 6, 5), te.randn(1, 2, 6, 5)
    out = te.scaled_dot_product_attention(q, k, v, enable_gqa=True).numpy()
    for head in range(4):
        alone = te.scaled_dot_product_attention(q[:, head], k[:, head // 2], v[:, head // 2])
        np.testing.assert_allclose(out[:, head], alone.numpy(), rtol=1e-5, atol=1e-6)


def test_dropout_of_weights_keeps_their_mean_and_is_drawn_by_the_generator():
    q, k, v = te.zeros(1, 1, 2), te.zeros(1, 2000, 2), te.ones(1, 2000, 1)
    drawn = [te.scaled_dot_product_attention(q, k, v, dropout_p=0.5, generator=te.Generator(s)).item()
             for s in (1, 1, 2)]  # fmt: skip
    assert drawn[0] == drawn[1] != drawn[2] and all(abs(x - 1) < 0.1 for x in drawn)


def test_the_causal_mask():
    inf = math.inf
    assert te.causal_mask(2).tolist() == [[0, -inf], [0, 0]] and te.causal_mask(1, 3).tolist() == [
        [0, -inf, -inf]
    ]
    assert te.causal_mask(2, dtype="float64").dtype == te.float64


@pytest.mark.parametrize("shape", [None, (50, 1, 40)])
def test_dropout_drops_and_scales(shape):
    x = te.ones(50, 30, 40)
    out = te.dropout(x, 0.25, shape=shape, generator=te.Generator(0)).numpy()
    assert set(np.unique(out)) == {0.0, np.float32(1 / 0.75)} and abs(out.mean() - 1) < 0.05
    assert shape is None or (out == out[:, :1]).all()
    assert te.dropout(x, 0.25, training=False) is x and not te.dropout(x, 1.0).numpy().any()


@pytest.mark.parametrize(("call", "kind", "said"), [
    (lambda: te.scaled_dot_product_attention(te.ones(2, 3), te.ones(2, 4), te.ones(2, 4)), ValueError,
     r"the shapes must be \(\.\.\., L, E\)"),
    (lambda: te.scaled_dot_product_attention(te.ones(2, 3), te.ones(2, 3), te.ones(3, 3)), ValueError,
     "shapes"),
    (lambda: te.scaled_dot_product_attention(*(te.ones(2, 3),) * 3, te.tensor([[1, 0], [0, 1]])), TypeError,
     "a mask is bools, or floats that are added, not int64.*say mask == 0"),
    (lambda: te.scaled_dot_product_attention(te.ones(3, 2, 4), *(te.ones(2, 2, 4),) * 2, enable_gqa=True),
     ValueError, "must be a multiple"),
    (lambda: te.scaled_dot_product_attention(*(te.ones(2, 3),) * 3, te.ones(3, 2)), ValueError,
     r"a mask \(3, 2\) does not broadcast to \(\.\.\., 2, 2\)"),
    (lambda: te.dropout(te.ones(2), 1.5), ValueError, r"p=1\.5 is not a probability"),
])  # fmt: skip
def test_bad_arguments(call, kind, said):
    with pytest.raises(kind, match=said) as error:
        call()
    assert "test_attention.py" in str(error.value)
