"""Nesterov momentum, and all path plots of the lecture (slides: Nesterov Momentum and those after it).

    v' = mu v - eta grad L(w + mu v)        w' = w + v'

The gradient is taken where the velocity is about to carry w, so that it corrects the step instead of
regretting it. On f(x, y) = x^2 + |0.1 y| from (-1, 1) you will see the seven walks of the lecture: with eta
= 0.6 Nesterov ends nearest the minimum; with eta = 0.7 it runs away; with eta = 0.1 all three creep, and
momentum gets further along the flat y than plain descent does.

Change: eta. Between 0.6 and 0.7 there is one from which on Nesterov diverges: find it, and derive it for
x^2.
"""
from __future__ import annotations

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import optim, viz

START, STEPS = (-1.0, 1.0), 10

# Name of each walk: (title, eta, mu, whether Nesterov's), in the lecture's order.
WALKS = {
    "gd_0.6": ("Gradient descent η=0.6", 0.6, 0.0, False),
    "cm_0.6_0.9": ("Momentum η=0.6", 0.6, 0.9, False),
    "nag_0.6_0.9": ("Nesterov η=0.6", 0.6, 0.9, True),
    "nag_0.7_0.9": ("Nesterov η=0.7", 0.7, 0.9, True),
    "gd_0.1": ("Gradient descent η=0.1", 0.1, 0.0, False),
    "cm_0.1_0.9": ("Momentum η=0.1", 0.1, 0.9, False),
    "nag_0.1_0.9": ("Nesterov η=0.1", 0.1, 0.9, True),
}


def f(x, y):
    """The lecture's surface; works on numbers, arrays and tensors."""
    return x**2 + abs(0.1 * y)


def g(x, y):
    """Its gradient, by hand: (2x, 0.1 sign y)."""
    return np.array([2 * x, 0.1 * np.sign(y)])


def walk(eta, mu, nesterov, steps=STEPS):
    """The points (steps + 1, 2). Momentum looks at w, Nesterov ahead at w + mu v; mu = 0 is plain descent."""
    w, v = np.array(START), np.zeros(2)
    path = [w]
    for _ in range(steps):
        v = mu * v - eta * g(*(w + mu * v if nesterov else w))
        w = w + v
        path.append(w)
    return np.array(path)


def by_library(eta, mu, nesterov, steps=STEPS):
    """The same walk by optim.SGD, which keeps the point looked at, theta = w + mu v, and b = -v / eta."""
    theta = te.tensor(START, dtype="float64", requires_grad=True)
    optimizer = optim.SGD([theta], lr=eta, momentum=mu, nesterov=nesterov)
    path = [np.array(START)]
    for _ in range(steps):
        optimizer.zero_grad()
        f(theta[0], theta[1]).backward()
        optimizer.step()
        b = optimizer.state_dict()["state"][0].get("momentum_buffer", 0.0)
        path.append(theta.numpy() + (eta * mu * b if nesterov else 0.0))      # w = theta - mu v
    return np.array(path)


def main(arguments=None):
    given = options(__doc__, arguments)

    print(f"{'after ten steps from (-1, 1)':<28} {'x':>10} {'y':>10} {'f':>10}   optim.SGD differs by")
    paths = {}
    for name, (title, *rule) in WALKS.items():
        paths[name] = walk(*rule)
        x, y = paths[name][-1]
        off = np.abs(by_library(*rule) - paths[name]).max()
        print(f"{title:<28} {x:10.6f} {y:10.6f} {f(x, y):10.6f}   {off:.1e}")

    sizes = np.abs(paths["nag_0.7_0.9"][:, 0])
    print(f"\nNesterov with eta = 0.7: |x| grows from {sizes[1]:.2f} to {sizes[-1]:.2f}, "
          f"by {sizes[-1] / sizes[-2]:.2f} a step: it diverges")

    # All seven beside each other, then the three of each learning rate on one map.
    pictures = {"08_paths.png": (tuple(WALKS), 3),
                "08_rate_0.6.png": (("gd_0.6", "cm_0.6_0.9", "nag_0.6_0.9"), None),
                "08_rate_0.1.png": (("gd_0.1", "cm_0.1_0.9", "nag_0.1_0.9"), None)}
    for file, (names, columns) in pictures.items():
        draw(viz.optimizer_paths(f, {WALKS[name][0]: paths[name] for name in names}, xlim=(-2, 2),
                                 ylim=(-2, 2), minimum=(0, 0), columns=columns,
                                 title="Ten steps from (-1, 1), μ = 0.9"), file, given)


if __name__ == "__main__":
    main()
