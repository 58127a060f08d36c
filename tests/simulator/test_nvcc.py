"""The stand-in for nvcc as a whole: sources are compiled, loaded and run, and errors read."""

import ctypes
import re
import struct

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.simulator import compiled

# Types that a kernel may take, with size and alignment as CUDA has them.
TYPES = {
    "char": (1, 1),
    "bool": (1, 1),
    "short": (2, 2),
    "int": (4, 4),
    "unsigned": (4, 4),
    "float": (4, 4),
    "long": (8, 8),
    "long long": (8, 8),
    "double": (8, 8),
    "float*": (8, 8),
    "const int*": (8, 8),
    "float2": (8, 8),
    "float3": (12, 4),
    "float4": (16, 16),
    "int2": (8, 8),
    "uchar4": (4, 4),
    "short3": (6, 2),
    "double2": (16, 16),
    "Three": (3, 1),
    "Mixed": (24, 8),
    "Wide": (32, 32),
    "const float": (4, 4),
}
STRUCTS = """
struct Three { char a[3]; };
struct Mixed { char a; double b; short c; };
struct __align__(32) Wide { float a; };
"""


def test_one_of_everything():
    module = compiled.load("""
#include <cmath>
#define MAKE(n) __global__ void made_##n(int* p) { p[threadIdx.x] = n; }
extern "C" __global__ void __launch_bounds__(4 * 32, 2) plain(float* x, float4 v, char c) { x[0] = v.y + c; }
namespace deep { __global__ void inside(int* x) { x[0] = 1; } }
namespace { __global__ void hidden(int* x) { x[0] = 1; } }
__global__ void twice(int* x) { x[0] = 1; }
__global__ void twice(float* x, int n = 3) { x[0] = n; }
template <class T, int N> __global__ void many(T* x) { x[threadIdx.x] *= N; }
template __global__ void many<float, 3>(float*);
template __global__ void many<double, 5>(double*);
MAKE(7)
__global__ void waits(int* x) { __syncthreads(); }
""")
    symbols = {k.symbol: (k.name, k.place, k.loops) for k in module.kernels}
    assert symbols["plain"] == ("plain", "kernel.cu:4", True)
    assert symbols["_ZN4deep6insideEPi"] == ("deep::inside", "kernel.cu:5", True)
    assert symbols["_ZN12_GLOBAL__N_16hiddenEPi"][0] == "hidden"
    assert symbols["_Z5twicePfi"][1] == "kernel.cu:8"
    assert symbols["_Z4manyIfLi3EEvPT_"] == ("many<float,3>", "kernel.cu:9", True)
    assert symbols["_Z4manyIdLi5EEvPT_"] == ("many<double,5>", "kernel.cu:9", True)
    assert symbols["_Z6made_7Pi"][:2] == ("made_7", "kernel.cu:12")
    assert symbols["_Z5waitsPi"] == ("waits", "kernel.cu:13", False)
    plain = module["plain"]
    assert (plain.max_threads, plain.bytes) == (128, 33)
    assert plain.parameters == [(0, 8, 8, 1), (16, 16, 16, 0), (32, 1, 1, 0)]
    assert not module.notes and not module.warnings
    assert module.records["text:kernel.cu"].startswith(b"\n#include <cmath>")


