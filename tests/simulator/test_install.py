"""Putting the simulator under PyCUDA, what refuses it, and the settings that Python has over it."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import tinygrad_edu.simulator as sim
from tinygrad_edu.simulator import checking, control, setup_pycuda, toolchain
from tinygrad_edu.simulator.install import loaded_driver

ROOT = Path(__file__).resolve().parents[2]
IMPORT = "import tinygrad_edu.simulator as sim\n"
TRY = IMPORT + """
try:
    sim.install()
except sim.SimulatorError as error:
    print("refused:", error)
"""  # fmt: skip


def python(code: str, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """A fresh Python that runs `code`."""
    return subprocess.run(
        [sys.executable, *options, "-c", code],
        text=True,
        capture_output=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
    )


def answer(code: str, *options: str, **environment: str) -> str:
    """What it printed, if all went well."""
    done = python(code, *options, **environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


# -- without a driver --------------------------------------------------------------------------------


def test_the_import_does_no_work(tmp_path):
    code = IMPORT + "import sys; print(*{m.split('.')[0] for m in sys.modules}, sim.is_installed())"
    said = answer(code, TINYGRAD_EDU_CACHE=str(tmp_path / "cache")).split()
    assert said[-1] == "False" and not {"pycuda", "hypothesis", "tqdm"} & set(said)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("use", ["sim.last_report()", "sim.schedule('reverse').__enter__()"])
def test_what_needs_the_driver_says_to_install_it(use):
    done = python(f"{IMPORT}{use}")
    assert "SimulatorError: the simulator is not installed in this process; call" in done.stderr


@pytest.mark.parametrize(
    "use", ["sim.configure(workers=1)", "sim.check().__enter__()", "sim.deferred().__enter__()"]
)
def test_what_says_how_kernels_run_installs_it(use):
    assert answer(f"{IMPORT}{use}; print(sim.is_installed())") == "True"


def test_a_cache_that_cannot_be_made_is_said_in_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    done = python(f"{IMPORT}sim.install()", TINYGRAD_EDU_CACHE=str(tmp_path / "file" / "cache"))
    assert "SimulatorError: the simulator cannot be built: " in done.stderr
    assert "set TINYGRAD_EDU_CACHE to a folder that can be written" in done.stderr


@pytest.mark.parametrize(
    ("line", "path"),
    [
        ("r-xp 00000000 08:01 123   /usr/lib64/libcuda.so.580.65.06", "/usr/lib64/libcuda.so.580.65.06"),
        ("r-xp 00000000 08:01 123   /opt/a b/libcuda.so.1 (deleted)", "/opt/a b/libcuda.so.1"),
        ("r-xp 00000000 08:01 123   /usr/lib/libcuda.so", "/usr/lib/libcuda.so"),
        ("r-xp 00000000 08:01 123   /usr/lib/libcudart.so.13", None),
        ("r-xp 00000000 08:01 123   /usr/lib/libcudadebugger.so.1", None),
        ("rw-p 00000000 00:00 0 ", None),
    ],
)
def test_a_loaded_driver_is_seen(line, path):
    maps = f"7e00-7e01 r--p 0 08:01 1 /bin/python3\n7f00-7f01 {line}\n7f02-7f03 r--p 0 0:0 0 [heap]\n"
    assert loaded_driver(maps) == path


def test_a_word_that_is_no_mode_is_refused():
    said = answer(TRY, TINYGRAD_EDU_SIMULATOR="chekc")
    assert said == "refused: TINYGRAD_EDU_SIMULATOR=chekc is none of plain, check, profile"


def test_without_pycuda_it_says_how_to_get_it():
    hide = (
        "import importlib.util as u; find = u.find_spec\n"
        "u.find_spec = lambda name, *more: None if name == 'pycuda' else find(name, *more)\n"
    )
    assert "`tinygrad-edu simulator setup` builds and installs it" in answer(hide + TRY)


def test_a_real_driver_in_the_process_is_left_alone(tmp_path):
    fake = tmp_path / "libcuda.so.1"
    subprocess.run([_compiler(), "-shared", "-x", "c", os.devnull, "-o", fake], check=True)
    said = answer(f"import ctypes; ctypes.CDLL({str(fake)!r})\n{TRY}")
    assert said.startswith(f"refused: this process has a CUDA driver already, {fake}: something before")
    said = answer(f"import sys; sys.modules['pycuda._driver'] = sys\n{TRY}")
    assert "of another name: pycuda was imported before" in said


def _compiler() -> str:
    try:
        return toolchain.compiler()
    except toolchain.ToolchainError as error:
        pytest.skip(str(error))


# -- lines of Python ---------------------------------------------------------------------------------


@pytest.mark.parametrize("between", ["pycuda.gpuarray", "pytools", "tinygrad_edu.backend.cuda.device.driver"])
def test_the_line_of_the_user_is_that_before_the_libraries(between):
    space = {"__name__": between, "ask": lambda: control.line_of(control.user_frame(sys._getframe(1)))}
    exec("def call():\n    return ask()", space)
    here = sys._getframe().f_lineno + 1
    said = space["call"]()
    assert said in (f"tests/simulator/test_install.py:{here}", f"{__file__}:{here}")


def test_paths_are_short_where_they_can_be(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert control.short_path(str(tmp_path / "a" / "b.py")) == "a/b.py"
    assert control.short_path("/elsewhere/b.py") == "/elsewhere/b.py"
    assert control.short_path("<stdin>") == "<stdin>"


def test_a_report_of_leaks_names_lines_and_stops_somewhere():
    held = [{"bytes": 4, "kind": "device", "made_at": f"train.py:{i}"} for i in range(30)]
    said = checking.leak_report(held).splitlines()
    assert said[0] == "Memory leak: 30 allocations are still held, 120 bytes"
    assert said[1] == "  4 bytes of device memory, allocated at train.py:0" and said[-2] == "  and 10 more"
    one = checking.leak_report([{"bytes": 8, "kind": "pinned", "made_at": ""}])
    assert "1 allocation is still held, 8 bytes\n  8 bytes of pinned memory, allocated at an unknown" in one


# -- the wheel of PyCUDA -----------------------------------------------------------------------------


def test_the_newest_wheel_for_this_python_is_kept(tmp_path):
    tag = f"cp{sys.version_info.major}{sys.version_info.minor}"
    for age, name in enumerate(
        [
            f"pycuda-2026.2-{tag}-{tag}-linux_x86_64.whl",
            f"pycuda-2026.1-{tag}-{tag}-linux_x86_64.whl",
            "pycuda-2027.1-cp27-cp27-linux_x86_64.whl",
            f".pycuda-2028.1-{tag}-{tag}-linux_x86_64.whl.77",
        ]
    ):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (1000 - age, 1000 - age))
    assert setup_pycuda.kept_wheel(tmp_path).name == f"pycuda-2026.2-{tag}-{tag}-linux_x86_64.whl"
    assert setup_pycuda.kept_wheel(tmp_path / "none") is None


@pytest.mark.parametrize("linked", [True, False])
def test_a_wheel_that_asks_for_no_driver_is_refused(tmp_path, linked):
    driver = tmp_path / "libcuda.so"
    options = ["-shared", "-x", "c", os.devnull]
    subprocess.run([_compiler(), *options, "-Wl,-soname,libcuda.so.1", "-o", driver], check=True)
    needs = ["-Wl,--no-as-needed", f"-L{tmp_path}", "-lcuda"] if linked else []
    subprocess.run([_compiler(), *options, *needs, "-o", tmp_path / "_driver.so"], check=True)
    with zipfile.ZipFile(tmp_path / "pycuda.whl", "w") as wheel:
        wheel.write(tmp_path / "_driver.so", "pycuda/_driver.cpython-311-x86_64-linux-gnu.so")
    if linked:
        setup_pycuda.refuse_without_driver(tmp_path / "pycuda.whl", tmp_path)
    else:
        with pytest.raises(sim.SimulatorError, match=r"does not ask for libcuda.so.1, only for nothing"):
            setup_pycuda.refuse_without_driver(tmp_path / "pycuda.whl", tmp_path)


def test_a_step_that_fails_shows_the_end_of_what_it_said(tmp_path):
    fails = "for i in range(50): print('line', i)\nprint('the last'); exit(3)"
    with pytest.raises(sim.SimulatorError) as caught:
        setup_pycuda.run([sys.executable, "-c", fails], tmp_path)
    said = str(caught.value)
    assert "failed with exit code 3: " in said and "line 1\n" not in said
    assert said.endswith("\n  line 49\n  the last")
    with pytest.raises(sim.SimulatorError, match="no no-such-tool on the PATH"):
        setup_pycuda.run(["no-such-tool"], tmp_path)


# -- with the driver ---------------------------------------------------------------------------------


def test_it_installs_once_and_puts_its_compiler_first(simulator):
    before = os.environ["PATH"]
    simulator.install()
    assert simulator.is_installed() and os.environ["PATH"] == before
    said = subprocess.run(["nvcc", "--version"], text=True, capture_output=True, check=True).stdout
    assert "tinygrad_edu simulator" in said and toolchain.build_id() in said


def test_pycuda_runs_on_it(pycuda):
    assert "simulator" in pycuda.driver.Device(0).name()
    assert "libcuda.so.1" in setup_pycuda.needed(Path(pycuda._driver.__file__))


@pytest.mark.parametrize("mode", ["plain", "check", "profile"])
def test_the_environment_chooses_the_mode(simulator, mode):
    code = "from tinygrad_edu.simulator import control\nsim.install(); print(control.get_value('mode'))"
    assert answer(IMPORT + code, TINYGRAD_EDU_SIMULATOR=mode) == mode


def test_a_machine_with_a_gpu_is_warned(simulator):
    pretend = "import pathlib, sys\nsys.modules[sim.install.__module__]._GPU = (pathlib.Path('/'),)\n"
    done = python(f"{IMPORT}{pretend}sim.install(); print('in')")
    assert "UserWarning: this machine has an NVIDIA GPU" in done.stderr and done.stdout == "in\n"


def test_settings_hold_for_their_block_only(simulator):
    def state():
        return [control.get_value(key) for key in ("mode", "strict_volatile", "deferred")]

    before = state()
    with pytest.raises(ZeroDivisionError), simulator.check(strict_volatile=True), simulator.deferred():
        assert state() == ["check", "1", "1"]
        raise ZeroDivisionError
    assert state() == before == ["plain", "0", "0"]


@pytest.mark.parametrize("wrong", [{"time_limit": 0}, {"workers": -1}, {"memory": 0}])
def test_settings_without_sense_are_refused(simulator, wrong):
    with pytest.raises((simulator.SimulatorError, ValueError)):
        simulator.configure(**wrong)


def test_a_leak_is_told_with_its_line(pycuda, simulator):
    kept = []
    with pytest.raises(simulator.SimulatorError) as caught, simulator.check(leaks=True):
        freed = pycuda.driver.mem_alloc(400)
        kept.append(pycuda.gpuarray.to_gpu(np.zeros(25, np.float32)))
        line = sys._getframe().f_lineno - 1
        del freed
    said = str(caught.value)
    assert "1 allocation is still held, 100 bytes" in said and f"test_install.py:{line}" in said
    with simulator.check(leaks=True):  # what was allocated before is not of this block
        kept.pop()


def test_check_decorates(pycuda, simulator):
    @simulator.check(leaks=True)
    def leaks(keep):
        keep.append(pycuda.driver.mem_alloc(4))
        return control.get_value("mode")

    with pytest.raises(simulator.SimulatorError, match="4 bytes of device memory"):
        leaks([])
    assert control.get_value("mode") == "plain"


def test_work_that_is_deferred_waits(pycuda, simulator, build):
    kernel = build("__global__ void one(float *x) { *x = 1; }", "one")
    stream, host = pycuda.driver.Stream(), pycuda.driver.pagelocked_zeros(1, np.float32)
    array = pycuda.gpuarray.zeros(1, np.float32)
    with simulator.deferred():
        kernel(array, block=(1, 1, 1), stream=stream)
        pycuda.driver.memcpy_dtoh_async(host, array.gpudata, stream)
        assert host[0] == 0
        stream.synchronize()
        assert host[0] == 1


def test_the_report_reaches_the_exception_and_can_be_asked_for(pycuda, simulator):
    with pytest.raises(pycuda.driver.LogicError) as caught:
        pycuda.driver.Device(7)
    assert simulator.last_report() and simulator.last_report() in str(caught.value)
