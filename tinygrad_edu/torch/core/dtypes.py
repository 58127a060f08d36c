"""PyTorch's dtypes by its names, and its rules of promotion.

A dtype that the library cannot hold has a name, so that a program can be read and can compare; to make a
tensor of it is a TypeError that says what to use.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import as_tensor

__all__ = ["bfloat16", "can_cast", "complex128", "complex64", "dtype", "float16", "float32", "float64",
           "get_default_dtype", "int16", "int32", "int64", "int8", "promote_types", "result_type",
           "set_default_dtype", "uint16", "uint32", "uint64", "uint8"]  # fmt: skip

Numpy = np.dtype[Any]


class dtype:
    """The kind of the elements of a tensor: `torch.float32`. `itemsize` is in bytes."""

    __slots__ = ("array", "category", "itemsize", "name")

    def __init__(self, name: str, itemsize: int, category: int, *, held: bool = True) -> None:
        self.name, self.itemsize, self.category = name, itemsize, category
        self.array: Numpy | None = np.dtype(name) if held else None

    @property
    def dtype(self) -> Numpy:
        """NumPy's, so that NumPy and the library's own functions take a dtype of the face."""
        return numpy_of(self)

    @property
    def is_floating_point(self) -> bool:
        return self.category == FLOAT

    @property
    def is_complex(self) -> bool:
        return self.category == COMPLEX

    @property
    def is_signed(self) -> bool:
        return self.name not in ("bool", "uint8", "uint16", "uint32", "uint64")

    def to_complex(self) -> Any:
        return {"float32": complex64, "float64": complex128, "float16": complex32}.get(self.name, self)

    def to_real(self) -> Any:
        return {"complex64": float32, "complex128": float64, "complex32": float16}.get(self.name, self)

    def __repr__(self) -> str:
        return f"torch.{self.name}"

    def __reduce__(self) -> tuple[Any, ...]:
        return named, (self.name,)

    def __copy__(self) -> Any:
        return self

    def __deepcopy__(self, memo: Any) -> Any:
        return self


def named(name: str) -> dtype:
    """The dtype of a name, which pickles keep."""
    return NAMES[name]


BOOL, INTEGER, FLOAT, COMPLEX = range(4)  # the categories, from the weakest

bool_ = dtype("bool", 1, BOOL)
uint8 = dtype("uint8", 1, INTEGER)
int32 = dtype("int32", 4, INTEGER)
int64 = dtype("int64", 8, INTEGER)
float32 = dtype("float32", 4, FLOAT)
float64 = dtype("float64", 8, FLOAT)
int8 = dtype("int8", 1, INTEGER, held=False)
int16 = dtype("int16", 2, INTEGER, held=False)
uint16 = dtype("uint16", 2, INTEGER, held=False)
uint32 = dtype("uint32", 4, INTEGER, held=False)
uint64 = dtype("uint64", 8, INTEGER, held=False)
float16 = dtype("float16", 2, FLOAT, held=False)
bfloat16 = dtype("bfloat16", 2, FLOAT, held=False)
complex32 = dtype("complex32", 4, COMPLEX, held=False)
complex64 = dtype("complex64", 8, COMPLEX, held=False)
complex128 = dtype("complex128", 16, COMPLEX, held=False)

HELD = (bool_, uint8, int32, int64, float32, float64)
NOT_HELD = (int8, int16, uint16, uint32, uint64, float16, bfloat16, complex32, complex64, complex128)
NAMES: dict[str, dtype] = {kind.name: kind for kind in (*HELD, *NOT_HELD)} | {
    "float": float32, "double": float64, "long": int64, "int": int32, "half": float16, "short": int16,
    "cfloat": complex64, "cdouble": complex128, "chalf": complex32,
}  # fmt: skip
_OF_NUMPY = {kind.array: kind for kind in HELD}
_OF_PYTHON = {bool: bool_, int: int64, float: float32}
_INSTEAD = {INTEGER: "torch.int32 or torch.int64", FLOAT: "torch.float32", COMPLEX: "two real tensors"}
_default = [float32]


def numpy_of(kind: Any) -> Numpy:
    """The NumPy dtype of a dtype of the face, of one of Python's types, or of NumPy's own.

    Raises TypeError for one that the library does not hold.
    """
    if not isinstance(kind, dtype):
        kind = dtype_of(np.dtype(kind)) if kind not in _OF_PYTHON else _of_python(kind)
    if kind.array is None:
        raise wrong(
            TypeError, None, f"tensors of {kind} are not here", f"use {_INSTEAD[kind.category]} in its place"
        )
    found: Numpy = kind.array
    return found


def _of_python(kind: Any) -> dtype:
    return _default[0] if kind is float else _OF_PYTHON[kind]


def dtype_of(found: Numpy) -> dtype:
    """The face's dtype of a NumPy dtype, held or not. Raises TypeError for one that PyTorch has not."""
    kind = _OF_NUMPY.get(found) or NAMES.get(found.name)
    if kind is None:
        raise wrong(
            TypeError, None, f"can't convert np.ndarray of type numpy.{found.name}", "give it numbers"
        )
    return kind


