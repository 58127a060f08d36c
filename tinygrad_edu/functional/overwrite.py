"""Changes in place: what may be changed, and how, where arrays have no operators."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.engine.modes import current, no_grad
from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import DeviceError, ShapeError, user_line
from tinygrad_edu.functional.creation import tensor
from tinygrad_edu.functional.indexing import getitem, numpy_key
from tinygrad_edu.functional.movement import expand
from tinygrad_edu.shapes import Shape, broadcast_shapes

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def not_kept(made_by: str) -> str:
    """What to say to who asks for the gradient of a result, which backward does not keep."""
    return (f"grad of a result (of {made_by}) is not kept, so it is None (at {user_line()}); say "
            "retain_grad() before backward(). A weight that was assigned to, as by `w = w - ...`, is a "
            "result and no weight any more; `with te.no_grad(): w -= ...` changes it")


def _check_may_change(x: Tensor) -> None:
    if x.node is not None and current.get().grad:
        raise RuntimeError(f"a tensor that requires grad cannot be changed in place (at {user_line()}); "
                           "do it inside `with te.no_grad():`, or compute a new tensor, for example with "
                           "te.where")


def _shares_elements(x: Tensor) -> bool:
    """Whether two elements of x may be one place in memory, so that it must not be written.

    Off the cpu the strides tell: each, from the smallest up, must step over all that lies within it.
    """
    array = x.storage.array
    if x.storage.backend.arithmetic:
        return not array.flags.writeable
    extent = array.dtype.itemsize
    for stride, n in sorted((abs(s), n) for s, n in zip(array.strides, array.shape, strict=True) if n != 1):
        if stride < extent and x.size:
            return True
        extent += stride * (n - 1)
    return False


def changing(x: Tensor) -> Any:
    """x's memory, about to be written; the write is counted, so that a stale backward is caught."""
    _check_may_change(x)
    if _shares_elements(x):
        raise RuntimeError("this tensor's elements share memory (a broadcast or window view, at "
                           f"{user_line()}); write to x.clone()")
    x.storage.writes.count += 1
    x.storage.writes.where = user_line()
    return x.storage.array


def stored(value: Any, dtype: Any) -> Any:
    """What is no tensor as NumPy stores it in an array of `dtype`.

    Raises OverflowError for an int that the dtype does not hold, ValueError for a NaN among whole numbers.
    """
    out = np.empty(np.shape(value), dtype)
    out[...] = value
    return out


def typed(value: Any) -> bool:
    """Whether a value brings a dtype, as arrays and tensors do and Python's numbers do not."""
    return hasattr(value, "dtype")


def overwrite(x: Tensor, value: Any, casting: Any = "same_kind") -> Tensor:
    """x with `value` in its memory: brought to x's device and dtype, broadcast to its shape. Returns x.

    Raises TypeError where NumPy's `casting` rule refuses the dtype.
    """
    with no_grad():
        if typed(value) and not np.can_cast(value.dtype, x.dtype, casting):
            raise TypeError(_unfit(value.dtype, x.dtype))
        here: Any = value
        if isinstance(value, Value):
            here = here.detach().to(x.device)
        else:       # as it will be stored: the device may not have the dtype that it comes in
            here = tensor(stored(value, x.dtype), device=x.device)
        here = expand(here if here.dtype == x.dtype else here.cast(x.dtype), x.shape)
    backend, source = x.storage.backend, here.storage.array
    if here.storage.writes is x.storage.writes:     # a view of x itself: read it whole before writing
        source = backend.copy(source)
    backend.copy(source, out=changing(x))
    return x


def copy_over(x: Tensor, other: Any) -> Tensor:
    """x with `other` in its memory, floats cut off where x holds whole numbers. Returns x."""
    casting: Any = "unsafe" if typed(other) and other.dtype.kind == "f" else "same_kind"
    if not x.storage.backend.arithmetic:
        return overwrite(x, other, casting)
    data: Any = other if typed(other) else stored(other, x.dtype)
    data = data.storage.backend.numpy(data.storage.array) if isinstance(data, Value) else np.asarray(data)
    _check_fits("copy_", x, data.shape)
    np.copyto(changing(x), data, casting=casting)
    return x


def update(x: Tensor, name: str, op: Any, ufunc: Any, other: Any) -> Tensor:
    """x with `op`(x, other) in its memory, on the cpu by NumPy's `ufunc`. Returns x; errors say `name`."""
    if isinstance(other, Value) and other.storage.backend is not x.storage.backend:
        raise DeviceError(f"{name}: the tensor lives on {x.device}, what is to be taken in on "
                          f"{other.storage.backend.name} "
                          f"(at {user_line()}); move one with .to(device)")
    other = np.asarray(other) if not typed(other) and np.ndim(other) else other
    if not typed(other) and np.asarray(other).dtype.kind not in "biuf":
        raise TypeError(f"{name}: {type(other).__name__} {other!r} is not a number, an array or a tensor")
    shape = other.storage.array.shape if isinstance(other, Value) else np.shape(other)
    _check_fits(name, x, shape)
    if not x.storage.backend.arithmetic:
        return overwrite(x, op(x.detach(), other))
    found = np.result_type(x.dtype, other.dtype if typed(other) else other)
    if not np.can_cast(found, x.dtype, "same_kind"):
        raise TypeError(_unfit(found, x.dtype))
    array = changing(x)
    ufunc(array, other.storage.array if isinstance(other, Value) else other, out=array, casting="same_kind")
    return x


def assign(x: Tensor, sign: str, op: Any, ufunc: Any, y: Any) -> Tensor:
    """What `x += y` makes of x. A leaf that requires grad changes in place, as a step of training means it;
    any other x becomes a new tensor, and whoever has the old one keeps it.

    Raises RuntimeError for such a leaf where a graph is recorded, or will be when a checkpoint computes this
    again: the same line must not mean a new tensor there and a change without a graph.
    """
    if x.node is None or not x.is_leaf:
        result: Tensor = op(x, y)
        return result
    mode = current.get()
    if mode.grad or mode.rehearsal:
        raise RuntimeError(f"`w {sign} ...` would change a leaf that requires grad in place (at "
                           f"{user_line()}); do it inside `with te.no_grad():`, or make a new tensor, "
                           f"w = w {sign[0]} ...")
    return update(x, sign, op, ufunc, y)


def _check_fits(name: str, x: Tensor, shape: Shape) -> None:
    try:
        fits = broadcast_shapes(x.shape, shape) == x.shape
    except ShapeError:
        fits = False
    if not fits:
        raise ShapeError(f"{name}: {shape} does not broadcast to {x.shape} (at {user_line()})")


def _unfit(dtype: Any, into: Any) -> str:
    return (f"{dtype} numbers do not fit into a {into} tensor (at {user_line()}); cast one of them with "
            ".to(dtype)")


def overwrite_part(x: Tensor, key: Any, value: Any) -> None:
    """`x[key] = value`: off the cpu through a view for a basic key, through the host for an array of places.
    """
    if x.storage.backend.arithmetic:
        changing(x)[numpy_key(key)] = numpy_key(value) if isinstance(value, Value) else value
        return
    _check_may_change(x)
    part = getitem(x.detach(), key)
    if part.storage.writes is x.storage.writes:
        overwrite(part, value, "unsafe")
    else:
        host = np.array(x.numpy())
        host[numpy_key(key)] = numpy_key(value) if isinstance(value, Value) else value
        overwrite(x, host)
