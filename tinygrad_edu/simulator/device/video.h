// Arithmetic on four bytes or two halfwords packed into one word (the SIMD video intrinsics).
//
// Names: __v, the operation, s or u for signed or unsigned (ss and us saturate), and the number of elements.
#pragma once
#include "unseen.h"

namespace sim::maths {

// f of each element; its result is truncated to the bits of the element.
template <class Element, class Function>
unsigned each(unsigned a, unsigned b, unsigned c, Function f) {
    constexpr int bits = 8 * sizeof(Element);
    constexpr unsigned ones = (1u << bits) - 1;
    unsigned result = 0;
    for (int at = 0; at < 32; at += bits) {
        const int x = Element(a >> at), y = Element(b >> at), z = Element(c >> at);
        result |= (static_cast<unsigned>(f(x, y, z)) & ones) << at;
    }
    return result;
}
template <class Element>
int saturated(int x) {
    constexpr bool is_signed = Element(-1) < 0;
    constexpr int bits = 8 * sizeof(Element);
    constexpr int highest = is_signed ? (1 << (bits - 1)) - 1 : (1 << bits) - 1;
    constexpr int lowest = is_signed ? ~highest : 0;
    return x > highest ? highest : x < lowest ? lowest : x;
}
inline int larger(int x, int y) { return x > y ? x : y; }
inline int smaller(int x, int y) { return x < y ? x : y; }
inline int distance(int x, int y) { return x > y ? x - y : y - x; }

}  // namespace sim::maths

#define SIM_EACH1(name, element, result)                                                        \
    inline unsigned name(unsigned a) {                                                          \
        typedef element Element;                                                                \
        return sim::maths::each<Element>(a, 0, 0, [](int x, int, int) { return int(result); }); \
    }
#define SIM_EACH2(name, element, result)                                                          \
    inline unsigned name(unsigned a, unsigned b) {                                                \
        typedef element Element;                                                                  \
        return sim::maths::each<Element>(a, b, 0, [](int x, int y, int) { return int(result); }); \
    }
