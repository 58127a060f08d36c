"""Arrays and tensors as flat host memory that can be sent and received."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu.engine import access
from tinygrad_edu.engine.modes import current
from tinygrad_edu.engine.value import Storage, Value
from tinygrad_edu.errors import wrong

Array = np.ndarray[Any, Any]


def host_buffer(x: Any, function: str, *, write: bool = False) -> tuple[Array, Callable[[], None] | None]:
    """The numbers of x as a flat contiguous host array, and what puts them back into x after a change.

    The array is x's own memory where that is possible. Then there is nothing to put back for an array, and
    for a tensor the change is counted.
    """
    if isinstance(x, Value):
        return _of_tensor(x, function, write)
    if not isinstance(x, np.ndarray):
        raise wrong(
            TypeError, function, f"{type(x).__name__} {x!r:.40} cannot be sent", "send an array or a tensor"
        )
    if x.dtype.kind not in "fiub":
        raise wrong(TypeError, function, f"numbers of {x.dtype} cannot be sent", "for objects there are "
                    "broadcast_object, gather_object and all_gather_object")  # fmt: skip
    if write and not x.flags.writeable:
        raise wrong(ValueError, function, "the array is read-only", "pass a copy")
    if x.flags.c_contiguous:
        return x.reshape(-1), None
    flat = np.ascontiguousarray(x).reshape(-1)
    return flat, (lambda: np.copyto(x, flat.reshape(x.shape))) if write else None


def _of_tensor(x: Value, function: str, write: bool) -> tuple[Array, Callable[[], None] | None]:
    if not write:
        return np.ascontiguousarray(access.look(x.storage, function)).reshape(-1), None
    if x.node is not None and x.node.op is not None:
        raise wrong(RuntimeError, function, "this tensor is computed, and its gradient would not know of the "
                    "change", "pass x.detach()")  # fmt: skip
    storage, array = x.storage, x.storage.array
    if not storage.backend.writable(array):
        raise wrong(RuntimeError, function, "this tensor is a read-only view", "pass x.detach().clone()")
    if isinstance(array, np.ndarray) and array.flags.c_contiguous and not current.get().observers:
        return array.reshape(-1), lambda: access.count(storage, function)
    flat = np.array(access.look(storage, function), order="C").reshape(-1)
    return flat, lambda: overwrite(x, flat, function)


def overwrite(x: Value, flat: Array, function: str) -> None:
    """Write the numbers of a flat host array into a tensor; its dtype is that of the tensor."""
    storage, backend = x.storage, x.storage.backend
    numbers = backend.asarray(flat.reshape(storage.array.shape), copy=False)
    access.overwrite(storage, Storage(numbers, backend), function, function)
