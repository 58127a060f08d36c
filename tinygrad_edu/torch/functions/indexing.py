"""Elements at indices and under masks: gather, index_select, take; and tensors with others written there."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.indexing import gather_part
from tinygrad_edu.ops import index as _i
from tinygrad_edu.shapes import broadcast_shapes
from tinygrad_edu.torch.core import keys, views
from tinygrad_edu.torch.core.dtypes import dtype_of
from tinygrad_edu.torch.core.raising import check_tensor, tensor_function
from tinygrad_edu.torch.functions.axes import axis_of, lined, numbers

__all__ = ["gather", "index_add", "index_copy", "index_fill", "index_put", "index_select", "masked_scatter",
           "masked_select", "put", "select_scatter", "slice_scatter", "take", "take_along_dim"]  # fmt: skip

Inner = te.Tensor
_ALL = slice(None)


def check_index(
    name: str, index: Any, kinds: tuple[str, ...] = ("int32", "int64"), error: type[Exception] = RuntimeError
) -> None:
    """TypeError for an index that is no tensor, `error` for one of other numbers."""
    check_tensor(name, index, "index")
    if index.dtype.name not in kinds:
        raise wrong(error, name, f"{name}(): Expected dtype {'/'.join(kinds)} for index",
                    "convert it with .long()")  # fmt: skip


def check_within(name: str, index: Inner, size: int, kind: type[Exception] = RuntimeError) -> None:
    """An error if an index is not one of an axis of a size; on the cpu only, as devices check their own."""
    if index.device != "cpu":
        return
    seen = numbers(index, name)
    if seen.size and not 0 <= seen.min() <= seen.max() < size:
        bad = seen.min() if seen.min() < 0 else seen.max()
        raise wrong(kind, name, f"index {bad} is out of bounds for dimension with size {size}")


def covered(name: str, index: Inner, shape: tuple[int, ...], at: int) -> None:
    """RuntimeError unless an index has as many dimensions as a shape, and none but `at` is longer."""
    if index.size and index.ndim != len(shape):
        raise wrong(
            RuntimeError,
            name,
            f"{name}(): Index tensor must have the same number of dimensions as self tensor",
        )
    if index.size and any(n > m for a, (n, m) in enumerate(zip(index.shape, shape, strict=True)) if a != at):
        raise wrong(RuntimeError, name, f"{name}(): Size does not match, expected index "
                    f"{list(index.shape)} to be no "
                    f"larger than self {list(shape)} apart from dimension {at}")  # fmt: skip


@tensor_function
def gather(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Any:
    """The elements of `input` at the indices along `dim`; the result has the shape of `index`."""
    check_index("gather", index)
    x, places, at = lined(input), lined(index), axis_of(input, dim)
    if not index.size:
        return te.reshape(te.reshape(input, (-1,))[:0], index.shape)
    covered("gather", places, x.shape, at)
    check_within("gather", places, x.shape[at])
    return te.reshape(gather_part(x, places, at), index.shape)


@tensor_function
def index_select(input: Any, dim: int, index: Any) -> Any:
    """The slices along `dim` at a vector of indices."""
    check_index("index_select", index)
    at = axis_of(input, dim)
    if index.ndim > 1:
        raise wrong(IndexError, "index_select", "index_select(): Index is supposed to be a vector")
    x = lined(input)
    check_within("index_select", index, x.shape[at], IndexError)
    found = te.index_select(x, lined(index), at)
    return found if input.ndim else te.reshape(found, ())


@tensor_function
def take(input: Any, index: Any) -> Any:
    """The elements of `input`, as one row, at the indices; the result has the shape of `index`."""
    check_index("take", index, ("int64",))
    places = _flat_places("take", input, index)
    return te.reshape(te.reshape(input, (-1,))[places.reshape(-1)], index.shape)


def _flat_places(name: str, x: Inner, index: Inner) -> np.ndarray[Any, Any]:
    seen = numbers(index, name)
    if seen.size and not -x.size <= seen.min() <= seen.max() < x.size:
        raise wrong(IndexError, name, "out of range: tried to access index "
                    f"{seen.min() if seen.min() < -x.size else seen.max()} on a tensor of {x.size} "
                    f"elements.")  # fmt: skip
    return np.asarray(seen)


@tensor_function
def take_along_dim(input: Any, indices: Any, dim: int | None = None) -> Any:
    """The elements of `input` at the indices along `dim`; the other dimensions broadcast."""
    check_index("take_along_dim", indices, ("int64",))
    if dim is None:
        return te.take_along_axis(te.reshape(input, (-1,)), te.reshape(indices, (-1,)), 0)
    at = axis_of(input, dim)
    if input.ndim != indices.ndim:
        raise wrong(RuntimeError, "take_along_dim", "torch.take_along_dim(): input and indices should have "
                    "the same "
                    f"number of dimensions, but got {input.ndim} dimensions for input, and {indices.ndim} "
                    f"dimensions "
                    "for indices")  # fmt: skip
    if not input.ndim:
        return te.functional.clone(input)
    rest = broadcast_shapes(*((*s[:at], 1, *s[at + 1 :]) for s in (input.shape, indices.shape)))
    x = te.expand(input, (*rest[:at], input.shape[at], *rest[at + 1 :]))
    places = te.expand(indices, (*rest[:at], indices.shape[at], *rest[at + 1 :]))
    check_within("take_along_dim", places, x.shape[at])
    return te.take_along_axis(x, places, at)


@tensor_function
def masked_select(input: Any, mask: Any) -> Any:
    """The elements of `input` where a mask is true, as a vector; both broadcast."""
    check_tensor("masked_select", mask, "mask")
    if mask.dtype != np.bool_:
        raise wrong(RuntimeError, "masked_select", f"masked_select: expected BoolTensor for mask, got "
                    f"{dtype_of(mask.dtype).name}")  # fmt: skip
    return te.masked_select(input, mask)


# -- written at indices --------------------------------------------------------------------------------------


def vector_of(name: str, x: Inner, dim: int, index: Inner) -> tuple[Inner, Inner, int]:
    """x with one dimension at least, a vector of indices along `dim`, and `dim` from the front."""
    check_index(name, index)
    at = axis_of(x, dim)
    if index.ndim > 1:
        kind = RuntimeError if name == "index_fill" else IndexError
        raise wrong(kind, name, f"{name}(): Index is supposed to be a vector")
    line, places = lined(x), lined(index)
    seen = numbers(places, name)
    size = line.shape[at]
    if seen.size and not -size <= seen.min() <= seen.max() < size:
        kind = RuntimeError if name == "index_add" and line.ndim > 1 else IndexError
        raise wrong(kind, name, f"index {seen.min() if seen.min() < -size else seen.max()} is out of "
                    f"bounds for "
                    f"dimension {at} with size {size}")  # fmt: skip
    return line, places, at


def source_of(name: str, line: Inner, places: Inner, at: int, source: Any) -> Inner:
    """`source`, which has x's shape but for as many slices along `at` as there are indices."""
    check_tensor(name, source, "source")
    if source.dtype != line.dtype:
        raise wrong(RuntimeError, name, f"{name}(): self and source expected to have the same dtype, but "
                    f"got (self) "
                    f"{dtype_of(line.dtype).name} and (source) {dtype_of(source.dtype).name}")  # fmt: skip
    given = lined(source)
    wanted = (*line.shape[:at], places.size, *line.shape[at + 1 :])
    if given.shape != wanted and source.size == 1 and not source.ndim:
        given = te.reshape(source, (1,))
    if given.shape != wanted:
        kind = RuntimeError if name == "index_add" else IndexError
        raise wrong(kind, name, f"{name}(): Source/destination tensor must have same slice shapes. "
                    f"Destination slices "
                    f"{list(wanted)}, source {list(given.shape)}")  # fmt: skip
    return given


