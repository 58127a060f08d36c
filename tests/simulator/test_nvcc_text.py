"""The parts of the stand-in for nvcc that need no compiler: tokens, structure, command line."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinygrad_edu.simulator.nvcc import arguments, blob, preprocess, scopes
from tinygrad_edu.simulator.nvcc.callgraph import CallGraph
from tinygrad_edu.simulator.nvcc.declarations import read_declaration
from tinygrad_edu.simulator.nvcc.rewrite import rewrite
from tinygrad_edu.simulator.nvcc.tokens import Lines, Place, SourceError, match_brackets, tokenize


def texts(source):
    return [token.text for token in tokenize(source)]


def read(source):
    tokens = tokenize(source)
    partner = match_brackets(tokens)
    assert partner is not None
    return scopes.read(tokens, partner)


# --- tokens ---


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a<<<b", ["a", "<<<", "b"]),
        ("x>>1", ["x", ">", ">", "1"]),
        ("std::max(a,b)", ["std", "::", "max", "(", "a", ",", "b", ")"]),
        ("1.5e-3f+.5 0x1p-3 1'000", ["1.5e-3f", "+", ".5", "0x1p-3", "1'000"]),
        ('"a\\"b" u8"c" L\'x\'', ['"a\\"b"', 'u8"c"', "L'x'"]),
        ('R"x(a ) " {)x" y', ['R"x(a ) " {)x"', "y"]),
        ("a /* __global__ */ b // c\nd", ["a", "b", "d"]),
        ("#pragma unroll\nfor", ["for"]),
        ("a # b", ["a", "#", "b"]),
        ("a->b<=c==d...", ["a", "->", "b", "<=", "c", "==", "d", "..."]),
    ],
)
def test_tokens(source, expected):
    assert texts(source) == expected


@given(st.lists(st.sampled_from(["a", "1.5f", '"s{"', "'{'", "<<<", "::", "x_1", "0x3", "->", ","])))
def test_tokens_keep_their_positions(words):
    source = " ".join(words)
    assert [source[token.start : token.end] for token in tokenize(source)] == words


def test_lines_follow_the_markers():
    text = 'first\n# 10 "a.cu"\nx\ny\n# 3 "b\\\\c.h" 1 3\nz\n# 12 "a.cu" 2\nlast'
    lines = Lines(text)
    assert lines.place(text.index("y")) == Place("a.cu", 11)
    assert lines.place(text.index("z")) == Place("b\\c.h", 3)
    assert str(lines.place(text.index("last"))) == "a.cu:12"
    assert lines.files() == ["a.cu", "b\\c.h"]


@pytest.mark.parametrize("source", ["(", ")", "{ ( }", "[ }", "f() { "])
def test_brackets_that_do_not_pair_are_noticed(source):
    assert match_brackets(tokenize(source)) is None


# --- structure ---


@pytest.mark.parametrize(
    ("source", "names"),
    [
        ("int f() { return 1; } int g(int x = 3) { { } }", ["f", "g"]),
        (
            "namespace a { namespace { int f() {} } inline namespace b::c { int g() {} } }",
            ["a::f", "a::b::c::g"],
        ),
        (
            "struct A { A() : x(1) {} A(int) : x{1}, y(2) {} ~A() {} int get() const { return 1; } int x; };",
            ["A::A", "A::A", "A::~A", "A::get"],
        ),
        ("struct __align__(8) P { float x; float get() { return x; } };", ["P::get"]),
        ("template <class T, int N = (1 > 0)> __global__ void __launch_bounds__(32, 2) k(T* x) { }", ["k"]),
        (
            "bool operator==(A a, A b) { } A operator()(int x) { } A operator()() {}",
            ["operator==", "operator()", "operator()"],
        ),
        ("int a[] = {1, 2}; int b{3}; auto l = [](int x) { return x; }; enum E { X, Y }; int f() {}", ["f"]),
        ("auto f(int x) -> decltype(x) { } __attribute__((noinline)) int g() noexcept(true) { }", ["f", "g"]),
        ('extern "C" __global__ void k(int* x) { } extern "C" { void j() {} } int f();', ["k", "j"]),
        (
            "template <> __global__ void k<int>(int* x) { } template <class T> "
            "struct B : A<T> { void m() { } };",
            ["k", "B::m"],
        ),
    ],
)
def test_functions_are_found(source, names):
    assert [function.qualified for function in read(source).functions] == names


def test_kernels_linkage_and_instantiations():
    source = read(
        'extern "C" { __global__ void a() { } }  static __global__ void b() { } int c() { }'
        "template <class T> __global__ void d(T*) { } template __global__ void d<float>(float*);"
        "template __global__ void d(int*); __global__ void later(int);"
        "template __global__ void d<const  unsigned\nchar*>(const unsigned char**);"
    )
    assert [(f.name, f.is_kernel, f.scope.c_linkage) for f in source.functions] == [
        ("a", True, True),
        ("b", True, False),
        ("c", False, False),
        ("d", True, False),
    ]
    assert [(i.name, i.arguments) for i in source.instantiations] == [
        ("d", "<float>"),
        ("d", ""),
        ("d", "<const unsigned char*>"),
    ]


@pytest.mark.parametrize(
    ("source", "type_text", "names", "words"),
    [
        ("__shared__ float a[4][5]", "float", ["a"], {"__shared__"}),
        (
            "static __shared__ unsigned long long a, b[2]",
            "unsigned long long",
            ["a", "b"],
            {"__shared__", "static"},
        ),
        (
            "volatile __shared__ const std::pair<int, A<3>>* p",
            "volatile const std :: pair < int , A < 3 > >",
            ["p"],
            {"__shared__", "volatile", "const"},
        ),
        ("__shared__ struct S { int x, y; } s, t[3]", "struct S { int x , y ; }", ["s", "t"], {"__shared__"}),
        ("__shared__ typename T::type x", "typename T :: type", ["x"], {"__shared__", "typename"}),
        ("__device__ float (*f)(float, int)", "float", ["f"], {"__device__"}),
        ("__constant__ float c[] = {1, 2, 3}, d = 4", "float", ["c", "d"], {"__constant__"}),
        ("extern __shared__ char raw[]", "char", ["raw"], {"__shared__", "extern"}),
    ],
)
def test_declarations(source, type_text, names, words):
    parsed = read(source + ";")
    declaration = read_declaration(parsed, 0, len(parsed.tokens) - 1)
    assert declaration is not None
    assert (declaration.type_text, [d.name.text for d in declaration.declarators]) == (type_text, names)
    assert declaration.words == words


@pytest.mark.parametrize(
    "source", ["__device__ float f(float x)", "typedef int T", "using namespace std", "x = 3"]
)
def test_what_declares_no_variable(source):
    parsed = read(source + ";")
    assert read_declaration(parsed, 0, len(parsed.tokens) - 1) is None


# --- what a kernel can reach ---

SYNCHRONISING = {
    "barrier": "__global__ void k(int* x) { __syncthreads(); }",
    "in a function": "__device__ void f() { __syncwarp(); } __global__ void k(int* x) { f(); }",
    "defined later": "__device__ void f(); __global__ void k(int* x) { f(); } __device__ void f() { "
    "__syncwarp(); }",
    "in a method": "struct A { __device__ int m() { return __any_sync(1, 1); } }; __global__ void k(A "
    "a) { a.m(); }",
    "in an operator": "struct A {}; __device__ A operator+(A a, A b) { __syncthreads(); return a; }"
    "__global__ void k(A* a) { a[0] = a[0] + a[1]; }",
    "in a destructor": "struct A { __device__ ~A() { __syncthreads(); } }; __global__ void k(A* p) { A a; }",
    "through a typedef": "template <class T> struct A { static __device__ void m() { __syncthreads(); } };"
    "typedef A<int> B; __global__ void k(int* x) { B::m(); }",
    "through a table": "__device__ void f() { __syncthreads(); } __device__ void (*table[])() = {f};"
    "__global__ void k(int* x) { table[0](); }",
    "shuffle": "__global__ void k(int* x) { x[0] = __shfl_down_sync(~0u, x[0], 1); }",
    "groups": "__global__ void k(int* x) { cooperative_groups::this_thread_block().sync(); }",
    "volatile": "__global__ void k(int* x) { volatile int* y = x; y[0] = 1; }",
    "volatile outside": "__shared__ volatile int s[3]; __global__ void k(int* x) { s[0] = 1; }",
    "lock": "__device__ void lock(int* m) { while (atomicCAS(m, 0, 1)) {} } __global__ void k(int* m) { "
    "lock(m); }",
    "wait": "__global__ void k(int* m) { while (atomicAdd(m, 0) < 3) { } }",
    "forever": "__global__ void k(int* m) { for (;;) { if (atomicOr(m, 0)) break; } }",
}
PLAIN = {
    "elementwise": "__global__ void k(int* x) { for (int i = 0; i < 3; i++) x[i]++; }",
    "someone else synchronises": "__global__ void s() { __syncthreads(); } __global__ void k(int* x) { "
    "x[0] = 1; }",
    "atomic without loop": "__global__ void k(int* x) { atomicAdd(x, 1); atomicCAS(x, 0, 1); }",
    "histogram": "__global__ void k(int* x, int n) { for (int i = 0; i < n; i++) atomicAdd(x + i, 1); }",
    "operator for volatile objects": "struct A { int x; A& operator=(const volatile A& o) { x = o.x; "
    "return *this; }"
    "}; __global__ void k(A* a) { a[0] = a[1]; }",
}


def _reach(source):
    parsed = read(source)
    return CallGraph(parsed).reach(next(f for f in parsed.functions if f.name == "k"))


@pytest.mark.parametrize("source", SYNCHRONISING.values(), ids=SYNCHRONISING)
def test_a_kernel_that_may_wait(source):
    assert _reach(source).synchronises


@pytest.mark.parametrize("source", PLAIN.values(), ids=PLAIN)
def test_a_kernel_that_never_waits(source):
    reach = _reach(source)
    assert not reach.synchronises and not reach.uses_volatile


def test_only_volatile_needs_its_callbacks():
    assert _reach(SYNCHRONISING["volatile"]).uses_volatile
    assert not _reach(SYNCHRONISING["barrier"]).uses_volatile


# --- rewriting ---


def test_lines_do_not_move():
    text = (
        '# 1 "k.cu"\n__global__ void k(int* x) {\n  __shared__\n    float a\n [3];\n  x[0] = here;\n}\n'
        "__constant__ float\n c[2];\nint last;\n"
    )
    new = rewrite(text).text
    for word in ("here", "last"):
        assert Lines(new).place(new.index(word)) == Lines(text).place(text.index(word))


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("__global__ void k() { f<<<1, 2>>>(); }", "dynamic parallelism"),
        ('__device__ void f() { asm volatile("bar.sync 0;"); }', "PTX"),
        ("texture<float, 1> t;", "version 12"),
        ("__global__ void k() { __shared__ int x = 3; }", "initialiser"),
        ("extern __constant__ int c; __global__ void k(int* x) { x[0] = c; }", "defined nowhere"),
    ],
)
def test_what_cannot_be_done_is_refused_at_its_line(source, words):
    with pytest.raises(SourceError) as caught:
        rewrite('# 7 "k.cu"\n' + source + "\n")
    assert words in str(caught.value) and str(caught.value).startswith("k.cu:7: error: ")


def test_a_compiler_fence_is_no_ptx():
    assert "memory" in rewrite('__device__ void f() { asm volatile("" ::: "memory"); }').text


def test_noinline_becomes_an_attribute_where_it_is_none_yet():
    """No macro could do it: headers of the system say `__attribute__((__noinline__))` themselves."""
    text = rewrite("__device__ __noinline__ int f(); __attribute__((__noinline__)) int g();\n").text
    assert "__device__ __attribute__((noinline)) int f(); __attribute__((__noinline__)) int g();" in text


def test_headers_of_the_system_become_includes_again():
    text = (
        '# 0 "k.cu"\n# 0 "<built-in>"\n# 1 "k.cu"\n#include <vector>\n# 1 "k.cu"\n# 1 '
        '"/usr/include/vector" 1 3\n'
        'secret\n# 2 "k.cu" 2\n#include "own.h"\n# 2 "k.cu"\n# 1 "own.h" 1\nmine\n# 3 "k.cu" 2\nx = \n'
        '# 3 "k.cu" 3 4\n  1\n# 3 "k.cu"\n;\n'
    )
    kept = preprocess.keep_own_text(text, "k.cu")
    assert "secret" not in kept and "#include <vector>" in kept and 'own.h"\nmine' in kept
    assert '#include "own.h"' not in kept and texts(kept[kept.index("x") :]) == ["x", "=", "1", ";"]


# --- command line and container ---


def test_the_command_line_of_pycuda():
    parsed = arguments.parse(
        [
            "--cubin",
            "-arch",
            "sm_80",
            "-I/a",
            "-I",
            "/b",
            "-DX=1",
            "-D",
            "Y",
            "-UZ",
            "-O3",
            "-O",
            "2",
            "--use_fast_math",
            "-Xptxas",
            "-v",
            "--keep",
            "-lineinfo",
            "-G",
            "-m64",
            "-g",
            "-w",
            "-std=c++20",
            "--maxrregcount=32",
            "-fmad=false",
            "-code=sm_80",
            "kernel.cu",
        ]
    )
    assert (parsed.action, parsed.sources, parsed.output) == ("cubin", ["kernel.cu"], "kernel.cubin")
    assert (parsed.architecture, parsed.includes, parsed.definitions) == (
        80,
        ["/a", "/b"],
        ["-DX=1", "-DY", "-UZ"],
    )
    assert (parsed.standard, parsed.fast_math, parsed.fuse, parsed.keep) == ("c++20", True, False, True)
    assert not parsed.warnings


def test_unknown_options_warn_and_linking_is_refused():
    assert "--frobnicate" in arguments.parse(["--frobnicate", "k.cu"]).warnings[0]
    for option in ("-rdc=true", "-dc", "--relocatable-device-code=true"):
        with pytest.raises(arguments.ArgumentError, match="one source at a time"):
            arguments.parse([option, "k.cu"])
    assert not arguments.parse(["-rdc=false", "k.cu"]).warnings
    with pytest.raises(arguments.ArgumentError, match="-o needs a value"):
        arguments.parse(["k.cu", "-o"])


@given(st.dictionaries(st.text(min_size=1), st.binary()))
def test_the_container_keeps_its_records(records):
    packed = blob.pack(records)
    assert int.from_bytes(packed[8:16], "little") == len(packed)
    assert blob.unpack(packed + b"more") == records


def test_what_is_no_container():
    with pytest.raises(blob.BlobError, match="first bytes"):
        blob.unpack(b"\x7fELF" + bytes(100))
    with pytest.raises(blob.BlobError, match="are here"):
        blob.unpack(blob.pack({"elf": b"123"})[:-1])
