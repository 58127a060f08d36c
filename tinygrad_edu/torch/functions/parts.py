"""Parts of a tensor, as views of its memory: narrow, select, chunk, split, unbind, diagonal, unfold."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core import views
from tinygrad_edu.torch.core.raising import check_tensor, face_function, several
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions.axes import axis_of
from tinygrad_edu.torch.functions.shapes import put_places

__all__ = ["as_strided", "chunk", "diagonal", "dsplit", "hsplit", "narrow", "narrow_copy", "select", "split",
           "split_with_sizes", "tensor_split", "unbind", "vsplit"]  # fmt: skip

Inner = te.Tensor
_ALL = slice(None)


def part(x: Tensor, key: Any) -> Tensor:
    """The view x[key] of integers and slices."""
    return views.view(x, lambda i: te.functional.getitem(i, key), lambda i, one: views.put_at(i, key, one))


def _one_of_several(x: Tensor, key: Any) -> Tensor:
    """A view x[key] that was made with others by one call: it cannot be changed in place within the graph."""

    def put(inner: Inner, one: Inner) -> Inner:
        raise wrong(RuntimeError, None, "this view is the output of a function that returns multiple "
                    "views. Such "
                    "functions do not allow the output views to be modified inplace.",
                    "You should replace the inplace operation by an out-of-place one.")  # fmt: skip

    return views.view(x, lambda i: te.functional.getitem(i, key), put)


def _has_axes(name: str, x: Any) -> None:
    check_tensor(name, x)
    if not x.ndim:
        raise wrong(RuntimeError, name, f"{name}(): the input must have at least 1 dimension")


def _along(x: Tensor, at: int, cut: Any) -> Tensor:
    return part(x, (*(_ALL,) * at, cut))


def _index(name: str, n: Any) -> int:
    (found,) = several(name, (n,))
    return found


@face_function
def narrow(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`length` elements along `dim`, from `start` on."""
    check_tensor("narrow", input)
    if not input.ndim:
        raise wrong(RuntimeError, "narrow", "narrow() cannot be applied to a 0-dim tensor.")
    at = axis_of(input.inner, dim)
    n, first, count = input.inner.shape[at], _index("narrow", start), _index("narrow", length)
    if count < 0:
        raise wrong(RuntimeError, "narrow", "narrow(): length must be non-negative.")
    if not -n <= first <= n:
        raise wrong(
            IndexError,
            "narrow",
            f"start out of range (expected to be in range of [{-n}, {n}], but got {first})",
        )
    first = first + n if first < 0 else first
    if first + count > n:
        raise wrong(
            RuntimeError, "narrow", f"start ({first}) + length ({count}) exceeds dimension size ({n})."
        )
    return _along(input, at, slice(first, first + count))


@face_function
def narrow_copy(input: Tensor, dim: int, start: Any, length: int) -> Tensor:
    """`narrow`, with memory of its own."""
    return narrow(input, dim, start, length).clone()


@face_function
def select(input: Tensor, dim: int, index: int) -> Tensor:
    """The slice at one index along `dim`, without that dimension."""
    check_tensor("select", input)
    if not input.ndim:
        raise wrong(IndexError, "select", "select() cannot be applied to a 0-dim tensor.")
    at, i = axis_of(input.inner, dim), _index("select", index)
    n = input.inner.shape[at]
    if not -n <= i < n:
        raise wrong(IndexError, "select", f"select(): index {i} out of range for tensor of size "
                    f"{list(input.inner.shape)} at dimension {at}")  # fmt: skip
    return _along(input, at, i)


def _cut(x: Tensor, sizes: list[int], at: int) -> tuple[Tensor, ...]:
    ends = [int(n) for n in np.cumsum([0, *sizes])]
    return tuple(_one_of_several(x, (*(_ALL,) * at, slice(a, b))) for a, b in itertools.pairwise(ends))


