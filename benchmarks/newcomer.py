"""The time a new user needs, from `git clone` to what the README promises. `python -m benchmarks.newcomer`

In an empty folder and with an empty cache: a trained model, a proven gradient, a picture of the graph, and a
race found with no GPU. The commands and programs are the README's own; downloads are part of the time.
"""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

from benchmarks.report import machine, rewrite, table

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
PICTURE = """import tinygrad_edu as te
model = te.nn.Sequential(te.nn.Linear(2, 3), te.nn.Tanh(), te.nn.Linear(3, 1))
loss = model(te.randn(5, 2)).square().mean()
te.viz.graph(loss, names=model, show=("shape", "saved")).save("graph.svg")
"""


def block(mark: str) -> str:
    """The README's program that contains `mark`."""
    blocks = re.findall(r"^```python\n(.*?)^```", README.read_text(), re.M | re.S)
    return next(b for b in blocks if mark in b)


def main() -> None:
    """Do all steps in order, and rewrite the tables."""
    with tempfile.TemporaryDirectory(prefix="newcomer-") as name:
        clone = Path(name) / "tinygrad_edu"
        clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "GLIBC_TUNABLES")}
        clean["XDG_CACHE_HOME"] = str(Path(name) / "cache")
        start, rows = time.perf_counter(), []

        def step(what: str, *command: str, proof: str = "") -> None:
            done = subprocess.run(
                command,
                cwd=clone if clone.exists() else name,
                env=clean,
                text=True,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                check=False,
            )
            said = done.stdout + done.stderr
            if proof not in said or (done.returncode and not proof):
                raise SystemExit(f"{what}: {' '.join(command)}\n{said}")
            rows.append((what, f"{time.perf_counter() - start:.0f}"))
            print(*rows[-1], sep="  ", flush=True)

        step("the repository", "git", "clone", "-q", str(ROOT), "tinygrad_edu")
        step("a trained model: `make demo`", "make", "demo", proof="model.safetensors")
        python, tool = (str(clone / ".venv" / "bin" / n) for n in ("python", "tinygrad-edu"))
        for file, text in (
            ("proof.py", block("opcheck")),
            ("picture.py", PICTURE),
            ("reverse.py", block("# reverse.py")),
        ):
            (clone / file).write_text(text)
        step("a proven gradient", python, "proof.py", proof="tensor(0.44")
        step("a picture of the graph", python, "picture.py")
        step("the simulator: `tinygrad-edu simulator setup`", tool, "simulator", "setup")
        step("a race, found with no GPU", tool, "simulate", "--check", "reverse.py", proof="Data race on")
    text = table(["from `git clone` to", "seconds"], rows) + "\n\n" + machine("numpy")
    for path in (ROOT / "benchmarks" / "results" / "newcomer.md", README):
        rewrite(path, "newcomer", text)


if __name__ == "__main__":
    main()
