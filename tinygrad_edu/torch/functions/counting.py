"""How many elements there are of each number, or in each interval."""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch import return_types
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.functions.axes import beside, check_tensor, is_tensor, numbers

__all__ = ["bincount", "histc", "histogram", "histogramdd"]


@torch_function
def bincount(input: Any, weights: Any = None, minlength: int = 0) -> Any:
    """How often each of 0, 1, 2, ... is in a vector; with `weights` the sum of theirs."""
    check_tensor("bincount", input)
    if (
        input.ndim != 1
        or input.dtype.kind not in "iu"
        or (input.size and numbers(input, "bincount").min() < 0)
    ):
        raise wrong(
            RuntimeError,
            "bincount",
            "bincount only supports 1-d non-negative integral inputs.",
            inputs=(input,),
        )
    if minlength < 0:
        raise wrong(RuntimeError, "bincount", "minlength should be >= 0")
    if weights is None:
        return beside(input, np.bincount(numbers(input, "bincount"), minlength=minlength).astype(np.int64))
    if weights.shape != input.shape:
        raise wrong(RuntimeError, "bincount", "weights should be 1-d and have the same length as input")
    given = numbers(weights, "bincount")
    found = np.bincount(numbers(input, "bincount"), given, minlength=minlength)
    return beside(input, found.astype(given.dtype if given.dtype == np.float32 else np.float64))


def _limits(array: np.ndarray[Any, Any], low: float, high: float) -> tuple[float, float]:
    if low == high and array.size:
        low, high = float(array.min()), float(array.max())
    return (low - 1, high + 1) if low == high else (low, high)


@torch_function
def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """How many elements lie in each of `bins` equal intervals of [min, max], or of all that there are."""
    check_tensor("histc", input)
    if input.dtype.kind != "f":
        raise wrong(
            RuntimeError, "histc", f'"histogram_cpu" not implemented for {input.dtype}', "use x.float()"
        )
    if bins <= 0:
        raise wrong(RuntimeError, "histc", "bins must be > 0")
    array = numbers(input, "histc").reshape(-1)
    low, high = _limits(array, float(min), float(max))
    if low > high:
        raise wrong(RuntimeError, "histc", "max must be larger than min")
    if not np.isfinite([low, high]).all():
        raise wrong(RuntimeError, "histc", f"range of [{low}, {high}] is not finite")
    return beside(input, np.histogram(array, bins, (low, high))[0].astype(input.dtype))


def _edges(name: str, bins: Any, array: np.ndarray[Any, Any], limits: Any) -> Any:
    """The edges of the intervals of one dimension."""
    if is_tensor(bins):
        return numbers(bins, name)
    low, high = _limits(array, *(limits if limits is not None else (0.0, 0.0)))
    return np.linspace(low, high, int(bins) + 1, dtype=array.dtype)


def _counted(
    name: str, points: np.ndarray[Any, Any], edges: list[Any], weight: Any, density: bool
) -> np.ndarray[Any, Any]:
    """How many points, or how much of their weight, lie in each box."""
    given = None if weight is None else numbers(weight, name).reshape(-1)
    found, _ = np.histogramdd(points, edges, weights=given)
    if density:
        sizes = np.ones(())
        for line in edges:
            sizes = np.multiply.outer(sizes, np.diff(line))
        found = found / (found.sum() * sizes)
    return found.astype(points.dtype)


@torch_function
def histogram(input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Any:
    """(hist, bin_edges): how many elements lie in each interval; `bins` is a number, or a tensor of edges."""
    check_tensor("histogram", input)
    if input.dtype.kind != "f":
        raise wrong(RuntimeError, "histogram", f"not implemented for {input.dtype}", "use x.float()")
    array = numbers(input, "histogram").reshape(-1)
    edges = _edges("histogram", bins, array, range)
    found = _counted("histogram", array[:, None], [edges], weight, density)
    return return_types.histogram(beside(input, found), beside(input, edges.astype(input.dtype)))


@torch_function
def histogramdd(
    input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False
) -> Any:
    """(hist, bin_edges): how many rows of input lie in each box of the intervals of all its columns."""
    check_tensor("histogramdd", input)
    array = numbers(input, "histogramdd").reshape(-1, input.shape[-1])
    count = array.shape[1]
    several = list(bins) if isinstance(bins, (list, tuple)) else [bins] * count
    if len(several) != count:
        raise wrong(RuntimeError, "histogramdd", f"there are {count} columns, and {len(several)} bins")
    limits = [None] * count if range is None else [(range[2 * i], range[2 * i + 1]) for i in np.arange(count)]
    edges = [_edges("histogramdd", several[i], array[:, i], limits[i]) for i in np.arange(count)]
    found = _counted("histogramdd", array, edges, weight, density)
    return return_types.histogramdd(
        beside(input, found), tuple(beside(input, line.astype(input.dtype)) for line in edges)
    )
