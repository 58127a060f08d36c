"""What the functions of `te.linalg` share: their operands as floats, and checks of shapes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.dtypes import is_floating
from tinygrad_edu.engine.modes import is_grad_enabled
from tinygrad_edu.errors import NotDifferentiableError, ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, operands
from tinygrad_edu.scalars import number

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def floats(x: Any) -> Tensor:
    """x as a tensor of floats: integers become float64."""
    x = as_tensor(x)
    return x if is_floating(x.dtype) or x.dtype.kind == "c" else x.cast("float64")


def matrices(name: str, x: Any) -> Tensor:
    """`floats`, of at least two axes. Raises ShapeError."""
    x = floats(x)
    if x.ndim < 2:
        raise wrong(ShapeError, name, f"it needs matrices, (..., m, n), not shape {x.shape}", inputs=(x,))
    return x


def square(name: str, x: Any) -> Tensor:
    """`matrices`, with as many rows as columns. Raises ShapeError."""
    x = matrices(name, x)
    if x.shape[-1] != x.shape[-2]:
        raise wrong(ShapeError, name, "it needs square matrices, (..., n, n)", inputs=(x,))
    return x


def pair(name: str, x: Any, y: Any) -> tuple[Tensor, Tensor]:
    """Two operands as matrices of one dtype."""
    x, y = (floats(v) for v in operands((x, y)))
    return matrices(name, x), matrices(name, y)


def relative_tolerance(name: str, x: Tensor, rtol: Any) -> float:
    """rtol, or max(m, n) times the distance from 1 to the next float of the dtype."""
    if rtol is None:
        return float(max(x.shape[-2:]) * np.finfo(x.dtype).eps)
    found = number(rtol, name)
    if not found >= 0.0:
        op, argument = name.split(": ")
        raise wrong(ValueError, op, f"{argument}={found} must be 0 or more", inputs=(x,))
    return found


def refuse_gradient(name: str, x: Tensor, why: str, remedy: str) -> None:
    """Raise NotDifferentiableError if a gradient by x would be recorded."""
    if x.requires_grad and is_grad_enabled():
        raise wrong(NotDifferentiableError, name, why, remedy, inputs=(x,))
