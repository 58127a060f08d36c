// Idea:     The rows of the tile have 33 elements. So each element of a column is in another bank, and 32
//           lanes read the column in one turn.
// Contract: as 02.
// Launch:   block 256 (32 lanes x 8 rows), grid min(tiles, 2^31 - 1), 32 * 33 elements of shared memory.
// Cost:     as 02 without bank conflicts; only the traffic of the memory remains.
// Next:     16-byte loads and stores of four elements would need fewer instructions for the same bytes.
#include "copy/layout.cuh"

extern "C" __global__ void __launch_bounds__(256, 2)
    copy(number* __restrict__ out, const number* __restrict__ in, int64 n, int64 tiles,
         copying::Layout layout) {
    __shared__ number tile[copying::TILE][copying::TILE + 1];
    if (layout.tiled) copying::copy_tiled(out, in, tiles, layout, tile);
    else copying::copy_strided(out, in, n, layout);
}
