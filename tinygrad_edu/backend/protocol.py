"""The interface of a backend: memory, views, computations, and changes in place; no gradients.

A backend gets shapes and dtypes that are already resolved; it knows no Tensor, no dtype promotion and no
broadcasting rule. Callers use only the `shape`, `dtype` and `strides` (in bytes, as in NumPy) of the arrays
that it returns.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from tinygrad_edu.shapes import Shape

DeviceArray = Any
NumpyArray = np.ndarray[Any, Any]


class Primitive(Protocol):
    """What a backend needs to know about a primitive.

    numpy  the function that specifies it, and computes it on the cpu
    ufunc  the NumPy ufunc that computes the same, if there is one
    """

    name: str
    numpy: Callable[..., Any]
    ufunc: np.ufunc | None


class Rule(Protocol):
    """How an optimizer changes a parameter: a formula of elementwise operators and functions.

    name         of the kernel, where a backend has one: `sgd_step`
    flag         selects the variant of the kernel, by the bits of an integer
    state_count  how many of a parameter's `memories` it uses, from the first on
    programs     where a backend stores what it compiled from the formula
    """

    name: str
    flag: int
    state_count: int
    programs: dict[Any, Any]

    def formula(self, p: Any, g: Any, state: Any, numbers: Any) -> tuple[Any, ...]:
        """(new p, *new state)"""


class ParameterState(Protocol):
    """The array of a parameter, and the state that an optimizer keeps for it.

    memories  the state, in arrays of the same shape and dtype as the parameter
    prepared  where a backend stores what it computed for these arrays; None after one of them was replaced
    """

    array: DeviceArray
    memories: tuple[DeviceArray, ...]
    prepared: Any


class Backend(Protocol):
    """A device that arrays live on.

    array_type  the type of its arrays
    arithmetic  whether its arrays have operators, as NumPy's have; then a first-order backward pass
                computes with the arrays themselves, and records no graph
    closed      whether the device was shut down; its arrays can no longer be used then
    """

    name: str
    array_type: type[Any]
    arithmetic: bool
    closed: bool

    # -- memory ----------------------------------------------------------------------------------------------

    def asarray(self, data: NumpyArray, *, copy: bool = True) -> DeviceArray:
        """A device array with the contents of host memory. Without `copy` it may share memory with `data`."""

    def from_dlpack(self, producer: Any) -> DeviceArray:
        """The array of another library, through DLPack, in the same memory. Raises BufferError."""

    def numpy(self, array: DeviceArray) -> NumpyArray:
        """The array on the host; read-only if it shares the device's memory."""

    def glance(self, array: DeviceArray) -> NumpyArray | None:
        """Like `numpy` if the array can be read at no cost; None if the caller would have to wait for it."""

    def empty(self, shape: Shape, dtype: np.dtype[Any]) -> DeviceArray:
        """Uninitialised memory."""

    def view(self, array: DeviceArray, shape: Shape, strides: Shape, offset: int) -> DeviceArray:
        """A view of the same memory with other strides.

        `strides` and `offset` are in bytes; the offset is that of the view's first element from the array's.
        """

    def copy(self, array: DeviceArray) -> DeviceArray:
        """A contiguous copy."""

    # -- computing -------------------------------------------------------------------------------------------

    def map(
        self,
        op: Primitive,
        arrays: tuple[DeviceArray, ...],
        shape: Shape,
        dtype: np.dtype[Any],
        params: dict[str, Any],
    ) -> DeviceArray:
        """An elementwise op; inputs broadcast to `shape` by zero strides."""

    def reduce(
        self, op: Primitive, array: DeviceArray, axes: Shape, dtype: np.dtype[Any], params: dict[str, Any]
    ) -> DeviceArray:
        """A reduction over `axes`, which stay at size 1. Every run gives the same bits."""

    def matmul(self, x: DeviceArray, y: DeviceArray) -> DeviceArray:
        """(..., M, K) @ (..., K, N); operands may be strided views, batch axes broadcast."""

    def gather(self, array: DeviceArray, index: DeviceArray, axis: int) -> DeviceArray:
        """`take_along_axis`; an index out of range is an IndexError, never an illegal access."""

    def scatter_add(self, shape: Shape, index: DeviceArray, source: DeviceArray, axis: int) -> DeviceArray:
        """Zeros of `shape`, `source` added where `gather` would have read; duplicates add up, in order."""

    def fused(self, op: Primitive, arrays: tuple[DeviceArray, ...], params: dict[str, Any]) -> DeviceArray:
        """Any other primitive, by its own kernel."""

    # -- changing in place -----------------------------------------------------------------------------------

    def writable(self, array: DeviceArray) -> bool:
        """Whether it may be changed in place: no two elements share memory, and it is not read-only."""

    def shares(self, x: DeviceArray, y: DeviceArray) -> bool:
        """Whether x and y may be views of the same memory."""

    def write(self, out: DeviceArray, op: Primitive | None, arrays: tuple[Any, ...]) -> None:
        """Write the elementwise op of `arrays` into `out`. The result has the dtype of `out`.

        The arrays broadcast to `out`, and may be `out` itself or views of its memory. Without an op, `arrays`
        is one array, which is cast and copied.
        """

    def put(self, out: DeviceArray, key: Any, source: Any) -> None:
        """`out[key] = source`, for a key of slices, integers and host arrays as NumPy has them."""

    def update(
        self, rule: Rule, tensors: Sequence[tuple[ParameterState, DeviceArray]], numbers: Sequence[float]
    ) -> Sequence[tuple[ParameterState, DeviceArray]]:
        """Change parameters of one dtype in place, given the gradient of each.

        Returns those that it did not change, because it has no kernel for the rule or for their layout.
        """

    # -- time ------------------------------------------------------------------------------------------------

    def synchronize(self) -> None:
        """Wait until all work that was launched so far is done."""
