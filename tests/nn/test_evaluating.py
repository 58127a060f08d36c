"""Evaluation that changes no module: models shared by threads predict while others train them."""

from __future__ import annotations

import asyncio
import copy
import pickle
import sys
import threading
from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tinygrad_edu import data, nn
from tinygrad_edu.training import Predictor, Settings
from tinygrad_edu.viz.answers import predict_at


def test_within_it_every_module_evaluates_and_none_is_changed() -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5), nn.BatchNorm1d(3))
    model[1].eval()
    before = [vars(m).copy() for m in model.modules()]
    x = te.ones(4, 2)
    with nn.evaluating():
        assert not any(m.training for m in model.modules())
        first = model(x)
        with nn.evaluating():
            assert model(x).tolist() == first.tolist()
        assert not model.training
    assert [m.training for m in model.modules()] == [True, True, False, True]
    assert [vars(m) for m in model.modules()] == before
    assert model[2].num_batches_tracked.item() == 0
    with pytest.raises(KeyError), nn.evaluating():
        raise KeyError
    assert model.training and pickle.loads(pickle.dumps(model[1])).training is False
    assert copy.deepcopy(model).training


def test_threads_and_tasks_have_their_own() -> None:
    model, seen = nn.Dropout(0.5), []

    async def main() -> list[bool]:
        async def look() -> bool:
            await asyncio.sleep(0)
            return model.training

        task = asyncio.create_task(look())
        with nn.evaluating():
            inside = await asyncio.create_task(look())
            return [await task, inside]

    assert asyncio.run(main()) == [True, False]
    with nn.evaluating():
        thread = threading.Thread(target=lambda: seen.append(model.training))
        thread.start()
        thread.join()
    assert seen == [True]


def predictor() -> tuple[Any, Any]:
    rows = np.random.default_rng(0).normal(size=(20, 3))
    table = data.Table(rows, np.arange(20) % 2, ("a", "b", "c"), ("n", "y"))
    return Predictor.untrained(table, Settings(hidden=(16,), dropout=0.5)), table.features


@pytest.mark.parametrize("what", ["predictor", "picture", "summary"])
def test_predictions_of_a_shared_model_are_right_while_it_is_used_elsewhere(what: str) -> None:
    """The mode that each thread sees is its own: evaluation for who predicts, training for who trains."""
    made, features = predictor()
    model = made.model
    ask = {
        "predictor": lambda: made(features),
        "picture": lambda: predict_at("boundary", model, np.ones((4, 3))),
        "summary": lambda: np.array(str(nn.module.Module.summary(model, (1, 3)))),
    }[what]
    expected, wrong = ask(), []
    stop = threading.Event()

    def predict() -> None:
        for _ in range(40):
            if not np.array_equal(ask(), expected):
                wrong.append("predicted in training mode")

    def train() -> None:
        while not stop.is_set():
            if not all(m.training for m in model.modules()):
                wrong.append("trained in evaluation mode")

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        trainer = threading.Thread(target=train)
        threads = [threading.Thread(target=predict) for _ in range(3)]
        for thread in (trainer, *threads):
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        stop.set()
        trainer.join()
        sys.setswitchinterval(interval)
    assert wrong == []
