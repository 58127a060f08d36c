"""docs/torch.md, and the reasons that it gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

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


def test_every_word_that_is_not_there_has_a_reason_of_its_own() -> None:
    without = []
    for module, names in pytorch_names().items():
        start = "Tensor" if module == "torch.Tensor" else module
        without += [f"{start}.{name}" for name in names if why_missing(f"{start}.{name}") == GENERAL]
    assert without == []


def test_every_difference_says_what_differs() -> None:
    assert all(len(why.split()) > 3 for why in DIFFERENCES.values())


def test_a_misspelt_word_is_told_from_a_missing_one() -> None:
    assert GENERAL != reason_of("torch.fft.fft") != ""
