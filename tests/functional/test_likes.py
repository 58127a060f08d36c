"""Tensors like another one, `empty`, and draws by given probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te

KINDS = st.sampled_from(("float32", "float64", "int64", "int32", "uint8", "bool"))
SHAPES = st.lists(st.integers(0, 3), max_size=3).map(tuple)


@given(SHAPES, KINDS)
def test_what_is_like_a_tensor_has_its_shape_dtype_and_device(shape: Any, kind: str) -> None:
    x = te.ones(shape, dtype=kind)
    fractions = kind if kind.startswith("float") else "float32"
    for made, dtype in (
        (te.empty_like(x), kind),
        (te.full_like(x, 1), kind),
        (te.rand_like(x), fractions),
        (te.randn_like(x), fractions),
        (te.randint_like(x, 0, 3), "int64"),
        (te.empty(shape, dtype=kind), kind),
        (te.empty_like(x, dtype="float64"), "float64"),
        (te.full_like(x, 1.5, dtype="float64"), "float64"),
        (te.rand_like(x, dtype="float64"), "float64"),
    ):
        assert (made.shape, made.dtype, made.device) == (shape, np.dtype(dtype), x.device)
    assert (te.full_like(x, 1).numpy() == 1).all() and (te.empty(shape).numpy() == 0).all()


def test_random_ones_draw_what_their_functions_draw() -> None:
    x = te.zeros(3, 4)
    for like, plain in ((te.rand_like, te.rand), (te.randn_like, te.randn)):
        found = like(x, generator=te.Generator(3))
        np.testing.assert_array_equal(found.numpy(), plain(3, 4, generator=te.Generator(3)).numpy())
    found = te.randint_like(x, 2, 9, generator=te.Generator(3))
    expected = te.randint(2, 9, (3, 4), generator=te.Generator(3))
    np.testing.assert_array_equal(found.numpy(), expected.numpy())


@pytest.mark.parametrize("replacement", [True, False])
def test_multinomial_draws_with_the_probabilities(replacement: bool) -> None:
    """The first draw of each row has the probabilities, the second those of what is left."""
    p = np.array([1.0, 0.0, 3.0, 4.0])
    rows = 20000
    found = te.multinomial(
        te.tensor(np.tile(p, (rows, 1))), 2, replacement=replacement, generator=te.Generator(7)
    ).numpy()
    assert found.dtype == np.int64 and found.shape == (rows, 2)
    share = p / p.sum()
    counts = np.zeros((4, 4))
    np.add.at(counts, (found[:, 0], found[:, 1]), 1 / rows)
    rest = share if replacement else np.array([0 if v == 1 else 1 / (1 - v) for v in share])[:, None] * share
    expected = share[:, None] * rest * (1 if replacement else 1 - np.eye(4))
    np.testing.assert_allclose(counts, expected, atol=5 * np.sqrt(0.25 / rows))
    assert counts[1].sum() == counts[:, 1].sum() == 0


def test_multinomial_of_one_row_and_of_integers() -> None:
    assert te.multinomial(te.tensor([0, 5, 0]), 4, replacement=True).tolist() == [1] * 4
    assert sorted(te.multinomial(te.tensor([1.0, 2.0, 1e-30]), 3).tolist()) == [0, 1, 2]
    first = te.multinomial(te.ones(50), 50, generator=te.Generator(1)).tolist()
    assert sorted(first) == list(range(50)) and first != list(range(50))
    assert te.multinomial(te.ones(50), 50, generator=te.Generator(1)).tolist() == first


@pytest.mark.cpu
@pytest.mark.parametrize("p, count, text", [
    ([1.0, -1.0], 1, "a probability is -1"), ([1.0, float("nan")], 1, "a probability is nan"),
    ([0.0, 0.0], 1, "fewer than 1 prob"), ([1.0, 0.0], 2, "fewer than 2 prob"),
    ([1.0, 1.0], 3, "3 of 2 cannot be drawn"), ([[[1.0]]], 1, r"must be \(N,\) or \(rows, N\)"),
])  # fmt: skip
def test_multinomial_refuses_what_is_no_distribution(p: Any, count: int, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        te.multinomial(te.tensor(p), count)
