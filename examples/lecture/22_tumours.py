"""Why the default network fails on tumours, and what may help (slides: Example, TCGA; Regularization).

The lecture's network knows by heart what it learned from (AUC 0.99994) and knows next to nothing about other
tumours (0.52015). You will see the same failure, milder, on data that is to be had (958 lung tumours of TCGA,
62 genes mutated or not, LUAD or LUSC; the lecture's `bcsmall.csv` is not): ten times as many weights as rows,
so that each row can be remembered, and a held-out loss that rises while the loss in training goes on
falling. Then what may help: a large lambda (scikit-learn's alpha) and dropout, from the lecture, and early
stopping. All methods have the same folds, so that each is compared with the default fold by fold: do not rely
on a gain that changes its sign. ± is the deviation between folds.

The settings of METHODS were found by looking at these very folds, which flatters them a little.
Change: --seed 1, for folds that they were not found on; two methods at once; early stopping as scikit-learn
has it at first (10 epochs of patience, a tenth of the rows): does it help? (Needs scikit-learn.)
"""
from __future__ import annotations

import warnings

import numpy as np
from common import draw, intervals, options
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from tinygrad_edu import data, viz
from tinygrad_edu.sklearn import MLPClassifier

ALPHA, EPOCHS, SMOKE_EPOCHS = 3, 200, 20
METHODS = {"default": {}, f"L2, alpha = {ALPHA}": {"alpha": ALPHA}, "dropout 0.8": {"dropout": 0.8},
           "early stopping": {"early_stopping": True, "validation_fraction": 0.2, "n_iter_no_change": 30}}
ALPHAS = (1e-4, 1e-2, 0.1, 1.0, 3.0, 10.0, 30.0)


def folds(rows, seed):
    """Three pairs of rows to learn from and rows held out, as in the lecture."""
    return list(KFold(n_splits=3, shuffle=True, random_state=seed).split(np.arange(rows)))


def fit(X, Y, seed, held_out=None, epochs=EPOCHS, **parameters):
    """The lecture's classifier, without its warning: so many epochs are what is compared here."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        mlp = MLPClassifier(random_state=seed, max_iter=epochs, **parameters)
        return mlp.fit(X, Y, validation_set=held_out)


def aucs(X, Y, pairs, seed, **parameters):
    """(folds, 2): the AUC on the rows learned from, and on those held out."""
    found = []
    for train, test in pairs:
        mlp = fit(X[train], Y[train], seed, **parameters)
        found.append([roc_auc_score(Y[rows], mlp.predict_proba(X[rows])[:, 1]) for rows in (train, test)])
    return np.array(found)


def losses(X, Y, train, test, seed, **parameters):
    """(training, held-out) loss of each epoch, both of the answers alone, without any L2 term."""
    return tuple(np.array(fit(X[train], Y[train], seed, held_out=(X[rows], Y[rows]), **parameters)
                          .validation_curve_) for rows in (train, test))


def spread(values):
    """Mean ± deviation; of one value itself."""
    return f"{np.mean(values):.4f}" + f" ± {np.std(values):.4f}" * (len(values) > 1)


def padded(values, length):
    """The values, then NaN up to that length."""
    return np.append(values, np.full(length - len(values), np.nan))


def main(arguments=None):
    given = options(__doc__, arguments)
    table = data.load("tcga")
    X, Y = table.features, table.labels
    pairs = [*folds(len(X), given.seed), *folds(len(X), (given.seed + 100) % 2**32)]
    pairs, epochs = (pairs[:1], SMOKE_EPOCHS) if given.smoke else (pairs, EPOCHS)
    train, test = pairs[0]

    weights = sum(w.size for w in fit(X[train], Y[train], given.seed, epochs=1).coefs_)
    print(f"{table}\n{weights} weights for {len(train)} tumours to learn from")

    curves = {}
    for name, parameters in list(METHODS.items())[:2]:
        learned, held_out = losses(X, Y, train, test, given.seed, epochs=epochs, **parameters)
        print(f"{name}: held-out loss lowest after {held_out.argmin() + 1} epochs, {held_out.min():.3f}; "
              f"after {len(held_out)} it is {held_out[-1]:.3f}")
        curves[f"{name}, training"], curves[f"{name}, held out"] = (padded(v, epochs)
                                                                    for v in (learned, held_out))
    draw(viz.curves(np.arange(1, epochs + 1), curves, xlabel="epoch",
                    ylabel="log loss of the answers, no L2 term",
                    title="Loss on what it learned from, and on what it did not"), "22_losses.png", given)

    print(f"\nAUC, mean ± deviation, folds: {len(pairs)}\n{'':<16} {'training':<17} {'held out':<17} "
          "held out, more than the default's")
    found = {name: aucs(X, Y, pairs, given.seed, epochs=epochs, **parameters)
             for name, parameters in METHODS.items()}
    gains = {name: areas[:, 1] - found["default"][:, 1] for name, areas in found.items()}
    rows = {}
    for name, areas in found.items():
        better = f"better in {(gains[name] > 0).sum()} of {len(pairs)}"
        gain = f"{spread(gains[name])}, {better}" * (name != "default")
        print(f"{name:<16} {spread(areas[:, 0]):<17} {spread(areas[:, 1]):<17} {gain}".rstrip())
        rows |= {f"{name}\n{better}": gains[name]} if name != "default" else {}
    draw(intervals(rows, zero=f"the default, AUC {found['default'][:, 1].mean():.3f}",
                   xlabel="AUC on held-out tumours, more than the default's; a dot a fold",
                   title="Better than the default, fold by fold?"), "22_methods.png", given)

    by_alpha = np.array([aucs(X, Y, pairs, given.seed, epochs=epochs, alpha=alpha).mean(axis=0)
                         for alpha in ALPHAS])
    best = by_alpha[:, 1].argmax()
    print(f"\nalpha {ALPHAS[0]:g} to {ALPHAS[-1]:g}: best held out {ALPHAS[best]:g}, {by_alpha[best, 1]:.4f}")
    areas = {"training": by_alpha[:, 0], "held out": by_alpha[:, 1]}
    draw(viz.curves(ALPHAS, areas, logx=True, xlabel="alpha", ylabel="AUC",
                    title="Too free, about right, too stiff"), "22_alpha.png", given)


if __name__ == "__main__":
    main()
