"""Draw the pictures of the README again: `make pictures`. Needs the `viz` extra."""
from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import tinygrad_edu as te
from tinygrad_edu import nn, viz
from tinygrad_edu.cli import main

IMAGES = Path(__file__).parent.parent / "docs" / "images"


def spiral() -> None:
    """What `tinygrad-edu train spiral` draws."""
    with tempfile.TemporaryDirectory() as folder:
        main(["train", "spiral", "--quiet", "--out", folder])
        shutil.copy(Path(folder) / "boundary.png", IMAGES / "spiral.png")


def graph() -> None:
    """The loss of a network with one hidden layer, with what each node saves for backward."""
    te.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    loss = te.cross_entropy(model(te.randn(16, 64)), te.randint(0, 10, (16,)))
    viz.graph(loss, names=model, show=("shape", "saved")).save(str(IMAGES / "graph.svg"))


if __name__ == "__main__":
    IMAGES.mkdir(parents=True, exist_ok=True)
    spiral()
    graph()
