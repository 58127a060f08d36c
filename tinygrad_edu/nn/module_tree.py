"""The part of a Module that finds what belongs to it, and gives it names.

There is no hidden register: a walk over `vars(module)`, in the order of assignment, finds Parameters, Modules
and the sequences, mappings, namespaces and dataclasses that hold them, so that reading an attribute costs no
more than in any other object. Names are PyTorch's (`0.weight`, `layers.2.bias`), so that its checkpoints fit.
Two objects with one name are an error, and so is an object without a name (in a set, in a class, in a
function): a checkpoint would lose it.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, ClassVar, cast

from tinygrad_edu.errors import wrong
from tinygrad_edu.nn import members
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu.nn.module import Module


class Tree:
    """What a Module knows about its parameters, buffers and modules."""

    _buffers: Mapping[str, bool] = {}  # name -> whether it belongs to state_dict
    _class_attributes: ClassVar[tuple[str, ...]] = ()  # attributes of the class that belong to its instances

    def _members(self) -> Iterator[tuple[str, Any]]:
        """Attributes by name; the items of a container have the names `attribute.key`."""
        for name in self._class_attributes:
            if name not in vars(self) and members.has_things(getattr(self, name, None)):
                raise wrong(
                    TypeError,
                    type(self).__name__,
                    f"{type(self).__name__}.{name} belongs to the class: all its objects would share it, "
                    "and none save it",
                    "assign it in __init__",
                )
        for name, value in vars(self).items():
            if name not in ("_hooks", "_buffers"):
                if isinstance(value, members.single):
                    yield name, value
                else:
                    yield from members.flat_items(name, value)

    def named_children(self) -> Iterator[tuple[str, Module]]:
        """The modules directly inside, each once."""
        inside: Any = ((name, value) for name, value in self._members() if isinstance(value, Tree))
        return members.unique(members.check_names(inside, self))

    def children(self) -> Iterator[Module]:
        return (module for _, module in self.named_children())

    def _all_modules(self, prefix: str = "", path: tuple[int, ...] = ()) -> Iterator[tuple[str, Module]]:
        """Every module by every name it has, this one first; a module inside itself is not entered twice."""
        yield prefix, cast("Module", self)
        path = (*path, id(self))
        for name, value in self._members():
            if isinstance(value, Tree) and id(value) not in path:
                yield from value._all_modules(f"{prefix}.{name}" if prefix else name, path)

    def named_modules(self, *, prefix: str = "") -> Iterator[tuple[str, Module]]:
        """This module (as "", or as `prefix`) and all below it, each once, in order."""
        found: Any = members.unique(members.check_names(self._all_modules(prefix), self))
        return found

    def modules(self) -> Iterator[Module]:
        return (module for _, module in self.named_modules())

    def _named_tensors(self, saved_only: bool = False) -> Iterator[tuple[str, Tensor]]:
        """Parameters and buffers by every name they have, a module's parameters before its buffers.

        Raises ValueError if two have the same name.
        """
        return members.check_names(self._all_tensors(saved_only), self)

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

    def named_parameters(self, *, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Parameter]]:
        """Every parameter with its first name, after `prefix`; a shared one comes once.

        Without `recurse`, only those of this module itself. Raises TypeError for a parameter that only an
        opaque object holds, such as a function with bound arguments.
        """
        everything = list(members.unique(self._named_tensors()))
        members.refuse_hidden(self, {id(t) for _, t in everything})
        return _selected(self, everything, True, prefix, recurse)

    def parameters(self, recurse: bool = True) -> Iterator[Parameter]:
        return (parameter for _, parameter in self.named_parameters(recurse=recurse))

    def register_buffer(self, name: str, value: Tensor | None, persistent: bool = True) -> None:
        """Keep a tensor that belongs to the model but is not trained; it is saved if `persistent`."""
        if (value is not None and not isinstance(value, Tensor)) or isinstance(value, Parameter):
            raise wrong(
                TypeError,
                f"register_buffer({name!r})",
                f"a buffer is a tensor or None, not a {type(value).__name__}",
            )
        if name not in self._buffers:
            self._new_name("register_buffer", name)
        setattr(self, name, value)
        self._buffers = {**self._buffers, name: persistent}

    def register_parameter(self, name: str, param: Parameter | None) -> None:
        """Assign a Parameter, or None, to a new attribute, which is trained and saved by that name."""
        if param is not None and not isinstance(param, Parameter):
            raise wrong(TypeError, f"register_parameter({name!r})", f"{type(param).__name__} is no Parameter",
                        "pass nn.Parameter(...), or None")  # fmt: skip
        setattr(self, self._new_name("register_parameter", name), param)

    def add_module(self, name: str, module: Module | None) -> None:
        """Assign a Module, or None, to a new attribute."""
        if module is not None and not isinstance(module, Tree):
            raise wrong(TypeError, f"add_module({name!r})", f"a {type(module).__name__} is no Module")
        setattr(self, self._new_name("add_module", name), module)

    register_module = add_module

    def _new_name(self, asked: str, name: str) -> str:
        """`name` if an attribute can have it that is not there yet; else KeyError."""
        if not isinstance(name, str) or not name or "." in name:
            raise wrong(KeyError, asked, f"{name!r:.60} is no name", "names are texts without dots")
        if vars(self).get(name) is not None or hasattr(type(self), name):
            raise wrong(KeyError, asked, f"{type(self).__name__} already has {name!r}")
        return name

    def get_submodule(self, target: str) -> Module:
        """The module of that name, as `named_modules` has it. Raises AttributeError."""
        return self._get("get_submodule", target, self._all_modules())

    def get_parameter(self, target: str) -> Parameter:
        """The parameter of that name. Raises AttributeError."""
        tensors = ((n, t) for n, t in self._named_tensors() if isinstance(t, Parameter))
        return self._get("get_parameter", target, tensors)

    def get_buffer(self, target: str) -> Tensor:
        """The buffer of that name. Raises AttributeError."""
        tensors = ((n, t) for n, t in self._named_tensors() if not isinstance(t, Parameter))
        return self._get("get_buffer", target, tensors)

    def _get(self, asked: str, target: str, named: Iterator[tuple[str, Any]]) -> Any:
        names = []
        for name, thing in named:
            if name == target:
                return thing
            names.append(name)
        near = difflib.get_close_matches(target, names, 3)
        raise wrong(
            AttributeError,
            asked,
            f"{type(self).__name__} has no {target!r}",
            f"did you mean {' or '.join(near)}?"
            if near
            else f"it has {', '.join(filter(None, names))}"[:200],
        )

    def named_buffers(self, *, prefix: str = "", recurse: bool = True) -> Iterator[tuple[str, Tensor]]:
        """Every buffer with its first name, after `prefix`; without `recurse`, its own only."""
        return _selected(self, list(members.unique(self._named_tensors())), False, prefix, recurse)

    def buffers(self, recurse: bool = True) -> Iterator[Tensor]:
        return (buffer for _, buffer in self.named_buffers(recurse=recurse))


def _selected(
    tree: Tree, tensors: list[tuple[str, Tensor]], trained: bool, prefix: str, recurse: bool
) -> Any:
    """The parameters, or the buffers, among named tensors; without `recurse`, those of `tree` itself."""
    own = None if recurse else {id(v) for _, v in tree._members()}
    dot = f"{prefix}." if prefix else ""
    return (
        (dot + name, t)
        for name, t in tensors
        if isinstance(t, Parameter) is trained and (own is None or id(t) in own)
    )


members.single += (Tree,)
members.things += (Tree,)
