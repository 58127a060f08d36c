"""What the lecture's scripts suggest to change is changed, in a copy: no crash, nothing untrue."""

from __future__ import annotations

import re
import sys
from types import SimpleNamespace

import pytest

from tests.examples.conftest import LECTURE, started
from tinygrad_edu.backend.cuda.device import nvcc

# fmt: off
CHANGES = [
    (1, {"W, B = NAND ": "W, B = np.array([1.0, 1.0]), -1.5 "},
     r"^AND: w = \(1, 1\), b = -1.5\n(.|\n)*-> 1,1,1,0\n(.|\n)*256 of 256 additions are right"),
    ("01b", {'"an odd number of ones": ([[0, 1], [1, 0]], {1})': '"an even one": ([[0, 1], [1, 0]], {0})'},
     r"^an even one: 2 states(.|\n)*agreement proved(.|\n)*the word 1011(.|\n)*output does not fire"),
    (2, {'"max(0, x)": te.relu': '"max(0, x)": te.relu, "silu": te.silu'}, r"ReLU,      silu"),
    (4, {"ETA, M, STARTS = 0.1, 4, (-2.0, 2.0)": "ETA, M, STARTS = 1.2, 4, (-2.0, 0.5, 2.0)"}, r"-> Depends"),
    (4, {"ETA, M, STARTS = 0.1, 4, (-2.0, 2.0)": "ETA, M, STARTS = 0.1, 4, (-2.0, -1.0)"}, r"-> Yes"),
    (5, {"TARGET = 1 ": "TARGET = -1 "},
     r"^loss when -1 is right(.|\n)*cross entropy (\d+\.\d{9})\d*, logistic loss at 0.7 \2"),
    (5, {"LOSSES = {": 'LOSSES = {\n    "huber": lambda x, y: te.huber(x, y, reduction="none"),'},
     r"huber +3.500000"),
    (6, {"EXAMPLES = (": "EXAMPLES = ([1000, 0], "}, r"softmax\(\[1000, 0\]\) = \[nan  0.\]"),
    (7, {"STEPS, ETA, MU = (-1.0, 1.0), 10, 0.6, 0.9": "STEPS, ETA, MU = (-1.0, 1.0), 50, 0.6, 0.99"},
     r"\n  50  "),
    (8, {"(0.7, MU, True)": "(0.68, MU, True)"}, r"Nesterov η=0.68: .* it diverges"),
    (10, {"SIZES = (2, 3, 2)": "SIZES = (2, 5, 5, 2)"}, r"layer 3\n"),
    (11, {"SIZES = LECTURE": "SIZES = (784, 100, 10)"}, r"in the model 79510\n(.|\n)*-> 330"),
    (12, {"10.0), 60": "1000.0), 600"}, r"1000 +0.0 +0.5"),
    (14, {"DEGREES, TRANSLATE = 12": "DEGREES, TRANSLATE = 180", "ROWS = (50, 100, 200)": "ROWS = (800,)"},
     r"\n 800 "),
    (15, {"THREADS = 200, 64": "THREADS = 200, 48"}, r"a block of 48 threads: 2 warps, 16 lanes idle"),
    (15, {"THREADS = 200, 64": "THREADS = 200, 100"}, r"2 blocks of 100 threads"),
    ("15b", {"NUMBERS = 4096": "NUMBERS = 400_000"}, r"measured here, 400000 numbers a call"),
    (16, {"BLOCK_SIZE = 1_000_000, 256": "BLOCK_SIZE = 1_000_000, 1000"},
     r" 0 without work(.|\n)*without the guard:\nno thread too many\n$"),
    (16, {"\nN, BLOCK_SIZE = 1_000_000": "\nN, BLOCK_SIZE = 2_000_000"},
     r"for 2000000 additions(.|\n)*24 MB moved: 505 GB/s and 29 GB/s"),         # the lecture's stay
    ("16b", {"    te.cuda.synchronize(device)\n    moments": "    moments"},
     r"lazy: put off until somebody waits"),
    ("16c", {"ETA, POINTS = 300, 0.05": "ETA, POINTS = 300, 1.0"}, r"by the same words: .* \d\.\de[+-]\d\d"),
    (18, {"(None, 0.01)}": "(1, 0.05)}"}, r"same bits: True(.|\n)*η = 0.01 +48 +0.\d\d +[1-5]\.\d "),
    (19, {"0.8, 4, 0.050": "0.8, 4, 0.2"}, r"0 backups: +[0-4]\.\d steps per second"),
    (20, {'0.1, "ring"': '0.1, "tree"'}, r"same bits on all workers: True"),
    (21, {"PARAMETERS = {}": 'PARAMETERS = {"max_iter": 300, "hidden_layer_sizes": (10,)}'},
     r"hidden_layer_sizes +\(10,\)\n(.|\n)*loss curves \d\.\de-\d\d|loss curves 0\.0e"),
    (21, {"PARAMETERS = {}": 'PARAMETERS = {"dropout": 0.5}'}, r"scikit-learn's own has no dropout"),
    (22, {'"default": {}':
          '"default": {}, "two": {"alpha": 3, "dropout": 0.5}, "plain": {"early_stopping": True}',
          "ALPHAS = (1e-4, 1e-2,": "ALPHAS = (1e-2,"},
     r"plain +0\.\d{4} "),
    (23, {"THRESHOLD, SPLITS = 7.5": "THRESHOLD, SPLITS = 7"}, r'Always saying "inactive" is right for 65%'),
    (24, {'"red": 0.1': '"red": 10'}, r"-> blue(.|\n)*-> red(.|\n)*the curves alone told both"),
]
# fmt: on
STOPPED = [
    (16, {"BLOCK_SIZE = 1_000_000, 256": "BLOCK_SIZE = 1_000_000, 1025"}, r"1025 threads; the limits are"),
    (16, {"        y[i] = ": "        y[i + 1] = "}, r"Data race on global memory \(read after write\)"),
]