def _at(at: int, places: Inner, name: str) -> tuple[Any, ...]:
    return (*(_ALL,) * at, np.array(numbers(places, name)))


@tensor_function
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: Any = 1) -> Any:
    """`input` with alpha * source added to its slices at the indices; a repeated index gets all."""
    line, places, at = vector_of("index_add", input, dim, index)
    check_within("index_add", places, line.shape[at], RuntimeError if line.ndim > 1 else IndexError)
    given = source_of("index_add", line, places, at, source)
    spread = te.expand(te.reshape(places.cast("int64"), (-1, *(1,) * (line.ndim - at - 1))), given.shape)
    added = _i.scatter_add(given, spread, shape=line.shape, axis=at)
    return te.reshape(line + (added if alpha == 1 else (added * alpha).cast(line.dtype)), input.shape)


@tensor_function
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """`input` with the slices of `source` at the indices."""
    line, places, at = vector_of("index_copy", input, dim, index)
    check_index("index_copy", index, ("int64",))
    check_within("index_copy", places, line.shape[at], IndexError)
    given = source_of("index_copy", line, places, at, source)
    return te.reshape(views.put_at(line, _at(at, places, "index_copy"), given), input.shape)


@tensor_function
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """`input` with one number in its slices at the indices."""
    check_index("index_fill", index, ("int64",), IndexError)
    line, places, at = vector_of("index_fill", input, dim, index)
    if isinstance(value, Inner) and value.ndim:
        raise wrong(RuntimeError, "index_fill", "index_fill_ only supports a 0-dimensional value tensor, "
                    "but got tensor "
                    f"with {value.ndim} dimension(s).")  # fmt: skip
    key = _at(at, places, "index_fill")
    number = (
        value
        if isinstance(value, Inner)
        else te.full((), keys.fitting(value, line, (), True), dtype=line.dtype)
    )
    spread = te.expand(number.cast(line.dtype).to(line.device), keys.shape_at(line.shape, key))
    return te.reshape(views.put_at(line, key, spread), input.shape)


