"""Shared: a network that the ranks of a job train together; each works on its part of every batch.

All ranks have the same rows, draw the same random numbers, and take the same step: the gradient of a batch is
the sum of those of its parts, to rounding that of one process. So every rank ends with the same weights.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from typing import Any

import numpy as np

from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.sklearn.door import check_random_state, issparse
from tinygrad_edu.sklearn.losses import Array
from tinygrad_edu.sklearn.network import Network
from tinygrad_edu.sklearn.rows import Batch


class Shared:
    """`network` on one rank of a job; all but `gradient` and `load` is the network's own."""

    def __init__(self, network: Any, comm: Any) -> None:
        self.network, self.comm, self.alpha = network, comm, network.alpha

    def __getattr__(self, name: str) -> Any:
        if name in ("network", "comm"):  # a copy that is being made has none yet
            raise AttributeError(name)
        return getattr(self.network, name)

    def gradient(self, batch: Batch, target: Array, weight: Array | None) -> float:
        """The loss of a batch of all ranks; its gradient goes into the parameters' `grad` on each of them."""
        rows, size = len(target), self.comm.size
        ends = [rows * rank // size for rank in range(size + 1)]
        parts = [slice(start, stop) for start, stop in itertools.pairwise(ends)]
        masses = [float(len(target[part]) if weight is None else weight[part].sum()) for part in parts]
        mass, mine = sum(masses), masses[self.comm.rank]
        # every rank with rows adds its share of the penalty
        self.network.alpha = self.alpha / max(sum(m > 0 for m in masses), 1)
        value = np.zeros(1)
        if mine > 0:
            part = parts[self.comm.rank]
            own = None if weight is None else weight[part]
            value[0] = self.network.gradient(batch.part(part), target[part], own) * (mine / mass)
        elif not mass > 0:
            value[0] = self.network.gradient(batch, target, weight)  # raises what it raises in one process
        self.network.add_gradients(mine / mass if mine > 0 else 0.0, self.comm)
        self.comm.all_reduce(value)
        return float(value[0])

    def load(self, vector: Array) -> None:
        """Overwrite all parameters by those of rank 0."""
        common = np.array(vector)
        self.comm.broadcast(common)
        self.network.load(common)


def shared(network: Network, comm: Any) -> Any:
    """The network as the ranks of `comm` train it together; the network itself in a process alone."""
    return network if comm is None or comm.size == 1 else Shared(network, comm)


def common_random_state(given: Any, comm: Any) -> Any:
    """The RandomState of a fit: in a job that of rank 0, so that all ranks draw the same."""
    state = check_random_state(given)
    return state if comm is None else comm.broadcast_object(state)


def stream_of_rank(stream: Generator | None, comm: Any) -> Generator | None:
    """The stream that dropout draws from, another one on each rank."""
    return stream.spawn(comm.rank) if stream is not None and comm is not None and comm.rank else stream


def check_same(comm: Any, settings: Mapping[str, Any], *arrays: Any) -> None:
    """Raise ValueError on all ranks if one has other hyperparameters, rows or weights than rank 0."""
    if comm is None:
        return
    _check_settings(comm, settings)
    digest = hashlib.blake2b()
    for array in arrays:
        for part in (array.data, array.indices, array.indptr) if issparse(array) else (array,):
            numbers = np.ascontiguousarray(0 if part is None else part)
            digest.update(f"{numbers.shape} {numbers.dtype}".encode())
            digest.update(numbers.reshape(-1).view(np.uint8).data)
    every = comm.all_gather_object(digest.hexdigest())
    others = [rank for rank, found in enumerate(every) if found != every[0]]
    if others:
        raise ValueError(
            f"X, y or sample_weight are others on rank {others[0]} than on rank 0; with comm= every rank "
            "fits the same rows, and works on its part of each batch"
        )


_OWN = ("callbacks", "comm", "device", "module", "random_state", "verbose")  # may differ between ranks


def _check_settings(comm: Any, settings: Mapping[str, Any]) -> None:
    every = comm.all_gather_object(
        {name: repr(value) for name, value in settings.items() if name not in _OWN}
    )
    for name, first in every[0].items():
        for rank, other in enumerate(every):
            if other[name] != first:
                raise ValueError(
                    f"{name} is {first} on rank 0 and {other[name]} on rank {rank}; with comm= every rank "
                    "makes the same estimator"
                )


def common_number(value: float, comm: Any) -> float:
    """The number that rank 0 has."""
    if comm is None:
        return value
    found = np.array([value])
    comm.broadcast(found)
    return float(found[0])


def any_rank(answer: bool, comm: Any) -> bool:
    """Whether the answer of one of the ranks is yes."""
    if comm is None:
        return answer
    found = np.array([float(answer)])
    comm.all_reduce(found, "max")
    return bool(found[0])
