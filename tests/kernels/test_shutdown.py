"""Leaving a device and coming back, in a process of its own."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import gc
import numpy as np
import tinygrad_edu as te

old = te.tensor([1.0, 2.0], device="simulator")
graph = (old * 2).requires_grad_()
te.cuda.shutdown("simulator")
try:
    old + 1
except Exception as error:
    print(type(error).__name__, "shut down" in str(error))
new = te.tensor([3.0], device="simulator")
print((new * 2).item())
del old, graph
gc.collect()
print((new + 1).item())
"""


def test_a_device_can_be_left_and_used_again(device):
    if device.name != "simulator":
        return
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("DeviceError True\n6.0\n4.0\n", "")
