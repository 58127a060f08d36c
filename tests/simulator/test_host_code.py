"""Device code that uses host code is refused, and nothing else is: every verdict is that of nvcc 13.0.

The kernels are in host_code/*.cu. A file has a text that all of its kernels share, then a kernel a line,
named for what it tries; whole.cu has whole sources. The verdicts were nvcc's (`nvcc --cubin -arch sm_90`, one
kernel at a time); it is not needed here.
"""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from tests.simulator import compiled
from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.nvcc import compile, elf, host_uses, library_text, preprocess
from tinygrad_edu.simulator.nvcc.arguments import parse
from tinygrad_edu.simulator.nvcc.host_text import own_names
from tinygrad_edu.simulator.nvcc.library_names import DEVICE_C, HOST_C
from tinygrad_edu.simulator.nvcc.rewrite import rewrite
from tinygrad_edu.simulator.nvcc.tokens import Place

FOLDER = Path(__file__).parent / "host_code"
KERNEL = re.compile(r"^(ACCEPTED|REFUSED)\((\w+)\) (.*)$", re.MULTILINE)
WHOLE = {
    name: (verdict == "ACCEPTED", text)
    for verdict, name, text in re.findall(
        r"^//// (\w+) (\w+)\n(.*?)(?=^////|\Z)", (FOLDER / "whole.cu").read_text(), re.MULTILINE | re.DOTALL
    )
}


def kernels(text: str, verdicts: str = "ACCEPTED REFUSED") -> str:
    """The text with its lines as kernels, those of one verdict or both."""
    return KERNEL.sub(
        lambda found: f"__global__ void k_{found[2]}(int *x) {found[3]}" if found[1] in verdicts else "", text
    )


@pytest.mark.parametrize("name", ["library", "variables", "functions", "standard", "relaxed"])
def test_each_kernel_of_a_file_is_judged_as_nvcc_judges_it(name):
    text = (FOLDER / f"{name}.cu").read_text()
    options = ["--expt-relaxed-constexpr"] if name == "relaxed" else []
    said = compiled.errors(kernels(text), *options)
    lines = kernels(text).splitlines()
    for verdict, kernel, body in KERNEL.findall(text):
        mine = [line for line in said.splitlines() if f'function "k_{kernel}"' in line]
        assert bool(mine) == (verdict == "REFUSED"), (kernel, body, mine)
        line = 1 + next(i for i, line in enumerate(lines) if f"k_{kernel}(" in line)
        assert all(one.startswith(f"kernel.cu:{line}: error: ") for one in mine), mine
    assert said.count("What to do: ") == said.count(": error: ")


@pytest.mark.parametrize("name", ["library", "variables", "functions", "standard", "relaxed"])
def test_what_is_accepted_compiles(name):
    text = kernels((FOLDER / f"{name}.cu").read_text(), "ACCEPTED")
    options = ["--expt-relaxed-constexpr"] if name == "relaxed" else []
    assert compiled.load(text, *options).kernels


@pytest.mark.parametrize("name", [name for name, (accepted, _) in WHOLE.items() if not accepted])
def test_whole_sources_that_nvcc_refuses(name):
    said = compiled.errors(WHOLE[name][1])
    assert re.match(r"kernel.cu:\d+: error: the (__global__|__device__|device) function", said)
    assert "What to do: " in said


@pytest.mark.parametrize("name", [name for name, (accepted, _) in WHOLE.items() if accepted])
def test_whole_sources_that_nvcc_accepts(name):
    source = compiled.source_file(WHOLE[name][1])
    unit = rewrite(preprocess.for_rewriting(parse([str(source)]), str(source)))
    path, output = source.with_suffix(".cpp"), source.with_suffix(".o")
    path.write_text(unit.text)
    compile.compile_object(path, output, compile.user_flags(parse([])), compile.SEARCH)
    assert not unit.refusals
    if unit.suspect is not None:
        assert not list(host_uses.seen_in_object(output.read_bytes(), unit.suspect))


