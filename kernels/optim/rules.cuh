// The rules of optimizers for one element, and the table of tensors that one launch updates.
#pragma once
#include "common.cuh"

namespace stepping {

constexpr int MOST = 48;  // tensors in one launch: the table must fit into 4 KB of kernel parameters
constexpr int STATES = 2, NUMBERS = 8;
constexpr int CHUNK = 4096;  // elements that one block updates

// Tensor t has n[t] elements at p[t], their gradients at g[t], and its state at s[0][t] and s[1][t] (null if
// the rule has less state). The blocks from chunk[t] up to chunk[t + 1] update its chunks.
struct Table {
    number* p[MOST];
    const number* g[MOST];
    number* s[STATES][MOST];
    int64 n[MOST], chunk[MOST + 1];
    double numbers[NUMBERS];
    int32 count;
    int32 flag;  // Nesterov's look-ahead; decoupled weight decay
};

// The numbers of a rule in the order of its Python class, in the element type.
struct Numbers {
    number at[NUMBERS];
    bool flag;
    __device__ __forceinline__ Numbers(const Table& table) : flag(table.flag != 0) {
        for (int i = 0; i < NUMBERS; i++) at[i] = (number)table.numbers[i];
    }
    __device__ __forceinline__ number operator[](int i) const { return at[i]; }
};

// w' = w - lr g; with momentum v' = momentum v + fresh g.
struct Sgd {
    static constexpr int STATE = 1;
    static __device__ __forceinline__ void step(number& p, number g, number& v, number&, bool remembers,
                                                const Numbers& c) {
        number lr = c[0], momentum = c[1], fresh = c[2], decay = c[3];
        g = g + p * decay;
        if (remembers) {
            v = v * momentum + g * fresh;
            g = c.flag ? g + v * momentum : v;
        }
        p = p - g * lr;
    }
};

// Kingma and Ba 2014, section 2, with both corrections in one step size and one eps; decoupled decay scales w
// first.
struct Adam {
    static constexpr int STATE = 2;
    static __device__ __forceinline__ void step(number& p, number g, number& m, number& v, bool,
                                                const Numbers& c) {
        number beta1 = c[0], new1 = c[1], beta2 = c[2], new2 = c[3], size = c[4], eps = c[5], decay = c[6];
        if (c.flag) p = p * decay;
        else g = g + p * decay;
        m = m * beta1 + g * new1;
        v = v * beta2 + g * g * new2;
        p = p - m / (sqrt(v) + eps) * size;
    }
};

struct Adagrad {
    static constexpr int STATE = 1;
    static __device__ __forceinline__ void step(number& p, number g, number& sum, number&, bool,
                                                const Numbers& c) {
        g = g + p * c[2];
        sum = sum + g * g;
        p = p - g / (sqrt(sum) + c[1]) * c[0];
    }
};

struct RmsProp {
    static constexpr int STATE = 2;
    static __device__ __forceinline__ void step(number& p, number g, number& mean, number& b, bool remembers,
                                                const Numbers& c) {
        number lr = c[0], alpha = c[1], fresh = c[2], eps = c[3], decay = c[4], momentum = c[5];
        g = g + p * decay;
        mean = mean * alpha + g * g * fresh;
        g = g / (sqrt(mean) + eps);
        if (remembers) g = b = b * momentum + g;
        p = p - g * lr;
    }
};

// The table of kernels: STEP(name of the kernel, rule).
#define RULES(STEP)             \
    STEP(sgd_step, Sgd)         \
    STEP(adam_step, Adam)       \
    STEP(adagrad_step, Adagrad) \
    STEP(rmsprop_step, RmsProp)
// clang-format on

// Element i of tensor t.
template <typename Rule>
__device__ __forceinline__ void step_at(const Table& table, int t, int64 i, const Numbers& c) {
    number p = table.p[t][i], first = 0, second = 0;
    number *one = table.s[0][t], *two = Rule::STATE > 1 ? table.s[1][t] : nullptr;
    if (one) first = one[i];
    if (two) second = two[i];
    // The second state array may be missing.
    Rule::step(p, table.g[t][i], first, second, Rule::STATE > 1 ? two != nullptr : one != nullptr, c);
    table.p[t][i] = p;
    if (one) one[i] = first;
    if (two) two[i] = second;
}

}  // namespace stepping
