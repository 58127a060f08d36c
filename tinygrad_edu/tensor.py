"""Tensor: a Value with operators. Each method calls an op or a function; the mathematics is in ops/."""

from __future__ import annotations

import functools
import html
import math
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu import functional as F
from tinygrad_edu.backend import registry
from tinygrad_edu.engine import backprop as _backprop
from tinygrad_edu.engine.access import look
from tinygrad_edu.engine.hooks import RemovableHook, add_accumulated_hook, add_hook, hooks_of
from tinygrad_edu.engine.modes import would_lose
from tinygrad_edu.engine.value import Storage, Value, leaf
from tinygrad_edu.errors import DeviceError, ShapeError, is_stored, wrong
from tinygrad_edu.functional.array_functions import meet_function
from tinygrad_edu.functional.overwrite import assign, copy_over, not_kept, overwrite_part, update
from tinygrad_edu.functional.ufuncs import meet_ufunc
from tinygrad_edu.methods import Methods
from tinygrad_edu.ops import elementwise as _e
from tinygrad_edu.ops import movement as _m
from tinygrad_edu.ops import reduce as _r
from tinygrad_edu.scalars import Count, whole
from tinygrad_edu.shapes import Shape, stretched_axes
from tinygrad_edu.words import explaining, unknown_attribute
from tinygrad_edu.words.calls import explain_methods

NumpyArray = np.ndarray[Any, Any]


def _check_bools(sign: str, *xs: Any) -> tuple[Any, ...]:
    """Return xs; TypeError unless all are bools, for which bit operations and logic agree."""
    for x in xs:
        dtype = x.dtype if hasattr(x, "dtype") else np.asarray(x).dtype
        if dtype != np.bool_:
            raise wrong(TypeError, sign, f"{sign} is for bool tensors, not {dtype}", f"compare first, as in "
                        f"(x > 0) {sign} ..., or call te.logical_and, logical_or, logical_xor or "
                        "logical_not; for bits, NumPy's operators on x.numpy()")  # fmt: skip
    return xs


