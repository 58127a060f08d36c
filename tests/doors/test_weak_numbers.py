"""A Python number takes the dtype of what it meets, on whichever side it stands, as in NumPy (NEP 50).

The oracle is NumPy: the same call on arrays.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.doors.test_numbers_that_fit import devices, on
from tinygrad_edu.dtypes import DTYPES
from tinygrad_edu.engine.op import REGISTRY
from tinygrad_edu.reference.namesakes import namesakes

BINARY: dict[str, Callable[..., Any]] = {
    name: getattr(np, theirs)
    for name in te.functional.elementwise.__all__
    if len(REGISTRY[name].inputs) == 2 and (theirs := namesakes(name)[0])
}
NUMBERS = [0.1, 1e-3, 2, 3, True, 2**40, -1, 0.5]


def same(found: Any, expected: Any, about: Any) -> None:
    """The numbers and, where it is one of ours, the dtype that NumPy gives."""
    expected = np.asarray(expected)
    if expected.dtype in DTYPES.values():
        assert found.dtype == expected.dtype, about
    np.testing.assert_allclose(
        found.numpy(), expected, rtol=1e-6 if found.dtype == np.float32 else 1e-14, err_msg=str(about)
    )


def compare(ours: Callable[[], Any], numpys: Callable[[], Any], about: Any) -> None:
    """Equal results, or a refusal on both sides."""
    try:
        expected = numpys()
    except (OverflowError, TypeError, ValueError) as refused:
        with pytest.raises((type(refused), TypeError)):
            ours()
        return
    same(ours(), expected, about)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("device", devices())
def test_a_number_is_weak_on_either_side(device: str, name: str) -> None:
    ours, numpys = getattr(te, name), BINARY[name]
    with on(device):
        for dtype, number in itertools.product(DTYPES, NUMBERS):
            array = np.array([1, 3], dtype)
            if name in ("hypot", "atan2") and array.dtype.itemsize == 1:
                continue  # NumPy works in float16 there, and we in float32
            for place in (te.tensor, np.asarray):
                given = place(array)
                compare(partial(ours, given, number), partial(numpys, array, number), (name, dtype, number))
                compare(partial(ours, number, given), partial(numpys, number, array), (name, number, dtype))


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("device", devices())
def test_where_and_clip_take_numbers_as_numpy_does(device: str) -> None:
    with on(device):
        for dtype, number in itertools.product(DTYPES, NUMBERS):
            array, condition = np.array([1, 3], dtype), np.array([True, False])
            x = te.tensor(array)
            fits = (
                type(number) is not int
                or array.dtype.kind not in "iu"
                or (np.iinfo(dtype).min <= number <= np.iinfo(dtype).max)
            )
            for first in (True, False):
                for given in (x, array):
                    pair = (number, given) if first else (given, number)
                    if fits:
                        expected = np.where(condition, *(array if v is given else v for v in pair))
                        same(te.where(condition, *pair), expected, (dtype, number))
                    else:  # np.where wraps it around
                        with pytest.raises(OverflowError):
                            te.where(condition, *pair)
            if array.dtype != bool:
                for bounds in ((number, 3), (None, number)):
                    compare(partial(te.clip, x, *bounds), partial(np.clip, array, *bounds), (dtype, number))


@pytest.mark.parametrize("scalar", [np.float32(0.1), np.float64(0.1), np.int32(3), np.int64(3), np.uint8(3),
                                    np.array(0.1), np.array(0.1, "f4"), np.array(3), np.bool_(True)],
                         ids=lambda s: f"{s.dtype} {type(s).__name__}")  # fmt: skip
@pytest.mark.parametrize("name", ["add", "maximum", "mul", "less", "pow"])
@pytest.mark.parametrize("device", devices())
def test_numpys_scalars_are_strong(device: str, name: str, scalar: Any) -> None:
    with on(device):
        for dtype in DTYPES:
            array = np.array([1, 3], dtype)
            for xs in ((array, scalar), (scalar, array)):
                given = [te.tensor(x) if x is array else x for x in xs]
                compare(partial(getattr(te, name), *given), partial(BINARY[name], *xs), (dtype, scalar))


@given(st.data())
def test_a_number_and_an_array_give_what_numpy_gives(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(["add", "sub", "mul", "maximum", "minimum", "less", "equal"]))
    dtype = data.draw(st.sampled_from(sorted(DTYPES)))
    number = data.draw(st.one_of(st.booleans(), st.integers(-(2**65), 2**65), st.floats(-1e6, 1e6)))
    array = np.array(data.draw(st.lists(st.integers(0, 1), min_size=1, max_size=3)), dtype)
    with np.errstate(all="ignore"):
        for flip in (1, -1):
            xs = (array, number)[::flip]
            compare(partial(getattr(te, name), *xs), partial(BINARY[name], *xs), (name, dtype, number))


@pytest.mark.parametrize("device", devices())
def test_a_list_of_floats_is_as_weak_as_a_float(device: str) -> None:
    wide, narrow, whole = np.array([1.0, 2.0]), np.array([1.0, 2.0], "f4"), np.array([1, 2])
    with on(device):
        for name in ("add", "mul", "maximum", "less", "atan2"):
            for data in ([0.1, 0.2], (0.1, 0.2), [[0.1], [0.2]]):
                for array in (wide, whole):
                    for place in (np.asarray, te.tensor):
                        same(getattr(te, name)(data, place(array)), BINARY[name](data, array), name)
                        same(getattr(te, name)(place(array), data), BINARY[name](array, data), name)
                assert te.add(data, narrow).dtype == te.add(narrow, data).dtype == np.float32
        same(te.matmul([[0.1, 0.2], [0.3, 0.4]], wide), np.matmul([[0.1, 0.2], [0.3, 0.4]], wide), "matmul")
        same(te.linear(wide, [[0.1, 0.2]], [0.3]), wide @ np.array([[0.1], [0.2]]) + 0.3, "linear")
        same(te.mse([0.1, 0.2], wide), np.mean((np.array([0.1, 0.2]) - wide) ** 2), "mse")
        same(te.concat([[0.1, 0.2], wide]), np.concatenate([[0.1, 0.2], wide]), "concat")
        same(te.einsum("i,i->", [0.1, 0.2], wide), np.dot([0.1, 0.2], wide), "einsum")
        x = te.tensor(wide)
        x.add_([0.1, 0.2])
        same(x, np.add(wide, [0.1, 0.2]), "add_")


@pytest.mark.parametrize("device", devices())
def test_numbers_are_weak_in_functions_of_several(device: str) -> None:
    one = np.array(1.5, "f4")
    with on(device):
        for data in ([one, 2], [2, one], [one, 2.5], [2.5, one], [True, one], [one, te.tensor(one), 2]):
            assert te.stack(data).dtype == np.float32, data
        assert te.stack([np.array(1), 0.5]).dtype == te.stack([0.5, np.array(1)]).dtype == np.float64
        assert te.stack([te.tensor(1, dtype="uint8"), 3]).dtype == np.uint8
        for loss in ("mse", "l1", "huber", "hinge", "logistic"):
            assert getattr(te, loss)(te.tensor(1.0), 1).dtype == np.float32
            assert getattr(te, loss)(1, te.tensor(1.0)).dtype == np.float32
        assert te.dot(np.array([1.0, 2.0], "f4"), [0.5, 0.5]).dtype == np.float32


def test_python_numbers_among_themselves_have_the_default_of_their_kind() -> None:
    for f in (te.add, te.maximum, te.pow, te.mul):
        assert f(1, 0.5).dtype == f(0.5, 1).dtype == f(True, 0.5).dtype == f([1], 0.5).dtype == np.float32
        assert f(1, 2).dtype == f(True, 2).dtype == f(2, [1, 2]).dtype == np.int64
    assert te.where([True, False], 1, 2.5).dtype == te.where([True, False], 2.5, 1).dtype == np.float32
    assert te.where(np.array([True, False]), [1.0, 2.0], 3).dtype == np.float32
    assert te.where(te.tensor([True]), 1, 0).dtype == np.int64
    assert te.stack([1, 2.5]).dtype == te.stack([2.5, 1]).dtype == te.concat([[1], [2.5]]).dtype == np.float32
    assert te.as_tensor([te.tensor(1), 1, 1.5]).tolist() == [1.0, 1.0, 1.5]


def test_the_reported_ones() -> None:
    assert te.add(0.1, np.array([1.0])).tolist() == [1.1]
    assert te.maximum(2, np.array([1, 3], np.float32)).dtype == np.float32
    assert te.pow(2, np.array([1, 3], np.float32)).dtype == np.float32
