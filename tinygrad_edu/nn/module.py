"""Module: a model is a plain object, and its parameters are those found among its attributes.

There is no hidden register: a walk over `vars(module)`, in the order of assignment, finds Parameters, Modules
and the sequences, mappings, namespaces and dataclasses that hold them, so that reading an attribute costs no
more than in any other object. Names are PyTorch's (`0.weight`,
`layers.2.bias`), so that its checkpoints fit. Two objects with one name are an error, and so is
an object without a name (in a set, in a class): a checkpoint would lose it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping, Sequence, Set, ValuesView
from contextlib import contextmanager
from contextvars import ContextVar
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

import numpy as np

from tinygrad_edu import dtypes
from tinygrad_edu.backend import registry
from tinygrad_edu.engine.hooks import RemovableHook
from tinygrad_edu.errors import wrong
from tinygrad_edu.nn import state as _state
from tinygrad_edu.nn.parameter import Parameter, move
from tinygrad_edu.tensor import NumpyArray, Tensor
from tinygrad_edu.words import explaining, unknown_attribute

if TYPE_CHECKING:
    from tinygrad_edu.nn.summary import Summary

ForwardHook = Callable[[Any, tuple[Any, ...], Any], Any]
Thing = TypeVar("Thing")
_evaluating: ContextVar[bool] = ContextVar("tinygrad_edu_evaluating", default=False)


@contextmanager
def evaluating() -> Iterator[None]:
    """Within this context, every module is in evaluation mode, in this thread or task only. No module is
    changed, so that other threads may train or evaluate the same ones."""
    before = _evaluating.get()
    try:
        _evaluating.set(True)
        yield
    finally:
        _evaluating.set(before)


class Module:
    """The base of layers and models: assign Parameters and Modules in `__init__`, compute in `forward`.

    >>> class Line(nn.Module):
    ...     def __init__(self):
    ...         self.slope, self.offset = nn.Parameter([1.0]), nn.Parameter([0.0])
    ...     def forward(self, x):
    ...         return x * self.slope + self.offset
    """

    _hooks: Mapping[int, ForwardHook] = {}
    _buffers: Mapping[str, bool] = {}  # name -> whether it belongs to state_dict
    never_negative: ClassVar[tuple[str, ...]] = ()  # buffers that are counts, or sums of squares
    _class_attributes: ClassVar[tuple[str, ...]] = ()  # attributes of the class that belong to its instances

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if vars(cls).get("__slots__"):
            raise wrong(
                TypeError, cls.__name__, "parameters are found in a Module's __dict__", "drop __slots__"
            )
        cls._class_attributes += tuple(name for name, value in vars(cls).items() if _has_modules(value))
        if "__init__" in vars(cls) and cls.__module__.startswith(__package__):
            cls.__init__ = explaining(cls.__init__)  # type: ignore[method-assign]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            if hasattr(type(self), name):  # a property: raise its own AttributeError again
                return object.__getattribute__(self, name)
            raise unknown_attribute(self, name)

    @property
    def training(self) -> bool:
        """Whether this is in training mode: at first yes, within `nn.evaluating()` never."""
        return vars(self).get("training", True) and not _evaluating.get()

    @training.setter
    def training(self, mode: bool) -> None:
        vars(self)["training"] = bool(mode)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        raise wrong(
            NotImplementedError,
            type(self).__name__,
            f"{type(self).__name__} has no forward()",
            "define def forward(self, x): ...",
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks:
            return self._call_with_hooks(args, kwargs)
        return self.forward(*args, **kwargs)

    def _call_with_hooks(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        out = self.forward(*args, **kwargs)
        for hook in tuple(self._hooks.values()):
            answer = hook(self, args, out)
            out = out if answer is None else answer
        return out

    def register_forward_hook(self, hook: ForwardHook) -> RemovableHook:
        """Call `hook(module, inputs, output)` after each forward; what it returns, if any, is the output."""
        hooks = vars(self).setdefault("_hooks", {})
        return RemovableHook(hooks, hook)

    def __setattr__(self, name: str, value: Any) -> None:
        if (
            isinstance(value, Tensor)
            and not isinstance(value, Parameter)
            and isinstance(vars(self).get(name), Parameter)
        ):
            raise wrong(
                TypeError,
                type(self).__name__,
                f"{type(self).__name__}.{name} is a Parameter",
                "a plain tensor in its place would not be trained: assign nn.Parameter(...), or write "
                "into it with copy_()",
            )
        object.__setattr__(self, name, value)

    # -- what is in it ---------------------------------------------------------------------------------------

    def _members(self) -> Iterator[tuple[str, Any]]:
        """Attributes by name; the items of a container have the names `attribute.key`."""
        for name in self._class_attributes:
            if name not in vars(self) and _has_modules(getattr(self, name, None)):
                raise wrong(
                    TypeError,
                    type(self).__name__,
                    f"{type(self).__name__}.{name} belongs to the class: all its objects would share it, "
                    "and none save it",
                    "assign it in __init__",
                )
        for name, value in vars(self).items():
            if name not in ("_hooks", "_buffers"):
                if isinstance(value, _SINGLE):
                    yield name, value
                else:
                    yield from _flat_items(name, value)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside, each once."""
        inside = ((name, value) for name, value in self._members() if isinstance(value, Module))
        return _unique(_check_names(inside, self))

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def _all_modules(self, prefix: str = "", path: tuple[int, ...] = ()) -> Iterator[tuple[str, Module]]:
        """Every module by every name it has, this one first; a module inside itself is not entered twice."""
        yield prefix, self
        path = (*path, id(self))
        for name, value in self._members():
            if isinstance(value, Module) and id(value) not in path:
                yield from value._all_modules(f"{prefix}.{name}" if prefix else name, path)

    def named_modules(self) -> Iterator[tuple[str, Module]]:
        """This module (as "") and all below it, each once, in order."""
        return _unique(_check_names(self._all_modules(), self))

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def _named_tensors(self, saved_only: bool = False) -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers by every name they have, a module's parameters before its buffers.

        Raises ValueError if two have the same name.
        """
        return _check_names(self._all_tensors(saved_only), self)

    def _all_tensors(self, saved_only: bool) -> Iterator[tuple[str, Tensor]]:
        for prefix, module in self._all_modules():
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
        return ((name, t) for name, t in _unique(self._named_tensors()) if isinstance(t, Parameter))

    def parameters(self) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters())

    def register_buffer(self, name: str, value: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that belongs to the model but is not trained; it is saved if `persistent`."""
        if (value is not None and not isinstance(value, Tensor)) or isinstance(value, Parameter):
            raise wrong(
                TypeError,
                f"register_buffer({name!r})",
                f"a buffer is a tensor or None, not a {type(value).__name__}",
            )
        self._buffers = {**self._buffers, name: persistent}
        setattr(self, name, value)

    def named_buffers(self) -> Iterator[tuple[str, Tensor]]:
        return ((name, t) for name, t in _unique(self._named_tensors()) if not isinstance(t, Parameter))

    def buffers(self) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers())

    # -- its state -------------------------------------------------------------------------------------------

    def state_dict(self) -> dict[str, NumpyArray]:
        """Parameters and buffers by name, as NumPy copies; a shared one under each of its names."""
        return {name: np.array(t.numpy(), order="C") for name, t in self._named_tensors(saved_only=True)}

    def load_state_dict(self, state: Mapping[str, Any], strict: bool = True) -> _state.Keys:
        """Overwrite parameters and buffers with `state` (arrays or tensors by name), in the dtypes they have.

        Raises ValueError that lists every missing, unexpected and wrong-shaped key, and then changes nothing;
        `strict=False` tolerates missing and unexpected keys and returns them.
        """
        if not isinstance(state, Mapping):
            raise wrong(
                TypeError,
                "load_state_dict",
                f"{type(state).__name__} is no dict of arrays by name",
                "of another model say other.state_dict(); a file is loaded by nn.load_checkpoint(path, "
                "model=model), which fills the model itself",
            )
        writes, keys = self._plan(state, strict)
        for write in writes:
            write()
        return keys

    def _plan(self, state: Mapping[str, Any], strict: bool) -> tuple[list[Callable[[], Any]], _state.Keys]:
        counts = {id(getattr(module, name)) for module in self.modules() for name in module.never_negative}
        return _state.plan(
            type(self).__name__, dict(self._named_tensors(saved_only=True)), state, strict, counts
        )

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
            module.training = mode
        return self

    def eval(self) -> Self:
        """Evaluation mode: dropout is the identity."""
        return self.train(False)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Remove the gradients or, with `set_to_none=False`, fill those that exist with zeros."""
        for parameter in self.parameters():
            if set_to_none or parameter.grad is None:
                parameter.grad = None
            else:
                parameter.grad.detach().zero_()

    def requires_grad_(self, wanted: bool = True) -> Self:
        """Make every parameter require a gradient or, with `wanted=False`, freeze it."""
        for parameter in self.parameters():
            parameter.requires_grad = wanted
        return self

    def to(self, target: Any) -> Self:
        """Move parameters and buffers to a device, or their floats to a dtype. They stay the same objects.

        So an existing optimizer continues, and its state moves with them at its next step.
        """
        device = target if isinstance(target, str) and registry.known(target) else None
        dtype = None if device is not None else dtypes.as_dtype(target)
        if dtype is not None and not dtypes.is_floating(dtype):
            raise wrong(TypeError, f"Module.to({target!r})", "parameters must stay floats, to have gradients")
        for tensor in (*self.parameters(), *self.buffers()):
            move(tensor, device, dtype)
        return self

    # -- in print --------------------------------------------------------------------------------------------

    def summary(self, input_shape: Any = None) -> Summary:
        """A table of layers, output shapes, parameters, bytes; `input_shape` may be an example tensor too."""
        from tinygrad_edu.nn.summary import summarize  # the table needs Module

        return summarize(self, input_shape)

    def extra_repr(self) -> str:
        """The text between the parentheses of a layer in `repr`."""
        return ""

    def __repr__(self) -> str:
        inner = [
            f"({name}): {module!r}".replace("\n", "\n  ")
            for name, module in self._members()
            if isinstance(module, Module)
        ]
        head = f"{type(self).__name__}({self.extra_repr()}"
        return "\n  ".join([head, *inner]) + "\n)" if inner else head + ")"


_SINGLE = (Tensor, Module, int, float, str, type(None))  # the types of most attributes
_TEXTS = (str, bytes, bytearray, memoryview, range)  # sequences without modules or parameters


def _flat_items(name: str, value: Any, inside: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """`value` by its name, or its items by longer names; a container inside itself is not entered again."""
    inner: Any = None
    if isinstance(value, _SINGLE):
        pass
    elif isinstance(value, Sequence | ValuesView) and not isinstance(value, _TEXTS):
        inner = enumerate(value)
    elif isinstance(value, Mapping):
        inner = value.items()
    elif isinstance(value, SimpleNamespace):
        inner = vars(value).items()
    elif isinstance(value, np.ndarray):
        inner = enumerate(value.flat) if value.dtype == object else None
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = ((f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value))
    elif isinstance(value, Set) and any(map(_has_modules, value)):
        raise wrong(
            TypeError,
            None,
            f"{name} is a {type(value).__name__}: what is in it has no order, and so no names",
            "hold parameters and modules in a list or a dict",
        )
    if inner is None:
        yield name, value
    elif id(value) not in inside:
        for key, item in inner:
            yield from _flat_items(f"{name}.{key}", item, (*inside, id(value)))


def _has_modules(value: Any) -> bool:
    """Whether `value` is a Parameter or Module, or contains one."""
    return any(isinstance(item, Parameter | Module) for _, item in _flat_items("", value))


def _check_names(pairs: Iterator[tuple[str, Thing]], module: Module) -> Iterator[tuple[str, Thing]]:
    """The pairs; raises ValueError if one name has two objects."""
    found: dict[str, Thing] = {}
    for name, thing in pairs:
        if found.setdefault(name, thing) is not thing:
            raise wrong(
                ValueError,
                type(module).__name__,
                f"two of its tensors or modules are named {name!r}, and a checkpoint would keep one of them",
                "rename one. The keys of a dict count as text, and names are joined by dots",
            )
        yield name, thing


def _unique(pairs: Iterator[tuple[str, Thing]]) -> Iterator[tuple[str, Thing]]:
    seen: set[int] = set()
    for name, thing in pairs:
        if id(thing) not in seen:
            seen.add(id(thing))
            yield name, thing
