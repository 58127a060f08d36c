// Conversions, arithmetic and comparisons of a 16-bit floating type and of its pair.
// Included once for each type.
//
// Every operation rounds once. nvcc may fuse a * b + c of halves into one __hfma; here only __hfma does that.
#define SIM_JOIN_(a, b, c) a##b##c
#define SIM_JOIN(a, b, c) SIM_JOIN_(a, b, c)
#define SIM_NAME(before, after) SIM_JOIN(before, SIM_WORD, after)
#define SIM_TWICE(before, after) SIM_JOIN(SIM_NAME(before, 2), SIM_WORD, after)
#define SIM_F SIM_AT_CALLER SIM_TYPE
#define SIM_F2 SIM_AT_CALLER SIM_TYPE2

namespace sim {
SIM_F SIM_NAME(as_, )(unsigned short bits) { return SIM_TYPE(SIM_RAW{bits}); }
SIM_AT_CALLER unsigned short bits_of(SIM_TYPE a) { return SIM_RAW(a).x; }
template <class Wide>
SIM_F SIM_NAME(to_, )(Wide x) {
    return SIM_NAME(as_, )(narrow<SIM_FORMAT>(x));
}
SIM_AT_CALLER SIM_FORMAT::Exact wide(SIM_TYPE a) { return SIM_FORMAT::value(bits_of(a)); }
SIM_F saturated(SIM_TYPE a) {  // to [0, 1]; NaN becomes 0
    float x = a;
    return SIM_NAME(as_, )(x >= 1 ? SIM_FORMAT::one : x > 0 ? bits_of(a) : 0);
}
}  // namespace sim

// --- from and to float and double ---
SIM_F SIM_NAME(__double2, )(double a) { return SIM_TYPE(a); }
SIM_F SIM_NAME(__float2, )(float a) { return SIM_TYPE(a); }
SIM_F SIM_NAME(__float2, _rn)(float a) { return SIM_TYPE(a); }
SIM_F SIM_NAME(__float2, _rz)(float a) {
    return SIM_NAME(sim::as_, )(sim::narrow<SIM_FORMAT, sim::Rounding::zero>(a));
}
SIM_F SIM_NAME(__float2, _ru)(float a) {
    return SIM_NAME(sim::as_, )(sim::narrow<SIM_FORMAT, sim::Rounding::up>(a));
}
SIM_F SIM_NAME(__float2, _rd)(float a) {
    return SIM_NAME(sim::as_, )(sim::narrow<SIM_FORMAT, sim::Rounding::down>(a));
}
SIM_AT_CALLER float SIM_NAME(__, 2float)(SIM_TYPE a) { return a; }

// --- from and to integers ---
#define SIM_ROUNDED(Integer, word, suffix, way)                                                  \
    SIM_F SIM_NAME(__##word##2, suffix)(Integer i) {                                             \
        return SIM_NAME(sim::as_, )(sim::narrow<SIM_FORMAT, sim::Rounding::way>(sim::exact(i))); \
    }                                                                                            \
    SIM_AT_CALLER Integer SIM_NAME(__, 2##word##suffix)(SIM_TYPE a) {                            \
        return sim::to_integer<Integer, sim::Rounding::way>(a);                                  \
    }
#define SIM_CONVERSIONS(Integer, word)       \
    SIM_ROUNDED(Integer, word, _rn, nearest) \
    SIM_ROUNDED(Integer, word, _rz, zero)    \
    SIM_ROUNDED(Integer, word, _ru, up)      \
    SIM_ROUNDED(Integer, word, _rd, down)
SIM_CONVERSIONS(short, short)
SIM_CONVERSIONS(unsigned short, ushort)
SIM_CONVERSIONS(int, int)
SIM_CONVERSIONS(unsigned, uint)
SIM_CONVERSIONS(long long, ll)
SIM_CONVERSIONS(unsigned long long, ull)
#undef SIM_CONVERSIONS
#undef SIM_ROUNDED
SIM_AT_CALLER signed char SIM_NAME(__, 2char_rz)(SIM_TYPE a) { return a; }
SIM_AT_CALLER unsigned char SIM_NAME(__, 2uchar_rz)(SIM_TYPE a) { return a; }
SIM_AT_CALLER short SIM_NAME(__, _as_short)(SIM_TYPE a) { return short(sim::bits_of(a)); }
SIM_AT_CALLER unsigned short SIM_NAME(__, _as_ushort)(SIM_TYPE a) { return sim::bits_of(a); }
SIM_F SIM_NAME(__short_as_, )(short i) { return SIM_NAME(sim::as_, )((unsigned short)i); }
SIM_F SIM_NAME(__ushort_as_, )(unsigned short i) { return SIM_NAME(sim::as_, )(i); }

