// Idea:     The logits of a row stay in the registers of its warp, or of its block, so the gradient does not
//           read them again. Aligned rows are loaded 16 bytes at a time.
// Contract: as 01. A warp keeps 1024 logits (256 of float64), a block 8192 (2048); longer rows go as in 02.
// Launch:   block 256, grid cdiv(rows, 8) where a warp keeps a row, else rows; at most 2^31 - 1. 8 totals of
//           static shared memory.
// Cost:     reads each logit once, and writes the gradient once. The limit is bandwidth. With few classes,
//           the launch itself takes most of the time.
// Next:     A training step needs both loss and gradient; one kernel for both would read the logits only
//           once.
#include "cross_entropy/block.cuh"
#include "registers.cuh"

namespace cross_entropy {

// Logits that a thread keeps; exponentials of doubles need many registers too.
constexpr int MOST = sizeof(number) == 4 ? 32 : 8;

// A thread's part of a row, kept in its registers.
template <int EACH>
struct Kept {
    registers::Share share;
    bool leads;
    number x[EACH];

    __device__ __forceinline__ Kept(const Rows& rows, int64 r, int team, bool packed)
        : share(team, threadIdx.x % team, (int)rows.classes, packed), leads(share.rank == 0) {
        share.fetch(x, rows.logits + r * rows.row, rows.column, limits<number>::lowest());
    }
    __device__ __forceinline__ Total total() const {
        Total all = none();
#pragma unroll
        for (int e = 0; e < EACH; e++) all.top = larger(all.top, x[e]);
        // If all logits are -infinity, terms are computed relative to 0, so that they are 0 and not NaN.
        number top = all.top == limits<number>::lowest() ? number(0) : all.top;
#pragma unroll
        for (int e = 0; e < EACH; e++) add(all, x[e], top);
        return all;
    }
    template <typename Change>
    __device__ __forceinline__ void turn(number* out, Change change) const {
        number made[EACH];
#pragma unroll
        for (int e = 0; e < EACH; e++) made[e] = change(share.place(e), x[e]);
        share.put(made, out, 1);
    }
};

template <int EACH, typename Done>
__device__ __forceinline__ void warp_rows(const Rows& rows, bool packed, Done done) {
    int64 step = (int64)gridDim.x * WARPS;
    for (int64 r = (int64)blockIdx.x * WARPS + threadIdx.x / 32; r < rows.rows; r += step) {
        Kept<EACH> part(rows, r, 32, packed);
        Total total = settled(join_warp(part.total()));
        done(r, rows.class_of(r, part.leads), total, part);
    }
}

template <typename Done>
__device__ __forceinline__ void each_row(const Rows& rows, Done done) {
    int64 n = rows.classes;
    // The gradient is dense: its rows are aligned if the rows of dense logits are.
    bool packed = registers::packable(rows.logits, rows.column, n) && rows.row % registers::LANES == 0;
    if (n <= 32 * MOST / 4) {
        warp_rows<MOST / 4>(rows, packed, done);
    } else if (n <= 32 * MOST) {
        warp_rows<MOST>(rows, packed, done);
    } else if (n <= THREADS * MOST) {
        __shared__ Total totals[WARPS];
        for (int64 r = blockIdx.x; r < rows.rows; r += gridDim.x) {
            Kept<MOST> part(rows, r, THREADS, packed);
            Total total = settled(join_warps(join_warp(part.total()), totals));
            done(r, rows.class_of(r, part.leads), total, part);
            __syncthreads();  // before the next row
        }
    } else {
        block_rows(rows, done);
    }
}

}  // namespace cross_entropy
#include "cross_entropy/kernels.cuh"
