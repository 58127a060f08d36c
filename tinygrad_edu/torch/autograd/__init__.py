"""torch.autograd: backward, gradients of inputs, functions with a gradient of one's own, and their proof."""

from __future__ import annotations

import importlib
from typing import Any

from tinygrad_edu.engine.value import Value
from tinygrad_edu.errors import wrong
from tinygrad_edu.functional import stack, zeros_like
from tinygrad_edu.torch.autograd import function as function
from tinygrad_edu.torch.autograd.function import Function as Function
from tinygrad_edu.torch.autograd.function import NestedIOFunction as NestedIOFunction
from tinygrad_edu.torch.autograd.gradcheck import gradcheck as gradcheck
from tinygrad_edu.torch.autograd.gradcheck import gradgradcheck as gradgradcheck
from tinygrad_edu.torch.autograd.modes import detect_anomaly as detect_anomaly
from tinygrad_edu.torch.autograd.modes import enable_grad as enable_grad
from tinygrad_edu.torch.autograd.modes import inference_mode as inference_mode
from tinygrad_edu.torch.autograd.modes import is_anomaly_enabled as is_anomaly_enabled
from tinygrad_edu.torch.autograd.modes import no_grad as no_grad
from tinygrad_edu.torch.autograd.modes import set_detect_anomaly as set_detect_anomaly
from tinygrad_edu.torch.autograd.modes import set_grad_enabled as set_grad_enabled
from tinygrad_edu.torch.core import graph
from tinygrad_edu.torch.core.border import bare, torch_error, wrapped
from tinygrad_edu.torch.core.tensor import Tensor
from tinygrad_edu.torch.core.words import missing_from


def _several(x: Any) -> list[Any]:
    return [x] if isinstance(x, Value) or x is None else list(x)


def grad(outputs: Any, inputs: Any, grad_outputs: Any = None, retain_graph: bool | None = None,
         create_graph: bool = False, only_inputs: bool = True, allow_unused: bool | None = None,
         is_grads_batched: bool = False, materialize_grads: bool = False) -> tuple[Any, ...]:  # fmt: skip
    """d(outputs)/d(inputs), times `grad_outputs`, as a tuple; nothing is accumulated.

    is_grads_batched   each of `grad_outputs` holds several, along its first axis; so do the results
    materialize_grads  zeros, not None, for an input that plays no part
    """
    if is_grads_batched:
        return _of_each(outputs, inputs, grad_outputs, create_graph, bool(allow_unused), materialize_grads)
    if allow_unused is False and materialize_grads:
        raise wrong(ValueError, "grad", "Expected allow_unused to be True or not passed when "
                    "materialize_grads=True, but got: allow_unused=False.")  # fmt: skip
    roots = [bare(x) for x in _several(outputs)]
    seeds = [None] * len(roots) if grad_outputs is None else [bare(g) for g in _several(grad_outputs)]
    leaves = [bare(x) for x in _several(inputs)]
    try:
        found = graph.gradients_of(
            roots, leaves, seeds,
            retain_graph=retain_graph, create_graph=create_graph,
            allow_unused=bool(allow_unused) or materialize_grads,
        )  # fmt: skip
    except Exception as error:
        changed = torch_error(error)
        if changed is error:
            raise
        raise changed from None
    if materialize_grads:
        found = [zeros_like(x) if g is None else g for x, g in zip(leaves, found, strict=True)]
    return tuple(wrapped(g) for g in found)


def _of_each(outputs: Any, inputs: Any, seeds: Any, create_graph: bool, unused: bool, zeros: bool) -> Any:
    """The gradients for each of several `grad_outputs`, stacked: the rows of a Jacobian, say."""
    every = [bare(g) for g in _several(seeds)]
    rows = [
        grad(outputs, inputs, [g[i] for g in every], True, create_graph, True, unused, False, zeros)
        for i in range(len(every[0]))
    ]
    return tuple(None if column[0] is None else wrapped(stack([bare(g) for g in column]))
                 for column in zip(*rows, strict=True))  # fmt: skip


def backward(tensors: Any, grad_tensors: Any = None, retain_graph: bool | None = None,
             create_graph: bool = False, grad_variables: Any = None, inputs: Any = None) -> None:  # fmt: skip
    """Add the gradients of the sum of `tensors`, times `grad_tensors`, to the leaves or to `inputs`."""
    roots = [bare(x) for x in _several(tensors)]
    seeds = grad_tensors if grad_tensors is not None else grad_variables
    given = [None] * len(roots) if seeds is None else [bare(g) for g in _several(seeds)]
    graph.backward(roots, given, retain_graph, create_graph, inputs)


def Variable(data: Any, requires_grad: bool = False, volatile: bool = False) -> Tensor:
    """PyTorch's old name for a tensor: the same memory, as a leaf."""
    made = data.detach() if isinstance(data, Tensor) else Tensor(data)
    if requires_grad:
        made.requires_grad = True
    return made


_missing = missing_from("torch.autograd")


def __getattr__(name: str) -> Any:
    """Modules are imported when they are named."""
    return importlib.import_module(f"{__name__}.{name}") if name == "functional" else _missing(name)
