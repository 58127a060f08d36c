"""read_csv on files as spreadsheets and programs write them, and the rules that decide what they mean."""

import bz2
import csv
import gzip
import io
import lzma
import sys

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tinygrad_edu.data import DataError, read_csv, read_examples
from tinygrad_edu.data.labels import read_labels, twins
from tinygrad_edu.data.spelling import MISSING, exact, number, numberlike

PLAIN = "a,b,y\n1.5,2,u\n1234.5,-3,v\n"


@pytest.mark.parametrize("text", [
    PLAIN,
    PLAIN.replace("\n", "\r\n"), PLAIN.replace("\n", "\r"), "\ufeff" + PLAIN,
    PLAIN.encode("utf-16"), PLAIN.encode("utf-16-le"), PLAIN.encode("utf-16-be"), PLAIN.encode("utf-32"),
    gzip.compress(PLAIN.encode(), mtime=0), bz2.compress(PLAIN.encode()), lzma.compress(PLAIN.encode()),
    "sep=,\n" + PLAIN, '"SEP=;"\r\n' + PLAIN.replace(",", ";"), "sep=\t\n" + PLAIN.replace(",", "\t"),
    PLAIN.replace(",", ", "),
    'a, b, y\n1.5, 2, "u"\n1234.5, -3, "v"\n', 'a,b, "y"\n1.5,2, "u"\n1234.5,-3, "v"\n',
    "a,b,y,\n1.5,2,u,\n1234.5,-3,v,\n", "a,b,y\n1.5,2,u,\n1234.5,-3,v,\n", "a,b,y,\n1.5,2,u\n1234.5,-3,v\n",
    PLAIN + "\n,,\n,,\n", "\n\n" + PLAIN, PLAIN.replace("\n", "\n\n"),
    "Sales\n" + PLAIN, "Sales 2020,,\n,,\n" + PLAIN, "Sales\nby Ann\n\n" + PLAIN,
    "# made by hand\n# 1, 2, 3, 4\n" + PLAIN, "# a,b,y\n1.5,2,u\n1234.5,-3,v\n",
    "# one, two, three\n" + PLAIN, PLAIN.replace("1234.5", "# a remark\n1234.5"),
    "a;b;y\n1,5;2;u\n1234,5;-3;v\n", "a;b;y\n1,5;2;u\n1.234,5;-3;v\n", "a;b;y\n1,5;2;u\n1 234,5;-3;v\n",
    "a;b;y\n1,5;2;u\n1\u00a0234,5;\u22123;v\n", "a;b;y\n1.5;2;u\n1'234.5;-3;v\n",
    "a|b|y\n1.5|2|u\n1 234.5|-3|v\n", "a\tb\ty\n1,5\t2\tu\n1.234,5\t-3\tv\n",
    'a,b,y\n1.5,2,u\n"1,234.5",-3,v\n', 'a,b,y\n"1,5",2,u\n"1234,5",-3,v\n',
    '"a","b","y"\n"1.5","2","u"\n"1234.5","-3","v"\n',
])  # fmt: skip
def test_one_table_in_many_forms(file, text):
    table = read_csv(file(text), dtype=np.float64)
    assert table.feature_names == ("a", "b")
    assert table.features.tolist() == [[1.5, 2], [1234.5, -3]]
    assert [table.class_names[i] for i in table.labels] == ["u", "v"]


@pytest.mark.parametrize(("raw", "word"), [
    ("a,y\n1,né\n2,u\n".encode("cp1252"), "né"), ("a,y\n1,5 €\n2,u\n".encode("cp1252"), "5 €"),
    ("a,y\n1,né\n2,u\n".encode("utf-16"), "né"), ("a,y\n1,né\n2,u\n".encode(), "né"),
])  # fmt: skip
def test_encodings_are_found(file, raw, word):
    assert word in read_csv(file(raw)).class_names


def test_an_encoding_can_be_named(file):
    assert read_csv(file("a,y\n1,й\n2,u\n".encode("koi8-r")), encoding="koi8-r").class_names == ("u", "й")
    with pytest.raises(ValueError, match="no encoding is called 'utf-9'"):
        read_csv(file("a,y\n1,u\n"), encoding="utf-9")
    with pytest.raises(DataError, match=r"people\.csv:2: byte 0x81 is not UTF-8; save .* or pass encoding="):
        read_csv(file(b"a,y\n1,\x81\n"))


def test_what_is_left_out_or_guessed_is_told(file):
    text = "Größen\r\n# ein Satz\r\na,y\r\n1,u\r\n2,v\r\n".encode("cp1252")
    notes = " ".join(read_examples(file(text)).sheet.notes)
    assert "line 1 ('Größen') is a title" in notes and "line 2 ('# ein Satz') is a comment" in notes
    assert "read as cp1252" in notes
    assert read_examples(file(PLAIN)).sheet.notes == ()


