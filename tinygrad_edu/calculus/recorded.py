"""One run of a function of trees of tensors: its graph, and gradients on demand."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tinygrad_edu import dtypes, tree
from tinygrad_edu import functional as F
from tinygrad_edu.engine.backprop import backprop
from tinygrad_edu.engine.modes import enable_grad, is_grad_enabled
from tinygrad_edu.engine.value import Deferred, Node, Value, leaf
from tinygrad_edu.errors import describe, wrong
from tinygrad_edu.ops.movement import reshape as _alias
from tinygrad_edu.tensor import Tensor

Function = Callable[..., Any]
_NUMBERS = (int, float, np.generic)


def name_of(f: Function) -> str:
    """The name of f in errors."""
    return getattr(f.func if isinstance(f, functools.partial) else f, "__name__", repr(f))


class _Argument(Tensor):
    """An argument of f: a leaf, but `x += 1` makes a new tensor instead of changing it in place."""

    __slots__ = ()
    __iadd__, __isub__, __imul__, __itruediv__ = (
        Tensor.__add__,
        Tensor.__sub__,
        Tensor.__mul__,
        Tensor.__truediv__,
    )


def is_array(x: Any) -> bool:
    """Whether x is one array and no tree: a tensor, or a list of numbers, as everywhere in the library."""
    return isinstance(x, Value) or (type(x) in (list, tuple) and len(x) > 0 and all(map(_is_number, x)))


def _is_number(x: Any) -> bool:
    """Whether x is a number, or a list of numbers."""
    return isinstance(x, _NUMBERS) or (not isinstance(x, Value) and is_array(x))


def tensor_of(f: Function, x: Any, where: str) -> Tensor:
    """A leaf of an argument as a tensor of floats. Raises TypeError, naming it by `where`."""
    if not isinstance(x, Tensor):
        if not isinstance(x, (*_NUMBERS, list, tuple)) and not hasattr(x, "__array__"):
            raise wrong(
                TypeError,
                name_of(f),
                f"{where} is {describe(x)}, of type {type(x).__name__}, and no tensor",
                "leave it out of argnums, close over it, or make it a static field of a dataclass",
            )
        x = F.as_tensor(x)
    if not dtypes.is_floating(x.dtype):
        raise wrong(
            TypeError,
            name_of(f),
            f"{where} is {x.dtype}",
            "only floats have a gradient; cast it, close over it, or leave it out of argnums",
        )
    return x


def _watched(x: Tensor) -> Tensor:
    """x as an argument: with a new node, connected to the caller's graph."""
    if x.requires_grad:
        x = _alias(x, shape=x.shape)
    return x if x.requires_grad else _Argument(x.storage, leaf(x.shape, x.dtype, internal=True))


def output_of(f: Function, xs: Sequence[Any]) -> Tensor:
    """f(*xs). Raises TypeError if the result is not a tensor."""
    return _tensor_from(f, f(*xs))


def _tensor_from(f: Function, y: Any) -> Tensor:
    if not isinstance(y, Tensor):
        raise wrong(
            TypeError,
            name_of(f),
            f"{name_of(f)} returned {type(y).__name__}",
            "a tensor is needed to differentiate it",
        )
    return y


def _depends_on_others(root: Node | None, own: set[Node]) -> bool:
    """Whether the graph depends on other leaves than `own`: then it may be differentiated again."""
    seen, stack = set(own), [root]
    if any(node.op is not None for node in own):
        return True
    while stack:
        node = stack.pop()
        if node is None or node in seen:
            continue
        if node.op is None and not isinstance(node, Deferred):
            return True
        seen.add(node)
        stack.extend(node.parents)
    return False


