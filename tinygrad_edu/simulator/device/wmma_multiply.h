// mma_sync: the product of two tiles. Part of wmma.h.
#pragma once
#include "wmma.h"

namespace nvcuda {
namespace wmma {

// The type in which a product and its sum are computed.
template <class T>
struct summed {
    typedef float type;
};
template <>
struct summed<double> {
    typedef double type;
};
template <>
struct summed<signed char> {
    typedef long long type;
};
template <>
struct summed<unsigned char> {
    typedef long long type;
};
// clang-format on

// The input of the multiplier: tf32 is a float without its last 13 bits, rounded or not.
template <class T, class Stored>
SIM_AT_CALLER typename summed<T>::type seen(const Stored& x) {
    if constexpr (std::is_same_v<T, precision::tf32>)
        return sim::same_bits<float>(sim::same_bits<uint32_t>(x) & 0xFFFFE000);
    else return x;
}

// Convert to the type of the result. An int that overflows wraps around, or saturates if requested.
template <class To, class Sum>
SIM_AT_CALLER To finished(Sum sum, bool saturate) {
    if constexpr (std::is_same_v<To, int>) {
        if (saturate) sum = sum > 0x7FFFFFFFLL ? 0x7FFFFFFFLL : sum < -0x80000000LL ? -0x80000000LL : sum;
        return int(unsigned(sum));
    } else {
        return To(sum);
    }
}

template <class D, class A, class B, class C>
struct Product {
    D* d;
    const A* a;
    const B* b;
    const C* c;
    bool saturate;
    unsigned here;
};

template <int M, int N, int K, class D, class A, class B, class C>
SIM_UNSEEN void multiply(void* const* lanes, unsigned) {
    typedef Product<D, A, B, C> Slot;
    typedef typename summed<typename A::element_type>::type Sum;
    unsigned here = 0;
    for (int lane = 0; lane < 32; lane++) here += lanes[lane] != nullptr;
    for (int lane = 0; lane < 32; lane++)
        if (lanes[lane]) static_cast<Slot*>(lanes[lane])->here = here;
    if (here != 32) return;

    Sum a[M][K], b[K][N], sum[M][N];
    for (int lane = 0; lane < 32; lane++) {
        const Slot& slot = *static_cast<const Slot*>(lanes[lane]);
        for (int i = 0; i < A::num_elements; i++)
            a[A::row(i, lane)][A::column(i, lane)] = seen<typename A::element_type>(slot.a->x[i]);
        for (int i = 0; i < B::num_elements; i++)
            b[B::row(i, lane)][B::column(i, lane)] = seen<typename B::element_type>(slot.b->x[i]);
        for (int i = 0; i < C::num_elements; i++) sum[C::row(i, lane)][C::column(i, lane)] = slot.c->x[i];
    }
    for (int m = 0; m < M; m++)
        for (int k = 0; k < K; k++)
            for (int n = 0; n < N; n++) sum[m][n] += a[m][k] * b[k][n];
    for (int lane = 0; lane < 32; lane++) {
        Slot& slot = *static_cast<Slot*>(lanes[lane]);
        for (int i = 0; i < D::num_elements; i++) {
            Sum result = sum[D::row(i, lane)][D::column(i, lane)];
            slot.d->x[i] = finished<typename D::element_type>(result, slot.saturate);
        }
    }
}

// d = a * b + c; d may be c. With `saturate`, integers saturate instead of wrapping around.
template <int M, int N, int K, class TD, class TA, class TB, class TC, class LayoutA, class LayoutB>
SIM_UNSEEN void mma_sync(fragment<accumulator, M, N, K, TD>& d,
                         const fragment<matrix_a, M, N, K, TA, LayoutA>& a,
                         const fragment<matrix_b, M, N, K, TB, LayoutB>& b,
                         const fragment<accumulator, M, N, K, TC>& c, bool saturate = false, SIM_PLACE) {
    typedef fragment<accumulator, M, N, K, TD> D;
    typedef fragment<matrix_a, M, N, K, TA, LayoutA> A;
    typedef fragment<matrix_b, M, N, K, TB, LayoutB> B;
    typedef fragment<accumulator, M, N, K, TC> C;
    static_assert(std::is_same_v<TA, TB>, "both factors must have the same type");
    static_assert(is_byte<TA>                  ? std::is_same_v<TD, int> && std::is_same_v<TC, int>
                  : std::is_same_v<TA, double> ? std::is_same_v<TD, double> && std::is_same_v<TC, double>
                  : std::is_same_v<TA, __half> ? !std::is_same_v<TD, int> && !std::is_same_v<TC, int>
                                               : std::is_same_v<TD, float> && std::is_same_v<TC, float>,
                  "accumulators: int for 8-bit integers, double for double, float for bf16 and tf32, "
                  "float or half for half");
    Product<D, A, B, C> slot = {&d, &a, &b, &c, saturate, 0};
    sim::meet(sim::EVERY_LANE, "mma_sync", place, &slot, multiply<M, N, K, D, A, B, C>);
    check_whole_warp(slot.here, "mma_sync", place);
}

}  // namespace wmma
}  // namespace nvcuda
