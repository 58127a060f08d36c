"""The errors of jobs whose ranks do not go together, and their texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tinygrad_edu.errors import wrong


class DistributedError(RuntimeError):
    """The ranks of a job do not go together: one has ended, does not answer, or calls something else."""


class RankFailed(DistributedError):
    """Another rank raised an error, which is the one to read."""

    def __init__(self, rank: int) -> None:
        super().__init__(f"rank {rank} raised an error")
        self.rank = rank


def deadlock(states: Mapping[int, str]) -> DistributedError:
    """Every rank waits, or has ended: no message will ever come.

    states  what each rank waits for; "" for one that has ended
    """
    return wrong(
        DistributedError,
        None,
        f"the ranks wait for each other for ever: {_listed(states)}",
        "all ranks must call the same collectives, in the same order, with arrays of one shape and dtype; "
        "workers of a ParameterServer end by close()",
    )


def ended(rank: int, waiting: object, sources: Sequence[int]) -> DistributedError:
    """The ranks that this one waits for have ended."""
    return wrong(
        DistributedError,
        None,
        f"{_names(sources)} ended, and rank {rank} waits for {'it' if len(sources) == 1 else 'them'} in "
        f"{waiting}",
        "every rank must call it: take the same number of steps, as DataLoader(shard=(rank, size)) does, and "
        "end the workers of a ParameterServer by close()",
    )


def late(
    rank: int, waiting: object, sources: Sequence[int], timeout: float, states: Mapping[int, str]
) -> DistributedError:
    """The wait took longer than `timeout`.

    states  what other ranks are known to wait for; a rank that is not in it did not answer
    """
    known = {other: states.get(other, "computes, or does not answer") for other in sources}
    known |= {other: said for other, said in states.items() if other != rank}
    return wrong(
        DistributedError,
        None,
        f"rank {rank} has waited {timeout:g} s in {waiting}: {_listed(known)}",
        "if it only takes long, raise timeout=; else look at that rank's own output",
    )


def _listed(states: Mapping[int, str]) -> str:
    """`rank 0 waits in all_reduce number 3 of 400 bytes float32 (100,), rank 1 has ended`."""
    said = []
    for rank in sorted(states):
        state = states[rank]
        doing = state if state.startswith("computes") else f"waits in {state}" if state else "has ended"
        said.append(f"rank {rank} {doing}")
    return ", ".join(said)


def _names(ranks: Sequence[int]) -> str:
    return f"rank {ranks[0]}" if len(ranks) == 1 else f"ranks {', '.join(map(str, ranks))}"
