"""Device headers under test without a driver: one generated source, compiled by g++ into a library.

What the headers leave to the driver is answered by a stand-in: a block of one thread, and sim_stop as a C++
exception. Only what needs no other thread can be tested so.
"""

from __future__ import annotations

import ctypes
import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

import tinygrad_edu.simulator

DEVICE = Path(tinygrad_edu.simulator.__file__).parent / "device"

RUNTIME = r"""
#define SIM_DRIVER
#include "runtime.h"
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>
static std::string stopped;
struct Stop { int code; };
extern "C" {
__thread sim_block_view sim_block __attribute__((tls_model("initial-exec"))) = {
    {0, 0, 0}, {1, 1, 1}, {1, 1, 1}, nullptr, nullptr, 0};
void sim_register_kernel(const sim_kernel*) {}
size_t sim_register_shared(const char*, const char*, size_t, size_t, sim_place) { return 0; }
void* sim_register_global(const char*, const char*, const void*, size_t, size_t, sim_place) { return 0; }
int sim_barrier(int, int predicate, sim_place) { return predicate; }
void sim_warp_collective(const sim_collective* call) {
    void* lanes[32] = {call->slot};
    call->combine(lanes, 1);
}
unsigned sim_active_mask(sim_place) { return 1; }
void sim_volatile(const void*, size_t, int, const void*) {}
void sim_atomic(const void*, size_t, int, sim_place) {}
void sim_yield() {}
unsigned sim_thread_rank() { return 0; }
void sim_fence(int) {}
void sim_pipeline_copy(void*, const void*, size_t, size_t, sim_place) {}
void sim_pipeline_commit() {}
void sim_pipeline_wait(unsigned) {}
void sim_access(const void*, size_t, int, sim_place) {}
static std::vector<void*> heap;
void* sim_heap_allocate(size_t bytes) { heap.push_back(malloc(bytes)); return heap.back(); }
int sim_heap_release(void* memory) {
    for (void*& one : heap) if (one == memory) { one = nullptr; free(memory); return 1; }
    return 0;
}
[[noreturn]] void sim_stop(int code, const char* message, sim_place place) {
    stopped = std::string(message) + " [" + place.file + ":" + std::to_string(place.line) + "]";
    throw Stop{code};
}
// Runs `kernel`; 0, or the code it was stopped with.
__attribute__((visibility("default"))) int run(void (*kernel)()) {
    stopped.clear();
    try { kernel(); } catch (const Stop& stop) { return stop.code; }
    return 0;
}
__attribute__((visibility("default"))) const char* message() { return stopped.c_str(); }
}
"""


def build(source: str, options: tuple[str, ...] = (), libraries: tuple[str, ...] = ()) -> ctypes.CDLL:
    """Compile `source` after device.h, as a module is compiled, and load it."""
    compiler = shutil.which("g++")
    if compiler is None:
        pytest.skip("no g++ here; install it to run the tests of the device headers")
    folder = Path(tempfile.mkdtemp(prefix="tinygrad-edu-test-"))
    name = hashlib.sha256(source.encode()).hexdigest()[:12]
    library = folder / f"{name}.so"
    (folder / "runtime.cpp").write_text(RUNTIME)
    (folder / "unit.cpp").write_text('#include "device.h"\n#line 1 "unit.cu"\n' + source)
    language = ["-std=c++17", "-fPIC", f"-I{DEVICE}", "-isystem", str(DEVICE / "include")]
    arithmetic = ["-O2", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fno-trapping-math"]
    for arguments in (
        [*language, "-O1", "-c", "runtime.cpp"],
        [*language, *arithmetic, "-fvisibility=hidden", *options, "-c", "unit.cpp"],
        ["-shared", "-o", str(library), "unit.o", "runtime.o", *libraries],
    ):
        done = subprocess.run([compiler, *arguments], cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
    loaded = ctypes.CDLL(str(library))
    shutil.rmtree(folder)
    return loaded
