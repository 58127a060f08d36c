"""Views and changes in place: x[0] = y, x.add_(y), x.t().mul_(2), within the graph too.

The library changes memory in place outside the graph only. PyTorch's programs also do so within: a recurrent
network writes each step's output into a tensor of zeros. So a change in place has two ways here.

- Nobody has a graph: the memory itself is written, and every view of it sees the change, NumPy's too.
- Somebody has: the changed tensor is computed anew, as a function of the old one and of what is written; the
  face's tensor then holds that one. A view of it knows how it was made (`View.again`) and makes itself again
  when it is next used; a write into a view is a write into what it is a view of (`View.put`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.modes import current
from tinygrad_edu.engine.value import Storage, Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.overwrite import overwrite_part
from tinygrad_edu.torch.core.border import faced
from tinygrad_edu.torch.core.dtypes import dtype_of

if TYPE_CHECKING:
    from tinygrad_edu.torch.core.tensor import Tensor

Again = Callable[[te.Tensor], te.Tensor]
Put = Callable[[te.Tensor, te.Tensor], te.Tensor]


class View:
    """How a tensor comes from another that it shares memory with.

    One that is `loose` has memory of its own, since no strides reach its elements: it is read again at each
    use.
    """

    __slots__ = ("again", "base", "loose", "put", "root", "seen")

    def __init__(self, base: Tensor, again: Again, put: Put | None, loose: bool = False) -> None:
        self.base, self.again, self.put = base, again, put
        self.root: Tensor = base if base._view is None else base._view.root
        self.loose: bool = loose or (base._view is not None and base._view.loose)
        self.seen = self.root.version


def view(base: Tensor, again: Again, put: Put | None, *, always: bool = False) -> Tensor:
    """The view `again(base)`.

    put     the library's tensor of `base` in which the view's elements are those of a second tensor; None if
            there is none, as for elements that share memory
    always  it is a view even if it could not be made without a copy, or not be written into
    """
    value = again(base.inner)
    made = faced(value)
    if value is base._inner or (shares(value, base._inner) and not (always and _is_read_only(value))):
        made._view = View(base, again, put)
    elif always:
        made._view = View(base, again, put, loose=True)
    return made


def _is_read_only(x: te.Tensor) -> bool:
    return not x.storage.backend.writable(x.storage.array)


def shares(first: te.Tensor, second: te.Tensor) -> bool:
    """Whether two tensors lie in the same memory."""
    if first.storage.writes is not second.storage.writes:
        return False
    return bool(first.storage.backend.shares(first.storage.array, second.storage.array))


def refreshed(x: Tensor) -> te.Tensor:
    """The inner tensor of a view, made again if what it is a view of was changed since."""
    found: Any = x._view
    if found.loose or found.seen != found.root.version:
        x._inner = found.again(found.base.inner)
        found.seen = found.root.version
    return x._inner


def recording(*values: Any) -> bool:
    """Whether a graph is recorded, and one of the tensors is part of one."""
    return current.get().grad and any(isinstance(v, Value) and v.node is not None for v in values)


def check_may_change(x: Tensor) -> None:
    """RuntimeError for a leaf that requires grad, or a view of one, while a graph is recorded."""
    if not current.get().grad:
        return
    value = x.inner
    if value.node is None:
        return
    if value.is_leaf:
        raise wrong(
            RuntimeError,
            None,
            "a leaf Variable that requires grad is being used in an in-place operation.",
            "change it inside `with torch.no_grad():`",
        )
    root = None if x._view is None else x._view.root.inner
    if root is not None and root.node is not None and root.is_leaf:
        raise wrong(
            RuntimeError,
            None,
            "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            "change it inside `with torch.no_grad():`",
        )


def in_rows(value: te.Tensor) -> te.Tensor:
    """`value` with its elements in order in memory that may be written into, so that views of it share it."""
    memory, backend = value.storage.array, value.storage.backend
    ordered = memory.flags.c_contiguous if isinstance(memory, np.ndarray) else memory.contiguous
    if ordered and backend.writable(memory):
        return value
    return te.Tensor(Storage(backend.copy(memory), backend), value.node)


def rebind(x: Tensor, value: te.Tensor) -> None:
    """Let x, and what x is a view of, hold `value`, computed within the graph."""
    found = x._view
    if found is None:
        value = in_rows(value)
        if x.gradient_of is not None and x.gradient_of.grad is x._inner:
            x.gradient_of.grad = value
        x._inner = value
        x.version += 1
        return
    if found.put is None:
        raise wrong(
            RuntimeError,
            None,
            "unsupported operation: this view cannot be changed in place within the graph",
            "change a .clone() of it, or compute a new tensor",
        )
    rebind(found.base, found.put(found.base.inner, value))


def check_result(x: te.Tensor, value: te.Tensor) -> None:
    """RuntimeError unless a result fits into x: its dtype's category, and its shape."""
    have, given = dtype_of(x.dtype), dtype_of(value.dtype)
    if given.category > have.category:
        raise wrong(
            RuntimeError,
            None,
            f"result type {given.name} can't be cast to the desired output type {have.name}",
            "compute a new tensor, or convert one with .to(dtype)",
        )


