"""The command line as argparse sees it. Commands are imported when they run, so that `--help` is instant.

`train_arguments.py` has the options of `train`, `option_types.py` what their texts are read as.
"""

from __future__ import annotations

import argparse
import re
from typing import Any

from tinygrad_edu._version import __version__
from tinygrad_edu.catalogue import DATA_SETS
from tinygrad_edu.cli.launch_arguments import add_launch
from tinygrad_edu.cli.option_types import as_count, as_seed, as_shape, runner
from tinygrad_edu.cli.train_arguments import add_train, file_options
from tinygrad_edu.errors import without_line
from tinygrad_edu.phrases import Argument, Phrase


def in_options(text: str) -> str:
    """A text in the words of the command line: of the arguments that it speaks of, the options."""
    parts = text.parts if isinstance(text, Phrase) else (text,)
    return "".join(_option(part) if isinstance(part, Argument) else part for part in parts)


def _option(argument: Argument) -> str:
    """`say --label`, `--no-header`, `--task regression`."""
    name = argument.name.replace("_", "-")
    said = "say " * argument.asked + ("--no-" if argument.value is False else "--") + name
    return said if argument.value in (None, ..., True, False) else f"{said} {argument.value}"


class UsageError(ValueError):
    """A command line, or a file it names, that cannot be used; the message says what to change."""


def as_usage(error: Exception) -> UsageError:
    """What the library has against an argument, said of the command line that gave it."""
    return UsageError(in_options(without_line(error)))


class ProgramError(Exception):
    """An error in the user's program that a command called; the message is its traceback."""


