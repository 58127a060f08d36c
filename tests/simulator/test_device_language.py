"""assert, printf, memory and the other parts of the language inside a kernel, with no driver."""

from __future__ import annotations

import ctypes
import re
import subprocess

import numpy as np
import pytest

from tests.simulator import harness

SOURCE = r"""#define SEEN extern "C" __attribute__((visibility("default")))
SEEN void fails() { const int n = 3; assert(n + 1 == 5 && "counted wrongly"); }
SEEN void holds() { assert(2 + 2 == 4); }
SEEN void traps() {

    __trap();
}
SEEN void breaks() { __brkpt(); }
SEEN void aborts() { abort(); }
SEEN void frees_twice() { void* p = malloc(8); free(p); free(p); }
SEEN void frees_null() { free(nullptr); }
SEEN int prints(int n) { return printf("%d of %s is %5.2f%% (%*d)\n", n, "ten", n * 10.0, 4, n); }
SEEN int prints_nothing() { return printf(nullptr); }
SEEN int uses_memory(unsigned char* out) {
    unsigned char* p = static_cast<unsigned char*>(malloc(16));
    std::memset(p, 7, 16);
    unsigned char q[16];
    memcpy(q, p, 16);
    memmove(q + 1, q, 8);
    const int equal = memcmp(p, q, 16) == 0;
    unsigned char* zeros = static_cast<unsigned char*>(calloc(4, 4));
    q[3] = zeros[15];
    for (int i = 0; i < 16; ++i) out[i] = q[i];
    free(zeros);
    free(p);
    return equal;
}
SEEN int loads(int* x) {
    __stcg(x, __ldg(x) + 1);
    __stwt(x, __ldcs(x) + 1);
    __threadfence();
    return __ldcv(x) + __syncthreads_or(0) + __syncthreads_count(1);
}
SEEN long long ticks() {
    const long long before = clock64();
    const clock_t start = clock();
    __nanosleep(1);
    return clock64() - before + (clock() - start);
}
struct __align__(16) Wide { float x, y, z; };
static_assert(alignof(Wide) == 16 && sizeof(Wide) == 16);
static __device__ __forceinline__ int twice(int x) { __builtin_assume(x > 0); return 2 * x; }
static __host__ __device__ int thrice(int x) { return 3 * x; }
SEEN __global__ void __launch_bounds__(256, 2) bounded(const __grid_constant__ int x, int* __restrict__ y) {
    *y = twice(x) + thrice(x);
}
"""


@pytest.fixture(scope="module")
def library() -> ctypes.CDLL:
    loaded = harness.build(SOURCE)
    loaded.message.restype = ctypes.c_char_p
    loaded.ticks.restype = ctypes.c_longlong
    return loaded


@pytest.mark.parametrize(
    "kernel, code, words",
    [
        ("fails", 710, ["Assertion failed: n + 1 == 5", "counted wrongly", "unit.cu:2", "fails"]),
        ("traps", 719, ["__trap()", "[unit.cu:6]"]),
        ("breaks", 719, ["breakpoint", "[unit.cu:8]"]),
        ("aborts", 719, ["return from the kernel", "[unit.cu:9]"]),
        ("frees_twice", 719, ["freed before", "[unit.cu:10]"]),
    ],
)
def test_what_stops_a_kernel_says_why_and_where(
    library: ctypes.CDLL, kernel: str, code: int, words: list[str]
) -> None:
    assert library.run(getattr(library, kernel)) == code
    message = library.message().decode()
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize("kernel", ["holds", "frees_null"])
def test_what_does_not_stop_a_kernel(library: ctypes.CDLL, kernel: str) -> None:
    assert library.run(getattr(library, kernel)) == 0


def test_printf_prints_at_once_and_counts_its_arguments(
    library: ctypes.CDLL, capfd: pytest.CaptureFixture[str]
) -> None:
    assert library.prints(3) == 5
    assert capfd.readouterr().out == "3 of ten is 30.00% (   3)\n"
    assert library.prints_nothing() == -1


def test_memory(library: ctypes.CDLL) -> None:
    out = np.zeros(16, np.uint8)
    assert library.uses_memory(ctypes.c_void_p(out.ctypes.data)) == 1
    assert out.tolist() == [7, 7, 7, 0] + [7] * 12


def test_loads_stores_and_votes(library: ctypes.CDLL) -> None:
    x = ctypes.c_int(5)
    assert library.loads(ctypes.byref(x)) == 8
    assert x.value == 7


def test_clocks_count_on(library: ctypes.CDLL) -> None:
    assert library.ticks() > 0


def test_keywords(library: ctypes.CDLL) -> None:
    y = ctypes.c_int()
    library.bounded(7, ctypes.byref(y))
    assert y.value == 35


def test_standard_headers_are_named_in_one_place_only() -> None:
    # A header that only the compile pass knew would be declared twice once a user includes it.
    allowed = {"standard.h", "assert.h"}
    for header in harness.DEVICE.glob("*.h"):
        included = re.findall(r"^\s*#\s*include\s*<([^>]+)>", header.read_text(), re.MULTILINE)
        shared = (harness.DEVICE / "standard.h").read_text() + (harness.DEVICE / "runtime.h").read_text()
        alone = [name for name in included if f"<{name}>" not in shared]
        assert header.name in allowed or alone == [], header


def test_every_header_can_be_included(tmp_path: harness.Path) -> None:
    # Under extern "C", too: PyCUDA wraps the whole source in it.
    folder = harness.DEVICE / "include"
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*h"))
    refused = [name for name in names if "#error" in (folder / name).read_text()]
    assert refused == ["cub/cub.cuh", "curand_kernel.h", "thrust/device_ptr.h"]
    source = tmp_path / "all.cpp"
    lines = "\n".join(f"#include <{name}>" for name in names if name not in refused)
    source.write_text(f'#include "device.h"\nextern "C" {{\n{lines}\n}}\n')
    compiler = [
        "g++",
        "-std=c++17",
        "-fsyntax-only",
        f"-I{harness.DEVICE}",
        "-isystem",
        str(harness.DEVICE / "include"),
    ]
    done = subprocess.run([*compiler, str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name in refused:
        source.write_text(f"#include <{name}>\n")
        done = subprocess.run([*compiler, str(source)], capture_output=True, text=True)
        assert "is not part of the simulator" in done.stderr
