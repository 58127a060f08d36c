"""Writes the file `nvcc` that PyCUDA and the driver call: a few lines of Python that start main.py quickly.

It imports neither tinygrad_edu, which needs NumPy, nor anything from site-packages: -S -E make Python start
in a third of the time, and a kernel is compiled the same whatever the caller's environment says.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tinygrad_edu.simulator import toolchain

_PACKAGES = ("tinygrad_edu", "tinygrad_edu.simulator", "tinygrad_edu.simulator.nvcc")

_TEMPLATE = """\
#!/bin/sh
''':'
exec {python} -S -E -W ignore "$0" "$@"
'''
import sys
import types

for name, folder in {folders!r}:
    package = types.ModuleType(name)
    package.__path__ = [folder]
    sys.modules[name] = package
from tinygrad_edu.simulator.nvcc.main import main

sys.exit(main(sys.argv[1:]))
"""


def write_shim(folder: Path) -> Path:
    """Write `nvcc` into `folder`; its path."""
    root = toolchain.SIMULATOR
    folders = list(zip(_PACKAGES, map(str, (root.parent, root, root / "nvcc"))))
    text = _TEMPLATE.format(python=_quote(sys.executable), folders=folders)
    path = folder / "nvcc"
    if not path.exists() or path.read_text() != text:
        folder.mkdir(parents=True, exist_ok=True)
        temporary = folder / f"nvcc.{os.getpid()}"
        temporary.write_text(text)
        temporary.chmod(0o755)
        os.replace(temporary, path)  # never seen half written, nor before it may be run
    return path


def _quote(path: str) -> str:
    return "'" + path.replace("'", "'\\''") + "'"
