"""`fit` against loops written by hand: the same bits, whatever the batches, losses and options."""

from __future__ import annotations

import math
import traceback
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.training.fit_cases import HELD, LABELS, Notes, X, loader_of, model_of, weights
from tinygrad_edu import data, metrics, nn, optim, training
from tinygrad_edu.training import fit

QUIET: dict[str, Any] = {"verbose": False}


@given(
    st.sampled_from([None, "norm", "value"]), st.booleans(), st.integers(0, 3), st.sampled_from([5, 8, 40])
)
@settings(max_examples=10)
def test_it_takes_the_steps_of_a_loop_by_hand(
    clip: str | None, scheduled: bool, epochs: int, size: int
) -> None:
    def parts() -> tuple[Any, ...]:
        model = model_of()
        optimizer = optim.Adam(model.parameters(), lr=0.05)
        schedule = optim.Schedule(optimizer, optim.LinearWarmup(7)) if scheduled else None
        return model, optimizer, schedule, data.DataLoader(data.ArrayDataset(X, LABELS), size, shuffle=True)

    model, optimizer, schedule, loader = parts()
    rows = []
    for epoch in range(epochs):
        total, right = 0.0, 0
        for x, y in loader:
            optimizer.zero_grad()
            out = model(x)
            loss = te.cross_entropy(out, y)
            loss.backward()
            if clip == "norm":
                optim.clip_grad_norm_(model, 0.3)
            if clip == "value":
                optim.clip_grad_value_(model, 0.02)
            lr = optimizer.param_groups[0]["lr"]
            optimizer.step()
            if schedule is not None:
                schedule.step()
            total += loss.item() * len(x)
            right += (out.argmax(1) == y).sum().item()
        with te.no_grad(), nn.evaluating():
            out = model(te.tensor(HELD[0]))
            held = te.cross_entropy(out, te.tensor(HELD[1])).item()
        share = metrics.accuracy(HELD[1], out.numpy())
        rows.append({"epoch": epoch + 1, "lr": lr, "train_loss": total / 37, "train_accuracy": right / 37,
                     "validation_loss": held, "validation_accuracy": share})  # fmt: skip

    again, optimizer, schedule, loader = parts()
    limits: Any = {"norm": {"clip_norm": 0.3}, "value": {"clip_value": 0.02}}.get(clip or "", {})
    history = fit(again, loader, optimizer=optimizer, loss=te.cross_entropy, epochs=epochs, validation=HELD,
                  schedule=schedule, metrics=metrics.Accuracy(), **limits, **QUIET)  # fmt: skip
    assert weights(again) == weights(model)
    assert [list(row) for row in history] == [list(row) for row in rows]
    for found, expected in zip(history, rows, strict=True):
        assert found == pytest.approx(expected, rel=1e-6)
        assert found["train_loss"] == expected["train_loss"] and found["lr"] == expected["lr"]
    assert history.ended == "epochs"


@pytest.mark.parametrize("make", [
    lambda: (X, LABELS), lambda: data.ArrayDataset(X, LABELS), lambda: (te.tensor(X), te.tensor(LABELS)),
    lambda: data.DataLoader(data.ArrayDataset(X, LABELS), 8, shuffle=True, seed=2),
    lambda: Walk()], ids=["arrays", "dataset", "tensors", "loader", "iterable"])  # fmt: skip
def test_data_comes_in_many_forms(make: Any) -> None:
    model = model_of(dropout=0.0)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    fit(
        model,
        make(),
        optimizer=optimizer,
        loss=nn.CrossEntropyLoss(),
        epochs=2,
        batch_size=8,
        seed=2,
        **QUIET,
    )
    other = model_of(dropout=0.0)
    optimizer = optim.SGD(other.parameters(), lr=0.1)
    fit(other, loader_of(seed=2), optimizer=optimizer, loss=te.cross_entropy, epochs=2, **QUIET)
    assert weights(model) == weights(other)


class Walk:
    """Batches of an iterable without a length or a state."""

    def __init__(self) -> None:
        self.loader = loader_of(seed=2)

    def __iter__(self) -> Any:
        return iter(self.loader)


