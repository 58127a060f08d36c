"""`tinygrad-edu simulate` and `tinygrad-edu simulator`, as a user types them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.commands import environment
from tinygrad_edu.cli import main

HEAD = """import sys
import numpy as np
import pycuda.autoinit
import pycuda.driver as cuda
from pycuda import gpuarray
from pycuda.compiler import SourceModule
"""
TWICE = (
    HEAD
    + '''
module = SourceModule("""
__global__ void twice(float *x, int n)
{
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) x[i] *= 2;
}
""")
x = gpuarray.to_gpu(np.arange(6, dtype=np.float32))
module.get_function("twice")(x, np.int32(LENGTH), block=(4, 1, 1), grid=(2, 1))  # launched here
print(__name__, *sys.argv[1:], *x.get())
'''
)


@pytest.fixture
def tinygrad(tmp_path, simulator):
    """A function that runs the command in a folder of its own."""

    def tinygrad(*words: str, **files: str) -> subprocess.CompletedProcess[str]:
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        return subprocess.run(
            [sys.executable, "-m", "tinygrad_edu", *words],
            cwd=tmp_path,
            env=environment(),
            text=True,
            capture_output=True,
            stdin=subprocess.DEVNULL,
        )

    return tinygrad


def test_a_script_runs_unchanged_with_its_own_arguments(tinygrad):
    done = tinygrad("simulate", "train.py", "--epochs", "3", "--check", train=TWICE.replace("LENGTH", "6"))
    assert done.stdout == "__main__ --epochs 3 --check 0.0 2.0 4.0 6.0 8.0 10.0\n" and done.stderr == ""
    assert done.returncode == 0


def test_check_says_that_nothing_was_found(tinygrad):
    done = tinygrad("simulate", "--check", "train.py", train=TWICE.replace("LENGTH", "6"))
    assert done.returncode == 0 and done.stdout.endswith("8.0 10.0\n")
    assert done.stderr == "tinygrad-edu simulate --check: no errors found in 1 launch\n"


def test_check_shows_the_launch_and_the_report_and_no_traceback(tinygrad):
    done = tinygrad("simulate", "--check", "train.py", train=TWICE.replace("LENGTH", "7"))
    assert done.returncode == 1 and done.stdout == ""
    first, rest = done.stderr.split("\n", 1)
    assert first.startswith('train.py:16: module.get_function("twice")(x, np.int32(7)')
    assert "Traceback" not in rest
    assert "twice" in rest and "(2, 0, 0)" in rest and "if (i < n) x[i] *= 2;" in rest
    assert "train.py:15" in rest, "the report names the line of Python that allocated the array"


def test_check_lists_what_was_never_freed(tinygrad):
    leak = HEAD + "sys.kept = []\n\nsys.kept.append(cuda.mem_alloc(24))\nfreed = cuda.mem_alloc(8)\n"
    done = tinygrad("simulate", "--check", "leak.py", leak=leak)
    assert done.returncode == 1
    assert "1 allocation is still held, 24 bytes" in done.stderr and "leak.py:9" in done.stderr
    assert tinygrad("simulate", "leak.py").returncode == 0


def test_a_kernel_that_does_not_compile_shows_what_the_compiler_said(tinygrad):
    done = tinygrad("simulate", "train.py", train=TWICE.replace("x[i] *= 2", "y[i] *= 2"))
    assert done.returncode == 1 and done.stderr.startswith("train.py:8: module = SourceModule(")
    assert "error: " in done.stderr and "y" in done.stderr and "Traceback" not in done.stderr


def test_other_errors_are_python_s_own_without_our_frames(tinygrad):
    done = tinygrad(
        "simulate", "fails.py", fails="import helper\nhelper.fail()\n", helper="def fail():\n    1 / 0\n"
    )
    assert done.returncode == 1 and done.stderr.startswith("Traceback (most recent call last):\n  File ")
    assert done.stderr.count("  File ") == 2 and "runpy" not in done.stderr
    assert done.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize(
    ("statement", "code", "said"),
    [("sys.exit(7)", 7, ""), ("sys.exit()", 0, ""), ("sys.exit('no data')", 1, "no data\n")],
)
def test_the_script_s_exit_code_is_that_of_the_command(tinygrad, statement, code, said):
    done = tinygrad("simulate", "ends.py", ends=f"import sys\n{statement}\n")
    assert (done.returncode, done.stderr) == (code, said)


def test_a_module(tinygrad):
    done = tinygrad("simulate", "-m", "train", "--fast", train=TWICE.replace("LENGTH", "6"))
    assert done.stdout == "__main__ --fast 0.0 2.0 4.0 6.0 8.0 10.0\n"
    done = tinygrad("simulate", "-m", "trian")
    assert done.returncode == 2 and "no module 'trian', looked for in" in done.stderr


def test_schedule_and_deferred_reach_the_driver(tinygrad):
    show = "from tinygrad_edu.simulator.control import get_value as g\nprint(g('order'), g('deferred'))\n"
    assert tinygrad("simulate", "show.py", show=show).stdout == "forward 0\n"
    done = tinygrad("simulate", "--schedule", "random", "--seed", "7", "--deferred", "show.py")
    assert done.stdout == "random:7 1\n"


def test_an_error_in_work_that_nobody_waited_for_is_not_lost(tinygrad):
    script = (
        HEAD + 'module = SourceModule("__global__ void trap() { *(int *)8 = 1; }")\n'
        "stream = cuda.Stream()\nmodule.get_function('trap')(block=(1, 1, 1), stream=stream)\n"
        "print('launched')\n"
    )
    done = tinygrad("simulate", "--deferred", "late.py", late=script)
    assert done.stdout == "launched\n" and done.returncode == 1
    assert "when the script had ended:" in done.stderr


def test_profile_prints_and_writes_a_page(tinygrad, tmp_path):
    done = tinygrad(
        "simulate", "--profile", "--html", "page.html", "train.py", train=TWICE.replace("LENGTH", "6")
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "page.html").read_text()
    assert "twice" in done.stdout and page.lstrip().lower().startswith("<!doctype")


@pytest.mark.parametrize(("words", "message"), [
    ([], "name a script"), (["absent.py"], "absent.py: no such script"),
    (["--html", "x.html", "a.py"], "add --profile"), (["--check", "--profile", "a.py"], "once with each"),
    (["--seed", "1", "a.py"], "has no seed")])  # fmt: skip
def test_bad_words_are_told_in_one_line(words, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["tinygrad-edu"])
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    Path("a.py").touch()
    assert main(["simulate", *words]) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_setup_is_quick_when_all_is_there(tinygrad):
    done = tinygrad("simulator", "setup")
    assert done.returncode == 0, done.stderr
    assert "Compiling" not in done.stdout and done.stdout.splitlines()[-1].startswith("PyCUDA 20")


def test_build_and_info_say_where_things_are(tinygrad):
    built = tinygrad("simulator", "build")
    assert built.returncode == 0 and built.stderr == "" and Path(built.stdout.strip()).is_file()
    said = tinygrad("simulator", "info").stdout
    assert built.stdout.strip() in said and "not built" not in said
    assert "g++" in said and "PyCUDA    20" in said


def test_without_a_compiler_it_says_what_to_install(tinygrad, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "tinygrad_edu", "simulator", "build"],
        text=True,
        capture_output=True,
        cwd=tmp_path,
        env=environment() | {"PATH": str(tmp_path)},
    )
    assert done.returncode == 2 and "g++" in done.stderr and "apt" in done.stderr
