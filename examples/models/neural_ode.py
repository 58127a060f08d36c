"""A neural ODE: the right-hand side of a differential equation, learned from a trajectory (Chen et al. 2018).

    dy/dt = f(y),    f a network,    y(t) by Runge and Kutta's method of order 4

The steps of the method are tensors, so `backward` goes through all of them. The truth is a pendulum with
friction, whose angle and velocity spiral into rest; it is observed with noise at 401 times. Training
compares short pieces: from 32 random observations it integrates 20 intervals and compares with what was
observed there. Then the whole trajectory is computed from its first point.

Baselines: the best linear equation dy/dt = B y, and the network before training.

Change: METHOD to euler. Why is the field that it learns not the true one, although the path is?
"""

from __future__ import annotations

import numpy as np
from shared import clock, draw, options, plane

import tinygrad_edu as te
from tinygrad_edu import nn, optim

GRAVITY, FRICTION = 4.0, 0.2
START, TIMES, NOISE = np.array([2.8, 0.0]), np.linspace(0, 20, 401), 0.02
PIECES, LENGTH = 32, 20


def pendulum(y):
    """The true right-hand side: (angle, velocity) -> their derivatives by time, (n, 2) -> (n, 2)."""
    return np.stack([y[..., 1], -GRAVITY * np.sin(y[..., 0]) - FRICTION * y[..., 1]], axis=-1)


def rk4(f, y, h):
    """One step of Runge and Kutta's method, of arrays or tensors."""
    k1 = f(y)
    k2 = f(y + h / 2 * k1)
    k3 = f(y + h / 2 * k2)
    k4 = f(y + h * k3)
    return y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)


def euler(f, y, h):
    """One step of Euler's method."""
    return y + h * f(y)


METHOD = rk4


def integrate(f, y, steps, h, method=METHOD):
    """The list of states after 0 to `steps` steps."""
    path = [y]
    for _ in range(steps):
        path.append(method(f, path[-1], h))
    return path


class Field(nn.Module):
    """The right-hand side: y (n, 2) -> dy/dt (n, 2)."""

    def __init__(self, width=50):
        self.net = nn.Sequential(nn.Linear(2, width), nn.Tanh(), nn.Linear(width, 2))

    def forward(self, y):
        return self.net(y)


def main(arguments=None):
    given = options(__doc__, arguments)
    shown = 1 if given.smoke else 6
    rng, steps = np.random.default_rng(given.seed), 20 if given.smoke else 2000
    h = float(TIMES[1] - TIMES[0])
    truth = np.array(integrate(pendulum, START, len(TIMES) - 1, h, rk4))
    seen = (truth + NOISE * rng.standard_normal(truth.shape)).astype(np.float32)

    field = Field()

    def path(f):
        with te.no_grad():
            return np.concatenate([y.numpy() for y in integrate(f, te.tensor(seen[:1]), len(TIMES) - 1, h)])

    def error(states):
        return float(np.sqrt(((states - truth) ** 2).sum(axis=1).mean()))

    found = {"untrained": error(path(field))}
    optimizer, seconds = optim.Adam(field.parameters(), lr=1e-2), clock()
    schedule = optim.Schedule(optimizer, optim.CosineLR(total=steps))
    print("step    loss on pieces    error of the whole path")
    for step in range(steps + 1):
        at = rng.integers(0, len(TIMES) - LENGTH, PIECES)
        computed = te.stack(integrate(field, te.tensor(seen[at]), LENGTH, h)[1:], axis=1)
        loss = te.l1(computed, te.tensor(np.stack([seen[k + 1 : k + 1 + LENGTH] for k in at])))
        if step % (steps // shown) == 0:
            print(f"{step:>4} {loss.item():>17.4f} {error(path(field)):>26.4f}")
        if step < steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()

    # The best linear equation, y' = B y: least squares of the observed differences.
    b = np.linalg.lstsq((seen[:-1] + seen[1:]) / 2, np.diff(seen, axis=0) / h, rcond=None)[0]
    linear = path(lambda y: y @ te.tensor(b))
    found |= {"trained": error(path(field)), "linear": error(linear)}
    print(f"{steps} steps in {seconds():.0f} s. Root mean square distance from the true path: "
          f"{found['trained']:.3f};\nthe best linear equation {found['linear']:.3f}, "
          f"an untrained network {found['untrained']:.3f}, noise of an observation {NOISE * 2**0.5:.3f}")
    paths = {"the truth": truth, "learned field": path(field), "best linear field": linear}
    draw(plane(paths, {"observed": seen}, xlabel="angle", ylabel="velocity",
               title="A pendulum, and two equations learned from it"), "neural_ode.png", given)
    return found


if __name__ == "__main__":
    main()
