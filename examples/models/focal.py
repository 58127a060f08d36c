"""Focal loss on rare positives, as a composition of a few functions (Lin, Goyal, Girshick, He, Dollar 2017).

    FL = -weight (1 - p)^gamma ln p        p: the probability given to the true class

Where one row in a hundred is positive, most of the cross entropy comes from the many negatives that are
easy. The factor (1 - p)^gamma takes their share away. A loss of one's own needs no class and no gradient
rule: it is written with `te` functions, and it runs on every device and is differentiated as often as one
likes. You will see that, the loss against p, and how much of the gradient comes from easy rows.

Baselines on the same rows: cross entropy as it is, and with positives weighted up. The score is average
precision, the area below precision against recall; a ranking by chance has the share of positives.

Change: GAMMA to 0, which is the weighted cross entropy, then to 5.
"""

from __future__ import annotations

import numpy as np
from shared import clock, draw, epoch, options, outputs

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, viz

GAMMA, WEIGHT, ROWS, RARE = 2.0, 0.75, 20000, 0.01


def focal(logits, target, *, gamma=GAMMA, weight=WEIGHT):
    """The focal loss of each row, of logits (n,) and targets 0 or 1 (n,)."""
    signed = te.where(target > 0, logits, -logits)  # p = sigmoid(signed)
    share = te.where(target > 0, weight, 1 - weight)
    return -share * te.sigmoid(-signed) ** gamma * te.log_sigmoid(signed)


def cross_entropy(logits, target):
    """The usual loss of each row."""
    return te.binary_cross_entropy_with_logits(logits, target, reduction="none")


def weighted(logits, target):
    """The usual loss, positives weighted up until both classes have the same share."""
    return cross_entropy(logits, target) * te.where(target > 0, 0.5 / RARE, 0.5 / (1 - RARE))


def rows(rng, count):
    """(points (n, 2), targets (n,)): positives on a ring, negatives on a square, few of them on the ring."""
    target = (np.arange(count) < RARE * count).astype(np.float32)
    x = rng.uniform(-2, 2, (count, 2))
    near = (np.abs(np.linalg.norm(x, axis=1) - 1) < 0.15) & (rng.random(count) < 0.9)
    x = np.where(near[:, None], 1.4 * x, x)
    angle = rng.uniform(0, 2 * np.pi, count)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1) + 0.05 * rng.standard_normal((count, 2))
    return np.where(target[:, None] > 0, ring, x).astype(np.float32), target


def precision_recall(scores, target):
    """(precision, recall) after each row, the highest score first."""
    hits = np.cumsum(target[np.argsort(-scores)])
    return hits / np.arange(1, len(hits) + 1), hits / hits[-1]


def average_precision(scores, target):
    """The mean of the precisions at the positives."""
    precision, _ = precision_recall(scores, target)
    return float(precision[target[np.argsort(-scores)] > 0].mean())


def easy_share(loss, logits, target):
    """The share of the gradient by the logits that comes from rows with p above 0.9."""
    slope = np.abs(te.grad(lambda z: loss(z, te.tensor(target)).sum())(te.tensor(logits)).numpy())
    p = 1 / (1 + np.exp(np.where(target > 0, -logits, logits)))
    return float(slope[p > 0.9].sum() / slope.sum())


def main(arguments=None):
    given = options(__doc__, arguments)
    te.check.gradcheck(lambda z: focal(z, te.tensor([0.0, 1.0, 1.0])).sum(), [te.randn(3, dtype="float64")])
    rng, epochs = np.random.default_rng(given.seed), 2 if given.smoke else 30
    x, target = rows(rng, 2000 if given.smoke else ROWS)
    unseen, truth = rows(rng, 2000 if given.smoke else ROWS)
    print(f"{len(x)} rows, {target.mean():.1%} positive, {epochs} epochs\n"
          f"{'loss':<24}average precision    of the gradient from easy rows    time")
    found, curves = {}, {}
    recalls = np.linspace(0.01, 1, 100)
    for name, loss in (("cross entropy", cross_entropy), ("weighted", weighted), ("focal", focal)):
        te.manual_seed(given.seed)
        model = nn.Sequential(nn.Linear(2, 32), nn.SiLU(), nn.Linear(32, 32), nn.SiLU(), nn.Linear(32, 1))
        optimizer, seconds = optim.Adam(model.parameters(), lr=3e-3), clock()
        loader = data.DataLoader(data.ArrayDataset(x, target), batch_size=100, shuffle=True, seed=given.seed)
        for _ in range(epochs):
            epoch(optimizer, loader, lambda x, y, loss=loss, model=model: loss(model(x).squeeze(1), y).mean())
        scores = outputs(model, unseen, 5000)[:, 0]
        found[name] = average_precision(scores, truth)
        share = easy_share(loss, outputs(model, x, 5000)[:, 0], target)
        print(f"{name:<24}{found[name]:>17.3f}{share:>33.0%}{seconds():>6.0f} s")
        precision, recall = precision_recall(scores, truth)
        curves[name] = [precision[recall >= r].max() for r in recalls]
    print(f"{'a ranking by chance':<24}{RARE:>17.3f}")

    z = np.linspace(-4, 4, 201)
    p, one = 1 / (1 + np.exp(-z)), te.ones(201, dtype="float64")
    losses = {"cross entropy": cross_entropy(te.tensor(z), one).numpy()}
    losses |= {f"gamma = {g:g}": focal(te.tensor(z), one, gamma=g, weight=1).numpy() for g in (0.5, 2.0, 5.0)}
    draw(viz.curves(p, losses, xlabel="probability of the true class", ylabel="loss", ylim=(0, 4),
                    title="Focal loss"), "focal_loss.png", given)
    draw(viz.curves(recalls, curves, xlabel="recall", ylabel="precision", ylim=(0, 1.02),
                    title="Rare positives, held out"), "focal.png", given)
    return found


if __name__ == "__main__":
    main()
