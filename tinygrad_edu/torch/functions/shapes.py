"""Other shapes of the same memory, view, reshape, transpose: what is written into one is seen in all."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.shapes import broadcast_shapes as common_shape
from tinygrad_edu.torch.core import dtypes, views
from tinygrad_edu.torch.core.border import faced
from tinygrad_edu.torch.core.raising import check_tensor, face_function, several
from tinygrad_edu.torch.core.size import Size
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.functions.axes import axes_of, axis_of

__all__ = ["adjoint", "broadcast_shapes", "broadcast_tensors", "broadcast_to", "clone", "flatten",
           "moveaxis", "movedim", "permute", "ravel", "reshape", "squeeze", "swapaxes", "swapdims", "t",
           "transpose", "unflatten", "unsqueeze"]  # fmt: skip

Inner = te.Tensor


def reshaped(x: Tensor, shape: tuple[int, ...]) -> Tensor:
    """The view of another shape; a copy where the order in memory does not allow one."""
    return views.view(x, lambda i: te.reshape(i, shape), lambda i, part: te.reshape(part, i.shape))


def permuted(x: Tensor, order: tuple[int, ...]) -> Tensor:
    """The view whose axis i is axis order[i] of x."""
    back = tuple(sorted(range(len(order)), key=order.__getitem__))
    return views.view(x, lambda i: te.permute_dims(i, order), lambda i, part: te.permute_dims(part, back))


def put_places(again: Callable[[Inner], Inner]) -> Callable[[Inner, Inner], Inner]:
    """How the elements of the view `again` are written into what it is a view of."""

    def put(inner: Inner, part: Inner) -> Inner:
        count = inner.size
        places = again(te.reshape(te.arange(count), inner.shape)).numpy()
        if np.unique(places).size != places.size:
            raise wrong(RuntimeError, None, "unsupported operation: more than one element of the "
                        "written-to tensor "
                        "refers to a single memory location. Please clone() the tensor before performing the "
                        "operation.")  # fmt: skip
        return views.put_at(inner, np.unravel_index(places, inner.shape), part)

    return put


def _sized(name: str, shape: tuple[int, ...], count: int) -> tuple[int, ...]:
    """A shape with its -1 replaced. RuntimeError if it has another number of elements."""
    known = math.prod(n for n in shape if n != -1)
    if shape.count(-1) > 1:
        raise wrong(RuntimeError, name, "only one dimension can be inferred")
    if any(n < -1 for n in shape):
        raise wrong(RuntimeError, name, f"invalid shape dimension {min(shape)}")
    if -1 in shape:
        if not known:
            raise wrong(RuntimeError, name, f"cannot reshape tensor of 0 elements into shape {list(shape)} "
                        f"because "
                        "the unspecified dimension size -1 can be any value and is ambiguous")  # fmt: skip
        shape = tuple(count // known if n == -1 else n for n in shape)
    if math.prod(shape) != count:
        raise wrong(RuntimeError, name, f"shape '{list(shape)}' is invalid for input of size {count}")
    return shape


@face_function
def reshape(input: Tensor, *sizes: Any, **named: Any) -> Tensor:
    """The same elements in another shape; one length may be -1. A view where memory allows one."""
    check_tensor("reshape", input)
    return reshaped(input, _sized("reshape", several("reshape", sizes, named, "shape"), input.numel()))


@face_function
def view(self: Tensor, *shape: Any, **named: Any) -> Tensor:
    """The same memory in another shape, or with a dtype of the same size.

    Raises RuntimeError if the order in memory does not allow it: after transpose(), say contiguous() first.
    """
    if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        return _bits(self, shape[0])
    if not shape and not named:
        raise wrong(TypeError, "view", "view() takes a shape or a dtype")
    size = _sized("view", several("view", shape, named, "size"), self.numel())
    made = reshaped(self, size)
    if self.numel() and made._view is None:
        if self._view is not None:
            raise wrong(RuntimeError, "view", "view size is not compatible with input tensor's size and "
                        "stride (at "
                        "least one dimension spans across two contiguous subspaces). Use .reshape(...) "
                        "instead.")  # fmt: skip
        _straighten(self)
        made = reshaped(self, size)
    return made


def _straighten(x: Tensor) -> None:
    """Put the elements of a result of the library's in order, so that views of it share its memory."""
    x._inner = views.in_rows(x.inner)
    x.version += 1  # views of it read it again


def _bits(x: Tensor, kind: dtypes.dtype) -> Tensor:
    """The memory of x read as another dtype of the same size, outside the graph."""
    found = dtypes.numpy_of(kind)
    if found == x.inner.dtype:
        return views.view(x, lambda i: te.reshape(i, i.shape), lambda i, part: part)
    if found.itemsize != x.inner.dtype.itemsize or x.device.type != "cpu":
        raise wrong(
            RuntimeError, "view", f"view of a {x.dtype} tensor as {kind}: both must have one size here"
        )
    return faced(wrap(x.inner.storage.array.view(found)))


