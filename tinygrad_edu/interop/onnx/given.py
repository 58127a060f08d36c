"""A node of a file that is read: its operator, its attributes, the names of what goes in and comes out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.interop.onnx.proto import OnnxError
from tinygrad_edu.tensor import Tensor

# What computes a node: its attributes, then its inputs, None for one that is left out.
Operator = Callable[..., Any]


@dataclass
class Given:
    """A node; `opset` is the version of the operators of its file."""

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Any]
    opset: int

    def get(self, name: str, default: Any = None) -> Any:
        """An attribute, or `default`."""
        return self.attributes.get(name, default)

    def need(self, name: str) -> Any:
        """An attribute that must be there."""
        if name not in self.attributes:
            raise self.fault(f"it has no attribute {name!r}")
        return self.attributes[name]

    def only(self, name: str, allowed: tuple[Any, ...]) -> Any:
        """An attribute that must be among `allowed`, whose first is the default."""
        found = self.get(name, allowed[0])
        if found not in allowed:
            raise self.fault(
                f"{name}={found!r:.60} is none of {', '.join(map(repr, allowed))}, which are understood"
            )
        return found

    def fault(self, problem: str) -> OnnxError:
        """The error about this node."""
        return wrong(OnnxError, "onnx.load", f"{self}: {problem}")

    def __str__(self) -> str:
        return f"node {self.name!r} ({self.operator})" if self.name else f"a node {self.operator}"


def ints(x: Tensor | None) -> list[int]:
    """The whole numbers of a small tensor, such as a shape."""
    return [] if x is None else [int(v) for v in np.asarray(x.detach().numpy()).reshape(-1).tolist()]


def number(x: Tensor | None, default: Any) -> Any:
    """The number of a tensor of one element."""
    return default if x is None else x.detach().item()
