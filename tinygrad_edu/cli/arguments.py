"""The command line as argparse sees it. Commands are imported when they run, so that `--help` is instant.

Options of `train` have no default here (None means "not given"): defaults depend on the data, see `PRESETS`,
and a resumed run takes them from its checkpoint.
"""
from __future__ import annotations

import argparse
import importlib
import re
from collections.abc import Callable, Mapping
from typing import Any

from tinygrad_edu._version import __version__

NAMES = ("digits", "tcga", "compounds", "mnist", "spiral", "circle", "xor", "gaussian")
ACTIVATIONS = ("relu", "tanh", "sigmoid", "leaky-relu", "elu", "silu", "gelu", "identity")
OPTIMIZERS = ("adam", "adamw", "sgd", "momentum", "nesterov")

# What suits each data set, over the defaults of training.Settings; a file gets "FILE".
_PLANE: Mapping[str, Any] = {"hidden": (16,), "activation": "tanh", "lr": 1e-2, "epochs": 100}
_SPARSE: Mapping[str, Any] = {"dropout": 0.5, "epochs": 30}     # few rows, many bits: they overfit
PRESETS: Mapping[str, Mapping[str, Any]] = {
    "digits": {"lr": 2e-3, "dropout": 0.2, "epochs": 60},
    "mnist": {"batch_size": 64, "dropout": 0.2, "epochs": 30},
    "tcga": _SPARSE, "compounds": _SPARSE,
    "spiral": {"hidden": (64, 64), "activation": "silu", "optimizer": "adamw", "lr": 5e-3,
               "weight_decay": 0.1, "epochs": 300},
    "circle": _PLANE, "xor": _PLANE, "gaussian": _PLANE,
    "FILE": {"dropout": 0.1, "epochs": 100},
}


# What the library says to a program, and what that is on a command line.
_OPTIONS = (("pass it as label= or names=", "name its column by --label or --names"),
            (r"pass another name or a number for (\w+)=", r"give another name or a number to --\1"),
            (r"pass task='(\w+)'", r"say --task \1"),
            (r"pass header=True", "give every column a name that is no number"),
            (r"if line 1 is data pass header=False", "write a line for each example"),
            (r"(pass|try another) delimiter=", "separate them by commas"),
            (r"device='(\w+)'", r"--device \1"),
            (r"\b(weight|batch)_(decay|size)\b", r"--\1-\2"))


def in_options(message: str) -> str:
    """A message about parameters, in the words of the command line."""
    for words, options in _OPTIONS:
        message = re.sub(words, options, message)
    return message


class UsageError(ValueError):
    """A command line, or a file it names, that cannot be carried out; the message says what to change."""


def _runner(module: str, function: str) -> Callable[[argparse.Namespace], int]:
    def run(asked: argparse.Namespace) -> int:
        return int(getattr(importlib.import_module(f"tinygrad_edu.cli.{module}"), function)(asked))
    return run


def _hidden(text: str) -> tuple[int, ...]:
    """`64,32` or `100`; `none` for no hidden layer."""
    if text == "none":
        return ()
    try:
        sizes = tuple(int(word) for word in text.split(","))
    except ValueError:
        sizes = (0,)
    if min(sizes) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not sizes such as 100 or 64,32, nor 'none'")
    return sizes


def _shape(text: str) -> tuple[int, ...]:
    """`3,4`; `scalar` for a single number."""
    if text == "scalar":
        return ()
    try:
        sizes = tuple(int(word) for word in text.split(",") if word)
    except ValueError:
        sizes = ()
    if not sizes or min(sizes) < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a shape such as 3,4 or 5, nor 'scalar'")
    return sizes