def test_the_error_names_both_sides_the_line_and_what_to_do():
    said = compiled.errors("int help(int a);\n\n__global__ void k(int *x) {\n  x[0] = help(1);\n}")
    assert said == (
        'kernel.cu:4: error: the __global__ function "k" calls the __host__ function "help", which device '
        "code cannot\nWhat to do: write __device__ (or __host__ __device__, if the host calls it, too) "
        "before it, at kernel.cu:1.\n"
    )
    said = compiled.errors(
        "int rate;\n__device__ int f() { return rate; }\n__global__ void k(int *x) { x[0] = f(); }"
    )
    assert said.startswith('kernel.cu:2: error: the device function "f" uses the __host__ variable "rate"')
    assert "__constant__" in said


def test_a_call_is_found_through_everything_that_is_between():
    said = compiled.errors(r"""
#include <cstdlib>
int seed() { return rand(); }
struct Start { int value = seed(); };
template <class T> __device__ T make() { return T(); }
__device__ int through() { auto f = [](int a) { return make<Start>().value + a; }; return f(2); }
__global__ void k(int *x) { x[0] = through(); }
""")
    assert 'kernel.cu:4: error: the __device__ function "make" calls the __host__ function "seed"' in said


@pytest.mark.parametrize(("text", "line", "named"), [
    pytest.param("""#include <vector>
template <class T> __device__ T last(T a) {
    std::vector<T> all;
    all.push_back(a);
    return all.back();
}
__global__ void k(int *x) { x[0] = last(x[1]); }""", 4, '"std::__throw_length_error"', id="of a header"),
    pytest.param("""struct Own { int a = 0; __device__ Own() {} Own(const Own &other) : a(other.a) {} };
struct Middle {
    Own own;
};
struct Outer : Middle {
    Outer() = default;
    Outer(const Outer &) = default;
};
__global__ void k(int *x) {
    Outer one;
    Outer two = one;
    x[0] = two.own.a;
}""", 11, '"Own::Own"', id="of the language"),
    pytest.param("""#include <cstdlib>
constexpr int drawn(int a) {
    return a > 0 ? a : rand();
}
__global__ void k(int *x) { x[0] = drawn(x[1]); }""", 3, '"rand"', id="of the user, in a constexpr function"),
])  # fmt: skip
def test_the_line_is_the_user_s_whose_function_ever_calls_the_host(text, line, named):
    said = compiled.errors(text, "--expt-relaxed-constexpr", "-std=c++20").splitlines()
    wrong = [one for one in said if ": error: " in one and not one.startswith(f"kernel.cu:{line}: error: ")]
    assert not wrong
    assert named in "".join(said)


@pytest.mark.parametrize("call", ["std::sort(x, x + 3);", "auto p = std::copy(x, x + 3, x + 4); p[0] = 1;"])
def test_what_the_standard_made_constexpr_later_opens_with_that_standard(call):
    text = f"#include <algorithm>\n__global__ void k(int *x) {{ {call} }}"
    assert compiled.load(text, "--expt-relaxed-constexpr", "-std=c++20").kernels
    name = call[call.index("std::") : call.index("(")]
    said = compiled.errors(text, "--expt-relaxed-constexpr")
    assert f'kernel.cu:2: error: the __global__ function "k" calls the __host__ function "{name}"' in said


HEADER = """
struct Own {
    constexpr int one(int a) { return a; }
    int two(int a) { return one(a); }
    Own() = default; /* constexpr */ int three() { return 3; }  // constexpr
    _GLIBCXX20_CONSTEXPR
    inline int
    four(int a) noexcept(sizeof(a) > 1)
    { return a; }
    template <class T> _GLIBCXX17_CONSTEXPR bool operator==(T other) { return other == 5; }
};
"""


@pytest.mark.parametrize(("line", "name", "standard", "expected"), [
    (3, "one", "c++17", True), (4, "two", "c++23", False), (5, "Own", "c++17", True),
    (5, "three", "c++17", False), (8, "four", "c++17", False), (8, "four", "c++20", True),
    (10, "operator==", "c++17", True), (2, "~Own", "c++17", True), (99, "one", "c++17", True)])  # fmt: skip