def write(x: Tensor, value: te.Tensor, name: str) -> Tensor:
    """x with the numbers of `value`, which has x's shape or broadcasts to it; in place, one of two ways."""
    inner, given = x.inner, value
    if value.shape != inner.shape:
        try:
            value = te.expand(value, inner.shape)
        except ValueError:
            raise wrong(
                RuntimeError,
                name,
                f"output with shape {list(inner.shape)} doesn't match the broadcast shape "
                f"{list(value.shape)}",
            ) from None
    if value.dtype != inner.dtype:
        value = value.cast(inner.dtype)
    if value.device != inner.device:
        value = value.to(inner.device)
    if recording(inner, value) or (x._view is not None and x._view.loose):
        check_may_change(x)
        if value is given and (value.node is None or value.is_leaf):  # it may be somebody's tensor itself
            value = te.functional.clone(value)
        rebind(x, value)
        return x
    with te.no_grad():
        inner.copy_(value.detach())
    return x


def put_at(inner: te.Tensor, key: Any, value: te.Tensor) -> te.Tensor:
    """`inner` with `value` at `key`, as a function of both: PyTorch's index_put."""
    if type(key) is int and -len(inner) <= key < len(inner):  # a row, as recurrent networks write one
        at = key % len(inner)
        row = te.reshape(te.expand(value.cast(inner.dtype), inner.shape[1:]), (1, *inner.shape[1:]))
        return te.concat([inner[:at], row, inner[at + 1 :]])
    places = np.arange(inner.size).reshape(inner.shape)[key]
    value = te.expand(value.cast(inner.dtype), places.shape) if value.shape != places.shape else value
    taken = np.zeros(inner.size, np.int64)  # 0: stays; i + 1: the i-th of the values, the last of several
    flat = places.reshape(-1)
    taken[flat] = np.arange(1, flat.size + 1)
    both = te.concat([te.reshape(inner, (-1,)), te.reshape(value.cast(inner.dtype), (-1,))])
    sources = np.where(taken > 0, inner.size + taken - 1, np.arange(inner.size))
    return te.reshape(both[sources], inner.shape)


def set_item(x: Tensor, key: Any, value: Any) -> None:
    """`x[key] = value`, in place; `key` holds the library's tensors, arrays, numbers and slices."""
    inner = x.inner
    if recording(inner, value) or (x._view is not None and x._view.loose):
        check_may_change(x)
        given = (
            value
            if isinstance(value, te.Tensor)
            else te.tensor(value, dtype=inner.dtype, device=inner.device)
        )
        rebind(x, put_at(inner, key, given))
        return
    with te.no_grad():
        overwrite_part(inner, key, value)
