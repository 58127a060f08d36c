"""A run that was interrupted, or killed, goes on to the same bits; what cannot go on says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.training.event_files import events_of
from tests.training.fit_cases import HELD, LABELS, Interrupt, Whole, X, loader_of, model_of, weights
from tinygrad_edu import metrics, nn, optim, training

QUIET: dict[str, Any] = {"verbose": False}
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: Any) -> Iterator[Any]:
    yield lambda: tmp_path_factory.mktemp("run")


class Batches:
    """The same batches at each walk, without a length or a state."""

    def __iter__(self) -> Any:
        return iter([(te.tensor(X[i : i + 8]), te.tensor(LABELS[i : i + 8])) for i in range(0, 37, 8)])


@settings(max_examples=12)
@given(
    stops=st.lists(st.integers(1, 20), max_size=3, unique=True).map(sorted),
    accumulate=st.sampled_from([1, 2, 3]), plain=st.booleans(), extra=st.booleans(),
)  # fmt: skip
def test_any_interrupts_lead_to_the_bits_of_an_undisturbed_run(
    folders: Any, stops: list[int], accumulate: int, plain: bool, extra: bool
) -> None:
    def made() -> Whole:
        whole = Whole(accumulate=accumulate)
        if plain:
            whole.loader = Batches()
        return whole

    expected = made().fit()
    assert (expected.history.ended, len(expected.history)) == ("epochs", 4)
    bits, folder, ended = expected.bits(), folders(), []
    for stop in stops:
        part = made()
        part.fit(checkpoint=folder, resume=True, extra=[Interrupt(stop)])
        ended.append(part.history.ended)
        te.rand(5)  # other draws in between change nothing
    last = made().fit(checkpoint=folder, resume=True)
    assert last.bits() == bits
    assert set(ended) <= {"interrupted", "epochs"}
    if extra:  # a complete run has nothing left to do
        again = made().fit(checkpoint=folder, resume=True)
        assert again.bits() == bits and "step 1" not in again.notes.events


def test_a_run_goes_on_with_more_epochs(tmp_path: Path) -> None:
    bits = Whole().fit().bits()
    Whole().fit(checkpoint=tmp_path, epochs=2)
    assert Whole().fit(checkpoint=tmp_path, resume=True).bits() == bits


def test_the_events_of_a_resumed_epoch_are_those_that_are_left(tmp_path: Path) -> None:
    Whole().fit(checkpoint=tmp_path, epochs=2, extra=[Interrupt(7)])
    run = Whole().fit(checkpoint=tmp_path, epochs=2, resume=True)
    assert run.notes.events == ["fit", "step 8", "step 9", "step 10", "end 2", "epochs"]


def test_a_stopped_run_is_complete(tmp_path: Path) -> None:
    class Stop:
        def on_epoch_end(self, run: Any) -> None:
            if run.epoch == 2:
                run.stop("enough")

    first = Whole().fit(checkpoint=tmp_path, extra=[Stop()])
    assert (first.history.ended, first.history.reason, len(first.history)) == ("stopped", "enough", 2)
    again = Whole().fit(checkpoint=tmp_path, resume=True, extra=[Stop()])
    assert (again.history.ended, again.history.reason, len(again.history)) == ("stopped", "enough", 2)
    assert weights(again.model) == weights(first.model)


def test_several_optimizers_go_on(tmp_path: Path) -> None:
    def run(epochs: int, **options: Any) -> str:
        model = model_of()
        both = {"a": optim.Adam(model[0].parameters()), "b": optim.SGD(model[4].parameters(), momentum=0.9)}

        def step(model: Any, batch: Any) -> Any:
            model.zero_grad()
            loss = te.cross_entropy(model(batch[0]), batch[1])
            loss.backward()
            both["a"].step()
            both["b"].step()
            return {"loss": loss}

        training.fit(
            model, loader_of(), optimizer=both, step=step, manual=True, epochs=epochs, **QUIET, **options
        )
        return weights(model)

    expected = run(3)
    run(2, checkpoint=tmp_path)
    assert run(3, checkpoint=tmp_path, resume=True) == expected


def test_best_has_the_weights_of_the_best_epoch_and_loads_as_any_model(tmp_path: Path) -> None:
    kept: list[str] = []

    class Keep:
        def on_epoch_end(self, run: Any) -> None:
            kept.append(weights(run.model))

    whole = Whole(epochs=6).fit(checkpoint=tmp_path, extra=[Keep()])
    best = whole.history.best("validation_loss")
    model = model_of(seed=9)
    extra = nn.load_checkpoint(tmp_path / "best.safetensors", model=model)
    assert extra["row"] == best and weights(model) == kept[best["epoch"] - 1]
    nn.load_checkpoint(tmp_path / "last.safetensors", model=model)
    assert weights(model) == kept[-1]


def test_what_cannot_go_on_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    Whole().fit(checkpoint=tmp_path, epochs=2)
    with pytest.raises(FileExistsError, match="resume=True"):
        Whole().fit(checkpoint=tmp_path)
    for options, words in (
        ({"accumulate": 2}, "accumulate=1, this run has 2.*say resume="),
        ({"clip_norm": 1.0}, "clip_norm=None, this run has 1.0"),
        ({"metrics": []}, "metrics="),
        ({"callbacks": []}, "callbacks="),
    ):
        whole = Whole()
        before = weights(whole.model)
        with pytest.raises(nn.CheckpointError, match=words):
            whole.fit(checkpoint=tmp_path, resume=True, **options)
        assert weights(whole.model) == before
    whole = Whole()
    whole.loader = loader_of(seed=4)
    with pytest.raises(nn.CheckpointError, match="seed=3"):
        whole.fit(checkpoint=tmp_path, resume=True)
    nn.save_checkpoint(tmp_path / "last.safetensors", model=whole.model)
    with pytest.raises(nn.CheckpointError, match="was not saved by fit"):
        whole.fit(checkpoint=tmp_path, resume=True)


def _average(decay: float) -> Any:
    return lambda model: optim.swa_utils.AveragedModel(model, avg_fn=optim.swa_utils.get_ema_avg_fn(decay))


def _run(folder: Path, resume: Any, epochs: int = 4, **changed: Any) -> Any:
    """A run whose parts can be changed one at a time; (model, optimizer, average, history)."""
    model = model_of()
    optimizer = changed.pop("make", lambda p: optim.SGD(p, lr=0.1, momentum=0.9))(model.parameters())
    average = changed.pop("average", _average(0.9))
    ema = average and average(model)
    schedule = changed.pop("rates", lambda o: optim.Schedule(o, optim.CosineLR(30)))
    given: dict[str, Any] = {
        "schedule": schedule and schedule(optimizer), "ema": ema, "generators": {"noise": te.Generator(1)},
        "metrics": [metrics.Accuracy()], "monitor": "validation_loss", "validation": HELD,
        "callbacks": [training.EarlyStopping(patience=50)], "loss": te.cross_entropy, **changed,
    }  # fmt: skip
    data = given.pop("data", None) or loader_of()
    history = training.fit(model, data, optimizer=optimizer, epochs=epochs, checkpoint=folder,
                           resume=resume, **QUIET, **given)  # fmt: skip
    return model, optimizer, ema, history


class Quiet(training.Callback):
    """A callback without a state."""


CHANGES: dict[str, tuple[str, Any, str]] = {
    "no average": ("ema", {"average": None}, r"ema=AveragedModel\(ema 0.9\), this run has None"),
    "another decay": ("ema", {"average": _average(0.5)}, r"\(ema 0.9\), this run .*\(ema 0.5\)"),
    "a mean": ("ema", {"average": optim.swa_utils.AveragedModel}, r"\(ema 0.9\), this run .*\(mean\)"),
    "no schedule": ("schedule", {"rates": None}, r"schedule=\['Schedule'\], this run has none"),
    "another schedule": ("schedule", {"rates": lambda o: optim.lr_scheduler.StepLR(o, 9)}, "has .*'StepLR'"),
    "no generators": ("generators", {"generators": None}, r"generators=\['noise'\], this run has none"),
    "more generators": ("generators", {"generators": {"noise": te.Generator(1), "b": te.Generator(2)}},
                        "has .*'b'"),
    "another mode": ("monitor", {"mode": "max"}, r"validation_loss \(min\), this run has .*\(max\)"),
    "a list": ("data", {"data": list(loader_of())}, "DataLoader, this run has batches without a pos"),
    "momentum": ("optimizer", {"make": lambda p: optim.SGD(p, lr=0.1, momentum=0.5)},
                 r"SGD\(momentum=0.9\), this run has SGD\(momentum=0.5\)"),
    "a rule": ("optimizer", {"make": lambda p: optim.Adam(p, lr=0.1)}, r"SGD .*, this run has Adam"),
    "no metric": ("metrics", {"metrics": []}, r"metrics=\['accuracy'\], this run has none"),
    "no callback": ("callbacks", {"callbacks": []}, "callbacks=.*EarlyStopping.*, this run has none"),
    "a limit": ("clip_norm", {"clip_norm": 1.0}, "clip_norm=None, this run has 1.0"),
}  # fmt: skip


@pytest.mark.parametrize("title", CHANGES)
def test_what_a_run_was_saved_with_is_named_when_it_is_missing_and_left_out_on_purpose(
    title: str, tmp_path: Path
) -> None:
    name, changed, words = CHANGES[title]
    _run(tmp_path, False, epochs=2)
    saved = (tmp_path / "last.safetensors").read_bytes()
    remedy = rf".*say resume=\[\"{name}\"\]"
    for allowed in (True, ["accumulate"]):
        with pytest.raises(nn.CheckpointError, match=words + remedy):
            _run(tmp_path, allowed, **changed)
    assert (tmp_path / "last.safetensors").read_bytes() == saved
    _, optimizer, ema, history = _run(tmp_path, [name], **changed)
    assert len(history) == 4 and history.ended == "epochs"
    if title == "momentum":
        assert optimizer.param_groups[0]["momentum"] == 0.5
        assert all(slot["momentum_buffer"].any() for slot in optimizer.state_dict()["state"].values())
    if title == "another decay":
        epochs = history.best("validation_loss")["epoch"]  # the end restores the best one
        assert ema.n_averaged.item() == 5 * epochs
    assert len(_run(tmp_path, True, epochs=5, **changed)[3]) == 5


def test_a_changed_setting_leaves_the_rate_where_its_schedule_has_brought_it(tmp_path: Path) -> None:
    _run(tmp_path, False, epochs=2)
    seen: list[float] = []

    class See:
        def on_step(self, run: Any) -> None:
            seen.append(run.optimizer.param_groups[0]["lr"])

    _run(tmp_path, ["optimizer"], make=lambda p: optim.SGD(p, lr=0.1, momentum=0.5),
         callbacks=[training.EarlyStopping(patience=50), See()])  # fmt: skip
    expected = [0.1 * (1 + np.cos(np.pi * step / 30)) / 2 for step in range(11, 21)]
    np.testing.assert_allclose(seen, expected, rtol=1e-12)


def test_a_callback_without_a_state_may_come_and_go(tmp_path: Path) -> None:
    _run(tmp_path, False, epochs=2)
    callbacks = [Quiet(), training.EarlyStopping(patience=50)]
    assert len(_run(tmp_path, True, callbacks=callbacks)[3]) == 4


def test_the_same_optimizer_goes_on_with_the_settings_it_has_now(tmp_path: Path) -> None:
    model = model_of()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    options: dict[str, Any] = {"optimizer": optimizer, "schedule": schedule, "loss": te.cross_entropy,
                               "checkpoint": tmp_path, **QUIET}  # fmt: skip
    training.fit(model, loader_of(), epochs=1, **options)
    training.fit(model, loader_of(), epochs=2, resume=True, **options)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * 0.9**10)


def test_resume_names_what_there_is(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cannot name 'momentum' .*optimizer"):
        _run(tmp_path, ["momentum"])
    with pytest.raises(TypeError, match="resume=3"):
        _run(tmp_path, 3)


def test_the_first_ctrl_c_saves_after_the_step_and_the_second_interrupts(tmp_path: Path) -> None:
    class Press:
        def __init__(self, times: int) -> None:
            self.times = times

        def on_step(self, run: Any) -> None:
            if run.step == 7:
                for _ in range(self.times):
                    os.kill(os.getpid(), signal.SIGINT)
                    time.sleep(0.01)

    before = signal.getsignal(signal.SIGINT)
    bits = Whole().fit().bits()
    first = Whole().fit(checkpoint=tmp_path, extra=[Press(1)])
    assert first.history.ended == "interrupted" and len(first.history) == 1
    assert Whole().fit(checkpoint=tmp_path, resume=True).bits() == bits
    with pytest.raises(KeyboardInterrupt):
        Whole().fit(extra=[Press(2)])
    assert signal.getsignal(signal.SIGINT) is before


PROGRAM = """
import sys, time
sys.path.insert(0, {root!r})
from tests.training.fit_cases import Whole
from tinygrad_edu import training

