"""docs/coming-from.md: its programs do as well in every library, and weights arrive as they left."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from tinygrad_edu import nn

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