@pytest.mark.parametrize(("raw", "said"), [
    (b"PK\x03\x04rest", "a zip archive or a workbook"), (b"\xd0\xcf\x11\xe0rest", "a workbook"),
    (bz2.compress(PLAIN.encode())[:-9], "damaged bz2"), (lzma.compress(PLAIN.encode())[:-9], "damaged lzma"),
])  # fmt: skip
def test_what_is_no_text(file, raw, said):
    with pytest.raises(DataError, match=said):
        read_csv(file(raw))


def test_standard_input(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(PLAIN.encode())))
    table = read_csv("-")
    assert len(table) == 2 and table.source == "read from standard input"
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"a,y\n1,2,3\n4,5\n")))
    with pytest.raises(DataError, match=r"standard input:2: 3 cells"):
        read_csv("-")


# -- numbers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("word", "point", "comma"), [
    ("1,000", 1000, 1), ("1.000", 1, 1000), ("1,5", None, 1.5), ("1.5", 1.5, None), ("0,123", None, 0.123),
    ("1,234,567", 1234567, None), ("1.234.567", None, 1234567), ("1,234.5", 1234.5, None),
    ("1.234,5", None, 1234.5), ("12 345", 12345, 12345), ("1'234", 1234, 1234), ("1,23,456", None, None),
    ("1_000", None, None), ("1e3", 1000, 1000), ("+1,5e-1", None, 0.15), ("12,3456", None, 12.3456),
    ("", None, None), (",", None, None), ("1,", None, 1), ("x", None, None), ("inf", None, None),
])  # fmt: skip
def test_two_ways_to_write_a_number(word, point, comma):
    assert (number(word), number(word, ",")) == (point, comma)


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from([",", "."]))
def test_every_number_reads_back_in_its_own_style(value, decimal):
    assert number(repr(value).replace(".", decimal), decimal) == value
    if abs(value) < 1e15:
        swapped = f"{value:,.3f}" if decimal == "." else f"{value:,.3f}".translate({44: ".", 46: ","})
        assert number(swapped, decimal) == float(f"{value:.3f}")


@given(st.integers())
def test_whole_numbers_stay_exact(value):
    assert exact(str(value)) == value


def test_what_means_two_things_is_asked(file):
    path = file("a;y\n1,000;u\n12,500;v\n")
    with pytest.raises(
        DataError,
        match=r":2, column 1 \('a'\): '1,000' may mean 1000 or 1, .* pass "
        r"decimal=',' or decimal='\.'",
    ):
        read_csv(path)
    assert read_csv(path, decimal=",").features.tolist() == [[1], [12.5]]
    assert read_csv(path, decimal=".").features.tolist() == [[1000], [12500]]
    assert read_csv(file('a,y\n"1,000",u\n"12,500",v\n')).features.tolist() == [[1000], [12500]]
    with pytest.raises(DataError, match=r"'1\.500' may mean 1\.5 or 1500"):  # thousands, where commas are
        read_csv(file("a;y\n1.500;u\n2.250;v\n"))
    assert read_csv(file("a;y\n1.500;u\n0.250;v\n")).features.tolist() == [[1.5], [0.25]]
    assert read_csv(file("a\ty\n1.500\tu\n2.250\tv\n")).features.tolist() == [[1.5], [2.25]]
    with pytest.raises(DataError, match=r"'1,000' may mean"):
        read_csv(file("a;y\n1;1,000\n2;2,000\n"), task="regression")


def test_no_cell_is_read_against_the_others(file):
    with pytest.raises(DataError, match=r"'2,5' is not a number where the decimal sign is a point"):
        read_csv(file("a;y\n1.5;u\n2,5;v\n"))
    with pytest.raises(DataError, match=r"'1\.5' is not a number where the decimal sign is a comma"):
        read_csv(file("a;y\n2,5;u\n1.5;v\n"))
    assert read_csv(file("a;y\n1;2,5\n2;3,5\n")).labels.tolist() == [2.5, 3.5]


