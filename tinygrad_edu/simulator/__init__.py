"""CUDA without a GPU: the real PyCUDA with a CUDA driver for the CPU, and a checker that finds bugs.

    import tinygrad_edu.simulator as sim
    sim.install()                   # before pycuda is imported
    import pycuda.autoinit

    with sim.check():               # a race, an access out of bounds ... raises an error with a report
        kernel(x, block=(256, 1, 1), grid=(4, 1))

The import does no work and needs only Python. A tour is in README.md of this folder.
"""

from __future__ import annotations

from tinygrad_edu.simulator.checking import check, configure, deferred, last_report
from tinygrad_edu.simulator.control import SimulatorError
from tinygrad_edu.simulator.install import install, is_installed
from tinygrad_edu.simulator.profile import Profile, profile
from tinygrad_edu.simulator.schedule import Schedule, any_schedule, schedule, schedules

__all__ = [
    "Profile", "Schedule", "SimulatorError", "any_schedule", "check", "configure", "deferred", "install",
    "is_installed", "last_report", "profile", "schedule", "schedules",
]  # fmt: skip