# From here on, an option is a line or two: its definition and its help text.
# fmt: off
def parser() -> argparse.ArgumentParser:
    """The parser of all commands; the `run` of its result executes the command."""
    top = argparse.ArgumentParser(
        prog="tinygrad-edu",
        description="Train networks on tables, predict with them, prove gradients, draw graphs, run CUDA "
                    "without a GPU.",
        epilog="Each command has its own --help. Exit codes: 0 done, 1 the answer is no or an internal "
               "error, 2 bad input, 130 interrupted.")
    top.add_argument("--version", action="version", version=f"tinygrad_edu {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    add_train(commands)
    _predict(commands)
    _tools(commands)
    add_launch(commands)
    _torch(commands)
    _simulator(commands)
    return top


def _predict(commands: Any) -> None:
    predict = commands.add_parser(
        "predict", help="apply a trained checkpoint to rows",
        description="Write the class and its probabilities (or the predicted quantity) for each row of DATA, "
                    "as CSV. DATA may have the label column or not; where it has, the score is printed too. "
                    "Columns are found by name if the model was trained on a file with a header, by position "
                    "if neither file has one. "
                    "Cells that a spreadsheet would take for a formula get a ' in front.")
    predict.add_argument("checkpoint", metavar="CHECKPOINT", help="model.safetensors, or the folder it is in")
    predict.add_argument("data", metavar="DATA",
                         help=f"as for train: {', '.join(DATA_SETS)}; or FILE.csv, FILE.fp; - for stdin")
    predict.add_argument("-o", "--out", metavar="FILE", help="the CSV to write (default: -, standard output)")
    file_options(predict)
    predict.set_defaults(run=runner("predict", "run"))


def _tools(commands: Any) -> None:
    gradcheck = commands.add_parser(
        "gradcheck", help="prove that a function's gradients are its derivatives",
        description="Compare the gradients of a Python function of tensors with numeric derivatives, at "
                    "random float64 inputs. MODULE is imported, so what it does outside of functions runs: "
                    'keep that under if __name__ == "__main__". Exit code 1 when the gradients are wrong, '
                    "2 when they cannot be judged. An op of the library, as tinygrad_edu:log, is checked by "
                    "its own declaration when no shape is given.")
    _function(gradcheck)
    gradcheck.add_argument("--order", type=as_count, default=2, metavar="N",
                           help="2 also proves the gradients of the gradients (default 2)")
    gradcheck.set_defaults(run=runner("tools", "gradcheck"))
    graph = commands.add_parser(
        "graph", help="draw the graph a function records",
        description="Call a Python function of tensors and draw what it records and saves. MODULE is "
                    "imported, so what it does outside of functions runs.")
    _function(graph)
    graph.add_argument("-o", "--out", metavar="FILE",
                       help=".svg, .dot or .txt (default: text, on standard output)")
    graph.set_defaults(run=runner("tools", "graph"))
    info = commands.add_parser("info", help="versions, devices, data sets and extras of this installation",
                               description="Say what this installation has; put it into a bug report.")
    info.set_defaults(run=runner("tools", "info"))


def _function(command: argparse.ArgumentParser) -> None:
    # argparse would read the -1e-3 of `--range -1e-3 1e-3` as an option
    command._negative_number_matcher = re.compile(r"-(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$", re.IGNORECASE)
    command.add_argument("function", metavar="MODULE:FUNCTION",
                         help="such as mymodule:loss, or path/to/file.py:loss")
    command.add_argument("--shape", type=as_shape, action="append", metavar="3,4",
                         help="shape of an input, once for each; or 'scalar' (default 3,4 for each)")
    command.add_argument("--range", type=float, nargs=2, default=(-2.0, 2.0), metavar=("LOW", "HIGH"),
                         help="inputs are uniform in it (default -2 2)")
    command.add_argument("--seed", type=as_seed, default=0, metavar="S", help="of the inputs (default 0)")


def _torch(commands: Any) -> None:
    torch = commands.add_parser(
        "torch", help="run a PyTorch program, unmodified, without PyTorch",
        description="Run a Python program that imports torch, unchanged, on this library. Options come "
        "before the program; what follows it is the program's own.",
        epilog="Example: tinygrad-edu torch --device simulator train.py --epochs 3")
    torch.add_argument("--device", choices=("cpu", "cuda", "simulator"), default="cpu",
                       help="what answers to the device \"cuda\", if anything: a GPU, or its simulation "
                            "(default cpu: no GPU is there)")
    torch.add_argument("--check", action="store_true",
                       help="with --device simulator: watch the kernels for races and bounds")
    torch.add_argument("--check-only", action="store_true",
                       help="run nothing: list the words of PyTorch in it that are not here, with their "
                       "lines")
    torch.add_argument("-m", dest="module", action="store_true", help="SCRIPT is a module: -m package.module")
    torch.add_argument("words", nargs=argparse.REMAINDER, metavar="SCRIPT [ARGUMENTS]",
                       help="the program and what it is given")
    torch.set_defaults(run=runner("torch", "run"))


def _simulator(commands: Any) -> None:
    simulate = commands.add_parser(
        "simulate", help="run a PyCUDA script without a GPU",
        description="Run a Python script that uses PyCUDA, unchanged, on a simulated GPU. Options come "
                    "before the script; what follows it is the script's own.",
        epilog="Example: tinygrad-edu simulate --check train.py --epochs 3")
    simulate.add_argument("--check", action="store_true",
                          help="watch the kernels: races, bounds, uninitialised memory, leaks")
    simulate.add_argument("--profile", action="store_true",
                          help="count memory traffic, bank conflicts and divergence, line by line")
    simulate.add_argument("--html", metavar="FILE", help="with --profile: write it as a page too")
    simulate.add_argument("--deferred", action="store_true",
                          help="work in streams waits for a synchronisation, as it may on a GPU")
    simulate.add_argument("--schedule", choices=("forward", "reverse", "random"), default="forward",
                          help="order of blocks and threads (default forward)")
    simulate.add_argument("--seed", type=as_seed, default=0, metavar="N",
                          help="of --schedule random (default 0)")
    simulate.add_argument("-m", dest="module", action="store_true",
                          help="SCRIPT is a module: -m package.module")
    simulate.add_argument("words", nargs=argparse.REMAINDER, metavar="SCRIPT [ARGUMENTS]",
                          help="the script and what it is given")
    simulate.set_defaults(run=runner("simulate", "run"))
    simulator = commands.add_parser("simulator", help="make the simulator ready, or say what it is made of")
    parts = simulator.add_subparsers(dest="part", required=True, metavar="PART")
    setup = parts.add_parser(
        "setup", help="build the driver and PyCUDA, and install PyCUDA",
        description="Build the simulator's driver and, where PyCUDA is not installed, PyCUDA too, without a "
                    "CUDA toolkit. PyCUDA is kept in the cache as a wheel.")
    setup.add_argument("--wheel-dir", metavar="DIR", help="keep PyCUDA's wheel here instead of in the cache")
    setup.set_defaults(run=runner("simulate", "setup"))
    build = parts.add_parser("build", help="build the driver, and print where it is")
    build.set_defaults(run=runner("simulate", "build"))
    info = parts.add_parser("info", help="library, build id, compiler and PyCUDA")
    info.set_defaults(run=runner("simulate", "info"))
# fmt: on