#define SIM_COMPARE(name, element, operation)                \
    SIM_EACH2(__vcmp##name, element, x operation y ? -1 : 0) \
    SIM_EACH2(__vset##name, element, x operation y)
#define SIM_SUM_OF_DISTANCES(name, element)                            \
    inline unsigned name(unsigned a, unsigned b) {                     \
        unsigned sum = 0;                                              \
        sim::maths::each<element>(a, b, 0, [&sum](int x, int y, int) { \
            sum += static_cast<unsigned>(sim::maths::distance(x, y));  \
            return 0;                                                  \
        });                                                            \
        return sum;                                                    \
    }
// A negative sum of a signed average is rounded down, a positive one up.
#define SIM_VIDEO(n, s, u)                                                                \
    SIM_EACH1(__vabs##n, s, sim::maths::distance(x, 0))                                   \
    SIM_EACH1(__vabsss##n, s, sim::maths::saturated<Element>(sim::maths::distance(x, 0))) \
    SIM_EACH1(__vneg##n, s, -x)                                                           \
    SIM_EACH1(__vnegss##n, s, sim::maths::saturated<Element>(-x))                         \
    SIM_EACH2(__vadd##n, u, x + y)                                                        \
    SIM_EACH2(__vaddss##n, s, sim::maths::saturated<Element>(x + y))                      \
    SIM_EACH2(__vaddus##n, u, sim::maths::saturated<Element>(x + y))                      \
    SIM_EACH2(__vsub##n, u, x - y)                                                        \
    SIM_EACH2(__vsubss##n, s, sim::maths::saturated<Element>(x - y))                      \
    SIM_EACH2(__vsubus##n, u, sim::maths::saturated<Element>(x - y))                      \
    SIM_EACH2(__vabsdiffs##n, s, sim::maths::distance(x, y))                              \
    SIM_EACH2(__vabsdiffu##n, u, sim::maths::distance(x, y))                              \
    SIM_EACH2(__vavgs##n, s, (x + y + (x + y >= 0)) >> 1)                                 \
    SIM_EACH2(__vavgu##n, u, (x + y + 1) >> 1)                                            \
    SIM_EACH2(__vhaddu##n, u, (x + y) >> 1)                                               \
    SIM_EACH2(__vmaxs##n, s, sim::maths::larger(x, y))                                    \
    SIM_EACH2(__vmaxu##n, u, sim::maths::larger(x, y))                                    \
    SIM_EACH2(__vmins##n, s, sim::maths::smaller(x, y))                                   \
    SIM_EACH2(__vminu##n, u, sim::maths::smaller(x, y))                                   \
    SIM_COMPARE(eq##n, u, ==)                                                             \
    SIM_COMPARE(ne##n, u, !=)                                                             \
    SIM_COMPARE(ges##n, s, >=)                                                            \
    SIM_COMPARE(geu##n, u, >=)                                                            \
    SIM_COMPARE(gts##n, s, >)                                                             \
    SIM_COMPARE(gtu##n, u, >)                                                             \
    SIM_COMPARE(les##n, s, <=)                                                            \
    SIM_COMPARE(leu##n, u, <=)                                                            \
    SIM_COMPARE(lts##n, s, <)                                                             \
    SIM_COMPARE(ltu##n, u, <)                                                             \
    SIM_SUM_OF_DISTANCES(__vsads##n, s)                                                   \
    SIM_SUM_OF_DISTANCES(__vsadu##n, u)
SIM_VIDEO(2, int16_t, uint16_t)
SIM_VIDEO(4, int8_t, uint8_t)
#undef SIM_VIDEO
#undef SIM_SUM_OF_DISTANCES
#undef SIM_COMPARE
#undef SIM_EACH1
#undef SIM_EACH2

// --- compute capability 9: sums, extremes and a zero below in one instruction ---
#define SIM_EXTREMES(word, suffix, of3)                                         \
    inline word __viaddmax_##suffix(word a, word b, word c) {                   \
        return of3(a, b, c, sim::maths::larger(sum, z));                        \
    }                                                                           \
    inline word __viaddmin_##suffix(word a, word b, word c) {                   \
        return of3(a, b, c, sim::maths::smaller(sum, z));                       \
    }                                                                           \
    inline word __vimax3_##suffix(word a, word b, word c) {                     \
        return of3(a, b, c, sim::maths::larger(sim::maths::larger(x, y), z));   \
    }                                                                           \
    inline word __vimin3_##suffix(word a, word b, word c) {                     \
        return of3(a, b, c, sim::maths::smaller(sim::maths::smaller(x, y), z)); \
    }
#define SIM_EXTREMES_RELU(word, suffix, of3)                                                           \
    inline word __vimax_##suffix##_relu(word a, word b) {                                              \
        return of3(a, b, 0, sim::maths::larger(sim::maths::larger(x, y), z));                          \
    }                                                                                                  \
    inline word __vimin_##suffix##_relu(word a, word b) {                                              \
        return of3(a, b, 0, sim::maths::larger(sim::maths::smaller(x, y), z));                         \
    }                                                                                                  \
    inline word __viaddmax_##suffix##_relu(word a, word b, word c) {                                   \
        return of3(a, b, c, sim::maths::larger(sim::maths::larger(sum, z), 0));                        \
    }                                                                                                  \
    inline word __viaddmin_##suffix##_relu(word a, word b, word c) {                                   \
        return of3(a, b, c, sim::maths::larger(sim::maths::smaller(sum, z), 0));                       \
    }                                                                                                  \
    inline word __vimax3_##suffix##_relu(word a, word b, word c) {                                     \
        return of3(a, b, c, sim::maths::larger(sim::maths::larger(sim::maths::larger(x, y), z), 0));   \
    }                                                                                                  \
    inline word __vimin3_##suffix##_relu(word a, word b, word c) {                                     \
        return of3(a, b, c, sim::maths::larger(sim::maths::smaller(sim::maths::smaller(x, y), z), 0)); \
    }
#define SIM_PAIR(element, a, b, c, result)                       \
    sim::maths::each<element>(a, b, c, [](int x, int y, int z) { \
        const int sum = element(x + y);                          \
        return static_cast<void>(sum), int(result);              \
    })
#define SIM_S16(a, b, c, result) SIM_PAIR(int16_t, a, b, c, result)
#define SIM_U16(a, b, c, result) SIM_PAIR(uint16_t, a, b, c, result)
#define SIM_WORD(type, a, b, c, result)                                                          \
    [](type x, type y, type z) {                                                                 \
        const type sum = static_cast<type>(static_cast<unsigned>(x) + static_cast<unsigned>(y)); \
        return static_cast<void>(sum), static_cast<type>(result);                                \
    }(a, b, c)
#define SIM_S32(a, b, c, result) SIM_WORD(int, a, b, c, result)
#define SIM_U32(a, b, c, result) SIM_WORD(unsigned, a, b, c, result)
namespace sim::maths {
inline unsigned larger(unsigned x, unsigned y) { return x > y ? x : y; }
inline unsigned smaller(unsigned x, unsigned y) { return x < y ? x : y; }
}  // namespace sim::maths
SIM_EXTREMES(unsigned, s16x2, SIM_S16)
SIM_EXTREMES(unsigned, u16x2, SIM_U16)
SIM_EXTREMES(int, s32, SIM_S32)
SIM_EXTREMES(unsigned, u32, SIM_U32)
SIM_EXTREMES_RELU(unsigned, s16x2, SIM_S16)
SIM_EXTREMES_RELU(int, s32, SIM_S32)
#undef SIM_EXTREMES
#undef SIM_EXTREMES_RELU
#undef SIM_S16
#undef SIM_U16
#undef SIM_S32
#undef SIM_U32
#undef SIM_PAIR
#undef SIM_WORD

// The larger (smaller) of two, and whether it was the first one.
#define SIM_WHICH(type, name, operation)            \
    inline type name(type a, type b, bool* first) { \
        *first = a operation b;                     \
        return *first ? a : b;                      \
    }
SIM_WHICH(int, __vibmax_s32, >=)
SIM_WHICH(unsigned, __vibmax_u32, >=)
SIM_WHICH(int, __vibmin_s32, <=)
SIM_WHICH(unsigned, __vibmin_u32, <=)
#undef SIM_WHICH
#define SIM_WHICH_PAIR(name, element, operation)                             \
    inline unsigned name(unsigned a, unsigned b, bool* high, bool* low) {    \
        *high = element(a >> 16) operation element(b >> 16);                 \
        *low = element(a) operation element(b);                              \
        return ((*high ? a : b) & 0xFFFF0000u) | ((*low ? a : b) & 0xFFFFu); \
    }
SIM_WHICH_PAIR(__vibmax_s16x2, int16_t, >=)
SIM_WHICH_PAIR(__vibmax_u16x2, uint16_t, >=)
SIM_WHICH_PAIR(__vibmin_s16x2, int16_t, <=)
SIM_WHICH_PAIR(__vibmin_u16x2, uint16_t, <=)
#undef SIM_WHICH_PAIR
