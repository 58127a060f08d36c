"""The mathematical functions of CUDA: what each must compute, how far off it may be, where it is tried.

The bounds are meant to be those of the CUDA C++ Programming Guide, and were written down from memory: compare
them with its table before relying on one. A bound is the distance, counted in representable numbers, between
the result and the exact one rounded. References are in 113-bit floating point (libquadmath).
"""

from __future__ import annotations

from typing import NamedTuple


class Function(NamedTuple):
    """One function; `low` and `high` bound every argument."""

    name: str
    reference: str  # C++ over __float128 x, y, z, w
    single: int  # bound of the float function
    double: int  # bound of the double function
    low: float
    high: float
    arguments: int = 1


FULL = 1e300  # beyond float's range: the float function is tried up to its own largest number

FUNCTIONS = [
    Function("rsqrt", "1 / sqrtq(x)", 2, 1, 0, FULL),
    Function("sqrt", "sqrtq(x)", 0, 0, 0, FULL),
    Function("cbrt", "cbrtq(x)", 1, 1, -FULL, FULL),
    Function("rcbrt", "1 / cbrtq(x)", 1, 1, -FULL, FULL),
    Function("hypot", "hypotq(x, y)", 3, 2, -FULL, FULL, 2),
    Function("rhypot", "1 / hypotq(x, y)", 2, 1, -FULL, FULL, 2),
    Function("norm3d", "sqrtq(x*x + y*y + z*z)", 3, 2, -FULL, FULL, 3),
    Function("rnorm3d", "1 / sqrtq(x*x + y*y + z*z)", 2, 1, -FULL, FULL, 3),
    Function("norm4d", "sqrtq(x*x + y*y + z*z + w*w)", 3, 2, -FULL, FULL, 4),
    Function("rnorm4d", "1 / sqrtq(x*x + y*y + z*z + w*w)", 2, 1, -FULL, FULL, 4),
    Function("exp", "expq(x)", 2, 1, -800, 800),
    Function("exp2", "exp2q(x)", 2, 1, -1100, 1100),
    Function("exp10", "powq(10, x)", 2, 1, -330, 330),
    Function("expm1", "expm1q(x)", 1, 1, -800, 800),
    Function("log", "logq(x)", 1, 1, 0, FULL),
    Function("log2", "log2q(x)", 1, 1, 0, FULL),
    Function("log10", "log10q(x)", 2, 1, 0, FULL),
    Function("log1p", "log1pq(x)", 1, 1, -1, FULL),
    Function("sin", "sinq(x)", 2, 2, -FULL, FULL),
    Function("cos", "cosq(x)", 2, 2, -FULL, FULL),
    Function("tan", "tanq(x)", 4, 2, -FULL, FULL),
    Function("sinpi", "sine_of_turns(x)", 1, 2, -1e6, 1e6),
    Function("cospi", "sine_of_turns(x + 0.5Q)", 1, 2, -1e6, 1e6),
    Function("asin", "asinq(x)", 2, 2, -1, 1),
    Function("acos", "acosq(x)", 2, 2, -1, 1),
    Function("atan", "atanq(x)", 2, 2, -FULL, FULL),
    Function("atan2", "atan2q(x, y)", 3, 2, -FULL, FULL, 2),
    Function("sinh", "sinhq(x)", 3, 2, -720, 720),
    Function("cosh", "coshq(x)", 2, 1, -720, 720),
    Function("tanh", "tanhq(x)", 2, 1, -50, 50),
    Function("asinh", "asinhq(x)", 3, 3, -FULL, FULL),
    Function("acosh", "acoshq(x)", 4, 3, 1, FULL),
    Function("atanh", "atanhq(x)", 3, 2, -1, 1),
    Function("pow", "powq(x, y)", 4, 2, 1e-3, 50, 2),
    Function("erf", "erfq(x)", 2, 2, -30, 30),
    Function("erfc", "erfcq(x)", 4, 5, -30, 30),
    Function("erfinv", "erf_inverse(x)", 2, 5, -1, 1),
    Function("erfcinv", "erfc_inverse(x)", 4, 6, 0, 2),
    Function("erfcx", "erfc_scaled(x)", 4, 4, -26, FULL),
    Function("normcdf", "erfcq(-x * M_SQRT1_2q) / 2", 5, 5, -38, 38),
    Function("normcdfinv", "-M_SQRT2q * erfc_inverse(2 * x)", 5, 8, 0, 1),
    Function("lgamma", "lgammaq(x)", 6, 4, 0, 1e30),
    Function("tgamma", "tgammaq(x)", 5, 10, -30, 171),
    Function("j0", "j0q(x)", 9, 7, -8, 8),
    Function("j1", "j1q(x)", 9, 7, -8, 8),
    Function("y0", "y0q(x)", 9, 7, 0, 8),
    Function("y1", "y1q(x)", 9, 7, 0, 8),
    Function("cyl_bessel_i0", "bessel_i(0, x)", 6, 6, -700, 700),
    Function("cyl_bessel_i1", "bessel_i(1, x)", 6, 6, -700, 700),
    Function("fmod", "fmodq(x, y)", 0, 0, -1e30, 1e30, 2),
    Function("remainder", "remainderq(x, y)", 0, 0, -1e30, 1e30, 2),
    Function("fdim", "fdimq(x, y)", 0, 0, -FULL, FULL, 2),
    Function("logb", "logbq(x)", 0, 0, 0, FULL),
    Function("rint", "rintq(x)", 0, 0, -1e17, 1e17),
    Function("round", "roundq(x)", 0, 0, -1e17, 1e17),
    Function("trunc", "truncq(x)", 0, 0, -1e17, 1e17),
    Function("ceil", "ceilq(x)", 0, 0, -1e17, 1e17),
    Function("floor", "floorq(x)", 0, 0, -1e17, 1e17),
]

