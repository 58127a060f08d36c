"""Samplers: which rows, how often, in which order; a function of (seed, epoch), alone and in a DataLoader."""

import itertools
import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.data import (
    ArrayDataset,
    BatchSampler,
    DataLoader,
    DistributedSampler,
    RandomSampler,
    Sampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
    load,
    random_split,
)
from tinygrad_edu.data.sampling import earlier_draws

SEEDS = st.integers(0, 2**64 - 1)


def loader(count, batch_size=3, **options):
    return DataLoader(ArrayDataset(np.arange(count)), batch_size, as_numpy=True, **options)


def seen(batches):
    return [x.tolist() for (x,) in batches]


@given(st.integers(1, 30), SEEDS, st.integers(0, 9))
def test_each_row_once_in_the_order_of_the_loader_with_that_seed(count, seed, epoch):
    assert list(SequentialSampler(range(count))) == list(range(count))
    sampler = RandomSampler(range(count), seed=seed)
    assert sampler.order(epoch).tolist() == loader(count, shuffle=True, seed=seed).order(epoch).tolist()
    chosen = np.random.default_rng(epoch).permutation(99)[:count]
    assert sorted(SubsetRandomSampler(chosen, seed=seed)) == sorted(chosen.tolist())


@given(st.integers(1, 9), st.integers(1, 40), SEEDS)
def test_more_samples_than_rows_are_further_permutations(count, samples, seed):
    order = RandomSampler(range(count), num_samples=samples, seed=seed).order(0)
    assert len(order) == samples
    for start in range(0, samples, count):
        part = order[start : start + count].tolist()
        assert len(set(part)) == len(part)


def test_with_replacement_every_row_is_as_likely():
    order = RandomSampler(range(5), True, 50_000, seed=1).order(0)
    np.testing.assert_allclose(np.bincount(order, minlength=5) / 50_000, 0.2, atol=0.01)


def test_weights_are_probabilities():
    weights = np.array([0.0, 1.0, 3.0, 6.0])
    order = WeightedRandomSampler(weights, 50_000, seed=1).order(3)
    np.testing.assert_allclose(np.bincount(order) / 50_000, weights / 10, atol=0.01)
    without = WeightedRandomSampler(weights, 3, replacement=False)
    assert all(sorted(without.order(epoch)) == [1, 2, 3] for epoch in range(20))
    assert WeightedRandomSampler([1e-320, 1e-320], 9, seed=1).order(0).max() == 1


@given(st.integers(1, 40), st.integers(1, 7), st.booleans(), st.booleans(), SEEDS)
def test_the_ranks_of_a_distributed_sampler_have_all_rows(count, ranks, shuffle, drop_last, seed):
    if drop_last and count < ranks:
        with pytest.raises(ValueError, match="start fewer ranks"):
            DistributedSampler(range(count), ranks, 0, drop_last=True)
        return
    parts = [DistributedSampler(range(count), ranks, r, shuffle, seed, drop_last) for r in range(ranks)]
    orders = [part.order(2).tolist() for part in parts]
    assert {len(order) for order in orders} == {len(parts[0])}
    together = list(itertools.chain(*zip(*orders, strict=True)))
    if drop_last:
        assert len(set(together)) == len(together) == count - count % ranks
    else:
        assert set(together) == set(range(count)) and together[count:] == together[: len(together) - count]
    assert shuffle or together[:count] == list(range(count))[: len(together)]


@given(st.integers(1, 30), st.integers(1, 8), st.booleans())
def test_batches_of_a_sampler(count, size, drop_last):
    batches = list(BatchSampler(RandomSampler(range(count), seed=3), size, drop_last))
    assert len(batches) == len(BatchSampler(range(count), size, drop_last))
    assert {len(batch) for batch in batches[:-1]} <= {size}
    assert (
        list(itertools.chain(*batches))
        == RandomSampler(range(count), seed=3).order(0).tolist()[: sum(map(len, batches))]
    )


SAMPLERS = [
    lambda: RandomSampler(range(10), True, 8, seed=4),
    lambda: WeightedRandomSampler(np.arange(10.0), 7, seed=4),
    lambda: SubsetRandomSampler([1, 5, 9, 3], seed=4),
    lambda: DistributedSampler(range(10), 3, 1, seed=4),
    lambda: SequentialSampler(range(10)),
]


