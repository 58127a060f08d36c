"""Layer: a built-in layer of the face, around the library's layer that computes.

The face's layer has the registers; the library's has the mathematics. Before the library's layer is used, it
is given what the registers hold at that time: the very tensors that are inside the face's parameters and
buffers. So weights that are tied, replaced, computed by a parametrization or loaded are those that compute:
the two never differ.
"""

from __future__ import annotations

import copy
from typing import Any, ClassVar

import tinygrad_edu as te
from tinygrad_edu.nn.module import Module as InnerModule
from tinygrad_edu.torch.core import devices, dtypes
from tinygrad_edu.torch.core.border import bare, faced, torch_error, wrapped
from tinygrad_edu.torch.core.quiet import IGNORED, resume, silence
from tinygrad_edu.torch.nn.module import Module
from tinygrad_edu.torch.nn.parameter import around


def placed(device: Any, dtype: Any) -> dict[str, Any]:
    """The options `device` and `dtype` of a layer of the library."""
    kind = dtypes.get_default_dtype() if dtype is None else dtype
    return {"device": devices.here(device), "dtype": dtypes.numpy_of(kind)}


class Layer(Module):
    """A layer around one of the library's, `inner`.

    tensors  the names of its parameters and buffers, in PyTorch's order: those of the library's layer
    options  its attributes that the library's layer reads when it computes, by the same names
    """

    tensors: ClassVar[tuple[str, ...]] = ("weight", "bias")
    options: ClassVar[tuple[str, ...]] = ()
    _inner: Any

    def __init__(self, inner: InnerModule) -> None:
        super().__init__()
        own, kept = vars(inner), inner._buffers
        for name in self.tensors:
            value = own.get(name)
            if name in kept:
                tensor = None if value is None else faced(value)
                self.register_buffer(name, tensor, kept[name])
            else:
                self.register_parameter(name, None if value is None else around(value))
        for name, value in own.items():
            if (
                name not in self.tensors
                and not name.startswith("_")
                and name not in ("training", "generator")
            ):
                object.__setattr__(self, name, value)
        object.__setattr__(self, "_inner", inner)

    @property
    def inner(self) -> Any:
        """The library's layer, with the tensors and the options that this layer has now."""
        inner = self.__dict__["_inner"]
        own, registered = inner.__dict__, self._parameters
        for name in self.tensors:
            x: Any = registered.get(name)
            if x is None:  # a buffer, or a parameter that a parametrization computes, or none
                x = getattr(self, name, None)
            own[name] = None if x is None else x.inner
        for name in self.options:
            own[name] = getattr(self, name)
        own["training"] = self.training
        return inner

    def run(self, *args: Any, **named: Any) -> Any:
        """What the library's layer computes, of the face's tensors."""
        token = silence(IGNORED)
        try:
            if named:
                named = {name: bare(x) for name, x in named.items()}
            out = self.compute(self.inner, *map(bare, args), **named)
        except Exception as error:
            changed = torch_error(error)
            if changed is error:
                raise
            raise changed from None
        finally:
            resume(token)
        return faced(out) if type(out) is te.Tensor else wrapped(out)

    def compute(self, inner: Any, *args: Any, **named: Any) -> Any:
        """What `inner` computes, of the library's tensors."""
        return inner.forward(*args, **named)

    forward: Any = run

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        inner = copy.copy(self.__dict__["_inner"])
        for name in self.tensors:  # they are in the registers
            inner.__dict__[name] = None
        state["_inner"] = inner
        return state
