"""As `test_agreement`, for numbers that a dtype does not hold, and for dtypes that meet."""

from __future__ import annotations

import operator

import numpy as np
import pytest

import tinygrad_edu as te
from tests.kernels.agreement import agree
from tests.kernels.harness import checked
from tinygrad_edu.dtypes import SUPPORTED

# -- numbers that a dtype does not hold ----------------------------------------------------------------------

EXTREMES = {
    "int32": [1, 2**31 - 1, -(2**31)],
    "uint8": [1, 255, 0],
    "int64": [1, 2**63 - 1, -(2**63)],
    "bool": [True, False, True],
    "float32": [1.5, -2.0, 0.0],
}
LARGE = (-1, 300, 2**31, 2**40, 2**63, 2**64, -(2**63), -(2**70), 10**400)
OPERATORS = (
    *(operator.lt, operator.le, operator.eq, operator.ne, operator.gt, operator.ge),
    *(operator.add, operator.sub, operator.mul, operator.floordiv, operator.mod),
    *(te.maximum, te.minimum, te.logical_and, te.logical_or, te.logical_xor),
)


def extremes(dtype, device):
    return te.tensor(EXTREMES[dtype], dtype=dtype, device=device)


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("function", OPERATORS, ids=lambda f: f.__name__)
def test_an_int_that_the_dtype_does_not_hold(device, function, dtype):
    for number in LARGE:
        agree(lambda d, number=number: function(extremes(dtype, d), number), device)
        agree(lambda d, number=number: function(number, extremes(dtype, d)), device)


def test_an_int_that_does_not_fit_is_an_overflow_that_names_the_op(device):
    found = agree(lambda d: extremes("uint8", d) + 300, device, "add((3,) uint8, 300)")
    assert found is OverflowError
    assert not agree(lambda d: extremes("int32", d) < 2**40, device)


@pytest.mark.parametrize("dtype", ["int32", "uint8", "int64", "float32"])
@pytest.mark.parametrize(
    ("low", "high"),
    [(-1, 300), (None, 2**40), (300, None), (2**40, None), (1, 3), (1.0, 3), (1.5, None), (-(2**70), 2**70)],
)
def test_bounds_beyond_the_dtype(device, dtype, low, high):
    agree(lambda d: te.clip(extremes(dtype, d), low, high), device, "clip")


VALUES = (-1.5, 300, 1.5, float("nan"), 2**40, True, [3, 1, 2], [1.5, 2, 3], np.int16([1, 2, 3]), np.int8(3))


def written(x, key, value):
    x[key] = value
    return x


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_what_is_stored_in_place(device, dtype, value):
    agree(lambda d: extremes(dtype, d).copy_(value), device)
    agree(lambda d: extremes(dtype, d).add_(value), device)
    agree(lambda d: extremes(dtype, d).add_(value, alpha=2), device)
    agree(lambda d: extremes(dtype, d).mul_(value), device)
    if np.ndim(value) == 0:
        agree(lambda d: te.pad(extremes(dtype, d), 1, value), device, "pad")
        for key in (0, slice(0, 1), [0, 2]):
            agree(lambda d, key=key: written(extremes(dtype, d), key, value), device)
    else:
        agree(lambda d: written(extremes(dtype, d), slice(None), value), device)


def test_whole_numbers_are_added_and_filled_in_place(device):
    for d in ("cpu", device.name):
        assert te.tensor([1, 2], device=d).add_(1).tolist() == [2, 3]
        assert te.tensor([1.0, 2.0], device=d).add_([1, 2]).tolist() == [2, 4]
        assert extremes("uint8", d).fill_(7).tolist() == [7, 7, 7]
        assert extremes("bool", d).zero_().tolist() == [False] * 3


# -- dtypes that meet ----------------------------------------------------------------------------------------

FOREIGN = ("int8", "int16", "uint16", "uint32", "uint64", "float16")


@pytest.mark.parametrize("dtype", EXTREMES)
@pytest.mark.parametrize("other", FOREIGN)
def test_an_operand_of_a_dtype_the_library_does_not_have(device, dtype, other):
    for operand in (np.array([3, 1, 2], other), np.dtype(other).type(3)):
        for function in (operator.add, operator.lt, te.maximum):
            agree(lambda d, f=function, y=operand: f(extremes(dtype, d), y), device)
        assert (extremes(dtype, device.name) + operand).dtype in SUPPORTED
        agree(lambda d, y=operand: extremes(dtype, d).copy_(y), device)


@pytest.mark.parametrize("condition", [*EXTREMES, "half"])
@pytest.mark.parametrize("dtype", EXTREMES)
@checked
def test_where_asks_for_the_truth_of_any_dtype(device, condition, dtype):
    def chosen(d):
        found = te.tensor([0.5, 0.0, 0.5], device=d) if condition == "half" else extremes(condition, d)
        return te.where(found, extremes(dtype, d), extremes(dtype, d)[:1])

    assert not agree(chosen, device)


@pytest.mark.parametrize("base", [2, True, [2, 3], [True, False], [[2], [3]], [2.0, 3.0]])
@pytest.mark.parametrize("exponent", [[1, 2], [-1, 2], [[1], [-2]], -1])
@pytest.mark.parametrize("dtype", ["int64", "int32"])
@checked
def test_whole_numbers_have_no_negative_powers(device, base, exponent, dtype):
    def power(d):
        y = exponent if exponent == -1 else te.tensor(exponent, dtype=dtype, device=d)
        x = te.tensor(base, device=d) if isinstance(base, list) or exponent == -1 else base
        return x**y

    found = agree(power, device, "pow")
    assert found is (ValueError if np.min(exponent) < 0 and np.array(base).dtype.kind != "f" else None)
