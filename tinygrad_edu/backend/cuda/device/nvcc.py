"""Finds nvcc, and identifies its version."""

from __future__ import annotations

import os
import shutil
import sysconfig
from pathlib import Path

from tinygrad_edu.errors import DeviceError, wrong


def find() -> str:
    """The path of nvcc: that on the PATH, else that from PyPI. Raises DeviceError if there is none."""
    found = shutil.which("nvcc") or packaged()
    if found is None:
        raise wrong(
            DeviceError,
            None,
            "no nvcc on the PATH: install a CUDA toolkit, or pip install nvidia-cuda-nvcc nvidia-nvvm "
            "nvidia-cuda-crt nvidia-cuda-runtime",
        )
    return found


def packaged() -> str | None:
    """The path of the nvcc that `pip install nvidia-cuda-nvcc` installs; None if it is not there."""
    folder = Path(sysconfig.get_paths()["purelib"]) / "nvidia"
    return next(map(str, sorted(folder.glob("*/bin/nvcc"), reverse=True)), None)


def identity() -> str:
    """A text that differs between versions of nvcc, without running it: path, size and time of the file."""
    path = os.path.realpath(find())
    stat = os.stat(path)
    return f"{path} {stat.st_size} {stat.st_mtime_ns}"
