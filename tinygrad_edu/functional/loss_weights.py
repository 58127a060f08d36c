"""What the mean of a loss is divided by: the losses tell it to those who join the losses of several batches.

The mean over two batches is not the mean of their means if one has more rows that count: with a class that
is ignored, or with weights of classes. A sum has no such weight. Nothing is told outside of `telling()`.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


class Told(NamedTuple):
    """A loss that is no mean over rows.

    kind    "mean", "sum" or "none": its `reduction`
    weight  of a mean, the sum of the factors of its rows, a scalar tensor; else None
    """

    loss: Tensor
    kind: str
    weight: Any


_thread = threading.local()


@contextlib.contextmanager
def telling() -> Iterator[list[Told]]:
    """Inside, this thread's losses that are no mean over rows are added to the list."""
    before = getattr(_thread, "found", None)
    found: list[Told] = []
    _thread.found = found
    try:
        yield found
    finally:
        _thread.found = before


def told(loss: Tensor, kind: str, weight: Any = None) -> Tensor:
    """The loss itself, after a note of how it was reduced."""
    found = getattr(_thread, "found", None)
    if found is not None:
        found.append(Told(loss, kind, weight))
    return loss
