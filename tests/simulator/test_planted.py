"""Every planted bug is found, at its line, in every schedule; the repaired kernels give no report."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu.simulator as sim
from tinygrad_edu.simulator.bugs import BUGS as PLANTED
from tinygrad_edu.simulator.bugs import Address, Freed, Host, Planted, Raw

SCHEDULES = [sim.schedule("forward"), sim.schedule("reverse"), sim.schedule("random", 1),
             sim.schedule("random", 2)]  # fmt: skip
HERE = re.compile(r"kernel\.cu:(\d+)(?:: (.*))?")
each = pytest.mark.parametrize("planted", PLANTED, ids=lambda planted: planted.name)


def _launch(pycuda, planted: Planted, *, repaired: bool) -> str:
    """Run one of the two under the checker; the report, "" when there is none."""
    kernel = pycuda.compiler.SourceModule(planted.kernel(repaired=repaired), no_extern_c=True).get_function(
        "k"
    )
    given_arguments, shared = planted.launch(repaired=repaired)
    keep = []
    try:
        with sim.check():
            made = [_argument(pycuda, argument, keep) for argument in given_arguments]
            kernel(*made, grid=(planted.grid, 1), block=(planted.block, 1, 1), shared=shared)
            pycuda.driver.Context.synchronize()
    except pycuda.driver.Error as error:
        return str(error)
    return ""


def _argument(pycuda, argument, keep):
    if isinstance(argument, Raw):
        return np.dtype(argument.dtype).type(argument.value)
    if isinstance(argument, int):
        return np.int32(argument)
    if isinstance(argument, Address):
        return np.uintp(argument.number)
    if isinstance(argument, Host):
        keep.append(np.zeros(argument.count, np.float32))
        return np.uintp(keep[-1].ctypes.data)
    if isinstance(argument, Freed):
        memory = pycuda.driver.mem_alloc(4 * argument.count)
        address = np.uintp(int(memory))
        memory.free()
        return address
    memory = pycuda.driver.mem_alloc(argument.count * np.dtype(argument.dtype).itemsize)
    keep.append(memory)
    if argument.content != "empty":
        host = np.arange(argument.count) if argument.content == "counting" else np.zeros(argument.count)
        pycuda.driver.memcpy_htod(memory, host.astype(argument.dtype))
    return np.uintp(int(memory) + argument.offset)


def _complaint(planted: Planted, report: str, above: int = 0) -> str:
    """What is wrong with a report on the broken kernel; "" when nothing is. `above`: how many lines there are
    over the kernel in the text that was compiled."""
    if not report:
        return "no report"
    for word in planted.title:
        if not any(alternative in report.split("\n")[0] for alternative in word.split("|")):
            return f"the title lacks {word!r}"
    for word in (*planted.tells, "What to do:"):
        if word not in report:
            return f"the report lacks {word!r}"
    if not planted.locates:
        return ""
    lines = planted.text(repaired=False).split("\n")
    named = {int(match[1]) - above for match in HERE.finditer(report)}
    for mark in ("// BUG", "// OTHER"):
        marked = {number for number, line in enumerate(lines, 1) if mark in line}
        if marked and not marked & named:
            return f"the report names lines {sorted(named)}, not the line marked {mark}, {sorted(marked)}"
    for match in HERE.finditer(report):
        code = re.sub(r"\s*// (BUG|OTHER)$", "", lines[int(match[1]) - 1 - above].strip())
        if match[2] is not None and code not in match[2]:
            return f"line {match[1]} is told as {match[2]!r}"
    return ""


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@each
def test_the_bug_is_found_and_located(pycuda, planted, schedule):
    with schedule:
        report = _launch(pycuda, planted, repaired=False)
    assert _complaint(planted, report) == "", report


@pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
@each
def test_the_repaired_kernel_gives_no_report(pycuda, planted, schedule):
    with schedule:
        assert _launch(pycuda, planted, repaired=True) == ""


@settings(max_examples=60, deadline=None)
@given(planted=st.sampled_from(PLANTED), schedule=sim.schedules(), repaired=st.booleans())
def test_any_schedule(pycuda, planted, schedule, repaired):
    with schedule:
        report = _launch(pycuda, planted, repaired=repaired)
    assert report == "" if repaired else _complaint(planted, report) == "", report


def test_names_are_unique_and_sources_differ():
    assert len({planted.name for planted in PLANTED}) == len(PLANTED) >= 35
    for planted in PLANTED:
        other_launch = planted.repaired_arguments is not None or planted.repaired_shared is not None
        assert other_launch or planted.text(repaired=False) != planted.text(repaired=True), planted.name


# One for each kind of argument, and some of the others: each costs the compiler half a second.
KINDS = [
    next(p for p in PLANTED if any(isinstance(a, k) for a in p.arguments))
    for k in (Address, Freed, Host, Raw, int)
]
MOVED = [p for p in PLANTED if any(getattr(a, "offset", 0) for a in p.arguments)]
PROGRAMS = list(dict.fromkeys([*KINDS, *MOVED, *PLANTED[::12]]))


@pytest.mark.parametrize("repaired", [False, True])
@pytest.mark.parametrize("planted", PROGRAMS, ids=lambda planted: planted.name)
def test_the_program_of_an_exercise_does_what_the_kernel_does(pycuda, planted, repaired):
    report = ""
    try:
        with sim.check():
            exec(planted.program(repaired=repaired), {})
    except pycuda.driver.Error as error:
        report = str(error)
    assert report == "" if repaired else _complaint(planted, report, above=1) == "", report


def test_the_process_lives_on_after_a_report(pycuda):
    broken, repaired = (_launch(pycuda, PLANTED[0], repaired=which) for which in (False, True))
    assert broken and not repaired
    assert np.array_equal((pycuda.gpuarray.to_gpu(np.arange(5)) * 2).get(), np.arange(5) * 2)


WARP_SYNCHRONOUS = """
__global__ void k(const float *x, float *y) {
    __shared__ float s[64];
    int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
    if (t < 32) {
        volatile float *v = s;
        for (int step = 32; step > 0; step /= 2) v[t] = v[t] + v[t + step];
    }
    if (t == 0) y[0] = s[0];
}
"""


def test_old_warp_synchronous_code_is_reported_only_when_asked(pycuda):
    kernel = pycuda.compiler.SourceModule(WARP_SYNCHRONOUS).get_function("k")
    x, y = pycuda.gpuarray.to_gpu(np.arange(64, dtype="f4")), pycuda.gpuarray.zeros(1, "f4")
    with sim.check():
        kernel(x, y, block=(64, 1, 1))
    assert y.get()[0] == 2016
    with pytest.raises(pycuda.driver.Error, match="need not run in step"), sim.check(strict_volatile=True):
        kernel(x, y, block=(64, 1, 1))


def test_what_a_plain_kernel_wrote_counts_as_written(pycuda):
    module = pycuda.compiler.SourceModule("""
    __global__ void fill(float *x) { x[threadIdx.x] = 1; }
    __global__ void add(float *x) { x[threadIdx.x] += 1; }
    """)
    with sim.check():
        x = pycuda.gpuarray.empty(64, np.float32)
        y = pycuda.gpuarray.empty(64, np.float32)
    module.get_function("fill")(x, block=(64, 1, 1))
    with sim.check():
        module.get_function("add")(x, block=(64, 1, 1))
        z = pycuda.gpuarray.empty(64, np.float32)
        with pytest.raises(pycuda.driver.Error, match="uninitialised global"):
            module.get_function("add")(z, block=(64, 1, 1))
        pycuda.driver.memcpy_dtod(y.gpudata, z.gpudata, z.nbytes // 2)
    assert (x.get() == 2).all()


def test_what_unwatched_launches_wrote_is_known_and_what_they_did_not_is_not(pycuda):
    """A launch without the checker may have written anything that was there; what came later is fresh."""
    cuda = pycuda.driver
    source = 'extern "C" __global__ void k(const float *x, float *y) { y[threadIdx.x] = x[threadIdx.x]; }'
    kernel = pycuda.compiler.SourceModule(source, no_extern_c=True).get_function("k")

    def launch(*arrays):
        kernel(*arrays, block=(8, 1, 1))
        cuda.Context.synchronize()

    def is_reported(*arrays):
        try:
            with sim.check():
                launch(*arrays)
        except cuda.Error as error:
            return "uninitialised" in str(error)
        return False

    is_reported(cuda.mem_alloc(32), cuda.mem_alloc(32))  # the checker looks from now on
    old, out = cuda.mem_alloc(32), cuda.mem_alloc(32)
    assert is_reported(old, out)
    for _ in range(2):
        launch(old, out)
    assert not is_reported(old, out)
    fresh = cuda.mem_alloc(32)
    assert is_reported(fresh, out)
    cuda.memcpy_dtod(old, cuda.mem_alloc(32), 32)  # garbage over what counted as written
    assert is_reported(old, out)
    launch(old, out)
    assert not is_reported(old, out) and not is_reported(fresh, out)
