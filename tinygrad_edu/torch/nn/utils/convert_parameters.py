"""The numbers of several parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.tensor import Tensor

__all__ = ["parameters_to_vector", "vector_to_parameters"]


@torch_function
def _joined(tensors: Any) -> Any:
    return te.concat([te.reshape(x, (-1,)) for x in tensors])


def parameters_to_vector(parameters: Iterable[Any]) -> Any:
    """All numbers of the parameters, one after the other."""
    return _joined(list(parameters))


def vector_to_parameters(vec: Any, parameters: Iterable[Any]) -> None:
    """Give the parameters the numbers of a vector, which they share from then on."""
    if not isinstance(vec, Tensor):
        raise wrong(
            TypeError, "vector_to_parameters", f"expected torch.Tensor, but got: {type(vec).__name__}"
        )
    first = 0
    for parameter in parameters:
        count = parameter.numel()
        parameter.data = vec[first : first + count].view_as(parameter).data
        first += count
