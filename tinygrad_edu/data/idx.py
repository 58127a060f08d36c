"""The IDX format: a header of a few bytes, then an array; MNIST and its many successors use it.

Layout, big-endian: two zero bytes, a type code, the number of dimensions, each dimension as an unsigned
32-bit number, then the elements in C order. Source: LeCun, Cortes, Burges, "The MNIST database", section
"the IDX file format".
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.dataset import Array
from tinygrad_edu.data.source import PathLike, bad, place, read_bytes, write_bytes
from tinygrad_edu.errors import wrong

# NumPy's names of the six element types, in the file's byte order.
_CODES: dict[int, np.dtype[Any]] = {
    0x08: np.dtype("u1"), 0x09: np.dtype("i1"), 0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"), 0x0D: np.dtype(">f4"), 0x0E: np.dtype(">f8"),
}  # fmt: skip
_DIMENSIONS = 64  # of a NumPy array
_WRITTEN = {dtype.newbyteorder("="): (code, dtype) for code, dtype in _CODES.items()}


def read_idx(path: PathLike) -> Array:
    """The array in an IDX file, plain or gzipped, in the byte order of this machine.

    Raises DataError when the header is not IDX's or the file is longer or shorter than its header says.
    """
    raw = read_bytes(path)
    if len(raw) < 4 or raw[:2] != b"\0\0":
        raise bad(
            place(path),
            "an IDX file starts with two zero bytes, a type code and a rank, this one with "
            f"{raw[:4].hex(' ') or 'nothing'}",
            "is it another format?",
        )
    code, rank = raw[2], raw[3]
    if code not in _CODES:
        known = ", ".join(f"0x{c:02x} {d.newbyteorder('=')}" for c, d in _CODES.items())
        raise bad(place(path), f"type code 0x{code:02x} is not IDX's", f"the codes are {known}")
    start = 4 + 4 * rank
    if len(raw) < start:
        raise bad(
            place(path),
            f"truncated: a header of {rank} dimensions takes {start} bytes, found {len(raw)}",
            "fetch it again",
        )
    if rank > _DIMENSIONS:
        raise bad(
            place(path),
            f"{rank} dimensions; an array has {_DIMENSIONS} at most, so the header is damaged",
            "fetch it again",
        )
    shape = struct.unpack(f">{rank}I", raw[4:start])
    dtype = _CODES[code]
    expected = start + math.prod(shape) * dtype.itemsize
    if len(raw) != expected:
        kind = "truncated" if len(raw) < expected else "too long"
        raise bad(
            place(path),
            f"{kind}: {shape} of {dtype.newbyteorder('=')} takes {expected} bytes with its header, found "
            f"{len(raw)}",
            "fetch it again",
        )
    try:  # an array without elements can have sizes too large for NumPy
        values = np.frombuffer(raw, dtype, offset=start).reshape(shape)
    except ValueError as error:
        raise bad(place(path), f"{shape} is no array's shape ({error})", "fetch it again") from error
    return values.astype(dtype.newbyteorder("="))


def write_idx(path: PathLike, array: npt.ArrayLike) -> None:
    """Write an array as IDX; gzipped when the name ends in `.gz`.

    Raises TypeError for a dtype that IDX lacks (int64, float16, bool, ...): nothing is converted silently.
    """
    values = np.asarray(array)
    native = values.dtype.newbyteorder("=")
    if native not in _WRITTEN:
        known = ", ".join(str(dtype) for dtype in _WRITTEN)
        raise wrong(
            TypeError, "write_idx", f"IDX has no {values.dtype}", f"convert with .astype to one of {known}"
        )
    if any(size >= 2**32 for size in values.shape):
        raise wrong(
            ValueError, "write_idx", f"a dimension of {values.shape} does not fit 32 bits", "split the array"
        )
    code, dtype = _WRITTEN[native]
    header = struct.pack(f">2xBB{values.ndim}I", code, values.ndim, *values.shape)
    write_bytes(path, header + values.astype(dtype).tobytes())
