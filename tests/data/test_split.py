"""Splits are partitions, and stratified ones keep the classes even, whatever the labels."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu.data import ArrayDataset, Subset, Table, kfold, train_test_split

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=60)
SEEDS = st.integers(0, 2**64 - 1)


@given(LABELS, st.integers(2, 7), SEEDS, st.booleans())
def test_kfold_partitions_evenly(labels, folds, seed, stratify):
    labels = np.array(labels)
    folds = min(folds, len(labels))
    pairs = list(kfold(labels, folds, seed=seed, stratify=stratify))
    tests = [test for _, test in pairs]
    assert sorted(np.concatenate(tests).tolist()) == list(range(len(labels)))
    for train, test in pairs:
        assert sorted([*train, *test]) == list(range(len(labels)))
    sizes = [len(test) for test in tests]
    assert max(sizes) - min(sizes) <= 1
    if stratify:
        counts = np.array([np.bincount(labels[test], minlength=5) for test in tests])
        assert (np.ptp(counts, axis=0) <= 1).all()


@given(LABELS, st.floats(0.05, 0.95), SEEDS, st.booleans())
def test_train_test_split_partitions_in_proportion(labels, fraction, seed, stratify):
    labels = np.array(labels)
    wanted = round(fraction * len(labels))
    if not 0 < wanted < len(labels):
        with pytest.raises(ValueError, match="both need at least one"):
            train_test_split(labels, fraction, seed=seed)
        return
    rows = np.arange(len(labels))
    train, test = train_test_split((rows, labels), fraction, seed=seed, stratify=labels if stratify else None)
    assert len(test) == wanted
    assert sorted([*train.arrays[0], *test.arrays[0]]) == rows.tolist()
    if stratify:
        share = np.bincount(labels, minlength=5) * wanted / len(labels)
        assert (np.abs(np.bincount(test.arrays[1], minlength=5) - share) < 1).all()


def test_the_seed_decides():
    def first(seed):
        return next(kfold(100, 4, seed=seed))[1].tolist()

    assert first(1) == first(1) != first(2)


def test_what_goes_in_comes_out_in_two():
    x, y = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    table = Table(x, y, ("a", "b"), ("no", "yes"))
    arrays = ArrayDataset(x, y)
    for data, kind in ((table, Table), (arrays, ArrayDataset), (x, ArrayDataset), (Plain(), Subset)):
        train, test = train_test_split(data, 0.3)
        assert type(train) is type(test) is kind and (len(train), len(test)) == (7, 3)


class Plain:
    def __len__(self):
        return 10

    def __getitem__(self, index):
        return index


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: train_test_split(np.zeros(4), 1.5), "test_fraction must lie in"),
        (lambda: train_test_split(np.zeros(4), 0.5, stratify=[0, 1]), "one label a row"),
        (lambda: kfold(3, 4), "4 folds of 3 rows"),
        (lambda: kfold(10, 1), "between 2 and"),
        (lambda: kfold([0.5, 1.5, 2.5], 2), "stratify=False"),
        (lambda: kfold(10, 2, seed=-1), "seed must lie in"),
        (lambda: kfold(np.zeros((4, 2)), 2), "one label a row"),
    ],
)
def test_impossible_splits_are_refused_at_the_call(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    "second",
    [np.arange(9), np.arange(9.0) / 9, [0] * 9, te.zeros(9)],
    ids=["labels", "shares", "a list", "a tensor"],
)
def test_two_arrays_that_are_not_in_a_tuple_are_told_so(second):
    with pytest.raises(TypeError, match=r"shape \(9,\).*train_test_split\(\(x, y\)\)"):
        train_test_split(np.ones((9, 2)), second)


def test_words_stratify_too():
    labels = np.array(["LUAD"] * 6 + ["LUSC"] * 3)
    assert all((labels[test] == "LUSC").sum() == 1 for _, test in kfold(labels, 3))


@pytest.mark.parametrize(("name", "ours"), [("test_size", "test_fraction="), ("random_state", "seed=")])
def test_scikit_learns_arguments_are_explained(name, ours):
    with pytest.raises(TypeError, match=f"train_test_split has no argument {name}=.*{name} is {ours} here"):
        train_test_split(np.zeros(8), **{name: 0.25})
