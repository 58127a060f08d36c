"""Which compounds are active? A network on fingerprints (slides: Example 2, Cheminformatics).

A fingerprint says with 1024 bits which small groups of atoms a molecule has. You will see some of them, the
loss curve, and the AUC of the default network on rows learned from and held out. Here it does not fail, as it
did on tumours, although it has 150 weights for each row learned from. Is it because each molecule resembles
one of those? The last lines ask, with several ways to split: what the class of the most similar one is worth,
beside the network and beside always saying the more frequent class, and whether the network does better for
the half of the molecules that have the nearer relatives. A single split would have told too much.

The lecture's `compounds.fp` is not to be had, so its AUCs (1.0 and 0.96445) are of other molecules. These are
1017 of one ChEMBL document (CHEMBL2321810, as RDKit ships them), called active from 7.5 on; the file has the
lecture's format.

Change: THRESHOLD to 7: is it easier? SPLITS to 10. What would you have to split by, to ask about molecules
that are really new? (Needs scikit-learn.)
"""
from __future__ import annotations

import warnings

import numpy as np
from common import draw, options
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold

from tinygrad_edu import data, viz
from tinygrad_edu.sklearn import MLPClassifier

LECTURE = (1.0, 0.9644503696319758)
THRESHOLD, SPLITS = 7.5, 5


def fit(X, Y, seed, epochs=200, **parameters):
    """(the lecture's classifier, fitted; whether it stopped by itself, before its epochs were over)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mlp = MLPClassifier(random_state=seed, max_iter=epochs, **parameters).fit(X, Y)
    return mlp, not any(issubclass(warning.category, ConvergenceWarning) for warning in caught)


def similarity(a, b):
    """Tanimoto's: the bits that both have, by the bits that either has; (n, bits), (m, bits) -> (n, m)."""
    both = a @ b.T
    return both / (a.sum(axis=1)[:, None] + b.sum(axis=1) - both)


def judged(X, Y, seed, epochs):
    """Every molecule when it was held out: the network's score (n,), the likeness of the most similar one
    learned from (n,), that one's class (n,); and of each fold (network, stopped by itself, train, test)."""
    scores, likeness, nearest, fits = np.zeros(len(Y)), np.zeros(len(Y)), np.zeros(len(Y)), []
    for train, test in KFold(n_splits=3, shuffle=True, random_state=seed).split(X):
        mlp, stopped = fit(X[train], Y[train], seed, epochs)
        scores[test] = mlp.predict_proba(X[test])[:, 1]
        alike = similarity(X[test], X[train])
        likeness[test], nearest[test] = alike.max(axis=1), Y[train][alike.argmax(axis=1)]
        fits.append((mlp, stopped, train, test))
    return scores, likeness, nearest, fits


def main(arguments=None):
    given = options(__doc__, arguments)
    table = data.load("compounds", threshold=THRESHOLD)
    X, Y = table.features, table.labels
    print(f"{table}\n{Y.sum()} of them active; a molecule has {X.sum(axis=1).mean():.0f} bits on average")
    shown = np.concatenate([np.flatnonzero(Y == 1)[:3], np.flatnonzero(Y == 0)[:3]])
    draw(viz.images(X[shown].reshape(-1, 32, 32), columns=3, title="1024 bits, white where set",
                    titles=[table.class_names[y] for y in Y[shown]]), "23_fingerprints.png", given)

    epochs, found = 20 if given.smoke else 200, []
    splits = [judged(X, Y, (given.seed + k) % 2**32, epochs) for k in range(1 if given.smoke else SPLITS)]
    scores, _, nearest, fits = splits[0]
    print("\nfold   epochs   stopped by itself   Test on Train AUC   Held out Test AUC")
    for fold, (mlp, stopped, *parts) in enumerate(fits):
        found.append([roc_auc_score(Y[rows], mlp.predict_proba(X[rows])[:, 1]) for rows in parts])
        print(f"{fold:>4} {mlp.n_iter_:>8} {'yes' if stopped else 'no':>19} {found[-1][0]:>19.4f} "
              f"{found[-1][1]:>19.4f}")
    (mean, held_out), (_, deviation) = np.mean(found, axis=0), np.std(found, axis=0)
    print(f"mean {mean:>47.4f} {held_out:>19.4f} ± {deviation:.4f}")
    print(f"the lecture, other molecules {LECTURE[0]:>23.4f} {LECTURE[1]:>19.4f}")
    mlp = fits[0][0]
    draw(viz.loss_curve({"epoch": range(1, mlp.n_iter_ + 1), "loss": mlp.loss_curve_},
                        title="mlp.loss_curve_ of fold 0"), "23_loss.png", given)
    draw(viz.roc(Y, {"network": scores, "most similar molecule": nearest},
                 title="Every molecule, judged when it was held out"), "23_roc.png", given)

    usual = table.class_names[int(Y.mean() > 0.5)]
    print(f'\nIn brackets the bits that a molecule and the most similar one learned from both have, of\n'
          f'those that either has. Always saying "{usual}" is right for {max(Y.mean(), 1 - Y.mean()):.0%}.\n'
          "split   its class is right   network is right   AUC, least similar half   AUC, the other half")
    harder = 0
    for k, (scores, likeness, nearest, _) in enumerate(splits):
        far = likeness < np.median(likeness)
        areas = [roc_auc_score(Y[rows], scores[rows]) for rows in (far, ~far)]
        harder += areas[0] < areas[1]
        print(f"{k:>5} {(nearest == Y).mean():>20.0%} {((scores > 0.5) == Y).mean():>18.0%} "
              f"{areas[0]:>19.4f} ({likeness[far].mean():.0%}) {areas[1]:>15.4f} "
              f"({likeness[~far].mean():.0%})")
    print(f"the least similar half was the harder one in {harder} of {len(splits)}")


if __name__ == "__main__":
    main()
