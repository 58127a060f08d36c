"""Tensor: a Value with operators. Every method is a line over an op or a function; the mathematics is in
ops/."""
from __future__ import annotations

import functools
import html
import math
import warnings
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend import registry
from tinygrad_edu.engine import backprop as _backprop
from tinygrad_edu.engine.modes import current
from tinygrad_edu.engine.value import Storage, Value, leaf
from tinygrad_edu.errors import DeviceError, NotDifferentiableError, ShapeError, user_line
from tinygrad_edu.functional.overwrite import assign, copy_over, not_kept, overwrite_part, update
from tinygrad_edu.functional.ufuncs import meet_ufunc
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.ops import reduce as _r
from tinygrad_edu.shapes import Axis, Shape, stretched_axes

NumpyArray = np.ndarray[Any, Any]


class RemovableHook:
    """What `register_hook` returns; `remove()` takes the hook away."""

    def __init__(self, hooks: list[Any], hook: Callable[[Tensor], Tensor | None]) -> None:
        self._hooks, self._hook = hooks, hook

    def remove(self) -> None:
        if self._hook in self._hooks:
            self._hooks.remove(self._hook)


class Tensor(Value):
    """An n-dimensional array that remembers how it was computed. Make one with `te.tensor(data)`.

    `x.backward()` fills `grad` of every tensor made with `requires_grad=True` that x depends on.
    """
    __slots__ = ()
    __hash__ = object.__hash__

    def __init__(self, storage: Storage, node: Any = None) -> None:
        if not isinstance(storage, Storage):
            raise TypeError("make tensors with te.tensor(data), te.zeros(shape), ...; "
                            "Tensor(...) wraps memory")
        self.storage, self.node = storage, node

    # -- what it is ------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Shape:
        return self.storage.array.shape

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.storage.array.dtype

    @property
    def device(self) -> str:
        return self.storage.backend.name

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.itemsize

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made this tensor."""
        return self.node is None or (self.node.op is None and bool(self.node.metas))

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d tensor; a single number is x.item()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise TypeError("iteration over a 0-d tensor; a single number is x.item()")
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        """How copy and pickle make one again: memory, device and `requires_grad`, never a graph."""
        if self.node is not None and not self.is_leaf:
            raise TypeError(f"a tensor that {self.node.name} made carries its graph and cannot be copied or "
                            f"pickled (at {user_line()}); say x.detach() first")
        make = functools.partial(F.tensor, device=self.device, requires_grad=self.requires_grad)
        return make, (np.array(self.numpy()),)

    # -- out of the graph ------------------------------------------------------------------------------------

    def numpy(self) -> NumpyArray:
        """The numbers as a read-only NumPy array that shares memory on the cpu; `.numpy().copy()` may be
        written."""
        return self.storage.backend.numpy(self.storage.array)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """`ndarray * tensor` is ours, and keeps the graph; NumPy's functions are told off."""
        return meet_ufunc(ufunc, method, inputs, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NumpyArray:
        if self.requires_grad and current.get().grad:
            raise TypeError("np.asarray of a tensor that requires grad would lose its graph (at "
                            f"{user_line()}); say x.detach() or x.numpy(), or use the function of the same "
                            "name in te")
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __dlpack__(self, **how: Any) -> Any: return self.storage.array.__dlpack__(**how)
    def __dlpack_device__(self) -> tuple[int, int]: return tuple(self.storage.array.__dlpack_device__())

    def item(self) -> Any:
        """The number in a tensor of one element."""
        if self.size != 1:
            raise ValueError(f"item() needs one element, this tensor has shape {self.shape}; use tolist()")
        return self.numpy().item()

    def tolist(self) -> Any:
        return self.numpy().tolist()

    def __float__(self) -> float:
        return float(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise TypeError(f"a {self.dtype} tensor is not an index; convert it with int(x)")
        return int(self.item())

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.item(), digits)

    def __format__(self, spec: str) -> str:
        if spec and self.size != 1:
            raise TypeError(f"{spec!r} formats one number, this tensor has shape {self.shape} (at "
                            f"{user_line()}); take one, or .tolist()")
        return format(self.item(), spec) if spec else str(self)

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(f"the truth of a tensor of shape {self.shape} is ambiguous; "
                             "use .any() or .all()")
        return bool(self.item())

    def __repr__(self) -> str:
        where = f", device={self.device!r}" if self.device != "cpu" else ""
        text = np.array2string(self.numpy(), separator=", ", prefix="tensor(", threshold=200)
        kind = "" if self.dtype in (dtypes.float32, dtypes.int64, dtypes.bool_) else f", dtype={self.dtype}"
        made = (", requires_grad=True" if self.is_leaf else f", op={self.node.name}") if self.node else ""
        return f"tensor({text}{kind}{where}{made})"

    def _repr_html_(self) -> str:
        facts = f"{'×'.join(map(str, self.shape)) or 'scalar'} {self.dtype} on {self.device}"
        made = f", made by <b>{html.escape(self.node.name)}</b>" if self.node and not self.is_leaf else ""
        text = html.escape(np.array2string(self.numpy(), separator=", ", threshold=200))
        return f"<div><small>tensor {facts}{made}</small><pre>{text}</pre></div>"

    # -- gradients -------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not self.is_leaf:
            if not wanted:
                raise RuntimeError("only a leaf can stop requiring grad; use y = x.detach()")
        elif not wanted:
            self.node = None
        elif self.node is None:
            if not dtypes.is_floating(self.dtype):
                raise TypeError(f"a {self.dtype} tensor has no gradient; "
                                "make it float: te.tensor(..., dtype='float32')")
            self.node = leaf(self.shape, self.dtype)

    def requires_grad_(self, wanted: bool = True) -> Tensor:
        self.requires_grad = wanted
        return self

    @property
    def grad(self) -> Tensor | None:
        """The gradient gathered by backward(), of this tensor's shape and dtype; None before."""
        node = self.node
        if node is not None and node.grad is None and node.hooks is None and not self.is_leaf:
            warnings.warn(not_kept(node.name), stacklevel=2)
        return None if node is None else node.grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and (not isinstance(value, Tensor) or value.shape != self.shape):
            raise ShapeError(f"grad must be None or a tensor of shape {self.shape}, not {value!r:.80}")
        if value is not None and value.storage.backend is not self.storage.backend:
            raise DeviceError(f"grad lies on {value.device}, this tensor on {self.device} (at "
                              f"{user_line()}); assign grad.to({self.device!r})")
        if self.node is None:
            if value is not None:
                raise RuntimeError("this tensor does not require grad; call requires_grad_() first")
            return
        self.node.grad = None if value is None else F.clone(value.cast(self.dtype))     # never shared

    def detach(self) -> Tensor:
        """The same memory, outside the graph."""
        return Tensor(self.storage)

    def retain_grad(self) -> Tensor:
        """Let backward() fill `grad` here too, though this is not a leaf."""
        if self.node is None:
            raise NotDifferentiableError("retain_grad() on a tensor that does not require grad")
        if not self.is_leaf:
            mine = weakref.ref(self.node)       # a node that its own hook held would be a cycle

            def keep(g: Tensor) -> None:
                node = mine()
                if node is not None:
                    node.grad = F.clone(g) if node.grad is None else node.grad + g
            self.register_hook(keep)
        return self

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHook:
        """Call `hook(grad)` when this tensor's gradient is complete; what it returns, if anything, replaces
        it."""
        if self.node is None:
            raise NotDifferentiableError("register_hook() on a tensor that does not require grad")
        if self.node.hooks is None:
            self.node.hooks = []
        self.node.hooks.append(hook)
        return RemovableHook(self.node.hooks, hook)

    def backward(self, gradient: Any = None, *, create_graph: bool = False,
                 retain_graph: bool = False) -> None:
        """Add d(self)/d(leaf), times `gradient`, to every leaf's `grad`.

        gradient      the incoming gradient, of this tensor's shape; 1 by default, for a single number only
        create_graph  record the gradients too, so that they can be differentiated
        retain_graph  keep what the graph saved, for another backward through it
        """
        seed = F.seed_for(self, gradient)
        grads = _backprop.backprop(self, seed, create_graph=create_graph, retain_graph=retain_graph)
        for node, g in grads.items():
            _backprop.accumulate(node, g, create_graph)

    # -- in place: only outside the graph --------------------------------------------------------------------

    def copy_(self, other: Any) -> Tensor:
        """Overwrite with `other`, which must broadcast to this shape; whole numbers cut floats off."""
        return copy_over(self, other)

    def fill_(self, value: float) -> Tensor:
        return self.copy_(value)

    def zero_(self) -> Tensor:
        return self.copy_(0)

    def add_(self, other: Any, *, alpha: float = 1.0) -> Tensor:
        """self += alpha * other, in place."""
        other = np.asarray(other) if isinstance(other, (list, tuple)) else other
        return update(self, "add_", _e.add, np.add, other * alpha if alpha != 1.0 else other)

    def mul_(self, other: Any) -> Tensor:
        return update(self, "mul_", _e.mul, np.multiply, other)

    def __setitem__(self, key: Any, value: Any) -> None:
        if isinstance(value, Tensor) and value.requires_grad and current.get().grad:
            raise RuntimeError(f"x[key] = value would lose value's gradient (at {user_line()}); "
                               "use te.where or te.concat, or value.detach()")
        overwrite_part(self, key, value)

    # -- what the engine asks for ----------------------------------------------------------------------------

    def sum_to(self, shape: Shape) -> Tensor:
        """The adjoint of broadcasting `shape` to this shape."""
        axes = stretched_axes(shape, self.shape)
        return self if self.shape == shape else F.reshape(_r.sum(self, axes=axes), shape)

    def cast(self, dtype: Any) -> Tensor:
        """The same numbers in another dtype; gradients pass between floats, and end at whole numbers."""
        target = dtypes.as_dtype(dtype)
        return _r.cast(self if dtypes.is_floating(target) else self.detach(), dtype=target)

    astype = cast

    def to(self, target: Any) -> Tensor:
        """Another dtype or device: `x.to("float64")`, `x.to("cuda")`. Gradients pass through both, so a leaf
        that should live there is made there: `te.tensor(data, device="cuda", requires_grad=True)`."""
        if isinstance(target, str) and registry.known(target):
            name = registry.get(target).name
            return self if name == self.device else _m.to_device(self, device=name, source=self.device)
        return self.cast(target)

    def double(self) -> Tensor: return self.cast("float64")
    def long(self) -> Tensor: return self.cast("int64")

    # -- operators -------------------------------------------------------------------------------------------

    def __add__(self, y: Any) -> Tensor: return _e.add(self, y)
    def __radd__(self, x: Any) -> Tensor: return _e.add(x, self)
    def __sub__(self, y: Any) -> Tensor: return _e.sub(self, y)
    def __rsub__(self, x: Any) -> Tensor: return _e.sub(x, self)
    def __mul__(self, y: Any) -> Tensor: return _e.mul(self, y)
    def __rmul__(self, x: Any) -> Tensor: return _e.mul(x, self)
    def __truediv__(self, y: Any) -> Tensor: return _e.div(self, y)
    def __rtruediv__(self, x: Any) -> Tensor: return _e.div(x, self)
    def __iadd__(self, y: Any) -> Tensor: return assign(self, "+=", _e.add, np.add, y)
    def __isub__(self, y: Any) -> Tensor: return assign(self, "-=", _e.sub, np.subtract, y)
    def __imul__(self, y: Any) -> Tensor: return assign(self, "*=", _e.mul, np.multiply, y)
    def __itruediv__(self, y: Any) -> Tensor: return assign(self, "/=", _e.div, np.divide, y)
    def __floordiv__(self, y: Any) -> Tensor: return _e.floor_divide(self, y)
    def __rfloordiv__(self, x: Any) -> Tensor: return _e.floor_divide(x, self)
    def __mod__(self, y: Any) -> Tensor: return _e.remainder(self, y)
    def __rmod__(self, x: Any) -> Tensor: return _e.remainder(x, self)
    def __pow__(self, y: Any) -> Tensor: return F.pow(self, y)
    def __rpow__(self, x: Any) -> Tensor: return F.pow(x, self)
    def __matmul__(self, y: Any) -> Tensor: return F.matmul(self, y)
    def __rmatmul__(self, x: Any) -> Tensor: return F.matmul(x, self)
    def __neg__(self) -> Tensor: return _e.neg(self)
    def __pos__(self) -> Tensor: return self
    def __abs__(self) -> Tensor: return _e.abs(self)
    def __eq__(self, y: Any) -> Any: return y is not None and _e.equal(self, y)
    def __ne__(self, y: Any) -> Any: return y is None or _e.not_equal(self, y)
    def __lt__(self, y: Any) -> Tensor: return _e.less(self, y)
    def __le__(self, y: Any) -> Tensor: return _e.less_equal(self, y)
    def __gt__(self, y: Any) -> Tensor: return _e.greater(self, y)
    def __ge__(self, y: Any) -> Tensor: return _e.greater_equal(self, y)
    def __and__(self, y: Any) -> Tensor: return _e.logical_and(self, y)
    def __or__(self, y: Any) -> Tensor: return _e.logical_or(self, y)
    def __xor__(self, y: Any) -> Tensor: return _e.logical_xor(self, y)
    def __invert__(self) -> Tensor: return _e.logical_not(self)
    def __getitem__(self, key: Any) -> Tensor: return F.getitem(self, key)

    @property
    def T(self) -> Tensor: return F.transpose(self)
    @property
    def mT(self) -> Tensor: return F.matrix_transpose(self)

    def sum(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        return F.sum(self, axis, keepdims=keepdims)
    def mean(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        return F.mean(self, axis, keepdims=keepdims)
    def prod(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        return F.prod(self, axis, keepdims=keepdims)
    def max(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        return F.max(self, axis, keepdims=keepdims)
    def min(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        return F.min(self, axis, keepdims=keepdims)
    def any(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        return F.any(self, axis, keepdims=keepdims)
    def all(self, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        return F.all(self, axis, keepdims=keepdims)
    def var(self, axis: Axis = None, *, correction: float = 0, keepdims: bool = False) -> Tensor:
        return F.var(self, axis, correction=correction, keepdims=keepdims)
    def std(self, axis: Axis = None, *, correction: float = 0, keepdims: bool = False) -> Tensor:
        return F.std(self, axis, correction=correction, keepdims=keepdims)
    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        return F.argmax(self, axis, keepdims=keepdims)
    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Tensor:
        return F.argmin(self, axis, keepdims=keepdims)
    def reshape(self, *shape: Any) -> Tensor: return F.reshape(self, F.spread(shape))
    def transpose(self, *axes: Any) -> Tensor: return F.transpose(self, *axes)
    def permute(self, *axes: Any) -> Tensor: return F.permute_dims(self, F.spread(axes))
    def expand(self, *shape: Any) -> Tensor: return F.expand(self, F.spread(shape))
    def squeeze(self, axis: Axis = None) -> Tensor: return F.squeeze(self, axis)
    def unsqueeze(self, axis: int) -> Tensor: return F.expand_dims(self, axis)
    def flatten(self, start: int = 0, end: int = -1) -> Tensor: return F.flatten(self, start, end)
    def clone(self) -> Tensor: return F.clone(self)
    def exp(self) -> Tensor: return F.exp(self)
    def log(self) -> Tensor: return F.log(self)
    def sqrt(self) -> Tensor: return F.sqrt(self)
    def square(self) -> Tensor: return F.square(self)
    def abs(self) -> Tensor: return F.abs(self)
    def sin(self) -> Tensor: return F.sin(self)
    def cos(self) -> Tensor: return F.cos(self)
    def tanh(self) -> Tensor: return F.tanh(self)
    def sigmoid(self) -> Tensor: return F.sigmoid(self)
    def relu(self) -> Tensor: return F.relu(self)
    def clip(self, low: Any = None, high: Any = None) -> Tensor: return F.clip(self, low, high)
    def softmax(self, axis: int = -1) -> Tensor: return F.softmax(self, axis)
    def log_softmax(self, axis: int = -1) -> Tensor: return F.log_softmax(self, axis)


Value.kind = Tensor
