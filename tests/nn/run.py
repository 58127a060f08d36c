"""One small training run, for the checkpoint tests; as a program it goes on from a checkpoint."""

from __future__ import annotations

import hashlib
import os
import sys

import numpy as np

import tinygrad_edu as te
from tinygrad_edu import nn, optim
from tinygrad_edu.data import ArrayDataset, DataLoader

RULES = {
    "momentum": lambda params: optim.SGD(params, lr=0.05, momentum=0.9, nesterov=True, weight_decay=1e-3),
    "adam": lambda params: optim.Adam(params, lr=0.01),
    "adamw": lambda params: optim.AdamW(params, lr=0.01),
}


class Run:
    """A model with two dropouts, an optimizer, a shuffled loader, and one more stream of random numbers."""

    def __init__(self, rule: str, seed: int) -> None:
        te.manual_seed(seed)
        x = np.random.default_rng(0).normal(size=(70, 4)).astype(np.float32)
        y = (x[:, 0] * x[:, 1] > 0).astype(np.int64)
        self.model = nn.Sequential(
            nn.Linear(4, 16),
            nn.Tanh(),
            nn.Dropout(0.3),
            nn.LayerNorm(16),
            nn.Dropout(0.2, generator=te.Generator(seed + 1)),
            nn.Linear(16, 2),
        )
        self.optimizer = RULES[rule](self.model.parameters())
        self.loader = DataLoader(ArrayDataset(x, y), batch_size=16, shuffle=True, seed=3)
        self.noise = te.Generator(seed + 2)
        self.losses: list[float] = []

    def parts(self) -> dict[str, object]:
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "loader": self.loader,
            "generators": {"noise": self.noise},
        }

    def train(self, steps: int) -> None:
        done = 0
        while True:
            for x, y in self.loader:
                noisy = x + te.randn(x.shape, generator=self.noise) * 0.1
                self.optimizer.zero_grad()
                loss = te.cross_entropy(self.model(noisy), y)
                loss.backward()
                self.optimizer.step()
                self.losses.append(loss.item())
                done += 1
                if done == steps:
                    return

    def digest(self) -> str:
        """Of parameters, optimizer arrays, losses, the loader, and the next numbers of the streams."""
        h = hashlib.sha256(repr(self.losses).encode())
        for array in self.model.state_dict().values():
            h.update(array.tobytes())
        for row in self.optimizer.state_dict()["state"].values():
            for value in row.values():
                h.update(np.asarray(value).tobytes())
        h.update(repr(self.loader.state_dict()).encode())
        h.update(te.rand(5).numpy().tobytes() + te.rand(5, generator=self.noise).numpy().tobytes())
        return h.hexdigest()


def resume(rule: str, path: str) -> None:
    """The second half, from objects that began otherwise."""
    run = Run(rule, seed=900)
    run.losses = nn.load_checkpoint(path, **run.parts())["losses"]
    run.train(10)
    print(run.digest())


def save_forever(path: str) -> None:
    """Overwrite one checkpoint again and again until killed."""
    run = Run("adam", seed=0)
    while True:
        run.train(1)
        nn.save_checkpoint(path, **run.parts(), extra={"losses": run.losses})
        print(len(run.losses), flush=True)


if __name__ == "__main__":
    {"resume": resume, "save_forever": save_forever}[sys.argv[1]](*sys.argv[2:])
    os._exit(0)
