"""`.fp` files: the lecture's own line reads what we write, and we read what people write."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tinygrad_edu.data import DataError, Fingerprints, read_fp, write_fp

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Z", "C")), min_size=1, max_size=8)
NAMES = WORDS.filter(lambda word: not word.startswith("#") and word.split() == [word])
QUANTITIES = st.floats(allow_nan=False, allow_infinity=False)
BITS = npst.arrays(np.uint8, npst.array_shapes(min_dims=2, max_dims=2), elements=st.integers(0, 1))


@given(st.data(), BITS)
def test_round_trip(tmp_path_factory, data, bits):
    path = tmp_path_factory.mktemp("fp") / data.draw(st.sampled_from(["a.fp", "a.fp.gz"]))
    rows = len(bits)
    names = tuple(data.draw(st.lists(NAMES, min_size=rows, max_size=rows)))
    labels = np.array(data.draw(st.lists(QUANTITIES, min_size=rows, max_size=rows)))
    write_fp(path, Fingerprints(names, labels, bits))
    back = read_fp(path, task="regression")
    assert back.names == names and back.class_names == ()
    np.testing.assert_array_equal(back.labels, labels)
    np.testing.assert_array_equal(back.bits, bits)


def test_the_lectures_line_reads_ours(tmp_path):
    bits = np.array([[0, 1, 1], [1, 0, 0]], np.uint8)
    write_fp(tmp_path / "c.fp", Fingerprints(("N#Cc1ccccc1", "CCO"), np.array([1, 0]), bits, ("0", "1")))
    data = np.genfromtxt(tmp_path / "c.fp", comments=None)
    assert data[:, 2:].tolist() == bits.tolist() and data[:, 1].tolist() == [1, 0]


def test_the_liberties_of_readers(tmp_path):
    text = "# a comment\n\nC#N active 0110\n  CCO  inactive\t1 0 0 1\nCC active 01 10\n"
    (tmp_path / "c.fp").write_text(text)
    read = read_fp(tmp_path / "c.fp")
    assert read.names == ("C#N", "CCO", "CC") and read.class_names == ("active", "inactive")
    assert read.labels.tolist() == [0, 1, 0]
    assert read.bits.tolist() == [[0, 1, 1, 0], [1, 0, 0, 1], [0, 1, 1, 0]]
    table = read.table("three")
    assert table.features.dtype == np.float32 and table.row_names == read.names and len(table) == 3


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("# nothing\n", r"c\.fp: the file is empty"),
        ("CCO 1\n", r"c\.fp:1: 2 fields; a line is `name label bits`"),
        ("\nCCO 1 0120\n", r"c\.fp:2, column 3: '0120' is not made of 0 and 1"),
        ("CCO 1 0 1 x\n", r"c\.fp:1, column 5: 'x'"),
        ("CCO 1 0 1 /\n", r"column 5: '/'"),
        ("CCO 1 011\n\nCC 0 01\n", r"c\.fp:3: 2 bits, but line 1 has 3"),
        ("CCO nan 01\n", r"c\.fp:1, column 2 \('label'\): the label is missing"),
        ("CCO 0.5 01\nCC x 01\n", r"c\.fp:2, column 2 \('label'\): label 'x' is not a number"),
    ],
)
def test_faults_are_placed(tmp_path, text, message):
    (tmp_path / "c.fp").write_text(text)
    with pytest.raises(DataError, match=message):
        read_fp(tmp_path / "c.fp")


@pytest.mark.parametrize("name", ["acetic acid", "", "#1"])
def test_names_that_would_not_come_back(tmp_path, name):
    with pytest.raises(ValueError, match="write_fp: "):
        write_fp(tmp_path / "c.fp", Fingerprints((name,), np.array([0.5]), np.zeros((1, 2), np.uint8)))


def test_fingerprints_check_themselves():
    with pytest.raises(ValueError, match="they must be n words"):
        Fingerprints(("a",), np.zeros(2), np.zeros((1, 2), np.uint8))
    with pytest.raises(ValueError, match="found 2"):
        Fingerprints(("a",), np.zeros(1), np.full((1, 2), 2, np.uint8))
