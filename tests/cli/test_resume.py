"""A run that was interrupted and resumed has the bits of one that was not."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.cli.commands import command, environment, flowers, without_matplotlib
from tinygrad_edu import catalogue, data, nn
from tinygrad_edu.cli import main
from tinygrad_edu.nn.checkpoint_file import read_checkpoint
from tinygrad_edu.training import Predictor, Settings, Trainer

TABLE = data.circle(60, seed=3)
TRAIN, HELD_OUT = data.train_test_split(TABLE, 0.3, seed=0, stratify=TABLE.labels)
STEPS, EPOCHS = 6, 3  # batches of 8 of 42 rows, so that the last one is smaller


def trainer(optimizer: str = "adam", *, epochs: int = EPOCHS, **options: Any) -> Trainer:
    settings = Settings(
        hidden=(5,),
        optimizer=optimizer,
        epochs=epochs,
        batch_size=8,
        dropout=0.3,
        lr=0.01,
        **{"weight_decay": 1e-3, **options},
    )
    return Trainer(TRAIN, HELD_OUT, settings)


def after(steps: int) -> Any:
    """A question that is answered with yes once, after so many steps."""
    left = iter(range(steps - 1, -1, -1))
    return lambda: next(left) == 0


def same(first: Path, second: Path) -> None:
    """Two checkpoints hold the same bits and the same facts."""
    (facts, arrays), (other_facts, other_arrays) = read_checkpoint(first), read_checkpoint(second)
    assert facts == other_facts
    assert arrays.keys() == other_arrays.keys() and len(arrays) >= 4
    for name, array in arrays.items():
        assert array.tobytes() == other_arrays[name].tobytes(), name


@pytest.mark.parametrize("optimizer", catalogue.OPTIMIZERS)
@given(steps=st.integers(1, STEPS * EPOCHS - 1))
def test_interrupted_after_any_step(
    optimizer: str, steps: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("resume")
    whole = trainer(optimizer)
    assert whole.fit()
    whole.save(folder / "whole")
    first = trainer(optimizer)
    assert not first.fit(stop=after(steps))
    first.save(folder / "part")
    second = trainer(optimizer)
    second.resume(folder / "part")
    assert second.fit()
    second.save(folder / "joined")
    same(folder / "whole", folder / "joined")
    assert second.history == whole.history
    assert second.scores(HELD_OUT) == whole.scores(HELD_OUT)


def test_the_same_trainer_can_also_go_on() -> None:
    whole, halting = trainer(), trainer()
    whole.fit()
    assert not halting.fit(stop=after(4))
    # Training draws dropout from the default generator, so each trainer has to be seeded just before its run.
    fresh = trainer()
    fresh.fit()
    assert fresh.history == whole.history
    halting.fit()
    assert len(halting.history) == EPOCHS and halting.done


def test_a_longer_run_continues_a_shorter_one_in_another_process(tmp_path: Path) -> None:
    flowers(without_matplotlib(tmp_path) / "flowers.csv")
    line = ["train", "flowers.csv", "--dropout", "0.2", "--quiet", "--batch-size", "16"]
    for words in (
        ["--epochs", 8, "--out", "whole"],
        ["--epochs", 3, "--out", "joined"],
        ["--epochs", 8, "--out", "joined", "--resume"],
    ):
        done = command(*line, *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    same(tmp_path / "whole/model.safetensors", tmp_path / "joined/model.safetensors")
    assert (tmp_path / "whole/history.csv").read_text() == (tmp_path / "joined/history.csv").read_text()


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process; run on Linux or macOS"
)
def test_control_c_leaves_a_checkpoint_that_goes_on_bit_for_bit(tmp_path: Path) -> None:
    flowers(without_matplotlib(tmp_path) / "flowers.csv")
    line = ["train", "flowers.csv", "--dropout", "0.2", "--batch-size", "8"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tinygrad_edu", *line, "--epochs", "1000000", "--out", "out"],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stderr is not None
    try:
        assert process.stdout.readline().startswith("flowers")
        assert process.stderr.read(1)  # the progress bar: the handler is in place
        time.sleep(0.3)  # into the middle of the run
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=600)[1]
    finally:
        process.kill()
    assert process.returncode == 130, said
    assert "Traceback" not in said
    found = re.search(r"after epoch (\d+), step (\d+); the model is in (\S+); go on with --resume", said)
    assert found is not None, said
    assert Predictor.load(tmp_path / found[3])[0].class_names == ("aster", "borage", "clover")
    epochs = str(int(found[1]) + 2)
    for words in (["--out", "out", "--resume"], ["--out", "whole"]):
        done = command(*line, "--epochs", epochs, "--quiet", *words, cwd=tmp_path)
        assert done.returncode == 0, done.stderr
    same(tmp_path / "out/model.safetensors", tmp_path / "whole/model.safetensors")
    assert (tmp_path / "out/history.csv").read_text() == (tmp_path / "whole/history.csv").read_text()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--lr", "0.5"], "lr 0.001, this run has 0.5"),
        (["--hidden", "9"], "hidden"),
        (["--seed", "4"], "seed 0, this run has 4"),
        (["--test-fraction", "0.5"], "other rows"),
        (["--folds", "3"], "--folds"),
    ],
)
def test_another_run_is_not_resumed(
    words: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["train", str(flowers(tmp_path / "f.csv")), "--quiet", "--out", str(tmp_path / "out")]
    assert main([*line, "--epochs", "2", "--lr", "0.001"]) == 0
    before = (tmp_path / "out/model.safetensors").read_bytes()
    capsys.readouterr()
    assert main([*line, "--resume", *words]) == 2
    assert said in capsys.readouterr().err
    assert (tmp_path / "out/model.safetensors").read_bytes() == before


def test_other_data_are_not_resumed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = flowers(tmp_path / "f.csv")
    line = ["train", str(path), "--quiet", "--out", str(tmp_path / "out")]
    assert main([*line, "--epochs", "2"]) == 0
    flowers(path, seed=1)
    assert main([*line, "--resume", "--epochs", "4"]) == 2
    assert "trained on other rows" in capsys.readouterr().err


def test_a_refused_checkpoint_changes_nothing(tmp_path: Path) -> None:
    other = trainer(seed=1)
    other.fit()
    other.save(tmp_path / "other")
    mine = trainer()
    before = mine.predictor.model.state_dict()
    with pytest.raises(nn.CheckpointError, match="seed"):
        mine.resume(tmp_path / "other")
    assert mine.history == []
    after_all = mine.predictor.model.state_dict()
    assert all(np.array_equal(before[name], array) for name, array in after_all.items())


def test_options_of_the_first_run_are_remembered(tmp_path: Path) -> None:
    path = flowers(tmp_path / "f.csv")
    line = ["train", str(path), "--quiet", "--out", str(tmp_path / "out")]
    first = ["--epochs", "2", "--hidden", "7", "--lr", "0.02", "--label", "kind", "--test-fraction", "0.5"]
    assert main([*line, *first]) == 0
    assert main([*line, "--epochs", "3", "--resume"]) == 0
    predictor, notes = Predictor.load(tmp_path / "out/model.safetensors")
    assert (predictor.settings.hidden, predictor.settings.lr, predictor.settings.epochs) == ((7,), 0.02, 3)
    assert (notes["label"], notes["test_fraction"]) == ("kind", 0.5)
