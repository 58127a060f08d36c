"""Parameter and Buffer: tensors that a module finds among its attributes."""

from __future__ import annotations

from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.value import leaf
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.border import bare
from tinygrad_edu.torch.core.tensor import Tensor


def trained(value: te.Tensor, requires_grad: bool) -> te.nn.Parameter:
    """A parameter of the library over the memory of `value`; over a copy, if that is not memory of its own.

    Raises RuntimeError for integers that are to have a gradient.
    """
    if requires_grad and value.dtype.kind != "f":
        raise wrong(
            RuntimeError,
            "Parameter",
            "Only Tensors of floating point and complex dtype can require gradients",
            "pass requires_grad=False, or a tensor of floats",
        )
    array = value.storage.array
    shared = value.storage.base is None
    if isinstance(array, np.ndarray):
        shared = shared and array.flags.c_contiguous and array.flags.writeable
    if not shared:
        return te.nn.Parameter(value.detach(), requires_grad)
    made = object.__new__(te.nn.Parameter)
    te.Tensor.__init__(made, value.storage, leaf(value.shape, value.dtype) if requires_grad else None)
    return made


def around(value: te.Tensor, kind: Any = None) -> Any:
    """The face's Parameter, or a tensor of another `kind`, around one of the library's."""
    made = object.__new__(kind or Parameter)
    made._inner, made._view, made.version = value, None, 0
    return made


def of_same_kind(x: Any, value: te.Tensor) -> Any:
    """A tensor of x's class, with x's attributes, around `value`."""
    made = around(value, type(x))
    made.__dict__.update(
        {name: y for name, y in vars(x).items() if name not in ("_inner", "_view", "version")}
    )
    return made


class Parameter(Tensor):
    """A leaf that training changes: a module lists it among its parameters.

    It shares the memory of `data`. Raises TypeError for what is no tensor.
    """

    def __new__(cls, data: Any = None, requires_grad: bool = True) -> Any:
        if data is None:
            data = Tensor()
        if not isinstance(data, Tensor):
            raise wrong(
                TypeError, "Parameter", f"a Parameter is made of a Tensor, not of a {type(data).__name__}",
                "say torch.nn.Parameter(torch.tensor(...))",
            )  # fmt: skip
        return around(trained(bare(data), bool(requires_grad)), cls)

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        """Made by `__new__`."""

    def __repr__(self, *args: Any, **named: Any) -> str:  # type: ignore[override]
        return "Parameter containing:\n" + super().__repr__(*args, **named)

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        if id(self) not in memo:
            value = self.inner
            copy = te.nn.Parameter(value.detach(), value.requires_grad, device=value.device)
            memo[id(self)] = of_same_kind(self, copy)
        return memo[id(self)]

    def __reduce__(self) -> tuple[Any, ...]:
        value = self.inner
        return _parameter, (type(self), np.array(value.numpy()), value.device, value.requires_grad)


def _parameter(kind: Any, array: Any, device: str, requires_grad: bool) -> Any:
    return around(te.nn.Parameter(array, requires_grad, device=device), kind)


class Buffer(Tensor):
    """A tensor that belongs to a module's state and is not trained; `persistent` says if it is saved."""

    persistent: bool

    def __new__(cls, data: Any = None, *, persistent: bool = True) -> Any:
        if data is None:
            data = Tensor()
        made = around(bare(data).detach() if data.requires_grad else bare(data), cls)
        made.persistent = persistent
        return made

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        """Made by `__new__`."""


def is_lazy(x: Any) -> bool:
    """Whether a parameter or buffer has no shape yet."""
    return isinstance(x, (UninitializedParameter, UninitializedBuffer))


class _Uninitialized:
    """What a lazy layer's tensors are until it sees its first input."""

    def materialize(self, shape: Any, device: Any = None, dtype: Any = None) -> None:
        """Give it a shape, and numbers, which the layer draws after this."""
        from tinygrad_edu.torch.core import devices, dtypes

        kind = dtypes.numpy_of(dtypes.get_default_dtype() if dtype is None else dtype)
        value = te.zeros(tuple(shape), dtype=kind, device=devices.here(device))
        wanted = self.__dict__.pop("wanted", False)
        self._inner: Any = trained(value, True) if wanted else value
        self.__class__ = self.__class__.becomes  # type: ignore[attr-defined]


class UninitializedParameter(_Uninitialized, Parameter):
    """A parameter whose shape is known when its layer sees its first input."""

    becomes = Parameter

    def __new__(cls, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> Any:
        made = around(trained(te.zeros(0), bool(requires_grad)), cls)
        made.wanted = bool(requires_grad)
        return made

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        """Made by `__new__`."""

    def __repr__(self, *args: Any, **named: Any) -> str:  # type: ignore[override]
        return "<UninitializedParameter>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return memo.setdefault(id(self), type(self)(self.wanted))


class UninitializedBuffer(_Uninitialized, Buffer):
    """A buffer whose shape is known when its layer sees its first input."""

    becomes = Buffer

    def __new__(cls, requires_grad: bool = False, device: Any = None, dtype: Any = None,
                persistent: bool = True) -> Any:  # fmt: skip
        made = around(te.zeros(0), cls)
        made.persistent = persistent
        return made

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None,
                 persistent: bool = True) -> None:  # fmt: skip
        """Made by `__new__`."""

    def __repr__(self, *args: Any, **named: Any) -> str:  # type: ignore[override]
        return "<UninitializedBuffer>"
