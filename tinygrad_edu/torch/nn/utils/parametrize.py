"""torch.nn.utils.parametrize: attributes of modules that are computed of others each time they are read.

A module with a parametrized `weight` gets a class of its own, in which `weight` is a property; the original
is in `module.parametrizations.weight.original`, which is a parameter of the module.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import tinygrad_edu as te
from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from
from tinygrad_edu.torch.nn.containers import ModuleDict, ModuleList
from tinygrad_edu.torch.nn.module import Module
from tinygrad_edu.torch.nn.parameter import Parameter

_cache: list[dict[tuple[int, str], Any] | None] = [None]


@contextmanager
def cached() -> Iterator[None]:
    """Within this context, every parametrized tensor is computed once."""
    before = _cache[0]
    _cache[0] = {} if before is None else before
    try:
        yield
    finally:
        _cache[0] = before


class ParametrizationList(ModuleList):
    """The parametrizations of one tensor, which are applied one after the other, and the original."""

    def __init__(self, modules: Any, original: Any, unsafe: bool = False) -> None:
        super().__init__(modules)
        self.unsafe = unsafe
        self.is_tensor = True
        trained = original.requires_grad if isinstance(original, Tensor) else True
        is_parameter = isinstance(original, Parameter)
        value = original
        with te.no_grad():
            for module in reversed(list(self)):
                if hasattr(module, "right_inverse"):
                    value = module.right_inverse(value)
        if isinstance(value, Tensor):
            self._keep("original", value, is_parameter, trained)
        else:
            self.is_tensor = False
            self.ntensors = len(value)
            for i, part in enumerate(value):
                self._keep(f"original{i}", part, is_parameter, trained)

    def _keep(self, name: str, value: Any, is_parameter: bool, trained: bool) -> None:
        if is_parameter:
            kept = value if isinstance(value, Parameter) else Parameter(value.detach(), trained)
            self.register_parameter(name, kept)
        else:
            self.register_buffer(name, value)

    def right_inverse(self, value: Any) -> None:
        """Give the originals the numbers from which `value` is computed."""
        with te.no_grad():
            for module in reversed(list(self)):
                if not hasattr(module, "right_inverse"):
                    raise wrong(
                        RuntimeError,
                        "right_inverse",
                        f"parametrization {type(module).__name__} does not implement right_inverse.",
                        "define def right_inverse(self, value)",
                    )
                value = module.right_inverse(value)
            parts = (
                [("original", value)]
                if self.is_tensor
                else [(f"original{i}", x) for i, x in enumerate(value)]
            )
            for name, x in parts:
                getattr(self, name).data = x.detach()

    def forward(self) -> Any:
        """The tensor."""
        modules = list(self)
        if self.is_tensor:
            value = modules[0](self.original)
        else:
            value = modules[0](*[getattr(self, f"original{i}") for i in range(self.ntensors)])
        for module in modules[1:]:
            value = module(value)
        return value


def _property(name: str) -> property:
    def get(self: Any) -> Any:
        found = self.parametrizations[name]
        if _cache[0] is None:
            return found()
        key = (id(self), name)
        if key not in _cache[0]:
            _cache[0][key] = found()
        return _cache[0][key]

    def put(self: Any, value: Any) -> None:
        self.parametrizations[name].right_inverse(value)

    return property(get, put)


def _class_of(module: Any) -> None:
    """Give the module a class of its own, with copies and pickles that keep to it."""
    kind = type(module)

    def deepcopy(self: Any, memo: Any) -> Any:
        made = object.__new__(type(self))
        memo[id(self)] = made
        made.__dict__.update(copy.deepcopy(self.__getstate__(), memo))
        return made

    def getstate(self: Any) -> Any:
        raise wrong(
            RuntimeError, kind.__name__, "Serialization of parametrized modules is only supported through "
            "state_dict().", "save module.state_dict()",
        )  # fmt: skip

    body = {"__deepcopy__": deepcopy, "__reduce_ex__": lambda self, protocol: getstate(self)}
    module.__class__ = type(f"Parametrized{kind.__name__}", (kind,), body)
    module.parametrizations = ModuleDict()


def register_parametrization(
    module: Module, tensor_name: str, parametrization: Module, *, unsafe: bool = False
) -> Module:
    """Let an attribute of a module be `parametrization(original)`, computed each time it is read.

    If the parametrization has a method `right_inverse`, the original is what it makes of the present value.
    """
    parametrization.train(module.training)
    if is_parametrized(module, tensor_name):
        found: Any = module.parametrizations[tensor_name]
        with te.no_grad():
            value = getattr(module, tensor_name)
        _check(parametrization, value, tensor_name, unsafe)
        found.append(parametrization)
        found.unsafe |= unsafe
        return module
    registers = [r for r in (module._parameters, module._buffers) if tensor_name in r]
    if not registers:
        raise wrong(
            ValueError,
            "register_parametrization",
            f"Module '{type(module).__name__}' does not have a parameter, a "
            f"buffer, or a parametrized element with name '{tensor_name}'",
        )
    original: Any = registers[0][tensor_name]
    made = ParametrizationList([parametrization], original, unsafe)
    if not unsafe:
        _check_result(made(), original, tensor_name)
    if not is_parametrized(module):
        _class_of(module)
    delattr(module, tensor_name)
    setattr(type(module), tensor_name, _property(tensor_name))
    module.parametrizations[tensor_name] = made
    return module


def _check(parametrization: Module, value: Any, name: str, unsafe: bool) -> None:
    if not unsafe:
        with te.no_grad():
            _check_result(parametrization(value), value, name)


def _check_result(found: Any, original: Any, name: str) -> None:
    if not isinstance(found, Tensor):
        raise ValueError(f"A parametrization must return a tensor. Got {type(found).__name__}.")
    if found.dtype != original.dtype or found.shape != original.shape:
        raise ValueError(
            f"A parametrization of {name} may not change its dtype and shape, {original.dtype} and "
            f"{list(original.shape)}, to {found.dtype} and {list(found.shape)}, unless unsafe=True"
        )


def is_parametrized(module: Module, tensor_name: str | None = None) -> bool:
    """Whether a module has parametrizations, of one of its tensors or of any."""
    found = module._modules.get("parametrizations")
    if not isinstance(found, ModuleDict):
        return False
    return len(found) > 0 if tensor_name is None else tensor_name in found


def remove_parametrizations(module: Module, tensor_name: str, leave_parametrized: bool = True) -> Module:
    """Make an attribute a plain tensor again: with its present numbers, or with the original ones."""
    if not is_parametrized(module, tensor_name):
        raise ValueError(f"Module {module} does not have a parametrization on {tensor_name}")
    held: Any = module.parametrizations
    found: Any = held[tensor_name]
    first = getattr(found, "original" if found.is_tensor else "original0")
    if leave_parametrized:
        with te.no_grad():
            value = getattr(module, tensor_name).detach()
        kept = Parameter(value.clone(), first.requires_grad) if isinstance(first, Parameter) else value
        if found.is_tensor and isinstance(first, Parameter):
            first.data = value.clone()
            kept = first
    elif not found.is_tensor:
        raise ValueError(
            f"the originals of {tensor_name} are several tensors: leave_parametrized must be True"
        )
    else:
        kept = first
    delattr(type(module), tensor_name)
    del held[tensor_name]
    if isinstance(kept, Parameter):
        module.register_parameter(tensor_name, kept)
    else:
        module.register_buffer(tensor_name, kept)
    if not is_parametrized(module):
        delattr(module, "parametrizations")
        module.__class__ = type(module).__bases__[0]
    return module


def type_before_parametrizations(module: Module) -> type:
    """The class that the module had before it was parametrized."""
    return type(module).__bases__[0] if is_parametrized(module) else type(module)


def transfer_parametrizations_and_params(
    from_module: Module, to_module: Module, tensor_name: str | None = None
) -> Module:
    """Give a module the parametrizations of another, and their originals."""
    if not is_parametrized(from_module):
        return to_module
    for name, found in from_module.parametrizations.items():
        if tensor_name is not None and name != tensor_name:
            continue
        if not hasattr(to_module, name):
            setattr(to_module, name, copy.deepcopy(getattr(found, "original", None)))
        for module in found:
            register_parametrization(to_module, name, copy.deepcopy(module), unsafe=True)
        for key, x in found._parameters.items():
            if x is not None:
                to_module.parametrizations[name]._parameters[key].data = x.detach().clone()
    return to_module


__all__ = [
    "ParametrizationList", "cached", "is_parametrized", "register_parametrization",
    "remove_parametrizations", "transfer_parametrizations_and_params", "type_before_parametrizations",
]  # fmt: skip
__getattr__ = missing_from("torch.nn.utils.parametrize")
