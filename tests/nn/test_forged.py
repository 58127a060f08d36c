"""Checkpoints that are signed and wrong: always a CheckpointError, never a change, never more memory than the
file has bytes for."""

from __future__ import annotations

import copy
import json
import math
import tracemalloc
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import data, nn, optim
from tinygrad_edu.cli import main
from tinygrad_edu.nn import checkpoint_file, serialization
from tinygrad_edu.nn.checkpoint_file import read_checkpoint
from tinygrad_edu.training import PredictionError, Predictor, Settings, Trainer, TrainingError
from tinygrad_edu.training.predictor import network, shapes

ODD = [None, True, -1, 0, 1.5, 2**70, 10**400, math.nan, -math.inf, 1e300, "", "x", [], [[]], {}, {"a": {}},
       [None] * 3, ["x"], "9" * 30]  # fmt: skip


def sign(path, facts, arrays):
    """Write what may be anything, with the right SHA-256."""
    text = facts if isinstance(facts, str) else json.dumps(facts)
    checkpoint_file.write_file(
        path, arrays, {"tinygrad_edu": text, "sha256": checkpoint_file.digest_of(text, arrays)}
    )
    return path


class Parts:
    """All that a checkpoint can bring back."""

    def __init__(self, seed):
        te.manual_seed(seed)
        self.model = nn.Sequential(
            nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Dropout(0.5, generator=te.Generator(seed))
        )
        self.optimizer = optim.RMSprop(
            [
                {"params": self.model[0].parameters(), "lr": 0.1 + seed},
                {"params": self.model[1].parameters()},
            ],
            momentum=0.5,
        )
        self.schedule = optim.Schedule(self.optimizer, optim.StepLR(2))
        self.loader = data.DataLoader(data.ArrayDataset(np.zeros((10, 2), np.float32)), 2, shuffle=True)
        self.noise = te.Generator(seed + 5)

    def given(self):
        return {
            "model": self.model,
            "optimizer": self.optimizer,
            "schedule": self.schedule,
            "loader": self.loader,
            "generators": {"noise": self.noise},
        }

    def train(self, steps=2):
        for (x,), _ in zip(self.loader, range(steps)):
            self.optimizer.zero_grad()
            self.model(x).sum().backward()
            self.optimizer.step()
            self.schedule.step()
        return self

    def everything(self):
        return repr(
            (
                self.model.state_dict(),
                self.optimizer.state_dict(),
                self.schedule.state_dict(),
                self.loader.state_dict(),
                self.noise,
                self.model[2].generator,
                serialization.philox.default,
            )
        )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """(facts, arrays) of a run, and a folder to write in."""
    folder = tmp_path_factory.mktemp("forged")
    nn.save_checkpoint(folder / "run", **Parts(1).train().given(), extra={"a": [1]})
    return (*read_checkpoint(folder / "run"), folder)


