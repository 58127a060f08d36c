"""Writes the program `nvcc` that PyCUDA and the driver run: a few lines of Python that start main.py.

It must start quickly. So it imports neither tinygrad_edu, which needs NumPy, nor anything from site-packages.
With -S -E Python starts in a third of the time, and the caller's environment does not affect the compilation
of a kernel.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from tinygrad_edu.simulator import seal, toolchain

_PACKAGES = ("tinygrad_edu", "tinygrad_edu.simulator", "tinygrad_edu.simulator.nvcc")

_TEMPLATE = """\
#!/bin/sh
''':'
exec {python} -S -E -W ignore "$0" "$@"
'''
import sys

try:  # Ctrl-C may come before all is imported
    import types

    for name, folder in {folders!r}:
        package = types.ModuleType(name)
        package.__path__ = [folder]
        sys.modules[name] = package
    from tinygrad_edu.simulator.nvcc.main import main

    code = main(sys.argv[1:])
except KeyboardInterrupt:
    code = 130
sys.exit(code)
"""


def write_shim(folder: Path) -> Path:
    """Write `nvcc` into `folder`; returns its path."""
    root = toolchain.SIMULATOR
    folders = list(zip(_PACKAGES, map(str, (root.parent, root, root / "nvcc"))))
    text = _TEMPLATE.format(python=_quote(sys.executable), folders=folders)
    path = folder / "nvcc"
    if not _is(path, os.fsencode(text)):
        seal.folder(folder, toolchain.cache_folder())
        seal.make_way(path)
        temporary = folder / f"nvcc.{os.getpid()}"
        temporary.write_bytes(os.fsencode(text))
        temporary.chmod(0o755)
        os.replace(temporary, path)  # so that no process sees it incomplete or not executable
    return path


def _is(path: Path, content: bytes) -> bool:
    """Whether the file exists with this content and is executable."""
    try:
        return path.read_bytes() == content and os.access(path, os.X_OK)
    except OSError:
        return False


def _quote(path: str) -> str:
    return "'" + path.replace("'", "'\\''") + "'"
