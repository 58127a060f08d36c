"""train and predict on tables as people have them: which column is which, and what was done to it."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.cli.commands import command, environment, flowers
from tinygrad_edu import data, nn
from tinygrad_edu.cli import main
from tinygrad_edu.cli.predict import _csv, _escape_formula
from tinygrad_edu.training import PredictionError, Predictor, Settings, Trainer

Run = Callable[..., tuple[int, str, str]]
QUICK = ("--epochs", "2", "--hidden", "4", "--quiet")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory; no pictures, which would only take time."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """A command's exit code, output and errors."""

    def run(*words: Any) -> tuple[int, str, str]:
        capsys.readouterr()
        code = main([str(word) for word in words])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def table(path: Path, header: list[str] | None, rows: list[list[Any]]) -> Path:
    with open(path, "w", newline="") as stream:
        csv.writer(stream).writerows([*([header] if header else []), *rows])
    return path


def measured(rows: int = 24, *, columns: int = 3, seed: int = 0) -> list[list[Any]]:
    """Rows of numbers of different sizes, and a class that depends on the first."""
    values = np.random.default_rng(seed).normal(0, 1, (rows, columns)) * 10.0 ** np.arange(columns)
    return [[*(f"{x:.5g}" for x in row), "high" if row[0] > 0 else "low"] for row in values]


def picked(rows: list[list[Any]], order: list[int]) -> list[list[Any]]:
    return [[row[j] for j in order] for row in rows]


# -- pairing ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("names", [["0", "1", "2", "y"], ["column1", "column2", "column3", "kind"],
                                   ["column2", "column3", "column1", "y"], ["2019", "2020", "2021", "y"],
                                   ["a", "b", "c", "y"], ["3", "2", "1", "0"], [" a", "a ", "a", "y"]]
)  # fmt: skip
@given(order=st.permutations(range(4)), label=st.booleans())
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=6)
def test_columns_are_paired_by_name(
    names: list[str], order: list[int], label: bool, folder: Path, run: Run
) -> None:
    rows = measured()
    table(folder / "t.csv", names, rows)
    if not (folder / "out").exists():
        assert run("train", "t.csv", "--header", "--out", "out", *QUICK)[0] == 0
    order = [j for j in order if label or j != 3]
    table(folder / "p.csv", picked([names], order)[0], picked(rows, order))
    expected, found = run("predict", "out", "t.csv"), run("predict", "out", "p.csv")
    assert expected[0] == found[0] == 0, found
    assert found[1] == expected[1]
    assert ("accuracy" in found[2]) is label


def test_without_a_header_by_position(folder: Path, run: Run) -> None:
    rows = measured()
    table(folder / "t.csv", None, rows)
    table(folder / "unlabelled.csv", None, picked(rows, [0, 1, 2]))
    assert run("train", "t.csv", "--out", "out", *QUICK)[0] == 0
    code, labelled, said = run("predict", "out", "t.csv")
    assert code == 0 and "accuracy" in said
    code, unlabelled, said = run("predict", "out", "unlabelled.csv")
    assert (code, unlabelled, said) == (0, labelled, "")


@pytest.mark.parametrize(("trained", "asked", "said"), [
    (["a", "b", "c", "y"], None, "p.csv has no header, and the model finds its columns by name (a, b, c)"),
    (None, ["a", "b", "c", "y"], "p.csv has a header (a, b, c, y), and the file that the model was"),
    (["a", "b", "c", "y"], ["a", "b", "d", "y"], "has no column 'c', which the model was trained on"),
    (["a", "b", "c", "y"], ["a", "b", "y", "z"], "has no column 'c'"),
    (["a", "a", "b", "y"], ["a", "b", "a", "y"], "two columns have the same name"),
])  # fmt: skip
def test_what_does_not_pair_is_refused(
    trained: list[str] | None, asked: list[str] | None, said: str, folder: Path, run: Run
) -> None:
    table(folder / "t.csv", trained, measured())
    table(folder / "p.csv", asked, measured())
    assert run("train", "t.csv", "--out", "out", *QUICK)[0] == 0
    code, out, err = run("predict", "out", "p.csv")
    assert (code, out) == (2, "") and said in err


@pytest.mark.parametrize("header", [["x", "y"], None])
def test_one_feature(header: list[str] | None, folder: Path, run: Run) -> None:
    rows = measured(columns=1)
    table(folder / "t.csv", header, rows)
    table(folder / "p.csv", header and header[:1], picked(rows, [0]))
    assert run("train", "t.csv", "--out", "out", *QUICK)[0] == 0
    code, found, _ = run("predict", "out", "p.csv")
    assert code == 0 and found == run("predict", "out", "t.csv")[1] and len(found.splitlines()) == 25


