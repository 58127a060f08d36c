"""Datasets made of others, streams, and items of every kind joined into batches."""

import itertools
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.data import worker_sets as sets
from tinygrad_edu.data import (
    ArrayDataset,
    ConcatDataset,
    DataLoader,
    Dataset,
    IterableDataset,
    PadCollate,
    ShuffleBuffer,
    StackDataset,
    Subset,
    TensorDataset,
    collate,
    pad_sequence,
    random_split,
    sample_generator,
)


def numbers(count, start=0):
    return ArrayDataset(np.arange(start, start + count), np.arange(start, start + count) % 2)


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.data())
def test_concatenated_rows_are_the_rows_one_after_another(lengths, draw):
    starts = np.cumsum([0, *lengths])
    joined = ConcatDataset([numbers(n, start) for n, start in zip(lengths, starts, strict=False)])
    total = sum(lengths)
    assert len(joined) == total and [joined[i][0] for i in range(total)] == list(range(total))
    if total:
        assert joined[-1][0] == total - 1
        chosen = np.array(draw.draw(st.lists(st.integers(0, total - 1))), np.int64)
        if len(chosen):
            assert [column.tolist() for column in joined.take(chosen)] == [
                chosen.tolist(), (chosen % 2).tolist()]  # fmt: skip
    with pytest.raises(IndexError, match=f"no row {total}"):
        joined[total]


def test_concatenated_datasets_without_take_and_with_dicts():
    joined = ConcatDataset([numbers(3), sets.Rows(2)])
    assert len(joined) == 5 and joined[3][1] == 0

    class Named(sets.Rows):
        def take(self, indices):
            return {"x": np.asarray(indices), "t": [str(i) for i in indices]}

    batch = ConcatDataset([Named(2), Named(3)]).take(np.array([4, 0, 2]))
    assert batch["x"].tolist() == [2, 0, 0] and batch["t"] == ["2", "0", "0"]


def test_stacked_datasets_are_side_by_side():
    both = StackDataset(numbers(3), numbers(3, 5))
    assert both[1] == ((1, 1), (6, 0)) and len(both) == 3
    named = StackDataset(image=numbers(3), label=Subset(numbers(9), [4, 5, 6]))
    batch = next(iter(DataLoader(named, 2, as_numpy=True)))
    assert batch["image"].tolist() == [[0, 0], [1, 1]] and batch["label"].tolist() == [[4, 0], [5, 1]]


def test_a_tensor_dataset_holds_values_on_the_host():
    x = te.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    dataset = TensorDataset(x * 2, te.tensor([0, 1]))
    assert all(type(array) is np.ndarray for array in dataset.arrays)
    a, b = next(iter(DataLoader(dataset, 2)))
    assert a.tolist() == [[2, 4], [6, 8]] and b.tolist() == [0, 1] and not a.requires_grad


@given(st.integers(0, 60), st.lists(st.integers(0, 9), min_size=1, max_size=4), st.integers(0, 99))
def test_a_split_is_a_partition(count, shares, seed):
    if sum(shares):
        fractions = np.array(shares) / sum(shares)
        parts = random_split(numbers(count), fractions, seed=seed)
        for part, fraction in zip(parts, fractions, strict=True):
            assert -1 < len(part) - fraction * count <= 1
        assert sorted(itertools.chain(*(part.indices for part in parts))) == list(range(count))
    parts = random_split(numbers(sum(shares)), shares, seed=seed)
    assert [len(part) for part in parts] == shares
    again = random_split(numbers(sum(shares)), shares, seed=seed)
    assert [p.indices.tolist() for p in parts] == [p.indices.tolist() for p in again]
    assert sorted(itertools.chain(*(part.indices for part in parts))) == list(range(sum(shares)))


