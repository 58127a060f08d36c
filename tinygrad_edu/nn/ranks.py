"""One rank of a job does something for all: its result, or the first error of any rank, is that of all ranks.

Without this an error on one rank leaves the others waiting. This floor knows of a job only `Ranks`: any
`distributed.Comm` is one.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any, Protocol, TypeVar

Own = TypeVar("Own")
Result = TypeVar("Result")


class Ranks(Protocol):
    """The ranks of a job as one of them sees the others; what `distributed.Comm` has of it."""

    rank: int
    size: int

    def broadcast_object(self, thing: Any, src: int = 0) -> Any:
        """The object of rank `src`, on every rank."""

    def gather_object(self, thing: Any, dst: int = 0) -> list[Any] | None:
        """The objects of all ranks, in their order, on rank `dst`."""


class _Failure:
    """An error of a rank, on its way to the others."""

    def __init__(self, rank: int, error: Exception) -> None:
        self.rank = rank
        try:
            pickle.loads(pickle.dumps(error))
            self.error: Exception = error
        except Exception:  # of a class that cannot be sent: its text can
            self.error = RuntimeError(f"{type(error).__name__}: {error}")


def together(comm: Ranks | None, own: Callable[[], Own], first: Callable[[list[Own]], Result]) -> Result:
    """`first` of what `own` returned on each rank, computed on rank 0 and returned on every rank.

    If `own` or `first` raises an Exception on a rank, every rank raises it, with a note that names the rank.
    Without a comm, this process is the only rank.
    """
    if comm is None:
        return first([own()])
    error, mine = _attempt(comm.rank, own)
    every = comm.gather_object(mine)
    result: Any = None
    if every is not None:
        result = next((part for part in every if isinstance(part, _Failure)), None)
        if result is None:
            error, result = _attempt(comm.rank, lambda: first(every))
    result = comm.broadcast_object(result)
    if not isinstance(result, _Failure):
        return result
    if result.rank == comm.rank and error is not None:
        raise error
    result.error.add_note(f"(it was raised on rank {result.rank} of {comm.size}, and ends this on all)")
    raise result.error


def _attempt(rank: int, function: Callable[[], Any]) -> tuple[Exception | None, Any]:
    try:
        return None, function()
    except Exception as error:
        return error, _Failure(rank, error)
