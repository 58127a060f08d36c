"""Four problems in the plane, the ones of the neural network playground: two classes, coordinates in [-6, 6].

They are small enough to see what a network does: one line solves `gaussian`, `xor` needs one hidden layer,
`circle` needs a closed boundary, `spiral` needs width or depth. Source of the shapes:
https://playground.tensorflow.org, which the lecture plays with ("Let's Play!").

Every generator takes `n` points (classes equal to within one), `noise` in [0, 1] and `seed`; equal arguments
give equal points. `noise` is the half width of the uniform jitter added to both coordinates after the label
is fixed, in the units of the plane, whose shapes have radius 5; for `gaussian` it widens the clouds instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from tinygrad_edu.data.dataset import Indices
from tinygrad_edu.data.seeds import generator
from tinygrad_edu.data.table import Table
from tinygrad_edu.errors import wrong
from tinygrad_edu.scalars import integer, number

Points: TypeAlias = npt.NDArray[np.float64]

RADIUS = 5.0
LIMIT = 6.0


def spiral(n: int = 500, noise: float = 0.1, seed: int = 0) -> Table:
    """Two arms wound 1.75 times round each other: x = (r sin t, r cos t), t = 3.5 pi r/5 (+ pi for arm 1)."""

    def draw(label: Indices, random: np.random.Generator) -> Points:
        along = random.uniform(0, 1, len(label))
        return _polar(RADIUS * along, 3.5 * np.pi * along + np.pi * label)

    return _plane("spiral", n, noise, seed, draw)


def circle(n: int = 500, noise: float = 0.1, seed: int = 0) -> Table:
    """A disc of radius 2.5 (class 1) inside a ring of radii 3.5 to 5 (class 0)."""

    def draw(label: Indices, random: np.random.Generator) -> Points:
        radius = RADIUS * random.uniform(np.where(label == 1, 0.0, 0.7), np.where(label == 1, 0.5, 1.0))
        return _polar(radius, random.uniform(0, 2 * np.pi, len(label)))

    return _plane("circle", n, noise, seed, draw)


def xor(n: int = 500, noise: float = 0.1, seed: int = 0) -> Table:
    """A square in four quarters, 0.3 away from the axes: class 1 where the signs of x and y agree."""

    def draw(label: Indices, random: np.random.Generator) -> Points:
        size = random.uniform(0.3, RADIUS, (len(label), 2))
        x_sign = random.choice(np.array([-1.0, 1.0]), len(label))
        signs: Points = np.column_stack([x_sign, np.where(label == 1, x_sign, -x_sign)])
        return size * signs

    return _plane("xor", n, noise, seed, draw)


def gaussian(n: int = 500, noise: float = 0.1, seed: int = 0) -> Table:
    """Two round clouds at (2, 2) (class 1) and (-2, -2) (class 0), standard deviation 0.7 + 2.6 noise."""

    def draw(label: Indices, random: np.random.Generator) -> Points:
        centre = np.where(label == 1, 2.0, -2.0)[:, None]
        return random.normal(centre, 0.7 + 2.6 * float(noise), (len(label), 2))

    return _plane("gaussian", n, noise, seed, draw, jitter=False)


def _polar(radius: Points, angle: Points) -> Points:
    """(n, 2) points at `angle` clockwise from the y axis."""
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle)])


def _plane(
    name: str,
    n: int,
    noise: float,
    seed: int,
    draw: Callable[[Indices, np.random.Generator], Points],
    *,
    jitter: bool = True,
) -> Table:
    """The common part of all four: checks, labels in random order, jitter, the square [-6, 6], the names."""
    n, noise = integer(n, f"{name}: n"), number(noise, f"{name}: noise")
    if n < 2:
        raise wrong(ValueError, name, f"n must be at least 2, one point a class, not {n}")
    if not 0 <= noise <= 1:
        raise wrong(ValueError, name, f"noise must lie in [0, 1], not {noise}", "0.1 is usual")
    random = generator(seed)
    labels = random.permutation(np.arange(n, dtype=np.int64) % 2)
    features = draw(labels, random)
    if jitter:
        features = features + random.uniform(-noise, noise, features.shape)
    return Table(
        features=np.clip(features, -LIMIT, LIMIT).astype(np.float32),
        labels=labels,
        feature_names=("x", "y"),
        class_names=("blue", "orange"),
        name=name,
        source=f"generated: tinygrad_edu.data.{name}(n={n}, noise={noise}, seed={seed})",
    )
