"""Kernels of textbooks against NumPy: any shape, any number of threads, any schedule; nothing to report."""

from __future__ import annotations

import functools
import itertools
from contextlib import nullcontext

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu.simulator as sim
from tests.simulator.differential import SEEDS, Device, Problem, small
from tests.simulator.kernels_atomic import ATOMIC
from tests.simulator.kernels_matrix import MATRIX
from tests.simulator.kernels_memory import MEMORY, VOLATILE
from tests.simulator.kernels_reduce import REDUCE
from tests.simulator.kernels_scan import SCAN

FAMILIES = (REDUCE, SCAN, ATOMIC, MATRIX, MEMORY, VOLATILE)
PROBLEMS = [problem for family in FAMILIES for problem in family.problems]
ORDERS = [sim.schedule("forward"), sim.schedule("reverse"), sim.schedule("random", 1)]
# Without a schedule blocks run on all cores at once.
SCHEDULES = st.just(nullcontext()) | sim.schedules()
each = pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.name)


@pytest.fixture(scope="session")
def compiled(pycuda):
    """The kernels of a source, compiled once."""
    return functools.cache(lambda source: Device(pycuda, source))


@each
def test_as_numpy_has_it(compiled, problem: Problem):
    device = compiled(problem.source)

    @given(case=problem.cases, schedule=SCHEDULES)
    def solve(case, schedule):
        with schedule:
            problem.solve(device, **case)

    solve()


@each
def test_the_checker_has_nothing_to_say(compiled, problem: Problem):
    assert problem.checked
    for case, schedule in itertools.product(problem.checked, ORDERS):
        with schedule, sim.check():
            problem.solve(compiled(problem.source), **case)


@pytest.mark.parametrize("mode", [nullcontext, sim.check], ids=["plain", "check"])
class TestKernelsThatPycudaWrites:
    """What pycuda.elementwise, reduction, scan and gpuarray generate, in plain mode and under the checker."""

    def each_schedule(self, mode, pycuda, solve, **arguments):
        """Let hypothesis draw an array, whose `dtype` may be given, and `arguments` for `solve`."""

        @given(n=st.integers(1, 5000), seed=SEEDS, schedule=SCHEDULES, **arguments)
        def drawn(n, seed, schedule, **case):
            dtype = case.pop("dtype", np.float32)
            x = small(seed, n, dtype)
            with schedule, mode():
                solve(x, pycuda.gpuarray.to_gpu(x), **case)

        drawn()

    def test_elementwise(self, pycuda, mode):
        from pycuda.elementwise import ElementwiseKernel

        kernel = ElementwiseKernel(
            "float a, float *x, float b, const float *y, float *z",
            "z[i] = a * x[i] + b * y[i] + i % 3",
            "combine",
        )

        def solve(x, on_device, a):
            z = pycuda.gpuarray.empty_like(on_device)
            kernel(a, on_device, 2, on_device, z)
            np.testing.assert_array_equal(z.get(), a * x + 2 * x + np.arange(len(x)) % 3)

        self.each_schedule(mode, pycuda, solve, a=st.integers(-3, 3))

    @pytest.mark.parametrize("dtype", [np.int32, np.float64])
    def test_reduction(self, pycuda, mode, dtype):
        from pycuda.reduction import ReductionKernel
        from pycuda.tools import dtype_to_ctype

        name = dtype_to_ctype(dtype)
        norm = ReductionKernel(dtype, "0", "a > b ? a : b", "x[i] > 0 ? x[i] : -x[i]", f"const {name} *x")

        def solve(x, on_device):
            assert norm(on_device).get() == np.abs(x).max()

        self.each_schedule(mode, pycuda, solve, dtype=st.just(dtype))

    def test_scan(self, pycuda, mode):
        from pycuda.scan import ExclusiveScanKernel, InclusiveScanKernel

        sums = InclusiveScanKernel(np.int32, "a + b")
        most_before = ExclusiveScanKernel(np.int32, "a > b ? a : b", neutral="-9")

        def solve(x, on_device):
            np.testing.assert_array_equal(sums(on_device.copy()).get(), np.cumsum(x))
            expected = np.maximum.accumulate([-9, *x[:-1]])
            np.testing.assert_array_equal(most_before(on_device.copy()).get(), expected)

        if mode is nullcontext:
            self.each_schedule(mode, pycuda, solve, dtype=st.just(np.int32))
            return
        # True, and harmless: threads past the end copy what nobody wrote, and nobody looks at the copy.
        said = r"Read of uninitialised shared memory(.|\n)*scan_type sum = ldata\[0\]\[LID_0\];"
        with mode(), pytest.raises(pycuda.driver.LaunchError, match=said):
            sums(pycuda.gpuarray.zeros(1000, np.int32))

    def test_arrays(self, pycuda, mode):
        array = pycuda.gpuarray

        def solve(x, on_device):
            assert array.sum(on_device).get() == x.sum()
            assert array.dot(on_device, on_device).get() == np.dot(x, x)
            assert (array.min(on_device).get(), array.max(on_device).get()) == (x.min(), x.max())

        self.each_schedule(mode, pycuda, solve)

    @pytest.mark.parametrize("dtype", [np.float32, np.uint32])
    def test_random_numbers(self, pycuda, mode, dtype):
        reason = "this PyCUDA is built without cuRAND; `tinygrad-edu simulator setup` builds one with rand()"
        curandom = pytest.importorskip("pycuda.curandom", reason=reason, exc_type=ImportError)
        with mode():
            drawn = curandom.rand(4097, dtype).get()
        scale = 1 if np.issubdtype(dtype, np.floating) else 2**32
        assert ((drawn >= 0) & (drawn <= scale)).all()
        assert abs(drawn.mean(dtype=np.float64) / scale - 0.5) < 0.03  # seven standard deviations
        assert len(np.unique(drawn)) > 4090
