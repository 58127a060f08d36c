"""`te.tree`: nested containers, such as a dict of dicts of weights, taken apart and put together.

A tree is a leaf, or a container of trees. Containers are dicts (of any kind), lists, tuples, named tuples,
and instances of dataclasses; None is a container of nothing. Everything else is a leaf: a tensor, an array, a
number, a text, a module. A field of a dataclass with `metadata={"static": True}` is no child: it stays as it
is.

Children have the order of the container. Dicts fit together if they have the same keys, in any order.
"""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from tinygrad_edu.errors import wrong

__all__ = ["Structure", "flatten", "leaves", "map", "unflatten"]

IsLeaf = Callable[[Any], bool] | None


class Structure:
    """A tree without its leaves, as `flatten` returns it; two are equal if their containers and keys are.

    size      the number of leaves
    kind      the type of the container; None for a leaf
    keys      of the children: keys of a dict, indices of a sequence, names of fields
    template  what is copied to make the container again; None if its type makes it
    """

    __slots__ = ("children", "keys", "kind", "size", "template")

    def __init__(
        self,
        size: int,
        kind: type | None = None,
        keys: tuple[Any, ...] = (),
        children: tuple[Structure, ...] = (),
        template: Any = None,
    ) -> None:
        self.size, self.kind, self.keys, self.children, self.template = size, kind, keys, children, template

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Structure):
            return NotImplemented
        mine, theirs = (dict(zip(s.keys, s.children, strict=True)) for s in (self, other))
        return self.kind is other.kind and mine == theirs

    def __hash__(self) -> int:
        return hash((self.kind, frozenset(self.keys), self.size))

    def __repr__(self) -> str:
        return f"Structure({unflatten(self, [_Star()] * self.size)!r})"

    @property
    def paths(self) -> list[str]:
        """How to reach each leaf from the tree: `['weights'][0].scale`."""
        return list(_paths(self, ""))


class _Star:
    def __repr__(self) -> str:
        return "*"


_LEAF = Structure(1)


def _name(structure: Structure, key: Any) -> str:
    return f".{key}" if dataclasses.is_dataclass(structure.kind) else f"[{key!r}]"


def _paths(structure: Structure, before: str) -> Iterator[str]:
    if structure.kind is None:
        yield before
    for key, child in zip(structure.keys, structure.children, strict=True):
        yield from _paths(child, before + _name(structure, key))


def _fields(tree: Any) -> tuple[str, ...]:
    return tuple(f.name for f in dataclasses.fields(tree) if not f.metadata.get("static"))


def _opened(tree: Any, is_leaf: IsLeaf) -> tuple[tuple[Any, ...], list[Any]] | None:
    """The keys and the children of a container; None of a leaf."""
    if is_leaf is not None and is_leaf(tree):
        return None
    if tree is None:
        return (), []
    if isinstance(tree, dict):
        return tuple(tree), list(tree.values())
    if type(tree) in (list, tuple) or (isinstance(tree, tuple) and hasattr(tree, "_fields")):
        return tuple(range(len(tree))), list(tree)
    if dataclasses.is_dataclass(tree) and not isinstance(tree, type):
        names = _fields(tree)
        return names, [getattr(tree, name) for name in names]
    return None


def _template(tree: Any, keys: Sequence[Any]) -> Any:
    """A copy of the container without its leaves, where its type alone does not make it."""
    if isinstance(tree, dict) and type(tree) is not dict:
        empty = copy.copy(tree)
        empty.clear()
        return empty
    if dataclasses.is_dataclass(tree):
        shell: Any = copy.copy(tree)
        for name in keys:
            object.__setattr__(shell, name, None)  # a frozen one, too
        return shell
    return None


def _made(structure: Structure, children: list[Any]) -> Any:
    """The container with these children."""
    kind, keys = structure.kind, structure.keys
    if kind is type(None):
        return None
    if kind is dict:
        return dict(zip(keys, children, strict=True))
    if kind is list or kind is tuple:
        return kind(children)
    if structure.template is None:
        return kind(*children)  # type: ignore[misc]  # a named tuple
    out = copy.copy(structure.template)
    for key, child in zip(keys, children, strict=True):
        if isinstance(out, dict):
            out[key] = child
        else:
            object.__setattr__(out, key, child)
    return out


def flatten(tree: Any, *, is_leaf: IsLeaf = None) -> tuple[list[Any], Structure]:
    """The leaves of a tree, and its structure, of which `unflatten` makes the tree again.

    `is_leaf(x)` may say of a container that it is a leaf.
    """
    found: list[Any] = []
    try:
        return found, _collected(tree, found, is_leaf)
    except RecursionError:
        raise wrong(
            ValueError, "tree", "a container of the tree holds itself, or the tree is too deep",
            "take out the reference that leads back, or say is_leaf=",
        ) from None  # fmt: skip


def _collected(tree: Any, found: list[Any], is_leaf: IsLeaf) -> Structure:
    opened = _opened(tree, is_leaf)
    if opened is None:
        found.append(tree)
        return _LEAF
    keys, values = opened
    before = len(found)
    children = tuple([_collected(value, found, is_leaf) for value in values])
    return Structure(len(found) - before, type(tree), keys, children, _template(tree, keys))


def unflatten(structure: Structure, leaves: Sequence[Any]) -> Any:
    """The tree of that structure with these leaves. Raises ValueError if their number is not its size."""
    leaves = list(leaves)
    if len(leaves) != structure.size:
        raise wrong(ValueError, "tree.unflatten", f"{len(leaves)} leaves for a structure of {structure.size}")
    return _filled(structure, iter(leaves))


def _filled(structure: Structure, rest: Iterator[Any]) -> Any:
    if structure.kind is None:
        return next(rest)
    return _made(structure, [_filled(child, rest) for child in structure.children])


def leaves(tree: Any, *, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves of a tree, in order."""
    return flatten(tree, is_leaf=is_leaf)[0]


def map(f: Callable[..., Any], tree: Any, *others: Any, is_leaf: IsLeaf = None) -> Any:
    """A tree of the same structure with f(leaf) for each leaf, or f(leaf, *leaves of the others there).

    Raises ValueError if another tree lacks a container or a key of the first, or has more, and names it.
    """
    found, structure = flatten(tree, is_leaf=is_leaf)
    beside = [fitted(structure, other, f"tree {i}") for i, other in enumerate(others, 2)]
    return unflatten(structure, [f(*group) for group in zip(found, *beside, strict=True)])


def fitted(structure: Structure, tree: Any, name: str) -> list[Any]:
    """The leaves of a tree in the order of `structure`, which it must have; `name` names it in errors.

    Where the structure has a leaf, anything is one.
    """
    if structure.kind is None:
        return [tree]
    opened = _opened(tree, None)
    if opened is None or type(tree) is not structure.kind:
        kind, other = structure.kind.__name__, type(tree).__name__
        raise wrong(ValueError, None, f"{name} is of type {other}, where the first tree has a {kind}")
    there = dict(zip(*opened, strict=True))
    if there.keys() != set(structure.keys):
        differ = sorted(_name(structure, key) for key in there.keys() ^ set(structure.keys))
        raise wrong(ValueError, None, f"{name} and the first tree do not both have {', '.join(differ)}")
    return [
        leaf
        for key, child in zip(structure.keys, structure.children, strict=True)
        for leaf in fitted(child, there[key], name + _name(structure, key))
    ]
