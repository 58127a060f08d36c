"""Changes in place: the checks before them, and the writes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu.engine import access
from tinygrad_edu.engine.modes import current, no_grad, would_lose
from tinygrad_edu.engine.value import Storage, Value, values_in
from tinygrad_edu.errors import DeviceError, Fault, ShapeError, user_line, wrong
from tinygrad_edu.functional.creation import as_array, as_tensor, is_typed, meeting, wrap
from tinygrad_edu.functional.indexing import getitem, is_basic, numpy_key
from tinygrad_edu.shapes import Shape, broadcast_shapes

if TYPE_CHECKING:
    from tinygrad_edu.tensor import Tensor


def not_kept(made_by: str) -> str:
    """The text that says why a result, not being a leaf, has no `grad` after backward."""
    problem = f"grad of a result (of {made_by}) is not kept, so it is None"
    remedy = (
        "say retain_grad() before backward(). A weight that was assigned to, as by `w = w - ...`, is a "
        "result and no weight any more; `with te.no_grad(): w -= ...` changes it"
    )
    return str(Fault("grad", problem, remedy, where=user_line()))


def _check_may_change(x: Tensor) -> None:
    if would_lose(x):
        raise wrong(
            RuntimeError,
            None,
            "a tensor that requires grad cannot be changed in place",
            "do it inside `with te.no_grad():`, or compute a new tensor, for example with te.where",
            inputs=(x,),
        )


def _check_may_write(name: str, x: Tensor, value: Any) -> None:
    """RuntimeError if a graph is recorded, and x or the value to write has one."""
    _check_may_change(x)
    if would_lose(value):
        raise wrong(
            RuntimeError,
            name,
            f"{name} would lose value's gradient",
            "compute a new tensor, for example with te.where or te.concat, or write value.detach()",
        )


def _writable_storage(x: Tensor) -> Storage:
    """The memory of x, if it may be changed in place; else RuntimeError."""
    _check_may_change(x)
    if not x.storage.backend.writable(x.storage.array):
        raise wrong(
            RuntimeError,
            None,
            "this tensor's elements share memory: it is a broadcast or window view",
            "write to x.clone()",
            inputs=(x,),
        )
    return x.storage


def _check_casting(value: Any, x: Tensor, casting: Any) -> None:
    """TypeError if the value has a dtype that NumPy's `casting` rule refuses to write into x."""
    if is_typed(value) and not np.can_cast(value.dtype, x.dtype, casting):
        raise _dtype_error(value.dtype, x)


def copy_over(x: Tensor, other: Any) -> Tensor:
    """Write `other` into the memory of x; floats are truncated if x has integers. Returns x."""
    _check_may_write("copy_", x, other)
    casting: Any = "unsafe" if is_typed(other) and other.dtype.kind == "f" else "same_kind"
    return _overwrite(x, "copy_", other, casting)


def _overwrite(x: Tensor, name: str, value: Any, casting: Any = "same_kind") -> Tensor:
    """Write `value` into the memory of x, with x's device and dtype, broadcast to its shape. Returns x.

    Raises TypeError if NumPy's `casting` rule refuses the dtype, and the errors of `as_array` for numbers
    that do not fit. Errors name the function `name`.
    """
    _check_casting(value, x, casting)
    source = _converted(x, name, value)
    _check_fits(name, x, source.array.shape)
    access.overwrite(_writable_storage(x), source, name)
    return x


def _converted(x: Tensor, name: str, value: Any) -> Storage:
    """`value` as memory on x's device, in x's dtype."""
    backend, dtype = x.storage.backend, x.dtype
    if isinstance(value, Value):
        memory = value.storage
        if memory.backend is backend and memory.array.dtype == dtype:
            return memory
        if np.can_cast(memory.array.dtype, dtype) or dtype.kind == "f":
            with no_grad():
                moved: Any = Value.kind(memory, None)
                found: Storage = moved.to(x.device).cast(dtype).storage
                return found
    if type(value) is float and dtype.kind == "f":
        numbers = np.asarray(value, dtype)
    else:  # cast first: the device may not have the dtype of the value
        numbers = as_array(name, _on_host(name, value), dtype)
    return Storage(backend.asarray(numbers, copy=False), backend)


