"""`tinygrad-edu train`: what it learns, what it writes, what it says."""

from __future__ import annotations

import csv
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cli.commands import flowers, houses
from tinygrad_edu import catalogue
from tinygrad_edu.cli import main
from tinygrad_edu.training import Predictor


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if matplotlib were not installed: where pictures are beside the point, they only take time."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)


def rows(path: Path) -> list[dict[str, str]]:
    with open(path, newline="") as stream:
        return list(csv.DictReader(stream))


def score(text: str, part: str, column: int = 0) -> float:
    """A number of the table that train prints."""
    found = re.search(rf"^{part} +(.*)$", text, re.MULTILINE)
    assert found is not None, text
    return float(found[1].split()[column])


def test_a_file_is_learnt_and_everything_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert main(["train", str(flowers(tmp_path / "flowers.csv")), "--epochs", "60", "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert score(said, "held out") == 1.0 == score(said, "held out", 1)
    names = {path.name for path in out.iterdir()}
    assert names == {"model.safetensors", "history.csv",
                     "loss.png", "roc.png", "confusion.png", "boundary.png"}  # fmt: skip
    assert all((out / name).read_bytes().startswith(b"\x89PNG") for name in names if name.endswith(".png"))
    history = rows(out / "history.csv")
    assert [int(row["epoch"]) for row in history] == list(range(1, 61))
    assert float(history[-1]["train_loss"]) < 0.2 * float(history[0]["train_loss"])
    predictor, notes = Predictor.load(out / "model.safetensors")
    assert predictor.feature_names == ("length", "width")
    assert predictor.class_names == ("aster", "borage", "clover")
    assert notes["data"] == "flowers"
    assert 5500 < predictor.scaling.offset[0] < 6500


@pytest.mark.parametrize(
    ("name", "least"),
    [("digits", 0.97), ("spiral", 0.97), ("circle", 0.97), ("xor", 0.95), ("gaussian", 0.97)],
)
def test_defaults_solve_the_data_set(
    name: str, least: float, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", name, "--quiet", "--out", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert score(said.out, "held out") >= least
    assert len(said.out.splitlines()) == 3 and said.err == ""


def test_regression_is_measured_in_its_own_unit(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = houses(tmp_path / "houses.csv")
    line = ["train", str(path), "--epochs", "150", "--lr", "0.01", "--dropout", "0"]
    assert main([*line, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert "a quantity to predict" in said
    assert score(said, "held out") > 0.98
    predictor, _ = Predictor.load(tmp_path / "out/model.safetensors")
    assert predictor(np.array([[100.0, 3.0]]))[0] == pytest.approx(160_000, rel=0.1)
    names = {path.name for path in (tmp_path / "out").iterdir()}
    assert names == {"model.safetensors", "history.csv", "loss.png", "predicted.png", "residuals.png"}


def test_cross_validation(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["train", str(flowers(tmp_path / "flowers.csv")), "--folds", "4", "--epochs", "20"]
    assert main([*line, "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    folds = rows(tmp_path / "out/folds.csv")
    accuracies = [float(row["accuracy"]) for row in folds]
    assert len(folds) == 4
    mean, spread = np.mean(accuracies), np.std(accuracies, ddof=1)
    assert f"held out accuracy: {mean:.4f} ± {spread:.4f} (mean ± sd of 4 folds)" in said
    assert len(re.findall(r"^fold +\d+ +accuracy", said, re.MULTILINE)) == 4
    for k in range(1, 5):
        predictor, _ = Predictor.load(tmp_path / f"out/fold{k}.safetensors")
        assert predictor.class_names == ("aster", "borage", "clover")


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize(
    ("words", "sizes"),
    [(["--hidden", "7,5"], [7, 5]), (["--hidden", "7", "--hidden", "5"], [7, 5]), (["--hidden", "none"], [])],
)
def test_hidden_layers(words: list[str], sizes: list[int], tmp_path: Path) -> None:
    path = flowers(tmp_path / "flowers.csv")
    assert main(["train", str(path), *words, "--epochs", "1", "--quiet", "--out", str(tmp_path / "out")]) == 0
    predictor, _ = Predictor.load(tmp_path / "out/model.safetensors")
    weights = [p.shape for name, p in predictor.model.named_parameters() if name.endswith("weight")]
    assert weights == [(b, a) for a, b in zip([2, *sizes], [*sizes, 3])]


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("optimizer", catalogue.OPTIMIZERS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_optimizer_in_both_precisions(optimizer: str, dtype: str, tmp_path: Path) -> None:
    line = [
        "train",
        str(flowers(tmp_path / "f.csv")),
        "--optimizer",
        optimizer,
        "--dtype",
        dtype,
        "--epochs",
        "25",
        "--lr",
        "0.01",
        "--weight-decay",
        "0.0001",
        "--quiet",
    ]
    assert main([*line, "--out", str(tmp_path / "out")]) == 0
    history = rows(tmp_path / "out/history.csv")
    assert float(history[-1]["train_loss"]) < float(history[0]["train_loss"])
    predictor, _ = Predictor.load(tmp_path / "out/model.safetensors")
    assert {p.dtype for p in predictor.model.parameters()} == {np.dtype(dtype)}


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("activation", catalogue.ACTIVATIONS)
def test_every_activation(activation: str, tmp_path: Path) -> None:
    line = ["train", str(flowers(tmp_path / "f.csv")), "--activation", activation, "--epochs", "10"]
    assert main([*line, "--quiet", "--out", str(tmp_path / "out")]) == 0
    history = rows(tmp_path / "out/history.csv")
    assert float(history[-1]["train_loss"]) < float(history[0]["train_loss"])


@pytest.mark.usefixtures("no_pictures")
def test_without_matplotlib_it_says_once_how_to_get_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = flowers(tmp_path / "flowers.csv")
    assert main(["train", str(path), "--epochs", "2", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr()
    assert said.err.count("pip install matplotlib") == 1
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"model.safetensors", "history.csv"}


def test_a_picture_that_the_rows_do_not_allow_is_left_out_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "rare.csv"
    table.write_text("x,y,kind\n0,0,rare\n" + "".join(f"{i},{-i},common\n" for i in range(1, 20)))
    out = tmp_path / "out"
    assert main(["train", str(table), "--epochs", "2", "--out", str(out)]) == 0
    assert re.search(r"no roc.png: 5 labels, of 1 class", capsys.readouterr().err)
    assert {path.name for path in out.iterdir()} >= {"model.safetensors", "loss.png", "boundary.png"}


def test_many_whole_numbers_are_quantities_with_a_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = houses(tmp_path / "houses.csv", digits=0), tmp_path / "out"
    line = ["train", str(path), "--epochs", "2", "--quiet", "--out", str(out)]
    assert main(line) == 0
    out_, said = capsys.readouterr()
    assert said == (
        "tinygrad-edu train: houses: the labels are whole numbers, 80 different ones in 80 rows, "
        "and taken for quantities (a regression); if they are classes say --task "
        "classification\n"
    )
    assert out_.split()[:2] == ["R²", "RMSE"]
    assert (out / "predicted.png").exists() and (out / "residuals.png").exists()


def test_what_is_called_classes_stays_classes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = houses(tmp_path / "houses.csv", digits=0), tmp_path / "out"
    line = ["train", str(path), "--epochs", "2", "--quiet", "--out", str(out)]
    assert main([*line, "--task", "classification"]) == 0
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"no {name}: 80 classes cannot be told apart in it, at most {most} can"
        for name, most in (("roc.png", 12), ("confusion.png", 20), ("boundary.png", 12))
    ]
    assert {path.name for path in out.iterdir()} == {"model.safetensors", "history.csv", "loss.png"}
    for task in ("classification", "regression"):  # who says it knows it
        assert main([*line, "--task", task]) == 0
        assert "quantities" not in capsys.readouterr().err


@pytest.mark.usefixtures("no_pictures")
@pytest.mark.parametrize("labels", [range(10), "abcdefghijklmnop"], ids=["digits", "letters"])
def test_classes_that_may_be_quantities_are_told(
    labels: Sequence[Any], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "many.csv"
    path.write_text("".join(f"{i % 7},{i % 11},{labels[i % len(labels)]}\n" for i in range(120)))
    assert main(["train", str(path), "--epochs", "1", "--quiet", "--out", str(tmp_path / "out")]) == 0
    said = capsys.readouterr().err
    assert (
        "10 different ones in 120 rows, and taken for classes; "
        "if they are quantities say --task regression" in said
    ) == (labels == range(10))


def test_divergence_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ["train", str(houses(tmp_path / "h.csv")), "--optimizer", "sgd", "--lr", "1e30", "--quiet"]
    with np.errstate(all="ignore"):
        assert main([*line, "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "lower the learning rate" in said and len(said.splitlines()) == 1


@pytest.mark.usefixtures("no_pictures")
def test_patience_stops_early(tmp_path: Path) -> None:
    line = ["train", str(flowers(tmp_path / "f.csv")), "--patience", "3", "--epochs", "2000", "--lr", "0.05"]
    assert main([*line, "--quiet", "--out", str(tmp_path / "out")]) == 0
    losses = [float(row["train_loss"]) for row in rows(tmp_path / "out/history.csv")]
    assert len(losses) < 2000
    assert min(losses[-4:]) > min(losses[:-4]) - 4 * 1e-4


def test_a_run_on_another_file_of_the_same_name_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder, make in (("a", flowers), ("b", houses)):
        Path(folder).mkdir()
        make(Path(folder, "rows.csv"))
    assert main(["train", "a/rows.csv", "--epochs", "1", "--quiet"]) == 0
    kept = {path: path.read_bytes() for path in Path("tinygrad-edu-out/rows").iterdir()}
    for words in ([], ["--folds", "3"], ["--resume"]):
        assert main(["train", "b/rows.csv", "--epochs", "1", "--quiet", *words]) == 2
        assert "another file that is called rows, as rows.csv is" in capsys.readouterr().err
    assert kept == {path: path.read_bytes() for path in Path("tinygrad-edu-out/rows").iterdir()}
    with Path("a/rows.csv").open("a") as file:
        file.write("7000,1,clover\n")
    assert main(["train", "./b/../a/rows.csv", "--epochs", "1", "--quiet"]) == 0  # more rows
    assert main(["train", "b/rows.csv", "--epochs", "1", "--quiet", "--out", "tinygrad-edu-out/rows"]) == 0


def test_nothing_of_a_replaced_run_stays_beside_the_new_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    for words in ([flowers(tmp_path / "a.csv")], [houses(tmp_path / "b.csv")]):
        assert main(["train", *map(str, words), "--epochs", "1", "--quiet", "--out", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {
        "model.safetensors",
        "history.csv",
        "loss.png",
        "predicted.png",
        "residuals.png",
    }
    for folds in "43":
        assert (
            main(
                [
                    "train",
                    str(tmp_path / "b.csv"),
                    "--epochs",
                    "1",
                    "--quiet",
                    "--out",
                    str(out),
                    "--folds",
                    folds,
                ]
            )
            == 0
        )
    assert sorted(path.name for path in out.glob("fold*")) == [
        "fold1.safetensors",
        "fold2.safetensors",
        "fold3.safetensors",
        "folds.csv",
    ]


def test_what_is_predicted_and_what_the_columns_became_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, rows_ = tmp_path / "mixed.csv", ["nr,city,sold,garden,area,price"]
    rows_ += [
        f"{i},{'Bonn' if i % 2 else 'Ulm'},{1 + i % 28:02d}.03.2021,{'yes' if i % 3 else 'no'},"
        f"{'' if i == 7 else 50 + i},{1000 * i + 0.5}"
        for i in range(40)
    ]
    path.write_text("\n".join(rows_) + "\n")
    line = ["train", str(path), "--encode", "--impute", "median", "--out", str(tmp_path / "out")]
    assert main([*line, "--epochs", "2"]) == 0
    out, said = capsys.readouterr()
    assert "predicted: price, the last column\n" in out
    assert "columns that are not numbers were taken as city: 2 words; sold: dates; garden: no/yes" in said
    assert "empty cells that are filled in: 1" in said
    assert "column 'nr' counts the rows; if it names them say --names" in said
    assert main([*line, "--resume", "--epochs", "1"]) == 0
    assert "it has had 2 epochs, and nothing is left to train" in capsys.readouterr().out
    assert main([*line, "--resume", "--epochs", "3"]) == 0
    assert "going on after epoch 2" in capsys.readouterr().out
    assert main(["train", str(path), "--test-fraction", "0.999", "--encode", "--impute", "0"]) == 2
    assert "leaves 0 to train on" in capsys.readouterr().err
