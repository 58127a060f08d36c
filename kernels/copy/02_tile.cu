// Idea:     A tile of 32 x 32 goes through shared memory: its rows are read as they lie in the source, its
//           columns written as they lie in the result. Both sides move whole sectors.
// Contract: as 01. `tiles` counts the tiles of the last two axes, in all; without a transposition
//           (layout.tiled is 0) the elements go one by one.
// Launch:   block 256 (32 lanes x 8 rows), grid min(tiles, 2^31 - 1), 32 * 32 elements of shared memory.
// Cost:     as 01, and every byte that is moved is wanted. But lanes that read a column of the tile meet in
//           one bank of shared memory: 32 turns for one.
// Next:     03 makes the tile's rows one element longer, so that a column lies in 32 banks.
#include "copy/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    copy(number* __restrict__ out, const number* __restrict__ in, int64 n, int64 tiles,
         copying::Layout layout) {
    __shared__ number tile[copying::TILE][copying::TILE];
    if (layout.tiled) copying::copy_tiled(out, in, tiles, layout, tile);
    else copying::copy_strided(out, in, n, layout);
}
