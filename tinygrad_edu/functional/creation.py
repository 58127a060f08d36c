"""Creates tensors from data, from constants, and from a random generator."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import philox, registry
from tinygrad_edu.backend.philox import Generator
from tinygrad_edu.backend.protocol import Backend
from tinygrad_edu.engine.access import look
from tinygrad_edu.engine.apply import create
from tinygrad_edu.engine.modes import current, no_grad, would_lose
from tinygrad_edu.engine.value import Storage, Value, leaf, values_in
from tinygrad_edu.errors import DeviceError, NotDifferentiableError, ShapeError, describe, retold, wrong
from tinygrad_edu.ops import constant as _constant
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.ops import random as _random
from tinygrad_edu.scalars import integer, integers, number
from tinygrad_edu.shapes import Shape, check_size

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor

__all__ = ["arange", "as_tensor", "bernoulli", "eye", "from_dlpack", "full", "linspace", "ones",
           "ones_like", "rand", "randint", "randn", "randperm", "seed_for", "spread", "tensor", "wrap",
           "zeros", "zeros_like"]  # fmt: skip


def wrap(array: Any, requires_grad: bool = False, device: Any = None) -> Tensor:
    """A tensor that uses `array` itself as memory, without a copy on the cpu; the caller must not use it."""
    backend = registry.get(device)
    return _new_tensor(backend.asarray(array, copy=False), backend, requires_grad)


def _new_tensor(memory: Any, backend: Backend, requires_grad: bool) -> Tensor:
    """A tensor that owns `memory` of `backend`."""
    if requires_grad and not dtypes.is_floating(memory.dtype):
        raise wrong(
            TypeError, None, f"a {memory.dtype} tensor has no gradient", "make it float: dtype='float32'"
        )
    return Value.kind(Storage(memory, backend), leaf(memory.shape, memory.dtype) if requires_grad else None)


def _filled(shape: Shape, number: Any, dtype: np.dtype[Any], device: Any, requires_grad: bool) -> Tensor:
    """A tensor filled with `number` of that dtype. A device fills its own memory: nothing is uploaded."""
    backend = registry.get(device)
    given = number if type(number) in dtypes.SCALARS else np.asarray(number, dtype).item()
    filled = create(_constant.full, {"shape": shape, "number": given, "dtype": dtype}, backend)
    return _new_tensor(filled.storage.array, backend, True) if requires_grad else cast("Tensor", filled)


def tensor(data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """A tensor with a copy of `data`: a number, nested sequences, a NumPy array, another tensor,
    or any array object.

    NumPy arrays and tensors keep their dtype; Python floats become float32, ints int64, bools bool.
    Raises TypeError for data that is not numbers, or of a dtype the library does not have, ShapeError for
    rows of unequal length, OverflowError for a number that the dtype does not hold, ValueError for a NaN that
    should be a whole number; RuntimeError for tensors whose graph would be lost.
    """
    if values_in(data):
        data = _numbers_of(data)
    return wrap(as_array("tensor", data, dtype, copy=True), requires_grad, device)


def as_array(name: str, data: Any, dtype: Any, *, copy: bool = False) -> np.ndarray[Any, Any]:
    """`data` as an array of `dtype`, or of its own dtype if that is supported; with `copy`, a new array.

    Errors name the function `name` and the user's line: TypeError, ShapeError, OverflowError, ValueError, as
    in `tensor`.
    """
    kind = None if dtype is None else dtypes.as_dtype(dtype)
    try:
        if not is_typed(data):
            return dtypes.from_python(data, kind)
        array = dtypes.bare(np.array(data, subok=True, copy=copy or None))
        if kind is None:
            kind = array.dtype if array.dtype in dtypes.SUPPORTED else dtypes.as_dtype(array.dtype)
        return dtypes.fit(array, kind)
    except (OverflowError, TypeError, ValueError) as error:
        raise retold(error, name) from None


def is_typed(data: Any) -> bool:
    """Whether data has a dtype: arrays, tensors and NumPy's scalars have one, Python's numbers do not."""
    return hasattr(data, "dtype") or hasattr(data, "__array__")


def from_dlpack(x: Any, *, device: Any = None, copy: Any = None) -> Tensor:
    """A tensor that shares the memory of another library's array on `device`; of its own with `copy=True`.

    Raises BufferError if it is on another device, TypeError for a dtype the library does not have.
    """
    backend = registry.get(device)
    array = backend.from_dlpack(x)
    dtypes.as_dtype(array.dtype)
    return Value.kind(Storage(backend.copy(array) if copy else array, backend), None)


def as_tensor(data: Any, beside: Any = None) -> Tensor:
    """`data` itself if it is a tensor, else `tensor(data)`. Lists of tensors are stacked, with their graph.

    The new tensor is on the device of `beside` if that is a tensor, so that both can be used in one op.
    """
    if isinstance(data, Value):
        return cast("Tensor", data.inner)
    if values_in(data):
        return gathered(data)
    return wrap(
        as_array("tensor", data, None, copy=True),
        device=beside.storage.backend if isinstance(beside, Value) else None,
    )


def gathered(data: Any) -> Tensor:
    """Nested lists of tensors as one tensor, as `stack` makes it, with the graph kept.

    Numbers beside the tensors take their dtype, and arrays are moved to their device.

    Raises ShapeError for rows of unequal shape.
    """
    kind, backend = dtypes.common([np.result_type(*_dtypes_in(data))]), values_in(data)[0].storage.backend

    def made(item: Any) -> Any:
        if isinstance(item, Value):
            return item if item.storage.array.dtype == kind else cast("Tensor", item).cast(kind)
        if not values_in(item):
            return tensor(item, dtype=kind, device=backend)
        rows = [made(x) for x in item]
        if any(row.shape != rows[0].shape for row in rows):
            raise wrong(ShapeError, "tensor", f"rows of unequal shape, {[row.shape for row in rows]}")
        return _m.concat(*[_m.reshape(row, shape=(1, *row.shape)) for row in rows], axis=0)

    return cast("Tensor", made(data))


def _dtypes_in(data: Any) -> list[Any]:
    """The dtypes in nested lists, with 1 for a Python int and 1.0 for a float; they decide the dtype."""
    if isinstance(data, Value):
        return [data.storage.array.dtype]
    if isinstance(data, (list, tuple)):
        return [kind for item in data for kind in _dtypes_in(item)]
    if type(data) in dtypes.SCALARS:
        return [np.dtype(bool) if type(data) is bool else type(data)(1)]
    return [getattr(data, "dtype", np.dtype("O"))]


def _numbers_of(data: Any) -> Any:
    """The numbers of a tensor, or of nested lists of tensors. RuntimeError if a graph would be lost."""
    if would_lose(data):
        raise wrong(
            RuntimeError,
            None,
            "a new tensor of the numbers of one that requires grad would lose its graph",
            "keep it with te.as_tensor or te.stack, or say x.detach()",
        )
    if not isinstance(data, Value):
        with no_grad():
            data = gathered(data)
    return look(data.storage, "tensor")


def as_tensors(items: Sequence[Any]) -> list[Tensor]:
    """`as_tensor` of each, beside the first that is a tensor."""
    items = list(items)  # a generator can be read only once
    for item in items:
        if not isinstance(item, Value):
            break
    else:
        return [item.inner for item in items]
    beside = next((item for item in items if isinstance(item, Value)), None)
    return [as_tensor(item, beside) for item in items]


def operands(items: Sequence[Any]) -> list[Tensor]:
    """`as_tensors` for the operands of one op.

    Python's numbers, and floats in lists, take the dtype of the other operands. If all operands are such
    numbers, they have their default dtypes.
    """
    items = list(items)
    for item in items:
        if not isinstance(item, Value):
            break
    else:
        return [item.inner for item in items]
    items = [gathered(x) if isinstance(x, (list, tuple)) and values_in(x) else x for x in items]
    met = [
        item.dtype if hasattr(item, "dtype") else np.asarray(item).dtype for item in items if is_typed(item)
    ]
    rest = iter(meeting("an operand", [item for item in items if not is_typed(item)], met))
    return as_tensors([item if is_typed(item) else next(rest) for item in items])


def with_a_tensor(items: Sequence[Any]) -> Sequence[Any]:
    """`items` without tensors, with the first that has a dtype made a tensor.

    The numbers beside it stay Python's, and take its dtype. If no item has a dtype, all are made tensors.
    """
    for i, item in enumerate(items):
        if is_typed(item) or values_in(item):
            return (*items[:i], as_tensor(item), *items[i + 1 :])
    return operands(items)


def meeting(name: str, data: Sequence[Any], met: Sequence[np.dtype[Any]]) -> list[np.ndarray[Any, Any]]:
    """Python's numbers as arrays beside arrays of the dtypes `met`, or beside each other."""
    try:
        if met:
            return [dtypes.among(x, met) for x in data]
        made = [dtypes.from_python(x) for x in data]
        kind = dtypes.default_for(np.empty(0, np.result_type(*made))) if made else None
        return [
            a if a.dtype == kind else dtypes.from_python(x, kind) for x, a in zip(data, made, strict=True)
        ]
    except (OverflowError, TypeError, ValueError) as error:
        raise retold(error, name) from None