@settings(max_examples=12)
@given(
    rows=st.integers(2, 37), size=st.integers(1, 8), accumulate=st.integers(1, 6),
    known=st.booleans(), clip=st.sampled_from([None, 0.05]),
)  # fmt: skip
def test_accumulated_batches_are_one_large_batch(
    rows: int, size: int, accumulate: int, known: bool, clip: Any
) -> None:
    """Also the last ones of an epoch, which are fewer or smaller."""
    x, y = X[:rows].astype(np.float64), LABELS[:rows]

    def trained(size: int, accumulate: int, known: bool) -> Any:
        te.manual_seed(0)
        model = nn.Sequential(nn.Linear(3, 4, dtype="float64"), nn.Tanh(), nn.Linear(4, 3, dtype="float64"))
        loader = data.DataLoader(data.ArrayDataset(x, y), size, shuffle=True)
        optimizer = optim.SGD(model.parameters(), lr=0.5, momentum=0.9)
        history = fit(model, loader if known else (batch for _ in range(1) for batch in loader),
                      optimizer=optimizer, loss=te.cross_entropy, epochs=1, accumulate=accumulate,
                      clip_norm=clip, **QUIET)  # fmt: skip
        return model, history

    one, large = trained(size * accumulate, 1, True)
    several, small = trained(size, accumulate, known)
    for name, array in one.state_dict().items():
        np.testing.assert_allclose(several.state_dict()[name], array, rtol=1e-9, atol=1e-12)
    if rows <= size * accumulate:
        assert small["train_loss"] == pytest.approx(large["train_loss"], rel=1e-12)


def test_two_equal_batches_are_half_of_each_to_the_bit() -> None:
    model = model_of()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    loader = data.DataLoader(data.ArrayDataset(X[:32], LABELS[:32]), 8)
    for i, (x, y) in enumerate(loader):
        if i % 2 == 0:
            optimizer.zero_grad()
        (te.cross_entropy(model(x), y) / 2).backward()
        if i % 2:
            optimizer.step()
    again = model_of()
    fit(
        again,
        loader,
        optimizer=optim.SGD(again.parameters(), lr=0.1),
        loss=te.cross_entropy,
        accumulate=2,
        **QUIET,
    )
    assert weights(again) == weights(model)


def test_batches_of_dicts_with_a_step() -> None:
    class Rows:
        def __len__(self) -> int:
            return 20

        def __getitem__(self, i: int) -> Any:
            return {"x": X[i], "label": int(LABELS[i]), "name": f"row {i}"}

    rows = Rows()

    def step(model: Any, batch: Any) -> Any:
        assert batch["name"][0].startswith("row")
        out = model(batch["x"])
        return {
            "loss": te.cross_entropy(out, batch["label"]),
            "outputs": out,
            "targets": batch["label"],
            "one": 1,
        }

    model = model_of()
    measured = {"right": metrics.Accuracy()}
    history = fit(model, data.DataLoader(rows, 6), optimizer=optim.Adam(model.parameters()), step=step,
                  validation=data.DataLoader(rows, 20), metrics=measured, **QUIET)  # fmt: skip
    expected = training.evaluate(
        model, data.DataLoader(rows, 7), step=step, metrics={"right": metrics.Accuracy()}
    )
    assert history[-1]["validation_right"] == expected["right"] and expected["one"] == 1.0
    assert history[-1]["validation_loss"] == pytest.approx(expected["loss"], rel=1e-6)
    assert history[-1]["train_one"] == 1.0


