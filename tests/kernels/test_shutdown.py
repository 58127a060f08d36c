"""Leaving a device and coming back, in threads and at the end of Python: a process of its own each."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

IMPORT = """
import gc, os, re, threading, time, weakref
import numpy as np
import tinygrad_edu as te
from tinygrad_edu.backend import registry
from tinygrad_edu.errors import DeviceError
D = os.environ["DEVICE_UNDER_TEST"]

def tried(work):
    try:
        print(work())
    except Exception as error:
        print(type(error).__name__, re.sub(r" \\(at [^)]*\\)", "", str(error)))

def bad_index():
    return te.embedding(te.tensor([99], device=D), te.ones(3, 2, device=D))
"""
# {what holds: (program, what it prints, what stands in its errors)}
PROGRAMS = {
    "a device can be left and used again": (
        """
old = te.tensor([1.0, 2.0], device=D)
graph = (old * 2).requires_grad_()
te.cuda.shutdown(D)
try:
    old + 1
except Exception as error:
    print(type(error).__name__, "shut down" in str(error))
new = te.tensor([3.0], device=D)
print((new * 2).item())
del old, graph
gc.collect()
print((new + 1).item())
""",
        "DeviceError True\n6.0\n4.0\n",
        "",
    ),
    "old and new tensors do not mix, and it is said which are old": (
        """
old = te.ones(3, device=D)
te.cuda.shutdown(D)
new = te.ones(3, device=D)
for mixed in (lambda: old + new, lambda: new + old):
    try:
        mixed()
    except DeviceError as error:
        print("was shut down" in str(error), "different" in str(error))
""",
        "True False\nTrue False\n",
        "",
    ),
    "memory that is lent keeps its device": (
        """
x = te.ones(3, device=D)
lent = x.__dlpack__()
tried(lambda: te.cuda.shutdown(D))
print((x + 1).tolist())
del lent
te.cuda.shutdown(D)
""",
        "DeviceError shutdown: {device} cannot be shut down: 1 of its arrays are in use by DLPack, for "
        "example in NumPy; let them go first, or copy them\n[2.0, 2.0, 2.0]\n",
        "",
    ),
    "lent memory may outlive the program": ("lent = te.ones(3, device=D).__dlpack__()", "", ""),
    "a bad index that nobody waited for is raised": (
        """
bad_index()
try:
    te.cuda.shutdown(D)
except IndexError as error:
    print("index 99" in str(error))
print((te.ones(2, device=D) + 1).tolist())
""",
        "True\n[2.0, 2.0]\n",
        "",
    ),
    "or told at the end": ("bad_index()", "", "IndexError: "),
    "another thread comes back, and its old tensors are gone": (
        """
ready, go = threading.Event(), threading.Event()

def work():
    old = te.ones(3, device=D)
    old.numpy()
    ready.set()
    go.wait()
    tried(lambda: old.numpy())
    tried(lambda: old.add_(1.0))
    tried(lambda: (te.ones(3, device=D) + 1).tolist())

thread = threading.Thread(target=work)
thread.start()
ready.wait()
te.cuda.shutdown(D)
go.set()
thread.join()
print((te.ones(2, device=D) + 1).tolist())
""",
        "DeviceError numpy: the device of this tensor was shut down; new tensors start it again\n"
        "DeviceError {add}\n"
        "[2.0, 2.0, 2.0]\n[2.0, 2.0]\n",
        "",
    ),
    "another thread ends after that": (
        """
ready, go = threading.Event(), threading.Event()

def work():
    te.ones(3, device=D).numpy()
    ready.set()
    go.wait()

thread = threading.Thread(target=work)
thread.start()
ready.wait()
te.cuda.shutdown(D)
go.set()
thread.join()
""",
        "",
        "",
    ),
    "a device may be used in a thread alone": (
        """
thread = threading.Thread(target=lambda: tried(lambda: te.ones(3, device=D).tolist()))
thread.start()
thread.join()
""",
        "[1.0, 1.0, 1.0]\n",
        "",
    ),
    "daemons at work may see the end": (
        """
def work():
    while True:
        (te.ones(30, 30, device=D) @ te.ones(30, 30, device=D)).sum().item()

for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
te.ones(3, device=D).numpy()
time.sleep(0.5)
print("end")
""",
        "end\n",
        "",
    ),
    "and those asleep": (
        """
def work():
    te.ones(3, device=D).numpy()
    ready.set()
    time.sleep(1000)

ready = threading.Event()
threading.Thread(target=work, daemon=True).start()
ready.wait()
""",
        "",
        "",
    ),
    "closed devices leave nothing behind": (
        """
seen = []
for _ in range(3):
    (te.ones(3, device=D) + 1).sum().item()
    seen.append(weakref.ref(registry.get(D)))
    old = te.zeros(2, device=D)
    te.cuda.shutdown(D)
    tried(lambda: old * 2)      # which must not bring it back
    del old
gc.collect()
print([backend() for backend in seen])
""",
        "DeviceError {mul}\n" * 3 + "[None, None, None]\n",
        "",
    ),
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_shutdown(device, what):
    program, printed, errors = PROGRAMS[what]
    done = subprocess.run(
        [sys.executable, "-c", IMPORT + program],
        env={**os.environ, "DEVICE_UNDER_TEST": device.name},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout
    for op in ("add", "mul"):
        said = re.sub(rf"{op}: the device '{device.name}' of an input was shut down.*", f"{{{op}}}", said)
    assert said == printed.replace("{device}", device.name)
    assert done.stderr.startswith(errors) and bool(done.stderr) == bool(errors), done.stderr
