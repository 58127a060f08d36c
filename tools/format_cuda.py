"""Bring CUDA, C++ and C into the layout of .clang-format: `python tools/format_cuda.py [--check]`.

`--check` writes nothing, names what differs and exits with 1. clang-format comes from PyPI in the one version
that setup.py names, since another version breaks lines elsewhere. Where a table or a drawing is clearer in
its own layout, it stands between `// clang-format off` and `// clang-format on`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import clang_format

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ("kernels", "tinygrad_edu/simulator", "examples", "tests", "benchmarks")
SUFFIXES = (".cu", ".cuh", ".h", ".cpp", ".c")


def sources() -> list[Path]:
    """Every file that is formatted."""
    files = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*"))
    return sorted(path for path in files if path.suffix in SUFFIXES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Format, or check; the exit status is clang-format's."""
    parser = argparse.ArgumentParser(prog="tools/format_cuda.py", description=__doc__.split(":")[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if a file differs")
    how = ["--dry-run", "--Werror"] if parser.parse_args(arguments).check else ["-i"]
    program = clang_format.get_executable("clang-format")
    files = [str(path.relative_to(ROOT)) for path in sources()]
    status = subprocess.run([program, *how, *files], cwd=ROOT, check=False).returncode
    if status and "-i" not in how:
        print("`make format` mends this.", file=sys.stderr)
    return status


if __name__ == "__main__":
    sys.exit(main())
