"""The options of `tinygrad-edu train`, and those with which any command reads a file.

Options of `train` have no default here (None means "not given"): defaults depend on the data, see the
`catalogue`, and a resumed run takes them from its checkpoint.
"""

from __future__ import annotations

import argparse
from typing import Any

from tinygrad_edu.catalogue import ACTIVATIONS, DATA_SETS, DTYPES, OPTIMIZERS, SCHEMES
from tinygrad_edu.cli.option_types import (
    as_count,
    as_delimiter,
    as_hidden,
    as_impute,
    as_number,
    as_staleness,
    runner,
)


# An option is a line or two: its definition and its help text.
# fmt: off
def add_train(commands: Any) -> None:
    """Add `train` to the commands."""
    train = commands.add_parser(
        "train", help="train a multilayer perceptron and judge it on held-out rows",
        description="Train a multilayer perceptron on a data set or a file, its columns standardised, "
                    "judge it on rows held out, and write a checkpoint, the history and pictures. Labels "
                    "that are words or few different whole numbers are classes; with a fraction, or many "
                    "different ones, they make it a regression.",
        epilog="Example: tinygrad-edu train my.csv --label outcome --hidden 64,32 --dropout 0.2 --folds 5")
    train.add_argument("data", metavar="DATA",
                       help=f"{', '.join(DATA_SETS)}; or FILE.csv, FILE.fp (also .gz); - for a CSV on stdin")
    table = train.add_argument_group("data")
    file_options(table)
    table.add_argument("--encode", action="store_true", default=None,
                       help="take columns of words (one of 0 and 1 for each), dates (days since 1970), "
                            "yes and no")
    table.add_argument("--categories", metavar="COLUMN", action="append",
                       help="a column whose numbers are names, such as postcodes; repeat for more")
    table.add_argument("--impute", type=as_impute, metavar="WHAT",
                       help="fill empty cells with the column's median or mean in the training rows, or "
                            "with a number")
    table.add_argument("--test-fraction", type=float, metavar="F",
                       help="share of the rows to hold out (default 0.25)")
    table.add_argument("--folds", type=as_count, metavar="K",
                       help="K-fold cross-validation instead of one held-out part")
    model = train.add_argument_group("model")
    model.add_argument("--hidden", type=as_hidden, action="append", metavar="UNITS",
                       help="units of a hidden layer; repeat, or a list 64,32; 'none' for none (default 100)")
    model.add_argument("--activation", choices=ACTIVATIONS, help="(default relu; tanh in the plane)")
    model.add_argument("--dropout", type=float, metavar="P", help="chance that a hidden unit is dropped")
    model.add_argument("--dtype", choices=DTYPES, help="(default float32)")
    optimizer = train.add_argument_group("optimization (defaults depend on the data and are printed)")
    optimizer.add_argument("--optimizer", choices=OPTIMIZERS,
                           help="(default adam; momentum and nesterov use 0.9)")
    optimizer.add_argument("--lr", type=float, metavar="RATE", help="learning rate")
    optimizer.add_argument("--epochs", type=as_count, metavar="N", help="passes over the training rows")
    optimizer.add_argument("--batch-size", type=as_count, metavar="N", help="rows in a step (default 32)")
    optimizer.add_argument("--weight-decay", type=float, metavar="W",
                           help="L2 penalty; decoupled for adamw (default 0)")
    optimizer.add_argument("--patience", type=int, metavar="N",
                           help="stop when the training loss has stood still for N epochs (default 0: never)")
    optimizer.add_argument("--seed", type=int, metavar="S",
                           help="of split, weights, order and dropout (default 0)")
    job = train.add_argument_group("workers (a batch is that of all of them together)")
    job.add_argument("--workers", type=as_count, metavar="N",
                     help="how many share the rows of each batch (default: this process alone)")
    job.add_argument("--scheme", choices=SCHEMES,
                     help="how their gradients become steps (default all-reduce); parameter-server starts "
                          "one rank more, the server")
    job.add_argument("--staleness", type=as_staleness, metavar="K",
                     help="with parameter-server: 0 waits for all workers (default); a number lets one be so "
                          "many steps ahead of the slowest, 'none' any number, and then each part of a batch "
                          "is a step")
    job.add_argument("--backups", type=as_number, metavar="B",
                     help="with parameter-server: each step waits for all workers but B (default 0)")
    job.add_argument("--cluster", choices=("mpi", "threads"),
                     help="workers are processes under MPI, or threads of this process (default mpi)")
    run = train.add_argument_group("the run")
    run.add_argument("--out", metavar="DIR", help="where to write (default ./tinygrad-edu-out/DATA)")
    run.add_argument("--device", metavar="NAME",
                     help="cpu, cuda, cuda:1, ... or simulator (default cpu, or $TINYGRAD_EDU_DEVICE)")
    run.add_argument("--resume", action="store_true",
                     help="go on from DIR's checkpoint, bit for bit; with a larger --epochs, train longer")
    run.add_argument("--quiet", action="store_true", help="print the result only")
    train.set_defaults(run=runner("train", "run"))


def file_options(group: Any) -> None:
    """Add the options that say how a file is read."""
    group.add_argument("--label", metavar="COLUMN",
                       help="column to predict, name or number from 0 (default: the last)")
    group.add_argument("--names", metavar="COLUMN", action="append",
                       help="column that names the rows, name or number from 0; repeat for more")
    group.add_argument("--header", action=argparse.BooleanOptionalAction,
                       help="line 1 names the columns, or does not (default: what it looks like)")
    group.add_argument("--delimiter", type=as_delimiter, metavar="CHAR",
                       help="what separates cells: a character, 'tab' or 'space' (default: what cuts evenly)")
    group.add_argument("--decimal", choices=(".", ","), help="decimal sign (default: what the numbers prove)")
    group.add_argument("--encoding", metavar="NAME", help="such as utf-8, utf-16 or cp1252 (default: found)")
    group.add_argument("--task", choices=("classification", "regression"),
                       help="(default: what the labels look like)")
# fmt: on
