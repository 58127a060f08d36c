"""`tinygrad-edu simulate` runs a PyCUDA script without a GPU; `tinygrad-edu simulator` installs its parts.

The user runs a script to get the report on a kernel. So the report is printed unchanged, under the line of
the script that launched the kernel, and not at the end of a traceback through PyCUDA.
"""

from __future__ import annotations

import argparse
import re
import sys
import traceback
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from tinygrad_edu import simulator
from tinygrad_edu.cli import script
from tinygrad_edu.cli.arguments import UsageError
from tinygrad_edu.simulator import build as driver_build
from tinygrad_edu.simulator import checking, control, setup_pycuda, toolchain
from tinygrad_edu.simulator.install import driver

_STDERR = re.compile(r"\[stderr:\n(.*)\]\s*$", re.DOTALL)  # so PyCUDA quotes the compiler's output


def run(asked: argparse.Namespace) -> int:
    """Run the script; returns its own exit code, or 1 after an error or a leak."""
    start = script.runner(asked.words, asked.module, "tinygrad-edu simulate train.py")
    schedule = _schedule(asked)
    if asked.html is not None and not asked.profile:
        raise UsageError("--html is for the profile; add --profile")
    if asked.check and asked.profile:
        raise UsageError("--check and --profile are two ways to run a kernel; run the script once with each")
    if (failed := _error_code(simulator.install)) is not None:
        return failed
    with ExitStack() as around:
        around.enter_context(schedule)
        if asked.deferred:
            around.enter_context(simulator.deferred())
        profile = around.enter_context(simulator.profile()) if asked.profile else None
        if asked.check:
            control.set_value("mode", "check")
        code = _run(start)
    if profile is not None:
        print(profile)
        if asked.html is not None:
            profile.html(asked.html)
            print(f"wrote {asked.html}")
    return _report_leaks() if asked.check and code == 0 else code


def watch() -> None:
    """From now on the checker watches every kernel that runs on the simulator."""
    simulator.install()
    control.set_value("mode", "check")


def setup(asked: argparse.Namespace) -> int:
    """Build what is missing and install PyCUDA."""
    folder = None if asked.wheel_dir is None else Path(asked.wheel_dir).resolve()

    def work() -> None:
        version = setup_pycuda.setup(lambda line: print(line, flush=True), folder)
        print(f"PyCUDA {version} runs on the simulator. Try: tinygrad-edu simulate script.py")

    return _error_code(work) or 0


def build(asked: argparse.Namespace) -> int:
    """Build the driver; warnings of the compiler are shown."""

    def work() -> None:
        print(driver())
        if warned := driver_build.warnings():
            _print_error(warned)

    return _error_code(work) or 0


def info(asked: argparse.Namespace) -> int:
    """Print the parts of the simulator and their versions."""

    def work() -> None:
        toolchain.compiler()
        library = toolchain.library_path()
        print(f"library   {library}" + ("" if library.exists() else " (not built yet)"))
        print(f"build id  {toolchain.build_id()}")
        print(f"compiler  {toolchain.compiler()}: {toolchain.compiler_version()}")
        print(f"PyCUDA    {setup_pycuda.pycuda_version() or 'missing: tinygrad-edu simulator setup'}")
        print(f"cache     {toolchain.cache_folder()}")

    return _error_code(work) or 0


def why_unavailable() -> str:
    """Why the device "simulator" cannot be used here and what to do; "" if it can. Builds nothing."""
    try:
        toolchain.compiler()
    except toolchain.ToolchainError as error:
        return " ".join(str(error).split())
    return "" if setup_pycuda.pycuda_version() else "PyCUDA is missing: tinygrad-edu simulator setup"


def _error_code(work: Callable[[], object]) -> int | None:
    """Call `work`; print an error of the simulator with all its lines, and return 2 for it."""
    try:
        work()
    except (simulator.SimulatorError, toolchain.ToolchainError) as error:
        _print_error(f"tinygrad-edu: {error}")
        return 2
    return None


def _schedule(asked: argparse.Namespace) -> simulator.Schedule:
    try:
        return simulator.schedule(asked.schedule, asked.seed)
    except ValueError as error:
        raise UsageError(f"--seed {asked.seed}: {error}") from None


# -- the script ------------------------------------------------------------------------------------


def _run(start: Callable[[], object]) -> int:
    """Run the script; returns its exit code. Its variables are freed here, so what remains has leaked."""
    try:
        held = start()  # its variables: freeing them now would run deferred work and lose its error
        code = _finish_streams(0)
        del held
    except SystemExit as leave:
        if leave.code is None or isinstance(leave.code, int):
            return _finish_streams(leave.code or 0)
        _print_error(str(leave.code))
        return 1
    except Exception as error:
        _print_error(_error_text(error))
        return 1
    return code


def _finish_streams(code: int) -> int:
    """Run the work left in streams; returns 1 if it fails and the script did not."""
    report = control.finish()
    if code or report is None:
        return code
    _print_error(f"when the script had ended:\n{report}")
    return 1


def _error_text(error: Exception) -> str:
    """The user's line and the report, for an error of the driver or the compiler; else a traceback."""
    ours = isinstance(error, simulator.SimulatorError)
    if not ours and type(error).__module__.partition(".")[0] != "pycuda":
        rest = error.__traceback__
        while rest is not None and not _is_user_frame(rest):
            rest = rest.tb_next
        return "".join(traceback.format_exception(type(error), error, rest)).rstrip()
    text = str(error)
    if quoted := _STDERR.search(text):
        text = f"nvcc:\n{quoted[1].rstrip()}"
    else:
        text = re.sub(r"^(cu\w+ failed): ", r"\1:\n", text)
    return "\n".join([*_user_line(error.__traceback__), text])


def _user_line(trace: TracebackType | None) -> list[str]:
    """`train.py:31: kernel(x, ...)`, the last line of the user's own files before PyCUDA."""
    found: list[str] = []
    while trace is not None:
        if _is_user_frame(trace):
            (summary,) = traceback.extract_tb(trace, limit=1)
            found = [f"{control.short_path(summary.filename)}:{summary.lineno}: {summary.line}"]
        trace = trace.tb_next
    return found


def _is_user_frame(trace: TracebackType) -> bool:
    return control.user_frame(trace.tb_frame) is trace.tb_frame and trace.tb_frame.f_globals.get(
        "__name__"
    ) not in ("runpy", "contextlib")


def _report_leaks() -> int:
    """The end of --check: 0, or 1 with a report of what was never freed."""
    held: list[dict[str, Any]] = checking.allocations()
    if held:
        _print_error(checking.leak_report(held))
        return 1
    count = int(control.get_value("launches"))
    said = f"no errors found in {count} launch{'es' * (count != 1)}" if count else "no kernel was launched"
    _print_error(f"tinygrad-edu simulate --check: {said}")
    return 0


def _print_error(text: str) -> None:
    sys.stdout.flush()
    print(text, file=sys.stderr)
