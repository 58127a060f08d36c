// nvcuda::wmma: matrix tiles that are distributed over the 32 lanes of a warp.
//
// CUDA does not specify which lane has which element. Here element e of lane l is number e * 32 + l of the
// tile, row after row. If hardware has several copies of a tile, so has the simulator, so that num_elements
// is the same. Products are exact and are summed in float (double, int) in order of k. Hardware sums in
// another order and rounds differently, so results must be compared with a tolerance.
#pragma once
#include "warp.h"

namespace nvcuda {
namespace wmma {

struct row_major;
struct col_major;
struct matrix_a;
struct matrix_b;
struct accumulator;
enum layout_t { mem_row_major, mem_col_major };

namespace precision {
struct tf32;
}

// --- the shapes and types that the hardware has ---
// clang-format off
template <class T> struct element { typedef T type; };
template <> struct element<precision::tf32> { typedef float type; };
// clang-format on

template <class Use, int M, int N, int K>
constexpr int rows_of = std::is_same_v<Use, matrix_b> ? K : M;
template <class Use, int M, int N, int K>
constexpr int columns_of = std::is_same_v<Use, matrix_a> ? K : N;

template <class T>
constexpr bool is_byte = std::is_same_v<T, signed char> || std::is_same_v<T, unsigned char>;
template <class T>
constexpr bool is_16_bits = std::is_same_v<T, __half> || std::is_same_v<T, __nv_bfloat16>;

template <class Use, int M, int N, int K, class T>
constexpr bool exists() {
    constexpr bool k16 = K == 16 && ((M == 16 && N == 16) || (M == 32 && N == 8) || (M == 8 && N == 32));
    constexpr bool tf32 = M == 16 && N == 16 && K == 8, doubles = M == 8 && N == 8 && K == 4;
    if (std::is_same_v<Use, accumulator>)
        return (k16 && (std::is_same_v<T, float> || std::is_same_v<T, __half> || std::is_same_v<T, int>)) ||
               (tf32 && std::is_same_v<T, float>) || (doubles && std::is_same_v<T, double>);
    return (k16 && (is_byte<T> || is_16_bits<T>)) || (tf32 && std::is_same_v<T, precision::tf32>) ||
           (doubles && std::is_same_v<T, double>);
}

// Only 16x16 tiles of half have two copies, and 8-wide ones of half four: 16 elements per lane.
template <class Use, int M, int N, int K, class T>
constexpr int elements_of = std::is_same_v<T, __half> && !std::is_same_v<Use, accumulator>
                                ? 16
                                : rows_of<Use, M, N, K> * columns_of<Use, M, N, K> / 32;

template <class Use, int M, int N, int K, class T, class Layout = void>
class fragment {
    static_assert(exists<Use, M, N, K, T>(),
                  "no such fragment: half, bf16 and 8-bit integers come as 16x16x16, 32x8x16 and 8x32x16, "
                  "tf32 as 16x16x8, double as 8x8x4; accumulators are float, half, int or double");
    static_assert(std::is_same_v<Use, accumulator> == std::is_void_v<Layout>,
                  "matrix_a and matrix_b need a layout, row_major or col_major; an accumulator has none");

public:
    typedef T element_type;
    typedef typename element<T>::type storage_element_type;
    static constexpr int num_elements = elements_of<Use, M, N, K, T>;
    static constexpr int num_storage_elements = num_elements;
    storage_element_type x[num_elements];

