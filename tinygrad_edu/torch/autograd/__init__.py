"""torch.autograd: backward, gradients of inputs, functions with a gradient of one's own, and their proof."""

from __future__ import annotations

from typing import Any

from tinygrad_edu.engine.value import Value
from tinygrad_edu.torch.core import graph
from tinygrad_edu.torch.core.border import bare, torch_error, wrapped


def _several(x: Any) -> list[Any]:
    return [x] if isinstance(x, Value) or x is None else list(x)


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph: bool = False, allow_unused: bool | None = None, is_grads_batched: bool = False,
         materialize_grads: bool = False) -> tuple[Any, ...]:  # fmt: skip
    """d(outputs)/d(inputs), times `grad_outputs`, as a tuple; nothing is accumulated."""
    roots = [bare(x) for x in _several(outputs)]
    seeds = [None] * len(roots) if grad_outputs is None else [bare(g) for g in _several(grad_outputs)]
    try:
        found = graph.gradients_of(
            roots, [bare(x) for x in _several(inputs)], seeds,
            retain_graph=retain_graph, create_graph=create_graph, allow_unused=bool(allow_unused),
        )  # fmt: skip
    except Exception as error:
        changed = torch_error(error)
        if changed is error:
            raise
        raise changed from None
    return tuple(wrapped(g) for g in found)
