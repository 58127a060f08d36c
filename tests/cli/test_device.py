"""`tinygrad-edu train --device simulator`: the same kernels as on a GPU, and the loss curve of the cpu."""

from __future__ import annotations

import csv

import numpy as np
import pytest

from tinygrad_edu.backend import registry
from tinygrad_edu.cli import main
from tinygrad_edu.errors import DeviceError


@pytest.fixture
def simulator():
    try:
        return registry.get("simulator")
    except DeviceError as error:
        pytest.skip(str(error))


def curve(folder, device, *options):
    """The history that training on `device` wrote: {column: values by epoch}."""
    out = folder / device
    assert main(["train", "digits", "--quiet", "--device", device, "--out", str(out), *options]) == 0
    with open(out / "history.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.mark.parametrize(("optimizer", "lr"), [("adam", "0.01"), ("nesterov", "0.1")])
def test_the_loss_curve_is_the_cpus(simulator, optimizer, lr, tmp_path):
    options = ("--epochs", "3", "--batch-size", "128", "--optimizer", optimizer, "--lr", lr)
    here, there = (curve(tmp_path, device, *options) for device in ("cpu", "simulator"))
    assert here.keys() == there.keys()
    for name in ("train_loss", "held_out_loss"):
        np.testing.assert_allclose(there[name], here[name], rtol=2e-4, err_msg=name)
    assert here["train_loss"][-1] < 0.7 * here["train_loss"][0]
    rows = 450  # held out; a row may lie on the border of two classes
    assert np.abs(there["held_out_accuracy"] - here["held_out_accuracy"]).max() <= 2 / rows
    assert simulator.pool.statistics()["taken"] > 100, "the curve did not come from the device"
