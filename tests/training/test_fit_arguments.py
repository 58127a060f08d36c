"""What `fit` takes as data and as an optimizer, and what it refuses before it has trained anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.training.fit_cases import LABELS, X, model_of, weights
from tinygrad_edu import data, metrics, nn, optim
from tinygrad_edu.training import Callback, EarlyStopping, History, evaluate, find_lr, fit

QUIET: dict[str, Any] = {"verbose": False}


def shapes_of(given: Any, **options: Any) -> list[list[tuple[int, ...]]]:
    """The shapes of the arrays of each batch that a step gets."""
    model, found = nn.Linear(3, 1), []

    def step(model: Any, batch: Any) -> Any:
        found.append([part.shape for part in batch])
        return model(batch[0].float()).square().mean()

    fit(model, given, optimizer=optim.SGD(model.parameters()), step=step, **QUIET, **options)
    return found


@pytest.mark.parametrize("given", [
    X, te.tensor(X), (X,), [X], (te.tensor(X),), (X, LABELS), [X, LABELS], (X, LABELS, X), [X, te.tensor(X)],
    (X.tolist(), LABELS.tolist()), (X, LABELS.tolist()), [X, LABELS.tolist()], (X.tolist(),),
], ids=lambda given: f"{type(given).__name__} {len(given)}")  # fmt: skip
def test_arrays_of_any_number_are_rows(given: Any) -> None:
    parts = given if isinstance(given, tuple | list) else (given,)
    shapes = [np.shape(part.numpy() if isinstance(part, te.Tensor) else part)[1:] for part in parts]
    expected = [[(rows, *shape) for shape in shapes] for rows in (10, 10, 10, 7)]
    assert shapes_of(given, batch_size=10) == expected


def test_lists_train_as_arrays() -> None:
    found = []
    for given in ((X, LABELS), (X.tolist(), LABELS.tolist())):
        model = model_of()
        fit(model, given, optimizer=optim.SGD(model.parameters(), lr=0.1), loss=te.cross_entropy, **QUIET)
        found.append(weights(model))
    assert found[0] == found[1]


ROWS = [(X[i], int(LABELS[i])) for i in range(9)]


@pytest.mark.parametrize("rows", [
    ROWS, tuple(ROWS), [(x, np.int64(y)) for x, y in ROWS], [(x, np.zeros(2)) for x, _ in ROWS],
    [{"x": x, "y": y} for x, y in ROWS], X.tolist(), [(x, te.tensor(y)) for x, y in ROWS],
    [[x, y] for x, y in ROWS],
], ids=range(8))  # fmt: skip
def test_a_list_of_rows_is_no_list_of_batches(rows: Any) -> None:
    with pytest.raises(TypeError, match=r"of rows, not of batches.*DataLoader\(rows"):
        shapes_of(rows)
    loader = data.DataLoader(rows, 4)
    if isinstance(rows[0], tuple):
        assert [len(batch[0]) for batch in loader] == [4, 4, 1]


def test_a_list_of_batches_is_one() -> None:
    batches = [(X[:5], LABELS[:5]), (X[5:8], LABELS[5:8])]
    assert shapes_of([(te.tensor(x), te.tensor(y)) for x, y in batches]) == [[(5, 3), (5,)], [(3, 3), (3,)]]


@pytest.mark.parametrize("by_find_lr", [False, True])
@pytest.mark.parametrize(("optimizer", "kind", "words"), [
    (lambda m: optim.SGD(model_of().parameters(), lr=0.1), ValueError, "none of the parameters of the SGD"),
    (lambda m: optim.Adam, TypeError, r"is the class Adam.*optim.Adam\(model.parameters\(\)\)"),
    (lambda m: optim.Adam(m.parameters()).step, TypeError, "is a function, not an optimizer"),
])  # fmt: skip
def test_an_optimizer_must_be_that_of_the_model(
    by_find_lr: bool, optimizer: Any, kind: Any, words: str
) -> None:
    model = model_of()
    before = weights(model)
    with pytest.raises(kind, match=words):
        (find_lr if by_find_lr else fit)(
            model, (X, LABELS), optimizer=optimizer(model), loss=te.cross_entropy
        )
    assert weights(model) == before


@pytest.mark.parametrize("kind", [optim.SGD, optim.LBFGS])
def test_a_first_step_without_gradients_is_refused(kind: Any) -> None:
    model = nn.ModuleList([nn.Linear(3, 3), nn.Linear(3, 3)])

    def step(model: Any, batch: Any) -> Any:
        return te.cross_entropy(model[0](batch[0]), batch[1])

    with pytest.raises(ValueError, match="no parameter of the optimizer has a gradient"):
        fit(model, (X, LABELS), optimizer=kind(model[1].parameters()), step=step, **QUIET)
    history = fit(model, (X, LABELS), optimizer=kind(model.parameters()), step=step, **QUIET)
    assert len(history) == 1


def test_evaluate_takes_the_same_data() -> None:
    model = model_of()
    found = [evaluate(model, given, loss=te.cross_entropy, batch_size=10)["loss"] for given in
             ((X, LABELS), [X, LABELS], (X.tolist(), LABELS.tolist()))]  # fmt: skip
    assert found[0] == found[1] == found[2]


def test_a_monitor_knows_which_is_better() -> None:
    class Wrong(metrics.Accuracy):
        name, mode = "wrong", "min"

    for name, mode in (("accuracy", "max"), ("f1", "max"), ("top_3_accuracy", "max"), ("perplexity", "min"),
                       ("mean_absolute_error", "min"), ("wrong", "min"), ("loss", "min")):  # fmt: skip
        model, stopping = model_of(), EarlyStopping(f"validation_{name}", patience=2)
        kinds = [metrics.Accuracy(), metrics.F1Score(), metrics.TopKAccuracy(3), metrics.Perplexity(),
                 Wrong(), metrics.Mean(lambda out, y: out[:, 0], name="mean_absolute_error")]  # fmt: skip
        kinds[-1].mode = "min"
        history = fit(model, (X, LABELS), optimizer=optim.SGD(model.parameters(), lr=0.01), epochs=3,
                      loss=te.cross_entropy, validation=(X, LABELS), metrics=kinds, callbacks=[stopping],
                      monitor=f"validation_{name}", **QUIET)  # fmt: skip
        best = (min if mode == "min" else max)(history[f"validation_{name}"][: len(history)])
        assert stopping.monitor.mode == mode and stopping.best == best
    assert history.best("train_accuracy")["train_accuracy"] == max(history["train_accuracy"])
    with pytest.raises(ValueError, match='mode="max"'):
        history.best("lr")


class Sum(Callback):
    """Adds a column, as a callback may."""

    def on_epoch_end(self, run: Any) -> None:
        run.row["validation_sum"] = float(run.epoch)


def test_a_column_that_will_not_be_is_refused_before_the_first_step() -> None:
    model = model_of()
    before = weights(model)
    given: dict[str, Any] = {"optimizer": optim.SGD(model.parameters()), "loss": te.cross_entropy, **QUIET}
    for options, words in (
        ({"callbacks": [EarlyStopping()]}, "'validation_loss', and there is no validation data"),
        (
            {"callbacks": [EarlyStopping("no_such_loss")]},
            "it will have train_loss; for a metric pass metrics=",
        ),
        ({"monitor": "no_such_column", "mode": "min"}, "fit: monitor='no_such_column' is no column"),
        ({"monitor": "train_accuracy", "metrics": [metrics.R2()]}, "it will have train_loss, train_r2"),
    ):
        with pytest.raises(ValueError, match=words):
            fit(model, (X, LABELS), **given, **options)
        assert weights(model) == before
    added = EarlyStopping("validation_sum", mode="max")
    assert (
        fit(model, (X, LABELS), **given, callbacks=[Sum(), added])[0]["validation_sum"] == added.best == 1.0
    )
    given.pop("loss")

    def step(model: Any, batch: Any) -> Any:
        return {"loss": te.cross_entropy(model(batch[0]), batch[1]), "size": 1.0}

    assert len(fit(model, (X, LABELS), step=step, monitor="train_size", mode="min", **given)) == 1
    with pytest.raises(ValueError, match="monitor='train_sise' is no number of the history"):
        fit(model, (X, LABELS), step=step, monitor="train_sise", mode="min", **given)


def test_results_are_printed_in_a_line() -> None:
    model, stopping = model_of(), EarlyStopping(patience=3)
    assert repr(stopping) == "EarlyStopping('validation_loss', patience=3)" and repr(Sum()) == "Sum()"
    assert repr(History()) == "History(0 epochs)"
    parts: dict[str, Any] = {"optimizer": optim.Adam(model.parameters()), "loss": te.cross_entropy}
    found = find_lr(model, (X, LABELS), **parts)
    assert len(repr(found)) < 200 and repr(found).startswith(f"LearningRates(best {found.best:.2g}; ")
    history = fit(model, (X, LABELS), validation=(X, LABELS), callbacks=[stopping], epochs=2,
                  metrics=[metrics.ConfusionMatrix()], **parts, **QUIET)  # fmt: skip
    assert repr(history).startswith("History(2 epochs; the last: lr 0.001, train_loss ")
    assert repr(stopping).endswith(f"; best {stopping.best:.4g} in epoch 2)") and "\n" not in repr(history)
    history = fit(model, (X, LABELS), **parts, **QUIET)
    assert repr(history).startswith("History(1 epoch; the last:")


@pytest.mark.parametrize("call", [fit, evaluate, find_lr])
def test_unknown_arguments_are_explained(call: Any) -> None:
    with pytest.raises(TypeError, match=f"{call.__name__} has no argument lossfn="):
        call(model_of(), (X, LABELS), lossfn=te.cross_entropy)


def made(kind: str, optimizer: Any) -> Any:
    known = optim.lr_scheduler
    return {
        "cosine": lambda: known.CosineAnnealingLR(optimizer, T_max=6),
        "waves": lambda: known.CosineAnnealingLR(optimizer, T_max=10),
        "step": lambda: known.StepLR(optimizer, step_size=2),
        "long step": lambda: known.StepLR(optimizer, step_size=7, gamma=0.01),
        "exponential": lambda: known.ExponentialLR(optimizer, 0.5),
        "milestones": lambda: known.MultiStepLR(optimizer, [2, 4]),
        "one cycle": lambda: known.OneCycleLR(optimizer, 0.1, total_steps=6),
        "sequence": lambda: known.SequentialLR(
            optimizer, [known.LinearLR(optimizer, total_iters=2), known.CosineAnnealingLR(optimizer, 4)], [2]
        ),
        "chain": lambda: known.ChainedScheduler([known.ConstantLR(optimizer), known.StepLR(optimizer, 3)]),
        "factors": lambda: optim.Schedule(optimizer, optim.LinearWarmup(2), optim.CosineLR(6)),
        "factor": lambda: optim.Schedule(optimizer, optim.StepLR(7, 0.01)),
    }[kind]()


@pytest.mark.parametrize("kind", ["cosine", "waves", "step", "long step", "exponential", "milestones",
                                  "one cycle", "sequence", "chain", "factors", "factor"])  # fmt: skip
def test_a_schedule_that_seems_to_count_epochs_needs_a_word_for_it(kind: str) -> None:
    def run(**options: Any) -> Any:
        model = nn.Linear(3, 3)
        optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        return fit(model, (X, LABELS), optimizer=optimizer, schedule=made(kind, optimizer), batch_size=5,
                   epochs=6, loss=te.cross_entropy, **QUIET, **options)  # fmt: skip

    words = r"is stepped after every update, 48 times in 6 epochs, and .*say schedule_per=\"epoch\""
    with pytest.raises(ValueError, match=words):
        run()
    if kind not in ("waves", "long step", "factor"):  # which are right for half as many
        with pytest.raises(ValueError, match="24 times"):
            run(accumulate=2)
    assert len(run(schedule_per="epoch")) == 6
    if kind != "one cycle":  # which is over after 6 steps
        assert len(run(schedule_per="step")) == 6


@pytest.mark.parametrize("make", [
    lambda o: optim.lr_scheduler.CosineAnnealingLR(o, T_max=48),
    lambda o: optim.lr_scheduler.CosineAnnealingLR(o, T_max=16),
    lambda o: optim.lr_scheduler.StepLR(o, step_size=24),
    lambda o: optim.lr_scheduler.ExponentialLR(o, 0.95),
    lambda o: optim.lr_scheduler.LambdaLR(o, lambda step: 1 / (1 + step)),
    lambda o: optim.Schedule(o, optim.LinearWarmup(3), optim.CosineLR(48)),
    lambda o: [optim.Schedule(o, lambda step: 0.9**step)],
])  # fmt: skip
def test_a_schedule_of_steps_needs_no_word(make: Any) -> None:
    model = nn.Linear(3, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    history = fit(model, (X, LABELS), optimizer=optimizer, schedule=make(optimizer), batch_size=5, epochs=6,
                  loss=te.cross_entropy, **QUIET)  # fmt: skip
    assert len(set(history["lr"])) > 1


def test_a_schedule_of_another_optimizer_is_refused() -> None:
    model = nn.Linear(3, 3)
    own, other = (optim.SGD(model.parameters(), lr=0.1) for _ in range(2))
    known = optim.lr_scheduler
    for schedule in (optim.Schedule(other, optim.CosineLR(8)), known.StepLR(other, 5),
                     [known.StepLR(own, 5), known.ReduceLROnPlateau(other)]):  # fmt: skip
        with pytest.raises(ValueError, match=r"belongs to another optimizer.*make it with the optimizer"):
            fit(model, (X, LABELS), optimizer=own, schedule=schedule, loss=te.cross_entropy, **QUIET)


@pytest.mark.parametrize(("given", "words"), [
    (lambda out, loss: {"loss": loss, "v": out}, r"step returned 'v' of shape \(5, 3\), and what is"),
    (lambda out, loss: {"loss": loss, "v": "x"}, "step returned 'v' 'x'"),
    (lambda out, loss: {"loss": loss, "v": None}, "step returned 'v' None"),
    (lambda out, loss: {"v": loss}, "step returned a dict without 'loss'"),
    (lambda out, loss: None, "fit: step returned None"),
    (lambda out, loss: {"loss": None}, "fit: step returned None"),
    (lambda out, loss: out, r"step returned \(5, 3\) as its loss"),
])  # fmt: skip
def test_what_a_step_may_return(given: Any, words: str) -> None:
    model = nn.Linear(3, 3)

    def step(model: Any, batch: Any) -> Any:
        out = model(batch[0])
        return given(out, te.cross_entropy(out, batch[1]))

    with pytest.raises(TypeError, match=words):
        fit(model, (X, LABELS), optimizer=optim.SGD(model.parameters()), step=step, batch_size=5, **QUIET)


def test_what_a_step_returns_to_be_logged_is_any_number() -> None:
    model = nn.Linear(3, 3)

    def step(model: Any, batch: Any) -> Any:
        out = model(batch[0])
        return {"loss": te.cross_entropy(out, batch[1]), "a": 1, "b": np.float32(2), "c": out.mean() * 0 + 3,
                "d": np.array([4.0]), "e": True}  # fmt: skip

    row = fit(model, (X, LABELS), optimizer=optim.SGD(model.parameters()), step=step, **QUIET)[-1]
    assert [row[f"train_{name}"] for name in "abcde"] == [1, 2, 3, 4, 1]


def test_a_history_without_an_epoch_is_drawn_as_a_sentence() -> None:
    picture = History().picture(title="Digits")
    texts = [text.get_text() for axes in picture.figure.axes for text in axes.texts]
    assert texts == ["no epoch was finished"] and picture.figure.get_suptitle() == "Digits"
