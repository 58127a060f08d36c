"""A generative adversarial network of digits, by convolutions (Goodfellow et al. 2014; Radford et al. 2016).

A generator makes images of noise by transposed convolutions; a critic is trained to tell them from real
ones, and the generator to be taken for real. What one learns changes the other's loss, so the losses do not
say how good the images are. So a classifier, trained on real digits, looks at them: how sure it is of a
digit, and how evenly the ten digits occur. Held-out real images show what can be had.

Baseline: a Gaussian of the pixels, with the mean and the covariance of the training images.

Change: NOISE to 1: which digits are left? And the critic's batch normalization: without it, which sees a
whole batch, a generator gets away with one digit.
"""

from __future__ import annotations

import numpy as np
from shared import accuracy, clock, digits, draw, epoch, options, outputs

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, viz

NOISE, WIDTH, SMOOTH, BATCH = 16, 32, 0.9, 64  # SMOOTH: what the critic should say of real images


def generator():
    """Noise (n, NOISE) -> images (n, 1, 8, 8): 2 x 2 patches, doubled twice."""
    return nn.Sequential(
        nn.Linear(NOISE, 8 * WIDTH), nn.Unflatten(1, (2 * WIDTH, 2, 2)), nn.BatchNorm2d(2 * WIDTH), nn.ReLU(),
        nn.ConvTranspose2d(2 * WIDTH, WIDTH, 4, stride=2, padding=1), nn.BatchNorm2d(WIDTH), nn.ReLU(),
        nn.ConvTranspose2d(WIDTH, 1, 4, stride=2, padding=1), nn.Sigmoid())


def network(outputs):
    """Images (n, 1, 8, 8) -> scores (n, outputs): the critic, and the classifier."""
    return nn.Sequential(
        nn.Conv2d(1, WIDTH, 4, stride=2, padding=1), nn.LeakyReLU(0.2),
        nn.Conv2d(WIDTH, 2 * WIDTH, 4, stride=2, padding=1), nn.BatchNorm2d(2 * WIDTH), nn.LeakyReLU(0.2),
        nn.Flatten(), nn.Linear(8 * WIDTH, outputs))


def looked_at(classifier, images):
    """(mean probability of the likeliest digit, digits that occur: e to the entropy of their shares)."""
    scores = outputs(classifier, images)
    p = np.exp(scores - scores.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    share = np.bincount(p.argmax(axis=1), minlength=10) / len(p)
    return float(p.max(axis=1).mean()), float(np.exp(-(share * np.log(share + 1e-12)).sum()))


def main(arguments=None):
    given = options(__doc__, arguments)
    rows, test = digits(given, large=False)
    epochs, seconds = 2 if given.smoke else 40, clock()
    classifier = network(10)
    loader = data.DataLoader(rows, batch_size=BATCH, shuffle=True, seed=given.seed, drop_last=True)
    teacher = optim.Adam(classifier.parameters(), lr=2e-3)
    for _ in range(2 if given.smoke else 25):
        epoch(teacher, loader, lambda x, y: te.cross_entropy(classifier(x), y))
    print(f"the classifier names {accuracy(classifier, test):.1%} of the held-out digits")

    make, critic = generator(), network(1)
    makers, critics = (optim.Adam(m.parameters(), lr=1e-3, betas=(0.5, 0.999)) for m in (make, critic))
    fixed = np.random.default_rng(given.seed).standard_normal((1000, NOISE), dtype=np.float32)

    def told(images, value):
        """The critic's loss where it should say `value`."""
        return te.binary_cross_entropy_with_logits(critic(images), te.full((len(images), 1), value))

    print("epoch    critic's loss    generator's loss    sure of a digit    digits that occur")
    history = []
    for k in range(1, epochs + 1):
        sums = np.zeros(2)
        for real, _ in loader:
            fake = make(te.randn(len(real), NOISE))
            critics.zero_grad()
            one = told(real, SMOOTH) + told(fake.detach(), 0.0)
            one.backward()
            critics.step()
            makers.zero_grad()
            other = told(fake, 1.0)
            other.backward()
            makers.step()
            sums += one.item() / 2, other.item()
        history.append((*sums / len(loader), *looked_at(classifier, outputs(make, fixed))))
        if k % max(epochs // 6, 1) == 0:
            print("{:>5} {:>16.3f} {:>19.3f} {:>18.3f} {:>20.1f}".format(k, *history[-1]))

    pixels, rng = rows.arrays[0].reshape(len(rows), -1), np.random.default_rng(given.seed)
    gaussian = rng.multivariate_normal(pixels.mean(axis=0), np.cov(pixels.T), 1000).reshape(-1, 1, 8, 8)
    kinds = {"generated": outputs(make, fixed), "Gaussian": gaussian.clip(0, 1).astype(np.float32),
             "real": test.arrays[0]}
    found = {name: looked_at(classifier, images) for name, images in kinds.items()}
    print(f"{epochs} epochs in {seconds():.0f} s\n{'images':<12}sure of a digit    digits that occur")
    for name, (sure, occur) in found.items():
        print(f"{name:<12}{sure:>15.3f}{occur:>21.1f}")
    shown = np.concatenate([images[:16, 0] for images in kinds.values()])
    names = [name if k % 8 == 0 else "" for name in kinds for k in range(16)]
    draw(viz.images(shown, titles=names, columns=8, title="Generated, from a Gaussian, and real"),
         "dcgan.png", given)
    return found


if __name__ == "__main__":
    main()
