"""Bad input: exit code 2 and one line that says what to change; a fault of ours keeps its traceback."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.cli.commands import flowers
from tinygrad_edu import catalogue
from tinygrad_edu.cli import arguments, main
from tinygrad_edu.cli import train as train_command
from tinygrad_edu.nn import Linear, save_checkpoint


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    flowers(tmp_path / "flowers.csv")
    return tmp_path


FILES = {
    "empty.csv": "",
    "gap.csv": "a,b,kind\n1,2,x\n3,,y\n5,6,x\n7,8,y\n",
    "word.csv": "a,b,kind\n1,2,x\n3,4,y\n5,six,x\n7,8,y\n",
    "ragged.csv": "a,b,kind\n1,2,x\n3,4\n",
    "infinite.csv": "a,b,kind\n1,2,x\n3,inf,y\n",
    "one.csv": "a,b,kind\n1,2,x\n3,4,x\n5,6,x\n7,8,x\n",
    "few.csv": "a,b,kind\n1,2,x\n3,4,y\n",
    "bits.fp": "m1 1 0 1 1\nm2 0 0 2 1\n",
    "named.csv": "who,a,kind\nann,1,x\nbob,2,y\n",
    "grades.csv": "a,grade\n1,2.5\n3,good\n",
    "column.csv": "1\n2\n3\n",
    "head.csv": "a,b,kind\n",
    "junk.safetensors": "not a checkpoint",
}


@pytest.mark.parametrize(("words", "said"), [
    (["train", "nothing"], f"there are {', '.join(catalogue.DATA_SETS)}, or give a file"),
    (["train", "nothing.csv"], "nothing.csv: no such file"),
    (["train", "."], "is a folder"),
    (["train", "empty.csv"], "empty.csv: the file is empty"),
    (["train", "gap.csv"], "gap.csv:3, column 2 ('b'): the value is missing"),
    (["train", "word.csv"], "word.csv:4, column 2 ('b'): 'six' is not a number"),
    (["train", "ragged.csv"], "ragged.csv:3: 2 cells, but line 1 has 3"),
    (["train", "infinite.csv"], "infinite.csv:3, column 2 ('b'): the value is infinite"),
    (["train", "one.csv"], "all rows have the label 'x'"),
    (["train", "few.csv"], "2 rows are too few"),
    (["train", "bits.fp"], "bits.fp:2, column 4: '2' is not made of 0 and 1"),
    (["train", "bits.fp", "--label", "2"], "--label and --names are for CSV files"),
    (["train", "flowers.csv", "--label", "colour"], "no column is called 'colour'"),
    (["train", "flowers.csv", "--label", "colour"], "give another name or a number to --label"),
    (["train", "named.csv"], "'ann' is not a number; correct it, or encode the column as numbers, "
                             "or name its column by --label or --names"),
    (["train", "grades.csv"], "say --task classification if these are names"),
    (["train", "column.csv"], "there is only one column, "),
    (["train", "column.csv"], "cuts the lines into cells; separate them by commas"),
    (["train", "flowers.csv", "--names", "0", "--names", "1"], "no column is left for features"),
    (["train", "head.csv"], "nothing below the header; write a line for each example"),
    (["train", "spiral", "--label", "x"], "spiral knows its labels"),
    (["train", "spiral", "--lr", "-1"], "lr must be positive, not -1"),
    (["train", "spiral", "--lr", "nan"], "lr must be positive, not nan"),
    (["train", "spiral", "--dropout", "1.5"], "dropout must lie in [0, 1), not 1.5"),
    (["train", "spiral", "--seed", "-3"], "seed must lie in [0, 2**64), not -3"),
    (["train", "spiral", "--weight-decay", "-1"], "--weight-decay must be 0 or more"),
    (["train", "spiral", "--test-fraction", "0"], "--test-fraction must lie in (0, 1), not 0"),
    (["train", "spiral", "--test-fraction", "1"], "--test-fraction must lie in (0, 1), not 1"),
    (["train", "flowers.csv", "--folds", "61"], "61 folds of 60 rows"),
    (["train", "flowers.csv", "--folds", "1"], "pass between 2"),
    (["train", "spiral", "--resume"], "no checkpoint at"),
    (["train", "spiral", "--out", "flowers.csv"], "flowers.csv"),
    (["predict", "nothing.safetensors", "spiral"], "no checkpoint at nothing.safetensors"),
    (["predict", "junk.safetensors", "spiral"], "junk.safetensors is damaged"),
    (["predict", "foreign.safetensors", "spiral"], "not of `tinygrad-edu train`"),
    (["gradcheck", "nonsense"], "is not MODULE:FUNCTION"),
    (["gradcheck", "no_such_module:f"], "no module 'no_such_module'"),
    (["gradcheck", "nothing.py:f"], "no file nothing.py"),
    (["gradcheck", "math:nothing"], "math has no 'nothing'; it has"),
    (["gradcheck", "math:pi"], "math:pi is float, not a function"),
])  # fmt: skip
def test_one_line_and_exit_code_2(
    words: list[str], said: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, text in FILES.items():
        (folder / name).write_text(text)
    save_checkpoint(folder / "foreign.safetensors", model=Linear(2, 2), extra={"epoch": 1})
    assert main(words) == 2
    found = capsys.readouterr()
    assert said in found.err
    assert not re.search(r"\b(label|names|task|header|delimiter|dtype)=", found.err)
    assert len(found.err.splitlines()) == 1 and found.err.startswith(f"tinygrad-edu {words[0]}: ")


@pytest.mark.parametrize("words", [
    [], ["nothing"], ["train"], ["train", "spiral", "--epochs", "0"], ["train", "spiral", "--hidden", "0"],
    ["train", "spiral", "--hidden", "ten"], ["train", "spiral", "--activation", "cosh"],
    ["gradcheck", "m:f", "--shape", "3,x"], ["gradcheck", "m:f", "--order", "0"],
])  # fmt: skip
def test_a_bad_line_shows_the_usage(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(words) == 2
    found = capsys.readouterr().err
    assert found.startswith("usage: tinygrad-edu") and "error: " in found


def test_help_and_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("tinygrad_edu ")
    for words in ([], ["train"], ["predict"], ["gradcheck"], ["graph"], ["info"]):
        assert main([*words, "--help"]) == 0
        assert "usage: tinygrad-edu" in capsys.readouterr().out


def test_a_fault_of_the_program_keeps_its_traceback(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(train_command, "described", broken)
    with pytest.raises(RuntimeError, match="ours"):
        main(["train", "flowers.csv"])


def test_a_missing_package_is_named_with_its_remedy(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tinygrad_edu.data.real.find_spec", lambda name: None)
    assert main(["train", "digits"]) == 2
    assert "pip install scikit-learn" in capsys.readouterr().err


def test_every_number_of_hidden_units_reads_back() -> None:
    for sizes in ((1,), (3, 2), (10, 20, 30)):
        text = ",".join(map(str, sizes))
        assert arguments.parser().parse_args(["train", "xor", "--hidden", text]).hidden == [sizes]
    assert np.prod(arguments.parser().parse_args(["graph", "m:f", "--shape", "3,4"]).shape[0]) == 12