def _on_host(name: str, value: Any) -> Any:
    """The numbers of a tensor, or of lists with tensors, as an array; anything else as it is."""
    if values_in(value):
        with no_grad():
            return access.look(as_tensor(value).storage, name)
    return value


def update(x: Tensor, name: str, op: Any, other: Any) -> Tensor:
    """Write `op`(x, other) into the memory of x. Returns x; errors name the function `name`."""
    _check_may_write(name, x, other)
    if isinstance(other, Value) and other.storage.backend is not x.storage.backend:
        raise wrong(
            DeviceError,
            name,
            f"the tensor lives on {x.device}, what is to be taken in on {other.storage.backend.name}",
            "move one with .to(device)",
        )
    if type(other) is not float and not isinstance(other, Value):
        other = as_array(name, other, None) if is_typed(other) else meeting(name, [other], [x.dtype])[0]
    shape = other.storage.array.shape if isinstance(other, Value) else np.shape(other)
    _check_fits(name, x, shape)
    found = np.result_type(x.dtype, other.dtype if is_typed(other) else other)
    if not np.can_cast(found, x.dtype, "same_kind"):
        raise _dtype_error(found, x)
    if x.dtype.kind == "i" and found != x.dtype:  # the operand must fit; the result may wrap around
        other = wrap(as_array(name, _on_host(name, other), x.dtype), device=x.storage.backend)
    elif found != x.dtype:
        return _overwrite(x, name, op(x.detach(), other))
    access.update(_writable_storage(x), op, other, name)
    return x


def replace(x: Tensor, name: str, compute: Callable[[Tensor], Tensor], *operands: Any) -> Tensor:
    """Write compute(x) into the memory of x. Returns x; errors name the function `name`."""
    _check_may_write(name, x, operands)
    with no_grad():
        return _overwrite(x, name, compute(x.detach()))


def assign(x: Tensor, sign: str, op: Any, y: Any) -> Tensor:
    """The result of `x += y`. A leaf that requires grad is changed in place, as a training step needs it; for
    any other x the result is a new tensor, and other references to x keep the old one.

    Raises RuntimeError for such a leaf if a graph is recorded, or will be when a checkpoint computes this
    again: with a graph the same line would have to make a new tensor.
    """
    if x.node is None or not x.is_leaf:
        result: Tensor = op(x, y)
        return result
    mode = current.get()
    if mode.grad or mode.deferred:
        raise wrong(
            RuntimeError,
            f"`w {sign} ...`",
            f"`w {sign} ...` would change a leaf that requires grad in place",
            f"do it inside `with te.no_grad():`, or make a new tensor, w = w {sign[0]} ...",
        )
    return update(x, sign, op, y)


def _check_fits(name: str, x: Tensor, shape: Shape) -> None:
    if not shape or shape == x.shape:
        return
    try:
        fits = broadcast_shapes(x.shape, shape) == x.shape
    except ShapeError:
        fits = False
    if not fits:
        raise wrong(ShapeError, name, f"{shape} does not broadcast to {x.shape}")


def _dtype_error(dtype: Any, x: Tensor) -> TypeError:
    return wrong(
        TypeError,
        None,
        f"{dtype} numbers do not fit into a {x.dtype} tensor",
        "cast one of them with .to(dtype)",
        inputs=(x,),
    )


def overwrite_part(x: Tensor, key: Any, value: Any) -> None:
    """`x[key] = value`."""
    name = "x[key] = value"
    _check_may_write(name, x, value)
    key = numpy_key(key)
    if current.get().every_op and is_basic(key):  # by a view, so that observers get the source
        _overwrite(getitem(x.detach(), key), name, value, "unsafe")
        return
    direct = type(value) is float and x.dtype.kind == "f"
    source = value if direct else _converted(x, name, value).array
    access.put(_writable_storage(x), key, source, name)
