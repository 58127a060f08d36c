"""Writes along one dimension at indices, one for each element: scatter, scatter_add, scatter_reduce."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.ops import index as _i
from tinygrad_edu.torch.core import keys, views
from tinygrad_edu.torch.core.dtypes import dtype_of
from tinygrad_edu.torch.core.raising import check_tensor, tensor_function
from tinygrad_edu.torch.functions.axes import axis_of, lined, numbers
from tinygrad_edu.torch.functions.indexing import check_index, check_within, covered, source_of, vector_of

__all__ = ["index_reduce", "scatter", "scatter_add", "scatter_reduce"]

Inner = te.Tensor
Places = tuple[Any, ...]


def _fitted(name: str, x: Inner, dim: int, index: Any, src: Any) -> tuple[Inner, Inner, Inner, int]:
    """x, the index and the part of `src` that it covers, each with a dimension at least; and `dim`."""
    check_index(name, index, ("int64",))
    check_tensor(name, src, "src")
    if src.dtype != x.dtype:
        raise wrong(RuntimeError, name, f"{name}(): Expected self.dtype to be equal to src.dtype, got "
                    f"{dtype_of(x.dtype).name} and {dtype_of(src.dtype).name}")  # fmt: skip
    line, places, given, at = lined(x), lined(index), lined(src), axis_of(x, dim)
    covered(name, places, line.shape, at)
    covered(name, places, (*given.shape,), len(given.shape))
    check_within(name, places, line.shape[at])
    if places.size and given.shape != places.shape:
        given = given[tuple(slice(0, n) for n in places.shape)]
    return line, places, given, at


def _places(places: Inner, at: int, name: str) -> Places:
    """The key of NumPy's that an index along one dimension stands for."""
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in places.shape)])
    grid[at] = np.array(numbers(places, name))
    return tuple(grid)


@tensor_function
def scatter(
    input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: str | None = None
) -> Any:
    """`input` with elements of `src`, or one number, at the indices along `dim`; with `reduce`, "add" or
    "multiply", combined with what is there."""
    check_index("scatter", index, ("int64",))
    given = value if src is None else src
    if given is None:
        raise wrong(TypeError, "scatter", "scatter() takes src or value")
    if not isinstance(given, Inner):
        number = keys.fitting(given, input, (), True)
        given = te.full(index.shape, number, dtype=input.dtype, device=input.device)
    elif not given.ndim and index.ndim:
        given = te.expand(given, index.shape)
    if not index.size:
        return te.functional.clone(input)
    line, places, part, at = _fitted("scatter", input, dim, index, given)
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise wrong(RuntimeError, "scatter", "reduce argument must be either add or multiply.")
        return _reduced(
            input, line, part, _places(places, at, "scatter"), {"add": "sum"}.get(reduce, "prod"), True
        )
    return te.reshape(views.put_at(line, _places(places, at, "scatter"), part), input.shape)


@tensor_function
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """`input` with the elements of `src` added at the indices along `dim`."""
    check_index("scatter_add", index, ("int64",))
    if not index.size:
        return te.functional.clone(input)
    line, places, part, at = _fitted("scatter_add", input, dim, index, src)
    added = _i.scatter_add(part, places, shape=line.shape, axis=at)
    found = te.logical_or(line, added) if line.dtype == np.bool_ else line + added
    return te.reshape(found, input.shape)


_FILLERS = {"sum": 0, "mean": 0, "prod": 1, "amax": -np.inf, "amin": np.inf}


@tensor_function
def scatter_reduce(
    input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """`input` with each element combined with those of `src` that the indices along `dim` send there.

    reduce        "sum", "prod", "mean", "amax" or "amin"
    include_self  without it, what was there does not count where something is sent
    """
    _check_reduce("scatter_reduce", reduce)
    check_index("scatter_reduce", index, ("int64",))
    if not index.size:
        return te.functional.clone(input)
    line, places, part, at = _fitted("scatter_reduce", input, dim, index, src)
    return _reduced(input, line, part, _places(places, at, "scatter_reduce"), reduce, include_self)


@tensor_function
def index_reduce(
    input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True
) -> Any:
    """`input` with its slices at the indices along `dim` combined with those of `source`."""
    _check_reduce("index_reduce", reduce)
    line, places, at = vector_of("index_reduce", input, dim, index)
    part = source_of("index_reduce", line, places, at, source)
    check_within("index_reduce", places, line.shape[at])
    spread = te.expand(te.reshape(places, (-1, *(1,) * (line.ndim - at - 1))), part.shape)
    if not part.size:
        return te.functional.clone(input)
    return _reduced(input, line, part, _places(spread, at, "index_reduce"), reduce, include_self)


def _check_reduce(name: str, reduce: str) -> None:
    if reduce not in _FILLERS:
        raise wrong(RuntimeError, name, "reduce argument must be either sum, prod, mean, amax or amin, got "
                    f"{reduce}")  # fmt: skip


def _reduced(x: Inner, line: Inner, part: Inner, key: Places, reduce: str, include_self: bool) -> Inner:
    """Each element of x with those of `part` that go there, in a row, reduced; rows are filled up."""
    targets = np.arange(line.size).reshape(line.shape)[key].reshape(-1)
    counts = np.bincount(targets, minlength=line.size)
    order = np.argsort(targets, kind="stable")
    ranks = np.arange(targets.size) - np.repeat(np.cumsum(counts) - counts, counts)
    filler = line.size + part.size
    rows = np.full((line.size, 1 + counts.max(initial=0)), filler)
    own = np.arange(line.size)
    rows[:, 0] = own if include_self else np.where(counts > 0, filler, own)
    rows[targets[order], 1 + ranks] = line.size + order
    fill = _filler(reduce, line.dtype)
    everything = te.concat([te.reshape(line, (-1,)), te.reshape(part, (-1,)),
                            te.full((1,), fill, dtype=line.dtype, device=line.device)])  # fmt: skip
    taken = everything[rows]
    combine = {"sum": te.sum, "mean": te.sum, "prod": te.prod, "amax": te.max, "amin": te.min}[reduce]
    found = combine(taken, -1).cast(line.dtype)
    if reduce == "mean":
        total = np.maximum((rows != filler).sum(1), 1)
        divisor = wrap(total.astype(line.dtype), device=line.device)
        found = found / divisor if line.dtype.kind == "f" else te.floor_divide(found, divisor)
    return te.reshape(found, x.shape)


def _filler(reduce: str, kind: Any) -> Any:
    filler = _FILLERS[reduce]
    if kind.kind == "f":
        return float(filler)
    if kind.kind == "b":
        return reduce in ("prod", "amin")
    limits = np.iinfo(kind)
    return int(limits.min) if filler == -np.inf else int(limits.max) if filler == np.inf else int(filler)
