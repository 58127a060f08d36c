"""What each rank of a job did, and when."""

from __future__ import annotations

from typing import Any, NamedTuple


class Span(NamedTuple):
    """A piece of a rank's time: `compute`, `send`, `wait` or `dropped`, from `begin` to `end` in seconds.

    details  facts of that kind, such as the staleness of a gradient
    """

    rank: int
    kind: str
    begin: float
    end: float
    details: dict[str, Any]
