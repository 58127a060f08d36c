"""Kernels of textbooks against NumPy: any shape, any number of threads, any schedule; nothing to report."""
from __future__ import annotations

import functools
import itertools
from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu.simulator as sim
from tests.simulator.differential import Device, Problem
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