def _index_key(indices: Any) -> tuple[Any, ...]:
    if not isinstance(indices, (tuple, list)):
        raise wrong(
            TypeError,
            "index_put",
            f"argument 'indices' must be tuple of Tensors, not {type(indices).__name__}",
        )
    if None in [i if i is None else 0 for i in indices]:
        raise wrong(TypeError, "index_put", "expected Tensor as element of argument 0, but got NoneType")
    return tuple(indices)


@tensor_function
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """`input` with `values` at indices, a tensor of them for each dimension; or with `values` added there."""
    _, arrays = keys.taken_apart(_index_key(indices), input.ndim)
    if arrays is None:
        raise wrong(IndexError, "index_put", "at least one index must be a tensor")
    keys._check_bounds(input.shape, arrays)
    check_tensor("index_put", values, "values")
    if values.dtype != input.dtype:
        raise wrong(RuntimeError, "index_put", "Index put requires the source and destination dtypes "
                    "match, got "
                    f"{dtype_of(input.dtype).name} for the destination and {dtype_of(values.dtype).name} "
                    f"for the "
                    "source.")  # fmt: skip
    shape = keys.shape_at(input.shape, arrays)
    given = te.expand(keys.fitting(values, input, shape, True), shape)
    if not accumulate:
        return views.put_at(input, arrays, given)
    return input + _i.index_add(given, shape=input.shape, key=arrays)


@tensor_function
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """`input` with the elements of `source`, in order, where a mask is true."""
    check_tensor("masked_scatter", mask, "mask")
    check_tensor("masked_scatter", source, "source")
    if mask.dtype != np.bool_ or source.dtype != input.dtype:
        raise wrong(RuntimeError, "masked_scatter", "masked_scatter: expected a BoolTensor, and self and "
                    "source of one "
                    f"dtype, got {dtype_of(mask.dtype).name} and {dtype_of(input.dtype).name}, "
                    f"{dtype_of(source.dtype).name}")  # fmt: skip
    shape = broadcast_shapes(input.shape, mask.shape)
    chosen = np.broadcast_to(numbers(mask, "masked_scatter"), shape)
    count = int(chosen.sum())
    if source.size < count:
        raise wrong(RuntimeError, "masked_scatter", "masked_scatter: expected self and source to have at "
                    "least as many "
                    f"elements in source as there are ones in mask, got {source.size} and "
                    f"{count}")  # fmt: skip
    return views.put_at(te.expand(input, shape), chosen.copy(), te.reshape(source, (-1,))[:count])


@tensor_function
def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """`input` with the elements of `source` at the indices of it as one row."""
    check_index("put", index, ("int64",))
    check_tensor("put", source, "source")
    if source.dtype != input.dtype:
        raise wrong(RuntimeError, "put", "put_(): self and source expected to have the same dtype, but got "
                    "self.dtype = "
                    f"{dtype_of(input.dtype).name} and source.dtype = "
                    f"{dtype_of(source.dtype).name}")  # fmt: skip
    if source.size != index.size:
        raise wrong(IndexError, "put", "put_(): Expected source and index to have the same number of "
                    "elements, but "
                    f"got source.numel() = {source.size}, index.numel() = {index.size}")  # fmt: skip
    places = _flat_places("put", input, index).reshape(-1)
    flat, given = te.reshape(input, (-1,)), te.reshape(source, (-1,))
    if accumulate:
        made = flat + _i.index_add(given, shape=flat.shape, key=(places,))
    else:
        made = views.put_at(flat, places, given)
    return te.reshape(made, input.shape)


@tensor_function
def select_scatter(input: Any, src: Any, dim: int, index: int) -> Any:
    """`input` with `src` at one index along `dim`."""
    at = axis_of(input, dim)
    if not -input.shape[at] <= index < input.shape[at]:
        raise wrong(IndexError, "select_scatter", f"select(): index {index} out of range for tensor of size "
                    f"{list(input.shape)} at dimension {at}")  # fmt: skip
    return _scattered("select_scatter", input, (*(_ALL,) * at, index), src)


@tensor_function
def slice_scatter(
    input: Any, src: Any, dim: int = 0, start: Any = None, end: Any = None, step: int = 1
) -> Any:
    """`input` with `src` in a slice along `dim`."""
    if step < 1:
        raise wrong(RuntimeError, "slice_scatter", "slice step must be positive")
    return _scattered("slice_scatter", input, (*(_ALL,) * axis_of(input, dim), slice(start, end, step)), src)


def _scattered(name: str, x: Inner, key: tuple[Any, ...], src: Inner) -> Inner:
    shape = keys.shape_at(x.shape, key)
    if src.shape != shape:
        raise wrong(RuntimeError, name, f"expected src to have a size equal to the slice of self. src size = "
                    f"{list(src.shape)}, slice size = {list(shape)}")  # fmt: skip
    return views.put_at(x, key, src)