// --- pairs ---
SIM_F2 SIM_NAME(make_, 2)(SIM_TYPE x, SIM_TYPE y) { return SIM_TYPE2(x, y); }
SIM_F2 SIM_NAME(__halves2, 2)(SIM_TYPE a, SIM_TYPE b) { return SIM_TYPE2(a, b); }
SIM_F2 SIM_TWICE(__, 2)(SIM_TYPE a) { return SIM_TYPE2(a, a); }
SIM_F2 SIM_NAME(__float2, 2_rn)(float a) { return SIM_TYPE2(a, a); }
SIM_F2 SIM_NAME(__floats2, 2_rn)(float a, float b) { return SIM_TYPE2(a, b); }
SIM_F2 SIM_NAME(__float22, 2_rn)(float2 a) { return SIM_TYPE2(a.x, a.y); }
SIM_AT_CALLER float2 SIM_NAME(__, 22float2)(SIM_TYPE2 a) { return make_float2(a.x, a.y); }
SIM_AT_CALLER float __low2float(SIM_TYPE2 a) { return a.x; }
SIM_AT_CALLER float __high2float(SIM_TYPE2 a) { return a.y; }
SIM_F SIM_NAME(__low2, )(SIM_TYPE2 a) { return a.x; }
SIM_F SIM_NAME(__high2, )(SIM_TYPE2 a) { return a.y; }
SIM_F2 SIM_NAME(__low2, 2)(SIM_TYPE2 a) { return SIM_TYPE2(a.x, a.x); }
SIM_F2 SIM_NAME(__high2, 2)(SIM_TYPE2 a) { return SIM_TYPE2(a.y, a.y); }
SIM_F2 SIM_NAME(__lows2, 2)(SIM_TYPE2 a, SIM_TYPE2 b) { return SIM_TYPE2(a.x, b.x); }
SIM_F2 SIM_NAME(__highs2, 2)(SIM_TYPE2 a, SIM_TYPE2 b) { return SIM_TYPE2(a.y, b.y); }
SIM_F2 __lowhigh2highlow(SIM_TYPE2 a) { return SIM_TYPE2(a.y, a.x); }

// --- arithmetic: plain, _rn (never melted into fma), _sat (to [0, 1]), and on pairs ---
#define SIM_ARITHMETIC(name, sign)                                                                      \
    SIM_F name(SIM_TYPE a, SIM_TYPE b) { return SIM_NAME(sim::to_, )(sim::wide(a) sign sim::wide(b)); } \
    SIM_F name##_rn(SIM_TYPE a, SIM_TYPE b) { return name(a, b); }                                      \
    SIM_F name##_sat(SIM_TYPE a, SIM_TYPE b) { return sim::saturated(name(a, b)); }                     \
    SIM_F2 name##2(SIM_TYPE2 a, SIM_TYPE2 b) { return SIM_TYPE2(name(a.x, b.x), name(a.y, b.y)); }      \
    SIM_F2 name##2_rn(SIM_TYPE2 a, SIM_TYPE2 b) { return name##2(a, b); }                               \
    SIM_F2 name##2_sat(SIM_TYPE2 a, SIM_TYPE2 b) {                                                      \
        return SIM_TYPE2(name##_sat(a.x, b.x), name##_sat(a.y, b.y));                                   \
    }
SIM_ARITHMETIC(__hadd, +)
SIM_ARITHMETIC(__hsub, -)
SIM_ARITHMETIC(__hmul, *)
#undef SIM_ARITHMETIC
SIM_F __hdiv(SIM_TYPE a, SIM_TYPE b) { return SIM_NAME(sim::to_, )(sim::wide(a) / sim::wide(b)); }
SIM_F2 __h2div(SIM_TYPE2 a, SIM_TYPE2 b) { return SIM_TYPE2(__hdiv(a.x, b.x), __hdiv(a.y, b.y)); }
SIM_F __hneg(SIM_TYPE a) { return SIM_NAME(sim::as_, )(sim::bits_of(a) ^ 0x8000); }
SIM_F __habs(SIM_TYPE a) { return SIM_NAME(sim::as_, )(sim::bits_of(a) & 0x7FFF); }
SIM_F2 __hneg2(SIM_TYPE2 a) { return SIM_TYPE2(__hneg(a.x), __hneg(a.y)); }
SIM_F2 __habs2(SIM_TYPE2 a) { return SIM_TYPE2(__habs(a.x), __habs(a.y)); }

// The product is exact in double. The sum is exact too, or one side is so much smaller that it only decides
// on which side of a 16-bit number the result is, never on which side of a midpoint: this is so for half.
// bfloat16 has a larger range than the bits of double, so its sum is rounded to odd.
namespace sim {
SIM_F fused(SIM_TYPE a, SIM_TYPE b, SIM_TYPE c) {
    double product = double(float(a)) * double(float(b)), addend = double(float(c));
    double sum = product + addend;
    double back = sum - product, error = (product - (sum - back)) + (addend - back);  // Knuth: what sum lost
    if (error != 0 && sum - sum == 0 && !(same_bits<uint64_t>(sum) & 1))
        sum = same_bits<double>(same_bits<uint64_t>(sum) + ((error > 0) == (sum > 0) ? 1 : -1));
    return SIM_NAME(to_, )(sum);
}
}  // namespace sim
#define SIM_FUSED(suffix, expression)                                                   \
    SIM_F __hfma##suffix(SIM_TYPE a, SIM_TYPE b, SIM_TYPE c) {                          \
        SIM_TYPE r = sim::fused(a, b, c);                                               \
        return expression;                                                              \
    }                                                                                   \
    SIM_F2 __hfma2##suffix(SIM_TYPE2 a, SIM_TYPE2 b, SIM_TYPE2 c) {                     \
        return SIM_TYPE2(__hfma##suffix(a.x, b.x, c.x), __hfma##suffix(a.y, b.y, c.y)); \
    }