@face_function
def split(tensor: Tensor, split_size_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of one length along `dim`, the last may be shorter; or of the lengths in a list."""
    if not hasattr(tensor, "split"):
        raise AttributeError(f"{type(tensor).__name__!r} object has no attribute 'split'")
    _has_axes("split", tensor)
    at, given = axis_of(tensor.inner, dim), split_size_or_sections
    n = tensor.inner.shape[at]
    if isinstance(given, (list, tuple)):
        sizes = list(several("split", (given,)))
        if sum(sizes) != n or min(sizes, default=0) < 0:
            raise wrong(RuntimeError, "split", f"split_with_sizes expects split_sizes to sum exactly to "
                        f"{n} (input "
                        f"tensor's size at dimension {dim}), but got split_sizes={sizes}")  # fmt: skip
        return _cut(tensor, sizes, at)
    size = _index("split", given)
    if size < 0 or (size == 0 and n):
        raise wrong(RuntimeError, "split", f"split expects split_size be positive, but got split_size={size}")
    return _cut(tensor, [min(size, n - i) for i in range(0, n, size)] if n else [0], at)


def split_with_sizes(input: Tensor, split_sizes: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces of the lengths in a list."""
    return split(input, list(split_sizes), dim)


@face_function
def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` pieces along `dim`, of one length; the last may be shorter."""
    _has_axes("chunk", input)
    count, at = _index("chunk", chunks), axis_of(input.inner, dim)
    if count < 1:
        raise wrong(RuntimeError, "chunk", f"chunk expects `chunks` to be greater than 0, got: {count}")
    n = input.inner.shape[at]
    if not n:
        return _cut(input, [0] * count, at)
    return split(input, -(-n // count), at)


@face_function
def tensor_split(input: Tensor, indices_or_sections: Any, dim: int = 0) -> tuple[Tensor, ...]:
    """Pieces along `dim`: as many as a number says, of nearly one length, or those between indices."""
    _has_axes("tensor_split", input)
    at, given = axis_of(input.inner, dim), indices_or_sections
    n = input.inner.shape[at]
    given = given.tolist() if isinstance(given, Tensor) else given
    if isinstance(given, (list, tuple)):
        ends = [0, *several("tensor_split", (given,))]
        pairs = zip(ends, [*ends[1:], None], strict=True)
        return tuple(_one_of_several(input, (*(_ALL,) * at, slice(a, b))) for a, b in pairs)
    count = _index("tensor_split", given)
    if count < 1:
        raise wrong(RuntimeError, "tensor_split", f"number of sections must be larger than 0, got {count}")
    return _cut(input, [n // count + (i < n % count) for i in range(count)], at)


def _cut_method(name: str, dim: int, least: int) -> Callable[..., tuple[Tensor, ...]]:
    @face_function
    def function(input: Tensor, indices_or_sections: Any) -> tuple[Tensor, ...]:
        check_tensor(name, input)
        if input.ndim < least:
            raise wrong(RuntimeError, name, f"torch.{name} requires a tensor with at least {least} "
                        f"dimension, but got a "
                        f"tensor with {input.ndim} dimensions!")  # fmt: skip
        at = 0 if name == "hsplit" and input.ndim == 1 else dim
        n = input.inner.shape[at]
        if isinstance(indices_or_sections, int) and (indices_or_sections < 1 or n % indices_or_sections):
            raise wrong(RuntimeError, name, f"torch.{name} attempted to split along dimension {at}, but "
                        f"the size of the "
                        f"dimension {n} is not divisible by the split_size "
                        f"{indices_or_sections}!")  # fmt: skip
        return tensor_split(input, indices_or_sections, at)

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"`tensor_split` along dimension {dim}, in pieces of exactly one length."
    return function


hsplit, vsplit, dsplit = _cut_method("hsplit", 1, 1), _cut_method("vsplit", 0, 2), _cut_method("dsplit", 2, 3)


@face_function
def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The slices along `dim`, each without that dimension."""
    check_tensor("unbind", input)
    if not input.ndim:
        raise wrong(IndexError, "unbind", "Dimension specified as 0 but tensor has no dimensions")
    at = axis_of(input.inner, dim)
    return tuple(_one_of_several(input, (*(_ALL,) * at, i)) for i in range(input.inner.shape[at]))


@face_function
def diagonal(input: Tensor, offset: int = 0, dim1: int = 0, dim2: int = 1) -> Tensor:
    """The diagonals of the matrices in two dimensions, as the last dimension."""
    check_tensor("diagonal", input)
    first, second = (axis_of(input.inner, d) for d in (dim1, dim2))
    if first == second:
        raise wrong(RuntimeError, "diagonal", f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    shift = _index("diagonal", offset)

    def again(i: Inner) -> Inner:
        return te.diagonal(te.moveaxis(i, (first, second), (-2, -1)), shift)

    return views.view(input, again, put_places(again), always=True)


@face_function
def unfold(self: Tensor, dimension: int, size: int, step: int) -> Tensor:
    """All windows along a dimension, `step` apart; their elements are the last dimension."""
    check_tensor("unfold", self)
    at, length, apart = axis_of(self.inner, dimension), _index("unfold", size), _index("unfold", step)
    shape = self.inner.shape
    n = shape[at] if shape else 1
    if not 0 <= length <= n:
        raise wrong(
            RuntimeError, "unfold", f"maximum size for tensor at dimension {at} is {n} but size is {length}"
        )
    if apart < 1:
        raise wrong(RuntimeError, "unfold", f"step is {apart} but must be > 0")

    def again(i: Inner) -> Inner:
        if not i.shape:
            return te.reshape(i, (1,))[:length]
        if not length:
            empty = te.moveaxis(i, at, -1)[..., :0]
            return te.expand(te.expand_dims(empty, at), (*shape[:at], n // apart + 1, *shape[at + 1 :], 0))
        windows = te.functional.sliding_windows(te.moveaxis(i, at, -1), (length,), stride=apart)
        return te.moveaxis(windows, -2, at)

    return views.view(self, again, put_places(again), always=True)


@face_function
def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """The elements at given distances in the memory of `input`, whose elements are taken to lie in order."""
    shape, steps = several("as_strided", (size,)), several("as_strided", (stride,))
    if len(shape) != len(steps):
        raise wrong(RuntimeError, "as_strided", "mismatch in length of strides and shape")
    places = np.full(shape, storage_offset or 0)
    for a, step in enumerate(steps):
        places += (np.arange(shape[a]) * step).reshape(-1, *(1,) * (len(shape) - a - 1))
    if places.size and places.max() >= input.numel():
        raise wrong(
            RuntimeError, "as_strided", "setStorage: sizes and strides require more elements than there are"
        )

    def again(i: Inner) -> Inner:
        return te.reshape(i, (-1,))[places]

    return views.view(input, again, put_places(again), always=True)
