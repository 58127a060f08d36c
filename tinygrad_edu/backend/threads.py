"""How many threads a matrix product on the cpu uses: those of the BLAS that NumPy has loaded.

All else on the cpu runs in the thread of the caller.
"""

from __future__ import annotations

from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer


def set_num_threads(n: int) -> None:
    """Let matrix products on the cpu use `n` threads from now on, in the whole process.

    By default there are as many as cores. Small models are faster with 1, above all beside other busy
    processes: the threads of one product wait for each other. The results of large products may differ by
    rounding between numbers of threads. Raises RuntimeError for a BLAS whose threads cannot be set.
    """
    count = integer(n, "set_num_threads: n", least=1)
    pools = _pools()
    if not pools:
        what = "NumPy's BLAS has no threads that can be set here"
        raise wrong(RuntimeError, "set_num_threads", what, "set OMP_NUM_THREADS before the program starts")
    for pool in pools:
        pool.set_num_threads(count)


def get_num_threads() -> int:
    """The largest number of threads that a matrix product on the cpu uses."""
    return max((pool.num_threads for pool in _pools()), default=1)


def _pools() -> list[Any]:
    from threadpoolctl import ThreadpoolController

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)
