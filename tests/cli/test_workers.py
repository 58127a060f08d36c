"""`tinygrad-edu train --workers`: in threads and under MPI it trains what one process would."""

from __future__ import annotations

import csv
import importlib.util
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.commands import command, environment, flowers, without_matplotlib
from tinygrad_edu.cli import main
from tinygrad_edu.nn.checkpoint_file import read_checkpoint

needs_mpi = pytest.mark.skipif(
    importlib.util.find_spec("mpi4py") is None,
    reason='mpi4py is not installed; pip install -e ".[mpi]" mpich makes this test run',
)


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinygrad_edu.cli.train.draw_pictures", lambda trainer, folder: [])


def train(tmp_path: Path, out: str, *words: Any) -> int:
    path = tmp_path / "flowers.csv"
    line = ["train", flowers(path), "--out", tmp_path / out, "--quiet", "--batch-size", 7, *words]
    return main(list(map(str, line)))


def history(tmp_path: Path, out: str) -> np.ndarray[Any, Any]:
    with open(tmp_path / out / "history.csv") as file:
        return np.array([[float(x) for x in row] for row in list(csv.reader(file))[1:]])


def same(first: Path, second: Path) -> None:
    (facts, arrays), (other_facts, other_arrays) = read_checkpoint(first), read_checkpoint(second)
    assert facts == other_facts and len(arrays) >= 4
    for name, array in arrays.items():
        assert array.tobytes() == other_arrays[name].tobytes(), name


THREADS = ("--cluster", "threads")
EXACT = ("--dropout", "0", "--dtype", "float64", "--epochs", "6")


@pytest.mark.parametrize("scheme", ["all-reduce", "parameter-server"])
def test_workers_train_what_one_process_does(scheme: str, tmp_path: Path, capfd: Any) -> None:
    assert train(tmp_path, "one", *EXACT) == 0
    scores = capfd.readouterr().out
    assert train(tmp_path, "three", *EXACT, "--workers", 3, "--scheme", scheme, *THREADS) == 0
    assert capfd.readouterr().out == scores
    np.testing.assert_allclose(history(tmp_path, "three"), history(tmp_path, "one"), rtol=1e-9)


def test_one_worker_is_this_process(tmp_path: Path) -> None:
    for out, words in (("alone", []), ("one", ["--workers", 1])):
        assert train(tmp_path, out, "--epochs", 3, "--dropout", 0.2, *words) == 0
    same(tmp_path / "alone/model.safetensors", tmp_path / "one/model.safetensors")
    assert (tmp_path / "alone/history.csv").read_bytes() == (tmp_path / "one/history.csv").read_bytes()


def test_one_rank_speaks(tmp_path: Path, capfd: Any) -> None:
    line = ["train", flowers(tmp_path / "f.csv"), "--out", tmp_path / "out", "--epochs", 3, "--workers", 4]
    assert main([*map(str, line), *THREADS]) == 0
    out = capfd.readouterr().out
    assert out.count("rows x 2 features") == out.count("held out  ") == out.count("wrote") == 1
    assert "workers: 4, all-reduce: each has a part of every batch" in out
    more = ["--scheme", "parameter-server", "--staleness", "none"]
    assert main([*map(str, line), *THREADS, *more]) == 0
    out = capfd.readouterr().out
    assert "a parameter server, without a bound on staleness; each part of a batch is a step" in out
    assert "on average" in out


def test_folds_are_shared_too(tmp_path: Path, capfd: Any) -> None:
    assert train(tmp_path, "one", *EXACT, "--folds", 3) == 0
    scores = capfd.readouterr().out
    assert train(tmp_path, "two", *EXACT, "--folds", 3, "--workers", 2, *THREADS) == 0
    assert capfd.readouterr().out == scores
    one, two = ((tmp_path / out / "folds.csv").read_text().splitlines() for out in ("one", "two"))
    assert one[0] == two[0] and len(one) == len(two) == 4


@pytest.mark.parametrize("scheme", ["all-reduce", "parameter-server"])
def test_a_run_goes_on_with_its_workers_to_the_same_bits(scheme: str, tmp_path: Path) -> None:
    words = ["--workers", 3, "--scheme", scheme, "--dropout", 0.3, *THREADS]
    assert train(tmp_path, "whole", "--epochs", 6, *words) == 0
    assert train(tmp_path, "joined", "--epochs", 2, *words) == 0
    # how many workers, and the scheme, come from the checkpoint
    assert train(tmp_path, "joined", "--epochs", 6, "--resume", *THREADS) == 0
    same(tmp_path / "whole/model.safetensors", tmp_path / "joined/model.safetensors")
    assert read_checkpoint(tmp_path / "joined/model.safetensors")[0]["extra"]["notes"]["job"]["workers"] == 3


