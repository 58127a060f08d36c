"""A layer here and the same one of PyTorch, and what they must have in common."""

from __future__ import annotations

import numpy as np
import torch

import tinygrad_edu as te
from tinygrad_edu import nn

F64 = {"dtype": "float64"}
T64 = {"dtype": torch.float64}
torch.set_num_threads(1)
CLOSE = {"rtol": 1e-10, "atol": 1e-12}


def twins(name, *args, **options):
    """A layer of ours and of PyTorch's, with PyTorch's weights, which are loaded back, too."""
    theirs = getattr(torch.nn, name)(*args, **options, **T64)
    ours = getattr(nn, name)(*args, **options, **F64)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    ours.load_state_dict(theirs.state_dict())
    theirs.load_state_dict({k: torch.tensor(v) for k, v in ours.state_dict().items()})
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    return ours, theirs


def both(*arrays):
    """Leaves of these numbers, ours and PyTorch's."""
    return ([te.tensor(a, requires_grad=True) for a in arrays],
            [torch.tensor(a, requires_grad=True) for a in arrays])  # fmt: skip


def tensors_of(out):
    if isinstance(out, (tuple, list)):
        return [t for item in out for t in tensors_of(item)]
    return [] if out is None else [out]


def agree(ours, theirs, out, expected, inputs, their_inputs, second=True):
    """Values, gradients, and the gradients of a sum of squares of gradients."""
    found, wanted = tensors_of(out), tensors_of(expected)
    assert len(found) == len(wanted)
    for f, e in zip(found, wanted, strict=True):
        assert f.shape == tuple(e.shape)
        np.testing.assert_allclose(f.detach().numpy(), e.detach().numpy(), **CLOSE)
    loss = sum((f * f * f).sum() for f in found)
    their_loss = sum((e * e * e).sum() for e in wanted)
    leaves = [*inputs, *ours.parameters()]
    their_leaves = [*their_inputs, *theirs.parameters()]
    loss.backward(create_graph=second)
    grads = torch.autograd.grad(their_loss, their_leaves, create_graph=second, allow_unused=True)
    pairs = [(x, g) for x, g in zip(leaves, grads, strict=True) if g is not None]
    for x, g in pairs:
        np.testing.assert_allclose(x.grad.detach().numpy(), g.detach().numpy(), rtol=1e-10, atol=1e-11)
    if second:
        first = [x.grad for x, _ in pairs]
        for x in leaves:
            x.grad = None
        sum((g * g).sum() for g in first).backward()
        twice = torch.autograd.grad(sum((g * g).sum() for _, g in pairs), their_leaves, allow_unused=True)
        for x, g in zip(leaves, twice, strict=True):
            if g is not None:
                np.testing.assert_allclose(x.grad.numpy(), g.numpy(), rtol=1e-8, atol=1e-9)
