"""Workers of a loader, which take turns in this process.

PyTorch's workers are processes. Here each has, in this process, its own copy of the dataset, its own random
numbers (torch's, NumPy's and Python's, of the seed of the pass plus its number), and `get_worker_info()` says
its number while it works. So the batches are those of real workers, in the same order. They are computed one
after another, when they are needed; `tinygrad_edu.data.DataLoader` has processes.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from tinygrad_edu.data.rows import WorkerInfo
from tinygrad_edu.torch.core.generators import default_generator
from tinygrad_edu.torch.core.words import missing_from

_info: list[WorkerInfo] = []  # of the worker whose turn it is


def get_worker_info() -> WorkerInfo | None:
    """The `id`, `num_workers`, `seed` and `dataset` of the worker that calls it; None outside of one."""
    return _info[-1] if _info else None


class Turns:
    """The random numbers and the facts of one worker, which are in place within `with turns.taken():`."""

    def __init__(self, number: int, count: int, seed: int, dataset: Any) -> None:
        self.info = WorkerInfo(number, count, seed + number, dataset)
        self.states: Any = None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """It is this worker's turn; afterwards the random numbers outside go on where they were."""
        outside = _states()
        if self.states is None:
            seed = self.info.seed
            random.seed(seed)
            np.random.seed(seed % 2**32)  # noqa: NPY002 - the one that datasets draw from
            default_generator.manual_seed(seed)
        else:
            _restore(self.states)
        _info.append(self.info)
        try:
            yield
        finally:
            _info.pop()
            self.states = _states()
            _restore(outside)


def _states() -> Any:
    return random.getstate(), np.random.get_state(), default_generator.get_state()  # noqa: NPY002


def _restore(states: Any) -> None:
    python, numpy, torch = states
    random.setstate(python)
    np.random.set_state(numpy)  # noqa: NPY002
    default_generator.set_state(torch)


__getattr__ = missing_from("torch.utils.data._utils.worker")