def _shape_of(shape: tuple[Any, ...]) -> Shape:
    return check_size(spread(shape))


def spread(values: tuple[Any, ...]) -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    return integers(values[0] if len(values) == 1 else values, "a shape or axes")


def zeros(*shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Zeros of `shape`; float32 unless `dtype` is given."""
    return _filled(_shape_of(shape), 0, dtypes.as_dtype(dtype or float), device, requires_grad)


def ones(*shape: Any, dtype: Any = None, device: Any = None, requires_grad: bool = False) -> Tensor:
    """Ones of `shape`; float32 unless `dtype` is given."""
    return _filled(_shape_of(shape), 1, dtypes.as_dtype(dtype or float), device, requires_grad)


def full(shape: Sequence[int] | int, value: Any, *, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:  # fmt: skip
    """`value` everywhere, a number or what broadcasts to `shape`; in the dtype that `te.tensor(value)` has
    unless `dtype` is given."""
    size = check_size(shape)
    if type(value) is float and dtype is None:
        return _filled(size, value, dtypes.float32, device, requires_grad)
    number = as_array("full", value, dtype)
    if number.size != 1:  # an array that is broadcast
        return wrap(np.full(size, number), requires_grad, device)
    return _filled(size, number.reshape(()), number.dtype, device, requires_grad)


def zeros_like(x: Tensor, *, dtype: Any = None) -> Tensor:
    """Zeros of x's shape, dtype and device."""
    x = as_tensor(x)
    return zeros(x.shape, dtype=dtype or x.dtype, device=x.device)


def ones_like(x: Tensor, *, dtype: Any = None) -> Tensor:
    """Ones of x's shape, dtype and device."""
    x = as_tensor(x)
    return ones(x.shape, dtype=dtype or x.dtype, device=x.device)


def arange(
    start: float, stop: float | None = None, step: float = 1, *, dtype: Any = None, device: Any = None
) -> Tensor:
    """start, start + step, ... below stop; int64 for ints, float32 for floats."""
    first, last = (0, start) if stop is None else (start, stop)
    limits = [number(v, f"arange: {n}") for n, v in (("start", first), ("stop", last), ("step", step))]
    if limits[2] == 0:
        raise wrong(ValueError, "arange", "step=0 never comes to an end", "te.full repeats a number")
    for name, value in zip(("start", "stop", "step"), limits, strict=True):
        if not -math.inf < value < math.inf:
            raise wrong(ValueError, "arange", f"{name}={value} must be finite")
    array = np.arange(*limits, dtype=dtypes.int64 if all(isinstance(v, int) for v in limits) else None)
    kind = dtypes.default_for(array) if dtype is None else dtype
    return wrap(as_array("arange", array, kind), device=device)


def linspace(start: float, stop: float, num: int = 50, *, dtype: Any = None, device: Any = None) -> Tensor:
    """`num` points from start to stop, both included; float32 unless `dtype` is given."""
    ends = number(start, "linspace: start"), number(stop, "linspace: stop")
    points = np.linspace(*ends, integer(num, "linspace: num", least=0))
    kind = dtypes.as_dtype(dtype or float)
    return wrap(as_array("linspace", points if kind.kind == "f" else np.floor(points), kind), device=device)


def eye(n: int, m: int | None = None, *, dtype: Any = None, device: Any = None) -> Tensor:
    """The identity, (n, m)."""
    size = check_size((n, n if m is None else m))
    return wrap(np.eye(*size, dtype=dtypes.as_dtype(dtype or float)), device=device)


def _draw(
    op: Any,
    shape: Shape,
    generator: Generator | None,
    dtype: Any,
    device: Any,
    requires_grad: bool,
    **params: Any,
) -> Tensor:
    kept = {} if dtype is None else {"dtype": dtypes.as_dtype(dtype)}
    given = {"shape": shape, "generator": generator or philox.current(), **kept, **params}
    out = create(op, given, registry.get(device))
    if requires_grad:
        out.requires_grad = True
    return out


def _random_dtype(dtype: Any) -> np.dtype[Any]:
    """The dtype of random fractions. Raises TypeError for integers and bools, which cannot hold them."""
    found = dtypes.as_dtype(dtype or float)
    if not dtypes.is_floating(found):
        problem = f"{found} cannot hold random fractions"
        raise wrong(TypeError, None, problem, "use te.randint, or draw floats and cast them")
    return found


def rand(*shape: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None,
         requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Uniform on [0, 1); float32 unless `dtype` is given.
    Philox: the same numbers for the same seed, everywhere."""
    return _draw(_random.uniform, _shape_of(shape), generator, _random_dtype(dtype), device, requires_grad)


def randn(*shape: Any, generator: Generator | None = None, dtype: Any = None, device: Any = None,
          requires_grad: bool = False) -> Tensor:  # fmt: skip
    """Standard normal; float32 unless `dtype` is given."""
    return _draw(_random.normal, _shape_of(shape), generator, _random_dtype(dtype), device, requires_grad)


def _is_several(value: Any) -> bool:
    return isinstance(value, (tuple, list)) or bool(getattr(value, "ndim", 0))


def randint(low: int, high: int, shape: Sequence[int] | int = (), *, generator: Generator | None = None,
            device: Any = None) -> Tensor:  # fmt: skip
    """Integers of [low, high), int64."""
    if _is_several(high):
        foreign = f"PyTorch's randint({low!r:.20}, {high!r:.40}) is te.randint(0, {low!r:.20}, {high!r:.40})"
        raise wrong(TypeError, "randint", f"high must be an integer, not {high!r:.60}", foreign)
    bounds = {"low": integer(low, "randint: low"), "high": integer(high, "randint: high")}
    return _draw(_random.integers, check_size(shape), generator, None, device, False, **bounds)


def bernoulli(p: float, shape: Sequence[int] | int = (), *, generator: Generator | None = None,
              dtype: Any = None, device: Any = None) -> Tensor:  # fmt: skip
    """1 with probability p, else 0; float32 unless `dtype` is given. Raises ValueError unless 0 <= p <= 1."""
    if getattr(p, "ndim", 0):
        remedy = "a draw for each element of p is te.rand(p.shape) < p"
        raise wrong(TypeError, "bernoulli", f"p is one number here, not {describe(p)}", remedy)
    p = number(p, "bernoulli: p")
    if not 0 <= p <= 1:
        raise wrong(ValueError, "bernoulli", f"p must be a probability, not {p}")
    return _draw(_random.bernoulli, check_size(shape), generator, dtype or float, device, False, p=p)


def randperm(n: int, *, generator: Generator | None = None, device: Any = None) -> Tensor:
    """The integers 0 to n - 1 in random order, int64."""
    given = {"n": check_size((n,))[0], "generator": generator or philox.current()}
    return create(_random.permutation, given, registry.get(device))


def seed_for(root: Tensor, gradient: Any = None) -> Tensor:
    """The gradient that backward starts from. Raises the errors of a wrong call of backward()."""
    if root.node is None:
        reason = (
            "nothing it was computed from was made with requires_grad=True, or it was computed under no_grad"
        )
        problem = "backward() on a tensor that does not require grad"
        raise wrong(NotDifferentiableError, "backward", problem, reason)
    if gradient is None:
        if math.prod(root.shape) != 1:
            problem = f"backward() needs a single number, this tensor has shape {root.shape}"
            remedy = "reduce it, as in x.sum().backward(), or pass gradient="
            raise wrong(NotDifferentiableError, "backward", problem, remedy, inputs=(root,))
        backend, given = root.storage.backend, {"shape": root.shape, "number": 1, "dtype": root.dtype}
        if current.get().every_op:
            return cast("Tensor", create(_constant.full, given, backend))
        return _new_tensor(
            _constant.full.kernel(backend)(**given), backend, False
        )  # observers are not notified
    seed = as_tensor(gradient, root)
    if seed.shape != root.shape:
        problem = f"backward(gradient=): shape {seed.shape} is not this tensor's {root.shape}"
        raise wrong(ShapeError, "backward", problem, inputs=(root, seed))
    if seed.storage.backend is not root.storage.backend:
        problem = f"backward(gradient=) lies on {seed.device}, this tensor on {root.device}"
        remedy = f"pass gradient.to({root.device!r})"
        raise wrong(DeviceError, "backward", problem, remedy, inputs=(root, seed))
    return seed if seed.dtype == root.dtype else seed.cast(root.dtype)


Value._stack_lists = gathered
