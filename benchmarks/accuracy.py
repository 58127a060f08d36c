"""Held-out accuracy beside scikit-learn's MLPClassifier: the same network, the same folds.

`python -m benchmarks.accuracy` writes `benchmarks/results/accuracy.md` and the block in README.md. Both get
one hidden layer of 100, Adam at 1e-3, batches of 200 and up to 200 epochs, stopped when the training loss
has stalled for 10. scikit-learn's penalty alpha = 1e-4 is divided by the rows of a batch in its gradient,
which makes it a weight decay of 1e-4 / 200 here. Only the first weights and the order of rows still
differ. The third column is `tinygrad-edu train` with its defaults.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np

from benchmarks.report import machine, rewrite, table
from tinygrad_edu import data, metrics
from tinygrad_edu.catalogue import DATA_SETS
from tinygrad_edu.training import Settings, Trainer

HERE = Path(__file__).resolve().parent
NAMES = ("digits", "tcga", "compounds")
SAME = Settings(hidden=(100,), lr=1e-3, epochs=200, batch_size=200, weight_decay=1e-4 / 200, patience=10)
Fit = Callable[[data.Table, np.ndarray], np.ndarray]  # training rows, features to judge -> probabilities


def ours(settings: Settings) -> Fit:
    def fit(train: data.Table, features: np.ndarray) -> np.ndarray:
        trainer = Trainer(train, None, settings)
        trainer.fit()
        return trainer.predictor(features)

    return fit


def peer(train: data.Table, features: np.ndarray) -> np.ndarray:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    model = MLPClassifier(
        (100,),
        solver="adam",
        learning_rate_init=1e-3,
        alpha=1e-4,
        batch_size=200,
        max_iter=200,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # both are limited to 200 epochs
        model.fit(train.features, train.labels)
    return model.predict_proba(features)


def judge(rows: data.Table, fit: Fit, folds: int, repeats: int) -> tuple[str, str]:
    """Accuracy and ROC AUC, each as `mean ± sd` over the folds of all repeats."""
    scores = []
    splits = (split for seed in range(repeats) for split in data.kfold(rows.labels, folds, seed=seed))
    for inside, outside in splits:
        probabilities = fit(rows.rows(inside), rows.features[outside])
        truth = rows.labels[outside]
        scores.append((metrics.accuracy(truth, probabilities), metrics.roc_auc(truth, probabilities)))
    mean, spread = np.mean(scores, axis=0), np.std(scores, axis=0, ddof=1)
    return f"{mean[0]:.4f} ± {spread[0]:.4f}", f"{mean[1]:.4f} ± {spread[1]:.4f}"


def main() -> None:
    """Train them all and write the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--folds", type=int, default=5)
    options.add_argument("--repeats", type=int, default=3, help="of all folds, each time drawn anew")
    asked = options.parse_args()
    lines = []
    for name in NAMES:
        rows = data.load(name)
        columns = [
            judge(rows, fit, asked.folds, asked.repeats)
            for fit in (peer, ours(SAME), ours(Settings(**DATA_SETS[name])))
        ]
        for k, metric in enumerate(("accuracy", "ROC AUC")):
            lines.append([f"{name}, {metric}", *(column[k] for column in columns)])
            print("  ".join(lines[-1]), flush=True)
    head = [
        "held out",
        "scikit-learn MLPClassifier",
        "tinygrad_edu, the same settings",
        "`tinygrad-edu train`, its defaults",
    ]
    note = (
        f"Mean ± sd of {asked.repeats} times {asked.folds} stratified folds, the same for all columns. "
        f"{machine('numpy', 'scikit-learn')}"
    )
    text = f"{table(head, lines)}\n\n{note}"
    rewrite(HERE / "results" / "accuracy.md", "accuracy", text)
    rewrite(HERE.parent / "README.md", "accuracy", text)


if __name__ == "__main__":
    main()