@pytest.mark.parametrize("make", SAMPLERS)
def test_a_sampler_orders_a_loader_and_is_saved_with_it(make):
    sampler = make()
    batches = loader(10, sampler=sampler)
    assert len(batches) == -(-len(sampler) // 3)
    for epoch in range(2):
        assert list(itertools.chain(*seen(batches))) == sampler.order(epoch).tolist()
    running = iter(batches)
    next(running)
    state = json.loads(json.dumps(batches.state_dict()))
    resumed = loader(10, sampler=make())
    resumed.load_state_dict(state)
    assert seen(resumed) == seen(running)
    with pytest.raises(ValueError, match="saved with sampler="):
        loader(10, sampler=RandomSampler(range(10), seed=5)).load_state_dict(state)
    with pytest.raises(ValueError, match="this loader has None"):
        loader(10).load_state_dict(state)
    with pytest.raises(ValueError, match="saved with sampler=None"):
        loader(10, sampler=sampler).load_state_dict(loader(10).state_dict())


@pytest.mark.parametrize("make", SAMPLERS)
def test_a_sampler_has_a_state_of_its_own(make):
    sampler, other = make(), make()
    sampler.set_epoch(3)
    other.load_state_dict(json.loads(json.dumps(sampler.state_dict())))
    assert list(other) == list(sampler) == sampler.order(3).tolist()
    with pytest.raises(ValueError, match="make it with the same settings"):
        SequentialSampler(range(3)).load_state_dict(sampler.state_dict())


def test_a_batch_sampler_says_the_batches():
    given_batches = [[3, 1], [0], [1, 1, 2]]
    assert seen(loader(5, 32, batch_sampler=given_batches)) == given_batches
    batches = loader(5, 32, batch_sampler=BatchSampler(RandomSampler(range(5), seed=2), 2))
    epochs = [seen(batches), seen(batches)]
    orders = [RandomSampler(range(5), seed=2).order(epoch).tolist() for epoch in range(2)]
    assert [list(itertools.chain(*epoch)) for epoch in epochs] == orders
    assert [len(batch) for batch in epochs[0]] == [2, 2, 1]
    assert batches.order(1).tolist() == orders[1] and batches.weight == 1.0


def test_a_sampler_of_another_library_is_told_the_epoch():
    class Foreign:
        epoch = None

        def set_epoch(self, epoch):
            self.epoch = epoch

        def __len__(self):
            return 2

        def __iter__(self):
            return iter([self.epoch, 4])

    assert [seen(batches) for batches in [loader(5, sampler=Foreign())] * 2] == [[[0, 4]], [[1, 4]]]
    assert seen(loader(5, sampler=[4, 2])) == [[4, 2]]


def test_the_ranks_share_the_rows_of_a_sampler():
    parts = [loader(9, 2, sampler=[8, 6, 4, 2, 0], shard=(rank, 2)) for rank in range(2)]
    assert [seen(part) for part in parts] == [[[8, 6]], [[4, 2, 0]]]


@given(st.lists(st.integers(0, 5), max_size=20))
def test_earlier_draws_are_counted(order):
    expected = [order[:i].count(row) for i, row in enumerate(order)]
    assert earlier_draws(np.array(order, np.int64)).tolist() == expected


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: loader(5, sampler=[1], shuffle=True), ValueError, "shuffle=True another one"),
        (lambda: loader(5, sampler=iter([1])), TypeError, "has no length or yields no indices"),
        (lambda: loader(5, sampler=[]), ValueError, "the sampler has no rows"),
        (lambda: loader(5, 4, batch_sampler=[[1]]), ValueError, "and batch_size others"),
        (lambda: loader(5, 32, batch_sampler=[[1]], drop_last=True), ValueError, "and drop_last others"),
        (lambda: loader(5, 32, batch_sampler=[[1]], sampler=[1]), ValueError, "and sampler others"),
        (lambda: loader(5, 32, batch_sampler=[]), ValueError, "no batches"),
        (lambda: seen(loader(5, sampler=[0.5])), TypeError, "one row of integers, not float64"),
        (lambda: seen(loader(5, sampler=[7])), IndexError, "7"),
        (lambda: RandomSampler([]), ValueError, "no rows"),
        (lambda: RandomSampler(5), TypeError, "a int has no length"),
        (lambda: RandomSampler(range(3), num_samples=0), ValueError, "num_samples=0"),
        (lambda: WeightedRandomSampler([0.0, 0.0], 2), ValueError, "all weights are 0"),
        (lambda: WeightedRandomSampler([1.0, -1.0], 2), ValueError, "finite numbers >= 0"),
        (lambda: WeightedRandomSampler([1.0, np.nan], 2), ValueError, "finite numbers >= 0"),
        (lambda: WeightedRandomSampler([1.0, 0.0], 2, replacement=False), ValueError, "of 1 rows with"),
        (lambda: DistributedSampler(range(5), 2, 2), ValueError, "rank 2 is no rank of a job of 2"),
        (lambda: BatchSampler(range(5), 0), ValueError, "batch_size=0"),
        (lambda: Sampler().order(0), TypeError, "defines no order"),
        (lambda: SubsetRandomSampler([True, False]), TypeError, "flatnonzero"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


class Backwards(Sampler):
    """As one writes it for PyTorch."""

    def __init__(self, rows):
        self.rows = rows

    def __iter__(self):
        return iter(range(self.rows + self.epoch - 1, self.epoch - 1, -1))

    def __len__(self):
        return self.rows


class Even(RandomSampler):
    """Its base class has an order, which it replaces by another iteration."""

    def __iter__(self):
        return iter(range(0, self.rows, 2))

    def __len__(self):
        return (self.rows + 1) // 2


class EvenAgain(Even):
    """Of both the newest one counts."""

    def order(self, epoch):
        return np.arange(0, self.rows, 2)[::-1]


class Pairs(BatchSampler):
    def __iter__(self):
        return iter([[4, 0], [1]])

    def __len__(self):
        return 2


def flat(batches):
    return list(itertools.chain.from_iterable(seen(batches)))


def test_a_sampler_that_only_iterates():
    through = loader(9, sampler=Backwards(5), num_workers=0)
    assert flat(through) == [4, 3, 2, 1, 0] and flat(through) == [5, 4, 3, 2, 1]
    again = loader(9, sampler=Backwards(5))
    again.load_state_dict(through.state_dict())
    assert flat(again) == [6, 5, 4, 3, 2]
    assert flat(loader(5, sampler=Even(range(5)))) == [0, 2, 4]
    assert flat(loader(5, sampler=EvenAgain(range(5)))) == [4, 2, 0]
    assert list(BatchSampler(Backwards(3), 2)) == [[2, 1], [0]]
    pairs = DataLoader(ArrayDataset(np.arange(5)), batch_sampler=Pairs(range(5), 2), as_numpy=True)
    assert seen(pairs) == [[4, 0], [1]]
    with pytest.raises(TypeError, match="no __iter__ instead"):
        list(Sampler())


@pytest.mark.parametrize(("make", "words"), [
    (lambda: DataLoader(range(3), generator=1), "generator= is seed= here"),
    (lambda: RandomSampler(range(3), generator=1), "generator= is seed= here"),
    (lambda: WeightedRandomSampler([1.0], 1, generator=1), "generator= is seed= here"),
    (lambda: SubsetRandomSampler([1], generator=1), "generator= is seed= here"),
    (lambda: random_split(range(3), [1, 2], generator=1), "generator= is seed= here"),
    (lambda: DataLoader(range(3), pin_memory=True), "pin_memory=: batches are arrays in memory here"),
    (lambda: DataLoader(range(3), pin_memory_device="cuda"), "leave it out"),
    (lambda: DataLoader(range(3), multiprocessing_context="fork"), "leave it out"),
    (lambda: DataLoader(range(3), batch_size=None), "pass batch_size=1 for batches of one row"),
])  # fmt: skip
def test_arguments_of_pytorch_are_explained(make, words):
    with pytest.raises(TypeError, match=words):
        make()


@pytest.mark.parametrize("name", ["digits", "tcga", "compounds", "spiral", "circle", "xor", "gaussian"])
def test_data_sets_need_no_scaling(name):
    features = load(name).features
    assert -20 < features.min() <= 0 and 1 <= features.max() < 20
    assert name not in ("digits", "tcga", "compounds") or (features.min(), features.max()) == (0, 1)


@pytest.mark.parametrize("row", [-1, 3, 10**9])
@pytest.mark.parametrize("how", ["sampler", "list", "batches"])
def test_a_row_that_the_dataset_does_not_have_is_refused_by_its_sampler(row, how):
    table = ArrayDataset(np.arange(3.0))
    given = {
        "sampler": {"sampler": SubsetRandomSampler([0, row])},
        "list": {"sampler": [0, row]},
        "batches": {"batch_sampler": [[0], [1, row]]},
    }[how]
    with pytest.raises((IndexError, ValueError), match=f"{row}"):
        list(DataLoader(table, **given))
