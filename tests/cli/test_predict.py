"""`tinygrad-edu predict`: the same numbers as in memory, columns found by name, labels optional."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import numpy as np
import pytest

from tests.cli.commands import flowers, houses
from tinygrad_edu import data
from tinygrad_edu.backend import philox
from tinygrad_edu.cli import main
from tinygrad_edu.training import Predictor


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model that knows flowers."""
    folder = tmp_path_factory.mktemp("trained")
    path = flowers(folder / "flowers.csv")
    assert main(["train", str(path), "--epochs", "60", "--quiet", "--out", str(folder / "model")]) == 0
    return folder


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def predicted(trained: Path, path: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, str]]:
    capsys.readouterr()
    assert main(["predict", str(trained / "model"), str(path)]) == 0
    return table(capsys.readouterr().out)


def test_classes_probabilities_and_score(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = flowers(tmp_path / "new.csv", seed=9)
    capsys.readouterr()
    assert main(["predict", str(trained / "model/model.safetensors"), str(path)]) == 0
    said = capsys.readouterr()
    assert "accuracy 1.0000, ROC AUC 1.0000 on 60 rows" in said.err
    rows, truth = table(said.out), data.read_csv(path)
    predictor, _ = Predictor.load(trained / "model/model.safetensors")
    expected = predictor(truth.features)
    for row, label, probabilities in zip(rows, truth.labels, expected, strict=True):
        assert row["class"] == truth.class_names[label]
        found = [float(row[f"p({name})"]) for name in ("aster", "borage", "clover")]
        np.testing.assert_allclose(found, probabilities, rtol=1e-3, atol=1e-6)
        assert sum(found) == pytest.approx(1.0, abs=1e-4)


def test_without_labels(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with_labels = predicted(trained, flowers(tmp_path / "a.csv", seed=5), capsys)
    without = predicted(trained, flowers(tmp_path / "b.csv", seed=5, label=False), capsys)
    assert with_labels == without and len(without) == 60


def test_columns_are_found_by_name(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = flowers(tmp_path / "a.csv", seed=5, label=False)
    straight = predicted(trained, path, capsys)
    cells = [line.split(",") for line in path.read_text().split()]
    path.write_text("\n".join(",".join(row[::-1]) for row in cells) + "\n")
    assert predicted(trained, path, capsys) == straight


def test_to_a_file(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = flowers(tmp_path / "a.csv", seed=5), tmp_path / "out.csv"
    straight = predicted(trained, path, capsys)
    assert main(["predict", str(trained / "model"), str(path), "-o", str(out)]) == 0
    assert table(out.read_text()) == straight
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".tmp"] == []


@pytest.mark.parametrize(("text", "said"), [
    ("length,width,depth,kind\n1,2,3,aster\n2,3,4,borage\n",
     "has a column 'depth', which the model was not trained on; leave it out, or say --names"),
    ("length,breadth,kind\n1,2,aster\n2,3,borage\n", "no column 'width'"),
    ("length,width,kind\n1,two,aster\n2,3,borage\n", "bad.csv:2, column 2 ('width')"),
])  # fmt: skip
def test_other_columns_are_refused(
    trained: Path, text: str, said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(text)
    assert main(["predict", str(trained / "model"), str(path)]) == 2
    found = capsys.readouterr().err
    assert said in found and len(found.splitlines()) == 1


def test_row_names_are_carried_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "tcga", "--epochs", "2", "--quiet", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["predict", str(tmp_path), "tcga"]) == 0
    rows = table(capsys.readouterr().out)
    assert [row["name"] for row in rows] == list(data.tcga().row_names)
    assert {row["class"] for row in rows} == {"LUAD", "LUSC"}


def test_a_generated_set_is_the_one_it_was_trained_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["train", "xor", "--epochs", "1", "--seed", "7", "--quiet", "--out", str(tmp_path)]) == 0
    capsys.readouterr()
    assert main(["predict", str(tmp_path), "xor"]) == 0
    first = table(capsys.readouterr().out)[0]
    predictor, _ = Predictor.load(tmp_path / "model.safetensors")
    orange = predictor(data.xor(seed=7).features[:1])[0, 1]
    assert float(first["p(orange)"]) == pytest.approx(orange, rel=1e-4)


def test_a_quantity(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = houses(tmp_path / "houses.csv")
    assert main(["train", str(path), "--epochs", "5", "--quiet", "--out", str(tmp_path / "out")]) == 0
    capsys.readouterr()
    assert main(["predict", str(tmp_path / "out"), str(path)]) == 0
    said = capsys.readouterr()
    predictor, _ = Predictor.load(tmp_path / "out/model.safetensors")
    expected = predictor(data.read_csv(path, dtype=np.float64).features)
    np.testing.assert_allclose([float(row["prediction"]) for row in table(said.out)], expected, rtol=1e-6)
    assert said.err.startswith("R² ")


def test_prediction_does_not_depend_on_the_other_rows_and_moves_no_generator(trained: Path) -> None:
    before = philox.default.state_dict()
    predictor, _ = Predictor.load(trained / "model/model.safetensors")
    features = data.read_csv(trained / "flowers.csv").features
    together = predictor(features)
    alone = np.concatenate([predictor(row[None]) for row in features])
    np.testing.assert_allclose(alone, together, rtol=1e-5, atol=1e-7)
    assert philox.default.state_dict() == before
    assert predictor(features[:0]).shape == (0, 3)


def test_a_comma_in_a_file_of_semicolons_is_asked_about(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Though the model learned from points: 5,000 may be five there."""
    rows = tmp_path / "rows.csv"
    rows.write_text("length;width\n5,000;0,125\n")
    assert main(["predict", str(trained / "model"), str(rows)]) == 0  # 0,125 proves the comma
    rows.write_text("length;width\n5,000;1,125\n")
    capsys.readouterr()
    assert main(["predict", str(trained / "model"), str(rows)]) == 2
    assert "'5,000' may mean 5000 or 5, and no other cell tells" in capsys.readouterr().err
    assert main(["predict", str(trained / "model"), str(rows), "--decimal", "."]) == 0


def test_rows_left_out_and_another_decimal_sign_are_told(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.csv"
    rows.write_text("length,width\n5000,0.5\n\n6000,0.5\n\n\n7000,1\n\n")
    assert main(["predict", str(trained / "model"), str(rows)]) == 0
    assert "rows.csv: lines 3, 5, 6 are empty and left out" in capsys.readouterr().err
    rows.write_text("length;width\n5000;0,5\n6000;0,25\n")
    assert main(["predict", str(trained / "model"), str(rows)]) == 0
    assert (
        "rows.csv: its numbers have decimal commas, those that the model learned from had points"
        in capsys.readouterr().err
    )
    rows.write_text("length,width\n5000,0.5\n6000,1\n")
    assert main(["predict", str(trained / "model"), str(rows)]) == 0
    assert capsys.readouterr().err == ""


def test_several_columns_may_name_the_rows(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = flowers(tmp_path / "flowers.csv").read_text().splitlines()
    named = [f"id,{lines[0]},who", *(f"{i},{line},person {i % 7}" for i, line in enumerate(lines[1:]))]
    path = tmp_path / "named.csv"
    path.write_text("\n".join(named) + "\n")
    line = ["train", str(path), "--label", "kind", "--names", "id", "--names", "who", "--quiet"]
    assert main([*line, "--epochs", "20", "--out", str(tmp_path / "model")]) == 0
    found = predicted(tmp_path, path, capsys)
    assert [(row["id"], row["who"]) for row in found] == [(str(i), f"person {i % 7}") for i in range(60)]
    assert Predictor.load(tmp_path / "model/model.safetensors")[0].feature_names == ("length", "width")
    assert main([*line, "--epochs", "22", "--out", str(tmp_path / "model"), "--resume"]) == 0
    path.write_text("\n".join(",".join(row.split(",")[:3]) for row in named) + "\n")  # one of them only
    assert [row["name"] for row in predicted(tmp_path, path, capsys)] == [str(i) for i in range(60)]
