"""docs/torch.md, and the reasons that it gives."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import tinygrad_edu.torch as torch
from tests.torch.elsewhere import ELSEWHERE, NOTHING, names
from tests.torch.test_recipes import RECIPES
from tinygrad_edu.torch.core.absent import reason_of
from tinygrad_edu.torch.core.differences import DIFFERENCES
from tinygrad_edu.torch.running.reading import pytorch_names, why_missing

ROOT = Path(__file__).resolve().parents[2]
GENERAL = reason_of("torch.no_such_word")


def test_the_committed_page_is_what_the_face_says() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools/torch_page.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.oracle
def test_the_names_are_those_of_the_installed_pytorch() -> None:
    done = subprocess.run([sys.executable, "tools/pytorch_words.py", "--check"], cwd=ROOT, check=False)
    assert done.returncode == 0, "the names of PyTorch have changed: python tools/pytorch_words.py"


def test_every_word_that_is_not_there_has_a_reason_of_its_own() -> None:
    without = []
    for module, several in pytorch_names().items():
        start = "Tensor" if module == "torch.Tensor" else module
        without += [f"{start}.{name}" for name in several if why_missing(f"{start}.{name}") == GENERAL]
    assert without == []


def test_every_difference_says_what_differs() -> None:
    assert all(len(why.split()) > 3 for why in DIFFERENCES.values())


def test_a_misspelt_word_is_told_from_a_missing_one() -> None:
    assert GENERAL != reason_of("torch.fft.fft") != ""


def test_every_name_of_the_face_is_held_against_pytorch_or_tested_elsewhere() -> None:
    rows, nothing = names(ELSEWHERE), names(NOTHING)
    without = [
        word for word in words_here() if word not in RECIPES and word not in rows and word not in nothing
    ]
    assert without == [], "give them a recipe, or a row in tests/torch/elsewhere.py"


def test_what_is_tested_elsewhere_is_called_there() -> None:
    for word, file in names(ELSEWHERE).items():
        last = word.rpartition(".")[2]
        assert re.search(rf"\b{last}\b", (ROOT / file).read_text()), f"{word} is not in {file}"


def test_no_row_is_of_a_name_that_is_not_there() -> None:
    here = set(words_here())
    assert [word for word in (*names(ELSEWHERE), *names(NOTHING)) if word not in here] == []


def words_here() -> list[str]:
    """The names of PyTorch that the face has."""
    found = []
    for module, several in pytorch_names().items():
        start = "Tensor" if module == "torch.Tensor" else module
        if module == "torch.nn.Module":
            found += [f"{start}.{name}" for name in several if hasattr(torch.nn.Module, name)]
        else:
            found += [f"{start}.{name}" for name in several if not why_missing(f"{start}.{name}")]
    return found
