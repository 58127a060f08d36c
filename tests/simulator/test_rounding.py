"""Arithmetic and conversions with a rounding direction, against exact fractions."""

from __future__ import annotations

import ctypes
import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from tests.simulator import harness

DIRECTIONS = ("rn", "rz", "ru", "rd")
REALS = {"float": (np.float32, 32, ctypes.c_float), "double": (np.float64, 64, ctypes.c_double)}
# Names of the operation for float and for double, number of arguments, exact result.
OPERATIONS: dict[str, tuple[str, str, int, Callable[..., Fraction]]] = {
    "add": ("__fadd", "__dadd", 2, lambda a, b: a + b),
    "sub": ("__fsub", "__dsub", 2, lambda a, b: a - b),
    "mul": ("__fmul", "__dmul", 2, lambda a, b: a * b),
    "div": ("__fdiv", "__ddiv", 2, lambda a, b: a / b),
    "fma": ("__fmaf", "__fma", 3, lambda a, b, c: a * b + c),
    "rcp": ("__frcp", "__drcp", 1, lambda a: 1 / a),
}
INTEGERS = {"int": ("int", -2**31, 2**31 - 1), "uint": ("unsigned", 0, 2**32 - 1),
            "ll": ("long long", -2**63, 2**63 - 1), "ull": ("unsigned long long", 0, 2**64 - 1)}  # fmt: skip
C_INTEGERS = {"int": ctypes.c_int32, "uint": ctypes.c_uint32, "ll": ctypes.c_int64, "ull": ctypes.c_uint64}
# Every integer is a double, without rounding.
TO_FLOATING = [(i, r) for i in INTEGERS for r in REALS if not (r == "double" and i in ("int", "uint"))]


def below(x: Fraction, dtype: Any) -> Any:
    """The largest number of the format that is not above x; -inf below all."""
    largest = dtype(np.finfo(dtype).max)
    if x >= Fraction(float(largest)):
        return largest
    if x < -Fraction(float(largest)):
        return dtype(-np.inf)
    y = dtype(float(x))  # near; step to the side
    if not np.isfinite(y):
        y = np.copysign(largest, y)
    while Fraction(float(y)) > x:
        y = np.nextafter(y, dtype(-np.inf))
    while Fraction(float(np.nextafter(y, dtype(np.inf)))) <= x:
        y = np.nextafter(y, dtype(np.inf))
    return y