# -- headers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names", "rows"),
    [
        ("2019,2020,y\n1.5,2.5,0\n3,4,1\n", ("2019", "2020"), 2),
        ("1,2,3\n1,2,0\n3,4,1\n", ("column1", "column2"), 3),
        ("2020-01,2020-02,y\n1,2,0\n3,4,1\n", ("2020-01", "2020-02"), 2),
        (",b,y\n1,2,0\n3,4,1\n", ("column1", "b"), 2),
        ("NA,b,y\n1,2,0\n3,4,1\n", ("NA", "b"), 2),
        ("0.5,1.5,dog\n3,4,cat\n2,2,dog\n", ("column1", "column2"), 3),
        ("1,2,dog\n3,4,cat\n2,2,dog\n", ("column1", "column2"), 3),
        ("0,0,y\n1,2,0\n3,4,1\n", ("column1", "column2"), 3),
        ("true,b,y\n1,2,0\n3,4,1\n", ("true", "b"), 2),
    ],
)
def test_what_is_a_header(file, text, names, rows):
    examples = read_examples(file(text))
    assert examples.features.names == names and len(examples) == rows


def test_a_gap_is_no_word(file):
    examples = read_examples(file("NA,1,0\n2,3,1\n4,5,0\n"), impute="mean")
    assert len(examples) == 3 and examples.table().features[0].tolist() == [3, 1]
    with pytest.raises(DataError, match=r"people\.csv:1, column 1: the value is missing \('NA'\)"):
        read_csv(file("NA,1\n2,3\n"))


def test_where_nobody_can_tell_the_reader_asks(file):
    path = file("2019,2020,y\n1,2,dog\n3,4,cat\n")
    with pytest.raises(DataError, match=r"people\.csv:1: this line may .* pass header=True or header=False"):
        read_csv(path)
    assert read_csv(path, header=True).feature_names == ("2019", "2020")
    assert read_csv(path, header=False).class_names == ("cat", "dog", "y")
    assert read_csv(path, "y").feature_names == ("2019", "2020"), "asked for by its name"


# -- labels ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [
    ["7", "007", "07"], ["02139", "2139"], ["9007199254740992", "9007199254740993"], ["a", "a\0", "a\0\0"],
    ["1", "1.0", "1e0"], ["0", "-0", "+0"], ["dog", "dog ", " dog"], ["x", "X"], ["é", "e\u0301"],
    ["9" * 400, "9" * 399 + "8"], ["1" + "0" * 5000, "2"], ["true", "True"],
    [' "a"', " a", "a", '"a"'], ["#a", "a", "# a"], ["=1", "'=1"],
])  # fmt: skip
def test_labels_that_differ_are_different_classes(file, words):
    text = io.StringIO(newline="")
    csv.writer(text).writerows([["a", "y"], *([i, word] for i, word in enumerate(words * 2))])
    table = read_csv(file(text.getvalue()))
    assert [table.class_names[i] for i in table.labels] == words * 2
    assert len(table.class_names) == len(words)


@given(st.lists(st.integers(), min_size=2, unique=True), st.sampled_from(["", "+"]))
def test_whole_numbers_are_classes_in_numerical_order(values, plus):
    words = [f"{plus}{value}" if value > 2**53 and value % 2 else str(value) for value in values]
    words += ["+9007199254740993", "9007199254740992"]
    _, names = read_labels(words, str, "classification")
    assert [int(name) for name in names] == sorted(map(int, dict.fromkeys(words)))


def test_twins_are_found():
    assert twins(("7", "8", "007")) == ("7", "007") and twins(("dog", "dog ")) == ("dog", "dog ")
    assert twins(("7", "8", "a", "b")) is None


NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
TEXT = st.text(st.characters(codec="utf-8"), min_size=1)
DIALECTS = st.fixed_dictionaries({
    "delimiter": st.sampled_from(",;\t|"), "quotechar": st.sampled_from("\"'"),
    "quoting": st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC, csv.QUOTE_MINIMAL]),
    "doublequote": st.booleans(), "lineterminator": st.just("\r\n"), "escapechar": st.just("\\"),
})  # fmt: skip


@given(
    st.lists(st.tuples(NUMBERS, NUMBERS, TEXT), min_size=1), DIALECTS, st.sampled_from(["utf-8", "utf-16"])
)
def test_what_the_csv_module_writes_reads_back(tmp_path_factory, rows, options, encoding):
    assume(all(word.strip().lower() not in MISSING and not numberlike(word) for *_, word in rows))
    dialect = type("Written", (csv.excel,), options)
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with open(path, "w", newline="", encoding=encoding) as stream:
        csv.writer(stream, dialect).writerows([["a", "b", "kind"], *rows])
    usual = options["quotechar"] == '"' and options["doublequote"] and "\\" not in path.read_text(encoding)
    for known in [dialect, None] if usual else [dialect]:
        table = read_csv(path, dtype=np.float64, dialect=known)
        assert table.features.tolist() == [[a, b] for a, b, _ in rows]
        assert [table.class_names[i] for i in table.labels] == [word for *_, word in rows]
