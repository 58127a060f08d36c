"""Runs a user's script in this process, as Python itself would: its arguments, its folder, its errors."""

from __future__ import annotations

import importlib.util
import linecache
import runpy
import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from tinygrad_edu.cli.arguments import UsageError

_OWN = (__file__, runpy.__file__, "<frozen runpy>")


def runner(words: Sequence[str], module: bool, example: str) -> Callable[[], object]:
    """A function that runs a script, or a module; sets sys.argv and sys.path for it.

    Raises UsageError if there is no name, FileNotFoundError if there is no such script.
    """
    words = words[1:] if words[:1] == ["--"] else words
    if not words:
        raise UsageError(f"name a script, as in: {example}; or a module with -m")
    name = words[0]
    if module:
        sys.path[0] = str(Path.cwd())
        try:
            found = importlib.util.find_spec(name)
        except ModuleNotFoundError:
            found = None
        if found is None:
            raise UsageError(f"no module {name!r}, looked for in {Path.cwd()} and on the path")
        sys.argv = list(words)
        return lambda: runpy.run_module(name, run_name="__main__", alter_sys=True)
    if not Path(name).exists():
        raise FileNotFoundError(2, "no such script", name)
    sys.argv = list(words)
    sys.path[0] = str(Path(name).resolve().parent)
    return lambda: runpy.run_path(name, run_name="__main__")


def run(start: Callable[[], object]) -> int:
    """Run the script; returns its exit code, 1 after an error, which is printed as Python prints it."""
    try:
        start()
    except SystemExit as leave:
        if leave.code is None or isinstance(leave.code, int):
            return leave.code or 0
        print(leave.code, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BaseException as error:
        sys.stdout.flush()
        print(error_text(error), file=sys.stderr, end="")
        return 1
    return 0


def error_text(error: BaseException) -> str:
    """The traceback, from the script's first line on."""
    linecache.checkcache()
    return "".join(traceback.format_exception(type(error), error, _of_the_script(error.__traceback__)))


def _of_the_script(trace: TracebackType | None) -> TracebackType | None:
    while trace is not None and (
        trace.tb_frame.f_code.co_filename in _OWN or trace.tb_frame.f_globals.get("__name__") == "runpy"
    ):
        trace = trace.tb_next
    return trace
