// Shared by all rungs of this family: the layout of the input, and the exchange of states between lanes.
#pragma once
#include "common.cuh"

namespace reducing {

constexpr int AXES = 8;
constexpr int THREADS = 256;
constexpr int WARPS = THREADS / 32;
constexpr unsigned ALL = 0xffffffffu;

// The input as rows to keep, and n elements of each row to reduce; both have several axes. Strides in
// elements.
struct Layout {
    int64 kept[AXES], kept_stride[AXES];
    int64 reduced[AXES], reduced_stride[AXES];
    int32 kept_axes, reduced_axes;
    int32 dtype;    // of the input, which may differ from `number`
    int32 columns;  // neighbouring rows are neighbours in memory; elements of one row are not
};

__device__ __forceinline__ int64 walk(int64 i, int axes, const int64* shape, const int64* stride) {
    if (axes == 1) return i * stride[0];
    int64 offset = 0;
    for (int axis = axes - 1; axis >= 0; axis--) {
        int64 place;
        i = divide(i, shape[axis], place);
        offset += place * stride[axis];
    }
    return offset;
}

__device__ __forceinline__ int64 row_offset(int64 row, const Layout& layout) {
    return walk(row, layout.kept_axes, layout.kept, layout.kept_stride);
}
__device__ __forceinline__ int64 element_offset(int64 i, const Layout& layout) {
    return walk(i, layout.reduced_axes, layout.reduced, layout.reduced_stride);
}

// Elements first, first + step, ... below `stop` of a row, added to `state` in this order.
template <typename R>
__device__ __forceinline__ typename R::State gather_row(typename R::State state, const void* in, int64 base,
                                                        int64 first, int64 stop, int64 step,
                                                        const Layout& layout) {
    for (int64 i = first; i < stop; i += step)
        state = R::add(state, load<number>(in, base + element_offset(i, layout), layout.dtype), i);
    return state;
}

// The state of the lane that is `down` lanes further; states are sent as words of 32 bits.
template <typename State>
__device__ __forceinline__ State from_lane_below(State state, int down) {
    uint32 words[(sizeof(State) + 3) / 4] = {};
    memcpy(words, &state, sizeof(State));
    for (uint32& word : words) word = __shfl_down_sync(ALL, word, down);
    memcpy(&state, words, sizeof(State));
    return state;
}

// Lane 0 gets the combined state of all 32 lanes, in a fixed order.
template <typename R>
__device__ __forceinline__ typename R::State join_warp(typename R::State state) {
    for (int down = 16; down > 0; down /= 2) state = R::join(state, from_lane_below(state, down));
    return state;
}

// Thread 0 gets the combined state of the block. `shared` has one state for each warp.
template <typename R>
__device__ __forceinline__ typename R::State join_block(typename R::State state, typename R::State* shared) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    state = join_warp<R>(state);
    if (lane == 0) shared[warp] = state;
    __syncthreads();
    if (warp == 0) {
        state = lane < WARPS ? shared[lane] : R::start();
        state = join_warp<R>(state);
    }
    __syncthreads();  // `shared` may be used again
    return state;
}

// Second pass: a warp combines the partial states of its row.
template <typename R>
__device__ __forceinline__ void join_partials(typename R::Result* out, const typename R::State* partial,
                                              int64 rows, int64 splits) {
    int lane = threadIdx.x % 32;
    int64 row = (int64)blockIdx.x * WARPS + threadIdx.x / 32;
    if (row >= rows) return;  // the whole warp
    typename R::State state = R::start();
    for (int64 k = lane; k < splits; k += 32) state = R::join(state, partial[row * splits + k]);
    state = join_warp<R>(state);
    if (lane == 0) out[row] = R::finish(state);
}

// Stores the result of a row, or, if several blocks share the row, their partial state.
template <typename R>
__device__ __forceinline__ void store(typename R::State state, typename R::Result* out,
                                      typename R::State* partial, int64 row, int64 split, int64 splits) {
    if (splits == 1) out[row] = R::finish(state);
    else partial[row * splits + split] = state;
}

// -- states that are more than a number --------------------------------------------------------------------

template <typename T>
__device__ __forceinline__ bool missing(T x) {
    return x != x;
}  // NaN

// NaN is the largest (smallest) number; of several NaNs the first is the result.
template <typename T>
__device__ __forceinline__ T larger(T x, T y) {
    return x >= y || missing(x) ? x : y;
}
template <typename T>
__device__ __forceinline__ T smaller(T x, T y) {
    return x <= y || missing(x) ? x : y;
}

struct Best {
    number value;
    int64 place;  // -1: none yet
};

// The larger of two (`sign` 1) or the smaller (`sign` -1); the earlier one if they are equal.
template <int sign>
__device__ __forceinline__ bool beats(number x, number y) {
    if (missing(x) || missing(y)) return missing(x) && !missing(y);
    return sign > 0 ? x > y : x < y;
}
template <int sign>
__device__ __forceinline__ Best better(Best a, Best b) {
    if (b.place < 0) return a;
    if (a.place < 0 || beats<sign>(b.value, a.value)) return b;
    return !beats<sign>(a.value, b.value) && b.place < a.place ? b : a;
}

// The sum of exp(x - top) is 1 + rest: no exponential overflows, and the largest term, which is 1, does not
// take digits from small ones. For no elements the sum is 0.
template <typename T>
struct Exponentials {
    T top, rest;
};
template <typename T>
__device__ __forceinline__ Exponentials<T> join_exponentials(Exponentials<T> a, Exponentials<T> b) {
    if (a.top == b.top) return {a.top, a.rest + b.rest + 1};
    if (b.top > a.top) return {b.top, (a.rest + 1) * exp(a.top - b.top) + b.rest};
    return {a.top, a.rest + (b.rest + 1) * exp(b.top - a.top)};
}
template <typename T>
__device__ __forceinline__ Exponentials<T> add_exponential(Exponentials<T> s, T x) {
    if (missing(x)) return {s.top, x};
    return join_exponentials(s, Exponentials<T>{x, T(0)});
}

// The sum of (x / top)^2: no square overflows or vanishes.
template <typename T>
struct Squares {
    T top, sum;
};
template <typename T>
__device__ __forceinline__ Squares<T> join_squares(Squares<T> a, Squares<T> b) {
    if (a.top == b.top) return {a.top, a.sum + b.sum};
    Squares<T> high = b.top > a.top ? b : a, low = b.top > a.top ? a : b;
    T ratio = low.top / high.top;
    return {high.top, high.sum + low.sum * ratio * ratio};
}
template <typename T>
__device__ __forceinline__ Squares<T> add_square(Squares<T> s, T x) {
    if (missing(x)) return {s.top, x};
    T size = x < T(0) ? -x : x;
    return size == T(0) ? s : join_squares(s, Squares<T>{size, T(1)});
}

}  // namespace reducing