SIM_FUSED(, r)
SIM_FUSED(_sat, sim::saturated(r))
SIM_FUSED(_relu, float(r) < 0 ? SIM_NAME(sim::as_, )(0) : r)
#undef SIM_FUSED
SIM_F2 __hcmadd(SIM_TYPE2 a, SIM_TYPE2 b, SIM_TYPE2 c) {  // complex a * b + c
    return SIM_TYPE2(__hfma(__hneg(a.y), b.y, __hfma(a.x, b.x, c.x)),
                     __hfma(a.y, b.x, __hfma(a.x, b.y, c.y)));
}

// --- minimum and maximum: with a NaN the result is the other operand, with _nan it is NaN; -0 is below +0
// ---
#define SIM_CHOOSE(name, name2, sign)                                                            \
    SIM_F name(SIM_TYPE a, SIM_TYPE b) {                                                         \
        float x = a, y = b;                                                                      \
        if (x != x) return y != y ? SIM_NAME(sim::as_, )(SIM_FORMAT::nan) : b;                   \
        if (y != y) return a;                                                                    \
        if (x == y) return short(sim::bits_of(a)) sign short(sim::bits_of(b)) ? a : b;           \
        return x sign y ? a : b;                                                                 \
    }                                                                                            \
    SIM_F name##_nan(SIM_TYPE a, SIM_TYPE b) {                                                   \
        float x = a, y = b;                                                                      \
        return x != x || y != y ? SIM_NAME(sim::as_, )(SIM_FORMAT::nan) : name(a, b);            \
    }                                                                                            \
    SIM_F2 name2(SIM_TYPE2 a, SIM_TYPE2 b) { return SIM_TYPE2(name(a.x, b.x), name(a.y, b.y)); } \
    SIM_F2 name2##_nan(SIM_TYPE2 a, SIM_TYPE2 b) {                                               \
        return SIM_TYPE2(name##_nan(a.x, b.x), name##_nan(a.y, b.y));                            \
    }
SIM_CHOOSE(__hmin, __hmin2, <)
SIM_CHOOSE(__hmax, __hmax2, >)
#undef SIM_CHOOSE

// --- comparisons: the forms with u are true for NaN ---
#define SIM_COMPARED(word, expression)                                                          \
    SIM_AT_CALLER bool __h##word(SIM_TYPE a, SIM_TYPE b) {                                      \
        float x = a, y = b;                                                                     \
        return expression;                                                                      \
    }                                                                                           \
    SIM_F2 __h##word##2(SIM_TYPE2 a, SIM_TYPE2 b) {                                             \
        return SIM_TYPE2(float(__h##word(a.x, b.x)), float(__h##word(a.y, b.y)));               \
    }                                                                                           \
    SIM_AT_CALLER unsigned __h##word##2_mask(SIM_TYPE2 a, SIM_TYPE2 b) {                        \
        return (__h##word(a.x, b.x) ? 0xFFFFu : 0u) | (__h##word(a.y, b.y) ? 0xFFFF0000u : 0u); \
    }                                                                                           \
    SIM_AT_CALLER bool __hb##word##2(SIM_TYPE2 a, SIM_TYPE2 b) {                                \
        return __h##word(a.x, b.x) && __h##word(a.y, b.y);                                      \
    }
// clang-format off: it takes `x < y || x > y` for a template
SIM_COMPARED(eq, x == y)
SIM_COMPARED(equ, !(x < y || x > y))
SIM_COMPARED(ne, x < y || x > y)
SIM_COMPARED(neu, x != y)
SIM_COMPARED(lt, x < y)
SIM_COMPARED(ltu, !(x >= y))
SIM_COMPARED(le, x <= y)
SIM_COMPARED(leu, !(x > y))
SIM_COMPARED(gt, x > y)
SIM_COMPARED(gtu, !(x <= y))
SIM_COMPARED(ge, x >= y)
SIM_COMPARED(geu, !(x < y))
// clang-format on
#undef SIM_COMPARED
SIM_AT_CALLER bool __hisnan(SIM_TYPE a) { return (sim::bits_of(a) & 0x7FFF) > SIM_FORMAT::infinity; }
SIM_AT_CALLER int __hisinf(SIM_TYPE a) {
    return (sim::bits_of(a) & 0x7FFF) != SIM_FORMAT::infinity ? 0 : sim::bits_of(a) >> 15 ? -1 : 1;
}
SIM_F2 __hisnan2(SIM_TYPE2 a) { return SIM_TYPE2(float(__hisnan(a.x)), float(__hisnan(a.y))); }
