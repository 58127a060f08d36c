"""Module: a model is a plain object, and its parameters are those found among its attributes.

Nothing is registered behind the scenes. `vars(module)` is the register: walking it in the order of assignment
finds Parameters, Modules and the lists, tuples and dicts that hold them, so that reading an attribute costs
no more than in any other object. Names are PyTorch's (`0.weight`, `layers.2.bias`), so that its checkpoints
fit.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import registry
from tinygrad_edu.errors import user_line
from tinygrad_edu.nn import state as _state
from tinygrad_edu.nn.parameter import Parameter, move
from tinygrad_edu.tensor import NumpyArray, RemovableHook, Tensor

if TYPE_CHECKING:
    from tinygrad_edu.nn.summary import Summary

ForwardHook = Callable[[Any, tuple[Any, ...], Any], Any]


class Module:
    """The base of layers and models: assign Parameters and Modules in `__init__`, compute in `forward`.

    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = nn.Parameter([1.0]), nn.Parameter([0.0])
    ...     def forward(self, x):
    ...         return x * self.slope + self.offset
    """
    training: bool = True
    _hooks: tuple[ForwardHook, ...] | list[Any] = ()
    _buffers: Mapping[str, bool] = {}           # name -> whether it belongs to state_dict

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward(); define def forward(self, x): ...")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = self.forward(*args, **kwargs)
        for hook in tuple(self._hooks):
            answer = hook(self, args, out)
            out = out if answer is None else answer
        return out

    def register_forward_hook(self, hook: ForwardHook) -> RemovableHook:
        """Call `hook(module, inputs, output)` after each forward; what it returns, if any, is the output."""
        if not isinstance(self._hooks, list):
            self._hooks = []
        self._hooks.append(hook)
        return RemovableHook(self._hooks, hook)  # type: ignore[arg-type]

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Tensor) and not isinstance(value, Parameter) \
                and isinstance(vars(self).get(name), Parameter):
            raise TypeError(f"{type(self).__name__}.{name} is a Parameter (at {user_line()}); a plain tensor "
                            "in its "
                            "place would not be trained: assign nn.Parameter(...), or write into it with "
                            "copy_()")
        object.__setattr__(self, name, value)

    # -- what is in it ---------------------------------------------------------------------------------------

    def _members(self) -> Iterator[tuple[str, Any]]:
        """Attributes by name, the items of lists, tuples and dicts as `attribute.key`."""
        for name, value in vars(self).items():
            if name not in ("_hooks", "_buffers"):
                yield from _items(name, value)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside, each once."""
        seen: set[int] = set()
        for name, value in self._members():
            if isinstance(value, Module) and id(value) not in seen:
                seen.add(id(value))
                yield name, value

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def _walk(self, prefix: str = "", path: tuple[int, ...] = ()) -> Iterator[tuple[str, Module]]:
        """Every module by every name it has, itself first; a module inside itself is not entered twice."""
        yield prefix, self
        path = (*path, id(self))
        for name, value in self._members():
            if isinstance(value, Module) and id(value) not in path:
                yield from value._walk(f"{prefix}.{name}" if prefix else name, path)

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module (as "") and all below it, each once, in order."""
        seen: set[int] = set()
        for name, module in self._walk():
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def _named_tensors(self, saved_only: bool = False) -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers by every name they have, a module's parameters before its buffers."""
        for prefix, module in self._walk():
            dot = f"{prefix}." if prefix else ""
            for name, value in module._members():
                if isinstance(value, Parameter):
                    yield dot + name, value
            for name, saved in module._buffers.items():
                buffer = getattr(module, name, None)
                if buffer is not None and (saved or not saved_only):
                    yield dot + name, buffer

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its first name; a shared one comes once."""
        return ((name, t) for name, t in _once(self._named_tensors()) if isinstance(t, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters())

    def register_buffer(self, name: str, value: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that belongs to the model but is not learned; saved with it, if `persistent`."""
        if (value is not None and not isinstance(value, Tensor)) or isinstance(value, Parameter):
            raise TypeError(f"register_buffer({name!r}): a buffer is a tensor or None, not a "
                            f"{type(value).__name__}")
        self._buffers = {**self._buffers, name: persistent}
        setattr(self, name, value)

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, t) for name, t in _once(self._named_tensors()) if not isinstance(t, Parameter))

    def buffers(self) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers())

    # -- its state -------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, NumpyArray]:
        """Parameters and buffers by name, as NumPy copies; a shared one under each of its names."""
        return {name: np.array(t.numpy(), order="C") for name, t in self._named_tensors(saved_only=True)}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> _state.Keys:
        """Overwrite parameters and buffers with `state` (arrays or tensors by name), in the dtypes they have.

        Raises ValueError that lists every missing, unexpected and wrong-shaped key, and then nothing changed;
        `strict=False` tolerates missing and unexpected keys and returns them.
        """
        writes, keys = self._plan(state, strict)
        for write in writes:
            write()
        return keys

    def _plan(self, state: Mapping[str, Any], strict: bool) -> tuple[list[Callable[[], Any]], _state.Keys]:
        return _state.plan(type(self).__name__, dict(self._named_tensors(saved_only=True)), state, strict)

    # -- changing it -----------------------------------------------------------------------------------------

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on every module below, then on this one."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Training mode (dropout drops) or, with `mode=False`, evaluation mode, here and below."""
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """Evaluation mode: dropout is the identity."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients or, with `set_to_none=False`, fill those there are with zeros."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad.detach().zero_()

    def requires_grad_(self, wanted: bool = True) -> Self:
        """Thaw every parameter or, with `wanted=False`, freeze it."""
        for parameter in self.parameters():
            parameter.requires_grad = wanted
        return self

    def to(self, target: Any) -> Self:
        """Move parameters and buffers to a device, or their floats to a dtype. They stay the same objects.

        So an optimizer made before goes on, and what it remembers moves with them at its next step.
        """
        device = target if isinstance(target, str) and registry.known(target) else None
        dtype = None if device is not None else dtypes.as_dtype(target)
        if dtype is not None and not dtypes.is_floating(dtype):
            raise TypeError(f"Module.to({target!r}): parameters must stay floats, to have gradients")
        for tensor in (*self.parameters(), *self.buffers()):
            move(tensor, device, dtype)
        return self

    # -- in print --------------------------------------------------------------------------------------------

    def summary(self, input_shape: Any = None) -> Summary:
        """A table of layers, output shapes, parameters, bytes; `input_shape` may be an example tensor too."""
        from tinygrad_edu.nn.summary import summarize  # the table needs Module

        return summarize(self, input_shape)

    def extra_repr(self) -> str:
        """What stands between the parentheses of a layer."""
        return ""

    def __repr__(self) -> str:
        inner = [f"({name}): {module!r}".replace("\n", "\n  ") for name, module in self._members()
                 if isinstance(module, Module)]
        head = f"{type(self).__name__}({self.extra_repr()}"
        return "\n  ".join([head, *inner]) + "\n)" if inner else head + ")"


def _items(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _items(f"{name}.{i}", item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _items(f"{name}.{key}", item)
    else:
        yield name, value


def _once(pairs: Iterator[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
    seen: set[int] = set()
    for name, tensor in pairs:
        if id(tensor) not in seen:
            seen.add(id(tensor))
            yield name, tensor
