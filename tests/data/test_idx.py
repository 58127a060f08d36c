"""IDX: every type and shape comes back, and a damaged file says how many bytes it lacks."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from tinygrad_edu.data import DataError, read_idx, write_idx

DTYPES = ["u1", "i1", "i2", "i4", "f4", "f8"]


@given(
    st.sampled_from(DTYPES).flatmap(lambda t: npst.arrays(t, npst.array_shapes(min_dims=0, min_side=0))),
    st.sampled_from(["a.idx", "a.idx.gz"]),
)
def test_round_trip(tmp_path_factory, array, name):
    path = tmp_path_factory.mktemp("idx") / name
    write_idx(path, array)
    back = read_idx(path)
    assert back.dtype == array.dtype and back.dtype.isnative and back.flags.writeable
    np.testing.assert_array_equal(back, array)


def test_the_bytes_are_mnists(tmp_path):
    write_idx(tmp_path / "images", np.arange(24, dtype=np.uint8).reshape(2, 3, 4))
    assert (tmp_path / "images").read_bytes() == struct.pack(">IIII", 0x00000803, 2, 3, 4) + bytes(range(24))


def test_views_and_foreign_byte_orders(tmp_path):
    array = np.arange(12, dtype=">i4").reshape(3, 4).T[::-1]
    write_idx(tmp_path / "a", array)
    np.testing.assert_array_equal(read_idx(tmp_path / "a"), array)


def test_the_same_content_is_the_same_bytes(tmp_path):
    for name in ("a.gz", "b.gz"):
        write_idx(tmp_path / name, np.arange(100, dtype=np.uint8))
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "with nothing"),
        (b"\x89PNG\r\n", "89 50 4e 47; is it another format"),
        (b"\0\0\x07\x01\0\0\0\0", "type code 0x07"),
        (b"\0\0\x08\x03\0\0\0\x02", r"truncated: a header of 3 dimensions takes 16 bytes, found 8"),
        (b"\0\0\x0d\x01\0\0\0\x02\0\0\0\0", r"truncated: \(2,\) of float32 takes 16 bytes .*, found 12"),
        (b"\0\0\x08\x03" + b"\xff" * 12, r"truncated: \(4294967295, 4294967295, 4294967295\) of uint8"),
        (b"\0\0\x0e\x04\0\0\0\0" + b"\xff" * 12, r"is no array's shape .*; fetch it again"),
        (b"\0\0\x08\xff" + b"\0" * 4 * 255, r"255 dimensions; an array has 64 at most"),
        (b"\0\0\x08\x01\0\0\0\x02abc", r"too long: \(2,\) of uint8 takes 10 bytes .*, found 11"),
    ],
)
def test_damage_is_measured(tmp_path, raw, message):
    (tmp_path / "x.idx").write_bytes(raw)
    with pytest.raises(DataError, match=rf"x\.idx: .*{message}"):
        read_idx(tmp_path / "x.idx")


@pytest.mark.parametrize("dtype", [np.int64, np.float16, np.bool_, np.uint16])
def test_types_that_idx_lacks(tmp_path, dtype):
    with pytest.raises(TypeError, match=r"convert with \.astype to one of uint8"):
        write_idx(tmp_path / "x", np.zeros(2, dtype))
