"""The options of `tinygrad-edu launch`."""

from __future__ import annotations

import argparse
from typing import Any

from tinygrad_edu.cli.option_types import as_count, runner


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


# An option is a line or two: its definition and its help text.
# fmt: off
def add_launch(commands: Any) -> None:
    """Add the command `launch`."""
    launch = commands.add_parser(
        "launch", help="run a script in several processes, on one machine or many",
        description="Start a Python script once for each rank of a job, under MPI: by srun inside a Slurm "
                    "allocation, else by the mpiexec of this environment, else by that on the PATH. When a "
                    "rank fails, the whole job ends. Options come before the script; what follows it is "
                    "the script's own.",
        epilog="Example: tinygrad-edu launch -n 4 train.py --epochs 3")
    launch.add_argument("-n", dest="ranks", type=as_count, metavar="N",
                        help="number of ranks (default: as many as --hosts have, or as Slurm has allocated)")
    launch.add_argument("--hosts", metavar="A,B",
                        help="machines to use, reached by ssh: a,b; or a:2,b:2 for two ranks on each")
    launch.add_argument("--timeout", type=_seconds, metavar="S",
                        help="seconds that a rank waits for another before that is an error (default 300)")
    launch.add_argument("--env", action="append", default=[], metavar="NAME[=VALUE]",
                        help="an environment variable that all ranks get; repeat for more")
    launch.add_argument("--shrink", action="store_true",
                        help="go on without a rank that died: the script calls comm.shrink(); Open MPI only")
    launch.add_argument("--mpiexec", metavar="PATH", help="the mpiexec, or srun, to use")
    launch.add_argument("--agent", metavar="PATH", help="the program to reach other hosts by (default: ssh)")
    launch.add_argument("-m", dest="module", action="store_true",
                        help="SCRIPT is a module: -m package.module")
    launch.add_argument("words", nargs=argparse.REMAINDER, metavar="SCRIPT [ARGUMENTS]",
                        help="the script and what it is given")
    launch.set_defaults(run=runner("launch", "run"))
# fmt: on