def places(value, path=()):
    """Every path to something in nested dicts and lists."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in inner:
        yield from places(item, (*path, key))


def changed(value, path, to):
    """A copy with another thing at the path; `...`: without it."""
    if not path:
        return to
    whole = copy.deepcopy(value)
    at = whole
    for key in path[:-1]:
        at = at[key]
    if to is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = to
    return whole


def attempt(path):
    """Load it: refused without a change, or accepted and then whole: training goes on."""
    parts = Parts(2).train(1)
    before = parts.everything()
    try:
        nn.load_checkpoint(path, **parts.given())
    except nn.CheckpointError:
        assert parts.everything() == before
        return False
    with np.errstate(all="ignore"):  # a learning rate of 1e300 is one
        parts.train()
    parts.everything()
    te.rand(2)
    te.rand(2, generator=parts.noise)
    return True


def test_what_was_not_forged_is_loaded(whole):
    facts, arrays, folder = whole
    assert attempt(sign(folder / "same", facts, arrays))


@pytest.mark.parametrize(("path", "odd"), [
    *((("generators", stream, part), odd) for stream in ("default", "noise") for part in ("key", "counter")
      for odd in (-1, 1.5, "1", 2**300, None)),
    *((("optimizer", "state", "0", "step"), odd) for odd in (0, -1, 1.5, math.nan, 2**60, "x")),
    *((("optimizer", "groups", 0, "lr"), odd) for odd in (-0.1, math.nan, 10**400, True, "0.1", None)),
    *((("schedule", "count"), odd) for odd in (-1, 1.0, None)),
    *((("schedule", "rates", 0), odd) for odd in (-1, math.inf, "x")),
    *((("loader", "epoch"), odd) for odd in (-1, 2**64, 0.0)),
])  # fmt: skip
def test_a_fact_that_would_only_be_missed_later_is_refused_now(whole, path, odd):
    facts, arrays, folder = whole
    assert not attempt(sign(folder / "odd", changed(facts, path, odd), arrays))


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_any_fact_by_any_odd_thing(whole, data):
    facts, arrays, folder = whole
    path = data.draw(st.sampled_from([path for path in places(facts) if path[:1] != ("extra",)]))
    odd = data.draw(st.sampled_from([..., *ODD] if path else ODD))
    attempt(sign(folder / "odd", changed(facts, path, odd), arrays))


@settings(max_examples=40)
@given(st.data())
def test_any_array_by_another_one(whole, data):
    facts, arrays, folder = whole
    name = data.draw(st.sampled_from(sorted(arrays)))
    forged = dict(arrays)
    array = forged.pop(name)
    kind = data.draw(st.sampled_from(["gone", "renamed", "int64", "bool", "shape", "empty"]))
    if kind == "renamed":
        forged[
            data.draw(
                st.sampled_from(
                    ["optimizer.", "optimizer.x.y", "optimizer.99.exp", "model.", "a", f"{name}.x"]
                )
            )
        ] = array
    elif kind in ("int64", "bool"):
        forged[name] = np.zeros(array.shape, kind)
    elif kind == "shape":
        forged[name] = np.zeros((*array.shape, 2), array.dtype)
    elif kind == "empty":
        forged[name] = np.zeros(0, array.dtype)
    attempt(sign(folder / "array", facts, forged))


@pytest.mark.parametrize("text", ["", "null", "[]", "3", "{", "[" * 100_000, "{" * 3, '{"format": 1}', "\0",
                                  '{"format": NaN, "generators": {}, "extra": 1}', '"' + "x" * 99 + '"',
                                  '{"format":' + "9" * 5000 + "}", '{"a":' * 50_000 + "1" + "}" * 50_000]
)  # fmt: skip
def test_facts_that_are_no_facts(text, tmp_path):
    sign(tmp_path / "c", text, {"model.weight": np.zeros((1, 1), np.float32)})
    layer = nn.Linear(1, 1)
    before = repr(layer.state_dict())
    for load in (lambda path: nn.load_checkpoint(path, model=layer), Predictor.load, read_checkpoint):
        with pytest.raises(nn.CheckpointError):
            load(tmp_path / "c")
    assert repr(layer.state_dict()) == before


def header(path, changes):
    """Rewrite the header of a safetensors file, without a thought for its data."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    head = json.loads(raw[8 : 8 + size])
    changes(head)
    text = json.dumps(head).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + size :])


@pytest.mark.parametrize("shape", [[2**31, 2**31], [10**9], [2**63, 2], [-1], [0.5], "x", [2**62, 4], []])
@pytest.mark.parametrize("key", ["shape", "data_offsets"])
def test_a_header_that_claims_more_than_the_file_has(key, shape, tmp_path):
    nn.save_checkpoint(tmp_path / "c", model=nn.Linear(3, 3))
    header(tmp_path / "c", lambda head: head["model.weight"].update({key: shape}))
    tracemalloc.start()
    with pytest.raises(nn.CheckpointError):
        nn.load_checkpoint(tmp_path / "c", model=nn.Linear(3, 3))
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()


# -- what `tinygrad-edu train` writes, as `predict` and `--resume` read it ----------------------------------


@pytest.fixture(scope="module", params=["classes", "quantity"])
def trained(request, tmp_path_factory):
    """(facts, arrays, folder, trainer to resume) of a run that was stopped in its second epoch."""
    folder, rng = tmp_path_factory.mktemp("trained"), np.random.default_rng(0)
    x = rng.normal(size=(20, 3))
    names = ("no", "yes", "perhaps") if request.param == "classes" else ()
    labels = rng.integers(0, 3, 20) if names else rng.normal(size=20)
    table = data.Table(x, labels, ("a", "b", "c"), names, (), "t", "made up")
    made = Settings(hidden=(4, 3), dropout=0.1, epochs=3, batch_size=8)

    def trainer():
        return Trainer(
            table, None, made, notes={"label": None, "names": None, "task": None, "test_fraction": 0.25}
        )

    first, steps = trainer(), iter(range(100))
    first.fit(stop=lambda: next(steps) == 4)
    first.save(folder / "run")
    (folder / "rows.csv").write_text("a,b,c\n1,2,3\n2,3,4\n")
    return (*read_checkpoint(folder / "run"), folder, trainer)


