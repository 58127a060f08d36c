"""A parameter with its optimizer state."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from tinygrad_edu.backend.registry import cpu
from tinygrad_edu.engine.value import Storage
from tinygrad_edu.errors import wrong
from tinygrad_edu.optim.rule import Numbers
from tinygrad_edu.tensor import NumpyArray, Tensor

_SQUARES = frozenset(
    {"exp_avg_sq", "square_avg", "sum", "max_exp_avg_sq", "acc_delta", "exp_inf", "step_size"}
)  # the parts of the state that are never negative
_FRACTIONS = frozenset({"mu_product", "mu"})  # the scalars that are at most 1


class Slot:
    """A parameter, its `state` (arrays of the parameter's shape), and `step`, the count of its updates.

    `scalars` are further numbers of its state (`Optimizer.scalars`). `array` and `memories` are the arrays of
    the parameter and of its state. `prepared` belongs to the backend, which computes it from them when the
    memory of the parameter is new or has changed.
    """

    __slots__ = ("array", "memories", "parameter", "prepared", "scalars", "state", "step")

    def __init__(self, parameter: Tensor) -> None:
        self.parameter, self.step = parameter, 0
        self.scalars: Numbers = ()
        self.array: Any = None
        self.state: tuple[Storage, ...] = ()
        self.memories: tuple[Any, ...] = ()
        self.prepared: Any = None

    @property
    def node(self) -> Any:
        """The node of the parameter, or None; of a frozen one, the node that it gets back later."""
        node = self.parameter.node
        return node if node is not None else getattr(self.parameter, "frozen", (None, None))[1]

    def prepare(self, start: Sequence[float]) -> None:
        """Move the state to the parameter's device and dtype, and fill the missing parts with `start`."""
        storage = self.parameter.storage
        array, backend = storage.array, storage.backend
        if not backend.writable(array):
            raise wrong(
                RuntimeError,
                None,
                f"a parameter of shape {array.shape} is a read-only view and cannot be updated",
                "optimise a copy, x.detach().clone().requires_grad_()",
            )
        found = self.host()
        if not found and start:
            self.step, self.scalars = 0, ()  # they belong to the state, which is new
        found += [np.full(array.shape, value, array.dtype) for value in start[len(found) :]]
        state = [np.array(s, dtype=array.dtype, order="C") for s in found]
        self.state = tuple(Storage(backend.asarray(s, copy=False), backend) for s in state)
        self.array, self.memories, self.prepared = array, tuple(s.array for s in self.state), None

    def __getstate__(self) -> tuple[Any, ...]:
        """For copy and pickle: all other attributes belong to this memory, and are made again for a copy."""
        return self.parameter, self.step, self.scalars, [np.array(memory) for memory in self.host()]

    def __setstate__(self, kept: tuple[Any, ...]) -> None:
        parameter, self.step, self.scalars, state = kept
        self.parameter, self.array, self.memories, self.prepared = parameter, None, (), None
        self.state = tuple(Storage(memory, cpu) for memory in state)

    def host(self) -> list[NumpyArray]:
        """The state as arrays on the host."""
        return [s.backend.numpy(s.array) for s in self.state]

    def restoring(
        self,
        row: Mapping[str, Any] | None,
        names: Sequence[str],
        sometimes: Sequence[str],
        scalars: Sequence[str] = (),
    ) -> Callable[[], None]:
        """A function that installs the state in `row` (None: no state). ValueError if it does not fit.

        names      the names that it may have; those in `sometimes` may be missing
        scalars    the names of its numbers, each at least 0

        Other names are those of another rule, whose state would be lost.
        """
        shape = self.parameter.shape
        step, state = 0, []
        numbers: Numbers = ()
        needed = [name for name in names if name not in sometimes]
        for name, value in (row or {}).items():
            if value is not None and name not in {"step", *names, *scalars}:
                raise ValueError(f"its {name!s:.60} is unknown: the rule has {', '.join(names) or 'none'}")
        if row is not None and ("step" in row or any(row.get(name) is not None for name in names)):
            step = _update_count(row.get("step", 1))
            numbers = tuple(_scalar(name, row.get(name)) for name in scalars)
            present = [name for name in names if row.get(name) is not None]
            for name in names[: max(len(needed), *(names.index(name) + 1 for name in present), 0)]:
                data = row.get(name)
                if data is None and name in needed:
                    raise ValueError(f"its {name} is missing")
                if data is None:  # a setting needed it never, and one that needs a later name needs this one
                    data = np.zeros(shape, self.parameter.dtype)
                found = np.array(data.numpy() if isinstance(data, Tensor) else np.asarray(data))
                if found.shape != shape or found.dtype.kind != "f":
                    raise ValueError(f"its {name} is {found.shape} {found.dtype}, the parameter is {shape}")
                dtype = self.parameter.dtype
                with np.errstate(over="ignore"):
                    if not np.array_equal(np.isfinite(found), np.isfinite(found.astype(dtype))):
                        raise ValueError(f"its {name} has numbers that {dtype} does not hold")
                if name in _SQUARES and bool((found < 0).any()):
                    raise ValueError(f"its {name} has negative numbers, which it cannot have")
                state.append(found)

        def install() -> None:
            self.state = tuple(Storage(array, cpu) for array in state)
            self.step, self.scalars, self.array, self.memories = step, numbers, None, ()

        return install


def one_number(name: str, value: Any) -> float:
    """A number of a state as a float, from a number or from an array or tensor without axes."""
    found = value
    if hasattr(value, "item") and not getattr(value, "ndim", 0):
        found = value.item()
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise ValueError(f"its {name} is {value!r:.60}, no number")
    try:
        return float(found)
    except OverflowError:
        raise ValueError(f"its {name} is {value!r:.60}, no number of float64") from None


def _update_count(step: Any) -> int:
    """A count of updates as an int, from a number or from PyTorch's tensor of one number."""
    number = one_number("step", step)
    if not (1 <= number < 2**53 and number == int(number)):
        raise ValueError(f"its step is {step}, no count from 1 on")
    return int(number)


def _scalar(name: str, value: Any) -> float:
    """A number >= 0, from a number or from PyTorch's tensor of one number; a fraction is at most 1."""
    number = one_number(name, value)
    if name in _FRACTIONS and not 0.0 <= number <= 1.0:
        raise ValueError(f"its {name} is {number}, not in [0, 1]")
    if not 0.0 <= number < math.inf:
        raise ValueError(f"its {name} is {number}, no finite number >= 0")
    return number
