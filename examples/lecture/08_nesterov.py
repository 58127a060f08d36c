"""Nesterov momentum, and all path plots of the lecture (slides: Nesterov Momentum and those after it).

    v' = mu v - eta grad L(w + mu v)        w' = w + v'

The gradient is taken where the velocity is about to carry w, so that it corrects the step instead of
regretting it. On f(x, y) = x^2 + |0.1 y| from (-1, 1) you will see the seven walks of the lecture: with eta
= 0.6 Nesterov ends nearest the minimum; with eta = 0.7 it runs away, each step longer than the last from the
third on; with eta = 0.1 all three creep, and momentum gets further along the flat y than plain descent does.

Change: the eta of a walk. Between 0.6 and 0.7 there is one from which on Nesterov diverges: find it, and
derive it for x^2.
"""
from __future__ import annotations

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import optim, viz

START, STEPS, MU = (-1.0, 1.0), 10, 0.9

# (eta, mu, whether Nesterov's) of each walk, in the lecture's order.
WALKS = ((0.6, 0.0, False), (0.6, MU, False), (0.6, MU, True), (0.7, MU, True),
         (0.1, 0.0, False), (0.1, MU, False), (0.1, MU, True))


def f(x, y):
    """The lecture's surface; works on numbers, arrays and tensors."""
    return x**2 + abs(0.1 * y)


def g(x, y):
    """Its gradient, by hand: (2x, 0.1 sign y)."""
    return np.array([2 * x, 0.1 * np.sign(y)])


def title(eta, mu, nesterov):
    """What a walk is called; its mu is said where it is not MU."""
    method = "Gradient descent" if mu == 0 else "Nesterov" if nesterov else "Momentum"
    return f"{method} η={eta:g}" + f" μ={mu:g}" * (mu not in (0, MU))


def walk(eta, mu, nesterov, steps=STEPS):
    """The points (steps + 1, 2). Momentum looks at w, Nesterov ahead at w + mu v; mu = 0 is plain descent."""
    w, v = np.array(START), np.zeros(2)
    path = [w]
    for _ in range(steps):
        v = mu * v - eta * g(*(w + mu * v if nesterov else w))
        w = w + v
        path.append(w)
    return np.array(path)


def lengths(path):
    """How long each step of a walk is, (steps,)."""
    return np.linalg.norm(np.diff(path, axis=0), axis=1)


def growing_from(steps):
    """The number, from 1, of the first step from which on each is longer than the one before it."""
    shorter = np.flatnonzero(np.diff(steps) <= 0)
    return int(shorter[-1]) + 3 if len(shorter) else 2


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
    for rule in WALKS:
        paths[rule] = walk(*rule)
        x, y = paths[rule][-1]
        off = np.abs(by_library(*rule) - paths[rule]).max()
        print(f"{title(*rule):<28} {x:10.6f} {y:10.6f} {f(x, y):10.6f}   {off:.1e}")
    print()
    for rule, path in paths.items():
        longer = np.abs(walk(*rule, steps=100)[:, 0])
        if longer[-10:].max() > longer[40:50].max():
            print(f"{title(*rule)}: |x| is {abs(path[1, 0]):.2f} after a step, {abs(path[-1, 0]):.2f} after "
                  f"{STEPS} and {longer[-1]:.3g} after 100: it diverges")
            steps = lengths(walk(*rule, steps=100))
            print(f"  its steps are {', '.join(f'{step:.3f}' for step in steps[:STEPS])} ... long; from step "
                  f"{growing_from(steps)} on each is longer than the one before")

    # All of them beside each other, then those of each learning rate on one map.
    pictures = {"08_paths.png": (list(paths), 2)}
    for eta in dict.fromkeys(eta for eta, _, _ in paths):
        together = [rule for rule in paths if rule[0] == eta]
        if len(together) > 1:
            pictures[f"08_rate_{eta:g}.png"] = together, None
    for file, (rules, columns) in pictures.items():
        draw(viz.optimizer_paths(f, {title(*rule): paths[rule] for rule in rules}, xlim=(-1.5, 1.5),
                                 ylim=(-0.6, 1.2), minimum=(0, 0), columns=columns,
                                 title=f"{STEPS} steps from ({START[0]:g}, {START[1]:g}); momentum has "
                                       f"μ = {MU:g}"), file, given)


if __name__ == "__main__":
    main()