def test_a_trained_model_that_was_not_forged_is_loaded(trained):
    facts, arrays, folder, trainer = trained
    assert main(["predict", str(sign(folder / "same", facts, arrays)), str(folder / "rows.csv")]) == 0
    (resumed := trainer()).resume(folder / "same")
    assert resumed.fit() and len(resumed.history) == 3


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_any_fact_of_a_trained_model_by_any_odd_thing(trained, data):
    facts, arrays, folder, trainer = trained
    path = ("extra", *data.draw(st.sampled_from(list(places(facts["extra"])))))
    odd = data.draw(st.sampled_from([..., *ODD]))
    file = sign(folder / "odd", changed(facts, path, odd), arrays)
    with np.errstate(all="ignore"):  # columns scaled by 1e300
        try:
            predictor, _ = Predictor.load(file)
        except nn.CheckpointError:
            pass
        else:
            with suppress(PredictionError):  # an answer that is no number
                found = predictor(np.ones((2, 3)))
                assert found.shape == ((2, len(predictor.class_names)) if predictor.class_names else (2,))
        assert main(["predict", str(file), str(folder / "rows.csv")]) in (0, 2)
    resumed = trainer()

    def everything():
        return repr(
            (
                resumed.history,
                resumed.optimizer.state_dict(),
                resumed.predictor.model.state_dict(),
                resumed.loader.state_dict(),
            )
        )

    before = everything()
    try:
        resumed.resume(file)
    except nn.CheckpointError:
        assert everything() == before
    else:
        with suppress(TrainingError):  # of a sum of losses that is no number
            assert resumed.fit() and len(resumed.history) == 3


@pytest.mark.parametrize("hidden", [[10**6], [2000, 2000], [4, 3, 3], [], [3, 4], [4.0, 3]])
def test_settings_that_claim_a_larger_network_take_no_memory(trained, hidden):
    facts, arrays, folder, _ = trained
    forged = changed(facts, ("extra", "predictor", "settings", "hidden"), hidden)
    file = sign(folder / "large", forged, arrays)
    assert file is not None and (folder / "large").stat().st_size < 20_000
    tracemalloc.start()
    with pytest.raises(nn.CheckpointError, match="does not say what its model is"):
        Predictor.load(folder / "large")
    assert tracemalloc.get_traced_memory()[1] < 2**22
    tracemalloc.stop()
    assert main(["predict", str(folder / "large"), str(folder / "rows.csv")]) == 2


@pytest.mark.parametrize(("path", "odd"), [
    *((("settings", name), odd) for name in ("batch_size", "epochs", "seed") for odd in (1.5, True)),
    *((("scaling", "scale", 1), odd) for odd in (0, math.nan, "1", [1])),
    *((("scaling", "offset"), odd) for odd in ([], [0.0], ["0", "0", "0"], [True, True, True])),
    (("target", "scale", 0), 0.0), (("class_names",), ["x"]), (("class_names",), ["x", "x", "y"]),
    (("feature_names", 0), 3), (("feature_names",), {"a": 1, "b": 2, "c": 3}),
])  # fmt: skip
def test_a_card_that_would_only_be_missed_later_is_refused_now(trained, path, odd):
    facts, arrays, folder, _ = trained
    forged = changed(facts, ("extra", "predictor", *path), odd)
    with pytest.raises(nn.CheckpointError):
        Predictor.load(sign(folder / "odd", forged, arrays))


@given(
    hidden=st.lists(st.integers(1, 5), max_size=3),
    dropout=st.sampled_from([0.0, 0.5]),
    inputs=st.integers(0, 4),
    outputs=st.integers(1, 3),
)
def test_shapes_are_those_of_the_network(hidden, dropout, inputs, outputs):
    made = Settings(hidden=tuple(hidden), dropout=dropout)
    found = {name: p.shape for name, p in network(inputs, outputs, made).named_parameters()}
    assert shapes(inputs, outputs, made) == found
