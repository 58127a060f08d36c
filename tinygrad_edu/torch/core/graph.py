"""The recorded graph as PyTorch shows it, and the ways through it: `grad_fn` and backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

import tinygrad_edu as te
from tinygrad_edu.engine.backprop import accumulate, backprop
from tinygrad_edu.engine.backprop import backward as engine_backward
from tinygrad_edu.engine.modes import enable_grad
from tinygrad_edu.engine.op import Op
from tinygrad_edu.engine.value import Node, Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional.creation import seed_for
from tinygrad_edu.torch.core.border import bare, torch_error
from tinygrad_edu.torch.core.quiet import quietly

Inner = te.Tensor


class Layout:
    """How elements lie in memory: `torch.strided`, the only way here."""

    def __repr__(self) -> str:
        return "torch.strided"


strided = Layout()


class GraphNode:
    """One application of an op in the recorded graph: `x.grad_fn`."""

    __slots__ = ("node",)

    def __init__(self, node: Node) -> None:
        self.node = node

    def name(self) -> str:
        """PyTorch's form of the name: `MulBackward0`."""
        if self.node.op is None:
            return "AccumulateGrad"
        words = self.node.name.rstrip("_").split("_")
        return "".join(word[:1].upper() + word[1:] for word in words) + "Backward0"

    @property
    def next_functions(self) -> tuple[tuple[GraphNode | None, int], ...]:
        """Those of the inputs, each with 0, the number of the output that it is."""
        return tuple((None if parent is None else GraphNode(parent), 0) for parent in self.node.parents)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GraphNode) and self.node is other.node

    def __hash__(self) -> int:
        return hash(self.node)

    def __repr__(self) -> str:
        return f"<{self.name()} object at {hex(id(self.node))}>"


def function_of(x: Inner) -> GraphNode | None:
    """What made x; None for a leaf, and outside the graph."""
    return None if x.node is None or x.is_leaf else GraphNode(x.node)


def _seed(root: Inner, gradient: Any) -> Inner:
    if gradient is not None and isinstance(gradient, Inner) and gradient.shape != root.shape:
        raise wrong(
            RuntimeError,
            "backward",
            f"Mismatch in shape: grad_output[0] has a shape of {list(gradient.shape)} and output[0] has a "
            "shape "
            f"of {list(root.shape)}.",
        )
    if root.node is None:
        raise wrong(
            RuntimeError, "backward", "element 0 of tensors does not require grad and does not have a grad_fn"
        )
    if gradient is None and root.size != 1:
        raise wrong(
            RuntimeError,
            "backward",
            "grad can be implicitly created only for scalar outputs",
            "reduce it, as in x.sum().backward(), or pass gradient=",
        )
    return seed_for(root, gradient)


def _number(*xs: Any, seeds: Any) -> Any:
    return np.zeros((), xs[0].dtype)


def _shares(g: Any, seeds: Any, wants: Any) -> Any:
    return [seed * g for seed in seeds]


_together = Op("together", _number, joint=_shares, variadic=True, register=False, doc="One root of several.")
_together.trusted = False


def _one(roots: Sequence[Inner], gradients: Sequence[Any]) -> tuple[Inner, Inner]:
    """One root and its seed for several: a number whose gradients for them are their seeds."""
    pairs = [(root, _seed(root, g)) for root, g in zip(roots, gradients, strict=True)]
    if len(pairs) == 1:
        return pairs[0]
    with enable_grad():
        total = _together(*[root for root, _ in pairs], seeds=[seed for _, seed in pairs])
    return total, seed_for(total)


@quietly
def backward(
    roots: Sequence[Inner],
    gradients: Sequence[Any],
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Any = None,
) -> None:
    """Accumulate gradients of the roots in the leaves, or in `inputs` only."""
    keep = create_graph if retain_graph is None else bool(retain_graph)
    try:
        root, seed = _one(roots, gradients)
        if inputs is None:
            engine_backward(root, seed, create_graph, keep)
            return
        given = [inputs] if isinstance(inputs, Value) else list(inputs)
        if not given:
            raise wrong(RuntimeError, "backward", "'inputs' argument to backward cannot be empty.")
        nodes = [bare(x).node for x in given]
        found = backprop(root, seed, create_graph=create_graph, retain_graph=keep, wanted=nodes)
        for node in nodes:
            if node in found:
                accumulate(node, found[node], create_graph)
    except Exception as error:
        changed = torch_error(error)
        if changed is error:
            raise
        raise changed from None


@quietly
def gradients_of(
    outputs: Sequence[Inner],
    inputs: Sequence[Inner],
    seeds: Sequence[Any],
    *,
    retain_graph: bool | None,
    create_graph: bool,
    allow_unused: bool,
) -> list[Inner | None]:
    """d(outputs)/d(inputs), times the seeds; None for an input that plays no part, if that is allowed."""
    keep = create_graph if retain_graph is None else bool(retain_graph)
    for x in inputs:
        if x.node is None:
            raise wrong(
                RuntimeError, "grad", "One of the differentiated Tensors does not require grad", inputs=(x,)
            )
    root, seed = _one(outputs, seeds)
    found = backprop(
        root,
        seed,
        create_graph=create_graph,
        retain_graph=keep,
        wanted=[x.node for x in inputs],  # type: ignore[misc]
    )
    result = [found.get(x.node) for x in inputs]  # type: ignore[arg-type]
    if not allow_unused and any(g is None for g in result):
        raise wrong(
            RuntimeError,
            "grad",
            "One of the differentiated Tensors appears to not have been used in the graph.",
            "Set allow_unused=True if this is the desired behavior.",
        )
    return result


def depends_on_others(x: Inner, own: Sequence[Inner]) -> bool:
    """Whether x was computed from a leaf that is none of `own`."""
    known, todo, seen = {leaf.node for leaf in own if leaf.is_leaf}, [x.node], set()
    while todo:
        node = todo.pop()
        if node is None or node in seen or node in known:
            continue
        seen.add(node)
        if node.op is None and node.metas:
            return True
        todo.extend(node.parents)
    return False