def rounded(x: Fraction, direction: str, dtype: Any) -> Any:
    """x in the format, in the direction; the sign of a zero is left open."""
    down, up = below(x, dtype), -below(-x, dtype)
    if direction == "rz":
        return down if x >= 0 else up
    if direction == "rn":
        finite = Fraction(2) ** (128 if dtype is np.float32 else 1024)  # what comes after the largest number
        low = Fraction(float(down)) if np.isfinite(down) else -finite
        high = Fraction(float(up)) if np.isfinite(up) else finite
        if x - low != high - x:
            return down if x - low < high - x else up
        bits = np.uint32 if dtype is np.float32 else np.uint64
        return down if int(down.view(bits)) % 2 == 0 else up
    return up if direction == "ru" else down


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    parts = []

    def define(name: str, result: str, arguments: str, value: str) -> None:
        parts.append(
            f'extern "C" __attribute__((visibility("default"))) {result} {name}({arguments}) '
            f"{{ return {value}; }}"
        )

    for direction in DIRECTIONS:
        for operation, (single, double, count, _) in OPERATIONS.items():
            for real, name in (("float", single), ("double", double)):
                letters = "abc"[:count]
                define(
                    f"{operation}_{real}_{direction}",
                    real,
                    ", ".join(f"{real} {x}" for x in letters),
                    f"{name}_{direction}({', '.join(letters)})",
                )
        define(f"sqrt_float_{direction}", "float", "float a", f"__fsqrt_{direction}(a)")
        define(f"sqrt_double_{direction}", "double", "double a", f"__dsqrt_{direction}(a)")
        define(f"double_to_float_{direction}", "float", "double a", f"__double2float_{direction}(a)")
        for integer, (c_type, _, _) in INTEGERS.items():
            for real in REALS:
                define(
                    f"{real}_to_{integer}_{direction}",
                    c_type,
                    f"{real} a",
                    f"__{real}2{integer}_{direction}(a)",
                )
        for integer, real in TO_FLOATING:
            define(
                f"{integer}_to_{real}_{direction}",
                real,
                f"{INTEGERS[integer][0]} a",
                f"__{integer}2{real}_{direction}(a)",
            )
    define("not_fused", "float", "float a, float b, float c", "__fadd_rn(__fmul_rn(a, b), c)")
    define("not_fused_double", "double", "double a, double b, double c", "__dsub_rn(__dmul_rn(a, b), c)")
    define("half_fused", "float", "float a, float b, float c", "__fadd_rn(a * b, c)")
    define("reciprocal_root", "float", "float a", "__frsqrt_rn(a)")
    define("maximum", "float", "float a, float b", "fmaxf(a, b)")
    define("minimum", "double", "float a, double b", "min(a, b)")
    define("saturate", "float", "float a", "__saturatef(a)")
    define("fast_divide", "float", "float a, float b", "__fdividef(a, b)")
    define("words", "double", "double a", "__hiloint2double(__double2hiint(a), __double2loint(a))")
    define("bits", "unsigned", "float a", "__float_as_uint(__int_as_float(__float_as_int(a)))")
    return harness.build("\n".join(parts))


def call(library: ctypes.CDLL, name: str, result: Any, kinds: list[Any], *arguments: Any) -> Any:
    function = getattr(library, name)
    function.restype, function.argtypes = result, kinds
    return function(*(float(x) if isinstance(x, np.floating) else x for x in arguments))


def finite(real: str) -> st.SearchStrategy[Any]:
    dtype, width, _ = REALS[real]
    smallest = float(np.finfo(dtype).smallest_subnormal)
    # fmt: off
    special = [0.0, -0.0, 1.0, 1 + float(np.finfo(dtype).eps), smallest, -smallest, 3 * smallest,
               float(np.finfo(dtype).max), -float(np.finfo(dtype).max), float(np.finfo(dtype).tiny)]
    # fmt: on
    near_one = st.floats(0.5, 2, width=width)
    return st.one_of(
        st.floats(allow_nan=False, allow_infinity=False, width=width), near_one, st.sampled_from(special)
    ).map(dtype)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("real", REALS)