def get_default_dtype() -> dtype:
    """The dtype of floats that are given none: float32, unless set otherwise."""
    return _default[0]


def set_default_dtype(kind: Any) -> None:
    """Set the dtype of floats that are given none. Raises TypeError for one that is no float."""
    if not isinstance(kind, dtype) or kind not in (float32, float64):
        raise wrong(TypeError, "set_default_dtype", f"{kind} cannot be the default", "float32 or float64 can")
    _default[0] = kind


# -- promotion ---------------------------------------------------------------------------------------------


_WIDE = (uint16, uint32, uint64)  # PyTorch has them, and promotes them with floats only


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The dtype of the result of tensors of two dtypes, both with axes.

    Raises RuntimeError for an unsigned dtype of more than 8 bits beside another one that is no float.
    """
    if type1 is type2:
        return type1
    low, high = sorted((type1, type2), key=lambda kind: kind.category)
    if (low in _WIDE or high in _WIDE) and high.category != FLOAT:
        raise wrong(RuntimeError, "promote_types", f"Promotion for {low} and {high} is not supported")
    if low.category < FLOAT <= high.category:
        return high
    if high.category == COMPLEX:
        return promote_types(low.to_real(), high.to_real()).to_complex()
    if {low.name, high.name} == {"float16", "bfloat16"}:
        return float32
    if high.category == FLOAT:
        return max(low, high, key=lambda kind: kind.itemsize)
    found = np.result_type(np.dtype(low.name), np.dtype(high.name))
    return NAMES[found.name if found.kind != "f" else "int64"]


def can_cast(from_: dtype, to: dtype) -> bool:
    """Whether an operation may write a result of one dtype into a tensor of the other."""
    return from_.category <= to.category


def result_type(tensor1: Any, tensor2: Any) -> dtype:
    """The dtype of the result of an op of two tensors, or of a tensor and a number."""
    return dtype_of(result_of((tensor1, tensor2)))


def _joined(higher: Any, lower: Any) -> Any:
    """The dtype of two ranks of operands: the higher one's, unless the lower is of a stronger category."""
    if higher is None or lower is None:
        return higher or lower
    return higher if higher.category >= lower.category else promote_types(higher, lower)


def result_of(operands: tuple[Any, ...]) -> Numpy:
    """The dtype in which an op computes: of tensors with axes first, then of those without, then of numbers.

    A lower rank changes the result only by a stronger category, as in PyTorch: a float32 tensor times an
    int64 tensor is float32, an int64 tensor times 0.5 the default float.
    """
    ranks: list[dtype | None] = [None, None, None]
    for x in operands:
        kind = None if isinstance(x, np.generic) else getattr(x, "dtype", None)
        if kind is None:
            rank, found = 2, _of_number(x)
        else:
            rank = 0 if x.shape else 1
            found = kind if isinstance(kind, dtype) else dtype_of(kind)
        met = ranks[rank]
        ranks[rank] = found if met is None else promote_types(met, found)
    return numpy_of(_joined(ranks[0], _joined(ranks[1], ranks[2])))


def _of_number(x: Any) -> dtype:
    for kind in (bool, int, float):
        if isinstance(x, kind) or (isinstance(x, np.generic) and isinstance(x.item(), kind)):
            return _of_python(kind)
    raise wrong(TypeError, None, f"a tensor or a number was expected, not {type(x).__name__}")


_WEAK = (float, int, bool)
_FLOATS = (np.dtype("float32"), np.dtype("float64"))


def promoted(*operands: Any) -> tuple[Any, ...]:
    """The operands of an op, the library's tensors and Python's numbers, in the dtype it computes in."""
    met: Any = None
    for x in operands:  # the common case: floats of one dtype, and numbers beside them
        if type(x) in _WEAK:
            continue
        kind = getattr(x, "dtype", None)
        if met is None:
            met = kind
            if kind not in _FLOATS:
                break
        elif kind is not met:
            break
    else:
        if met is not None:
            return operands
    operands = tuple(map(_plain, operands))
    kind = result_of(operands)
    return tuple(x if type(x) in _WEAK and kind.kind == "f" else _as(x, kind) for x in operands)


def _plain(x: Any) -> Any:
    """NumPy's numbers as Python's, its arrays as tensors."""
    if isinstance(x, np.generic):
        return x.item()
    return as_tensor(x) if isinstance(x, np.ndarray) else x


def _as(x: Any, kind: Numpy) -> Any:
    if type(x) in _WEAK:
        return np.asarray(x).astype(kind).item()
    return x if x.dtype == kind else x.cast(kind)


def floating(*operands: Any) -> tuple[Any, ...]:
    """As `promoted`, for functions of real numbers: integers and bools become the default float."""
    found = promoted(*operands)
    kind = next((x.dtype for x in found if type(x) not in _WEAK), None)
    if kind is not None and kind.kind != "f":
        kind = numpy_of(_default[0])
        return tuple(x if type(x) in _WEAK else x.cast(kind) for x in found)
    return found
