// Idea:     Neighbouring elements of a thread are moved together: as a pack of 16 bytes if a line is dense
//           and aligned, otherwise through shared memory, where the lanes of a warp exchange elements. The
//           next tile is loaded while this one is scanned. Lines that are neighbours in memory, such as
//           columns of a matrix, are scanned 32 at a time by 8 warps.
// Contract: as 01.
// Launch:   block 256, grid cdiv(lines, 32) for lines side by side, else lines; at most 2^31 - 1. 256 packs
//           and 8 elements, or 256 elements, of static shared memory.
// Cost:     reads and writes each element once, in whole sectors: the limit is bandwidth. About 2 additions
//           per element, and 2 barriers per tile of 256 packs.
// Next:     One line of many millions of elements is the work of one block. Several blocks could scan parts
//           of it, and read the totals of the parts before (Merrill and Garland 2016).
#include "scan/layout.cuh"

namespace scanning {

constexpr int EACH = 16 / sizeof(number);  // elements of a pack, and of a thread's part of a tile
constexpr int TILE = THREADS * EACH;
constexpr int DOWN = 8;  // elements of a thread's part of a column
constexpr int32 OWN = number(0.5) != number(0) ? sizeof(number) == 4 ? FLOAT32 : FLOAT64
                      : sizeof(number) == 4    ? INT32
                                               : INT64;  // the code of `number`

struct alignas(16) Pack {
    number at[EACH];
};

// A line in the order of the scan: with `backwards`, element k is the k-th from the end.
struct Walk {
    number* out;
    const void* in;
    int64 n, step_out, step_in, offset;
    int32 dtype;
    bool backwards;

    __device__ __forceinline__ Walk(number* to, const void* from, int64 n, const Line& line,
                                    const Layout& layout, int backwards)
        : out(to + line.out),
          in(from),
          n(n),
          step_out(layout.step_out),
          step_in(layout.step_in),
          offset(line.in),
          dtype(layout.dtype),
          backwards(backwards != 0) {}

