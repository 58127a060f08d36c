"""Sums, means and maxima of rows of a table, a bag of indices at a time."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.nn.functional.linear import embedding, renormalize

__all__ = ["embedding_bag"]


def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, mean or maximum of the rows of each bag: (B, n) indices, or (n,) with the offsets of bags.

    The index `padding_idx` counts nothing, and an empty bag is zeros. Gives (B, embedding_dim).
    """
    if max_norm is not None:
        renormalize(weight, input, max_norm, norm_type)
    if input.dim() == 2:
        if offsets is not None:
            raise ValueError(
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch"
            )
        starts = np.arange(input.shape[0]) * input.shape[1]
        total = input.numel()
        input = input.reshape(-1)
        if per_sample_weights is not None:
            per_sample_weights = per_sample_weights.reshape(-1)
    elif input.dim() == 1:
        if offsets is None:
            raise ValueError("offsets has to be a 1D Tensor but got None")
        if offsets.dim() != 1:
            raise ValueError("offsets has to be a 1D Tensor")
        starts, total = offsets.inner.numpy(), input.numel()
        if include_last_offset:
            starts = starts[:-1]
    else:
        raise ValueError(f"input has to be 1D or 2D Tensor, but got Tensor of dimension {input.dim()}")
    if per_sample_weights is not None and mode != "sum":
        raise wrong(
            RuntimeError, "embedding_bag", f"per_sample_weights goes with mode='sum', and mode is {mode!r}"
        )
    if mode not in ("sum", "mean", "max"):
        raise ValueError("mode has to be one of sum, mean or max")
    rows = embedding(input, weight, padding_idx, None, 2.0, scale_grad_by_freq)
    bag = np.searchsorted(starts, np.arange(total), side="right") - 1
    found = input.inner.numpy()
    counted = np.ones(total, bool) if padding_idx is None else found != padding_idx % weight.shape[0]
    return _gathered(rows, per_sample_weights, bag[counted], np.nonzero(counted)[0], len(starts), mode)


@torch_function
def _gathered(rows: Any, factors: Any, bag: Any, places: Any, count: int, mode: str) -> Any:
    """Rows at `places`, whose bags are `bag`, as one row for each bag."""
    rows = rows if len(places) == rows.shape[0] else te.take(rows, te.tensor(places, device=rows.device))
    zeros = te.zeros(count, rows.shape[1], dtype=rows.dtype, device=rows.device)
    if mode == "max":
        parts = [np.nonzero(bag == i)[0] for i in range(count)]
        each = [
            te.max(te.take(rows, te.tensor(p, device=rows.device)), 0) if len(p) else zeros[0] for p in parts
        ]
        return te.stack(each) if each else zeros
    if factors is not None:
        kept = te.take(factors, te.tensor(places, device=rows.device))
        rows = rows * te.expand_dims(kept, 1)
    at = te.tensor(np.repeat(bag[:, None], rows.shape[1], 1), device=rows.device)
    total = te.scatter_add(zeros, at, rows)
    if mode == "sum":
        return total
    sizes = np.maximum(np.bincount(bag, minlength=count), 1).astype(rows.dtype)
    return total / te.tensor(sizes[:, None], device=rows.device)
