// Keywords of CUDA that the rewriter leaves in the source, for the compile pass.
//
// __shared__ and __managed__ are missing on purpose: the rewriter replaces each of them, and one that it has
// missed must be an error. It leaves __constant__ on compile-time constants: `__constant__ constexpr`,
// `__constant__ const int N = 16`.
#pragma once

#define __host__
#define __device__
#define __constant__
#define __global__
#define __grid_constant__
#define __launch_bounds__(...)
#define __maxnreg__(...)
#define __cluster_dims__(...)
#define __forceinline__ inline __attribute__((always_inline))
#define __align__(...) __attribute__((aligned(__VA_ARGS__)))
#define __builtin_align__(...) __attribute__((aligned(__VA_ARGS__)))
#define __nv_pure__ __attribute__((pure))
#define __builtin_assume(condition) ((condition) ? void(0) : __builtin_unreachable())
#define __assume(condition) __builtin_assume(condition)
