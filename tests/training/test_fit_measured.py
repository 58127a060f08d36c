"""What is measured and kept between steps: all rows of validation data, and the weights that were best."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import tinygrad_edu as te
from tinygrad_edu import data, metrics, nn, optim
from tinygrad_edu import training as T

RANDOM = np.random.default_rng(0)
X = RANDOM.standard_normal((37, 3))
Y = (X[:, 0] > 0).astype(np.int64)


def model_of(seed: int = 0) -> nn.Module:
    te.manual_seed(seed)
    return nn.Linear(3, 2, dtype="float64")


@given(peeked=st.integers(0, 5), passes=st.integers(0, 2), shuffle=st.booleans())
def test_every_evaluation_has_all_rows_and_leaves_the_loader_where_it_was(
    peeked: int, passes: int, shuffle: bool
) -> None:
    loader, twin = (data.DataLoader(data.TensorDataset(X, Y), 8, shuffle=shuffle, seed=4) for _ in range(2))
    for one in (loader, twin):
        for _ in range(passes):
            list(one)
        for _, _batch in zip(range(peeked), one, strict=False):
            pass
    model = model_of()
    expected = T.evaluate(model, (X, Y), loss=te.cross_entropy)["loss"]
    for _ in range(3):
        assert T.evaluate(model, loader, loss=te.cross_entropy)["loss"] == pytest.approx(expected, rel=1e-12)
    assert loader.state_dict() == twin.state_dict()
    for mine, other in zip(loader, twin, strict=True):
        np.testing.assert_array_equal(mine[0].numpy(), other[0].numpy())


def test_validation_is_of_all_rows_in_every_epoch() -> None:
    loader = data.DataLoader(data.TensorDataset(X, Y), 8)
    next(iter(loader))
    model = model_of()
    history = T.fit(model, (X, Y), optimizer=optim.SGD(model.parameters(), lr=0.0), loss=te.cross_entropy,
                    validation=loader, epochs=3, verbose=False)  # fmt: skip
    assert len({row["validation_loss"] for row in history}) == 1


def test_early_stopping_gives_back_the_average_that_was_measured() -> None:
    model = model_of()
    ema = optim.swa_utils.AveragedModel(model, avg_fn=optim.swa_utils.get_ema_avg_fn(0.5))
    history = T.fit(model, (X, Y), optimizer=optim.SGD(model.parameters(), lr=3.0), loss=te.cross_entropy,
                    epochs=12, batch_size=5, ema=ema, validation=(-X, Y), verbose=False,
                    callbacks=[T.EarlyStopping(patience=3)])  # fmt: skip
    best = min(row["validation_loss"] for row in history)
    assert T.evaluate(ema, (-X, Y), loss=te.cross_entropy)["loss"] == pytest.approx(best, rel=1e-12)
    assert history[-1]["validation_loss"] > best  # or the test would not see weights that are not restored


def test_a_callback_gets_no_state_of_another_column(tmp_path: Any) -> None:
    def run(epochs: int, *callbacks: T.EarlyStopping, resume: bool) -> None:
        model = model_of()
        T.fit(model, (X, Y), optimizer=optim.SGD(model.parameters(), lr=0.05), loss=te.cross_entropy,
              metrics=metrics.Accuracy(), validation=(X, Y), checkpoint=tmp_path, epochs=epochs,
              callbacks=callbacks, resume=resume, verbose=False)  # fmt: skip

    loss = T.EarlyStopping("validation_loss", 3)
    accuracy = T.EarlyStopping("validation_accuracy", 3, mode="max")
    run(2, loss, accuracy, resume=False)
    for others in ((accuracy, loss), (accuracy, accuracy), (loss,)):
        with pytest.raises(nn.CheckpointError, match="callbacks"):
            run(3, *others, resume=True)
    run(3, loss, accuracy, resume=True)


def test_a_search_for_a_rate_leaves_gradients_and_a_peeked_loader_as_they_were() -> None:
    loader, twin = (data.DataLoader(data.TensorDataset(X, Y), 8, shuffle=True, seed=1) for _ in range(2))
    for one in (loader, twin):
        next(iter(one))
    model = model_of()
    te.cross_entropy(model(X), Y).backward()
    before = [p.grad.numpy().copy() for p in model.parameters()]
    T.find_lr(model, loader, optimizer=optim.SGD(model.parameters()), loss=te.cross_entropy, steps=12)
    for p, gradient in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(p.grad.numpy(), gradient)
    assert loader.state_dict() == twin.state_dict()
    assert [len(x) for x, _ in loader] == [len(x) for x, _ in twin]