    // Whether packs can be moved: elements are contiguous, addresses are divisible by 16, and the length is a
    // multiple of a pack.
    __device__ __forceinline__ bool packable() const {
        return dtype == OWN && step_in == 1 && step_out == 1 && n % EACH == 0 && aligned16(out) &&
               aligned16((const number*)in + offset);
    }
    __device__ __forceinline__ int64 at(int64 k) const { return backwards ? n - 1 - k : k; }
    // Loads elements first, first + step, ... of the line; `rest` for those past its end.
    template <int COUNT>
    __device__ __forceinline__ void fetch(number (&x)[COUNT], int64 first, int step, number rest) const {
        const number* own = (const number*)in + offset;
        bool direct = dtype == OWN;  // then the loads are independent, and all are in flight together
#pragma unroll
        for (int e = 0; e < COUNT; e++) {
            int64 k = first + e * step;
            x[e] = rest;
            if (k < n && direct) x[e] = own[at(k) * step_in];
            else if (k < n) x[e] = load<number>(in, offset + at(k) * step_in, dtype);
        }
    }
    template <int COUNT>
    __device__ __forceinline__ void put(const number (&x)[COUNT], int64 first, int step) const {
#pragma unroll
        for (int e = 0; e < COUNT; e++)
            if (first + e * step < n) out[at(first + e * step) * step_out] = x[e];
    }
    // The pack that holds elements first to first + EACH - 1.
    __device__ __forceinline__ void fetch_pack(number (&x)[EACH], int64 first, number rest) const {
        Pack pack;
#pragma unroll
        for (int e = 0; e < EACH; e++) pack.at[e] = rest;
        if (first < n)
            pack = *(const Pack*)((const number*)in + offset + at(backwards ? first + EACH - 1 : first));
#pragma unroll
        for (int e = 0; e < EACH; e++) x[e] = backwards ? pack.at[EACH - 1 - e] : pack.at[e];
    }
    __device__ __forceinline__ void put_pack(const number (&x)[EACH], int64 first) const {
        Pack pack;
#pragma unroll
        for (int e = 0; e < EACH; e++) pack.at[e] = backwards ? x[EACH - 1 - e] : x[e];
        if (first < n) *(Pack*)(out + at(backwards ? first + EACH - 1 : first)) = pack;
    }
};

// Replaces the elements of a thread by their running totals, which begin with `before`.
template <typename Rule, int COUNT>
__device__ __forceinline__ void run_through(number (&x)[COUNT], number before, int exclusive) {
#pragma unroll
    for (int e = 0; e < COUNT; e++) {
        number next = Rule::join(before, x[e]);
        x[e] = exclusive ? before : next;
        before = next;
    }
}
template <typename Rule, int COUNT>
__device__ __forceinline__ number total_of(const number (&x)[COUNT]) {
    number total = x[0];
#pragma unroll
    for (int e = 1; e < COUNT; e++) total = Rule::join(total, x[e]);
    return total;
}

// A block scans a line, one tile after another.
template <typename Rule, bool PACKED>
__device__ __forceinline__ void scan_line(const Walk& walk, int exclusive, number* totals, Pack* tile) {
    int t = threadIdx.x, lane = t % 32, warp = t / 32;
    int own = t * EACH,
        across = warp * 32 * EACH + lane;  // a thread's contiguous elements; elements of a warp, 32 apart
    number* places = (number*)tile;        // (TILE,)
    number x[EACH], next[EACH];
    typename Rule::Total carried = Rule::start();
    if (PACKED) walk.fetch_pack(next, own, Rule::start());
    else walk.fetch(next, across, 32, Rule::start());
    for (int64 first = 0; first < walk.n; first += TILE) {
#pragma unroll
        for (int e = 0; e < EACH; e++) x[e] = next[e];
        if (first + TILE < walk.n) {
            if (PACKED) walk.fetch_pack(next, first + TILE + own, Rule::start());
            else walk.fetch(next, first + TILE + across, 32, Rule::start());
        }
        if (!PACKED) {
#pragma unroll
            for (int e = 0; e < EACH; e++) places[across + e * 32] = x[e];
            __syncwarp();  // a warp exchanges elements only within its own part of the tile
            Pack mine = tile[t];
#pragma unroll
            for (int e = 0; e < EACH; e++) x[e] = mine.at[e];
        }
        number upto = total_of<Rule>(x);  // of the lanes up to this one, inclusive
        for (int distance = 1; distance < 32; distance *= 2) {
            number before = __shfl_up_sync(ALL, upto, distance);
            if (lane >= distance) upto = Rule::join(before, upto);
        }
        if (lane == 31) totals[warp] = upto;
        number below = __shfl_up_sync(ALL, upto, 1);
        __syncthreads();
        number before = (number)carried;  // of all elements before those of this thread
        for (int w = 0; w < WARPS; w++) {
            if (w == warp) before = (number)carried;
            carried = Rule::carry(carried, totals[w]);
        }
        run_through<Rule>(x, lane > 0 ? Rule::join(before, below) : before, exclusive);
        if (PACKED) walk.put_pack(x, first + own);
        else {
            Pack mine;
#pragma unroll
            for (int e = 0; e < EACH; e++) mine.at[e] = x[e];
            tile[t] = mine;
            __syncwarp();
#pragma unroll
            for (int e = 0; e < EACH; e++) x[e] = places[across + e * 32];
            walk.put(x, first + across, 32);
        }
        __syncthreads();  // before the next tile
    }
}

// A block scans 32 neighbouring lines: one lane for each, and DOWN elements of it for each warp.
template <typename Rule>
__device__ __forceinline__ void scan_columns(const Walk& walk, int64 n, int exclusive, number* totals) {
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    number x[DOWN];
    typename Rule::Total carried = Rule::start();
    for (int64 first = 0; first < n; first += WARPS * DOWN) {
        walk.fetch(x, first + warp * DOWN, 1, Rule::start());
        totals[threadIdx.x] = total_of<Rule>(x);
        __syncthreads();
        number before = (number)carried;
        for (int w = 0; w < WARPS; w++) {
            if (w == warp) before = (number)carried;
            carried = Rule::carry(carried, totals[w * 32 + lane]);
        }
        run_through<Rule>(x, before, exclusive);
        walk.put(x, first + warp * DOWN, 1);
        __syncthreads();  // before the next run
    }
}

template <typename Rule>
__device__ __forceinline__ void scan_lines(number* out, const void* in, int64 lines, int64 n,
                                           const Layout& layout, int exclusive, int backwards) {
    __shared__ Pack tile[THREADS];
    __shared__ number totals[THREADS];
    int last = layout.axes - 1;
    if (last >= 0 && layout.in[last] == 1 && layout.out[last] == 1 && layout.step_in != 1) {
        for (int64 block = blockIdx.x; block * 32 < lines; block += gridDim.x) {
            int64 i = block * 32 + threadIdx.x % 32;
            // Lanes past the end reach the barriers too, with a line of no elements.
            Walk walk(out, in, i < lines ? n : 0, line_at(i < lines ? i : 0, layout), layout, backwards);
            scan_columns<Rule>(walk, n, exclusive, totals);
        }
        return;
    }
    for (int64 i = blockIdx.x; i < lines; i += gridDim.x) {
        Walk walk(out, in, n, line_at(i, layout), layout, backwards);
        if (walk.packable()) scan_line<Rule, true>(walk, exclusive, totals, tile);
        else scan_line<Rule, false>(walk, exclusive, totals, tile);
    }
}

}  // namespace scanning
#include "scan/kernels.cuh"
