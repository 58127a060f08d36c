"""Tensors on a device beside PyCUDA programs with contexts of their own, in any order."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PARTS = {
    "tensors": """
        x = te.tensor(np.arange(5.0), device=D, requires_grad=True)
        (x * x).sum().backward()
        assert x.grad.tolist() == [0, 2, 4, 6, 8]
        big = te.zeros(3_000_000, device=D)      # memory of its own, asked of the driver now
        assert (big + 1).sum().item() == 3_000_000
    """,
    "autoinit": """
        import pycuda.autoinit, pycuda.gpuarray
        assert (pycuda.gpuarray.to_gpu(np.arange(4.0)) * 2).get().tolist() == [0, 2, 4, 6]
    """,
    "primary": """
        import pycuda.autoprimaryctx, pycuda.gpuarray
        assert (pycuda.gpuarray.to_gpu(np.arange(4.0)) * 2).get().tolist() == [0, 2, 4, 6]
    """,
    "own": """
        import pycuda.driver, pycuda.gpuarray
        own = pycuda.driver.Device(0).make_context()
        try:
            assert (pycuda.gpuarray.to_gpu(np.arange(4.0)) * 2).get().tolist() == [0, 2, 4, 6]
        finally:
            own.pop()
    """,
    "other": """
        assert te.ones(3, device=D + ":1").sum().item() == 3
    """,
}


HEAD = """
import os, threading
import numpy as np
import tinygrad_edu as te
D = os.environ["DEVICE_UNDER_TEST"]
if D == "simulator":
    import tinygrad_edu.simulator
    tinygrad_edu.simulator.configure(devices=2)
    tinygrad_edu.simulator.install()
"""


def program(order: str) -> str:
    lines = [HEAD]
    for i, part in enumerate(order.split()):
        name, _, thread = part.partition("@")
        lines += [f"def part{i}():", PARTS[name]]
        lines += [f"t = threading.Thread(target=part{i}); t.start(); t.join()" if thread else f"part{i}()"]
    return "\n".join(lines)


@pytest.mark.parametrize("order", [
    "tensors autoinit tensors", "autoinit tensors autoinit tensors", "tensors autoinit",
    "tensors primary tensors", "primary tensors primary tensors", "autoinit primary tensors",
    "tensors own tensors own", "tensors autoinit tensors@thread tensors",
    "tensors autoinit other tensors other", "autoinit tensors@thread tensors other"])  # fmt: skip
def test_tensors_and_programs_with_contexts_of_their_own(device, order: str) -> None:
    if "other" in order and device.name != "simulator":
        pytest.skip("two devices, which the simulator always has")
    done = subprocess.run(
        [sys.executable, "-c", program(order)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DEVICE_UNDER_TEST": device.name},
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
