"""What `fit` takes as data and as an optimizer, and what it refuses before it has trained anything."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import tinygrad_edu as te
from tests.training.fit_cases import LABELS, X, model_of, weights
from tinygrad_edu import data, nn, optim
from tinygrad_edu.training import evaluate, find_lr, fit

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
