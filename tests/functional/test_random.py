"""Random numbers: Philox, bit for bit NumPy's; streams that do not overlap; the right distributions."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te

COUNT = 200_000


@given(seed=st.integers(0, 2**128 - 1), count=st.integers(0, 50))
def test_uniform_is_numpys_bit_for_bit(seed: int, count: int) -> None:
    ours = te.rand(count, generator=te.Generator(seed), dtype="float64").numpy()
    theirs = np.random.Generator(np.random.Philox(key=seed)).random(count)
    assert ours.tobytes() == theirs.tobytes()


DRAWS: dict[str, Any] = {
    "rand": lambda g: te.rand(3, 5, generator=g),
    "randn": lambda g: te.randn(3, 5, generator=g),
    "randint": lambda g: te.randint(-3, 4, (3, 5), generator=g),
    "bernoulli": lambda g: te.bernoulli(0.3, (3, 5), generator=g),
    "randperm": lambda g: te.randperm(15, generator=g),
}


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_same_seed_same_numbers(name: str) -> None:
    draw = DRAWS[name]
    first, again, other = te.Generator(5), te.Generator(5), te.Generator(6)
    once, twice = draw(first), draw(first)
    np.testing.assert_array_equal(once.numpy(), draw(again).numpy())
    np.testing.assert_array_equal(twice.numpy(), draw(again).numpy())
    assert (once.numpy() != twice.numpy()).any() and (once.numpy() != draw(other).numpy()).any()


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_the_state_of_a_generator_round_trips(name: str) -> None:
    generator, fresh = te.Generator(3), te.Generator(0)
    DRAWS[name](generator)
    fresh.load_state_dict(generator.state_dict())
    np.testing.assert_array_equal(DRAWS[name](fresh).numpy(), DRAWS[name](generator).numpy())
    with pytest.raises(KeyError):
        fresh.load_state_dict({"key": 1})
    assert fresh.state_dict() == generator.state_dict()


def test_the_default_generator_is_seeded_by_hand() -> None:
    te.manual_seed(11)
    first = [te.rand(4).tolist(), te.randn(4).tolist(), te.randint(0, 9, 4).tolist(), te.randperm(6).tolist()]
    te.manual_seed(11)
    assert first == [
        te.rand(4).tolist(),
        te.randn(4).tolist(),
        te.randint(0, 9, 4).tolist(),
        te.randperm(6).tolist(),
    ]
    te.manual_seed(11)
    assert te.rand(4).tolist() == te.rand(4, generator=te.Generator(11)).tolist() == first[0]


def test_spawned_streams_are_independent_and_move_nobody() -> None:
    parent = te.Generator(1)
    before = parent.state_dict()
    streams = [parent.spawn(rank, step) for rank in range(3) for step in range(3)]
    assert parent.state_dict() == before
    assert len({s.key for s in streams}) == 9 and parent.spawn(1, 2).key == streams[5].key
    numbers = np.stack([te.rand(20_000, generator=s).numpy() for s in [parent, *streams]])
    correlations = np.corrcoef(numbers) - np.eye(10)
    assert np.abs(correlations).max() < 5 / np.sqrt(20_000)


def test_uniform_numbers() -> None:
    for dtype in ("float32", "float64"):
        u = te.rand(COUNT, generator=te.Generator(1), dtype=dtype).numpy()
        assert u.min() >= 0.0 and u.max() < 1.0 and len(np.unique(u)) > 0.98 * COUNT
        assert abs(u.mean() - 0.5) < 5 / np.sqrt(12 * COUNT)
        counts = np.histogram(u, 20, (0, 1))[0]
        assert (
            (counts - COUNT / 20) ** 2 / (COUNT / 20)
        ).sum() < 50  # chi-squared with 19 degrees of freedom


def test_normal_numbers() -> None:
    z = te.randn(COUNT, generator=te.Generator(2), dtype="float64").numpy()
    assert np.isfinite(z).all() and abs(z.mean()) < 5 / np.sqrt(COUNT)
    assert (
        abs(z.var() - 1.0) < 5 * np.sqrt(2 / COUNT)
        and abs((z**3).mean()) < 0.05
        and abs((z**4).mean() - 3) < 0.15
    )
    assert abs((z > 1.96).mean() - 0.025) < 0.003
    assert abs(np.corrcoef(z[::2], z[1::2])[0, 1]) < 5 / np.sqrt(COUNT / 2)
    assert te.randn(3).dtype == np.float32 and te.randn(5, generator=te.Generator(2)).shape == (5,)


def test_integers_and_coins_and_orders() -> None:
    n = te.randint(-2, 3, COUNT, generator=te.Generator(3)).numpy()
    assert n.dtype == np.int64 and set(n) == {-2, -1, 0, 1, 2}
    counts = np.bincount(n + 2)
    assert ((counts - COUNT / 5) ** 2 / (COUNT / 5)).sum() < 25
    coins = te.bernoulli(0.3, COUNT, generator=te.Generator(4)).numpy()
    assert set(coins) == {0.0, 1.0} and abs(coins.mean() - 0.3) < 5 * np.sqrt(0.21 / COUNT)
    assert te.bernoulli(0.0, 9).sum().item() == 0 and te.bernoulli(1.0, 9).sum().item() == 9
    order = te.randperm(100, generator=te.Generator(5))
    assert order.dtype == np.int64 and sorted(order.tolist()) == list(range(100)) != order.tolist()
    places = np.array([te.randperm(3, generator=te.Generator(s)).tolist() for s in range(600)])
    assert (np.abs((places[:, 0][:, None] == np.arange(3)).mean(0) - 1 / 3) < 0.1).all()
    assert te.randperm(0).shape == (0,)


def test_random_tensors_may_require_grad() -> None:
    x = te.randn(2, requires_grad=True)
    x.sum().backward()
    assert x.is_leaf and x.grad.tolist() == [1.0, 1.0]
