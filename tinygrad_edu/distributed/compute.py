"""Models of computation: how many seconds each gradient takes on each rank of a simulated cluster.

A model is a sum of parts, `exponential(1e-3) + slow_rank(3, 0.05)`. Bound to a seed it is a plain function
`(rank, step) -> seconds`, and nothing but the seed, the rank and the number of the gradient decides what it
returns. So a program can wait for the same times on threads and under MPI:

    seconds = model.bind(seed)
    comm.sleep(seconds(comm.rank, step))
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass

from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer

Times = Callable[[int, int], float]
Part = Callable[[str, int, int], float]  # (the name of a stream, rank, step) -> seconds


@dataclass(frozen=True)
class ComputeModel:
    """How long gradients take: the sum of some parts. `+` adds the parts of another model."""

    parts: tuple[Part, ...]
    names: tuple[str, ...]

    def __add__(self, other: ComputeModel) -> ComputeModel:
        if not isinstance(other, ComputeModel):
            return NotImplemented
        return ComputeModel(self.parts + other.parts, self.names + other.names)

    def bind(self, seed: int = 0) -> Times:
        """The function (rank, step) -> seconds; each part draws from a stream of its own."""
        seed = integer(seed, "seed", least=0)
        keys = [(f"{seed},{i}", part) for i, part in enumerate(self.parts)]
        return lambda rank, step: sum(part(key, rank, step) for key, part in keys)

    def __repr__(self) -> str:
        return " + ".join(self.names)


def constant(seconds: float) -> ComputeModel:
    """Each gradient takes this time: equal machines that do nothing else."""
    _check("constant", "seconds", seconds)
    return ComputeModel((lambda key, rank, step: seconds,), (f"constant({seconds:g})",))


def exponential(mean: float) -> ComputeModel:
    """Times of an exponential distribution: the usual model of stragglers, as constant() + exponential().

    Source: Lee, Lam, Pedarsani, Papailiopoulos, Ramchandran, "Speeding up distributed machine learning using
    codes", IEEE Transactions on Information Theory 2018, section III (a shifted exponential distribution).
    """
    _check("exponential", "mean", mean)
    return ComputeModel(
        (lambda key, rank, step: -mean * math.log1p(-_uniform(key, rank, step)),), (f"exponential({mean:g})",)
    )


def slow_rank(rank: int, extra: float) -> ComputeModel:
    """One rank takes `extra` seconds more for each gradient: an older machine, or one that others use too."""
    slow = integer(rank, "rank", least=0)
    _check("slow_rank", "extra", extra)
    return ComputeModel(
        (lambda key, rank, step: extra if rank == slow else 0.0,), (f"slow_rank({rank}, {extra:g})",)
    )


def pauses(probability: float, seconds: float) -> ComputeModel:
    """Now and then a gradient takes `seconds` more, on any rank: garbage collection, a disk, a neighbour.

    Source: Dean and Barroso, "The tail at scale", Communications of the ACM 2013.
    """
    if not 0.0 <= probability <= 1.0:
        raise wrong(ValueError, "pauses", f"probability={probability!r}", "give a number from 0 to 1")
    _check("pauses", "seconds", seconds)
    return ComputeModel(
        (lambda key, rank, step: seconds if _uniform(key, rank, step) < probability else 0.0,),
        (f"pauses({probability:g}, {seconds:g})",),
    )


def _uniform(key: str, rank: int, step: int) -> float:
    """A number in [0, 1) for this rank and step, whenever it is drawn.

    A hash, since it takes a microsecond; a counter-based generator of NumPy takes a hundred to create.
    """
    digest = hashlib.blake2b(f"{key},{rank},{step}".encode(), digest_size=8).digest()
    return (int.from_bytes(digest, "little") >> 11) * 2.0**-53


def _check(function: str, name: str, seconds: float) -> None:
    if not 0.0 <= seconds < math.inf:
        raise wrong(ValueError, function, f"{name}={seconds!r}", "give seconds, 0 or more")
