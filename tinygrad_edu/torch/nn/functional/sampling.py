"""Images read at coordinates that are computed: grid_sample."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function

__all__ = ["grid_sample"]


def _unnormalized(x: Any, n: int, corners: bool) -> Any:
    """Coordinates from -1 to 1 as positions of pixels, of which there are n."""
    return (x + 1) * ((n - 1) / 2) if corners else ((x + 1) * n - 1) * 0.5


def _reflected(x: Any, n: int, corners: bool) -> Any:
    """Positions mirrored at the edges until they are inside."""
    low, high = (0.0, n - 1.0) if corners else (-0.5, n - 0.5)
    span = high - low
    if span <= 0:
        return x * 0.0
    distance = te.abs(x - low)
    flips = te.floor(distance.detach() / span)
    extra = distance - flips * span
    return te.where(te.remainder(flips, 2.0) == 0, extra + low, high - extra)


def _placed(x: Any, n: int, mode: str, corners: bool) -> Any:
    at = _unnormalized(x, n, corners)
    if mode == "reflection":
        at = _reflected(at, n, corners)
    return at if mode == "zeros" else te.clip(at, 0.0, n - 1.0)


def _taken(flat: Any, places: list[Any], sizes: tuple[int, ...]) -> Any:
    """flat (N, C, pixels) at whole positions (N, count) of each axis; zeros outside."""
    index, inside = np.zeros(places[0].shape, np.int64), np.ones(places[0].shape, bool)
    for place, n in zip(places, sizes, strict=True):
        whole = place.numpy()
        inside &= (whole >= 0) & (whole <= n - 1)
        index = index * n + np.clip(np.nan_to_num(whole), 0, n - 1).astype(np.int64)
    spread = np.broadcast_to(index[:, None], (index.shape[0], flat.shape[1], index.shape[1]))
    taken = te.take_along_axis(flat, te.tensor(np.ascontiguousarray(spread), device=flat.device), 2)
    return te.where(te.tensor(inside[:, None], device=flat.device), taken, 0.0)


@torch_function
def grid_sample(
    input: Any,
    grid: Any,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> Any:
    """input (N, C, H, W) at the coordinates grid (N, H', W', 2), from -1 to 1, x first -> (N, C, H', W').

    With three axes input is (N, C, D, H, W) and grid (N, D', H', W', 3). Beyond the edges are zeros, the
    border's pixels, or the image mirrored: `padding_mode` "zeros", "border" or "reflection".
    """
    axes = input.ndim - 2
    if mode == "bicubic":
        raise wrong(RuntimeError, "grid_sample", "mode='bicubic' is not here", "take 'bilinear'")
    if mode not in ("bilinear", "nearest"):
        raise ValueError(f"grid_sample: expected mode to be 'bilinear' or 'nearest', not {mode!r}")
    if padding_mode not in ("zeros", "border", "reflection"):
        raise ValueError(f"nn.functional.grid_sample(): no padding_mode is called {padding_mode!r}")
    fits = axes in (2, 3) and grid.ndim == input.ndim
    if not fits or grid.shape[-1] != axes or grid.shape[0] != input.shape[0]:
        raise wrong(
            RuntimeError,
            "grid_sample",
            "input must be (N, C, H, W) and grid (N, H', W', 2), or with one axis more",
            inputs=(input, grid),
        )
    if align_corners is None:
        warnings.warn("grid_sample takes align_corners=False where it is not given", stacklevel=3)
    corners = bool(align_corners)
    sizes = input.shape[2:]
    rows = te.reshape(grid, (grid.shape[0], -1, axes))
    at = [
        _placed(rows[..., axes - 1 - i], n, padding_mode, corners) for i, n in enumerate(sizes)
    ]  # the axes of input in order; the grid has x first
    flat = te.reshape(input, (*input.shape[:2], -1))
    out_shape = (*input.shape[:2], *grid.shape[1:-1])
    if mode == "nearest":
        taken = _taken(flat, [te.round(x.detach()) for x in at], sizes)
        if grid.node is not None:  # the gradient of what is chosen by its coordinates is 0
            taken = taken + te.expand_dims(te.sum(te.stack(at), 0), 1) * 0.0
        return te.reshape(taken, out_shape)
    floors = [te.floor(x.detach()) for x in at]
    parts = [x - low for x, low in zip(at, floors, strict=True)]
    total: Any = None
    for corner in np.ndindex(*(2,) * axes):
        weight: Any = None
        for step, part in zip(corner, parts, strict=True):
            one = part if step else 1.0 - part
            weight = one if weight is None else weight * one
        taken = _taken(flat, [low + step for low, step in zip(floors, corner, strict=True)], sizes)
        term = taken * te.expand_dims(weight, 1)
        total = term if total is None else total + term
    return te.reshape(total, out_shape)
