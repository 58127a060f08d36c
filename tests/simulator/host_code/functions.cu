int hf(int a) { return a + 1; }
static int shf(int a) { return a + 1; }
inline int ihf(int a) { return a + 1; }
constexpr int cehf(int a) { return a + 1; }
__host__ int hhf(int a) { return a + 1; }
__device__ int df(int a) { return a + 1; }
__host__ __device__ int hdf(int a) { return a + 1; }
template <class T>
T thf(T a) {
    return a + 1;
}
template <class T>
__device__ T tdf(T a) {
    return a + 1;
}
template <class T>
__host__ __device__ T thdf(T a) {
    return a + 1;
}
template <class T>
__host__ __device__ T thdf_calls(T a) {
    return thf(a);
}
__host__ __device__ int hd_calls(int a);
int declared(int a);
__device__ int ddeclared(int a);
int over(int a) { return a; }
__device__ int over(float a) { return a; }
struct S {
    int a;
    S() : a(3) {}
    __device__ S(int b) : a(b) {}
    int hm() { return a; }
    __device__ int dm() { return a; }
    static int hsm() { return 1; }
    int operator+(int b) { return a + b; }
    operator float() { return a; }
    __device__ operator int() { return a; }
    ~S() {}
};
struct A {
    int a;
    int b = 3;
};
struct D {
    int a;
    D() = default;
    D(const D&) = default;
};
struct HC {
    int a;
    HC(const HC& o) : a(o.a) {}
    __device__ HC() : a(1) {}
};
struct Wrap {
    HC h;
    __device__ Wrap() {}
};
struct Dt {
    int a;
    ~Dt() { a = 0; }
};
struct WDt {
    Dt d;
};
struct V {
    __device__ virtual int f() { return 1; }
};
struct HV {
    virtual int f() { return 1; }
};
struct Sm {
    static int n;
    static const int cn = 3;
    static constexpr int cen = 4;
    __device__ int f() { return n; }
};
int Sm::n = 3;
struct Fun {
    __device__ int operator()(int a) const { return a; }
};
struct HFun {
    int operator()(int a) const { return a; }
};
template <class G>
__device__ int apply(G g, int a) {
    return g(a);
}
template <class G>
int happly(G g, int a) {
    return g(a);
}
#define CALLS(a) hf(a)
namespace ns {
int hf2(int a) { return a; }
__device__ int df2(int a) { return a; }
}  // namespace ns
typedef int (*fp)(int);
__device__ fp dtable[2] = {df, df};
fp htable[2] = {hf, hf};

// clang-format off: a kernel a line
ACCEPTED(df) { x[0] = df(1); }
ACCEPTED(hdf) { x[0] = hdf(1); }
ACCEPTED(tdf) { x[0] = tdf(1); }
ACCEPTED(thdf) { x[0] = thdf(1); }
ACCEPTED(thdf_calls) { x[0] = thdf_calls(1); }
ACCEPTED(over_d) { x[0] = over(1.f); }
ACCEPTED(S_dm) { S* s = (S*)x; x[0] = s->dm(); }
ACCEPTED(S_convd) { S* s = (S*)x; int f = *s; x[0] = f; }
ACCEPTED(A) { A a; x[0] = a.b; }
ACCEPTED(D) { D d; D e = d; x[0] = e.a; }
ACCEPTED(HC) { HC h; x[0] = h.a; }
ACCEPTED(Wrap) { Wrap w; x[0] = w.h.a; }
ACCEPTED(V) { V v; x[0] = v.f(); }
ACCEPTED(V_p) { V v; V* p = &v; x[0] = p->f(); }
ACCEPTED(HV_make) { HV v; x[0] = 1; }
ACCEPTED(Sm_cn) { x[0] = Sm::cn; }
ACCEPTED(Sm_cen) { x[0] = Sm::cen; }
ACCEPTED(Fun) { x[0] = apply(Fun(), 3); }
ACCEPTED(lam) { x[0] = apply([](int a) { return a; }, 3); }
ACCEPTED(fptr_d) { fp f = df; x[0] = f(1); }
ACCEPTED(fptr_argd) { x[0] = apply(df, 3); }
ACCEPTED(ns_d) { x[0] = ns::df2(1); }
ACCEPTED(dtable) { x[0] = dtable[x[1]](1); }
ACCEPTED(deadce) { if constexpr (0) x[0] = hf(1); }
ACCEPTED(sizeof) { x[0] = sizeof(hf(1)); }
ACCEPTED(decltype) { decltype(hf(1)) a = 1; x[0] = a; }
REFUSED(hf) { x[0] = hf(1); }
REFUSED(shf) { x[0] = shf(1); }
REFUSED(ihf) { x[0] = ihf(1); }
REFUSED(cehf) { x[0] = cehf(x[1]); }
REFUSED(cehf_c) { x[0] = cehf(1); }
REFUSED(cehf_ce) { constexpr int q = cehf(1); x[0] = q; }
REFUSED(cehf_arr) { int q[cehf(2)]; x[0] = sizeof(q); }
REFUSED(cehf_targ) { x[0] = cehf(2); }
REFUSED(hhf) { x[0] = hhf(1); }
REFUSED(thf) { x[0] = thf(1); }
REFUSED(declared) { x[0] = declared(1); }
REFUSED(over_h) { x[0] = over(1); }
REFUSED(S_hctor) { S s; x[0] = 1; }
REFUSED(S_dtor) { S s(3); x[0] = 1; }
REFUSED(S_hm) { S* s = (S*)x; x[0] = s->hm(); }
REFUSED(S_hsm) { x[0] = S::hsm(); }
REFUSED(S_op) { S* s = (S*)x; x[0] = *s + 1; }
REFUSED(S_convh) { S* s = (S*)x; float f = *s; x[0] = f; }
REFUSED(HC_copy) { HC h; HC g = h; x[0] = g.a; }
REFUSED(Wrap_copy) { Wrap w; Wrap v = w; x[0] = v.h.a; }
REFUSED(Dt) { Dt d; x[0] = d.a; }
REFUSED(WDt) { WDt d; x[0] = d.d.a; }
REFUSED(Sm_n) { x[0] = Sm::n; }
REFUSED(happly) { x[0] = happly(Fun(), 3); }
REFUSED(lam_h) { x[0] = apply([](int a) { return hf(a); }, 3); }
REFUSED(fptr_h) { fp f = hf; x[0] = f(1); }
REFUSED(fptr_haddr) { fp f = hf; x[0] = f != 0; }
REFUSED(fptr_arg) { x[0] = apply(hf, 3); }
REFUSED(macro) { x[0] = CALLS(3); }
REFUSED(ns_h) { x[0] = ns::hf2(1); }
REFUSED(htable) { x[0] = htable[x[1]](1); }
REFUSED(dead) { if (0) x[0] = hf(1); }
REFUSED(dyncast) { V* v = (V*)x; x[0] = dynamic_cast<V*>(v) != 0; }