def test_row_names_and_labels_are_found_again_and_may_be_empty(folder: Path, run: Run) -> None:
    rows = [[f"=id{i}", *row] for i, row in enumerate(measured())]
    table(folder / "t.csv", ["id", "a", "b", "c", "y"], rows)
    table(
        folder / "p.csv",
        ["y", "c", "id", "b", "a"],
        [["" if i < 4 else row[4], row[3], row[0], row[2], row[1]] for i, row in enumerate(rows)],
    )
    assert run("train", "t.csv", "--names", "id", "--out", "out", *QUICK)[0] == 0
    expected, found = run("predict", "out", "t.csv"), run("predict", "out", "p.csv")
    assert found[1] == expected[1] and found[1].splitlines()[1].startswith("'=id0,")
    assert "on 20 of 24 rows" in found[2] and "on 24 rows" in expected[2]


def test_labels_that_the_model_does_not_know_are_named(folder: Path, run: Run) -> None:
    table(
        folder / "t.csv",
        ["a", "b", "c", "y"],
        [[*row[:3], {"high": "7", "low": "007"}[row[3]]] for row in measured()],
    )
    code, _, err = run("train", "t.csv", "--out", "out", *QUICK)
    assert code == 0 and "the labels '007' and '7' are two classes" in err
    table(folder / "p.csv", ["a", "b", "c", "y"], [[*row[:3], "07"] for row in measured()])
    assert "labels that are none of the model's classes: '07'" in run("predict", "out", "p.csv")[2]


# -- words, dates, gaps ----------------------------------------------------------------------------


def wordy(rows: int = 40) -> list[list[Any]]:
    random = np.random.default_rng(3)
    return [[random.choice(["Bonn", "Rome", "007"]), random.choice(["ja", "nein"]), f"{day:02d}.01.2024",
             "" if day % 7 == 0 else f"{day * 1.5:g}".replace(".", ","), "u" if day % 2 else "v"]
            for day in 1 + np.arange(rows) % 28]  # fmt: skip


NAMES = ["city", "member", "since", "size", "kind"]


