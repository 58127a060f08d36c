"""Many modules in one process: the first launch of each must lose nothing.

glibc before 2.40 (its bug 31372) loses vector registers when it makes the thread-local variables of a module
that came late, and kernels hold their arguments there. The suite runs with room for early ones, so this is a
process without it: two of its modules gave wrong numbers before each thread of the system reached them first.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
from tinygrad_edu.backend import registry
from tinygrad_edu.backend.cuda import families, ladder
from tinygrad_edu.backend.cuda.families import using

device, wrong = registry.get("simulator"), []
for family in ("softmax", "cross_entropy", "gather", "pooling", "fold", "norm") * 8:
    case = families.cases(family)["count"]
    arrays = case.arrays()
    for rung in families.ladder(family).rungs:
        device.library.forget()     # so that every launch is the first of a module
        try:
            with using(family, rung.name):
                ladder.validate(device, case, arrays, case.tolerance)
        except Exception as error:
            wrong.append(f"{family}/{rung.name}: {error}")
print(*wrong, sep="\\\\n")
"""


def test_the_first_launch_of_every_module_is_right(device):
    if device.name != "simulator":
        pytest.skip("about the simulator's modules; it runs with --device simulator")
    root = Path(__file__).resolve().parents[2]
    environment = {k: v for k, v in os.environ.items() if k != "GLIBC_TUNABLES"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        cwd=root,
        env=environment,
        text=True,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "\n"