def _seed(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 0")
    return int(text)


def _count(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least 1")
    return number


def parser() -> argparse.ArgumentParser:
    """The parser of all commands; `run` of what it returns carries the command out."""
    top = argparse.ArgumentParser(
        prog="tinygrad-edu",
        description="Train networks on tables, predict with them, prove gradients, draw graphs, run CUDA "
                    "without a GPU.",
        epilog="Each command has its own --help. Exit codes: 0 done, 1 the answer is no or an internal "
               "error, 2 bad input, 130 interrupted.")
    top.add_argument("--version", action="version", version=f"tinygrad_edu {__version__}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _train(commands)
    _predict(commands)
    _tools(commands)
    _simulator(commands)
    return top


def _train(commands: Any) -> None:
    train = commands.add_parser(
        "train", help="train a multilayer perceptron and judge it on held-out rows",
        description="Train a multilayer perceptron on a data set or a file, judge it on rows held out, and "
                    "write a checkpoint, the history and pictures. Labels of whole numbers or words are "
                    "classes; labels with a fraction make it a regression.",
        epilog="Example: tinygrad-edu train my.csv --label outcome --hidden 64,32 --dropout 0.2 --folds 5")
    train.add_argument("data", metavar="DATA", help=f"{', '.join(NAMES)}; or FILE.csv, FILE.fp (also .gz)")
    table = train.add_argument_group("data")
    _file_options(table)
    table.add_argument("--test-fraction", type=float, metavar="F",
                       help="share of the rows to hold out (default 0.25)")
    table.add_argument("--folds", type=_count, metavar="K",
                       help="K-fold cross-validation instead of one held-out part")
    model = train.add_argument_group("model")
    model.add_argument("--hidden", type=_hidden, action="append", metavar="UNITS",
                       help="units of a hidden layer; repeat, or a list 64,32; 'none' for none (default 100)")
    model.add_argument("--activation", choices=ACTIVATIONS, help="(default relu; tanh in the plane)")
    model.add_argument("--dropout", type=float, metavar="P", help="chance that a hidden unit is dropped")
    model.add_argument("--dtype", choices=("float32", "float64"), help="(default float32)")
    optimizer = train.add_argument_group("optimization (defaults depend on the data and are printed)")
    optimizer.add_argument("--optimizer", choices=OPTIMIZERS,
                           help="(default adam; momentum and nesterov use 0.9)")
    optimizer.add_argument("--lr", type=float, metavar="RATE", help="learning rate")
    optimizer.add_argument("--epochs", type=_count, metavar="N", help="passes over the training rows")
    optimizer.add_argument("--batch-size", type=_count, metavar="N", help="rows in a step (default 32)")
    optimizer.add_argument("--weight-decay", type=float, metavar="W",
                           help="L2 penalty; decoupled for adamw (default 0)")
    optimizer.add_argument("--patience", type=int, metavar="N",
                           help="stop when the training loss has stood still for N epochs (default 0: never)")
    optimizer.add_argument("--seed", type=int, metavar="S",
                           help="of split, weights, order and dropout (default 0)")
    run = train.add_argument_group("the run")
    run.add_argument("--out", metavar="DIR", help="where to write (default ./tinygrad-edu-out/DATA)")
    run.add_argument("--device", metavar="NAME",
                     help="cpu, cuda, cuda:1, ... or simulator (default cpu, or $TINYGRAD_EDU_DEVICE)")
    run.add_argument("--resume", action="store_true",
                     help="go on from DIR's checkpoint, bit for bit; with a larger --epochs, train longer")
    run.add_argument("--quiet", action="store_true", help="print the result only")
    train.set_defaults(run=_runner("train", "run"))


def _file_options(group: Any) -> None:
    group.add_argument("--label", metavar="COLUMN",
                       help="column to predict, name or number from 0 (default: the last)")
    group.add_argument("--names", metavar="COLUMN", help="column that names the rows, name or number from 0")
    group.add_argument("--task", choices=("classification", "regression"),
                       help="(default: what the labels look like)")


def _predict(commands: Any) -> None:
    predict = commands.add_parser(
        "predict", help="apply a trained checkpoint to rows",
        description="Write the class and its probabilities (or the predicted quantity) for each row of DATA, "
                    "as CSV. DATA may have the label column or not; where it has, the score is printed too.")
    predict.add_argument("checkpoint", metavar="CHECKPOINT", help="model.safetensors, or the folder it is in")
    predict.add_argument("data", metavar="DATA", help="as for train")
    predict.add_argument("-o", "--out", metavar="FILE", help="the CSV to write (default: standard output)")
    _file_options(predict)
    predict.set_defaults(run=_runner("predict", "run"))


def _tools(commands: Any) -> None:
    gradcheck = commands.add_parser(
        "gradcheck", help="prove that a function's gradients are its derivatives",
        description="Compare the gradients of a Python function of tensors with numeric derivatives, at "
                    "random float64 inputs. Exit code 1 when they are wrong. An op of the library, as "
                    "tinygrad_edu:log, is checked by its own declaration when no shape is given.")
    _function(gradcheck)
    gradcheck.add_argument("--order", type=_count, default=2, metavar="N",
                           help="2 also proves the gradients of the gradients (default 2)")
    gradcheck.set_defaults(run=_runner("tools", "gradcheck"))
    graph = commands.add_parser(
        "graph", help="draw the graph a function records",
        description="Call a Python function of tensors and draw what it records and saves.")
    _function(graph)
    graph.add_argument("-o", "--out", metavar="FILE",
                       help=".svg, .dot or .txt (default: text, on standard output)")
    graph.set_defaults(run=_runner("tools", "graph"))
    info = commands.add_parser("info", help="versions, devices, data sets and extras of this installation",
                               description="Say what this installation has; put it into a bug report.")
    info.set_defaults(run=_runner("tools", "info"))


def _function(command: argparse.ArgumentParser) -> None:
    command.add_argument("function", metavar="MODULE:FUNCTION",
                         help="such as mymodule:loss, or path/to/file.py:loss")
    command.add_argument("--shape", type=_shape, action="append", metavar="3,4",
                         help="shape of an input, once for each; or 'scalar' (default 3,4 for each)")
    command.add_argument("--range", type=float, nargs=2, default=(-2.0, 2.0), metavar=("LOW", "HIGH"),
                         help="inputs are uniform in it (default -2 2)")
    command.add_argument("--seed", type=_seed, default=0, metavar="S", help="of the inputs (default 0)")


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
    simulate.add_argument("--seed", type=_seed, default=0, metavar="N",
                          help="of --schedule random (default 0)")
    simulate.add_argument("-m", dest="module", action="store_true",
                          help="SCRIPT is a module: -m package.module")
    simulate.add_argument("words", nargs=argparse.REMAINDER, metavar="SCRIPT [ARGUMENTS]",
                          help="the script and what it is given")
    simulate.set_defaults(run=_runner("simulate", "run"))
    simulator = commands.add_parser("simulator", help="make the simulator ready, or say what it is made of")
    parts = simulator.add_subparsers(dest="part", required=True, metavar="PART")
    setup = parts.add_parser(
        "setup", help="build the driver and PyCUDA, and install PyCUDA",
        description="Build the simulator's driver and, where PyCUDA is not installed, PyCUDA too, without a "
                    "CUDA toolkit. PyCUDA is kept in the cache as a wheel.")
    setup.add_argument("--wheel-dir", metavar="DIR", help="keep PyCUDA's wheel here instead of in the cache")
    setup.set_defaults(run=_runner("simulate", "setup"))
    build = parts.add_parser("build", help="build the driver, and print where it is")
    build.set_defaults(run=_runner("simulate", "build"))
    info = parts.add_parser("info", help="library, build id, compiler and PyCUDA")
    info.set_defaults(run=_runner("simulate", "info"))
