"""Mathematical functions of kernels stay within the error bounds that CUDA documents."""

from __future__ import annotations

import ctypes
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.simulator import harness
from tests.simulator.maths_table import FUNCTIONS, Function, source

SWEEP = 800


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    try:
        return harness.build(source(), ("-fext-numeric-literals",), ("-lquadmath",))
    except AssertionError as error:
        if "quadmath" in str(error):
            pytest.skip("no libquadmath here, the reference; it comes with g++ on x86-64")
        raise


def worst(
    library: ctypes.CDLL, function: Function, dtype: type, points: list[np.ndarray]
) -> tuple[float, str]:
    """The largest distance over the points, and where it is."""
    columns = [np.ascontiguousarray(column, dtype) for column in points]
    columns += [columns[0]] * (4 - len(columns))
    distances, results = np.empty(len(columns[0])), np.empty(len(columns[0]), dtype)
    name = function.name + ("f" if dtype is np.float32 else "")
    getattr(library, f"distance_{name}")(
        *(ctypes.c_void_p(column.ctypes.data) for column in columns),
        ctypes.c_void_p(distances.ctypes.data),
        ctypes.c_void_p(results.ctypes.data),
        ctypes.c_long(len(distances)),
    )
    at = int(np.argmax(distances))
    arguments = ", ".join(repr(float(column[at])) for column in columns[: function.arguments])
    return float(distances[at]), f"{name}({arguments}) = {results[at]!r}"


def limits(function: Function, dtype: type) -> tuple[float, float]:
    largest = float(np.finfo(dtype).max)
    return max(function.low, -largest), min(function.high, largest)


