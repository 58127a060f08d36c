"""Classes or quantities: what a column of labels is taken for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.data import DataError, read_csv
from tinygrad_edu.data.labels import MOST_CLASSES, are_quantities, read_labels


@pytest.mark.parametrize(("words", "quantities"), [
    (["0", "1"] * 5, False), (["3", "5", "6"] * 2, False), ([str(i) for i in range(10)] * 20, False),
    ([str(i) for i in range(26)] * 40, False),                  # letters, numbered through
    ([str(i) for i in range(1, 101)] * 25, False),              # a hundred classes, each with rows enough
    ([str(i) for i in range(100)] * 3, True),                   # numbered through, with three rows each
    ([str(i) for i in range(18, 91)] * 50, True),               # ages
    ([str(25 + i * i) for i in range(214)] * 2, True), ([str(i) for i in range(6)], True),
    (["1.5", "2"], True), (["1.0", "2.0"] * 9, False), (["007", "8"] * 3, False),
    ([f"{i:03d}" for i in range(200)], False), (["-1", "1"] * 4, False),
])  # fmt: skip
def test_what_is_a_quantity(words, quantities):
    assert are_quantities(words) == quantities
    labels, names = read_labels(words, str)
    assert (names == ()) == quantities and labels.dtype == (np.float64 if quantities else np.int64)


@given(
    st.lists(st.integers(-(10**6), 10**6), min_size=MOST_CLASSES + 1, max_size=60, unique=True), st.randoms()
)
def test_many_different_whole_numbers_are_quantities_in_any_order(values, random):
    words = [str(value) for value in values] * 2
    random.shuffle(words)
    labels, names = read_labels(words, str)
    assert names == () and labels.tolist() == [float(word) for word in words]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60))
def test_few_different_whole_numbers_are_classes(values):
    labels, names = read_labels([str(value) for value in values], str)
    assert [int(names[label]) for label in labels] == values


def test_who_says_what_they_are_is_believed():
    words = [str(i) for i in range(50)]
    assert len(read_labels(words, str, "classification")[1]) == 50
    assert read_labels(["0", "1"], str, "regression")[0].tolist() == [0.0, 1.0]


def test_a_comma_may_be_the_decimal_sign():
    assert are_quantities(["2,5", "3,5"], ",") and not are_quantities(["2,0", "3,0"], ",")


@pytest.mark.parametrize("text", ["a\n1\n2\n", "1\n2\n3\n", 'only\n"x, y"\n'])
def test_one_column_is_called_one(tmp_path, text):
    path = tmp_path / "one.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"only one column, '.*', and nothing beside it to predict it"):
        read_csv(path)


def test_several_columns_may_name_the_rows(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("id,a,who,y\n7,1.5,ann,u\n8,2.5,bob,v\n")
    table = read_csv(path, "y", names=["id", "who"])
    assert table.feature_names == ("a",) and table.row_names == ("7, ann", "8, bob")
    assert read_csv(path, 3, names=(0, 2)).row_names == table.row_names
    assert read_csv(path, "y", names=["who"], task="classification").row_names == ("ann", "bob")
    with pytest.raises(ValueError, match="column 'y' is the label, and in names=, too"):
        read_csv(path, "y", names=["id", "y"])
    with pytest.raises(DataError, match="no column is called 'nobody'"):
        read_csv(path, "y", names=["id", "nobody"])