class Tensor(Value, Methods):
    """An n-dimensional array with the graph of its computation. Make one with `te.tensor(data)`.

    `x.backward()` fills `grad` of every tensor made with `requires_grad=True` that x depends on.
    """

    __slots__ = ()
    __hash__ = object.__hash__

    def __init__(self, storage: Storage, node: Any = None) -> None:
        if not isinstance(storage, Storage):
            raise wrong(TypeError, "Tensor", "Tensor(...) wraps memory",
                        "make tensors with te.tensor(data), te.zeros(shape), ...")  # fmt: skip
        self.storage, self.node = storage, node

    if not TYPE_CHECKING:  # else a type checker would accept every misspelt name

        def __getattr__(self, name: str) -> Any:
            raise unknown_attribute(self, name)

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
        return Count(math.prod(self.shape))

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded op made this tensor."""
        return self.node is None or (self.node.op is None and bool(self.node.metas))

    def __len__(self) -> int:
        if not self.shape:
            raise wrong(TypeError, "len", "len() of a 0-d tensor", "a single number is x.item()")
        return self.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.shape:
            raise wrong(TypeError, "iter", "iteration over a 0-d tensor", "a single number is x.item()")
        return (self[i] for i in range(len(self)))

    def __reduce__(self) -> tuple[Any, ...]:
        """The parts that copy and pickle keep: memory, device and `requires_grad`, but no graph."""
        if self.node is not None and not self.is_leaf:
            raise wrong(TypeError, "copy", f"a tensor that {self.node.name} made carries its graph and "
                        "cannot be copied or pickled", "say x.detach() first", inputs=(self,))  # fmt: skip
        make = functools.partial(F.tensor, device=self.device, requires_grad=self.requires_grad)
        return make, (np.array(self.numpy()),)

    # -- out of the graph ------------------------------------------------------------------------------------

    def numpy(self, *, force: bool = False) -> NumpyArray:
        """The numbers, read-only, in an array that shares memory on the cpu; a `.copy()` may be written.
        Of a tensor with a graph or on a device, too, as with `force=True` in PyTorch."""
        return look(self.storage, "numpy")

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        """`ndarray * tensor` is the tensor's operator, and keeps the graph; other ufuncs raise TypeError."""
        return meet_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, options: Any) -> Any:
        """`np.sum(tensor)` is `te.sum`, and so on for each function that the library has."""
        return meet_function(function, args, options)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NumpyArray:
        if would_lose(self):
            raise wrong(TypeError, "np.asarray", "np.asarray of a tensor that requires grad would lose its "
                        "graph", "say x.detach() or x.numpy(), or use te's own function")  # fmt: skip
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def item(self) -> Any:
        """The number in a tensor of one element."""
        return self._one("item")

    def _one(self, name: str) -> Any:
        if self.size != 1:
            raise wrong(ValueError, "item", f"item() needs one element, not {self.shape}", "use tolist()")
        return look(self.storage, name).item()

    def tolist(self) -> Any:
        return look(self.storage, "tolist").tolist()

    def _number(self) -> Any:
        """The one element. TypeError if an array asks for it to store it, as in `b[0] = x`."""
        if would_lose(self) and is_stored(sys._getframe(2)):
            raise wrong(TypeError, "", "an array was to keep the number of a tensor that requires grad, and "
                        "its gradient would be lost", "say x.item() if the number is wanted, or build a "
                        "tensor, as te.stack does", inputs=(self,))  # fmt: skip
        return self._one("number")

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise wrong(TypeError, "", f"a {self.dtype} tensor is not an index", "convert it with int(x)")
        return int(self.item())

    def __round__(self, digits: int | None = None) -> Any:
        return round(self.item() if digits is not None else whole(self.item(), "round"), digits)

    def __format__(self, spec: str) -> str:
        if spec and self.size != 1:
            raise wrong(TypeError, "format", f"{spec!r} formats one number, this tensor has shape "
                        f"{self.shape}", "take one, or .tolist()")  # fmt: skip
        return format(self.item(), spec) if spec else str(self)

    def __bool__(self) -> bool:
        if self.size != 1:
            raise wrong(ValueError, "bool", f"the truth of a tensor of shape {self.shape} is ambiguous",
                        "use .any() or .all()")  # fmt: skip
        return bool(look(self.storage, "if").item())

    def __repr__(self) -> str:
        where = f", device={self.device!r}" if self.device != "cpu" else ""
        text = np.array2string(look(self.storage, "print"), separator=", ", prefix="tensor(", threshold=200)
        kind = "" if self.dtype in (dtypes.float32, dtypes.int64, dtypes.bool_) else f", dtype={self.dtype}"
        made = (", requires_grad=True" if self.is_leaf else f", op={self.node.name}") if self.node else ""
        return f"tensor({text}{kind}{where}{made})"

    def _repr_html_(self) -> str:
        facts = f"{'×'.join(map(str, self.shape)) or 'scalar'} {self.dtype} on {self.device}"
        made = f", made by <b>{html.escape(self.node.name)}</b>" if self.node and not self.is_leaf else ""
        text = html.escape(np.array2string(look(self.storage, "print"), separator=", ", threshold=200))
        return f"<div><small>tensor {facts}{made}</small><pre>{text}</pre></div>"

    # -- gradients -------------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        return self.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not self.is_leaf:
            if not wanted:
                raise wrong(RuntimeError, None, "only a leaf can stop requiring grad", "use y = x.detach()")
        elif not wanted:
            if self.node is not None:
                self.frozen, self.node = (self.storage, self.node), None
        elif self.node is None:
            if not dtypes.is_floating(self.dtype):
                raise wrong(TypeError, None, f"a {self.dtype} tensor has no gradient",
                            "make it float: te.tensor(..., dtype='float32')")  # fmt: skip
            # graphs that were recorded before the freeze lead to the old leaf
            memory, node = getattr(self, "frozen", (None, None))
            self.node = node if memory is self.storage else leaf(self.shape, self.dtype)

    def requires_grad_(self, wanted: bool = True) -> Tensor:
        self.requires_grad = wanted
        return self

    @property
    def grad(self) -> Tensor | None:
        """The gradient that backward() computed, with this tensor's shape and dtype; None before."""
        node = self.node
        retained = node is not None and node.hooks is not None and node.hooks.retained
        if node is not None and node.grad is None and not self.is_leaf and not retained:
            warnings.warn(not_kept(node.name), stacklevel=2)
        return None if node is None else node.grad

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and (not isinstance(value, Tensor) or value.shape != self.shape):
            kind = f"{value.shape}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
            raise wrong(ShapeError, "grad", f"grad must be None or of shape {self.shape}, not {kind}",
                        "" if isinstance(value, Tensor) else "assign te.tensor(...)")  # fmt: skip
        if value is not None and value.storage.backend is not self.storage.backend:
            raise wrong(DeviceError, "grad", f"grad lies on {value.device}, this tensor on {self.device}",
                        f"assign grad.to({self.device!r})")  # fmt: skip
        if self.node is not None:
            self.node.grad = None if value is None else F.clone(value.cast(self.dtype))  # never shared
        elif value is not None:
            raise wrong(RuntimeError, "grad", "this tensor does not require grad",
                        "call requires_grad_() first")  # fmt: skip
        elif hasattr(self, "frozen"):
            self.frozen[1].grad = None

    def detach(self) -> Tensor:
        """The same memory, outside the graph."""
        return Tensor(self.storage)

    def retain_grad(self) -> Tensor:
        """Let backward() set `grad` although this is not a leaf, to the gradient after all hooks."""
        hooks_of(self.node, "retain_grad").retained = not self.is_leaf  # a leaf always gets it
        return self

    def register_hook(self, hook: Callable[[Tensor], Tensor | None]) -> RemovableHook:
        """Call `hook(grad)` when this tensor's gradient is complete; a result that is not None replaces it,
        in the gradient's dtype. `grad` is a copy; if the hook changes it in place, the copy replaces it."""
        return add_hook(self.node, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Tensor], None]) -> RemovableHook:
        """Call `hook(self)` in each backward(), as soon as the `grad` of this leaf is complete."""
        return add_accumulated_hook(self, hook)

    @functools.partial(explaining, title="backward")
    def backward(self, gradient: Any = None, *, create_graph: bool = False,
                 retain_graph: bool = False) -> None:  # fmt: skip
        """Add d(self)/d(leaf), times `gradient`, to every leaf's `grad`.

        gradient      the incoming gradient, of this tensor's shape; 1 by default, for a single number only
        create_graph  record the gradients too, so that they can be differentiated
        retain_graph  keep what the graph saved, for another backward through it
        """
        _backprop.backward(self, F.seed_for(self, gradient), create_graph, retain_graph)

    # -- in place: only outside the graph --------------------------------------------------------------------

    def copy_(self, other: Any) -> Tensor:
        """Overwrite with `other`, which must broadcast to this shape; integer tensors truncate floats."""
        return copy_over(self, other)

    def fill_(self, value: float) -> Tensor:
        return self.copy_(value)

    def zero_(self) -> Tensor:
        return self.copy_(0)

    def add_(self, other: Any, *, alpha: Any = 1.0) -> Tensor:
        """self += alpha * other, in place."""
        if isinstance(alpha, Tensor) or alpha != 1.0:
            other = (F.as_tensor(other, self) if isinstance(other, (list, tuple)) else other) * alpha
        return update(self, "add_", _e.add, other)

    def mul_(self, other: Any) -> Tensor:
        return update(self, "mul_", _e.mul, other)

    def __setitem__(self, key: Any, value: Any) -> None:
        overwrite_part(self, key, value)

    # -- what the engine needs -----------------------------------------------------------------------------

    def sum_to(self, shape: Shape) -> Tensor:
        """The adjoint of broadcasting `shape` to this shape."""
        axes = stretched_axes(shape, self.shape)
        return self if self.shape == shape else F.reshape(_r.sum(self, axes=axes), shape)

    def cast(self, dtype: Any) -> Tensor:
        """The same numbers in another dtype; gradients pass between floats, and stop at integers."""
        target = dtypes.as_dtype(dtype)
        return _e.cast(self if dtypes.is_floating(target) else self.detach(), dtype=target)

    astype = cast

    @functools.partial(explaining, title="to")
    def to(self, target: Any = None, *, device: Any = None, dtype: Any = None) -> Tensor:
        """Another dtype or device: `x.to("float64")`, `x.to("cuda")`. Gradients pass through both; to make a
        leaf on a device, create it there: `te.tensor(data, device="cuda", requires_grad=True)`."""
        if device is not None or dtype is not None:
            places = [one for one in (target, device, dtype) if one is not None]
            return functools.reduce(Tensor.to, places, self)
        if isinstance(target, str) and registry.known(target):
            name = registry.get(target).name
            return self if name == self.device else _m.to_device(self, device=name, source=self.device)
        return self.cast(registry.dtype_of(target))

    # fmt: off
    def __float__(self) -> float: return float(self._number())
    def __int__(self) -> int: return int(whole(self._number(), "int"))

    # -- operators -------------------------------------------------------------------------------------------

    def __add__(self, y: Any) -> Tensor: return _e.add(self, y)
    def __radd__(self, x: Any) -> Tensor: return _e.add(x, self)
    def __sub__(self, y: Any) -> Tensor: return _e.sub(self, y)
    def __rsub__(self, x: Any) -> Tensor: return _e.sub(x, self)
    def __mul__(self, y: Any) -> Tensor: return _e.mul(self, y)
    def __rmul__(self, x: Any) -> Tensor: return _e.mul(x, self)
    def __truediv__(self, y: Any) -> Tensor: return _e.div(self, y)
    def __rtruediv__(self, x: Any) -> Tensor: return _e.div(x, self)
    def __iadd__(self, y: Any) -> Tensor: return assign(self, "+=", _e.add, y)
    def __isub__(self, y: Any) -> Tensor: return assign(self, "-=", _e.sub, y)
    def __imul__(self, y: Any) -> Tensor: return assign(self, "*=", _e.mul, y)
    def __itruediv__(self, y: Any) -> Tensor: return assign(self, "/=", _e.div, y)
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
    def __and__(self, y: Any) -> Tensor: return _e.logical_and(*_check_bools("&", self, y))
    def __or__(self, y: Any) -> Tensor: return _e.logical_or(*_check_bools("|", self, y))
    def __xor__(self, y: Any) -> Tensor: return _e.logical_xor(*_check_bools("^", self, y))
    def __invert__(self) -> Tensor: return _e.logical_not(*_check_bools("~", self))
    def __getitem__(self, key: Any) -> Tensor: return F.getitem(self, key)

    @property
    def T(self) -> Tensor: return F.transpose(self)
    @property
    def mT(self) -> Tensor: return F.matrix_transpose(self)

    # functions of a tensor and an axis are methods without a wrapper
    sum, mean, prod, max, min = F.sum, F.mean, F.prod, F.max, F.min
    any, all, var, std = F.any, F.all, F.var, F.std
    argmax, argmin, squeeze, unsqueeze = F.argmax, F.argmin, F.squeeze, F.expand_dims
    softmax, log_softmax = F.softmax, F.log_softmax
    exp, log, sqrt, square, abs = F.exp, F.log, F.sqrt, F.square, F.abs
    sin, cos, tanh, sigmoid, relu = F.sin, F.cos, F.tanh, F.sigmoid, F.relu

    def reshape(self, *shape: Any) -> Tensor: return F.reshape(self, F.spread(shape))
    def transpose(self, *axes: Any) -> Tensor: return F.transpose(self, *axes)
    def permute(self, *axes: Any) -> Tensor: return F.permute_dims(self, F.spread(axes))
    def expand(self, *shape: Any) -> Tensor: return F.expand(self, F.spread(shape))
    @functools.partial(explaining, title="flatten")
    def flatten(self, start: int = 0, end: int = -1) -> Tensor: return F.flatten(self, start, end)
    def clone(self) -> Tensor: return F.clone(self)
    def clip(self, low: Any = None, high: Any = None) -> Tensor: return F.clip(self, low, high)
    # fmt: on


explain_methods(Tensor, but=("detach", "numpy", "tolist", "cast", "sum_to"))
Value.kind = Tensor
Value.plus = _e.add
