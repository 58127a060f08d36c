"""The number of threads of a matrix product: set for the BLAS that NumPy uses, and seen by it."""

from __future__ import annotations

import numpy as np
import pytest
from threadpoolctl import threadpool_info

import tinygrad_edu as te


@pytest.fixture(autouse=True)
def as_before():
    before = te.get_num_threads()
    yield
    te.set_num_threads(before)


def test_the_blas_of_numpy_has_as_many_threads_as_were_set():
    np.ones((2, 2)) @ np.ones((2, 2))
    for count in (1, 2, 1):
        te.set_num_threads(count)
        pools = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
        assert pools and set(pools) == {te.get_num_threads()} == {count}


@pytest.mark.parametrize("count", [0, -1, 1.5, "2"])
def test_a_number_of_threads_is_an_integer_from_1(count):
    before = te.get_num_threads()
    with pytest.raises((TypeError, ValueError), match="set_num_threads: n"):
        te.set_num_threads(count)
    assert te.get_num_threads() == before
