"""How many numbers training has to find (slide: the quiz after Backpropagation).

A fully connected layer has a weight for each pair of an input and a neuron, and a bias for each neuron:
inputs * neurons + neurons. You will see it summed for the network of the quiz, counted once more in the
arrays of a real model, and drawn: each line is a weight. Then how the count grows with the width of the
layers.

Change: SIZES, to the network of a real problem: 784, 100, 10 reads handwritten digits of 28 x 28 pixels.
(The quiz goes on asking about the lecture's.)
"""
from __future__ import annotations

from itertools import pairwise

import numpy as np
from common import draw, options, quiz

import tinygrad_edu as te
from tinygrad_edu import nn, viz

LECTURE = (10, 10, 10, 10)          # inputs, two hidden layers, outputs
SIZES = LECTURE


def by_formula(sizes):
    """sum over the layers of inputs * neurons + neurons."""
    return sum(into * out + out for into, out in pairwise(sizes))


def network(sizes):
    """The fully connected network of those sizes, with sigmoids between the layers."""
    layers = []
    for into, out in pairwise(sizes):
        layers += [nn.Linear(into, out), nn.Sigmoid()]
    return nn.Sequential(*layers)


def by_counting(model):
    """The elements of every parameter of a model."""
    return sum(p.size for p in model.parameters())


def main(arguments=None):
    given = options(__doc__, arguments)
    te.manual_seed(given.seed)
    model = network(SIZES)
    for into, out in pairwise(SIZES):
        print(f"{into} x {out} weights + {out} biases = {into * out + out}")
    print(f"by the formula {by_formula(SIZES)}, in the model {by_counting(model)}\n")
    print(model.summary(SIZES[0]))
    quiz("10 inputs, two hidden layers of 10 neurons, 10 outputs: how many parameters are there to learn?",
         ["30", "100", "300", "330", "600"], str(by_counting(network(LECTURE))))

    draw(viz.network(model, title=f"{by_counting(model)} parameters: a weight for each line,\n"
                                  "a bias for each node but those of the input"), "11_parameters.png", given)
    widths = np.arange(1, 101)
    counts = {f"hidden layers: {hidden}": [by_formula((10, *[width] * hidden, 10)) for width in widths]
              for hidden in (1, 2, 3)}
    draw(viz.curves(widths, counts, xlabel="neurons in each hidden layer", ylabel="parameters",
                    title="10 inputs, 10 outputs"), "11_growth.png", given)


if __name__ == "__main__":
    main()
