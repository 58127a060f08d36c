"""Builds the package and uses it as a new user would: from a wheel, in an empty environment, elsewhere.

The wheel is built from the sdist, so one pass proves both. `make wheel-check` runs this.
"""

import os
import platform
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHIPPED = {"tinygrad_edu": "tinygrad_edu", "kernels": "tinygrad_edu/kernels"}  # here: in the wheel

# Run with -I, so that neither the current folder nor PYTHONPATH can supply what the install lacks.
HELLO = """
import numpy as np
import pycuda.autoinit
from pycuda import gpuarray
from pycuda.compiler import SourceModule
double = SourceModule("__global__ void twice(float *x) { x[threadIdx.x] *= 2; }").get_function("twice")
x = gpuarray.to_gpu(np.arange(4, dtype=np.float32))
double(x, block=(4, 1, 1))
print(*x.get())
"""
PROBE = """
import importlib.metadata
from importlib.resources import files
import tinygrad_edu
from tinygrad_edu._version import __version__
assert importlib.metadata.version("tinygrad_edu") == __version__, "the metadata names another version"
assert (files("tinygrad_edu") / "py.typed").is_file(), "no py.typed: type checkers would ignore it"
assert (files("tinygrad_edu.kernels") / "README.md").is_file(), "kernels/ is missing"
print(tinygrad_edu.__file__)
"""


def run(*command: str | Path, cwd: Path) -> str:
    """Runs a command in another folder and returns its output; shows that output and stops if it fails."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command,
        cwd=cwd,
        env=clean,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if done.returncode:
        sys.exit(f"{done.stdout}\nwheel-check: this failed: {' '.join(map(str, command))}")
    return done.stdout


def left_out(wheel: Path) -> list[str]:
    """Files of the library that the wheel lacks: what `package_data` in setup.py forgets."""
    packed = set(zipfile.ZipFile(wheel).namelist())
    missing = []
    for here, there in SHIPPED.items():
        for path in (ROOT / here).rglob("*"):
            inside = path.relative_to(ROOT / here)
            generated = any(part == "__pycache__" or part.startswith(".") for part in inside.parts)
            if path.is_file() and not generated and f"{there}/{inside.as_posix()}" not in packed:
                missing.append(f"{here}/{inside.as_posix()}")
    return sorted(missing)


def simulate(scripts: Path, away: Path) -> None:
    """Run a kernel under the simulator of the wheel, which compiles the sources in the wheel."""
    run(scripts / "tinygrad-edu", "simulator", "setup", cwd=away)
    (away / "hello.py").write_text(HELLO)
    said = run(scripts / "tinygrad-edu", "simulate", "--check", "hello.py", cwd=away)
    if not said.startswith("0.0 2.0 4.0 6.0\n"):
        sys.exit(f"wheel-check: a kernel that doubles 0 to 3 on the simulator said {said}")
    print("wheel-check: a kernel ran on the simulator of the wheel, and the checker found nothing")


def main() -> None:
    """Builds, compares, installs, imports, trains, simulates; stops with a message at the first fault."""
    with tempfile.TemporaryDirectory(prefix="wheel-check-") as name:
        away = Path(name).resolve()
        run(sys.executable, "-m", "build", "--outdir", away, ROOT, cwd=away)
        (wheel,) = away.glob("*.whl")
        if missing := left_out(wheel):
            sys.exit(f"wheel-check: the wheel lacks {', '.join(missing)}; see package_data in setup.py")

        venv.create(away / "empty", with_pip=True)
        scripts = away / "empty" / ("Scripts" if os.name == "nt" else "bin")
        run(scripts / "python", "-m", "pip", "install", "-qq", "--no-input", wheel, cwd=away)
        where = run(scripts / "python", "-I", "-c", PROBE, cwd=away).strip()
        if not Path(where).is_relative_to(away / "empty"):
            sys.exit(f"wheel-check: the package was imported from {where}, not from the wheel")
        run(sys.executable, "-I", "-c", PROBE, cwd=away)  # the editable install of this environment

        run(scripts / "tinygrad-edu", "train", "spiral", "--epochs", "1", "--out", "trained", cwd=away)
        written = sorted(path.name for path in (away / "trained").rglob("*") if path.is_file())
        if not written:
            sys.exit("wheel-check: `tinygrad-edu train spiral --out trained` wrote nothing")
        print(f"wheel-check: {wheel.name} installs alone, imports, and trained a model: {', '.join(written)}")
        if (platform.system(), platform.machine()) == ("Linux", "x86_64"):
            simulate(scripts, away)
        else:
            print("wheel-check: the simulator in it was not tried; it runs on Linux on x86-64 only")


if __name__ == "__main__":
    main()
