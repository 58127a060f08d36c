"""What the functions of `te.special` share: their operands, as floats of one dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import operands
from tinygrad_edu.functional.linalg.matrices import floats
from tinygrad_edu.shapes import broadcast_shapes

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["floats", "pair"]


def pair(name: str, x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Both operands as floats of their common dtype. Raises ShapeError if they do not broadcast."""
    x, y = (floats(v) for v in operands((x, y)))
    try:
        broadcast_shapes(x.shape, y.shape)
    except ValueError:
        raise wrong(
            ShapeError, name, f"shapes {x.shape} and {y.shape} do not broadcast", inputs=(x, y)
        ) from None
    kind = np.result_type(x.dtype, y.dtype)
    return (x if x.dtype == kind else x.cast(kind)), (y if y.dtype == kind else y.cast(kind))
