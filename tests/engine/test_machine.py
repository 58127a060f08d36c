"""Random programs against a naive engine: scalars in dictionaries, gradients by walking every path."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import tinygrad_edu as te

UNARY = {"sin": (math.sin, math.cos), "tanh": (math.tanh, lambda x: 1 - math.tanh(x) ** 2),
         "neg": (lambda x: -x, lambda x: -1.0), "square": (lambda x: x * x, lambda x: 2 * x)}  # fmt: skip
BINARY = {
    "add": (lambda x, y: x + y, lambda x, y: 1.0, lambda x, y: 1.0),
    "sub": (lambda x, y: x - y, lambda x, y: 1.0, lambda x, y: -1.0),
    "mul": (lambda x, y: x * y, lambda x, y: y, lambda x, y: x),
}


class Naive:
    """A number, the slopes to what it was made from, and a gradient if it is a leaf."""

    def __init__(self, value, parents=()):
        self.value, self.parents, self.grad = value, parents, None

    @property
    def tracked(self):
        return self.grad is not None or any(p.tracked for p, _ in self.parents)

    def backward(self, g=1.0):
        """No order, no accumulation: every path to a leaf is walked on its own."""
        if self.grad is not None:
            self.grad += g
        for parent, slope in self.parents:
            parent.backward(g * slope)


class Programs(RuleBasedStateMachine):
    """Values are kept small by tanh, and graphs shallow, so that the naive engine can walk every path."""

    @initialize(values=st.lists(st.floats(-1, 1), min_size=1, max_size=3))
    def start(self, values):
        self.pairs, self.leaves, self.depth = [], [], {}
        for v in values:
            theirs = Naive(v)
            theirs.grad = 0.0
            self.keep(te.tensor(v, dtype="float64", requires_grad=True), theirs, 0)
            self.leaves.append(self.pairs[-1])

    def keep(self, ours, theirs, depth):
        self.depth[len(self.pairs)] = depth
        self.pairs.append((ours, theirs))

    def pick(self, data):
        """Any value, most often one of the last four, so that graphs branch and meet again."""
        count = len(self.pairs)
        i = count - 1 - data.draw(st.one_of(st.integers(0, min(3, count - 1)), st.integers(0, count - 1)))
        return self.pairs[i], self.depth[i]

    @rule(data=st.data(), name=st.sampled_from(sorted(UNARY)))
    def unary(self, data, name):
        (ours, theirs), depth = self.pick(data)
        f, slope = UNARY[name]
        if depth < 8:
            self.keep(
                te.tanh(getattr(te, name)(ours)),
                self.squash(Naive(f(theirs.value), [(theirs, slope(theirs.value))])),
                depth + 1,
            )

    @rule(data=st.data(), name=st.sampled_from(sorted(BINARY)), loud=st.integers(0, 3))
    def binary(self, data, name, loud):
        (x, a), depth = self.pick(data)
        (y, b), other = self.pick(data)
        f, by_x, by_y = BINARY[name]
        if max(depth, other) >= 8:
            return
        value = f(a.value, b.value)
        if not loud:
            with te.no_grad():
                self.keep(getattr(te, name)(x, y), Naive(value), max(depth, other) + 1)
        else:
            edges = [(a, by_x(a.value, b.value)), (b, by_y(a.value, b.value))]
            ours = te.tanh(getattr(te, name)(x, y))
            self.keep(ours, self.squash(Naive(value, edges)), max(depth, other) + 1)

    @staticmethod
    def squash(x):
        out = math.tanh(x.value)
        return Naive(out, [(x, 1 - out * out)])

    @rule(data=st.data())
    def detach(self, data):
        (ours, theirs), depth = self.pick(data)
        self.keep(ours.detach(), Naive(theirs.value), depth)

    @rule(data=st.data(), create_graph=st.booleans(), everything=st.booleans())
    def backward(self, data, create_graph, everything):
        """From one value, or from the sum of all: then each is used by its children and by the root."""
        (ours, theirs), _ = self.pick(data)
        if everything:
            for x, a in self.pairs:
                ours, theirs = ours + x, Naive(theirs.value + a.value, [(theirs, 1.0), (a, 1.0)])
        assert ours.requires_grad == theirs.tracked
        if ours.requires_grad:
            ours.backward(create_graph=create_graph, retain_graph=True)
            theirs.backward()

    @rule(data=st.data())
    def clear(self, data):
        ours, theirs = data.draw(st.sampled_from(self.leaves))
        ours.grad, theirs.grad = None, 0.0

    @rule(data=st.data())
    def step(self, data):
        """A leaf moves: graphs that saved it are stale, so everything that is not a leaf is forgotten."""
        ours, theirs = data.draw(st.sampled_from(self.leaves))
        with te.no_grad():
            ours.mul_(0.5)
        theirs.value *= 0.5
        self.pairs = list(self.leaves)
        self.depth = dict.fromkeys(range(len(self.leaves)), 0)

    @invariant()
    def agree(self):
        for ours, theirs in getattr(self, "pairs", []):
            np.testing.assert_allclose(ours.item(), theirs.value, rtol=1e-12, atol=1e-12)
        for ours, theirs in getattr(self, "leaves", []):
            got = 0.0 if ours.grad is None else ours.grad.item()
            np.testing.assert_allclose(got, theirs.grad, rtol=1e-9, atol=1e-9)


TestPrograms = Programs.TestCase
TestPrograms.settings = settings(max_examples=80, stateful_step_count=30, deadline=None)
