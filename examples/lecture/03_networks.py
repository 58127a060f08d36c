"""Networks: layers, their names, and what a network can approximate (slides: Networks, Neural Networks).

A network has as many input neurons as there are features and as many output neurons as there are classes,
and between them hidden layers, each neuron joined to all of the layer before ("fully connected"). You will
see such a network as a table and as a drawing. Then the universal approximation theorem at work: one hidden
layer is fitted to a wiggly curve, and the largest error falls, on the whole, as the layer grows. What the
theorem does not promise shows too: it does not say how wide is wide enough, nor that training finds the
weights. Where a wider layer does worse than a narrow one, whose weights it could have, training limits.

Change: WIDTHS, the curve, the activation. Give the same number of neurons to two layers instead of one.
"""
from __future__ import annotations

import numpy as np
from common import draw, options, ticked

import tinygrad_edu as te
from tinygrad_edu import nn, optim, viz

WIDTHS = (1, 2, 4, 8, 16, 32)


def classifier(features, classes):
    """features -> 4 hidden -> classes: two classes usually get two outputs."""
    return nn.Sequential(nn.Linear(features, 4), nn.Sigmoid(), nn.Linear(4, classes), nn.Softmax())


def curve(x):
    """The function to approximate, continuous on [-3, 3]."""
    return np.sin(2 * x) + 0.4 * np.cos(5 * x) + 0.2 * x


def fit(width, x, y, steps, seed):
    """One hidden layer of `width` tanh neurons, trained on the curve; returns what it says at x, (n, 1)."""
    te.manual_seed(seed)
    model = nn.Sequential(nn.Linear(1, width), nn.Tanh(), nn.Linear(width, 1))
    with te.no_grad():
        model[0].weight.mul_(3.0)       # steep enough to bend within [-3, 3] ...
        model[0].bias.mul_(3.0)         # ... and bends spread over it
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    x, y = te.tensor(x, dtype="float32"), te.tensor(y, dtype="float32")
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = 0.02 * (1 - step / steps)
        optimizer.zero_grad()
        te.mse(model(x), y).backward()
        optimizer.step()
    return model(x).detach().numpy()


def main(arguments=None):
    given = options(__doc__, arguments)

    te.manual_seed(given.seed)
    model = classifier(features=3, classes=2)
    print("3 features, 4 hidden neurons, 2 classes:")
    print(model.summary(3))
    print("output for one example, a probability for each class:", model(te.tensor([0.5, -1.0, 2.0])).numpy())
    draw(viz.network(model, names=[["feature 1", "feature 2", "feature 3"], None, ["class 0", "class 1"]],
                     title="Input layer, hidden layer, output layer"), "03_network.png", given)

    x = np.linspace(-3, 3, 200)[:, None]
    y = curve(x)
    steps = 300 if given.smoke else 4000
    panels, errors = [], []
    print("\nhidden neurons   largest error on [-3, 3]")
    for width in WIDTHS:
        fitted = fit(width, x, y, steps, given.seed)
        panels.append((f"{width} hidden", x[:, 0], {"the curve": y[:, 0], "the network": fitted[:, 0]}))
        errors.append(np.abs(fitted - y).max())
        limit = "" if errors[-1] == min(errors) else "   more than a narrower layer's: training is the limit"
        print(f"{width:>14}   {errors[-1]:.4f}{limit}")

    draw(viz.panels(panels, xlabel="x", ylabel="output", columns=2, title="One hidden layer, ever wider"),
         "03_approximation.png", given)
    title = f"Of these widths {WIDTHS[np.argmin(errors)]} comes nearest: largest error {min(errors):.2g}"
    picture = viz.curves(WIDTHS, {"": errors}, xlabel="hidden neurons", ylabel="largest error on [-3, 3]",
                         logx=True, logy=True, title=title)
    picture.figure.axes[0].lines[0].set_marker("o")
    draw(ticked(picture, x=WIDTHS, y=[d * 10.0**e for e in range(-4, 2) for d in (1, 2, 5)]),
         "03_errors.png", given)


if __name__ == "__main__":
    main()
