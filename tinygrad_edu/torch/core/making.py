"""What torch.Tensor(...), torch.FloatTensor(...) and x.new(...) take: lengths of a shape, or numbers."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.size import Size


def made_of(data: tuple[Any, ...], kind: np.dtype[Any], place: str) -> te.Tensor:
    """The library's tensor of a call `T(*data)`, in a dtype and on a device.

    Integers are the lengths of its shape, and a Size is a shape; one sequence holds its numbers; a tensor of
    that dtype and device shares its memory. Raises TypeError for other data,
    RuntimeError for a negative length.
    """
    if all(isinstance(n, (int, np.integer)) and not isinstance(n, bool) for n in data):
        return _zeros(tuple(int(n) for n in data) or (0,), kind, place)
    if len(data) != 1:
        raise wrong(TypeError, "new", "new() takes the lengths of a shape, or one sequence of numbers")
    given = data[0]
    if isinstance(given, Size):
        return _zeros(given, kind, place)
    if isinstance(given, Value):
        value = given.inner if given.inner.dtype == kind else given.inner.detach().cast(kind)
        return te.Tensor((value if value.device == place else value.detach().to(place)).storage)
    if isinstance(given, np.ndarray):
        return te.tensor(given.astype(kind), device=place)
    if isinstance(given, str) or not isinstance(given, (list, tuple, range)):
        said = (
            f"invalid data type {type(given).__name__!r}"
            if isinstance(given, str)
            else "data must be a sequence"
        )
        raise wrong(
            TypeError, "new", f"new(): {said} (got {type(given).__name__})", "torch.tensor takes numbers"
        )
    return te.tensor(np.array(_plain(given)).astype(kind), device=place)


def _zeros(shape: tuple[int, ...], kind: Any, place: str) -> te.Tensor:
    if min(shape, default=0) < 0:
        raise wrong(
            RuntimeError,
            "new",
            f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}",
        )
    return te.zeros(shape, dtype=kind, device=place)


def _plain(x: Any) -> Any:
    """Nested sequences of numbers and of tensors as numbers."""
    if isinstance(x, Value):
        return x.inner.detach().tolist()
    if isinstance(x, str):
        raise wrong(TypeError, "new", "new(): invalid data type 'str'")
    return [_plain(y) for y in x] if isinstance(x, (list, tuple, range)) else x
