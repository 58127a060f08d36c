"""Runs PyCUDA's own tests on the simulator and writes the counts into its README: `make pycuda-tests`.

The tests are those of the sdist, unchanged. What is expected to fail or to be skipped is in the tables below,
each with its reason; anything else, and anything that passes against a table, is a difference: exit code 1.
With --check the kernels run under the checker as well.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from pathlib import Path

from tinygrad_edu import files
from tinygrad_edu.simulator import setup_pycuda, toolchain

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "tinygrad_edu" / "simulator" / "README.md"
FILES = ("test_driver", "test_gpuarray", "test_cumath")
OUTCOMES = ("passed", "skipped", "failed")
TEXTURES = "texture and surface references, which CUDA 12 removed"
MEMORY = "needs 5 to 17 GiB of device memory; the simulator claims 4 GiB"
NESTED = "a kernel that launches kernels, linked with the device runtime: out of scope"
UPSTREAM = "marked so by PyCUDA itself, with an issue of its own"

# A pattern for names of tests, the outcome, the reason.
EXPECTED: tuple[tuple[str, str, str], ...] = (
    (r"test_driver\..*(texture|surface).*", "skipped", TEXTURES),
    (r"test_driver\.test_(recursive_launch|jit_link_module)", "failed", NESTED),
    (r"test_driver\.test_register_host_memory", "skipped", UPSTREAM),
    (r"test_gpuarray\.test_take.*", "skipped", TEXTURES),
    (r"test_gpuarray\.test_(curand_wrappers_(8|16)gb|big_array_.*)", "skipped", MEMORY),
    (r"test_gpuarray\.test_(sum|dot)_allocator", "skipped", UPSTREAM),
    (r"test_gpuarray\.test_binary_ops_with_unequal_dtypes\[truediv-int\d\d-int\d\d\]", "skipped", UPSTREAM),
)
# PyCUDA's scan loads a row of shared memory past the end of what was written; it makes no use of the value.
UNINITIALISED = (
    "the checker is right: PyCUDA's scan reads an element of shared memory that nobody wrote, "
    "and throws it away"
)
UNDER_CHECK: tuple[tuple[str, str, str], ...] = ((r"test_gpuarray\.test_scan", "failed", UNINITIALISED),)
# PyCUDA writes its cache in place: two processes that share one could read half a kernel.
INSTALL = """import os
import tinygrad_edu.simulator
tinygrad_edu.simulator.install()
os.environ["PYCUDA_CACHE_DIR"] += os.sep + os.environ.get("PYTEST_XDIST_WORKER", "alone")
os.makedirs(os.environ["PYCUDA_CACHE_DIR"], exist_ok=True)
"""
# hello_gpu.py of 2026.1 makes no context, so unchanged it runs on no GPU: we make one for it.
EXAMPLES = {"demo.py": "", "hello_gpu.py": "import pycuda.autoinit\n"}


def source() -> Path:
    """PyCUDA's source in the version that is installed, unpacked in the cache."""
    version = setup_pycuda.pycuda_version()
    if version is None:
        sys.exit("pycuda-tests: PyCUDA is not installed; run: tinygrad-edu simulator setup")
    kept = toolchain.cache_folder() / "sdist" / f"pycuda-{version}"
    if not kept.is_dir():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as place:
            setup_pycuda.sdist(Path(place), f"pycuda=={version}").replace(kept)
    return kept


def environment(mode: str, *path: Path) -> dict[str, str]:
    """The environment of a process under the simulator in a mode."""
    return {
        **os.environ,
        "TINYGRAD_EDU_SIMULATOR": mode,
        "PYTHONPATH": os.pathsep.join(map(str, (*path, ROOT))),
    }


