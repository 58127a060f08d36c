"""Datasets: rows, batches, and what is said when arrays do not belong together."""

import numpy as np
import pytest

from tinygrad_edu.data import ArrayDataset, DataLoader, Dataset, Subset, Table, collate

X = np.arange(12.0).reshape(6, 2)
Y = np.arange(6)


def test_array_dataset_rows_and_batches():
    dataset = ArrayDataset(X, Y, names=("x", "y"))
    assert len(dataset) == 6 and isinstance(dataset, Dataset)
    x, y = dataset[4]
    assert x.tolist() == [8, 9] and y == 4
    x, y = dataset.take(np.array([5, 0]))
    assert x.tolist() == [[10, 11], [0, 1]] and y.tolist() == [5, 0]
    x[:] = -1
    assert X[5, 0] == 10, "a batch is a copy"
    assert "x float64(6, 2)" in repr(dataset)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: ArrayDataset(), "at least one array"),
        (lambda: ArrayDataset(X, Y[:5], names=("x", "y")), r"x \(6, 2\), y \(5,\)"),
        (lambda: ArrayDataset(X, 3), "needs a first dimension"),
        (lambda: ArrayDataset(X, Y, names=("x",)), "2 arrays and 1 names"),
        (lambda: Subset(ArrayDataset(X), X > 3), "numpy.flatnonzero"),
        (lambda: collate([(1, 2), (1,)]), "1, 2"),
        (lambda: collate([np.zeros(2), np.zeros(3)]), r"shapes \[\(2,\), \(3,\)\] .*; pad"),
    ],
)
def test_what_does_not_fit_is_said(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_subset_of_subset_and_of_a_plain_dataset():
    class Squares:
        def __len__(self):
            return 10

        def __getitem__(self, index):
            return index, index**2

    twice = Subset(Subset(ArrayDataset(X, Y), [5, 3, 1]), np.array([2, 0]))
    assert [int(y) for _, y in (twice[0], twice[1])] == [1, 5]
    assert twice.take(np.array([1, 0]))[1].tolist() == [5, 1]
    assert Subset(Squares(), [3, 7]).take(np.array([1, 0]))[1].tolist() == [49, 9]
    assert len(Subset(Squares(), [])) == 0
    with pytest.raises(IndexError, match="from 0 to 10, the dataset has rows 0 to 9"):
        Subset(Squares(), [0, 10])


def table(**changes):
    fields = {"features": X, "labels": Y % 2, "feature_names": ("a", "b"), "class_names": ("no", "yes")}
    return Table(**fields | changes)


def test_table_is_a_dataset_and_keeps_its_words():
    named = table(row_names=tuple("uvwxyz"), name="letters")
    part = named.rows(np.array([5, 2]))
    assert part.row_names == ("z", "w") and part.class_names == ("no", "yes")
    assert part.labels.tolist() == [1, 0]
    assert named[3][0].tolist() == [6, 7] and named[3][1] == 1
    assert named.task == "classification" and table(labels=X[:, 0], class_names=()).task == "regression"
    assert "6 rows x 2 features, 2 classes" in repr(named)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"features": Y}, r"\(6,\) must be \(rows, columns\)"),
        ({"labels": Y[:5] % 2}, "one label a row"),
        ({"feature_names": ("a",)}, "2 columns and 1 feature_names"),
        ({"row_names": ("r",)}, "6 rows, 1 row_names"),
        ({"labels": Y}, r"integers in \[0, 2\)"),
        ({"labels": Y / 7}, "class_names=()"),
    ],
)
def test_a_table_checks_itself(changes, message):
    with pytest.raises(ValueError, match=message):
        table(**changes)


@pytest.mark.parametrize(("items", "batch"), [
    ([{"x": [1.0, 2.0], "y": 3}, {"x": [4.0, 5.0], "y": 6}], {"x": [[1.0, 2.0], [4.0, 5.0]], "y": [3, 6]}),
    ([("a", 1), ("b", 2)], (["a", "b"], [1, 2])),
    (["a", "b"], (["a", "b"],)),
    ([{"deep": {"text": "a", "both": (1, "b")}}, {"deep": {"text": "c", "both": (2, "d")}}],
     {"deep": {"text": ["a", "c"], "both": ([1, 2], ["b", "d"])}}),
    ([(["a", "b"], 1), (["c", "d"], 2)], ((["a", "c"], ["b", "d"]), [1, 2])),
    ([({"x": 1}, True), ({"x": 2}, False)], ({"x": [1, 2]}, [True, False])),
    ([([1, 2], 0), ([3, 4], 1)], ([[1, 2], [3, 4]], [0, 1])),
])  # fmt: skip
def test_dicts_and_text_are_collated(items, batch):
    def plain(value):
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        if isinstance(value, tuple):
            return tuple(map(plain, value))
        return value if isinstance(value, list) else value.tolist()

    class Items:
        def __len__(self):
            return len(items)

        def __getitem__(self, index):
            return items[index]

    assert plain(collate(items)) == batch
    assert plain(next(iter(DataLoader(Items(), 2)))) == batch
    assert plain(next(iter(DataLoader(Subset(Items(), [0, 1]), 2, as_numpy=True)))) == batch

    def same(*parts):
        return parts[0] if isinstance(batch, dict) else parts

    assert plain(next(iter(DataLoader(Items(), 2, transform=same)))) == batch


def test_text_in_an_array_stays_text():
    words, numbers = next(iter(DataLoader(ArrayDataset(np.array(["a", "bc"]), np.array([1.0, 2.0])), 2)))
    assert words == ["a", "bc"] and numbers.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("items", "kind", "said"),
    [
        ([{"x": 1}, {"x": 1, "y": 2}], ValueError, "different keys"),
        ([{"x": 1}, (1,)], TypeError, "dicts and numbers"),
        ([(1, "a"), (2, 3)], TypeError, "part 1 of the items are numbers and text"),
        ([(1, None), (2, None)], TypeError, "part 1 of the items is no number but a NoneType"),
        ([{"x": object()}], TypeError, "'x' in the items is no number but a object"),
        ([{"x": np.zeros(2)}, {"x": np.zeros(3)}], ValueError, r"'x' in the items comes in shapes"),
        ([(["a"], 1), (["b", "c"], 2)], ValueError, r"part 0 of the items have \[1, 2\] parts"),
    ],
)
def test_what_cannot_be_collated_is_named(items, kind, said):
    with pytest.raises(kind, match=said):
        collate(items)