def test_a_step_that_trains_by_itself_as_of_two_players() -> None:
    def parts() -> tuple[Any, ...]:
        te.manual_seed(1)
        maker, judge = nn.Linear(2, 3), nn.Linear(3, 1)
        return (
            maker,
            judge,
            {"maker": optim.Adam(maker.parameters()), "judge": optim.SGD(judge.parameters(), lr=0.1)},
        )

    def step_of(maker: Any, judge: Any, optimizers: Any) -> Any:
        def step(model: Any, x: Any) -> Any:
            (x,) = x
            optimizers["judge"].zero_grad()
            fake = maker(te.randn(len(x), 2))
            wrong = te.softplus(judge(fake.detach())).mean() + te.softplus(-judge(x)).mean()
            wrong.backward()
            optimizers["judge"].step()
            optimizers["maker"].zero_grad()
            caught = te.softplus(-judge(fake)).mean()
            caught.backward()
            optimizers["maker"].step()
            return {"judge_loss": wrong, "maker_loss": caught}

        return step

    maker, judge, optimizers = parts()
    both = nn.Sequential(maker, judge)
    history = fit(both, data.DataLoader(data.ArrayDataset(X), 8), optimizer=optimizers, manual=True, epochs=2,
                  step=step_of(maker, judge, optimizers), monitor="train_judge_loss", **QUIET)  # fmt: skip
    assert list(history[0]) == ["epoch", "lr_maker", "lr_judge", "train_judge_loss", "train_maker_loss"]
    maker, judge, optimizers = parts()
    step, loader = step_of(maker, judge, optimizers), data.DataLoader(data.ArrayDataset(X), 8)
    for _ in range(2):
        for batch in loader:
            step(None, batch)
    assert weights(nn.Sequential(maker, judge)) == weights(both)


def test_a_plateau_gets_its_number_and_epochs_step_a_schedule() -> None:
    class Plateau:
        seen: list[float] = []  # noqa: RUF012

        def step(self, value: float) -> None:
            self.seen.append(value)

    model = model_of()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, (X, LABELS), optimizer=optimizer, loss=te.cross_entropy, epochs=3, validation=HELD,
                  schedule=[Plateau(), optim.Schedule(optimizer, optim.StepLR(1, 0.5))], schedule_per="epoch",
                  monitor="validation_loss", **QUIET)  # fmt: skip
    assert Plateau.seen == history["validation_loss"]
    assert history["lr"] == [0.1, 0.05, 0.025]


def test_events_come_in_their_order_and_errors_are_the_users() -> None:
    notes = Notes()
    model = model_of()
    fit(model, loader_of(), optimizer=optim.SGD(model.parameters(), lr=0.1), loss=te.cross_entropy, epochs=2,
        callbacks=[notes, Only()], **QUIET)  # fmt: skip
    steps = [[f"step {5 * e + s + 1}" for s in range(5)] for e in range(2)]
    assert notes.events == ["fit", "epoch 1", *steps[0], "end 1", "epoch 2", *steps[1], "end 2", "epochs"]

    class Bad:
        def on_step(self, run: Any) -> None:
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as caught:
        fit(model, loader_of(), optimizer=optim.SGD(model.parameters()), loss=te.cross_entropy,
            callbacks=[Bad()], **QUIET)  # fmt: skip
    assert caught.value.__cause__ is None and "test_fit.py" in traceback.format_exception(caught.value)[-2]


class Only:
    """A callback of one method."""

    def on_epoch_end(self, run: Any) -> None:
        assert run.history[-1] is run.row and run.step == 5 * run.row["epoch"]


@pytest.mark.filterwarnings("ignore:invalid value")
@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("device", ["cpu", "boxed"])
def test_a_loss_that_is_not_finite_names_its_epoch_and_step(bad: float, device: str, boxed: Any) -> None:
    te.manual_seed(0)
    model = nn.Linear(3, 3).to(device)
    before: dict[int, str] = {}

    def step(model: Any, batch: Any) -> Any:
        x, y = (part.to(device) for part in batch)
        before[len(before) + 1] = weights(model)
        return te.cross_entropy(model(x), y) * (bad if len(before) == 8 else 1.0)

    with pytest.raises(training.TrainingError, match=rf"loss is {bad} in epoch 2, step 8 "):
        fit(model, loader_of(), optimizer=optim.SGD(model.parameters(), lr=0.1), step=step, epochs=3, **QUIET)
    if device == "cpu":
        assert weights(model) == before[8]  # the step was not taken


def test_a_weight_that_is_not_finite_is_found_at_the_end_of_the_epoch() -> None:
    model = nn.Linear(3, 3)

    class Break:
        def on_step(self, run: Any) -> None:
            if run.step == 5:
                with te.no_grad():
                    model.bias.fill_(math.nan)

    with pytest.raises(training.TrainingError, match="bias became NaN or infinite in epoch 1, by step 5"):
        fit(model, loader_of(), optimizer=optim.SGD(model.parameters(), lr=0.1), loss=te.cross_entropy,
            epochs=2, callbacks=[Break()], **QUIET)  # fmt: skip


