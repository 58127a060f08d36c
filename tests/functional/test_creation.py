"""Making tensors: dtypes, copies, sizes, and what cannot be made."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu.errors import DeviceError, ShapeError

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]


@pytest.mark.parametrize(
    ("data", "dtype"),
    [
        (1.0, "float32"),
        (1, "int64"),
        (True, "bool"),
        ([1.0, 2], "float32"),
        ([[1, 2]], "int64"),
        ([], "float32"),
        ((True, False), "bool"),
        (np.float64(1), "float64"),
        (np.int32(1), "int32"),
        (np.bool_(True), "bool"),
        ([np.float64(1.0)], "float32"),
        (range(3), "int64"),
    ],
)
def test_python_numbers_get_the_default_dtype_and_numpy_keeps_its_own(data: Any, dtype: str) -> None:
    x = te.tensor(data)
    assert x.dtype == dtype
    np.testing.assert_array_equal(x.numpy(), np.asarray(data))


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_keep_their_dtype(dtype: str) -> None:
    array = np.ones((2, 3), dtype)
    assert te.tensor(array).dtype == te.tensor(te.tensor(array)).dtype == dtype
    for other in DTYPES:
        assert te.tensor(array, dtype=other).dtype == te.tensor(array).cast(other).dtype == other


@pytest.mark.parametrize(
    "dtype", ["float16", "int8", "uint16", "uint64", "complex128", "datetime64[s]", "<U3", "object", ">f8"]
)
def test_unsupported_dtypes_are_refused(dtype: str) -> None:
    with pytest.raises(TypeError, match="float32"):
        te.tensor(np.zeros(2, dtype))
    with pytest.raises(TypeError, match="convert the data first"):
        te.zeros(2, dtype=dtype)


def test_data_that_is_no_array() -> None:
    with pytest.raises(ShapeError, match=r"unequal length .*test_creation.py:\d+"):
        te.tensor([[1.0], [1.0, 2.0]])
    for data in ("text", None, {"a": 1}, object()):
        with pytest.raises(TypeError):
            te.tensor(data)
    with pytest.raises(TypeError, match=r"te\.tensor\(data\)"):
        te.Tensor(np.ones(2))
    with pytest.raises(DeviceError, match="cpu"):
        te.zeros(2, device="abacus")


def test_a_tensor_is_a_copy() -> None:
    array = np.ones(3)
    x, y = te.tensor(array), te.as_tensor(array)
    again = te.tensor(x)
    array[:] = 5.0
    x.zero_()
    assert y.tolist() == again.tolist() == [1.0, 1.0, 1.0]
    assert te.as_tensor(x) is x


def test_tensors_in_lists_and_other_arrays() -> None:
    assert te.tensor([te.tensor(1.0), te.tensor(2.0)]).tolist() == [1.0, 2.0]
    assert te.tensor([te.ones(2), te.zeros(2)]).shape == (2, 2)

    class Foreign:
        def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
            return np.arange(3, dtype=np.int32)

    assert te.tensor(Foreign()).dtype == np.int32
    assert te.tensor(np.asfortranarray(np.arange(6.0).reshape(2, 3))).tolist() == [[0, 1, 2], [3, 4, 5]]
    assert te.tensor(np.arange(4.0)[::-2]).tolist() == [3.0, 1.0]


@pytest.mark.parametrize("make", [te.zeros, te.ones, te.rand, te.randn])
def test_shapes_are_given_either_way(make: Any) -> None:
    for x in (make(2, 3), make((2, 3)), make([2, 3])):
        assert x.shape == (2, 3) and x.dtype == np.float32
    assert make().shape == make(()).shape == ()
    x = make(2, dtype="float64", requires_grad=True)
    assert x.dtype == np.float64 and x.requires_grad and x.is_leaf and x.grad is None


def test_filled_tensors() -> None:
    np.testing.assert_array_equal(te.zeros(2).numpy(), np.zeros(2))
    np.testing.assert_array_equal(te.full((2,), 3.5).numpy(), np.full(2, 3.5))
    assert te.full((2,), 3).dtype == np.int64 and te.full(2, True).dtype == np.bool_
    x = te.tensor([[1, 2]], dtype="int32")
    assert te.zeros_like(x).dtype == te.ones_like(x).dtype == np.int32
    assert te.ones_like(x, dtype="float64").tolist() == [[1.0, 1.0]]
    assert te.eye(2, 3).tolist() == [[1, 0, 0], [0, 1, 0]] and te.eye(0).shape == (0, 0)


@pytest.mark.parametrize("arguments", [(4,), (2, 7), (7, 2, -2), (0.0, 1.0, 0.25), (5, 5), (3, 0)])
def test_arange(arguments: Any) -> None:
    expected = np.arange(*arguments)
    x = te.arange(*arguments)
    assert x.dtype == (np.int64 if expected.dtype.kind == "i" else np.float32)
    np.testing.assert_array_equal(x.numpy(), expected)
    assert te.arange(*arguments, dtype="float64").dtype == np.float64


def test_linspace() -> None:
    np.testing.assert_allclose(te.linspace(-1, 2, 7, dtype="float64").numpy(), np.linspace(-1, 2, 7))
    assert te.linspace(0, 1).shape == (50,) and te.linspace(0, 1, 1).tolist() == [0.0]


@pytest.mark.cpu
def test_the_helpers_others_build_on() -> None:
    array = np.ones(2, np.float32)
    assert np.shares_memory(te.functional.wrap(array).numpy(), array)
    assert te.functional.spread((2, 3)) == te.functional.spread(((2, 3),)) == (2, 3)
    key = te.functional.numpy_key((te.tensor([1]), [], slice(None)))
    assert key[0].tolist() == [1] and key[1].dtype == np.int64 and key[2] == slice(None)
    x = te.ones(1, requires_grad=True) * 2.0
    assert te.functional.seed_for(x).tolist() == [1.0]
    assert te.functional.seed_for(x, [3]).dtype == np.float32


@pytest.mark.cpu
def test_from_dlpack_shares_memory_both_ways():
    array = np.arange(6.0).reshape(2, 3)
    x = te.from_dlpack(array)
    assert np.shares_memory(x.numpy(), array)
    assert np.shares_memory(np.from_dlpack(x.T), array)
    with pytest.raises(TypeError, match="complex128"):
        te.from_dlpack(np.ones(2, complex))


@pytest.mark.parametrize(("given", "words"), [
    ((0, 5, 0), "arange: step=0 never comes to an end"), ((0.0, 5.0, 0.0), "arange: step=0"),
    ((float("nan"),), "arange: stop=nan must be finite"), ((0, float("inf")), "arange: stop=inf"),
    ((float("-inf"), 0), "arange: start=-inf"), ((0, 1, float("nan")), "arange: step=nan"),
])  # fmt: skip
def test_a_range_without_an_end_is_refused(given: Any, words: str) -> None:
    with pytest.raises(ValueError, match=rf"{words}.*\(at .*test_creation.py:"):
        te.arange(*given)


def test_nan_and_infinity_are_no_integers() -> None:
    for convert, name in ((int, "int"), (round, "round")):
        with pytest.raises(ValueError, match=rf"{name}\(\) of a tensor that is nan \(at .*te.isfinite"):
            convert(te.tensor(float("nan")))
        with pytest.raises(OverflowError, match=rf"{name}\(\) of a tensor that is -inf \(at"):
            convert(te.tensor(float("-inf")))
    assert (int(te.tensor(2.75)), round(te.tensor(2.75)), round(te.tensor(2.75), 1)) == (2, 3, 2.8)
    assert (int(te.tensor(2**53 + 1)), round(te.tensor(7))) == (2**53 + 1, 7)
