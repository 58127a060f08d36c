"""Modules that contain others, by number or by name, and lists and dicts of parameters.

A plain list or dict among the attributes of a module is as good: its items get the same names. The classes
here are PyTorch's, and check what is put into them.
"""

from __future__ import annotations

import itertools
import operator
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, Self

from tinygrad_edu.errors import wrong
from tinygrad_edu.nn.module import Module
from tinygrad_edu.nn.parameter import Parameter
from tinygrad_edu.scalars import integer
from tinygrad_edu.tensor import Tensor

__all__ = ["Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"]


class _Container(Module):
    """Items by name, in order. The names are those of the items in `state_dict`."""

    kind: ClassVar[type] = Module
    _items: dict[str, Any]

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


class _List(_Container):
    """Items by their numbers."""

    def __init__(self, items: Iterable[Any] | None = None) -> None:
        self._items = {}
        self.extend(() if items is None else items)

    def _key(self, index: Any) -> str:
        """The name of the item at `index`, from the end if it is negative. Raises IndexError."""
        at = integer(index, f"{type(self).__name__}: an index")
        if not -len(self) <= at < len(self):
            raise wrong(IndexError, type(self).__name__, f"there is no item {at} of {len(self)}")
        return list(self._items)[at]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._items.values())

    def __getitem__(self, key: int | slice) -> Any:
        return type(self)(list(self)[key]) if isinstance(key, slice) else self._items[self._key(key)]

    def __setitem__(self, key: int, item: Any) -> None:
        self._items[self._key(key)] = self._checked(item, key)

    def __delitem__(self, key: int | slice) -> None:
        left = list(self)
        del left[key if isinstance(key, slice) else integer(key, f"{type(self).__name__}: an index")]
        self._items = _numbered(left)

    def append(self, item: Any) -> Self:
        """Add an item at the end."""
        self._items[str(len(self))] = self._checked(item, len(self))
        return self

    def extend(self, items: Iterable[Any]) -> Self:
        """Add several items at the end; none of them if one is wrong."""
        if isinstance(items, Mapping | str | Module) and not isinstance(items, _List | Sequential):
            problem = f"{type(items).__name__} is no sequence of items"
            raise wrong(TypeError, type(self).__name__, problem, "pass a list")
        checked = [self._checked(item, len(self) + i) for i, item in enumerate(items)]
        self._items = _numbered([*self, *checked])
        return self

    def insert(self, index: int, item: Any) -> Self:
        """Add an item before that at `index`."""
        left = list(self)
        left.insert(integer(index, f"{type(self).__name__}.insert: index"), self._checked(item, index))
        self._items = _numbered(left)
        return self

    def pop(self, index: int = -1) -> Any:
        """Remove the item at `index`, and return it."""
        item = self[index]
        del self[index]
        return item

    def __add__(self, other: Iterable[Any]) -> Self:
        return type(self)([*self, *other])

    def __iadd__(self, other: Iterable[Any]) -> Self:
        return self.extend(other)


class _Dict(_Container):
    """Items by names that are texts, in the order in which they were set."""

    def __init__(self, items: Any = None) -> None:
        self._items = {}
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


class Sequential(_Container):
    """Layers one after the other: `Sequential(a, b)` computes b(a(x)); or `Sequential({"name": a, ...})`."""

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
        self._items: dict[str, Module] = {str(name): layer for name, layer in named.items()}

    def forward(self, x: Any) -> Any:
        for layer in self._items.values():
            x = layer(x)
        return x

    def append(self, layer: Module) -> Sequential:
        """Add a layer at the end, named by the first number from `len` on that is not yet a name."""
        if not isinstance(layer, Module):
            raise wrong(TypeError, "Sequential.append", f"{layer!r:.60} is not a Module")
        free = next(str(i) for i in itertools.count(len(self)) if str(i) not in self._items)
        self._items[free] = layer
        return self

    def extend(self, layers: Iterable[Module]) -> Sequential:
        """Add several layers at the end; none of them if one is not a Module."""
        layers = list(layers)
        for layer in layers:
            if not isinstance(layer, Module):
                raise wrong(TypeError, "Sequential.extend", f"{layer!r:.60} is not a Module")
        for layer in layers:
            self.append(layer)
        return self

    def insert(self, index: int, layer: Module) -> Sequential:
        """Add a layer before that at `index`; the layers are numbered again."""
        left = list(self)
        left.insert(integer(index, "Sequential.insert: index"), self._checked(layer, index))
        self._items = _numbered(left)
        return self

    def pop(self, index: int = -1) -> Module:
        """Remove the layer at `index`, and return it; the layers are numbered again."""
        layer: Module = self[operator.index(index)]
        del self[index]
        return layer

    def __iter__(self) -> Iterator[Module]:
        return iter(self._items.values())

    def __getitem__(self, key: int | slice) -> Any:
        if not isinstance(key, slice):
            return list(self._items.values())[key]
        return Sequential(dict(list(self._items.items())[key]))

    def __setitem__(self, key: int, layer: Module) -> None:
        if not isinstance(layer, Module):
            raise wrong(TypeError, "Sequential", f"Sequential[{key}] = {layer!r:.60}: not a Module")
        self._items[list(self._items)[key]] = layer

    def __delitem__(self, key: int | slice) -> None:
        names = list(self._items)
        gone = names[key] if isinstance(key, slice) else [names[key]]
        left = {name: layer for name, layer in self._items.items() if name not in gone}
        numbered = all(name.isdecimal() for name in names)
        self._items = _numbered(list(left.values())) if numbered else left

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
