"""Momentum: a velocity that remembers (slide: Momentum, and its two path plots).

    v' = mu v - eta grad L(w)           w' = w + v'

Down f(x, y) = x^2 + |0.1 y| from (-1, 1), ten steps: a valley steep across and nearly flat along. You will
see gradient descent and classical momentum from the lecture, step by step, with the same walk by
`optim.SGD`, the gradient found by `te.grad`, and the quiz answered by trying each mu. Plain descent crawls
along y; momentum gathers speed along it, and overshoots across. Last, how long its steps become where the
gradient stays what it is, and where it changes its sign each time.

Change: MU to 0.5 or 0.99, START, STEPS.
"""
from __future__ import annotations

import numpy as np
from common import draw, options, quiz

import tinygrad_edu as te
from tinygrad_edu import optim, viz

START, STEPS, ETA, MU = (-1.0, 1.0), 10, 0.6, 0.9


def f(x, y):
    """The lecture's surface; works on numbers, arrays and tensors."""
    return x**2 + abs(0.1 * y)


def g(x, y):
    """Its gradient, by hand: (2x, 0.1 sign y)."""
    return np.array([2 * x, 0.1 * np.sign(y)])


def gradient_descent(eta, steps=STEPS):
    """The points of w' = w - eta g(w), (steps + 1, 2)."""
    w = np.array(START)
    path = [w]
    for _ in range(steps):
        w = w - eta * g(*w)
        path.append(w)
    return np.array(path)


def momentum(eta, mu, steps=STEPS):
    """The points of the rule above, (steps + 1, 2)."""
    w, v = np.array(START), np.zeros(2)
    path = [w]
    for _ in range(steps):
        v = mu * v - eta * g(*w)
        w = w + v
        path.append(w)
    return np.array(path)


def by_library(eta, mu, steps=STEPS):
    """The same walk by optim.SGD, with the engine's gradient instead of g."""
    w = te.tensor(START, dtype="float64", requires_grad=True)
    optimizer = optim.SGD([w], lr=eta, momentum=mu)
    path = [w.numpy().copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        f(w[0], w[1]).backward()
        optimizer.step()
        path.append(w.numpy().copy())
    return np.array(path)


def settled(eta, mu, sign, steps=2000):
    """How long a step is in the end, where the gradient is 1 at first and then `sign` times the last one."""
    v, gradient = 0.0, 1.0
    for _ in range(steps):
        v = mu * v - eta * gradient
        gradient *= sign
    return abs(v)


def main(arguments=None):
    given = options(__doc__, arguments)

    found = te.grad(lambda w: f(w[0], w[1]))(te.tensor(START, dtype="float64")).numpy()
    print(f"gradient at {START}: by hand {g(*START)}, by te.grad {found}")

    descent, classical = gradient_descent(ETA), momentum(ETA, MU)
    print(f"\nstep   gradient descent, eta = {ETA}              momentum, eta = {ETA}, mu = {MU}")
    for t, rows in enumerate(zip(descent, classical)):
        print(f"{t:>4}   " + "   ".join(f"({x:9.6f}, {y:9.6f})  f {f(x, y):.6f}" for x, y in rows))
    print(f"optim.SGD differs by {np.abs(by_library(ETA, 0.0) - descent).max():.1e} "
          f"and {np.abs(by_library(ETA, MU) - classical).max():.1e}")

    print(f"\nsteps in the end, eta = {ETA}, mu = {MU}, gradients of size 1; without momentum {ETA:.6f}")
    for name, sign, limit in (("always the same", 1, ETA / (1 - MU)), ("sign changes", -1, ETA / (1 + MU))):
        found = settled(ETA, MU, sign)
        print(f"  {name:<16} {found:.6f}, eta / (1 {'-+'[sign < 0]} mu) = {limit:.6f}, "
              f"{found / ETA:.4f} times as long")

    choices = {"0": 0.0, "1": 1.0, "0.5": 0.5}
    same = [name for name, mu in choices.items() if np.array_equal(momentum(ETA, mu), descent)]
    quiz("Which mu turns the momentum rule into plain SGD?", [*choices, "None of the above"],
         same[0] if same else "None of the above")

    draw(viz.optimizer_paths(f, {f"Gradient descent (η={ETA})": descent,
                                 f"Classical momentum (η={ETA}, μ={MU})": classical},
                             xlim=(-2, 2), ylim=(-2, 2), minimum=(0, 0),
                             title=f"{STEPS} steps from ({START[0]:g}, {START[1]:g})"),
         "07_momentum.png", given)


if __name__ == "__main__":
    main()
