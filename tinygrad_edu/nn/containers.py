"""Modules that contain others, by number or by name, and lists and dicts of parameters.

A plain list or dict among the attributes of a module is as good: its items get the same names. The classes
here are PyTorch's, and check what is put into them. What they contain is in one place: an item is an
attribute by its name, and a module that is assigned to an attribute, or given to `add_module`, is an item.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Self

from tinygrad_edu.errors import wrong
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer
from tinygrad_edu.tensor import Tensor

__all__ = ["Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"]


class _Container(Module):
    """Items by name, in order. The names are those of the items in `state_dict`, and of attributes."""

    kind: ClassVar[type] = Module
    _items: dict[str, Any]

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            items = vars(self).get("_items", {})
            return items[name] if name in items else super().__getattr__(name)

    def __setattr__(self, name: str, value: Any) -> None:
        held = name in vars(self).get("_items", {})
        own = getattr(type(self), name, None)
        if (not held and not isinstance(value, self.kind)) or hasattr(own, "__set__"):
            super().__setattr__(name, value)
            return
        if hasattr(type(self), name):
            title = type(self).__name__
            problem = f"{title}.{name} belongs to the class, and would hide an item of that name"
            raise wrong(AttributeError, title, problem, "give the item another name")
        value = self._checked(value, name)
        vars(self).setdefault("_items", {})[name] = value
        vars(self).pop(name, None)

    def __delattr__(self, name: str) -> None:
        if name in vars(self).get("_items", {}):
            del self._items[name]
        else:
            super().__delattr__(name)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *filter(str.isidentifier, vars(self).get("_items", {}))]

    def _new_name(self, asked: str, name: str) -> str:
        if name in self._items:
            problem = f"{type(self).__name__} already has {name!r}"
            raise wrong(KeyError, asked, problem, f"to replace it, assign: container.{name} = ...")
        return super()._new_name(asked, name)

    def _members(self) -> Iterator[tuple[str, Any]]:
        yield from self._items.items()
        for name, value in super()._members():
            if not name.startswith("_items."):
                yield name, value

    def _checked(self, item: Any, name: Any) -> Any:
        """The item, which must be of this container's kind; a tensor becomes a Parameter."""
        if self.kind is Parameter and isinstance(item, Tensor) and not isinstance(item, Parameter):
            return Parameter(item)
        if not isinstance(item, self.kind):
            title, kind = type(self).__name__, self.kind.__name__
            problem = f"{_word(self.kind)} {name} is {item!r:.60}, not a {kind}"
            raise wrong(TypeError, title, problem, _remedy(item, title))
        if isinstance(item, Module) and any(one is self for one in item.modules()):
            problem = f"{_word(self.kind)} {name} is the container itself, or holds it"
            raise wrong(ValueError, type(self).__name__, problem, "add another module, or copy.deepcopy(it)")
        return item

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        title, kind = type(self).__name__, _word(self.kind)
        problem = f"a {title} has no forward(): it does not say in which order its {kind}s are used"
        raise wrong(NotImplementedError, title, problem, f"call each {kind}, or use nn.Sequential")

    def __len__(self) -> int:
        return len(self._items)

    def __repr__(self) -> str:
        if self.kind is Module:
            return super().__repr__()
        inner = [f"  ({name}): {type(p).__name__} of shape {p.shape}" for name, p in self._items.items()]
        return "\n".join([f"{type(self).__name__}(", *inner, ")"]) if inner else f"{type(self).__name__}()"


class _Ordered(_Container):
    """Items by their numbers, and by their names."""

    def _name(self, key: Any) -> str:
        """The name of the item at `key`, an index, from the end if it is negative. IndexError, KeyError."""
        title = type(self).__name__
        if isinstance(key, str):
            if key not in self._items:
                problem = f"there is no item {key!r}"
                raise wrong(KeyError, title, problem, f"it has {', '.join(self._items)}"[:200])
            return key
        at = integer(key, f"{title}: an index")
        if not -len(self) <= at < len(self):
            raise wrong(IndexError, title, f"there is no item {at} of {len(self)}")
        return list(self._items)[at]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items.values())

    def __getitem__(self, key: int | str | slice) -> Any:
        kind: Any = type(self)
        return kind(list(self)[key]) if isinstance(key, slice) else self._items[self._name(key)]

    def __setitem__(self, key: int | str, item: Any) -> None:
        name = self._name(key)
        self._items[name] = self._checked(item, key)

    def __delitem__(self, key: int | str | slice) -> None:
        names = list(self._items)
        gone = names[key] if isinstance(key, slice) else [self._name(key)]
        self._items = _numbered_again((name, self._items[name]) for name in names if name not in gone)

    def _free_name(self) -> str:
        """The first number from `len` on that is not yet a name."""
        return next(str(i) for i in itertools.count(len(self)) if str(i) not in self._items)

    def append(self, item: Any) -> Self:
        """Add an item at the end, named by the first number from `len` on that is not yet a name."""
        self._items[self._free_name()] = self._checked(item, len(self))
        return self

    def extend(self, items: Iterable[Any]) -> Self:
        """Add several items at the end; none of them if one is wrong."""
        if isinstance(items, Mapping | str | Module) and not isinstance(items, _Ordered):
            problem = f"{type(items).__name__} is no sequence of items"
            raise wrong(TypeError, type(self).__name__, problem, "pass a list")
        for item in [self._checked(item, len(self) + i) for i, item in enumerate(items)]:
            self.append(item)
        return self

    def insert(self, index: int, item: Any) -> Self:
        """Add an item before that at `index`. Items whose names are numbers are numbered again, all of them;
        where one has another name, the names stay, and the new item gets a number that is free."""
        left = list(self._items.items())
        at = integer(index, f"{type(self).__name__}.insert: index")
        left.insert(at, (self._free_name(), self._checked(item, index)))
        self._items = _numbered_again(left)
        return self

    def pop(self, index: int | str = -1) -> Any:
        """Remove the item at `index`, and return it; items whose names are numbers are numbered again."""
        item = self[index]
        del self[index]
        return item

    def __add__(self, other: Iterable[Any]) -> Any:
        kind: Any = type(self)
        return kind([*self, *other])

    def __iadd__(self, other: Iterable[Any]) -> Self:
        return self.extend(other)


