"""Tensors from data, from nothing, and from a generator."""
from __future__ import annotations

import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import philox, registry
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.engine.apply import create
from tinygrad_edu.engine.value import Storage, Value, leaf
from tinygrad_edu.errors import DeviceError, NotDifferentiableError, ShapeError, user_line
from tinygrad_edu.ops import random as _random
from tinygrad_edu.shapes import Shape, check_size

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


# What a backend needs to know of constants; no op, since nothing goes in.
_FULL: Any = SimpleNamespace(name="full",
                             numpy=lambda *, shape, number, dtype: np.full(shape, number, dtype))


def wrap(array: Any, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor over `array` itself, which the caller gives up; no copy on the cpu."""
    backend = registry.get(device)
    return _made(np.asarray(array) if backend is registry.cpu else backend.asarray(array), backend,
                 requires_grad)


def _made(memory: Any, backend: Backend, requires_grad: bool) -> Tensor:
    """A tensor over memory of `backend` that is its own."""
    if requires_grad and not dtypes.is_floating(memory.dtype):
        raise TypeError(f"a {memory.dtype} tensor has no gradient (at {user_line()}); "
                        "make it float: dtype='float32'")
    return Value.kind(Storage(memory, backend), leaf(memory.shape, memory.dtype) if requires_grad else None)


def _filled(shape: Shape, number: Any, dtype: np.dtype[Any], device: Any, requires_grad: bool) -> Tensor:
    """`number`, which has that dtype, everywhere. A device fills its memory: nothing is uploaded."""
    backend = registry.get(device)
    if backend.arithmetic:
        return wrap(np.full(shape, number, dtype), requires_grad, backend)
    given = np.asarray(number).astype(dtype).item()
    memory = backend.fused(_FULL, (), {"shape": shape, "number": given, "dtype": dtype})
    return _made(memory, backend, requires_grad)


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of `data`: a number, nested sequences, a NumPy array, another tensor, or any array
    object.

    NumPy arrays and tensors keep their dtype; Python floats become float32, ints int64, bools bool.
    Raises TypeError for data that is not numbers, rows of unequal length, or a dtype the library does not
    have.
    """
    if isinstance(data, Value):
        data = data.storage.backend.numpy(data.storage.array)
    typed = isinstance(data, (np.ndarray, np.generic)) or hasattr(data, "__array__")
    if isinstance(data, (list, tuple)) and any(isinstance(x, Value) for x in data):
        data = [x.storage.backend.numpy(x.storage.array) if isinstance(x, Value) else x for x in data]
    try:
        array = np.array(data)
    except ValueError as error:
        raise ShapeError(f"tensor: rows of unequal length (at {user_line()}): {error}") from None
    if dtype is not None:
        if array.dtype.kind not in "fiub":
            dtypes.default_for(array)
        array = array.astype(dtypes.as_dtype(dtype), copy=False)
    elif not typed:
        array = array.astype(dtypes.float32 if array.size == 0 and not isinstance(data, np.ndarray)
                             else dtypes.default_for(array), copy=False)
    elif array.dtype not in dtypes.SUPPORTED:
        dtypes.as_dtype(array.dtype)
    return wrap(array, requires_grad, device)


def from_dlpack(x: Any, *, device: Any = None) -> Tensor:
    """A tensor over the memory of another library's array, which must lie on `device`; nothing is copied.

    Raises BufferError when it lies elsewhere, TypeError for a dtype the library does not have.
    """
    backend = registry.get(device)
    taken: Any = np if backend is registry.cpu else backend
    array = taken.from_dlpack(x)
    if array.dtype not in dtypes.SUPPORTED:
        dtypes.as_dtype(array.dtype)
    return Value.kind(Storage(array, backend), None)


def as_tensor(data: Any, beside: Any = None) -> Tensor:
    """`data` itself if it is a tensor, else `tensor(data)`: on the device of `beside` if that is a tensor, so
    that arrays go where the tensors are that they meet."""
    if isinstance(data, Value):
        return cast("Tensor", data)
    return tensor(data, device=beside.storage.backend if isinstance(beside, Value) else None)


def as_tensors(items: Sequence[Any]) -> list[Tensor]:
    """`as_tensor` of each, beside the first that is a tensor."""
    for item in items:
        if not isinstance(item, Value):
            break
    else:
        return list(items)
    beside = next((item for item in items if isinstance(item, Value)), None)
    return [as_tensor(item, beside) for item in items]


def _shape(shape: tuple[Any, ...]) -> Shape:
    return check_size(spread(shape))


def spread(values: tuple[Any, ...]) -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    if len(values) == 1 and isinstance(values[0], (tuple, list)):
        return tuple(values[0])
    return tuple(values)


def zeros(*shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of `shape`; float32 unless `dtype` is given."""
    return _filled(_shape(shape), 0, dtypes.as_dtype(dtype or float), device, requires_grad)


def ones(*shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of `shape`; float32 unless `dtype` is given."""
    return _filled(_shape(shape), 1, dtypes.as_dtype(dtype or float), device, requires_grad)


def full(shape: Sequence[int] | int, value: float, *, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:
    """`value` everywhere; the dtype of a Python number unless `dtype` is given."""
    size = check_size((shape,) if isinstance(shape, int) else shape)
    number = np.asarray(value)
    kind = dtypes.as_dtype(dtype) if dtype else dtypes.default_for(number)
    if number.size != 1:    # a row, repeated
        return wrap(np.full(size, number, kind), requires_grad, device)
    return _filled(size, number.reshape(()), kind, device, requires_grad)


def zeros_like(x: Tensor, *, dtype: Any = None) -> Tensor:
    """Zeros of x's shape, dtype and device."""
    return zeros(x.shape, dtype=dtype or x.dtype, device=x.device)


def ones_like(x: Tensor, *, dtype: Any = None) -> Tensor:
    """Ones of x's shape, dtype and device."""
    return ones(x.shape, dtype=dtype or x.dtype, device=x.device)


def arange(start: float, stop: float | None = None, step: float = 1, *, dtype: Any = None,
           device: Any = None) -> Tensor:
    """start, start + step, ... below stop; int64 for ints, float32 for floats."""
    array = np.arange(start, stop, step) if stop is not None else np.arange(0, start, step)
    return wrap(array.astype(dtypes.as_dtype(dtype) if dtype else dtypes.default_for(array)), device=device)


def linspace(start: float, stop: float, num: int = 50, *, dtype: Any = None, device: Any = None) -> Tensor:
    """`num` points from start to stop, both included; float32 unless `dtype` is given."""
    return wrap(np.linspace(start, stop, num).astype(dtypes.as_dtype(dtype or float)), device=device)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The identity, (n, m)."""
    return wrap(np.eye(*check_size((n, n if m is None else m)), dtype=dtypes.as_dtype(dtype or float)),
                device=device)


def _draw(op: Any, shape: Shape, generator: Generator | None, dtype: Any, device: Any, requires_grad: bool,
          **params: Any) -> Tensor:
    kept = {} if dtype is None else {"dtype": dtypes.as_dtype(dtype)}
    out = create(op, {"shape": shape, "generator": generator or philox.current(), **kept, **params},
                 registry.get(device))
    if requires_grad:
        out.requires_grad = True
    return out


def rand(*shape: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:
    """Uniform on [0, 1); float32 unless `dtype` is given. Philox: the same numbers for the same seed,
    everywhere."""
    return _draw(_random.uniform, _shape(shape), generator, dtype or float, device, requires_grad)


def randn(*shape: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:
    """Standard normal; float32 unless `dtype` is given."""
    return _draw(_random.normal, _shape(shape), generator, dtype or float, device, requires_grad)


def randint(low: int, high: int, shape: Sequence[int] | int = (), *, generator: Generator | None = None,
            device: Any = None) -> Tensor:
    """Integers of [low, high), int64."""
    size = check_size((shape,) if isinstance(shape, int) else shape)
    return _draw(_random.integers, size, generator, None, device, False, low=low, high=high)


def bernoulli(p: float, shape: Sequence[int] | int = (), *, generator: Generator | None = None,
              dtype: Any = None, device: Any = None) -> Tensor:
    """1 with probability p, else 0; float32 unless `dtype` is given. Raises ValueError unless 0 <= p <= 1."""
    if not 0 <= p <= 1:
        raise ValueError(f"bernoulli: p must be a probability, not {p}")
    size = check_size((shape,) if isinstance(shape, int) else shape)
    return _draw(_random.bernoulli, size, generator, dtype or float, device, False, p=p)


def randperm(n: int, *, generator: Generator | None = None, device: Any = None) -> Tensor:
    """The integers 0 to n - 1 in random order, int64."""
    return create(_random.permutation, {"n": check_size((n,))[0], "generator": generator or philox.current()},
                  registry.get(device))


def seed_for(root: Tensor, gradient: Any = None) -> Tensor:
    """The gradient that backward starts from. Raises the three errors of a misused backward()."""
    if root.node is None:
        raise NotDifferentiableError("backward() on a tensor that does not require grad (at "
                                     f"{user_line()}): nothing it was computed from was made with "
                                     "requires_grad=True, or it was computed under no_grad")
    if gradient is None:
        if math.prod(root.shape) != 1:
            raise NotDifferentiableError("backward() needs a single number, this tensor has shape "
                                         f"{root.shape} (at {user_line()}); reduce it, as in "
                                         "x.sum().backward(), or pass gradient=")
        return _filled(root.shape, 1, root.dtype, root.storage.backend, False)
    seed = cast("Tensor", gradient) if isinstance(gradient, Value) else tensor(gradient, device=root.device)
    if seed.shape != root.shape:
        raise ShapeError(f"backward(gradient=): shape {seed.shape} is not this tensor's {root.shape} "
                         f"(at {user_line()})")
    if seed.storage.backend is not root.storage.backend:
        raise DeviceError(f"backward(gradient=) lies on {seed.device}, this tensor on {root.device} (at "
                          f"{user_line()}); pass gradient.to({root.device!r})")
    return seed if seed.dtype == root.dtype else seed.cast(root.dtype)
