"""The command that walks a ladder: it validates, counts and writes; and a wrong rung does not pass."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.kernels.harness import planted
from tinygrad_edu.backend.cuda import families, ladder
from tinygrad_edu.backend.cuda.families import using

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _simulated(device):
    if device.name != "simulator":
        pytest.skip("counts come from the simulator; on a GPU the ladders are timed by `make gpu`")


@pytest.mark.parametrize("family", [f for f in families.LADDERS if families.cases(f)])
def test_every_rung_passes_its_case(device, family):
    case = families.cases(family)["count"]
    arrays = case.arrays()
    for rung in families.ladder(family).rungs:
        with using(family, rung.name):
            ladder.validate(device, case, arrays, ladder._tolerance(rung.name, case))


def test_a_wrong_rung_does_not_pass(device):
    case = families.cases("reduce")["count"]
    with (
        planted(
            "reduce",
            "01_thread_per_row",
            "row_offset(row, layout), 0, n, 1",
            "row_offset(row, layout), 1, n, 1",
        ),
        pytest.raises(ArithmeticError, match="is allowed"),
    ):
        ladder.validate(device, case, case.arrays(), case.tolerance)


def test_the_command_prints_a_table_and_writes_it(device, tmp_path, monkeypatch, capsys):
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- counts:copy -->\nold\n<!-- /counts:copy -->\nafter\n")
    monkeypatch.setattr(ladder, "README", readme)
    monkeypatch.setattr(ladder, "ROOT", tmp_path)
    assert ladder.main(["copy", "--write"]) == 0
    said = capsys.readouterr()
    assert "| 02_tile | 4,096 | 4.0 | 1.00 | 4,096 | 16.50 | 63,488 |" in said.out
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n")
    assert "| 03_padded_tile | 4,096 | 4.0 | 1.00 | 4,096 | 1.00 | 0 |" in text and "old" not in text
    assert "has no place" in said.err  # docs/kernels/copy.md is not there


def test_the_counts_say_what_the_headers_promise(device):
    """Tiles make a transposition whole; padding takes the conflicts away."""
    counted = ladder.count(device, families.ladder("copy"), families.cases("copy")["count"])
    moved = {name: float(row[2]) for name, row in counted.items()}
    assert moved["01_strided"] > 4 and moved["02_tile"] == moved["03_padded_tile"] == 1
    assert counted["02_tile"][5] != "0" and counted["03_padded_tile"][5] == "0"


@pytest.mark.parametrize("kernels", [1, 2])
def test_the_products_of_tensor_cores_are_counted(device, kernels):
    """Of whole tiles 2 m n k FLOP, and nothing for the rounding to TF32; twice as much for twice the work."""
    case = families.cases("matmul")["count"]
    arrays = tuple(device.asarray(a) for a in case.arrays())
    before = ladder._tensor_flops()
    with using("matmul", "09_tensor_cores"), ladder.driver.profiled() as profile:
        for _ in range(kernels):
            case.run(device, *arrays)
        device.synchronize()
    assert ladder._tensor_flops() - before == kernels * case.flops == kernels * 2 * 128**3
    assert ladder._rounding_flops(profile) == profile.total.flops > 0
    with using("matmul", "01_naive"), ladder.driver.profiled() as profile:
        case.run(device, *arrays)
        device.synchronize()
    assert ladder._tensor_flops() - before == kernels * case.flops and ladder._rounding_flops(profile) == 0


def test_the_table_says_what_tensor_cores_do_for_a_byte():
    for path in (ladder.README, ladder.ROOT / "docs" / "kernels" / "matmul.md"):
        row = re.search(r"^\| 09_tensor_cores \|(.*)\|$", path.read_text(), re.M)
        flop_a_byte = float(row[1].split("|")[-2])
        assert flop_a_byte == round(2 * 128**3 / (3 * 128**2 * 4), 2) == 21.33


def test_unknown_names_say_which_there_are():
    with pytest.raises(KeyError, match="there are elementwise, copy"):
        families.ladder("nonsense")
    with pytest.raises(KeyError, match="01_naive"), using("matmul", "nonsense"):
        pass


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nope"], "no family of kernels nope; there are elementwise"),
        (["fold", "--device", "gpu"], "no kernels run on 'gpu'"),
        (["random", "--device", "cpu"], "no kernels run on 'cpu'"),
        (["fold", "--device", "cuda"], "one CUDA driver"),
        (["fold", "--device", "simulator:x"], "no device 'simulator:x'"),
    ],
)
def test_what_cannot_be_walked_is_said_in_a_line(arguments, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        ladder.main(arguments)
    assert stopped.value.code == 2
    assert said in capsys.readouterr().err.splitlines()[-1]


@pytest.mark.parametrize(
    ("tool", "arguments", "said"),
    [
        ("kernels.py", ["nope"], "no family of kernels nope"),
        ("kernels.py", ["fold", "--architectures", "abc"], "no architecture abc; there are 75"),
        ("gpu.py", ["agreement", "--device", "gpu"], "no device 'gpu'"),
    ],
)
def test_tools_refuse_names_that_there_are_not(tool, arguments, said):
    done = subprocess.run(
        [sys.executable, f"tools/{tool}", *arguments], cwd=ROOT, text=True, capture_output=True, check=False
    )
    assert done.returncode == 2
    assert said in done.stderr.splitlines()[-1]
