"""Words, dates, booleans and gaps to numbers: by stated rules, from training rows, and the same again."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.data import DataError, Preparation, read_examples, train_test_split
from tinygrad_edu.data.dates import day_first, days
from tinygrad_edu.data.sheet import BOOLEANS


@pytest.fixture
def file(tmp_path):
    def write(text, name="people.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


@pytest.mark.parametrize(("word", "first", "second"), [
    ("1970-01-01", 0, 0), ("2024-01-31", 19753, 19753), ("2024/1/31", 19753, 19753),
    ("31.01.2024", 19753, 19753),
    ("31/01/2024", 19753, None), ("01/31/2024", None, 19753), ("02-01-2024", 19724, 19754),
    ("2024-01-31 12:00", 19753.5, 19753.5), ("2024-01-31T06:00:00Z", 19753.25, 19753.25),
    ("2024-01-31 01:00+01:00", 19753, 19753), ("2024-01-30T22:00-0200", 19753, 19753),
    ("01/31/2024 6:00 PM", None, 19753.75), ("1/1/1970 12:00 am", 0, 0), ("1969-12-31", -1, -1),
    ("2024-02-30", None, None), ("2024-13-01", None, None), ("31.01.24", None, None), ("2024", None, None),
    ("2024-01-31 25:00", None, None), ("1/1/2024 13:00 PM", None, None), ("2024-01/31", None, None),
])  # fmt: skip
def test_a_date_is_the_days_since_1970(word, first, second):
    assert (days(word), days(word, day_first=False)) == (first, second)


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9999, 12, 30)))
def test_every_moment_reads_back(moment):
    seconds = (moment - datetime(1970, 1, 1)) / timedelta(seconds=1)
    for word in (
        moment.isoformat(),
        moment.isoformat(" "),
        moment.strftime("%d.%m.") + f"{moment.year:04d} " + moment.strftime("%H:%M:%S.%f"),
    ):
        assert days(word) == pytest.approx(seconds / 86400, abs=1e-9, rel=1e-15)


def test_the_order_of_day_and_month_has_to_be_proven(file):
    assert day_first(["01/02/2024", "13/02/2024"]) is True
    assert day_first(["01/02/2024", "02/13/2024"]) is False
    assert day_first(["01/02/2024"]) is None and day_first(["01.02.2024", "02/02/2024"]) is True
    with pytest.raises(DataError, match=r":2, column 1 \('d'\): in '01/02/2024' either .* year-month-day"):
        read_examples(file("d,y\n01/02/2024,u\n03/04/2024,v\n"), encode=True)
    with pytest.raises(DataError, match=r":4, column 1 \('d'\): '02/13/2024' is not date, day first"):
        read_examples(file("d,y\n01/02/2024,u\n13/02/2024,v\n02/13/2024,v\n"), encode=True)


@pytest.mark.parametrize("pair", BOOLEANS)
def test_no_and_yes_are_0_and_1(file, pair):
    no, yes = pair
    examples = read_examples(file(f"b,y\n{yes},1\n{no.upper()},0\n{yes.title()},1\n"), encode=True)
    assert examples.table().features.tolist() == [[1], [0], [1]]


def test_gaps_and_words(file):
    path = file("w,n,y\nb,1,u\n,2,v\na,,u\nb,9,v\n")
    for impute, filled in (("median", 2), ("mean", 4), (-1, -1)):
        table = read_examples(path, encode=True, impute=impute).table()
        assert table.feature_names == ("w=a", "w=b", "n")
        assert table.features.tolist() == [[0, 1, 1], [0, 0, 2], [1, 0, filled], [0, 1, 9]]
    with pytest.raises(DataError, match=r"people\.csv:3, column 1 \('w'\): the value is missing"):
        read_examples(path, encode=True)
    with pytest.raises(DataError, match="column 'n' has no value in the training rows, so no median"):
        read_examples(path, encode=True, impute="median").rows(np.array([2])).preparation()
    with pytest.raises(ValueError, match="impute must be"):
        read_examples(path, encode=True, impute="mode").table()
    with pytest.raises(ValueError, match="impute must be"):
        read_examples(path, encode=True, impute=float("nan")).table()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,y\n1,u\nx,v\n2,u\n", r":3, column 1 \('a'\): 'x' is not a number, others in its column are"),
        ("a,y\nyes,u\nno,v\nyes,u\nmaybe,u\n1,u\n", r":2, column 1 \('a'\): 'yes' is not a number, others"),
        ("a,b,y\n2024-01-01,1,u\n2024-01-02,2,v\nsoon,3,u\n", r":4, column 1 \('a'\): 'soon' is not date"),
    ],
)
def test_a_slip_does_not_change_what_a_column_is(file, text, said):
    with pytest.raises(DataError, match=said):
        read_examples(file(text), encode=True)


CELLS = st.one_of(st.just(""), st.sampled_from(["Bonn", "Rome", "x=y", "ß", "a b"]))
NUMBERS = st.one_of(st.just(""), st.floats(-1e6, 1e6).map(repr))


@given(
    st.lists(st.tuples(CELLS, NUMBERS, st.sampled_from(["yes", "no", ""])), min_size=4, max_size=12),
    st.sampled_from(["mean", "median", 3.5]),
    st.integers(0, 99),
)
def test_the_same_is_done_after_a_passage_through_json(tmp_path_factory, rows, impute, seed):
    rows = [("Bonn", "1.5", "yes"), ("Rome", "2.5", "no"), *rows]
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    path.write_text(
        "city,size,member,kind\n"
        + "".join(f"{a},{b},{c},{'uv'[i % 2]}\n" for i, (a, b, c) in enumerate(rows))
    )
    examples = read_examples(path, encode=True, impute=impute)
    train, test = train_test_split(examples, 0.3, seed=seed)
    try:
        preparation = train.preparation()
    except DataError as error:
        assert "has no value in the training rows" in str(error)
        return
    again = Preparation.from_json(json.loads(json.dumps(preparation.to_json())))
    assert again.feature_names == preparation.feature_names
    for part in (train, test):
        table = part.table(again)
        assert np.array_equal(table.features, preparation(part.features))
        assert np.isfinite(table.features).all() and len(table.feature_names) == table.features.shape[1]
    at, label_at, _ = again.layout.find(examples.sheet)
    assert np.array_equal(again(again.read(examples.sheet, at)), again(examples.features)) and label_at == 3


@pytest.mark.parametrize("change", [
    {"names": 3}, {"kinds": {"0": "colour"}}, {"kinds": {"9": "words"}}, {"words": {"0": ["a"]}},
    {"fills": [1, 2]}, {"label": 5}, {"decimal": ";"}, {"kinds": []}, {"words": None}, {"fills": ["x"]},
])  # fmt: skip
def test_what_is_no_preparation_is_refused(change):
    card = Preparation.of_names(["a"]).to_json()
    assert Preparation.from_json(card).feature_names == ("a",)
    with pytest.raises(ValueError, match="describes no columns"):
        Preparation.from_json({**card, **change})
    for key in card:
        with pytest.raises(ValueError, match="describes no columns"):
            Preparation.from_json({k: v for k, v in card.items() if k != key})


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize(("values", "impute", "filled"), [
    ((1e308, 1.5e308, 1.25e308), "mean", 1.25e308), ((1e308, 1.5e308), "median", 1.25e308),
    ((-1.7e308, 1.7e308), "mean", 0.0), ((3e-320, 1e-320), "mean", 2e-320),
])  # fmt: skip
def test_gaps_among_the_largest_numbers(file, values, impute, filled):
    rows = "".join(f"{value!r},u\n" for value in values)
    table = read_examples(file(f"n,y\n{rows},v\n"), impute=impute, encode=True).table()
    assert table.features[-1, 0] == pytest.approx(filled, rel=1e-12, abs=0)
