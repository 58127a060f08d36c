"""A variational autoencoder of digits, with a latent plane to look at (Kingma, Welling 2014).

An encoder gives each image a mean and a variance on a plane, a decoder makes an image of a point there.
Training maximizes a lower bound of the images' log-likelihood (nats): how well a point drawn at random from
the encoder's Gaussian is decoded, less how far that Gaussian is from the standard one:

    KL = 1/2 sum(mean^2 + variance - 1 - ln variance)

The draw is mean + deviation * noise, so that a gradient reaches mean and deviation. You will see where
held-out digits lie, and what the decoder makes of a grid of points. Baselines: principal components, two as
well, for the reconstruction; and for the classes, what the nearest neighbour on either plane says.

Change: BETA to 0, an autoencoder without noise to pay for. Does the grid still show digits everywhere?
"""

from __future__ import annotations

import numpy as np
from shared import clock, digits, draw, epoch, options, outputs, plane

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim, viz

HIDDEN, LATENT, BETA, SIDE = 256, 2, 1.0, 15


def network(inputs, outputs):
    """Two hidden layers."""
    hidden = [nn.Linear(inputs, HIDDEN), nn.SiLU(), nn.Linear(HIDDEN, HIDDEN), nn.SiLU()]
    return nn.Sequential(*hidden, nn.Linear(HIDDEN, outputs))


class VAE(nn.Module):
    """Images (n, pixels) -> means and logarithms of variances (n, 2); points (n, 2) -> logits of pixels."""

    def __init__(self, pixels):
        self.encoder, self.decoder = network(pixels, 2 * LATENT), network(LATENT, pixels)

    def forward(self, x):
        code = self.encoder(x)
        return code[:, :LATENT], code[:, LATENT:]

    def loss(self, x):
        """The negative bound of each image, averaged: (reconstruction, KL)."""
        mean, log_variance = self(x)
        drawn = mean + te.exp(0.5 * log_variance) * te.randn(*mean.shape)
        pixels = te.binary_cross_entropy_with_logits(self.decoder(drawn), x, reduction="none")
        divergence = 0.5 * (mean**2 + te.exp(log_variance) - 1 - log_variance)
        return pixels.sum(axis=1).mean(), divergence.sum(axis=1).mean()


def principal(train, test):
    """(codes of train, codes of test, test as two principal components give it back)."""
    mean = train.mean(axis=0)
    axes = np.linalg.svd(train - mean, full_matrices=False)[2][:LATENT]
    codes = (test - mean) @ axes.T
    return (train - mean) @ axes.T, codes, codes @ axes + mean


def neighbour(codes, labels, new, truth):
    """The share of the new points whose class is that of the nearest known point."""
    nearest = ((new[:, None] - codes) ** 2).sum(axis=2).argmin(axis=1)
    return float((labels[nearest] == truth).mean())


def main(arguments=None):
    given = options(__doc__, arguments)
    train, test = digits(given)
    side, epochs = train.arrays[0].shape[-1], 3 if given.smoke else 60
    (x, y), (new, truth) = ((rows.arrays[0].reshape(len(rows), -1), rows.arrays[1]) for rows in (train, test))
    vae, seconds = VAE(side * side), clock()
    optimizer = optim.Adam(vae.parameters(), lr=2e-3)
    schedule = optim.Schedule(optimizer, optim.CosineLR(total=epochs))
    loader = data.DataLoader(data.ArrayDataset(x), batch_size=64, shuffle=True, seed=given.seed)

    def objective(images):
        reconstruction, divergence = vae.loss(images)
        return reconstruction + BETA * divergence

    print("epoch    training loss    held out: reconstruction + KL (nats an image)")
    for k in range(1, epochs + 1):
        loss = epoch(optimizer, loader, objective)
        schedule.step()
        if k % max(epochs // 6, 1) == 0:
            with te.no_grad():
                bound = [part.item() for part in vae.loss(te.tensor(new))]
            print("{:>5} {:>16.2f} {:>24.2f} + {:.2f}".format(k, loss, *bound))

    codes, unseen = (outputs(lambda images: vae(images)[0], images) for images in (x, new))
    again = outputs(lambda points: te.sigmoid(vae.decoder(points)), unseen)
    known, other, components = principal(x, new)
    found = {"vae": float(((again - new) ** 2).sum(axis=1).mean()),
             "pca": float(((components - new) ** 2).sum(axis=1).mean()),
             "vae neighbour": neighbour(codes, y, unseen, truth),
             "pca neighbour": neighbour(known, y, other, truth)}
    print(f"{epochs} epochs in {seconds():.0f} s. Held-out digits, from 2 numbers        VAE    components\n"
          f"squared error of an image {found['vae']:>38.2f} {found['pca']:>13.2f}\n"
          f"class of the nearest training digit is right {found['vae neighbour']:>19.1%} "
          f"{found['pca neighbour']:>13.1%}")

    classes = {str(digit): unseen[truth == digit] for digit in range(10)}
    draw(plane({}, classes, xlabel="$z_1$", ylabel="$z_2$", title="Held-out digits on the latent plane"),
         "vae_plane.png", given)
    at = np.linspace(-2.2, 2.2, SIDE, dtype=np.float32)
    grid = np.stack(np.meshgrid(at, at[::-1]), axis=-1).reshape(-1, 2)
    tiles = outputs(lambda points: te.sigmoid(vae.decoder(points)), grid).reshape(SIDE, SIDE, side, side)
    picture = viz.images(tiles.transpose(0, 2, 1, 3).reshape(SIDE * side, SIDE * side),
                         title="The plane, decoded")
    picture.figure.set_size_inches(6.2, 6.4)
    draw(picture, "vae.png", given)
    return found


if __name__ == "__main__":
    main()
