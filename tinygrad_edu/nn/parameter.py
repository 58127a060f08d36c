"""Parameter: a tensor that training changes."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import registry
from tinygrad_edu.engine.modes import would_lose
from tinygrad_edu.engine.value import Storage, leaf
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import as_array
from tinygrad_edu.tensor import Tensor


class Parameter(Tensor):
    """A leaf that requires grad, over its own contiguous copy of `data`; modules look for it in attributes.

    Floats keep their dtype, Python floats become float32.
    Raises TypeError for data that cannot have a gradient.
    """

    __slots__ = ()

    def __init__(
        self, data: Any, requires_grad: bool = True, *, dtype: Any = None, device: Any = None
    ) -> None:
        if would_lose(data):
            raise wrong(
                RuntimeError,
                "Parameter",
                "a leaf of the numbers of a tensor that requires grad would lose its graph",
                "say x.detach()",
            )
        host = np.asarray(as_array("Parameter", data, dtype, copy=True), order="C")  # of 0-d, too
        if requires_grad and not dtypes.is_floating(host.dtype):
            raise wrong(
                TypeError,
                "Parameter",
                f"{host.dtype} data has no gradient",
                "pass dtype='float32', or keep what is not learned with register_buffer()",
            )
        if device is None and isinstance(data, Tensor):
            device = data.device
        backend = registry.get(device)
        memory = backend.asarray(host, copy=False)
        super().__init__(Storage(memory, backend), leaf(host.shape, host.dtype) if requires_grad else None)

    def __reduce__(self) -> tuple[Any, ...]:
        make = functools.partial(Parameter, requires_grad=self.requires_grad, device=self.device)
        return make, (np.array(self.numpy()),)

    def __repr__(self) -> str:
        return f"Parameter({super().__repr__()})"


def move(tensor: Tensor, device: str | None, dtype: np.dtype[Any] | None) -> None:
    """Move `tensor` to another device or float dtype. Its gradient moves, too; its graph does not."""
    if dtype is not None and (not dtypes.is_floating(tensor.dtype) or tensor.dtype == dtype):
        return
    backend = tensor.storage.backend if device is None else registry.get(device)
    if dtype is None and backend is tensor.storage.backend:
        return
    host = np.array(tensor.numpy(), dtype=dtype or tensor.dtype, order="C")
    tensor.storage = Storage(backend.asarray(host, copy=False), backend)
    if tensor.node is not None:
        grad, hooks = tensor.node.grad, tensor.node.hooks
        tensor.node = leaf(host.shape, host.dtype)
        tensor.node.grad = None if grad is None else grad.detach().to(device or dtype)
        tensor.node.hooks = hooks
