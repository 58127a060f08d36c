"""Where nvcc is, and which one it is."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

from tinygrad_edu.errors import DeviceError


def find() -> str:
    """The compiler that will run: the one on the PATH, else that of PyPI. Raises DeviceError without one."""
    found = shutil.which("nvcc") or packaged()
    if found is None:
        raise DeviceError(
            "no nvcc on the PATH: install a CUDA toolkit, or pip install nvidia-cuda-nvcc "
            "nvidia-nvvm nvidia-cuda-crt nvidia-cuda-runtime"
        )
    return found


def packaged() -> str | None:
    """The nvcc that `pip install nvidia-cuda-nvcc` put beside Python's packages, if it did."""
    folder = Path(sysconfig.get_paths()["purelib"]) / "nvidia"
    return next(map(str, sorted(folder.glob("*/bin/nvcc"), reverse=True)), None)


def identity() -> str:
    """What tells one nvcc from the next without running it: where it is and when it was made."""
    path = os.path.realpath(find())
    stat = os.stat(path)
    return f"{path} {stat.st_size} {stat.st_mtime_ns}"