@pytest.mark.parametrize(("number", "changes", "says"), CHANGES)
def test_a_suggested_change_is_answered(number, changes, says, changed):
    ended = changed(number, changes)
    assert ended.returncode == 0 and ended.stderr == "", ended.stderr
    assert re.search(says, ended.stdout), ended.stdout


@pytest.mark.parametrize(("number", "changes", "says"), STOPPED)
def test_a_kernel_that_cannot_run_says_why(number, changes, says, changed):
    ended = changed(number, changes)
    assert ended.returncode == 1 and "Traceback" not in ended.stderr
    assert ended.stderr.startswith("the kernel does not run:\n") and re.search(says, ended.stderr)


@pytest.mark.parametrize(
    ("device", "says"),
    [
        ("bogus", "TINYGRAD_EDU_DEVICE=bogus: no device 'bogus' here; there are: "),
        ("cpu", "TINYGRAD_EDU_DEVICE=cpu runs no CUDA; say simulator"),
        ("cuda:99", "TINYGRAD_EDU_DEVICE=cuda:99: no device "),
    ],
)
def test_a_device_that_is_not_there_is_not_replaced_by_another(device, says):
    for path in (LECTURE / "15_threads.py", LECTURE / "16_vector_add.py"):
        ended = started(path, "--smoke", device=device)
        assert (ended.returncode, ended.stdout) == (1, "") and ended.stderr.startswith(says)


@pytest.mark.parametrize("seed", ["-1", "4294967296", "one"])
def test_a_seed_is_one_that_numpy_takes(seed):
    ended = started(LECTURE / "01_perceptron.py", "--seed", seed)
    assert ended.returncode == 2 and f"--seed: {seed!r} is no whole number from 0 to" in ended.stderr


def test_pictures_go_to_a_folder(tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "folder"):
        ended = started(LECTURE / "01_perceptron.py", "--out", str(out))
        assert ended.returncode == 2 and f"{tmp_path / 'file'} is a file; name a folder" in ended.stderr


def test_kernels_are_compiled_by_whichever_nvcc_the_library_finds(lesson, monkeypatch):
    compiler = SimpleNamespace(SourceModule=lambda source, nvcc: (source, nvcc))
    monkeypatch.setitem(sys.modules, "pycuda", SimpleNamespace(compiler=compiler))
    monkeypatch.setitem(sys.modules, "pycuda.compiler", compiler)
    monkeypatch.setattr(nvcc, "find", lambda: "/from/pypi/nvcc")
    assert lesson(16).source_module("text") == ("text", "/from/pypi/nvcc")
