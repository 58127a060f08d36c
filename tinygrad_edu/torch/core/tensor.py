"""Tensor: PyTorch's, around one of the library's. What it is, its memory, its gradient.

The functions that it has as methods are bound by torch/methods.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.value import Storage, Value, leaf
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import wrap
from tinygrad_edu.torch.core import border, devices, dtypes, graph, keys, printing, views
from tinygrad_edu.torch.core.border import bare, faced, torch_error, wrapped
from tinygrad_edu.torch.core.described import Described
from tinygrad_edu.torch.core.making import made_of
from tinygrad_edu.torch.core.storages import callable_storage, uncounted
from tinygrad_edu.torch.core.words import unknown_method

Inner = te.Tensor
_numbers = (int, float, bool)


class Tensor(Described):
    """An n-dimensional array with PyTorch's methods, and the graph of its computation.

    `inner` is the library's tensor that it stands for. `torch.Tensor(2, 3)` makes one of a shape, of any
    numbers, `torch.Tensor([1, 2])` one of float32 numbers; `torch.tensor(data)` keeps the kind of its data.
    """

    _inner: Inner
    _view: views.View | None = None
    version: int = 0  # how often it was computed anew by a change in place within the graph
    gradient_of: Any = None  # the node that it is the gradient of, which a change in place changes, too
    _grad: Tensor | None = None  # its gradient as it was last asked for, so that x.grad is x.grad
    __hash__ = object.__hash__
    __array_priority__ = 1000

    def __new__(cls, *data: Any, device: Any = None, **named: Any) -> Any:
        made = object.__new__(cls)
        kind = dtypes.numpy_of(dtypes.get_default_dtype())
        made._inner, made._view, made.version = made_of(data, kind, devices.here(device)), None, 0
        return made

    def __init__(self, *data: Any, **named: Any) -> None:
        """Made by `__new__`."""

    # -- the tensor it stands for ----------------------------------------------------------------------------

    @property
    def inner(self) -> Inner:
        """The library's tensor: the same memory, the same node of the graph."""
        return self._inner if self._view is None else views.refreshed(self)

    @property
    def storage(self) -> Any:  # type: ignore[override]
        """The memory of `inner`, which the engine asks for; `x.storage()` is its numbers in a row."""
        return callable_storage(self.inner.storage)

    @property
    def node(self) -> Any:  # type: ignore[override]
        return self.inner.node

    def __getattr__(self, name: str) -> Any:
        if name in _OWN:
            raise AttributeError(name)
        if hasattr(type(self), name):  # a property: raise its own AttributeError again
            return object.__getattribute__(self, name)
        raise unknown_method(self, name)

    # -- its rows --------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        if not self.inner.shape:
            raise wrong(TypeError, "len", "len() of a 0-d tensor", "a single number is x.item()")
        return self.inner.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.inner.shape:
            raise wrong(TypeError, "iter", "iteration over a 0-d tensor", "a single number is x.item()")
        return (self[i] for i in range(len(self)))

    # -- its numbers -----------------------------------------------------------------------------------------

    def item(self) -> Any:
        """The number in a tensor of one element."""
        if self.numel() != 1:
            raise wrong(RuntimeError, "item", f"a Tensor with {self.numel()} elements cannot be converted to "
                        "Scalar", "use tolist()")  # fmt: skip
        return self.inner.item()

    def tolist(self) -> Any:
        return self.inner.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray[Any, Any]:
        """The numbers in an array that shares memory; RuntimeError for one that requires grad.

        What is written into the array is seen here, but not into that of a `detach()`ed tensor of a graph,
        which is read-only: the graph's gradients would be silently wrong.
        """
        value = self.inner
        if force:
            return value.detach().to("cpu").numpy()
        if value.node is not None:
            raise wrong(RuntimeError, "numpy", "Can't call numpy() on Tensor that requires grad.",
                        "Use tensor.detach().numpy() instead.")  # fmt: skip
        if value.device != "cpu":
            raise wrong(TypeError, "numpy", f"can't convert {self.device} device type tensor to numpy.",
                        "Use Tensor.cpu() to copy the tensor to host memory first.")  # fmt: skip
        seen = value.numpy()
        root = self if self._view is None else self._view.root
        memory = value.storage.array
        if root.inner.node is not None or not memory.flags.writeable:
            return seen
        shared: np.ndarray[Any, Any] = memory.view()
        return shared

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        return np.array(self.numpy(), dtype=dtype, copy=copy)

    def __array_wrap__(self, array: Any, context: Any = None, return_scalar: bool = False) -> Any:
        return faced(te.tensor(array))

    def __dlpack__(self, **how: Any) -> Any:
        return self.inner.__dlpack__(**how)

    def __dlpack_device__(self) -> tuple[int, int]:
        return self.inner.__dlpack_device__()

    def _number(self, kind: str) -> Any:
        if self.numel() != 1:
            raise wrong(RuntimeError, kind, f"a Tensor with {self.numel()} elements cannot be converted to "
                        "Scalar")  # fmt: skip
        return self.inner.item()

    def __float__(self) -> float:
        return float(self._number("float"))

    def __int__(self) -> int:
        return int(self._number("int"))

    def __complex__(self) -> complex:
        return complex(self._number("complex"))

    def __index__(self) -> int:
        if self.inner.dtype.kind == "f" or self.numel() != 1:
            raise wrong(TypeError, "index", "only integer tensors of a single element can be converted to an "
                        "index")  # fmt: skip
        return int(self.inner.item())

    def __bool__(self) -> bool:
        if self.numel() != 1:
            said = "no values" if not self.numel() else "more than one value"
            raise wrong(RuntimeError, "bool", f"Boolean value of Tensor with {said} is ambiguous",
                        "use .any() or .all()")  # fmt: skip
        return bool(self.inner)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if not self.inner.shape else object.__format__(self, spec)

    def __round__(self, digits: int = 0) -> Any:
        return self.round(decimals=digits)

    def __repr__(self, *, tensor_contents: Any = None) -> str:
        return printing.text_of(self, tensor_contents)

    def __contains__(self, x: Any) -> bool:
        return bool((self == x).any())

    def __reduce__(self) -> tuple[Any, ...]:
        if not self.is_leaf:
            raise wrong(RuntimeError, "copy", "Only Tensors created explicitly by the user (graph leaves) "
                        "support the deepcopy protocol at the moment.", "copy x.detach()")  # fmt: skip
        value = self.inner
        return _rebuilt, (type(self), np.array(value.numpy()), value.device, value.requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) in memo:
            return memo[id(self)]
        make, given = self.__reduce__()
        made = make(*given)
        grad = self.grad
        if grad is not None:
            made.grad = grad.clone()
        made.__dict__.update({k: v for k, v in vars(self).items() if k not in _OWN})
        memo[id(self)] = made
        return made

    # -- its gradient ----------------------------------------------------------------------------------------

    @property
    def requires_grad(self) -> bool:
        return self.inner.node is not None

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        value = self.inner
        if wanted and value.dtype.kind != "f":
            raise wrong(RuntimeError, "requires_grad", "only Tensors of floating point and complex dtype can "
                        "require gradients")  # fmt: skip
        if not wanted and value.node is not None and not value.is_leaf:
            raise wrong(RuntimeError, "requires_grad", "you can only change requires_grad flags of leaf "
                        "variables.", "take x.detach()")  # fmt: skip
        value.requires_grad = bool(wanted)

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        self.requires_grad = requires_grad
        return self

    @property
    def grad(self) -> Tensor | None:
        node = self.inner.node
        if node is None:
            frozen = getattr(self.inner, "frozen", None)
            node = frozen[1] if frozen is not None and frozen[0] is self.inner.storage else None
        found = None if node is None else node.grad
        if found is None:
            return None
        kept = self._grad
        if kept is None or kept._inner is not found:
            kept = self._grad = faced(found)
            kept.gradient_of = node
        return kept

    @grad.setter
    def grad(self, value: Tensor | None) -> None:
        if value is not None and not isinstance(value, Value):
            raise wrong(TypeError, "grad", f"expected a Tensor or None, not {type(value).__name__}")
        try:
            inner = self.inner
            if value is not None and inner.node is None and inner.dtype.kind == "f":
                inner.requires_grad = True  # a gradient may be kept for a tensor that needs none
                inner.grad = bare(value)
                inner.requires_grad = False
            else:
                if value is None:
                    inner.grad = None
                else:
                    self._share_grad(value)
        except Exception as error:
            raise torch_error(error) from None

    @grad.deleter
    def grad(self) -> None:
        self.inner.grad = None

    def _share_grad(self, value: Any) -> None:
        """Let the gradient be `value` itself, whose later changes it sees, where it can be written into."""
        given, node = bare(value), self.inner.node
        self.inner.grad = given
        if given.dtype != self.inner.dtype:
            raise wrong(RuntimeError, "grad", f"a gradient of dtype {given.dtype} was assigned to a "
                        f"tensor with dtype {self.inner.dtype}", "assign grad.to(x.dtype)")  # fmt: skip
        if node is not None and given.storage.backend.writable(given.storage.array):
            node.grad = given
            if isinstance(value, Tensor) and value._view is None:
                self._grad, value.gradient_of = value, node

    @property
    def grad_fn(self) -> Any:
        """What made it, None for a leaf."""
        return graph.function_of(self.inner)

    @property
    def _version(self) -> int:
        return int(self.inner.storage.writes.count) + self.version

    output_nr = 0

    @property
    def data(self) -> Tensor:
        """The same memory, outside the graph; a change through it is not counted as one of this tensor."""
        made = faced(uncounted(self.inner))
        made._view = views.View(self, uncounted, None)
        return made

    @data.setter
    def data(self, other: Any) -> None:
        new = bare(other)
        if not isinstance(new, Inner):
            raise wrong(TypeError, "data", f"a tensor was expected, not {type(other).__name__}")
        inner = self.inner
        node = inner.node
        if node is not None and (new.shape, new.dtype) != (inner.shape, inner.dtype):
            inner.node = leaf(new.shape, new.dtype)
        inner.storage = new.storage if new.storage.base is None else Storage(
            new.storage.array, new.storage.backend, new.storage.base)  # fmt: skip

    def detach(self) -> Tensor:
        """The same memory, outside the graph."""
        made = views.view(self, Inner.detach, None)
        return made

    def detach_(self) -> Tensor:
        inner = self.inner.detach()
        if self.gradient_of is not None and self.gradient_of.grad is self._inner:
            self.gradient_of.grad = inner
        self._inner, self._view = inner, None
        return self

    def backward(self, gradient: Any = None, retain_graph: bool | None = None, create_graph: bool = False,
                 inputs: Any = None) -> None:  # fmt: skip
        """Add d(self)/d(leaf), times `gradient`, to the `grad` of every leaf, or of `inputs` only."""
        graph.backward([self.inner], [bare(gradient)], retain_graph, create_graph, inputs)

    def retain_grad(self) -> None:
        if self.inner.node is None:
            raise wrong(RuntimeError, "retain_grad", "can't retain_grad on Tensor that has "
                        "requires_grad=False")  # fmt: skip
        self.inner.retain_grad()

    retains_grad = property(
        lambda self: self.node is not None and self.node.hooks is not None and self.node.hooks.retained
    )

    def register_hook(self, hook: Callable[..., Any]) -> Any:
        """Call `hook(grad)` when this tensor's gradient is complete; what it returns, if any, replaces it."""
        if self.inner.node is None:
            raise wrong(RuntimeError, "register_hook", "cannot register a hook on a tensor that doesn't "
                        "require gradient")  # fmt: skip
        return self.inner.register_hook(lambda grad: bare(hook(faced(grad))))

    def register_post_accumulate_grad_hook(self, hook: Callable[..., Any]) -> Any:
        return self.inner.register_post_accumulate_grad_hook(lambda _: hook(self))

    # -- places ----------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Tensor:
        try:
            if type(key) is int and self.inner.shape:  # a row, the most common of all keys
                return keys.part(self, (key,))
            return keys.get(self, key)
        except Exception as error:
            raise torch_error(error) from None

    def __setitem__(self, key: Any, value: Any) -> None:
        try:
            keys.put(self, key, value)
        except Exception as error:
            raise torch_error(error) from None

    def __dir__(self) -> list[str]:
        return sorted(n for n in object.__dir__(self) if n not in ("inner", "node", "version", "gradient_of"))


_OWN = ("_inner", "_view", "version", "gradient_of", "_grad")
border._kind.append(Tensor)


def _rebuilt(kind: Any, array: Any, device: str, requires_grad: bool) -> Any:
    made = object.__new__(kind)
    made._inner, made._view, made.version = wrap(array, requires_grad, device), None, 0
    return made


__all__ = ["Tensor", "wrapped"]
