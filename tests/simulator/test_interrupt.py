"""Ctrl-C: during a launch, while a kernel is compiled, twice; and what can be done afterwards."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.cli.commands import ROOT, environment
from tests.simulator import compiled
from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.nvcc import shim

KERNELS = """
__global__ void endless(volatile int *x) { while (x[0] == 0) x[1]++; }
__global__ void at_barriers(int *x) { while (x[0] == 0) { __syncthreads(); } }
__global__ void in_the_driver(int *x) { while (x[0] == 0) { int *p = (int *)malloc(64); free(p); } }
__global__ void in_long_calls(int *x) {
    if (threadIdx.x != 0) return;
    void *p = malloc(32 << 20);
    for (long long t = clock64(); clock64() - t < 30000000000LL;) memset(p, 0, 32 << 20);
    free(p);
    x[32] = 1;      // it was not stopped
}
__global__ void printing(int *x) { while (x[0] == 0) printf("."); }
__global__ void count(int *x) { x[threadIdx.x] = threadIdx.x; }
"""
SCRIPT = f'''
import numpy as np, pycuda.autoinit, sys
from pycuda import gpuarray
from pycuda.compiler import SourceModule
module = SourceModule("""{KERNELS}""")
x = gpuarray.zeros(33, np.int32)
for name in sys.argv[1:]:
    print("running", name, file=sys.stderr, flush=True)
    try:
        module.get_function(name)(x, block=(32, 1, 1))
        print("it ended", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        if x.get()[32]:
            print("it ended before it was stopped", file=sys.stderr, flush=True)
        module.get_function("count")(x, block=(32, 1, 1))
        assert (x.get()[:32] == np.arange(32)).all()
        x.fill(0)
print("running the last", file=sys.stderr, flush=True)
module.get_function("endless")(x, block=(32, 1, 1))
'''


@pytest.fixture(autouse=True)
def keyboard():
    """Ctrl-C as a terminal has it: what a shell starts in the background is told to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(tmp_path: Path, *words: str, script: str = SCRIPT, presses: int = 1) -> tuple[int, list[str]]:
    """Run a script and press Ctrl-C a moment after each line that says that it runs; exit code and stderr."""
    (tmp_path / "script.py").write_text(script)
    command = [sys.executable, "-m", "tinygrad_edu", "simulate", *words]
    process = subprocess.Popen(
        command, cwd=tmp_path, env=environment(), text=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    said = []
    assert process.stderr is not None
    for line in process.stderr:
        said.append(line)
        if line.startswith("running"):
            for _ in range(presses):
                time.sleep(0.5)
                process.send_signal(signal.SIGINT)
    return process.wait(), said


@pytest.mark.parametrize("mode", ["plain", "check", "profile"])
def test_it_raises_and_the_context_lives_on(simulator, tmp_path, mode):
    kernels = ["endless", "at_barriers", "in_the_driver", "in_long_calls", "printing"]
    words = [f"--{mode}"] * (mode != "plain")
    code, said = interrupted(tmp_path, *words, "script.py", *kernels)
    assert code == 130
    assert said == [*(f"running {name}\n" for name in kernels), "running the last\n", "\n", "interrupted\n"]


def test_the_process_of_a_plain_script_ends_as_python_does(simulator, tmp_path):
    head = "import tinygrad_edu.simulator as sim; sim.install()\n"
    (tmp_path / "plain.py").write_text(head + SCRIPT)
    process = subprocess.Popen(
        [sys.executable, "plain.py"],
        cwd=tmp_path,
        text=True,
        stderr=subprocess.PIPE,
        env=environment() | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stderr is not None and process.stderr.readline() == "running the last\n"
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    said = process.stderr.read()
    assert said.startswith("Traceback") and said.rstrip().endswith("KeyboardInterrupt")
    assert "LaunchError" not in said
    assert process.wait() == -signal.SIGINT


HANDLER = """
import signal
pressed = []
signal.signal(signal.SIGINT, lambda *_: pressed.append(1))
""" + SCRIPT.replace('print("running the last"', 'x.fill(0); print("running the last"')


def test_a_handler_of_the_program_s_own_decides(simulator, tmp_path):
    """It may only take a note: the kernel goes on, and a second press stops it with an error."""
    code, said = interrupted(tmp_path, "script.py", script=HANDLER, presses=2)
    assert code == 1 and said[-1].strip() != "interrupted"
    assert "Interrupted in kernel endless" in "".join(said) and "KeyboardInterrupt" not in "".join(said)
    seconds = "if (threadIdx.x == 0) for (long long t = clock64(); clock64() - t < 9000000000LL;) x[1]++;"
    slow = HANDLER.replace("while (x[0] == 0) x[1]++;", seconds)
    slow += "\nprint('done', pressed, file=sys.stderr)\n"
    code, said = interrupted(tmp_path, "script.py", script=slow)
    assert (code, said[-1]) == (0, "done [1]\n"), said


def press(condition: str = "sleep 1") -> subprocess.Popen[bytes]:
    """Press Ctrl-C in this process when a command of the shell has ended: a launch holds Python's lock."""
    return subprocess.Popen(["sh", "-c", f"{condition}; sleep 0.2; kill -INT {os.getpid()}"])


def test_in_this_process_twice_and_under_the_checker(simulator, pycuda, build):
    module = pycuda.compiler.SourceModule(KERNELS)
    count, kernel = module.get_function("count"), module.get_function("endless")
    x = pycuda.gpuarray.zeros(32, "int32")
    with simulator.check():
        count(x, block=(32, 1, 1))  # so that the variant is there
        for _ in range(2):
            x.fill(0)
            presser = press()
            with pytest.raises(KeyboardInterrupt):
                kernel(x, block=(32, 1, 1))
            presser.wait()
        count(x, block=(32, 1, 1))
    assert x.get().tolist() == list(range(32))


def test_while_a_variant_is_compiled(simulator, pycuda, build):
    kernel = build(KERNELS + f"// {time.time()}\n__device__ int new{time.time_ns()};", "count")
    x = pycuda.gpuarray.zeros(32, "int32")
    modules = toolchain.build_folder() / "modules"
    presser = press(f"until ls '{modules}'/*.check.{os.getpid()}.cpp; do sleep 0.02; done > /dev/null 2>&1")
    with simulator.check():
        with pytest.raises(KeyboardInterrupt):
            kernel(x, block=(32, 1, 1))
        presser.wait()
        assert not [path for path in modules.iterdir() if f".{os.getpid()}." in path.name]
        kernel(x, block=(32, 1, 1))
    assert x.get().tolist() == list(range(32))


def test_a_launch_of_another_thread_is_stopped_with_an_error(simulator, pycuda, build):
    kernel = build(KERNELS, "endless")
    x = pycuda.gpuarray.zeros(32, "int32")
    context = pycuda.autoinit.context
    caught = []

    def launch() -> None:
        context.push()
        try:
            kernel(x, block=(32, 1, 1))
        except pycuda.driver.Error as error:
            caught.append(str(error))
        finally:
            context.pop()

    worker = threading.Thread(target=launch)
    presser = press()
    with pytest.raises(KeyboardInterrupt):
        worker.start()
        worker.join()
        time.sleep(10)
    worker.join()
    presser.wait()
    assert len(caught) == 1 and "Interrupted in kernel endless" in caught[0]


def test_the_compiler_says_nothing(tmp_path):
    path = compiled.source_file("__global__ void k(int *x) { x[0] = 1; }\n")
    program = shim.write_shim(compiled.folder() / "bin")
    process = subprocess.Popen(
        [str(program), "--cubin", path.name],
        cwd=path.parent,
        stderr=subprocess.PIPE,
        env=os.environ | {"TINYGRAD_EDU_SIMULATOR_LIB": str(compiled.library())},
    )
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate()
    assert (process.returncode, said) in ((130, b""), (0, b""), (-signal.SIGINT, b""))  # a shell begins it


def test_the_compiler_says_nothing_before_it_has_begun_either(tmp_path, monkeypatch):
    (tmp_path / "nvcc").mkdir()
    (tmp_path / "nvcc" / "main.py").write_text(
        "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(9)\n"
    )
    monkeypatch.setattr(toolchain, "SIMULATOR", tmp_path)
    process = subprocess.run([str(shim.write_shim(tmp_path / "bin"))], capture_output=True, check=False)
    assert (process.returncode, process.stderr) == (130, b"")
