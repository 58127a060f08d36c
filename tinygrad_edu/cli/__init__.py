"""Floor 7: the command `tinygrad-edu`. This file runs the command and turns an error into an exit code.

Exit codes: 0 done; 1 the answer is no (a wrong gradient, training diverged), or an error of the program (with
a traceback); 2 an error in the input, reported in one line, or in a program of the user, with its own
traceback; 130 interrupted.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence

from tinygrad_edu.cli.arguments import ProgramError, UsageError, in_options, parser
from tinygrad_edu.errors import DeviceError, ShapeError, without_line


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (that of the process by default) and return its exit code."""
    try:
        asked = parser().parse_args(arguments)
    except SystemExit as leave:  # argparse exits so: 2 after a bad command line, 0 after --help
        return int(leave.code or 0)
    return execute(asked, asked.run)


def execute(asked: argparse.Namespace, run: Callable[[argparse.Namespace], int]) -> int:
    """Run a command whose options have been read; returns its exit code."""
    try:
        return int(run(asked))
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (`head`, `less`) has closed the pipe; what is buffered must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except ProgramError as error:
        sys.stderr.write(str(error))
        return 2
    except Exception as error:
        if not is_input(error):
            raise
        print(f"tinygrad-edu {asked.command}: {_one_line(error)}", file=sys.stderr)
        return 2


def is_input(error: Exception) -> bool:
    """Whether the user, not the program, has to change something."""
    from tinygrad_edu.data import DataError
    from tinygrad_edu.nn import CheckpointError

    if isinstance(error, OSError):  # an error of a file: missing, a folder, not writable, on a full disk
        return error.filename is not None or isinstance(error, FileNotFoundError)
    return isinstance(
        error, UsageError | DataError | CheckpointError | DeviceError | ShapeError | MemoryError
    )


def _one_line(error: Exception) -> str:
    """The message without line breaks, of options; an error of the system as `file: reason`."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(in_options(without_line(error)).split())