@pytest.mark.parametrize("operation", OPERATIONS)
@given(data=st.data())
def test_arithmetic_rounds_in_its_direction(
    library: ctypes.CDLL, operation: str, real: str, direction: str, data: Any
) -> None:
    dtype, _, c_type = REALS[real]
    _, _, count, exact = OPERATIONS[operation]
    arguments = [data.draw(finite(real)) for _ in range(count)]
    assume(operation not in ("div", "rcp") or arguments[-1] != 0)
    want = rounded(exact(*(Fraction(float(x)) for x in arguments)), direction, dtype)
    assert call(library, f"{operation}_{real}_{direction}", c_type, [c_type] * count, *arguments) == want


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("real", REALS)
@given(data=st.data())
def test_square_root_rounds_in_its_direction(
    library: ctypes.CDLL, real: str, direction: str, data: Any
) -> None:
    dtype, _, c_type = REALS[real]
    a = abs(data.draw(finite(real)))
    got = dtype(call(library, f"sqrt_{real}_{direction}", c_type, [c_type], a))
    exact = Fraction(float(a))
    if direction == "rn":
        assert got == np.sqrt(a)
        return
    up = np.nextafter(got, dtype(np.inf))
    if direction == "ru":
        assert Fraction(float(got)) ** 2 >= exact
        assert got == 0 or Fraction(float(np.nextafter(got, dtype(0)))) ** 2 < exact
    else:
        assert Fraction(float(got)) ** 2 <= exact < Fraction(float(up)) ** 2


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("operation", ["add", "sub", "mul", "div", "fma"])
@given(data=st.data())
def test_infinities_nans_and_signs_of_zero(
    library: ctypes.CDLL, operation: str, direction: str, data: Any
) -> None:
    special = st.sampled_from([0.0, -0.0, 1.0, -1.0, math.inf, -math.inf, math.nan])
    count = OPERATIONS[operation][2]
    x = [data.draw(special) for _ in range(count)]
    got = call(library, f"{operation}_float_{direction}", ctypes.c_float, [ctypes.c_float] * count, *x)
    with np.errstate(all="ignore"):
        a, b = np.float32(x[0]), np.float32(x[1])
        product, third = a * b, np.float32(x[-1])
        want = {"add": a + b, "sub": a - b, "mul": product, "div": a / b, "fma": product + third}[operation]
    terms = {"add": (a, b), "sub": (a, -b), "fma": (product, third)}.get(operation)
    if direction == "rd" and want == 0 and terms and np.signbit(terms[0]) != np.signbit(terms[1]):
        want = np.float32(-0.0)  # x - x
    assert np.array_equal(np.float32(got), want, equal_nan=True)
    assert np.isnan(want) or np.signbit(np.float32(got)) == np.signbit(want)


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("integer", INTEGERS)
@pytest.mark.parametrize("real", REALS)
@given(data=st.data())
def test_to_integer_saturates(
    library: ctypes.CDLL, real: str, integer: str, direction: str, data: Any
) -> None:
    dtype, width, c_type = REALS[real]
    _, low, high = INTEGERS[integer]
    half = st.integers(-40, 40).map(lambda k: k / 2)
    bounds = st.sampled_from(
        [
            dtype(low),
            dtype(high),
            np.nextafter(dtype(high), dtype(0)),
            np.nextafter(dtype(low), dtype(-np.inf)),
            dtype(high / 2),
        ]
    )
    unusual = st.sampled_from([math.nan, math.inf, -math.inf])
    x = float(
        data.draw(
            st.one_of(
                st.floats(width=width), half, bounds, unusual, st.floats(-(2.0**34), 2.0**34, width=width)
            )
        )
    )
    got = call(library, f"{real}_to_{integer}_{direction}", C_INTEGERS[integer], [c_type], x)
    bits = (high - low).bit_length()
    if math.isnan(x):
        want = 0 if real == "float" and bits == 32 else (low or 1 << (bits - 1))
    elif math.isinf(x):
        want = high if x > 0 else low
    else:
        toward = {"rn": round, "rz": math.trunc, "ru": math.ceil, "rd": math.floor}[direction]
        want = min(max(toward(Fraction(x)), low), high)
    assert got == want


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("integer, real", TO_FLOATING)
@given(data=st.data())
def test_from_integer(library: ctypes.CDLL, integer: str, real: str, direction: str, data: Any) -> None:
    dtype, _, c_type = REALS[real]
    _, low, high = INTEGERS[integer]
    x = data.draw(st.one_of(st.integers(low, high), st.sampled_from([low, high, low + 1, high - 1])))
    got = call(library, f"{integer}_to_{real}_{direction}", c_type, [C_INTEGERS[integer]], x)
    assert got == rounded(Fraction(x), direction, dtype)


@pytest.mark.parametrize("direction", DIRECTIONS)
@given(
    x=st.one_of(
        finite("double"), st.floats(-1e39, 1e39).map(np.float64), st.floats(-1e-44, 1e-44).map(np.float64)
    )
)
def test_double_to_float(library: ctypes.CDLL, direction: str, x: np.float64) -> None:
    got = call(library, f"double_to_float_{direction}", ctypes.c_float, [ctypes.c_double], x)
    assert got == rounded(Fraction(float(x)), direction, np.float32)