@face_function
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same memory in the shape of `other`."""
    return view(self, *other.shape)


@face_function
def reshape_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of `other`."""
    return reshape(self, *other.shape)


@face_function
def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from start_dim to end_dim, with it, as one."""
    check_tensor("flatten", input)
    first, last = axis_of(input.inner, start_dim), axis_of(input.inner, end_dim)
    if first > last:
        raise wrong(
            RuntimeError, "flatten", "flatten() has invalid args: start_dim cannot come after end_dim"
        )
    shape = input.inner.shape
    if first == last and shape:
        return input
    return reshaped(input, (*shape[:first], math.prod(shape[first : last + 1]), *shape[last + 1 :]))


@face_function
def unflatten(input: Tensor, dim: int, sizes: Any) -> Tensor:
    """One dimension as several, of the lengths `sizes`; one may be -1."""
    at, shape = axis_of(input.inner, dim), input.inner.shape
    found = several("unflatten", (sizes,))
    if not found:
        raise wrong(RuntimeError, "unflatten", "unflatten: sizes must be non-empty")
    return reshaped(input, (*shape[:at], *_sized("unflatten", found, shape[at]), *shape[at + 1 :]))


@face_function
def ravel(input: Tensor) -> Tensor:
    """All dimensions as one."""
    check_tensor("ravel", input)
    return reshape(input, -1) if input.ndim != 1 or not input.is_contiguous() else input


# -- axes of length 1 ----------------------------------------------------------------------------------------


@face_function
def squeeze(input: Tensor, dim: Any = None) -> Tensor:
    """Without the dimensions of length 1, or without those named; a named one that is longer stays."""
    check_tensor("squeeze", input)
    shape = input.inner.shape
    named = range(len(shape)) if dim is None or not shape else _named(input, dim)
    if dim is not None and not shape:
        _named(input, dim)
    return reshaped(input, tuple(n for a, n in enumerate(shape) if n != 1 or a not in named))


def _named(x: Tensor, dim: Any) -> tuple[int, ...]:
    return () if dim == () else axes_of(x.inner, dim)


@face_function
def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """With a dimension of length 1 at `dim`."""
    check_tensor("unsqueeze", input)
    shape = input.inner.shape
    (at,) = several("unsqueeze", (dim,))
    if not -len(shape) - 1 <= at <= len(shape):
        raise wrong(IndexError, "unsqueeze", f"Dimension out of range (expected to be in range of "
                    f"[{-len(shape) - 1}, {len(shape)}], but got {at})")  # fmt: skip
    at %= len(shape) + 1
    return reshaped(input, (*shape[:at], 1, *shape[at:]))


# -- orders of axes ------------------------------------------------------------------------------------------


@face_function
def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """With two dimensions exchanged."""
    check_tensor("transpose", input)
    first, second = axis_of(input.inner, dim0), axis_of(input.inner, dim1)
    order = list(range(input.ndim))
    if order:
        order[first], order[second] = second, first
    return permuted(input, tuple(order))


swapaxes = swapdims = transpose


@face_function
def permute(input: Tensor, *dims: Any, **named: Any) -> Tensor:
    """The dimensions in the order `dims`."""
    check_tensor("permute", input)
    given = several("permute", dims, named, "dims")
    if len(given) != input.ndim:
        raise wrong(RuntimeError, "permute", "permute(sparse_coo): number of dimensions in the tensor "
                    "input does not "
                    f"match the length of the desired ordering of dimensions i.e. input.dim() = "
                    f"{input.ndim} is not "
                    f"equal to len(dims) = {len(given)}")  # fmt: skip
    order = tuple(axis_of(input.inner, d) for d in given)
    if len(set(order)) != len(order):
        raise wrong(RuntimeError, "permute", "permute(dims): repeated dim in dims")
    return permuted(input, order)


@face_function
def t(input: Tensor) -> Tensor:
    """A matrix with rows and columns exchanged; a vector or a number as it is."""
    check_tensor("t", input)
    if input.ndim > 2:
        raise wrong(
            RuntimeError, "t", f"t() expects a tensor with <= 2 dimensions, but self is {input.ndim}D"
        )
    return permuted(input, tuple(range(input.ndim))[::-1])


@face_function
def adjoint(input: Tensor) -> Tensor:
    """Matrices with rows and columns exchanged: numbers are real here."""
    check_tensor("adjoint", input)
    if input.ndim < 2:
        raise wrong(RuntimeError, "adjoint", "tensor.adjoint() is only supported on matrices or batches of "
                    "matrices, "
                    f"got {input.ndim}-D tensor")  # fmt: skip
    return transpose(input, -1, -2)


@face_function
def movedim(input: Tensor, source: Any, destination: Any) -> Tensor:
    """With the dimensions `source` at the places `destination`, and the others in their order."""
    check_tensor("movedim", input)
    if isinstance(source, int) != isinstance(destination, int):
        raise wrong(TypeError, "movedim", "source and destination are two numbers, or two tuples")
    old, new = (several("movedim", tuple(given) if isinstance(given, (tuple, list)) else (given,))
                for given in (source, destination))  # fmt: skip
    if len(old) != len(new):
        raise wrong(RuntimeError, "movedim", f"movedim: Invalid source or destination dims: source "
                    f"({list(old)} dims) "
                    f"should contain the same number of dims as destination ({list(new)} dims)")  # fmt: skip
    at = [tuple(axis_of(input.inner, d) for d in given) for given in (old, new)]
    for given in at:
        if len(set(given)) != len(given):
            raise wrong(RuntimeError, "movedim", f"movedim: repeated dim in {given}")
    moved = dict(zip(at[1], at[0], strict=True))
    rest = iter(a for a in range(input.ndim) if a not in at[0])
    return permuted(input, tuple(moved[a] if a in moved else next(rest) for a in range(input.ndim)))


moveaxis = movedim


def _reversed(self: Tensor) -> Tensor:
    return permuted(self, tuple(range(self.ndim))[::-1])


def _matrices_transposed(self: Tensor) -> Tensor:
    if self.ndim < 2:
        raise wrong(RuntimeError, "mT", "tensor.mT is only supported on matrices or batches of matrices. Got "
                    f"{self.ndim}-D tensor.")  # fmt: skip
    return permuted(self, (*range(self.ndim - 2), self.ndim - 1, self.ndim - 2))


T = property(_reversed, doc="With all dimensions reversed.")
mT = mH = property(_matrices_transposed, doc="Matrices with rows and columns exchanged.")


# -- longer axes without memory ------------------------------------------------------------------------------


@face_function
def expand(self: Tensor, *size: Any, implicit: bool = False, **named: Any) -> Tensor:
    """With dimensions of length 1 repeated, without memory for it; -1 keeps a length."""
    check_tensor("expand", self)
    shape, to = self.inner.shape, several("expand", size, named, "size")
    lead = len(to) - len(shape)
    if lead < 0:
        raise wrong(RuntimeError, "expand", f"expand({self.dtype}{list(shape)}, size={list(to)}): the "
                    f"number of sizes "
                    f"provided ({len(to)}) must be greater or equal to the number of dimensions in the "
                    f"tensor "
                    f"({len(shape)})")  # fmt: skip
    if -1 in to[:lead] or min(to, default=0) < -1:
        raise wrong(
            RuntimeError, "expand", f"expand: the size {list(to)} isn't allowed for a tensor of {list(shape)}"
        )
    to = tuple(shape[a - lead] if n == -1 else n for a, n in enumerate(to))
    if to[lead:] == shape and all(n == 1 for n in to[:lead]):
        return reshaped(self, to)
    for a, n in enumerate(shape):
        if n not in (1, to[a + lead]):
            raise wrong(RuntimeError, "expand", f"The expanded size of the tensor ({to[a + lead]}) must "
                        f"match the "
                        f"existing size ({n}) at non-singleton dimension {a + lead}.  Target sizes: "
                        f"{list(to)}.  "
                        f"Tensor sizes: {list(shape)}")  # fmt: skip
    return views.view(self, lambda i: te.expand(i, to), None)


@face_function
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Expanded to the shape of `other`."""
    return expand(self, *other.shape)


@face_function
def broadcast_to(input: Tensor, size: Any) -> Tensor:
    """Expanded to a shape."""
    return expand(input, size)


@face_function
def broadcast_tensors(*tensors: Any) -> tuple[Tensor, ...]:
    """All expanded to the shape that they have together."""
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (list, tuple)) else tensors
    shape = common_shape(*(x.inner.shape for x in given))
    return tuple(expand(x, *shape) if shape else x for x in given)


@face_function
def broadcast_shapes(*shapes: Any) -> Size:
    """The shape that tensors of these shapes have together. RuntimeError if they do not fit."""
    return Size(common_shape(*((s,) if isinstance(s, int) else tuple(s) for s in shapes)))


@face_function
def contiguous(self: Tensor, memory_format: Any = None) -> Tensor:
    """With its elements in order in memory: itself if they are."""
    if self.is_contiguous():
        return self
    inner = self.inner
    return faced(te.reshape(te.reshape(inner, (-1,)), inner.shape))


@face_function
def clone(input: Tensor, *, memory_format: Any = None) -> Tensor:
    """A copy; gradients pass through."""
    check_tensor("clone", input)
    return faced(te.functional.clone(input.inner))
