"""docs/coming-from.md: its programs do as well in every library, and weights arrive as they left."""

from __future__ import annotations

import copy
import math
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import data, metrics, nn, optim, training

ROOT = Path(__file__).resolve().parents[2]
TEXT = (ROOT / "docs" / "coming-from.md").read_text()
CELLS = re.findall(r"^```\{code-cell\}\n(.*?)^```", TEXT, re.M | re.S)
BLOCKS = dict(re.findall(r"^```python\n# (.*?)\n(.*?)^```", TEXT, re.M | re.S))
NEEDS = {"PyTorch": "torch", "JAX": "jax", "Keras": "keras"}


def _run(*programs: str) -> dict[str, object]:
    names: dict[str, object] = {"nn": nn, "np": np}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        for program in programs:
            exec(compile(program, "<coming-from.md>", "exec"), names)
    return names


def _held_out(said: str) -> list[float]:
    return [float(number) for number in re.findall(r"held out: ([\d.]+)", said)]


def test_our_program_and_scikit_learns_are_right(capsys):
    _run(*CELLS)
    said = capsys.readouterr().out
    assert len(_held_out(said)) == 2 and min(_held_out(said)) > 0.88 and "the same: True" in said


@pytest.mark.oracle
@pytest.mark.parametrize("peer", NEEDS)
def test_the_program_of_another_library_does_as_well_and_its_weights_travel(peer, capsys, monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    pytest.importorskip(NEEDS[peer])
    names = _run(CELLS[0], BLOCKS[peer], BLOCKS[f"{peer}, weights"])
    (accuracy,) = _held_out(capsys.readouterr().out)
    assert accuracy > 0.88
    ours, model = names["ours"], names.get("model")
    X = names["X"][names["test"]]
    theirs = {
        "PyTorch": lambda: model(names["torch"].tensor(X)).detach().numpy(),
        "JAX": lambda: np.asarray(names["predict"](names["p"], X)),
        "Keras": lambda: np.asarray(model(X)),
    }[peer]()
    np.testing.assert_allclose(ours(X).numpy(), theirs, rtol=1e-4, atol=1e-4)


@pytest.mark.oracle
def test_a_convolution_of_keras_is_the_same_here(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")
    images = np.random.default_rng(0).normal(size=(2, 28, 28, 3)).astype("float32")
    layer, ours = keras.layers.Conv2D(8, 3), nn.Conv2d(3, 8, 3)
    wanted = np.asarray(layer(images))
    kernel, bias = layer.get_weights()
    ours.load_state_dict({"weight": kernel.transpose(3, 2, 0, 1), "bias": bias})
    np.testing.assert_allclose(
        ours(images.transpose(0, 3, 1, 2)).numpy().transpose(0, 2, 3, 1), wanted, rtol=1e-4, atol=1e-4
    )


def test_the_tables_are_the_ones_that_errors_read():
    done = subprocess.run(
        [sys.executable, "tools/words.py", "--check"],
        cwd=ROOT,
        check=False,
        text=True,
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stdout + done.stderr


X = te.tensor([[3.0, 1.0, 2.0], [0.0, 5.0, 4.0]], dtype="float32")


def _raises(call, words):
    with pytest.raises((TypeError, IndexError, ValueError), match=words):
        call()
    return True


def _unpacked():
    _, _ = X.sort(1)


def _fitted(**options):
    model = nn.Linear(3, 2)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3)
    return training.fit(model, (X, np.array([0, 1])), batch_size=1, epochs=3, optimizer=optimizer,
                        loss=te.cross_entropy, schedule=schedule, verbose=False, **options)  # fmt: skip


# What each row of the table of other meanings says, by the first name in its first cell.
MEANINGS = {
    "te.max": lambda: (
        te.max(X, 1).tolist() == [3, 5]
        and te.argmax(X, 1).tolist() == [0, 1]
        and _raises(lambda: X.max(dim=1), "gives the values alone")
        and _raises(_unpacked, "no pair to unpack")
        and len(te.topk(X, 1)) == len(te.cummax(X, 0)) == 2
    ),
    "te.median": lambda: (
        te.median(te.tensor([1.0, 2.0])).item() == 1.5
        and te.quantile(te.tensor([1.0, 2.0]), 0.5, interpolation="lower").item() == 1
    ),
    "te.std": lambda: (
        te.var(te.tensor([0.0, 2.0])).item() == 1 and te.var(te.tensor([0.0, 2.0]), correction=1).item() == 2
    ),
    "te.equal": lambda: te.equal(X, X).shape == (2, 3) and te.all(X == X).item() is True,
    "te.meshgrid": lambda: (
        te.meshgrid(te.ones(2), te.ones(3))[0].shape == (3, 2)
        and te.meshgrid(te.ones(2), te.ones(3), indexing="ij")[0].shape == (2, 3)
    ),
    "te.one_hot": lambda: (
        te.one_hot(te.tensor([1]), 10).dtype == te.float32
        and _raises(lambda: te.one_hot(te.tensor([1])), "one_hot needs classes")
    ),
    "te.diagonal": lambda: te.diagonal(te.zeros(4, 2, 3)).shape == (4, 2),
    "te.nonzero": lambda: len(te.nonzero(X)) == 2 and te.stack(te.nonzero(X), axis=1).shape == (5, 2),
    "te.pad": lambda: te.pad(X, [(0, 0), (1, 2)]).shape == (2, 6),
    "te.layer_norm": lambda: te.layer_norm(te.zeros(4, 2, 3), (-2, -1)).shape == (4, 2, 3),
    "x * np.sqrt": lambda: (
        (X * np.sqrt(2)).dtype == (X / np.float64(8)).dtype == te.float64
        and (X * math.sqrt(2)).dtype
        == (X * float(np.sqrt(2))).dtype
        == (X * np.float32(8)).dtype
        == te.float32
    ),
    "x / lengths": lambda: (
        (X / te.tensor([1, 2, 3])).dtype == te.float64
        and (X / te.tensor([1, 2, 3], dtype="int32")).dtype == te.float64
        and (X / te.tensor([1, 2, 3]).float()).dtype == te.float32
    ),
    "te.gather": lambda: (
        te.gather(X, te.tensor([[-1], [0]]), axis=1).tolist() == [[2], [0]]
        and _raises(lambda: X.gather(1, te.tensor([[-1], [0]])), "below 0")
        and _raises(lambda: X.index_select(1, te.tensor([-1])), "below 0")
        and _raises(lambda: X.scatter_add(1, te.tensor([[-1], [0]]), te.ones(2, 1)), "below 0")
    ),
    "x[0, :, [0, 1]]": lambda: (
        te.zeros(4, 3, 5)[0, :, [0, 1]].shape == (2, 3) and te.zeros(4, 3, 5)[0][:, [0, 1]].shape == (3, 2)
    ),
    "copy.deepcopy": lambda: _copied(te.ones(2, requires_grad=True)) and _copied(nn.Parameter(te.ones(2))),
    "metrics.accuracy": lambda: (
        metrics.r2([1.0, 2, 3], [1.0, 2, 2]) == 0.5
        and _updated(metrics.R2(), [1.0, 2, 2], [1.0, 2, 3]) == 0.5
    ),
    "training.fit": lambda: _raises(_fitted, "schedule_per") and len(_fitted(schedule_per="epoch")) == 3,
    "data.RandomAffine": lambda: (
        data.RandomAffine(translate=(2, 3)).translate == (2, 3)
        and _raises(lambda: data.RandomAffine(translate=(0.1, 0.1)), "less than a pixel")
    ),
}


def _copied(leaf):
    leaf.sum().backward()
    copied = copy.deepcopy(leaf)
    copied_grad, copied.grad = copied.grad, leaf.grad
    return copied_grad is None and copied.grad.tolist() == [1, 1] and copied.requires_grad


def _updated(metric, outputs, targets):
    metric.update(outputs, targets)
    return metric.compute()


def test_what_has_another_meaning_here_means_what_the_page_says():
    (table,) = re.findall(r"^\| function \| here \| PyTorch's \|\n(.*?)\n\n", TEXT, re.M | re.S)
    rows = table.splitlines()[1:]
    firsts = [re.match(r"\| `(x\[[^`]*|[^`(,]*)", row)[1].rstrip() for row in rows]
    assert firsts == list(MEANINGS)
    for name, holds in MEANINGS.items():
        assert holds(), name


def test_the_words_that_the_page_quotes_are_said():
    quoted = re.findall(r'`(te\.\w+\([^`]*\))` says\s+"([^"]*)"', TEXT)
    assert quoted
    for call, words in quoted:
        with pytest.raises(AttributeError, match=re.escape(" ".join(words.split()))):
            eval(call, {"te": te, "x": X, "y": X})
