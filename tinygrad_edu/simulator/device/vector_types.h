// char1 ... double4, dim3: with the sizes and alignments of CUDA, since kernels share them with the host.
//
// One, two and four elements are aligned to their whole size, up to 16 bytes; three only to one element.
#pragma once

// clang-format off
#define SIM_VECTOR1(base, type) \
    struct base##1 { \
        type x; \
    }; \
    inline base##1 make_##base##1(type x) { return base##1{x}; }
#define SIM_VECTOR2(base, type) \
    struct __attribute__((aligned(2 * sizeof(type)))) base##2 { \
        type x, y; \
    }; \
    inline base##2 make_##base##2(type x, type y) { return base##2{x, y}; }
#define SIM_VECTOR3(base, type) \
    struct base##3 { \
        type x, y, z; \
    }; \
    inline base##3 make_##base##3(type x, type y, type z) { return base##3{x, y, z}; }
#define SIM_VECTOR4(base, type) \
    struct __attribute__((aligned(sizeof(type) > 4 ? 16 : 4 * sizeof(type)))) base##4 { \
        type x, y, z, w; \
    }; \
    inline base##4 make_##base##4(type x, type y, type z, type w) { return base##4{x, y, z, w}; }
// clang-format on
#define SIM_VECTORS(base, type) \
    SIM_VECTOR1(base, type)     \
    SIM_VECTOR2(base, type)     \
    SIM_VECTOR3(base, type)     \
    SIM_VECTOR4(base, type)
SIM_VECTORS(char, signed char)
SIM_VECTORS(uchar, unsigned char)
SIM_VECTORS(short, short)
SIM_VECTORS(ushort, unsigned short)
SIM_VECTORS(int, int)
SIM_VECTORS(uint, unsigned int)
SIM_VECTORS(long, long)
SIM_VECTORS(ulong, unsigned long)
SIM_VECTORS(longlong, long long)
SIM_VECTORS(ulonglong, unsigned long long)
SIM_VECTORS(float, float)
SIM_VECTORS(double, double)
#undef SIM_VECTORS
#undef SIM_VECTOR1
#undef SIM_VECTOR2
#undef SIM_VECTOR3
#undef SIM_VECTOR4

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;

// Extents that are not given are 1.
struct dim3 {
    unsigned int x, y, z;
    constexpr dim3(unsigned int x = 1, unsigned int y = 1, unsigned int z = 1) : x(x), y(y), z(z) {}
    constexpr dim3(uint3 size) : x(size.x), y(size.y), z(size.z) {}
    constexpr operator uint3() const { return uint3{x, y, z}; }
};
