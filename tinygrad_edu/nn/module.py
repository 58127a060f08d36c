"""Module and Parameter: a model is a plain object, and its parameters are those found among its attributes.

Nothing is registered behind the scenes. `vars(module)` is the register: walking it in the order of assignment finds
Parameters, Modules and the lists, tuples and dicts that hold them, so reading an attribute costs what reading an
attribute costs. Names are PyTorch's (`0.weight`, `layers.2.bias`), so that its checkpoints fit.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, Self

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import registry
from tinygrad_edu.engine.value import Storage, leaf
from tinygrad_edu.errors import user_line
from tinygrad_edu.tensor import NumpyArray, RemovableHook, Tensor


class Parameter(Tensor):
    """A tensor that a module learns: a leaf that requires grad, over its own contiguous copy of `data`.

    Floats keep their dtype, Python floats become float32. Raises TypeError for data that cannot have a gradient.
    """
    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True, *, dtype: Any = None, device: Any = None) -> None:
        given = data.numpy() if isinstance(data, Tensor) else np.asarray(data)
        typed = hasattr(data, "dtype")
        wanted = dtypes.as_dtype(dtype or (given.dtype if typed else dtypes.default_for(given)))
        if requires_grad and not dtypes.is_floating(wanted):
            raise TypeError(f"Parameter: {wanted} data has no gradient (at {user_line()}); pass dtype='float32', "
                            "or register_buffer() for what is not learned")
        backend = registry.get(device if device is not None else data.device if isinstance(data, Tensor) else None)
        memory = np.array(given, dtype=wanted, order="C", copy=True)
        memory = memory if backend is registry.cpu else backend.asarray(memory)
        super().__init__(Storage(memory, backend), leaf(memory.shape, memory.dtype) if requires_grad else None)

    def __reduce__(self) -> tuple[Any, ...]:
        return Parameter, (np.array(self.numpy()), self.requires_grad)

    def __repr__(self) -> str:
        return f"Parameter({super().__repr__()})"


class Keys(NamedTuple):
    """What did not match in `load_state_dict(strict=False)`."""
    missing_keys: list[str]
    unexpected_keys: list[str]


class Module:
    """The base of layers and models: assign Parameters and Modules in `__init__`, compute in `forward`.

    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = nn.Parameter([1.0]), nn.Parameter([0.0])
    ...     def forward(self, x):
    ...         return x * self.slope + self.offset
    """
    training: bool = True
    _hooks: tuple[Callable[[Any, tuple[Any, ...], Any], Any], ...] | list[Any] = ()
    _buffers: Mapping[str, bool] = {}           # name -> whether it belongs to state_dict

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(f"{type(self).__name__} has no forward(); define `def forward(self, x): ...`")

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

    def register_forward_hook(self, hook: Callable[[Any, tuple[Any, ...], Any], Any]) -> RemovableHook:
        """Call `hook(module, args, output)` after every forward; what it returns, if anything, replaces the output."""
        if not isinstance(self._hooks, list):
            self._hooks = []
        self._hooks.append(hook)
        return RemovableHook(self._hooks, hook)

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Tensor) and not isinstance(value, Parameter) \
                and isinstance(vars(self).get(name), Parameter):
            raise TypeError(f"{type(self).__name__}.{name} is a Parameter (at {user_line()}); assigning a plain tensor "
                            "would stop its training: assign nn.Parameter(...), or write into it with copy_()")
        object.__setattr__(self, name, value)

    # -- what is in it --------------------------------------------------------------------------------------------

    def _members(self) -> Iterator[tuple[str, Any]]:
        """Attributes by name; the items of lists, tuples and dicts as `attribute.key`. Subclasses may say otherwise."""
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

    def _walk(self, prefix: str, path: tuple[int, ...]) -> Iterator[tuple[str, Module]]:
        """Every module by every name it has, itself first; a module inside itself is not entered twice."""
        yield prefix, self
        for name, value in self._members():
            if isinstance(value, Module) and id(value) not in path:
                yield from value._walk(f"{prefix}.{name}" if prefix else name, (*path, id(value)))

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module (as "") and all below it, each once, in order."""
        seen: set[int] = set()
        for name, module in self._walk("", (id(self),)):
            if id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def _named_tensors(self, persistent_only: bool = False) -> Iterator[tuple[str, Tensor, bool]]:
        """(name, tensor, whether it is a parameter) by every name, parameters of a module before its buffers."""
        for prefix, module in self._walk("", (id(self),)):
            dot = f"{prefix}." if prefix else ""
            for name, value in module._members():
                if isinstance(value, Parameter):
                    yield dot + name, value, True
            for name, kept in module._buffers.items():
                buffer = getattr(module, name, None)
                if buffer is not None and (kept or not persistent_only):
                    yield dot + name, buffer, False

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its first name; a shared one comes once."""
        return ((n, t) for n, t in _once((n, t) for n, t, learned in self._named_tensors() if learned)
                if isinstance(t, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters())

    def register_buffer(self, name: str, value: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that is not learned but belongs to the model: saved with it unless `persistent=False`."""
        if value is not None and not isinstance(value, Tensor):
            raise TypeError(f"register_buffer({name!r}): a buffer is a tensor or None, not {type(value).__name__}")
        self._buffers = {**self._buffers, name: persistent}
        setattr(self, name, value)

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        return _once((n, t) for n, t, learned in self._named_tensors() if not learned)

    def buffers(self) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers())

    # -- its state ------------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, NumpyArray]:
        """Parameters and buffers by name, as NumPy copies. A shared parameter appears under each of its names."""
        return {name: np.array(t.numpy(), order="C") for name, t, _ in self._named_tensors(persistent_only=True)}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> Keys:
        """Overwrite parameters and buffers with `state` (arrays or tensors by name), converting to their dtypes.

        Raises ValueError that lists every missing, unexpected and wrong-shaped key, and then nothing has changed;
        `strict=False` tolerates missing and unexpected keys and returns them.
        """
        copies, keys = self._checked(state, strict)
        for tensor, data in copies:
            tensor.detach().copy_(data)
        return keys

    def _checked(self, state: Mapping[str, Any], strict: bool) -> tuple[list[tuple[Tensor, NumpyArray]], Keys]:
        """What `load_state_dict` will write, and where. Changes nothing."""
        own = {name: tensor for name, tensor, _ in self._named_tensors(persistent_only=True)}
        keys = Keys([k for k in own if k not in state], [k for k in state if k not in own])
        arrays = {k: v.numpy() if isinstance(v, Tensor) else np.asarray(v) for k, v in state.items() if k in own}
        wrong = [f"{k}: the state has {a.shape}, the model {own[k].shape}" for k, a in arrays.items()
                 if a.shape != own[k].shape]
        wrong += [f"{k}: {a.dtype} is not numbers" for k, a in arrays.items() if a.dtype.kind not in "fiub"]
        wrong += [f"{k}: the parameter is a read-only view; load into a copy" for k in arrays
                  if not getattr(own[k].storage.array, "flags", np.empty(0).flags).writeable]
        said = [f"missing: {', '.join(keys.missing_keys)}"] if strict and keys.missing_keys else []
        said += [f"unexpected: {', '.join(keys.unexpected_keys)}"] if strict and keys.unexpected_keys else []
        said += ["wrong shape or dtype: " + "; ".join(wrong)] if wrong else []
        if said:
            raise ValueError(f"load_state_dict: the state does not fit this {type(self).__name__}, nothing was loaded "
                             f"(at {user_line()}). " + ". ".join(said))
        return [(own[k], a) for k, a in arrays.items()], keys

    # -- changing it ----------------------------------------------------------------------------------------------

    def apply(self, function: Callable[[Module], Any]) -> Self:
        """Call `function` on every module below, then on this one."""
        for child in self.children():
            child.apply(function)
        function(self)
        return self

    def train(self, mode: bool = True) -> Self:
        """Training mode (dropout drops), or with `mode=False` evaluation mode, here and below."""
        for module in self.modules():
            module.training = bool(mode)
        return self

    def eval(self) -> Self:
        """Evaluation mode: dropout is the identity."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients, or with `set_to_none=False` fill those that exist with zeros."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad.detach().zero_()

    def requires_grad_(self, wanted: bool = True) -> Self:
        """Freeze (`False`) or thaw every parameter."""
        for parameter in self.parameters():
            parameter.requires_grad = wanted
        return self

    def to(self, target: Any) -> Self:
        """Move every parameter and buffer to a device, or its floats to a dtype; parameters stay the same objects.

        Optimizers go on with a moved parameter, but what they remember of it starts afresh; make them after `to`.
        """
        device = target if isinstance(target, str) and target in registry.devices() else None
        if device is None:
            wanted = dtypes.as_dtype(target)
            if not dtypes.is_floating(wanted):
                raise TypeError(f"Module.to({target!r}): parameters must stay floating, to keep their gradients")
        for tensor in (*self.parameters(), *self.buffers()):
            _move(tensor, device, None if device else wanted)
        return self

    def summary(self, input_shape: Any = None) -> Any:
        """A table of layers, output shapes, parameters and bytes; shapes need `input_shape` or an example tensor."""
        from tinygrad_edu.nn.summary import summarize   # the table needs Module
        return summarize(self, input_shape)

    # -- in print -------------------------------------------------------------------------------------------------

    def extra_repr(self) -> str:
        """What stands between the parentheses of a layer without children."""
        return ""

    def __repr__(self) -> str:
        lines = [f"({name}): {module!r}".replace("\n", "\n  ") for name, module in self._members()
                 if isinstance(module, Module)]
        if not lines:
            return f"{type(self).__name__}({self.extra_repr()})"
        return "\n  ".join([f"{type(self).__name__}({self.extra_repr()}", *lines]) + "\n)"


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


def _move(tensor: Tensor, device: str | None, dtype: np.dtype[Any] | None) -> None:
    """Give `tensor` memory elsewhere or of another dtype; its gradient goes along, a graph it is in does not."""
    if dtype is not None and (not dtypes.is_floating(tensor.dtype) or tensor.dtype == dtype):
        return
    backend = tensor.storage.backend if device is None else registry.get(device)
    host = np.array(tensor.numpy(), dtype=dtype or tensor.dtype, order="C")
    tensor.storage = Storage(host if backend is registry.cpu else backend.asarray(host), backend)
    if tensor.node is not None:
        grad, hooks = tensor.node.grad, tensor.node.hooks
        tensor.node = leaf(host.shape, host.dtype)
        tensor.node.grad, tensor.node.hooks = None if grad is None else grad.detach().to(device or dtype), hooks
