"""The effect of the learning rate (slides: Effect of learning rate, and the two quizzes after it).

The same network on the same compounds, with learning rates 0.0001, 0.001, 0.01 and 0.1. You will see four
loss curves in the lecture's colours, and its two questions, which colour is the smallest and which the
largest rate, answered from the curves alone: the smallest falls slowest and is still falling after 200
epochs, the largest starts highest, since its first steps are too long, and goes up where others go down.
Then the rates behind the colours.

The molecules are not the lecture's, whose file is not to be had (see 23_compounds.py).

Change: red to 1 and beyond: is there a rate at which it learns nothing at all? EPOCHS to 2000: where does
blue end? (Needs scikit-learn.)
"""
from __future__ import annotations

import warnings

import numpy as np
from common import draw, options, quiz
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import KFold

from tinygrad_edu import data, viz
from tinygrad_edu.sklearn import MLPClassifier

RATES = {"blue": 0.0001, "orange": 0.001, "green": 0.01, "red": 0.1}
EPOCHS = 200
CHOICES = ["blue", "orange", "red", "green"]


def loss_curve(X, Y, rate, seed, epochs):
    """(losses (epochs,), whether it stopped by itself) of the lecture's classifier with that rate."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mlp = MLPClassifier(learning_rate_init=rate, max_iter=epochs, random_state=seed).fit(X, Y)
    warned = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return np.array(mlp.loss_curve_), not warned


def noise(losses):
    """How far the loss went up, all its rises together."""
    return float(np.clip(np.diff(losses), 0, None).sum())


def slowest(curves):
    """Of the colours that fall steadily, the one that has fallen least after the epochs that all have."""
    common = min(map(len, curves.values()))
    steady = [colour for colour, losses in curves.items() if noise(losses) < 0.01 * losses[0]]
    return max(steady or curves, key=lambda colour: curves[colour][common - 1])


def wildest(curves):
    """The colour whose loss went up most."""
    return max(curves, key=lambda colour: noise(curves[colour]))


def main(arguments=None):
    given = options(__doc__, arguments)
    table = data.load("compounds")
    train, _ = next(KFold(n_splits=3, shuffle=True, random_state=given.seed).split(table.features))
    X, Y = table.features[train], table.labels[train]
    epochs = 30 if given.smoke else EPOCHS

    curves = {}
    print(f"{table}\n\ncolour   first loss   last loss   epochs   stopped by itself   all rises together")
    for colour, rate in RATES.items():
        losses, stopped = loss_curve(X, Y, rate, given.seed, epochs)
        curves[colour] = losses
        print(f"{colour:<8} {losses[0]:>10.4f} {losses[-1]:>11.4f} {len(losses):>8} "
              f"{'yes' if stopped else 'no':>19} {noise(losses):>20.4f}")
    falling = np.diff(curves["blue"])
    print(f"blue fell in every epoch: {bool((falling < 0).all())}, in the last by {-falling[-1]:.5f}")

    at, colors = np.arange(1, epochs + 1), [f"tab:{colour}" for colour in RATES]
    drawn = {colour: np.append(losses, np.full(epochs - len(losses), np.nan))       # NaN: it had stopped
             for colour, losses in curves.items()}
    draw(viz.curves(at, drawn, colors=colors, xlabel="Iteration", ylabel="Loss",
                    title="Which colour is which learning rate?"), "24_quiz.png", given)
    told = (quiz("Which colour has the smallest learning rate?", CHOICES, slowest(curves)),
            quiz("Which colour has the largest learning rate?", CHOICES, wildest(curves)))

    print("\nbehind the colours: " + ", ".join(f"{colour} {rate:g}" for colour, rate in RATES.items()))
    right = told == (min(RATES, key=RATES.get), max(RATES, key=RATES.get))
    print("the curves alone told " + ("both" if right else "not both: these rates look like others"))
    draw(viz.curves(at, {f"{RATES[colour]:g}": losses for colour, losses in drawn.items()}, colors=colors,
                    logy=True, xlabel="Iteration", ylabel="Loss", title="Learning rates"),
         "24_rates.png", given)


if __name__ == "__main__":
    main()