@pytest.mark.parametrize("drop_last", [False, True])
@pytest.mark.parametrize("count", [0, 1, 5, 6])
def test_a_stream_in_batches(count, drop_last):
    batches = DataLoader(sets.Counting(count), 3, as_numpy=True, drop_last=drop_last)
    for epoch in range(2):
        items = list(range(1000 * epoch, 1000 * epoch + count))
        items = items[: count - count % 3] if drop_last else items
        found = list(batches)
        assert [x for a, _ in found for x in a.tolist()] == items
        assert all((b == a**2).all() and 1 <= len(a) <= 3 for a, b in found)
        assert batches.state_dict()["position"] == 0 and batches.epoch == epoch + 1
    with pytest.raises(TypeError, match="no length"):
        len(batches)
    assert not hasattr(sets.Counting(), "__len__")


@given(st.integers(0, 40), st.integers(1, 12), st.integers(0, 9))
def test_a_shuffled_stream_is_a_permutation_of_its_own_in_each_epoch(count, size, epoch):
    stream = ShuffleBuffer(sets.Counting(count), size, seed=7)
    stream.set_epoch(epoch)
    order = [item - 1000 * epoch for item in stream]
    assert sorted(order) == list(range(count)) and list(stream) == [item + 1000 * epoch for item in order]
    assert all(item - place < size for place, item in enumerate(order))
    if size == 1:
        assert order == list(range(count))


def test_a_buffer_as_long_as_the_stream_gives_every_order():
    found = set()
    for epoch in range(200):
        stream = ShuffleBuffer(sets.Counting(3), 3)
        stream.epoch = epoch
        found.add(tuple(stream))
    assert len(found) == 6


class Point(NamedTuple):
    x: float
    y: str


def test_named_tuples_and_tensors_are_collated():
    batch = collate([Point(1.0, "a"), Point(2.0, "b")])
    assert isinstance(batch, Point) and batch.x.tolist() == [1, 2] and batch.y == ["a", "b"]
    nested = collate([{"p": Point(1, "a")}, {"p": Point(3, "b")}])
    assert isinstance(nested["p"], Point) and nested["p"].x.tolist() == [1, 3]
    (tensors,) = collate([te.ones(2, requires_grad=True) * 3, te.zeros(2)])
    assert type(tensors) is np.ndarray and tensors.tolist() == [[3, 3], [0, 0]]
    dataset = type("Points", (sets.Rows,), {"__getitem__": lambda self, i: Point(float(i), str(i))})(2)
    batch = next(iter(DataLoader(dataset, 2)))
    assert isinstance(batch, Point) and isinstance(batch.x, te.Tensor) and batch.y == ["0", "1"]


@given(st.lists(st.integers(0, 5), min_size=1, max_size=5), st.booleans(), st.sampled_from(["left", "right"]))
def test_padding_keeps_each_sequence_and_fills_the_rest(lengths, batch_first, side):
    sequences = [np.arange(1, 2 * n + 1).reshape(n, 2) for n in lengths]
    out = pad_sequence(sequences, batch_first, -1, side)
    out = out if batch_first else out.swapaxes(0, 1)
    assert out.shape == (len(lengths), max(lengths), 2) and out.dtype == sequences[0].dtype
    for row, sequence in zip(out, sequences, strict=True):
        start = max(lengths) - len(sequence) if side == "left" else 0
        assert (row[start : start + len(sequence)] == sequence).all()
        assert (row == -1).sum() == 2 * (max(lengths) - len(sequence))


