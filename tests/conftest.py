"""How hypothesis runs here: no deadlines (no test asserts time), the same examples every time under CI.

Ask for more with `pytest --hypothesis-profile=thorough`.
"""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

_TESTS = Path(__file__).parent
# What takes most of the time: what compiles many kernels, runs the lecture, starts many processes or proves a
# great deal. The rest takes less than 5 minutes on two cores, and has something of everything.
_LONG_FOLDERS = ("kernels", "simulator")
_SHORT = {Path("simulator", name) for name in ("test_readme.py", "test_execution.py", "test_misfortunes.py",
                                               "test_bugs.py")}  # fmt: skip
_LONG = {Path(*name.split("/")) for name in (
    "ops/test_device.py", "examples/test_lecture.py", "examples/test_lecture_changes.py",
    "examples/test_lecture_distributed.py",
    "examples/test_lecture_scale.py", "examples/test_lecture_slides.py", "cli/test_device.py",
    "cli/test_resume.py", "check/test_judgement.py", "check/test_testing.py", "cli/test_train.py",
    "doors/test_numbers_that_fit.py", "engine/test_lifetime.py", "estimators/test_contract.py",
    "estimators/test_parity.py", "examples/test_pytorch.py", "functional/test_special.py",
    "interop/test_onnx_layers.py", "interop/test_onnx_ops.py", "ops/test_tails.py", "test_files.py",
    "test_promises.py")}  # fmt: skip

_terminal = []  # of the process that reports; workers have none
_SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large]
settings.register_profile(
    "default", deadline=None, max_examples=25, derandomize="CI" in os.environ, suppress_health_check=_SLOW
)
settings.register_profile("thorough", deadline=None, max_examples=300, suppress_health_check=_SLOW)
settings.load_profile("default")


def pytest_addoption(parser):
    parser.addoption(
        "--device",
        default=None,
        help="where tensors live in the tests that take any device: cpu, simulator, cuda",
    )
    parser.addoption(
        "--part", default="1/1", help="which part of the files to run: 2/3 is the second of three"
    )


@pytest.fixture
def boxed():
    """A backend whose arrays can do nothing, as device "boxed": what goes past the protocol fails there."""
    from tests.backend.boxed import BoxedBackend
    from tinygrad_edu.backend import registry

    registry.register("boxed", BoxedBackend)
    return registry.get("boxed")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config, items):
    for item in items:
        path = item.path.relative_to(_TESTS)
        if path in _LONG or (path.parts[0] in _LONG_FOLDERS and path not in _SHORT):
            item.add_marker(pytest.mark.long)
    _leave_other_parts_out(config, items)
    if config.getoption("--device") in (None, "cpu"):
        return
    for item in items:
        if item.get_closest_marker("cpu"):
            item.add_marker(pytest.mark.skip(reason="is about NumPy's own memory; run it with --device cpu"))


def _leave_other_parts_out(config, items):
    """Keep a part of the files: those of a file share kernels, which are compiled once."""
    part, parts = map(int, config.getoption("--part").split("/"))
    chosen = {path for path in {item.path for item in items} if _number(path) % parts == part % parts}
    config.hook.pytest_deselected(items=[item for item in items if item.path not in chosen])
    items[:] = [item for item in items if item.path in chosen]


def _number(path):
    """A number that is the same in every process, whatever else is collected."""
    return zlib.crc32(path.relative_to(_TESTS).as_posix().encode())


def pytest_runtest_logreport(report):
    """Say at once what failed: the end of a long run is minutes away."""
    if report.failed and _terminal:
        crash = getattr(report.longrepr, "reprcrash", None)
        why = f": {crash.message.splitlines()[0][:160]}" if crash and crash.message else ""
        _terminal[0].write_line(f"\nFAILED {report.nodeid}{why}", red=True)


def pytest_sessionstart(session):
    if terminal := session.config.pluginmanager.get_plugin("terminalreporter"):
        _terminal[:] = [terminal]


def pytest_configure(config):
    device = config.getoption("--device")
    if device is not None:
        os.environ["TINYGRAD_EDU_DEVICE"] = device
