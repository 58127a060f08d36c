"""Softmax: outputs made into probabilities, and how to compute it (slide: Softmax).

    a_j = e^(z_j) / sum_k e^(z_k)

You will see the two examples of the lecture, then the formula as it stands fail at z = 1000, where e^z is
no number any more, and the same formula hold once the largest z is subtracted first: numerator and
denominator shrink by one factor, and nothing else changes. Then why softmax goes with the log likelihood:
its gradient is a - y, as large as the error, whereas a sigmoid with a squared error learns nothing when it
is sure and wrong.

Change: EXAMPLES, LARGE. At which z does the plain formula first give nan in float64, and at which in float32?
"""
from __future__ import annotations

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import viz

EXAMPLES = ([0, 0, 1], [10, 0, -2])
LARGE = [1000.0, 0.0, -2.0]


def softmax_plain(z):
    """The formula as it stands: right, while e^z is a number."""
    return np.exp(z) / np.sum(np.exp(z))


def softmax_stable(z):
    """e^(z - c) / sum e^(z - c) with c the largest z: the largest power is e^0 = 1, for every z."""
    shifted = np.asarray(z, np.float64) - np.max(z)
    return np.exp(shifted) / np.sum(np.exp(shifted))


def softmax_library(z):
    """te.softmax, computed in the same way."""
    return te.softmax(te.tensor(z, dtype="float64")).numpy()


def gradient_of_log_likelihood(z, right):
    """d (-ln a_right) / dz: equal to a - y, with y = 1 for the right class and 0 for the others."""
    return te.grad(lambda z: te.cross_entropy(z.reshape(1, -1), te.tensor([right])))(
        te.tensor(z, dtype="float64")).numpy()


def learning_signals(z):
    """|dL/dz| where 1 is right: sigmoid with squared error, and softmax of (z, 0) with log likelihood."""
    z = te.tensor(z, dtype="float64")
    squared = te.grad(lambda z: te.sum((1 - te.sigmoid(z)) ** 2))(z)
    likelihood = te.grad(lambda z: te.sum(-te.log_softmax(te.stack([z, 0 * z], axis=1), axis=1)[:, 0]))(z)
    return te.abs(squared).numpy(), te.abs(likelihood).numpy()


@np.errstate(over="ignore", invalid="ignore")           # where the plain formula fails, its nan says so
def main(arguments=None):
    given = options(__doc__, arguments)

    for z in EXAMPLES:
        print(f"softmax({z}) = {softmax_plain(z)}, sum {softmax_plain(z).sum():.12f}")
        print(f"    te.softmax differs by {np.abs(softmax_library(z) - softmax_plain(z)).max():.1e}")

    print(f"\nsoftmax({LARGE})\n    as the formula stands   {softmax_plain(LARGE)}")
    print(f"    largest z subtracted    {softmax_stable(LARGE)}")
    print(f"    te.softmax              {softmax_library(LARGE)}")

    z = [0.0, 0.0, 1.0]
    print(f"\ngradient of -ln a_0 at z = {z}: {gradient_of_log_likelihood(z, 0)}")
    print(f"                         a - y: {softmax_plain(z) - np.array([1, 0, 0])}")

    z = np.linspace(-10, 10, 401)
    squared, likelihood = learning_signals(z)
    print(f"\nsure and wrong, z = -10: |dL/dz| is {squared[0]:.6f} for sigmoid with squared error, "
          f"{likelihood[0]:.6f} for softmax with log likelihood")

    draw(viz.curves(z, {"sigmoid, squared error": squared, "softmax, log likelihood": likelihood},
                    xlabel="z (large is right)", ylabel="size of the gradient",
                    title="What is left to learn from"),
         "06_gradients.png", given)
    a = softmax_stable(EXAMPLES[0])
    draw(viz.bars({f"a_{j}, z = {z}": a[j] for j, z in enumerate(EXAMPLES[0])},
                  ylabel="probability", title=f"softmax({EXAMPLES[0]})"), "06_softmax.png", given)


if __name__ == "__main__":
    main()
