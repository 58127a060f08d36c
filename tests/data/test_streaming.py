"""Files larger than memory: memory maps of arrays, streams of lines and of CSV rows."""

import gzip
import itertools
import pickle

import numpy as np
import pytest

from tinygrad_edu.data import ArrayFile, CSVRows, DataError, DataLoader, ShuffleBuffer, TextLines, read_csv

X, Y = np.arange(24.0).reshape(8, 3), np.arange(8) % 2


@pytest.fixture
def arrays(tmp_path):
    """X and Y as .npy files, and both in one .npz, X in the order of Fortran."""
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    np.savez(tmp_path / "both.npz", x=np.asfortranarray(X), y=Y)
    return tmp_path


def test_rows_of_mapped_arrays(arrays):
    for dataset in (ArrayFile(arrays / "x.npy", arrays / "y.npy"), ArrayFile(arrays / "both.npz")):
        assert len(dataset) == 8 and all(isinstance(array, np.memmap) for array in dataset.arrays)
        x, y = dataset[5]
        assert x.tolist() == X[5].tolist() and y == Y[5]
        x, y = dataset.take(np.array([7, 0, 7]))
        assert type(x) is np.ndarray and x.flags.writeable
        np.testing.assert_array_equal(x, X[[7, 0, 7]])
        np.testing.assert_array_equal(y, Y[[7, 0, 7]])
    (y,) = ArrayFile(arrays / "both.npz", names=["y"]).arrays
    assert y.tolist() == Y.tolist()


def test_a_pickled_file_is_its_path_and_workers_map_it_again(arrays, tmp_path):
    np.save(tmp_path / "large.npy", np.zeros((1000, 1000)))
    content = pickle.dumps(ArrayFile(tmp_path / "large.npy"))
    assert len(content) < 1000 and len(pickle.loads(content)) == 1000
    options = {"shuffle": True, "as_numpy": True}
    alone, many = (
        [x.tolist() for x, _ in DataLoader(ArrayFile(arrays / "both.npz"), 3, num_workers=n, **options)]
        for n in (0, 2)
    )
    assert alone == many


def test_lines_of_several_files(file):
    one = file("a\r\nb\n\nc".encode("utf-8-sig"), "one.txt")
    two = file(gzip.compress("Grüße\n  \n".encode()), "two.txt.gz")
    assert list(TextLines(one, two)) == ["a", "b", "", "c", "Grüße", "  "]
    assert list(TextLines(one, two, skip_empty=True)) == ["a", "b", "c", "Grüße"]
    assert list(TextLines(file("é\n".encode("cp1252")), encoding="cp1252")) == ["é"]
    batches = DataLoader(ShuffleBuffer(TextLines(one, two), 3), 4)
    first, second = (list(itertools.chain(*(text for (text,) in batches))) for _ in range(2))
    assert sorted(first) == sorted(second) == sorted(TextLines(one, two))


def test_lines_are_read_as_they_are_needed(file):
    path = file("line\n" * 1_000_000)
    lines = iter(TextLines(path))
    assert [next(lines) for _ in range(3)] == ["line"] * 3
    lines.close()


TABLE = "a,b,y\n" + "".join(f"{i},{i / 8},{i % 2}\n" for i in range(20))


def test_csv_rows_are_those_of_read_csv(file):
    path = file(TABLE)
    table = read_csv(path, "y", task="regression")
    batches = list(DataLoader(CSVRows(path, "y"), 6, as_numpy=True))
    np.testing.assert_array_equal(np.concatenate([x for x, _ in batches]), table.features)
    np.testing.assert_array_equal(np.concatenate([y for _, y in batches]), table.labels)
    assert batches[0][0].dtype == batches[0][1].dtype == np.float32
    for workers in (0, 2):
        shuffled = DataLoader(ShuffleBuffer(CSVRows(path), 8), 6, as_numpy=True, num_workers=workers)
        rows = np.concatenate([x for x, _ in shuffled])
        assert rows[:, 0].tolist() != list(range(20)) and sorted(rows[:, 0]) == list(range(20))


def test_columns_of_csv_rows(file):
    def items(text, *given, **named):
        stream = CSVRows(file(text), *given, **named)
        return [[part.tolist() for part in stream.decode(item)] for item in stream]

    assert items("1;2;3\n\n4;5;6\n", 0, delimiter=";") == [[[2, 3], 1], [[5, 6], 4]]
    assert items("a,b\n1,2\n", None) == [[[1, 2]]]
    assert items("a,b,c\n1,2,3\n", "a", columns=["c", 1]) == [[[3, 2], 1]]
    assert items("a,a,c\n1,2,3\n", columns=[1, 0]) == [[[2, 1], 3]]
    assert items('1,2\n"3","4"\n', header=True) == [[[3], 4]]


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,b,y\n1,2,3\n", {"columns": ["b", "y"]}, "column y is the label, and in columns=.*label=None"),
        ("a,b,y\n1,2,3\n", {"label": "a", "columns": [1, -3]}, "column a is the label, and in columns="),
        ("1,2,3\n", {"columns": [0, 2]}, "column 2 is the label, and in columns="),
        ("a,b,y\n1,2,3\n", {"columns": ["b", "b"]}, "column b is 2 times in columns="),
        ("a,b,y\n1,2,3\n", {"columns": ["b", 1], "label": None}, "column b is 2 times in columns="),
        ("a,a,y\n1,2,3\n", {"columns": ["a"]}, "columns='a': 2 columns have this name.*one of 0, 1"),
        ("y,a,y\n1,2,3\n", {"label": "y"}, "label='y': 2 columns have this name.*one of 0, 2"),
    ],
)
def test_features_are_not_the_label_and_not_taken_twice(file, text, options, message):
    with pytest.raises(ValueError, match=message):
        CSVRows(file(text), **options)


