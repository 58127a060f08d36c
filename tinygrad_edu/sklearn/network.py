"""The methods of both kinds of network, which the solvers use."""

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
        """The loss of a batch; its gradient goes into the parameters' `grad`."""

    def outputs(self, batch: Batch) -> Array:
        """The outputs of the network (rows, outputs)."""

    def layers(self) -> tuple[list[Array], list[Array]]:
        """Weights (inputs, units) and biases (units,) of each layer."""

    def uses(self, arrays: Sequence[Any]) -> bool:
        """Whether these, the estimator's weights or its module, are the ones that this network trains."""

    def pack(self, arrays: Sequence[Array]) -> Array:
        """One vector of an array per parameter: first the weights as (inputs, units), then the biases."""

    def unpack(self, vector: Array) -> list[Array]:
        """The inverse of `pack`."""

    def vector(self) -> Array:
        """All parameters, packed."""

    def slope_vector(self) -> Array:
        """The gradients of all parameters, packed."""

    def add_gradients(self, share: float, comm: Any) -> None:
        """Replace all gradients by the sum, over the ranks of a job, of `share` times each rank's own.

        A rank with share 0 has computed none.
        """

    def load(self, vector: Array) -> None:
        """Overwrite all parameters with a packed vector."""

    def snapshot(self) -> Any:
        """A copy of everything that training changes, with the buffers."""

    def restore(self, snapshot: Any) -> None:
        """Set everything back to the snapshot."""


@dataclass(frozen=True)
class Samples:
    """Rows, their targets `y` (rows, outputs), the same as `target` in the form of the loss, and weights."""

    rows: Rows
    y: Array
    target: Array
    weight: Array | None
