"""torch.gradient: slopes of numbers that are given at points, by differences of neighbours.

Source: Fornberg, "Generation of finite difference formulas on arbitrarily spaced grids",
Math. Comp. 51, 1988.
"""

from __future__ import annotations

from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import floating
from tinygrad_edu.torch.functions.axes import axes_of, check_tensor, is_tensor

__all__ = ["gradient"]


def _slope(x: te.Tensor, at: int, steps: Any, edge_order: int) -> te.Tensor:
    """The slope along one axis; `steps` is the distance of neighbours, or a tensor of all of them."""
    ahead = [slice(None)] * at
    n = x.shape[at]
    left: Any
    right: Any
    first: Any
    second: Any
    before: Any
    last: Any

    def part(start: int, stop: int) -> te.Tensor:
        return x[(*ahead, slice(start, stop))]

    if is_tensor(steps):
        line = te.reshape(steps.cast(x.dtype), (-1, *([1] * (x.ndim - at - 1))))
        left, right = line[:-1], line[1:]
        first, second, before, last = line[:1], line[1:2], line[-2:-1], line[-1:]
    else:
        left = right = first = second = before = last = float(steps)
    inner = (
        left * left * part(2, n)
        + (right * right - left * left) * part(1, n - 1)
        - right * right * part(0, n - 2)
    ) / (left * right * (left + right))
    if edge_order == 1:
        head = (part(1, 2) - part(0, 1)) / first
        tail = (part(n - 1, n) - part(n - 2, n - 1)) / last
    else:
        head = (
            part(1, 2) * (first + second) / (first * second)
            - part(0, 1) * (2.0 * first + second) / (first * (first + second))
            - part(2, 3) * first / (second * (first + second))
        )
        tail = (
            part(n - 3, n - 2) * last / (before * (before + last))
            - part(n - 2, n - 1) * (before + last) / (before * last)
            + part(n - 1, n) * (2.0 * last + before) / (last * (before + last))
        )
    return te.concat([head, inner, tail], at)


@torch_function
def gradient(input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> Any:
    """The slopes along each dimension of `dim`; at the edges by differences of order `edge_order`, 1 or 2.

    spacing  the distance of neighbours: one number, one for each dimension, or a tensor of the coordinates
             for each
    """
    check_tensor("gradient", input)
    if edge_order not in (1, 2):
        raise wrong(RuntimeError, "gradient", "torch.gradient only supports edge_order=1 and edge_order=2.")
    (x,) = floating(input)
    axes = axes_of(x, dim)
    given = list(spacing) if isinstance(spacing, (list, tuple)) else [spacing] * len(axes)
    if len(given) != len(axes):
        raise wrong(
            RuntimeError,
            "gradient",
            f"torch.gradient expected spacing to be unspecified, a scalar or a list of length {len(axes)}, "
            f"but got one of length {len(given)}",
        )
    for at in axes:
        if x.shape[at] < edge_order + 1:
            raise wrong(
                RuntimeError,
                "gradient",
                "torch.gradient expected each dimension size to be at least edge_order+1",
                inputs=(x,),
            )
    steps = [s[1:] - s[:-1] if is_tensor(s) else s for s in given]
    return tuple(_slope(x, at, step, edge_order) for at, step in zip(axes, steps, strict=True))
