"""Logs of `fit` are read back: the numbers in them are the history's, also after a kill."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.training.event_files import events_of
from tests.training.fit_cases import HELD, LABELS, Interrupt, Whole, X, loader_of, model_of, weights
from tinygrad_edu import metrics, nn, optim, training


def rows_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_logs_have_the_history_once_also_after_an_interrupt(tmp_path: Path) -> None:
    def logs() -> list[Any]:
        return [training.CSVLog(tmp_path / "a.csv"), training.JSONLog(tmp_path / "a.jsonl", steps=True),
                training.TensorBoardLog(tmp_path / "board")]  # fmt: skip

    class Crash:
        def on_step(self, run: Any) -> None:
            if run.step == 13:
                raise ValueError("a crash")

    where = tmp_path / "run"
    with pytest.raises(ValueError, match="a crash"):
        Whole().fit(checkpoint=training.Checkpoint(where, every_steps=4), extra=[*logs(), Crash()])
    with open(tmp_path / "a.jsonl", "a") as file:
        file.write('{"event": "step", "st')  # as of a process that was killed
    history = Whole().fit(checkpoint=where, resume=True, extra=logs()).history
    lines = rows_of(tmp_path / "a.jsonl")
    assert [line["step"] for line in lines if line["event"] == "step"] == list(range(1, 21))
    epochs = [line for line in lines if line["event"] == "epoch"]
    assert [{k: v for k, v in line.items() if k not in ("event", "step")} for line in epochs] == history.rows
    assert [line["step"] for line in epochs] == [5, 10, 15, 20]
    with open(tmp_path / "a.csv", newline="") as file:
        table = list(csv.DictReader(file))
    assert [{name: float(cell) for name, cell in row.items()} for row in table] == history.rows
    board = events_of(tmp_path / "board")
    assert sorted(board["step/loss"]) == list(range(1, 21))
    for name in history.columns:
        assert list(board[f"epoch/{name}"]) == [5, 10, 15, 20]
        np.testing.assert_allclose(list(board[f"epoch/{name}"].values()), history[name], rtol=1e-6)
    losses = {line["step"]: line["loss"] for line in lines if line["event"] == "step"}
    assert losses == pytest.approx(board["step/loss"], rel=1e-6)


def test_the_table_says_the_numbers_of_every_epoch_and_why_it_ended(capsys: Any) -> None:
    whole = Whole(verbose=True).fit(extra=[Interrupt(12)])
    out, err = capsys.readouterr()
    head, *lines, end = out.splitlines()
    assert head.split() == [*whole.history.columns, "seconds"]
    for line, row in zip(lines, whole.history, strict=True):
        assert len(line) == len(head)
        assert [float(cell) for cell in line.split()][:-1] == pytest.approx(list(row.values()), rel=1e-3)
    assert end == "interrupted after 2 epochs, 12 steps" and err == ""


def test_a_bar_is_shown_on_a_terminal_only(capsys: Any, monkeypatch: Any) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    Whole(verbose=True, epochs=1).fit()
    assert "epoch 1/1" in stream.getvalue() and "/5" in stream.getvalue()


def test_arrays_and_numbers_that_are_not_finite_are_logged(tmp_path: Path) -> None:
    model = model_of()
    history = training.fit(
        model, loader_of(), optimizer=optim.SGD(model.parameters()), loss=te.cross_entropy,
        validation=(X[:5], np.zeros(5, np.int64)), metrics=[metrics.ConfusionMatrix(), metrics.ROCAUC()],
        callbacks=[training.CSVLog(tmp_path / "a.csv"), training.JSONLog(tmp_path / "a.jsonl")],
        verbose=False,
    )  # fmt: skip
    assert math.isnan(history[-1]["validation_roc_auc"])
    assert np.sum(history[-1]["train_confusion"]) == 37
    (line,) = rows_of(tmp_path / "a.jsonl")
    assert line["validation_roc_auc"] is None and line["train_confusion"] == history[-1]["train_confusion"]
    with open(tmp_path / "a.csv", newline="") as file:
        (row,) = csv.DictReader(file)
    assert json.loads(row["train_confusion"]) == history[-1]["train_confusion"]
    assert math.isnan(float(row["validation_roc_auc"]))


def test_a_missing_tensorboardx_says_what_to_install(monkeypatch: Any) -> None:
    monkeypatch.setitem(sys.modules, "tensorboardX.event_file_writer", None)
    with pytest.raises(ImportError, match="pip install tensorboardX"):
        training.TensorBoardLog("anywhere")


def test_a_history_has_columns_a_best_row_and_a_picture(tmp_path: Path) -> None:
    history = Whole(epochs=3).fit().history
    assert len(history) == 3 and history[-1] is history.rows[2] and history["epoch"] == [1, 2, 3]
    assert history.best("validation_loss")["validation_loss"] == min(history["validation_loss"])
    most = history.best("validation_accuracy", mode="max")
    assert most["validation_accuracy"] == max(history["validation_accuracy"])
    with pytest.raises(KeyError, match="it has epoch, lr, train_loss"):
        history["loss"]
    with pytest.raises(ValueError, match="no epoch has a number"):
        training.History().best("train_loss")
    picture = history.picture(tmp_path / "a.png", title="A run")
    labels = [text.get_text() for axes in picture.figure.axes for text in axes.get_legend().get_texts()]
    assert "validation accuracy" in labels and "lr" not in labels
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_the_rate_finder_finds_where_the_loss_falls_and_leaves_no_trace(tmp_path: Path) -> None:
    def made() -> tuple[Any, ...]:
        model, loader = model_of(), loader_of()
        return model, optim.Adam(model.parameters(), lr=0.02), loader

    model, optimizer, loader = made()
    training.fit(model, loader, optimizer=optimizer, loss=te.cross_entropy, epochs=1, verbose=False)
    plain = weights(model), te.rand(2).tolist()
    model, optimizer, loader = made()
    model.eval()
    found = training.find_lr(model, loader, optimizer=optimizer, loss=te.cross_entropy, steps=30)
    assert not model.training and optimizer.param_groups[0]["lr"] == 0.02
    training.fit(model, loader, optimizer=optimizer, loss=te.cross_entropy, epochs=1, verbose=False)
    assert (weights(model), te.rand(2).tolist()) == plain
    assert len(found.rates) == len(found.losses) == len(found.smoothed) and found.best in found.rates
    picture = found.picture(tmp_path / "a.png")
    assert picture.figure.axes[0].get_xscale() == "log" and (tmp_path / "a.png").exists()


def test_the_rate_finder_knows_the_rates_of_a_parabola() -> None:
    """Of w^2 / 2 a step multiplies w by 1 - lr: rates above 2 diverge, and small ones do nothing."""
    model = nn.Linear(1, 1, bias=False, dtype="float64")
    with te.no_grad():
        model.weight.fill_(1.0)
    batch = [te.ones(1, 1, dtype="float64")]
    found = training.find_lr(
        model, batch, optimizer=optim.SGD(model.parameters()), step=lambda m, b: (m(b) ** 2).sum() / 2,
        lowest=1e-4, highest=90.0, steps=61, smoothing=0.0,
    )  # fmt: skip
    w, expected = 1.0, []
    for rate in found.rates:
        expected.append(w * w / 2)
        w *= 1 - rate
    np.testing.assert_allclose(found.losses, expected, rtol=1e-9)
    assert 0.02 < found.best < 1.0
    assert len(found.rates) < 61 and found.losses[-1] > 4 * found.losses.min()
    assert model.weight.item() == 1.0


@pytest.mark.parametrize(("options", "kind", "words"), [
    ({"lowest": 1.0, "highest": 0.1}, ValueError, "0 < lowest < highest"),
    ({"smoothing": 1.0}, ValueError, "smoothing"),
    ({"steps": 2}, ValueError, "steps=2"),
    ({"loss": None}, TypeError, "find_lr: it needs loss="),
    ({"loss": lambda out, y: out.sum() * math.nan}, ValueError, "finite for 0 steps"),
    ({"data": []}, ValueError, "not enough batches"),
])  # fmt: skip
def test_what_the_rate_finder_refuses(options: dict[str, Any], kind: Any, words: str) -> None:
    model = model_of()
    given = {
        "data": (X, LABELS),
        "loss": te.cross_entropy,
        "optimizer": optim.SGD(model.parameters()),
        **options,
    }
    with pytest.raises(kind, match=words):
        training.find_lr(model, given.pop("data"), **given)
    assert HELD


@pytest.mark.parametrize("kind", [training.CSVLog, training.JSONLog])
def test_a_log_replaces_another_log_on_request_and_no_other_file(tmp_path: Path, kind: Any) -> None:
    path, first = tmp_path / "log", f"{kind.__name__}: .*log is "
    Whole().fit(epochs=3, extra=[kind(path)])
    written = path.read_text()
    whole = Whole()
    before = weights(whole.model)
    with pytest.raises(FileExistsError, match=f"{first}the log of another run.*overwrite=True"):
        whole.fit(epochs=2, extra=[kind(path)])
    assert path.read_text() == written and weights(whole.model) == before
    Whole().fit(epochs=2, extra=[kind(path, overwrite=True)])
    assert len(path.read_text().splitlines()) == 2 + (kind is training.CSVLog)
    path.write_text("the only copy\n")
    for overwrite in (False, True):
        with pytest.raises(FileExistsError, match=f"{first}there, and is no log of fit"):
            whole.fit(extra=[kind(path, overwrite=overwrite)])
        assert path.read_text() == "the only copy\n" and weights(whole.model) == before
    path.write_text("")
    Whole().fit(epochs=1, extra=[kind(path)])
    assert path.read_text()


@pytest.mark.parametrize("kind", [training.CSVLog, training.JSONLog])
def test_a_resumed_run_goes_on_with_its_own_log_alone(tmp_path: Path, kind: Any) -> None:
    log, other, folder = tmp_path / "log", tmp_path / "other", tmp_path / "run"

    class Crash:
        def __init__(self, step: int) -> None:
            self.step = step

        def on_step(self, run: Any) -> None:
            if run.step == self.step and self.step % 5:
                raise ValueError("a crash")

        def on_epoch_end(self, run: Any) -> None:
            if run.step == self.step:
                raise ValueError("a crash")

    another = Whole(epochs=3)
    another.loader = loader_of(seed=4)
    another.fit(extra=[kind(other)])
    foreign = other.read_text()
    for step in (3, 5):  # killed before there is a checkpoint, and between the row of an epoch and its save
        with pytest.raises(ValueError, match="a crash"):
            Whole().fit(checkpoint=folder, resume=True, extra=[kind(log), Crash(step)])
        assert not (folder / "last.safetensors").exists()
    with pytest.raises(FileExistsError, match="the log of another run"):  # three epochs are not of this run
        Whole().fit(checkpoint=folder, resume=True, extra=[kind(other)])
    Whole().fit(checkpoint=folder, resume=True, epochs=2, extra=[kind(log)])
    with pytest.raises(ValueError, match="a crash"):  # its row has no checkpoint
        Whole().fit(checkpoint=folder, resume=True, extra=[kind(log), Crash(15)])
    log_of_three = log.read_text()
    assert len(log_of_three.splitlines()) == 3 + (kind is training.CSVLog)
    with pytest.raises(FileExistsError, match="the log of another run"):
        Whole().fit(checkpoint=folder, resume=True, extra=[kind(other)])
    assert other.read_text() == foreign
    Whole().fit(checkpoint=folder, resume=True, extra=[kind(log)])
    whole = tmp_path / "whole"
    Whole().fit(extra=[kind(whole)])
    assert log.read_text() == whole.read_text()