def spread(function: Function, dtype: type, seed: int) -> np.ndarray:
    """Points over the domain: even, even in the exponent, and crowded at both ends."""
    rng = np.random.default_rng(seed)
    low, high = limits(function, dtype)
    even = low / 2 + (high / 2 - low / 2) * rng.random(SWEEP)
    even = even * 2
    # Results near the smallest numbers are in the domain as well; arguments that are subnormal too.
    smallest = float(np.finfo(dtype).smallest_subnormal)
    exponents = rng.uniform(np.log2(smallest), np.log2(max(-low, high)), SWEEP)
    sizes = np.exp2(exponents) * (rng.choice([-1, 1], SWEEP) if low < 0 else 1)
    moderate = np.exp2(rng.uniform(-12, 6, SWEEP)) * (rng.choice([-1, 1], SWEEP) if low < 0 else 1)
    ends = np.concatenate(
        [
            low + (np.abs(low) or 1) * np.exp2(-rng.uniform(1, 20, SWEEP)),
            high - (np.abs(high) or 1) * np.exp2(-rng.uniform(1, 20, SWEEP)),
        ]
    )
    points = np.concatenate([even, sizes, moderate, ends]).astype(dtype)
    return points[(points >= low) & (points <= high)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float", "double"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])
def test_within_documented_error_over_the_domain(
    library: ctypes.CDLL, function: Function, dtype: type
) -> None:
    columns = [spread(function, dtype, seed) for seed in range(function.arguments)]
    rng = np.random.default_rng(5)
    columns = [rng.permutation(column) if i else column for i, column in enumerate(columns)]
    shortest = min(len(column) for column in columns)
    distance, where = worst(library, function, dtype, [column[:shortest] for column in columns])
    bound = function.single if dtype is np.float32 else function.double
    assert distance <= bound, f"{where} is {distance:.0f} numbers away from the exact result"


@pytest.mark.parametrize("dtype", [np.float32, np.float64], ids=["float", "double"])
@pytest.mark.parametrize("function", FUNCTIONS, ids=[function.name for function in FUNCTIONS])
@given(data=st.data())
def test_within_documented_error_where_hypothesis_looks(
    library: ctypes.CDLL, function: Function, dtype: type, data: Any
) -> None:
    low, high = limits(function, dtype)
    width = 32 if dtype is np.float32 else 64
    if width == 32:  # bounds that a float can hold
        low, high = (float(np.nextafter(np.float32(end), np.float32(0))) for end in (low, high))
    number = st.floats(low, high, width=width)
    points = data.draw(st.lists(st.tuples(*[number] * function.arguments), min_size=1, max_size=30))
    distance, where = worst(library, function, dtype, [np.array(column) for column in zip(*points)])
    bound = function.single if dtype is np.float32 else function.double
    assert distance <= bound, f"{where} is {distance:.0f} numbers away from the exact result"


# Arguments outside the finite domain, and what mathematics (C's annex F, where it has the function) says.
INF, NAN = math.inf, math.nan
# fmt: off
SPECIAL_VALUES = [
    ("rsqrt", 0.0, INF), ("rsqrt", -0.0, -INF), ("rsqrt", INF, 0.0), ("rsqrt", -1.0, NAN),
    ("rcbrt", -0.0, -INF), ("rcbrt", -INF, -0.0), ("cbrt", -8.0, -2.0),
    ("sinpi", 0.5, 1.0), ("sinpi", -0.0, -0.0), ("sinpi", 1e30, 0.0), ("sinpi", INF, NAN),
    ("cospi", 0.5, 0.0), ("cospi", 1.0, -1.0), ("cospi", 3.5, 0.0), ("cospi", -INF, NAN),
    ("erfinv", 1.0, INF), ("erfinv", -1.0, -INF), ("erfinv", 1.5, NAN), ("erfinv", -0.0, -0.0),
    ("erfcinv", 0.0, INF), ("erfcinv", 2.0, -INF), ("erfcinv", -1.0, NAN), ("erfcinv", 1.0, 0.0),
    ("erfcx", INF, 0.0), ("erfcx", -INF, INF), ("erfcx", NAN, NAN), ("erfcx", -40.0, INF),
    ("normcdf", INF, 1.0), ("normcdf", -INF, 0.0), ("normcdf", NAN, NAN), ("normcdf", 0.0, 0.5),
    ("normcdfinv", 0.0, -INF), ("normcdfinv", 1.0, INF), ("normcdfinv", 0.5, 0.0), ("normcdfinv", NAN, NAN),
    ("cyl_bessel_i0", 0.0, 1.0), ("cyl_bessel_i0", -INF, INF), ("cyl_bessel_i0", NAN, NAN),
    ("cyl_bessel_i1", -0.0, -0.0), ("cyl_bessel_i1", -INF, -INF), ("cyl_bessel_i1", 1e5, INF),
    ("exp10", -INF, 0.0), ("tanh", INF, 1.0), ("cosh", -INF, INF), ("tgamma", -INF, NAN),
    ("lgamma", -1.0, INF),
    ("y0", 0.0, -INF), ("y1", -1.0, NAN), ("log1p", -1.0, -INF), ("logb", 0.0, -INF),
]
# fmt: on


@pytest.mark.parametrize("suffix", ["f", ""], ids=["float", "double"])
@pytest.mark.parametrize("name, x, want", SPECIAL_VALUES)
def test_special_values(library: ctypes.CDLL, name: str, x: float, want: float, suffix: str) -> None:
    dtype = np.float32 if suffix else np.float64
    points, results, distances = np.full(1, x, dtype), np.empty(1, dtype), np.empty(1)
    address = ctypes.c_void_p(points.ctypes.data)
    getattr(library, f"distance_{name}{suffix}")(
        address,
        address,
        address,
        address,
        ctypes.c_void_p(distances.ctypes.data),
        ctypes.c_void_p(results.ctypes.data),
        ctypes.c_long(1),
    )
    got = float(results[0])
    assert (math.isnan(want) and math.isnan(got)) or got == want
    assert math.isnan(want) or math.copysign(1, got) == math.copysign(1, want)


def test_infinity_wins_over_nan_in_norms(library: ctypes.CDLL) -> None:
    column = np.array([INF, NAN, 3.0]), np.array([NAN, -INF, NAN]), np.array([1.0, NAN, 4.0])
    results, distances = np.empty(3), np.empty(3)
    for name, expected in (("norm3d", [INF, INF, NAN]), ("rnorm3d", [0.0, 0.0, NAN])):
        getattr(library, f"distance_{name}")(
            *(ctypes.c_void_p(x.ctypes.data) for x in (*column, column[0], distances, results)),
            ctypes.c_long(3),
        )
        np.testing.assert_array_equal(results, expected)


OTHERS = r"""
#include <math_constants.h>
#include <cuComplex.h>
#define SEEN extern "C" __attribute__((visibility("default")))
SEEN void through_pointers(double x, double y, double* out) {
    float sine, cosine, whole;
    double s, c, w;
    int exponent, quotient;
    sincos(x, &s, &c), out[0] = s, out[1] = c;
    sincosf(float(x), &sine, &cosine), out[2] = sine, out[3] = cosine;
    sincos(float(x), &sine, &cosine), out[4] = sine, out[5] = cosine;
    sincospi(x, &s, &c), out[6] = s, out[7] = c;
    sincospif(float(x), &sine, &cosine), out[8] = sine, out[9] = cosine;
    out[10] = frexp(x, &exponent), out[11] = exponent;
    out[12] = std::frexp(float(x), &exponent), out[13] = exponent;
    out[14] = modf(x, &w), out[15] = w;
    out[16] = std::modf(float(x), &whole), out[17] = whole;
    out[18] = remquo(x, y, &quotient), out[19] = quotient;
    const float elements[3] = {float(x), float(y), 2.0f};
    const double wide[3] = {x, y, 2.0};
    out[20] = norm(3, wide), out[21] = rnorm(3, wide);
    out[22] = norm(3, elements), out[23] = rnormf(3, elements);
    out[24] = jn(3, x), out[25] = jn(3, float(x)), out[26] = yn(2, y), out[27] = ynf(2, float(y));
    out[28] = __expf(float(x)), out[29] = __powf(float(y), 2.5f), out[30] = std::fmax(float(x), float(y));
    out[31] = fmin(1, y), out[32] = fdividef(float(x), float(y)),
    out[33] = CUDART_PI, out[34] = CUDART_SQRT_2PI;
    const cuDoubleComplex q = cuCdiv(make_cuDoubleComplex(x, y), make_cuDoubleComplex(1, -2));
    out[35] = cuCreal(q), out[36] = cuCimag(q);
    const cuComplex p = cuCmulf(make_cuComplex(float(x), float(y)), make_cuComplex(1, -2));
    out[37] = cuCrealf(p), out[38] = cuCimagf(p), out[39] = cuCabsf(make_cuComplex(3, 4));
}
#define GIVES(expression, type) static_assert(std::is_same_v<decltype(expression), type>)
GIVES(sin(1.0f), float);
GIVES(exp10(1.0f), float);
GIVES(rsqrt(1.0f), float);
GIVES(fmax(1.0f, 2.0f), float);
GIVES(fmin(1, 2), double);
GIVES(max(1.0f, 2.0), double);
GIVES(max(1, 2u), unsigned);
GIVES(min(1l, 2l), long);
"""


@given(x=st.floats(-20, 20), y=st.floats(0.5, 20))
def test_the_other_functions(others: ctypes.CDLL, x: float, y: float) -> None:
    scipy_special = pytest.importorskip("scipy.special", reason="the reference is SciPy: pip install scipy")
    out = np.full(40, np.nan)
    others.through_pointers(ctypes.c_double(x), ctypes.c_double(y), ctypes.c_void_p(out.ctypes.data))
    f, g = float(np.float32(x)), float(np.float32(y))
    turn = math.fmod(x, 2)
    fraction, whole = math.modf(x)
    single_fraction, single_whole = math.modf(f)
    rest = math.remainder(x, y)
    quotient = round((x - rest) / y)
    size, single_size = math.hypot(x, y, 2), math.hypot(f, g, 2)
    ratio, product = complex(x, y) / (1 - 2j), complex(f, g) * (1 - 2j)
    want = [
        math.sin(x), math.cos(x), math.sin(f), math.cos(f), math.sin(f), math.cos(f),
        math.sin(math.pi * turn), math.cos(math.pi * turn),
        math.sin(math.pi * math.fmod(f, 2)), math.cos(math.pi * math.fmod(f, 2)),
        *math.frexp(x), *math.frexp(f), fraction, whole, single_fraction, single_whole, rest, None,
        size, 1 / size, single_size, 1 / single_size,
        scipy_special.jv(3, x), scipy_special.jv(3, f), scipy_special.yn(2, y), scipy_special.yn(2, g),
        math.exp(f), g**2.5, max(f, g), min(1, y), f / g, math.pi, math.sqrt(2 * math.pi),
        ratio.real, ratio.imag, product.real, product.imag, 5.0,
    ]  # fmt: skip
    got_quotient = int(out[19])
    assert abs(got_quotient) % 8 == abs(quotient) % 8
    assert got_quotient == 0 or (got_quotient > 0) == (quotient > 0)
    want[19] = got_quotient
    np.testing.assert_allclose(out, np.array(want, float), rtol=2e-6, atol=3e-5)


@pytest.fixture(scope="module")
def others() -> ctypes.CDLL:
    return harness.build(OTHERS)
