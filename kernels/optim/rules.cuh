// The rules of optimizers for one element, and the table of tensors that one launch updates.
#pragma once
#include "common.cuh"

namespace stepping {

constexpr int MOST = 48;  // tensors in one launch: the table must fit into 4 KB of kernel parameters
constexpr int STATES = 3, NUMBERS = 8;
constexpr int CHUNK = 4096;  // elements that one block updates

// In the flag: Nesterov's look-ahead or decoupled weight decay; amsgrad or centered; steps up the gradient.
constexpr int VARIANT = 1, SECOND = 2, MAXIMIZE = 4;

// Tensor t has n[t] elements at p[t], their gradients at g[t], and its state at s[0][t], s[1][t] and s[2][t]
// (null if the rule has less state). The blocks from chunk[t] up to chunk[t + 1] update its chunks.
struct Table {
    number* p[MOST];
    const number* g[MOST];
    number* s[STATES][MOST];
    int64 n[MOST], chunk[MOST + 1];
    double numbers[NUMBERS];
    int32 count;
    int32 flag;  // the sum of some of VARIANT, SECOND and MAXIMIZE
};

// The numbers of a rule in the order of its Python class, in the element type.
struct Numbers {
    number at[NUMBERS];
    bool flag, second, maximize;
    __device__ __forceinline__ Numbers(const Table& table)
        : flag(table.flag & VARIANT), second(table.flag & SECOND), maximize(table.flag & MAXIMIZE) {
        for (int i = 0; i < NUMBERS; i++) at[i] = (number)table.numbers[i];
    }
    __device__ __forceinline__ number operator[](int i) const { return at[i]; }
};

// The larger one, and NaN if either is NaN, as NumPy has it.
__device__ __forceinline__ number larger(number a, number b) { return a > b || a != a ? a : b; }
__device__ __forceinline__ number smaller(number a, number b) { return a < b || a != a ? a : b; }
__device__ __forceinline__ number sign(number x) { return x > 0 ? number(1) : x < 0 ? number(-1) : x; }

// w' = w - lr g; with momentum v' = momentum v + fresh g.
struct Sgd {
    static constexpr int STATE = 1;
    static __device__ __forceinline__ void step(number& p, number g, number* s, const Numbers& c) {
        number lr = c[0], momentum = c[1], fresh = c[2], decay = c[3];
        g = g + p * decay;
        if (momentum != 0) {
            s[0] = s[0] * momentum + g * fresh;
            g = c.flag ? g + s[0] * momentum : s[0];
        }
        p = p - g * lr;
    }
};

// Kingma and Ba 2014, section 2, with both corrections in one step size and one eps; decoupled decay scales w
// first, and amsgrad divides by the largest second moment.
struct Adam {
    static constexpr int STATE = 3;
    static __device__ __forceinline__ void step(number& p, number g, number* s, const Numbers& c) {
        number beta1 = c[0], new1 = c[1], beta2 = c[2], new2 = c[3], size = c[4], eps = c[5], decay = c[6];
        if (c.flag) p = p * decay;
        else g = g + p * decay;
        s[0] = s[0] * beta1 + g * new1;
        s[1] = s[1] * beta2 + g * g * new2;
        s[2] = c.second ? larger(s[2], s[1]) : s[1];
        p = p - s[0] / (sqrt(s[2]) + eps) * size;
    }
};

struct Adagrad {
    static constexpr int STATE = 1;
    static __device__ __forceinline__ void step(number& p, number g, number* s, const Numbers& c) {
        g = g + p * c[2];
        s[0] = s[0] + g * g;
        p = p - g / (sqrt(s[0]) + c[1]) * c[0];
    }
};

// The mean of squares, the momentum, and the mean, which is subtracted if the rule is centered.
struct RmsProp {
    static constexpr int STATE = 3;
    static __device__ __forceinline__ void step(number& p, number g, number* s, const Numbers& c) {
        number lr = c[0], alpha = c[1], fresh = c[2], eps = c[3], decay = c[4], momentum = c[5];
        g = g + p * decay;
        s[0] = s[0] * alpha + g * g * fresh;
        number variance = s[0];
        if (c.second) {
            s[2] = s[2] * alpha + g * fresh;
            variance = variance - s[2] * s[2];
        }
        g = g / (sqrt(variance) + eps);
        if (momentum != 0) g = s[1] = s[1] * momentum + g;
        p = p - g * lr;
    }
};

// The mean of squares of the gradient, and that of the steps.
struct Adadelta {
    static constexpr int STATE = 2;
    static __device__ __forceinline__ void step(number& p, number g, number* s, const Numbers& c) {
        number lr = c[0], rho = c[1], fresh = c[2], eps = c[3], decay = c[4];
        g = g + p * decay;
        s[0] = s[0] * rho + g * g * fresh;
        g = g / sqrt(s[0] + eps) * sqrt(s[1] + eps);
        s[1] = s[1] * rho + g * g * fresh;
        p = p - g * lr;
    }
};

struct Adamax {
    static constexpr int STATE = 2;
    static __device__ __forceinline__ void step(number& p, number g, number* s, const Numbers& c) {
        number beta1 = c[0], fresh = c[1], beta2 = c[2], size = c[3], eps = c[4], decay = c[5];
        g = g + p * decay;
        s[0] = s[0] * beta1 + g * fresh;
        s[1] = larger(s[1] * beta2, fabs(g) + eps);
        p = p - s[0] / s[1] * size;
    }
};

// Adam with a part of the step in proportion to the gradient itself.
struct NAdam {
    static constexpr int STATE = 2;
    static __device__ __forceinline__ void step(number& p, number g, number* s, const Numbers& c) {
        number by_gradient = c[4], by_moment = c[5], eps = c[6], decay = c[7];
        if (c.flag) p = p * decay;
        else g = g + p * decay;
        s[0] = s[0] * c[0] + g * c[1];
        s[1] = s[1] * c[2] + g * g * c[3];
        p = p - (s[0] * by_moment + g * by_gradient) / (sqrt(s[1]) + eps);
    }
};

// Adam whose division is by 1 (root = 0, eps = 1) in the first steps.
struct RAdam {
    static constexpr int STATE = 2;
    static __device__ __forceinline__ void step(number& p, number g, number* s, const Numbers& c) {
        number size = c[4], root = c[5], eps = c[6], decay = c[7];
        if (c.flag) p = p * decay;
        else g = g + p * decay;
        s[0] = s[0] * c[0] + g * c[1];
        s[1] = s[1] * c[2] + g * g * c[3];
        p = p - s[0] / (sqrt(s[1]) * root + eps) * size;
    }
};

struct Lion {
    static constexpr int STATE = 1;
    static __device__ __forceinline__ void step(number& p, number g, number* s, const Numbers& c) {
        number lr = c[0], beta1 = c[1], new1 = c[2], beta2 = c[3], new2 = c[4], decay = c[5];
        p = p * decay - sign(s[0] * beta1 + g * new1) * lr;
        s[0] = s[0] * beta2 + g * new2;
    }
};

// The last gradient, and the size of the step.
struct Rprop {
    static constexpr int STATE = 2;
    static __device__ __forceinline__ void step(number& p, number g, number* s, const Numbers& c) {
        number agreement = sign(g * s[0]), kept = smaller(agreement, 0) + number(1);
        number size = s[1] * larger(agreement * c[1], 1) * larger(kept, c[0]);
        s[1] = smaller(larger(size, c[2]), c[3]);
        s[0] = g * kept;
        p = p - sign(s[0]) * s[1];
    }
};

// The table of kernels: STEP(name of the kernel, rule).
#define RULES(STEP)               \
    STEP(sgd_step, Sgd)           \
    STEP(adam_step, Adam)         \
    STEP(adagrad_step, Adagrad)   \
    STEP(rmsprop_step, RmsProp)   \
    STEP(adadelta_step, Adadelta) \
    STEP(adamax_step, Adamax)     \
    STEP(nadam_step, NAdam)       \
    STEP(radam_step, RAdam)       \
    STEP(lion_step, Lion)         \
    STEP(rprop_step, Rprop)
// clang-format on

// Element i of tensor t.
template <typename Rule>
__device__ __forceinline__ void step_at(const Table& table, int t, int64 i, const Numbers& c) {
    number p = table.p[t][i], g = table.g[t][i], s[Rule::STATE];
#pragma unroll
    for (int k = 0; k < Rule::STATE; k++) s[k] = table.s[k][t] ? table.s[k][t][i] : number(0);
    Rule::step(p, c.maximize ? -g : g, s, c);
    table.p[t][i] = p;
#pragma unroll
    for (int k = 0; k < Rule::STATE; k++)
        if (table.s[k][t]) table.s[k][t][i] = s[k];
}

}  // namespace stepping
