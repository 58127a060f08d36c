"""MLPClassifier, the lecture's cells with one import changed (slides: Example, TCGA).

    from tinygrad_edu.sklearn import MLPClassifier      # was: from sklearn.neural_network

You will see the cells one after another: the data, three folds, the fit and its warning, the parameters, the
loss curve, both AUCs; and that scikit-learn's own classifier, given the same seed, says the same.

The lecture's file `bcsmall.csv` is not to be had, so its AUCs (0.99994 and 0.52015) cannot come out. This is
other data of the same kind: 958 lung tumours of TCGA, 62 genes mutated or not, to tell LUAD from LUSC.

Change: --seed, for other folds and first weights; PARAMETERS: {"hidden_layer_sizes": (10,)}, {"max_iter":
1000}, and what only this one has, {"dropout": 0.5}. (Needs scikit-learn.)
"""
from __future__ import annotations

import warnings

import numpy as np
from common import draw, options
from sklearn import metrics
from sklearn.model_selection import KFold
from sklearn.neural_network import MLPClassifier as Original

from tinygrad_edu import data, viz
from tinygrad_edu.sklearn import MLPClassifier

PARAMETERS = {}                 # of the classifier, other than its defaults


def tumours(seed):
    """(X, Xtrain, Ytrain, Xtest, Ytest): all rows, and those of the first of three folds."""
    table = data.load("tcga")
    X, Y = table.features.astype(float), table.labels
    train, test = next(KFold(n_splits=3, shuffle=True, random_state=seed).split(X))
    return X, X[train], Y[train], X[test], Y[test]


def fitted(classifier, X, Y):
    """(the classifier, fitted; the warnings that came, as text)."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        classifier.fit(X, Y)
    return classifier, [f"{warning.category.__name__}: {warning.message}" for warning in caught]


def main(arguments=None):
    given = options(__doc__, arguments)
    X, Xtrain, Ytrain, Xtest, Ytest = tumours(given.seed)
    print(f"{data.load('tcga')}")
    print(f"np.unique(X) {np.unique(X)}; {len(Ytrain)} rows to learn from, {len(Ytest)} held out")

    mlp, said = fitted(MLPClassifier(random_state=given.seed, **PARAMETERS), Xtrain, Ytrain)
    print("\nmlp.fit(Xtrain, Ytrain)\n" + "\n".join(said))
    print(f"epochs {mlp.n_iter_}, loss {mlp.loss_curve_[0]:.4f} -> {mlp.loss_curve_[-1]:.4f}")

    known = Original(random_state=given.seed)
    shared = {name: value for name, value in PARAMETERS.items() if name in known.get_params()}
    known.set_params(**shared)
    parameters = mlp.get_params()
    added = sorted(parameters.keys() - known.get_params().keys())
    print(f"\nmlp.get_params(): {len(parameters) - len(added)} as in scikit-learn")
    for name in sorted(known.get_params()):
        same = "" if parameters[name] == known.get_params()[name] else "   scikit-learn has another"
        print(f"  {name:<20} {parameters[name]!r}{same}")
    print(f"  and {len(added)} more: {', '.join(added)}")

    if shared == PARAMETERS:
        known, _ = fitted(known, Xtrain, Ytrain)
        between = np.abs(np.array(mlp.loss_curve_) - known.loss_curve_).max()
        print(f"\nscikit-learn's own: largest difference of the loss curves {between:.1e}, of the "
              f"probabilities {np.abs(mlp.predict_proba(Xtest) - known.predict_proba(Xtest)).max():.1e}")
    else:
        print(f"\nscikit-learn's own has no {', '.join(PARAMETERS.keys() - shared.keys())} to compare with")

    print("\nTest on Train AUC", metrics.roc_auc_score(Ytrain, mlp.predict_proba(Xtrain)[:, 1]))
    print("Held out Test AUC", metrics.roc_auc_score(Ytest, mlp.predict_proba(Xtest)[:, 1]))
    draw(viz.loss_curve({"epoch": range(1, mlp.n_iter_ + 1), "loss": mlp.loss_curve_},
                        loss_label="loss on the tumours learned from", title="mlp.loss_curve_"),
         "21_loss.png", given)


if __name__ == "__main__":
    main()