def test_other_workers_go_on_only_without_dropout(tmp_path: Path, capsys: Any) -> None:
    assert train(tmp_path, "whole", *EXACT) == 0
    assert train(tmp_path, "joined", *EXACT[:-1], 2, "--workers", 3, *THREADS) == 0
    assert train(tmp_path, "joined", *EXACT, "--resume", "--workers", 2, *THREADS) == 0
    np.testing.assert_allclose(history(tmp_path, "joined"), history(tmp_path, "whole"), rtol=1e-9)
    assert train(tmp_path, "drop", "--dropout", 0.3, "--epochs", 2, "--workers", 3, *THREADS) == 0
    capsys.readouterr()
    assert train(tmp_path, "drop", "--epochs", 4, "--resume", "--workers", 2, *THREADS) == 2
    assert "by 3 ranks with dropout, this run has 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--backups", 1], "--backups is of a job; say how many work in it, with --workers"),
        (["--cluster", "threads"], "--cluster is of a job"),
        (["--workers", 2, "--backups", 1], "all-reduce has none; leave it out, or say --scheme"),
        (["--workers", 2, "--staleness", "none"], "--staleness none is of a parameter server"),
        (["--workers", 4, "--scheme", "parameter-server", "--staleness", 2, "--backups", 1],
         "--backups 1 with a staleness of 2"),
        (["--workers", 2, "--scheme", "parameter-server", "--backups", 2], "--backups 2 of 2 workers"),
        (["--workers", 8, *THREADS], "--workers 8: a batch of 7 rows has not a row for each"),
        (["--workers", 2, *THREADS, "--lr", -1], "--lr must be positive"),
        (["--workers", 2, *THREADS, "--label", "colour"], "colour"),
        (["--workers", 2, *THREADS, "--resume"], "no checkpoint at"),
    ],
)  # fmt: skip
def test_what_does_not_go_together_is_said_once(
    words: list[Any], said: str, tmp_path: Path, capfd: Any
) -> None:
    assert train(tmp_path, "out", *words) == 2
    written = capfd.readouterr()
    assert written.err.count(said) == 1 and "Traceback" not in written.err and not written.out
    assert not (tmp_path / "out/model.safetensors").exists()


def test_a_run_that_diverges_says_so_once(tmp_path: Path, capfd: Any) -> None:
    words = ["--lr", 1e200, "--optimizer", "sgd", "--dtype", "float64", "--workers", 3, *THREADS]
    with np.errstate(all="ignore"):
        assert train(tmp_path, "out", "--epochs", 5, *words) == 1
    assert capfd.readouterr().err.count("lower the learning rate") == 1


def test_standard_input_does_not_reach_mpi(tmp_path: Path, capsys: Any) -> None:
    assert main(["train", "-", "--workers", "2"]) == 2
    assert "--cluster threads" in capsys.readouterr().err


@needs_mpi
def test_processes_have_the_bits_of_threads(tmp_path: Path) -> None:
    flowers(without_matplotlib(tmp_path) / "flowers.csv")
    line = ["train", "flowers.csv", "--epochs", 3, "--workers", 2, "--dropout", 0.2]
    done = command(*line, "--out", "mpi", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "workers: 2" in done.stdout and "[0]" not in done.stdout + done.stderr
    threads = command(*line, "--out", "threads", *THREADS, cwd=tmp_path)
    assert threads.returncode == 0, threads.stderr
    same(tmp_path / "mpi/model.safetensors", tmp_path / "threads/model.safetensors")
    assert done.stdout.replace("mpi/", "threads/") == threads.stdout
    wrong = command(*line, "--out", "mpi", "--label", "colour", cwd=tmp_path)
    assert wrong.returncode == 2 and wrong.stderr.count("colour") == 1, wrong.stderr


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows cannot send Ctrl-C to one process; run on Linux or macOS"
)
@pytest.mark.parametrize("cluster", ["threads", pytest.param("mpi", marks=needs_mpi)])
def test_control_c_saves_a_run_that_goes_on(cluster: str, tmp_path: Path) -> None:
    flowers(without_matplotlib(tmp_path) / "flowers.csv")
    line = ["train", "flowers.csv", "--workers", 2, "--cluster", cluster, "--out", "out", "--epochs"]
    process = subprocess.Popen(
        [sys.executable, "-m", "tinygrad_edu", *map(str, line), "1000000"],
        cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        while not process.stdout.readline().startswith("workers"):
            assert process.poll() is None
        time.sleep(0.5)  # into the middle of the run
        process.send_signal(signal.SIGINT)
        said = process.communicate(timeout=300)[1]
    finally:
        process.kill()
    assert process.returncode == 130 and "Traceback" not in said, said
    assert said.count("go on with --resume") == 1
    epochs = len(read_checkpoint(tmp_path / "out/model.safetensors")[0]["extra"]["run"]["history"])
    done = command(*line, epochs + 2, "--resume", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
