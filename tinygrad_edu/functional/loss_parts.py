"""Parts that the losses share: checks of what they are given, and the reduction of what they compute."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.dtypes import float64, is_floating
from tinygrad_edu.engine.access import glance
from tinygrad_edu.errors import ShapeError, wrong
from tinygrad_edu.functional.creation import as_tensor, operands
from tinygrad_edu.functional.loss_weights import told
from tinygrad_edu.functional.movement import broadcast_to
from tinygrad_edu.functional.reduction import mean, sum
from tinygrad_edu.shapes import broadcast_shapes

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def reduced(losses: Tensor, reduction: str) -> Tensor:
    """The losses themselves, their mean or their sum. ValueError for another `reduction`."""
    if reduction not in ("mean", "sum", "none"):
        raise wrong(ValueError, None, f"reduction must be 'mean', 'sum' or 'none', not {reduction!r}")
    if reduction == "sum":
        return told(sum(losses), "sum")
    return losses if reduction == "none" else mean(losses)


def matched(name: str, output: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Both as floats of one dtype. ShapeError unless they have one shape."""
    output, target = operands((output, target))
    one, other = output.storage.array.dtype, target.storage.array.dtype
    if one is not other or not is_floating(one):  # differences of uint8 wrap around
        kind = np.result_type(one, other)
        kind = kind if is_floating(kind) else float64
        output, target = (x if x.dtype == kind else x.cast(kind) for x in (output, target))
    if output.shape != target.shape:
        raise wrong(
            ShapeError,
            name,
            f"output {output.shape} and target {target.shape} must have one shape",
            "reshape one (broadcasting here is nearly always a mistake)",
            inputs=(output, target),
        )
    return output, target


def check_range(name: str, what: str, x: Tensor, low: float, high: float, remedy: str) -> None:
    """ValueError for numbers outside [low, high], except NaN. On the cpu only, where reading never waits."""
    array = glance(x.storage, name)
    if array is None or not x.size:
        return
    smallest, largest = array.min(), array.max()
    rounding = 8 * np.finfo(array.dtype).eps if array.dtype.kind == "f" else 0
    if smallest < low - rounding or largest > high + rounding:
        raise wrong(ValueError, name, f"{what} from {smallest:.8g} to {largest:.8g}", remedy)


def check_signs(name: str, target: Tensor) -> None:
    """ValueError for targets other than -1 and 1, only on the cpu."""
    array = glance(target.storage, name)
    if array is not None and target.size:
        others = array[(np.abs(array) != 1) & (array == array)]
        if others.size:
            raise wrong(
                ValueError,
                name,
                f"a target is {others.reshape(-1)[0]:g}, and they are -1 and 1",
                "of 0 and 1 make 2 * target - 1",
            )


def weighted(name: str, what: str, weight: Any, beside: Tensor) -> Tensor:
    """A weight, a number or a tensor, in the dtype and on the device of `beside`.

    Raises ShapeError if it does not broadcast to the shape of `beside`.
    """
    weight = as_tensor(weight, beside)
    weight = weight if weight.dtype == beside.dtype else weight.cast(beside.dtype)
    try:
        fits = broadcast_shapes(weight.shape, beside.shape) == beside.shape
    except ShapeError:
        fits = False
    if not fits:
        problem = f"{what} {weight.shape} does not broadcast to the losses {beside.shape}"
        raise wrong(ShapeError, name, problem, inputs=(beside, weight))
    return weight


def as_floats(x: Tensor) -> Tensor:
    """x itself if it has floats, else in float64."""
    return x if is_floating(x.dtype) else x.cast(float64)


def same_floats(name: str, *items: Any) -> list[Tensor]:
    """Tensors of one floating dtype, broadcast to one shape. Raises ShapeError, which names all shapes."""
    xs = operands(items)
    kind = np.result_type(*(x.dtype for x in xs))
    kind = kind if is_floating(kind) else float64
    xs = [x if x.dtype == kind else x.cast(kind) for x in xs]
    try:
        shape = broadcast_shapes(*(x.shape for x in xs))
    except ShapeError:
        shapes = " and ".join(str(x.shape) for x in xs)
        raise wrong(ShapeError, name, f"shapes {shapes} do not broadcast", inputs=xs) from None
    return [x if x.shape == shape else broadcast_to(x, shape) for x in xs]
