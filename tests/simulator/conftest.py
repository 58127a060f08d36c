"""What tests of the simulator stand on: the driver in this process, and PyCUDA over it.

Both take g++ on Linux; where they cannot be, the tests that need them say why and what would make them run.
"""

from __future__ import annotations

import ctypes
import importlib
import importlib.util
import os
from collections.abc import Iterator
from types import ModuleType

import pytest

import tinygrad_edu.simulator
from tests.simulator.driver import Driver
from tinygrad_edu.simulator import toolchain
from tinygrad_edu.simulator.install import refuse_loaded_driver


@pytest.fixture(scope="session")
def simulator() -> ModuleType:
    """The simulator, installed in this process."""
    if importlib.util.find_spec("pycuda") is None:
        pytest.skip("no PyCUDA in this environment; `tinygrad-edu simulator setup` installs it")
    try:
        toolchain.compiler()
        refuse_loaded_driver()
    except (toolchain.ToolchainError, tinygrad_edu.simulator.SimulatorError) as error:
        if not tinygrad_edu.simulator.is_installed():
            pytest.skip(str(error))
    # PyCUDA writes its cache in place: two processes that share one could read half a kernel.
    process = os.environ.get("PYTEST_XDIST_WORKER", "alone")
    kernels = toolchain.build_folder() / f"pycuda-{process}"
    kernels.mkdir(parents=True, exist_ok=True)
    os.environ["PYCUDA_CACHE_DIR"] = str(kernels)
    tinygrad_edu.simulator.install()
    return tinygrad_edu.simulator


@pytest.fixture(scope="session")
def api(request: pytest.FixtureRequest) -> Driver:
    """The driver API through ctypes, without PyCUDA; where there is one, install() has to come first."""
    if importlib.util.find_spec("pycuda") is not None:
        request.getfixturevalue("simulator")
    try:
        return Driver()
    except toolchain.ToolchainError as error:
        pytest.skip(str(error))


@pytest.fixture
def driver(api: Driver) -> Iterator[Driver]:
    """The same, in a context of its own."""
    api.cuInit(0)
    context = api.get(ctypes.c_void_p, "cuCtxCreate_v4", None, 0, 0)
    yield api
    api.set("deferred", "0")
    api.cuCtxDestroy_v2(context)


@pytest.fixture(scope="session")
def pycuda(simulator: ModuleType) -> ModuleType:
    """PyCUDA with a context, its parts as attributes: pycuda.driver, pycuda.compiler, pycuda.gpuarray."""
    for part in ("driver", "autoinit", "compiler", "gpuarray"):
        importlib.import_module(f"pycuda.{part}")
    return importlib.import_module("pycuda")


@pytest.fixture(scope="session")
def build(pycuda: ModuleType):
    """A function that compiles CUDA C and returns one of its kernels."""

    def build(source: str, name: str, **options: object):
        return pycuda.compiler.SourceModule(source, **options).get_function(name)

    return build
