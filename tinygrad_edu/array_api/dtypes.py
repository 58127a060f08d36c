"""The Array API's functions of dtypes."""

from __future__ import annotations

import builtins
from typing import Any, NamedTuple

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.array_api.host import OTHERS, HostArray, numpy_of, of_numpy
from tinygrad_edu.errors import wrong
from tinygrad_edu.tensor import Tensor

__all__ = ["astype", "can_cast", "finfo", "iinfo", "isdtype", "result_type"]

KINDS = {
    "bool": "b", "signed integer": "i", "unsigned integer": "u", "integral": "iu", "real floating": "f",
    "complex floating": "c", "numeric": "iufc",
}  # fmt: skip


class FloatInfo(NamedTuple):
    """The limits of a float dtype, in Python's floats."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: np.dtype[Any]


class IntegerInfo(NamedTuple):
    """The limits of an integer dtype, in Python's integers."""

    bits: int
    max: int
    min: int
    dtype: np.dtype[Any]


def astype(x: Tensor, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """`x` in another dtype, on another device if one is given; without `copy`, `x` if nothing changes."""
    made = x if device is None else x.to(device)
    if np.dtype(dtype) in OTHERS.values() or isinstance(made, HostArray):
        return of_numpy(numpy_of(made).astype(dtype, copy=copy)) if copy or made.dtype != dtype else made
    target = dtypes.as_dtype(dtype)
    if made.dtype == target:
        return F.clone(made) if copy and made is x else made
    return made.cast(target)


def can_cast(from_: Any, to: Any, /) -> bool:
    """Whether the rules of promotion can lead from a dtype, or that of a tensor, to the dtype `to`."""
    return builtins.bool(np.can_cast(getattr(from_, "dtype", from_), to))


def finfo(type: Any, /) -> FloatInfo:
    """The limits of a float dtype, or of that of a tensor. TypeError for another."""
    kind = np.dtype(getattr(type, "dtype", type))
    found = np.finfo(kind) if kind.kind == "c" else dtypes.finfo(kind)
    limits = (float(found.eps), float(found.max), float(found.min), float(found.smallest_normal))
    return FloatInfo(int(found.bits), *limits, found.dtype)


def iinfo(type: Any, /) -> IntegerInfo:
    """The limits of an integer dtype, or of that of a tensor. TypeError for another."""
    kind = np.dtype(getattr(type, "dtype", type))
    found = np.iinfo(kind) if kind in OTHERS.values() and kind.kind in "iu" else dtypes.iinfo(kind)
    return IntegerInfo(int(found.bits), int(found.max), int(found.min), found.dtype)


def isdtype(dtype: Any, kind: Any) -> bool:
    """Whether a dtype is `kind`: another dtype, a kind such as "integral", or one of a tuple of these.

    ValueError for a kind that is not in the standard.
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, k) for k in kind)
    if isinstance(kind, str):
        if kind not in KINDS:
            raise wrong(ValueError, "isdtype", f"no kind {kind!r}", f"say one of {', '.join(KINDS)}")
        return np.dtype(dtype).kind in KINDS[kind]
    return builtins.bool(np.dtype(dtype) == np.dtype(kind))


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    """The dtype of the result of an op with these tensors, dtypes and Python numbers.

    Python's numbers are weak: they have no dtype of their own. Raises ValueError if all are numbers.
    """
    given = [getattr(x, "dtype", x) if not isinstance(x, np.dtype) else x for x in arrays_and_dtypes]
    if all(isinstance(x, (bool, int, float, complex)) for x in given):
        raise wrong(ValueError, "result_type", "there is neither an array nor a dtype among its arguments")
    return np.result_type(*given)
