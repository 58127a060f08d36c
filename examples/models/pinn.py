"""A physics-informed network: Burgers' equation, solved by training (Raissi, Perdikaris, Karniadakis 2019).

    du/dt + u du/dx = nu d2u/dx2    for -1 <= x <= 1,    u(x, 0) = -sin(pi x),    u(-1, t) = u(1, t) = 0

A network u(x, t) is trained to make the equation true at random points; it sees no solution. `te.grad`
gives the derivatives by x and t, `te.grad` of `te.grad` the second one, and `backward` then goes through
both to the weights. The start and the edges hold by construction: u = -sin(pi x) + t (1 - x^2) N(x, t). The
exact solution is Cole's and Hopf's (Hopf 1950), an integral that Gauss-Hermite quadrature computes.

Change: NU to 0.01. The front becomes steep, and random points seldom hit it. How many more steps does it
take?
"""

from __future__ import annotations

import numpy as np
from shared import clock, draw, options

import tinygrad_edu as te
from tinygrad_edu import nn, optim, viz

NU, END, POINTS = 0.05, 1.0, 256
TIMES = (0.0, 0.25, 0.5, 1.0)


def exact(x, t, nu=NU):
    """Cole and Hopf's solution at x (n,), by quadrature; t > 0."""
    z, weights = np.polynomial.hermite.hermgauss(80)
    y = x[:, None] - 2 * np.sqrt(nu * t) * z
    share = weights * np.exp(-(np.cos(np.pi * y) - 1) / (2 * np.pi * nu) - 1 / (np.pi * nu))
    return -(share * np.sin(np.pi * y)).sum(axis=1) / share.sum(axis=1)


class Solution(nn.Module):
    """u(x, t), which has the right values at t = 0, x = -1 and x = 1 whatever its weights are."""

    def __init__(self, width=32):
        layers = [nn.Linear(2, width), nn.Tanh(), nn.Linear(width, width), nn.Tanh()]
        self.net = nn.Sequential(*layers, nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, x, t):
        inside = self.net(te.stack([x, t], axis=1)).squeeze(1)
        return -te.sin(np.pi * x) + t * (1 - x * x) * inside


def residual(u, x, t):
    """What is left of the equation at points x (n,), t (n,): 0 where u solves it."""

    def total(x, t):  # of independent points: the gradient of the sum has the derivative at each of them
        return u(x, t).sum()

    def slope(x, t):
        return te.grad(total)(x, t).sum()

    ux, ut = te.grad(total, (0, 1))(x, t)
    return ut + u(x, t) * ux - NU * te.grad(slope)(x, t)


def profile(u, x, t):
    """u at all x and one time, as an array."""
    with te.no_grad():
        return u(te.tensor(x), te.tensor(np.full_like(x, t))).numpy()


def differences(cells, t, nu=NU):
    """The same by explicit finite differences on so many cells: (x, u)."""
    x = np.linspace(-1, 1, cells + 1)
    h, u = x[1] - x[0], -np.sin(np.pi * x)
    steps = int(np.ceil(t / (0.4 * h * h / nu)))
    for _ in range(steps):
        flux = u[1:-1] * (u[2:] - u[:-2]) / (2 * h)
        u[1:-1] += t / steps * (nu * (u[2:] - 2 * u[1:-1] + u[:-2]) / h**2 - flux)
    return x, u


def main(arguments=None):
    given = options(__doc__, arguments)
    shown = 1 if given.smoke else 6
    rng, steps = np.random.default_rng(given.seed), 20 if given.smoke else 4000
    u, x = Solution(), np.linspace(-1, 1, 201, dtype=np.float32)

    def error():
        return max(float(np.abs(profile(u, x, t) - exact(x, t)).max()) for t in TIMES[1:])

    found = {"untrained": error()}
    optimizer, seconds = optim.Adam(u.parameters(), lr=3e-3), clock()
    schedule = optim.Schedule(optimizer, optim.CosineLR(total=steps))
    print("step    mean squared residual    largest error")
    for step in range(steps + 1):
        where = rng.uniform((-1, 0), (1, END), (POINTS, 2)).astype(np.float32)
        loss = te.mean(residual(u, te.tensor(where[:, 0]), te.tensor(where[:, 1])) ** 2)
        if step % (steps // shown) == 0:
            print(f"{step:>4} {loss.item():>24.6f} {error():>16.4f}")
        if step < steps:
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
    found["trained"] = error()
    grid, coarse = differences(20, END)
    found["differences"] = float(np.abs(coarse - exact(grid, END)).max())
    print(
        f"{steps} steps in {seconds():.0f} s. Largest error, where |u| <= 1: {found['trained']:.4f}, "
        f"untrained {found['untrained']:.4f};\nfinite differences on 20 cells: {found['differences']:.4f}"
    )

    truth = {t: exact(x, t) if t else -np.sin(np.pi * x) for t in TIMES}
    parts = [(f"t = {t:g}", x, {"network": profile(u, x, t), "exact": truth[t]}) for t in TIMES]
    picture = viz.panels(
        parts, xlabel="x", ylabel="u(x, t)", title="Burgers' equation", columns=2, same_scale=True
    )
    draw(picture, "pinn.png", given)
    return found


if __name__ == "__main__":
    main()