def run_tests(folder: Path, mode: str, workers: int) -> dict[str, tuple[str, str]]:
    """Outcome and first line of the message of every test, by name."""
    found = {}
    with tempfile.TemporaryDirectory(prefix="pycuda-tests-") as name:
        place = Path(name)
        (place / "pycuda_on_simulator.py").write_text(INSTALL)
        for file in FILES:
            report = place / f"{file}.xml"
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "--tb=short",
                "-p",
                "pycuda_on_simulator",
                "-n",
                str(workers),
                "--dist",
                "worksteal",
                "-p",
                "no:cacheprovider",
                "-c",
                os.devnull,
                f"--rootdir={folder}",
                f"--junitxml={report}",
                str(folder / f"{file}.py"),
            ]
            done = subprocess.run(
                command,
                cwd=folder,
                env=environment(mode, place),
                text=True,
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            if not report.exists():  # the process itself crashed
                sys.exit(f"{done.stdout}\npycuda-tests: {file} ended with exit code {done.returncode}")
            print(done.stdout.strip().splitlines()[-1], flush=True)
            for case in ET.parse(report).getroot().iter("testcase"):
                found[f"{file}.{case.get('name')}"] = outcome(case)
    return found


def outcome(case: ET.Element) -> tuple[str, str]:
    """The outcome of one test, and the first line of its message."""
    for tag, word in (("skipped", "skipped"), ("failure", "failed"), ("error", "failed")):
        part = case.find(tag)
        if part is not None:
            return word, (part.get("message") or "").partition("\n")[0]
    return "passed", ""


def expected(name: str, mode: str) -> tuple[str, str]:
    """The expected outcome of a test in a mode, and the reason."""
    for pattern, word, reason in (UNDER_CHECK if mode == "check" else ()) + EXPECTED:
        if re.fullmatch(pattern, name) or re.fullmatch(pattern, name.partition("[")[0]):
            return word, reason
    return "passed", ""


def run_example(folder: Path, name: str, mode: str) -> str:
    """Run an example as its own process; returns "" or the error."""
    code = f"{INSTALL}{EXAMPLES[name]}import runpy; runpy.run_path({name!r}, run_name='__main__')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment(mode),
        check=False,
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    wrong = done.returncode or (name == "hello_gpu.py" and set(done.stdout) - set("[]0. \n"))
    return f"{name}:\n{done.stdout}" if wrong else ""


def table(results: dict[str, dict[str, tuple[str, str]]]) -> str:
    """The counts and the exceptions as Markdown."""
    lines = ["| tests | mode | passed | skipped | failed |", "| --- | --- | --- | --- | --- |"]
    for file in FILES:
        for mode, found in results.items():
            count = Counter(word for name, (word, _) in found.items() if name.startswith(f"{file}."))
            lines.append(" | ".join([f"| {file}.py", mode, *(str(count[word]) for word in OUTCOMES)]) + " |")
    reasons: dict[str, dict[str, None]] = {}
    for mode, found in results.items():
        for name, (word, _) in found.items():
            why = expected(name, mode)[1]
            if word != "passed":
                reasons.setdefault(f"{word}: {why}", {})[f"`{name.partition('.')[2]}`"] = None
    lines += [
        "",
        *(f"* {why}: {', '.join(names)}" for why, names in reasons.items()),
        "",
        f"PyCUDA {setup_pycuda.pycuda_version()}; its examples {' and '.join(EXAMPLES)} run unchanged "
        "(`hello_gpu.py` makes no context in this version: `pycuda.autoinit` is imported before it). "
        "`test_curand_wrappers` tests nothing here: PyCUDA offers no generators without cuRAND.",
    ]
    return "\n".join(lines)


def write(text: str) -> None:
    """Put it between the markers in the README."""
    before = README.read_text(encoding="utf-8")
    marked = re.compile(r"(<!-- pycuda-tests -->\n).*?(<!-- /pycuda-tests -->)", re.DOTALL)
    if not marked.search(before):
        sys.exit(f"pycuda-tests: {README} has no <!-- pycuda-tests --> ... <!-- /pycuda-tests --> to fill")
    files.write(README, marked.sub(lambda found: f"{found[1]}{text}\n{found[2]}", before))


def main() -> None:
    """Run, compare, write."""
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--check", action="store_true", help="under the checker too")
    asked.add_argument("--no-write", action="store_true", help="leave the README as it is")
    asked.add_argument("--workers", type=int, default=os.cpu_count(), help="processes (all cores)")
    options = asked.parse_args()
    folder, wrong = source(), []
    results = {}
    for mode in ("plain", "check") if options.check else ("plain",):
        print(f"PyCUDA's tests on the simulator, {mode}", flush=True)
        results[mode] = run_tests(folder / "test", mode, options.workers)
        for name, (word, message) in results[mode].items():
            if (should := expected(name, mode)[0]) != word:
                wrong.append(f"{name} ({mode}) {word}, not {should}: {message}")
        wrong += filter(None, (run_example(folder / "examples", name, mode) for name in EXAMPLES))
    if wrong:
        sys.exit("\n".join([f"pycuda-tests: {len(wrong)} differences", *wrong]))
    if not options.no_write:
        write(table(results))


if __name__ == "__main__":
    main()
