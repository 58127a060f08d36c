"""MAML: initial weights from which one gradient step learns a new task (Finn, Abbeel, Levine 2017).

A task is a sinusoid of its own amplitude and phase, of which 10 points are known. The loss of a task is
that of the weights *after* a gradient step on these points, at 10 other points. Its gradient by the initial
weights goes through the inner step, so it needs second derivatives: `te.grad` records what it does, as
every op does. All tasks of a step are computed at once, by weights of shape (tasks, in, out). Baselines:
training on all sinusoids together, then the same adaptation; and a network that is only initialised.

Change: INNER_LR to 0: nothing can be adapted. And detach the slopes in `adapt`, which is the "first-order"
MAML of the paper. How much is lost?
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from shared import clock, draw, options, step

import tinygrad_edu as te
from tinygrad_edu import nn, optim, viz
from tinygrad_edu.viz import figure as drawing

SIZES, TASKS, KNOWN, INNER_LR = (1, 40, 40, 1), 25, 10, 0.01


def weights():
    """Initial weights: W (in, out) and b (1, out) of each layer."""
    layers = pairwise(SIZES)
    return [nn.Parameter(w) for i, o in layers for w in (te.randn(i, o) * i**-0.5, te.zeros(1, o))]


def network(params, x):
    """The network with these weights: x (tasks, n, 1) -> (tasks, n, 1)."""
    for k in range(0, len(params), 2):
        x = x @ params[k] + params[k + 1]
        x = te.relu(x) if k + 2 < len(params) else x
    return x


def loss(params, x, y):
    """The squared error of each task (tasks,)."""
    return te.mean((network(params, x) - y) ** 2, axis=(1, 2))


def adapt(params, x, y, steps=1):
    """The weights (tasks, in, out) after gradient steps of each task on its known points."""
    fast = [p.expand(len(x), *p.shape) if p.ndim == 2 else p for p in params]
    for _ in range(steps):
        slopes = te.grad(lambda *w: loss(w, x, y).sum(), range(len(fast)))(*fast)
        fast = [w - INNER_LR * g for w, g in zip(fast, slopes)]
    return fast


class Sinusoids:
    """Tasks y = a sin(x + p): amplitudes in [0.1, 5], phases in [0, pi], x in [-5, 5]."""

    def __init__(self, rng, count):
        self.rng, self.a = rng, rng.uniform(0.1, 5, (count, 1, 1))
        self.p = rng.uniform(0, np.pi, (count, 1, 1))

    def at(self, x):
        """y (tasks, n, 1) at x of that shape."""
        return (self.a * np.sin(x + self.p)).astype(np.float32)

    def points(self, count=KNOWN):
        """(x, y), each (tasks, count, 1), drawn anew."""
        x = self.rng.uniform(-5, 5, (len(self.a), count, 1)).astype(np.float32)
        return te.tensor(x), te.tensor(self.at(x))


def train(given, rng, *, inner, iterations):
    """Weights that were trained through the inner step or, without it, on all tasks as they are."""
    te.manual_seed(given.seed)
    params, mean = weights(), []
    optimizer = optim.Adam(params, lr=1e-3)
    for _ in range(iterations):
        tasks = Sinusoids(rng, TASKS)
        fast = adapt(params, *tasks.points()) if inner else params
        mean.append(step(optimizer, loss(fast, *tasks.points()).mean()))
    parts = "".join(f"{part.mean():>8.3f}" for part in np.array_split(mean, 5))
    print(f"{'MAML' if inner else 'all together':<20}{parts}")
    return params


def main(arguments=None):
    given = options(__doc__, arguments)
    rng, seconds = np.random.default_rng(given.seed), clock()
    iterations = 40 if given.smoke else 8000
    print(f"mean loss during each fifth of {iterations} steps, with {TASKS} new sinusoids a step")
    starts = {name: train(given, rng, inner=name == "MAML", iterations=iterations)
              for name in ("MAML", "all together")} | {"only initialised": weights()}
    new = Sinusoids(rng, 200)
    known, unseen, found = new.points(), new.points(100), {}
    print(f"trained in {seconds():.0f} s. Squared error on 200 new sinusoids, from {KNOWN} points of each\n"
          f"{'gradient steps':<20}{0:>8}{1:>8}{5:>8}{10:>8}")
    for name, params in starts.items():
        errors = [loss(adapt(params, *known, steps), *unseen).mean().item() for steps in (0, 1, 5, 10)]
        print(f"{name:<20}" + "".join(f"{error:>8.3f}" for error in errors))
        found[name] = errors

    x = np.tile(np.linspace(-5, 5, 201, dtype=np.float32)[:, None], (len(new.a), 1, 1))
    parts = {"the task": new.at(x)}
    for name, steps in (("MAML", 0), ("MAML", 1), ("all together", 10)):
        fast = adapt(starts[name], *known, steps)
        parts[f"{name}, step {steps}"] = network(fast, te.tensor(x)).numpy()
    shown = [(f"sinusoid {k + 1}", x[k, :, 0], {n: y[k, :, 0] for n, y in parts.items()}) for k in range(3)]
    picture = viz.panels(shown, xlabel="x", ylabel="y", columns=3, title=f"Learned from {KNOWN} points")
    for k, axes in enumerate(picture.figure.axes[:3]):
        axes.plot(*(v.numpy()[k, :, 0] for v in known), "o", color=drawing.INK, markersize=4.5)
    draw(picture, "maml.png", given)
    return found


if __name__ == "__main__":
    main()