def test_sequences_in_batches():
    items = [([1.0, 2.0], 0), ([3.0], 1)]
    x, y, lengths = PadCollate(-1)(items)
    assert x.tolist() == [[1, 2], [3, -1]] and y.tolist() == [0, 1] and lengths.tolist() == [2, 1]
    batch = PadCollate()([{"ids": np.array([1, 2]), "text": "a b"}, {"ids": np.array([3]), "text": "c"}])
    assert batch["ids"].tolist() == [[1, 2], [3, 0]] and batch["text"] == ["a b", "c"]
    assert batch["lengths"].tolist() == [2, 1]
    rows = type("Ragged", (sets.Rows,), {"__getitem__": lambda self, i: (np.ones(i + 1), i)})(3)
    x, y, lengths = next(iter(DataLoader(rows, 3, collate_fn=PadCollate())))
    assert x.shape == (3, 3) and lengths.tolist() == [1, 2, 3]


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ConcatDataset([]), ValueError, "no datasets"),
        (lambda: ConcatDataset(numbers(3)), TypeError, "is one dataset"),
        (lambda: ConcatDataset([3]), TypeError, "a int has no __len__"),
        (lambda: StackDataset(numbers(3), numbers(4)), ValueError, r"\[3, 4\] rows"),
        (lambda: StackDataset(), ValueError, "at least one"),
        (lambda: ShuffleBuffer(numbers(3), 2), TypeError, "pass shuffle=True"),
        (lambda: ShuffleBuffer(sets.Counting(), 0), ValueError, "size=0"),
        (lambda: DataLoader(sets.Counting(), 2, shuffle=True), ValueError, "ShuffleBuffer"),
        (lambda: DataLoader(sets.Counting(), 2, sampler=[1]), ValueError, "sampler needs a dataset"),
        (lambda: DataLoader(sets.Counting(), 2, shard=(0, 2)), ValueError, "shard needs a dataset with rows"),
        (lambda: DataLoader(sets.Counting(), 2).order(0), TypeError, "no rows"),
        (lambda: list(IterableDataset()), TypeError, "defines no __iter__"),
        (lambda: random_split(numbers(5), [2, 2]), ValueError, "sum to 4; there are 5 rows"),
        (lambda: random_split(numbers(5), [0.5, 0.4]), ValueError, "fractions that sum to 1"),
        (lambda: random_split(numbers(5), [6, -1]), ValueError, "must not be negative"),
        (lambda: random_split(numbers(5), "ab"), TypeError, "several numbers"),
        (lambda: pad_sequence([]), ValueError, "no sequences"),
        (lambda: pad_sequence([np.ones((2, 3)), np.ones((2, 4))]), ValueError, "more than their length"),
        (lambda: pad_sequence([np.ones(2)], padding_side="up"), ValueError, "neither 'right' nor 'left'"),
        (lambda: pad_sequence([np.arange(2)], padding_value=0.5), ValueError, "0.5 is no int64"),
        (lambda: PadCollate()([(1, 2)]), ValueError, "no part of the items is a sequence"),
        (lambda: sample_generator(), RuntimeError, "no DataLoader is fetching a row"),
    ],
)
def test_bad_arguments_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


class Own(Dataset):
    """As one writes it for PyTorch."""

    def __init__(self, start):
        self.start = start

    def __len__(self):
        return 2

    def __getitem__(self, i):
        return {"x": self.start + i}


class Adding(Own):
    def __add__(self, other):
        return "own"


def test_a_sum_of_datasets_is_one_after_the_other():
    joined = Own(0) + Own(10) + Own(20)
    assert isinstance(joined, ConcatDataset) and [row["x"] for row in joined] == [0, 1, 10, 11, 20, 21]
    arrays = ArrayDataset(np.arange(3)) + Subset(ArrayDataset(np.arange(9)), [5])
    assert [int(x) for (x,) in arrays] == [0, 1, 2, 5] and len(StackDataset(Own(0)) + Own(1)) == 4
    assert Adding(0) + Own(1) == "own" and isinstance(Own(0), Dataset) and not isinstance(3, Dataset)
    assert isinstance([1], Dataset) and isinstance(sets.Rows(), Dataset)
    for other in (1, np.ones(2), [1], None):
        with pytest.raises(TypeError):
            Own(0) + other


@pytest.mark.parametrize(("first", "second", "words"), [
    ((np.zeros(4),), (np.zeros(4), np.zeros(4)), r"collate: the items have \[1, 2\] parts"),
    ((np.zeros((4, 2)),), (np.zeros((4, 3)),), r"collate: .*\(2,\).*\(3,\)"),
])  # fmt: skip
def test_rows_of_two_kinds_do_not_make_a_batch(first, second, words):
    joined = ConcatDataset([ArrayDataset(*first), ArrayDataset(*second)])
    assert [len(batch[0]) for batch in DataLoader(joined, 4)] == [4, 4]
    with pytest.raises(ValueError, match=words):
        list(DataLoader(joined, 8))
