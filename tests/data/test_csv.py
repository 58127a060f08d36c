"""read_csv: what it finds out by itself, and the words it has for everything that can be wrong."""

import gzip

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.data import DataError, read_csv


def test_header_words_and_classes(file):
    table = read_csv(file("age,height,kind\n1,2.5,dog\n\n3,4.5,cat\n5,6,dog\n"))
    assert table.feature_names == ("age", "height") and table.class_names == ("cat", "dog")
    assert table.features.tolist() == [[1, 2.5], [3, 4.5], [5, 6]] and table.features.dtype == np.float32
    assert table.labels.tolist() == [1, 0, 1] and table.labels.dtype == np.int64
    assert table.name == "people" and table.task == "classification"


def test_no_header_and_numbers(file):
    table = read_csv(file("1,2,30\n3,4,4\n"))
    assert table.feature_names == ("column1", "column2") and table.class_names == ("4", "30")
    assert table.labels.tolist() == [1, 0], "numerical order, not alphabetical"
    assert read_csv(file("1,2,0.0\n3,4,1.0\n")).class_names == ("0.0", "1.0"), "what the file has"


def test_regression(file):
    table = read_csv(file("1,2,30.5\n3,4,4\n"))
    assert table.task == "regression" and table.labels.tolist() == [30.5, 4]
    path = file("1,2,30\n3,4,4\n")
    assert read_csv(path, task="regression").labels.tolist() == [30, 4]
    assert read_csv(file("1,2,1.5\n3,4,x\n"), task="classification").class_names == ("1.5", "x")


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", " "])
def test_the_delimiter_is_found(file, delimiter):
    text = "a,b,y\n1,2,u\n3,4,v\n".replace(",", delimiter)
    assert read_csv(file(text)).features.tolist() == [[1, 2], [3, 4]]
    assert read_csv(file(text), delimiter=delimiter).features.tolist() == [[1, 2], [3, 4]]


def test_columns_by_name_and_number(file):
    path = file('id,y,a\n"one, two",0,5\nthree,1,6\n')
    table = read_csv(path, "y", names="id")
    assert table.row_names == ("one, two", "three") and table.features.tolist() == [[5], [6]]
    assert read_csv(path, 1, names=0).labels.tolist() == [0, 1]


def test_spreadsheets_and_gzip(file):
    text = "\ufeffa;y\r\n1;u\r\n2;v\r\n"
    assert read_csv(file(text)).feature_names == ("a",)
    assert read_csv(file(gzip.compress(text.encode()), "p.csv.gz")).labels.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("", {}, r"people\.csv: the file is empty"),
        ("\n\n", {}, "the file is empty"),
        ("a,b\n", {}, "nothing below the header"),
        ("a,b,y\n1,2,0\n3,4\n", {}, r"people\.csv:3: 2 cells, but line 1 has 3"),
        ("a,age,y\n1,2,0\n3,x4,1\n", {}, r"people\.csv:3, column 2 \('age'\): 'x4' is not a number; correct"),
        ("a,age,y\n1,,0\n", {}, r"people\.csv:2, column 2 \('age'\): the value is missing \(''\); fill it"),
        ("a,age,y\n1,NA,0\n", {}, r"the value is missing \('NA'\)"),
        ("a,age,y\n1,nan,0\n", {}, r"the value is missing \('nan'\)"),
        ("a,age,y\n1,-inf,0\n", {}, r"column 2 \('age'\): the value is infinite"),
        ("a,age,y\n1,1_000,0\n", {}, "'1_000' is not a number"),
        ("a,age,y\n1,1e39,0\n", {}, r"column 2 \('age'\): 1e\+39 does not fit float32; pass dtype"),
        ("a,y\n1,1e39\n2,0.5\n", {}, r":2, column 2 \('y'\): 1e\+39 does not fit float32"),
        ("a;age;y\n1.5;2,5;0\n", {}, r"'2,5' is not a number where the decimal sign is a point; correct it"),
        ("1,2x,0\n3,4,1\n", {}, "if this line is a header pass header=True"),
        ("a,y\n1,\n", {}, r":2, column 2 \('y'\): the label is missing"),
        ("a,y\n1,inf\n", {}, "the label is infinite"),
        ("a,y\n1,0.5\n2,oops\n", {}, r":3, column 2 \('y'\): label 'oops' is not a number"),
        ("a,y\n1,0\n2,oops\n", {"task": "regression"}, "label 'oops' is not a number"),
        ("a,y\n1,0\n", {"label": "z"}, "no column is called 'z', they are a, y"),
        ("y,y\n1,0\n", {"label": "y"}, "2 columns are called 'y'"),
        ("a,y\n1,0\n", {"label": 2}, "label is column 2, the file has 2"),
        ("a\n1\n2\n", {}, "cuts the lines into cells; separate them by commas, or pass delimiter="),
        ("a,y\n1,0\n", {"names": 0}, "no column is left for features"),
        ('a,y\n1,"0\n2,1\n', {}, r"people\.csv:2: .*unclosed quotation mark"),
        (b"a,y\n1,caf\xe9 \xc3\xa9\n", {}, r"people\.csv:2: byte 0xe9 is not UTF-8"),
        (gzip.compress(b"a,y\n1,0\n" * 99, mtime=0)[:-12], {}, r"people\.csv: damaged gzip"),
    ],
)
def test_every_fault_is_placed(file, text, options, message):
    with pytest.raises(DataError, match=message):
        read_csv(file(text), **options)


def test_lines_are_counted_through_quotes_and_blanks(file):
    with pytest.raises(DataError, match=r"people\.csv:6, column 1 \('a'\): 'bad'"):
        read_csv(file('a,y\n\n1,"two\nlines"\n\nbad,z\n'))


def test_arguments_are_checked(file, tmp_path):
    with pytest.raises(ValueError, match="must be one character"):
        read_csv(file("a,y\n1,0\n"), delimiter=",,")
    with pytest.raises(ValueError, match=r"the file has no header .*; pass a number"):
        read_csv(file("1,0\n"), "y", header=False)
    with pytest.raises(ValueError, match="task must be"):
        read_csv(file("1,0\n"), task="guess")
    with pytest.raises(FileNotFoundError, match="no such file; a relative path is looked up in"):
        read_csv(tmp_path / "absent.csv")


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.tuples(NUMBERS, NUMBERS, st.sampled_from(["u", "v w", "x,y", 'q"r'])), min_size=1))
def test_numbers_come_back_exactly(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    quoted = ('"' + word.replace('"', '""') + '"' for *_, word in rows)
    path.write_text("".join(f"{a!r},{b!r},{word}\n" for (a, b, _), word in zip(rows, quoted, strict=True)))
    table = read_csv(path, dtype=np.float64)
    assert table.features.tolist() == [[a, b] for a, b, _ in rows]
    assert [table.class_names[i] for i in table.labels] == [word for *_, word in rows]
