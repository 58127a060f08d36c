"""Loss functions: what a wrong answer costs (slide: Loss Functions).

The output x of a classifier is compared with what is right, here 1. You will see the hinge loss, the
squared error (L2) and the logistic loss on one axis, their values at 0 and 1, and the slope of each: what
learning feels. All charge something for 0, undecided. At 1 the hinge and L2 are content; the logistic loss
still wants more. At 3, right and sure, the hinge charges nothing, the logistic loss next to nothing, and L2
as much as for -1, which is wrong. Last, cross entropy, -ln of the probability given to the right class, of
which the logistic loss is the case of two classes. And the lecture's "euclidean" loss, which is L2 by another
name: the squared distance of all outputs from what they should be.

Change: TARGET to -1. Add `te.huber` or `te.l1` to LOSSES.
"""
from __future__ import annotations

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import viz

TARGET = 1                              # or -1: what is right
LOSSES = {
    "hinge": lambda x, y: te.hinge(x, y, reduction="none"),             # max(0, 1 - y x)
    "L2": lambda x, y: te.mse(x, y, reduction="none"),                  # (y - x)^2
    "logistic": lambda x, y: te.logistic(x, y, reduction="none"),       # ln(1 + e^(-y x))
}


def loss(name, x):
    """The loss of every output in x."""
    return LOSSES[name](x, TARGET * te.ones_like(x))


def value(name, x):
    """The loss at one output x."""
    return loss(name, te.tensor([float(x)], dtype="float64")).item()


def slope(name, x):
    """Its derivative there; at the hinge's kink, x = 1, the mean of both sides."""
    return te.grad(lambda x: te.sum(loss(name, x)))(te.tensor([float(x)], dtype="float64")).item() + 0.0


def cross_entropy(logits, target):
    """-ln of the probability that softmax gives to the right class."""
    return te.cross_entropy(te.tensor([logits], dtype="float64"), te.tensor([target])).item()


def euclidean(x, y):
    """The lecture's name for the squared error of several outputs: their squared distance |y - x|^2."""
    return np.linalg.norm(np.subtract(y, x)) ** 2


def main(arguments=None):
    given = options(__doc__, arguments)

    points = (-3, -1, 0, 1, 3)
    print(f"loss when {TARGET} is right   ".ljust(24) + "".join(f"   x = {x:<4}" for x in points))
    for name in LOSSES:
        print(f"{name:>10}              " + " ".join(f"{value(name, x):9.6f}" for x in points))
        print(f"{'its slope':>17}       " + " ".join(f"{slope(name, x):9.6f}" for x in points))

    print("\ncross entropy of the outputs (0, 0, 1):")
    for target in (2, 0):
        probability = te.softmax(te.tensor([0.0, 0.0, 1.0], dtype="float64"))[target].item()
        cost = cross_entropy([0.0, 0.0, 1.0], target)
        print(f"  class {target} is right: -ln {probability:.8f} = {cost:.6f}")
    x = 0.7
    print(f"two classes, outputs (0, {x}): cross entropy {cross_entropy([0.0, x], int(TARGET > 0)):.12f}, "
          f"logistic loss at {x} {value('logistic', x):.12f}")

    outputs, right = np.array([0.2, 0.5, 0.9]), np.array([0.0, 0.0, 1.0])
    each = te.mse(te.tensor(outputs), te.tensor(right)).item()
    print(f"outputs {outputs}, right {right}: euclidean loss {euclidean(outputs, right):.6f}, "
          f"te.mse {each:.6f}, times {len(right)} {each * len(right):.6f}")

    x = te.linspace(-3, 3, 301, dtype="float64")
    draw(viz.curves(x.numpy(), {name: loss(name, x).numpy() for name in LOSSES}, xlabel="x",
                    ylabel="loss", ylim=(-0.1, 4), title=f"Loss functions; x = {TARGET} is right"),
         "05_losses.png", given)
    p = np.linspace(0.005, 1, 400)
    draw(viz.curves(p, {"-ln p": -np.log(p), "(1 - p)²": (1 - p) ** 2}, ylabel="loss",
                    xlabel="probability p of the right class",
                    title="Cross entropy: sure and wrong is what costs"), "05_cross_entropy.png", given)


if __name__ == "__main__":
    main()
