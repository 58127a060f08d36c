"""Floor 7: the command `tinygrad-edu`. Here: which command runs, and what an error turns into.

Exit codes: 0 done; 1 the answer is no (a wrong gradient, training diverged) or the program is at fault (with
a traceback); 2 the input is at fault, said in one line; 130 interrupted.
"""
from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from tinygrad_edu.cli.arguments import UsageError, in_options, parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (that of the process by default) and return its exit code."""
    try:
        asked = parser().parse_args(arguments)
    except SystemExit as leave:         # argparse's way: 2 after a bad line, 0 after --help
        return int(leave.code or 0)
    try:
        return int(asked.run(asked))
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # The reader (`head`, `less`) has had enough; what is left in the buffer must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 141
    except Exception as error:
        if not _is_input(error):
            raise
        said = _one_line(error)
        said = in_options(said) if asked.command in ("train", "predict") else said
        print(f"tinygrad-edu {asked.command}: {said}", file=sys.stderr)
        return 2


def _is_input(error: Exception) -> bool:
    """Whether the user, not the program, has to change something."""
    from tinygrad_edu.data import DataError
    from tinygrad_edu.errors import DeviceError, ShapeError
    from tinygrad_edu.nn import CheckpointError

    return isinstance(error, UsageError | DataError | CheckpointError | DeviceError | ShapeError | MemoryError
                      | FileNotFoundError | IsADirectoryError | NotADirectoryError | FileExistsError
                      | PermissionError)


def _one_line(error: Exception) -> str:
    """The message without line breaks; an error of the system as `file: reason`."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return " ".join(str(error).split())
