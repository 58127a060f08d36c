"""Module: PyTorch's base of layers and models, with its registers of parameters, buffers and modules.

nn/module_tree.py walks the registers, nn/module_state.py saves and loads them, nn/module_moves.py changes
what is in them, nn/module_hooks.py calls functions around a forward.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.nn import module_hooks
from tinygrad_edu.torch.nn.module_hooks import Hooked
from tinygrad_edu.torch.nn.module_moves import Moves
from tinygrad_edu.torch.nn.module_state import State
from tinygrad_edu.torch.nn.module_tree import Tree
from tinygrad_edu.torch.nn.parameter import Buffer, Parameter

_REGISTERS = ("_parameters", "_buffers", "_modules")


class Module(Tree, State, Moves, Hooked):
    """The base of layers and models: assign Parameters and Modules in `__init__`, compute in `forward`.

    A parameter, a buffer or a module that is assigned to an attribute goes into one of the registers
    `_parameters`, `_buffers` and `_modules`, which are dicts by name.
    """

    training: bool
    _version: int = 1
    dump_patches = False
    call_super_init = False
    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    forward: Callable[..., Any]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if not self.call_super_init and (args or kwargs):
            raise wrong(
                TypeError,
                type(self).__name__,
                f"Module.__init__() takes no arguments, and got {[*args, *kwargs]}",
            )
        begin(self)
        if self.call_super_init:
            super().__init__(*args, **kwargs)

    # -- calling ---------------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._hooks or module_hooks.for_all:
            return module_hooks.call(self, args, kwargs)
        return self.forward(*args, **kwargs)

    _call_impl = __call__

    def forward(self, *args: Any, **kwargs: Any) -> Any:  # type: ignore[no-redef]
        raise wrong(
            NotImplementedError,
            type(self).__name__,
            f'Module [{type(self).__name__}] is missing the required "forward" function',
            "define def forward(self, x): ...",
        )

    # -- attributes ------------------------------------------------------------------------------------------

    def __getattr__(self, name: str) -> Any:
        own = self.__dict__
        for register in _REGISTERS:
            found = own.get(register)
            if found is not None and name in found:
                return found[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        own = self.__dict__
        if isinstance(value, Parameter):
            self._begun("parameters")
            self._forget(name, "_parameters")
            self.register_parameter(name, value)
        elif isinstance(value, Module):
            self._begun("module")
            self._forget(name, "_modules")
            self.register_module(name, value)
        elif isinstance(value, Buffer):
            self._begun("buffer")
            self._forget(name, "_buffers")
            self.register_buffer(name, value, value.persistent)
        elif name in own.get("_parameters", ()):
            if value is not None:
                raise self._cannot(value, f"parameter '{name}' (torch.nn.Parameter or None expected)")
            self.register_parameter(name, None)
        elif name in own.get("_modules", ()):
            if value is not None:
                raise self._cannot(value, f"child module '{name}' (torch.nn.Module or None expected)")
            own["_modules"][name] = None
        elif name in own.get("_buffers", ()):
            if value is not None and not isinstance(value, Tensor):
                raise self._cannot(value, f"buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)")
            own["_buffers"][name] = value
        else:
            object.__setattr__(self, name, value)

    def __delattr__(self, name: str) -> None:
        for register in _REGISTERS:
            if name in self.__dict__.get(register, ()):
                del self.__dict__[register][name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def _begun(self, what: str) -> None:
        if "_modules" not in self.__dict__:
            raise wrong(
                AttributeError,
                type(self).__name__,
                f"cannot assign {what} before Module.__init__() call",
                "begin __init__ with super().__init__()",
            )

    def _forget(self, name: str, kept: str) -> None:
        """Remove a name from everywhere but one register, where a new tensor takes the old one's place."""
        own = self.__dict__
        own.pop(name, None)
        for register in _REGISTERS:
            if register != kept:
                own[register].pop(name, None)
        self._non_persistent_buffers_set.discard(name)

    def _cannot(self, value: Any, place: str) -> TypeError:
        kind = type(value)
        module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
        name = f"{module}{kind.__qualname__}".replace("tinygrad_edu.torch.core.tensor.", "torch.")
        return wrong(TypeError, type(self).__name__, f"cannot assign '{name}' as {place}")

    # -- the registers ---------------------------------------------------------------------------------------

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Add a parameter, or a name for none. Raises KeyError and TypeError for what cannot be one."""
        self._begun("parameter")
        self._check_name("parameter", name, "_parameters")
        if param is not None and not isinstance(param, Parameter):
            raise self._cannot(param, f"parameter '{name}' (torch.nn.Parameter or None required)")
        if param is not None and not param.is_leaf:
            raise wrong(
                ValueError, "register_parameter", f"Cannot assign non-leaf Tensor to parameter '{name}'. ",
                "a Parameter is made of x.detach()",
            )  # fmt: skip
        self._parameters[name] = param

    def register_buffer(self, name: str, tensor: Tensor | None, persistent: bool = True) -> None:
        """Add a tensor that is part of the state and is not trained; saved unless not `persistent`."""
        self._begun("buffer")
        self._check_name("buffer", name, "_buffers")
        if tensor is not None and not isinstance(tensor, Tensor):
            raise wrong(
                TypeError,
                "register_buffer",
                f"cannot assign '{type(tensor).__name__}' object to buffer '{name}' "
                "(torch Tensor or None required)",
            )
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(
            name
        )

    def register_module(self, name: str, module: Module | None) -> None:
        """Add a module under a name."""
        self.add_module(name, module)

    def add_module(self, name: str, module: Module | None) -> None:
        """Add a module under a name. Raises TypeError for what is none, KeyError for a name that is taken."""
        if module is not None and not isinstance(module, Module):
            raise wrong(TypeError, "add_module", f"{type(module).__name__} is not a Module subclass")
        self._check_name("module", name, "_modules")
        self._modules[name] = module

    def _check_name(self, what: str, name: str, register: str) -> None:
        if not isinstance(name, str):
            raise wrong(TypeError, None, f"{what} name should be a string. Got {type(name).__name__}")
        if "." in name:
            raise wrong(KeyError, None, f'{what} name can\'t contain ".", got: {name}')
        if not name:
            raise wrong(KeyError, None, f'{what} name can\'t be empty string ""')
        if name not in self.__dict__[register] and hasattr(self, name):
            raise wrong(KeyError, None, f"attribute '{name}' already exists")

    # -- as text ---------------------------------------------------------------------------------------------

    def _get_name(self) -> str:
        return type(self).__name__

    def extra_repr(self) -> str:
        """The text between the parentheses of a layer in `repr`."""
        return ""

    def __repr__(self) -> str:
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        inside = [f"({name}): " + repr(m).replace("\n", "\n  ") for name, m in self._modules.items()]
        if len(lines) == 1 and not inside:
            return f"{self._get_name()}({lines[0]})"
        body = [*lines, *inside]
        return f"{self._get_name()}(" + ("\n  " + "\n  ".join(body) + "\n" if body else "") + ")"

    def __dir__(self) -> list[str]:
        names = {*dir(type(self)), *self.__dict__}
        for register in _REGISTERS:
            names |= set(self.__dict__.get(register, ()))
        return sorted(name for name in names if not name[:1].isdigit())

    # -- copies ----------------------------------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        return dict(self.__dict__)

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        for name, empty in _start().items():
            self.__dict__.setdefault(name, empty)

    def _replicate_for_data_parallel(self) -> Module:
        return self

    def compile(self, *args: Any, **kwargs: Any) -> None:
        """Nothing is compiled: the module stays as it is."""


def _start() -> dict[str, Any]:
    return {
        "training": True,
        "_parameters": {},
        "_buffers": {},
        "_modules": {},
        "_non_persistent_buffers_set": set(),
        "_hooks": OrderedDict(),
        "_state_hooks": OrderedDict(),
    }


def begin(module: Any) -> None:
    """Give a module its registers."""
    module.__dict__.update(_start())
