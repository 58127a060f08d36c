"""The lecture's walks down f(x, y) = x^2 + |0.1 y| from (-1, 1): gradient descent, momentum, Nesterov."""

from __future__ import annotations

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import optim

# Source: the lecture's path plots, ten steps; where each ends, and f there.
ENDS = [
    ("gd", 0.6, (-1.0239999999999975e-07, 0.3999999999999996), 0.040000000000010444),
    ("cm", 0.6, (-0.6937564516000001, -0.3969835765400002), 0.5209963717906233),
    ("nag", 0.6, (-0.00740978292344564, -0.025571576540000036), 0.0026120625369725906),
    ("nag", 0.7, (-1.2193831286172807, -0.05650017262999987), 1.4925452316194678),
    ("gd", 0.1, (-0.10737418240000003, 0.8999999999999999), 0.10152921504606847),
    ("cm", 0.1, (-0.004399870600000189, 0.5861894039099999), 0.05863829925229674),
    ("nag", 0.1, (0.04043836982810378, 0.5861894039099999), 0.060254202145354485),
]
# The first steps of Nesterov's walk at 0.7, the one that "can still screw up".
DIVERGING = [(-1, 1), (0.4, 0.93), (-0.664, 0.797), (0.64864, 0.6073), (-0.7320064, 0.36657)]


def f(w):
    return w[0] ** 2 + te.abs(0.1 * w[1])


def walk(kind, lr, steps=10):
    """The lecture's points w; PyTorch's Nesterov keeps theta = w + mu v, and v = -lr b."""
    momentum = 0.0 if kind == "gd" else 0.9
    theta = te.tensor([-1.0, 1.0], dtype="float64", requires_grad=True)
    optimizer = optim.SGD([theta], lr=lr, momentum=momentum, nesterov=kind == "nag")
    path = [theta.numpy().copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        f(theta).backward()
        optimizer.step()
        b = optimizer.state_dict()["state"][0].get("momentum_buffer", 0.0)
        path.append(theta.numpy() + (lr * momentum * b if kind == "nag" else 0.0))
    return np.array(path)


@pytest.mark.parametrize(("kind", "lr", "end", "value"), ENDS)
def test_the_walk_ends_where_the_lectures_does(kind, lr, end, value):
    path = walk(kind, lr)
    np.testing.assert_allclose(path[-1], end, rtol=1e-12, atol=1e-15)
    np.testing.assert_allclose(f(te.tensor(path[-1])).item(), value, rtol=1e-12)


def test_nesterov_diverges_step_by_step_as_in_the_lecture():
    np.testing.assert_allclose(walk("nag", 0.7, 4), DIVERGING, rtol=1e-12)


def test_momentum_zero_is_plain_gradient_descent():
    w = te.tensor([-1.0, 1.0], dtype="float64", requires_grad=True)
    w.grad = te.tensor([2.0, 0.5], dtype="float64")
    optim.SGD([w], lr=0.6, momentum=0.0).step()
    np.testing.assert_allclose(w.numpy(), [-2.2, 0.7], rtol=1e-15)