    // The index of x[i] in the tile, for load, store and multiply.
    static constexpr int rows = rows_of<Use, M, N, K>, columns = columns_of<Use, M, N, K>;
    static SIM_AT_CALLER int row(int i, int lane) { return (i * 32 + lane) / columns % rows; }
    static SIM_AT_CALLER int column(int i, int lane) { return (i * 32 + lane) % columns; }
};

SIM_AT_CALLER float __float_to_tf32(float x) {  // to nearest, ties away from zero
    uint32_t bits = sim::same_bits<uint32_t>(x);
    return x - x != 0 ? x : sim::same_bits<float>((bits + 0x1000) & 0xFFFFE000);
}

// --- meeting of the whole warp ---
struct Tile {  // what all lanes must say alike
    const void* address;
    unsigned stride;
    int layout;
    bool alike;
    unsigned here;
};

SIM_UNSEEN void compare_tiles(void* const* lanes, unsigned) {
    const Tile* first = nullptr;
    bool alike = true;
    unsigned here = 0;
    for (int lane = 0; lane < 32; lane++) {
        const Tile* tile = static_cast<const Tile*>(lanes[lane]);
        if (!tile) continue;
        here++;
        if (!first) first = tile;
        alike = alike && tile->address == first->address && tile->stride == first->stride &&
                tile->layout == first->layout;
    }
    for (int lane = 0; lane < 32; lane++)
        if (lanes[lane]) {
            static_cast<Tile*>(lanes[lane])->alike = alike;
            static_cast<Tile*>(lanes[lane])->here = here;
        }
}

SIM_UNSEEN void check_whole_warp(unsigned here, const char* name, sim_place place) {
    if (here != 32)
        sim::stop(sim::LAUNCH_FAILED, place,
                  "%s without a whole warp\n"
                  "only %u of 32 lanes take part\n"
                  "What to do: use blocks of a multiple of 32 threads and let no lane of the warp return "
                  "or branch off before",
                  name, here);
}

SIM_UNSEEN void meet_for_tile(const void* address, unsigned stride, size_t element_bytes, int layout,
                              const char* name, sim_place place) {
    Tile tile = {address, stride, layout, false, 0};
    sim::meet(sim::EVERY_LANE, name, place, &tile, compare_tiles);
    check_whole_warp(tile.here, name, place);
    if (!tile.alike)
        sim::stop(sim::LAUNCH_FAILED, place,
                  "Lanes disagree in %s\n"
                  "the 32 lanes of a warp name different addresses, strides or layouts\n"
                  "What to do: all lanes pass the address of the tile's first element; "
                  "do not add threadIdx.x to it",
                  name);
    if (uintptr_t(address) % 32)
        sim::stop(sim::MISALIGNED_ADDRESS, place,
                  "Misaligned tile in %s\n"
                  "the address %p is not a multiple of 32 bytes\n"
                  "What to do: begin tiles at multiples of 32 bytes (256 bits): "
                  "declare shared arrays with __align__(32) and check the offset that is added",
                  name, address);
    if (stride * element_bytes % 16)
        sim::stop(sim::LAUNCH_FAILED, place,
                  "Wrong stride in %s\n"
                  "ldm is %u elements of %zu bytes, not a multiple of 16 bytes\n"
                  "What to do: pad the rows: ldm must be a multiple of %zu elements here",
                  name, stride, element_bytes, 16 / element_bytes);
}

// --- fill, load, store ---
template <class Use, int M, int N, int K, class T, class Layout, class Value>
SIM_AT_CALLER void fill_fragment(fragment<Use, M, N, K, T, Layout>& tile, const Value& value) {
    for (auto& x : tile.x) x = value;
}

// The user's memory is read and written by ordinary accesses at the user's line, so that the checker sees
// them.
template <class Use, int M, int N, int K, class T, class Layout>
SIM_AT_CALLER void load_matrix_sync(fragment<Use, M, N, K, T, Layout>& tile,
                                    const typename element<T>::type* from, unsigned stride, SIM_PLACE) {
    static_assert(!std::is_void_v<Layout>,
                  "say the layout of an accumulator: mem_row_major or mem_col_major");
    constexpr bool by_column = std::is_same_v<Layout, col_major>;
    meet_for_tile(from, stride, sizeof *from, by_column, "load_matrix_sync", place);
    int lane = sim::lane_id();
    for (int i = 0; i < tile.num_elements; i++)
        tile.x[i] = by_column ? from[tile.column(i, lane) * size_t(stride) + tile.row(i, lane)]
                              : from[tile.row(i, lane) * size_t(stride) + tile.column(i, lane)];
}
template <int M, int N, int K, class T>
SIM_AT_CALLER void load_matrix_sync(fragment<accumulator, M, N, K, T>& tile, const T* from, unsigned stride,
                                    layout_t layout, SIM_PLACE) {
    meet_for_tile(from, stride, sizeof(T), layout, "load_matrix_sync", place);
    int lane = sim::lane_id();
    for (int i = 0; i < tile.num_elements; i++)
        tile.x[i] = layout == mem_col_major ? from[tile.column(i, lane) * size_t(stride) + tile.row(i, lane)]
                                            : from[tile.row(i, lane) * size_t(stride) + tile.column(i, lane)];
}
template <int M, int N, int K, class T>
SIM_AT_CALLER void store_matrix_sync(T* to, const fragment<accumulator, M, N, K, T>& tile, unsigned stride,
                                     layout_t layout, SIM_PLACE) {
    meet_for_tile(to, stride, sizeof(T), layout, "store_matrix_sync", place);
    int lane = sim::lane_id();
    for (int i = 0; i < tile.num_elements; i++)
        (layout == mem_col_major ? to[tile.column(i, lane) * size_t(stride) + tile.row(i, lane)]
                                 : to[tile.row(i, lane) * size_t(stride) + tile.column(i, lane)]) = tile.x[i];
}

}  // namespace wmma
}  // namespace nvcuda

#include "wmma_multiply.h"