def semicolons(path: Path, rows: list[list[Any]], *, encoding: str = "utf-8") -> Path:
    with open(path, "w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=";").writerows(rows)
    return path


def test_what_was_done_to_columns_is_done_again(folder: Path, run: Run) -> None:
    rows = [row for row in wordy() if row[0] != "007"]
    semicolons(folder / "t.csv", [NAMES, *rows])
    assert run("train", "t.csv", "--encode", "--impute", "median", "--out", "out", *QUICK)[0] == 0
    predictor, notes = Predictor.load("out/model.safetensors")
    assert predictor.feature_names == ("city=Bonn", "city=Rome", "member", "since", "size")
    assert notes["columns"]["kinds"] == {"0": "words", "1": "nein/ja", "2": "date, day first"}
    order = [4, 3, 1, 0, 2]
    semicolons(folder / "p.csv", picked([NAMES, *rows], order), encoding="utf-16")
    expected = run("predict", "out", "t.csv")
    assert run("predict", "out", "p.csv")[:2] == expected[:2]
    semicolons(folder / "new.csv", [NAMES[:4], ["", "", "", ""], ["Oslo", "ja", "2024-02-01", "1,5"]])
    code, out, err = run("predict", "out", "new.csv")
    assert code == 0 and len(out.splitlines()) == 3
    assert "column 'city' holds words that were not met in training ('Oslo'); they count as no word" in err


def test_what_is_learned_is_learned_from_training_rows(folder: Path, run: Run) -> None:
    rows = [[f"w{i}", str(1000 * i), "uv"[i % 2]] for i in range(40)]
    table(folder / "t.csv", ["word", "size", "y"], rows)
    assert run("train", "t.csv", "--encode", "--impute", "mean", "--out", "out", *QUICK)[0] == 0
    said = run("train", "t.csv", "--encode", "--impute", "mean", "--out", "out", *QUICK)[2]
    assert "column 'word' holds 40 different words in 40 rows; if it names the rows say --names" in said
    columns = Predictor.load("out/model.safetensors")[1]["columns"]
    words = columns["words"]["0"]
    assert len(words) == 30
    assert columns["fills"][1] == pytest.approx(np.mean([1000 * int(word[1:]) for word in words]))


@pytest.mark.parametrize(("options", "said"), [
    ((), "t.csv:2, column 2 ('member'): 'ja' is not a number"), ((), "say --encode"),
    (("--encode",), "column 4 ('size'): the value is missing (''); fill it in, delete the line, or"),
    (("--encode", "--impute", "most"), "'most' is not 'median', 'mean' or a number"),
    (("--encode", "--impute", "0"), "'Bonn' is not a number, others in its column are; correct it, or name "
                                    "the column by --categories"),
])  # fmt: skip
def test_what_is_not_asked_for_is_refused(
    options: tuple[str, ...], said: str, folder: Path, run: Run
) -> None:
    rows = wordy()
    if "0" in options:
        rows = [["Bonn" if i == 5 else "7", *row[1:]] for i, row in enumerate(rows)]
    elif options:
        rows = [["Bonn", *row[1:]] for row in rows]
    semicolons(folder / "t.csv", [NAMES, *rows])
    code, _, err = run("train", "t.csv", *options, *QUICK)
    assert code == 2 and said in err


def test_categories_and_a_model_that_fills_no_gaps(folder: Path, run: Run) -> None:
    table(folder / "t.csv", ["zip", "a", "y"], [[f"0{i % 3}", i, "uv"[i % 2]] for i in range(12)])
    assert run("train", "t.csv", "--categories", "zip", "--out", "out", *QUICK)[0] == 0
    assert Predictor.load("out/model.safetensors")[0].feature_names == ("zip=00", "zip=01", "zip=02", "a")
    table(folder / "p.csv", ["zip", "a"], [["00", ""]])
    assert "the model was not trained to fill gaps" in run("predict", "out", "p.csv")[2]


def test_resuming_and_folds_read_the_file_in_the_same_way(folder: Path, run: Run) -> None:
    semicolons(folder / "t.csv", [NAMES, *wordy()])
    line = ("train", "t.csv", "--encode", "--categories", "city", "--impute", "0", "--hidden", "4", "--quiet")
    assert run(*line, "--epochs", "1", "--out", "out")[0] == 0
    assert run("train", "t.csv", "--resume", "--epochs", "3", "--out", "out", "--quiet")[0] == 0
    assert len(Predictor.load("out/model.safetensors")[0].feature_names) == 6
    assert run(*line, "--epochs", "1", "--folds", "3", "--out", "folds")[0] == 0
    assert run("predict", "folds/fold2.safetensors", "t.csv")[0] == 0


# -- streams and paths -----------------------------------------------------------------------------


def test_standard_streams(folder: Path) -> None:
    text = flowers(folder / "flowers.csv").read_text()
    model = "tinygrad-edu-out/stdin"
    for words, said in ((("train", "-", *QUICK), " "), (("predict", model, "-", "-o", "-"), "class,")):
        done = command(*words, cwd=folder, stdin=text)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith(said)
    to_device = command("predict", model, "flowers.csv", "-o", "/dev/stdout", cwd=folder)
    assert to_device.stdout == done.stdout
    assert command("predict", model, "-", cwd=folder, stdin="").returncode == 2


def test_what_is_read_is_not_overwritten(folder: Path, run: Run) -> None:
    path = flowers(folder / "flowers.csv")
    assert run("train", "flowers.csv", "--out", "out", *QUICK)[0] == 0
    path.rename(folder / "out/history.csv")
    os.symlink("out/history.csv", path)
    before = path.read_bytes(), (folder / "out/model.safetensors").read_bytes()
    for out in ("flowers.csv", "./out/history.csv", "out/model.safetensors"):
        code, _, err = run("predict", "out", "flowers.csv", "-o", out)
        assert code == 2 and "is read, and would be overwritten" in err
    assert "would be overwritten" in run("train", "out/history.csv", "--out", "out", *QUICK)[2]
    (folder / "other").mkdir()
    (folder / "other/history.csv").symlink_to("../out/history.csv")
    assert "would be overwritten" in run("train", "flowers.csv", "--out", "other", *QUICK)[2]
    with path.open() as given:
        words = ["-m", "tinygrad_edu", "predict", "out", "-", "-o", "flowers.csv"]
        piped = subprocess.run(
            [sys.executable, *words],
            cwd=folder,
            env=environment(),
            stdin=given,
            capture_output=True,
            text=True,
        )
    assert piped.returncode == 2 and "is read, and would be overwritten" in piped.stderr
    assert path.read_bytes() == before[0]
    assert (path.read_bytes(), (folder / "out/model.safetensors").read_bytes()) == before


# -- what is written -------------------------------------------------------------------------------


@pytest.mark.parametrize(("cell", "written"), [
    ("=1+1", "'=1+1"), ("+49 228", "'+49 228"), ("@sum", "'@sum"), ("-x", "'-x"), ("\t=1", "'\t=1"),
    ("\r=1", "'\r=1"), ("\n=1", "'\n=1"), ("-1.5", "-1.5"), ("+7", "+7"), ("-1e5", "-1e5"), ("-inf", "'-inf"),
    ("", ""), ("a=b", "a=b"), ("'x", "'x"), ("7", "7"),
])  # fmt: skip
def test_formulas_are_text(cell: str, written: str) -> None:
    assert _escape_formula(cell) == written


@given(st.lists(st.lists(st.text(st.characters(codec="utf-8")), min_size=2, max_size=2)))
def test_what_is_written_reads_back(lines: list[list[str]]) -> None:
    text = _csv(lines)
    assert list(csv.reader(io.StringIO(text, newline=""), strict=True)) == lines


def test_classes_that_are_formulas(folder: Path, run: Run) -> None:
    table(
        folder / "t.csv",
        ["a", "b", "c", "y"],
        [[*row[:3], {"high": "=cmd|'/c calc'!A1", "low": "-1"}[row[3]]] for row in measured()],
    )
    assert run("train", "t.csv", "--out", "out", "--epochs", "60", "--quiet")[0] == 0
    found = {row[0] for row in csv.reader(io.StringIO(run("predict", "out", "t.csv")[1]))}
    assert found == {"class", "'=cmd|'/c calc'!A1", "-1"}


# -- numbers that are none -------------------------------------------------------------------------


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_predict_nothing(value: float, folder: Path, run: Run) -> None:
    flowers(folder / "flowers.csv")
    assert run("train", "flowers.csv", "--out", "out", *QUICK)[0] == 0
    path = folder / "out/model.safetensors"
    model = Predictor.load(path)[0].model
    extra = nn.load_checkpoint(path, model=model)
    weight = model[0].weight.numpy().copy()
    weight[1, 0] = value
    model[0].weight.detach().copy_(weight)
    nn.save_checkpoint(path, model=model, extra=extra)
    code, out, err = run("predict", "out", "flowers.csv")
    assert (code, out) == (2, "") and "0.weight holds NaN or infinities" in err


@pytest.mark.parametrize("kind", ["classes", "quantity"])
def test_an_answer_that_is_none_names_its_row(kind: str, folder: Path, run: Run) -> None:
    rows = measured()
    if kind == "quantity":
        rows = [[*row[:3], f"{float(row[0]) * 2:.3f}5"] for row in rows]
    table(folder / "t.csv", ["a", "b", "c", "y"], rows)
    assert run("train", "t.csv", "--out", "out", *QUICK)[0] == 0
    rows[5] = ["1e300", *rows[5][1:]]
    table(folder / "p.csv", ["a", "b", "c", "y"], rows)
    code, out, err = run("predict", "out", "p.csv")
    assert (code, out) == (2, "") and "p.csv:7: the network answers" in err


def test_a_held_out_row_without_an_answer_has_no_score(folder: Path, run: Run) -> None:
    rows = measured()
    for row in rows[::2]:
        row[0] = "1e300"
    table(folder / "t.csv", ["a", "b", "c", "y"], rows)
    found = data.read_csv("t.csv", dtype=np.float64)
    trainer = Trainer(found.rows(np.arange(1, 24, 2)), found, Settings(hidden=(4,), epochs=1))
    trainer.fit()
    assert np.isnan(trainer.history[0]["held_out_accuracy"])
    with pytest.raises(PredictionError, match="which is none"):
        trainer.scores(found)


def test_training_that_ends_in_no_numbers_says_so(folder: Path, run: Run) -> None:
    flowers(folder / "flowers.csv")
    # One step: its loss is still finite, and the weights after it are not.
    code, _, err = run("train", "flowers.csv", "--out", "out", "--lr", "1e39", "--optimizer", "sgd",
                       "--epochs", "1", "--batch-size", "1000", "--quiet")  # fmt: skip
    assert code == 1 and "became NaN or infinite in epoch 1; lower the learning rate" in err


# -- sizes -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("words", [
    ("--hidden", "1000000000"), ("--hidden", "9" * 40), ("--hidden", "1000000,1000000"),
    ("--hidden", "100000,100000,100000", "--dtype", "float64"),
])  # fmt: skip
def test_a_network_that_does_not_fit_is_refused_at_once(
    words: tuple[str, ...], folder: Path, run: Run
) -> None:
    flowers(folder / "flowers.csv")
    code, _, err = run("train", "flowers.csv", *words)
    assert code == 2 and "weights" in err and "of memory" in err and "are free; choose fewer" in err


def test_classes_that_do_not_fit_are_refused_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setattr("tinygrad_edu.memory.available", lambda: 4 * 10**9)
    table(folder / "t.csv", ["a", "b", "y"], [[i, 2 * i, i] for i in range(20000)])
    code, _, err = run("train", "t.csv", "--task", "classification", *QUICK)
    assert code == 2 and "probabilities of 20000 classes for 15000 rows would take 12 GB of memory, 4" in err
    assert "say --task regression" in err


def test_words_that_do_not_fit_are_refused_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    monkeypatch.setattr("tinygrad_edu.memory.available", lambda: 10**8)
    table(folder / "t.csv", ["id", "a", "y"], [[f"w{i}", i, i % 2] for i in range(6000)])
    code, _, err = run("train", "t.csv", "--encode", *QUICK)
    assert code == 2 and "4500 rows of 4501 columns" in err and "162 MB of memory" in err
