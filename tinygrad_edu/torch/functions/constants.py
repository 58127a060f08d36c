"""New tensors of constants: zeros, ones, ranges, and those that are like another one."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.torch.core import border, devices, dtypes
from tinygrad_edu.torch.core.border import faced, torch_error
from tinygrad_edu.torch.core.tensor import Tensor

__all__ = ["arange", "empty", "empty_like", "eye", "full", "full_like", "linspace", "logspace", "ones",
           "ones_like", "range", "zeros", "zeros_like"]  # fmt: skip

Make = Callable[[Any, str], te.Tensor]


def new(make: Make, dtype: Any, device: Any, requires_grad: bool = False, out: Any = None) -> Tensor:
    """What `make(NumPy dtype, device)` makes, with the options that every new tensor takes."""
    try:
        if out is not None:
            if dtype is not None and dtypes.numpy_of(dtype) != out.inner.dtype:
                raise wrong(
                    RuntimeError, None, f"dtype {dtype} does not match dtype of out parameter ({out.dtype})"
                )
            border._into(out, make(out.inner.dtype, out.inner.device))
            return out
        kind = dtypes.numpy_of(dtypes.get_default_dtype() if dtype is None else dtype)
        found = faced(make(kind, devices.here(device)))
    except Exception as error:
        raise torch_error(error) from None
    if requires_grad:
        found.requires_grad = True
    return found


def size_of(size: Any, named: Any = None) -> tuple[int, ...]:
    """The shape in `f(2, 3)`, `f((2, 3))` and `f(size=(2, 3))`.

    Raises TypeError for what is no number, RuntimeError for a negative one.
    """
    if named is not None:
        size = named
    elif len(size) == 1 and (
        isinstance(size[0], (tuple, list)) or (isinstance(size[0], Tensor) and size[0].ndim)
    ):
        size = size[0]
    if isinstance(size, (int, np.integer)):
        size = (size,)
    found = []
    for n in size:
        if isinstance(n, (float, str, bool)) or not hasattr(n, "__index__"):
            raise wrong(TypeError, "size", f"a size must be a tuple of ints, but found element of type "
                        f"{type(n).__name__}")  # fmt: skip
        found.append(n.__index__())
    if min(found, default=0) < 0:
        raise wrong(
            RuntimeError, "size", f"Trying to create tensor with negative dimension {min(found)}: {found}"
        )
    return tuple(found)


def _filled(name: str, fill: Callable[..., te.Tensor], what: str) -> Callable[..., Tensor]:
    def function(*size: Any, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
                 requires_grad: bool = False, pin_memory: bool = False, memory_format: Any = None,
                 names: Any = None, **named: Any) -> Tensor:  # fmt: skip
        shape = size_of(size, _only_size(name, named) if named else None)
        return new(
            lambda kind, place: fill(shape, dtype=kind, device=place), dtype, device, requires_grad, out
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{what} of a shape."
    return function


def _only_size(name: str, named: dict[str, Any]) -> Any:
    if set(named) != {"size"}:
        unknown = min(set(named) - {"size"})
        raise wrong(TypeError, name, f"{name}() got an unexpected keyword argument {unknown!r}")
    return named["size"]


zeros = _filled("zeros", te.zeros, "Zeros")
ones = _filled("ones", te.ones, "Ones")
empty = _filled("empty", te.functional.empty, "Numbers to be written over, zeros here,")


def _like(name: str, fill: Callable[..., te.Tensor], what: str) -> Callable[..., Tensor]:
    def function(input: Tensor, *, dtype: Any = None, layout: Any = None, device: Any = None,
                 requires_grad: bool = False, memory_format: Any = None,
                 pin_memory: bool = False) -> Tensor:  # fmt: skip
        kind, place = kind_and_place(input, dtype, device)
        return new(
            lambda kind, place: fill(input.inner.shape, dtype=kind, device=place), kind, place, requires_grad
        )

    function.__name__ = function.__qualname__ = name
    function.__doc__ = f"{what} of the shape, the dtype and the device of `input`."
    return function


def kind_and_place(x: Tensor, dtype: Any, device: Any) -> tuple[Any, Any]:
    """The dtype and the device of what is like x. TypeError for what is no tensor."""
    if not isinstance(x, Tensor):
        raise wrong(TypeError, "like", f"argument 'input' must be Tensor, not {type(x).__name__}")
    return x.dtype if dtype is None else dtype, x.device if device is None else device


zeros_like = _like("zeros_like", te.zeros, "Zeros")
ones_like = _like("ones_like", te.ones, "Ones")
empty_like = _like("empty_like", te.functional.empty, "Numbers to be written over")


def _number(value: Any) -> Any:
    if isinstance(value, Tensor):
        if value.ndim:
            raise wrong(TypeError, "full", "the value to fill with is one number, not a Tensor")
        return value.item()
    return value


def full(size: Any, fill_value: Any, *, out: Any = None, dtype: Any = None, layout: Any = None,
         device: Any = None, requires_grad: bool = False, pin_memory: bool = False,
         names: Any = None) -> Tensor:  # fmt: skip
    """One number everywhere; in the dtype that the number has unless told otherwise."""
    shape, value = size_of((size,)), _number(fill_value)
    if dtype is None and out is None:
        dtype = dtypes.dtype_of(dtypes.result_of((value,)))
    return new(_full(shape, value), dtype, device, requires_grad, out)


def _full(shape: tuple[int, ...], value: Any) -> Make:
    def make(kind: Any, place: str) -> te.Tensor:
        if type(value) is float and kind.kind != "f":
            return te.full(shape, bool(value) if kind.kind == "b" else int(value), dtype=kind, device=place)
        return te.full(shape, bool(value) if kind.kind == "b" else value, dtype=kind, device=place)

    return make


def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None, layout: Any = None,
              device: Any = None, requires_grad: bool = False, memory_format: Any = None,
              pin_memory: bool = False) -> Tensor:  # fmt: skip
    """One number everywhere, in the shape, the dtype and on the device of `input`."""
    kind, place = kind_and_place(input, dtype, device)
    return new(_full(input.inner.shape, _number(fill_value)), kind, place, requires_grad)


def eye(n: int, m: int | None = None, *, out: Any = None, dtype: Any = None, layout: Any = None,
        device: Any = None, requires_grad: bool = False, pin_memory: bool = False) -> Tensor:  # fmt: skip
    """The identity, (n, n), or its first m columns."""
    rows, columns = size_of((n, n if m is None else m))
    return new(
        lambda kind, place: te.eye(rows, columns, dtype=kind, device=place), dtype, device, requires_grad, out
    )


# -- ranges ------------------------------------------------------------------------------------------------


def arange(*limits: Any, out: Any = None, dtype: Any = None, layout: Any = None, device: Any = None,
           requires_grad: bool = False, pin_memory: bool = False, **named: Any) -> Tensor:  # fmt: skip
    """start, start + step, ... below end: `arange(end)`, `arange(start, end)`, `arange(start, end, step)`."""
    start, end, step = _limits(limits, named)
    if step == 0:
        raise wrong(RuntimeError, "arange", "step must be nonzero")
    if not np.isfinite([start, end]).all():
        raise wrong(RuntimeError, "arange", f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise wrong(RuntimeError, "arange", "upper bound and lower bound inconsistent with step sign")
    if dtype is None and out is None and all(isinstance(n, int) for n in (start, end, step)):
        dtype = dtypes.int64
    exact = all(isinstance(n, int) for n in (start, end, step))
    count = len(builtins.range(start, end, step)) if exact else int(np.ceil((end - start) / step))

    def make(kind: Any, place: str) -> te.Tensor:
        if kind.kind == "b":
            raise wrong(RuntimeError, "arange", '"arange" is not implemented for bool')
        numbers = np.arange(count) * step + start
        return wrap(numbers.astype(kind), device=place)

    return new(make, dtype, device, requires_grad, out)


def _limits(limits: tuple[Any, ...], named: dict[str, Any]) -> tuple[Any, Any, Any]:
    names = ("end",) if len(limits) == 1 and "end" not in named else ("start", "end", "step")
    given = dict(zip(names, limits, strict=False)) | named
    if len(limits) > 3 or set(given) - {"start", "end", "step"} or "end" not in given:
        raise wrong(TypeError, "arange", "arange() takes end, or start and end, or start, end and step")
    return tuple(_plain(given.get(name, first)) for name, first in (("start", 0), ("end", 0), ("step", 1)))


def _plain(n: Any) -> Any:
    n = n.item() if hasattr(n, "item") else n
    if not isinstance(n, (int, float)):
        raise wrong(TypeError, "arange", f"a number was expected, not {type(n).__name__}")
    return int(n) if isinstance(n, bool) else n


def range(start: Any = 0, end: Any = None, step: Any = 1, **options: Any) -> Tensor:
    """As `arange`, with the end included, and floats unless told otherwise."""
    first, last = (0, start) if end is None else (start, end)
    if options.get("dtype") is None and options.get("out") is None:
        options["dtype"] = dtypes.get_default_dtype()
    count = int((_plain(last) - _plain(first)) / _plain(step)) + 1
    return arange(first, first + count * step, step, **options) if count > 0 else arange(0, -1, 1)


def linspace(start: Any, end: Any, steps: int, *, out: Any = None, dtype: Any = None, layout: Any = None,
             device: Any = None, requires_grad: bool = False,
             pin_memory: bool = False) -> Tensor:  # fmt: skip
    """`steps` numbers at equal distances, from start to end, both included."""
    (count,) = _steps(steps)
    return new(lambda kind, place: wrap(_spaced(start, end, count).astype(kind), device=place),
               dtype, device, requires_grad, out)  # fmt: skip


def _steps(steps: Any) -> tuple[int, ...]:
    if isinstance(steps, (int, np.integer)) and steps < 0:
        raise wrong(RuntimeError, "linspace", "number of steps must be non-negative")
    return size_of((steps,))


def _spaced(start: Any, end: Any, count: int) -> np.ndarray[Any, Any]:
    """Equal distances, counted from the nearer end, so that both ends are exact."""
    first, last = float(_plain(start)), float(_plain(end))
    at = np.arange(count)
    step = (last - first) / (count - 1) if count > 1 else 0.0
    return np.where(at < max(1, count // 2), first + step * at, last - step * (count - 1 - at))


def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, out: Any = None, dtype: Any = None,
             layout: Any = None, device: Any = None, requires_grad: bool = False,
             pin_memory: bool = False) -> Tensor:  # fmt: skip
    """`base` to the power of numbers at equal distances, from start to end."""
    (count,) = _steps(steps)
    return new(lambda kind, place: wrap((base ** _spaced(start, end, count)).astype(kind), device=place),
               dtype, device, requires_grad, out)  # fmt: skip


# -- tensors like this one: x.new_zeros(2, 3) ----------------------------------------------------------------


def _new_method(name: str, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
    def method(self: Tensor, *size: Any, dtype: Any = None, device: Any = None, **options: Any) -> Tensor:
        kind, place = kind_and_place(self, dtype, device)
        if not size and not options:
            raise wrong(TypeError, name, f'{name}() missing 1 required positional arguments: "size"')
        return function(*size, dtype=kind, device=place, **options)

    method.__name__ = method.__qualname__ = name
    method.__doc__ = f"`torch.{function.__name__}`, in the dtype and on the device of self."
    return method


new_zeros, new_ones, new_empty, new_full = (
    _new_method(f"new_{function.__name__}", function) for function in (zeros, ones, empty, full)
)
