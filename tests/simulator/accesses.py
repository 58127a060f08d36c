"""Every way to move a value of every type, as CUDA C: what the checker must see, generated.

A case is a type and a way to read or write one element of it. Two threads meet: thread 1 touches one byte of
the element, thread 0 moves the whole element in that way. Without the barrier between the two it is a race,
whichever byte it was; with it, none.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

COUNT = 4  # elements of each array


@dataclass(frozen=True)
class Type:
    """A type under test; `last` is its last byte that is no padding, -1 where that is the end."""

    name: str
    spelling: str
    kind: str = "struct"  # or scalar, union, class (with a constructor or a base)
    bytes: int = 0
    alignment: int = 4
    last: int = -1


def _struct(name: str, size: int, alignment: int = 4, **more: object) -> Type:
    return Type(name, name, "struct", size, alignment, **more)


# fmt: off
TYPES = [
    *(Type(name.replace(" ", "_").strip("_"), name, "scalar", size, size) for name, size in (
        ("signed char", 1), ("short", 2), ("float", 4), ("double", 8), ("Name", 2))),
    Type("pointer", "Pointer", "scalar", 8, 8),
    Type("half", "__half", "class", 2, 2), Type("half2", "__half2", "class", 4, 4),
    Type("bfloat", "__nv_bfloat16", "class", 2, 2),
    *(_struct(name, size, alignment) for name, size, alignment in (
        ("char3", 3, 1), ("uchar4", 4, 4), ("short3", 6, 2), ("float2", 8, 8), ("float3", 12, 4),
        ("float4", 16, 16), ("double2", 16, 16), ("int4", 16, 16), ("double4", 32, 16),
        ("Five", 5, 1), ("Packed", 5, 1), ("Pair", 8, 4), ("Three", 12, 4), ("Triple<double>", 24, 8),
        ("Matrix", 36, 4), ("Nested", 48, 16), ("Many", 100, 4), ("Bits", 4, 4))),
    _struct("Padded", 16, 8, last=8),
    Type("Either", "Either", "union", 16, 16),
    Type("Own", "Own", "class", 12), Type("Defaulted", "Defaulted", "class", 12),
    Type("Derived", "Derived", "class", 12),
]
# fmt: on

HELPERS = """
#include <cuda_fp16.h>
#include <cuda_bf16.h>
#define D __device__
#define FAR __device__ __noinline__
enum class Name : short { none, some };
typedef int *Pointer;
struct Five { char c[5]; };
struct __attribute__((packed)) Packed { char c; int i; };
struct Pair { int a, b; };
struct Three { float a[3]; };
template <class E> struct Triple { E a, b, c; };
struct Matrix { float m[3][3]; };
struct Nested { Pair pair; float4 v; Triple<float> last; };
struct Many { int a[25]; };
struct Bits { unsigned a : 3, b : 13, c : 16; };
struct Padded { double a; char c; };
union Either { float4 v; int i[4]; double d; };
struct Own {
    int a, b, c;
    D Own() : a(0), b(0), c(0) {}
    D Own(const Own &o) : a(o.a), b(o.b), c(o.c) {}                                             // COPY
    D Own &operator=(const Own &o) { a = o.a; b = o.b; c = o.c; return *this; }                 // COPY
};
class Defaulted {
    int a = 1, b = 2, c = 3;
public:
    Defaulted() = default;
    Defaulted(const Defaulted &) = default;
    Defaulted &operator=(const Defaulted &) = default;
    D int sum() const { return a + b + c; }
};
struct Derived : Pair { int c; };

