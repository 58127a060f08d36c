"""`tinygrad-edu torch`: programs that import torch, run unmodified; words that are missing, with lines."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tinygrad_edu.torch.running import reading

REGRESSION = """
import sys
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch import optim
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
x = torch.linspace(-1, 1, 64).unsqueeze(1)
y = 2 * x + 0.5
model = nn.Sequential(nn.Linear(1, 8), nn.ReLU(), nn.Linear(8, 1))
optimizer = optim.Adam(model.parameters(), lr=0.05)
for epoch in range(60):
    for a, b in DataLoader(TensorDataset(x, y), batch_size=16, shuffle=True):
        optimizer.zero_grad()
        loss = F.mse_loss(model(a), b)
        loss.backward()
        optimizer.step()
print(sys.argv[1:], torch.__name__, loss.item() < 0.01)
"""


def run(
    tmp_path: Path, text: str, *options: str, arguments: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    """A program in a folder of its own, run by the command."""
    script = tmp_path / "program.py"
    script.write_text(text, encoding="utf-8")
    return subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", "torch", *options, str(script), *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )


def test_a_program_runs_unmodified_with_its_arguments(tmp_path: Path) -> None:
    done = run(tmp_path, REGRESSION, arguments=("--epochs", "3"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "['--epochs', '3'] tinygrad_edu.torch True"


def test_a_missing_word_is_an_error_with_the_programs_own_line(tmp_path: Path) -> None:
    done = run(tmp_path, "import torch\nx = torch.ones(3)\n\nprint(torch.fft.fft(x))\n")
    assert done.returncode == 1
    assert 'program.py", line 4' in done.stderr
    assert "there are no complex numbers here" in done.stderr
    assert "runpy" not in done.stderr and "cli/script.py" not in done.stderr


def test_the_programs_own_exit_code_and_exception_are_pythons(tmp_path: Path) -> None:
    assert run(tmp_path, "import torch, sys\nsys.exit(7)\n").returncode == 7
    done = run(tmp_path, "def f():\n    raise KeyError('x')\nf()\n")
    assert done.returncode == 1 and done.stderr.startswith("Traceback") and "KeyError: 'x'" in done.stderr


def test_modules_beside_the_program_import_the_face_too(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text("import torch.nn as nn\n\nclass Net(nn.Linear):\n    pass\n")
    done = run(
        tmp_path, "from net import Net\nimport torch\nprint(tuple(Net(2, 3)(torch.ones(1, 2)).shape))\n"
    )
    assert done.stdout.strip() == "(1, 3)", done.stderr


def test_check_only_runs_nothing_and_lists_every_missing_word_with_its_line(tmp_path: Path) -> None:
    text = """
from torch import fft as transform, nn
import torch as t
raise SystemExit("it was run")
x = t.ones(2)
y = t.sparse.mm(x, x)
z = x.bernoulli_().coalesce()
t.nn.functional.relu(x); nn.Linear
"""
    done = run(tmp_path, text, "--check-only")
    assert done.returncode == 1
    lines = [line.split(": ")[:2] for line in done.stdout.splitlines()]
    assert [(Path(place).name, word) for place, word in lines] == [
        ("program.py:2", "torch.fft"),
        ("program.py:6", "torch.sparse.mm"),
        ("program.py:7", "Tensor.coalesce"),
    ]
    assert "it was run" not in done.stdout + done.stderr


def test_check_only_says_that_all_words_are_here(tmp_path: Path) -> None:
    done = run(tmp_path, REGRESSION, "--check-only")
    assert done.returncode == 0 and done.stdout.startswith("all ") and done.stdout.endswith("are here\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import torch.nn.functional as F\nF.relu", ["torch.nn.functional", "torch.nn.functional.relu"]),
        ("from torch.nn import Linear as L\nL(2, 3)", ["torch.nn.Linear"]),
        ("import torch\ntorch.cuda.is_available()", ["torch", "torch.cuda.is_available"]),
        ("import numpy\nnumpy.array([1]).reshape(1)", []),
        ("x.requires_grad_()", ["Tensor.requires_grad_"]),
        ("'a'.split(); [].index(1); {}.values()", []),
    ],
)
def test_words_are_found_however_a_program_spells_them(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "a.py").write_text(text)
    assert reading.read(tmp_path / "a.py").words == words


def test_nothing_of_the_face_is_imported_with_the_library() -> None:
    code = "import sys, tinygrad_edu; print([m for m in sys.modules if m.startswith('tinygrad_edu.torch')])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "[]"


def test_a_program_without_a_file_is_refused(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", "torch", str(tmp_path / "none.py")],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2 and "no such script" in done.stderr