@given(a=finite("float"), b=finite("float"), c=finite("float"))
@example(a=np.float32(1 + 2.0**-12), b=np.float32(1 + 2.0**-12), c=np.float32(-1 - 2.0**-11))
def test_rn_functions_are_not_fused(
    library: ctypes.CDLL, a: np.float32, b: np.float32, c: np.float32
) -> None:
    with np.errstate(all="ignore"):
        single = (a * b) + c
        double = np.float64(a) * np.float64(b + np.float32(0.1)) - np.float64(c)
    one = [ctypes.c_float] * 3
    for name in ("not_fused", "half_fused"):
        got = np.float32(call(library, name, ctypes.c_float, one, a, b, c))
        assert np.array_equal(got, single, equal_nan=True)
    two = [ctypes.c_double] * 3
    with np.errstate(all="ignore"):
        second = np.float64(b + np.float32(0.1))
    wide = np.float64(a), second, np.float64(c)
    assert call(library, "not_fused_double", ctypes.c_double, two, *wide) == double


@given(x=st.floats(float(np.float32(1e-45)), float(np.finfo(np.float32).max), width=32).map(np.float32))
def test_reciprocal_root_is_rounded_correctly(library: ctypes.CDLL, x: np.float32) -> None:
    got = np.float32(call(library, "reciprocal_root", ctypes.c_float, [ctypes.c_float], x))
    exact = Fraction(float(x))
    low = (Fraction(float(got)) + Fraction(float(np.nextafter(got, np.float32(0))))) / 2
    high = (Fraction(float(got)) + Fraction(float(np.nextafter(got, np.float32(np.inf))))) / 2
    assert low**2 * exact <= 1 <= high**2 * exact  # 1 / sqrt(x) lies within half a step


def test_extremes_of_nan_and_zero(library: ctypes.CDLL) -> None:
    one = [ctypes.c_float, ctypes.c_float]

    def maximum(a: float, b: float) -> float:
        return call(library, "maximum", ctypes.c_float, one, a, b)

    assert maximum(math.nan, 2) == maximum(2, math.nan) == 2
    assert math.isnan(maximum(math.nan, math.nan))
    assert math.copysign(1, maximum(0.0, -0.0)) == math.copysign(1, maximum(-0.0, 0.0)) == 1
    assert maximum(-math.inf, 3) == 3 and maximum(math.inf, 3) == math.inf
    mixed = [ctypes.c_float, ctypes.c_double]
    assert call(library, "minimum", ctypes.c_double, mixed, math.nan, 0.1) == 0.1
    assert math.copysign(1, call(library, "minimum", ctypes.c_double, mixed, 0.0, -0.0)) == -1


def test_saturation_and_fast_division(library: ctypes.CDLL) -> None:
    one, two = [ctypes.c_float], [ctypes.c_float] * 2
    results = [call(library, "saturate", ctypes.c_float, one, x) for x in (-1.0, 0.25, 7.0, math.nan)]
    assert results == [0, 0.25, 1, 0]
    assert call(library, "fast_divide", ctypes.c_float, two, 6.0, 3.0) == 2
    assert call(library, "fast_divide", ctypes.c_float, two, 6.0, 2.0**127) == 0
    assert math.isnan(call(library, "fast_divide", ctypes.c_float, two, math.inf, 2.0**127))


@given(x=st.floats(allow_nan=False))
def test_bits_there_and_back(library: ctypes.CDLL, x: float) -> None:
    got = call(library, "words", ctypes.c_double, [ctypes.c_double], x)
    assert np.float64(got).view(np.uint64) == np.float64(x).view(np.uint64)
    with np.errstate(all="ignore"):
        single = np.float32(x)
    assert call(library, "bits", ctypes.c_uint32, [ctypes.c_float], single) == int(single.view(np.uint32))