template <class T> FAR void keep(T *to, T v) { *to = v; }
template <class T> FAR void keep_too(T *to, T v) { *to = v; __threadfence(); }
template <class T> FAR T fetch(const T *from) { return *from; }                                 // HERE
template <class T> FAR T fetch_too(const T *from) { T v = *from; __threadfence(); return v; }   // HERE
template <class T> FAR const T &refer(const T &v) { return v; }
template <class T> FAR void put(T *to, T v) { *to = v; }                                        // HERE
template <class T> FAR void set(T &to, const T &v) { to = v; }                                  // HERE
template <class T> FAR T same(T v) { return v; }
template <class T> FAR T deep(T v, int n) { return n ? deep(v, n - 1) : v; }
template <class T> FAR void deep(T *to, T v, int n) { if (n) deep(to, v, n - 1); else *to = v; }
template <class T, class... Rest> FAR void pack(T *to, Rest... rest) { ((*to = rest), ...); }
template <class T> struct Holder {
    T v;
    FAR Holder(T w) : v(w) {}
    FAR void take(T w) { v = w; }                                                               // HERE
    FAR T give() const { return v; }                                                            // HERE
    FAR void operator()(T *to, T w) const { *to = w; }
};
template <class T> struct Box { T v[1]; };
template <class T> struct Two { T a, b; };
template <class T> FAR void keep_first(T *to, Two<T> two) { *to = two.a; }
template <class T> FAR Two<T> two_of(T v) { return Two<T>{v, v}; }
template <class T> FAR Box<T> box_of(T v) { return Box<T>{{v}}; }
template <class T> union Both { T v; char c[sizeof(T)]; };
template <class T> struct Base {
    virtual FAR void keep(T *to, T v) const { *to = v; }
    virtual FAR T give(const T *from) const { return *from; }
};
template <class T> struct Other : Base<T> {
    FAR void keep(T *to, T v) const override { *to = v; __threadfence(); }
    FAR T give(const T *from) const override { T v = *from; __threadfence(); return v; }
};
struct Left {};
template <class T> FAR T operator+(Left, T v) { return v; }
template <class T> struct Proxy { const T *from; FAR operator T() const { return *from; } };    // HERE
template <class T> struct Slice : T { D Slice(const T &v) : T(v) {} };
template <class T> FAR void each(T *to, std::initializer_list<T> all) { for (T v : all) *to = v; }
"""

# `p` is the element, `out` and `in` are global memory of the thread's own; i is 0, and g++ does not know it.
READS = {
    "assignment": "*out = *p;",
    "a local copy": "T v = *p; *out = v;",
    "by value": "keep(out, *p);",
    "by value, indexed": "keep(out, p[i]);",
    "by value through a reference": "keep(out, refer(*p));",
    "by value, one of two": "keep(out, i ? p[1] : p[0]);",
    "by value, moved": "keep(out, std::move(*p));",
    "by value, cast": "keep(out, (T)*p);",
    "returned": "*out = fetch(p);",
    "returned and handed on": "keep(out, fetch(p));",
    "to a member function": "((Holder<T> *)out)->take(*p);",
    "from a member function": "keep(out, ((const Holder<T> *)p)->give());",
    "to a functor": "(*(Holder<T> *)out)(out, *p);",
    "to a constructor": "Holder<T> h(*p); *out = h.v;",
    "to an operator": "*out = Left() + *p;",
    "in braces": "keep_first(out, Two<T>{*p, *out});",
    "to a lambda": "auto f = [out](T v) __attribute__((noinline)) { *out = v; }; f(*p);",
    "captured": "T &r = *p; auto f = [=]() __attribute__((noinline)) { return r; }; *out = f();",
    "captured as another": "auto f = [v = *p]() __attribute__((noinline)) { return v; }; *out = f();",
    "through a pointer to a function": "void (*f[2])(T *, T) = {keep<T>, keep_too<T>}; f[i](out, *p);",
    "from a pointer to a function": "T (*f[2])(const T *) = {fetch<T>, fetch_too<T>}; *out = f[i](p);",
    "to a virtual function": "Base<T> a; Other<T> b; const Base<T> *c = i ? &b : &a; c->keep(out, *p);",
    "to many": "pack(out, *p);",
    "to itself": "deep(out, *p, 3);",
    "converted": "keep(out, (T)Proxy<T>{p});",
    "pointer to member": "keep(out, ((Holder<T> *)p)->*(&Holder<T>::v));",
    "of a range": "for (const T v : ((Box<T> *)p)->v) keep(out, v);",
    "of an array": "Box<T> b = *(Box<T> *)p; *out = b.v[0];",
    "a list": "each(out, {*p, *out});",
    "a pair": "std::pair<T, int> both(*p, 1); *out = both.first;",
    "a new one": "alignas(T) char room[sizeof(T)]; *out = *new (room) T(*p);",
    "in a chain": "out[0] = out[1] = *p;",
    "exchanged": "T v = *out; std::swap(v, *p); *out = v;",
    "byte by byte": "for (int b = 0; b < sizeof(T); b++) ((char *)out)[b] = ((char *)p)[b];",
    "memcpy": "memcpy(out, p, sizeof(T));",
    "std::memcpy": "std::memcpy(out, p, sizeof(T));",
    "__builtin_memcpy": "__builtin_memcpy(out, p, sizeof(T));",
    "__ldg": "*out = __ldg(p);",
    "__ldg by value": "keep(out, __ldg(p));",
}
WRITES = {
    "assignment": "*p = *in;",
    "of a local": "T v = *in; __threadfence(); *p = v;",
    "what a function returns": "*p = fetch(in);",
    "what a function was handed": "*p = same(*in);",
    "by value": "put(p, *in);",
    "by reference": "set(*p, *in);",
    "one of two": "*p = i ? in[1] : in[0];",
    "in one of two": "(i ? p[1] : p[0]) = *in;",
    "by a member function": "((Holder<T> *)p)->take(*in);",
    "from a member function": "*p = ((const Holder<T> *)in)->give();",
    "from an operator": "*p = Left() + *in;",
    "from a lambda": "auto f = [in]() __attribute__((noinline)) { return *in; }; *p = f();",
    "from a pointer to a function": "T (*f[2])(const T *) = {fetch<T>, fetch_too<T>}; *p = f[i](in);",
    "from a virtual function": "Base<T> a; Other<T> b; const Base<T> *c = i ? &b : &a; *p = c->give(in);",
    "from itself": "*p = deep(*in, 3);",
    "converted": "*p = Proxy<T>{in};",
    "two": "*(Two<T> *)p = two_of(*in);",
    "an array": "*(Box<T> *)p = box_of(*in);",
    "nothing": "*p = T{};",
    "a new one": "new (p) T(*in);",
    "a new one of nothing": "new (p) T();",
    "a new one that was returned": "new (p) T(fetch(in));",
    "moved": "T v = *in; *p = std::move(v);",
    "exchanged": "T v = *in; std::swap(v, *p);",
    "in a chain": "p[1] = p[0] = *in;",
    "byte by byte": "for (int b = 0; b < sizeof(T); b++) ((char *)p)[b] = ((char *)in)[b];",
    "memcpy": "memcpy(p, in, sizeof(T));",
    "memset": "memset(p, 0, sizeof(T));",
    "__builtin_memcpy": "__builtin_memcpy(p, in, sizeof(T));",
    "__builtin_memset": "__builtin_memset(p, 1, sizeof(T));",
    "__stcg": "__stcg(p, *in);",
}
# Of some types only.
SPECIAL_READS = {
    "volatile": ("scalar", "*out = *(volatile T *)p;"),
    "a union": ("struct", "Both<T> u = *(Both<T> *)p; keep(out, u.v);"),
    "a union by value": ("struct", "keep((Both<T> *)out, *(Both<T> *)p);"),
    "a slice": ("struct", "keep<T>(out, *(Slice<T> *)p);"),
    "arithmetic": ("number", "*out = *p + *p;"),
}
SPECIAL_WRITES = {
    "volatile": ("scalar", "*(volatile T *)p = *in;"),
    "a union": ("struct", "Both<T> u; u.v = *in; *(Both<T> *)p = u;"),
    "a union by value": ("struct", "*(Both<T> *)p = same(*(Both<T> *)in);"),
    "a slice": ("struct", "*(T *)p = Slice<T>(*in);"),
    "arithmetic": ("number", "*p += 1;"),
    "counting": ("number", "(*p)++;"),
}
# What the other types are tried with: the ways in which g++ tells nobody, unless it is made to.
THOROUGH = ("float", "float4", "Triple<double>", "Own")
SOME = frozenset(("by value", "by value, one of two", "to an operator", "captured", "of an array",
                  "__builtin_memcpy", "what a function returns", "from a virtual function",
                  "nothing", "an array", "a new one that was returned", "__builtin_memset",
                  *SPECIAL_READS, *SPECIAL_WRITES))  # fmt: skip
WORDS = {"read": "*(V *)out = *(const V *)p;", "write": "*(V *)p = *(const V *)in;"}
VECTORS = (("uint4", 16), ("int2", 8), ("ushort4", 8), ("unsigned", 4))


def ways(type: Type, access: str) -> dict[str, str]:
    """The ways to read or to write an element of `type` that are tried, as statements."""
    general, special = (READS, SPECIAL_READS) if access == "read" else (WRITES, SPECIAL_WRITES)
    kinds = {type.kind}
    if type.kind == "scalar" and type.name not in ("Name", "pointer"):
        kinds.add("number")
    found = dict(general)
    found.update((name, code) for name, (kind, code) in special.items() if kind in kinds)
    if type.name not in THOROUGH:
        found = {name: code for name, code in found.items() if name in SOME}
    for vector, size in VECTORS:
        if type.bytes == size and type.alignment >= size:
            found[f"as {vector}"] = WORDS[access].replace("V", vector)
    return found


def source(types: list[Type]) -> str:
    """One kernel for each type and access: `read_float4(way, space, byte, ordered, index, x, y, z)`."""
    parts = [HELPERS]
    for type in types:
        name, size = _identifier(type), f"sizeof({type.spelling})"
        parts.append(f"__constant__ __align__(16) unsigned char constant_{name}[{COUNT} * {size}];\n")
        for access in "read", "write":
            calls = []
            for number, code in enumerate(ways(type, access).values()):
                other = "out" if access == "read" else "in"
                parts.append(
                    f"FAR void {access}_{name}_{number}({type.spelling} *p, {type.spelling} *{other}, int i) "
                    f"{{ typedef {type.spelling} T; {code} }}\n"
                )
                calls.append(f"case {number}: {access}_{name}_{number}(tile + index, z, i); break;\n")
            touch = "bytes[byte] = 1;" if access == "read" else "y[0] = bytes[byte];"
            parts.append(
                KERNEL
                % {
                    "access": access,
                    "name": name,
                    "type": type.spelling,
                    "touch": touch,
                    "calls": "".join(calls),
                    "count": COUNT,
                }
            )
    return "".join(parts)


KERNEL = """
extern "C" __global__ void %(access)s_%(name)s(int way, int space, int byte, int ordered, int index, int i,
                                               %(type)s *x, unsigned char *y, %(type)s *z) {
    typedef %(type)s T;
    __shared__ __align__(16) unsigned char fixed[%(count)d * sizeof(T)];
    extern __shared__ __align__(16) unsigned char dynamic[];
    T *tile = space == 0 ? (T *)fixed : space == 1 ? (T *)dynamic : space == 2 ? x : (T *)constant_%(name)s;
    unsigned char *bytes = (unsigned char *)tile;
    if (threadIdx.x == 0 && space < 3)
        for (int b = 0; b < %(count)d * sizeof(T); b++) bytes[b] = 0;
    __syncthreads();
    if (threadIdx.x == 1 && byte >= 0) { %(touch)s }
    if (ordered) __syncthreads();
    if (threadIdx.x == 0)
        switch (way) {
%(calls)s
        }
}
"""


def lines(text: str, access: str, type: Type, number: int) -> set[int]:
    """The lines that a report on this way may name."""
    own = f"{access}_{_identifier(type)}_{number}("
    found = set()
    for at, line in enumerate(text.split("\n"), 1):
        if line.startswith("FAR void " + own) or re.search(r"// (HERE|COPY)$", line):
            found.add(at)
    return found


def _identifier(type: Type) -> str:
    return re.sub(r"\W", "_", type.name)


def kernel(type: Type, access: str) -> str:
    """The name of its kernel."""
    return f"{access}_{_identifier(type)}"
