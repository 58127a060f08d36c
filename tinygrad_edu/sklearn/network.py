"""What both kinds of network offer to those that train them."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tinygrad_edu.sklearn.losses import Array
from tinygrad_edu.sklearn.rows import Batch, Rows
from tinygrad_edu.tensor import Tensor


class Network(Protocol):
    """Weights with a loss: `Plain` or `Graph`."""

    @property
    def parameters(self) -> list[Tensor]:
        """What an optimizer changes."""

    def gradient(self, batch: Batch, target: Array, weight: Array | None) -> float:
        """The loss of a batch; the slopes go into the parameters' `grad`."""

    def outputs(self, batch: Batch) -> Array:
        """What the network says (rows, outputs)."""

    def layers(self) -> tuple[list[Array], list[Array]]:
        """Weights (inputs, units) and biases (units,) of each layer."""

    def shows(self, shown: Sequence[Any]) -> bool:
        """Whether these, the estimator's weights or module, are this network's own memory."""

    def pack(self, arrays: Sequence[Array]) -> Array:
        """An array for each parameter, in a row: weights as (inputs, units) first, then biases."""

    def unpack(self, vector: Array) -> list[Array]:
        """The inverse of `pack`."""

    def vector(self) -> Array:
        """All parameters, packed."""

    def slope_vector(self) -> Array:
        """Their slopes, packed."""

    def load(self, vector: Array) -> None:
        """Overwrite all parameters by what was packed."""

    def snapshot(self) -> Any:
        """All that training changes, buffers too, as a copy."""

    def restore(self, snapshot: Any) -> None:
        """Go back to it."""


@dataclass(frozen=True)
class Samples:
    """Rows, their targets (rows, outputs), the same as the loss takes them, and their weights."""
    rows: Rows
    y: Array
    target: Array
    weight: Array | None
