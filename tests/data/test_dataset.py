"""Datasets: rows, batches, and what is said when arrays do not belong together."""
import numpy as np
import pytest

from tinygrad_edu.data import ArrayDataset, Dataset, Subset, Table, collate

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
        (lambda: collate([np.zeros(2), np.zeros(3)]), r"shapes \[\(2,\), \(3,\)\]; pad"),
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
