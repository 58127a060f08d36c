"""Faults of models, optimizers and checkpoints, by their number in the list of faults."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import nn, optim
from tinygrad_edu.nn import CheckpointError

ROOT = Path(__file__).resolve().parents[2]
WRITER = """
import itertools, sys
from tinygrad_edu import nn
model = nn.Linear(200, 200)
nn.save_checkpoint(sys.argv[1], model=model, extra={"turn": 0})
print("saved", flush=True)
for turn in itertools.count(1):
    nn.save_checkpoint(sys.argv[1], model=model, extra={"turn": turn})
"""


def model() -> nn.Sequential:
    return nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))


def values(module: nn.Module) -> dict[str, Any]:
    return {name: value.copy() for name, value in module.state_dict().items()}


def unchanged(module: nn.Module, before: dict[str, Any]) -> None:
    after = module.state_dict()
    assert set(after) == set(before)
    for name, value in before.items():
        np.testing.assert_array_equal(after[name], value, err_msg=name)


def test_30_a_writer_killed_while_saving_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    path, reader = tmp_path / "run.safetensors", nn.Linear(200, 200)
    for pause in (0.0, 0.002, 0.011, 0.03):
        writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, cwd=ROOT)
        assert writer.stdout is not None and writer.stdout.readline().strip() == b"saved"
        time.sleep(pause)
        os.kill(writer.pid, signal.SIGKILL)
        writer.communicate()
        nn.load_checkpoint(path, model=reader)
        assert np.isfinite(reader.weight.numpy()).all()
    nn.save_checkpoint(path, model=reader)
    assert [p.name for p in tmp_path.iterdir()] == ["run.safetensors"]  # what the dead left is swept away


@settings(max_examples=40)
@given(cut=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1), st.integers(1, 255)), max_size=3))
def test_31_a_damaged_checkpoint_is_refused_and_changes_nothing(
    tmp_path_factory: Any, cut: float, flips: Any
) -> None:
    folder = tmp_path_factory.mktemp("damage")
    path, target = folder / "run.safetensors", model()
    nn.save_checkpoint(path, model=model())
    data, before = bytearray(path.read_bytes()), values(target)
    for place, mask in flips:
        data[int(place * (len(data) - 1))] ^= mask
    damaged = bytes(data[: int(cut * len(data))] if not flips else data)
    if damaged == path.read_bytes():
        return
    path.write_bytes(damaged)
    with pytest.raises(CheckpointError):
        nn.load_checkpoint(path, model=target)
    unchanged(target, before)


class Malicious:
    def __reduce__(self) -> Any:
        return os.mkdir, ("executed",)


@pytest.mark.parametrize(
    "data", [b"", b"\x00" * 8, b"\xff" * 64, pickle.dumps({"weight": np.ones(3)}), pickle.dumps(Malicious())]
)
def test_31_a_foreign_file_is_refused_and_never_executed(
    tmp_path: Path, data: bytes, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("run.safetensors").write_bytes(data)
    with pytest.raises(CheckpointError):
        nn.load_checkpoint("run.safetensors", model=model())
    assert not Path("executed").exists()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda s: s.pop("0.weight"), [r"0\.weight"]),
        (lambda s: s.update(extra=np.ones(2)), ["extra"]),
        (lambda s: s.update({"2.bias": np.ones(5)}), [r"2\.bias", r"\(5,\)", r"\(2,\)"]),
    ],
)
def test_32_a_state_that_does_not_fit_changes_nothing(change: Callable[..., Any], named: list[str]) -> None:
    target = model()
    before, state = values(target), {name: v + 1.0 for name, v in target.state_dict().items()}
    change(state)
    for pattern in named:
        with pytest.raises((ValueError, KeyError, RuntimeError), match=pattern):
            target.load_state_dict(state)
    unchanged(target, before)


def test_32_a_checkpoint_of_another_model_changes_nothing(tmp_path: Path) -> None:
    path, target = tmp_path / "run.safetensors", nn.Linear(3, 4)
    nn.save_checkpoint(path, model=model())
    before = values(target)
    with pytest.raises(CheckpointError):
        nn.load_checkpoint(path, model=target)
    unchanged(target, before)


def weights() -> list[Any]:
    return [te.ones(2, requires_grad=True)]


@pytest.mark.parametrize(
    "make",
    [
        lambda: nn.Dropout(1.5), lambda: nn.Dropout(-0.1), lambda: nn.Linear(-1, 2), lambda: nn.Linear(2, -2),
        lambda: optim.SGD(weights(), lr=-0.1), lambda: optim.SGD(weights(), lr=0.1, momentum=-1.0),
        lambda: optim.SGD(weights(), lr=0.1, nesterov=True),
        lambda: optim.Adam(weights(), lr=0.1, betas=(1.0, 0.9)),
        lambda: optim.SGD([], lr=0.1), lambda: optim.Adam(weights(), lr=0.1, eps=-1.0),
    ],
)  # fmt: skip
def test_33_arguments_are_checked_at_construction(make: Callable[[], Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        make()


def test_33_an_optimizer_wants_leaves_in_a_list() -> None:
    leaf = te.ones(2, requires_grad=True)
    for given_ in (leaf, [leaf * 2.0], ["weight"]):
        with pytest.raises((TypeError, ValueError)):
            optim.SGD(given_, lr=0.1)


def test_33_a_batch_of_the_wrong_width_names_both_shapes() -> None:
    with pytest.raises(ValueError, match=r"\(5, 7\).*\(4, 3\)"):
        model()(te.ones(5, 7))
