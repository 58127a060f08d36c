// Not part of the simulator; found here so that the error says so.
#pragma once
// clang-format off: the text goes on in a second line
#error "CUB is not part of the simulator of tinygrad_edu. \
Instead of it use the warp and block functions of CUDA itself (__shfl_down_sync, __syncthreads)."
