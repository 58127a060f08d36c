"""Adam: a step of its own for every weight (slide: Adam; Kingma and Ba, arXiv 1412.6980, algorithm 1).

    m' = beta1 m + (1 - beta1) g        mean gradient           m^ = m' / (1 - beta1^t)
    v' = beta2 v + (1 - beta2) g^2      mean square             v^ = v' / (1 - beta2^t)
    w' = w - eta m^ / (sqrt(v^) + eps)

The hats undo that both averages begin at 0. You will see the formula beside `optim.Adam`, the same numbers;
the first step, which is eta long whether the gradient is 1000 or 0.001; and the walk down the lecture's
valley, where Adam makes the same speed along the flat y as down the steep x.

Change: ETA, the betas. Leave the hats out (divide by 1) and look at the first steps.
"""
from __future__ import annotations

import math

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import optim, viz

START, ETA, BETA1, BETA2, EPS = (-1.0, 1.0), 0.1, 0.9, 0.999, 1e-8


def f(x, y):
    """The surface of the momentum slides."""
    return x**2 + abs(0.1 * y)


def g(x, y):
    """Its gradient."""
    return np.array([2 * x, 0.1 * np.sign(y)])


def adam_step(w, gradient, m, v, t, eta=ETA):
    """One step, the t-th from 1: returns (w', m', v')."""
    m = BETA1 * m + (1 - BETA1) * gradient
    v = BETA2 * v + (1 - BETA2) * gradient**2
    m_hat = m / (1 - BETA1**t)
    v_hat = v / (1 - BETA2**t)
    return w - eta * m_hat / (np.sqrt(v_hat) + EPS), m, v


def adam(steps):
    """The points of Adam by its formula, (steps + 1, 2)."""
    w, m, v = np.array(START), np.zeros(2), np.zeros(2)
    path = [w]
    for t in range(1, steps + 1):
        w, m, v = adam_step(w, g(*w), m, v, t)
        path.append(w)
    return np.array(path)


def by_library(make, steps):
    """The walk of an optimizer of the library, (steps + 1, 2); `make` takes the list of parameters."""
    w = te.tensor(START, dtype="float64", requires_grad=True)
    optimizer = make([w])
    path = [w.numpy().copy()]
    for _ in range(steps):
        optimizer.zero_grad()
        f(w[0], w[1]).backward()
        optimizer.step()
        path.append(w.numpy().copy())
    return np.array(path)


def main(arguments=None):
    given = options(__doc__, arguments)
    steps = 10

    formula = adam(steps)
    library = by_library(lambda w: optim.Adam(w, lr=ETA, betas=(BETA1, BETA2), eps=EPS), steps)
    print(f"Adam, eta = {ETA}, from (-1, 1)")
    for t in range(0, steps + 1, 2):
        print(f"{t:>4} steps   formula ({formula[t, 0]:.9f}, {formula[t, 1]:.9f})   "
              f"optim.Adam ({library[t, 0]:.9f}, {library[t, 1]:.9f})")
    print(f"largest difference {np.abs(formula - library).max():.1e}")

    print("\nlength of the first step, by size of the gradient:")
    for size in (1000.0, 1.0, 0.001):
        w, _, _ = adam_step(0.0, size, 0.0, 0.0, 1)
        print(f"  gradient {size:>8g}   Adam {abs(w):.6f}   SGD {ETA * size:.6f}")

    walks = {f"Gradient descent (η={ETA})": by_library(lambda w: optim.SGD(w, lr=ETA), steps),
             f"Momentum (η={ETA}, μ=0.9)": by_library(lambda w: optim.SGD(w, lr=ETA, momentum=0.9), steps),
             f"Adam (η={ETA})": formula}
    print(f"\nafter {steps} steps")
    for name, path in walks.items():
        x, y = path[-1]
        print(f"  {name:<26} ({x:.6f}, {y:.6f})   f {f(x, y):.6f}   from the minimum {math.hypot(x, y):.6f}")
    draw(viz.optimizer_paths(f, walks, xlim=(-2, 2), ylim=(-2, 2), minimum=(0, 0),
                             title=f"{steps} steps from ({START[0]:g}, {START[1]:g})"), "09_adam.png", given)


if __name__ == "__main__":
    main()
