"""`fit` with the library's own parts: averages of weights, LBFGS, plateaus, worker processes, devices."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.training.fit_cases import HELD, LABELS, Interrupt, X, loader_of, model_of, weights
from tinygrad_edu import data, metrics, nn, optim, training

QUIET: dict[str, Any] = {"verbose": False}


def test_averaged_weights_are_measured_saved_and_go_on(tmp_path: Path) -> None:
    def run(**options: Any) -> tuple[Any, ...]:
        model = model_of()
        ema = optim.swa_utils.AveragedModel(
            model, avg_fn=optim.swa_utils.get_ema_avg_fn(0.9), use_buffers=True
        )
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        history = training.fit(model, loader_of(), optimizer=optimizer, ema=ema, loss=te.cross_entropy,
                               epochs=4, validation=HELD, **QUIET, **options)  # fmt: skip
        return model, ema, history

    model, ema, history = run()
    measured = training.evaluate(ema, HELD, loss=te.cross_entropy)["loss"]
    assert history[-1]["validation_loss"] == measured
    assert measured != training.evaluate(model, HELD, loss=te.cross_entropy)["loss"]
    run(checkpoint=tmp_path, callbacks=[Interrupt(9)])
    again, average, rest = run(checkpoint=tmp_path, resume=True, callbacks=[Interrupt(99)])
    assert (weights(again), weights(average), rest) == (weights(model), weights(ema), history)
    best = model_of()
    row = nn.load_checkpoint(tmp_path / "best.safetensors", model=best)["row"]
    assert training.evaluate(best, HELD, loss=te.cross_entropy)["loss"] == row["validation_loss"]


def test_lbfgs_computes_its_loss_several_times() -> None:
    def parts() -> tuple[Any, ...]:
        model = model_of(dropout=0.0)
        return model, optim.LBFGS(model.parameters(), lr=0.1, max_iter=5)

    model, optimizer = parts()
    loader = loader_of()
    for _ in range(2):
        for x, y in loader:

            def closure() -> Any:
                optimizer.zero_grad()
                loss = te.cross_entropy(model(x), y)  # noqa: B023 - called in this turn
                loss.backward()
                return loss

            optimizer.step(closure)
    again, optimizer = parts()
    training.fit(again, loader_of(), optimizer=optimizer, loss=te.cross_entropy, epochs=2, **QUIET)
    assert weights(again) == weights(model)
    with pytest.raises(ValueError, match="computes its loss several times"):
        training.fit(again, loader_of(), optimizer=optimizer, loss=te.cross_entropy, accumulate=2, **QUIET)
    with pytest.raises(ValueError, match="computes its loss several times"):
        training.find_lr(again, loader_of(), optimizer=optimizer, loss=te.cross_entropy)


def test_a_plateau_lowers_the_rate_by_the_monitored_column(tmp_path: Path) -> None:
    def run(epochs: int, **options: Any) -> tuple[Any, ...]:
        model = model_of()
        optimizer = optim.SGD(model.parameters(), lr=0.5)
        plateau = optim.lr_scheduler.ReduceLROnPlateau(optimizer, mode="max", factor=0.5, patience=0)
        history = training.fit(
            model, loader_of(), optimizer=optimizer, loss=te.cross_entropy, epochs=epochs, validation=HELD,
            metrics=[metrics.Accuracy()], monitor="validation_accuracy", mode="max", schedule=plateau,
            schedule_per="epoch", **QUIET, **options,
        )  # fmt: skip
        return weights(model), history

    state, history = run(6)
    lr, best, expected = 0.5, -1.0, []
    for value in history["validation_accuracy"]:
        expected.append(lr)
        lr, best = (lr, value) if value > best * (1 + 1e-4) else (lr * 0.5, best)
    assert history["lr"] == pytest.approx(expected) and len(set(expected)) > 1
    run(3, checkpoint=tmp_path)
    assert run(6, checkpoint=tmp_path, resume=True) == (state, history)
    model = model_of()
    optimizer = optim.SGD(model.parameters(), lr=0.5)
    with pytest.raises(ValueError, match='schedule_per="epoch"'):
        training.fit(model, loader_of(), optimizer=optimizer, loss=te.cross_entropy, **QUIET,
                     schedule=optim.lr_scheduler.ReduceLROnPlateau(optimizer))  # fmt: skip


def test_worker_processes_change_no_bit_also_of_a_run_that_goes_on(tmp_path: Path) -> None:
    def run(workers: int, **options: Any) -> str:
        model = model_of()
        loader = data.DataLoader(data.ArrayDataset(X, LABELS), 8, shuffle=True, num_workers=workers)
        training.fit(model, loader, optimizer=optim.Adam(model.parameters()), loss=te.cross_entropy, epochs=2,
                     **QUIET, **options)  # fmt: skip
        return weights(model)

    expected = run(0)
    run(2, checkpoint=tmp_path, callbacks=[Interrupt(7)])
    assert run(2, checkpoint=tmp_path, resume=True, callbacks=[Interrupt(99)]) == expected


class Stream(data.IterableDataset):
    """The rows in an order of their own in each epoch."""

    epoch = 0

    def set_epoch(self, epoch: int) -> None:
        self.epoch = epoch

    def __iter__(self) -> Any:
        return iter([(X[i], LABELS[i]) for i in np.random.default_rng(self.epoch).permutation(37)])


@pytest.mark.parametrize("stop", [3, 5, 7])
def test_a_stream_without_a_length_goes_on(tmp_path: Path, stop: int) -> None:
    def run(**options: Any) -> tuple[Any, ...]:
        model = model_of()
        optimizer = optim.Adam(model.parameters())
        history = training.fit(model, Stream(), optimizer=optimizer, loss=te.cross_entropy, epochs=3,
                               batch_size=8, **QUIET, **options)  # fmt: skip
        return weights(model), history

    model = model_of()
    optimizer, loader = optim.Adam(model.parameters()), data.DataLoader(Stream(), 8)
    for _ in range(3):
        for x, y in loader:
            optimizer.zero_grad()
            te.cross_entropy(model(x), y).backward()
            optimizer.step()
    expected = run()
    assert expected[0] == weights(model)
    run(checkpoint=tmp_path, callbacks=[Interrupt(stop)])
    assert run(checkpoint=tmp_path, resume=True, callbacks=[Interrupt(99)]) == expected


def test_a_model_on_the_default_device_is_trained() -> None:
    """With losses that are read later, the history is that of the cpu."""
    te.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3))
    history = training.fit(model, (X, LABELS), optimizer=optim.SGD(model.parameters(), lr=0.1), epochs=2,
                           loss=te.cross_entropy, metrics=[metrics.Accuracy()], accumulate=2, clip_norm=0.5,
                           validation=HELD, **QUIET)  # fmt: skip
    te.manual_seed(0)
    other = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 3)).to("cpu")

    def step(model: Any, batch: Any) -> Any:
        x, y = (part.to("cpu") for part in batch)
        out = model(x)
        return {"loss": te.cross_entropy(out, y), "outputs": out, "targets": y}

    expected = training.fit(other, (X, LABELS), optimizer=optim.SGD(other.parameters(), lr=0.1), epochs=2,
                            step=step, metrics=[metrics.Accuracy()], accumulate=2, clip_norm=0.5,
                            validation=HELD, **QUIET)  # fmt: skip
    for row, same in zip(history, expected, strict=True):
        assert row == pytest.approx(same, rel=1e-4)