def test_a_header_says_what_is_constexpr(tmp_path, line, name, standard, expected):
    (tmp_path / "own.h").write_text(HEADER)
    place = Place(str(tmp_path / "own.h"), line)
    assert library_text.may_be_constexpr(place, name, standard) == expected
    assert library_text.may_be_constexpr(None, name, standard)


@pytest.mark.parametrize(
    "words", ["thread_local", "static thread_local", "thread_local static", "static __thread"]
)
def test_a_variable_of_an_operating_system_s_thread_is_none_of_the_device(words):
    said = compiled.errors(f"__global__ void k(int *x) {{\n    {words} int q = 3;\n    x[0] = q;\n}}")
    assert re.match(r'kernel.cu:[23]: error: .* function "k" uses the thread_local variable "q"', said)
    assert "use a local variable" in said


def test_a_lambda_that_says_device_needs_the_option():
    text = "__global__ void k(int *x) { auto f = [] __device__ (int a) { return a; }; x[0] = f(1); }"
    assert "--extended-lambda" in compiled.errors(text)
    assert compiled.load(text, "--extended-lambda").kernels


def test_names_that_mean_something_else_are_left_alone():
    compiled.load("""
int n, rate; int helper(int a);
struct Point { int n, time; __device__ int rand() { return n + time; } };
__device__ int index(int n) { int rate = n; return rate; }
template <class F> __device__ int call(F helper) { return helper(3); }
__global__ void k(int *x, int n) {
    int i, rate; Point p = {1, 2};
    i = p.rand() + index(n); rate = i;
    x[0] = call([](int select) { return select + 1; }) + p.n + rate;
}
""")


def test_the_object_of_a_source_shows_who_refers_to_what(tmp_path):
    source = "int v; int f(); struct S { S(); int s; }; S::S() : s(f()) {} int g() { return v; }"
    (tmp_path / "a.cpp").write_text(source)
    command = ["-O0", "-ffunction-sections", "-fdata-sections", "-c", "a.cpp", "-o", "a.o"]
    subprocess.run([toolchain.compiler(), *command], cwd=tmp_path, check=True)
    found = elf.read((tmp_path / "a.o").read_bytes())
    assert [r.symbol for r in found.functions["_ZN1SC1Ev"].references] == ["_Z1fv"]
    assert [r.symbol for r in found.functions["_Z1gv"].references] == ["v"] and "v" in found.variables


@pytest.mark.parametrize(("text", "parts"), [
    ("f(int)", ("f",)), ("int f<int>(int)", ("f",)),
    ("ns::S<int, float>::g(std::pair<int, int>) const", ("ns", "S", "g")),
    ("(anonymous namespace)::h()", ("h",)), ("S::operator()(int) const", ("S", "operator()")),
    ("S::operator float()", ("S", "operatorfloat")), ("S::operator+(int)", ("S", "operator+")),
    ("k(int*)::{lambda(int)#1}::operator()(int) const", ("k", "{lambda(int)#1}", "operator()")),
    ("std::vector<int, std::allocator<int> >::~vector()", ("std", "vector", "~vector")), ("v", ("v",)),
])  # fmt: skip
def test_demangled_names_are_taken_apart(text, parts):
    assert host_uses.read_name(text).parts == parts


def test_the_lists_of_names_do_not_overlap():
    assert not DEVICE_C & HOST_C and not own_names() & HOST_C


def test_functions_with_names_of_the_simulators_own_maths_are_no_host_code(pycuda):
    """PyCUDA's complex numbers have cosh and tanh, as the simulator has in device/corrected.h."""
    z = pycuda.gpuarray.to_gpu(np.arange(4, dtype=np.complex64) + 1j)
    np.testing.assert_array_equal(z.real.get(), np.arange(4))
    np.testing.assert_array_equal(z.conj().get(), np.arange(4) - 1j)
