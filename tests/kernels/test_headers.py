"""What every kernel file promises: its header, its name, its symbols; and that no kernel hides in Python."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tinygrad_edu.backend.cuda.device import compile as compiler
from tinygrad_edu.backend.cuda.families import LADDERS

KERNELS = compiler.kernels_folder()
PACKAGE = Path(compiler.__file__).resolve().parents[3]
RUNGS = sorted(p.relative_to(KERNELS).as_posix() for p in KERNELS.glob("*/*.cu"))
LABELS = ["Idea", "Contract", "Launch", "Cost", "Next"]


@pytest.mark.parametrize("path", RUNGS)
def test_a_rung_begins_with_its_five_labels(path):
    header = []
    for line in (KERNELS / path).read_text().splitlines():
        if not line.startswith("//"):
            break
        header.append(line)
    labels = [m[1] for line in header if (m := re.match(r"// (\w+): +\S", line))]
    assert labels == LABELS
    assert all(re.match(r"// (\w+: |          )", line) for line in header), "continued lines are indented"


@pytest.mark.parametrize("family", sorted(LADDERS))
def test_rungs_are_numbered_without_gaps_and_in_the_table(family):
    files = [p.stem for p in sorted((KERNELS / family).glob("*.cu"))]
    assert [int(name[:2]) for name in files] == list(range(1, len(files) + 1))
    assert all(re.fullmatch(r"\d\d(_[a-z]+)+", name) for name in files)
    assert sorted({rung.source for rung in LADDERS[family].rungs}) == files
    LADDERS[family].rung(LADDERS[family].default)


def test_every_folder_is_a_ladder():
    assert sorted(p.name for p in KERNELS.iterdir() if p.is_dir() and p.name != "__pycache__") == sorted(
        LADDERS
    )


def signatures(path):
    """The kernels that a file exports, with their parameters; headers read in, macros as they stand."""
    text = (KERNELS / path).read_text()
    for _ in range(6):
        text = re.sub(r'#include "([\w/]+\.cuh)"', lambda m: (KERNELS / m[1]).read_text(), text)
    text = re.sub(r"//.*", "", text).replace("\\\n", " ")
    found = re.findall(
        r'extern "C" __global__ void\s*(?:__launch_bounds__\((?:[^()]|\([^()]*\))*\))?\s*'
        r"([\w#]+)\((.*?)\)\s*\{",
        text,
        re.DOTALL,
    )
    return {name: re.sub(r"\s+", " ", parameters) for name, parameters in found}


@pytest.mark.parametrize("family", sorted(LADDERS))
def test_all_rungs_of_a_family_export_the_same_symbols_with_the_same_parameters(family):
    files = [p.relative_to(KERNELS).as_posix() for p in sorted((KERNELS / family).glob("*.cu"))]
    first = signatures(files[0])
    assert first
    for path in files[1:]:
        assert signatures(path) == first, path


def test_no_kernel_text_in_python():
    for path in (PACKAGE / "backend").rglob("*.py"):
        assert "__global__" not in path.read_text(), path


PUNISHED = {
    r"\bvolatile\b": "lanes do not run in step",
    r"\batomic(Add|Sub|Exch|Max|Min)\b": "its order is another one on every run",
    r"__activemask": "says who happens to be here, not who should be",
    r"__(shfl|shfl_up|shfl_down|shfl_xor|ballot|any|all)\(": "without _sync it is gone since Volta",
    r"\basm\b": "not CUDA C, and the simulator does not read it",
    r"\b(unsigned )?(int|long) \w+ = (\(int\))?(blockIdx|gridDim)\.\w+ \* block": "wraps past 2^31 elements",
}


FILES = sorted(p.relative_to(KERNELS).as_posix() for p in KERNELS.rglob("*.cu*"))


@pytest.mark.parametrize("path", FILES)
def test_what_the_hardware_punishes_is_not_written(path):
    code = re.sub(r"//.*", "", (KERNELS / path).read_text())
    found = {pattern: why for pattern, why in PUNISHED.items() if re.search(pattern, code)}
    assert not found


def test_the_table_of_traps_names_what_is_there():
    root = Path(__file__).resolve().parents[2]
    table = (root / "docs" / "design" / "0004-the-backend-of-a-gpu.md").read_text().split("## Known traps")[1]
    tests = "".join(path.read_text() for path in (root / "tests").rglob("*.py"))
    for name in re.findall(r"`(test_\w+)`", table):
        assert f"def {name}(" in tests, name
    for path in re.findall(r"`((?:tests|kernels|benchmarks|backend)/[\w/.]+)`", table):
        assert (root / path).exists() or (root / "tinygrad_edu" / path).exists(), path
