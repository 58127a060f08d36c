//// ACCEPTED static_dev_unused_calls_host
int h(int a) { return a; }
static __device__ int d(int a) { return h(a); }
__global__ void k(int* x) { x[0] = 1; }
//// ACCEPTED inline_dev_unused_calls_host
int h(int a) { return a; }
__device__ inline int d(int a) { return h(a); }
__global__ void k(int* x) { x[0] = 1; }
//// ACCEPTED tmpl_dev_unused_calls_host
int h(int a) { return a; }
template <class T>
__device__ int d(T a) {
    return h(a);
}
__global__ void k(int* x) { x[0] = 1; }
//// ACCEPTED member_dev_unused_calls_host
int h(int a) { return a; }
struct S {
    __device__ int d(int a) { return h(a); }
};
__global__ void k(int* x) { x[0] = 1; }
//// ACCEPTED hd_unused_calls_host
int h(int a) { return a; }
__host__ __device__ int d(int a) { return h(a); }
__global__ void k(int* x) { x[0] = 1; }
//// ACCEPTED hd_used_calls_host
int h(int a) { return a; }
__host__ __device__ int d(int a) { return h(a); }
__global__ void k(int* x) { x[0] = d(1); }
//// ACCEPTED hd_archguard
int h(int a) { return a; }
__host__ __device__ int d(int a) {
#ifdef __CUDA_ARCH__
    return a;
#else
    return h(a);
#endif
}
__global__ void k(int* x) { x[0] = d(1); }
//// ACCEPTED host_unused
#include <cstdio>
#include <cstdlib>
int main() {
    system("x");
    FILE* f = fopen("a", "r");
    return f != 0;
}
__global__ void k(int* x) { x[0] = 1; }
//// ACCEPTED host_vector
#include <vector>
#include <string>
#include <iostream>
std::vector<int> v;
std::string s = "a";
void show() { std::cout << s << v.size(); }
__global__ void k(int* x) { x[0] = 1; }
//// ACCEPTED host_throws
void show() { throw 1; }
int t() {
    try {
        show();
    } catch (int) {
        return 1;
    }
    return 0;
}
__global__ void k(int* x) { x[0] = 1; }
//// ACCEPTED recursion
__device__ int f(int n) { return n < 2 ? n : f(n - 1) + f(n - 2); }
__global__ void k(int* x) { x[0] = f(x[1]); }
//// ACCEPTED mutual
__device__ int g(int n);
__device__ int f(int n) { return n < 2 ? n : g(n - 1); }
__device__ int g(int n) { return f(n - 1); }
__global__ void k(int* x) { x[0] = f(x[1]); }
//// ACCEPTED decl_host_def_dev
int f(int n);
__global__ void k(int* x) { x[0] = f(x[1]); }
__device__ int f(int n) { return n; }
//// ACCEPTED member_decl_dev
struct S {
    __device__ int f(int n);
};
int S::f(int n) { return n; }
__global__ void k(int* x) {
    S s;
    x[0] = s.f(x[1]);
}
//// ACCEPTED member_decl_none
struct S {
    int f(int n);
};
__device__ int S::f(int n) { return n; }
__global__ void k(int* x) {
    S s;
    x[0] = s.f(x[1]);
}
//// ACCEPTED local_struct_dev
__global__ void k(int* x) {
    struct L {
        int a;
        __device__ L() : a(3) {}
        __device__ int f() { return a; }
    };
    L l;
    x[0] = l.f();
}
//// ACCEPTED const_local
constexpr int N = 16;
__global__ void k(int* x) {
    __shared__ int s[N];
    s[0] = N;
    x[0] = s[0];
}
//// ACCEPTED tmpl_param
const int N = 16;
template <int M>
__device__ int f() {
    return M;
}
__global__ void k(int* x) { x[0] = f<N>(); }
//// ACCEPTED host_default_arg_unused
int h() { return 1; }
__device__ int f(int a = h()) { return a; }
__global__ void k(int* x) { x[0] = f(1); }
//// ACCEPTED base_ctor_dev
struct B {
    int b;
    __device__ B() : b(1) {}
};
struct A : B {};
__global__ void k(int* x) {
    A a;
    x[0] = a.b;
}
//// ACCEPTED fn_tmpl_spec
template <class T>
__device__ int f(T) {
    return 1;
}
template <>
int f<float>(float) {
    return 2;
}
__global__ void k(int* x) { x[0] = f(1.f); }
//// ACCEPTED friend_dev
struct S {
    int a;
    friend __device__ int get(const S& s) { return s.a; }
};
__global__ void k(int* x) {
    S s{1};
    x[0] = get(s);
}
//// ACCEPTED consthost_from_const
const int a = 3;
const int b = a * 2;
static constexpr float pi = 3.14f;
__global__ void k(int* x) { x[0] = b + pi * x[1]; }
//// ACCEPTED dev_static_member_fn_tmpl
template <class T>
struct S {
    static __device__ T f(T a) { return a; }
};
__global__ void k(int* x) { x[0] = S<int>::f(1); }
//// ACCEPTED static_member_const
template <class T>
struct S {
    static const int n = 3;
    static constexpr int m = 4;
};
__global__ void k(int* x) { x[0] = S<int>::n + S<int>::m + (x[1] ? S<int>::n : S<int>::m); }
//// ACCEPTED inline_constexpr
inline constexpr int N = 3;
inline const int M = 4;
__global__ void k(int* x) { x[0] = N + M; }
//// ACCEPTED init_list
#include <initializer_list>
__device__ int f(std::initializer_list<int> l) { return l.size() + *l.begin(); }
__global__ void k(int* x) { x[0] = f({1, 2, 3}); }
//// ACCEPTED rangefor
__global__ void k(int* x) {
    int a[3] = {1, 2, 3};
    for (int v : a) x[0] += v;
}
//// ACCEPTED std_min_user
template <class T>
__host__ __device__ T mymin(T a, T b) {
    return a < b ? a : b;
}
__global__ void k(int* x) { x[0] = mymin(x[1], 3); }
//// ACCEPTED host_union
union U {
    float f;
    int i;
};
__global__ void k(int* x) {
    U u;
    u.f = 3;
    x[0] = u.i;
}
//// REFUSED helper_none
int helper(int a) { return a; }
__global__ void k(int* x) { x[0] = helper(1); }
//// REFUSED dev_unused_calls_host
int h(int a) { return a; }
__device__ int d(int a) { return h(a); }
__global__ void k(int* x) { x[0] = 1; }
//// REFUSED hd_used_hostvar
int h;
__host__ __device__ int d(int a) { return h + a; }
__global__ void k(int* x) { x[0] = d(1); }
//// REFUSED hd_unused_hostvar
int h;
__host__ __device__ int d(int a) { return h + a; }
__global__ void k(int* x) { x[0] = 1; }
//// REFUSED lambda_ns
auto f = [](int a) { return a; };
__global__ void k(int* x) { x[0] = f(1); }
//// REFUSED local_struct
__global__ void k(int* x) {
    struct L {
        int a;
        L() : a(3) {}
        int f() { return a; }
    };
    L l;
    x[0] = l.f();
}
//// REFUSED host_default_arg
int h() { return 1; }
__device__ int f(int a = h()) { return a; }
__global__ void k(int* x) { x[0] = f(); }
//// REFUSED nsdmi_host
int h() { return 1; }
struct A {
    int a = h();
};
__global__ void k(int* x) {
    A a;
    x[0] = a.a;
}
//// REFUSED base_ctor
struct B {
    int b;
    B() : b(1) {}
};
struct A : B {};
__global__ void k(int* x) {
    A a;
    x[0] = a.b;
}
//// REFUSED friend
struct S {
    int a;
    friend int get(const S& s) { return s.a; }
};
__global__ void k(int* x) {
    S s{1};
    x[0] = get(s);
}
//// REFUSED udl
constexpr int operator"" _k(unsigned long long a) { return a; }
__global__ void k(int* x) { x[0] = 3_k; }
//// REFUSED host_static_member_fn_tmpl
template <class T>
struct S {
    static T f(T a) { return a; }
};
__global__ void k(int* x) { x[0] = S<int>::f(1); }
//// REFUSED extern_c_host
extern "C" int h(int a) { return a; }
__global__ void k(int* x) { x[0] = h(1); }
//// REFUSED extern_c_var
extern "C" {
int n = 4;
__global__ void k(int* x) { x[0] = n; }
}
//// REFUSED kernel_calls_kernel
__global__ void j(int* x) { x[0] = 1; }
__global__ void k(int* x) { j(x); }
//// REFUSED host_var_in_host_device_tmpl
int h;
template <class T>
__host__ __device__ T d(T a) {
    return h + a;
}
__global__ void k(int* x) { x[0] = d(1); }
//// REFUSED tmpl_ce_host
template <class T>
constexpr T f(T a) {
    return a + 1;
}
__global__ void k(int* x) { x[0] = f(x[1]); }
//// REFUSED struct_ce
struct P {
    int a;
    constexpr P(int b) : a(b) {}
    constexpr int get() const { return a; }
};
__global__ void k(int* x) {
    P p(x[1]);
    x[0] = p.get();
}

//// ACCEPTED generic_lambdas_in_extern_c
template <typename Done>
__device__ void each(int* x, Done done) {
    done(x, x[0]);
}
extern "C" __global__ void k(int* x) {
    each(x, [=](int* y, auto const& v) { each(y, [=](int* z, auto w) { z[0] = w + v; }); });
}
