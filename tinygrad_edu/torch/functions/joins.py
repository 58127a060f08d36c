"""New tensors of the elements of others: joined, repeated, reversed, in triangles and on diagonals."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.torch.core.border import torch_function
from tinygrad_edu.torch.core.dtypes import result_of
from tinygrad_edu.torch.core.raising import check_tensor, face_function, several, tensor_function
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions.axes import axes_of, axis_of
from tinygrad_edu.torch.functions.shapes import expand, reshaped

__all__ = ["atleast_1d", "atleast_2d", "atleast_3d", "cartesian_prod", "cat", "column_stack", "combinations",
           "concat", "concatenate", "dstack", "flip", "fliplr", "flipud", "hstack", "meshgrid",
           "repeat_interleave", "roll", "rot90", "row_stack", "stack", "tile", "vstack"]  # fmt: skip

Inner = te.Tensor


def _tensors(name: str, tensors: Any) -> list[Inner]:
    """The tensors in a list. TypeError for what is none, RuntimeError for an empty list."""
    if isinstance(tensors, Inner) or not isinstance(tensors, (list, tuple)):
        raise wrong(TypeError, name, f"{name}(): argument 'tensors' must be tuple of Tensors, not "
                    f"{type(tensors).__name__}")  # fmt: skip
    if not tensors:
        raise wrong(RuntimeError, name, f"{name}(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if not isinstance(x, Inner):
            raise wrong(
                TypeError, name, f"expected Tensor as element {i} in argument 0, but got {type(x).__name__}"
            )
    return list(tensors)


def _of_one_dtype(tensors: list[Inner]) -> list[Inner]:
    kind = tensors[0].dtype
    if any(x.dtype != kind for x in tensors):
        kind = result_of(tuple(tensors))
        return [x if x.dtype == kind else x.cast(kind) for x in tensors]
    return tensors


def _plainly_alike(tensors: Any, dim: Any) -> bool:
    """Whether these are two tensors or more, of one dtype and number of dimensions, none of them (0,)."""
    if type(dim) is not int or type(tensors) not in (list, tuple) or len(tensors) < 2:
        return False
    first = tensors[0]
    if type(first) is not Inner:
        return False
    kind, ndim = first.storage.array.dtype, len(first.storage.array.shape)
    for x in tensors:
        if type(x) is not Inner or x.storage.array.dtype is not kind:
            return False
        shape = x.storage.array.shape
        if len(shape) != ndim or shape == (0,):
            return False
    return -ndim <= dim < ndim


@torch_function
def cat(tensors: Any, dim: int = 0) -> Any:
    """The tensors one after the other along `dim`; other lengths must agree; (0,) tensors are left out."""
    if _plainly_alike(tensors, dim):
        return te.concat(tensors, dim)
    if isinstance(tensors, (list, tuple)) and not tensors:
        raise wrong(ValueError, "cat", "torch.cat(): expected a non-empty list of Tensors")
    given = _of_one_dtype(_tensors("cat", tensors))
    if any(not x.ndim for x in given):
        raise wrong(
            RuntimeError, "cat", "zero-dimensional tensor (at position 0) cannot be concatenated", "use stack"
        )
    first = next((x for x in given if x.shape != (0,)), given[0])
    at = axis_of(first, dim)
    empty = (*first.shape[:at], 0, *first.shape[at + 1 :])
    kept = [te.reshape(x, empty) if x.shape == (0,) and 0 in empty else x for x in given]
    for x in kept:
        if x.ndim != first.ndim:
            raise wrong(RuntimeError, "cat", "Tensors must have same number of dimensions: got "
                        f"{first.ndim} and {x.ndim}")  # fmt: skip
        if any(n != m for a, (n, m) in enumerate(zip(x.shape, first.shape, strict=True)) if a != at):
            raise wrong(RuntimeError, "cat", "Sizes of tensors must match except in dimension "
                        f"{at}. Expected {list(first.shape)} but got {list(x.shape)}")  # fmt: skip
    return te.concat(kept, at) if len(kept) > 1 else te.functional.clone(first)


concat = concatenate = cat


def _stacked(given: list[Inner], dim: int) -> Inner:
    first = given[0]
    for i, x in enumerate(given):
        if x.shape != first.shape:
            raise wrong(RuntimeError, "stack", "stack expects each tensor to be equal size, but got "
                        f"{list(first.shape)} at entry 0 and {list(x.shape)} at entry {i}")  # fmt: skip
    if not -first.ndim - 1 <= dim <= first.ndim:
        raise wrong(IndexError, "stack", f"Dimension out of range (expected to be in range of "
                    f"[{-first.ndim - 1}, "
                    f"{first.ndim}], but got {dim})")  # fmt: skip
    return te.stack(given, dim)


@torch_function
def stack(tensors: Any, dim: int = 0) -> Any:
    """The tensors, all of one shape, side by side along a new dimension."""
    return _stacked(_of_one_dtype(_tensors("stack", tensors)), dim)


def _at_least(x: Inner, ndim: int) -> Inner:
    """x with dimensions of length 1, as NumPy adds them."""
    if x.ndim >= ndim:
        return x
    shape = x.shape
    if ndim == 3 and x.ndim in (1, 2):
        return te.reshape(x, (1, *shape, 1) if x.ndim == 1 else (*shape, 1))
    return te.reshape(x, (1,) * (ndim - x.ndim) + shape)


def _joined(name: str, ndim: int, axis: Callable[[Inner], int]) -> Callable[..., Any]:
    def function(tensors: Any) -> Any:
        given = [_at_least(x, ndim) for x in _of_one_dtype(_tensors(name, tensors))]
        return cat.face(given, axis(given[0]))  # type: ignore[attr-defined]

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"The tensors with {ndim} dimensions at least, one after the other."
    return torch_function(function)


hstack = _joined("hstack", 1, lambda x: 0 if x.ndim == 1 else 1)
vstack = row_stack = _joined("vstack", 2, lambda x: 0)
dstack = _joined("dstack", 3, lambda x: 2)


@torch_function
def column_stack(tensors: Any) -> Any:
    """The tensors side by side; vectors are columns."""
    given = _of_one_dtype(_tensors("column_stack", tensors))
    return cat.face([te.reshape(x, (x.size, 1)) if x.ndim <= 1 else x for x in given], 1)  # type: ignore[attr-defined]


def _atleast(ndim: int) -> Callable[..., Any]:
    @face_function
    def function(*tensors: Any) -> Any:
        if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)):
            return tuple(function(x) for x in tensors[0])
        if len(tensors) != 1:
            return tuple(function(x) for x in tensors)
        check_tensor(function.__name__, tensors[0])
        x = tensors[0]
        return x if x.ndim >= ndim else reshaped(x, _at_least(x.inner, ndim).shape)

    function.__name__ = function.__qualname__ = f"atleast_{ndim}d"
    function.__doc__ = f"With {ndim} dimensions at least, of length 1."
    return function


atleast_1d, atleast_2d, atleast_3d = map(_atleast, (1, 2, 3))


# -- repeated ------------------------------------------------------------------------------------------------


@tensor_function
def repeat(self: Any, *repeats: Any, **named: Any) -> Any:
    """Copies of all of it, along each dimension as many as a number says."""
    times = several("repeat", repeats, named, "repeats")
    if len(times) < self.ndim:
        raise wrong(RuntimeError, "repeat", "Number of dimensions of repeat dims can not be smaller than "
                    "number of "
                    "dimensions of tensor")  # fmt: skip
    if min(times, default=0) < 0:
        raise wrong(RuntimeError, "repeat", f"Trying to create tensor with negative dimension {min(times)}")
    return te.tile(self, times) if times else te.functional.clone(self)


@tensor_function
def tile(input: Any, *dims: Any, **named: Any) -> Any:
    """Copies of all of it, along the last dimensions as many as the numbers say."""
    times = several("tile", dims, named, "dims")
    if min(times, default=0) < 0:
        raise wrong(RuntimeError, "tile", f"Trying to create tensor with negative dimension {min(times)}")
    return te.tile(input, times) if times else te.functional.clone(input)


@tensor_function
def repeat_interleave(
    input: Any, repeats: Any = None, dim: int | None = None, *, output_size: int | None = None
) -> Any:
    """Each element as often as `repeats` says, a number or one for each index along `dim`."""
    if repeats is None:  # indices, each as often as its number says
        return wrap(np.repeat(np.arange(input.size), _counts(input)))
    x = te.reshape(input, (-1,)) if dim is None else input
    at = 0 if dim is None else axis_of(x, dim)
    if isinstance(repeats, Inner) and repeats.size == 1:
        repeats = int(repeats.item())
    if isinstance(repeats, int):
        if repeats < 0:
            raise wrong(RuntimeError, "repeat_interleave", "repeats has to be non-negative")
        return te.repeat(x, repeats, at)
    counts = _counts(repeats)
    if counts.size != x.shape[at]:
        raise wrong(RuntimeError, "repeat_interleave", "repeats must have the same size as input along "
                    "dim, but got "
                    f"repeats.size(0) = {counts.size} and input.size({at}) = {x.shape[at]}")  # fmt: skip
    places: Any = np.repeat(np.arange(x.shape[at]), counts)
    return te.index_select(x, places, at)


_interleaved: Any = repeat_interleave.method  # type: ignore[attr-defined]


def _repeat_interleave(self: Any, repeats: Any, *args: Any, **named: Any) -> Any:
    """The method, which is not without `repeats`, as the function is."""
    return _interleaved(self, repeats, *args, **named)


repeat_interleave.method = _repeat_interleave  # type: ignore[attr-defined]


def _counts(repeats: Inner) -> np.ndarray[Any, Any]:
    counts = repeats.numpy()
    if counts.ndim != 1 or counts.dtype.kind != "i":
        raise wrong(RuntimeError, "repeat_interleave", "repeats must be a vector of int32 or int64")
    if counts.min(initial=0) < 0:
        raise wrong(RuntimeError, "repeat_interleave", "repeats can not be negative")
    return counts


# -- in another order ----------------------------------------------------------------------------------------


@tensor_function
def flip(input: Any, *dims: Any, **named: Any) -> Any:
    """With the order of elements reversed along the dimensions."""
    given = several("flip", dims, named, "dims")
    axes = axes_of(input, given) if given else ()
    return te.flip(input, axes) if axes else te.functional.clone(input)


def _flipped(name: str, at: int, least: int) -> Callable[..., Any]:
    def function(input: Any) -> Any:
        if input.ndim < least:
            raise wrong(RuntimeError, name, f"Input must be >= {least}-d.")
        return te.flip(input, at)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"With the order of elements reversed along dimension {at}."
    return tensor_function(function)


fliplr, flipud = _flipped("fliplr", 1, 2), _flipped("flipud", 0, 1)


@tensor_function
def roll(input: Any, shifts: Any, dims: Any = None) -> Any:
    """Elements moved along the dimensions, those beyond the end to the start; without `dims`, in one row."""
    steps = several("roll", (shifts,))
    axes = () if dims is None else several("roll", (dims,))
    if not axes:
        if len(steps) != 1:
            raise wrong(
                RuntimeError, "roll", f"shifts and dimensions must align. shifts: {len(steps)}, dims:0"
            )
        return te.roll(input, steps[0]) if input.ndim else te.functional.clone(input)
    if len(axes) != len(steps):
        raise wrong(
            RuntimeError, "roll", f"shifts and dimensions must align. shifts: {len(steps)}, dims:{len(axes)}"
        )
    found = [axis_of(input, a) for a in axes]
    return te.roll(input, steps, found) if input.size and input.ndim else te.functional.clone(input)


@tensor_function
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    """Turned by k times 90 degrees in the plane of two dimensions, from the first to the second."""
    if len(dims) != 2:
        raise wrong(RuntimeError, "rot90", f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if input.ndim < 2:
        raise wrong(RuntimeError, "rot90", f"expected total dims >= 2, but got total dims = {input.ndim}")
    first, second = (axis_of(input, d) for d in dims)
    if first == second:
        raise wrong(RuntimeError, "rot90", "expected rotation dims to be different")
    if k % 4 == 2:
        return te.flip(input, (first, second))
    turned = te.transpose(input, first, second) if k % 4 else input
    return te.functional.clone(input) if not k % 4 else te.flip(turned, first if k % 4 == 1 else second)


# -- grids ---------------------------------------------------------------------------------------------------


@face_function
def meshgrid(*tensors: Any, indexing: str | None = None) -> tuple[Tensor, ...]:
    """The coordinates of all points of a grid. `indexing` is "ij" unless it is "xy": rows go down."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    if indexing not in (None, "ij", "xy"):
        raise wrong(RuntimeError, "meshgrid", "torch.meshgrid: indexing must be one of \"xy\" or \"ij\", "
                    "but received: "
                    f"{indexing}")  # fmt: skip
    if not given:
        raise wrong(RuntimeError, "meshgrid", "meshgrid expects a non-empty TensorList")
    if any(x.ndim > 1 for x in given):
        raise wrong(RuntimeError, "meshgrid", "torch.meshgrid: Expected 0D or 1D tensor in the tensor list")
    if any(x.dtype != given[0].dtype for x in given):
        raise wrong(RuntimeError, "meshgrid", "torch.meshgrid expects all tensors to have the same dtype")
    if indexing is None and len(given) > 1:
        warnings.warn("torch.meshgrid: in an upcoming release, it will be required to pass the indexing "
            "argument.",
                      stacklevel=3)  # fmt: skip
    order = list(range(len(given)))
    if indexing == "xy" and len(given) > 1:
        order[:2] = [1, 0]
    shape = [given[a].numel() for a in order]
    lines = [[n if order[a] == i else 1 for a, n in enumerate(shape)] for i in range(len(given))]
    return tuple(expand(reshaped(x, tuple(line)), *shape) for x, line in zip(given, lines, strict=True))


@torch_function
def cartesian_prod(*tensors: Any) -> Any:
    """All combinations of one element of each vector, as rows."""
    if any(x.ndim != 1 for x in tensors):
        raise wrong(RuntimeError, "cartesian_prod", "Expect a 1D vector")
    if len(tensors) == 1:
        return te.functional.clone(tensors[0])
    grid = te.meshgrid(*tensors, indexing="ij")
    return te.stack([te.reshape(x, (-1,)) for x in grid], 1)


@tensor_function
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """All sets of r elements of a vector, as rows, each in the vector's order."""
    if input.ndim != 1:
        raise wrong(RuntimeError, "combinations", f"Expect a 1D vector, but got shape {list(input.shape)}")
    if r < 0:
        raise wrong(RuntimeError, "combinations", f"Expect a non-negative number, but got {r}")
    if r == 0:
        return te.zeros((0,), dtype=input.dtype, device=input.device)
    choose: Any = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = np.array(list(choose(range(input.shape[0]), r)), np.int64).reshape(-1, r)
    return input[rows]
