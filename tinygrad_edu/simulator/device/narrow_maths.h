// Operators, maths functions and cached loads of a 16-bit floating type. Included once for each type.
//
// The maths functions are computed in float and rounded: within one unit in the last place, mostly exact.
#define SIM_OPERATORS(Type, add, subtract, multiply, divide, negate)                      \
    SIM_AT_CALLER Type operator+(const Type& a, const Type& b) { return add(a, b); }      \
    SIM_AT_CALLER Type operator-(const Type& a, const Type& b) { return subtract(a, b); } \
    SIM_AT_CALLER Type operator*(const Type& a, const Type& b) { return multiply(a, b); } \
    SIM_AT_CALLER Type operator/(const Type& a, const Type& b) { return divide(a, b); }   \
    SIM_AT_CALLER Type& operator+=(Type& a, const Type& b) { return a = add(a, b); }      \
    SIM_AT_CALLER Type& operator-=(Type& a, const Type& b) { return a = subtract(a, b); } \
    SIM_AT_CALLER Type& operator*=(Type& a, const Type& b) { return a = multiply(a, b); } \
    SIM_AT_CALLER Type& operator/=(Type& a, const Type& b) { return a = divide(a, b); }   \
    SIM_AT_CALLER Type operator+(const Type& a) { return a; }                             \
    SIM_AT_CALLER Type operator-(const Type& a) { return negate(a); }
SIM_OPERATORS(SIM_TYPE, __hadd, __hsub, __hmul, __hdiv, __hneg)
SIM_OPERATORS(SIM_TYPE2, __hadd2, __hsub2, __hmul2, __h2div, __hneg2)
#undef SIM_OPERATORS
#define SIM_STEPS(Type, unit)                                     \
    SIM_AT_CALLER Type& operator++(Type& a) { return a += unit; } \
    SIM_AT_CALLER Type& operator--(Type& a) { return a -= unit; } \
    SIM_AT_CALLER Type operator++(Type& a, int) {                 \
        Type before = a;                                          \
        a += unit;                                                \
        return before;                                            \
    }                                                             \
    SIM_AT_CALLER Type operator--(Type& a, int) {                 \
        Type before = a;                                          \
        a -= unit;                                                \
        return before;                                            \
    }
SIM_STEPS(SIM_TYPE, SIM_TYPE(1.0f))
SIM_STEPS(SIM_TYPE2, SIM_TYPE2(1.0f, 1.0f))
#undef SIM_STEPS
#define SIM_RELATION(sign, one, pair)                                                            \
    SIM_AT_CALLER bool operator sign(const SIM_TYPE& a, const SIM_TYPE& b) { return one(a, b); } \
    SIM_AT_CALLER bool operator sign(const SIM_TYPE2& a, const SIM_TYPE2& b) { return pair(a, b); }
SIM_RELATION(==, __heq, __hbeq2)
SIM_RELATION(!=, __hneu, __hbneu2)
SIM_RELATION(<, __hlt, __hblt2)
SIM_RELATION(<=, __hle, __hble2)
SIM_RELATION(>, __hgt, __hbgt2)
SIM_RELATION(>=, __hge, __hbge2)
#undef SIM_RELATION

#define SIM_MATHS(word, expression)              \
    SIM_F h##word(SIM_TYPE a) {                  \
        float x = a;                             \
        return SIM_NAME(sim::to_, )(expression); \
    }                                            \
    SIM_F2 h2##word(SIM_TYPE2 a) { return SIM_TYPE2(h##word(a.x), h##word(a.y)); }
SIM_MATHS(exp, __builtin_expf(x))
SIM_MATHS(exp2, __builtin_exp2f(x))
SIM_MATHS(exp10, __builtin_pow(10, double(x)))
SIM_MATHS(log, __builtin_logf(x))
SIM_MATHS(log2, __builtin_log2f(x))
SIM_MATHS(log10, __builtin_log10f(x))
SIM_MATHS(sin, __builtin_sinf(x))
SIM_MATHS(cos, __builtin_cosf(x))
SIM_MATHS(tanh, __builtin_tanhf(x))
SIM_MATHS(tanh_approx, __builtin_tanhf(x))
SIM_MATHS(sqrt, __builtin_sqrt(double(x)))
SIM_MATHS(rsqrt, 1 / __builtin_sqrt(double(x)))
SIM_MATHS(rcp, 1 / double(x))
SIM_MATHS(ceil, __builtin_ceilf(x))
SIM_MATHS(floor, __builtin_floorf(x))
SIM_MATHS(rint, __builtin_rintf(x))
SIM_MATHS(trunc, __builtin_truncf(x))
#undef SIM_MATHS

// Loads and stores with a cache policy: there is no cache to choose.
#define SIM_LOAD(name)                           \
    SIM_F name(const SIM_TYPE* p) { return *p; } \
    SIM_F2 name(const SIM_TYPE2* p) { return *p; }
SIM_LOAD(__ldg)
SIM_LOAD(__ldca)
SIM_LOAD(__ldcg)
SIM_LOAD(__ldcs)
SIM_LOAD(__ldcv)
SIM_LOAD(__ldlu)
#undef SIM_LOAD
#define SIM_STORE(name)                                          \
    SIM_AT_CALLER void name(SIM_TYPE* p, SIM_TYPE a) { *p = a; } \
    SIM_AT_CALLER void name(SIM_TYPE2* p, SIM_TYPE2 a) { *p = a; }
SIM_STORE(__stwb)
SIM_STORE(__stcg)
SIM_STORE(__stcs)
SIM_STORE(__stwt)
#undef SIM_STORE
