"""PyTorch as the oracle for a function of tensors: values, gradients and second derivatives, in float64."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import tinygrad_edu as te

TOLERANCE = 1e-10


def close(found: Any, expected: Any) -> None:
    """Equal to 1e-10, of the largest number or of 1."""
    expected = np.asarray(expected)
    scale = max(1.0, float(np.abs(expected).max(initial=0.0)))
    np.testing.assert_allclose(np.asarray(found), expected, rtol=0, atol=TOLERANCE * scale)


def same_twice(
    ours: Callable[..., Any], theirs: Callable[..., Any], *arrays: Any, second: bool = True
) -> None:
    """Compare `ours(*arrays)` with `theirs`; for second derivatives, the loss is not linear in the result."""
    import torch

    xs = [te.tensor(a, requires_grad=True) for a in arrays]
    ts = [torch.tensor(a, requires_grad=True) for a in arrays]
    out, expected = ours(*xs), theirs(*ts)
    assert out.shape == tuple(expected.shape)
    close(out.numpy(), expected.detach().numpy())
    weight = np.cos(np.arange(out.size)).reshape(out.shape)
    (out * out * te.tensor(weight)).sum().backward(create_graph=second)
    slopes = [x.grad for x in xs]
    loss = (expected * expected * torch.tensor(weight)).sum()
    known = torch.autograd.grad(loss, ts, create_graph=second)
    for slope, right in zip(slopes, known, strict=True):
        close(slope.numpy(), right.detach().numpy())
    if not second:
        return
    for x in xs:
        x.grad = None
    sum((s * s).sum() for s in slopes).backward()
    for x, right in zip(xs, torch.autograd.grad(sum((s * s).sum() for s in known), ts), strict=True):
        close(x.grad.numpy(), right.numpy())