def test_csv_rows_keep_integers_exactly(file):
    text = "1,9007199254740993\n-2e1,9223372036854775807\n3.0,-9223372036854775808\n"
    stream = CSVRows(file(text), dtype=np.int64)
    rows = [stream.decode(item) for item in stream]
    assert [(x.tolist(), int(y)) for x, y in rows] == [
        ([1], 2**53 + 1), ([-20], 2**63 - 1), ([3], -(2**63)),
    ]  # fmt: skip
    stream = CSVRows(file("1,0\n0,1.0\n"), dtype=bool)
    assert [(x.tolist(), bool(y)) for x, y in map(stream.decode, stream)] == [
        ([True], False),
        ([False], True),
    ]
    stream = CSVRows(file("16777217,16777218\n0.1,0.1\n3e38,1e-99\n"))
    rows = [stream.decode(item) for item in stream]
    np.testing.assert_array_equal([y for _, y in rows], np.array([16777218, 0.1, 0], "f"))
    np.testing.assert_array_equal([x[0] for x, _ in rows], np.array([16777216, 0.1, 3e38], "f"))
    with pytest.raises(TypeError, match="CSVRows: dtype=<U3 is not one of numbers"):
        CSVRows(file("1,2\n"), dtype="U3")


@pytest.mark.parametrize(
    ("text", "options", "message"),
    [
        ("a,b,y\n1,2,3\n4,x,6\n", {}, r"people.csv:3, column 2 \('b'\): 'x' is no finite number"),
        ("1,2\n3,nan\n", {}, r"people.csv:2, column 2: 'nan' is no finite number"),
        ("1,2\n3\n", {}, "people.csv:2: 1 cells, and 2 in line 1"),
        ("1,2\n1e99,2\n", {}, "people.csv:2, column 1: '1e99' does not fit float32"),
        ("1,2\n1,1e39\n", {}, "people.csv:2, column 2: '1e39' does not fit float32"),
        (
            "a,y\n1,16777217\n",
            {},
            r"people.csv:2, column 2 \('y'\): '16777217' does not fit float32.*float64",
        ),
        ("1,2\n1_000,2\n", {}, "people.csv:2, column 1: '1_000' is no finite number"),
        ("1,2\n1,1_0\n", {"dtype": np.int64}, "people.csv:2, column 2: '1_0' is no finite number"),
        ("1,2\n1.7,0\n", {"dtype": np.int64}, "people.csv:2, column 1: '1.7' does not fit int64"),
        ("1,2\n1,9223372036854775808\n", {"dtype": np.int64}, "column 2: '9223372036854775808' does not fit"),
        ("1,2\n1,300\n", {"dtype": np.uint8}, "people.csv:2, column 2: '300' does not fit uint8"),
        ("1,2\n-1,3\n", {"dtype": np.uint8}, "people.csv:2, column 1: '-1' does not fit uint8"),
        ("1,1\n1,5\n", {"dtype": bool}, "people.csv:2, column 2: '5' does not fit bool"),
        ("1,1\n1,1e300\n", {"dtype": np.int64}, "people.csv:2, column 2: '1e300' does not fit int64"),
        ("1,1\n1,nan\n", {"dtype": np.int64}, "people.csv:2, column 2: 'nan' is no finite number"),
        ("", {}, "the file is empty"),
        ("1\n2\n", {}, "no column is left for features.*label=None"),
        ("a;b;y\n1;2;3\n", {}, "no column is left for features.*pass delimiter=';'"),
        ("a\ty\n1\t2\n", {}, r"no column is left for features.*pass delimiter='\\t'"),
        ("1,5;2,5\n1,5;2,5\n", {}, "'5;2' is no finite number.*pass delimiter=';'"),
        (b"1,2\n3,\xff\n", {}, "byte 0xff is not utf-8"),
    ],
)
def test_a_bad_file_is_named_with_its_place(file, text, options, message):
    with pytest.raises(DataError, match=message):
        stream = CSVRows(file(text), **options)
        for item in stream:
            stream.decode(item)


def test_other_files_are_refused(arrays, file):
    for make in (ArrayFile, TextLines, CSVRows):
        with pytest.raises(FileNotFoundError, match="a relative path is looked up in"):
            make(arrays / "nowhere")
    with pytest.raises(DataError, match=r"this is no .npy file of numbers"):
        ArrayFile(file("text"))
    np.savez_compressed(arrays / "small.npz", x=X)
    with pytest.raises(DataError, match=r"'x' is compressed"):
        ArrayFile(arrays / "small.npz")
    np.savez(arrays / "objects.npz", x=np.array([{}, 1], object))
    with pytest.raises(DataError, match="holds Python objects"):
        ArrayFile(arrays / "objects.npz")
    np.save(arrays / "objects.npy", np.array([{}, 1], object))
    with pytest.raises(DataError, match=r"no .npy file of numbers"):
        ArrayFile(arrays / "objects.npy")
    with pytest.raises(ValueError, match="there is no array 'z'; there are"):
        ArrayFile(arrays / "both.npz", names=["z"])
    with pytest.raises(ValueError, match="first dimensions differ"):
        np.save(arrays / "z.npy", np.ones(3))
        ArrayFile(arrays / "x.npy", arrays / "z.npy")
    with pytest.raises(ValueError, match="label='z' is no column; there are"):
        CSVRows(file(TABLE), "z")
    with pytest.raises(ValueError, match="label=3: there are 3 columns"):
        CSVRows(file(TABLE), 3)
    with pytest.raises(DataError, match="damaged gzip"):
        list(TextLines(file(gzip.compress(b"a\n" * 999)[:-9], "cut.gz")))