MODEL = nn.Linear(3, 3)
GIVEN: dict[str, Any] = {"optimizer": optim.SGD(MODEL.parameters()), "loss": te.cross_entropy}


@pytest.mark.parametrize(("options", "kind", "words"), [
    ({"loss": None}, TypeError, "needs loss=.* or step="),
    ({"step": lambda m, b: 0}, TypeError, "give one of the two"),
    ({"loss": nn.CrossEntropyLoss}, TypeError, "call it"),
    ({"data": 3}, TypeError, "data is a int"),
    ({"data": {"x": X}}, TypeError, "data is a dict"),
    ({"data": iter([])}, ValueError, "no batch in epoch 1"),
    ({"data": iter([(X, LABELS)]), "epochs": 2}, ValueError, "no batch in epoch 2 .*a generator"),
    ({"data": data.DataLoader(data.ArrayDataset(X))}, ValueError, "1 arrays, and not"),
    ({"optimizer": None}, TypeError, "optimizer=None"),
    ({"optimizer": {"a": GIVEN["optimizer"]}}, TypeError, "several optimizers without manual"),
    ({"epochs": -1}, ValueError, "epochs=-1"),
    ({"epochs": 1.5}, TypeError, "epochs"),
    ({"accumulate": 0}, ValueError, "accumulate=0"),
    ({"clip_norm": 0}, ValueError, "clip_norm=0"),
    ({"clip_value": "1"}, TypeError, "clip_value"),
    ({"schedule": 3}, TypeError, r"has no step\(\)"),
    ({"schedule_per": "batch"}, ValueError, "schedule_per='batch'"),
    ({"ema": MODEL}, TypeError, "update_parameters"),
    ({"metrics": ["accuracy"]}, TypeError, "'accuracy' is no metric"),
    ({"metrics": [metrics.R2(), metrics.R2()]}, ValueError, "named 'r2'"),
    ({"callbacks": [Notes]}, TypeError, "call it"),
    ({"callbacks": [3]}, TypeError, "has no method of a callback"),
    ({"manual": True}, TypeError, "manual=True without step"),
    ({"manual": True, "loss": None, "step": print, "accumulate": 2}, ValueError, "accumulate with manual"),
    ({"monitor": "train_accuracy"}, ValueError, "'train_accuracy' is no column .*it will have train_loss"),
    ({"monitor": "validation_loss"}, ValueError, "no validation data.*give fit validation="),
    ({"monitor": "train_mean", "metrics": [metrics.Mean()]}, ValueError, 'mode="max"'),
    ({"validation_data": (X, LABELS)}, TypeError, "validation_data= is validation= here"),
    ({"resume": True}, ValueError, "without checkpoint="),
    ({"checkpoint": 3}, TypeError, "path of a folder"),
    ({"loss": lambda out, y: out}, TypeError, r"step returned \(37, 3\) as its loss"),
    ({"loss": lambda out, y: out.detach().sum()}, ValueError, "does not require grad"),
    ({"loss": None, "step": lambda m, b: {"lose": 1}}, TypeError, "step returned a dict without"),
    ({"loss": None, "step": lambda m, b: m(b[0]).sum(), "metrics": [metrics.R2()]}, ValueError, "judge by"),
], ids=lambda value: ",".join(value) if isinstance(value, dict) else str(value))  # fmt: skip
def test_what_does_not_fit_is_refused(options: dict[str, Any], kind: Any, words: str) -> None:
    given = {"data": (X, LABELS), "batch_size": 64, **GIVEN, **QUIET, **options}
    before = weights(MODEL)
    with pytest.raises(kind, match=words):
        fit(MODEL, given.pop("data"), **given)
    assert weights(MODEL) == before or "generator" in words


def test_a_model_must_be_one() -> None:
    with pytest.raises(TypeError, match="give the model itself"):
        fit(print, (X, LABELS), **GIVEN)  # type: ignore[arg-type]
