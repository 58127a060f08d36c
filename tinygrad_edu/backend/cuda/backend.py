"""The backend of a GPU, real or simulated: the highest storey, where kernels implement the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tinygrad_edu.backend.cuda import families
from tinygrad_edu.backend.cuda.device.array import DeviceArray
from tinygrad_edu.backend.cuda.device.device import Device
from tinygrad_edu.backend.cuda.families import copy, elementwise, gather, matmul, optim, scatter
from tinygrad_edu.backend.cuda.families.hosts import Host
from tinygrad_edu.backend.protocol import Backend, ParameterState, Primitive, Rule
from tinygrad_edu.errors import DeviceError, wrong
from tinygrad_edu.shapes import Shape, writable


class Cuda(Device, Backend):
    """The device `name`, with all ladders of kernels.

    `Device` has the protocol's methods for memory, and the modules of `families` have those that compute.
    """

    array_type = DeviceArray
    arithmetic = False

    def __init__(self, name: str = "cuda") -> None:
        super().__init__(name, families.LADDERS)

    def map(
        self,
        op: Primitive,
        arrays: tuple[Any, ...],
        shape: Shape,
        dtype: np.dtype[Any],
        params: dict[str, Any],
    ) -> DeviceArray:
        return elementwise.map_(self, op, arrays, shape, dtype, params)

    def reduce(
        self, op: Primitive, array: DeviceArray, axes: Shape, dtype: np.dtype[Any], params: dict[str, Any]
    ) -> DeviceArray:
        return self._host_function(families.REDUCTIONS, op, "reduce")(self, array, axes, dtype, **params)

    def matmul(self, x: DeviceArray, y: DeviceArray) -> DeviceArray:
        return matmul.matmul(self, x, y)

    def gather(self, array: DeviceArray, index: DeviceArray, axis: int) -> DeviceArray:
        return gather.gather(self, array, index, axis)

    def scatter_add(self, shape: Shape, index: DeviceArray, source: DeviceArray, axis: int) -> DeviceArray:
        return scatter.scatter_add(self, shape, index, source, axis)

    def fused(self, op: Primitive, arrays: tuple[Any, ...], params: dict[str, Any]) -> DeviceArray:
        return self._host_function(families.FUSED, op, "fused")(self, *arrays, **params)

    def glance(self, array: DeviceArray) -> None:
        """None: to read device memory, the caller must wait."""

    def writable(self, array: DeviceArray) -> bool:
        return writable(array.shape, array.strides, array.itemsize)

    def shares(self, x: DeviceArray, y: DeviceArray) -> bool:
        return x.memory is y.memory

    def write(self, out: DeviceArray, op: Primitive | None, arrays: tuple[Any, ...]) -> None:
        if op is None:
            self.copy(self.broadcast(arrays[0], out.shape), out=out)
        else:
            elementwise.write(self, op, arrays, out)

    def put(self, out: DeviceArray, key: Any, source: Any) -> None:
        copy.put(self, out, key, source)

    def update(
        self, rule: Rule, tensors: Sequence[tuple[ParameterState, DeviceArray]], numbers: Sequence[float]
    ) -> Sequence[tuple[ParameterState, DeviceArray]]:
        return optim.update(self, rule, tensors, numbers)

    def _host_function(self, table: dict[str, Host], op: Primitive, kind: str) -> Host:
        found = table.get(op.name)
        if found is None:
            whose = (
                "it is computed by a function of NumPy's, so it runs on the cpu"
                if getattr(op, "foreign", False)
                else "write one in kernels/ and register it in tinygrad_edu/backend/cuda/families/, or "
                "compute on the cpu"
            )
            raise wrong(
                DeviceError, None, f"op {op.name!r} has no {kind} kernel on {self.name}: {whose}: x.to('cpu')"
            )
        return found
