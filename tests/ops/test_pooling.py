"""The largest of windows against loops: ties, NaN and infinity, overlaps, gaps and any layout."""

from __future__ import annotations

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu.ops import pooling

AXES = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(0, 3)), min_size=1, max_size=3)
FEW = (0.0, 1.0, 2.0, np.nan, np.inf, -np.inf)  # so few that windows have ties


def by_loops(x, seed, u, sizes, strides):
    """The largest of each window of x; seed spread over them; and u read at them."""
    lead = x.ndim - len(sizes)
    out, spread, read = np.zeros(seed.shape), np.zeros(x.shape), np.zeros(seed.shape)
    for place in itertools.product(*map(range, seed.shape)):
        corner = [p * s for p, s in zip(place[lead:], strides, strict=True)]
        spots = [
            (*place[:lead], *(c + k for c, k in zip(corner, inside, strict=True)))
            for inside in itertools.product(*map(range, sizes))
        ]
        numbers = [float(x[spot]) for spot in spots]
        lost = any(np.isnan(v) for v in numbers)
        top = np.nan if lost else max(numbers)
        chosen = [s for s, v in zip(spots, numbers, strict=True) if (np.isnan(v) if lost else v == top)]
        out[place] = top
        for spot in chosen:
            spread[spot] += seed[place] / len(chosen)
            read[place] += u[spot] / len(chosen)
    return out, spread, read


@given(AXES, st.integers(0, 2), st.booleans(), st.integers(0, 99))
@settings(max_examples=60, deadline=None)
def test_all_three_are_their_loops(axes, lead, is_transposed, seed):
    random = np.random.default_rng(seed)
    sizes, strides, more = (tuple(part) for part in zip(*axes, strict=True))
    shape = ((2, 3)[:lead]) + tuple(n + m for n, m in zip(sizes, more, strict=True))
    x = random.choice(FEW, shape, p=(0.3, 0.3, 0.3, 0.02, 0.04, 0.04))
    given_ = pooling.max_pool(te.tensor(x), sizes=sizes, strides=strides)
    g, u = random.standard_normal(given_.shape), random.standard_normal(shape)
    arrays = [te.tensor(a.T).T if is_transposed else te.tensor(a) for a in (x, g, u)]
    found = (
        pooling.max_pool(arrays[0], sizes=sizes, strides=strides),
        pooling.max_pool_spread(arrays[1], arrays[0], sizes=sizes, strides=strides),
        pooling.max_pool_read(arrays[2], arrays[0], sizes=sizes, strides=strides),
    )
    for one, other in zip(found, by_loops(x, g, u, sizes, strides), strict=True):
        np.testing.assert_allclose(one.numpy(), other, rtol=1e-13, atol=1e-15)


def test_more_ties_than_a_byte_counts():
    x = te.ones((20, 20), dtype="float64", requires_grad=True)
    te.max_pool2d(x[None], 20).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), 1 / 400)
