"""Finding what belongs to a module: the parameters and modules among its attributes, by name.

Everything is found, or it is an error: a parameter that no walk reaches is neither trained nor saved.
"""

from __future__ import annotations

import dataclasses
import functools
import types
from collections.abc import Iterator, Mapping, Sequence, Set, ValuesView
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from tinygrad_edu.errors import wrong
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.tensor import Tensor

if TYPE_CHECKING:
    from tinygrad_edu.nn.module_tree import Tree

Thing = TypeVar("Thing")
# The types of most attributes; nn/module.py adds Module, which cannot be imported here.
single: tuple[type, ...] = (Tensor, int, float, str, type(None))
things: tuple[type, ...] = (Parameter,)  # what is looked for; Module is added, too
_EMPTY = types.CellType()
_LIBRARIES = {"builtins", "numpy", __name__.partition(".")[0]}  # their objects hold no layers of a user
_TEXTS = (str, bytes, bytearray, memoryview, range)  # sequences without modules or parameters


def flat_items(name: str, value: Any, inside: tuple[int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """`value` by its name, or its items by longer names; a container inside itself is not entered again.

    Raises TypeError where modules or parameters are in a place that gives them no name.
    """
    inner: Any = None
    if isinstance(value, single):
        pass
    elif isinstance(value, Sequence | ValuesView) and not isinstance(value, _TEXTS):
        inner = enumerate(value)
    elif isinstance(value, Mapping):
        if any(isinstance(key, things) for key in value):
            raise _hidden(
                name, value, "has modules or parameters as keys", "make them values: {name: module}"
            )
        inner = value.items()
    elif isinstance(value, SimpleNamespace):
        inner = vars(value).items()
    elif isinstance(value, np.ndarray):
        inner = enumerate(value.flat) if value.dtype == object else None
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        inner = ((f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value))
    elif isinstance(value, Set) and any(map(has_things, value)):
        raise _hidden(name, value, "what is in it has no order, and so no names",
                      "hold parameters and modules in a list or a dict")  # fmt: skip
    if inner is None:
        yield name, value
    elif id(value) not in inside:
        for key, item in inner:
            yield from flat_items(f"{name}.{key}", item, (*inside, id(value)))


def _hidden(name: str, value: Any, problem: str, remedy: str) -> TypeError:
    return wrong(TypeError, None, f"{name} is a {type(value).__name__}: {problem}", remedy)


def has_things(value: Any) -> bool:
    """Whether `value` is a Parameter or Module, or contains one."""
    return any(isinstance(item, things) for _, item in flat_items("", value))


def refuse_hidden(module: Tree, found: set[int]) -> None:
    """Raise TypeError for parameters and modules below `module` that only an opaque object holds.

    Opaque are functions with bound arguments, methods, closures and objects of plain classes: what is in them
    has no name. An iterator cannot be looked into. References to what has a name, and to modules around
    `module`, are allowed.
    """
    walked = list(module._all_modules())
    found |= {id(inner) for _, inner in walked}
    for prefix, inner in walked:
        for name, value in inner._members():
            if not isinstance(value, single):
                for thing in _inside(value):
                    if id(thing) not in found and not _is_around(thing, module):
                        place = f"{prefix}.{name}" if prefix else name
                        raise _hidden(
                            place, value, f"the {type(thing).__name__} in it has no name: it is not trained",
                            "assign it to an attribute of its own; what is no part of the model may be held "
                            "by a weakref.ref",
                        )  # fmt: skip


def _is_around(thing: Any, module: Tree) -> bool:
    """Whether `thing` is a module that contains `module`."""
    return not isinstance(thing, Parameter) and any(inner is module for _, inner in thing._all_modules())


def _inside(value: Any) -> Iterator[Any]:
    """The parameters and modules that an opaque object holds directly, or in containers."""
    if isinstance(value, functools.partial):
        held: Any = (value.func, value.args, value.keywords)
    elif isinstance(value, types.MethodType):
        held = value.__self__
    elif isinstance(value, types.FunctionType):
        held = [cell.cell_contents for cell in value.__closure__ or () if cell != _EMPTY]
    elif type(value).__module__.partition(".")[0] in _LIBRARIES or isinstance(value, type):
        return
    else:
        slots = (name for kind in type(value).__mro__ for name in vars(kind).get("__slots__", ()))
        held = [getattr(value, "__dict__", {}), [getattr(value, name, None) for name in slots]]
    yield from (item for _, item in flat_items("", held) if isinstance(item, things))


def check_names(pairs: Iterator[tuple[str, Thing]], module: Tree) -> Iterator[tuple[str, Thing]]:
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


def unique(pairs: Iterator[tuple[str, Thing]]) -> Iterator[tuple[str, Thing]]:
    """The pairs whose object did not come before."""
    seen: set[int] = set()
    for name, thing in pairs:
        if id(thing) not in seen:
            seen.add(id(thing))
            yield name, thing
