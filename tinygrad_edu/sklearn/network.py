"""What both kinds of network offer to those that train them."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

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

    def vector(self) -> Array:
        """All weights in a row."""

    def slope_vector(self) -> Array:
        """Their slopes in the same order."""

    def load(self, vector: Array) -> None:
        """Overwrite all weights."""


@dataclass(frozen=True)
class Samples:
    """Rows, their targets (rows, outputs), the same as the loss takes them, and their weights."""
    rows: Rows
    y: Array
    target: Array
    weight: Array | None
