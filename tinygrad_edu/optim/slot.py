"""A parameter and what an optimizer remembers of it, cut into blocks that fit the second-level cache."""
from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.engine.value import Storage
from tinygrad_edu.tensor import NumpyArray, Tensor

BLOCK = 32768           # elements updated at a time: 128 KiB of float32; a second-level cache holds several
Scratch = tuple[NumpyArray, NumpyArray]


class Slot:
    """`state` arrays of the parameter's shape, and `step`, how often it was updated.

    `blocks` are views of (parameter, state, scratch), made when the parameter's memory is first met or has
    moved.
    """
    __slots__ = ("array", "blocks", "parameter", "state", "step")

    def __init__(self, parameter: Tensor) -> None:
        self.parameter, self.step = parameter, 0
        self.array: Any = None          # the memory that `blocks` cut up
        self.state: tuple[Any, ...] = ()
        self.blocks: list[tuple[NumpyArray, tuple[NumpyArray, ...], Scratch]] = []

    def prepare(self, start: Sequence[float], scratches: dict[np.dtype[Any], Scratch]) -> None:
        """Bring what is remembered to where the parameter is now, begin the rest at `start`, cut both up."""
        storage = self.parameter.storage
        array, backend = storage.array, storage.backend
        found = self.host()
        found += [np.full(array.shape, value, array.dtype) for value in start[len(found):]]
        state = [np.array(s, dtype=array.dtype, order="C") for s in found]
        self.array, self.blocks = array, []
        if not backend.arithmetic:
            self.state = tuple(Storage(backend.asarray(s), backend) for s in state)
            return
        if not array.flags.writeable:
            raise RuntimeError(f"a parameter of shape {array.shape} is a read-only view and cannot be "
                               "updated; "
                               "optimise a copy, x.detach().clone().requires_grad_()")
        self.state = tuple(state)
        if array.size <= BLOCK or not array.flags.c_contiguous:
            one, two = _scratch(array, scratches)
            shaped = (one[:array.size].reshape(array.shape), two[:array.size].reshape(array.shape))
            self.blocks = [(array, self.state, shaped)]
            return
        flat, flats = array.reshape(-1), [s.reshape(-1) for s in state]
        one, two = _scratch(array, scratches)
        for begin in range(0, array.size, BLOCK):
            part = slice(begin, min(begin + BLOCK, array.size))
            size = part.stop - begin
            self.blocks.append((flat[part], tuple(s[part] for s in flats), (one[:size], two[:size])))

    def host(self) -> list[NumpyArray]:
        """The state as arrays on the host."""
        return [s.backend.numpy(s.array) if isinstance(s, Storage) else s for s in self.state]

    def restoring(self, row: Mapping[str, Any] | None, names: Sequence[str]) -> Callable[[], None]:
        """How to go to the state in `row` (None: to the start). Raises ValueError when it does not fit."""
        shape = self.parameter.shape
        step, state = 0, []
        if row is not None and (not names or any(row.get(name) is not None for name in names)):
            step = int(row.get("step", 1))
            if step < 1:
                raise ValueError(f"its step is {step}, not >= 1")
            for name in names:
                data = row.get(name)
                if data is None:
                    raise ValueError(f"its {name} is missing")
                found = np.array(data.numpy() if isinstance(data, Tensor) else np.asarray(data))
                if found.shape != shape or found.dtype.kind != "f":
                    raise ValueError(f"its {name} is {found.shape} {found.dtype}, the parameter is {shape}")
                state.append(found)

        def install() -> None:
            self.state, self.step, self.array = tuple(state), step, None
        return install


def _scratch(array: NumpyArray, shared: dict[np.dtype[Any], Scratch]) -> Scratch:
    """Two scratch arrays for all parameters; a large strided one, which cannot be cut up, gets its own."""
    if array.size > BLOCK and not array.flags.c_contiguous:
        return np.empty(array.size, array.dtype), np.empty(array.size, array.dtype)
    if array.dtype not in shared:
        shared[array.dtype] = (np.empty(BLOCK, array.dtype), np.empty(BLOCK, array.dtype))
    return shared[array.dtype]