class _List(_Ordered):
    """A list of items."""

    def __init__(self, items: Iterable[Any] | None = None) -> None:
        vars(self).setdefault("_items", {})
        self.extend(() if items is None else items)


class _Dict(_Container):
    """Items by names that are texts, in the order in which they were set."""

    def __init__(self, items: Any = None) -> None:
        vars(self).setdefault("_items", {})
        self.update({} if items is None else items)

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __contains__(self, name: object) -> bool:
        return name in self._items

    def __getitem__(self, name: str) -> Any:
        if name not in self._items:
            raise wrong(
                KeyError, type(self).__name__, f"there is no {name!r}", f"it has {', '.join(self)}"[:200]
            )
        return self._items[name]

    def __setitem__(self, name: str, item: Any) -> None:
        if not isinstance(name, str) or not name or "." in name:
            raise wrong(
                TypeError, type(self).__name__, f"{name!r:.60} is no name", "names are texts without dots"
            )
        self._items[name] = self._checked(item, name)

    def __delitem__(self, name: str) -> None:
        self.pop(name)

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._items.keys()

    def values(self) -> Iterable[Any]:
        """The items."""
        return self._items.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Pairs of a name and its item."""
        return self._items.items()

    def update(self, items: Any) -> None:
        """Set several items: a mapping, or pairs of a name and an item."""
        for name, item in items.items() if hasattr(items, "items") else items:
            self[name] = item

    def pop(self, name: str) -> Any:
        """Remove the item of that name, and return it. Raises KeyError."""
        item = self[name]
        del self._items[name]
        return item

    def clear(self) -> None:
        """Remove everything."""
        self._items.clear()


class ModuleList(_List):
    """A list of modules; it has no forward: index it, or loop over it."""


class ModuleDict(_Dict):
    """A dict of modules; it has no forward: look modules up by their names."""


class ParameterList(_List):
    """A list of parameters; a tensor that is put into it becomes a Parameter."""

    kind = Parameter


class ParameterDict(_Dict):
    """A dict of parameters; a tensor that is put into it becomes a Parameter."""

    kind = Parameter


class Sequential(_Ordered):
    """Layers one after the other: `Sequential(a, b)` computes b(a(x)); or `Sequential({"name": a, ...})`.

    A layer is read, replaced and deleted by its number, `net[0]`, or by its name, `net["name"]`, `net.name`.
    A module that is assigned to a new attribute is one more layer, at the end.
    """

    def __init__(self, *layers: Module | Mapping[str, Module]) -> None:
        named = layers[0] if len(layers) == 1 and isinstance(layers[0], Mapping) else _numbered(layers)
        if len({str(name) for name in named}) < len(named):
            raise wrong(
                ValueError, "Sequential", f"of the names {list(named)} two are the same text", "rename one"
            )
        for name, layer in named.items():
            if not isinstance(layer, Module):
                raise wrong(
                    TypeError, "Sequential", f"layer {name} is {layer!r:.60}, not a Module", _remedy(layer)
                )
        vars(self).setdefault("_items", {}).update({str(name): layer for name, layer in named.items()})

    def forward(self, x: Any) -> Any:
        for layer in self._items.values():
            x = layer(x)
        return x

    def __getitem__(self, key: int | str | slice) -> Any:
        if not isinstance(key, slice):
            return super().__getitem__(key)
        return Sequential(dict(list(self._items.items())[key]))

    def __add__(self, other: Iterable[Module]) -> Sequential:
        return Sequential(*self, *other)


def _word(kind: type) -> str:
    return "layer" if kind is Module else "item"


def _remedy(layer: Any, title: str = "Sequential") -> str:
    """What to do instead of passing `layer`, which is not a Module."""
    if isinstance(layer, type):
        return f"call it: {layer.__name__}()"
    if isinstance(layer, list | tuple):
        return f"pass the layers one by one: {title}(*layers)" if title == "Sequential" else ""
    if not callable(layer):
        return ""
    name = getattr(layer, "__name__", "").replace("_", "").lower()
    known = next((n for n in dir(sys.modules["tinygrad_edu.nn"]) if n.lower() == name and n.lower() != n), "")
    return (
        f"the layer is nn.{known}()"
        if known
        else "of a function make a layer by a Module whose forward calls it"
    )


def _numbered(items: Sequence[Any]) -> dict[str, Any]:
    return {str(i): item for i, item in enumerate(items)}


def _numbered_again(named: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The items by their names; if all of these are numbers, by their positions."""
    found = dict(named)
    return _numbered(list(found.values())) if all(map(str.isdecimal, found)) else found