REFERENCES = r"""
extern "C" {
#include <quadmath.h>
}
typedef __float128 Quad;

// Bisection, then Newton: slow, and sharing nothing with the functions under test but erfc itself.
static Quad erfc_inverse(Quad y) {
    if (y == 0) return HUGE_VALQ;
    if (y == 2) return -HUGE_VALQ;
    if (y > 1) return -erfc_inverse(2 - y);
    Quad low = 0, high = 110;
    for (int i = 0; i < 20; ++i) {
        const Quad middle = (low + high) / 2;
        (erfcq(middle) > y ? low : high) = middle;
    }
    Quad x = low;
    for (int i = 0; i < 8; ++i) x += (erfcq(x) - y) / (M_2_SQRTPIq * expq(-x * x));
    return x;
}
static Quad erf_inverse(Quad y) {
    if (fabsq(y) == 1) return y * HUGE_VALQ;
    if (fabsq(y) > 0.25Q) return y > 0 ? erfc_inverse(1 - y) : -erfc_inverse(1 + y);
    Quad x = y / M_2_SQRTPIq;
    for (int i = 0; i < 8; ++i) x -= (erfq(x) - y) / (M_2_SQRTPIq * expq(-x * x));
    return x;
}
static Quad erfc_scaled(Quad x) {
    if (x < 100) return expq(x * x) * erfcq(x);
    Quad tail = 0;  // continued fraction, from its end
    for (int k = 60; k > 0; --k) tail = k / 2.0Q / (x + tail);
    return M_2_SQRTPIq / 2 / (x + tail);
}
static Quad sine_of_turns(Quad x) {
    const Quad period = x - 2 * rintq(x / 2);
    return period == rintq(period) ? 0 : sinq(M_PIq * period);
}
static Quad bessel_i(int order, Quad x) {
    const Quad q = x * x / 4;
    Quad term = order ? x / 2 : 1, sum = term;
    for (int k = 1; fabsq(term) > fabsq(sum) * 1e-36Q; ++k) {
        term *= q / (Quad(k) * (k + order));
        sum += term;
    }
    return sum;
}

// How many representable numbers lie between two; both NaN: none.
template <class T, class Bits>
static double distance(T one, T other) {
    if (one != one || other != other) return one != one && other != other ? 0 : HUGE_VAL;
    constexpr Bits sign = Bits(1) << (8 * sizeof(Bits) - 1);
    const Bits x = __builtin_bit_cast(Bits, one), y = __builtin_bit_cast(Bits, other);
    const __int128 a = x & sign ? -__int128(x ^ sign) : __int128(x);
    const __int128 b = y & sign ? -__int128(y ^ sign) : __int128(y);
    return double(a > b ? a - b : b - a);
}
"""


def source() -> str:
    """C++ with one function per CUDA function and precision, which gives the distance for each point."""
    parts = [REFERENCES]
    for function in FUNCTIONS:
        for real, bits, suffix in (("float", "uint32_t", "f"), ("double", "uint64_t", "")):
            called = ", ".join(f"{letter}s[i]" for letter in "xyzw"[: function.arguments])
            quads = " ".join(
                f"const Quad {letter} = {letter}s[i];" for letter in "xyzw"[: function.arguments]
            )
            points = ", ".join(f"const {real}* {letter}s" for letter in "xyzw")
            parts.append(f"""
extern "C" __attribute__((visibility("default")))
void distance_{function.name}{suffix}({points}, double* distances, {real}* results, long count) {{
    for (long i = 0; i < count; ++i) {{
        {quads}
        const {real} exact = static_cast<{real}>({function.reference});
        results[i] = {function.name}{suffix}({called});
        distances[i] = distance<{real}, {bits}>(results[i], exact);
        const {real} by_overload = {function.name}({called});
        if (distance<{real}, {bits}>(by_overload, results[i]) != 0) distances[i] = HUGE_VAL;
    }}
    static_cast<void>(ys), static_cast<void>(zs), static_cast<void>(ws);
}}""")
    return "\n".join(parts)