# No shrinking: each example is a run of g++, and the assertion names the signature.
@settings(max_examples=3, deadline=None, phases=(Phase.generate,))
@given(st.lists(st.lists(st.sampled_from(sorted(TYPES)), max_size=7), min_size=30, max_size=30))
def test_parameters_lie_as_in_a_struct(signatures):
    kernels = ""
    for number, signature in enumerate(signatures):
        listed = ", ".join(f"{name} p{i}" for i, name in enumerate(signature))
        kernels += f"__global__ void k{number}({listed}) {{ }}\n"
    module = compiled.load(STRUCTS + kernels)
    for number, signature in enumerate(signatures):
        expected, end = [], 0
        for name in signature:
            size, alignment = TYPES[name]
            offset = -(-end // alignment) * alignment
            end = offset + size
            expected.append((offset, size, alignment, int("*" in name)))
        kernel = module[f"k{number}"]
        assert (kernel.parameters, kernel.bytes) == (expected, end), signature


def test_arguments_arrive_in_both_ways_of_running():
    module = compiled.load("""
struct Pair { double a; short b; };
extern "C" __global__ void k(float* out, char c, float4 v, Pair p, short s) {
    unsigned i = blockIdx.x * blockDim.x + threadIdx.x;
    out[i] = 1000 * i + c + v.x + v.w + p.a + p.b + s;
}""")
    for loop in (False, True):
        out = (ctypes.c_float * 12)()
        packed = struct.pack("PB7x4fdh6xh", ctypes.addressof(out), 1, 2, 0, 0, 3, 4, 5, 6)
        assert module["k"].bytes == len(packed)
        module.run("k", packed, threads=4, blocks=3, loop=loop)
        assert list(out) == [1000 * i + 21 for i in range(12)]


def test_shared_variables():
    module = compiled.load("""
__shared__ double outside[8];
extern __shared__ float dynamic[];
template <class T> __device__ T helper(T x) { __shared__ T slot; slot = x; return slot; }
extern "C" __global__ void k(float* out) {
    __shared__ __align__(64) float tile[4][5], *pointer;
    static __shared__ struct { int n; float f[3]; } record;
    extern __shared__ unsigned char raw[];
    const int i = threadIdx.x;
    tile[3][4] = i; pointer = &tile[0][0]; record.f[2] = 10; outside[i] = 100; dynamic[i] = 1000;
    out[i] = pointer[19] + record.f[2] + outside[i] + ((float*)raw)[i] + helper(10000.f);
    out[i] += sizeof(tile) / sizeof(tile[0]) * 100000;
}
extern "C" __global__ void other(float* out) { out[0] = helper(1.0); float outside = 3; out[1] = outside; }
extern "C" __global__ void none(float* out) { out[0] = 1; }
""")
    notes = {tuple(note.split()[1:3]): note.split()[3:] for note in module.notes}
    assert notes == {
        ("(outside)", "outside"): ["64", "8", "kernel.cu:2"],
        ("k", "tile"): ["80", "64", "kernel.cu:6"],
        ("k", "pointer"): ["8", "64", "kernel.cu:6"],
        ("k", "record"): ["16", "4", "kernel.cu:7"],
        ("helper", "slot"): notes["helper", "slot"],
    }
    assert sum("helper slot" in note for note in module.notes) == 2
    assert module["k"].shared_users == {"k", "helper", "(outside)"}
    assert not module["none"].shared_users
    out = (ctypes.c_float * 4)()
    module.run("k", struct.pack("P", ctypes.addressof(out)), threads=4, loop=True)
    assert list(out) == [411110 + i for i in range(4)]
    module.run("other", struct.pack("P", ctypes.addressof(out)))
    assert list(out)[:2] == [1, 3]


def test_each_instance_of_a_template_pays_for_its_own_shared_memory():
    module = compiled.load("""
template <typename T, int N = 4, class... Rest> __global__ void k(T* x, int n = 2) {
    __shared__ T tile[N]; tile[0] = x[0]; x[0] = tile[0] + n;
}
template __global__ void k<float, 8>(float*, int);
template __global__ void k<double, 16, int, char>(double*, int);
""")
    for kernel in module.kernels:
        (user,) = kernel.shared_users
        (note,) = [note for note in module.notes if user in note]
        assert ("tile 32 4" if "float" in kernel.name else "tile 128 8") in note


def test_device_variables():
    module = compiled.load("""
#define N 3
__constant__ float weights[] = {1, 2, 3}, scale = 4;
__device__ int counter = 7, *pointer, grid[2][N];
extern __constant__ int later;
struct Pair { int a = 5; float b; };
namespace deep { __device__ Pair pair; }
static __device__ double quiet;
__managed__ unsigned char bytes[2] = {1, 2};
__device__ const int SIZE = 6;
__constant__ const float fixed[2] = {8, 9};
constexpr __device__ int NONE = 1;
extern "C" {
__device__ float2 inside;
__global__ void k(float* out) {
    float local[SIZE];
    local[0] = weights[2] + scale + counter + grid[1][2] + deep::pair.a + quiet + bytes[1] + fixed[1];
    local[0] += later + NONE;
    pointer = &counter; *pointer += 1; inside.y = sizeof(weights);
    out[0] = local[0]; out[1] = counter; out[2] = inside.y;
}
}
__constant__ int later = 11;
""")
    assert [note.split()[1:5] for note in module.notes] == [
        ["__constant__", "weights", "12", "4"],
        ["__constant__", "scale", "4", "4"],
        ["__device__", "counter", "4", "4"],
        ["__device__", "pointer", "8", "8"],
        ["__device__", "grid", "24", "4"],
        ["__device__", "_ZN4deep4pairE", "8", "4"],
        ["__device__", "quiet", "8", "8"],
        ["__managed__", "bytes", "2", "1"],
        ["__constant__", "fixed", "8", "4"],
        ["__device__", "inside", "8", "8"],
        ["__constant__", "later", "4", "4"],
    ]
    assert module.notes[0].endswith("kernel.cu:3") and module.notes[-1].endswith("kernel.cu:23")
    out = (ctypes.c_float * 3)()
    module.run("k", struct.pack("P", ctypes.addressof(out)), loop=True)
    assert list(out) == [3 + 4 + 7 + 0 + 5 + 0 + 2 + 9 + 11 + 1, 8, 12]


def test_two_modules_of_the_same_names_are_apart():
    source = """
__device__ int counter = START;
template <class T> __device__ T bump(T* p) { __shared__ T last; last = *p; return *p += 1; }
extern "C" __global__ void k(int* out) { out[0] = bump(&counter); }"""
    modules = [(compiled.load(source, f"-DSTART={start}"), start) for start in (10, 20)]
    out = ctypes.c_int()
    for round_ in (1, 2):
        for module, start in modules:
            module.run("k", struct.pack("P", ctypes.addressof(out)))
            assert out.value == start + round_


def test_volatile_is_seen_in_plain_mode_and_only_then():
    accesses = []
    for word in ("volatile", ""):
        module = compiled.load(f'extern "C" __global__ void k(int* x) {{ {word} int* y = x; y[0] = 1; }}')
        module.run("k", struct.pack("P", ctypes.addressof(ctypes.c_int())))
        accesses.append(compiled.driver().taken_down().decode().count("volatile"))
    assert accesses == [1, 0]


@pytest.mark.parametrize("variant", ["check", "profile"])
def test_variants_are_compiled_from_what_the_module_carries(variant, tmp_path):
    module = compiled.load(
        """
extern "C" __global__ void k(int* x) {
    __shared__ int s[4]; s[threadIdx.x] = VALUE; x[threadIdx.x] = s[threadIdx.x];
}
""",
        "-DVALUE=3",
    )
    (tmp_path / "u.cpp").write_bytes(module.records["unit"])
    (tmp_path / "u.flags").write_bytes(module.records["flags"])
    done = compiled.nvcc(
        "--simulator-variant", variant, "--unit", "u.cpp", "--flags", "u.flags", "-o", "out.so", cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    again = compiled.load_object({"elf": (tmp_path / "out.so").read_bytes()})
    assert [note.split()[:4] for note in again.notes] == [["shared", "k", "s", "16"]]
    assert not again["k"].loops, "who watches each access needs to know the thread"
    out = (ctypes.c_int * 4)()
    again.run("k", struct.pack("P", ctypes.addressof(out)), threads=4)
    assert list(out) == [3] * 4


# --- the command line ---


def test_folders_and_definitions(tmp_path):
    (tmp_path / "mine.h").write_text("#pragma once\n__device__ int mine() { return WHAT; }\n")
    module = compiled.load(
        '#include "mine.h"\n#include "mine.h"\n#ifdef GONE\n#error no\n#endif\n'
        'extern "C" __global__ void k(int* x) { x[0] = mine() + __CUDA_ARCH__; }\n',
        f"-I{tmp_path}",
        "-D",
        "WHAT=5",
        "-DGONE",
        "-UGONE",
        "-arch",
        "sm_80",
    )
    assert f"text:{tmp_path}/mine.h" in module.records
    out = ctypes.c_int()
    module.run("k", struct.pack("P", ctypes.addressof(out)))
    assert out.value == 805


def test_headers_of_the_standard_library():
    module = compiled.load(
        "#include <math.h>\n#include <vector>\n#include <algorithm>\n#include <cfloat>\n"
        'extern "C" __global__ void k(float* x) { x[0] = fminf(FLT_MAX, 2) + sizeof(std::vector<int>)'
        " + INT_MAX / INT_MAX + isnan(NAN); }\n"
    )
    out = ctypes.c_float()
    module.run("k", struct.pack("P", ctypes.addressof(out)))
    assert out.value == 28


def test_version_carries_the_build():
    done = compiled.nvcc("--version")
    assert re.search(r"tinygrad_edu simulator.*\nrelease 13\.0, build [0-9a-f]{16}\n", done.stdout)


def test_preprocess_gives_pycuda_its_cache_key(tmp_path):
    source = tmp_path / "kernel.cu"
    source.write_text(
        "#include <math.h>\n" + "// a comment\n" * 100 + "__global__ void k(int* x) { x[0] = X; }\n"
    )
    keys = []
    for value in ("1", "1", "2"):
        done = compiled.nvcc("--preprocess", f"-DX={value}", str(source), "--compiler-options", "-P")
        assert done.returncode == 0 and "__global__ void k(int* x) { x[0] = " in done.stdout
        assert len(done.stdout) >= len(source.read_text()) and "kernel.cu" not in done.stdout
        keys.append(done.stdout)
    assert keys[0] == keys[1] != keys[2]


def test_keep_leaves_the_steps(tmp_path):
    (tmp_path / "kernel.cu").write_text("__global__ void k(int* x) { x[0] = 1; }\n")
    assert compiled.nvcc("--ptx", "--keep", "kernel.cu", cwd=tmp_path).returncode == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "kernel.cu",
        "kernel.ii",
        "kernel.ptx",
        "kernel.sim.cpp",
    ]


# --- errors ---

WRONG = {
    "unknown name": (
        "\n__global__ void k(int* x) {\n    x[0] = nothing;\n}",
        "kernel.cu:3: error: 'nothing' was not",
        "x[0] = nothing;",
    ),
    "template in extern C": (
        'extern "C" {\ntemplate <class T> __device__ T f(T x) { return x; }\n}',
        "kernel.cu:2: error: template with C linkage",
        "no_extern_c=True",
    ),
    "C++ header in extern C": (
        'extern "C" {\n#include <cuda_fp16.h>\n__global__ void k(half* x) { }\n}',
        "kernel.cu:2: error: cuda_fp16.h is C++",
        "no_extern_c=True",
    ),
    "type of a shared variable": (
        '__global__ void k() {\n __shared__ float t[3];\n t[0] = "text";\n}',
        "kernel.cu:3: error: cannot convert 'const char [5]' to 'float'",
        "",
    ),
    "shared array in one piece": (
        "__global__ void k(int** x) {\n __shared__ int t[3];\n x[0] = t + 1.5;\n}",
        "kernel.cu:3: error: invalid operands of types 'int [3]' and 'double'",
        "",
    ),
    "no definition": (
        "__device__ int f(int);\n__global__ void k(int* x) {\n x[0] = f(1);\n}",
        "kernel.cu:3: error: 'f(int)' is declared, but its definition",
        "",
    ),
    "reference": (
        "\n__global__ void k(int& x) { x = 1; }",
        "kernel.cu:2: error: ",
        "a kernel cannot take a reference",
    ),
    "no header": ('\n#include "missing.h"\n', "kernel.cu:2: fatal error: missing.h", "include_dirs"),
    "host function": (
        "__global__ void k(int* x) {\n cudaMalloc(x, 1);\n}",
        "kernel.cu:2: error: 'cudaMalloc' was not",
        "pycuda.driver.mem_alloc",
    ),
    "open brace": ("__global__ void k(int* x) {\n x[0] = 1;\n", "kernel.cu:2: error: expected '}'", ""),
    "macro": (
        "#define BAD(x) x = nothing\n\n__global__ void k(int* x) {\n BAD(x[0]);\n}",
        "kernel.cu:4: error: 'nothing'",
        "BAD(x[0]);",
    ),
    "after a shared variable over lines": (
        "__global__ void k(int* x) {\n __shared__ int\n a[3],\n b;\n x[0] = nothing;\n}",
        "kernel.cu:5: error: 'nothing'",
        "",
    ),
    "inside a template": (
        "template <class T> __global__ void k(T* x) {\n x->none();\n}\n"
        "template __global__ void k<int>(int*);",
        "kernel.cu:2: error: request for member 'none'",
        "",
    ),
    "throw": (
        "__global__ void k(int* x) {\n throw 1;\n}",
        "kernel.cu:2: error: exception handling disabled",
        "",
    ),
}


@pytest.mark.parametrize(("source", "first", "also"), WRONG.values(), ids=WRONG)
def test_errors_speak_of_the_users_line(source, first, also):
    text = compiled.errors(source)
    assert text.startswith(first), text
    assert also in text
    assert "unit.h" not in text and "sim_type" not in text and "/tmp" not in text, text


def test_what_is_wrong_with_the_call():
    for arguments, words in (
        (["--cubin"], "one source file"),
        (["--cubin", "none.cu"], "there is no file none.cu"),
        (["-rdc=true", "k.cu"], "one source at a time"),
        (["--simulator-variant", "odd", "-o", "x"], "plain, volatile, check, profile"),
    ):
        done = compiled.nvcc(*arguments)
        assert done.returncode == 1 and words in done.stderr, done