class Slow:
    def on_step(self, run):
        print(run.step, flush=True)
        time.sleep(0.005)

where = training.Checkpoint({folder!r}, every_steps=3)
extra = [Slow(), training.JSONLog({log!r}, steps=True), training.TensorBoardLog({board!r})]
run = Whole(epochs=6).fit(checkpoint=where, resume=True, extra=extra)
print("ended", run.history.ended, run.bits(), flush=True)
"""


@pytest.mark.parametrize("at", [8])
def test_a_killed_process_goes_on_to_the_same_bits(tmp_path: Path, at: int) -> None:
    program = textwrap.dedent(PROGRAM).format(
        root=str(ROOT),
        folder=str(tmp_path / "run"),
        log=str(tmp_path / "log.jsonl"),
        board=str(tmp_path / "board"),
    )

    def start() -> Any:
        return subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=ROOT)

    killed = start()
    for line in killed.stdout:
        if int(line) == at:
            killed.kill()
            break
    assert killed.wait() == -signal.SIGKILL
    finished = start()
    lines = finished.communicate()[0].splitlines()
    steps = [int(line) for line in lines[:-1]]
    assert steps == list(range(steps[0], 31)) and 3 < steps[0] <= at + 1
    expected = Whole(epochs=6).fit()
    assert lines[-1] == f"ended epochs {expected.bits()}"
    log = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [row["step"] for row in log if row["event"] == "step"] == list(range(1, 31))
    assert [row["epoch"] for row in log if row["event"] == "epoch"] == list(range(1, 7))
    board = events_of(tmp_path / "board")
    assert sorted(board["step/loss"]) == list(range(1, 31))
    assert list(board["epoch/train_loss"]) == list(range(5, 31, 5))


@settings(max_examples=40)
@given(
    values=st.lists(st.sampled_from([0.0, 0.05, 0.1, 0.5, 1.0, float("nan")]), min_size=1, max_size=12),
    patience=st.integers(1, 4), delta=st.sampled_from([0.0, 0.05, 0.3]), mode=st.sampled_from(["min", "max"]),
)  # fmt: skip
def test_early_stopping_is_the_rule_of_its_definition(
    values: list[float], patience: int, delta: float, mode: str
) -> None:
    """Stop at the first epoch for which none of the last `patience` is better than all before by delta."""
    sign = 1 if mode == "max" else -1
    best, chosen, waited, last = None, None, 0, len(values)
    for epoch, value in enumerate(values, 1):
        if not np.isnan(value) and (best is None or sign * value > sign * best + delta):
            best, chosen, waited = value, epoch, 0
        else:
            waited += 1
        if waited == patience:
            last = epoch
            break
    model = nn.Linear(1, 1)
    stopping = training.EarlyStopping("validation_number", patience, min_delta=delta, mode=mode)

    def held(model: Any, batch: Any) -> Any:
        return {"number": values[int(model.weight.item()) - 1]}

    def step(model: Any, batch: Any) -> Any:
        with te.no_grad():
            model.weight += 1.0
        return {}

    with te.no_grad():
        model.weight.zero_()
    history = training.fit(
        model, [te.ones(1, 1)], optimizer=optim.SGD(model.parameters()), step=step, manual=True,
        validation=[te.ones(1, 1)], validation_step=held, epochs=len(values), callbacks=[stopping], **QUIET,
    )  # fmt: skip
    assert len(history) == last
    assert history.ended == ("stopped" if waited == patience else "epochs")
    assert (stopping.best, stopping.best_epoch) == (best, chosen)
    assert model.weight.item() == (last if chosen is None else chosen)


def test_early_stopping_refuses_what_it_cannot_judge() -> None:
    with pytest.raises(ValueError, match="patience=0"):
        training.EarlyStopping(patience=0)
    with pytest.raises(ValueError, match="min_delta=-1"):
        training.EarlyStopping(min_delta=-1)
    model = model_of()
    with pytest.raises(
        ValueError, match=r"EarlyStopping.*'validation_loss', and there is no validation.*validation="
    ):
        training.fit(model, loader_of(), optimizer=optim.SGD(model.parameters()), loss=te.cross_entropy,
                     callbacks=[training.EarlyStopping()], **QUIET)  # fmt: skip
    assert HELD