class Recorded:
    """One run of f: its inputs, its output, and gradients on demand.

    several  whether f may return a tree of tensors
    xs       the leaves of the arguments in `argnums`, as f got them
    y        the output; of a tree, all of its numbers in one vector
    """

    def __init__(self, f: Function, xs: Sequence[Any], argnums: Sequence[int], several: bool = False) -> None:
        self.f, self.recording = f, is_grad_enabled()
        with enable_grad():
            given = self._arguments(xs, argnums)
            self.outputs, self.output_structure = self._run(given, several)
            self.y = self.outputs[0]
            if self.output_structure.kind is not None:
                self.y = F.concat([F.flatten(y) for y in self.outputs])
        self.nodes = [x.node for x in self.xs if x.node is not None]  # all have one
        self.linked = self.recording and _depends_on_others(self.y.node, set(self.nodes))

    def _arguments(self, xs: Sequence[Any], argnums: Sequence[int]) -> list[Any]:
        """The arguments; those to differentiate by have leaves with nodes of their own."""
        out, found = list(xs), {}
        for i in argnums:
            if not -len(xs) <= i < len(xs):
                raise wrong(IndexError, name_of(self.f), f"argnums names argument {i}, {len(xs)} were given")
            i %= len(xs)
            if i not in found:
                leaves, structure = tree.flatten(xs[i], is_leaf=is_array)
                paths = structure.paths
                own = [
                    _watched(tensor_of(self.f, x, f"argument {i}{path}"))
                    for x, path in zip(leaves, paths, strict=True)
                ]
                found[i] = own, structure
                out[i] = tree.unflatten(structure, own)
        parts = [found[i % len(xs)] for i in argnums]
        self.xs: list[Tensor] = [x for own, _ in parts for x in own]
        self.structures = [structure for _, structure in parts]
        return out

    def _run(self, given: list[Any], several: bool) -> tuple[list[Tensor], tree.Structure]:
        """The tensors that f returns, and their structure."""
        y = self.f(*given)
        found, structure = tree.flatten(y, is_leaf=is_array)
        if structure.kind is None or not found or not several:
            return tree.flatten(_tensor_from(self.f, y))
        for part, path in zip(found, structure.paths, strict=True):
            if not isinstance(part, Tensor) or not dtypes.is_floating(part.dtype):
                what = part.dtype if isinstance(part, Tensor) else type(part).__name__
                raise wrong(
                    TypeError,
                    name_of(self.f),
                    f"{path} of what {name_of(self.f)} returned is {what}",
                    "tensors of floats are needed to differentiate it",
                )
        return found, structure

    def pull(self, seed: Tensor, create_graph: bool = False) -> list[Tensor]:
        """The gradients of <seed, y> by each of `xs`, recorded if they could be differentiated again."""
        if self.y.node is None:
            return [F.zeros_like(x) for x in self.xs]
        record = create_graph or self.linked or (self.recording and seed.requires_grad)
        found = backprop(self.y, seed, create_graph=record, retain_graph=True, wanted=self.nodes)
        return [found[n] if n in found else F.zeros_like(x) for n, x in zip(self.nodes, self.xs, strict=True)]

    def nested(self, leaves: Sequence[Any]) -> list[Any]:
        """A tree for each argument in `argnums`, of one value for each of `xs`."""
        out, start = [], 0
        for structure in self.structures:
            out.append(tree.unflatten(structure, leaves[start : start + structure.size]))
            start += structure.size
        return out

    def split(self, rows: Tensor) -> list[Tensor]:
        """A row (n, ...) for each number of the output, as a tensor (*shape, ...) for each of `outputs`."""
        out, start = [], 0
        for y in self.outputs:
            out.append(rows[start : start + y.size].reshape((*y.shape, *rows.shape[1:])))
            start += y.size
        return out

    @property
    def value(self) -> Any:
        """What f returned; without its graph if nothing outside can be differentiated through it."""
        return self.outputs_as([y if self.linked else y.detach() for y in self.outputs])

    def outputs_as(self, leaves: Sequence[Any]) -> Any:
        """A tree like the output."""
        return tree.unflatten(self.output_structure, leaves)
