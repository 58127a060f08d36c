// Idea:     A tile of 32 x 32 elements goes through shared memory: it is read along the rows of the source,
//           and written along the rows of the result. Both sides move whole sectors.
// Contract: as 01. `tiles` is the number of tiles of the last two axes, over all other axes. Without a
//           transposition (layout.tiled is 0) the elements are copied one by one.
// Launch:   block 256 (32 lanes x 8 rows), grid min(tiles, 2^31 - 1), 32 * 32 elements of shared memory.
// Cost:     as 01, and every byte moved is used. But lanes that read a column of the tile access the same
//           bank of shared memory: 32 turns instead of one.
// Next:     In 03 a row of the tile is one element longer, so that a column is spread over 32 banks.
#include "copy/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    copy(number* __restrict__ out, const number* __restrict__ in, int64 n, int64 tiles,
         copying::Layout layout) {
    __shared__ number tile[copying::TILE][copying::TILE];
    if (layout.tiled) copying::copy_tiled(out, in, tiles, layout, tile);
    else copying::copy_strided(out, in, n, layout);
}
