"""Access to memory without an op: changes in place, and reads of the numbers.

Every change in place goes through `overwrite`, `update`, `put` or `written`, and every read through `look`,
`lend` or `glance`. So the write counts are right, and observers are notified of every access.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np

from tinygrad_edu.backend.protocol import NumpyArray
from tinygrad_edu.engine.apply import apply
from tinygrad_edu.engine.modes import Modes, current, no_grad
from tinygrad_edu.engine.value import Storage, Value
from tinygrad_edu.errors import shut_down, user_line


def overwrite(target: Storage, source: Storage, name: str, where: str = "") -> None:
    """Write the numbers of `source` into the memory `target`, broadcast to its shape and cast to its dtype.

    name   the function that makes the change: `copy_`, `SGD`
    where  the place that errors name for this change; the user's line by default
    """
    backend, array = target.backend, source.array
    if backend.closed:
        raise shut_down(name, backend.name)
    if source.writes is target.writes:  # a view of the same memory: read it whole before writing
        array = backend.copy(array)
    mode = current.get()
    if mode.observers:
        start = about_to_write(mode, target)
        backend.write(target.array, None, (array,))
        written(mode, target, source, name, where or user_line(), perf_counter() - start)
    else:
        backend.write(target.array, None, (array,))
        count(target, where)


def update(target: Storage, op: Any, other: Any, name: str, where: str = "") -> None:
    """Write `op`(target, other) into the memory `target`; `other` is a Value, an array or a number."""
    backend, mode = target.backend, current.get()
    if backend.closed:
        raise shut_down(op.name, backend.name)
    if mode.every_op:
        with no_grad():
            overwrite(target, apply(op, (Value.kind(target, None), other), {}).storage, name, where)
        return
    operand = other.storage.array if isinstance(other, Value) else other
    if isinstance(operand, np.ndarray):
        operand = backend.asarray(operand, copy=False)
    if mode.observers:
        start = about_to_write(mode, target)
        backend.write(target.array, op, (target.array, operand))
        written(mode, target, None, name, where or user_line(), perf_counter() - start)
    else:
        backend.write(target.array, op, (target.array, operand))
        count(target, where)


def put(target: Storage, key: Any, source: Any, name: str) -> None:
    """`target[key] = source`: NumPy's keys, and an array on the target's device or a Python number."""
    mode = current.get()
    if target.backend.closed:
        raise shut_down(name, target.backend.name)
    if mode.observers:
        start = about_to_write(mode, target)
        target.backend.put(target.array, key, source)
        written(mode, target, None, name, user_line(), perf_counter() - start)
    else:
        target.backend.put(target.array, key, source)
        count(target)


def count(target: Storage, where: str = "") -> None:
    """Count a change in place that has been made. Errors name `where`, the user's line by default."""
    memory = target if target.base is None else target.base
    memory.count += 1
    memory.where = where or user_line()


def about_to_write(mode: Modes, target: Storage) -> float:
    """Notify the observers that memory will be changed in place; returns the time.

    Code that changes memory without the functions above, as an optimizer does, calls this before the change
    and `written` after it.
    """
    memory = target.writes
    for observer in mode.observers:
        observer.writing(memory)
    return perf_counter()


def written(
    mode: Modes, target: Storage, source: Storage | None, name: str, where: str, seconds: float
) -> None:
    """Count a change in place that has been made, and notify the observers."""
    count(target, where)
    for observer in mode.observers:
        observer.wrote(target, source, name, seconds)


def look(storage: Storage, name: str) -> NumpyArray:
    """The numbers on the host, read-only; `name` is the function that reads them: `item`, `numpy`, `if`."""
    for observer in current.get().observers:
        observer.read(storage, name)
    return storage.backend.numpy(storage.array)


def lend(storage: Storage, name: str, *, read_only: bool) -> Any:
    """The memory itself, for another library; with `read_only`, memory on the host is a read-only array."""
    for observer in current.get().observers:
        observer.read(storage, name)
    seen = storage.backend.glance(storage.array) if read_only else None
    return storage.array if seen is None else seen


def glance(storage: Storage, name: str) -> NumpyArray | None:
    """The numbers, if they can be read without waiting for a device; else None.

    Only for optional work: a check that the kernels of a device repeat, or a faster way to the same result.
    It is also None while an observer watches every op, because its program must not depend on these numbers.
    """
    mode = current.get()
    if mode.every_op:
        return None
    found = storage.backend.glance(storage.array)
    if found is not None:
        for observer in mode.observers:
            observer.read(storage, name)
    return found
