"""Recorded graphs to draw: random ones for properties, and the loss of a small network."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

import tinygrad_edu as te

UNARY = (te.tanh, te.sin, te.square, te.neg, te.cos)
BINARY = (te.add, te.mul, te.maximum)


def tensors(*shapes):
    random = np.random.default_rng(0)
    return [te.tensor(random.normal(size=s).astype(np.float32), requires_grad=True) for s in shapes]


def network(rows=32):
    """(loss, names): a hidden layer, cross-entropy, 4 parameters, 2 constants."""
    random = np.random.default_rng(1)
    features = te.tensor(random.normal(size=(rows, 6)).astype(np.float32))
    labels = te.tensor(random.integers(0, 3, rows))
    w1, b1, w2, b2 = tensors((6, 8), (8,), (8, 3), (3,))
    loss = te.cross_entropy(te.relu(features @ w1 + b1) @ w2 + b2, labels)
    return loss, {"features": features, "labels": labels, "W1": w1, "b1": b1, "W2": w2, "b2": b2}


@st.composite
def graphs(draw):
    """The last value of a random program over 2x3 tensors, some of which require grad."""
    random = np.random.default_rng(draw(st.integers(0, 9)))
    count = draw(st.integers(1, 3))
    values = [te.tensor(random.normal(size=(2, 3)), requires_grad=True) for _ in range(count)]
    values.append(te.tensor(random.normal(size=(2, 3))))
    for _ in range(draw(st.integers(0, 12))):
        if draw(st.booleans()):
            values.append(draw(st.sampled_from(UNARY))(draw(st.sampled_from(values))))
        else:
            x, y = draw(st.sampled_from(values)), draw(st.sampled_from(values))
            values.append(draw(st.sampled_from(BINARY))(x, y))
    return values[-1]


def nodes_of(value):
    """Every recorded node that `value` depends on, found by a walk of our own."""
    found, stack = set(), [value.node] if value.node is not None else []
    while stack:
        node = stack.pop()
        if node not in found:
            found.add(node)
            stack.extend(p for p in node.parents if p is not None)
    return found
