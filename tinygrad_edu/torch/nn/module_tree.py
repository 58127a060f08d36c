"""The part of a Module that walks its registers: parameters, buffers and modules, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from tinygrad_edu.errors import wrong
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.nn.parameter import Parameter

if TYPE_CHECKING:
    from tinygrad_edu.torch.nn.module import Module


class Tree:
    """What a Module knows about its parameters, buffers and modules."""

    _parameters: dict[str, Parameter | None]
    _buffers: dict[str, Tensor | None]
    _modules: dict[str, Module | None]
    _non_persistent_buffers_set: set[str]

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside, each once."""
        seen: set[int] = set()
        for name, module in self._modules.items():
            if module is not None and id(module) not in seen:
                seen.add(id(module))
                yield name, module

    def children(self) -> Iterator[Module]:
        """The modules directly inside, each once."""
        return (module for _, module in self.named_children())

    def named_modules(
        self, memo: set[Any] | None = None, prefix: str = "", remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Module]]:
        """This module, as `prefix`, and all below it, in order; each once unless not `remove_duplicate`."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self  # type: ignore[misc]
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(
                    memo, f"{prefix}.{name}" if prefix else name, remove_duplicate
                )

    def modules(self) -> Iterator[Module]:
        """This module and all below it, each once."""
        return (module for _, module in self.named_modules())

    def _named_members(
        self, get_members_fn: Callable[[Any], Any], prefix: str = "", recurse: bool = True,
        remove_duplicate: bool = True,
    ) -> Iterator[tuple[str, Any]]:  # fmt: skip
        seen: set[int] = set()
        modules: Any = [(prefix, self)]
        if recurse:
            modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate)
        for place, module in modules:
            for name, value in get_members_fn(module):
                if value is None or id(value) in seen:
                    continue
                if remove_duplicate:
                    seen.add(id(value))
                yield f"{place}.{name}" if place else name, value

    def named_parameters(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Parameter]]:
        """Parameters by name, those of the modules below too, unless not `recurse`."""
        return self._named_members(lambda m: m._parameters.items(), prefix, recurse, remove_duplicate)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        """The parameters, those of the modules below too, unless not `recurse`; each once."""
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def named_buffers(
        self, prefix: str = "", recurse: bool = True, remove_duplicate: bool = True
    ) -> Iterator[tuple[str, Tensor]]:
        """Buffers by name, those of the modules below too, unless not `recurse`."""
        return self._named_members(lambda m: m._buffers.items(), prefix, recurse, remove_duplicate)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        """The buffers, those of the modules below too, unless not `recurse`; each once."""
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))

    # -- by a path -------------------------------------------------------------------------------------------

    def get_submodule(self, target: str) -> Module:
        """The module at `net.layers.0`; this one for "". Raises AttributeError."""
        found: Any = self
        for name in target.split(".") if target else ():
            if not hasattr(found, name):
                raise wrong(AttributeError, "get_submodule", f"{found._get_name()} has no attribute `{name}`")
            found = getattr(found, name)
            if not isinstance(found, Tree):
                raise wrong(AttributeError, "get_submodule", f"`{name}` is not an nn.Module")
        return found

    def set_submodule(self, target: str, module: Module, strict: bool = False) -> None:
        """Put a module in place of the one at `net.layers.0`."""
        if not target:
            raise wrong(ValueError, "set_submodule", "Cannot set the submodule without a target name!")
        path, _, name = target.rpartition(".")
        parent = self.get_submodule(path)
        if strict and not hasattr(parent, name):
            raise wrong(AttributeError, "set_submodule", f"{parent._get_name()} has no attribute `{name}`")
        setattr(parent, name, module)

    def _of_path(self, target: str, what: str, kind: str, register: str) -> Any:
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise wrong(AttributeError, what, f"{module._get_name()} has no attribute `{name}`")
        if name not in getattr(module, register):
            raise wrong(AttributeError, what, f"`{name}` is not {kind}")
        return getattr(module, name)

    def get_parameter(self, target: str) -> Parameter:
        """The parameter at `net.0.weight`. Raises AttributeError."""
        found: Parameter = self._of_path(target, "get_parameter", "an nn.Parameter", "_parameters")
        return found

    def get_buffer(self, target: str) -> Tensor:
        """The buffer at `net.0.running_mean`. Raises AttributeError."""
        found: Tensor = self._of_path(target, "get_buffer", "a buffer", "_buffers")
        return found
