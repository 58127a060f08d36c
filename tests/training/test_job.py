"""A Trainer in a job: the steps of one process, to rounding; a stop and a resume to the same bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinygrad_edu import data, distributed, nn
from tinygrad_edu.nn.checkpoint_file import read_checkpoint
from tinygrad_edu.training import Settings, Trainer

TABLE = data.circle(60, seed=3)
TRAIN, HELD_OUT = data.train_test_split(TABLE, 0.3, seed=0, stratify=TABLE.labels)


def trainer(
    comm: Any = None, scheme: str = "all-reduce", staleness: Any = 0, backups: int = 0, **options: Any
):
    asked = {"hidden": (5,), "optimizer": "momentum", "epochs": 3, "batch_size": 8, "lr": 0.05,
             "dtype": "float64", **options}  # fmt: skip
    return Trainer(
        TRAIN, HELD_OUT, Settings(**asked), comm=comm, scheme=scheme, staleness=staleness, backups=backups
    )


def job(program: Any, *args: Any, ranks: int, **options: Any) -> list[Any]:
    return distributed.ThreadCluster(ranks, timeout=60).run(program, *args, **options)


def fit(comm: Any, **options: Any) -> tuple[Any, ...]:
    made = trainer(comm, **options)
    assert made.fit()
    return made.history, made.predictor.model.state_dict(), made.scores(HELD_OUT)


def same_to_rounding(found: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    for row, other in zip(found[0], expected[0], strict=True):
        assert row == pytest.approx(other, rel=1e-9)
    for name, array in expected[1].items():
        np.testing.assert_allclose(found[1][name], array, rtol=1e-9, atol=1e-12)
    assert found[2] == pytest.approx(expected[2], rel=1e-9)


def same_bits(results: list[tuple[Any, ...]]) -> None:
    for history, state, scores in results[1:]:
        assert (history, scores) == (results[0][0], results[0][2])
        assert all(np.array_equal(array, results[0][1][name]) for name, array in state.items())


@settings(max_examples=10)
@given(
    workers=st.integers(1, 5), batch_size=st.integers(5, 50), epochs=st.integers(1, 2),
    optimizer=st.sampled_from(["momentum", "adam"]), server=st.booleans(),
)  # fmt: skip
def test_a_job_takes_the_steps_of_one_process(workers, batch_size, epochs, optimizer, server):
    """Also where a batch has unequal parts, and its last one fewer rows than there are workers."""
    options = {"batch_size": batch_size, "epochs": epochs, "optimizer": optimizer}
    scheme = "parameter-server" if server else "all-reduce"
    results = job(fit, ranks=workers + server, scheme=scheme, **options)
    same_bits(results)
    same_to_rounding(results[0], fit(None, **options))


def test_one_worker_has_the_bits_of_a_process_alone(tmp_path):
    def program(comm):
        made = trainer(comm, dropout=0.3)
        made.fit()
        made.save(tmp_path / f"{comm is None}")

    program(None)
    job(program, ranks=1)
    (facts, arrays), (others, same) = (read_checkpoint(tmp_path / name) for name in ("True", "False"))
    assert facts == others and all(np.array_equal(arrays[name], same[name]) for name in arrays | same)
    assert "ranks" not in facts and "job" not in facts["extra"]["run"]


@pytest.mark.parametrize(
    "options", [{"staleness": None}, {"staleness": 1}, {"staleness": 0, "backups": 1}], ids=str
)
def test_servers_that_do_not_wait_learn(options):
    def program(comm):
        made = trainer(comm, "parameter-server", **options, epochs=20, optimizer="sgd", lr=0.2)
        steps: list[float] = []
        made.fit(on_step=steps.append)
        return made.history, made.predictor.model.state_dict(), made.scores(HELD_OUT), len(steps), made

    results = job(program, ranks=4)
    same_bits([result[:3] for result in results])
    history, made = results[0][0], results[0][4]
    assert history[-1]["train_loss"] < 0.75 * history[0]["train_loss"]
    assert results[0][3] == made.report.updates and results[1][4].report is None
    pushed = made.report.dropped + sum(made.report.gradients.values())
    if options.get("backups"):
        assert pushed == 3 * 6 * 20 and made.report.updates >= 6 * 20
    else:
        assert pushed == made.report.updates and made.report.dropped == 0
        # of the 42 rows the last batch has 2, and one worker none of them
        assert made.report.updates == (3 * 5 + 2) * 20 == made.steps * 20 - 20


@settings(max_examples=8)
@given(ranks=st.integers(2, 4), after=st.integers(1, 30), server=st.booleans())
def test_a_job_that_was_stopped_goes_on_to_the_same_bits(tmp_path_factory, ranks, after, server):
    folder = tmp_path_factory.mktemp("job")
    scheme = "parameter-server" if server else "all-reduce"
    options = {"dropout": 0.3, "batch_size": 4, "scheme": scheme}

    def whole(comm):
        made = trainer(comm, **options)
        made.fit()
        made.save(folder / "whole")
        return made.history, made.predictor.model.state_dict(), made.scores(HELD_OUT)

    def part(comm):
        made, steps = trainer(comm, **options), []
        made.fit(on_step=steps.append, stop=lambda: comm.rank == ranks - 1 and len(steps) >= after)
        made.save(folder / "part")

    def rest(comm):
        made = trainer(comm, **options)
        made.resume(folder / "part")
        made.fit()
        made.save(folder / "joined")
        return made.history, made.predictor.model.state_dict(), made.scores(HELD_OUT)

    expected = job(whole, ranks=ranks)
    job(part, ranks=ranks)
    same_bits([*expected, *job(rest, ranks=ranks)])
    (facts, arrays), (others, same) = (read_checkpoint(folder / name) for name in ("whole", "joined"))
    assert facts == others and all(np.array_equal(arrays[name], same[name]) for name in arrays | same)


def stopped(path: Any, ranks: int, after: int = 9, **options: Any) -> None:
    """A job that was stopped in the second epoch, at `path`."""

    def program(comm):
        made, steps = trainer(comm, **options), []
        made.fit(on_step=steps.append, stop=lambda: len(steps) >= after)
        made.save(path)

    job(program, ranks=ranks)


def test_without_dropout_a_run_goes_on_with_other_workers(tmp_path):
    stopped(tmp_path / "three", 3, after=12, batch_size=4)
    assert read_checkpoint(tmp_path / "three")[0]["loader"]["position"] == 8, "in the middle of an epoch"

    def rest(comm):
        made = trainer(comm, batch_size=4)
        made.resume(tmp_path / "three")
        made.fit()
        return made.history, made.predictor.model.state_dict(), made.scores(HELD_OUT)

    expected = fit(None, batch_size=4)
    same_to_rounding(rest(None), expected)
    for ranks in (2, 4):
        results = job(rest, ranks=ranks)
        same_bits(results)
        same_to_rounding(results[0], expected)


@pytest.mark.parametrize(
    ("ranks", "first", "second", "said"),
    [
        (2, {"dropout": 0.3}, {"dropout": 0.3}, "trained by 3 ranks with dropout, this run has 2"),
        (3, {}, {"scheme": "parameter-server"}, "trained with scheme all-reduce, this run has parameter"),
        (3, {"scheme": "parameter-server", "staleness": 1}, {"scheme": "parameter-server"}, "staleness 1,"),
        (3, {}, {"lr": 0.1}, "lr 0.05, this run has 0.1"),
    ],
)
def test_another_job_is_not_resumed(tmp_path, ranks, first, second, said):
    stopped(tmp_path / "run", 3, **first)

    def program(comm):
        made = trainer(comm, **second)
        with pytest.raises(nn.CheckpointError, match=said):
            made.resume(tmp_path / "run")
        assert made.history == []

    job(program, ranks=ranks)


@pytest.mark.parametrize(
    ("ranks", "options", "said"),
    [
        (3, {"backups": 1}, "backups 1 is of a parameter server, and all-reduce has none"),
        (3, {"staleness": None}, "staleness none is of a parameter server"),
        (4, {"scheme": "parameter-server", "staleness": 2, "backups": 1}, "does not wait has no worker"),
        (3, {"scheme": "parameter-server", "backups": 2}, "backups 2 of 2 workers"),
        (1, {"scheme": "parameter-server"}, "needs two ranks"),
        (3, {"scheme": "gossip"}, "there are all-reduce, parameter-server"),
        (3, {"scheme": "parameter-server", "staleness": -1}, "at least 0, not -1"),
        (3, {"batch_size": 2}, "workers 3: a batch of 2 rows has not a row for each"),
    ],
)
def test_what_does_not_go_together_is_refused(ranks, options, said):
    def program(comm):
        with pytest.raises(ValueError, match=said):
            trainer(comm, **options)

    job(program, ranks=ranks)


def test_a_run_that_diverges_ends_on_all_ranks():
    def program(comm):
        from tinygrad_edu.training import TrainingError

        with np.errstate(all="ignore"), pytest.raises(TrainingError, match="lower the learning rate"):
            trainer(comm, lr=1e200, optimizer="sgd").fit()

    job(program, ranks=3)


def test_sums_that_are_not_those_of_the_ranks_are_refused(tmp_path):
    stopped(tmp_path / "run", 2)
    facts, arrays = read_checkpoint(tmp_path / "run")
    for sums in ([1.0], [1.0, "x"], [1.0, 2.0, 3.0]):
        facts["extra"]["run"]["sums"] = sums
        nn.checkpoint_file.write_checkpoint(tmp_path / "forged", facts, arrays)
        with pytest.raises(nn.CheckpointError, match="no run to go on with"):
            trainer().resume(tmp_path / "forged")


def test_ranks_with_other_settings_or_rows_are_refused():
    table = data.spiral(40, seed=0)

    def other_rate(comm):
        Trainer(table, None, Settings(lr=0.1 if comm.rank else 0.2, epochs=1), comm=comm)

    def other_rows(comm):
        Trainer(data.spiral(40, seed=comm.rank), None, Settings(epochs=1), comm=comm)

    with pytest.raises(ValueError, match=r"lr is 0\.2 on rank 0 and 0\.1 on rank 1"):
        distributed.run(other_rate, ranks=2)
    with pytest.raises(ValueError, match="the rows on rank 1 are not those on rank 0"):
        distributed.run(other_rows, ranks=2)
