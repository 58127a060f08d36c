"""Which compounds are active? A network on fingerprints (slides: Example 2, Cheminformatics).

A fingerprint says with 1024 bits which small groups of atoms a molecule has. You will see some of them, the
loss curve, and the AUC of the default network on rows learned from and held out. Here it does not fail, as it
did on tumours, although it has 150 weights for each row learned from; the last lines look for the reason.

The lecture's `compounds.fp` is not to be had, so its AUCs (1.0 and 0.96445) are of other molecules. These are
1017 of one ChEMBL document (CHEMBL2321810, as RDKit ships them), called active from 7.5 on; the file has the
lecture's format.

Change: the threshold, data.load("compounds", threshold=7): is it easier? alpha. What would you have to split
by, to ask about molecules that are really new? (Needs tinygrad_edu[sklearn].)
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


def fit(X, Y, seed, epochs=200, **parameters):
    """(the lecture's classifier, fitted; whether it warned that it had not converged)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mlp = MLPClassifier(random_state=seed, max_iter=epochs, **parameters).fit(X, Y)
    return mlp, any(issubclass(warning.category, ConvergenceWarning) for warning in caught)


def similarity(a, b):
    """Tanimoto's: the bits that both have, by the bits that either has; (n, bits), (m, bits) -> (n, m)."""
    both = a @ b.T
    return both / (a.sum(axis=1)[:, None] + b.sum(axis=1) - both)


def main(arguments=None):
    given = options(__doc__, arguments)
    table = data.load("compounds")
    X, Y = table.features, table.labels
    print(f"{table}\n{Y.sum()} of them active; a molecule has {X.sum(axis=1).mean():.0f} bits on average")
    shown = np.concatenate([np.flatnonzero(Y == 1)[:3], np.flatnonzero(Y == 0)[:3]])
    draw(viz.images(1 - X[shown].reshape(-1, 32, 32), columns=3, title="1024 bits, black where set",
                    titles=[table.class_names[y] for y in Y[shown]]), "23_fingerprints.png", given)

    scores, nearest, likeness, found = np.zeros(len(Y)), np.zeros(len(Y)), np.zeros(len(Y)), []
    print("\nfold   epochs   converged   Test on Train AUC   Held out Test AUC")
    for fold, (train, test) in enumerate(KFold(n_splits=3, shuffle=True, random_state=given.seed).split(X)):
        mlp, warned = fit(X[train], Y[train], given.seed, epochs=20 if given.smoke else 200)
        scores[test] = mlp.predict_proba(X[test])[:, 1]
        areas = [roc_auc_score(Y[rows], mlp.predict_proba(X[rows])[:, 1]) for rows in (train, test)]
        found.append(areas)
        said = "no" if warned else "yes"
        print(f"{fold:>4} {mlp.n_iter_:>8} {said:>11} {areas[0]:>19.4f} {areas[1]:>19.4f}")
        if fold == 0:
            draw(viz.loss_curve({"epoch": range(1, mlp.n_iter_ + 1), "loss": mlp.loss_curve_},
                                title="mlp.loss_curve_ of fold 0"), "23_loss.png", given)
        alike = similarity(X[test], X[train])
        likeness[test] = alike.max(axis=1)
        nearest[test] = Y[train][alike.argmax(axis=1)]
    mean, deviation = np.mean(found, axis=0), np.std(found, axis=0)
    print(f"mean {mean[0]:>39.4f} {mean[1]:>19.4f} ± {deviation[1]:.4f}")
    print(f"the lecture, other molecules {LECTURE[0]:>15.4f} {LECTURE[1]:>19.4f}")

    print("\nOf the bits that a held-out molecule or the most similar one learned from has, both have "
          f"{likeness.mean():.0%}.\nThe class of that one is right for {(nearest == Y).mean():.0%} of them, "
          f"the network for {((scores > 0.5) == Y).mean():.0%}.")
    far = likeness < np.median(likeness)
    print(f"AUC of the network for the half that is least similar {roc_auc_score(Y[far], scores[far]):.4f}, "
          f"for the other half {roc_auc_score(Y[~far], scores[~far]):.4f}")
    draw(viz.roc(Y, {"network": scores, "most similar molecule": nearest},
                 title="Every molecule, judged when it was held out"), "23_roc.png", given)


if __name__ == "__main__":
    main()
