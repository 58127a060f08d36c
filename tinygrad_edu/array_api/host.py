"""Arrays of the standard's dtypes that tensors lack, and functions that take them.

Such an array computes with NumPy, on the cpu, and has no gradient. It is a Tensor of another class, so that
Python calls its operators first when a tensor stands beside it. A result that has one of the library's dtypes
is a tensor again.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend import registry
from tinygrad_edu.engine.modes import would_lose
from tinygrad_edu.engine.value import Storage
from tinygrad_edu.errors import NotDifferentiableError, wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.tensor import NumpyArray, Tensor

OTHERS = {
    name: np.dtype(name)
    for name in ("int8", "int16", "uint16", "uint32", "uint64", "complex64", "complex128")
}
_COMPLEX = (complex, np.complexfloating)


class HostArray(Tensor):
    """An array of a dtype that tensors lack, in the namespace of the Array API only."""

    __slots__ = ()

    def __init__(self, array: NumpyArray) -> None:
        super().__init__(Storage(array, registry.get("cpu")))

    def __reduce__(self) -> tuple[Any, ...]:
        return HostArray, (np.array(self.numpy()),)

    def __getitem__(self, key: Any) -> Tensor:
        return of_numpy(self.storage.array[numpy_of(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self.storage.array[numpy_of(key)] = numpy_of(value)

    def cast(self, dtype: Any) -> Tensor:
        """The same numbers in another dtype."""
        return of_numpy(self.storage.array.astype(dtype))

    astype = cast

    def to(self, target: Any = None, *, device: Any = None, dtype: Any = None) -> Tensor:
        """The same on the device "cpu", the only one, or in another dtype."""
        if device is not None or dtype is not None:
            moved: Tensor = self
            for one in (target, device, dtype):
                moved = moved if one is None else moved.to(one)
            return moved
        if isinstance(target, str) and registry.known(target):
            if registry.get(target).name != "cpu":
                problem = f"a {self.dtype} array, a dtype that tensors lack, is on the cpu only"
                raise wrong(TypeError, "to", problem, "convert it first, with x.cast('float32')")
            return self
        return self.cast(target)

    @property
    def T(self) -> Tensor:
        return of_numpy(self.storage.array.T)

    @property
    def mT(self) -> Tensor:
        return of_numpy(self.storage.array.mT)


def _operator(function: Callable[..., Any], reflected: bool = False) -> Callable[..., Any]:
    def method(self: Any, *others: Any) -> Any:
        if any(not isinstance(y, (Tensor, bool, int, float, complex)) for y in others):
            return NotImplemented
        xs = [numpy_of(x) for x in (self, *others)]
        with np.errstate(all="ignore"):
            return of_numpy(function(*(xs[::-1] if reflected else xs)))

    return method


def _in_place(function: Callable[..., Any]) -> Callable[..., Any]:
    def method(self: Any, other: Any) -> Any:
        with np.errstate(all="ignore"):
            function(self.storage.array, numpy_of(other), out=self.storage.array, casting="same_kind")
        return self

    return method


_BINARY = {
    "add": np.add, "sub": np.subtract, "mul": np.multiply, "truediv": np.true_divide, "mod": np.remainder,
    "floordiv": np.floor_divide, "pow": np.power, "matmul": np.matmul, "and": np.bitwise_and,
    "or": np.bitwise_or, "xor": np.bitwise_xor, "lshift": np.left_shift, "rshift": np.right_shift,
}  # fmt: skip
for _name, _function in _BINARY.items():
    setattr(HostArray, f"__{_name}__", _operator(_function))
    setattr(HostArray, f"__r{_name}__", _operator(_function, reflected=True))
    setattr(HostArray, f"__i{_name}__", _in_place(_function))
for _name, _function in {
    "eq": np.equal, "ne": np.not_equal, "lt": np.less, "le": np.less_equal, "gt": np.greater,
    "ge": np.greater_equal, "neg": np.negative, "pos": np.positive, "abs": np.absolute, "invert": np.invert,
}.items():  # fmt: skip
    setattr(HostArray, f"__{_name}__", _operator(_function))
HostArray.__hash__ = object.__hash__  # type: ignore[method-assign,assignment]


def of_numpy(found: Any) -> Any:
    """A result of NumPy: arrays and its numbers as tensors, or as arrays of their dtype; in tuples, too."""
    if isinstance(found, tuple):
        parts = [of_numpy(part) for part in found]
        return type(found)(*parts) if hasattr(found, "_fields") else tuple(parts)
    if isinstance(found, list):
        return [of_numpy(part) for part in found]
    if not isinstance(found, (np.ndarray, np.generic)):
        return found
    array = np.asarray(found)
    return wrap(array, device="cpu") if array.dtype in dtypes.SUPPORTED else HostArray(array)


def numpy_of(given: Any) -> Any:
    """An argument for NumPy. NotDifferentiableError for a tensor whose graph would be lost."""
    if isinstance(given, (list, tuple)):
        return type(given)(map(numpy_of, given)) if type(given) in (list, tuple) else given
    if not isinstance(given, Tensor):
        return given
    if would_lose(given):
        raise wrong(
            NotDifferentiableError,
            None,
            "what has no gradient, such as a complex array, was to meet a tensor that requires grad",
            "say x.detach()",
            inputs=(given,),
        )
    return given.storage.array if isinstance(given, HostArray) else given.numpy()


def _is_other(given: Any) -> bool:
    """Whether an argument makes a call NumPy's."""
    if isinstance(given, (HostArray, *_COMPLEX)):
        return True
    if isinstance(given, np.dtype):
        return given in OTHERS.values()
    return isinstance(given, (list, tuple)) and any(map(_is_other, given))


def with_others(ours: Callable[..., Any], theirs: Callable[..., Any]) -> Callable[..., Any]:
    """`ours`, or NumPy's function of the same meaning where an array or a dtype is one that tensors lack."""

    @functools.wraps(ours)
    def function(*given: Any, **options: Any) -> Any:
        if not any(map(_is_other, given)) and not any(map(_is_other, options.values())):
            return ours(*given, **options)
        with np.errstate(all="ignore"):
            found = theirs(*map(numpy_of, given), **{name: numpy_of(x) for name, x in options.items()})
        return of_numpy(found)

    return function


def empty_of(shape: Any, dtype: Any) -> Tensor:
    """A tensor or an array of any of the standard's dtypes."""
    kind = np.dtype(dtype)
    return F.empty(shape, dtype=kind) if kind in dtypes.SUPPORTED else HostArray(np.empty(shape, kind))
