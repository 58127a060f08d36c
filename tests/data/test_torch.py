"""Data beside PyTorch's: the shapes of batches, what is collated, what samplers count, how rows are dealt."""

from __future__ import annotations

import collections

import numpy as np
import pytest

from tests.data import worker_sets as sets
from tinygrad_edu import Tensor, data

pytestmark = pytest.mark.oracle


@pytest.fixture(scope="module")
def torch():
    import torch
    import torch.utils.data

    return torch


def facts(batch):
    """Kinds, dtypes, shapes and values, of either library."""
    if isinstance(batch, dict):
        return {key: facts(value) for key, value in batch.items()}
    if isinstance(batch, tuple | list) and not all(isinstance(value, str) for value in batch):
        return [facts(value) for value in batch]
    if isinstance(batch, tuple | list):
        return list(batch)
    array = np.asarray(batch.detach().numpy() if isinstance(batch, Tensor) else batch)
    return str(array.dtype), array.shape, array.tolist()


X, Y = np.arange(24, dtype=np.float32).reshape(8, 3), np.arange(8)


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("batch_size", [1, 3, 4, 8, 9])
def test_batches_have_the_same_shapes_and_values(torch, batch_size, drop_last):
    if drop_last and batch_size > len(X):
        return
    theirs = torch.utils.data.DataLoader(
        torch.utils.data.TensorDataset(torch.tensor(X), torch.tensor(Y)), batch_size, drop_last=drop_last
    )
    ours = data.DataLoader(data.TensorDataset(X, Y), batch_size, drop_last=drop_last)
    assert [facts(b) for b in ours] == [facts(b) for b in theirs] and len(ours) == len(theirs)


Point = collections.namedtuple("Point", "x y")
ITEMS = [
    [(np.ones(2, np.float32), 1), (np.zeros(2, np.float32), 0)],
    [{"a": 1, "b": {"c": np.ones((2, 2))}}, {"a": 2, "b": {"c": np.zeros((2, 2))}}],
    [("a", 1), ("b", 2)],
    [(Point(1, "x"), True), (Point(2, "y"), False)],
    [(np.float32(1.5), np.int64(2)), (np.float32(2.5), np.int64(3))],
    [{"text": "a", "deep": ({"n": 1}, "b")}, {"text": "c", "deep": ({"n": 2}, "d")}],
]


@pytest.mark.parametrize("items", ITEMS)
def test_items_are_collated_alike(torch, items):
    ours, theirs = data.collating.tensors_of(data.collate(items)), torch.utils.data.default_collate(items)
    assert facts(ours) == facts(theirs)


def test_floats_of_python_are_float64_in_both(torch):
    assert facts(data.collate([(1.5,), (2.5,)])) == facts(torch.utils.data.default_collate([(1.5,), (2.5,)]))


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("ranks", [1, 2, 3, 5])
def test_rows_are_dealt_to_ranks_alike(torch, ranks, drop_last):
    for rows in (5, 6, 11):
        for rank in range(ranks):
            theirs = torch.utils.data.DistributedSampler(
                range(rows), ranks, rank, shuffle=False, drop_last=drop_last
            )
            ours = data.DistributedSampler(range(rows), ranks, rank, False, drop_last=drop_last)
            assert list(ours) == list(theirs) and len(ours) == len(theirs)


@pytest.mark.parametrize(
    "make",
    [
        lambda s: s.RandomSampler(range(7)),
        lambda s: s.RandomSampler(range(7), replacement=True, num_samples=20),
        lambda s: s.RandomSampler(range(7), num_samples=17),
        lambda s: s.RandomSampler(range(7), num_samples=3),
        lambda s: s.WeightedRandomSampler([0.0, 1.0, 2.0], 9),
        lambda s: s.WeightedRandomSampler([0.0, 1.0, 2.0], 2, replacement=False),
        lambda s: s.SubsetRandomSampler([4, 2, 8]),
        lambda s: s.SequentialSampler(range(5)),
    ],
)
def test_samplers_count_alike(torch, make):
    ours, theirs = list(make(data)), list(make(torch.utils.data))
    assert len(ours) == len(theirs) == len(make(data)) == len(make(torch.utils.data))
    often = [sorted(collections.Counter(order).values()) for order in (ours, theirs)]
    if not (getattr(make(data), "replacement", False)):
        assert often[0] == often[1]
    assert set(ours) | set(theirs) <= set(range(9))
    for size, drop_last in ((2, True), (2, False)):
        ours_in, theirs_in = (s.BatchSampler(make(s), size, drop_last) for s in (data, torch.utils.data))
        assert list(map(len, ours_in)) == list(map(len, theirs_in)) and len(ours_in) == len(theirs_in)


@pytest.mark.parametrize("count", [1, 7, 10, 100, 101])
@pytest.mark.parametrize("shares", [[0.8, 0.2], [0.5, 0.3, 0.2], [0.29, 0.71], [1 / 3, 1 / 3, 1 / 3]])
def test_a_split_has_the_same_lengths(torch, count, shares):
    ours = [len(part) for part in data.random_split(sets.Rows(count), shares)]
    theirs = [len(part) for part in torch.utils.data.random_split(range(count), shares)]
    assert sum(ours) == sum(theirs) == count
    exact = np.array(shares) * count
    if not np.isclose(exact, np.rint(exact)).any():  # there PyTorch's floor depends on rounding
        assert ours == theirs


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("batch_first", [False, True])
def test_sequences_are_padded_alike(torch, batch_first, side):
    sequences = [np.random.default_rng(n).random((n, 2)) for n in (3, 1, 4)]
    theirs = torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(s) for s in sequences], batch_first, 0.5, padding_side=side
    )
    np.testing.assert_array_equal(data.pad_sequence(sequences, batch_first, 0.5, side), theirs.numpy())


@pytest.mark.parametrize("size", [(4, 4), (9, 5), (1, 7), (12, 14)])
def test_images_are_resized_alike(torch, size):
    images = np.random.default_rng(0).random((2, 3, 6, 7))
    theirs = torch.nn.functional.interpolate(torch.tensor(images), size, mode="bilinear", antialias=False)
    np.testing.assert_allclose(data.Resize(size)(images), theirs.numpy(), atol=1e-12)


def test_datasets_are_joined_alike(torch):
    parts = [[1, 2], [], [3, 4, 5]]
    ours = data.ConcatDataset([data.ArrayDataset(np.array(part, np.int64)) for part in parts])
    theirs = torch.utils.data.ConcatDataset(parts)
    assert [int(ours[i][0]) for i in range(-5, 5)] == [theirs[i] for i in range(-5, 5)]
    a, b = sets.Rows(3), sets.Rows(3, bad=9)
    for named in (False, True):
        ours, theirs = (
            s.StackDataset(a=a, b=b) if named else s.StackDataset(a, b) for s in (data, torch.utils.data)
        )
        assert facts(ours[2]) == facts(theirs[2]) and len(ours) == len(theirs)


def test_a_stream_comes_in_the_same_batches(torch):
    class Theirs(torch.utils.data.IterableDataset):
        def __iter__(self):
            return map(sets.Counting().decode, sets.Counting(11))

    theirs = torch.utils.data.DataLoader(Theirs(), 4)
    ours = data.DataLoader(sets.Counting(11), 4, num_workers=2)
    assert [facts(batch) for batch in ours] == [facts(batch) for batch in theirs]
