"""Dimensions as PyTorch counts them: a 0-d tensor has one for this purpose, a wrong one is an IndexError."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any, TypeGuard

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.access import look
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.torch.core.dtypes import dtype_of, numpy_of

INT64 = np.dtype("int64")


def is_tensor(x: Any) -> TypeGuard[te.Tensor]:
    """Whether x is a tensor, and no number."""
    return isinstance(x, Value)


def check_tensor(name: str, x: Any, argument: str = "input") -> None:
    """TypeError for what is no tensor."""
    if not is_tensor(x):
        raise wrong(
            TypeError,
            name,
            f"{name}(): argument '{argument}' must be Tensor, not {type(x).__name__}",
            "make one with torch.tensor(...)",
        )


def axis_of(x: te.Tensor, dim: Any) -> int:
    """One dimension, counted from the front. Raises IndexError if there is no such one."""
    count = max(1, x.ndim)
    try:
        at = operator.index(dim)
    except TypeError:
        raise wrong(TypeError, None, f"argument 'dim' must be int, not {type(dim).__name__}") from None
    if isinstance(dim, (bool, np.bool_)):
        raise wrong(TypeError, None, "argument 'dim' must be int, not bool")
    if not -count <= at < count:
        raise wrong(
            IndexError,
            None,
            f"Dimension out of range (expected to be in range of [{-count}, {count - 1}], but got {at})",
        )
    return at % count


def axes_of(x: te.Tensor, dim: Any) -> tuple[int, ...]:
    """Several dimensions, counted from the front: all for None or none; () for a 0-d tensor.

    Raises IndexError if there is no such one, RuntimeError if one is named twice.
    """
    if dim is None:
        return tuple(range(x.ndim))
    if not isinstance(dim, (list, tuple)):
        at = axis_of(x, dim)
        return (at,) if x.ndim else ()
    found = [axis_of(x, d) for d in dim]
    for at in found:
        if found.count(at) > 1:
            raise wrong(RuntimeError, None, f"dim {at} appears multiple times in the list of dims")
    return tuple(found) if found and x.ndim else tuple(range(x.ndim))


def lined(x: te.Tensor) -> te.Tensor:
    """x with one dimension at least."""
    return x if x.ndim else te.reshape(x, (1,))


def along(function: Callable[[te.Tensor, int], te.Tensor], x: te.Tensor, dim: Any) -> te.Tensor:
    """function(x, axis), whose result has x's shape; a 0-d tensor is a line of one."""
    at = axis_of(x, dim)
    return function(x, at) if x.ndim else te.reshape(function(lined(x), at), ())


def without(shape: tuple[int, ...], axes: tuple[int, ...], keepdim: bool) -> tuple[int, ...]:
    """A shape without some axes, or with them as 1."""
    if keepdim:
        return tuple(1 if a in axes else n for a, n in enumerate(shape))
    return tuple(n for a, n in enumerate(shape) if a not in axes)


def flat_last(x: te.Tensor, axes: tuple[int, ...]) -> te.Tensor:
    """x with some axes merged into one, the last."""
    rest = [a for a in range(x.ndim) if a not in axes]
    moved = x if [*rest, *axes] == list(range(x.ndim)) else te.permute_dims(x, (*rest, *axes))
    count = 1
    for a in axes:
        count *= x.shape[a]
    return te.reshape(moved, (*(x.shape[a] for a in rest), count))


def in_dtype(x: te.Tensor, dtype: Any) -> te.Tensor:
    """x in a dtype of the face; x itself for None."""
    if dtype is None:
        return x
    kind = numpy_of(dtype)
    return x if x.dtype == kind else x.cast(kind)


def check_floats(name: str, x: te.Tensor) -> None:
    """RuntimeError for a tensor that is not of floats."""
    if x.dtype.kind != "f":
        raise wrong(
            RuntimeError,
            name,
            f"{name}(): input dtype should be either floating point or complex, got {dtype_of(x.dtype).name}",
            "convert it with x.float()",
            inputs=(x,),
        )


def numbers(x: te.Tensor, name: str) -> np.ndarray[Any, Any]:
    """The numbers of x, on the host, to read."""
    return np.asarray(look(x.storage, name))


def beside(x: te.Tensor, array: Any) -> te.Tensor:
    """A tensor of an array, on x's device."""
    return wrap(np.asarray(array, order="C"), device=x.storage.backend)
