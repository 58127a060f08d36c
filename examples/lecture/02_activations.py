"""Activation functions and their slopes (slides: Neurons, Activation Functions).

A neuron is a perceptron whose step is replaced by a function sigma: output = sigma(w . x + b). You will see
the four of the lecture on its axis, -10 to 10, with their derivatives, which nobody wrote down here:
`te.grad` finds them. The slope is what learning runs on. The step has none anywhere, so nothing can learn
through it; the sigmoid's and the tanh's vanish far from 0; the ReLU's is 1 wherever it is on.

Change: add `te.silu` or `te.gelu` to FUNCTIONS. Draw second derivatives in place of the first, by
derivative(lambda x: derivative(f, x), x).
"""
from __future__ import annotations

import numpy as np
from common import draw, options

import tinygrad_edu as te
from tinygrad_edu import viz


def sigmoid(x, slope=1.0):
    """1 / (1 + e^(-slope x)): the larger the slope, the closer to a step."""
    return 1 / (1 + te.exp(-slope * x))


# By the title of a panel, {label: function}; a function with jumps has gaps there, no upright line.
FUNCTIONS = {
    "step": {"x > 0": te.step},
    "sigmoid": {"σ(x)": sigmoid, "σ(2x)": lambda x: sigmoid(x, 2), "σ(x/2)": lambda x: sigmoid(x, 0.5)},
    "tanh": {"tanh x": te.tanh},
    "ReLU": {"max(0, x)": te.relu},
}


def derivative(function, x):
    """d function / dx at every element of x: each output depends on its own x alone, so their sum will do."""
    return te.grad(lambda x: te.sum(function(x)))(x)


def broken(y):
    """y with NaN before each jump: where it changes by more than a tenth from one x to the next."""
    return np.where(np.abs(np.diff(y, append=y[-1:])) > 0.1, np.nan, y)


def main(arguments=None):
    given = options(__doc__, arguments)
    x = te.linspace(-10, 10, 500, dtype="float64")
    points = te.tensor([-10.0, -1.0, 0.0, 1.0, 10.0], dtype="float64")

    values, slopes = [], []
    print(f"{'x':>22} " + " ".join(f"{v:>9g}" for v in points.tolist()))
    for title, family in FUNCTIONS.items():
        values.append((title, x.numpy(), {label: broken(f(x).numpy()) for label, f in family.items()}))
        slopes.append((f"slope of {title}", x.numpy(), {f"of {label}": broken(derivative(f, x).numpy())
                                                    for label, f in family.items()}))
        for label, f in family.items():
            print(f"{title:>8}, {label:>9}    " + " ".join(f"{v:9.5f}" for v in f(points).tolist()))
            print(f"{'its slope':>19}    " + " ".join(f"{v:9.5f}" for v in derivative(f, points).tolist()))

    # Two rules that backpropagation will use: sigma' = sigma (1 - sigma), tanh' = 1 - tanh^2.
    by_rule = sigmoid(x) * (1 - sigmoid(x))
    print("\nlargest difference of te.grad from sigma (1 - sigma):",
          te.max(te.abs(derivative(sigmoid, x) - by_rule)).item())
    by_rule = 1 - te.tanh(x) ** 2
    print("largest difference of te.grad from 1 - tanh^2:      ",
          te.max(te.abs(derivative(te.tanh, x) - by_rule)).item())

    for panels, what, title, file in ((values, "output", "Activation functions", "02_activations.png"),
                                      (slopes, "slope", "Their derivatives", "02_derivatives.png")):
        picture = viz.panels(panels, xlabel="w . x + b", ylabel=what, title=title, columns=2)
        for axes in picture.figure.axes:
            axes.get_legend().set_loc("upper left")             # where the curves are low
            if len(axes.lines) == 1:
                axes.set_title(f"{axes.get_title()}: {axes.lines[0].get_label()}".partition(": of")[0],
                               fontsize=10.5)
                axes.get_legend().remove()
            if np.ptp(axes.get_ylim()) < 0.2:
                axes.set_ylim(-0.5, 0.5)                        # a slope of 0 everywhere
        draw(picture, file, given)


if __name__ == "__main__":
    main()
