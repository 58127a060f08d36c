"""`fit` on several ranks is that of one process, to rounding, and the same bits on all; it goes on, too."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tinygrad_edu as te
from tests.training.fit_cases import HELD, LABELS, Interrupt, X, model_of, weights
from tinygrad_edu import data, distributed, metrics, nn, optim, training
from tinygrad_edu.distributed import data_parallel


def job(program: Any, *args: Any, ranks: int, **options: Any) -> list[Any]:
    return distributed.ThreadCluster(ranks, timeout=60).run(program, *args, **options)


def trained(comm: Any, size: int, rows: int, accumulate: int = 1, shares: bool = True) -> tuple[Any, ...]:
    """The weights and the history; of a rank its part."""
    te.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4, dtype="float64"), nn.Tanh(), nn.Linear(4, 3, dtype="float64"))
    shard = (0, 1) if comm is None else (comm.rank, comm.size)
    train = data.ArrayDataset(X[:rows].astype(np.float64), LABELS[:rows])
    loader = data.DataLoader(train, size, shuffle=True, shard=shard)
    held: Any = (HELD[0].astype(np.float64), HELD[1])
    if not shares:
        held = data.DataLoader(data.ArrayDataset(*held), 4)
    history = training.fit(
        model, loader, optimizer=optim.SGD(model.parameters(), lr=0.3, momentum=0.9), loss=te.cross_entropy,
        epochs=2, validation=held, metrics=[metrics.Accuracy(), metrics.ROCAUC(), metrics.Perplexity()],
        accumulate=accumulate, clip_norm=0.7, verbose=False, comm=comm,
    )  # fmt: skip
    return model.state_dict(), history


@settings(max_examples=6)
@given(
    ranks=st.integers(1, 3), size=st.integers(2, 5), rows=st.integers(12, 37), accumulate=st.integers(1, 3),
    shares=st.booleans(),
)  # fmt: skip
def test_its_steps_are_those_of_one_process(
    ranks: int, size: int, rows: int, accumulate: int, shares: bool
) -> None:
    one, alone = trained(None, size * ranks, rows, accumulate)
    if rows % (size * ranks) < ranks and rows % (size * ranks):
        return  # rows that are fewer than ranks join the batch before, which one process does not do
    results = job(trained, size, rows, accumulate, shares, ranks=ranks)
    for state, history in results:
        for name, array in one.items():
            np.testing.assert_allclose(state[name], array, rtol=1e-8, atol=1e-11)
            np.testing.assert_array_equal(state[name], results[0][0][name])
        assert history == results[0][1]
        for row, expected in zip(history, alone, strict=True):
            assert row == pytest.approx(expected, rel=1e-8)


def whole(comm: Any, folder: Any = None, stop: int = 0, **options: Any) -> tuple[Any, ...]:
    """A run with dropout and batch norm, which draws on every rank."""
    model = model_of()
    optimizer = optim.Adam(model.parameters(), lr=0.02)
    stopping = training.EarlyStopping(patience=9)
    history = training.fit(
        model, data.ArrayDataset(X, LABELS), optimizer=optimizer, loss=te.cross_entropy, epochs=4,
        batch_size=2, validation=HELD, metrics=[metrics.ROCAUC()], callbacks=[stopping, Interrupt(stop)],
        verbose=False, checkpoint=folder, resume=folder is not None, comm=comm, **options,
    )  # fmt: skip
    return weights(model), repr(history.rows), history.ended, te.rand(2).tolist()


@pytest.mark.parametrize("stop", [8, 11])
def test_a_job_that_was_interrupted_goes_on_to_the_same_bits(tmp_path: Path, stop: int) -> None:
    expected = job(whole, ranks=3)
    assert len({state for state, *_ in expected}) == 1 and len({str(draw) for *_, draw in expected}) == 3
    first = job(whole, tmp_path, stop, ranks=3)
    assert {ended for _, _, ended, _ in first} == {"interrupted"}
    assert job(whole, tmp_path, ranks=3) == expected
    with pytest.raises(nn.CheckpointError, match="ranks=3, this run has 2"):
        job(whole, tmp_path, ranks=2)


def test_a_model_can_be_trained_again_alone_after_a_job() -> None:
    """Its gradients stay on its rank, and a second fit averages them once."""

    def program(comm: Any) -> Any:
        model = model_of(dropout=0.0)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        for _ in range(2):
            training.fit(model, (X, LABELS), optimizer=optimizer, loss=te.cross_entropy, batch_size=4,
                         comm=comm, verbose=False)  # fmt: skip
        state = weights(model)
        model.zero_grad()
        model(te.tensor(X[comm.rank : comm.rank + 2])).sum().backward()
        return state, model[4].weight.grad.numpy()

    (one, first), (other, second) = job(program, ranks=2)
    assert one == other and not np.array_equal(first, second)


def test_accumulated_gradients_travel_once_an_update(monkeypatch: Any) -> None:
    ends: list[int] = []
    finish = data_parallel._Synchronizer.finish

    def counted(self: Any) -> None:
        ends.append(1)
        finish(self)

    monkeypatch.setattr(data_parallel._Synchronizer, "finish", counted)
    job(trained, 2, 24, 3, ranks=2)  # 6 batches of both ranks, 2 updates an epoch
    assert len(ends) == 2 * 2 * 2


def test_a_sampler_shares_the_rows_as_well() -> None:
    def program(comm: Any) -> Any:
        model = model_of(dropout=0.0)
        rows, held = data.ArrayDataset(X, LABELS), data.ArrayDataset(*HELD)
        samplers = [data.DistributedSampler(r, num_replicas=comm.size, rank=comm.rank, shuffle=False)
                    for r in (rows, held)]  # fmt: skip
        history = training.fit(
            model, data.DataLoader(rows, 4, sampler=samplers[0]), optimizer=optim.SGD(model.parameters()),
            loss=te.cross_entropy, validation=data.DataLoader(held, 4, sampler=samplers[1]), comm=comm,
            metrics=[metrics.ConfusionMatrix()], verbose=False,
        )  # fmt: skip
        return weights(model), history

    results = job(program, ranks=2)
    assert results[0] == results[1]
    row = results[0][1][-1]
    assert np.sum(row["train_confusion"]) == 38 and np.sum(row["validation_confusion"]) == 12  # padded


def test_what_a_job_refuses() -> None:
    def fit(comm: Any, **options: Any) -> Any:
        model = options.pop("model", None) or model_of()
        given = {"data": (X, LABELS), "loss": te.cross_entropy, "verbose": False, "comm": comm, **options}
        given["optimizer"] = optim.SGD(model.parameters())
        return training.fit(model, given.pop("data"), **given)

    loader = data.DataLoader(data.ArrayDataset(X, LABELS), 4)
    with pytest.raises(ValueError, match=r"rank 0 of 1, this is rank [01] of 2"):
        job(fit, ranks=2, data=loader)
    with pytest.raises(ValueError, match="a loader with a length"):
        job(fit, ranks=2, data=iter([]), accumulate=2)
    with pytest.raises(TypeError, match="give the model itself"):
        job(lambda comm: fit(comm, model=distributed.DataParallel(model_of(), comm)), ranks=2)
